//! Load generator and measurements for the chat server.
//!
//! A measurement (`measure`) sets users up (`recruit`), puts a load on the server process (`load`), checks every
//! message, reads from `/proc` what it cost (`proc_stat`), does the same to a bare relay (`floor`) and reports both.
//! `docs/benchmarks.md` says what each figure means.

#![allow(
    clippy::disallowed_methods,
    reason = "a load generator measures real time; there is no reactor here to read the clock for it"
)]

mod cli;
mod error;
mod floor;
mod load;
mod measure;
mod proc_stat;
mod recruit;
mod report;
mod server_process;
mod torture;
mod world;

use std::process::ExitCode;

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use crate::{
    cli::{Cli, Measurement},
    error::BenchError,
    measure::{cluster, fanout, history, idle, login, people, relay, resume, search, smoke, startup, storm},
    report::Report,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    raise_descriptor_limit();
    match run(&cli) {
        Ok(reports) if reports.iter().all(Report::is_clean) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> Result<Vec<Report>, BenchError> {
    let target = &cli.target;
    let reports = match &cli.measurement {
        Measurement::Relay(options) => vec![relay::run(options, target)?],
        Measurement::Fanout(options) => vec![fanout::run(options, target)?],
        Measurement::Idle(options) => vec![idle::run(options, target)?],
        Measurement::Login(options) => vec![login::run(options, target)?],
        Measurement::Resume(options) => vec![resume::run(options, target)?],
        Measurement::Storm(options) => vec![storm::run(options, target)?],
        Measurement::People(options) => vec![people::run(options, target)?],
        Measurement::Search(options) => vec![search::run(options, target)?],
        Measurement::History(options) => vec![history::run(options)?],
        Measurement::Startup(options) => vec![startup::run(options, target)?],
        Measurement::Cluster(options) => cluster::run(options, target)?,
        Measurement::Smoke => smoke::run(target)?,
        Measurement::Torture(options) => torture::run(options, target)?.into_iter().collect(),
        Measurement::FloorServer { io_threads, fault } => {
            floor::serve(*io_threads, *fault)?;
            return Ok(Vec::new());
        }
    };
    print(&reports, cli.json && !reports.is_empty());
    Ok(reports)
}

/// Tables first; with `--json` one object on the last line.
fn print(reports: &[Report], json: bool) {
    for report in reports {
        print!("{}", report.table());
    }
    if json {
        match reports {
            [report] => println!("{}", report.json()),
            reports => {
                let all: Vec<_> = reports.iter().map(Report::json).collect();
                let bad: Vec<_> = reports.iter().filter(|report| !report.is_clean()).collect();
                let bad: Vec<_> = bad.into_iter().map(Report::name).collect();
                println!("{}", json!({ "bench": "smoke", "bad": bad, "reports": all }));
            }
        }
    }
}

/// Thousands of connections need as many descriptors. Best effort: who asks for more than the hard limit finds out.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
