//! The port that keeps what users want to be quiet.

use crate::{Quiet, QuietList, QuietSet, StoreResult, UserId};

/// What users keep quiet. Bounded for each user by whoever sets it.
pub trait QuietStore: Send + Sync {
    /// All that a user keeps quiet, and the version of that, as one moment saw them.
    fn quiet(&self, user: UserId) -> StoreResult<QuietList>;

    /// Sets when one conversation is quiet in the place of what was set before, or takes that away. A change counts in the
    /// list's version, in the same transaction; at most `max` conversations of a user are kept. Nothing is changed for a
    /// user who does not exist.
    fn set_quiet(&self, user: UserId, quiet: &Quiet, max: u32) -> StoreResult<QuietSet>;
}
