//! What a loop still has to do, and the time it is. Apart from the handler and the connections, so that a
//! [`Link`](crate::Link) can borrow it beside one connection.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::Bytes;

use crate::{
    Config, ConnId,
    metrics::{LoopCounters, Metrics},
    outbox::Load,
    wheel::Wheel,
};

/// One loop's to-do lists; loop only. The lists hold names, not slots: who died meanwhile is simply not found.
pub(crate) struct Agenda {
    pub(crate) index: usize,
    /// The time of this turn.
    pub(crate) now: Instant,
    pub(crate) config: Arc<Config>,
    pub(crate) wheel: Wheel,
    /// Connections to offer input to, served from the front. At most one entry each (`Connection::in_ready`).
    pub(crate) ready: VecDeque<ConnId>,
    /// What was read this turn, small reads rounded up; held against `turn_budget_bytes`.
    pub(crate) turn_bytes: usize,
    /// Connections to flush at the end of the turn. At most one entry each (`Connection::in_dirty`).
    pub(crate) dirty: Vec<ConnId>,
    /// Connections to bury at the end of the turn. At most one entry each: a connection dies once.
    pub(crate) doomed: Vec<ConnId>,
    /// Chunks that handlers sent to other connections this turn.
    pub(crate) forwards: Vec<(ConnId, Bytes)>,
    /// All outboxes of this loop, published once per turn.
    pub(crate) outboxes: Load,
    /// This loop's part of `outbox_total_bytes_max`.
    outbox_share: usize,
    /// Connections that were sent something while the outboxes were above their share, and hold more than the low mark;
    /// with their weight. Judged once all was written.
    pub(crate) hoarders: Vec<(usize, ConnId)>,
    /// Unconsumed input of all connections of this loop, published once per turn.
    pub(crate) input_bytes: usize,
    /// This loop's part of `input_total_bytes_max`.
    input_share: usize,
    metrics: Metrics,
}

impl Agenda {
    pub(crate) fn new(index: usize, now: Instant, config: Arc<Config>, metrics: Metrics) -> Self {
        Self {
            index,
            now,
            wheel: Wheel::new(now, config.tick),
            outbox_share: config.outbox_total_bytes_max / config.io_threads,
            input_share: config.input_total_bytes_max / config.io_threads,
            config,
            ready: VecDeque::new(),
            turn_bytes: 0,
            dirty: Vec::new(),
            doomed: Vec::new(),
            forwards: Vec::new(),
            outboxes: Load::default(),
            hoarders: Vec::new(),
            input_bytes: 0,
            metrics,
        }
    }

    pub(crate) fn counters(&self) -> &LoopCounters {
        &self.metrics.0.loops[self.index]
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// All outboxes together are above this loop's share.
    pub(crate) fn outboxes_are_crowded(&self) -> bool {
        self.outboxes.weight > self.outbox_share
    }

    /// All kept input together is above this loop's share.
    pub(crate) fn input_is_crowded(&self) -> bool {
        self.input_bytes > self.input_share
    }

    /// Nothing is left to do without a new event.
    pub(crate) fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.dirty.is_empty() && self.doomed.is_empty()
    }
}
