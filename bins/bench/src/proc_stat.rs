//! What the kernel says of a process: CPU time by thread, and resident memory.

use std::{collections::BTreeMap, fs, io};

use crate::error::BenchError;

/// CPU time of each thread of a process at one moment.
///
/// From `/proc/PID/task/TID/schedstat`, which counts nanoseconds; `/proc/PID/stat` counts ticks of 10 ms. Threads that
/// have ended are not in it: a server's threads live as long as it does.
pub(crate) struct CpuSample {
    threads: BTreeMap<u32, (String, u64)>,
}

/// CPU time used between two samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct CpuUsed {
    /// All threads together, in nanoseconds.
    pub(crate) total_ns: u64,
    /// By name of thread, the busiest first.
    pub(crate) by_name: Vec<(String, u64)>,
}

impl CpuSample {
    /// The CPU times of process `pid` now.
    pub(crate) fn of(pid: u32) -> Result<CpuSample, BenchError> {
        let mut threads = BTreeMap::new();
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).map_err(BenchError::io("/proc/PID/task"))?;
        for task in tasks {
            let path = task.map_err(BenchError::io("/proc/PID/task"))?.path();
            let Some(tid) =
                path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok())
            else {
                continue;
            };
            // A thread may end between being listed and being read.
            let (Ok(name), Ok(stat)) =
                (fs::read_to_string(path.join("comm")), fs::read_to_string(path.join("schedstat")))
            else {
                continue;
            };
            let run_ns = stat.split_whitespace().next().and_then(|field| field.parse().ok()).unwrap_or(0);
            threads.insert(tid, (name.trim().to_owned(), run_ns));
        }
        Ok(CpuSample { threads })
    }

    /// What was used between `earlier` and this sample.
    pub(crate) fn since(&self, earlier: &CpuSample) -> CpuUsed {
        let mut by_name = BTreeMap::new();
        for (tid, (name, run_ns)) in &self.threads {
            let before = earlier.threads.get(tid).map_or(0, |(_, before)| *before);
            *by_name.entry(name.clone()).or_insert(0) += run_ns.saturating_sub(before);
        }
        let mut by_name: Vec<(String, u64)> = by_name.into_iter().filter(|(_, used)| *used > 0).collect();
        by_name.sort_by_key(|(_, used)| std::cmp::Reverse(*used));
        CpuUsed { total_ns: by_name.iter().map(|(_, used)| used).sum(), by_name }
    }
}

impl CpuUsed {
    /// This and another process's together.
    pub(crate) fn and(self, other: CpuUsed) -> CpuUsed {
        let mut by_name = BTreeMap::new();
        for (name, used) in self.by_name.into_iter().chain(other.by_name) {
            *by_name.entry(name).or_insert(0) += used;
        }
        let mut by_name: Vec<(String, u64)> = by_name.into_iter().collect();
        by_name.sort_by_key(|(_, used)| std::cmp::Reverse(*used));
        CpuUsed { total_ns: self.total_ns + other.total_ns, by_name }
    }
}

/// CPU time that the whole machine has spent working since its start, in nanoseconds; to a tick of 10 ms.
pub(crate) fn machine_busy_ns() -> Result<u64, BenchError> {
    const NS_PER_TICK: u64 = 10_000_000;
    let text = fs::read_to_string("/proc/stat").map_err(BenchError::io("/proc/stat"))?;
    // user, nice, system, idle, iowait, irq, softirq, steal (what a hypervisor gave to other machines).
    let first = text.lines().next().unwrap_or_default();
    let fields = first.split_whitespace().skip(1).take(8).map(|field| field.parse::<u64>().unwrap_or(0));
    let is_idle = |index| index == 3 || index == 4;
    Ok(fields.enumerate().filter(|(index, _)| !is_idle(*index)).map(|(_, ticks)| ticks * NS_PER_TICK).sum())
}

/// Resident bytes of a process.
pub(crate) fn rss_bytes(pid: u32) -> Result<u64, BenchError> {
    // `status` is off by what each thread has not yet added up; `smaps_rollup` walks the pages.
    let exact = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
    let text = exact.or_else(|_| fs::read_to_string(format!("/proc/{pid}/status")));
    let text = text.map_err(BenchError::io("/proc/PID/status"))?;
    let field = text.lines().find_map(|line| line.strip_prefix("Rss:").or(line.strip_prefix("VmRSS:")));
    let kib = field.and_then(|field| field.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| BenchError::io("/proc/PID/status")(io::Error::other("no resident size in it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_the_sample() {
        let pid = std::process::id();
        let before = CpuSample::of(pid).unwrap();
        let mut sum = 0u64;
        // The kernel brings the count up to date at ticks: work for many of them.
        let began = std::time::Instant::now();
        while began.elapsed().as_millis() < 100 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        let used = CpuSample::of(pid).unwrap().since(&before);
        assert!(used.total_ns > 5_000_000, "{used:?}");
        assert_eq!(used.total_ns, used.by_name.iter().map(|(_, used)| used).sum::<u64>());
    }

    #[test]
    fn memory_shows_in_the_resident_size() {
        let pid = std::process::id();
        let before = rss_bytes(pid).unwrap();
        let block = vec![1u8; 32 << 20];
        let after = rss_bytes(pid).unwrap();
        assert!(after >= before + (30 << 20), "{before} → {after}");
        drop(block);
    }
}
