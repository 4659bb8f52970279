//! The one way into a loop from other threads: a bounded mailbox and a waker.

use std::{
    cell::Cell,
    mem,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use mio::{Waker, net::TcpStream};
use parking_lot::{Condvar, Mutex};

use crate::{Command, metrics::Metrics};

thread_local! {
    /// True in the threads of sub reactors, which must never wait for a mailbox: two full loops would wait for
    /// each other for ever.
    static IN_LOOP: Cell<bool> = const { Cell::new(false) };
}

/// Marks the calling thread as a loop's own.
pub(crate) fn enter_loop() {
    IN_LOOP.set(true);
}

/// A socket on its way from the main reactor to its loop.
pub(crate) type Accepted = (TcpStream, SocketAddr);

/// One loop's mailbox. Any thread posts; the loop takes all that waits, once per turn.
///
/// Wakes are coalesced: only a loop that sleeps in poll is woken, by the first post. `pending` and `parked` settle
/// the race between "nothing waits, so sleep" and "it sleeps, so wake it": each side writes its own flag before it
/// reads the other's (both sequentially consistent), so at least one sees the other.
pub(crate) struct Mailbox<M> {
    inner: Mutex<Inner<M>>,
    room: Condvar,
    /// Something waits. Lets the loop skip the lock in turns without mail.
    pending: AtomicBool,
    /// The loop sleeps, or is about to.
    parked: AtomicBool,
    waker: Waker,
    commands_max: usize,
    index: usize,
    metrics: Metrics,
}

struct Inner<M> {
    commands: Vec<Command<M>>,
    /// Bounded by `connections_max`, which the main reactor checks before it hands over.
    sockets: Vec<Accepted>,
    stop: Option<Duration>,
    /// Posters waiting for room.
    waiting: usize,
    /// The loop has ended; what is posted is late by definition.
    closed: bool,
}

impl<M> Mailbox<M> {
    pub(crate) fn new(waker: Waker, commands_max: usize, index: usize, metrics: Metrics) -> Self {
        let inner =
            Inner { commands: Vec::new(), sockets: Vec::new(), stop: None, waiting: 0, closed: false };
        Self {
            inner: Mutex::new(inner),
            room: Condvar::new(),
            pending: AtomicBool::new(false),
            parked: AtomicBool::new(false),
            waker,
            commands_max,
            index,
            metrics,
        }
    }

    /// Moves the whole batch in, waiting for room as often as it must. Any thread but a loop's.
    pub(crate) fn post(&self, batch: &mut Vec<Command<M>>) {
        let counters = &self.metrics.0.loops[self.index];
        while !batch.is_empty() {
            let mut inner = self.inner.lock();
            if inner.commands.len() >= self.commands_max && !inner.closed {
                if IN_LOOP.get() {
                    counters.mailbox_overfills.add_shared(batch.len() as u64);
                    self.fill(&mut inner, batch, usize::MAX);
                } else {
                    counters.mailbox_full_waits.add_shared(1);
                    inner.waiting += 1;
                    self.room.wait(&mut inner);
                    inner.waiting -= 1;
                    continue;
                }
            } else {
                self.fill(&mut inner, batch, self.commands_max);
            }
            drop(inner);
            self.wake();
        }
    }

    /// Moves in as much of the batch's front as fits, and leaves the rest. Never waits.
    pub(crate) fn offer(&self, batch: &mut Vec<Command<M>>) {
        if batch.is_empty() {
            return;
        }
        let mut inner = self.inner.lock();
        if inner.commands.len() < self.commands_max || inner.closed {
            self.fill(&mut inner, batch, self.commands_max);
            drop(inner);
            self.wake();
        }
    }

    fn fill(&self, inner: &mut Inner<M>, batch: &mut Vec<Command<M>>, limit: usize) {
        let counters = &self.metrics.0.loops[self.index];
        if inner.closed {
            counters.stale_commands.add_shared(batch.len() as u64);
            batch.clear();
            return;
        }
        let room = limit - inner.commands.len();
        if inner.commands.is_empty() && batch.len() <= room {
            mem::swap(&mut inner.commands, batch);
        } else {
            inner.commands.extend(batch.drain(..batch.len().min(room)));
        }
        counters.mailbox_high_water.raise_to(inner.commands.len() as u64);
        self.pending.store(true, SeqCst);
    }

    /// Hands over a socket. Main reactor only. Gives it back if the loop has ended.
    pub(crate) fn hand_over(&self, socket: Accepted) -> Result<(), Accepted> {
        let mut inner = self.inner.lock();
        if inner.closed {
            return Err(socket);
        }
        inner.sockets.push(socket);
        self.pending.store(true, SeqCst);
        drop(inner);
        self.wake();
        Ok(())
    }

    /// Tells the loop to stop within `drain`. Any thread; a shorter time replaces a longer one.
    pub(crate) fn stop(&self, drain: Duration) {
        let mut inner = self.inner.lock();
        inner.stop = Some(inner.stop.map_or(drain, |earlier| earlier.min(drain)));
        self.pending.store(true, SeqCst);
        drop(inner);
        self.wake();
    }

    fn wake(&self) {
        if self.parked.load(SeqCst) && self.parked.swap(false, SeqCst) {
            self.metrics.0.loops[self.index].wakes.add_shared(1);
            if let Err(error) = self.waker.wake() {
                // The eventfd of a living loop cannot fail but by a bug; the loop would sleep on, so say it.
                log::error!("cannot wake loop {}: {error}", self.index);
            }
        }
    }

    /// Takes all that waits. Loop only; both vectors must come in empty, and are swapped for the full ones.
    pub(crate) fn take(
        &self,
        commands: &mut Vec<Command<M>>,
        sockets: &mut Vec<Accepted>,
    ) -> Option<Duration> {
        if !self.pending.load(SeqCst) {
            return None;
        }
        let mut inner = self.inner.lock();
        self.pending.store(false, SeqCst);
        mem::swap(&mut inner.commands, commands);
        mem::swap(&mut inner.sockets, sockets);
        if inner.waiting > 0 {
            self.room.notify_all();
        }
        inner.stop.take()
    }

    /// Announces that the loop goes to sleep. Loop only. False if something waits: then it must not.
    pub(crate) fn park(&self) -> bool {
        self.parked.store(true, SeqCst);
        if self.pending.load(SeqCst) {
            self.parked.store(false, SeqCst);
            return false;
        }
        true
    }

    /// The loop is awake. Loop only.
    pub(crate) fn unpark(&self) {
        self.parked.store(false, SeqCst);
    }

    /// The loop has ended: what waits is dropped as late, waiting posters go on. Loop only.
    pub(crate) fn close(&self) -> Vec<Accepted> {
        let mut inner = self.inner.lock();
        inner.closed = true;
        self.metrics.0.loops[self.index].stale_commands.add_shared(inner.commands.len() as u64);
        inner.commands = Vec::new();
        self.room.notify_all();
        mem::take(&mut inner.sockets)
    }
}
