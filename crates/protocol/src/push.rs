//! What the server says unasked.

use serde::{Deserialize, Serialize};

use crate::changes::{Quote, Recalled};
use crate::reply::{Friend, Role, State};
use crate::request::{is_false, is_zero, is_zero_u32};
use crate::system_event::SystemEvent;
use crate::word::words;

words! {
    /// What a message is.
    #[derive(Default)]
    MessageKind else Unknown {
        /// Plain text in `msg`.
        #[default]
        Text = "text",
        /// What became of the group: `event` says it, and `msg` in a sentence.
        System = "system",
        /// Of a kind that a newer server invented: keep its place, show that it is there.
        Unknown = "unknown",
    }
}

/// A message of a conversation. Its state moves forward only: what was recalled stays so, and of two texts the one that was
/// edited later is the newer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// The conversation.
    pub conv: u64,
    /// Its place there: 1, 2, 3 … without holes.
    pub seq: u64,
    /// The sender.
    pub from: u64,
    /// What the sender is called: the nickname, or the name without one.
    pub name: String,
    /// The id that the sender chose; empty in a message of the kind `system`.
    pub client_msg_id: String,
    /// The server's time, Unix milliseconds.
    pub time: u64,
    /// What it is.
    pub kind: MessageKind,
    /// The text.
    pub msg: String,
    /// What happened, in a message of the kind `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<SystemEvent>,
    /// When the text was last changed, Unix milliseconds; 0 while it is the first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub edited: u64,
    /// Who took it back, and when: the text is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalled: Option<Recalled>,
    /// The reader deleted it for themselves: they are not given the text.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// The seq of the message that this one answers; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reply_to: u64,
    /// How that message begins, if everybody who is given this may read it, and it was not recalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// Whom it mentions; 0 is everybody in the group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<u64>,
}

words! {
    /// What happened between two users.
    FriendEventKind else Unknown {
        /// They ask for friendship.
        Requested = "requested",
        /// You are friends now.
        Accepted = "accepted",
        /// They refused your request.
        Refused = "refused",
        /// They took their request back.
        Withdrawn = "withdrawn",
        /// They ended the friendship.
        Deleted = "deleted",
        /// A newer server invented it.
        Unknown = "unknown",
    }
}

/// Something happened to a friend request or friendship, told to every device of both users but the one that asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendEvent {
    /// What happened.
    pub event: FriendEventKind,
    /// The other user.
    pub id: u64,
    /// The other user's name.
    pub name: String,
    /// Who did it, the reader or the other user.
    pub by: u64,
    /// What came with a request.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub greeting: String,
    /// The new friend, with `accepted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friend: Option<Friend>,
    /// Seq of the reader's notice that says the same: it is pushed too, and is the one to show. 0 if there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub notice: u64,
}

words! {
    /// What a notice tells.
    NoticeKind else Unknown {
        /// Your friend request was accepted.
        FriendAccepted = "friend_accepted",
        /// Your friend request was refused.
        FriendRefused = "friend_refused",
        /// A friend ended the friendship.
        FriendDeleted = "friend_deleted",
        /// You are in the group that you applied to.
        ApplicationAccepted = "application_accepted",
        /// Your application to a group was refused.
        ApplicationRefused = "application_refused",
        /// Whom you asked into a group came.
        InvitationAccepted = "invitation_accepted",
        /// Whom you asked into a group does not want to come.
        InvitationRefused = "invitation_refused",
        /// You were put out of a group.
        Removed = "removed",
        /// You have a new role in a group.
        Role = "role",
        /// You may not speak in a group for a while, or may again.
        Muted = "muted",
        /// A friend's account is gone.
        FriendAccountDeleted = "friend_account_deleted",
        /// A newer server invented it.
        Unknown = "unknown",
    }
}

/// What concerned the reader and is kept for them: each device shows it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its place among the reader's notices.
    pub seq: u64,
    /// When, Unix milliseconds.
    pub time: u64,
    /// What it tells.
    pub kind: NoticeKind,
    /// Who did it.
    pub by: u64,
    /// That user's name.
    pub name: String,
    /// The group concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groupid: Option<u64>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groupname: Option<String>,
    /// The new role, with `role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Until when the reader may not speak, Unix milliseconds, with `muted`; 0: they may again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// A friend came or went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresencePush {
    /// The friend.
    pub id: u64,
    /// Whether they are there.
    pub state: State,
    /// When they were last there, Unix milliseconds, if they are not now and the node knows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last_seen: u64,
}

/// A friend is shown otherwise now, told to all their friends, and to the other devices of whoever changed something; remark
/// and label to the latter alone. What is left out stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendChanged {
    /// The friend, or oneself.
    pub id: u64,
    /// What they want to be called from now on; empty: the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Where their picture is from now on; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// What the reader calls them from now on; empty: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// The label that the reader put them under; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

words! {
    /// What happened in a group.
    GroupEventKind else Unknown {
        /// The reader came in, or was let in.
        Joined = "joined",
        /// The reader left.
        Left = "left",
        /// A newer server invented it.
        Unknown = "unknown",
    }
}

/// The reader came into a group or left it, by another device of theirs, or was let in by who decides there. What others do
/// stands in the group's conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupEvent {
    /// What happened.
    pub event: GroupEventKind,
    /// The group.
    pub groupid: u64,
    /// Its name.
    pub groupname: String,
    /// The user concerned.
    pub id: u64,
    /// What that user is called: the nickname, or the name without one.
    pub name: String,
    /// Members from now on.
    pub members: u32,
    /// Seq of the reader's notice that says the same: it is pushed too, and is the one to show. 0 if there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub notice: u64,
}

words! {
    /// What happened to an application or invitation.
    GroupRequestKind else Unknown {
        /// `id` asks to come in.
        Applied = "applied",
        /// `id` took the application back.
        ApplicationWithdrawn = "application_withdrawn",
        /// `by` let `id` in.
        ApplicationAccepted = "application_accepted",
        /// `by` does not let `id` in.
        ApplicationRefused = "application_refused",
        /// `by` asked `id` in.
        Invited = "invited",
        /// `by` took the invitation of `id` back.
        InvitationWithdrawn = "invitation_withdrawn",
        /// `id` came.
        InvitationAccepted = "invitation_accepted",
        /// `id` does not come.
        InvitationRefused = "invitation_refused",
        /// A newer server invented it.
        Unknown = "unknown",
    }
}

/// Something happened to an application or invitation: told to the devices of those who decide about it and of those whom it
/// concerns, but for the one that asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRequestEvent {
    /// What happened.
    pub event: GroupRequestKind,
    /// The group.
    pub groupid: u64,
    /// Its name.
    pub groupname: String,
    /// Who applied or was asked in.
    pub id: u64,
    /// Their name.
    pub name: String,
    /// Who did it.
    pub by: u64,
    /// Their name.
    pub by_name: String,
    /// What came with an application.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub greeting: String,
}

/// The server will close this connection: why, and when to come back. Only answers to requests that it took before may
/// follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// An error code from the table.
    pub errcode: u16,
    /// One sentence for people.
    pub errmsg: String,
    /// Wait at least this long before connecting again; absent: as the client likes.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub retry_after_ms: u32,
}

/// The node may have missed what others told: lists, cursors, receipts and changes may stand otherwise than this connection was
/// told. Ask REFRESH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resync {
    /// Ask at a random moment of so many milliseconds, so that not all ask at once.
    pub within_ms: u32,
}
