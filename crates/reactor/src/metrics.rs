//! What the loops count. Each loop writes its own counters, anybody may read the sums.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// A counter or gauge. `add` and `set` are for the one thread that owns it: a plain load and store, no locked
/// instruction; `add_shared` is for counters that several threads write, and must then be the only writer used.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed) + n, Relaxed);
    }
    pub(crate) fn add_shared(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }
    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }
    pub(crate) fn raise_to(&self, n: u64) {
        self.0.fetch_max(n, Relaxed);
    }
    pub(crate) fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One name, one meaning, written once: the loop's counters, the snapshot's fields, how loops add up, and how it is told.
macro_rules! numbers {
    (
        counters { $($(#[doc = $counter_doc:literal])* $counter:ident: $counter_fold:ident,)* }
        gauges { $($(#[doc = $gauge_doc:literal])* $gauge:ident: $gauge_fold:ident,)* }
        accepting { $($(#[doc = $accept_doc:literal])* $accept:ident,)* }
    ) => {
        /// Counters of one loop, aligned so that two loops never share a cache line.
        #[derive(Default)]
        #[repr(align(128))]
        pub(crate) struct LoopCounters {
            $(pub(crate) $counter: Counter,)*
            $(pub(crate) $gauge: Counter,)*
        }

        /// Counters of the main reactor.
        #[derive(Default)]
        pub(crate) struct AcceptCounters {
            /// Open connections; written by the main reactor (up) and by the loops (down).
            pub(crate) connections: AtomicU64,
            $(pub(crate) $accept: Counter,)*
        }

        /// The counters of the main reactor and all sub reactors at one moment; each is exact, together they are not one
        /// instant.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Snapshot {
            $($(#[doc = $counter_doc])* pub $counter: u64,)*
            $($(#[doc = $gauge_doc])* pub $gauge: u64,)*
            $($(#[doc = $accept_doc])* pub $accept: u64,)*
            #[doc = numbers!(@connections)]
            pub connections: u64,
        }

        impl Snapshot {
            fn of(accept: &AcceptCounters) -> Self {
                Self {
                    $($accept: accept.$accept.value(),)*
                    connections: accept.connections.load(Relaxed),
                    ..Self::default()
                }
            }

            fn fold(&mut self, counters: &LoopCounters) {
                $(numbers!(@$counter_fold self.$counter, counters.$counter.value());)*
                $(numbers!(@$gauge_fold self.$gauge, counters.$gauge.value());)*
            }

            /// The numbers that only grow: name, meaning, value.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [
                    $((stringify!($counter), concat!($($counter_doc),*), self.$counter),)*
                    $((stringify!($accept), concat!($($accept_doc),*), self.$accept),)*
                ]
                .into_iter()
            }

            /// The numbers that rise and fall: name, meaning, value.
            pub fn gauges(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [
                    $((stringify!($gauge), concat!($($gauge_doc),*), self.$gauge),)*
                    ("connections", numbers!(@connections), self.connections),
                ]
                .into_iter()
            }
        }
    };
    (@sum $total:expr, $value:expr) => { $total += $value };
    (@max $total:expr, $value:expr) => { $total = $total.max($value) };
    (@connections) => { " Connections open now, all loops together, including those handed over but not yet opened." };
}

numbers! {
    counters {
        /// Turns of the loops.
        turns: sum,
        /// Connections opened.
        opened: sum,
        /// Connections closed.
        closed: sum,
        /// Read calls.
        reads: sum,
        /// Bytes read.
        read_bytes: sum,
        /// Write calls.
        writes: sum,
        /// Bytes written.
        written_bytes: sum,
        /// Times that deadlines waited until all sockets were looked at, after a pause of the process or a long turn.
        hearings: sum,
        /// Times that a parked loop was woken by another thread: one system call each.
        wakes: sum,
        /// Commands taken from mailboxes.
        commands: sum,
        /// Times that a poster had to wait for room in a loop's mailbox.
        mailbox_full_waits: sum,
        /// Commands posted beyond a mailbox's limit because the poster was a loop itself and may not wait.
        mailbox_overfills: sum,
        /// Commands for connections that were gone, or on their way out.
        stale_commands: sum,
        /// Connections cut because their outbox passed the hard mark, or because all outboxes together took too much.
        slow_readers_cut: sum,
        /// Connections cut as slow readers because all outboxes together were above `outbox_total_bytes_max`.
        outbox_crowd_cuts: sum,
        /// Connections cut because nothing could be written for too long.
        write_stalls: sum,
        /// Connections closed because too much input stayed unconsumed.
        input_overflows: sum,
        /// Connections closed for their unconsumed input because all connections together kept more than `input_total_bytes_max`.
        input_crowd_closes: sum,
    }
    gauges {
        /// Bytes waiting in outboxes now.
        outbox_bytes: sum,
        /// What all outboxes are charged for, which is held against the marks and `outbox_total_bytes_max`.
        outbox_weight_bytes: sum,
        /// Bytes of unconsumed input kept now.
        input_bytes: sum,
        /// Most commands that ever waited in one mailbox.
        mailbox_high_water: max,
    }
    accepting {
        /// Connections accepted since the start.
        accepted,
        /// Connections turned away: `connections_max` reached, or no descriptors left.
        refused,
        /// Failed calls of accept, other than having nothing to accept.
        accept_errors,
        /// Times that the process or machine ran out of descriptors.
        emfile_episodes,
    }
}

pub(crate) struct Shared {
    pub(crate) loops: Vec<LoopCounters>,
    pub(crate) accept: AcceptCounters,
}

/// A window on the reactor's counters. Cheap to clone, usable from every thread, valid after the reactor's end.
#[derive(Clone)]
pub struct Metrics(pub(crate) Arc<Shared>);

impl Metrics {
    pub(crate) fn new(loops: usize) -> Self {
        let loops = std::iter::repeat_with(LoopCounters::default).take(loops).collect();
        Self(Arc::new(Shared { loops, accept: AcceptCounters::default() }))
    }

    /// Reads and adds up all counters. Takes no lock and disturbs no loop.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::of(&self.0.accept);
        self.0.loops.iter().for_each(|counters| snapshot.fold(counters));
        snapshot
    }
}
