//! The plain types of the chat system and the ports that its business rules need.
//!
//! Three nouns: *types* ([`User`], [`Session`], [`Group`], [`NewMessage`] …) hold facts and know nothing; *ports*
//! ([`Store`], [`Bus`], [`Presence`], [`Clock`] …) are traits for what the business cannot do itself; *errors*
//! ([`StoreError`] …) are sorted by what the caller can do about them. The `service` crate depends on this crate alone
//! (and on `protocol`); `model` and `cluster` implement the ports; only the `server` binary names implementations.
//!
//! With the feature `testing` there are in-memory fakes of every port, and a conformance suite that the fakes and the
//! real stores pass alike.

mod block;
mod broadcast;
mod deletion;
mod epoch;
mod error;
mod friend;
mod group;
mod group_change;
mod group_profile;
mod group_request;
mod hidden;
mod id;
mod message;
mod message_change;
mod message_search;
mod personal_notice;
pub mod policy;
mod ports;
mod quiet;
mod quoted;
mod secret;
mod session;
#[cfg(feature = "testing")]
pub mod testing;
mod time_search;
mod user;
mod words;

pub use block::{Blocked, Parted};
pub use broadcast::{
    BROADCAST_KEPT_MS, BROADCASTS_KEPT_MAX, Broadcast, BroadcastAck, BroadcastAdded, BroadcastPlace,
    NewBroadcast,
};
pub use deletion::{AccountDeletion, Departure, OwnedGroups};
pub use epoch::Epoch;
pub use error::{BusError, HashError, StoreError, StoreResult};
pub use friend::{
    Accepted, Befriended, Direction, Friend, FriendNote, FriendNoteEdit, FriendRequest, Noted, Requested,
};
pub use group::{
    Created, Group, GroupRoster, GroupState, Member, Membership, NewGroup, OwnGroup, Role, RosterEntry,
};
pub use group_change::{
    Attempt, ChangePlace, ChangeRefused, GroupChange, GroupChanged, GroupDecision, GroupDeed, GroupEffect,
    GroupFacts, Rank, Told, members_after,
};
pub use group_profile::{GroupEdit, GroupProfile, Joining};
pub use group_request::{
    Application, ApplicationsOf, Invitation, Invited, Queue, WAITING_COUNTED_MAX, Waiting, WaitingCounts,
};
pub use hidden::{Hidden, Hiding, dense};
pub use id::{
    BroadcastId, ChangePosition, ConversationId, GroupId, HiddenPosition, NUMBER_MAX, NoticeSeq,
    RosterVersion, Seq, SessionId, Timestamp, UserId,
};
pub use message::{
    Appended, Conversation, ConversationFilter, ConversationKind, Cursor, Mentions, MessageKind, NewMessage,
    Novelty, PageSize, Parties, Progress, Recall, StoredMessage, Touched, Window,
};
pub use message_change::{
    ChangeWindows, MessageChange, MessageChangeRefused, MessageChanged, MessageDeed, MessageFacts,
};
pub use message_search::{
    COMPARED_BYTES_MAX, FoundMessages, FoundPlace, INDEXED_BYTES_AT_ONCE, INDEXED_WORDS_AT_ONCE, IndexRoom,
    Indexed, MessageSearch, Unindexed,
};
pub use personal_notice::{
    NOTICE_KEPT_MS, NOTICES_KEPT_MAX, NamedNotice, NewPersonalNotice, NoticePlace, PersonalNotice,
    PersonalNoticeKind,
};
pub use ports::*;
pub use quiet::{EVERYWHERE, Quiet, QuietHours, QuietList, QuietMentions, QuietSet};
pub use quoted::{QUOTED_CHARS_MAX, Quoted};
pub use secret::{CodeHash, PasswordChange, RECOVERY_DELAY_MAX_MS, Recovered, Recovery, recovery_delay_ms};
pub use session::{FoundSession, GroupsVersion, NewSession, Session, Standing, TokenHash};
pub use time_search::{TIMES_CROSS_MAX, first_at};
pub use user::{
    Account, Credentials, DELETED_USER, Edited, NewUser, Profile, ProfileEdit, Shows, User, UserSearch,
};
pub use words::{ASKED_WORDS_MAX, INDEXED_CHARS_MAX, INDEXED_WORDS_MAX, WORD_CHARS_MAX, WordQuery, words};
