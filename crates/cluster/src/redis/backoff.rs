//! When to try again.

use std::time::{Duration, Instant};

use rand::RngExt;

/// The first wait after a failure.
const FIRST: Duration = Duration::from_millis(50);
/// The longest wait: how late a thread may find out that Redis is back.
const LONGEST: Duration = Duration::from_millis(1_000);

/// Waits that double from [`FIRST`] to [`LONGEST`], each shortened by chance to between a half and the whole, so that
/// the nodes which lost the same Redis do not return to it in step.
#[derive(Debug)]
pub(super) struct Backoff {
    wait: Duration,
    /// Not before this moment.
    ready_at: Option<Instant>,
}

impl Backoff {
    pub(super) fn new() -> Backoff {
        Backoff { wait: FIRST, ready_at: None }
    }

    /// It failed.
    pub(super) fn failed(&mut self, now: Instant) {
        let share = rand::rng().random_range(0.5..=1.0);
        self.ready_at = Some(now + self.wait.mul_f64(share));
        self.wait = (self.wait * 2).min(LONGEST);
    }

    /// It works: the next failure waits briefly again.
    pub(super) fn worked(&mut self) {
        *self = Backoff::new();
    }

    /// When to try next; `None` for at once.
    pub(super) fn ready_at(&self) -> Option<Instant> {
        self.ready_at
    }

    /// Whether to try now.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        self.ready_at.is_none_or(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_begin_anew() {
        let now = super::super::clock::read();
        let mut backoff = Backoff::new();
        assert!(backoff.is_ready(now));
        let mut longest = Duration::ZERO;
        for _ in 0..10 {
            backoff.failed(now);
            assert!(!backoff.is_ready(now + FIRST / 3));
            longest = longest.max(backoff.ready_at().unwrap() - now);
        }
        assert!(longest > LONGEST / 3 && longest <= LONGEST, "{longest:?}");
        assert!(backoff.is_ready(now + LONGEST));
        backoff.worked();
        assert!(backoff.is_ready(now));
    }
}
