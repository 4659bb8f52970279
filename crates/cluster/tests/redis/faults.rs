//! What happens to the bus when Redis dies, stalls or is cut off.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cluster::redis::MARGIN;
use domain::{Bus, BusError, Publication, Timestamp, Topic};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::{Proxy, Redis, Way, When, eventually};

use crate::node::{LIMIT, Node, config, now, user};

/// Half a second of play for what is measured by clocks of different threads.
const PLAY_MS: u64 = 500;

/// Whether what was published at this moment, and not heard, was told to be missed afterwards; without the margin, which is
/// for other clocks than this one.
fn was_told(node: &Node, published: Timestamp, published_at: Instant) -> bool {
    let margin = MARGIN.as_millis() as u64;
    node.told
        .missed
        .lock()
        .iter()
        .any(|(told_at, since)| since.0 + margin <= published.0 && *told_at >= published_at)
}

#[test]
fn a_redis_that_dies_and_returns_empty_is_used_again_and_the_gap_is_told() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    b.bus.subscribe(&[user(1)]);
    a.say(user(1), "before");
    b.hears("before");
    let before = now();
    redis.kill();
    a.is_away();
    b.is_away();

    let start = Instant::now();
    let during = now();
    a.say(user(1), "during");
    b.bus.subscribe(&[user(2)]);
    b.bus.unsubscribe(&[user(3)]);
    assert!(
        start.elapsed() < Duration::from_millis(100),
        "nobody waits for what is away: {:?}",
        start.elapsed()
    );

    let told_before = b.told.missed.lock().len();
    redis.restart();
    a.reaches();
    b.reaches();
    eventually(LIMIT, "the gap is told", || (b.told.missed.lock().len() > told_before).then_some(()));
    let (_, since) = b.told.missed.lock()[told_before];
    let margin = MARGIN.as_millis() as u64;
    assert!(since.0 <= before.0 - margin + PLAY_MS, "{since:?} is after the end of hearing, {before:?}");
    // A ping a second says up to when everything was heard.
    assert!(since.0 + margin + 2_000 >= before.0, "{since:?} is far before {before:?}");
    a.say(user(2), "after");
    b.hears("after");
    assert!(b.told.has_heard("during") || was_told(&b, during, start));
    assert!(b.bus.snapshot().subscriber_reconnects > 0);
    eventually(LIMIT, "all is confirmed", || (a.bus.snapshot().publish_queue == 0).then_some(()));
}

#[test]
fn a_node_starts_without_redis_and_finds_it_later() {
    let redis = Redis::start();
    redis.kill();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    b.bus.subscribe(&[user(1)]);
    a.say(user(1), "early");
    redis.restart();
    a.reaches();
    b.reaches();
    a.say(user(1), "late");
    b.hears("late");
    eventually(LIMIT, "the time before is told", || (!b.told.missed.lock().is_empty()).then_some(()));
}

