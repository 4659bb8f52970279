//! What a node shows its operators.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use admin::Status;
use cluster::local::LocalHistory;
use cluster::redis::{RedisBus, RedisHistory, RedisPresence};
use domain::HistoryCache;
use gateway::GatewayMonitor;
use model::mysql::MySqlStore;
use service::{CacheSnapshot, LimitSnapshot};

use crate::exposition::{Kind, Page};
use crate::orders::NodeOrders;
use crate::process;

/// A node from an operator's point of view. Asked by the admin's loop; takes locks for a moment, and waits for nothing.
pub(crate) struct NodeStatus {
    pub(crate) name: String,
    pub(crate) started_ms: u64,
    pub(crate) gateway: GatewayMonitor,
    /// `None`: none are taken.
    pub(crate) orders: Option<Arc<NodeOrders>>,
    /// `None`: an embedded store, which is away only if the process is.
    pub(crate) database: Option<Arc<MySqlStore>>,
    pub(crate) history: RecentMessages,
    /// `None`: the node is alone.
    pub(crate) cluster: Option<(Arc<RedisBus>, Arc<RedisPresence>)>,
}

/// Where recent messages are kept.
#[derive(Clone)]
pub(crate) enum RecentMessages {
    /// In this process.
    Here(Arc<LocalHistory>),
    /// In the cluster's Redis.
    InRedis(Arc<RedisHistory>),
}

impl RecentMessages {
    /// For the service.
    pub(crate) fn port(&self) -> Arc<dyn HistoryCache> {
        match self {
            RecentMessages::Here(history) => Arc::clone(history) as Arc<dyn HistoryCache>,
            RecentMessages::InRedis(history) => Arc::clone(history) as Arc<dyn HistoryCache>,
        }
    }
}

impl Status for NodeStatus {
    fn health(&self) -> Result<(), String> {
        match self.gateway.dead_thread() {
            None => Ok(()),
            Some(thread) => Err(format!("the thread {thread} died; the node stops")),
        }
    }

    /// Without Redis a node serves all the same, only alone; to call it unready would take all nodes away at once.
    fn readiness(&self) -> Result<(), String> {
        if self.gateway.is_leaving() {
            return Err("draining".to_owned());
        }
        if self.database.as_ref().is_some_and(|database| !database.is_reachable()) {
            return Err("database away".to_owned());
        }
        if !self.gateway.takes_changes() {
            return Err("database takes no changes".to_owned());
        }
        Ok(())
    }

    fn metrics(&self) -> String {
        let mut page = Page::default();
        let build = concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"");
        let info = format!("{build},node=\"{}\"}}", self.name);
        page.info("chat_build_info", "Always 1; its labels say what runs here.", &info);
        let ready = u8::from(self.readiness().is_ok());
        page.number("chat_ready", "1 while /readyz says 200.", Kind::Gauge, ready);
        let started = self.started_ms as f64 / 1e3;
        let help = "When this process started, in seconds since 1970.";
        page.number("process_start_time_seconds", help, Kind::Gauge, started);
        process::add_to(&mut page);

        let reactor = self.gateway.reactor_snapshot();
        page.part("chat_reactor", Kind::Counter, reactor.counters());
        page.part("chat_reactor", Kind::Gauge, reactor.gauges());

        let gateway = self.gateway.snapshot();
        page.part("chat_gateway", Kind::Counter, gateway.counters());
        page.part("chat_gateway", Kind::Gauge, gateway.gauges());
        let refusals = ("chat_gateway_refusals_total", "Requests refused, by error code.", Kind::Counter);
        page.labelled(refusals, "code", gateway.refusals.iter().copied());
        let help = "Messages stored in one transaction.";
        page.histogram("chat_gateway_append_messages", help, 1.0, &gateway.append_messages);
        let help = "From taking a group of messages until it is stored and answered, in seconds.";
        page.histogram("chat_gateway_append_seconds", help, 1e6, &gateway.append_us);

        self.caches(&mut page);
        self.limits(&mut page);
        self.deletions(&mut page);
        self.doubts(&mut page);
        self.index(&mut page);
        self.history(&mut page);
        self.receipts(&mut page);
        self.broadcasts(&mut page);

        let takes = u8::from(self.gateway.takes_changes());
        let help = "1 while the store takes changes, as far as is known.";
        page.number("chat_store_takes_changes", help, Kind::Gauge, takes);
        if let Some(database) = &self.database {
            let pool = database.pool_snapshot();
            page.part("chat_store_pool", Kind::Counter, pool.counters());
            page.part("chat_store_pool", Kind::Gauge, pool.gauges());
        }
        if let Some((bus, presence)) = &self.cluster {
            let (bus, presence) = (bus.snapshot(), presence.snapshot());
            page.part("chat_bus", Kind::Counter, bus.counters());
            page.part("chat_bus", Kind::Gauge, bus.gauges());
            page.part("chat_presence", Kind::Counter, presence.counters());
            page.part("chat_presence", Kind::Gauge, presence.gauges());
        }
        page.into_text()
    }
}

impl NodeStatus {
    fn caches(&self, page: &mut Page) {
        type Value = fn(&CacheSnapshot) -> u64;
        let families: [(&str, &str, Kind, Value); 5] = [
            ("chat_cache_entries", "Values in memory, by cache.", Kind::Gauge, |cache| cache.entries),
            (
                "chat_cache_weight",
                "What they weigh, by cache: members for `rosters`, 1 each for the others.",
                Kind::Gauge,
                |cache| cache.weight,
            ),
            (
                "chat_cache_capacity",
                "The weight beyond which values are forgotten, by cache.",
                Kind::Gauge,
                |cache| cache.capacity,
            ),
            (
                "chat_cache_hits_total",
                "Times that a value was asked for and there, by cache.",
                Kind::Counter,
                |cache| cache.hits,
            ),
            (
                "chat_cache_misses_total",
                "Times that a value was asked for and not there, or not true any more, by cache.",
                Kind::Counter,
                |cache| cache.misses,
            ),
        ];
        let caches = self.gateway.caches();
        for (name, help, kind, value) in families {
            let values = caches.iter().map(|cache| (cache.cache, value(cache)));
            page.labelled((name, help, kind), "cache", values);
        }
    }

