//! A node is killed under clients who came through nginx: when is everybody in again, and how did they come?

use std::time::Duration;

use super::{Options, outage::talks};
use crate::{
    error::BenchError,
    load::PatientLoad,
    recruit::{Recruiter, swarm_at},
    report::{Report, quantile_us},
    world::World,
};

/// All clients of the lost node are signed in on others by then.
const RESUMED_MS_MAX: f64 = 10_000.0;

/// No storm: of the clients that were cut at most this part tries within the same tenth of a second, and on average each
/// tries at most this often.
const SHARE_PER_100_MS_MAX: f64 = 1.0 / 3.0;
const ATTEMPTS_EACH_MAX: f64 = 2.0;

const SLOT_NS: u64 = 100_000_000;

/// How long the chat runs before the node is lost, and after everybody is back, if the measured time is not shorter.
const CALM_SECONDS_MAX: f64 = 3.0;

/// When waiting for the last client ends.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn run(options: &Options, world: &mut World) -> Result<Report, BenchError> {
    let recruiter = Recruiter::new(world.nodes[0].addr());
    let pairs = recruiter.pairs(options.clients as usize / 2)?;
    let front = world.nginx.addr();
    let places: Vec<_> = pairs.iter().flat_map(|pair| [(front, &pair.a), (front, &pair.b)]).collect();
    let addresses = vec![front; places.len()];
    let swarm = swarm_at(&places)?;
    let mut load = PatientLoad::new(swarm, talks(&recruiter, &pairs, options.size), addresses, options.rate);

    let calm = Duration::from_secs_f64(options.seconds.min(CALM_SECONDS_MAX));
    load.run_until(calm, |_| false)?;
    let (calm_latency, _) = load.take_arrivals();
    let lost_ns = load.now_ns();
    world.nodes.pop().into_iter().for_each(|mut node| node.kill());
    let all_back = load.run_until(PATIENCE, |view| view.cut() > 0 && view.all_are_in())?;
    load.run_until(calm, |_| false)?;
    let verdict = load.settle()?;
    let (latency, _) = load.take_arrivals();

    let patience = load.patience().clone();
    let since = |ns: &u64| ns.saturating_sub(lost_ns);
    let mut per_slot = vec![0_u64; 1];
    for attempt in patience.attempts_ns.iter().map(since) {
        let slot = (attempt / SLOT_NS) as usize;
        per_slot.resize(per_slot.len().max(slot + 1), 0);
        per_slot[slot] += 1;
    }
    let mut returned_ms: Vec<f64> =
        patience.returned_ns.iter().map(|ns| since(ns) as f64 / 1_000_000.0).collect();
    returned_ms.sort_by(f64::total_cmp);
    let last_ms = if all_back { returned_ms.last().copied().unwrap_or(f64::MAX) } else { f64::MAX };
    let cut = patience.cut.max(1) as f64;

    let mut report = Report::new("cluster lost-node");
    report.set("nodes", options.nodes);
    report.set("clients", options.clients);
    report.set("rate", options.rate);
    report.set("cut", patience.cut);
    report.set("resumed", returned_ms.len());
    report.measure("resumed_ms_median", returned_ms.get(returned_ms.len() / 2).copied().unwrap_or(0.0));
    report.set("attempts", patience.attempts_ns.len());
    report.set("attempts_per_100_ms_max", per_slot.iter().max().copied().unwrap_or(0));
    report.set("attempts_by_100_ms", per_slot.clone());
    report.set("acknowledged", load.acknowledged());
    report.measure("p99_us_before", quantile_us(&calm_latency, 0.99));
    report.measure("p99_us_since", quantile_us(&latency, 0.99));
    report.measure("max_us_since", quantile_us(&latency, 1.0));
    report.set("busy", patience.busy);
    report.set("holes", patience.holes);
    report.target("resumed_ms", last_ms, RESUMED_MS_MAX);
    let most = per_slot.iter().max().copied().unwrap_or(0) as f64;
    report.target("share_of_attempts_in_100_ms", most / cut, SHARE_PER_100_MS_MAX);
    report.target("attempts_each", patience.attempts_ns.len() as f64 / cut, ATTEMPTS_EACH_MAX);
    report.target("not_returned", patience.cut as f64 - returned_ms.len() as f64, 0.0);
    report.verdict(verdict);
    Ok(report)
}
