//! Friends, as they are answered: who they are, who asked, and who is blocked.

use serde::{Deserialize, Serialize};

use super::{FoundUser, State};
use crate::request::is_zero;
use crate::word::words;

/// A friend as a list shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Friend {
    /// The friend's id.
    pub id: u64,
    /// The friend's name.
    pub name: String,
    /// What they want to be called, if they said so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nickname: String,
    /// Where their picture is, if they have one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub avatar: String,
    /// What the asker calls them, if anything.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remark: String,
    /// The label that the asker put them under, if any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Whether they are there.
    pub state: State,
    /// The conversation with them.
    pub conv: u64,
    /// When they were last there, Unix milliseconds, if they are not now and ever were.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last_seen: u64,
}

words! {
    /// Which way a friend request went.
    Direction {
        /// From the other user to the asker.
        In = "in",
        /// From the asker to the other user.
        Out = "out",
    }
}

/// A friend request that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequest {
    /// The other user's id.
    pub id: u64,
    /// The other user's name.
    pub name: String,
    /// What they want to be called, if they said so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nickname: String,
    /// Who asked.
    pub direction: Direction,
    /// What came with it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub greeting: String,
    /// When it was made, Unix milliseconds.
    pub time: u64,
}

words! {
    /// How a friend request ended at once.
    FriendOutcome {
        /// It waits for the other's answer.
        Requested = "requested",
        /// The other had asked too, or it was an acceptance: friends from now on.
        Friends = "friends",
    }
}

/// Answer to ADD_FRIEND and ACCEPT_FRIEND.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendAnswer {
    /// What came of it.
    pub outcome: FriendOutcome,
    /// The new friend, if friends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friend: Option<Friend>,
}

/// A page of friends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendsPage {
    /// By rising id.
    pub friends: Vec<Friend>,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
}

/// A label was renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRenamed {
    /// Friends who stand under another label now, or under none.
    pub changed: u32,
}

/// A page of friend requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequestsPage {
    /// By rising id of the other user.
    pub requests: Vec<FriendRequest>,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
}

/// A page of blocked users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedPage {
    /// By rising id.
    pub blocked: Vec<FoundUser>,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
}
