//! A cluster under test, and how to break its parts.

use std::time::Duration;

use protocol::{Login, Secret, State};
use testkit::{MariaDb, Proxy, Redis, eventually};

use super::redis_client::RedisClient;
use crate::support::{
    DEADLINE, Options, PASSWORD, Peer, Server, befriend, hello, log_in, register, token_file,
};

/// The shortest time to live of presence that a server takes.
pub(super) const TTL: Duration = Duration::from_secs(4);
/// What a loaded machine may add to a time that the cluster promises.
pub(super) const SLACK: Duration = Duration::from_secs(3);
/// What keys and channels begin with: not the default, so that whoever forgets the setting is found.
pub(super) const PREFIX: &str = "test:";

/// A cluster to be started.
pub(super) struct Plan {
    nodes: usize,
    settings: Vec<(&'static str, String)>,
    own_database: bool,
    redis_detours: bool,
    database_detours: bool,
}

impl Plan {
    /// So many nodes, on a database of the shared MariaDB and a Redis of their own.
    pub(super) fn of(nodes: usize) -> Plan {
        let settings = [
            ("redis-prefix", PREFIX.to_owned()),
            ("presence-ttl-ms", TTL.as_millis().to_string()),
            // Many nodes share one MariaDB.
            ("store-connections-max", "6".to_owned()),
            ("admin", "127.0.0.1:0".to_owned()),
            ("admin-token-file", token_file().display().to_string()),
        ];
        Plan {
            nodes,
            settings: settings.into(),
            own_database: false,
            redis_detours: false,
            database_detours: false,
        }
    }

    /// One more setting of every node.
    pub(super) fn with(mut self, flag: &'static str, value: impl ToString) -> Plan {
        self.settings.push((flag, value.to_string()));
        self
    }

    /// On a MariaDB of its own, to be broken.
    pub(super) fn own_database(mut self) -> Plan {
        self.own_database = true;
        self
    }

    /// With a proxy between each node and Redis.
    pub(super) fn redis_detours(mut self) -> Plan {
        self.redis_detours = true;
        self
    }

    /// With a proxy between each node and the database.
    pub(super) fn database_detours(mut self) -> Plan {
        self.database_detours = true;
        self
    }

    /// Starts it.
    pub(super) fn start(self) -> Cluster {
        self.start_on(Redis::start())
    }

    /// Starts it on this Redis, whatever its state.
    pub(super) fn start_on(self, redis: Redis) -> Cluster {
        let own_database = self.own_database.then(MariaDb::start);
        let database = own_database.as_ref().unwrap_or_else(|| MariaDb::shared());
        let database_name = database.create_database("cluster");
        let mut cluster = Cluster {
            nodes: Vec::new(),
            redis_ways: Vec::new(),
            database_ways: Vec::new(),
            redis,
            own_database,
            database_name,
            plan: self,
        };
        for _ in 0..cluster.plan.nodes {
            cluster.add_node();
        }
        cluster
    }
}

/// Running nodes, by number, and what they share. Dropping it kills them all.
pub(super) struct Cluster {
    pub(super) nodes: Vec<Server>,
    /// Between each node and Redis, if planned.
    pub(super) redis_ways: Vec<Proxy>,
    /// Between each node and the database, if planned.
    pub(super) database_ways: Vec<Proxy>,
    pub(super) redis: Redis,
    own_database: Option<MariaDb>,
    database_name: String,
    plan: Plan,
}

impl Cluster {
    /// So many nodes and nothing special.
    pub(super) fn of(nodes: usize) -> Cluster {
        Plan::of(nodes).start()
    }

    /// Starts one more node, as planned. Its number.
    pub(super) fn add_node(&mut self) -> usize {
        let options = self.options_of_next();
        self.nodes.push(Server::start(options));
        self.nodes.len() - 1
    }

    /// How the next node is to be started; the proxies of the plan are made.
    pub(super) fn options_of_next(&mut self) -> Options {
        let redis = self.redis.address();
        let redis = if self.plan.redis_detours {
            self.redis_ways.push(Proxy::start(redis));
            self.redis_ways[self.redis_ways.len() - 1].address()
        } else {
            redis
        };
        let url = if self.plan.database_detours {
            self.database_ways.push(Proxy::start(self.database().address()));
            let way = self.database_ways[self.database_ways.len() - 1].address();
            self.database().url_through(way, &self.database_name)
        } else {
            self.database().url(&self.database_name)
        };
        let options = Options::on_url(url)
            .with("node", node_name(self.nodes.len()))
            .with("redis", format!("redis://{redis}/0"));
        self.plan.settings.iter().fold(options, |options, (flag, value)| options.with(flag, value))
    }

    /// The database server.
    pub(super) fn database(&self) -> &MariaDb {
        self.own_database.as_ref().unwrap_or_else(|| MariaDb::shared())
    }

    pub(super) fn database_name(&self) -> &str {
        &self.database_name
    }

    /// A connection to Redis beside the nodes'.
    pub(super) fn redis_client(&self) -> RedisClient {
        RedisClient::connect(self.redis.address())
    }

    // --- users ----------------------------------------------------------------------------------------------------

    /// Registers and logs in at a node.
    pub(super) fn user(&self, node: usize, name: &str) -> Peer {
        register(&self.nodes[node], name);
        log_in(&self.nodes[node], name, "first")
    }

    /// Logs in from another device, at a node.
    pub(super) fn log_in(&self, node: usize, name: &str, device: &str) -> Peer {
        log_in(&self.nodes[node], name, device)
    }

    /// A login at a node, which may be refused.
    pub(super) fn try_log_in(&self, node: usize, name: &str) -> Result<Peer, protocol::Refusal> {
        let mut peer = self.guest(node);
        let login = Login { name: Some(name.into()), password: Secret::new(PASSWORD), ..Login::default() };
        let signed_in = peer.login(login)?;
        (peer.id, peer.session, peer.token) = (signed_in.id, signed_in.session, signed_in.token);
        Ok(peer)
    }

    /// Goes on with a session at a node.
    pub(super) fn resume(&self, node: usize, token: &Secret) -> Peer {
        let mut peer = self.guest(node);
        let signed_in = peer.resume(token.clone()).expect("a good token");
        (peer.id, peer.session, peer.token) = (signed_in.id, signed_in.session, Some(token.clone()));
        peer
    }

    /// A connection that has said HELLO.
    pub(super) fn guest(&self, node: usize) -> Peer {
        let mut peer = Peer::connect(self.nodes[node].address());
        peer.hello(hello("")).expect("HELLO");
        peer
    }

    /// Two friends at two nodes, and their conversation. Each is known to be there by the other's node.
    pub(super) fn friends(&self, (one, a): (usize, &str), (other, b): (usize, &str)) -> (Peer, Peer, u64) {
        let (mut a, mut b) = (self.user(one, a), self.user(other, b));
        let conv = befriend(&mut a, &mut b);
        (a, b, conv)
    }
}

/// Node names: `a`, `b`, `c` …
pub(super) fn node_name(node: usize) -> String {
    char::from(b'a' + node as u8).to_string()
}

/// What a user reads of a friend now.
pub(super) fn state_of(peer: &mut Peer, friend: u64) -> State {
    let friends = peer.friends(0, 0).expect("a page").friends;
    friends.iter().find(|entry| entry.id == friend).expect("a friend").state
}

/// Waits until a user reads this of a friend.
pub(super) fn reads(peer: &mut Peer, friend: u64, state: State) {
    let what = format!("{friend} reads as {}", state.word());
    eventually(DEADLINE, &what, || (state_of(peer, friend) == state).then_some(()));
}
