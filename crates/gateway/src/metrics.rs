//! What the gateway counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use protocol::Code;

use crate::histogram::{Histogram, HistogramSnapshot};

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

/// One name, one meaning, written once: what is counted, what is looked up when somebody asks, and how both are told.
macro_rules! numbers {
    (
        counted { $($(#[doc = $counter_doc:literal])* $counter:ident,)* }
        counted_elsewhere { $($(#[doc = $sum_doc:literal])* $sum:ident,)* }
        gauges { $($(#[doc = $gauge_doc:literal])* $gauge:ident,)* }
    ) => {
        /// The gateway's counters.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $counter: Counter,)*
            pub(crate) refusals: Refusals,
            pub(crate) append_messages: Histogram,
            pub(crate) append_us: Histogram,
        }

        /// The gateway's counters and gauges at one moment.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct GatewaySnapshot {
            $($(#[doc = $counter_doc])* pub $counter: u64,)*
            $($(#[doc = $sum_doc])* pub $sum: u64,)*
            $($(#[doc = $gauge_doc])* pub $gauge: u64,)*
            /// Requests refused, by the code's name; every code that stands for a refusal is there.
            pub refusals: Vec<(&'static str, u64)>,
            /// Messages stored in one transaction.
            pub append_messages: HistogramSnapshot,
            /// What a transaction took until its messages were answered, in microseconds.
            pub append_us: HistogramSnapshot,
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> GatewaySnapshot {
                GatewaySnapshot {
                    $($counter: self.$counter.value(),)*
                    refusals: self.refusals.snapshot(),
                    append_messages: self.append_messages.snapshot(),
                    append_us: self.append_us.snapshot(),
                    ..GatewaySnapshot::default()
                }
            }
        }

        impl GatewaySnapshot {
            /// The numbers that only grow: name, meaning, value.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [
                    $((stringify!($counter), concat!($($counter_doc),*), self.$counter),)*
                    $((stringify!($sum), concat!($($sum_doc),*), self.$sum),)*
                ]
                .into_iter()
            }

            /// The numbers that rise and fall: name, meaning, value.
            pub fn gauges(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($gauge), concat!($($gauge_doc),*), self.$gauge),)*].into_iter()
            }
        }
    };
}

numbers! {
    counted {
        /// Requests taken.
        requests,
        /// Requests refused at the door: unknown, unreadable, too early.
        requests_refused,
        /// Connections closed for bytes that are no frames.
        bad_streams,
        /// Connections closed for a frame over the limit (`frame_bytes_max`; before login less).
        frames_too_large,
        /// Connections of balancers (`proxy_trusted`) closed because they did not begin with a header of the PROXY protocol.
        bad_proxy_headers,
        /// Connections whose client's address a balancer told.
        proxied,
        /// Connections turned away because their address had too many (`connections_per_address_max`).
        crowded_out,
        /// Requests answered BUSY because too many bytes waited (`waiting_bytes_max`, of which guests have a quarter).
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
        /// Changes of messages answered and given to their readers.
        changes_delivered,
        /// Transactions that stored messages.
        append_groups,
        /// Groups of messages that a worker tried to store in the place of an appender, which rested.
        append_led,
        /// Attempts to store a group of messages that failed.
        append_failed,
        /// Publications that the bus did not take.
        bus_publish_failed,
        /// Publications of other nodes that did not parse, or did not belong to their topic; dropped.
        bus_malformed,
        /// Times that the bus's own thread delivered what had come, because it was little and the courier rested.
        bus_lots_at_once,
        /// Stored messages that other nodes published.
        bus_messages,
        /// Changes of messages that other nodes published.
        bus_changes,
        /// Changes told before the messages that they change, because too many waited for theirs (`CHANGES_HELD_MAX`).
        changes_not_held,
        /// Changes read from the log because the bus had not brought them, or nobody here could confirm them.
        changes_repaired,
        /// Messages and pushes of which no reader was connected here; dropped.
        no_reader,
        /// Messages that came a second time; dropped.
        doubles,
        /// Messages that came too early while too many were held (`held_max`); read from the log.
        not_held,
        /// Messages whose senders are forgotten, and so may be pushed them besides the answer, because too many of their kind wait for the log (`LEFT_MAX`).
        senders_forgotten,
        /// Conversations looked up in the log because they were heard of for the first time.
        places_sought,
        /// Times that a conversation's next message was missing.
        gaps,
        /// Pages of the log read because something was missing, or may have been.
        gap_repairs,
        /// Messages passed on that were read from the log because the bus had not brought them.
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
        /// Users told to ask how everything stands, because the bus may have lost something.
        resyncs,
        /// Times that the mender was refused by the stores, and tried again.
        mender_retries,
    }
    counted_elsewhere {
        /// Publications dropped because too many waited (`bus_inbox_max`); what they brought is read from the log.
        bus_inbox_dropped,
        /// Notices dropped because too many waited; what they told is looked up.
        notices_dropped,
    }
    gauges {
        /// Users with a connection to this node.
        users,
        /// Lanes that wait for a worker.
        lanes_waiting,
        /// Lanes that wait for a slow worker.
        slow_lanes_waiting,
        /// Messages that wait for an appender.
        messages_waiting,
        /// Body bytes of requests that wait for their answer.
        waiting_bytes,
        /// Publications of other nodes that wait for the courier.
        bus_inbox,
        /// The most publications of other nodes that ever waited for the courier.
        bus_inbox_high_water,
        /// Notices of other nodes that wait for the listener.
        notices_waiting,
        /// Conversations of which something was heard (`tails_max`).
        tails,
        /// Messages held behind gaps (`held_max`).
        held,
        /// Groups that this node listens to.
        group_topics,
        /// Conversations that wait for the mender.
        repairs_waiting,
        /// Users whose friends wait to be told that they came or went, after a node died.
        presence_waiting,
    }
}

/// Refusals by their code, wherever a request is refused.
#[derive(Debug)]
pub(crate) struct Refusals(Box<[Counter]>);

impl Default for Refusals {
    fn default() -> Refusals {
        Refusals(Code::TABLE.iter().map(|_| Counter::default()).collect())
    }
}

impl Refusals {
    pub(crate) fn add(&self, code: Code) {
        if let Some(at) = Code::TABLE.iter().position(|(known, _, _)| *known == code) {
            self.0[at].add(1);
        }
    }

    fn snapshot(&self) -> Vec<(&'static str, u64)> {
        let known = Code::TABLE.iter().zip(&self.0).filter(|((code, _, _), _)| !code.is_done());
        known.map(|((_, name, _), counter)| (*name, counter.value())).collect()
    }
}
