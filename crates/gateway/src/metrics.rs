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
            /// Publications of other nodes that wait for the courier.
            pub bus_inbox: u64,
            /// The most that ever waited.
            pub bus_inbox_high_water: u64,
            /// Publications dropped because too many waited (`bus_inbox_max`); what they brought is read from the log.
            pub bus_inbox_dropped: u64,
            /// Notices of other nodes that wait for the listener.
            pub notices_waiting: u64,
            /// Notices dropped because too many waited; what they told is looked up.
            pub notices_dropped: u64,
            /// Conversations whose place is known (`tails_max`).
            pub tails: u64,
            /// Messages held behind gaps (`held_max`).
            pub held: u64,
            /// Groups that this node listens to.
            pub group_topics: u64,
            /// Conversations that wait for the mender.
            pub repairs_waiting: u64,
            /// Users whose friends wait to be told that they came or went, after a node died.
            pub presence_waiting: u64,
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
    /// Publications of other nodes that did not parse, or did not belong to their topic; dropped.
    bus_malformed,
    /// Stored messages that other nodes published.
    bus_messages,
    /// Messages and pushes of which no reader was connected here; dropped.
    no_reader,
    /// Messages that came a second time; dropped.
    doubles,
    /// Messages that came too early while too many were held (`held_max`); read from the log.
    not_held,
    /// Times that a conversation's next message was missing.
    gaps,
    /// Pages of the log read because something was missing, or may have been.
    gap_repairs,
    /// Messages passed on by that.
    repaired_messages,
    /// Messages that were published and are not in the log; dropped.
    phantoms,
    /// Messages that were not read from the log because too many were missing (`CATCH_UP_MAX`); clients ask for them.
    given_up,
    /// Rosters read because a message named a newer one.
    rosters_read,
    /// Times that the bus may have lost something.
    missed,
    /// Sweeps over everything that was said lately.
    sweeps,
    /// Times that the mender was refused by the stores, and tried again.
    mender_retries,
}
