//! From starting the server on an empty folder until it answers.

use std::time::Instant;

use super::storm::median;
use crate::{
    error::BenchError,
    load::Session,
    report::Report,
    server_process::{HashCost, Target},
};

/// How often.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Starts; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
}

/// Starts it several times, each time on a folder of its own.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Report, BenchError> {
    if !target.is_started_here() {
        return Err(BenchError::Usage("--addr names a server that has started already"));
    }
    let mut ready_ms = Vec::new();
    for _ in 0..options.rounds {
        let began = Instant::now();
        let server = target.start(HashCost::Default)?;
        // Ready is who answers: an announced address alone proves little.
        let session = Session::connect(server.addr())?;
        ready_ms.push(began.elapsed().as_secs_f64() * 1000.0);
        drop(session);
        server.stop()?;
    }
    let mut report = Report::new("startup");
    report.set("rounds", options.rounds);
    report.measure("ready_ms", median(ready_ms.clone()));
    report.measure("ready_ms_max", ready_ms.into_iter().fold(0.0, f64::max));
    Ok(report)
}
