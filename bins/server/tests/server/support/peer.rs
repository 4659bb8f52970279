//! A connection that speaks the protocol, and nothing else: no client library stands between a test and the server.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol::{
    Ack, AckBroadcasts, AckNotices, AddFriend, AnswerInvitation, Applications, ApplicationsPage, BlockedPage,
    Broadcast, BroadcastsPage, Bye, ChangePassword, Changed, Changes, ChangesPage, ChatMessage, Code,
    ConversationsPage, CreateGroup, DecideApplication, DeleteAccount, EditFriend, EditGroup, EditMessage,
    EditProfile, FoundMessages, FoundUsers, Friend, FriendAnswer, FriendChanged, FriendEvent, FriendRef,
    FriendRequestsPage, FriendsPage, GroupChat, GroupEvent, GroupMembers, GroupProfile, GroupRef,
    GroupRequestEvent, GroupsPage, HEADER_LEN, Hello, HelloReply, HiddenMessages, HiddenPage, Hide, History,
    HistoryPage, Incoming, InvitationsPage, IsTyping, JoinAnswer, JoinGroup, JoinOutcome, Joined,
    LabelRenamed, Login, MemberRef, MembersPage, MessageKind, MessageRef, MuteGroup, MuteMember, Nothing,
    Notice, NoticesPage, OneChat, OwnedGroups, Page, PasswordProof, PresencePush, Profile, ProfileOf, Push,
    QuietChanged, QuietList, Rank, Receipt, Receipts, ReceiptsList, Recover, Recovered, RecoveryCodes,
    Refresh, Refusal, Reg, Registered, RenameLabel, Reply, Request, Resume, SearchMessages, SearchUsers,
    Secret, Sent, SessionRef, SessionsList, SetQuiet, SetRole, SignedIn, SystemEvent, Typing, UserRef,
    Verdict, decode, encode,
};

/// How long anything that must come may take. Far above the usual: machines are shared.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Body bytes that the server may send at most.
const BODY_MAX: u32 = 1024 * 1024;

/// A connection, blocking, with a deadline on everything. It reads only when a test waits for something; what else
/// comes meanwhile is kept. Every request must get exactly one reply: a second one, or one nobody asked for, panics.
pub(crate) struct Peer {
    stream: TcpStream,
    input: BytesMut,
    next_rid: u32,
    /// Asked and not answered.
    due: HashSet<u32>,
    /// Answered and not yet looked at.
    replies: HashMap<u32, Result<Reply, Refusal>>,
    pushes: VecDeque<Push>,
    /// Messages that tell of changes of groups, unless they are wanted among the others.
    told: VecDeque<ChatMessage>,
    hears_all: bool,
    ended: bool,
    /// Bytes that came so far.
    received: u64,
    deadline: Duration,
    /// Set at login.
    pub(crate) id: u64,
    pub(crate) session: u64,
    pub(crate) token: Option<Secret>,
    /// Numbers this connection's client message ids.
    messages: u64,
}

impl Peer {
    /// Connects and says nothing.
    pub(crate) fn connect(address: SocketAddr) -> Peer {
        Peer::over(TcpStream::connect_timeout(&address, DEADLINE).expect("the server accepts"))
    }

    /// Takes a connection.
    pub(crate) fn over(stream: TcpStream) -> Peer {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_write_timeout(Some(DEADLINE)).expect("a timeout");
        Peer {
            stream,
            input: BytesMut::new(),
            next_rid: 1,
            due: HashSet::new(),
            replies: HashMap::new(),
            pushes: VecDeque::new(),
            told: VecDeque::new(),
            hears_all: false,
            ended: false,
            received: 0,
            deadline: DEADLINE,
            id: 0,
            session: 0,
            token: None,
            messages: 0,
        }
    }

    /// Waits less, or longer, from now on.
    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// Bytes that came so far.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    // --- requests -------------------------------------------------------------------------------------------------

    /// Writes a request; returns its rid.
    pub(crate) fn send(&mut self, request: &Request) -> u32 {
        self.send_all(std::slice::from_ref(request))[0]
    }

    /// Writes requests in one go; returns their rids.
    pub(crate) fn send_all(&mut self, requests: &[Request]) -> Vec<u32> {
        let mut wire = BytesMut::new();
        let rids = requests.iter().map(|request| self.encode(request, &mut wire)).collect();
        self.send_bytes(&wire);
        rids
    }

