//! What a client gets at login and resume: enough to draw its first screen, and where the rest is.

use std::fmt;

use domain::{ConversationFilter, Epoch, GroupsVersion, NoticePlace, NoticeSeq, StoreResult, UserId};
use protocol::encode::json_len;
use protocol::limits::{
    AVATAR_BYTES_MAX, FRAME_BYTES_MAX, GREETING_CHARS_MAX, GROUP_DESC_CHARS_MAX, GROUP_NAME_CHARS_MAX,
    LABEL_CHARS_MAX, NAME_CHARS_MAX, NICKNAME_CHARS_MAX, PAGE_MAX, REMARK_CHARS_MAX,
};
use protocol::{Friend, Secret, SignedIn};

use crate::caller::Principal;
use crate::cursors;
use crate::friends;
use crate::groups;
use crate::page::{Part, Slice};
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

/// Bytes of a bundle on the wire.
const BUNDLE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of each list in it. The page that is read first ends early where they do.
const FRIENDS_BYTES_MAX: usize = 24 * 1024;
const GROUPS_BYTES_MAX: usize = 16 * 1024;
const REQUESTS_BYTES_MAX: usize = 12 * 1024;
const CONVS_BYTES_MAX: usize = 10 * 1024;

/// The frame's header, the user, the token, versions, and the names of all fields.
const REST_BYTES_MAX: usize = 2 * 1024;

const _: () = assert!(
    FRIENDS_BYTES_MAX + GROUPS_BYTES_MAX + REQUESTS_BYTES_MAX + CONVS_BYTES_MAX + REST_BYTES_MAX
        <= BUNDLE_BYTES_MAX
);

/// The bundle, and the friends if they are all known by it.
pub(crate) struct Bundle {
    pub(crate) signed_in: SignedIn,
    pub(crate) all_friends: Option<Vec<UserId>>,
}

/// What the device says that it has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held<'a> {
    /// The log's epoch that all this is of.
    pub(crate) epoch: Option<&'a str>,
    /// The user's notices up to here.
    pub(crate) notices: Option<u64>,
    /// The broadcasts up to here.
    pub(crate) broadcasts: Option<u64>,
    /// The whole list of friends, of this version.
    pub(crate) friends: Option<&'a str>,
    /// The whole list of groups, of this version.
    pub(crate) groups: Option<&'a str>,
}

/// Reads the bundle: one query for how far everything goes and how much waits, and one for each of its four lists, no writes. To be called when the hub knows the connection, so that whatever is stored after this read is
/// pushed, and nothing falls between the two.
pub(crate) fn read(
    service: &Service,
    principal: &Principal,
    token: Option<Secret>,
    held: Held<'_>,
) -> StoreResult<Bundle> {
    let user = principal.user;
    let first = Slice::first(service.config.bundle_page_max);
    let epoch = service.epoch()?;
    // Before the lists: a list may be newer than its version says, never older.
    let standing = service.ports.store.standing(user, principal.session)?;
    let friends_version = in_epoch(epoch, standing.friends);
    let friends = Friends::read(service, user, held.friends == Some(&*friends_version), first)?;
    let groups_version = in_epoch(epoch, groups_version(standing.groups));
    let groups_unchanged = held.groups == Some(&*groups_version);
    let groups = if groups_unchanged { Part::empty() } else { groups::list(service, user, first)? };
    let groups = groups.within(GROUPS_BYTES_MAX, |group| group.id, json_len);
    let requests = friends::list_requests(service, user, first)?;
    let requests = requests.within(REQUESTS_BYTES_MAX, |request| request.id, json_len);
    let convs = cursors::list(service, user, ConversationFilter::WithNews, first)?;
    let convs = convs.within(CONVS_BYTES_MAX, |conv| conv.conv, json_len);
    let notices = place(standing.notices, held.notices);
    let broadcasts = service.broadcasts.place(standing.broadcasts, user, principal.session, held.broadcasts);
    let signed_in = SignedIn {
        id: user.0,
        name: principal.name.to_string(),
        session: principal.session.0,
        token,
        epoch: epoch.to_string(),
        friends: friends.first.entries,
        friends_next: friends.first.next,
        friends_version,
        friends_unchanged: friends.unchanged,
        friends_online: friends.online,
        groups: groups.entries,
        groups_next: groups.next,
        groups_version,
        groups_unchanged,
        requests: requests.entries,
        requests_next: requests.next,
        convs: convs.entries,
        convs_next: convs.next,
        notices_last: notices.last.0,
        notices_acked: notices.acked.0,
        broadcasts_last: broadcasts.last.0,
        broadcasts_acked: broadcasts.acked.0,
        applications: standing.waiting.applications,
        invitations: standing.waiting.invitations,
        quiet_version: standing.quiet,
        hidden_last: standing.hidden.0,
    };
    Ok(Bundle { signed_in, all_friends: friends.all })
}

impl<'a> Held<'a> {
    /// What counts of it where the log's epoch is this one: nothing, if it is of another.
    pub(crate) fn of(self, epoch: Epoch) -> Held<'a> {
        match self.epoch {
            Some(held) if held != epoch.to_string() => Held::default(),
            _ => self,
        }
    }
}

/// What the bundle says of friends.
struct Friends {
    unchanged: bool,
    /// Empty if unchanged.
    first: Part<Friend>,
    /// If unchanged: who is online, if that is known.
    online: Option<Vec<u64>>,
    /// All of them, if they are known.
    all: Option<Vec<UserId>>,
}

impl Friends {
    fn read(service: &Service, user: UserId, is_held: bool, first: Slice) -> StoreResult<Friends> {
        let mut all = None;
        if is_held {
            let ids = service.ports.store.friend_ids(user)?;
            let online = friends::online(service, &ids);
            if json_len(&online) <= FRIENDS_BYTES_MAX {
                return Ok(Friends { unchanged: true, first: Part::empty(), online, all: Some(ids) });
            }
            all = Some(ids);
        }
        let part = friends::list(service, user, first)?;
        let part = part.within(FRIENDS_BYTES_MAX, |friend| friend.id, json_len);
        if part.next == 0 {
            all = Some(part.entries.iter().map(|friend| UserId(friend.id)).collect());
        }
        Ok(Friends { unchanged: false, first: part, online: None, all })
    }
}

/// A version as clients see it: after a restore it counts what it counted before, so it says where it belongs.
fn in_epoch(Epoch([a, b, c, d, ..]): Epoch, version: impl fmt::Display) -> String {
    format!("{:08x}.{version}", u32::from_be_bytes([a, b, c, d]))
}

/// A version of the list of groups. No two states of a list have the same: the first number counts up whenever the list has
/// other groups in it, and between those the second only grows.
fn groups_version(version: GroupsVersion) -> String {
    format!("{}.{}", version.memberships, version.groups)
}

/// After which notice this device goes on: what it says it has, or else what its session acknowledged.
fn place(stored: NoticePlace, held: Option<u64>) -> NoticePlace {
    let acked = held.map_or(stored.acked, |held| NoticeSeq(held).min(stored.last));
    NoticePlace { acked, ..stored }
}
