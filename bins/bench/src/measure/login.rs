//! Logins by password, at the server's own hashing cost.

use std::time::Duration;

use super::{resume::count_visits, timed::Stopwatch};
use crate::{
    error::BenchError,
    load::{Visit, Visits, login},
    recruit::{Account, PASSWORD, Recruiter},
    report::Report,
    server_process::{HashCost, Target},
};

/// How to log in.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Users who log in, again and again.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) users: u32,
    /// Logins under way at the same time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) concurrency: u32,
    /// Measured seconds.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
}

/// Measures connect, HELLO, LOGIN, close.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Report, BenchError> {
    let server = target.start(HashCost::Default)?;
    let accounts = Recruiter::new(server.addr()).accounts(options.users as usize)?;
    let visits = accounts.iter().map(visit).collect();
    let mut visits = Visits::new(server.addr(), visits, options.concurrency as usize, u64::MAX);
    let watch = Stopwatch::start(&server)?;
    let counted = count_visits(&mut visits, Duration::from_secs_f64(options.seconds), || watch.stop())?;
    let mut report = Report::new("login");
    report.set("users", options.users);
    counted.report("login", &mut report);
    server.stop()?;
    Ok(report)
}

/// One login by name and password.
pub(super) fn visit(account: &Account) -> Visit {
    Visit::new(account.id, &login(&account.name, PASSWORD))
}
