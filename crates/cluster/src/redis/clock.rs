//! The monotonic clock of this crate's threads.

use std::time::Instant;

/// Reads the clock. Lag, silence and backoff are measured on it; what other nodes shall compare is wall-clock time.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the monotonic clock")]
pub(super) fn read() -> Instant {
    Instant::now()
}
