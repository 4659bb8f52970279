//! The three closed enums, and how each variant is bound to its number.

use crate::body::{self, BodyError};
use crate::broadcast::{AckBroadcasts, Broadcast, BroadcastsPage};
use crate::changes::{Changed, Changes, ChangesPage, EditMessage, MessageRef};
use crate::code::Code;
use crate::frame::{Flags, Frame};
use crate::hidden::{HiddenMessages, HiddenPage, Hide};
use crate::message_search::{FoundMessages, SearchMessages};
use crate::msgid::MsgId;
use crate::push::{
    Bye, ChatMessage, FriendChanged, FriendEvent, GroupEvent, GroupRequestEvent, Notice, PresencePush, Resync,
};
use crate::quiet::{QuietChanged, QuietList, SetQuiet};
use crate::receipts::{Read, Receipt, Receipts, ReceiptsList};
use crate::reply::{
    ApplicationsPage, BlockedPage, ConversationsPage, ErrorBody, FoundUsers, Friend, FriendAnswer,
    FriendRequestsPage, FriendsPage, GroupProfile, GroupsPage, HelloReply, HistoryPage, InvitationsPage,
    JoinAnswer, Joined, LabelRenamed, MembersPage, NoticesPage, Profile, Recovered, RecoveryCodes,
    Registered, Sent, SessionsList, SignedIn,
};
use crate::request::{
    Ack, AckNotices, AddFriend, AnswerInvitation, Applications, ChangePassword, CreateGroup,
    DecideApplication, DeleteAccount, EditFriend, EditGroup, EditProfile, FriendRef, GroupChat, GroupMembers,
    GroupRef, Hello, History, JoinGroup, Login, MemberRef, MuteGroup, MuteMember, Nothing, OneChat, Page,
    PasswordProof, Ping, ProfileOf, Recover, Refresh, Reg, RenameLabel, Resume, SearchUsers, SessionRef,
    SetRole, UserRef,
};
use crate::typing::{IsTyping, Typing};

macro_rules! closed_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident($body:ty) = $id:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = concat!("Type `", stringify!($id), "`.")] $variant($body),)*
        }

        impl $name {
            /// The message types that have a variant here.
            pub const MSGIDS: &'static [MsgId] = &[$(MsgId::$id,)*];

            /// The message type.
            pub const fn msgid(&self) -> MsgId {
                match self { $($name::$variant(_) => MsgId::$id,)* }
            }

            /// Reads the body of a frame of this type.
            fn read(msgid: u16, body: &[u8]) -> Result<$name, MessageError> {
                let unknown = MessageError::UnknownType { msgid };
                let Some(id) = MsgId::from_number(msgid) else { return Err(unknown) };
                match id {
                    $(MsgId::$id => Ok($name::$variant(body::parse::<$body>(body)?)),)*
                    _ => Err(unknown),
                }
            }

            /// Writes the JSON body.
            pub(crate) fn write_body(&self, out: impl std::io::Write) -> serde_json::Result<()> {
                match self { $($name::$variant(body) => serde_json::to_writer(out, body),)* }
            }
        }
    };
}

closed_enum! {
    /// Client to server; every one is answered exactly once.
    Request {
        Hello(Hello) = Hello,
        Ping(Ping) = Ping,
        Login(Login) = Login,
        Reg(Reg) = Reg,
        Resume(Resume) = Resume,
        LogOut(Nothing) = LoginOut,
        Sessions(Nothing) = Sessions,
        EndSession(SessionRef) = EndSession,
        AddFriend(AddFriend) = AddFriend,
        AcceptFriend(FriendRef) = AcceptFriend,
        RefuseFriend(FriendRef) = RefuseFriend,
        WithdrawFriend(FriendRef) = WithdrawFriend,
        DeleteFriend(FriendRef) = DeleteFriend,
        EditFriend(EditFriend) = EditFriend,
        RenameLabel(RenameLabel) = RenameLabel,
        Friends(Page) = Friends,
        FriendRequests(Page) = FriendRequests,
        Block(UserRef) = Block,
        Unblock(UserRef) = Unblock,
        Blocked(Page) = Blocked,
        CreateGroup(CreateGroup) = CreateGroup,
        JoinGroup(JoinGroup) = AddGroup,
        LeaveGroup(GroupRef) = LeaveGroup,
        Groups(Page) = Groups,
        GroupMembers(GroupMembers) = GroupMembers,
        RemoveMember(MemberRef) = RemoveMember,
        SetRole(SetRole) = SetRole,
        HandOver(MemberRef) = HandOver,
        DissolveGroup(GroupRef) = DissolveGroup,
        EditGroup(EditGroup) = EditGroup,
        GroupProfile(GroupRef) = GroupProfile,
        MuteMember(MuteMember) = MuteMember,
        MuteGroup(MuteGroup) = MuteGroup,
        Applications(Applications) = Applications,
        DecideApplication(DecideApplication) = DecideApplication,
        WithdrawApplication(GroupRef) = WithdrawApplication,
        Invite(MemberRef) = Invite,
        Invitations(Page) = Invitations,
        AnswerInvitation(AnswerInvitation) = AnswerInvitation,
        WithdrawInvitation(MemberRef) = WithdrawInvitation,
        OneChat(OneChat) = OneChat,
        GroupChat(GroupChat) = GroupChat,
        History(History) = History,
        Conversations(Page) = Conversations,
        Ack(Ack) = Ack,
        Read(Read) = Read,
        Receipts(Receipts) = Receipts,
        Quiet(Nothing) = Quiet,
        SetQuiet(SetQuiet) = SetQuiet,
        Recall(MessageRef) = Recall,
        EditMessage(EditMessage) = EditMessage,
        Hide(Hide) = Hide,
        Hidden(Page) = Hidden,
        Changes(Changes) = Changes,
        Typing(Typing) = Typing,
        ChangePassword(ChangePassword) = ChangePassword,
        Recover(Recover) = Recover,
        NewRecoveryCodes(PasswordProof) = NewRecoveryCodes,
        DeleteAccount(DeleteAccount) = DeleteAccount,
        Profile(ProfileOf) = Profile,
        EditProfile(EditProfile) = EditProfile,
        Notices(Page) = Notices,
        AckNotices(AckNotices) = AckNotices,
        Broadcasts(Page) = Broadcasts,
        AckBroadcasts(AckBroadcasts) = AckBroadcasts,
        SearchUsers(SearchUsers) = SearchUsers,
        SearchMessages(SearchMessages) = SearchMessages,
        Refresh(Refresh) = Refresh,
    }
}

