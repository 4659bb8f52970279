//! What a publication costs: two nodes in this process, a private Redis, the CPU time of each kind of thread per message.
//!
//! `cargo run --release -p cluster --example bus_cost`

#![allow(clippy::disallowed_methods, reason = "it measures")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use cluster::redis::{Config, Membership, connect};
use domain::{Bus, BusReceiver, Clock, Publication, SharedReceiver, Timestamp, Topic, UserId};
use testkit::{Redis, eventually};

/// As large as an encoded push of a short text.
const PAYLOAD_BYTES: usize = 200;
/// Topics that are published to in turn.
const TOPICS: u64 = 1_000;

/// Publications that are not heard yet, at most.
const IN_FLIGHT_MAX: u64 = 20_000;

struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        Timestamp(since.as_millis() as u64)
    }
}

#[derive(Default)]
struct Counter(AtomicU64);

impl BusReceiver for Counter {
    fn receive(&self, _: Publication) {
        self.0.fetch_add(1, SeqCst);
    }
    fn lot_ended(&self) {}
    fn missed(&self, _: Timestamp) {}
}

fn main() {
    let redis = Redis::start();
    let join = |node: &str| -> Membership {
        let config = Config { url: redis.url(), node: node.to_owned(), ..Config::default() };
        connect(&config, Arc::new(WallClock)).unwrap()
    };
    let (a, b) = (join("a"), join("b"));
    let counter = Arc::new(Counter::default());
    let receiver: SharedReceiver = counter.clone();
    b.bus().receive_with(&receiver);
    let topics: Vec<Topic> = (0..TOPICS).map(|id| Topic::User(UserId(id))).collect();
    b.bus().subscribe(&topics);

    println!("{:>10} {:>8} {:>10}  CPU per message", "messages", "batch", "per second");
    for (count, batch, per_second) in
        [(5_000, 1, 1_000), (25_000, 1, 5_000), (50_000, 10, 10_000), (500_000, 100, u64::MAX)]
    {
        measure(&a, &counter, &topics, count, batch, per_second);
    }

    let many: Vec<Topic> = (TOPICS..TOPICS + 20_000).map(|id| Topic::User(UserId(id))).collect();
    let start = Instant::now();
    b.bus().subscribe(&many);
    println!("20,000 more topics subscribed in {:?}", start.elapsed());
    let start = Instant::now();
    for id in 0..1_000 {
        b.bus().subscribe(&[Topic::User(UserId(1_000_000 + id))]);
    }
    println!("1,000 topics one by one: {:?} each", start.elapsed() / 1_000);
    println!("{:#?}\n{:#?}", a.bus().snapshot(), b.bus().snapshot());
    a.stop();
    b.stop();
}

fn measure(a: &Membership, counter: &Counter, topics: &[Topic], count: u64, batch: u64, per_second: u64) {
    let bus = a.bus();
    let payload = Bytes::from(vec![b'x'; PAYLOAD_BYTES]);
    let before = counter.0.load(SeqCst);
    let cpu_before = cpu();
    let start = Instant::now();
    let mut sent = 0;
    let mut publishing = Duration::ZERO;
    while sent < count {
        let due = (start.elapsed().as_secs_f64() * per_second as f64) as u64;
        if sent >= due {
            std::thread::sleep(Duration::from_micros(100));
            continue;
        }
        let publications = (sent..sent + batch)
            .map(|n| Publication { topic: topics[n as usize % topics.len()], payload: payload.clone() })
            .collect();
        // A flood that nobody takes in fast enough would fill the queue, or Redis would cut the listener off.
        while sent - (counter.0.load(SeqCst) - before) > IN_FLIGHT_MAX {
            std::thread::sleep(Duration::from_micros(100));
        }
        let before = thread_cpu();
        bus.publish(publications).unwrap();
        publishing += thread_cpu() - before;
        sent += batch;
    }
    eventually(Duration::from_secs(60), "all arrive", || {
        (counter.0.load(SeqCst) - before >= count).then_some(())
    });
    let rate = count as f64 / start.elapsed().as_secs_f64();
    let mut total = publishing.as_nanos() as u64;
    let mut line = format!("  publish() {:.1} µs", total as f64 / count as f64 / 1_000.0);
    for (thread, after) in cpu() {
        let spent = after - cpu_before.get(&thread).copied().unwrap_or(0);
        if thread.starts_with("bus-") {
            total += spent;
            line.push_str(&format!("  {thread} {:.1} µs", spent as f64 / count as f64 / 1_000.0));
        }
    }
    println!("{count:>10} {batch:>8} {rate:>10.0}  {:.1} µs:{line}", total as f64 / count as f64 / 1_000.0);
}

/// CPU time of this thread.
fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// CPU time in nanoseconds by the names of this process' threads.
fn cpu() -> BTreeMap<String, u64> {
    let mut times = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        let (Ok(name), Ok(stat)) =
            (fs::read_to_string(path.join("comm")), fs::read_to_string(path.join("schedstat")))
        else {
            continue;
        };
        let spent: u64 = stat.split_whitespace().next().unwrap().parse().unwrap();
        *times.entry(name.trim().trim_end_matches(char::is_numeric).to_owned()).or_default() += spent;
    }
    times
}
