//! A stretch of time in which everything is counted: messages, latencies, CPU.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{
    error::BenchError,
    floor,
    load::{ChatLoad, Swarm, Verdict, Window},
    proc_stat::{CpuSample, CpuUsed, machine_busy_ns},
    recruit,
    report::{Report, quantile_us},
    server_process::Server,
};

/// How long a load runs before it is measured, as a part of the measured time, and at most.
const WARM_UP_PART: u32 = 4;
const WARM_UP_MAX: Duration = Duration::from_secs(1);

/// The CPU time of the measured process, of this one, and of the machine, from a moment on.
pub(super) struct Stopwatch {
    servers: Vec<(u32, CpuSample)>,
    load: CpuSample,
    machine_ns: u64,
    began: Instant,
}

/// CPU time used in a stretch of time.
pub(super) struct Spent {
    /// By the server, if its process is known.
    pub(super) server: Option<CpuUsed>,
    /// By this process.
    pub(super) load: CpuUsed,
    /// Cores that were busy with neither: a figure taken on a machine with other work is worth less.
    pub(super) others_cores: f64,
}

impl Stopwatch {
    pub(super) fn start(server: &Server) -> Result<Stopwatch, BenchError> {
        Stopwatch::of(server.pid().as_slice())
    }

    /// Watches processes that together are the server.
    pub(super) fn of(pids: &[u32]) -> Result<Stopwatch, BenchError> {
        let sample = |pid: &u32| CpuSample::of(*pid).map(|sample| (*pid, sample));
        Ok(Stopwatch {
            servers: pids.iter().map(sample).collect::<Result<_, _>>()?,
            load: CpuSample::of(std::process::id())?,
            machine_ns: machine_busy_ns()?,
            began: Instant::now(),
        })
    }

    pub(super) fn stop(&self) -> Result<Spent, BenchError> {
        let mut server = None;
        for (pid, before) in &self.servers {
            let used = CpuSample::of(*pid)?.since(before);
            server = Some(used.and(server.unwrap_or_default()));
        }
        let load = CpuSample::of(std::process::id())?.since(&self.load);
        let ours_ns = load.total_ns + server.as_ref().map_or(0, |used| used.total_ns);
        let others_ns = (machine_busy_ns()? - self.machine_ns).saturating_sub(ours_ns);
        let others_cores = others_ns as f64 / self.began.elapsed().as_nanos().max(1) as f64;
        Ok(Spent { server, load, others_cores })
    }
}

/// What a chat load did in the measured time, and the verdict on all of it.
pub(super) struct Timed {
    pub(super) window: Window,
    cpu: Spent,
    pub(super) verdict: Verdict,
}

impl Timed {
    /// Warms up, measures for `time`, and waits for the last messages.
    pub(super) fn run(load: &mut ChatLoad, server: &Server, time: Duration) -> Result<Timed, BenchError> {
        Timed::run_on(load, server.pid().as_slice(), time)
    }

    /// The same, of the processes that together are the server.
    pub(super) fn run_on(load: &mut ChatLoad, pids: &[u32], time: Duration) -> Result<Timed, BenchError> {
        load.run_for((time / WARM_UP_PART).min(WARM_UP_MAX))?;
        let watch = Stopwatch::of(pids)?;
        load.begin_window();
        load.run_for(time)?;
        let window = load.end_window();
        let cpu = watch.stop()?;
        let verdict = load.settle()?;
        Ok(Timed { window, cpu, verdict })
    }

    pub(super) fn delivered_per_s(&self) -> f64 {
        self.window.delivered as f64 / self.window.elapsed.as_secs_f64()
    }

    pub(super) fn server_cpu_us(&self) -> Option<f64> {
        let used = self.cpu.server.as_ref()?;
        Some(used.total_ns as f64 / 1000.0 / self.window.delivered.max(1) as f64)
    }

    /// The keys that all chat measurements have, with the floor's beside them.
    pub(super) fn report(&self, floor: Option<&Timed>, report: &mut Report) {
        report.set("delivered", self.window.delivered);
        report.measure("delivered_per_s", self.delivered_per_s());
        report.latency("", &self.window.latency);
        report.latency("answer_", &self.window.answer_latency);
        if let Some(used) = &self.cpu.server {
            report.cpu("server_cpu_us_per_delivered", used, self.window.delivered);
        }
        let load_us = self.cpu.load.total_ns as f64 / 1000.0 / self.window.delivered.max(1) as f64;
        report.measure("load_cpu_us_per_delivered", load_us);
        report.measure("others_cores", self.cpu.others_cores);
        if let Some(floor) = floor {
            report.measure("floor_delivered_per_s", floor.delivered_per_s());
            report.measure("floor_p99_us", quantile_us(&floor.window.latency, 0.99));
            let floor_us = floor.server_cpu_us().unwrap_or(0.0);
            report.measure("floor_cpu_us_per_delivered", floor_us);
            if let Some(server_us) = self.server_cpu_us()
                && floor_us > 0.0
            {
                report.measure("ratio", server_us / floor_us);
            }
        }
    }
}

/// Connects to the floor as line after line, each in its group; in the order in which accounts connect to a server.
pub(super) fn floor_swarm(floor: &Server, groups: &[u32]) -> Result<Swarm, BenchError> {
    use std::io::{Read, Write};
    let mut streams: Vec<Option<TcpStream>> = groups.iter().map(|_| None).collect();
    for index in recruit::shuffled(groups.len()) {
        let mut stream = TcpStream::connect(floor.addr()).map_err(BenchError::io("connect"))?;
        stream.write_all(&floor::join_frame(groups[index])).map_err(BenchError::io("write"))?;
        let mut joined = [0; protocol::HEADER_LEN];
        stream.read_exact(&mut joined).map_err(BenchError::io("read"))?;
        streams[index] = Some(stream);
    }
    let mut swarm = Swarm::new(None)?;
    for stream in streams.into_iter().flatten() {
        swarm.lines().add(stream)?;
    }
    Ok(swarm)
}
