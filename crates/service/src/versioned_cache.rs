//! A bounded cache that can never give out what was true before a change.

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::cache_numbers::{CacheSnapshot, Lookups};

/// Counters that changes are told by. Two keys may share one: then a change of the one costs the other a load, never
/// its truth.
const GENERATIONS: usize = 1024;

/// Shards of a cache at most. Each holds its part of the limit, and a value larger than that part is never kept.
const SHARDS_MAX: u64 = 8;

/// Values read from a store, each tagged with its key's *generation* as it was before the read.
///
/// A change first happens in the store, then [`invalidate`](VersionedCache::invalidate) moves the generation on, then
/// the change is answered. Whoever asks after the answer finds a newer generation than any value read before it, even
/// one whose read began earlier and arrives in the cache later. Any thread.
pub(crate) struct VersionedCache<K, V> {
    values: Cache<K, Tagged<V>, Weigher<V>>,
    generations: Box<[AtomicU64]>,
    /// Held by who [changes](VersionedCache::change) a value in place.
    changes: Mutex<()>,
    lookups: Lookups,
    hash: DefaultHashBuilder,
}

/// How much a cache holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// Sum of the weights of all values.
    pub(crate) weight: u64,
    /// The weight that one value may have.
    pub(crate) heaviest: u64,
}

/// How many changes of a key, or of those it shares a counter with, were told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generation(u64);

#[derive(Clone)]
struct Tagged<V> {
    generation: u64,
    value: V,
}

struct Weigher<V>(fn(&V) -> u64);

impl<K, V> VersionedCache<K, V>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    /// A cache of values that weigh 1 each, at most `values_max` of them.
    pub(crate) fn of_values(values_max: usize) -> VersionedCache<K, V> {
        VersionedCache::weighed(Capacity { weight: values_max as u64, heaviest: 1 }, |_| 1)
    }

    /// A cache of values that are weighed.
    pub(crate) fn weighed(capacity: Capacity, weigh: fn(&V) -> u64) -> VersionedCache<K, V> {
        let weight = capacity.weight.max(1);
        // A shard keeps a value only if it fits beside others.
        let shards = (weight / capacity.heaviest.max(1).saturating_mul(4)).clamp(1, SHARDS_MAX);
        let items = (weight / capacity.heaviest.isqrt().max(1)).max(1);
        let options = OptionsBuilder::new()
            .shards(shards as usize)
            .estimated_items_capacity(items as usize)
            .weight_capacity(weight)
            .build();
        #[expect(clippy::expect_used, reason = "both capacities are set, which is all that it asks for")]
        let options = options.expect("cache options");
        let hash = DefaultHashBuilder::default();
        VersionedCache {
            values: Cache::with_options(options, Weigher(weigh), hash.clone(), DefaultLifecycle::default()),
            changes: Mutex::new(()),
            lookups: Lookups::default(),
            generations: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect(),
            hash,
        }
    }

    /// The key's value, from the cache or from `load`. What `load` says is not there is not remembered.
    ///
    /// The result is as true as a read of the store during this call.
    pub(crate) fn get_or_load<E>(
        &self,
        key: &K,
        load: impl FnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E> {
        // Before anything else: a change from here on makes whatever is read now unusable for others.
        let generation = self.generation(key).load(Ordering::SeqCst);
        if let Some(kept) = self.lookups.count(self.kept_of(key, generation)) {
            return Ok(Some(kept));
        }
        let value = load()?;
        if let Some(value) = &value {
            self.values.insert(key.clone(), Tagged { generation, value: value.clone() });
        }
        Ok(value)
    }

    /// The key's value if it is in the cache.
    pub(crate) fn kept(&self, key: &K) -> Option<V> {
        self.lookups.count(self.kept_of(key, self.generation(key).load(Ordering::SeqCst)))
    }

    /// The key's generation, for a value that is read from now on and may be [kept](VersionedCache::keep).
    pub(crate) fn generation_of(&self, key: &K) -> Generation {
        Generation(self.generation(key).load(Ordering::SeqCst))
    }

    /// Keeps a value whose read began after the generation was asked for. One that changed meanwhile is never given out.
    pub(crate) fn keep(&self, key: &K, generation: Generation, value: V) {
        self.values.insert(key.clone(), Tagged { generation: generation.0, value });
    }

    /// Says that the key's value changed. To be called after the change is in the store and before it is answered,
    /// and likewise when nobody knows whether it is there.
    pub(crate) fn invalidate(&self, key: &K) {
        self.generation(key).fetch_add(1, Ordering::SeqCst);
        self.values.remove(key);
    }

    /// Says that the key's value changed, as [`invalidate`](VersionedCache::invalidate) does, by somebody who may know what it
    /// is now: `next` makes it from the value before, if that is kept. Of two who call this at once, the second one begins with
    /// what the first one made.
    pub(crate) fn change(&self, key: &K, next: impl FnOnce(&V) -> Option<V>) {
        // Changes are few, and short.
        let _one_at_a_time = self.changes.lock();
        let before = self.generation(key).fetch_add(1, Ordering::SeqCst);
        match self.kept_of(key, before).and_then(|kept| next(&kept)) {
            Some(value) => self.values.insert(key.clone(), Tagged { generation: before + 1, value }),
            None => drop(self.values.remove(key)),
        }
    }

    /// Says that any value may have changed, unknown to this process.
    pub(crate) fn invalidate_all(&self) {
        self.generations.iter().for_each(|generation| {
            generation.fetch_add(1, Ordering::SeqCst);
        });
        self.values.clear();
    }

    /// What it holds, and how often it helped.
    pub(crate) fn snapshot(&self, cache: &'static str) -> CacheSnapshot {
        let values = &self.values;
        self.lookups.snapshot(cache, values.len(), values.weight(), values.capacity())
    }

    fn kept_of(&self, key: &K, generation: u64) -> Option<V> {
        self.values.get(key).filter(|kept| kept.generation == generation).map(|kept| kept.value)
    }

    fn generation(&self, key: &K) -> &AtomicU64 {
        &self.generations[self.hash.hash_one(key) as usize % GENERATIONS]
    }
}

