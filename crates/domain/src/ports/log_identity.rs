//! The port that knows which log this is.

use crate::{Epoch, StoreResult};

/// The log's epoch. It changes by an operator's command only, while no node uses the store: nodes read it once.
pub trait LogIdentity: Send + Sync {
    /// Which log this is.
    fn epoch(&self) -> StoreResult<Epoch>;

    /// Gives the log another epoch, and notes of each conversation that it was put back to where it ends now. One that was
    /// put back before keeps the lesser of the two: a client may remember either epoch.
    fn renew_epoch(&self, epoch: Epoch) -> StoreResult<()>;
}