#[test]
fn what_overflows_is_refused_and_told_to_the_others() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.address());
    let mut narrow = config(proxy.address(), "a");
    narrow.limits.publish_queue_max = 100;
    let (a, b) = (Node::with(narrow).unwrap(), Node::join(&redis, "b"));
    b.bus.subscribe(&[user(1)]);
    a.say(user(1), "before");
    b.hears("before");
    eventually(LIMIT, "it is confirmed", || (a.bus.snapshot().publish_queue == 0).then_some(()));
    let told_before = b.told.missed.lock().len();
    proxy.refuse();
    let batch = |from: usize| -> Vec<Publication> {
        (from..from + 60)
            .map(|number| Publication { topic: user(1), payload: Bytes::from(format!("{number}")) })
            .collect()
    };
    let first_refused = now();
    assert_eq!(a.bus.publish(batch(0)), Ok(()));
    assert_eq!(a.bus.publish(batch(60)), Err(BusError::Full { waiting: 100 }));
    assert_eq!(a.bus.publish(batch(120)), Err(BusError::Full { waiting: 100 }));
    let snapshot = a.bus.snapshot();
    assert_eq!((snapshot.publish_refused, snapshot.publish_queue_high_water), (80, 100));
    assert_eq!(b.told.missed.lock().len(), told_before);
    proxy.resume();
    b.hears("99");
    eventually(LIMIT, "the loss is told", || (b.told.missed.lock().len() > told_before).then_some(()));
    let (_, since) = b.told.missed.lock()[told_before];
    let margin = MARGIN.as_millis() as u64;
    assert!(since.0 + margin >= first_refused.0 && since.0 + margin <= first_refused.0 + PLAY_MS);
    assert!(!b.told.has_heard("100"));
    // Beats repeat it; it is acted upon once.
    let beats = b.bus.snapshot().echoes;
    eventually(LIMIT, "two more beats", || (b.bus.snapshot().echoes >= beats + 2).then_some(()));
    assert_eq!(b.told.missed.lock().len(), told_before + 1);
    a.say(user(1), "room again");
    b.hears("room again");
}

#[test]
fn a_connection_that_hangs_is_found_and_its_gap_is_told() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.address());
    let (a, b) = (Node::join(&redis, "a"), Node::at(proxy.address(), "b"));
    b.bus.subscribe(&[user(1)]);
    let told_before = b.told.missed.lock().len();
    let (start, held) = (Instant::now(), now());
    proxy.hold();
    a.say(user(1), "lost on the way");
    eventually(LIMIT, "the silence is noticed", || (b.bus.snapshot().hearing == 0).then_some(()));
    println!("noticed after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    proxy.resume();
    eventually(LIMIT, "the gap is told", || (b.told.missed.lock().len() > told_before).then_some(()));
    let (_, since) = b.told.missed.lock()[told_before];
    assert!(since.0 + MARGIN.as_millis() as u64 <= held.0 + PLAY_MS);
    a.say(user(1), "heard again");
    b.hears("heard again");
}

#[test]
fn publications_wait_for_a_hanging_connection_and_keep_their_order() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.address());
    let (a, b) = (Node::at(proxy.address(), "a"), Node::join(&redis, "b"));
    b.bus.subscribe(&[user(1)]);
    proxy.hold();
    for number in 0..1_000 {
        a.say(user(1), format!("{number}"));
    }
    eventually(LIMIT, "the publishers notice", || (a.bus.snapshot().publishers_connected < 2).then_some(()));
    proxy.resume();
    b.hears("999");
    let mut last = -1;
    for payload in b.told.payloads() {
        let number: i64 = str::from_utf8(&payload).unwrap().parse().unwrap();
        assert!(number <= last + 1, "{number} after {last}: a hole");
        last = last.max(number);
    }
    assert_eq!(last, 999);
}

#[test]
fn what_is_not_confirmed_is_sent_again() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.address());
    let (a, b) = (Node::at(proxy.address(), "a"), Node::join(&redis, "b"));
    b.bus.subscribe(&[user(1)]);
    let count = |payload: &str| b.told.payloads().iter().filter(|heard| *heard == payload).count();

    proxy.cut_at(b"never arrives", When::BeforeRequest);
    a.say(user(1), "never arrives");
    b.hears("never arrives");
    assert_eq!(count("never arrives"), 1);

    a.reaches();
    proxy.cut_at(b"answer is lost", When::BeforeAnswer);
    a.say(user(1), "answer is lost");
    eventually(LIMIT, "it is heard twice", || (count("answer is lost") == 2).then_some(()));
    assert!(a.bus.snapshot().published_again >= 2);
}

