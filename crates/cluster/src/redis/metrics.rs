//! What is counted. Any thread adds, anybody may look.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A counter or a gauge.
#[derive(Default)]
pub(super) struct Number(AtomicU64);

impl Number {
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }
    pub(super) fn take_off(&self, n: u64) {
        self.0.fetch_sub(n, Relaxed);
    }
    pub(super) fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }
    pub(super) fn raise_to(&self, n: u64) {
        self.0.fetch_max(n, Relaxed);
    }
    pub(super) fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One name, one meaning, written once: the numbers, their snapshot, and how it is told.
macro_rules! numbers {
    (
        $(#[$outer:meta])* $numbers:ident => $snapshot:ident
        counters { $($(#[doc = $counter_doc:literal])* $counter:ident,)* }
        gauges { $($(#[doc = $gauge_doc:literal])* $gauge:ident,)* }
    ) => {
        #[derive(Default)]
        pub(super) struct $numbers {
            $(pub(super) $counter: Number,)*
            $(pub(super) $gauge: Number,)*
        }

        $(#[$outer])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $snapshot {
            $($(#[doc = $counter_doc])* pub $counter: u64,)*
            $($(#[doc = $gauge_doc])* pub $gauge: u64,)*
        }

        impl $numbers {
            pub(super) fn snapshot(&self) -> $snapshot {
                $snapshot { $($counter: self.$counter.value(),)* $($gauge: self.$gauge.value(),)* }
            }
        }

        impl $snapshot {
            /// The numbers that only grow: name, meaning, value.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($counter), concat!($($counter_doc),*), self.$counter),)*].into_iter()
            }

            /// The numbers that rise and fall: name, meaning, value.
            pub fn gauges(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($gauge), concat!($($gauge_doc),*), self.$gauge),)*].into_iter()
            }
        }
    };
}

numbers! {
    /// The numbers of a [`RedisBus`](super::RedisBus) at one moment.
    BusNumbers => BusSnapshot
    counters {
        /// Connections of the subscriber that were made after one was lost.
        subscriber_reconnects,
        /// Connections of publishers that were made after one was lost.
        publisher_reconnects,
        /// Publications that Redis confirmed.
        published,
        /// Publications that were sent again after a reconnect: others may hear them twice.
        published_again,
        /// Publications refused because too many waited for Redis, or too many bytes.
        publish_refused,
        /// Publications dropped when the node stopped without Redis.
        publish_dropped,
        /// Publications of other nodes that were passed on.
        received,
        /// Own messages that came back, and were dropped as they must be.
        echoes,
        /// Messages dropped: no envelope.
        dropped_malformed,
        /// Messages dropped: an envelope of a format that is not known here.
        dropped_unknown_format,
        /// Messages dropped: of a process whose name a newer one has.
        dropped_outdated,
        /// Times that a node was listened to again after somebody without a lease had spoken in its name.
        impostures,
        /// Subscriptions whose confirmation took longer than the caller waits.
        subscribe_timeouts,
        /// How often the receiver was told to read the log.
        missed,
    }
    gauges {
        /// 1 while everything subscribed is heard.
        hearing,
        /// Publishers that are connected now.
        publishers_connected,
        /// Topics listened to, the one for all nodes included.
        subscriptions,
        /// Other nodes that have a lease.
        nodes_living,
        /// Publications that wait for Redis or for its confirmation.
        publish_queue,
        /// The most publications that ever waited for Redis or for its confirmation.
        publish_queue_high_water,
        /// Bytes of the payloads of publications that wait for Redis or for its confirmation.
        publish_queue_bytes,
        /// How long the last beat took from this node through Redis back to it, in microseconds.
        lag_us,
        /// The longest that a beat took, in microseconds.
        lag_us_max,
    }
}

numbers! {
    /// The numbers of a [`RedisPresence`](super::RedisPresence) at one moment.
    PresenceNumbers => PresenceSnapshot
    counters {
        /// Times that the lease was renewed.
        renewals,
        /// Times that the lease was found to have ended.
        leases_lost,
        /// Times that the node registered after the first time.
        registered_again,
        /// Users whose presence in Redis was made what it is on this node.
        settled,
        /// Users whom Redis had lost although their node had a lease: deleted or evicted.
        restored,
        /// Dead or departed nodes whose users this node has taken off.
        nodes_cleaned,
        /// Users whom this node has taken off because their node was dead or had departed.
        users_cleaned,
        /// Calls of Redis for presence.
        calls,
        /// Calls of Redis for presence that failed, time-outs included.
        call_errors,
        /// Calls of Redis for presence that had no answer in time.
        call_timeouts,
        /// Calls of Redis for presence that were not made because Redis was away.
        calls_skipped,
        /// Times that Redis was found to be away.
        outages,
        /// Times that the watcher was told to ask everything again.
        reviews,
    }
    gauges {
        /// 1 while this node has a lease and Redis answers.
        known,
        /// The epoch of the lease; 0 without one.
        epoch,
        /// Sessions connected to this node.
        sessions,
        /// Users whose presence in Redis may not be what it is here; being settled.
        unsettled,
    }
}

numbers! {
    /// What the cache of recent messages in Redis counts.
    HistoryNumbers => HistoryCacheSnapshot
    counters {
        /// Calls of Redis for recent messages.
        calls,
        /// Calls that failed, or were not answered in time: the log was read.
        calls_failed,
        /// Calls that were not made because one failed shortly before, or all connections were taken.
        calls_skipped,
        /// Messages that were not put behind those that are kept because too many waited.
        said_dropped,
        /// Conversations of which Redis had what cannot be read.
        unreadable,
    }
    gauges {}
}
