//! Lanes that have something to run, and the threads that wait for them.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::lane::Lane;

/// A queue of lanes. A lane is in it at most once, so it is bounded by the number of connections; the slow one has a
/// lower limit of its own.
pub(crate) struct RunQueue {
    inner: Mutex<Inner>,
    work: Condvar,
    lanes_max: usize,
}

struct Inner {
    lanes: VecDeque<Arc<Lane>>,
    /// Threads that wait for work.
    resting: usize,
    stopped: bool,
}

impl RunQueue {
    pub(crate) fn new(lanes_max: usize) -> RunQueue {
        let inner = Inner { lanes: VecDeque::new(), resting: 0, stopped: false };
        RunQueue { inner: Mutex::new(inner), work: Condvar::new(), lanes_max }
    }

    /// Adds lanes. Any thread; never waits.
    pub(crate) fn push_all(&self, lanes: &mut Vec<Arc<Lane>>) {
        if lanes.is_empty() {
            return;
        }
        let mut inner = self.inner.lock();
        inner.lanes.extend(lanes.drain(..));
        // One thread is woken; it wakes the next if there is more than it can do. Many short requests are then run by
        // one thread without waking the others, while one that blocks holds up nobody.
        if inner.resting > 0 {
            drop(inner);
            self.work.notify_one();
        }
    }

    /// Adds a lane. Any thread; never waits.
    pub(crate) fn push(&self, lane: Arc<Lane>) {
        self.push_all(&mut vec![lane]);
    }

    /// Adds a lane unless the queue is full; whether it was added.
    pub(crate) fn offer(&self, lane: &Arc<Lane>) -> bool {
        let mut inner = self.inner.lock();
        if inner.lanes.len() >= self.lanes_max {
            return false;
        }
        inner.lanes.push_back(Arc::clone(lane));
        if inner.resting > 0 {
            drop(inner);
            self.work.notify_one();
        }
        true
    }

    /// The next lane; waits for one. `None` once the queue was stopped and is empty.
    pub(crate) fn pop(&self) -> Option<Arc<Lane>> {
        let mut inner = self.inner.lock();
        loop {
            if let Some(lane) = inner.lanes.pop_front() {
                if inner.resting > 0 && !inner.lanes.is_empty() {
                    drop(inner);
                    self.work.notify_one();
                }
                return Some(lane);
            }
            if inner.stopped {
                return None;
            }
            inner.resting += 1;
            self.work.wait(&mut inner);
            inner.resting -= 1;
        }
    }

    /// Whether a thread that runs a lane may do something long: nothing waits, and another thread is there for what
    /// comes. So of all threads at least one is always there for it, and where there is only one, never.
    pub(crate) fn can_spare_one(&self) -> bool {
        let inner = self.inner.lock();
        inner.lanes.is_empty() && inner.resting > 0
    }

    /// Lanes that wait.
    pub(crate) fn len(&self) -> usize {
        self.inner.lock().lanes.len()
    }

    /// Lets the threads go once the queue is empty.
    pub(crate) fn stop(&self) {
        self.inner.lock().stopped = true;
        self.work.notify_all();
    }
}
