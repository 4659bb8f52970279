//! Redis or MariaDB is away under load: is anything lost, does anything grow, and when is all well again?

use std::{net::SocketAddr, time::Duration};

use super::{Options, relay::across, watch::Watch};
use crate::{
    error::BenchError,
    load::{PatientLoad, Talk, Verdict},
    measure::relay::streams,
    recruit::{Pair, Recruiter, swarm_at},
    report::{Report, quantile_us},
    world::World,
};

/// Once it serves again, all that was said before has been answered and has arrived by then.
const RECOVERED_MS_MAX: f64 = 10_000.0;

/// How much a node's resident memory may grow meanwhile: what its named limits allow at this load, and not with time.
const RSS_GROWTH_MIB_MAX: f64 = 128.0;

/// How long the chat runs before and after, if the measured time is not shorter.
const CALM_SECONDS_MAX: f64 = 5.0;

/// When waiting for the last message ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// Who is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Away {
    Redis,
    MariaDb,
}

impl Away {
    fn kill(self, world: &mut World) {
        match self {
            Away::Redis => world.redis.kill(),
            Away::MariaDb => world.mariadb.kill(),
        }
    }

    fn start_again(self, world: &mut World) -> Result<(), BenchError> {
        match self {
            Away::Redis => world.redis.start_again(),
            Away::MariaDb => world.mariadb.start_again(),
        }
    }

    fn is_ready(self, world: &mut World) -> Result<bool, BenchError> {
        match self {
            Away::Redis => world.redis.is_ready(),
            Away::MariaDb => world.mariadb.is_ready(),
        }
    }
}

pub(super) fn run(options: &Options, world: &mut World, away: Away) -> Result<Report, BenchError> {
    let recruiter = Recruiter::new(world.nodes[0].addr());
    let pairs = recruiter.pairs(options.pairs as usize)?;
    let places = across(world, &pairs);
    let addresses: Vec<SocketAddr> = places.iter().map(|(addr, _)| *addr).collect();
    let swarm = swarm_at(&places)?;
    let mut load = PatientLoad::new(swarm, talks(&recruiter, &pairs, options.size), addresses, options.rate);
    let mut report = Report::new(match away {
        Away::Redis => "cluster redis-away",
        Away::MariaDb => "cluster mysql-away",
    });
    report.set("nodes", options.nodes);
    report.set("pairs", options.pairs);
    report.set("rate", options.rate);
    report.measure("away_s", options.away_seconds);

    let calm = Duration::from_secs_f64(options.seconds.min(CALM_SECONDS_MAX));
    load.run_until(calm, |_| false)?;
    phase("before", &mut load, &mut report);
    let watch = Watch::start(world.nodes.iter().map(|node| node.probe()).collect())?;

    away.kill(world);
    load.run_until(Duration::from_secs_f64(options.away_seconds), |_| false)?;
    phase("away", &mut load, &mut report);
    report.set("busy_while_away", load.patience().busy);

    away.start_again(world)?;
    let mut looked = Ok(false);
    load.run_until(PATIENCE, |_| {
        looked = away.is_ready(world);
        !matches!(looked, Ok(false))
    })?;
    if !looked? {
        return Err(BenchError::Stalled { what: "the return", seconds: PATIENCE.as_secs() });
    }
    let (ready_ns, said) = (load.now_ns(), load.said());
    let all_arrived = load.run_until(PATIENCE, |view| view.has_arrived(&said))?;
    let recovered_ms = (load.now_ns() - ready_ns) as f64 / 1_000_000.0;
    phase("return", &mut load, &mut report);
    load.run_until(calm, |_| false)?;
    phase("after", &mut load, &mut report);
    let seen = watch.stop()?;
    let mut verdict = load.settle()?;

    let patience = load.patience().clone();
    let acknowledged = load.acknowledged();
    drop(load);
    let rows = world.mariadb.number("SELECT COUNT(*) FROM messages")?;
    let messages = world.mariadb.number("SELECT COUNT(DISTINCT sender_id, client_msg_id) FROM messages")?;
    verdict.add(Verdict {
        lost: acknowledged.saturating_sub(messages),
        duplicated: rows - messages,
        ..Verdict::default()
    });
    report.set("acknowledged", acknowledged);
    report.set("stored", rows);
    report.set("cut", patience.cut);
    report.set("busy", patience.busy);
    report.set("holes", patience.holes);
    report.set("metrics_not_shown", seen.unseen());
    report.set("gauges_max", seen.gauges());
    report.measure("rss_mib_before", seen.rss_mib_first());
    report.measure("rss_mib_max", seen.rss_mib_max());
    report.set("rss_mib_every_5_s", seen.rss_mib_course());
    report.target("rss_growth_mib", seen.rss_growth_mib(), RSS_GROWTH_MIB_MAX);
    let recovered_ms = if all_arrived { recovered_ms } else { f64::MAX };
    report.target("recovered_ms", recovered_ms, RECOVERED_MS_MAX);
    report.verdict(verdict);
    Ok(report)
}

/// What arrived since the last phase.
fn phase(name: &str, load: &mut PatientLoad, report: &mut Report) {
    let (latency, delivered) = load.take_arrivals();
    report.set(&format!("{name}_delivered"), delivered);
    report.measure(&format!("{name}_p50_us"), quantile_us(&latency, 0.5));
    report.measure(&format!("{name}_p99_us"), quantile_us(&latency, 0.99));
}

/// From each `a` to its `b`, each with a client of its own: those of pair `n` are lines `2 n` and `2 n + 1`.
pub(super) fn talks(recruiter: &Recruiter, pairs: &[Pair], text_bytes: u32) -> Vec<Talk> {
    let plans = streams(recruiter, pairs, text_bytes);
    let talk = |(plan, pair): (_, &Pair)| Talk {
        plan,
        sender_token: pair.a.token.clone(),
        reader_token: pair.b.token.clone(),
    };
    plans.into_iter().zip(pairs).map(talk).collect()
}
