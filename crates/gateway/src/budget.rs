//! The bytes that requests of all connections hold while they wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Body bytes of requests that wait for their answer, over all connections.
#[derive(Debug)]
pub(crate) struct Budget {
    taken: AtomicUsize,
    max: usize,
}

/// Bytes taken from the budget. They go back when this is dropped, however its request ends: answered, or thrown away
/// with its connection.
#[derive(Debug)]
pub(crate) struct Claim {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Arc<Budget> {
        Arc::new(Budget { taken: AtomicUsize::new(0), max })
    }

    /// Takes bytes, unless more than the limit would be taken then.
    pub(crate) fn claim(self: &Arc<Budget>, bytes: usize) -> Option<Claim> {
        let before = self.taken.fetch_add(bytes, Relaxed);
        // Made before the check, so that its drop gives back what was too much.
        let claim = Claim { budget: Arc::clone(self), bytes };
        (before + bytes <= self.max).then_some(claim)
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Relaxed)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_given_back() {
        let budget = Budget::new(10);
        let first = budget.claim(6).unwrap();
        assert!(budget.claim(5).is_none());
        assert_eq!(budget.taken(), 6, "a refused claim takes nothing");
        let second = budget.claim(4).unwrap();
        drop((first, second));
        assert_eq!(budget.taken(), 0);
    }
}
