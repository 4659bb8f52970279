//! The port that keeps what the operator tells every user.

use crate::{
    Broadcast, BroadcastAck, BroadcastAdded, BroadcastId, NewBroadcast, StoreResult, Timestamp, UserId,
};

/// What the operator told every user. Ids rise in the order of the commits: whoever read up to one has all before it.
pub trait BroadcastStore: Send + Sync {
    /// Stores a broadcast with the next id, unless its key was stored before; what is beyond
    /// [`BROADCASTS_KEPT_MAX`](crate::BROADCASTS_KEPT_MAX) is removed then.
    fn add_broadcast(&self, new: &NewBroadcast<'_>) -> StoreResult<BroadcastAdded>;

    /// The newest broadcast; 0 if there never was one.
    fn last_broadcast(&self) -> StoreResult<BroadcastId>;

    /// Broadcasts after `after`, by rising id, at most `limit`.
    fn broadcasts(&self, after: BroadcastId, limit: u32) -> StoreResult<Vec<Broadcast>>;

    /// The same without those that are older than the user.
    fn broadcasts_to(&self, user: UserId, after: BroadcastId, limit: u32) -> StoreResult<Vec<Broadcast>>;

    /// Moves sessions forward, and with them where new sessions of their users begin; never back, never past the newest
    /// broadcast. Unknown users and sessions are passed over. At most 1,000, no session twice.
    fn ack_broadcasts(&self, acks: &[BroadcastAck]) -> StoreResult<()>;

    /// Removes broadcasts from before `before`, at most `limit` of them; how many.
    fn expire_broadcasts(&self, before: Timestamp, limit: u32) -> StoreResult<u32>;
}
