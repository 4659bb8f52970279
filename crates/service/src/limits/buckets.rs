//! The buckets of one kind of limit, by whose they are.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use domain::Timestamp;
use parking_lot::Mutex;

use super::bucket::{Bucket, Rate};

/// Parts with a lock of their own, so that workers do not wait for each other.
const PARTS: usize = 16;

/// Buckets of one part; 65,536 of one kind in all, at some 50 bytes each. When there are so many, the full ones are forgotten,
/// which changes nothing; if none is, the one that would be full first.
const BUCKETS_PER_PART_MAX: usize = 4_096;

/// Buckets by key. Only those that are not full need be kept. Any thread.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    rate: Rate,
    parts: [Mutex<HashMap<K, Bucket>>; PARTS],
    /// Nobody chooses keys of one part.
    hasher: RandomState,
    evicted: AtomicU64,
    part_max: usize,
}

impl<K: Copy + Eq + Hash> Buckets<K> {
    pub(super) fn new(rate: Rate) -> Buckets<K> {
        Buckets::with_room(rate, BUCKETS_PER_PART_MAX)
    }

    fn with_room(rate: Rate, part_max: usize) -> Buckets<K> {
        let parts = std::array::from_fn(|_| Mutex::new(HashMap::new()));
        Buckets { rate, parts, hasher: RandomState::new(), evicted: AtomicU64::new(0), part_max }
    }

    /// Takes tokens; or says after how many milliseconds they are there.
    pub(super) fn take(&self, key: K, tokens: u32, now: Timestamp) -> Result<(), u64> {
        if self.rate.is_off() || tokens == 0 {
            return Ok(());
        }
        let mut part = self.part(&key).lock();
        if let Some(bucket) = part.get_mut(&key) {
            return bucket.take(self.rate, tokens, now);
        }
        if part.len() >= self.part_max {
            self.make_room(&mut part, now);
        }
        let mut bucket = Bucket::FULL;
        let taken = bucket.take(self.rate, tokens, now);
        part.insert(key, bucket);
        taken
    }

    /// Puts a token back.
    pub(super) fn give_back(&self, key: K) {
        if let Some(bucket) = self.part(&key).lock().get_mut(&key) {
            bucket.give_back(self.rate);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().len()).sum()
    }

    /// Buckets that were forgotten although they were not full.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Relaxed)
    }

    fn part(&self, key: &K) -> &Mutex<HashMap<K, Bucket>> {
        &self.parts[self.hasher.hash_one(key) as usize % PARTS]
    }

    fn make_room(&self, part: &mut HashMap<K, Bucket>, now: Timestamp) {
        part.retain(|_, bucket| !bucket.is_full(now));
        if part.len() >= self.part_max
            && let Some(fullest) = part.iter().min_by_key(|(_, bucket)| **bucket).map(|(key, _)| *key)
        {
            part.remove(&fullest);
            self.evicted.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);
    const RATE: Rate = Rate { burst: 2, per_minute: 60 };

    #[test]
    fn everybody_has_their_own() {
        let buckets = Buckets::new(RATE);
        for key in 0..100 {
            buckets.take(key, 1, NOW).expect("a first");
            buckets.take(key, 1, NOW).expect("a second");
            assert_eq!(buckets.take(key, 1, NOW), Err(1_000));
        }
    }

    #[test]
    fn without_a_rate_nothing_is_kept() {
        for rate in [Rate::OFF, Rate { burst: 0, per_minute: 1 }, Rate { burst: 1, per_minute: 0 }] {
            let buckets = Buckets::new(rate);
            assert!((0..1_000).all(|_| buckets.take(1, 1, NOW).is_ok()));
            assert_eq!(buckets.len(), 0);
        }
    }

    #[test]
    fn full_ones_make_room_and_then_the_fullest() {
        const MAX: usize = PARTS * 16;
        let buckets = Buckets::with_room(RATE, 16);
        // Emptied, and the only one that is.
        for _ in 0..2 {
            buckets.take(usize::MAX, 1, NOW).expect("a burst");
        }
        for key in 0..20 * MAX {
            buckets.take(key, 1, NOW).expect("a first");
        }
        assert_eq!(buckets.len(), MAX, "every part has its limit");
        assert_eq!(buckets.evicted(), (19 * MAX + 1) as u64);
        assert_eq!(buckets.take(usize::MAX, 1, NOW), Err(1_000), "whoever took most is remembered");
        let later = Timestamp(NOW.0 + 1_000);
        for key in 20 * MAX..20 * MAX + 10 {
            buckets.take(key, 1, later).expect("a first");
        }
        assert_eq!(buckets.evicted(), (19 * MAX + 1) as u64, "full ones were enough");
        assert!(buckets.len() < MAX);
    }

    #[test]
    fn takers_at_once_get_a_burst_together() {
        let buckets = Buckets::new(Rate { burst: 100, per_minute: 1 });
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..100).filter(|_| buckets.take(7, 1, NOW).is_ok()).count()))
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("a taker")).sum::<usize>()
        });
        assert_eq!(taken, 100);
    }
}
