//! Every measurement once, small and short: not for the numbers, but to see that nothing is lost and all still runs.

use super::{cluster, fanout, history, idle, login, people, relay, resume, search, startup, storm};
use crate::{error::BenchError, report::Report, server_process::Target};

/// Runs all; the caller judges each report.
pub(crate) fn run(target: &Target) -> Result<Vec<Report>, BenchError> {
    let floored = relay::Options {
        pairs: 10,
        window: 8,
        size: 100,
        seconds: 1.0,
        no_floor: false,
        floor_only: false,
        fault: None,
    };
    let single = relay::Options { pairs: 20, window: 1, no_floor: true, ..floored.clone() };
    let mut reports = vec![relay::run(&floored, target)?, relay::run(&single, target)?];
    let members = fanout::Options { members: 50, window: 4, size: 100, seconds: 1.0, no_floor: false };
    reports.push(fanout::run(&members, target)?);
    reports.push(idle::run(&idle::Options { connections: 100, no_floor: true }, target)?);
    reports.push(login::run(&login::Options { users: 4, concurrency: 2, seconds: 1.0 }, target)?);
    let resumes = resume::Options { users: 20, concurrency: 8, seconds: 1.0, no_floor: true };
    reports.push(resume::run(&resumes, target)?);
    let gust = storm::Options { logins: 10, pairs: 5, rate: 100, seconds: 1.0, rounds: 1 };
    reports.push(storm::run(&gust, target)?);
    let people =
        people::Options { reads: 1_000, friends: 30, groups: 10, sign_ins: 5, members: 40, joins: 10 };
    reports.push(people::run(&people, target)?.without_targets());
    let search =
        search::Options { messages: 400, conversations: 10, own: 4, searches: 5, page: 20, mariadb: false };
    reports.push(search::run(&search, target)?.without_targets());
    let history = history::Options { few: 1_000, many: 5_000, pages: 200, size: 60, only: None };
    reports.push(history::run(&history)?.without_targets());
    if target.is_started_here() {
        // Across nodes, and through a loss of everything that Redis knew.
        let cluster = cluster::Options {
            only: vec![cluster::Part::RedisAway],
            nodes: 2,
            rate: 200,
            pairs: 20,
            members: 20,
            rounds: 1,
            clients: 20,
            away_seconds: 1.0,
            size: 100,
            seconds: 1.0,
        };
        reports.extend(cluster::run(&cluster, target)?.into_iter().map(Report::without_targets));
        reports.push(startup::run(&startup::Options { rounds: 1 }, target)?);
    }
    Ok(reports)
}
