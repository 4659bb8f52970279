//! The wire format of the chat system, for servers, clients and whatever else wants to speak it.
//!
//! Three nouns: a [`Frame`] is a 16-byte header and a body; a *message* is what the body says, one of the closed enums
//! [`Request`], [`Reply`] and [`Push`]; a [`Code`] says what became of a request. This crate does no I/O, keeps no
//! state and reads no clock: you own the buffers. [`decode`] cuts a frame off a byte slice,
//! [`Request::from_frame`] (a server) or [`Incoming::from_frame`] (a client) makes it a message, and the functions of
//! [`encode`] append frames to a `BytesMut`.
//!
//! `docs/protocol.md` tells the rules in words; its examples are this crate's tests.
//!
//! ```
//! use protocol::{decode, encode, Incoming, OneChat, Reply, Request, Sent, limits};
//!
//! // A client writes a request …
//! let mut wire = bytes::BytesMut::new();
//! let chat = OneChat { to: 2, msg: "你好".into(), client_msg_id: "c-1".into(), ..OneChat::default() };
//! encode::request(1, &Request::OneChat(chat.clone()), &mut wire);
//!
//! // … a server reads it …
//! let (frame, used) = decode(&wire, limits::FRAME_BYTES_MAX)?.expect("a whole frame");
//! assert_eq!(used, wire.len());
//! assert_eq!(Request::from_frame(&frame)?, Request::OneChat(chat));
//!
//! // … and answers.
//! let mut answer = bytes::BytesMut::new();
//! let sent = Sent { conv: 9, seq: 1, time: 1_700_000_000_000 };
//! encode::reply(frame.header.rid, &Reply::OneChat(sent), &mut answer);
//! let (frame, _) = decode(&answer, limits::FRAME_BYTES_MAX)?.expect("a whole frame");
//! assert_eq!(Incoming::from_frame(&frame)?, Incoming::Reply { rid: 1, result: Ok(Reply::OneChat(sent)) });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod body;
mod broadcast;
mod changes;
mod code;
mod decoder;
pub mod encode;
mod frame;
mod hidden;
pub mod invisible;
mod json_error;
pub mod limits;
mod message;
mod message_search;
mod msgid;
mod push;
mod quiet;
mod receipts;
mod reply;
mod request;
mod scan;
mod secret;
mod system_event;
mod typing;
mod word;

pub use body::BodyError;
pub use broadcast::{AckBroadcasts, Broadcast, BroadcastsPage};
pub use changes::{Change, Changed, Changes, ChangesPage, EditMessage, MessageRef, Quote, Recalled};
pub use code::{Blame, Code};
pub use decoder::{FrameError, decode};
pub use frame::{Flags, Frame, HEADER_LEN, Header, MAGIC, VERSION};
pub use hidden::{Hidden, HiddenMessages, HiddenPage, Hide};
pub use json_error::JsonError;
pub use message::{Incoming, MessageError, Push, Refusal, Reply, Request};
pub use message_search::{FoundMessages, SearchMessages};
pub use msgid::MsgId;
pub use push::{
    Bye, ChatMessage, FriendChanged, FriendEvent, FriendEventKind, GroupEvent, GroupEventKind,
    GroupRequestEvent, GroupRequestKind, MessageKind, Notice, NoticeKind, PresencePush, Resync,
};
pub use quiet::{Quiet, QuietChanged, QuietList, SetQuiet};
pub use receipts::{Read, Receipt, ReceiptCount, Receipts, ReceiptsList};
pub use reply::{
    Application, ApplicationsPage, BlockedPage, Conversation, ConversationKind, ConversationsPage, Direction,
    ErrorBody, FoundUser, FoundUsers, Friend, FriendAnswer, FriendOutcome, FriendRequest, FriendRequestsPage,
    FriendsPage, Group, GroupProfile, GroupState, GroupsPage, HelloReply, HistoryPage, Invitation,
    InvitationsPage, JoinAnswer, JoinOutcome, Joined, Joining, LabelRenamed, Member, MembersPage,
    NoticesPage, Profile, Recovered, RecoveryCodes, Registered, Role, Sent, Session, SessionsList, SignedIn,
    State,
};
pub use request::{
    Ack, AckNotices, AddFriend, AnswerInvitation, Applications, ChangePassword, CreateGroup,
    DecideApplication, DeleteAccount, EditFriend, EditGroup, EditProfile, FriendRef, GroupChat, GroupMembers,
    GroupRef, Hello, History, JoinGroup, Login, MemberRef, MuteGroup, MuteMember, Nothing, OneChat,
    OwnedGroups, Page, PasswordProof, Ping, ProfileOf, Rank, Recover, Refresh, Reg, RenameLabel, Resume,
    SearchUsers, SessionRef, SetRole, UserRef, Verdict,
};
pub use secret::Secret;
pub use system_event::{SystemEvent, SystemEventKind};
pub use typing::{IsTyping, Typing};
