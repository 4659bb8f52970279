//! One group: a member talks, all others listen.

use std::time::Duration;

use super::{
    relay::check_stored,
    timed::{Timed, floor_swarm},
};
use crate::{
    error::BenchError,
    load::{Address, ChatLoad, Dialect, Pace, StreamIdentity, StreamPlan, TEXT_BYTES_MIN},
    recruit::{Account, Recruiter, swarm},
    report::Report,
    server_process::{HashCost, Server, Target},
};

/// How to fan out.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Members of the group, all online; one of them sends.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) members: u32,
    /// Messages in flight: sent, and not yet answered and received by every member.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) window: u64,
    /// Bytes of each text.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(TEXT_BYTES_MIN as i64..=65_536))]
    pub(crate) size: u32,
    /// Measured seconds, after a warm-up.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Do not run the floor beside it.
    #[arg(long)]
    pub(crate) no_floor: bool,
}

/// Measures the server and the floor, one after the other.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Report, BenchError> {
    let mut report = Report::new("fanout");
    report.set("members", options.members);
    report.set("window", options.window);
    report.set("size", options.size);
    let floor = if options.no_floor { None } else { Some(fan_out_floor(options)?) };
    let timed = fan_out(options, target)?;
    timed.report(floor.as_ref(), &mut report);
    let mut verdict = timed.verdict;
    if let Some(floor) = &floor {
        verdict.add(floor.verdict);
    }
    report.verdict(verdict);
    Ok(report)
}

fn fan_out(options: &Options, target: &Target) -> Result<Timed, BenchError> {
    let server = target.start(HashCost::Cheap)?;
    let recruiter = Recruiter::new(server.addr());
    let group = recruiter.group(options.members as usize)?;
    let accounts: Vec<&Account> = group.members.iter().collect();
    let swarm = swarm(server.addr(), &accounts)?;
    let owner = &group.members[0];
    let identity = StreamIdentity {
        from: owner.id,
        name: owner.name.clone(),
        to: Address::Group(group.id),
        conv: group.id,
        id_suffix: format!("{}0000", recruiter.tag()),
        text_bytes: options.size as usize,
    };
    let mut load = load(swarm, options, identity, Dialect::Chat);
    let mut timed = Timed::run(&mut load, &server, Duration::from_secs_f64(options.seconds))?;
    let acknowledged = load.acknowledged(0);
    drop(load);
    // One row per message, however many members: a sample member, who was there from the start, reads all.
    timed.verdict.add(check_stored(server.addr(), &group.members[1], group.id, acknowledged)?);
    server.stop()?;
    Ok(timed)
}

fn fan_out_floor(options: &Options) -> Result<Timed, BenchError> {
    let floor = Server::floor(&[])?;
    let swarm = floor_swarm(&floor, &vec![0; options.members as usize])?;
    let identity = StreamIdentity {
        from: 1000,
        name: "b0123456789abu0".into(),
        to: Address::Group(1000),
        conv: 1000,
        id_suffix: "0123456789ab0000".into(),
        text_bytes: options.size as usize,
    };
    let mut load = load(swarm, options, identity, Dialect::Floor);
    let timed = Timed::run(&mut load, &floor, Duration::from_secs_f64(options.seconds))?;
    drop(load);
    floor.stop()?;
    Ok(timed)
}

fn load(
    swarm: crate::load::Swarm,
    options: &Options,
    identity: StreamIdentity,
    dialect: Dialect,
) -> ChatLoad {
    let readers = (1..options.members as usize).collect();
    let stream = StreamPlan { identity, sender: 0, readers };
    ChatLoad::new(swarm, vec![stream], dialect, Pace::Undelivered(options.window))
}
