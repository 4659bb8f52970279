//! A window on a running gateway, for whoever shows its numbers.

use std::sync::Arc;

use protocol::Refusal;
use service::{
    BroadcastDone, BroadcastOrder, BroadcastSnapshot, CacheSnapshot, DeletionSnapshot, DoubtSnapshot,
    HistorySnapshot, IndexSnapshot, LimitSnapshot, ReceiptSnapshot,
};

use crate::metrics::GatewaySnapshot;
use crate::shared::Shared;

/// Reads a gateway's numbers and state, and passes on what an operator orders. Cheap to clone, usable from every thread, valid after the gateway's end.
#[derive(Clone)]
pub struct GatewayMonitor {
    shared: Arc<Shared>,
    reactor: reactor::Metrics,
    stopper: reactor::Stopper,
}

impl GatewayMonitor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        reactor: reactor::Metrics,
        stopper: reactor::Stopper,
    ) -> GatewayMonitor {
        GatewayMonitor { shared, reactor, stopper }
    }

    /// The gateway's counters and gauges.
    pub fn snapshot(&self) -> GatewaySnapshot {
        let shared = &self.shared;
        let mut snapshot = GatewaySnapshot {
            lanes_waiting: shared.normal.len() as u64,
            slow_lanes_waiting: shared.slow.len() as u64,
            messages_waiting: shared.appends.iter().map(|queue| queue.len() as u64).sum(),
            waiting_bytes: shared.budget.taken() as u64,
            ..shared.counters.snapshot()
        };
        shared.hub.gauges(&mut snapshot);
        snapshot
    }

    /// What each limit on the rate of requests did, and what it holds.
    pub fn limits(&self) -> Vec<LimitSnapshot> {
        self.shared.service.limit_snapshots()
    }

    /// What the service's caches hold and how often they helped.
    pub fn caches(&self) -> Vec<CacheSnapshot> {
        self.shared.service.cache_snapshots()
    }

    /// What receipts did, and how many wait.
    pub fn receipts(&self) -> ReceiptSnapshot {
        self.shared.service.receipts()
    }

    /// What broadcasts did on this node.
    pub fn broadcasts(&self) -> BroadcastSnapshot {
        self.shared.service.broadcast_snapshot()
    }

    /// Tells every user something. Blocks as long as the store does.
    ///
    /// # Errors
    /// As [`Service::broadcast`](service::Service::broadcast).
    pub fn broadcast(&self, order: BroadcastOrder<'_>) -> Result<BroadcastDone, Refusal> {
        self.shared.service.broadcast(order)
    }

    /// Addresses that have to wait with recovery codes, or had to.
    pub fn waiting_recoverers(&self) -> usize {
        self.shared.service.waiting_recoverers()
    }

    /// How far the index of words is.
    pub fn index(&self) -> IndexSnapshot {
        self.shared.service.index_snapshot()
    }

    /// Whether the store takes changes, as far as is known.
    pub fn takes_changes(&self) -> bool {
        self.shared.service.takes_changes()
    }

    /// What became of changes of which the store did not say whether it made them.
    pub fn doubts(&self) -> DoubtSnapshot {
        self.shared.service.doubt_snapshot()
    }

    /// What this node did about deleted accounts.
    pub fn deletions(&self) -> DeletionSnapshot {
        self.shared.service.deletion_snapshot()
    }

    /// Where pages of history came from.
    pub fn history(&self) -> HistorySnapshot {
        self.shared.service.history_snapshot()
    }

    /// The reactor's counters and gauges.
    pub fn reactor_snapshot(&self) -> reactor::Snapshot {
        self.reactor.snapshot()
    }

    /// Whether the gateway was told to stop, by a call or a signal, or stops because a thread died.
    pub fn is_leaving(&self) -> bool {
        self.stopper.is_leaving()
    }

    /// A thread that died; the gateway stops for it.
    pub fn dead_thread(&self) -> Option<&str> {
        self.shared.dead_thread.get().map(String::as_str)
    }
}
