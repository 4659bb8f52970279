//! The pool: lends connections, and counts how that goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use domain::{StoreError, StoreResult};
use r2d2::event::{AcquireEvent, CheckoutEvent, HandleEvent, TimeoutEvent};
use r2d2::{NopErrorHandler, PooledConnection};

use super::Config;
use super::manager::Manager;

/// A check-out that took longer than this has waited, for a free connection or for a new one.
const WAIT_NOTED: Duration = Duration::from_millis(1);

/// At most [`Config::pool_size`] connections, made when they are needed. Who finds none free waits, for at most
/// [`Config::checkout_timeout`], and is refused as unavailable after that; while the database is away, at once.
pub(super) struct Pool {
    lender: r2d2::Pool<Manager>,
    tally: Arc<Tally>,
}

impl Pool {
    /// A pool that connects in the background, now and whenever the database comes back.
    pub(super) fn open(config: &Config, manager: Manager) -> Pool {
        let tally = Arc::clone(manager.tally());
        let lender = r2d2::Pool::builder()
            .max_size(config.pool_size)
            // One is kept ready: when a broken one comes back while others wait, it is this that makes another for
            // them. The rest are made when they are needed, and stay a while.
            .min_idle(Some(1))
            .connection_timeout(config.checkout_timeout)
            .event_handler(Box::new(Events(Arc::clone(&tally))))
            // The manager logs changes; r2d2 would log every attempt.
            .error_handler(Box::new(NopErrorHandler))
            .build_unchecked(manager);
        Pool { lender, tally }
    }

    /// Takes a connection, and gives it back when the value is dropped.
    pub(super) fn check_out(&self, operation: &'static str) -> StoreResult<PooledConnection<Manager>> {
        if self.database_is_away() {
            self.tally.refused.fetch_add(1, Ordering::Relaxed);
            return Err(StoreError::unavailable(operation, "the database cannot be reached"));
        }
        self.tally.waiting.fetch_add(1, Ordering::Relaxed);
        let lent = self.lender.get();
        self.tally.waiting.fetch_sub(1, Ordering::Relaxed);
        lent.map_err(|error| {
            let size = self.lender.max_size();
            if self.lender.state().connections == size {
                StoreError::unavailable(
                    operation,
                    format!("all {size} connections to the database are in use"),
                )
            } else {
                StoreError::unavailable(operation, error)
            }
        })
    }

    /// Whether there is no connection, and the last attempt to make one has failed. It is made again in the background,
    /// however often that takes, so nobody need wait for it.
    pub(super) fn database_is_away(&self) -> bool {
        !self.tally.reachable() && self.lender.state().connections == 0
    }

    pub(super) fn snapshot(&self) -> PoolSnapshot {
        let state = self.lender.state();
        let tally = &self.tally;
        PoolSnapshot {
            size: self.lender.max_size(),
            connections: state.connections,
            idle: state.idle_connections,
            waiting: tally.waiting.load(Ordering::Relaxed),
            checkouts: tally.checkouts.load(Ordering::Relaxed),
            waits: tally.waits.load(Ordering::Relaxed),
            wait_us: tally.wait_us.load(Ordering::Relaxed),
            timeouts: tally.timeouts.load(Ordering::Relaxed),
            refused: tally.refused.load(Ordering::Relaxed),
            opened: tally.opened.load(Ordering::Relaxed),
            broken: tally.broken.load(Ordering::Relaxed),
        }
    }
}

macro_rules! snapshot {
    (
        counters { $($(#[doc = $counter_doc:literal])* $counter:ident: $counter_type:ty,)* }
        gauges { $($(#[doc = $gauge_doc:literal])* $gauge:ident: $gauge_type:ty,)* }
    ) => {
        /// How a pool is doing, and what happened to it since it was opened.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct PoolSnapshot {
            $($(#[doc = $gauge_doc])* pub $gauge: $gauge_type,)*
            $($(#[doc = $counter_doc])* pub $counter: $counter_type,)*
        }

        impl PoolSnapshot {
            /// The numbers that only grow: name, meaning, value.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($counter), concat!($($counter_doc),*), self.$counter),)*].into_iter()
            }

            /// The numbers that rise and fall: name, meaning, value.
            pub fn gauges(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($gauge), concat!($($gauge_doc),*), u64::from(self.$gauge)),)*].into_iter()
            }
        }
    };
}

snapshot! {
    counters {
        /// Times that a connection of the pool was lent.
        checkouts: u64,
        /// Times that an operation waited longer than a millisecond for a connection, or in vain.
        waits: u64,
        /// How long operations waited for connections in all, in microseconds, in vain or not.
        wait_us: u64,
        /// Operations that were refused because no connection was free in time.
        timeouts: u64,
        /// Operations that were refused at once, since the database was away.
        refused: u64,
        /// Connections of the pool that were made.
        opened: u64,
        /// Connections of the pool that were thrown away because they failed, or could not be trusted any more.
        broken: u64,
    }
    gauges {
        /// Connections that the pool may have.
        size: u32,
        /// Connections that the pool has.
        connections: u32,
        /// Connections of the pool that nobody uses.
        idle: u32,
        /// Operations that wait for a connection now.
        waiting: u32,
    }
}

/// What the pool counts. Any thread.
#[derive(Debug, Default)]
pub(super) struct Tally {
    unreachable: AtomicBool,
    waiting: AtomicU32,
    checkouts: AtomicU64,
    waits: AtomicU64,
    wait_us: AtomicU64,
    timeouts: AtomicU64,
    refused: AtomicU64,
    opened: AtomicU64,
    broken: AtomicU64,
}

impl Tally {
    /// Whether the last attempt to connect succeeded.
    pub(super) fn reachable(&self) -> bool {
        !self.unreachable.load(Ordering::Relaxed)
    }

    /// Notes how an attempt to connect ended; whether it ended otherwise than the one before.
    pub(super) fn reached(&self, reached: bool) -> bool {
        self.unreachable.swap(!reached, Ordering::Relaxed) == reached
    }

    /// Notes that a connection is thrown away.
    pub(super) fn broke(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
    }

    fn waited(&self, time: Duration) {
        self.wait_us.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
        if time > WAIT_NOTED {
            self.waits.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Tells the tally what the pool says of itself.
#[derive(Debug)]
struct Events(Arc<Tally>);

impl HandleEvent for Events {
    fn handle_acquire(&self, _: AcquireEvent) {
        self.0.opened.fetch_add(1, Ordering::Relaxed);
    }

    fn handle_checkout(&self, event: CheckoutEvent) {
        self.0.checkouts.fetch_add(1, Ordering::Relaxed);
        self.0.waited(event.duration());
    }

    fn handle_timeout(&self, event: TimeoutEvent) {
        self.0.timeouts.fetch_add(1, Ordering::Relaxed);
        self.0.waited(event.timeout());
    }
}
