//! A node's being in the cluster: its threads, from [`connect`] to [`Membership::stop`].

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use domain::Clock;
use parking_lot::RwLock;

use super::alarm::{Alarm, Ending};
use super::calls::Calls;
use super::config::Settings;
use super::echo::Echo;
use super::housekeeper::{Housekeeper, Housekeeping};
use super::lane::Order;
use super::lease::{Lease, Standstill};
use super::outgoing::Outgoing;
use super::presence::Doubt;
use super::publisher::Publisher;
use super::residents::Residents;
use super::shared::Shared;
use super::subscriber::{Ear, Subscriber};
use super::subscriptions::Hearing;
use super::wire::WireError;
use super::{Config, ConfigError, RedisBus, RedisPresence, clock};

/// How long [`connect`] waits for the bus to listen, when Redis answers at all.
const LISTEN_LIMIT: Duration = Duration::from_secs(2);
/// How long [`Membership::stop`] goes on publishing what waits.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// Why a node cannot be in the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Redis knows nobody of this name and password, or lets them do too little.
    #[error("{redis} does not let this node in: {why}")]
    Denied {
        /// Which Redis.
        redis: String,
        /// What it says.
        why: String,
    },
    /// The other nodes run other versions. A sentence for the operator.
    #[error("{0}")]
    Refused(String),
    /// The system gives no threads or descriptors.
    #[error("cannot start the cluster's threads: {0}")]
    System(#[from] io::Error),
}

/// A node's being in the cluster. Owns the threads; dropped without [`Membership::stop`] it ends them without a word, and the
/// others find out as if the process had died.
pub struct Membership {
    bus: Arc<RedisBus>,
    presence: Arc<RedisPresence>,
    alarm: Arc<Alarm>,
    outgoing: Arc<Outgoing>,
    ear: Arc<Ear>,
    housekeeping: Arc<Housekeeping>,
    publishers: Vec<JoinHandle<()>>,
    lease: Option<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
    listener: Option<JoinHandle<()>>,
}

/// Brings a node into the cluster. When Redis is away it warns, and goes on trying: everything works then as when Redis
/// goes away later.
///
/// Registers in the caller's thread, within a second or so if Redis is held up.
pub fn connect(config: &Config, clock: Arc<dyn Clock>) -> Result<Membership, ConnectError> {
    let settings = Settings::check(config)?;
    let publishers = settings.publishers;
    let shared = Arc::new(Shared::new(settings, clock));
    let echo = Arc::new(Echo::new());
    let outgoing = Arc::new(Outgoing::new(Arc::clone(&shared), &echo));
    let alarm = Arc::new(Alarm::default());
    let calls = Arc::new(Calls::new(Arc::clone(&shared), Arc::clone(&alarm)));
    let housekeeping = Arc::new(Housekeeping::default());
    let residents = Arc::new(Residents::new());
    let (current, doubt) = (Arc::new(RwLock::new(None)), Arc::new(Doubt::default()));
    let (subscriber, ear) = Subscriber::new(Arc::clone(&shared), Arc::clone(&echo))?;

    let mut lease = Lease::new(
        Arc::clone(&shared),
        Arc::clone(&calls),
        Arc::clone(&alarm),
        Arc::clone(&housekeeping),
        Arc::clone(&outgoing),
        Arc::clone(&doubt),
        Arc::clone(&current),
    );
    let is_there = match lease.beat() {
        Ok(()) => true,
        Err(Standstill::Expelled(why)) => return Err(ConnectError::Refused(why)),
        Err(Standstill::Away(error)) => {
            if let WireError::Refused { code, .. } = &error
                && DENIALS.contains(&code.as_str())
            {
                let redis = shared.settings.target.to_string();
                return Err(ConnectError::Denied { redis, why: error.to_string() });
            }
            log::warn!("{} is away, the node starts without it: {error}", shared.settings.target);
            false
        }
    };

    let housekeeper = Housekeeper {
        shared: Arc::clone(&shared),
        calls: Arc::clone(&calls),
        housekeeping: Arc::clone(&housekeeping),
        residents: Arc::clone(&residents),
        current: Arc::clone(&current),
        next_desk: 0,
        settled_before: false,
    };
    let bus = Arc::new(RedisBus {
        shared: Arc::clone(&shared),
        outgoing: Arc::clone(&outgoing),
        ear: Arc::clone(&ear),
    });
    let presence = Arc::new(RedisPresence {
        shared: Arc::clone(&shared),
        calls,
        housekeeping: Arc::clone(&housekeeping),
        residents,
        current,
        doubt,
    });
    // From here on, whatever fails ends the threads that have begun: they belong to the membership.
    let mut membership = Membership {
        bus,
        presence,
        alarm,
        outgoing: Arc::clone(&outgoing),
        ear: Arc::clone(&ear),
        housekeeping,
        publishers: Vec::new(),
        lease: None,
        keeper: None,
        listener: None,
    };
    membership.listener = Some(spawn("bus-listen".to_owned(), || subscriber.run())?);
    for lane in 0..publishers {
        let publisher = Publisher::new(Arc::clone(&shared), Arc::clone(&outgoing), Arc::clone(&echo), lane);
        membership.publishers.push(spawn(format!("bus-publish-{lane}"), || publisher.run())?);
    }
    membership.lease = Some(spawn("node-lease".to_owned(), || lease.run())?);
    membership.keeper = Some(spawn("node-keeper".to_owned(), || housekeeper.run())?);
    if is_there {
        ear.wait_until_full(clock::read() + LISTEN_LIMIT);
    }
    Ok(membership)
}

/// What Redis says to those whom it does not know, or not enough.
const DENIALS: [&str; 3] = ["NOAUTH", "WRONGPASS", "NOPERM"];

fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(body)
}

impl Ear {
    fn wait_until_full(&self, deadline: std::time::Instant) {
        let mut subscriptions = self.subscriptions.lock();
        while subscriptions.hearing() != Hearing::Full {
            if self.news.wait_until(&mut subscriptions, deadline).timed_out() {
                return;
            }
        }
    }
}

impl Membership {
    /// The bus.
    pub fn bus(&self) -> Arc<RedisBus> {
        Arc::clone(&self.bus)
    }

    /// Presence.
    pub fn presence(&self) -> Arc<RedisPresence> {
        Arc::clone(&self.presence)
    }

    /// Leaves the cluster: publishes what waits, for two seconds at most; gives the lease back, so that users that are still
    /// connected are offline at once; says goodbye, so that nobody looks for what this node might not have published.
    /// Returns when all threads have ended.
    pub fn stop(mut self) {
        self.end(Ending::Leave);
    }

    fn end(&mut self, ending: Ending) {
        let order = match ending {
            Ending::Leave => Order::Drain(clock::read() + DRAIN_LIMIT),
            Ending::Vanish => Order::End,
        };
        for (lane, publisher) in self.publishers.drain(..).enumerate() {
            self.outgoing.lane(lane).order(order);
            join(publisher);
        }
        self.alarm.end(ending);
        self.lease.take().into_iter().for_each(join);
        self.housekeeping.end();
        self.keeper.take().into_iter().for_each(join);
        self.ear.end();
        self.listener.take().into_iter().for_each(join);
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.end(Ending::Vanish);
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        log::error!("a thread of the cluster had panicked");
    }
}