closed_enum! {
    /// Server to client, in answer to a request, when it was done. Errors are a [`Refusal`].
    Reply {
        Hello(HelloReply) = Hello,
        Ping(Nothing) = Ping,
        Login(SignedIn) = LoginAck,
        Reg(Registered) = RegAck,
        Resume(SignedIn) = Resume,
        LogOut(Nothing) = LoginOut,
        Sessions(SessionsList) = Sessions,
        EndSession(Nothing) = EndSession,
        AddFriend(FriendAnswer) = AddFriend,
        AcceptFriend(FriendAnswer) = AcceptFriend,
        RefuseFriend(Nothing) = RefuseFriend,
        WithdrawFriend(Nothing) = WithdrawFriend,
        DeleteFriend(Nothing) = DeleteFriend,
        EditFriend(Friend) = EditFriend,
        RenameLabel(LabelRenamed) = RenameLabel,
        Friends(FriendsPage) = Friends,
        FriendRequests(FriendRequestsPage) = FriendRequests,
        Block(Nothing) = Block,
        Unblock(Nothing) = Unblock,
        Blocked(BlockedPage) = Blocked,
        CreateGroup(Joined) = CreateGroup,
        JoinGroup(JoinAnswer) = AddGroup,
        LeaveGroup(Nothing) = LeaveGroup,
        Groups(GroupsPage) = Groups,
        GroupMembers(MembersPage) = GroupMembers,
        RemoveMember(Nothing) = RemoveMember,
        SetRole(Nothing) = SetRole,
        HandOver(Nothing) = HandOver,
        DissolveGroup(Nothing) = DissolveGroup,
        EditGroup(Nothing) = EditGroup,
        GroupProfile(GroupProfile) = GroupProfile,
        MuteMember(Nothing) = MuteMember,
        MuteGroup(Nothing) = MuteGroup,
        Applications(ApplicationsPage) = Applications,
        DecideApplication(Nothing) = DecideApplication,
        WithdrawApplication(Nothing) = WithdrawApplication,
        Invite(JoinAnswer) = Invite,
        Invitations(InvitationsPage) = Invitations,
        AnswerInvitation(JoinAnswer) = AnswerInvitation,
        WithdrawInvitation(Nothing) = WithdrawInvitation,
        OneChat(Sent) = OneChat,
        GroupChat(Sent) = GroupChat,
        History(HistoryPage) = History,
        Conversations(ConversationsPage) = Conversations,
        Ack(Nothing) = Ack,
        Read(Nothing) = Read,
        Receipts(ReceiptsList) = Receipts,
        Quiet(QuietList) = Quiet,
        SetQuiet(QuietChanged) = SetQuiet,
        Recall(Changed) = Recall,
        EditMessage(Changed) = EditMessage,
        Hide(HiddenMessages) = Hide,
        Hidden(HiddenPage) = Hidden,
        Changes(ChangesPage) = Changes,
        Typing(Nothing) = Typing,
        ChangePassword(Nothing) = ChangePassword,
        Recover(Recovered) = Recover,
        NewRecoveryCodes(RecoveryCodes) = NewRecoveryCodes,
        DeleteAccount(Nothing) = DeleteAccount,
        Profile(Profile) = Profile,
        EditProfile(Profile) = EditProfile,
        Notices(NoticesPage) = Notices,
        AckNotices(Nothing) = AckNotices,
        Broadcasts(BroadcastsPage) = Broadcasts,
        AckBroadcasts(Nothing) = AckBroadcasts,
        SearchUsers(FoundUsers) = SearchUsers,
        SearchMessages(FoundMessages) = SearchMessages,
        Refresh(SignedIn) = Refresh,
    }
}

