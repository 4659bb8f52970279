//! What other threads hand to one that works it off: the bus to the courier, the courier to the listener.

use parking_lot::{Condvar, Mutex};

/// A queue with one taker, bounded by items and by bytes. At the limit an item is dropped; the taker is told that some
/// were, and what was lost is read from the stores.
pub(crate) struct Inbox<T> {
    inner: Mutex<Inner<T>>,
    work: Condvar,
    items_max: usize,
    bytes_max: usize,
}

struct Inner<T> {
    waiting: Vec<T>,
    bytes: usize,
    high_water: usize,
    dropped: u64,
    /// Something was dropped since the last time that anything was taken.
    overflowed: bool,
    resting: bool,
    stopped: bool,
}

/// Whether everything came that was put in since the last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    Complete,
    /// Some of it was dropped.
    Overflowed,
}

/// An inbox at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InboxLevel {
    pub(crate) waiting: u64,
    pub(crate) high_water: u64,
    pub(crate) dropped: u64,
}

impl<T> Inbox<T> {
    pub(crate) fn new(items_max: usize, bytes_max: usize) -> Inbox<T> {
        let inner = Inner {
            waiting: Vec::new(),
            bytes: 0,
            high_water: 0,
            dropped: 0,
            overflowed: false,
            resting: false,
            stopped: false,
        };
        Inbox { inner: Mutex::new(inner), work: Condvar::new(), items_max, bytes_max }
    }

    /// Puts an item of this size in, or drops it. Any thread; never waits.
    pub(crate) fn put(&self, item: T, bytes: usize) {
        let mut inner = self.inner.lock();
        if inner.stopped {
            return;
        }
        if inner.waiting.len() >= self.items_max || inner.bytes + bytes > self.bytes_max {
            inner.dropped += 1;
            inner.overflowed = true;
            return;
        }
        inner.waiting.push(item);
        inner.bytes += bytes;
        inner.high_water = inner.high_water.max(inner.waiting.len());
        if inner.resting {
            drop(inner);
            self.work.notify_one();
        }
    }

    /// Takes all that waits; waits for something. `taken` comes in empty. `None` once the inbox was stopped. Its one taker
    /// only.
    pub(crate) fn take(&self, taken: &mut Vec<T>) -> Option<Completeness> {
        let mut inner = self.inner.lock();
        while inner.waiting.is_empty() && !inner.stopped {
            inner.resting = true;
            self.work.wait(&mut inner);
            inner.resting = false;
        }
        if inner.stopped {
            return None;
        }
        std::mem::swap(&mut inner.waiting, taken);
        inner.bytes = 0;
        Some(match std::mem::take(&mut inner.overflowed) {
            true => Completeness::Overflowed,
            false => Completeness::Complete,
        })
    }

    pub(crate) fn level(&self) -> InboxLevel {
        let inner = self.inner.lock();
        InboxLevel {
            waiting: inner.waiting.len() as u64,
            high_water: inner.high_water as u64,
            dropped: inner.dropped,
        }
    }

    /// Lets the taker go, whatever waits.
    pub(crate) fn stop(&self) {
        let mut inner = self.inner.lock();
        inner.stopped = true;
        inner.waiting = Vec::new();
        drop(inner);
        self.work.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_its_limits_it_drops_and_says_so() {
        let inbox = Inbox::new(3, 100);
        let mut taken = Vec::new();
        (0..5).for_each(|n| inbox.put(n, 1));
        assert_eq!(inbox.level(), InboxLevel { waiting: 3, high_water: 3, dropped: 2 });
        assert_eq!(inbox.take(&mut taken), Some(Completeness::Overflowed));
        assert_eq!(std::mem::take(&mut taken), [0, 1, 2]);
        inbox.put(5, 100);
        inbox.put(6, 1);
        assert_eq!(inbox.take(&mut taken), Some(Completeness::Overflowed));
        assert_eq!(std::mem::take(&mut taken), [5]);
        inbox.put(7, 100);
        assert_eq!(inbox.take(&mut taken), Some(Completeness::Complete));
        inbox.stop();
        inbox.put(8, 1);
        assert_eq!(inbox.take(&mut Vec::new()), None);
    }
}
