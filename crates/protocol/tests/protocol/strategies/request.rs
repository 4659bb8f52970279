//! Any request of a type.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::*;

use super::basics::*;
use super::groups::*;
use super::people::*;

/// Any request of this type.
pub(super) fn request_of(id: MsgId) -> BoxedStrategy<Request> {
    match id {
        MsgId::Hello => fields!(Hello { versions: vec(any::<u16>(), 0..4), client: text(), device: text() })
            .prop_map(Request::Hello)
            .boxed(),
        MsgId::Ping => nothing().prop_map(Request::Ping).boxed(),
        MsgId::Login => fields!(Login {
            id: option::of(n()),
            name: option::of(text()),
            password: secret(),
            notices_after: option::of(n()),
            broadcasts_after: option::of(n()),
            epoch: option::of(text()),
            friends_version: option::of(text()),
            groups_version: option::of(text())
        })
        .prop_map(Request::Login)
        .boxed(),
        MsgId::Reg => fields!(Reg { name: text(), password: secret() }).prop_map(Request::Reg).boxed(),
        MsgId::Resume => fields!(Resume {
            token: secret(),
            notices_after: option::of(n()),
            broadcasts_after: option::of(n()),
            epoch: option::of(text()),
            friends_version: option::of(text()),
            groups_version: option::of(text())
        })
        .prop_map(Request::Resume)
        .boxed(),
        MsgId::Refresh => fields!(Refresh {
            notices_after: option::of(n()),
            broadcasts_after: option::of(n()),
            epoch: option::of(text()),
            friends_version: option::of(text()),
            groups_version: option::of(text())
        })
        .prop_map(Request::Refresh)
        .boxed(),
        MsgId::LoginOut => nothing().prop_map(Request::LogOut).boxed(),
        MsgId::Sessions => nothing().prop_map(Request::Sessions).boxed(),
        MsgId::EndSession => fields!(SessionRef { session: n() }).prop_map(Request::EndSession).boxed(),
        MsgId::AddFriend => {
            fields!(AddFriend { friendid: n(), greeting: text() }).prop_map(Request::AddFriend).boxed()
        }
        MsgId::AcceptFriend => friend_ref().prop_map(Request::AcceptFriend).boxed(),
        MsgId::RefuseFriend => friend_ref().prop_map(Request::RefuseFriend).boxed(),
        MsgId::WithdrawFriend => friend_ref().prop_map(Request::WithdrawFriend).boxed(),
        MsgId::DeleteFriend => friend_ref().prop_map(Request::DeleteFriend).boxed(),
        MsgId::Friends => page().prop_map(Request::Friends).boxed(),
        MsgId::FriendRequests => page().prop_map(Request::FriendRequests).boxed(),
        MsgId::Block => user_ref().prop_map(Request::Block).boxed(),
        MsgId::Unblock => user_ref().prop_map(Request::Unblock).boxed(),
        MsgId::Blocked => page().prop_map(Request::Blocked).boxed(),
        MsgId::CreateGroup => fields!(CreateGroup { groupname: text(), groupdesc: text() })
            .prop_map(Request::CreateGroup)
            .boxed(),
        MsgId::AddGroup => {
            fields!(JoinGroup { groupid: n(), greeting: text() }).prop_map(Request::JoinGroup).boxed()
        }
        MsgId::Applications => {
            fields!(Applications { groupid: n(), after_groupid: n(), after: n(), limit: any::<u32>() })
                .prop_map(Request::Applications)
                .boxed()
        }
        MsgId::DecideApplication => {
            fields!(DecideApplication { groupid: n(), id: n(), decision: word(Verdict::TABLE) })
                .prop_map(Request::DecideApplication)
                .boxed()
        }
        MsgId::WithdrawApplication => group_ref().prop_map(Request::WithdrawApplication).boxed(),
        MsgId::Invite => member_ref().prop_map(Request::Invite).boxed(),
        MsgId::Invitations => page().prop_map(Request::Invitations).boxed(),
        MsgId::AnswerInvitation => fields!(AnswerInvitation { groupid: n(), decision: word(Verdict::TABLE) })
            .prop_map(Request::AnswerInvitation)
            .boxed(),
        MsgId::WithdrawInvitation => member_ref().prop_map(Request::WithdrawInvitation).boxed(),
        MsgId::LeaveGroup => group_ref().prop_map(Request::LeaveGroup).boxed(),
        MsgId::Groups => page().prop_map(Request::Groups).boxed(),
        MsgId::GroupMembers => fields!(GroupMembers { groupid: n(), after: n(), limit: any::<u32>() })
            .prop_map(Request::GroupMembers)
            .boxed(),
        MsgId::RemoveMember => member_ref().prop_map(Request::RemoveMember).boxed(),
        MsgId::SetRole => fields!(SetRole { groupid: n(), id: n(), role: word(Rank::TABLE) })
            .prop_map(Request::SetRole)
            .boxed(),
        MsgId::HandOver => member_ref().prop_map(Request::HandOver).boxed(),
        MsgId::DissolveGroup => group_ref().prop_map(Request::DissolveGroup).boxed(),
        MsgId::EditGroup => fields!(EditGroup {
            groupid: n(),
            groupname: option::of(text()),
            groupdesc: option::of(text()),
            announcement: option::of(text()),
            avatar: option::of(text()),
            joining: option::of(word(Joining::TABLE)),
        })
        .prop_map(Request::EditGroup)
        .boxed(),
        MsgId::GroupProfile => group_ref().prop_map(Request::GroupProfile).boxed(),
        MsgId::MuteMember => {
            fields!(MuteMember { groupid: n(), id: n(), until: n() }).prop_map(Request::MuteMember).boxed()
        }
        MsgId::MuteGroup => {
            fields!(MuteGroup { groupid: n(), until: n() }).prop_map(Request::MuteGroup).boxed()
        }
        MsgId::OneChat => fields!(OneChat {
            to: n(),
            msg: text(),
            client_msg_id: text(),
            reply_to: n(),
            mentions: vec(n(), 0..3),
        })
        .prop_map(Request::OneChat)
        .boxed(),
        MsgId::GroupChat => fields!(GroupChat {
            groupid: n(),
            msg: text(),
            client_msg_id: text(),
            reply_to: n(),
            mentions: vec(n(), 0..3),
        })
        .prop_map(Request::GroupChat)
        .boxed(),
        MsgId::History => fields!(History {
            conv: n(),
            after: option::of(n()),
            before: option::of(n()),
            at: option::of(n()),
            limit: any::<u32>()
        })
        .prop_map(Request::History)
        .boxed(),
        MsgId::Conversations => page().prop_map(Request::Conversations).boxed(),
        MsgId::Recall => fields!(MessageRef { conv: n(), seq: n() }).prop_map(Request::Recall).boxed(),
        MsgId::EditMessage => {
            fields!(EditMessage { conv: n(), seq: n(), msg: text(), mentions: vec(n(), 0..3) })
                .prop_map(Request::EditMessage)
                .boxed()
        }
        MsgId::Hide => fields!(Hide { conv: n(), seqs: vec(n(), 0..4) }).prop_map(Request::Hide).boxed(),
        MsgId::Typing => n().prop_map(|conv| Request::Typing(Typing { conv })).boxed(),
        MsgId::Hidden => page().prop_map(Request::Hidden).boxed(),
        MsgId::Changes => {
            fields!(Changes { conv: n(), after: n(), limit: any::<u32>() }).prop_map(Request::Changes).boxed()
        }
        MsgId::Ack => fields!(Ack { conv: n(), seq: n() }).prop_map(Request::Ack).boxed(),
        MsgId::Read => fields!(Read { conv: n(), seq: n() }).prop_map(Request::Read).boxed(),
        MsgId::Quiet => nothing().prop_map(Request::Quiet).boxed(),
        MsgId::SetQuiet => {
            let minute = || option::of(any::<u32>());
            fields!(SetQuiet {
                conv: n(),
                until: option::of(n()),
                from: minute(),
                to: minute(),
                zone: option::of(text()),
                mentions: option::of(any::<bool>()),
            })
            .prop_map(Request::SetQuiet)
            .boxed()
        }
        MsgId::Receipts => {
            fields!(Receipts { conv: n(), seqs: vec(n(), 0..4) }).prop_map(Request::Receipts).boxed()
        }
        MsgId::ChangePassword => fields!(ChangePassword { password: secret(), new_password: secret() })
            .prop_map(Request::ChangePassword)
            .boxed(),
        MsgId::Recover => fields!(Recover {
            id: option::of(n()),
            name: option::of(text()),
            code: secret(),
            new_password: secret()
        })
        .prop_map(Request::Recover)
        .boxed(),
        MsgId::NewRecoveryCodes => {
            fields!(PasswordProof { password: secret() }).prop_map(Request::NewRecoveryCodes).boxed()
        }
        MsgId::DeleteAccount => {
            fields!(DeleteAccount { password: secret(), owned: word(OwnedGroups::TABLE) })
                .prop_map(Request::DeleteAccount)
                .boxed()
        }
        MsgId::Profile => option::of(n()).prop_map(|id| ProfileOf { id }).prop_map(Request::Profile).boxed(),
        MsgId::EditProfile => fields!(EditProfile {
            nickname: option::of(text()),
            signature: option::of(text()),
            avatar: option::of(text()),
            phone: option::of(secret()),
            searchable: option::of(any::<bool>()),
        })
        .prop_map(Request::EditProfile)
        .boxed(),
        MsgId::Notices => page().prop_map(Request::Notices).boxed(),
        MsgId::AckNotices => n().prop_map(|seq| AckNotices { seq }).prop_map(Request::AckNotices).boxed(),
        MsgId::Broadcasts => page().prop_map(Request::Broadcasts).boxed(),
        MsgId::AckBroadcasts => {
            n().prop_map(|id| AckBroadcasts { id }).prop_map(Request::AckBroadcasts).boxed()
        }
        MsgId::SearchUsers => fields!(SearchUsers { query: text(), after: n(), limit: any::<u32>() })
            .prop_map(Request::SearchUsers)
            .boxed(),
        MsgId::SearchMessages => fields!(SearchMessages {
            query: text(),
            conv: option::of(n()),
            from: option::of(n()),
            since: option::of(n()),
            until: option::of(n()),
            before: option::of(text()),
            limit: any::<u32>()
        })
        .prop_map(Request::SearchMessages)
        .boxed(),
        MsgId::EditFriend => {
            fields!(EditFriend { friendid: n(), remark: option::of(text()), label: option::of(text()) })
                .prop_map(Request::EditFriend)
                .boxed()
        }
        MsgId::RenameLabel => {
            fields!(RenameLabel { label: text(), to: text() }).prop_map(Request::RenameLabel).boxed()
        }
        other => panic!("{other:?} is a request now: give it a strategy"),
    }
}
