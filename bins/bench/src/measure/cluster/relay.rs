//! One to one, every recipient on another node than the sender.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use serde_json::{Map, json};

use super::Options;
use crate::{
    error::BenchError,
    load::{ChatLoad, Dialect, Pace},
    measure::{
        relay::{check_stored, over_floor, streams},
        timed::{Stopwatch, Timed},
    },
    recruit::{Account, Pair, Recruiter, swarm_at},
    report::{Report, quantile_us},
    world::{Recording, Statements, World},
};

/// What must be reached at 1,000 messages a second.
const P50_US_MAX: f64 = 3_000.0;
const P99_US_MAX: f64 = 25_000.0;
const CPU_US_MAX: f64 = 50.0;

/// Reads outside of appends, per message: what nodes read now and then by the clock, and nothing for any message.
const LONE_SELECTS_MAX: f64 = 0.05;

/// How long every statement is written down, after the measured time: writing costs MariaDB something.
const RECORDED: Duration = Duration::from_secs(2);

pub(super) fn run(options: &Options, world: &mut World) -> Result<Report, BenchError> {
    let pace = Pace::PerSecond(options.rate);
    let floor = over_floor(&[], options.pairs, options.size, pace, options.seconds)?;
    let recruiter = Recruiter::new(world.nodes[0].addr());
    let pairs = recruiter.pairs(options.pairs as usize)?;
    let swarm = swarm_at(&across(world, &pairs))?;
    let plans = streams(&recruiter, &pairs, options.size);
    let mut load = ChatLoad::new(swarm, plans, Dialect::Chat, pace);

    let stores = [("mariadb", world.mariadb.pid()), ("redis", world.redis.pid())];
    let watches = stores.map(|(name, pid)| Stopwatch::of(&[pid]).map(|watch| (name, watch)));
    let before = world.mariadb.counters()?;
    let mut timed = Timed::run_on(&mut load, &world.node_pids(), Duration::from_secs_f64(options.seconds))?;
    let after = world.mariadb.counters()?;
    let messages = load.acknowledged_in_all();

    let mut report = Report::new("cluster relay");
    report.set("nodes", options.nodes);
    report.set("pairs", options.pairs);
    report.set("rate", options.rate);
    report.set("size", options.size);
    timed.report(Some(&floor), &mut report);
    for watch in watches {
        let (name, watch) = watch?;
        let used_ns = watch.stop()?.server.map_or(0, |used| used.total_ns);
        report.measure(&format!("{name}_cpu_us_per_message"), each(used_ns / 1000, messages));
    }
    count_statements(&before, &after, messages, &mut report);

    let (statements, recorded) = record(world, &mut load)?;
    let by_kind: Map<_, _> = statements
        .by_kind
        .iter()
        .filter(|(_, count)| each(**count, recorded) >= 0.001)
        .map(|(kind, count)| (kind.clone(), json!((each(*count, recorded) * 1000.0).round() / 1000.0)))
        .collect();
    report.set("db_statements_per_message", by_kind);

    report.target("p50_us", quantile_us(&timed.window.latency, 0.5), P50_US_MAX);
    report.target("p99_us", quantile_us(&timed.window.latency, 0.99), P99_US_MAX);
    report.target("nodes_cpu_us_per_message", timed.server_cpu_us().unwrap_or(f64::MAX), CPU_US_MAX);
    report.target("db_reads_beside_append", each(statements.lone_selects, recorded), LONE_SELECTS_MAX);

    timed.verdict = load.settle()?;
    let acknowledged = load.acknowledged(0);
    drop(load);
    let sample = &pairs[0];
    timed.verdict.add(check_stored(world.nodes[0].addr(), &sample.b, sample.conv, acknowledged)?);
    report.verdict(timed.verdict);
    Ok(report)
}

/// Senders on the nodes in turn, each recipient on the node after its sender's.
pub(super) fn across<'a>(world: &World, pairs: &'a [Pair]) -> Vec<(SocketAddr, &'a Account)> {
    let node = |number: usize| world.nodes[number % world.nodes.len()].addr();
    let places = |(number, pair): (usize, &'a Pair)| [(node(number), &pair.a), (node(number + 1), &pair.b)];
    pairs.iter().enumerate().flat_map(places).collect()
}

/// Lets the chat go on while MariaDB writes every statement down; returns these and the messages of that time.
fn record(world: &World, load: &mut ChatLoad) -> Result<(Statements, u64), BenchError> {
    load.run_for(Duration::from_millis(200))?;
    let before = load.acknowledged_in_all();
    world.mariadb.record_statements(Recording::On)?;
    load.run_for(RECORDED)?;
    world.mariadb.record_statements(Recording::Off)?;
    let messages = load.acknowledged_in_all() - before;
    Ok((world.mariadb.statements()?, messages))
}

/// The database's own counters, per message.
fn count_statements(
    before: &HashMap<String, u64>,
    after: &HashMap<String, u64>,
    messages: u64,
    report: &mut Report,
) {
    for (key, counter) in [
        ("db_questions_per_message", "Questions"),
        ("db_selects_per_message", "Com_select"),
        ("db_inserts_per_message", "Com_insert"),
        ("db_updates_per_message", "Com_update"),
        ("db_commits_per_message", "Com_commit"),
    ] {
        let value = |counters: &HashMap<String, u64>| counters.get(counter).copied().unwrap_or(0);
        report.measure(key, each(value(after).saturating_sub(value(before)), messages));
    }
}

fn each(count: u64, messages: u64) -> f64 {
    count as f64 / messages.max(1) as f64
}
