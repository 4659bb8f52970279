//! The parts of a cluster, real ones, with a link that can fail between any two: database, nodes, and with several
//! nodes Redis and nginx.
//!
//! Belongs to the director's thread: processes die with the thread that started them.

pub(crate) mod link;
pub(crate) mod node;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use mysql::Conn;
use testkit::{Flush, MariaDb, Nginx, Proxy, Redis};

use self::{
    link::{Behind, Link},
    node::Node,
};
use super::{crier, options::LEASE};
use crate::{error::BenchError, server_process::Target};

/// How long a node may take until it serves.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// What the nodes' keys in Redis begin with.
const REDIS_PREFIX: &str = "torture:";
/// How often the world is tended while waiting.
const TICK: Duration = Duration::from_millis(20);
/// The nodes' heartbeat: a half-open connection is found within two of them.
const HEARTBEAT_MS: u64 = 3_000;

pub(crate) struct World {
    /// Logs of all parts.
    pub(crate) folder: PathBuf,
    pub(crate) database: MariaDb,
    database_name: String,
    database_down: bool,
    /// None for a node that is alone, and so with nginx.
    pub(crate) redis: Option<Redis>,
    redis_down: bool,
    nginx: Option<Nginx>,
    pub(crate) nodes: Vec<Node>,
    /// What nobody ordered.
    pub(crate) incidents: Vec<String>,
}

impl World {
    /// Starts everything and waits until it serves.
    pub(crate) fn start(target: &Target, nodes: usize, folder: PathBuf) -> Result<World, BenchError> {
        let program = target.program()?;
        // As a production server: what is acknowledged is on the disk.
        let database = MariaDb::start_with(Flush::EveryCommit, &[]);
        let database_name = database.create_database("torture");
        let redis = (nodes > 1).then(Redis::start);
        let token = folder.join("admin-token");
        crier::write_token(&token).map_err(BenchError::io("the operators' token"))?;
        let nodes: Vec<Node> = (1..=nodes)
            .map(|number| {
                let name = format!("node-{number}");
                let database_link = Link::to(database.address(), Behind::Up);
                let store = database.url_through(database_link.address(), &database_name);
                let mut args = settings(&name, &store, &token);
                let redis_link = redis.as_ref().map(|redis| {
                    let link = Link::to(redis.address(), Behind::Up);
                    args.extend(cluster_settings(&redis.url_through(link.address())));
                    link
                });
                args.extend_from_slice(target.server_args());
                let log = folder.join(format!("{name}.log"));
                Node::new(name, &program, args, log, database_link, redis_link)
            })
            .collect();
        let doors: Vec<_> = nodes.iter().map(|node| node.door.address()).collect();
        let nginx = redis.is_some().then(|| Nginx::start(&doors));
        let mut world = World {
            folder,
            database,
            database_name,
            database_down: false,
            redis,
            redis_down: false,
            nginx,
            nodes,
            incidents: Vec::new(),
        };
        world.start_nodes()?;
        Ok(world)
    }

    /// Where devices connect.
    pub(crate) fn address(&self) -> SocketAddr {
        match &self.nginx {
            Some(nginx) => nginx.address(),
            None => self.nodes[0].door.address(),
        }
    }

