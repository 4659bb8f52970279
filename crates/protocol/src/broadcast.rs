//! What the operator tells every user: BROADCASTS, ACK_BROADCASTS and the push BROADCAST.

use serde::{Deserialize, Serialize};

use crate::request::is_zero;

/// What the operator told every user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broadcast {
    /// Its place among all broadcasts: 1, 2, 3 …, the same for every user.
    pub id: u64,
    /// When, Unix milliseconds.
    pub time: u64,
    /// What.
    pub msg: String,
}

/// A page of broadcasts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastsPage {
    /// By rising id. Holes are broadcasts that were kept for long enough, or are older than the user.
    pub broadcasts: Vec<Broadcast>,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
    /// The newest broadcast's id; 0 if there never was one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub last: u64,
}

/// This device has the broadcasts up to `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckBroadcasts {
    /// Cumulative; a smaller number than before changes nothing.
    pub id: u64,
}
