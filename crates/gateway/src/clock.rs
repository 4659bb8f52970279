//! The monotonic clock of threads that nobody tells the time: those that are not the reactor's.

use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the monotonic clock")]
pub(crate) fn read() -> Instant {
    Instant::now()
}
