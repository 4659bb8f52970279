//! A clock that stands still until it is moved.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Clock, Timestamp};

/// A clock that stands still until a test moves it, in either direction.
#[derive(Debug)]
pub struct FakeClock {
    now: AtomicU64,
}

impl FakeClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> FakeClock {
        FakeClock { now: AtomicU64::new(now.0) }
    }

    /// Shows `now` from here on.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.0, Ordering::SeqCst);
    }

    /// Moves on by so many milliseconds.
    pub fn advance_ms(&self, milliseconds: u64) {
        self.now.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }
}
