//! Which log this is.

use std::fmt;

/// A log's identity: another one after a restore, which may have taken back messages that clients hold. Random, so that no
/// two are alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Epoch(pub [u8; 16]);

/// As clients are told it: 32 hexadecimal digits.
impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
