//! Changes of what an account is proved by: passwords and recovery codes.

use std::fmt;

use crate::{Account, SessionId, Timestamp, User, UserId};

/// SHA-256 of a recovery code. The code itself is known to its user only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeHash(pub [u8; 32]);

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash(***)")
    }
}

/// A new password for somebody who proved the old one.
#[derive(Clone)]
pub struct PasswordChange<'a> {
    /// Whose.
    pub user: UserId,
    /// The hash that the old password was checked against.
    pub old_hash: &'a str,
    /// The new password's.
    pub new_hash: &'a str,
    /// The session that asks, and stays.
    pub keep: SessionId,
}

/// A try to set a new password by a recovery code.
#[derive(Clone)]
pub struct Recovery<'a> {
    /// Whose.
    pub account: Account<'a>,
    /// What they show.
    pub code: CodeHash,
    /// The new password's hash.
    pub new_hash: &'a str,
    /// When.
    pub at: Timestamp,
}

/// What a recovery did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Whose password it is.
    pub user: User,
    /// All their sessions: they ended.
    pub ended: Vec<SessionId>,
    /// Codes that are left.
    pub codes_left: u32,
}

/// The wait after the first wrong recovery code.
const FIRST_DELAY_MS: u64 = 1_000;

/// The longest wait after a wrong recovery code.
pub const RECOVERY_DELAY_MAX_MS: u64 = 3_600_000;

/// Wrong codes after which the wait is the longest.
const DOUBLINGS_MAX: u32 = 12;

/// How long after so many wrong recovery codes in a row no other is looked at: twice as long with each.
pub fn recovery_delay_ms(failures: u32) -> u64 {
    match failures {
        0 => 0,
        _ => (FIRST_DELAY_MS << (failures - 1).min(DOUBLINGS_MAX)).min(RECOVERY_DELAY_MAX_MS),
    }
}

const _: () = assert!(FIRST_DELAY_MS << DOUBLINGS_MAX >= RECOVERY_DELAY_MAX_MS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_an_hour() {
        let waits: Vec<u64> = (0..5).map(recovery_delay_ms).collect();
        assert_eq!(waits, [0, 1_000, 2_000, 4_000, 8_000]);
        assert_eq!(recovery_delay_ms(12), 2_048_000);
        for failures in [13, 32, 33, 54, 55, 64, 65, u32::MAX] {
            assert_eq!(recovery_delay_ms(failures), RECOVERY_DELAY_MAX_MS, "{failures}");
        }
    }
}
