//! Sessions resumed by token: what every client does after a lost connection.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use hdrhistogram::Histogram;
use protocol::{Code, Flags, Header, MsgId};

use super::timed::{Spent, Stopwatch};
use crate::{
    error::BenchError,
    load::{Swarm, Verdict, Visit, Visits, resume},
    recruit::Recruiter,
    report::Report,
    server_process::{HashCost, Server, Target},
};

/// How long the last visits may take.
const END_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of the request that the floor answers: about those of HELLO and RESUME.
const FLOOR_ASK: [u8; 150] = [b' '; 150];

/// How to resume.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Users whose sessions are resumed, again and again.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) users: u32,
    /// Resumes under way at the same time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) concurrency: u32,
    /// Measured seconds.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Do not run the floor beside it.
    #[arg(long)]
    pub(crate) no_floor: bool,
}

/// Measures connect, HELLO, RESUME, close.
pub(crate) fn run(options: &Options, target: &Target) -> Result<Report, BenchError> {
    let time = Duration::from_secs_f64(options.seconds);
    let mut report = Report::new("resume");
    report.set("users", options.users);
    let floor = if options.no_floor { None } else { Some(resume_at_floor(options, time)?) };

    let server = target.start(HashCost::Cheap)?;
    let accounts = Recruiter::new(server.addr()).accounts(options.users as usize)?;
    let visits = accounts.iter().map(|account| Visit::new(account.id, &resume(&account.token))).collect();
    let mut visits = Visits::new(server.addr(), visits, options.concurrency as usize, u64::MAX);
    let watch = Stopwatch::start(&server)?;
    let counted = count_visits(&mut visits, time, || watch.stop())?;
    server.stop()?;

    let server_us = counted.report("resume", &mut report);
    if let Some(floor) = floor {
        report.measure("floor_resumes_per_s", floor.per_s());
        let floor_us = floor.server_cpu_us().unwrap_or(0.0);
        report.measure("floor_cpu_us_per_resume", floor_us);
        if let Some(server_us) = server_us
            && floor_us > 0.0
        {
            report.measure("ratio", server_us / floor_us);
        }
    }
    Ok(report)
}

fn resume_at_floor(options: &Options, time: Duration) -> Result<Counted, BenchError> {
    let floor = Server::floor(&[])?;
    let mut ask = BytesMut::new();
    let header = Header {
        flags: Flags::REQUEST,
        msgid: MsgId::Resume.into(),
        code: Code::DONE,
        rid: 2,
        len: FLOOR_ASK.len() as u32,
    };
    header.encode(&mut ask);
    ask.put_slice(&FLOOR_ASK);
    let visits = (0..options.users).map(|_| Visit::to_floor(ask.clone())).collect();
    let mut visits = Visits::new(floor.addr(), visits, options.concurrency as usize, u64::MAX);
    let watch = Stopwatch::start(&floor)?;
    let counted = count_visits(&mut visits, time, || watch.stop())?;
    floor.stop()?;
    Ok(counted)
}

/// What visits did in the measured time.
pub(super) struct Counted {
    elapsed: Duration,
    done: u64,
    busy: u64,
    failed: u64,
    latency: Histogram<u64>,
    cpu: Spent,
}

/// Makes visits for `time`, then waits for the last ones.
pub(super) fn count_visits(
    visits: &mut Visits,
    time: Duration,
    cpu: impl FnOnce() -> Result<Spent, BenchError>,
) -> Result<Counted, BenchError> {
    let mut swarm = Swarm::new(None)?;
    for _ in 0..visits.concurrency() {
        swarm.lines().add_empty();
    }
    let began_ns = swarm.now_ns();
    swarm.run_until(visits, time, |visits| visits.is_over())?;
    let elapsed = Duration::from_nanos(swarm.now_ns() - began_ns);
    let cpu = cpu()?;
    let counted = Counted {
        elapsed,
        done: visits.done,
        busy: visits.busy,
        failed: 0,
        latency: visits.latency.clone(),
        cpu,
    };
    visits.stop();
    if !swarm.run_until(visits, END_TIMEOUT, |visits| visits.is_over())? {
        return Err(BenchError::Stalled { what: "the last answer", seconds: END_TIMEOUT.as_secs() });
    }
    Ok(Counted { failed: visits.failed, ..counted })
}

impl Counted {
    pub(super) fn per_s(&self) -> f64 {
        self.done as f64 / self.elapsed.as_secs_f64()
    }

    fn server_cpu_us(&self) -> Option<f64> {
        Some(self.cpu.server.as_ref()?.total_ns as f64 / 1000.0 / self.done.max(1) as f64)
    }

    /// Adds what both kinds of visits have in common; returns the server's CPU per visit.
    pub(super) fn report(&self, what: &str, report: &mut Report) -> Option<f64> {
        report.set(&format!("{what}s"), self.done);
        report.measure(&format!("{what}s_per_s"), self.per_s());
        report.latency("", &self.latency);
        report.set("busy", self.busy);
        let key = format!("server_cpu_us_per_{what}");
        let server_us = self.cpu.server.as_ref().map(|used| report.cpu(&key, used, self.done));
        let load_us = self.cpu.load.total_ns as f64 / 1000.0 / self.done.max(1) as f64;
        report.measure(&format!("load_cpu_us_per_{what}"), load_us);
        report.measure("others_cores", self.cpu.others_cores);
        report.verdict(Verdict { refused: self.failed, ..Verdict::default() });
        server_us
    }
}
