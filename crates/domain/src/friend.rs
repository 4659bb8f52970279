//! Friend requests and friendships.

use crate::policy::Why;
use crate::{ConversationId, PersonalNotice, Shows, Timestamp, User};

/// A friend as a list shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Friend {
    /// The friend.
    pub user: User,
    /// The conversation with them.
    pub conversation: ConversationId,
    /// When their last connection ended, or they were last seen connected; 0 before the first time.
    pub last_seen: Timestamp,
    /// What only the one who asks knows.
    pub note: FriendNote,
}

/// What a user keeps of a friend for themselves. Outlives the friendship: it is there again if they become friends again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FriendNote {
    /// What the user calls the friend; may be empty.
    pub remark: String,
    /// The label that the user put the friend under; empty for none.
    pub label: String,
}

impl FriendNote {
    /// The note after a change of it.
    pub fn edited(&self, edit: FriendNoteEdit<'_>) -> FriendNote {
        FriendNote {
            remark: edit.remark.unwrap_or(&self.remark).to_owned(),
            label: edit.label.unwrap_or(&self.label).to_owned(),
        }
    }
}

/// A change of a note: what is given changes, the rest stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FriendNoteEdit<'a> {
    /// What the user calls the friend.
    pub remark: Option<&'a str>,
    /// The label that the user puts the friend under.
    pub label: Option<&'a str>,
}

/// What came of changing a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is so now.
    Note {
        /// As it is now.
        note: FriendNote,
        /// The conversation with the friend.
        conversation: ConversationId,
        /// Whether that changed what the user's list shows.
        shows: Shows,
    },
    /// Refused; nothing changed.
    Refused(Why),
    /// It would be one label more than allowed; nothing changed.
    Full,
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
    /// One of the two blocked the other, or is gone; nothing changed.
    Refused(Why),
    /// Who asks has asked as many as allowed, or the other is asked by as many, or one of the two has as many friends; nothing
    /// changed.
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
