//! The order in which a session goes from one connection to another, on whichever nodes.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use domain::{Entropy, NUMBER_MAX, Timestamp};

/// By how much another node's clock may be ahead. A notice from further ahead is not believed: everything after it would
/// have to be later still.
const AHEAD_MAX_US: u64 = 60_000_000;

/// A moment at which a session went on by a new connection. No two are the same, and of two of which one knew of the
/// other, that one is the later; so all nodes agree which connection of a session is the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Move {
    /// Unix time in microseconds, or a little later.
    pub at_us: u64,
    /// The node that says so: by a number of its own choice.
    pub by: u64,
}

/// Hands out moves. One per node; any thread.
#[derive(Debug)]
pub(crate) struct Moves {
    by: u64,
    /// The latest that was handed out or heard of.
    latest_us: AtomicU64,
}

impl Move {
    /// When it happened, as clients are told time.
    pub fn time(self) -> Timestamp {
        Timestamp(self.at_us / 1_000)
    }
}

impl Moves {
    pub(crate) fn new(entropy: &dyn Entropy) -> Moves {
        let mut by = [0; 8];
        entropy.fill(&mut by);
        Moves { by: u64::from_be_bytes(by) & NUMBER_MAX, latest_us: AtomicU64::new(0) }
    }

    /// One that comes after all that this node knows of.
    pub(crate) fn next(&self, now: Timestamp) -> Move {
        let next = |latest: u64| now.0.saturating_mul(1_000).max(latest + 1);
        let before = self.latest_us.fetch_update(SeqCst, SeqCst, |latest| Some(next(latest)));
        Move { at_us: next(before.unwrap_or_else(|latest| latest)), by: self.by }
    }

    /// Takes note of one of another node; whether it can be true.
    pub(crate) fn heard(&self, other: Move, now: Timestamp) -> bool {
        let believed = other.at_us <= now.0.saturating_mul(1_000).saturating_add(AHEAD_MAX_US);
        if believed {
            self.latest_us.fetch_max(other.at_us, SeqCst);
        }
        believed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::testing::FakeEntropy;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    #[test]
    fn whoever_knows_of_another_comes_later_whatever_the_clock_says() {
        let [here, there] = [1, 2].map(|seed| Moves::new(&FakeEntropy::new(seed)));
        let first = here.next(NOW);
        assert_eq!(first.time(), NOW);
        let second = here.next(Timestamp(NOW.0 - 5_000));
        assert!(second > first);
        assert_ne!(there.next(NOW), first, "at the same moment");
        assert!(there.heard(second, Timestamp(NOW.0 - 5_000)));
        assert!(there.next(Timestamp(NOW.0 - 5_000)) > second);
    }

    #[test]
    fn what_lies_too_far_ahead_moves_nothing() {
        let here = Moves::new(&FakeEntropy::new(1));
        let far = Move { at_us: (NOW.0 + 61_000) * 1_000, by: 7 };
        assert!(!here.heard(far, NOW));
        assert!(!here.heard(Move { at_us: u64::MAX, by: 7 }, NOW));
        assert_eq!(here.next(NOW).time(), NOW);
    }
}