    fn limits(&self, page: &mut Page) {
        let limits = self.gateway.limits();
        let of = |value: fn(&LimitSnapshot) -> u64| {
            limits.iter().map(move |limit| (limit.kind, value(limit))).collect::<Vec<_>>()
        };
        let refused = (
            "chat_limits_refused_total",
            "Requests refused because they came too fast, by kind.",
            Kind::Counter,
        );
        page.labelled(refused, "kind", of(|limit| limit.refused));
        let evicted = (
            "chat_limits_evicted_total",
            "Users or addresses whose pace was forgotten to make room, by kind.",
            Kind::Counter,
        );
        page.labelled(evicted, "kind", of(|limit| limit.evicted));
        let buckets =
            ("chat_limits_buckets", "Users or addresses whose pace is remembered, by kind.", Kind::Gauge);
        page.labelled(buckets, "kind", of(|limit| limit.buckets));
        let help = "Addresses whose wrong recovery codes are remembered.";
        page.number("chat_limits_waiting_recoverers", help, Kind::Gauge, self.gateway.waiting_recoverers());
    }

    fn index(&self, page: &mut Page) {
        let index = self.gateway.index();
        let help = "Messages that this node took into the index of words.";
        page.number("chat_index_messages_total", help, Kind::Counter, index.indexed);
        let help = "Times that the store did not take messages into the index of words.";
        page.number("chat_index_failures_total", help, Kind::Counter, index.failures);
        let help = "Conversations in which something is said that this node has to index.";
        page.number("chat_index_waiting", help, Kind::Gauge, index.waiting);
        let help = "Conversations that the store does not take, each by itself: they are tried again later.";
        page.number("chat_index_set_aside", help, Kind::Gauge, index.set_aside);
    }

    fn history(&self, page: &mut Page) {
        page.part("chat_history", Kind::Counter, self.gateway.history().counters());
        let kept = match &self.history {
            RecentMessages::Here(history) => (history.conversations(), history.bytes()),
            RecentMessages::InRedis(_) => (0, 0),
        };
        let help = "Conversations whose recent messages are kept in memory.";
        page.number("chat_history_kept_conversations", help, Kind::Gauge, kept.0);
        let help = "Bytes that they take, held against `history_cache_bytes_max`.";
        page.number("chat_history_kept_bytes", help, Kind::Gauge, kept.1);
        if let RecentMessages::InRedis(history) = &self.history {
            page.part("chat_history_redis", Kind::Counter, history.snapshot().counters());
        }
    }

    fn deletions(&self, page: &mut Page) {
        let deletions = self.gateway.deletions();
        let help = "Accounts that were deleted by requests to this node.";
        page.number("chat_deletions_total", help, Kind::Counter, deletions.deleted);
        let help = "Deleted accounts of which this node found nothing left to leave.";
        page.number("chat_deletions_finished_total", help, Kind::Counter, deletions.finished);
        let help = "Deleted accounts that still had friends or groups at the last look, up to 8.";
        page.number("chat_deletions_waiting", help, Kind::Gauge, deletions.waiting);
    }

    fn broadcasts(&self, page: &mut Page) {
        let broadcasts = self.gateway.broadcasts();
        let help = "Broadcasts that were ordered at this node and stored.";
        page.number("chat_broadcasts_stored_total", help, Kind::Counter, broadcasts.stored);
        let help = "Broadcasts that this node pushed to everybody who was connected to it.";
        page.number("chat_broadcasts_told_total", help, Kind::Counter, broadcasts.told);
        let help = "Sessions whose acknowledgement of a broadcast waits to be stored.";
        page.number("chat_broadcasts_acks_waiting", help, Kind::Gauge, broadcasts.acks_waiting);
        let help = "Orders to the admin address without the right token.";
        let wrong = self.orders.as_ref().map_or(0, |orders| orders.wrong_tokens.load(Ordering::Relaxed));
        page.number("chat_admin_wrong_tokens_total", help, Kind::Counter, wrong);
    }

    fn doubts(&self, page: &mut Page) {
        let doubts = self.gateway.doubts();
        let help = "Users told to ask how everything stands, because the store did not say whether a change was made.";
        page.number("chat_doubts_told_total", help, Kind::Counter, doubts.told);
        let help = "Users and groups who were not told because too many waited (16384).";
        page.number("chat_doubts_forgotten_total", help, Kind::Counter, doubts.forgotten);
        let help = "Users and groups who wait to be told, until the store is well.";
        page.number("chat_doubts_waiting", help, Kind::Gauge, doubts.waiting);
    }

    fn receipts(&self, page: &mut Page) {
        let receipts = self.gateway.receipts();
        let help = "Times that an acknowledgement brought a user further.";
        page.number("chat_receipts_moved_total", help, Kind::Counter, receipts.moved);
        let help = "Receipts pushed, to one user each.";
        page.number("chat_receipts_told_total", help, Kind::Counter, receipts.told);
        let help = "Users and conversations whose receipt waits to be told.";
        page.number("chat_receipts_waiting", help, Kind::Gauge, receipts.waiting);
    }
}
