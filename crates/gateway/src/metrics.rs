//! What the gateway counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The gateway's counters.
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter,)* }

        /// The gateway's counters and gauges at one moment.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct GatewaySnapshot {
            $($(#[$doc])* pub $name: u64,)*
            /// Users with a connection to this node.
            pub users: u64,
            /// Lanes that wait for a worker.
            pub lanes_waiting: u64,
            /// Lanes that wait for a slow worker.
            pub slow_lanes_waiting: u64,
            /// Messages that wait for an appender.
            pub messages_waiting: u64,
            /// Body bytes of requests that wait for their answer.
            pub waiting_bytes: u64,
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> GatewaySnapshot {
                GatewaySnapshot { $($name: self.$name.value(),)* ..GatewaySnapshot::default() }
            }
        }
    };
}

counters! {
    /// Requests taken.
    requests,
    /// Requests refused at the door: unknown, unreadable, too early.
    requests_refused,
    /// Connections closed for bytes that are no frames, or for frames over the limit.
    bad_streams,
    /// Requests answered BUSY because too many bytes waited (`waiting_bytes_max`).
    busy_bytes,
    /// Requests answered BUSY because the slow queue was full (`slow_queue_max`).
    busy_slow,
    /// Messages answered BUSY because their appender's queue was full (`append_queue_max`).
    busy_append,
    /// Messages answered BUSY because the store was away through all attempts (`append_retry_pauses`).
    busy_store,
    /// Times that a connection was not read from because its pipeline was full (`pipeline_max`).
    pipeline_pauses,
    /// Connections closed because nothing was heard of them.
    silent_closed,
    /// Connections closed because HELLO or login did not come in time.
    late_closed,
    /// Connections closed after too many failed logins (`failed_logins_max`).
    guessers_closed,
    /// Connections closed for too many frames before login (`guest_frames_max`).
    chatty_guests_closed,
    /// Messages answered and given to their readers.
    messages_delivered,
    /// Transactions of appenders.
    append_groups,
    /// Attempts to store a group that failed.
    append_failed,
    /// Publications that the bus did not take.
    bus_publish_failed,
}
