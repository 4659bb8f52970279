//! Checked messages on their way to one appender.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use service::Pending;

use crate::budget::Claim;
use crate::desk::Desk;
use crate::lane::Lane;

/// With so many waiting the next transaction is worth beginning at once.
const GATHERED: usize = 64;

/// A checked message, and the lane that waits for it.
pub(crate) struct Queued {
    pub(crate) pending: Pending,
    /// `None` for what the server does by itself.
    pub(crate) lane: Option<Arc<Lane>>,
    /// Its share of the node's memory, for as long as it waits. What the server does by itself is bounded by its tick.
    pub(crate) claim: Option<Claim>,
}

/// One appender's queue, bounded by messages. At the limit it takes nothing: the sender is answered BUSY.
///
/// The queue has one [`Desk`], and messages are taken from it by who has the desk: first those that came first, and none
/// before the batch that lies there is stored or refused. The appender has it while there is work; while it rests, a worker
/// that brings the only messages may take it for one batch. To wake a thread costs more than all else that a message takes on
/// its way, but the transaction.
pub(crate) struct AppendQueue {
    inner: Mutex<Inner>,
    /// For the appender, which alone waits here.
    work: Condvar,
    messages_max: usize,
    batch_max: usize,
}

struct Inner {
    waiting: VecDeque<Queued>,
    /// `None` while somebody works at it.
    desk: Option<Desk>,
    stopped: bool,
}

/// Somebody's turn at the desk. Its end gives the desk back; if there is more to do, the appender is woken.
pub(crate) struct Turn<'a> {
    queue: &'a AppendQueue,
    desk: Desk,
}

impl AppendQueue {
    pub(crate) fn new(messages_max: usize, batch_max: usize) -> AppendQueue {
        let inner = Inner { waiting: VecDeque::new(), desk: Some(Desk::default()), stopped: false };
        AppendQueue { inner: Mutex::new(inner), work: Condvar::new(), messages_max, batch_max }
    }

    /// Adds as many messages as have room, from the front and in order, for the appender; the others stay in `messages`. Any
    /// thread.
    pub(crate) fn push(&self, messages: &mut Vec<Queued>) {
        let mut inner = self.inner.lock();
        if inner.add(messages, self.messages_max) == Added::First && inner.desk.is_some() {
            drop(inner);
            self.work.notify_one();
        }
    }

    /// The same, but if the appender rests and the store was there the last time, the caller gets the desk with a batch of
    /// these messages: it is to make one attempt.
    pub(crate) fn push_and_lead(&self, messages: &mut Vec<Queued>) -> Option<Turn<'_>> {
        let mut inner = self.inner.lock();
        // Who finds others here leaves it to the appender, which was woken for them.
        if inner.add(messages, self.messages_max) == Added::First
            && let Some(desk) = inner.desk.take()
        {
            if desk.is_clear() && !desk.store_is_away() {
                let mut turn = Turn { queue: self, desk };
                turn.desk.lay(inner.batch(self.batch_max));
                return Some(turn);
            }
            inner.desk = Some(desk);
            drop(inner);
            self.work.notify_one();
        }
        None
    }

    /// Waits for something to store, and for the desk. `None` once the queue was stopped and nothing is left. The appender
    /// only, as everything below.
    pub(crate) fn wait(&self) -> Option<Turn<'_>> {
        let mut inner = self.inner.lock();
        loop {
            if let Some(desk) = inner.desk.take() {
                if !inner.waiting.is_empty() || !desk.is_clear() {
                    return Some(Turn { queue: self, desk });
                }
                inner.desk = Some(desk);
                if inner.stopped {
                    return None;
                }
            }
            self.work.wait(&mut inner);
        }
    }

    /// Lets messages gather for a while, unless enough have.
    pub(crate) fn gather(&self, pause: Duration) {
        let mut inner = self.inner.lock();
        if !inner.stopped && inner.waiting.len() < GATHERED {
            // Who has the desk is not notified, but for the stop.
            self.work.wait_for(&mut inner, pause);
        }
    }

    /// Waits before another attempt; false once the queue is stopped: then nobody waits for the answer any more.
    pub(crate) fn pause(&self, pause: Duration) -> bool {
        let mut inner = self.inner.lock();
        if !inner.stopped {
            self.work.wait_for(&mut inner, pause);
        }
        !inner.stopped
    }

    /// Messages that wait. Any thread.
    pub(crate) fn len(&self) -> usize {
        self.inner.lock().waiting.len()
    }

    /// Lets the appender go once the queue is empty. Any thread.
    pub(crate) fn stop(&self) {
        self.inner.lock().stopped = true;
        self.work.notify_all();
    }
}

/// What was there when messages were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Added {
    /// Nothing: nobody was told yet that there is something to do.
    First,
    /// Other messages; or nothing was added.
    Behind,
}

impl Inner {
    fn add(&mut self, messages: &mut Vec<Queued>, messages_max: usize) -> Added {
        let room = messages_max.saturating_sub(self.waiting.len()).min(messages.len());
        let added = if self.waiting.is_empty() && room > 0 { Added::First } else { Added::Behind };
        self.waiting.extend(messages.drain(..room));
        added
    }

    /// Takes a batch from the front.
    fn batch(&mut self, most: usize) -> impl Iterator<Item = Queued> {
        let count = most.min(self.waiting.len());
        self.waiting.drain(..count)
    }
}

impl Turn<'_> {
    pub(crate) fn desk(&mut self) -> &mut Desk {
        &mut self.desk
    }

    /// Lays at most so many of the waiting messages on the desk, which must be clear; how many.
    pub(crate) fn take(&mut self, most: usize) -> usize {
        let mut inner = self.queue.inner.lock();
        let before = inner.waiting.len();
        self.desk.lay(inner.batch(most.min(self.queue.batch_max)));
        before - inner.waiting.len()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut desk = std::mem::take(&mut self.desk);
        if thread::panicking() {
            // Nobody knows what is left of the batch. The node stops, and whoever was not answered says it again.
            desk = Desk::default();
        }
        let mut inner = self.queue.inner.lock();
        let has_more = !inner.waiting.is_empty() || !desk.is_clear() || inner.stopped;
        inner.desk = Some(desk);
        drop(inner);
        if has_more {
            self.queue.work.notify_one();
        }
    }
}
