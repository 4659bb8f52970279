//! How long to wait before connecting again.

use std::time::Duration;

/// Exponential backoff with full jitter: a random time between 0 and a bound that doubles with each failure.
///
/// The random part is passed in. With many clients a full jitter spreads the return after a server's restart best.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(first: Duration, max: Duration) -> Backoff {
        Backoff { first, max, failures: 0 }
    }

    /// The connection was good: begin anew.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure.
    pub(crate) fn next(&mut self, random: u64) -> Duration {
        let bound = self.first.saturating_mul(1 << self.failures.min(16)).min(self.max);
        self.failures = self.failures.saturating_add(1);
        let bound_ms = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX - 1);
        Duration::from_millis(random % (bound_ms + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_and_stops() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        // One less than a multiple of every bound + 1 is hard to find; ask for the remainder instead.
        let bounds = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
        for bound in bounds {
            assert_eq!(backoff.next(bound), Duration::from_millis(bound), "the bound itself can be drawn");
        }
        for random in [0, 7, u64::MAX, 30_001] {
            assert!(backoff.next(random) <= Duration::from_secs(30));
        }
        backoff.reset();
        assert_eq!(backoff.next(501), Duration::ZERO, "begun anew");
    }
}