impl<V> Clone for Weigher<V> {
    fn clone(&self) -> Weigher<V> {
        Weigher(self.0)
    }
}

impl<K, V> Weighter<K, Tagged<V>> for Weigher<V> {
    fn weight(&self, _key: &K, tagged: &Tagged<V>) -> u64 {
        // 0 would mean that the value is never evicted.
        (self.0)(&tagged.value).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Infallible<T> = Result<T, std::convert::Infallible>;

    fn found<T>(value: T) -> Infallible<Option<T>> {
        Ok(Some(value))
    }

    #[test]
    fn a_value_is_loaded_once() {
        let cache = VersionedCache::of_values(10);
        assert_eq!(cache.get_or_load(&1, || found("a")), Ok(Some("a")));
        assert_eq!(cache.get_or_load(&1, || -> Infallible<_> { panic!("loaded twice") }), Ok(Some("a")));
    }

    #[test]
    fn lookups_are_counted_as_hits_only_if_the_value_is_true() {
        let cache = VersionedCache::of_values(10);
        cache.get_or_load(&1, || found("a")).unwrap();
        cache.get_or_load(&1, || found("not asked")).unwrap();
        assert_eq!(cache.kept(&1), Some("a"));
        // Shares nothing with the entry but its key: read before a change, kept after it.
        let before = cache.generation_of(&2);
        cache.invalidate(&2);
        cache.keep(&2, before, "old");
        assert_eq!(cache.kept(&2), None);
        let snapshot = cache.snapshot("some");
        assert_eq!((snapshot.hits, snapshot.misses), (2, 2), "{snapshot:?}");
        assert_eq!((snapshot.entries, snapshot.weight), (2, 2), "{snapshot:?}");
        assert!(snapshot.capacity >= 10, "{snapshot:?}");
    }

    #[test]
    fn what_is_not_there_is_asked_for_again() {
        let cache = VersionedCache::of_values(10);
        assert_eq!(cache.get_or_load(&1, || -> Infallible<Option<&str>> { Ok(None) }), Ok(None));
        assert_eq!(cache.get_or_load(&1, || found("a")), Ok(Some("a")));
    }

    #[test]
    fn a_change_in_the_middle_of_a_load_makes_its_value_unusable() {
        let cache = VersionedCache::of_values(10);
        let before = cache.get_or_load(&1, || {
            // The store is read, then somebody changes it and says so, then the old value arrives.
            cache.invalidate(&1);
            found("before the change")
        });
        assert_eq!(before, Ok(Some("before the change")));
        assert_eq!(cache.get_or_load(&1, || found("after it")), Ok(Some("after it")));
        assert_eq!(cache.get_or_load(&1, || found("not asked")), Ok(Some("after it")));
    }

    #[test]
    fn what_was_read_before_a_change_is_kept_for_nobody() {
        let cache = VersionedCache::of_values(10);
        let before = cache.generation_of(&1);
        cache.invalidate(&1);
        cache.keep(&1, before, "before the change");
        assert_eq!(cache.kept(&1), None);
        let after = cache.generation_of(&1);
        cache.keep(&1, after, "after it");
        assert_eq!(cache.kept(&1), Some("after it"));
    }

    #[test]
    fn a_value_is_changed_in_place_only_by_who_knows_the_one_before() {
        let cache = VersionedCache::of_values(10);
        cache.change(&1, |_: &u32| panic!("there is none"));
        cache.get_or_load(&1, || found(1)).unwrap();
        cache.change(&1, |before| Some(before + 1));
        assert_eq!(cache.kept(&1), Some(2));
        cache.change(&1, |_| None);
        assert_eq!(cache.kept(&1), None);
        cache.get_or_load(&1, || found(3)).unwrap();
        // Another change in the middle: nobody knows which of the two was first.
        cache.change(&1, |before| {
            cache.invalidate(&1);
            Some(before + 1)
        });
        assert_eq!(cache.kept(&1), None);
    }

    #[test]
    fn changes_at_once_build_on_each_other() {
        const EACH: u32 = 2_000;
        let cache = VersionedCache::of_values(10);
        cache.get_or_load(&1, || found(0)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..EACH).for_each(|_| cache.change(&1, |before| Some(before + 1))));
            }
        });
        assert_eq!(cache.kept(&1), Some(4 * EACH), "none was lost");
    }

    #[test]
    fn a_failed_load_keeps_nothing() {
        let cache = VersionedCache::of_values(10);
        assert_eq!(cache.get_or_load(&1, || Err("down")), Err("down"));
        assert_eq!(cache.get_or_load(&1, || Ok::<_, &str>(Some(7))), Ok(Some(7)));
    }

    #[test]
    fn weights_bound_what_is_kept() {
        let capacity = Capacity { weight: 100, heaviest: 10 };
        let cache = VersionedCache::weighed(capacity, |list: &Vec<u8>| list.len() as u64);
        for key in 0..1_000 {
            cache.get_or_load(&key, || found(vec![0; 10])).unwrap();
        }
        assert!(cache.values.weight() <= 100, "{}", cache.values.weight());
        assert!(cache.values.len() >= 5, "{}", cache.values.len());
    }

    #[test]
    fn the_heaviest_value_is_kept_whatever_the_number_of_cores() {
        let capacity = Capacity { weight: 1_000_000, heaviest: 10_000 };
        let cache = VersionedCache::weighed(capacity, |list: &Vec<u8>| list.len() as u64);
        cache.get_or_load(&1, || found(vec![0; 10_000])).unwrap();
        assert!(cache.get_or_load(&1, || -> Infallible<_> { panic!("not kept") }).unwrap().is_some());
    }
}
