//! The gateway as a whole: its threads, and their beginning and end.

use std::net::TcpListener;
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use protocol::{Bye, Code, Push, encode};
use reactor::{Departure, Reactor, Running, StartError};
use service::domain::{Bus, Reach};
use service::{Backlog, Hub, Lane as Speed, Service};

use crate::append_queue::AppendQueue;
use crate::appender::Appender;
use crate::budget::Budget;
use crate::clock;
use crate::comeback::Comebacks;
use crate::config::{GatewayConfig, GatewayConfigError};
use crate::courier::Courier;
use crate::door::Door;
use crate::households::Households;
use crate::hub::GatewayHub;
use crate::mender::Mender;
use crate::metrics::{Counters, GatewaySnapshot};
use crate::monitor::GatewayMonitor;
use crate::post::{DoorMail, Post};
use crate::run_queue::RunQueue;
use crate::shared::Shared;
use crate::stop_on_panic::StopOnPanic;
use crate::worker::Worker;
use crate::{courier, listener, presence_watch};

/// A gateway before it runs: it has a hub, which the service needs, and no connections.
pub struct Gateway {
    config: GatewayConfig,
    hub: Arc<GatewayHub>,
    counters: Arc<Counters>,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A limit is wrong.
    #[error(transparent)]
    Config(#[from] GatewayConfigError),
    /// The reactor did not start.
    #[error(transparent)]
    Reactor(#[from] StartError),
    /// The system refused a thread.
    #[error("cannot start the thread {name}: {source}")]
    Thread {
        /// Its name.
        name: String,
        /// The system's error.
        source: std::io::Error,
    },
}

/// A thread ended that must not; the others were stopped.
#[derive(Debug, thiserror::Error)]
pub enum GatewayDied {
    /// One of the reactor's.
    #[error(transparent)]
    Reactor(#[from] reactor::ReactorDied),
    /// One that runs requests, stores messages or listens to other nodes.
    #[error("the thread {thread} panicked; its backtrace stands above")]
    Thread {
        /// Its name.
        thread: String,
    },
    /// The node may not go on beside the others.
    #[error("this node had to stop: {why}")]
    Expelled {
        /// A sentence for the operator.
        why: String,
    },
}

impl Gateway {
    /// Checks the limits.
    pub fn new(config: GatewayConfig, bus: Arc<dyn Bus>) -> Result<Gateway, GatewayError> {
        config.validate()?;
        let counters = Arc::new(Counters::default());
        let hub = Arc::new(GatewayHub::new(&config, bus, Arc::clone(&counters)));
        Ok(Gateway { config, hub, counters })
    }

    /// The hub, for the service's ports and as the bus's receiver.
    pub fn hub(&self) -> Arc<GatewayHub> {
        Arc::clone(&self.hub)
    }

    /// Starts all threads. The caller binds the listeners; `reactor.refusal` is set here.
    pub fn start(
        self,
        listeners: Vec<TcpListener>,
        mut reactor: reactor::Config,
        service: Service,
    ) -> Result<RunningGateway, GatewayError> {
        let config = self.config;
        let full = Bye {
            errcode: Code::BUSY.0,
            errmsg: "this node has as many connections as it takes".to_owned(),
            retry_after_ms: 5_000,
        };
        reactor.refusal = Some(encode::push_bytes(&Push::Bye(full)));
        let shared = Arc::new(Shared {
            service,
            hub: self.hub,
            // A lane is in a queue at most once.
            normal: RunQueue::new(usize::MAX),
            slow: RunQueue::new(config.slow_queue_max),
            appends: (0..config.appenders)
                .map(|_| AppendQueue::new(config.append_queue_max, config.append_batch_max))
                .collect(),
            counters: self.counters,
            budget: Budget::new(config.waiting_bytes_max),
            households: Households::new(config.connections_per_address_max),
            config,
            comebacks: Comebacks::default(),
            dead_thread: OnceLock::new(),
        });
        let running = Reactor::start(listeners, reactor, |info| {
            shared.hub.connect(info.remote.clone());
            Door::new(Arc::clone(&shared), info.index, info.remote)
        })?;
        shared.hub.expulsion().stop_by(running.stopper());
        let mut threads = Threads {
            monitor: GatewayMonitor::new(Arc::clone(&shared), running.metrics(), running.stopper()),
            shared,
            remote: running.remote(),
            stopper: running.stopper(),
            ticker: Arc::default(),
            indexer: Arc::default(),
            workers: Vec::new(),
            appenders: Vec::new(),
            listeners: Vec::new(),
            ended: false,
            died: None,
        };
        let started = threads.start();
        let gateway = RunningGateway { reactor: Some(running), threads };
        // On failure the drop of what runs stops it.
        started.map(|()| gateway)
    }
}

/// A gateway that runs. Dropping it stops it at once.
pub struct RunningGateway {
    reactor: Option<Running<DoorMail>>,
    threads: Threads,
}

impl RunningGateway {
    /// SIGINT and SIGTERM stop this gateway from now on; a second one stops it at once.
    pub fn stop_on_signals(&self, departure: Departure) -> std::io::Result<()> {
        self.reactor.as_ref().map_or(Ok(()), |reactor| reactor.stop_on_signals(departure))
    }

    /// Begins a graceful stop: clients are told to connect elsewhere, what was asked is answered within `drain`.
    pub fn stop(&self, drain: Duration) {
        if let Some(reactor) = &self.reactor {
            reactor.stop(drain);
        }
    }

    /// A window on this gateway, for other threads.
    pub fn monitor(&self) -> GatewayMonitor {
        self.threads.monitor.clone()
    }

    /// The gateway's counters and gauges.
    pub fn snapshot(&self) -> GatewaySnapshot {
        self.threads.monitor.snapshot()
    }

    /// The reactor's counters.
    pub fn reactor_metrics(&self) -> Option<reactor::Metrics> {
        self.reactor.as_ref().map(Running::metrics)
    }

    /// Waits until the gateway has stopped and everything that was answered, or written behind, is stored.
    pub fn join(mut self) -> Result<(), GatewayDied> {
        let ended = self.reactor.take().map_or(Ok(()), Running::join);
        self.threads.end();
        let counted = self.snapshot();
        log::info!(
            "handled {} requests, stored {} messages in {} transactions",
            counted.requests,
            counted.messages_delivered,
            counted.append_groups
        );
        if let Some(why) = self.threads.shared.hub.expulsion().why() {
            return Err(GatewayDied::Expelled { why });
        }
        ended?;
        self.threads.died.take().map_or(Ok(()), |thread| Err(GatewayDied::Thread { thread }))
    }
}

impl Drop for RunningGateway {
    fn drop(&mut self) {
        if let Some(reactor) = self.reactor.take() {
            reactor.stop(Duration::ZERO);
            if let Err(error) = reactor.join() {
                log::error!("{error}");
            }
        }
        self.threads.end();
    }
}

/// How often what was said is indexed: a search finds it well within a second.
const INDEX_EVERY: Duration = Duration::from_millis(250);

/// How many times as long as a portion of a backlog took the indexer pauses after it while messages are stored: those who say
/// something go first, whether they share its processor or the one writer of the embedded store.
const INDEX_PAUSE: u32 = 4;

/// The threads beside the reactor's.
struct Threads {
    monitor: GatewayMonitor,
    shared: Arc<Shared>,
    remote: reactor::Remote<DoorMail>,
    stopper: reactor::Stopper,
    ticker: Arc<Ticker>,
    indexer: Arc<Ticker>,
    /// Those that run lanes, the ticker, the one that indexes and the one that tells receipts.
    workers: Vec<JoinHandle<()>>,
    appenders: Vec<JoinHandle<()>>,
    /// Those that hear and mend what other nodes say; none if there can be no others.
    listeners: Vec<JoinHandle<()>>,
    ended: bool,
    /// A thread that panicked.
    died: Option<String>,
}

impl Threads {
    fn start(&mut self) -> Result<(), GatewayError> {
        let config = self.shared.config.clone();
        for index in 0..config.worker_threads {
            let worker = Worker::new(Arc::clone(&self.shared), Speed::Normal, Post::new(self.remote.clone()));
            self.workers.push(self.spawn(format!("worker-{index}"), move || worker.run())?);
        }
        for index in 0..config.slow_threads {
            let worker = Worker::new(Arc::clone(&self.shared), Speed::Slow, Post::new(self.remote.clone()));
            self.workers.push(self.spawn(format!("slow-{index}"), move || worker.run())?);
        }
        for index in 0..config.appenders {
            let appender = Appender::new(Arc::clone(&self.shared), index, Post::new(self.remote.clone()));
            self.appenders.push(self.spawn(format!("appender-{index}"), move || appender.run())?);
        }
        let (shared, ticker) = (Arc::clone(&self.shared), Arc::clone(&self.ticker));
        let is_alone = shared.hub.reach() == Reach::Alone;
        self.workers.push(self.spawn("ticker".to_owned(), move || {
            while ticker.wait(config.tick) {
                shared.queue_unasked(shared.service.tick());
                if !is_alone {
                    shared.hub.repairs().second();
                }
            }
        })?);
        let (shared, indexer) = (Arc::clone(&self.shared), Arc::clone(&self.indexer));
        self.workers.push(self.spawn("indexer".to_owned(), move || {
            let mut pause = INDEX_EVERY;
            while indexer.wait(pause) {
                let begun = clock::read();
                pause = match shared.service.index() {
                    Backlog::None => INDEX_EVERY,
                    Backlog::More => Duration::ZERO,
                    Backlog::MoreWhileBusy => clock::read().saturating_duration_since(begun) * INDEX_PAUSE,
                };
            }
        })?);
        let (shared, ticker) = (Arc::clone(&self.shared), Arc::clone(&self.ticker));
        // A thread of its own: the other may be held up by the store.
        self.workers.push(self.spawn("receipts".to_owned(), move || {
            while ticker.wait(config.receipt_interval) {
                shared.service.tell_receipts();
            }
        })?);
        if !is_alone {
            self.start_listeners()?;
        }
        Ok(())
    }

    fn start_listeners(&mut self) -> Result<(), GatewayError> {
        let post = Post::new(self.remote.clone());
        let courier = Courier::new(Arc::clone(&self.shared), post, self.stop_on_panic());
        *self.shared.hub.courier() = Some(courier);
        let shared = Arc::clone(&self.shared);
        self.listeners.push(self.spawn("courier".to_owned(), move || courier::run(&shared))?);
        let mender = Mender::new(Arc::clone(&self.shared), Post::new(self.remote.clone()));
        self.listeners.push(self.spawn("mender".to_owned(), move || mender.run())?);
        let shared = Arc::clone(&self.shared);
        self.listeners.push(self.spawn("listener".to_owned(), move || listener::run(&shared))?);
        let shared = Arc::clone(&self.shared);
        self.listeners.push(self.spawn("presence".to_owned(), move || presence_watch::run(&shared))?);
        Ok(())
    }

    fn stop_on_panic(&self) -> StopOnPanic {
        StopOnPanic::new(Arc::clone(&self.shared), self.stopper.clone())
    }

    fn spawn(
        &self,
        name: String,
        run: impl FnOnce() + Send + 'static,
    ) -> Result<JoinHandle<()>, GatewayError> {
        let guard = self.stop_on_panic();
        let run = move || {
            let _guard = guard;
            run();
        };
        thread::Builder::new()
            .name(name.clone())
            .spawn(run)
            .map_err(|source| GatewayError::Thread { name, source })
    }

    /// Ends all threads, once no connection exists any more and every lane has only its farewell left: first those that
    /// run lanes, then those that store what lanes left, then those that hear other nodes, then what was written behind.
    fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.ticker.stop();
        self.indexer.stop();
        self.shared.slow.stop();
        self.shared.normal.stop();
        self.died = join(&mut self.workers);
        self.farewells();
        self.shared.appends.iter().for_each(AppendQueue::stop);
        self.died = join(&mut self.appenders).or(self.died.take());
        // Lanes that waited for their messages.
        self.farewells();
        // How far those who were here got, the others hear from nobody else.
        self.shared.service.tell_receipts();
        let hub = &self.shared.hub;
        hub.inbox().stop();
        hub.notices().stop();
        hub.repairs().stop();
        hub.presence().stop();
        self.died = join(&mut self.listeners).or(self.died.take());
        // It holds what holds the hub. The bus may be in it still: that ends soon.
        *self.shared.hub.courier() = None;
        // What else it would have done is done after the next start, or by another node.
        drop(self.shared.service.tick());
    }

    /// Runs in this thread what the workers left: the queues are stopped, so this ends when they are empty.
    fn farewells(&self) {
        Worker::new(Arc::clone(&self.shared), Speed::Slow, Post::new(self.remote.clone())).run();
        Worker::new(Arc::clone(&self.shared), Speed::Normal, Post::new(self.remote.clone())).run();
    }
}

/// Joins threads; the name of one that panicked.
fn join(threads: &mut Vec<JoinHandle<()>>) -> Option<String> {
    let mut died = None;
    for thread in threads.drain(..) {
        let name = thread.thread().name().unwrap_or_default().to_owned();
        if thread.join().is_err() {
            died = Some(name);
        }
    }
    died
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.end();
    }
}

/// Wakes threads at intervals, until it is stopped.
#[derive(Default)]
struct Ticker {
    stopped: Mutex<bool>,
    change: Condvar,
}

impl Ticker {
    fn wait(&self, interval: Duration) -> bool {
        let mut stopped = self.stopped.lock();
        if !*stopped {
            self.change.wait_for(&mut stopped, interval);
        }
        !*stopped
    }

    fn stop(&self) {
        *self.stopped.lock() = true;
        self.change.notify_all();
    }
}
