//! A node in a test: connected, with everything it is told on record.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use cluster::redis::{Config, ConnectError, Membership, RedisBus, RedisPresence, connect};
use domain::{
    Bus, BusReceiver, Clock, PresenceWatcher, Publication, Reach, SharedReceiver, SharedWatcher, Timestamp,
    Topic, UserId,
};
use parking_lot::Mutex;
use testkit::{Redis, eventually};

/// Far above what anything here takes.
pub const LIMIT: Duration = Duration::from_secs(30);
/// Short, and long enough for a busy machine to renew in time.
pub const TTL: Duration = Duration::from_secs(6);

pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        now()
    }
}

pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp(since.as_millis() as u64)
}

/// Everything that a node was told, in order, with the time.
#[derive(Default)]
pub struct Recorder {
    pub heard: Mutex<Vec<Publication>>,
    /// What was heard when each lot ended.
    pub lots: Mutex<Vec<usize>>,
    pub missed: Mutex<Vec<(Instant, Timestamp)>>,
    pub changed: Mutex<Vec<(Instant, Vec<UserId>)>>,
    pub reviews: Mutex<Vec<Instant>>,
    pub expelled: Mutex<Vec<String>>,
}

impl BusReceiver for Recorder {
    fn receive(&self, publication: Publication) {
        self.heard.lock().push(publication);
    }
    fn lot_ended(&self) {
        let heard = self.heard.lock().len();
        self.lots.lock().push(heard);
    }
    fn missed(&self, since: Timestamp) {
        self.missed.lock().push((Instant::now(), since));
    }
}

impl PresenceWatcher for Recorder {
    fn changed(&self, users: Vec<UserId>) {
        self.changed.lock().push((Instant::now(), users));
    }
    fn review(&self) {
        self.reviews.lock().push(Instant::now());
    }
    fn expelled(&self, why: String) {
        self.expelled.lock().push(why);
    }
}

impl Recorder {
    pub fn payloads(&self) -> Vec<Bytes> {
        self.heard.lock().iter().map(|publication| publication.payload.clone()).collect()
    }

    pub fn has_heard(&self, payload: &str) -> bool {
        self.heard.lock().iter().any(|publication| publication.payload == payload)
    }

    /// All users that changed so far, sorted.
    pub fn all_changed(&self) -> Vec<UserId> {
        let mut users: Vec<UserId> =
            self.changed.lock().iter().flat_map(|(_, users)| users.clone()).collect();
        users.sort();
        users
    }
}

pub struct Node {
    membership: Option<Membership>,
    pub bus: Arc<RedisBus>,
    pub presence: Arc<RedisPresence>,
    pub told: Arc<Recorder>,
    _receiver: SharedReceiver,
    _watcher: SharedWatcher,
}

impl Node {
    pub fn join(redis: &Redis, name: &str) -> Node {
        Node::at(redis.address(), name)
    }

    pub fn at(address: SocketAddr, name: &str) -> Node {
        Node::with(config(address, name)).unwrap()
    }

    pub fn with(config: Config) -> Result<Node, ConnectError> {
        let membership = connect(&config, Arc::new(WallClock))?;
        let told = Arc::new(Recorder::default());
        let receiver: SharedReceiver = told.clone();
        let watcher: SharedWatcher = told.clone();
        let (bus, presence) = (membership.bus(), membership.presence());
        bus.receive_with(&receiver);
        presence.watch_with(&watcher);
        Ok(Node { membership: Some(membership), bus, presence, told, _receiver: receiver, _watcher: watcher })
    }

    pub fn stop(mut self) -> Arc<Recorder> {
        self.membership.take().unwrap().stop();
        self.told
    }

    pub fn say(&self, topic: Topic, payload: impl Into<Bytes>) {
        self.bus.publish(vec![Publication { topic, payload: payload.into() }]).unwrap();
    }

    pub fn hears(&self, payload: &str) {
        eventually(LIMIT, payload, || self.told.has_heard(payload).then_some(()));
    }

    pub fn reaches(&self) {
        eventually(LIMIT, "the bus reaches others", || (self.bus.reach() == Reach::Cluster).then_some(()));
    }

    pub fn is_away(&self) {
        eventually(LIMIT, "the bus is away", || (self.bus.reach() == Reach::Away).then_some(()));
    }
}

pub fn config(address: SocketAddr, name: &str) -> Config {
    Config {
        url: format!("redis://{address}/0"),
        prefix: "t:".to_owned(),
        node: name.to_owned(),
        ttl: TTL,
        ..Config::default()
    }
}

pub fn user(id: u64) -> Topic {
    Topic::User(UserId(id))
}

/// A connection of the test's own.
pub fn raw(redis: &Redis) -> redis::Connection {
    redis::Client::open(redis.url()).unwrap().get_connection().unwrap()
}
