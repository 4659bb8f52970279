//! What the application learns unasked.

use std::time::Duration;

use protocol::{
    Broadcast, Changed, ChatMessage, FriendChanged, FriendEvent, GroupEvent, GroupRequestEvent, HelloReply,
    Hidden, IsTyping, Notice, PresencePush, Receipt, Refusal, SignedIn,
};

use crate::quiet::Quiet;

/// Something happened. See [`Events`](crate::Events).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A server answered HELLO.
    Connected(HelloReply),
    /// There is no connection, or an attempt at one failed.
    Disconnected {
        /// One sentence.
        why: String,
        /// What the client does next.
        next: Next,
    },
    /// A session began or goes on: the first lists.
    SignedIn {
        /// By password or by token.
        how: SignInKind,
        /// The login bundle.
        bundle: Box<SignedIn>,
    },
    /// Everything that was said while away has been shown.
    Synced {
        /// Messages that came since the sign-in.
        missed: u64,
    },
    /// The session is over and its token worthless. Log in again to go on.
    SessionEnded(SessionEnd),
    /// A message: the next of its conversation, each once and in order of seq, own ones included.
    Message {
        /// The message.
        message: ChatMessage,
        /// How it came.
        arrival: Arrival,
    },
    /// A message was recalled or edited: this is how it is now. Each change once and in order of its position, after the
    /// message itself, whether this client was there or not; of a message that was changed several times while it was away
    /// the last. What was changed while it was away follows [`Event::Synced`]. The message may be one that was never shown
    /// here. After [`Event::Restored`] all changes come again.
    Changed(Changed),
    /// The user deleted a message for themselves, on any device: it is not to be shown any more. Each once and in order of its
    /// position, whether this client was there or not; what was hidden while it was away follows [`Event::Synced`]. The message
    /// may be one that was never shown here. It stays hidden, whatever is said of it later: a live [`Event::Changed`] is the
    /// same for all readers, and tells its new text. After [`Event::Restored`] all come again.
    Hidden(Hidden),
    /// Somebody is writing something in a conversation. It holds for [`TYPING_MS`](protocol::limits::TYPING_MS), or until a message
    /// of theirs comes.
    Typing(IsTyping),
    /// Messages of a conversation that cannot be read any more, or that the server does not give: they are passed over.
    Gap {
        /// The conversation.
        conv: u64,
        /// Seq of the first of them.
        first: u64,
        /// Seq of the last of them.
        last: u64,
    },
    /// The server was restored from a backup: what came after it is gone, on all devices, and lists may be others. What it
    /// means for each conversation follows as [`Event::Rewound`]. Recalls and edits are undone too, of messages that stand
    /// still: what the application holds as recalled or edited is to be read again.
    Restored,
    /// Messages after this seq that the application took of this conversation may be gone, or others bear their seqs:
    /// what it holds of them is to be dropped. Those that are there come anew.
    Rewound {
        /// The conversation.
        conv: u64,
        /// Seq of the last message that still stands; 0 if none does.
        to: u64,
    },
    /// Something concerned the user: on this device each once and in order of seq, whether it was there or not.
    Notice(Notice),
    /// The operator of the server tells everybody something: on this device each once and in order of id, whether it was
    /// there or not.
    Broadcast(Broadcast),
    /// What the user keeps quiet, from now on: told when a session is entered, if it is news, and after each change.
    Quiet(Quiet),
    /// Somebody got further in a conversation: the other user of a direct one, or this user by another device.
    Receipt(Receipt),
    /// Something happened to a friend request or friendship. One that names a notice changes lists only: the notice is
    /// what to show.
    Friend(FriendEvent),
    /// A friend came or went.
    Presence(PresencePush),
    /// A friend, or this user by another device, is shown otherwise now.
    FriendChanged(FriendChanged),
    /// The user came into or left a group, by another device, or was let in. What others do are messages.
    Group(GroupEvent),
    /// Something happened to an application or invitation that concerns the user.
    GroupRequest(GroupRequestEvent),
    /// The application took events too slowly: so many were dropped, none of them a message. Ask for the lists again.
    Dropped {
        /// How many.
        count: u64,
    },
}

/// What the client does without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It tries again after this time.
    RetryIn(Duration),
    /// It waits until something is asked of it.
    Rest,
}

/// How a session was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInKind {
    /// With a password.
    Login,
    /// With a token.
    Resume,
    /// It goes on by the connection that it has: the server said that what it told may be out of date.
    Refresh,
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// This client logged out.
    LoggedOut,
    /// The server ended it: from another device, by a newer login, or because it went on over another connection.
    ByServer(String),
    /// The server did not take the token.
    TokenRefused(Refusal),
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// As it was said; own messages when they were stored.
    Live,
    /// Fetched afterwards: it was said while this client was away, or its push went missing.
    Missed,
}
