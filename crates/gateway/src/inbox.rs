//! What other threads hand to one that works it off: the bus to the courier, the courier to the listener.

use parking_lot::{Condvar, Mutex};

/// A queue with one taker, bounded by items and by bytes. At the limit an item is dropped; the taker is told that some
/// were, and what was lost is read from the stores.
///
/// A few items do not wake the taker: whoever put them in may work them off in its place, if it rests, or call it. Whoever
/// took some has the only turn until then, so that they are worked off in the order they came.
pub(crate) struct Inbox<T> {
    inner: Mutex<Inner<T>>,
    work: Condvar,
    items_max: usize,
    bytes_max: usize,
    few: usize,
}

struct Inner<T> {
    waiting: Vec<T>,
    bytes: usize,
    high_water: usize,
    dropped: u64,
    /// Something was dropped since the last time that anything was taken.
    overflowed: bool,
    /// The taker waits to be woken.
    resting: bool,
    /// Somebody works off what was taken.
    in_work: bool,
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
    /// The taker is woken for more than `few` items.
    pub(crate) fn new(items_max: usize, bytes_max: usize, few: usize) -> Inbox<T> {
        let inner = Inner {
            waiting: Vec::new(),
            bytes: 0,
            high_water: 0,
            dropped: 0,
            overflowed: false,
            resting: false,
            in_work: false,
            stopped: false,
        };
        Inbox { inner: Mutex::new(inner), work: Condvar::new(), items_max, bytes_max, few }
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
        if inner.is_taker_free() && inner.waiting.len() > self.few {
            drop(inner);
            self.work.notify_one();
        }
    }

    /// Takes all that waits; waits for something. `taken` comes in empty, and what it held the last time is worked off.
    /// `None` once the inbox was stopped. Its one taker only.
    pub(crate) fn take(&self, taken: &mut Vec<T>) -> Option<Completeness> {
        let mut inner = self.inner.lock();
        // Nobody else has had a turn since the taker rested.
        inner.in_work = false;
        while !inner.stopped && (inner.waiting.is_empty() || inner.in_work) {
            inner.resting = true;
            self.work.wait(&mut inner);
            inner.resting = false;
        }
        if inner.stopped {
            return None;
        }
        Some(inner.take(taken))
    }

    /// Takes all that waits in the taker's place, if the taker rests and it is a few; wakes the taker if it is more. Whoever
    /// got something calls [`worked_off`](Self::worked_off) afterwards. `taken` comes in empty. Any thread.
    pub(crate) fn take_few(&self, taken: &mut Vec<T>) -> Option<Completeness> {
        let mut inner = self.inner.lock();
        if inner.waiting.is_empty() || !inner.is_taker_free() || inner.stopped {
            return None;
        }
        if inner.waiting.len() > self.few {
            drop(inner);
            self.work.notify_one();
            return None;
        }
        Some(inner.take(taken))
    }

