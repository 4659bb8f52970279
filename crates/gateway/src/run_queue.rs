//! Lanes that have something to run, and the threads that wait for them.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::lane::Lane;

/// A queue of lanes. A lane is in it at most once, so it is bounded by the number of connections; the slow one has a
/// lower limit of its own.
///
/// Of the threads that rest the one is woken that rested last: what it works with is still in the processor's caches, and
/// as long as one is enough the others sleep on.
pub(crate) struct RunQueue {
    inner: Mutex<Inner>,
    lanes_max: usize,
}

struct Inner {
    lanes: VecDeque<Arc<Lane>>,
    /// Threads that wait for work and were not called, the last to rest at the end.
    resting: Vec<Bell>,
    stopped: bool,
}

/// What one thread waits for.
pub(crate) type Bell = Arc<Condvar>;

impl RunQueue {
    pub(crate) fn new(lanes_max: usize) -> RunQueue {
        let inner = Inner { lanes: VecDeque::new(), resting: Vec::new(), stopped: false };
        RunQueue { inner: Mutex::new(inner), lanes_max }
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
        call_one(inner);
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
        call_one(inner);
        true
    }

    /// The next lane; waits for one, at the bell of the calling thread. `None` once the queue was stopped and is empty.
    pub(crate) fn pop(&self, bell: &Bell) -> Option<Arc<Lane>> {
        let mut inner = self.inner.lock();
        loop {
            if let Some(lane) = inner.lanes.pop_front() {
                if !inner.lanes.is_empty() {
                    call_one(inner);
                }
                return Some(lane);
            }
            if inner.stopped {
                return None;
            }
            inner.resting.push(Arc::clone(bell));
            // Whoever calls it takes it off.
            while inner.resting.iter().any(|resting| Arc::ptr_eq(resting, bell)) {
                bell.wait(&mut inner);
            }
        }
    }

    /// Whether a thread that runs a lane may do something long: nothing waits, and another thread is there for what
    /// comes. So of all threads at least one is always there for it, and where there is only one, never.
    pub(crate) fn can_spare_one(&self) -> bool {
        let inner = self.inner.lock();
        inner.lanes.is_empty() && !inner.resting.is_empty()
    }

    /// Lanes that wait.
    pub(crate) fn len(&self) -> usize {
        self.inner.lock().lanes.len()
    }

    /// Lets the threads go once the queue is empty.
    pub(crate) fn stop(&self) {
        let mut inner = self.inner.lock();
        inner.stopped = true;
        for bell in inner.resting.drain(..) {
            bell.notify_one();
        }
    }
}

/// Wakes the thread that rested last, if any rests.
fn call_one(mut inner: MutexGuard<'_, Inner>) {
    if let Some(bell) = inner.resting.pop() {
        drop(inner);
        bell.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use reactor::ConnId;

    use super::*;
    use crate::clock;

    const LIMIT: Duration = Duration::from_secs(20);

    fn rests(queue: &RunQueue, threads: usize) {
        let deadline = clock::read() + LIMIT;
        while queue.inner.lock().resting.len() != threads {
            assert!(clock::read() < deadline);
            thread::yield_now();
        }
    }

    #[test]
    fn who_rested_last_is_called_first_and_all_go_at_the_end() {
        let queue = Arc::new(RunQueue::new(usize::MAX));
        let (tell, told) = mpsc::channel();
        let (free, freed) = mpsc::channel::<()>();
        let freed = Arc::new(Mutex::new(freed));
        let threads: Vec<_> = (0..3)
            .map(|name| {
                let (of_thread, tell, freed) = (Arc::clone(&queue), tell.clone(), Arc::clone(&freed));
                let thread = thread::spawn(move || {
                    let bell = Bell::default();
                    while of_thread.pop(&bell).is_some() {
                        tell.send(name).unwrap();
                        let _ = freed.lock().recv_timeout(LIMIT);
                    }
                });
                rests(&queue, name + 1);
                thread
            })
            .collect();
        let lane = || Arc::new(Lane::new(ConnId::from_bits(1)));
        for _ in 0..5 {
            queue.push(lane());
            assert_eq!(told.recv_timeout(LIMIT).unwrap(), 2, "the others sleep on");
            assert!(queue.can_spare_one());
            free.send(()).unwrap();
            rests(&queue, 3);
        }
        queue.push(lane());
        assert_eq!(told.recv_timeout(LIMIT).unwrap(), 2);
        queue.push_all(&mut vec![lane(), lane()]);
        let mut others = [told.recv_timeout(LIMIT).unwrap(), told.recv_timeout(LIMIT).unwrap()];
        others.sort();
        assert_eq!(others, [0, 1], "who finds more than one calls the next");
        assert!(!queue.can_spare_one(), "all are at work");
        (0..3).for_each(|_| free.send(()).unwrap());
        rests(&queue, 3);
        queue.stop();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
