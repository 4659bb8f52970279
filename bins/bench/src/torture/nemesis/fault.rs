//! What can be broken, and how.

use std::fmt;

use testkit::Way;

use crate::torture::world::link::Trouble;

/// A sort of fault, as `--faults` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Kills a node, now and then all, and starts it again.
    KillNode,
    /// Stops a node in its tracks for a while.
    PauseNode,
    /// Ends a node in good order and starts it again.
    DrainNode,
    /// Kills MariaDB and starts it again.
    KillDatabase,
    /// Stops MariaDB in its tracks for a while.
    PauseDatabase,
    /// Cuts devices' connections.
    CutClients,
    /// Holds back or refuses what devices say or hear.
    TroubleClients,
    /// Cuts all connections between nginx and a node.
    CutNode,
    /// Holds back or refuses what goes between nginx and a node.
    TroubleNode,
    /// Cuts a node's connections to MariaDB.
    CutDatabaseLink,
    /// Holds back or refuses what goes between a node and MariaDB.
    TroubleDatabaseLink,
    /// Kills Redis and starts it again with an empty memory.
    KillRedis,
    /// Stops Redis in its tracks for a while.
    PauseRedis,
    /// Cuts a node's connections to Redis.
    CutRedisLink,
    /// Holds back or refuses what goes between a node and Redis.
    TroubleRedisLink,
}

impl Kind {
    /// All of them, and how often each comes, relative to the others.
    pub(crate) const ALL: [(Kind, u32); 15] = [
        (Kind::KillNode, 6),
        (Kind::PauseNode, 4),
        (Kind::DrainNode, 3),
        (Kind::KillDatabase, 3),
        (Kind::PauseDatabase, 2),
        (Kind::CutClients, 4),
        (Kind::TroubleClients, 4),
        (Kind::CutNode, 3),
        (Kind::TroubleNode, 3),
        (Kind::CutDatabaseLink, 3),
        (Kind::TroubleDatabaseLink, 2),
        (Kind::KillRedis, 4),
        (Kind::PauseRedis, 3),
        (Kind::CutRedisLink, 3),
        (Kind::TroubleRedisLink, 3),
    ];

    /// Whether there is something to break with so many nodes.
    pub(crate) fn fits(self, nodes: usize) -> bool {
        let of_redis =
            matches!(self, Kind::KillRedis | Kind::PauseRedis | Kind::CutRedisLink | Kind::TroubleRedisLink);
        nodes > 1 || !of_redis
    }
}

/// One fault. Nodes and devices by their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL, and a new start at its end.
    KillNodes(Vec<usize>),
    /// SIGSTOP, and SIGCONT at its end.
    PauseNode(usize),
    /// SIGTERM, and a new start at its end.
    DrainNode(usize),
    /// SIGKILL, and a new start at its end.
    KillDatabase,
    PauseDatabase,
    /// For a moment.
    CutClients(Vec<usize>),
    TroubleClients(Vec<usize>, Trouble),
    /// For a moment.
    CutNode(usize),
    TroubleNode(usize, Trouble),
    /// For a moment.
    CutDatabaseLink(usize),
    TroubleDatabaseLink(usize, Trouble),
    /// SIGKILL, and a new start with an empty memory at its end.
    KillRedis,
    PauseRedis,
    /// For a moment.
    CutRedisLink(usize),
    TroubleRedisLink(usize, Trouble),
}

/// What only one fault can be at, at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    Node(usize),
    Door(usize),
    DatabaseLink(usize),
    RedisLink(usize),
    Database,
    Redis,
    Clients,
}

impl Fault {
    /// What it takes for itself while it lasts.
    pub(crate) fn places(&self) -> Vec<Place> {
        match self {
            Fault::KillNodes(nodes) => nodes.iter().map(|node| Place::Node(*node)).collect(),
            Fault::PauseNode(node) | Fault::DrainNode(node) => vec![Place::Node(*node)],
            Fault::KillDatabase | Fault::PauseDatabase => vec![Place::Database],
            Fault::CutClients(_) | Fault::TroubleClients(..) => vec![Place::Clients],
            Fault::CutNode(node) | Fault::TroubleNode(node, _) => vec![Place::Door(*node)],
            Fault::CutDatabaseLink(node) | Fault::TroubleDatabaseLink(node, _) => {
                vec![Place::DatabaseLink(*node)]
            }
            Fault::KillRedis | Fault::PauseRedis => vec![Place::Redis],
            Fault::CutRedisLink(node) | Fault::TroubleRedisLink(node, _) => vec![Place::RedisLink(*node)],
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = |node: &usize| format!("node-{}", node + 1);
        match self {
            Fault::KillNodes(nodes) => {
                write!(f, "kill {}", nodes.iter().map(node).collect::<Vec<_>>().join(" and "))
            }
            Fault::PauseNode(at) => write!(f, "pause {}", node(at)),
            Fault::DrainNode(at) => write!(f, "drain {}", node(at)),
            Fault::KillDatabase => write!(f, "kill the database"),
            Fault::PauseDatabase => write!(f, "pause the database"),
            Fault::CutClients(devices) => write!(f, "cut {} devices", devices.len()),
            Fault::TroubleClients(devices, trouble) => {
                write!(f, "{} {} devices", word(*trouble), devices.len())
            }
            Fault::CutNode(at) => write!(f, "cut clients off {}", node(at)),
            Fault::TroubleNode(at, trouble) => write!(f, "{} clients of {}", word(*trouble), node(at)),
            Fault::CutDatabaseLink(at) => write!(f, "cut {} off the database", node(at)),
            Fault::TroubleDatabaseLink(at, trouble) => {
                write!(f, "{} {} and the database", word(*trouble), node(at))
            }
            Fault::KillRedis => write!(f, "kill Redis"),
            Fault::PauseRedis => write!(f, "pause Redis"),
            Fault::CutRedisLink(at) => write!(f, "cut {} off Redis", node(at)),
            Fault::TroubleRedisLink(at, trouble) => write!(f, "{} {} and Redis", word(*trouble), node(at)),
        }
    }
}

fn word(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Hold => "hold everything between",
        Trouble::Silence(Way::ToServer) => "hold requests between",
        Trouble::Silence(Way::ToClient) => "hold answers between",
        Trouble::Refuse => "refuse connections between",
    }
}
