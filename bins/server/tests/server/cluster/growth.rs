//! Nothing grows without bound while Redis says nothing, and afterwards everything is delivered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::eventually;

use super::hearing::{StopOnDrop, next_in, nothing_more};
use super::metrics::scrape;
use super::nodes::Cluster;
use crate::support::{DEADLINE, chat};

/// How long Redis says nothing.
const SILENCE: Duration = Duration::from_secs(20);
/// What a node's memory may grow by meanwhile: its queues' limits, as far as such a load can fill them.
const GROWTH_MAX: u64 = 64 << 20;
/// Publications that may wait at most.
const PUBLISH_QUEUE_MAX: f64 = 65_536.0;
/// Between two messages of one sender: so slow that a node reads all of a conversation that it missed from the log, and
/// leaves nothing of it to its clients.
const PACE: Duration = Duration::from_millis(25);

#[test]
fn while_redis_says_nothing_for_long_memory_stays_and_nothing_is_lost() {
    const PAIRS: usize = 8;
    let mut cluster = Cluster::of(2);
    let mut pairs: Vec<_> = (0..PAIRS)
        .map(|n| cluster.friends((n % 2, &format!("sender {n}")), ((n + 1) % 2, &format!("reader {n}"))))
        .collect();
    let text = "x".repeat(1_000);
    let stop = AtomicBool::new(false);
    let sent = AtomicU64::new(0);
    let resident: Vec<_> = cluster.nodes.iter_mut().map(|node| node.resident_bytes()).collect();
    thread::scope(|scope| {
        let threads: Vec<_> = pairs
            .iter_mut()
            .map(|(sender, reader, _)| {
                let (stop, sent, text, to) = (&stop, &sent, &text, reader.id);
                scope.spawn(move || {
                    let mut n = 0;
                    while !stop.load(Ordering::SeqCst) {
                        let id = n.to_string();
                        sender.ask(&chat(to, text, &id)).expect("stored, Redis or not");
                        n += 1;
                        sent.fetch_add(1, Ordering::SeqCst);
                        thread::sleep(PACE);
                    }
                    n
                })
            })
            .collect();
        let _stop = StopOnDrop(&stop);
        cluster.redis.pause();
        let begun = Instant::now();
        while begun.elapsed() < SILENCE {
            thread::sleep(Duration::from_millis(200));
            for (node, before) in cluster.nodes.iter_mut().zip(&resident) {
                let grown = node.resident_bytes().saturating_sub(*before);
                assert!(grown < GROWTH_MAX, "grown by {} MiB after {:?}", grown >> 20, begun.elapsed());
            }
        }
        for (node, before) in cluster.nodes.iter_mut().zip(&resident) {
            let grown = node.resident_bytes().saturating_sub(*before);
            let numbers = scrape(node);
            let waiting = numbers.value("bus_publish_queue");
            println!("grown by {} KiB, {waiting} publications wait", grown >> 10);
            assert!(waiting > 0.0 && waiting <= PUBLISH_QUEUE_MAX);
        }
        cluster.redis.resume();
        stop.store(true, Ordering::SeqCst);
        let counts: Vec<u64> = threads.into_iter().map(|thread| thread.join().expect("a sender")).collect();
        println!("{} messages said meanwhile", sent.load(Ordering::SeqCst));
        counts
    })
    .into_iter()
    .zip(&mut pairs)
    .for_each(|(count, (_, reader, conv))| {
        let begun = Instant::now();
        let heard: Vec<u64> = (0..count).map(|_| next_in(reader, *conv).seq).collect();
        let jumps: Vec<_> = heard.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
        assert_eq!((heard[0], jumps), (1, Vec::<&[u64]>::new()), "{count} in order, each once");
        println!("all {count} heard after {:?}", begun.elapsed());
        nothing_more(reader);
    });
    for node in &cluster.nodes {
        eventually(DEADLINE, "nothing waits any more", || {
            let numbers = scrape(node);
            let waiting =
                ["bus_publish_queue", "gateway_bus_inbox", "gateway_held", "gateway_repairs_waiting"];
            waiting.iter().all(|name| numbers.value(name) == 0.0).then_some(())
        });
    }
}
