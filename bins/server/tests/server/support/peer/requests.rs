//! Typed requests: what a test says to the server.

use protocol::{
    Ack, AckBroadcasts, AckNotices, AddFriend, AnswerInvitation, Applications, ApplicationsPage, BlockedPage,
    BroadcastsPage, ChangePassword, Changed, Changes, ChangesPage, ChatMessage, ConversationsPage,
    CreateGroup, DecideApplication, DeleteAccount, EditFriend, EditGroup, EditMessage, EditProfile,
    FoundMessages, FoundUsers, Friend, FriendAnswer, FriendRef, FriendRequestsPage, FriendsPage, GroupChat,
    GroupMembers, GroupProfile, GroupRef, GroupsPage, Hello, HelloReply, HiddenMessages, HiddenPage, Hide,
    History, HistoryPage, InvitationsPage, JoinAnswer, JoinGroup, JoinOutcome, Joined, LabelRenamed, Login,
    MemberRef, MembersPage, MessageKind, MessageRef, MuteGroup, MuteMember, Nothing, NoticesPage, OneChat,
    OwnedGroups, Page, PasswordProof, Profile, ProfileOf, QuietChanged, QuietList, Rank, Receipts,
    ReceiptsList, Recover, Recovered, RecoveryCodes, Refresh, Refusal, Reg, Registered, RenameLabel, Reply,
    Request, Resume, SearchMessages, SearchUsers, Secret, Sent, SessionRef, SessionsList, SetQuiet, SetRole,
    SignedIn, Typing, UserRef, Verdict,
};

use super::Peer;

/// Typed requests: each asks, waits, and returns what the reply holds.
macro_rules! requests {
    ($($name:ident($($arg:ident: $type:ty),*) = $variant:ident($body:expr) -> $answer:ty;)*) => {
        impl Peer {
            $(pub(crate) fn $name(&mut self, $($arg: $type),*) -> Result<$answer, Refusal> {
                match self.ask(&Request::$variant($body))? {
                    Reply::$variant(answer) => Ok(answer),
                    other => panic!("{} was answered with {other:?}", stringify!($variant)),
                }
            })*
        }
    };
}

