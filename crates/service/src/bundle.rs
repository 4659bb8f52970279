//! What a client gets at login and resume: enough to draw its first screen, and where the rest is.

use domain::{ConversationFilter, StoreResult, UserId};
use protocol::limits::{
    AVATAR_BYTES_MAX, FRAME_BYTES_MAX, GREETING_CHARS_MAX, GROUP_DESC_CHARS_MAX, GROUP_NAME_CHARS_MAX,
    LABEL_CHARS_MAX, NAME_CHARS_MAX, NICKNAME_CHARS_MAX, PAGE_MAX, REMARK_CHARS_MAX,
};
use protocol::{Secret, SignedIn};

use crate::caller::Principal;
use crate::cursors;
use crate::friends;
use crate::groups;
use crate::page::Slice;
use crate::personal_notices;
use crate::service::Service;

const _: () = {
    // Even with the longest lists of the longest texts, each character escaped in JSON as \uXXXX, a bundle fits a
    // frame; and so does each single page.
    const NUMBERS: usize = 192;
    const FRIEND: usize = 6 * (NAME_CHARS_MAX + NICKNAME_CHARS_MAX + REMARK_CHARS_MAX + LABEL_CHARS_MAX)
        + AVATAR_BYTES_MAX
        + NUMBERS;
    const GROUP: usize = 6 * (GROUP_NAME_CHARS_MAX + GROUP_DESC_CHARS_MAX) + NUMBERS;
    const REQUEST: usize = 6 * (NAME_CHARS_MAX + NICKNAME_CHARS_MAX + GREETING_CHARS_MAX) + NUMBERS;
    assert!(PAGE_MAX as usize * (FRIEND + GROUP + REQUEST + NUMBERS) < FRAME_BYTES_MAX as usize);
};

/// The bundle, and the friends if they are all in it.
pub(crate) struct Bundle {
    pub(crate) signed_in: SignedIn,
    pub(crate) all_friends: Option<Vec<UserId>>,
}

/// What the device says that it has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// The user's notices up to here.
    pub(crate) notices: Option<u64>,
}

/// Reads the bundle: one query for each of its four lists and one for the notices, no writes. To be called when the hub knows the connection,
/// so that whatever is stored after this read is pushed, and nothing falls between the two.
pub(crate) fn read(
    service: &Service,
    principal: &Principal,
    token: Option<Secret>,
    held: Held,
) -> StoreResult<Bundle> {
    let user = principal.user;
    let first = Slice::first(service.config.bundle_page_max);
    let friends = friends::list(service, user, first)?;
    let groups = groups::list(service, user, first)?;
    let requests = friends::list_requests(service, user, first)?;
    let convs = cursors::list(service, user, ConversationFilter::WithNews, first)?;
    let notices = personal_notices::place(service, principal, held.notices)?;
    let all_friends =
        (friends.next == 0).then(|| friends.entries.iter().map(|friend| UserId(friend.id)).collect());
    let signed_in = SignedIn {
        id: user.0,
        name: principal.name.to_string(),
        session: principal.session.0,
        token,
        friends: friends.entries,
        friends_next: friends.next,
        groups: groups.entries,
        groups_next: groups.next,
        requests: requests.entries,
        requests_next: requests.next,
        convs: convs.entries,
        convs_next: convs.next,
        notices_last: notices.last.0,
        notices_acked: notices.acked.0,
    };
    Ok(Bundle { signed_in, all_friends })
}
