//! Marks that only move forward, stored a moment later and many at once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Progress, StoreResult, Timestamp};
use parking_lot::Mutex;

/// A mark that only moves forward.
pub(crate) trait Mark: Copy + PartialEq {
    /// What holds when both hold.
    #[must_use]
    fn and(self, other: Self) -> Self;
}

impl Mark for Timestamp {
    fn and(self, other: Timestamp) -> Timestamp {
        self.max(other)
    }
}

impl Mark for Progress {
    fn and(self, other: Progress) -> Progress {
        Progress::and(self, other)
    }
}

/// Marks that wait to be stored: for each key the furthest.
///
/// Losing them at a crash must be harmless (the client acknowledges again; a session looks a second older). While a
/// flush runs its marks stay here, so that whoever reads here first and in the store then sees each of them in one of
/// the two. Any thread.
pub(crate) struct WriteBehind<K, V> {
    what: &'static str,
    waiting_max: usize,
    waiting: Mutex<BTreeMap<K, V>>,
    /// Held while marks are stored: at the limit those who would add wait here, and the store hears of each mark once.
    flushing: Mutex<()>,
    /// Whether the last flush failed: an outage is told once.
    failing: AtomicBool,
}

impl<K: Ord + Copy, V: Mark> WriteBehind<K, V> {
    /// At most `waiting_max` keys wait; `what` names them in the log.
    pub(crate) fn new(what: &'static str, waiting_max: usize) -> WriteBehind<K, V> {
        WriteBehind {
            what,
            waiting_max: waiting_max.max(1),
            waiting: Mutex::new(BTreeMap::new()),
            flushing: Mutex::new(()),
            failing: AtomicBool::new(false),
        }
    }

    /// Notes a mark. If that would be more keys than may wait, they are stored first; when that fails the mark is not
    /// noted.
    pub(crate) fn note(
        &self,
        key: K,
        mark: V,
        store: impl FnOnce(&[(K, V)]) -> StoreResult<()>,
    ) -> StoreResult<()> {
        if self.raise(key, mark) {
            return Ok(());
        }
        self.flush(store)?;
        // Others may have filled it meanwhile: the limit is then passed by one for each thread, and no more.
        let mut waiting = self.waiting.lock();
        let kept = waiting.entry(key).or_insert(mark);
        *kept = (*kept).and(mark);
        Ok(())
    }

    /// Forgets the mark of a key. A flush that runs may store it all the same.
    pub(crate) fn forget(&self, key: K) {
        self.waiting.lock().remove(&key);
    }

    /// The mark of a key, if one waits.
    pub(crate) fn waiting(&self, key: K) -> Option<V> {
        self.waiting.lock().get(&key).copied()
    }

    /// How many marks wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.lock().len()
    }

    /// The marks that wait in a range of keys.
    pub(crate) fn waiting_in(&self, keys: RangeInclusive<K>) -> Vec<(K, V)> {
        self.waiting.lock().range(keys).map(|(key, mark)| (*key, *mark)).collect()
    }

    /// Stores what waits. What cannot be stored goes on waiting.
    pub(crate) fn flush(&self, store: impl FnOnce(&[(K, V)]) -> StoreResult<()>) -> StoreResult<()> {
        let _one_at_a_time = self.flushing.lock();
        let marks: Vec<(K, V)> = self.waiting.lock().iter().map(|(key, mark)| (*key, *mark)).collect();
        if marks.is_empty() {
            return Ok(());
        }
        match store(&marks) {
            Ok(()) => {
                let mut waiting = self.waiting.lock();
                for (key, mark) in &marks {
                    // A mark that moved on during the flush waits for the next one.
                    if waiting.get(key).is_some_and(|now| now.and(*mark) == *mark) {
                        waiting.remove(key);
                    }
                }
                if self.failing.swap(false, Ordering::Relaxed) {
                    log::info!("{} are stored again", self.what);
                }
                Ok(())
            }
            Err(error) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    log::warn!("{} {} wait, they cannot be stored: {error}", marks.len(), self.what);
                }
                Err(error)
            }
        }
    }

    /// Raises a mark if there is room for it.
    fn raise(&self, key: K, mark: V) -> bool {
        let mut waiting = self.waiting.lock();
        let full = waiting.len() >= self.waiting_max;
        match waiting.get_mut(&key) {
            Some(kept) => *kept = (*kept).and(mark),
            None if full => return false,
            None => {
                waiting.insert(key, mark);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use domain::StoreError;

    use super::*;

    impl Mark for u64 {
        fn and(self, other: u64) -> u64 {
            self.max(other)
        }
    }

    fn marks() -> WriteBehind<u32, u64> {
        WriteBehind::new("marks", 2)
    }

    fn nothing(_: &[(u32, u64)]) -> StoreResult<()> {
        panic!("nothing is to be stored")
    }

    #[test]
    fn the_greatest_mark_of_each_key_is_stored_once() {
        let marks = marks();
        for (key, mark) in [(1, 5), (2, 7), (1, 9), (1, 3)] {
            marks.note(key, mark, nothing).unwrap();
        }
        marks
            .flush(|stored| {
                assert_eq!(stored, [(1, 9), (2, 7)]);
                Ok(())
            })
            .unwrap();
        marks.flush(nothing).unwrap();
    }

    #[test]
    fn at_the_limit_a_new_key_stores_the_others_first() {
        let marks = marks();
        marks.note(1, 1, nothing).unwrap();
        marks.note(2, 1, nothing).unwrap();
        marks.note(2, 2, nothing).unwrap();
        let mut stored = Vec::new();
        marks
            .note(3, 1, |flushed| {
                stored.extend_from_slice(flushed);
                Ok(())
            })
            .unwrap();
        assert_eq!(stored, [(1, 1), (2, 2)]);
        assert_eq!(marks.waiting_in(0..=9), [(3, 1)]);
    }

    #[test]
    fn a_failed_flush_keeps_what_waits_and_takes_no_more() {
        let marks = marks();
        let down = |_: &[(u32, u64)]| Err(StoreError::unavailable("test", "down"));
        marks.note(1, 1, nothing).unwrap();
        marks.note(2, 1, nothing).unwrap();
        assert!(marks.flush(down).is_err());
        assert!(marks.note(3, 1, down).is_err());
        marks.note(2, 8, nothing).unwrap();
        assert_eq!(marks.waiting_in(0..=9), [(1, 1), (2, 8)]);
    }

    #[test]
    fn a_mark_that_moves_during_a_flush_is_stored_by_the_next() {
        let marks = marks();
        marks.note(1, 1, nothing).unwrap();
        marks
            .flush(|_| {
                assert_eq!(marks.waiting(1), Some(1), "still to be seen while it is stored");
                marks.note(1, 2, nothing)
            })
            .unwrap();
        assert_eq!(marks.waiting(1), Some(2));
    }
}