#[test]
fn who_did_not_wait_for_a_slow_redis_is_told_what_went_by() {
    let redis = Redis::start();
    let b = Node::join(&redis, "b");
    let told_before = b.told.missed.lock().len();
    redis.pause();
    let (start, since) = (Instant::now(), now());
    b.bus.subscribe(&[user(1)]);
    let waited = start.elapsed();
    redis.resume();
    assert!(waited >= Duration::from_secs(2) && waited < Duration::from_secs(3), "{waited:?}");
    assert_eq!(b.bus.snapshot().subscribe_timeouts, 1);
    eventually(LIMIT, "it is told", || (b.told.missed.lock().len() > told_before).then_some(()));
    assert!(b.told.missed.lock()[told_before].1 <= since);
}

#[test]
fn what_a_dead_node_could_not_publish_is_told_to_be_missed() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.address());
    let (a, b) = (Node::at(proxy.address(), "a"), Node::join(&redis, "b"));
    b.bus.subscribe(&[user(1)]);
    eventually(LIMIT, "it is known to live", || (b.bus.snapshot().nodes_living == 1).then_some(()));
    proxy.hold();
    let (at, wall) = (Instant::now(), now());
    a.say(user(1), "never sent");
    drop(a);
    eventually(LIMIT, "it is told", || was_told(&b, wall, at).then_some(()));
    assert!(!b.told.has_heard("never sent"));
    assert_eq!(b.bus.snapshot().subscriber_reconnects, 0);
}

/// It waits in a queue for long, and goes out in the moment in which nobody listens.
#[test]
fn what_was_long_in_anothers_queue_is_told_too() {
    let redis = Redis::start();
    let proxies = [Proxy::start(redis.address()), Proxy::start(redis.address())];
    let (a, b) = (Node::at(proxies[0].address(), "a"), Node::at(proxies[1].address(), "b"));
    b.bus.subscribe(&[user(1)]);
    eventually(LIMIT, "a beat", || (b.bus.snapshot().nodes_living == 1).then_some(()));
    proxies[0].refuse();
    a.is_away();
    let (at, wall) = (Instant::now(), now());
    a.say(user(1), "long in the queue");
    // b hears, for longer than its own pings and the nodes' clocks explain.
    let echoes = b.bus.snapshot().echoes;
    eventually(LIMIT, "three beats", || (b.bus.snapshot().echoes >= echoes + 3).then_some(()));
    proxies[1].refuse();
    b.is_away();
    proxies[0].resume();
    eventually(LIMIT, "it is published, to nobody", || (a.bus.snapshot().publish_queue == 0).then_some(()));
    proxies[1].resume();
    b.reaches();
    eventually(LIMIT, "it is told", || was_told(&b, wall, at).then_some(()));
    assert!(!b.told.has_heard("long in the queue"));
}

/// A beat says that something waits, is long on its way, and what waits goes out when nobody listens.
#[test]
fn a_beat_that_comes_late_hides_nothing_that_waited_when_it_was_said() {
    const LATE_MS: u64 = 100;
    let redis = Redis::start();
    let proxies = [Proxy::start(redis.address()), Proxy::start(redis.address())];
    let (a, b) = (Node::at(proxies[0].address(), "a"), Node::at(proxies[1].address(), "b"));
    b.bus.subscribe(&[user(1)]);
    eventually(LIMIT, "a beat", || (b.bus.snapshot().nodes_living == 1).then_some(()));
    let beats = |count: u64| {
        let before = b.bus.snapshot().echoes;
        eventually(LIMIT, "beats", || (b.bus.snapshot().echoes >= before + count).then_some(()));
    };
    proxies[0].refuse();
    a.is_away();
    let at = Instant::now();
    a.say(user(1), "waits");
    let wall = now();
    // Meanwhile b hears, and knows by its own pings that it does.
    beats(2);
    proxies[1].silence(Way::ToClient);
    // The beat goes out before what waits, which does not arrive.
    proxies[0].cut_at(b"waits", When::BeforeRequest);
    proxies[0].resume();
    eventually(LIMIT, "it is cut", || (!proxies[0].trap_waits()).then_some(()));
    let said = now();
    proxies[0].refuse();
    eventually(LIMIT, "the beat is late", || (now().0 >= said.0 + LATE_MS).then_some(()));
    proxies[1].resume();
    beats(3);
    proxies[1].refuse();
    b.is_away();
    proxies[0].resume();
    eventually(LIMIT, "it is published", || (a.bus.snapshot().publish_queue == 0).then_some(()));
    proxies[1].resume();
    b.reaches();
    eventually(LIMIT, "it is told", || (was_told(&b, wall, at) || b.told.has_heard("waits")).then_some(()));
}

