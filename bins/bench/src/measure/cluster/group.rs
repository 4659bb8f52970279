//! One group, first with all members on one node and then spread over all: what does a delivery cost all nodes together?

use std::time::Duration;

use super::Options;
use crate::{
    error::BenchError,
    load::{Address, ChatLoad, Dialect, Pace, StreamIdentity, StreamPlan, Verdict},
    measure::{relay::check_stored, storm::median, timed::Timed},
    recruit::{Account, Recruiter, swarm_at},
    report::{Report, quantile_us},
    world::World,
};

/// CPU per delivery over all nodes, against the same on one node.
const RATIO_MAX: f64 = 1.4;

/// How many messages are in flight, and what that is called in the report.
const WINDOWS: [(u64, &str, &str); 2] =
    [(1, "window_1", "window_1_ratio"), (10, "window_10", "window_10_ratio")];

/// How many of the nodes have members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spread {
    OneNode,
    AllNodes,
}

pub(super) fn run(options: &Options, world: &mut World) -> Result<Report, BenchError> {
    let mut report = Report::new("cluster group");
    report.set("nodes", options.nodes);
    report.set("members", options.members);
    report.set("size", options.size);
    let mut verdict = Verdict::default();
    for (window, name, ratio) in WINDOWS {
        let mut one_us = Vec::new();
        let mut all_us = Vec::new();
        for _ in 0..options.rounds {
            let one = fan_out(options, world, window, Spread::OneNode)?;
            let all = fan_out(options, world, window, Spread::AllNodes)?;
            one_us.push(one.server_cpu_us().unwrap_or(f64::MAX));
            all_us.push(all.server_cpu_us().unwrap_or(f64::MAX));
            verdict.add(one.verdict);
            verdict.add(all.verdict);
            if one_us.len() == options.rounds as usize {
                for (spread, timed) in [("one_node", &one), ("all_nodes", &all)] {
                    report.measure(&format!("{name}_{spread}_delivered_per_s"), timed.delivered_per_s());
                    let p99_us = quantile_us(&timed.window.latency, 0.99);
                    report.measure(&format!("{name}_{spread}_p99_us"), p99_us);
                }
            }
        }
        let (one, all) = (median(one_us), median(all_us));
        report.measure(&format!("{name}_one_node_cpu_us_per_delivered"), one);
        report.measure(&format!("{name}_all_nodes_cpu_us_per_delivered"), all);
        report.target(ratio, all / one, RATIO_MAX);
    }
    report.verdict(verdict);
    Ok(report)
}

/// A new group each time: its messages begin with seq 1.
fn fan_out(options: &Options, world: &World, window: u64, spread: Spread) -> Result<Timed, BenchError> {
    let recruiter = Recruiter::new(world.nodes[0].addr());
    let group = recruiter.group(options.members as usize)?;
    let node = |number: usize| match spread {
        Spread::OneNode => world.nodes[0].addr(),
        Spread::AllNodes => world.nodes[number % world.nodes.len()].addr(),
    };
    let places: Vec<(_, &Account)> =
        group.members.iter().enumerate().map(|(number, member)| (node(number), member)).collect();
    let swarm = swarm_at(&places)?;
    let owner = &group.members[0];
    let identity = StreamIdentity {
        from: owner.id,
        name: owner.name.clone(),
        to: Address::Group(group.id),
        conv: group.id,
        id_suffix: format!("{}0000", recruiter.tag()),
        text_bytes: options.size as usize,
    };
    let stream = StreamPlan { identity, sender: 0, readers: (1..group.members.len()).collect() };
    let mut load = ChatLoad::new(swarm, vec![stream], Dialect::Chat, Pace::Undelivered(window));
    let mut timed = Timed::run_on(&mut load, &world.node_pids(), Duration::from_secs_f64(options.seconds))?;
    let acknowledged = load.acknowledged(0);
    drop(load);
    let sample = &group.members[1];
    timed.verdict.add(check_stored(world.nodes[0].addr(), sample, group.id, acknowledged)?);
    Ok(timed)
}