requests! {
    hello(hello: Hello) = Hello(hello) -> HelloReply;
    ping() = Ping(Nothing {}) -> Nothing;
    reg(name: &str, password: &str) = Reg(Reg { name: name.into(), password: Secret::new(password) }) -> Registered;
    login(login: Login) = Login(login) -> SignedIn;
    resume(token: Secret) = Resume(Resume { token, ..Resume::default() }) -> SignedIn;
    refresh(refresh: Refresh) = Refresh(refresh) -> SignedIn;
    resume_holding(resume: Resume) = Resume(resume) -> SignedIn;
    log_out() = LogOut(Nothing {}) -> Nothing;
    change_password(password: &str, new_password: &str) = ChangePassword(ChangePassword {
        password: Secret::new(password),
        new_password: Secret::new(new_password),
    }) -> Nothing;
    recover(recover: Recover) = Recover(recover) -> Recovered;
    new_recovery_codes(password: &str) = NewRecoveryCodes(PasswordProof { password: Secret::new(password) })
        -> RecoveryCodes;
    delete_account(password: &str, owned: OwnedGroups) = DeleteAccount(DeleteAccount {
        password: Secret::new(password),
        owned,
    }) -> Nothing;
    sessions() = Sessions(Nothing {}) -> SessionsList;
    end_session(session: u64) = EndSession(SessionRef { session }) -> Nothing;
    add_friend(friendid: u64, greeting: &str) = AddFriend(AddFriend { friendid, greeting: greeting.into() })
        -> FriendAnswer;
    accept_friend(friendid: u64) = AcceptFriend(FriendRef { friendid }) -> FriendAnswer;
    refuse_friend(friendid: u64) = RefuseFriend(FriendRef { friendid }) -> Nothing;
    withdraw_friend(friendid: u64) = WithdrawFriend(FriendRef { friendid }) -> Nothing;
    delete_friend(friendid: u64) = DeleteFriend(FriendRef { friendid }) -> Nothing;
    block(userid: u64) = Block(UserRef { userid }) -> Nothing;
    unblock(userid: u64) = Unblock(UserRef { userid }) -> Nothing;
    blocked(after: u64, limit: u32) = Blocked(Page { after, limit }) -> BlockedPage;
    profile(id: Option<u64>) = Profile(ProfileOf { id }) -> Profile;
    edit_friend(edit: EditFriend) = EditFriend(edit) -> Friend;
    rename_label(label: &str, to: &str)
        = RenameLabel(RenameLabel { label: label.into(), to: to.into() }) -> LabelRenamed;
    edit_profile(edit: EditProfile) = EditProfile(edit) -> Profile;
    notices(after: u64, limit: u32) = Notices(Page { after, limit }) -> NoticesPage;
    ack_notices(seq: u64) = AckNotices(AckNotices { seq }) -> Nothing;
    broadcasts(after: u64, limit: u32) = Broadcasts(Page { after, limit }) -> BroadcastsPage;
    ack_broadcasts(id: u64) = AckBroadcasts(AckBroadcasts { id }) -> Nothing;
    search_users(query: &str, after: u64, limit: u32)
        = SearchUsers(SearchUsers { query: query.into(), after, limit }) -> FoundUsers;
    search_messages(search: SearchMessages) = SearchMessages(search) -> FoundMessages;
    friends(after: u64, limit: u32) = Friends(Page { after, limit }) -> FriendsPage;
    friend_requests(after: u64, limit: u32) = FriendRequests(Page { after, limit }) -> FriendRequestsPage;
    create_group(groupname: &str, groupdesc: &str)
        = CreateGroup(CreateGroup { groupname: groupname.into(), groupdesc: groupdesc.into() }) -> Joined;
    ask_in(groupid: u64, greeting: &str) = JoinGroup(JoinGroup { groupid, greeting: greeting.into() }) -> JoinAnswer;
    applications(groupid: u64, after_groupid: u64, after: u64, limit: u32)
        = Applications(Applications { groupid, after_groupid, after, limit }) -> ApplicationsPage;
    decide(groupid: u64, id: u64, decision: Verdict)
        = DecideApplication(DecideApplication { groupid, id, decision }) -> Nothing;
    withdraw_application(groupid: u64) = WithdrawApplication(GroupRef { groupid }) -> Nothing;
    invite(groupid: u64, id: u64) = Invite(MemberRef { groupid, id }) -> JoinAnswer;
    invitations(after: u64, limit: u32) = Invitations(Page { after, limit }) -> InvitationsPage;
    answer_invitation(groupid: u64, decision: Verdict)
        = AnswerInvitation(AnswerInvitation { groupid, decision }) -> JoinAnswer;
    withdraw_invitation(groupid: u64, id: u64) = WithdrawInvitation(MemberRef { groupid, id }) -> Nothing;
    leave_group(groupid: u64) = LeaveGroup(GroupRef { groupid }) -> Nothing;
    groups(after: u64, limit: u32) = Groups(Page { after, limit }) -> GroupsPage;
    group_members(groupid: u64, after: u64, limit: u32)
        = GroupMembers(GroupMembers { groupid, after, limit }) -> MembersPage;
    remove_member(groupid: u64, id: u64) = RemoveMember(MemberRef { groupid, id }) -> Nothing;
    set_role(groupid: u64, id: u64, role: Rank) = SetRole(SetRole { groupid, id, role }) -> Nothing;
    hand_over(groupid: u64, id: u64) = HandOver(MemberRef { groupid, id }) -> Nothing;
    dissolve_group(groupid: u64) = DissolveGroup(GroupRef { groupid }) -> Nothing;
    edit_group(edit: EditGroup) = EditGroup(edit) -> Nothing;
    group_profile(groupid: u64) = GroupProfile(GroupRef { groupid }) -> GroupProfile;
    mute_member(groupid: u64, id: u64, until: u64) = MuteMember(MuteMember { groupid, id, until }) -> Nothing;
    mute_group(groupid: u64, until: u64) = MuteGroup(MuteGroup { groupid, until }) -> Nothing;
    one_chat(to: u64, msg: &str, client_msg_id: &str)
        = OneChat(OneChat { to, msg: msg.into(), client_msg_id: client_msg_id.into(), ..OneChat::default() }) -> Sent;
    group_chat(groupid: u64, msg: &str, client_msg_id: &str)
        = GroupChat(GroupChat { groupid, msg: msg.into(), client_msg_id: client_msg_id.into(), ..GroupChat::default() }) -> Sent;
    history(history: History) = History(history) -> HistoryPage;
    conversations(after: u64, limit: u32) = Conversations(Page { after, limit }) -> ConversationsPage;
    recall(conv: u64, seq: u64) = Recall(MessageRef { conv, seq }) -> Changed;
    edit_message(conv: u64, seq: u64, msg: &str)
        = EditMessage(EditMessage { conv, seq, msg: msg.into(), mentions: Vec::new() }) -> Changed;
    changes(conv: u64, after: u64, limit: u32) = Changes(Changes { conv, after, limit }) -> ChangesPage;
    ack(conv: u64, seq: u64) = Ack(Ack { conv, seq }) -> Nothing;
    mark_read(conv: u64, seq: u64) = Read(protocol::Read { conv, seq }) -> Nothing;
    hide(conv: u64, seqs: &[u64]) = Hide(Hide { conv, seqs: seqs.into() }) -> HiddenMessages;
    typing(conv: u64) = Typing(Typing { conv }) -> Nothing;
    hidden(after: u64, limit: u32) = Hidden(Page { after, limit }) -> HiddenPage;
    quiet() = Quiet(Nothing {}) -> QuietList;
    set_quiet(set: SetQuiet) = SetQuiet(set) -> QuietChanged;
    receipts(conv: u64, seqs: &[u64]) = Receipts(Receipts { conv, seqs: seqs.to_vec() }) -> ReceiptsList;
}

