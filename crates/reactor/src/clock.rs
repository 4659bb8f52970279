//! The monotonic clock. Everything else in the workspace is told the time.

use std::time::Instant;

/// Reads the clock. Called once per turn of a loop, and by nobody else.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub(crate) fn read() -> Instant {
    Instant::now()
}