    /// What [`take_few`](Self::take_few) gave is worked off.
    pub(crate) fn worked_off(&self) {
        let mut inner = self.inner.lock();
        inner.in_work = false;
        if !inner.waiting.is_empty() {
            // They came meanwhile, and nobody was woken for them.
            drop(inner);
            self.work.notify_one();
        }
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

impl<T> Inner<T> {
    fn is_taker_free(&self) -> bool {
        self.resting && !self.in_work
    }

    fn take(&mut self, taken: &mut Vec<T>) -> Completeness {
        std::mem::swap(&mut self.waiting, taken);
        self.bytes = 0;
        self.in_work = true;
        match std::mem::take(&mut self.overflowed) {
            true => Completeness::Overflowed,
            false => Completeness::Complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::clock;

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn beyond_its_limits_it_drops_and_says_so() {
        let inbox = Inbox::new(3, 100, 0);
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

    #[test]
    fn a_few_are_worked_off_by_whoever_put_them_in_and_more_by_the_taker() {
        let inbox = Arc::new(Inbox::new(100, 100, 2));
        let (tell, told) = mpsc::channel();
        let mut taken = Vec::new();
        inbox.put(0, 1);
        assert_eq!(inbox.take_few(&mut taken), None, "the taker does not rest: it will look");
        let (taker, tell_taken) = (Arc::clone(&inbox), tell.clone());
        let thread = thread::spawn(move || {
            let mut taken = Vec::new();
            while taker.take(&mut taken).is_some() {
                tell_taken.send(std::mem::take(&mut taken)).unwrap();
            }
        });
        assert_eq!(told.recv_timeout(LIMIT).unwrap(), [0]);
        let rests = || {
            let deadline = clock::read() + LIMIT;
            while !inbox.inner.lock().resting {
                assert!(clock::read() < deadline);
                thread::yield_now();
            }
        };
        rests();
        (1..3).for_each(|n| inbox.put(n, 1));
        assert_eq!(inbox.take_few(&mut taken), Some(Completeness::Complete));
        assert_eq!(std::mem::take(&mut taken), [1, 2]);
        (3..9).for_each(|n| inbox.put(n, 1));
        assert_eq!(inbox.take_few(&mut taken), None, "two others are in work");
        assert_eq!(inbox.level().waiting, 6, "and the taker waits for that");
        inbox.worked_off();
        assert_eq!(told.recv_timeout(LIMIT).unwrap(), [3, 4, 5, 6, 7, 8]);
        rests();
        (9..12).for_each(|n| inbox.put(n, 1));
        let mut heard = Vec::new();
        while heard.len() < 3 {
            heard.extend(told.recv_timeout(LIMIT).unwrap());
        }
        assert_eq!(heard, [9, 10, 11], "more than a few wake the taker by themselves");
        rests();
        inbox.put(12, 1);
        inbox.stop();
        assert_eq!(inbox.take_few(&mut taken), None);
        thread.join().unwrap();
        assert!(told.try_recv().is_err());
    }

    #[derive(Default)]
    struct Record {
        turn: Mutex<()>,
        /// Who put it in, and which of theirs it is.
        items: Mutex<Vec<(u64, u64)>>,
    }

    /// Several put in and work off at once; nothing is lost, and what one thread put in stays in order.
    #[test]
    fn whoever_works_them_off_items_keep_their_order() {
        const EACH: u64 = 20_000;
        let inbox = Arc::new(Inbox::new(1 << 20, 1 << 20, 3));
        let record = Arc::new(Record::default());
        let work_off = |record: &Record, taken: &mut Vec<(u64, u64)>| {
            let _turn = record.turn.try_lock().expect("one at a time");
            record.items.lock().append(taken);
        };
        let (taker, taker_record) = (Arc::clone(&inbox), Arc::clone(&record));
        let thread = thread::spawn(move || {
            let mut taken = Vec::new();
            while taker.take(&mut taken).is_some() {
                work_off(&taker_record, &mut taken);
            }
        });
        let putters: Vec<_> = (0..3u64)
            .map(|putter| {
                let (inbox, record) = (Arc::clone(&inbox), Arc::clone(&record));
                thread::spawn(move || {
                    let mut taken = Vec::new();
                    for n in 0..EACH {
                        inbox.put((putter, n), 1);
                        // Not after each: a lot has one to three.
                        if n % 3 == putter && inbox.take_few(&mut taken).is_some() {
                            work_off(&record, &mut taken);
                            inbox.worked_off();
                        }
                    }
                    if inbox.take_few(&mut taken).is_some() {
                        work_off(&record, &mut taken);
                        inbox.worked_off();
                    }
                })
            })
            .collect();
        putters.into_iter().for_each(|putter| putter.join().unwrap());
        let deadline = clock::read() + LIMIT;
        while record.items.lock().len() < 3 * EACH as usize {
            assert!(clock::read() < deadline, "{} of {}", record.items.lock().len(), 3 * EACH);
            thread::yield_now();
        }
        inbox.stop();
        thread.join().unwrap();
        let mut next = [0; 3];
        for (putter, n) in record.items.lock().iter() {
            assert_eq!(*n, next[*putter as usize]);
            next[*putter as usize] += 1;
        }
    }
}