impl Peer {
    /// Comes into a group at once.
    pub(crate) fn join_group(&mut self, groupid: u64) -> Result<Joined, Refusal> {
        let JoinAnswer { outcome, group, conv } = self.ask_in(groupid, "")?;
        assert_eq!(outcome, JoinOutcome::Joined);
        Ok(Joined { group: group.expect("the group"), conv: conv.expect("its conversation") })
    }

    /// Says something to a friend under a new id.
    pub(crate) fn say(&mut self, to: u64, msg: &str) -> Sent {
        let id = self.message_id();
        self.one_chat(to, msg, &id).expect("stored")
    }

    /// Says something in a group under a new id.
    pub(crate) fn say_in(&mut self, groupid: u64, msg: &str) -> Sent {
        let id = self.message_id();
        self.group_chat(groupid, msg, &id).expect("stored")
    }

    /// How many messages a conversation has.
    pub(crate) fn message_count(&mut self, conv: u64) -> u64 {
        self.history(History { conv, after: None, before: None, at: None, limit: 1 }).expect("a page").last
    }

    /// What people said in a conversation after `after`, by as many pages as it takes.
    pub(crate) fn read_all(&mut self, conv: u64, mut after: u64) -> Vec<ChatMessage> {
        let mut all = Vec::new();
        loop {
            let page = self
                .history(History { conv, after: Some(after), before: None, at: None, limit: 0 })
                .expect("a page");
            after = page.messages.last().map_or(after, |message| message.seq);
            let done = page.messages.is_empty() || after >= page.last;
            all.extend(page.messages.into_iter().filter(|message| message.kind == MessageKind::Text));
            if done {
                return all;
            }
        }
    }
}
