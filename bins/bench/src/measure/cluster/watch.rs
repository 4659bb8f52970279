//! Looks at the nodes once a second: their memory, and the gauges of all their queues.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Map, Value, json};

use crate::{error::BenchError, proc_stat::rss_bytes, world::Probe};

const INTERVAL: Duration = Duration::from_secs(1);

/// A thread that looks until it is stopped.
pub(super) struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Seen, BenchError>>,
}

/// What it saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    rss_first: Vec<u64>,
    rss_max: Vec<u64>,
    /// Of the largest node, at each look.
    rss_course: Vec<u64>,
    /// The highest value of each gauge on any node.
    gauges: BTreeMap<String, f64>,
    /// Times that a node did not show its metrics.
    unseen: u64,
}

impl Watch {
    pub(super) fn start(nodes: Vec<Probe>) -> Result<Watch, BenchError> {
        let first = nodes.iter().map(|node| rss_bytes(node.pid())).collect::<Result<Vec<_>, _>>()?;
        let mut seen = Seen { rss_max: first.clone(), rss_first: first, ..Seen::default() };
        let over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&over);
        let thread = thread::spawn(move || {
            while !flag.load(Ordering::Acquire) {
                seen.rss_course.push(0);
                nodes.iter().enumerate().try_for_each(|(number, node)| seen.look(number, node))?;
                thread::park_timeout(INTERVAL);
            }
            Ok(seen)
        });
        Ok(Watch { over, thread })
    }

    pub(super) fn stop(self) -> Result<Seen, BenchError> {
        self.over.store(true, Ordering::Release);
        self.thread.thread().unpark();
        self.thread.join().map_err(|_| BenchError::Panicked("watch"))?
    }
}

impl Seen {
    fn look(&mut self, number: usize, node: &Probe) -> Result<(), BenchError> {
        let rss = rss_bytes(node.pid())?;
        self.rss_max[number] = self.rss_max[number].max(rss);
        if let Some(now) = self.rss_course.last_mut() {
            *now = rss.max(*now);
        }
        let Ok(gauges) = node.gauges() else {
            self.unseen += 1;
            return Ok(());
        };
        for (name, value) in gauges {
            let highest = self.gauges.entry(name).or_insert(value);
            *highest = highest.max(value);
        }
        Ok(())
    }

    /// The node that grew most.
    pub(super) fn rss_growth_mib(&self) -> f64 {
        let growths = self.rss_first.iter().zip(&self.rss_max).map(|(first, max)| mib(max - first));
        growths.fold(0.0, f64::max)
    }

    /// The largest node at first.
    pub(super) fn rss_mib_first(&self) -> f64 {
        mib(self.rss_first.iter().copied().max().unwrap_or(0))
    }

    pub(super) fn rss_mib_max(&self) -> f64 {
        mib(self.rss_max.iter().copied().max().unwrap_or(0))
    }

    /// The largest node's size every five seconds or so: a size that rises to the end is not bounded.
    pub(super) fn rss_mib_course(&self) -> Vec<u64> {
        self.rss_course.iter().step_by(5).map(|bytes| bytes >> 20).collect()
    }

    /// Times that a node did not show its metrics.
    pub(super) fn unseen(&self) -> u64 {
        self.unseen
    }

    /// As one object.
    pub(super) fn gauges(&self) -> Map<String, Value> {
        self.gauges.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
