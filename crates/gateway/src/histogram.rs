//! How a number is spread: counts by size, in buckets that never change.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bounds for everything: 1, 2, 5, 10 … up to 10 million. Messages and microseconds both fit.
const BOUNDS: [u64; 22] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000,
    500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000,
];

/// Any thread adds, without a lock; anybody may look.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// Values up to each bound and above the one before; the last one is for all larger ones.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// Each bound, rising, with the number of values up to it.
    pub buckets: Vec<(u64, u64)>,
    /// All values, those above the last bound included.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

impl Histogram {
    pub(crate) fn add(&self, value: u64) {
        let bucket = BOUNDS.partition_point(|bound| *bound < value);
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    pub(crate) fn snapshot(&self) -> HistogramSnapshot {
        let mut count = 0;
        let mut upto = |bucket: &AtomicU64| {
            count += bucket.load(Relaxed);
            count
        };
        let buckets = BOUNDS.into_iter().zip(self.buckets.iter().map(&mut upto)).collect();
        let count = upto(&self.buckets[BOUNDS.len()]);
        HistogramSnapshot { buckets, count, sum: self.sum.load(Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_from_its_bound_upwards() {
        let histogram = Histogram::default();
        for value in [0, 1, 2, 3, 5, 10_000_000, 10_000_001, u64::from(u32::MAX)] {
            histogram.add(value);
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.buckets[..4], [(1, 2), (2, 3), (5, 5), (10, 5)]);
        assert_eq!(snapshot.buckets.last(), Some(&(10_000_000, 6)));
        assert_eq!((snapshot.count, snapshot.sum), (8, 20_000_012 + u64::from(u32::MAX)));
    }
}
