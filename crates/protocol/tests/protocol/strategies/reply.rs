//! Any reply of a type.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::*;

use super::basics::*;
use super::groups::*;
use super::messages::*;
use super::people::*;

/// Any reply of this type.
pub(super) fn reply_of(id: MsgId) -> BoxedStrategy<Reply> {
    match id {
        MsgId::Hello => hello_reply().prop_map(Reply::Hello).boxed(),
        MsgId::Ping => nothing().prop_map(Reply::Ping).boxed(),
        MsgId::LoginAck => signed_in().prop_map(Reply::Login).boxed(),
        MsgId::RegAck => {
            fields!(Registered { id: n(), recovery_codes: vec(secret(), 0..3) }).prop_map(Reply::Reg).boxed()
        }
        MsgId::Resume => signed_in().prop_map(Reply::Resume).boxed(),
        MsgId::Refresh => signed_in().prop_map(Reply::Refresh).boxed(),
        MsgId::LoginOut => nothing().prop_map(Reply::LogOut).boxed(),
        MsgId::Sessions => {
            fields!(SessionsList { sessions: vec(session(), 0..3) }).prop_map(Reply::Sessions).boxed()
        }
        MsgId::EndSession => nothing().prop_map(Reply::EndSession).boxed(),
        MsgId::AddFriend => friend_answer().prop_map(Reply::AddFriend).boxed(),
        MsgId::AcceptFriend => friend_answer().prop_map(Reply::AcceptFriend).boxed(),
        MsgId::RefuseFriend => nothing().prop_map(Reply::RefuseFriend).boxed(),
        MsgId::WithdrawFriend => nothing().prop_map(Reply::WithdrawFriend).boxed(),
        MsgId::DeleteFriend => nothing().prop_map(Reply::DeleteFriend).boxed(),
        MsgId::Friends => {
            fields!(FriendsPage { friends: vec(friend(), 0..3), next: n() }).prop_map(Reply::Friends).boxed()
        }
        MsgId::FriendRequests => {
            fields!(FriendRequestsPage { requests: vec(friend_request(), 0..3), next: n() })
                .prop_map(Reply::FriendRequests)
                .boxed()
        }
        MsgId::Block => nothing().prop_map(Reply::Block).boxed(),
        MsgId::Unblock => nothing().prop_map(Reply::Unblock).boxed(),
        MsgId::Blocked => fields!(BlockedPage { blocked: vec(found_user(), 0..3), next: n() })
            .prop_map(Reply::Blocked)
            .boxed(),
        MsgId::CreateGroup => joined().prop_map(Reply::CreateGroup).boxed(),
        MsgId::AddGroup => join_answer().prop_map(Reply::JoinGroup).boxed(),
        MsgId::Applications => {
            fields!(ApplicationsPage { applications: vec(application(), 0..3), next_groupid: n(), next: n() })
                .prop_map(Reply::Applications)
                .boxed()
        }
        MsgId::DecideApplication => nothing().prop_map(Reply::DecideApplication).boxed(),
        MsgId::WithdrawApplication => nothing().prop_map(Reply::WithdrawApplication).boxed(),
        MsgId::Invite => join_answer().prop_map(Reply::Invite).boxed(),
        MsgId::Invitations => fields!(InvitationsPage { invitations: vec(invitation(), 0..3), next: n() })
            .prop_map(Reply::Invitations)
            .boxed(),
        MsgId::AnswerInvitation => join_answer().prop_map(Reply::AnswerInvitation).boxed(),
        MsgId::WithdrawInvitation => nothing().prop_map(Reply::WithdrawInvitation).boxed(),
        MsgId::LeaveGroup => nothing().prop_map(Reply::LeaveGroup).boxed(),
        MsgId::Groups => {
            fields!(GroupsPage { groups: vec(group(), 0..3), next: n() }).prop_map(Reply::Groups).boxed()
        }
        MsgId::GroupMembers => {
            let member = fields!(Member {
                id: n(),
                name: text(),
                nickname: text(),
                avatar: text(),
                state: word(State::TABLE),
                role: word(Role::TABLE)
            });
            fields!(MembersPage { users: vec(member, 0..3), next: n() }).prop_map(Reply::GroupMembers).boxed()
        }
        MsgId::RemoveMember => nothing().prop_map(Reply::RemoveMember).boxed(),
        MsgId::SetRole => nothing().prop_map(Reply::SetRole).boxed(),
        MsgId::HandOver => nothing().prop_map(Reply::HandOver).boxed(),
        MsgId::DissolveGroup => nothing().prop_map(Reply::DissolveGroup).boxed(),
        MsgId::EditGroup => nothing().prop_map(Reply::EditGroup).boxed(),
        MsgId::GroupProfile => fields!(GroupProfile {
            group: group(),
            announcement: text(),
            avatar: text(),
            joining: word(Joining::TABLE),
            muted_until: n(),
            own_muted_until: n(),
        })
        .prop_map(Reply::GroupProfile)
        .boxed(),
        MsgId::MuteMember => nothing().prop_map(Reply::MuteMember).boxed(),
        MsgId::MuteGroup => nothing().prop_map(Reply::MuteGroup).boxed(),
        MsgId::OneChat => sent().prop_map(Reply::OneChat).boxed(),
        MsgId::GroupChat => sent().prop_map(Reply::GroupChat).boxed(),
        MsgId::History => {
            fields!(HistoryPage { conv: n(), messages: vec(message(), 0..3), first: n(), last: n() })
                .prop_map(Reply::History)
                .boxed()
        }
        MsgId::Conversations => fields!(ConversationsPage { convs: vec(conversation(), 0..3), next: n() })
            .prop_map(Reply::Conversations)
            .boxed(),
        MsgId::Recall => changed().prop_map(Reply::Recall).boxed(),
        MsgId::EditMessage => changed().prop_map(Reply::EditMessage).boxed(),
        MsgId::Hide => hidden_messages().prop_map(Reply::Hide).boxed(),
        MsgId::Typing => nothing().prop_map(Reply::Typing).boxed(),
        MsgId::Hidden => {
            fields!(HiddenPage { hidden: vec(hidden(), 0..4), next: n() }).prop_map(Reply::Hidden).boxed()
        }
        MsgId::Changes => changes_page().prop_map(Reply::Changes).boxed(),
        MsgId::Ack => nothing().prop_map(Reply::Ack).boxed(),
        MsgId::Read => nothing().prop_map(Reply::Read).boxed(),
        MsgId::Quiet => {
            fields!(QuietList { version: n(), quiet: vec(quiet(), 0..4) }).prop_map(Reply::Quiet).boxed()
        }
        MsgId::SetQuiet => quiet_changed().prop_map(Reply::SetQuiet).boxed(),
        MsgId::Receipts => {
            let count = || {
                fields!(ReceiptCount {
                    seq: n(),
                    of: any::<u32>(),
                    delivered: any::<u32>(),
                    read: any::<u32>()
                })
            };
            fields!(ReceiptsList { conv: n(), delivered: n(), read: n(), counts: vec(count(), 0..4) })
                .prop_map(Reply::Receipts)
                .boxed()
        }
        MsgId::ChangePassword => nothing().prop_map(Reply::ChangePassword).boxed(),
        MsgId::Recover => fields!(Recovered { id: n(), name: text(), codes_left: any::<u32>() })
            .prop_map(Reply::Recover)
            .boxed(),
        MsgId::NewRecoveryCodes => fields!(RecoveryCodes { recovery_codes: vec(secret(), 0..3) })
            .prop_map(Reply::NewRecoveryCodes)
            .boxed(),
        MsgId::DeleteAccount => nothing().prop_map(Reply::DeleteAccount).boxed(),
        MsgId::Profile => profile().prop_map(Reply::Profile).boxed(),
        MsgId::EditProfile => profile().prop_map(Reply::EditProfile).boxed(),
        MsgId::Notices => fields!(NoticesPage { notices: vec(notice(), 0..3), next: n(), last: n() })
            .prop_map(Reply::Notices)
            .boxed(),
        MsgId::AckNotices => nothing().prop_map(Reply::AckNotices).boxed(),
        MsgId::Broadcasts => {
            fields!(BroadcastsPage { broadcasts: vec(broadcast(), 0..3), next: n(), last: n() })
                .prop_map(Reply::Broadcasts)
                .boxed()
        }
        MsgId::AckBroadcasts => nothing().prop_map(Reply::AckBroadcasts).boxed(),
        MsgId::SearchUsers => fields!(FoundUsers { found: vec(found_user(), 0..3), next: n() })
            .prop_map(Reply::SearchUsers)
            .boxed(),
        MsgId::SearchMessages => {
            fields!(FoundMessages { messages: vec(message(), 0..3), next: option::of(text()) })
                .prop_map(Reply::SearchMessages)
                .boxed()
        }
        MsgId::EditFriend => friend().prop_map(Reply::EditFriend).boxed(),
        MsgId::RenameLabel => {
            any::<u32>().prop_map(|changed| Reply::RenameLabel(LabelRenamed { changed })).boxed()
        }
        other => panic!("{other:?} is a reply now: give it a strategy"),
    }
}
