//! A whole cluster of one's own: MariaDB, Redis, nodes and nginx, each a process on a free port of 127.0.0.1, with
//! everything it writes in one temporary folder.
//!
//! Nothing here outlives the bench: a [`Program`] is killed when it is dropped, and by the kernel when the bench dies.
//! That is tied to the *thread* that started it: a world is made, and its parts are started again, on the main thread.

mod mariadb;
mod nginx;
mod node;
mod program;
mod redis;
mod restartable;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub(crate) use mariadb::{MariaDb, Recording, Statements};
pub(crate) use nginx::Nginx;
pub(crate) use node::{Node, Probe};
pub(crate) use program::Program;
pub(crate) use redis::Redis;
use restartable::Launch;
pub(crate) use restartable::Restartable;

use crate::error::BenchError;

/// How long a part of the world may take until it serves: machines are shared.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// Where nginx connects from. Nodes take the client's address from connections of this one, and the bench connects to nodes
/// without nginx too.
const NGINX_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 80);

/// How often a starting part is asked whether it is there.
const KNOCK_INTERVAL: Duration = Duration::from_millis(5);

/// A running cluster. Fields are dropped in this order: who depends on others ends first.
pub(crate) struct World {
    pub(crate) nginx: Nginx,
    pub(crate) nodes: Vec<Node>,
    pub(crate) redis: Redis,
    pub(crate) mariadb: MariaDb,
    _folder: TempDir,
}

impl World {
    /// Starts everything with `nodes` nodes of `program`, each with `args` besides its own.
    pub(crate) fn start(program: &Path, nodes: usize, args: &[String]) -> Result<World, BenchError> {
        let folder = tempfile::Builder::new().prefix("bench-world-").tempdir();
        let folder = folder.map_err(BenchError::io("temporary folder"))?;
        let mariadb = MariaDb::start_in(folder.path())?;
        let redis = Redis::start_in(folder.path())?;
        let nodes = (1..=nodes)
            .map(|number| Node::start(program, number, folder.path(), &mariadb, &redis, args))
            .collect::<Result<Vec<_>, _>>()?;
        let addresses: Vec<SocketAddr> = nodes.iter().map(Node::addr).collect();
        let nginx = Nginx::start(folder.path(), &addresses)?;
        Ok(World { nginx, nodes, redis, mariadb, _folder: folder })
    }

    /// The processes of all nodes.
    pub(crate) fn node_pids(&self) -> Vec<u32> {
        self.nodes.iter().map(Node::pid).collect()
    }

    /// Stops everything in good order; a node that ends badly is an error.
    pub(crate) fn stop(self) -> Result<(), BenchError> {
        let World { nodes, .. } = self;
        nodes.into_iter().try_for_each(Node::stop)
    }
}

/// A MariaDB without a world, for one server.
pub(crate) struct PrivateMariaDb {
    mariadb: MariaDb,
    _folder: TempDir,
}

impl PrivateMariaDb {
    pub(crate) fn start() -> Result<PrivateMariaDb, BenchError> {
        let folder = tempfile::Builder::new().prefix("bench-mariadb-").tempdir();
        let folder = folder.map_err(BenchError::io("temporary folder"))?;
        Ok(PrivateMariaDb { mariadb: MariaDb::start_in(folder.path())?, _folder: folder })
    }

    pub(crate) fn url(&self) -> String {
        self.mariadb.url()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.mariadb.pid()
    }
}

/// Asks until `is_ready`, for as long as the program runs and time allows.
fn wait_until_ready(program: &mut Program, mut is_ready: impl FnMut() -> bool) -> Result<(), BenchError> {
    let deadline = Instant::now() + READY_TIMEOUT;
    while !is_ready() {
        if program.has_ended() || Instant::now() > deadline {
            return Err(program.did_not_start());
        }
        std::thread::sleep(KNOCK_INTERVAL);
    }
    Ok(())
}

/// The path of a program that is installed, also where Debian keeps servers and only root's PATH looks.
fn installed(name: &str) -> Result<PathBuf, BenchError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].iter().map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| BenchError::Start { program: name.into(), why: "it is not installed".into() })
}
