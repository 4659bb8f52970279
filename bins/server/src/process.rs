//! What the kernel says of this process, under the names that Prometheus' own clients use.

use std::fs;

use crate::exposition::{Kind, Page};

/// The unit of times in `/proc/PID/stat`: USER_HZ, which Linux has kept at 100 for programs whatever the kernel's own
/// (man 5 proc, man 7 time).
const TICKS_PER_SECOND: f64 = 100.0;

/// Adds the process's numbers. One that the kernel does not tell is left out.
pub(crate) fn add_to(page: &mut Page) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut gauge = |name: &str, help: &str, value: Option<u64>| {
        if let Some(value) = value {
            page.number(name, help, Kind::Gauge, value);
        }
    };
    let resident = field(&status, "VmRSS:").map(|kib| kib * 1024);
    gauge("process_resident_memory_bytes", "Resident memory in bytes.", resident);
    gauge("process_threads", "Threads.", field(&status, "Threads:"));
    let open = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64);
    gauge("process_open_fds", "Open descriptors.", open);
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    gauge("process_max_fds", "Descriptors that may be open.", field(&limits, "Max open files"));
    if let Some(seconds) = cpu_seconds() {
        let help = "User and system CPU time in seconds.";
        page.number("process_cpu_seconds_total", help, Kind::Counter, seconds);
    }
}

/// The first number behind a line's key.
fn field(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name in parentheses may hold anything; after it utime and stime are fields 12 and 13.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_everything() {
        let mut page = Page::default();
        add_to(&mut page);
        let text = page.into_text();
        for name in ["resident_memory_bytes", "threads", "open_fds", "max_fds", "cpu_seconds_total"] {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("process_{name} ")));
            let value: f64 = line.unwrap_or_else(|| panic!("{name} is missing: {text}")).parse().unwrap();
            assert!(value > 0.0 || name == "cpu_seconds_total", "{name} is {value}");
        }
    }
}
