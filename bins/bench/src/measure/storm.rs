//! Chat while many log in at once: what the hashing of passwords does to the latency of messages.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{login, relay, timed::Stopwatch};
use crate::{
    error::BenchError,
    load::{ChatLoad, Pace, Swarm, Visits, Window},
    recruit::{Account, Recruiter},
    report::{Report, quantile_us},
    server_process::{HashCost, Target},
};

/// How long one storm may take.
const STORM_TIMEOUT: Duration = Duration::from_secs(300);

/// Logins of one user within a storm: fewer than a user may have sessions, so that none ends another.
const LOGINS_PER_USER: usize = 10;

/// What kind of storm.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Password logins that come at once.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub(crate) logins: u32,
    /// Pairs who chat.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) pairs: u32,
    /// Messages a second, of all pairs together; each pair has one outstanding at most.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) rate: u64,
    /// Seconds of quiet before each storm.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Storms; the medians of all rounds are compared.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
}

/// Measures quiet and storm in turn, on one server.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Report, BenchError> {
    let server = target.start(HashCost::Default)?;
    let recruiter = Recruiter::new(server.addr());
    let users = recruiter.accounts((options.logins as usize).div_ceil(LOGINS_PER_USER))?;
    let pairs = recruiter.pairs(options.pairs as usize)?;
    let pace = Pace::PerSecond(options.rate);
    let mut load = relay::chat_load(&recruiter, &server, &pairs, 100, pace)?;
    load.run_for(Duration::from_secs(1))?;

    let watch = Stopwatch::start(&server)?;
    let mut quiet = Vec::new();
    let mut stormy = Vec::new();
    let mut logins_per_s = Vec::new();
    for _ in 0..options.rounds {
        load.begin_window();
        load.run_for(Duration::from_secs_f64(options.seconds))?;
        quiet.push(load.end_window());
        load.begin_window();
        storm(options, &users, server.addr(), &mut load)?;
        let window = load.end_window();
        logins_per_s.push(f64::from(options.logins) / window.elapsed.as_secs_f64());
        stormy.push(window);
    }
    let others_cores = watch.stop()?.others_cores;
    let verdict = load.settle()?;
    drop(load);
    server.stop()?;

    let mut report = Report::new("storm");
    report.set("logins", options.logins);
    report.set("pairs", options.pairs);
    report.set("rate", options.rate);
    report.measure("delivered_per_s", median(per_s(&quiet)));
    report.measure("storm_delivered_per_s", median(per_s(&stormy)));
    report.measure("logins_per_s", median(logins_per_s));
    report.measure("p50_us", median(quantiles(&quiet, 0.5)));
    report.measure("storm_p50_us", median(quantiles(&stormy, 0.5)));
    let p99s = (quantiles(&quiet, 0.99), quantiles(&stormy, 0.99));
    let (quiet_p99, storm_p99) = (median(p99s.0.clone()), median(p99s.1.clone()));
    report.measure("p99_us", quiet_p99);
    report.measure("storm_p99_us", storm_p99);
    report.set("p99_us_by_round", rounded(p99s.0));
    report.set("storm_p99_us_by_round", rounded(p99s.1));
    report.measure("ratio", storm_p99 / quiet_p99.max(1.0));
    report.measure("others_cores", others_cores);
    report.verdict(verdict);
    Ok(report)
}

/// All logins at once, from a thread of their own, while the chat goes on here.
fn storm(
    options: &Options,
    users: &[Account],
    addr: std::net::SocketAddr,
    load: &mut ChatLoad,
) -> Result<(), BenchError> {
    let over = AtomicBool::new(false);
    let logins = options.logins as usize;
    thread::scope(|scope| {
        let storm = scope.spawn(|| {
            let outcome = log_in_all(users, addr, logins);
            over.store(true, Ordering::Release);
            outcome
        });
        // A chat that fails must still wait for the storm's thread, which ends by itself.
        let chat = load.run_until(STORM_TIMEOUT, || over.load(Ordering::Acquire));
        storm.join().map_err(|_| BenchError::Panicked("storm"))??;
        chat.map(drop)
    })
}

fn log_in_all(users: &[Account], addr: std::net::SocketAddr, logins: usize) -> Result<(), BenchError> {
    let visits = users.iter().cycle().take(logins).map(login::visit).collect();
    let mut visits = Visits::new(addr, visits, logins, logins as u64);
    let mut swarm = Swarm::new(None)?;
    for _ in 0..visits.concurrency() {
        swarm.lines().add_empty();
    }
    if !swarm.run_until(&mut visits, STORM_TIMEOUT, |visits| visits.is_over())? {
        return Err(BenchError::Stalled { what: "the end of the storm", seconds: STORM_TIMEOUT.as_secs() });
    }
    if visits.failed > 0 {
        let got = format!("{} refusals", visits.failed);
        return Err(BenchError::Unexpected { request: "LOGIN", got });
    }
    Ok(())
}

fn per_s(windows: &[Window]) -> Vec<f64> {
    windows.iter().map(|window| window.delivered as f64 / window.elapsed.as_secs_f64()).collect()
}

fn quantiles(windows: &[Window], quantile: f64) -> Vec<f64> {
    windows.iter().map(|window| quantile_us(&window.latency, quantile)).collect()
}

fn rounded(values: Vec<f64>) -> Vec<u64> {
    values.into_iter().map(|value| value.round() as u64).collect()
}

/// The middle one; of an even number the lower of the two.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(vec![9.0, 1.0]), 1.0);
        assert_eq!(median(vec![]), 0.0);
    }
}