/// A message of another's that is longer than the limit.
#[test]
fn a_monstrous_message_ends_the_connection_and_not_the_node() {
    let redis = Redis::start();
    let mut narrow = config(redis.address(), "b");
    narrow.limits.message_bytes_max = 100_000;
    let (a, b) = (Node::join(&redis, "a"), Node::with(narrow).unwrap());
    b.bus.subscribe(&[user(1)]);
    let told_before = b.told.missed.lock().len();
    a.say(user(1), vec![b'x'; 500_000]);
    eventually(LIMIT, "the log is to be read", || (b.told.missed.lock().len() > told_before).then_some(()));
    a.say(user(1), "small");
    b.hears("small");
    assert_eq!(b.told.payloads(), ["small"]);
}

/// The promise of the bus in one test: whatever was published was heard, or told to be missed.
#[test]
fn through_cuts_everything_is_heard_or_told_to_be_missed() {
    let redis = Redis::start();
    let proxies = [Proxy::start(redis.address()), Proxy::start(redis.address())];
    let (a, b) = (Node::at(proxies[0].address(), "a"), Node::at(proxies[1].address(), "b"));
    let topics: Vec<Topic> = (0..20).map(user).collect();
    b.bus.subscribe(&topics);
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut published = Vec::new();
    let end = Instant::now() + Duration::from_secs(6);
    let mut next_cut = Instant::now();
    while Instant::now() < end {
        if Instant::now() >= next_cut {
            proxies[rng.random_range(0..2)].cut();
            next_cut = Instant::now() + Duration::from_millis(rng.random_range(1..500));
        }
        let number = published.len();
        let payload = Bytes::from(format!("{number}"));
        let begun = Instant::now();
        // Refused or not: what is refused must be told too.
        let _: Result<(), BusError> =
            a.bus.publish(vec![Publication { topic: topics[number % topics.len()], payload }]);
        // It was published at a moment of this call, and no earlier than what b had all of before: this thread may have been
        // held up before the call as well as in it.
        published.push((now(), begun));
        std::thread::yield_now();
    }
    a.reaches();
    b.reaches();
    eventually(LIMIT, "all is published", || (a.bus.snapshot().publish_queue == 0).then_some(()));
    // Again and again: the first may go by unheard, when b has not noticed the last cut yet.
    eventually(LIMIT, "the last of each topic", || {
        for topic in &topics {
            a.say(*topic, "last");
        }
        let heard = b.told.heard.lock();
        let lasts = heard.iter().filter(|publication| publication.payload == "last");
        (lasts.map(|publication| publication.topic).collect::<HashSet<_>>().len() == topics.len())
            .then_some(())
    });
    let mut heard = vec![false; published.len()];
    for payload in b.told.payloads() {
        if let Ok(number) = str::from_utf8(&payload).unwrap().parse::<usize>() {
            heard[number] = true;
        }
    }
    let unheard: Vec<usize> = (0..heard.len()).filter(|number| !heard[*number]).collect();
    println!(
        "{} published, {} not heard, {} gaps told",
        published.len(),
        unheard.len(),
        b.told.missed.lock().len()
    );
    // What a refused it tells with its next beat, which may come after the last publication.
    for number in unheard {
        let (wall, instant) = published[number];
        let what = format!("{number} is told, which was not heard");
        eventually(LIMIT, &what, || was_told(&b, wall, instant).then_some(()));
    }
}
