//! Friend requests and friendships.

use crate::{ConversationId, PersonalNotice, Timestamp, User};

/// A friend as a list shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Friend {
    /// The friend.
    pub user: User,
    /// The conversation with them.
    pub conversation: ConversationId,
    /// When their last connection ended, or they were last seen connected; 0 before the first time.
    pub last_seen: Timestamp,
}

/// Which way a request went, seen from the one who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the other user.
    In,
    /// To the other user.
    Out,
}

/// A friend request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendRequest {
    /// The other user.
    pub other: User,
    /// Who asked.
    pub direction: Direction,
    /// What came with it.
    pub greeting: String,
    /// When it was made.
    pub at: Timestamp,
}

/// A new friendship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Befriended {
    /// The conversation of the two.
    pub conversation: ConversationId,
    /// What the one who had asked is told.
    pub notice: PersonalNotice,
}

/// What came of asking for friendship.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requested {
    /// It waits for the other's answer.
    Waiting,
    /// The other had asked too: friends now.
    Friends(Befriended),
    /// It waited already; nothing changed.
    AlreadyRequested,
    /// Friends already; nothing changed.
    AlreadyFriends,
    /// There is no such user.
    NoSuchUser,
    /// One of the two has as many requests or friends as allowed; nothing changed.
    Full,
}

/// What came of accepting a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Friends now.
    Friends(Befriended),
    /// No request waits; nothing changed.
    NoRequest,
    /// One of the two has as many friends as allowed; nothing changed.
    Full,
}
