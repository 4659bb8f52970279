//! Pairs of friends: one talks, the other listens.

use std::{net::SocketAddr, time::Duration};

use super::timed::{Timed, floor_swarm};
use crate::{
    error::BenchError,
    floor::Fault,
    load::{Address, ChatLoad, Dialect, Pace, StreamIdentity, StreamPlan, TEXT_BYTES_MIN, Verdict},
    recruit::{Account, Pair, Recruiter, history, swarm},
    report::Report,
    server_process::{HashCost, Server, Target},
};

/// What to relay.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Pairs of users; the first of each sends, the second receives.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub(crate) pairs: u32,
    /// Messages that each sender keeps without an answer.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=10_000))]
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
    /// Run the floor alone: needs no server.
    #[arg(long, hide = true, conflicts_with = "no_floor")]
    pub(crate) floor_only: bool,
    /// Let the floor make an error, which must be found.
    #[arg(long, hide = true, requires = "floor_only")]
    pub(crate) fault: Option<Fault>,
}

/// Measures the server and the floor, one after the other.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Report, BenchError> {
    let mut report = Report::new("relay");
    report.set("pairs", options.pairs);
    report.set("window", options.window);
    report.set("size", options.size);
    let floor = if options.no_floor { None } else { Some(relay_floor(options)?) };
    let (timed, mut verdict) = match &floor {
        Some(floor) if options.floor_only => (None, floor.verdict),
        _ => {
            let timed = relay(options, target)?;
            let verdict = timed.verdict;
            (Some(timed), verdict)
        }
    };
    match (&timed, &floor) {
        (Some(timed), floor) => timed.report(floor.as_ref(), &mut report),
        (None, Some(floor)) => floor.report(None, &mut report),
        (None, None) => {}
    }
    if timed.is_some()
        && let Some(floor) = &floor
    {
        verdict.add(floor.verdict);
    }
    report.verdict(verdict);
    Ok(report)
}

fn relay(options: &Options, target: &Target) -> Result<Timed, BenchError> {
    let server = target.start(HashCost::Cheap)?;
    let recruiter = Recruiter::new(server.addr());
    let pairs = recruiter.pairs(options.pairs as usize)?;
    let pace = Pace::Unanswered(options.window);
    let mut load = chat_load(&recruiter, &server, &pairs, options.size, pace)?;
    let mut timed = Timed::run(&mut load, &server, Duration::from_secs_f64(options.seconds))?;
    let acknowledged = load.acknowledged(0);
    drop(load);
    timed.verdict.add(check_stored(server.addr(), &pairs[0].b, pairs[0].conv, acknowledged)?);
    server.stop()?;
    Ok(timed)
}

/// Signs the pairs in and prepares a stream from each `a` to its `b`.
pub(super) fn chat_load(
    recruiter: &Recruiter,
    server: &Server,
    pairs: &[Pair],
    text_bytes: u32,
    pace: Pace,
) -> Result<ChatLoad, BenchError> {
    let accounts: Vec<&Account> = pairs.iter().flat_map(|pair| [&pair.a, &pair.b]).collect();
    let swarm = swarm(server.addr(), &accounts)?;
    let streams = streams(recruiter, pairs, text_bytes);
    Ok(ChatLoad::new(swarm, streams, Dialect::Chat, pace))
}

/// A stream from each `a`, at line `2 n`, to its `b`, at the next line.
pub(super) fn streams(recruiter: &Recruiter, pairs: &[Pair], text_bytes: u32) -> Vec<StreamPlan> {
    let plan = |(number, pair): (usize, &Pair)| StreamPlan {
        identity: StreamIdentity {
            from: pair.a.id,
            name: pair.a.name.clone(),
            to: Address::User(pair.b.id),
            conv: pair.conv,
            id_suffix: format!("{}{number:04x}", recruiter.tag()),
            text_bytes: text_bytes as usize,
        },
        sender: 2 * number,
        readers: vec![2 * number + 1],
    };
    pairs.iter().enumerate().map(plan).collect()
}

/// Reads a sample conversation back: each acknowledged message must be stored exactly once.
pub(super) fn check_stored(
    addr: SocketAddr,
    reader: &Account,
    conv: u64,
    acknowledged: u64,
) -> Result<Verdict, BenchError> {
    let mut ids = history(addr, reader, conv)?;
    let rows = ids.len() as u64;
    ids.sort_unstable();
    ids.dedup();
    let messages = ids.len() as u64;
    Ok(Verdict {
        lost: acknowledged.saturating_sub(messages),
        duplicated: rows - messages,
        ..Verdict::default()
    })
}

fn relay_floor(options: &Options) -> Result<Timed, BenchError> {
    let fault = options.fault.and_then(|fault| clap::ValueEnum::to_possible_value(&fault));
    let args = fault.as_ref().map_or(vec![], |fault| vec!["--fault", fault.get_name()]);
    let pace = Pace::Unanswered(options.window);
    over_floor(&args, options.pairs, options.size, pace, options.seconds)
}

/// The same pairs over the floor, started with `args`.
pub(super) fn over_floor(
    args: &[&str],
    pairs: u32,
    text_bytes: u32,
    pace: Pace,
    seconds: f64,
) -> Result<Timed, BenchError> {
    let floor = Server::floor(args)?;
    let groups: Vec<u32> = (0..pairs).flat_map(|pair| [pair, pair]).collect();
    let swarm = floor_swarm(&floor, &groups)?;
    let streams = (0..pairs as usize).map(|number| StreamPlan {
        identity: StreamIdentity {
            from: 1000 + number as u64,
            name: format!("b0123456789abu{number}"),
            to: Address::User(0),
            conv: 1000 + number as u64,
            id_suffix: format!("0123456789ab{number:04x}"),
            text_bytes: text_bytes as usize,
        },
        sender: 2 * number,
        readers: vec![2 * number + 1],
    });
    let mut load = ChatLoad::new(swarm, streams.collect(), Dialect::Floor, pace);
    let timed = Timed::run(&mut load, &floor, Duration::from_secs_f64(seconds))?;
    drop(load);
    floor.stop()?;
    Ok(timed)
}
