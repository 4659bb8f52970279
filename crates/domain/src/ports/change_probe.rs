//! The port that knows whether anything can be stored.

use crate::StoreResult;

/// Tries whether changes are taken. A store may answer every question and take nothing: a database that is read-only, or a
/// disk that is full.
pub trait ChangeProbe: Send + Sync {
    /// Makes a change after which everything is as it was; it takes the way of all changes.
    fn probe_change(&self) -> StoreResult<()>;
}
