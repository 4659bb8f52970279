//! Checked messages on their way to one appender.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use service::Pending;

use crate::budget::Claim;
use crate::lane::Lane;

/// With so many waiting the next transaction is worth beginning at once.
const GATHERED: usize = 64;

/// A checked message, and the lane that waits for it.
pub(crate) struct Queued {
    pub(crate) pending: Pending,
    pub(crate) lane: Arc<Lane>,
    /// Its share of the node's memory, for as long as it waits.
    pub(crate) claim: Claim,
}

/// One appender's queue, bounded by messages. At the limit it takes nothing: the sender is answered BUSY.
pub(crate) struct AppendQueue {
    inner: Mutex<Inner>,
    work: Condvar,
    messages_max: usize,
}

struct Inner {
    waiting: Vec<Queued>,
    resting: bool,
    stopped: bool,
}

impl AppendQueue {
    pub(crate) fn new(messages_max: usize) -> AppendQueue {
        let inner = Inner { waiting: Vec::new(), resting: false, stopped: false };
        AppendQueue { inner: Mutex::new(inner), work: Condvar::new(), messages_max }
    }

    /// Adds as many messages as have room, from the front and in order; the others stay in `messages`. Any worker.
    pub(crate) fn push(&self, messages: &mut Vec<Queued>) {
        if messages.is_empty() {
            return;
        }
        let mut inner = self.inner.lock();
        let room = self.messages_max.saturating_sub(inner.waiting.len()).min(messages.len());
        inner.waiting.extend(messages.drain(..room));
        if inner.resting {
            drop(inner);
            self.work.notify_one();
        }
    }

    /// Takes all that waits, at most `messages_max` of this queue; waits for something. `taken` comes in empty.
    /// Returns false once the queue was stopped and is empty. The appender only.
    pub(crate) fn take(&self, taken: &mut Vec<Queued>) -> bool {
        let mut inner = self.inner.lock();
        while inner.waiting.is_empty() {
            if inner.stopped {
                return false;
            }
            inner.resting = true;
            self.work.wait(&mut inner);
            inner.resting = false;
        }
        std::mem::swap(&mut inner.waiting, taken);
        true
    }

    /// Lets messages gather for a while, unless enough have. The appender only.
    pub(crate) fn gather(&self, pause: Duration) {
        let mut inner = self.inner.lock();
        if !inner.stopped && inner.waiting.len() < GATHERED {
            // Nobody notifies who does not rest, but for the stop.
            self.work.wait_for(&mut inner, pause);
        }
    }

    /// Waits before another attempt; false once the queue is stopped: then nobody waits for the answer any more. The
    /// appender only.
    pub(crate) fn pause(&self, pause: Duration) -> bool {
        let mut inner = self.inner.lock();
        if !inner.stopped {
            self.work.wait_for(&mut inner, pause);
        }
        !inner.stopped
    }

    /// Messages that wait.
    pub(crate) fn len(&self) -> usize {
        self.inner.lock().waiting.len()
    }

    /// Lets the appender go once the queue is empty.
    pub(crate) fn stop(&self) {
        self.inner.lock().stopped = true;
        self.work.notify_all();
    }
}
