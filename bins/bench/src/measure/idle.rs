//! Connections that are logged in and quiet: what each keeps in memory.

use std::time::Duration;

use super::timed::floor_swarm;
use crate::{
    error::BenchError,
    load::{Idle, Swarm},
    proc_stat::rss_bytes,
    recruit::Recruiter,
    report::Report,
    server_process::{HashCost, Server, Target},
};

/// Users that come and go first, so that what the server allocates once is not counted.
const FIRST_USERS: usize = 50;

/// Connections made between two looks at those that are there.
const BATCH: usize = 500;

/// How long everything is quiet before memory is measured.
const QUIET: Duration = Duration::from_secs(2);

/// How many.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Connections, each a user of its own.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=19_000))]
    pub(crate) connections: u32,
    /// Do not run the floor beside it.
    #[arg(long)]
    pub(crate) no_floor: bool,
}

/// Resident bytes of a process without and with the connections.
struct Growth {
    before: u64,
    with: u64,
}

impl Growth {
    fn per_connection(&self, connections: u32) -> f64 {
        self.with.saturating_sub(self.before) as f64 / f64::from(connections)
    }
}

/// Measures the server and the floor, one after the other.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Report, BenchError> {
    let mut report = Report::new("idle");
    report.set("connections", options.connections);
    let server = hold(options, target)?;
    report.set("rss_bytes_before", server.before);
    report.set("rss_bytes_with", server.with);
    report.measure("rss_bytes_per_connection", server.per_connection(options.connections));
    if !options.no_floor {
        let floor = hold_at_floor(options)?;
        let floor_bytes = floor.per_connection(options.connections);
        report.measure("floor_rss_bytes_per_connection", floor_bytes);
        report.measure("ratio", server.per_connection(options.connections) / floor_bytes.max(1.0));
    }
    Ok(report)
}

fn hold(options: &Options, target: &Target) -> Result<Growth, BenchError> {
    let server = target.start(HashCost::Cheap)?;
    let pid = server.pid().ok_or(BenchError::Usage("--addr needs --pid here: memory is read from /proc"))?;
    let recruiter = Recruiter::new(server.addr());
    drop(recruiter.accounts(FIRST_USERS)?);
    let before = rss_bytes(pid)?;
    let heartbeat_ms = crate::load::Session::connect(server.addr())?.hello().heartbeat_ms;
    let mut swarm = Swarm::new(Some(heartbeat_ms))?;
    let mut left = options.connections as usize;
    while left > 0 {
        let batch = left.min(BATCH);
        for stream in recruiter.connections(batch)? {
            swarm.lines().add(stream)?;
        }
        left -= batch;
        // Those who are there want their heartbeats while others come.
        swarm.run_until(&mut Idle, Duration::from_millis(1), |_| false)?;
    }
    // A connection that the server has closed meanwhile would be an error here.
    swarm.run_until(&mut Idle, QUIET, |_| false)?;
    let with = rss_bytes(pid)?;
    swarm.run_until(&mut Idle, QUIET, |_| false)?;
    drop(swarm);
    server.stop()?;
    Ok(Growth { before, with })
}

fn hold_at_floor(options: &Options) -> Result<Growth, BenchError> {
    let floor = Server::floor(&[])?;
    drop(floor_swarm(&floor, &[0; FIRST_USERS])?);
    let pid = floor.pid().unwrap_or_default();
    let before = rss_bytes(pid)?;
    let groups: Vec<u32> = (0..options.connections).collect();
    let mut swarm = floor_swarm(&floor, &groups)?;
    swarm.run_until(&mut Idle, QUIET, |_| false)?;
    let with = rss_bytes(pid)?;
    drop(swarm);
    floor.stop()?;
    Ok(Growth { before, with })
}
