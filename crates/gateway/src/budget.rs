//! The bytes that requests of all connections hold while they wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Body bytes of requests that wait for their answer, over all connections.
#[derive(Debug)]
pub(crate) struct Budget {
    taken: AtomicUsize,
    /// What guests hold of it.
    by_guests: AtomicUsize,
    max: usize,
}

/// The part of it that guests may hold, as a divisor: whoever has no account leaves the rest to those who have.
const GUESTS_PART: usize = 4;

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Guest,
    User,
}

/// Bytes taken from the budget. They go back when this is dropped, however its request ends: answered, or thrown away
/// with its connection.
#[derive(Debug)]
pub(crate) struct Claim {
    budget: Arc<Budget>,
    bytes: usize,
    holder: Holder,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Arc<Budget> {
        Arc::new(Budget { taken: AtomicUsize::new(0), by_guests: AtomicUsize::new(0), max })
    }

    /// Takes bytes, unless more than the limit would be taken then, or more than their part by guests.
    pub(crate) fn claim(self: &Arc<Budget>, holder: Holder, bytes: usize) -> Option<Claim> {
        let before = self.taken.fetch_add(bytes, Relaxed);
        let by_guests = match holder {
            Holder::Guest => self.by_guests.fetch_add(bytes, Relaxed) + bytes,
            Holder::User => 0,
        };
        // Made before the check, so that its drop gives back what was too much.
        let claim = Claim { budget: Arc::clone(self), bytes, holder };
        (before + bytes <= self.max && by_guests <= self.max / GUESTS_PART).then_some(claim)
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Relaxed)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Relaxed);
        if self.holder == Holder::Guest {
            self.budget.by_guests.fetch_sub(self.bytes, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_given_back() {
        let budget = Budget::new(10);
        let first = budget.claim(Holder::User, 6).unwrap();
        assert!(budget.claim(Holder::User, 5).is_none());
        assert_eq!(budget.taken(), 6, "a refused claim takes nothing");
        let second = budget.claim(Holder::User, 4).unwrap();
        drop((first, second));
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn guests_leave_most_of_it_to_users() {
        let budget = Budget::new(100);
        let guests = budget.claim(Holder::Guest, 25).unwrap();
        assert!(budget.claim(Holder::Guest, 1).is_none());
        let users = budget.claim(Holder::User, 75).unwrap();
        drop(guests);
        assert!(budget.claim(Holder::Guest, 25).is_some(), "as much as was given back");
        drop(users);
        assert_eq!((budget.taken(), budget.by_guests.load(Relaxed)), (0, 0));
    }
}
