//! Several nodes as one: what crossing nodes costs, and what clients see while a node, Redis or MariaDB is away.

mod group;
mod lost_node;
mod outage;
mod relay;
mod watch;

use clap::ValueEnum;

use crate::{error::BenchError, load::TEXT_BYTES_MIN, report::Report, server_process::Target, world::World};

/// What to measure of a cluster.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Only this part; may be repeated. All of them without it.
    #[arg(long, value_enum, value_name = "PART")]
    pub(crate) only: Vec<Part>,
    /// Nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=9))]
    pub(crate) nodes: u32,
    /// Messages a second, in every part but `group`.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) rate: u64,
    /// Pairs who chat, in `relay` and while Redis or MariaDB is away.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub(crate) pairs: u32,
    /// Members of the group, all online.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) members: u32,
    /// Turns of one node and all nodes in `group`; the medians are compared.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Clients when a node is lost, connected through nginx.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) clients: u32,
    /// Seconds that Redis and MariaDB are away.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) away_seconds: f64,
    /// Bytes of each text.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(TEXT_BYTES_MIN as i64..=65_536))]
    pub(crate) size: u32,
    /// Measured seconds, after a warm-up.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
}

/// A part of the measurement; each has a world of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// One to one, from node to node.
    Relay,
    /// One group on one node and on all of them.
    Group,
    /// A node is killed under its clients.
    LostNode,
    /// Redis is killed, and comes back empty.
    RedisAway,
    /// MariaDB is killed, and comes back.
    MysqlAway,
}

/// Measures the parts in turn.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Vec<Report>, BenchError> {
    if !target.is_started_here() {
        return Err(BenchError::Usage("--addr names one server; a cluster is started here"));
    }
    let parts = if options.only.is_empty() { Part::value_variants() } else { &options.only };
    parts
        .iter()
        .map(|part| {
            let mut world = World::start(&target.program()?, options.nodes as usize, target.server_args())?;
            let report = match part {
                Part::Relay => relay::run(options, &mut world),
                Part::Group => group::run(options, &mut world),
                Part::LostNode => lost_node::run(options, &mut world),
                Part::RedisAway => outage::run(options, &mut world, outage::Away::Redis),
                Part::MysqlAway => outage::run(options, &mut world, outage::Away::MariaDb),
            }?;
            world.stop()?;
            Ok(report)
        })
        .collect()
}
