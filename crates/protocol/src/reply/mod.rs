//! What the server answers.

mod friends;
mod groups;

use serde::{Deserialize, Serialize};

use crate::push::{ChatMessage, Notice};
use crate::request::{is_false, is_zero, is_zero_u32};
use crate::secret::Secret;
use crate::word::words;

pub use self::friends::{
    BlockedPage, Direction, Friend, FriendAnswer, FriendOutcome, FriendRequest, FriendRequestsPage,
    FriendsPage, LabelRenamed,
};
pub use self::groups::{
    Application, ApplicationsPage, Group, GroupProfile, GroupState, GroupsPage, Invitation, InvitationsPage,
    JoinAnswer, JoinOutcome, Joined, Joining, Member, MembersPage, Role,
};

/// The server's first words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloReply {
    /// The protocol version chosen for this connection.
    pub version: u16,
    /// Name and version of the server program.
    pub server: String,
    /// The node's name.
    pub node: String,
    /// The server's wall clock, Unix milliseconds.
    pub time: u64,
    /// Send something, a PING if nothing else, at least this often; after twice this long in silence a side closes.
    pub heartbeat_ms: u64,
    /// Body bytes of a frame that the server takes once logged in.
    pub frame_bytes_max: u32,
    /// Bytes of a message text.
    pub text_bytes_max: u32,
    /// Requests of one connection that may wait for their answer; beyond it the server stops reading.
    pub pipeline_max: u32,
    /// Entries of one page.
    pub page_max: u32,
}

/// A registered user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The new user's id.
    pub id: u64,
    /// One-time codes that set a new password, shown this once: the server keeps their hashes only.
    #[serde(default)]
    pub recovery_codes: Vec<Secret>,
}

/// A new password was set by a recovery code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// The user.
    pub id: u64,
    /// The user's name.
    pub name: String,
    /// Recovery codes that can still be used.
    pub codes_left: u32,
}

/// New recovery codes; those before are void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// As in [`Registered`].
    pub recovery_codes: Vec<Secret>,
}

/// The login bundle: small and bounded, the rest is paged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// The user.
    pub id: u64,
    /// The user's name.
    pub name: String,
    /// This session's number.
    pub session: u64,
    /// For RESUME; given by LOGIN only, and stored by the server as a hash only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// Which log this is, in hexadecimal digits. Another one than before: the server was restored from a backup, and
    /// what came after it may be gone, or its seqs may belong to other messages.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub epoch: String,
    /// The first friends by id.
    #[serde(default)]
    pub friends: Vec<Friend>,
    /// Where FRIENDS goes on, if there are more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub friends_next: u64,
    /// The version of the list of friends; never empty, and no two states of it have the same.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub friends_version: String,
    /// The device holds this version: no friends are sent, only who is online.
    #[serde(default, skip_serializing_if = "is_false")]
    pub friends_unchanged: bool,
    /// Where the list is unchanged, the ids of the friends who are online, by rising id; the others are not. `None`: the
    /// node cannot know now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friends_online: Option<Vec<u64>>,
    /// The first groups by id.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Where GROUPS goes on, if there are more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub groups_next: u64,
    /// The version of the list of groups.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub groups_version: String,
    /// The device holds this version: no groups are sent.
    #[serde(default, skip_serializing_if = "is_false")]
    pub groups_unchanged: bool,
    /// Friend requests that wait, the first by the other's id.
    #[serde(default)]
    pub requests: Vec<FriendRequest>,
    /// Where FRIEND_REQUESTS goes on, if there are more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub requests_next: u64,
    /// Conversations with more than the user acknowledged.
    #[serde(default)]
    pub convs: Vec<Conversation>,
    /// Where CONVERSATIONS goes on, if there are more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub convs_next: u64,
    /// Seq of the user's newest notice; 0 if there never was one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub notices_last: u64,
    /// Up to where this device has them: NOTICES goes on after it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub notices_acked: u64,
    /// Id of the newest broadcast; 0 if there never was one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub broadcasts_last: u64,
    /// Up to where this device has them: BROADCASTS goes on after it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub broadcasts_acked: u64,
    /// Applications that wait where the user decides, counted up to 100.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub applications: u32,
    /// Groups that the user was asked into, counted likewise.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub invitations: u32,
    /// Counts the changes of what the user keeps quiet: who holds another version asks QUIET.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub quiet_version: u64,
    /// The newest position in the list of what the user hid: who holds less asks HIDDEN.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hidden_last: u64,
}

