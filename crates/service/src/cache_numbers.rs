//! What the caches hold and how often they helped.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::service::Service;

/// What one cache of the service holds, and what it answered since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSnapshot {
    /// Its name, the label of its metrics.
    pub cache: &'static str,
    /// Values in memory.
    pub entries: u64,
    /// Their weight: members for the rosters, 1 for each value otherwise.
    pub weight: u64,
    /// The weight at which values are evicted.
    pub capacity: u64,
    /// Values asked for that were there, and true.
    pub hits: u64,
    /// Values asked for that were not there, or not true any more.
    pub misses: u64,
}

/// How often a cache had what was asked for. Any thread.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Lookups {
    /// Counts what was found, or that nothing was, and passes it on.
    pub(crate) fn count<T>(&self, found: Option<T>) -> Option<T> {
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Relaxed);
        found
    }

    /// With what the cache holds: its entries, their weight, and the capacity.
    pub(crate) fn snapshot(
        &self,
        cache: &'static str,
        entries: usize,
        weight: u64,
        capacity: u64,
    ) -> CacheSnapshot {
        let (hits, misses) = (self.hits.load(Relaxed), self.misses.load(Relaxed));
        CacheSnapshot { cache, entries: entries as u64, weight, capacity, hits, misses }
    }
}

impl Service {
    /// Every cache of the service.
    pub fn cache_snapshots(&self) -> Vec<CacheSnapshot> {
        vec![
            self.directory.snapshot(),
            self.profiles.snapshot("profiles"),
            self.friendships.snapshot("friendships"),
            self.relations.snapshot("relations"),
            self.applicants.snapshot("applicants"),
            self.rosters.snapshot("rosters"),
            self.cursors.readers_snapshot(),
            self.cursors.ends_snapshot(),
            self.receipts.told_snapshot(),
            self.told.snapshot(),
            self.unsettled.snapshot(),
        ]
    }
}
