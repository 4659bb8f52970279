//! Who may do what, over the wire: the lists of requests that stand for the acts of [`domain::policy`], and what each cell
//! of its tables answers. `group_policy` and `pair_policy` walk the tables with them.

use std::collections::BTreeSet;

use domain::policy::{GROUP, PAIR, Why};
use protocol::{Code, MsgId, Request};

use super::{group_policy, pair_policy};

/// Requests about oneself, one's own lists, or the connection: there is nobody else whom they could concern, so the tables
/// have nothing to say of them.
const NOT_A_MATTER_OF_POLICY: &[MsgId] = &[
    MsgId::Hello,
    MsgId::Ping,
    MsgId::Login,
    MsgId::Reg,
    MsgId::Resume,
    MsgId::Recover,
    MsgId::Refresh,
    MsgId::LoginOut,
    MsgId::Sessions,
    MsgId::EndSession,
    MsgId::ChangePassword,
    MsgId::NewRecoveryCodes,
    MsgId::DeleteAccount,
    MsgId::EditProfile,
    MsgId::Notices,
    MsgId::AckNotices,
    MsgId::Broadcasts,
    MsgId::AckBroadcasts,
    MsgId::Friends,
    MsgId::FriendRequests,
    MsgId::Blocked,
    MsgId::RenameLabel,
    MsgId::CreateGroup,
    MsgId::Groups,
    MsgId::Invitations,
    MsgId::Conversations,
    MsgId::Quiet,
    MsgId::Hidden,
];

/// The code of each reason: what the pages of the protocol promise, written down once more.
pub(crate) fn stated(why: Why) -> Code {
    match why {
        Why::NotMember => Code::NOT_MEMBER,
        Why::AlreadyMember => Code::ALREADY_MEMBER,
        Why::NotAllowed => Code::NOT_ALLOWED,
        Why::OwnerStays => Code::OWNER_STAYS,
        Why::NotFriends => Code::NOT_FRIENDS,
        Why::AlreadyFriends => Code::ALREADY_FRIENDS,
        Why::NotFound => Code::NOT_FOUND,
        Why::Oneself => Code::SELF,
    }
}

/// Names of client message ids, each used once.
#[derive(Debug, Default)]
pub(super) struct Numbers(u32);

impl Numbers {
    pub(super) fn next(&mut self) -> String {
        self.0 += 1;
        format!("cell-{}", self.0)
    }
}

#[test]
fn every_request_is_in_a_table_or_no_matter_of_policy() {
    let mut numbers = Numbers::default();
    let mut walked = BTreeSet::new();
    let mut add = |requests: Vec<Request>| walked.extend(requests.iter().map(|it| u16::from(it.msgid())));
    for (act, _) in GROUP {
        let requests = group_policy::requests(*act, 1, 2, &mut numbers);
        assert!(!requests.is_empty(), "{act:?}");
        add(requests);
    }
    for (act, _) in PAIR {
        let requests = pair_policy::requests(*act, 1, 2, &mut numbers);
        assert!(!requests.is_empty(), "{act:?}");
        add(requests);
    }
    add(pair_policy::answers(1));
    add(group_policy::answers(1, 2));
    for msgid in Request::MSGIDS {
        let is_walked = walked.contains(&u16::from(*msgid));
        let is_no_matter = NOT_A_MATTER_OF_POLICY.contains(msgid);
        assert!(is_walked || is_no_matter, "nothing says who may send {}", msgid.name());
        assert!(!(is_walked && is_no_matter), "{} is in both lists", msgid.name());
    }
}