/// What a user tells of themselves. Without `phone` and `searchable`, unless it is one's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The user's id.
    pub id: u64,
    /// The user's name.
    pub name: String,
    /// What they want to be called; empty: the name.
    #[serde(default)]
    pub nickname: String,
    /// A line about themselves; may be empty.
    #[serde(default)]
    pub signature: String,
    /// Where their picture is; empty for none.
    #[serde(default)]
    pub avatar: String,
    /// One's own phone number; may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Secret>,
    /// Whether searches find oneself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searchable: Option<bool>,
}

/// A user as a search finds them, and as the list of blocked users shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundUser {
    /// The user's id.
    pub id: u64,
    /// The user's name.
    pub name: String,
    /// What they want to be called, if they said so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nickname: String,
    /// Where their picture is, if they have one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub avatar: String,
}

/// A page of users that a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundUsers {
    /// The one with the id, then by name, then by nickname.
    pub found: Vec<FoundUser>,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
}

words! {
    /// Whether a user is there. An enum and not a flag: a node that cannot know says `unknown`.
    #[derive(Default)]
    State else Unknown {
        /// At least one session is connected.
        Online = "online",
        /// No session is connected.
        Offline = "offline",
        /// The node cannot know now; also any value that a newer server invented.
        #[default]
        Unknown = "unknown",
    }
}

words! {
    /// What a conversation is.
    ConversationKind else Unknown {
        /// Between two users.
        Direct = "direct",
        /// Of a group.
        Group = "group",
        /// Of a kind that a newer server invented.
        Unknown = "unknown",
    }
}

/// How far a conversation goes, and how far its reader got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The conversation.
    pub conv: u64,
    /// What it is.
    pub kind: ConversationKind,
    /// The other user of a direct conversation; the group's number of a group's.
    pub with: u64,
    /// Seq of the first message that the asker may read: 1, or the first after joining a group.
    pub first: u64,
    /// Seq of the newest message; `first - 1` if there is none.
    pub last: u64,
    /// What the user acknowledged with ACK, from any device.
    pub acked: u64,
    /// Up to here no restored backup took anything back; 0 where the log is the first, or the conversation is newer
    /// than the backup. It counts only for a client that remembers another epoch.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub restored: u64,
    /// What the user read, on any device: `last - max(read, first - 1)` messages are unread.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub read: u64,
    /// The newest position in the feed of its changes; 0 if nothing was changed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last_change: u64,
}

/// A session of the asker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its number.
    pub session: u64,
    /// The device's name from HELLO.
    pub device: String,
    /// When it began, Unix milliseconds.
    pub since: u64,
    /// When it last logged in or resumed, Unix milliseconds.
    pub seen: u64,
    /// Whether it is connected.
    pub state: State,
    /// Whether it is the session that asks.
    pub current: bool,
}

/// A message was stored: it will not be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The conversation.
    pub conv: u64,
    /// The message's place in it.
    pub seq: u64,
    /// The server's time, Unix milliseconds.
    pub time: u64,
}

/// A page of conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationsPage {
    /// By rising id; every conversation that has a message which the asker may read.
    pub convs: Vec<Conversation>,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
}

/// The asker's sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsList {
    /// By rising number; their count is bounded by the server.
    pub sessions: Vec<Session>,
}

/// A page of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// The conversation.
    pub conv: u64,
    /// By rising seq, without holes.
    pub messages: Vec<ChatMessage>,
    /// Seq of the first message that the asker may read.
    pub first: u64,
    /// Seq of the newest message; `first - 1` if there is none.
    pub last: u64,
}

/// A page of notices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticesPage {
    /// By rising seq. Holes are notices that were kept for long enough.
    pub notices: Vec<Notice>,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
    /// Seq of the newest notice; 0 if there never was one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last: u64,
}

/// The body of every reply with an error code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// One sentence for people.
    #[serde(default)]
    pub errmsg: String,
    /// The field at fault, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// When to try again, in milliseconds, where trying again can help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
