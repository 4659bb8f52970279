//! One request of each type, for tests that try them all.

use protocol::{
    Ack, AckBroadcasts, AckNotices, AddFriend, AnswerInvitation, Applications, ChangePassword, Changes,
    CreateGroup, DecideApplication, DeleteAccount, EditFriend, EditGroup, EditMessage, EditProfile,
    FriendRef, GroupChat, GroupMembers, GroupRef, History, JoinGroup, Login, MemberRef, MessageRef,
    MuteGroup, MuteMember, Nothing, OneChat, OwnedGroups, Page, PasswordProof, ProfileOf, Rank, Read,
    Receipts, Recover, Refresh, Reg, RenameLabel, Request, Resume, SearchMessages, SearchUsers, Secret,
    SessionRef, SetQuiet, SetRole, UserRef, Verdict,
};

use crate::support::{PASSWORD, chat, group_chat, hello};

/// A well-formed request of every type, about nothing that exists.
pub(super) fn every_request() -> Vec<Request> {
    const ID: u64 = 999_999;
    let requests = vec![
        Request::Hello(hello("")),
        Request::Ping(Nothing {}),
        Request::Login(Login { id: Some(ID), password: Secret::new(PASSWORD), ..Login::default() }),
        Request::Reg(Reg { name: "sample".into(), password: Secret::new(PASSWORD) }),
        Request::Resume(Resume { token: Secret::new("0".repeat(64)), ..Resume::default() }),
        Request::Refresh(Refresh::default()),
        Request::LogOut(Nothing {}),
        Request::Sessions(Nothing {}),
        Request::EndSession(SessionRef { session: ID }),
        Request::Profile(ProfileOf { id: Some(ID) }),
        Request::EditProfile(EditProfile::default()),
        Request::SearchUsers(SearchUsers { query: "sample".into(), after: ID, limit: 0 }),
        Request::SearchMessages(SearchMessages { query: "sample".into(), ..SearchMessages::default() }),
        Request::EditFriend(EditFriend { friendid: ID, remark: Some("sample".into()), label: None }),
        Request::RenameLabel(RenameLabel { label: "sample".into(), to: "other".into() }),
        Request::AddFriend(AddFriend { friendid: ID, greeting: "hi".into() }),
        Request::AcceptFriend(FriendRef { friendid: ID }),
        Request::RefuseFriend(FriendRef { friendid: ID }),
        Request::WithdrawFriend(FriendRef { friendid: ID }),
        Request::DeleteFriend(FriendRef { friendid: ID }),
        Request::Friends(Page::default()),
        Request::FriendRequests(Page::default()),
        Request::Block(UserRef { userid: ID }),
        Request::Unblock(UserRef { userid: ID }),
        Request::Blocked(Page::default()),
        Request::CreateGroup(CreateGroup { groupname: "sample".into(), groupdesc: String::new() }),
        Request::JoinGroup(JoinGroup::of(ID)),
        Request::RemoveMember(MemberRef { groupid: ID, id: ID }),
        Request::SetRole(SetRole { groupid: ID, id: ID, role: Rank::Admin }),
        Request::HandOver(MemberRef { groupid: ID, id: ID }),
        Request::DissolveGroup(GroupRef { groupid: ID }),
        Request::EditGroup(EditGroup { groupid: ID, ..EditGroup::default() }),
        Request::GroupProfile(GroupRef { groupid: ID }),
        Request::MuteMember(MuteMember { groupid: ID, id: ID, until: 1 }),
        Request::MuteGroup(MuteGroup { groupid: ID, until: 1 }),
        Request::Applications(Applications { groupid: ID, ..Applications::default() }),
        Request::DecideApplication(DecideApplication { groupid: ID, id: ID, decision: Verdict::Accept }),
        Request::WithdrawApplication(GroupRef { groupid: ID }),
        Request::Invite(MemberRef { groupid: ID, id: ID }),
        Request::Invitations(Page::default()),
        Request::AnswerInvitation(AnswerInvitation { groupid: ID, decision: Verdict::Accept }),
        Request::WithdrawInvitation(MemberRef { groupid: ID, id: ID }),
        Request::LeaveGroup(GroupRef { groupid: ID }),
        Request::Groups(Page::default()),
        Request::GroupMembers(GroupMembers { groupid: ID, after: 0, limit: 0 }),
        chat(ID, "text", "sample-1"),
        group_chat(ID, "text", "sample-2"),
        Request::OneChat(OneChat {
            to: ID,
            msg: "text".into(),
            client_msg_id: "sample-3".into(),
            reply_to: ID,
            mentions: vec![ID],
        }),
        Request::GroupChat(GroupChat {
            groupid: ID,
            msg: "text".into(),
            client_msg_id: "sample-4".into(),
            reply_to: ID,
            mentions: vec![0, ID],
        }),
        Request::History(History { conv: ID, after: None, before: None, at: None, limit: 0 }),
        Request::Conversations(Page::default()),
        Request::Ack(Ack { conv: ID, seq: 1 }),
        Request::Read(Read { conv: ID, seq: 1 }),
        Request::Quiet(Nothing {}),
        Request::SetQuiet(SetQuiet { conv: ID, until: Some(1), ..SetQuiet::default() }),
        Request::Receipts(Receipts { conv: ID, seqs: vec![1] }),
        Request::Recall(MessageRef { conv: ID, seq: 1 }),
        Request::EditMessage(EditMessage { conv: ID, seq: 1, msg: "sample".into(), mentions: vec![ID] }),
        Request::Changes(Changes { conv: ID, after: 1, limit: 0 }),
        Request::ChangePassword(ChangePassword {
            password: Secret::new("not this one"),
            new_password: Secret::new(PASSWORD),
        }),
        Request::Recover(Recover {
            id: Some(ID),
            name: None,
            code: Secret::new("0000-0000-0000-0000"),
            new_password: Secret::new(PASSWORD),
        }),
        Request::NewRecoveryCodes(PasswordProof { password: Secret::new("not this one") }),
        Request::DeleteAccount(DeleteAccount {
            password: Secret::new("not this one"),
            owned: OwnedGroups::Dissolve,
        }),
        Request::Notices(Page::default()),
        Request::AckNotices(AckNotices { seq: 1 }),
        Request::Broadcasts(Page::default()),
        Request::AckBroadcasts(AckBroadcasts { id: 1 }),
    ];
    for msgid in Request::MSGIDS {
        assert!(requests.iter().any(|request| request.msgid() == *msgid), "no sample of {}", msgid.name());
    }
    requests
}
