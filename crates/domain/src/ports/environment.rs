//! The ports for what a computation cannot make itself: time, chance, and slow secrets.

use crate::{HashError, Timestamp};

/// The wall clock. Any thread.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness that nobody can guess. Any thread.
pub trait Entropy: Send + Sync {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// Makes and checks password hashes. Slow on purpose (tens of milliseconds of one core): only on the slow lane.
pub trait PasswordHasher: Send + Sync {
    /// A hash in PHC form, with its own salt.
    fn hash(&self, password: &str) -> Result<String, HashError>;

    /// Whether the password belongs to the hash. Takes as long for a wrong one.
    fn verify(&self, password: &str, hash: &str) -> Result<bool, HashError>;

    /// A hash that no password belongs to, of the same cost: checked when there is no account, so that time does not
    /// tell whether there is one.
    fn decoy(&self) -> &str;
}