    /// Appends a request to `wire` and counts its reply as due.
    pub(crate) fn encode(&mut self, request: &Request, wire: &mut BytesMut) -> u32 {
        let rid = self.rid();
        encode::request(rid, request, wire);
        rid
    }

    /// A new rid, whose reply is due from now on.
    pub(crate) fn rid(&mut self) -> u32 {
        let rid = self.next_rid;
        self.next_rid += 1;
        self.due.insert(rid);
        rid
    }

    /// Counts the reply to a request as due that the test wrote itself.
    pub(crate) fn expect_rid(&mut self, rid: u32) {
        self.due.insert(rid);
    }

    /// Writes any bytes.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes bytes");
    }

    /// Writes any bytes to a server that may have closed already.
    pub(crate) fn try_send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Writes a frame whose body is anything; returns its rid.
    pub(crate) fn send_body(&mut self, msgid: u16, body: &[u8]) -> u32 {
        let rid = self.rid();
        let frame = raw_frame(0, msgid, rid, body);
        self.send_bytes(&frame);
        rid
    }

    /// Shuts the writing half.
    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).expect("shutdown");
    }

    /// Waits for one reply.
    pub(crate) fn reply(&mut self, rid: u32) -> Result<Reply, Refusal> {
        loop {
            if let Some(result) = self.replies.remove(&rid) {
                return result;
            }
            assert!(self.due.contains(&rid), "nobody asked {rid}");
            assert!(self.read_one(), "the server closed and never answered {rid}; pushes: {:?}", self.pushes);
        }
    }

    /// Waits for one reply, or for the end of the connection.
    pub(crate) fn try_reply(&mut self, rid: u32) -> Option<Result<Reply, Refusal>> {
        loop {
            if let Some(result) = self.replies.remove(&rid) {
                return Some(result);
            }
            if !self.read_one() {
                return None;
            }
        }
    }

    /// Asks and waits for the reply.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let rid = self.send(request);
        self.reply(rid)
    }

    /// Asks and waits for the reply's frame, byte by byte, its rid taken out.
    pub(crate) fn ask_frame(&mut self, request: &Request) -> Vec<u8> {
        /// Where a header holds the rid.
        const RID: std::ops::Range<usize> = 8..12;
        let rid = self.send(request);
        let until = Instant::now() + self.deadline;
        loop {
            while let Some((frame, used)) = decode(&self.input, BODY_MAX).expect("the server writes frames") {
                let incoming = Incoming::from_frame(&frame).expect("the server writes messages");
                let mut bytes = self.input.split_to(used).to_vec();
                match incoming {
                    Incoming::Push(push) => self.pushes.push_back(push),
                    Incoming::Reply { rid: answered, .. } => {
                        assert_eq!((answered, self.due.remove(&rid)), (rid, true), "another's answer");
                        bytes[RID].fill(0);
                        return bytes;
                    }
                }
            }
            assert!(!self.ended, "the server closed and never answered {rid}");
            self.fill(until);
        }
    }

    /// Asks something that must be refused; the code.
    pub(crate) fn refused(&mut self, request: &Request) -> Code {
        match self.ask(request) {
            Ok(reply) => panic!("{request:?} was done: {reply:?}"),
            Err(refusal) => refusal.code,
        }
    }

    /// Requests whose replies have not come.
    pub(crate) fn replies_due(&self) -> usize {
        self.due.len()
    }

    /// The replies that have come and were not looked at, by rid.
    pub(crate) fn take_replies(&mut self) -> Vec<(u32, Result<Reply, Refusal>)> {
        let mut replies: Vec<_> = self.replies.drain().collect();
        replies.sort_by_key(|(rid, _)| *rid);
        replies
    }

    // --- pushes ---------------------------------------------------------------------------------------------------

    /// Waits for a push that `select` takes; others are kept.
    pub(crate) fn take<T>(&mut self, what: &str, select: impl Fn(&Push) -> Option<T>) -> T {
        let mut looked_at = 0;
        loop {
            while let Some(push) = self.pushes.get(looked_at) {
                if let Some(taken) = select(push) {
                    self.pushes.remove(looked_at);
                    return taken;
                }
                looked_at += 1;
            }
            assert!(self.read_one(), "the server closed instead of {what}; pushes: {:?}", self.pushes);
        }
    }

    /// The next message.
    pub(crate) fn message(&mut self) -> ChatMessage {
        self.take("a message", |push| match push {
            Push::Message(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// What became of a group: the next such message, with its event.
    pub(crate) fn told(&mut self) -> (ChatMessage, SystemEvent) {
        loop {
            if let Some(told) = self.told.pop_front() {
                let event = told.event.clone().expect("an event that this version knows");
                return (told, event);
            }
            assert!(self.read_one(), "the server closed instead of telling; pushes: {:?}", self.pushes);
        }
    }

    /// What became of groups, as far as it has come before the reply to a PING that is sent now.
    pub(crate) fn told_so_far(&mut self) -> Vec<SystemEvent> {
        self.ping().expect("a PING is always answered");
        self.told.drain(..).filter_map(|told| told.event).collect()
    }

    /// From now on messages that tell of changes of groups are among the others.
    pub(crate) fn hear_all(&mut self) {
        self.hears_all = true;
    }

    /// The next news of a friend request or friendship.
    pub(crate) fn friend_event(&mut self) -> FriendEvent {
        self.take("a friend event", |push| match push {
            Push::FriendEvent(event) => Some(event.clone()),
            _ => None,
        })
    }

    /// The next notice.
    pub(crate) fn notice(&mut self) -> Notice {
        self.take("a notice", |push| match push {
            Push::Notice(notice) => Some(notice.clone()),
            _ => None,
        })
    }

    /// The next broadcast.
    pub(crate) fn broadcast(&mut self) -> Broadcast {
        self.take("a broadcast", |push| match push {
            Push::Broadcast(broadcast) => Some(broadcast.clone()),
            _ => None,
        })
    }

    /// The next change of what is kept quiet.
    pub(crate) fn quiet_changed(&mut self) -> QuietChanged {
        self.take("a change of what is quiet", |push| match push {
            Push::QuietChanged(change) => Some(change.clone()),
            _ => None,
        })
    }

    /// The next receipt.
    pub(crate) fn receipt(&mut self) -> Receipt {
        self.take("a receipt", |push| match push {
            Push::Receipt(receipt) => Some(*receipt),
            _ => None,
        })
    }

    /// The next coming or going of a friend.
    pub(crate) fn presence(&mut self) -> PresencePush {
        self.take("presence", |push| match push {
            Push::Presence(presence) => Some(presence.clone()),
            _ => None,
        })
    }

    /// The next friend, or oneself, who is shown otherwise.
    pub(crate) fn friend_changed(&mut self) -> FriendChanged {
        self.take("a changed friend", |push| match push {
            Push::FriendChanged(change) => Some(change.clone()),
            _ => None,
        })
    }

    /// The next coming or going in a group.
    pub(crate) fn group_event(&mut self) -> GroupEvent {
        self.take("a group event", |push| match push {
            Push::GroupEvent(event) => Some(event.clone()),
            _ => None,
        })
    }

    /// Waits until the server asks whether this side is there.
    pub(crate) fn pinged(&mut self) {
        self.take("a ping", |push| matches!(push, Push::Ping(_)).then_some(()));
    }

    /// Throws the pushes away that have come.
    pub(crate) fn forget_pushes(&mut self) {
        self.pushes.clear();
    }

    /// All pushes that have come before the reply to a PING that is sent now; they are taken.
    pub(crate) fn pushes_so_far(&mut self) -> Vec<Push> {
        self.ping().expect("a PING is always answered");
        self.pushes.drain(..).collect()
    }

    /// Asks whether the server is there; whether it answered before the connection ended.
    pub(crate) fn try_ping(&mut self) -> bool {
        let mut wire = BytesMut::new();
        let rid = self.encode(&Request::Ping(Nothing {}), &mut wire);
        // It may have closed before it read.
        let _ = self.try_send_bytes(&wire);
        self.try_reply(rid).is_some()
    }

    /// Waits for the end of the connection, with a BYE before it.
    pub(crate) fn bye(&mut self) -> Bye {
        while self.read_one() {}
        match self.pushes.pop_back() {
            Some(Push::Bye(bye)) => bye,
            other => panic!("the last frame is not a BYE but {other:?}"),
        }
    }

    /// Says HELLO to a server that may have no room; whether it had.
    pub(crate) fn try_hello(&mut self) -> bool {
        let mut wire = BytesMut::new();
        let hello = Hello { versions: vec![1], client: String::new(), device: String::new() };
        let rid = self.encode(&Request::Hello(hello), &mut wire);
        // It may have closed before it read.
        let _ = self.try_send_bytes(&wire);
        while self.read_one() {
            if self.replies.remove(&rid).is_some() {
                return true;
            }
        }
        false
    }

    /// Waits for the end of the connection.
    pub(crate) fn end(&mut self) {
        while self.read_one() {}
    }

    // --- reading --------------------------------------------------------------------------------------------------

    /// Reads one reply or push and keeps it; false at the end of the connection.
    pub(crate) fn read_one(&mut self) -> bool {
        match self.incoming() {
            None => return false,
            Some(Incoming::Push(Push::Message(told)))
                if told.kind == MessageKind::System && !self.hears_all =>
            {
                self.told.push_back(told);
            }
            Some(Incoming::Push(push)) => self.pushes.push_back(push),
            Some(Incoming::Reply { rid, result }) => {
                assert!(self.due.remove(&rid), "{rid} was answered twice, or never asked: {result:?}");
                self.replies.insert(rid, result);
            }
        }
        true
    }

    fn incoming(&mut self) -> Option<Incoming> {
        let until = Instant::now() + self.deadline;
        loop {
            if let Some((frame, used)) = decode(&self.input, BODY_MAX).expect("the server writes frames") {
                let incoming = Incoming::from_frame(&frame).expect("the server writes messages");
                let _ = self.input.split_to(used);
                return Some(incoming);
            }
            if self.ended {
                assert!(self.input.is_empty(), "the connection ended within a frame");
                return None;
            }
            self.fill(until);
        }
    }

    fn fill(&mut self, until: Instant) {
        let mut chunk = [0; 64 * 1024];
        let left = until.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "nothing came for {:?}; replies due: {}", self.deadline, self.due.len());
        self.stream.set_read_timeout(Some(left)).expect("a timeout");
        match self.stream.read(&mut chunk) {
            Ok(0) => self.ended = true,
            Ok(n) => {
                self.received += n as u64;
                self.input.extend_from_slice(&chunk[..n]);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // After our own bytes met a closed socket, or after a kill.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                self.input.clear();
                self.ended = true;
            }
            Err(error) => panic!("reading failed: {error}"),
        }
    }

    /// A client message id that this user has not used on this connection.
    pub(crate) fn message_id(&mut self) -> String {
        self.messages += 1;
        format!("{}-{}", self.session, self.messages)
    }
}

/// A frame of any bytes.
pub(crate) fn raw_frame(flags: u8, msgid: u16, rid: u32, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER_LEN + body.len());
    frame.extend_from_slice(&protocol::MAGIC.to_be_bytes());
    frame.extend_from_slice(&[protocol::VERSION, flags]);
    frame.extend_from_slice(&msgid.to_be_bytes());
    frame.extend_from_slice(&0u16.to_be_bytes());
    frame.extend_from_slice(&rid.to_be_bytes());
    frame.extend_from_slice(&(body.len() as u32).to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

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

    /// The next news of an application or invitation.
    pub(crate) fn group_request_event(&mut self) -> GroupRequestEvent {
        self.take("news of who waits before a group", |push| match push {
            Push::GroupRequestEvent(event) => Some(event.clone()),
            _ => None,
        })
    }

    /// The next push of who is typing.
    pub(crate) fn is_typing(&mut self) -> IsTyping {
        self.take("who is typing", |push| match push {
            Push::Typing(typing) => Some(typing.clone()),
            _ => None,
        })
    }

    /// The next push of what was hidden by another device.
    pub(crate) fn hidden_messages(&mut self) -> HiddenMessages {
        self.take("what is hidden", |push| match push {
            Push::HiddenMessages(hidden) => Some(hidden.clone()),
            _ => None,
        })
    }

    /// The next change of a message that is pushed.
    pub(crate) fn changed(&mut self) -> Changed {
        self.take("a change", |push| match push {
            Push::Changed(changed) => Some(changed.clone()),
            _ => None,
        })
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
