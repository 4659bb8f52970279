//! Calls of Redis by those who cannot wait for it: a few connections, and a breaker.
//!
//! The first call that fails opens the breaker; from then on every call answers at once that Redis is away, until the
//! lease's thread has renewed the lease and closes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use parking_lot::{Condvar, Mutex};
use redis::Value;

use super::scripts::{Args, Script};
use super::shared::Shared;
use super::wire::{CALL_LIMIT, Wire, WireError};
use super::{Alarm, clock};

/// See the module. Any thread.
pub(super) struct Calls {
    shared: Arc<Shared>,
    /// Wakes the lease's thread, which finds out whether Redis is back.
    alarm: Arc<Alarm>,
    open: AtomicBool,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Wire>,
    /// Connections lent, and being made.
    lent: usize,
    /// Counts the openings of the breaker: what was lent before one does not come back.
    era: u64,
}

/// Redis cannot be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IsAway;

impl Calls {
    /// Open, until the lease is there.
    pub(super) fn new(shared: Arc<Shared>, alarm: Arc<Alarm>) -> Calls {
        Calls { shared, alarm, open: AtomicBool::new(true), pool: Mutex::default(), returned: Condvar::new() }
    }

    /// Whether Redis is known to be away.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(SeqCst)
    }

    /// Redis answers, and the lease is held.
    pub(super) fn close(&self) {
        if self.open.swap(false, SeqCst) {
            self.shared.presence.known.set(1);
            log::info!("presence is known at {}", self.shared.settings.target);
        }
    }

    /// Redis does not answer, or the lease is gone: no more calls. Whether this is news.
    pub(super) fn trip(&self, why: &dyn std::fmt::Display) -> bool {
        let news = !self.open.swap(true, SeqCst);
        if news {
            self.shared.presence.known.set(0);
            self.shared.presence.outages.add(1);
            log::warn!("presence is unknown, {}: {why}", self.shared.settings.target);
            let mut pool = self.pool.lock();
            pool.era += 1;
            pool.idle.clear();
            drop(pool);
            self.returned.notify_all();
            self.alarm.ring();
        }
        news
    }

    /// Runs a script, within about twice [`CALL_LIMIT`] and at once if the breaker is open.
    pub(super) fn run(&self, script: &Script, args: &Args) -> Result<Value, IsAway> {
        let numbers = &self.shared.presence;
        let (mut wire, era) = match self.borrow() {
            Ok(borrowed) => borrowed,
            Err(None) => {
                numbers.calls_skipped.add(1);
                return Err(IsAway);
            }
            Err(Some(error)) => {
                self.count_error(&error);
                self.trip(&error);
                return Err(IsAway);
            }
        };
        numbers.calls.add(1);
        let outcome = script.run(&mut wire, &self.shared.settings.prefix, args);
        match outcome {
            Ok(value) => {
                self.give_back(Some(wire), era);
                Ok(value)
            }
            Err(error) => {
                // An answer may still be on its way: the connection is out of step.
                self.give_back(None, era);
                self.count_error(&error);
                self.trip(&error);
                Err(IsAway)
            }
        }
    }

    pub(super) fn count_error(&self, error: &WireError) {
        self.shared.presence.call_errors.add(1);
        if *error == WireError::TimedOut {
            self.shared.presence.call_timeouts.add(1);
        }
    }

    /// A connection, for a while. `Err(None)`: not now.
    fn borrow(&self) -> Result<(Wire, u64), Option<WireError>> {
        let mut pool = self.pool.lock();
        let deadline = clock::read() + CALL_LIMIT;
        let wire = loop {
            if self.is_open() {
                return Err(None);
            }
            if let Some(wire) = pool.idle.pop() {
                break Some(wire);
            }
            if pool.lent < self.shared.settings.limits.presence_connections_max {
                break None;
            }
            if self.returned.wait_until(&mut pool, deadline).timed_out() {
                return Err(None);
            }
        };
        pool.lent += 1;
        let era = pool.era;
        drop(pool);
        match wire.map_or_else(|| Wire::connect(&self.shared.settings.target), Ok) {
            Ok(wire) => Ok((wire, era)),
            Err(error) => {
                self.give_back(None, era);
                Err(Some(error))
            }
        }
    }

    fn give_back(&self, wire: Option<Wire>, era: u64) {
        let mut pool = self.pool.lock();
        pool.lent -= 1;
        if era == pool.era {
            pool.idle.extend(wire);
        }
        drop(pool);
        self.returned.notify_one();
    }
}
