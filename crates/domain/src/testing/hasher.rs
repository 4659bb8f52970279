//! A password hasher that takes no time and counts what it would have cost.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{HashError, PasswordHasher};

const PREFIX: &str = "$fake$";
const DECOY: &str = "$fake$decoy";

/// A password hasher that takes no time, hides nothing, and counts its calls, so that a test can say "a login costs one
/// check, whether or not there is such an account". Every hash has its own salt: a counter.
#[derive(Debug, Default)]
pub struct FakeHasher {
    hashed: AtomicU64,
    verified: AtomicU64,
    decoys: AtomicU64,
}

impl FakeHasher {
    /// A hasher that was never called.
    pub fn new() -> FakeHasher {
        FakeHasher::default()
    }

    /// How often it made a hash.
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::SeqCst)
    }

    /// How often it checked a password, the checks against the decoy among them.
    pub fn verified(&self) -> u64 {
        self.verified.load(Ordering::SeqCst)
    }

    /// How often it checked a password against the decoy.
    pub fn decoys(&self) -> u64 {
        self.decoys.load(Ordering::SeqCst)
    }
}

impl PasswordHasher for FakeHasher {
    fn hash(&self, password: &str) -> Result<String, HashError> {
        let salt = self.hashed.fetch_add(1, Ordering::SeqCst);
        Ok(format!("{PREFIX}{salt}${password}"))
    }

    fn verify(&self, password: &str, hash: &str) -> Result<bool, HashError> {
        self.verified.fetch_add(1, Ordering::SeqCst);
        if hash == DECOY {
            self.decoys.fetch_add(1, Ordering::SeqCst);
            return Ok(false);
        }
        let hashed = hash.strip_prefix(PREFIX).and_then(|rest| rest.split_once('$'));
        let (_salt, hashed) =
            hashed.ok_or_else(|| HashError { cause: format!("not a fake hash: {hash}") })?;
        Ok(hashed == password)
    }

    fn decoy(&self) -> &str {
        DECOY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_hashes_and_counts() {
        let hasher = FakeHasher::new();
        let (one, two) = (hasher.hash("a$b").unwrap(), hasher.hash("a$b").unwrap());
        assert_ne!(one, two);
        assert!(hasher.verify("a$b", &one).unwrap());
        assert!(!hasher.verify("a", &one).unwrap());
        assert!(!hasher.verify("decoy", hasher.decoy()).unwrap());
        assert!(hasher.verify("x", "$argon2id$…").is_err());
        assert_eq!((hasher.hashed(), hasher.verified(), hasher.decoys()), (2, 4, 1));
    }
}