closed_enum! {
    /// Server to client, unasked.
    Push {
        Ping(Nothing) = Ping,
        Bye(Bye) = Bye,
        Resync(Resync) = Resync,
        FriendEvent(FriendEvent) = FriendEvent,
        Presence(PresencePush) = Presence,
        GroupEvent(GroupEvent) = GroupEvent,
        GroupRequestEvent(GroupRequestEvent) = GroupRequestEvent,
        Message(ChatMessage) = Message,
        Receipt(Receipt) = Receipt,
        QuietChanged(QuietChanged) = QuietChanged,
        HiddenMessages(HiddenMessages) = HiddenMessages,
        Typing(IsTyping) = Typing,
        Changed(Changed) = Changed,
        FriendChanged(FriendChanged) = FriendChanged,
        Notice(Notice) = Notice,
        Broadcast(Broadcast) = Broadcast,
    }
}

/// A reply that says no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", if body.errmsg.is_empty() { code.text() } else { &body.errmsg })]
pub struct Refusal {
    /// What and whose fault.
    pub code: Code,
    /// The sentence and its details.
    pub body: ErrorBody,
}

impl Refusal {
    /// A refusal with the code's own sentence.
    pub fn new(code: Code) -> Refusal {
        Refusal::saying(code, code.text())
    }

    /// A refusal with a sentence of its own.
    pub fn saying(code: Code, errmsg: impl Into<String>) -> Refusal {
        Refusal { code, body: ErrorBody { errmsg: errmsg.into(), ..ErrorBody::default() } }
    }

    /// Names the field at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Refusal {
        self.body.field = Some(field.into());
        self
    }

    /// Says when trying again can help.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u64) -> Refusal {
        self.body.retry_after_ms = Some(ms);
        self
    }
}

/// Why a well-cut frame is not a message that its receiver can take. The connection can go on after each of these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The flags do not fit the direction, such as a push sent to a server.
    #[error("a frame with these flags cannot come from this side")]
    Direction,
    /// A number that this version does not know, or not in this direction.
    #[error("unknown message type {msgid}")]
    UnknownType {
        /// The number.
        msgid: u16,
    },
    /// The body does not fit the type.
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl MessageError {
    /// The code to refuse with.
    pub fn code(&self) -> Code {
        match self {
            MessageError::Direction => Code::BAD_BODY,
            MessageError::UnknownType { .. } => Code::UNKNOWN_TYPE,
            MessageError::Body(_) => Code::BAD_BODY,
        }
    }

    /// The refusal to answer with: the code, what is wrong, and with which field. It repeats no value of the body.
    pub fn refusal(&self) -> Refusal {
        let refusal = Refusal::saying(self.code(), self.to_string());
        match self {
            MessageError::Body(error) => match error.field() {
                Some(field) => refusal.field(field),
                None => refusal,
            },
            MessageError::Direction | MessageError::UnknownType { .. } => refusal,
        }
    }
}

impl Request {
    /// Reads a request from a frame: the server's side.
    pub fn from_frame(frame: &Frame<'_>) -> Result<Request, MessageError> {
        if frame.header.flags != Flags::REQUEST {
            return Err(MessageError::Direction);
        }
        Request::read(frame.header.msgid, frame.body)
    }
}

/// What a client reads: the answer to one of its requests, or a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The answer to request `rid`.
    Reply {
        /// The id that the client chose.
        rid: u32,
        /// Done, or refused.
        result: Result<Reply, Refusal>,
    },
    /// The server speaks unasked.
    Push(Push),
}

impl Incoming {
    /// Reads a reply or push from a frame: the client's side.
    pub fn from_frame(frame: &Frame<'_>) -> Result<Incoming, MessageError> {
        let header = &frame.header;
        match header.flags {
            Flags::PUSH => Ok(Incoming::Push(Push::read(header.msgid, frame.body)?)),
            Flags::REPLY => Ok(Incoming::Reply { rid: header.rid, result: read_result(frame)? }),
            _ => Err(MessageError::Direction),
        }
    }
}

/// Reads a reply. An error's type matters to nobody, its rid does: even of an unknown type it is a usable answer.
fn read_result(frame: &Frame<'_>) -> Result<Result<Reply, Refusal>, MessageError> {
    let code = frame.header.code;
    if code.is_done() {
        Ok(Ok(Reply::read(frame.header.msgid, frame.body)?))
    } else {
        Ok(Err(Refusal { code, body: body::parse(frame.body)? }))
    }
}