    /// Where the nodes that run take orders.
    pub(crate) fn admin_addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().filter_map(Node::admin).collect()
    }

    /// A connection to the database, past all links.
    pub(crate) fn database_conn(&self) -> Conn {
        self.database.connect(&self.database_name)
    }

    /// Follows all nodes' lives.
    pub(crate) fn tend(&mut self) {
        let now = Instant::now();
        for node in &mut self.nodes {
            self.incidents.extend(node.tend(now));
        }
    }

    pub(crate) fn kill_database(&mut self) {
        self.database.kill();
        self.database_down = true;
        for node in &mut self.nodes {
            node.database.set_behind(Behind::Down);
        }
    }

    pub(crate) fn restart_database(&mut self) {
        if std::mem::take(&mut self.database_down) {
            self.database.restart();
            for node in &mut self.nodes {
                node.database.set_behind(Behind::Up);
            }
        }
    }

    pub(crate) fn kill_redis(&mut self) {
        if let Some(redis) = &self.redis {
            redis.kill();
            self.redis_down = true;
            self.set_redis(Behind::Down);
        }
    }

    /// With an empty memory.
    pub(crate) fn restart_redis(&mut self) {
        if let (Some(redis), true) = (&self.redis, std::mem::take(&mut self.redis_down)) {
            redis.restart();
            self.set_redis(Behind::Up);
        }
    }

    fn set_redis(&mut self, behind: Behind) {
        for link in self.nodes.iter_mut().flat_map(|node| &mut node.redis) {
            link.set_behind(behind);
        }
    }

    /// What Redis holds of a user's presence: for the one who looks for the cause of a wrong one.
    pub(crate) fn presence_in_redis(&self, user: u64) -> Vec<String> {
        let Some(redis) = self.redis.as_ref().filter(|_| !self.redis_down) else { return Vec::new() };
        let key = format!("{REDIS_PREFIX}p:{user}");
        let leases = format!("{REDIS_PREFIX}leases");
        let asked: [&[&str]; 3] =
            [&["HGETALL", &key], &["ZRANGE", &leases, "0", "-1", "WITHSCORES"], &["TIME"]];
        let line = |words: &&[&str]| {
            let answer = redis.ask(words);
            // Redis writes lengths in lines of their own.
            let values = answer.lines().filter(|line| !line.starts_with(['*', '$']));
            format!("Redis {}: {}", words.join(" "), values.collect::<Vec<_>>().join(" "))
        };
        asked.iter().map(line).collect()
    }

    /// Everything is whole again.
    pub(crate) fn heal(&mut self) -> Result<(), BenchError> {
        self.restart_database();
        self.restart_redis();
        for node in &mut self.nodes {
            node.go_on();
            let links = [&mut node.door, &mut node.database].into_iter().chain(&mut node.redis);
            links.for_each(|link| link.set_trouble(None));
        }
        self.start_nodes()
    }

    /// Starts every node that is down, and waits until all serve.
    pub(crate) fn start_nodes(&mut self) -> Result<(), BenchError> {
        let deadline = Instant::now() + READY_LIMIT;
        // The first alone: it makes the tables.
        for upto in 1..=self.nodes.len() {
            for node in &mut self.nodes[..upto] {
                if node.is_down() {
                    node.start();
                }
            }
            while !self.nodes[..upto].iter().all(Node::is_serving) {
                self.tend();
                if Instant::now() > deadline {
                    let seconds = READY_LIMIT.as_secs();
                    return Err(BenchError::Stalled { what: "the start of the nodes", seconds });
                }
                std::thread::sleep(TICK);
            }
        }
        Ok(())
    }

    /// Lets every node end in good order, and writes down what the other parts logged.
    pub(crate) fn stop(&mut self) {
        for node in &mut self.nodes {
            node.drain();
        }
        let deadline = Instant::now() + READY_LIMIT;
        while !self.nodes.iter().all(Node::is_down) && Instant::now() < deadline {
            self.tend();
            std::thread::sleep(TICK);
        }
        let _ = fs::write(self.folder.join("mariadb.log"), self.database.log());
        if let (Some(redis), Some(nginx)) = (&self.redis, &self.nginx) {
            let _ = fs::write(self.folder.join("redis.log"), redis.log());
            let _ = fs::write(self.folder.join("nginx.log"), nginx.log());
        }
        for node in &self.nodes {
            let log = fs::read_to_string(&node.log).unwrap_or_default();
            for line in log.lines().filter(|line| line.contains("panicked at")) {
                self.incidents.push(format!("{}: {line}", node.name));
            }
        }
    }
}

/// A device's own connection to the world.
pub(crate) fn cable(entrance: SocketAddr) -> Arc<Proxy> {
    Arc::new(Proxy::start(entrance))
}

/// A node's command line. Limits are near, so that a run comes to feel them.
fn settings(name: &str, store: &str, token: &Path) -> Vec<String> {
    let heartbeat = HEARTBEAT_MS.to_string();
    let token = token.display().to_string();
    [
        ["--node", name],
        ["--listen", "127.0.0.1:0"],
        ["--store", store],
        ["--log", "info"],
        ["--admin", "127.0.0.1:0"],
        ["--admin-token-file", &token],
        ["--heartbeat-ms", &heartbeat],
        ["--drain-ms", "2000"],
        ["--sessions-per-user-max", "200"],
        ["--outbox-low-bytes", "16384"],
        ["--outbox-high-bytes", "65536"],
        ["--outbox-hard-bytes", "1048576"],
        ["--write-stall-ms", "5000"],
        ["--password-memory-kib", "8"],
        ["--password-iterations", "1"],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .chain(testkit::no_rates(&[]).map(str::to_owned))
    .collect()
}

/// What a node of several is told besides.
fn cluster_settings(redis: &str) -> Vec<String> {
    let lease = LEASE.as_millis().to_string();
    [
        ["--redis", redis],
        ["--redis-prefix", REDIS_PREFIX],
        ["--presence-ttl-ms", &lease],
        ["--proxy-trusted", "127.0.0.1"],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect()
}
