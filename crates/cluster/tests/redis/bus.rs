//! Nodes that hear each other.

use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use domain::{Bus, GroupId, Publication, Reach, Topic};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use testkit::{Redis, eventually};

use crate::node::{LIMIT, Node, now, raw, user};

#[test]
fn others_that_listen_hear_it_in_order_and_the_publisher_does_not() {
    let redis = Redis::start();
    let (a, b, c) = (Node::join(&redis, "a"), Node::join(&redis, "b"), Node::join(&redis, "c"));
    assert_eq!(a.bus.reach(), Reach::Cluster);
    for node in [&a, &b] {
        node.bus.subscribe(&[user(1), Topic::Group(GroupId(1))]);
    }
    let count = 5_000;
    let mut batch = Vec::new();
    for number in 0..count {
        let topic = if number % 2 == 0 { user(1) } else { Topic::Group(GroupId(1)) };
        batch.push(Publication { topic, payload: Bytes::from(format!("{number}")) });
        if number % 100 == 99 {
            a.bus.publish(std::mem::take(&mut batch)).unwrap();
        }
    }
    a.say(user(2), "for nobody");
    a.say(Topic::Nodes, "for all");
    for node in [&b, &c] {
        node.hears("for all");
    }
    eventually(LIMIT, "all arrive", || (b.told.heard.lock().len() == count + 1).then_some(()));
    let heard = b.told.heard.lock().clone();
    for topic in [user(1), Topic::Group(GroupId(1))] {
        let numbers: Vec<usize> = heard
            .iter()
            .filter(|publication| publication.topic == topic)
            .map(|publication| str::from_utf8(&publication.payload).unwrap().parse().unwrap())
            .collect();
        assert_eq!(numbers.len(), count / 2);
        assert!(numbers.is_sorted(), "{topic:?}");
    }
    assert_eq!(c.told.payloads(), ["for all"]);
    assert!(a.told.heard.lock().is_empty());
    assert!(a.bus.snapshot().echoes > 0, "its own messages came back and were dropped");
    eventually(LIMIT, "a beat comes back", || (a.bus.snapshot().lag_us > 0).then_some(()));
}

#[test]
fn the_receiver_is_told_when_a_lot_has_ended() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    b.bus.subscribe(&[user(1)]);
    for (size, all) in [(1, 1), (1, 2), (10_000, 10_002), (1, 10_003)] {
        let publication = || Publication { topic: user(1), payload: Bytes::from_static(b"one") };
        a.bus.publish((0..size).map(|_| publication()).collect()).unwrap();
        // Nothing follows: whoever waits for the end of the lot would wait for ever.
        eventually(LIMIT, "the lot's end", || (b.told.lots.lock().last() == Some(&all)).then_some(()));
    }
    let lots = b.told.lots.lock().clone();
    assert!(lots.is_sorted_by(|one, next| one < next), "a lot without anything in it: {lots:?}");
    assert!(lots.len() < 5_000, "{} lots of 10,003 publications", lots.len());
    assert!(a.told.lots.lock().is_empty(), "its own do not count");
}

#[test]
fn what_is_published_after_subscribe_returned_is_heard() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    for id in 0..1_000 {
        b.bus.subscribe(&[user(id)]);
        a.say(user(id), format!("to {id}"));
        if id % 3 == 0 {
            b.hears(&format!("to {id}"));
            b.bus.unsubscribe(&[user(id)]);
        }
    }
    eventually(LIMIT, "all arrive", || (b.told.heard.lock().len() == 1_000).then_some(()));
}

#[test]
fn topics_that_flap_in_many_threads_end_as_they_were_last_wanted() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let flappers: Vec<_> = (0..4)
        .map(|thread| {
            let bus = Arc::clone(&b.bus);
            thread::spawn(move || {
                let mut rng = StdRng::seed_from_u64(seed + thread);
                let mut listens = [false; 5];
                for _ in 0..500 {
                    let at = rng.random_range(0..listens.len());
                    listens[at] = !listens[at];
                    let topic = user(thread * 100 + at as u64);
                    match listens[at] {
                        true => bus.subscribe(&[topic]),
                        false => bus.unsubscribe(&[topic]),
                    }
                }
                let topics: Vec<u64> = (0..5).filter(|at| listens[*at as usize]).collect();
                topics.into_iter().map(|at| thread * 100 + at).collect::<Vec<u64>>()
            })
        })
        .collect();
    let mut wanted: Vec<u64> = flappers.into_iter().flat_map(|flapper| flapper.join().unwrap()).collect();
    // Leaving is not waited for, but what is confirmed after it has it confirmed too.
    b.bus.subscribe(&[user(999)]);
    for thread in 0..4 {
        for at in 0..5 {
            let id = thread * 100 + at;
            a.say(user(id), format!("{id}"));
        }
    }
    // One more on each lane shows that all before has arrived.
    for id in 1_000..1_016 {
        b.bus.subscribe(&[user(id)]);
        a.say(user(id), "last");
    }
    eventually(LIMIT, "the last", || {
        (b.told.payloads().iter().filter(|payload| *payload == "last").count() == 16).then_some(())
    });
    let mut heard: Vec<u64> = b
        .told
        .payloads()
        .iter()
        .filter_map(|payload| str::from_utf8(payload).unwrap().parse().ok())
        .collect();
    heard.sort();
    wanted.sort();
    assert_eq!(heard, wanted);
}

#[test]
fn many_topics_are_listened_to_quickly_and_again_after_a_cut() {
    let redis = Redis::start();
    let proxy = testkit::Proxy::start(redis.address());
    let (a, b) = (Node::join(&redis, "a"), Node::at(proxy.address(), "b"));
    let topics: Vec<Topic> = (0..20_000).map(user).collect();
    let start = std::time::Instant::now();
    b.bus.subscribe(&topics);
    println!("20,000 topics subscribed in {:?}", start.elapsed());
    assert_eq!(b.bus.snapshot().subscriptions, 20_001);
    let told_before = b.bus.snapshot().missed;
    let start = std::time::Instant::now();
    proxy.cut();
    eventually(LIMIT, "all is subscribed again", || (b.bus.snapshot().missed > told_before).then_some(()));
    println!("20,000 topics subscribed again in {:?}", start.elapsed());
    a.say(user(19_999), "still there");
    b.hears("still there");
}

#[test]
fn what_is_no_envelope_is_counted_and_dropped() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    b.bus.subscribe(&[user(1)]);
    let mut raw = raw(&redis);
    let mut publish = |channel: &str, bytes: &[u8]| -> i64 {
        redis::cmd("PUBLISH").arg(channel).arg(bytes).query(&mut raw).unwrap()
    };
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut unknown = 0;
    for _ in 0..2_000 {
        let mut bytes = vec![0; rng.random_range(0..80)];
        rng.fill_bytes(&mut bytes);
        // Neither a known kind nor a whole envelope.
        if let Some(kind) = bytes.get_mut(1) {
            *kind |= 0x80;
        }
        unknown += u64::from(bytes.first().is_some_and(|format| *format != 1));
        publish(if rng.random() { "t:u:1" } else { "t:nodes" }, &bytes);
    }
    a.say(user(1), "sound");
    b.hears("sound");
    let snapshot = b.bus.snapshot();
    assert_eq!(snapshot.dropped_unknown_format, unknown);
    assert_eq!(snapshot.dropped_malformed, 2_000 - unknown);
    assert_eq!(b.told.payloads(), ["sound"]);
    assert_eq!(snapshot.subscriber_reconnects, 0);
}

#[test]
fn an_older_process_of_a_name_is_not_believed() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    b.bus.subscribe(&[user(1)]);
    a.say(user(1), "new");
    b.hears("new");
    let mut raw = raw(&redis);
    let mut envelope = vec![1, 0];
    envelope.extend_from_slice(&(a.presence.snapshot().epoch - 1).to_le_bytes());
    envelope.extend_from_slice(b"\x01aold");
    let _: i64 = redis::cmd("PUBLISH").arg("t:u:1").arg(envelope).query(&mut raw).unwrap();
    eventually(LIMIT, "it is dropped", || (b.bus.snapshot().dropped_outdated == 1).then_some(()));
    a.say(user(1), "newer");
    b.hears("newer");
    assert_eq!(b.told.payloads(), ["new", "newer"]);
}

#[test]
fn who_only_says_that_it_is_newer_silences_nobody_for_long() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    b.bus.subscribe(&[user(1)]);
    a.say(user(1), "heard");
    b.hears("heard");
    let mut raw = raw(&redis);
    let mut envelope = vec![1, 0];
    envelope.extend_from_slice(&u64::MAX.to_le_bytes());
    envelope.extend_from_slice(b"\x01aforged");
    let _: i64 = redis::cmd("PUBLISH").arg("t:u:1").arg(envelope).query(&mut raw).unwrap();
    b.hears("forged");
    let (unheard, told_before) = (now(), b.told.missed.lock().len());
    a.say(user(1), "unheard");
    let told =
        || b.told.missed.lock()[told_before..].iter().any(|(_, since)| *since <= unheard).then_some(());
    eventually(LIMIT, "what was dropped is told to be missed", told);
    a.say(user(1), "heard again");
    b.hears("heard again");
    assert_eq!(b.bus.snapshot().impostures, 1);
}

#[test]
fn two_clusters_share_a_redis() {
    let redis = Redis::start();
    let other = |name| {
        let mut config = crate::node::config(redis.address(), name);
        config.prefix = "other:".to_owned();
        Node::with(config).unwrap()
    };
    let (a, b, c) = (Node::join(&redis, "a"), Node::join(&redis, "b"), other("a"));
    for node in [&b, &c] {
        node.bus.subscribe(&[user(1)]);
    }
    a.say(user(1), "here");
    b.hears("here");
    c.say(user(1), "there");
    assert!(c.told.heard.lock().is_empty());
    assert_eq!(b.told.payloads(), ["here"]);
}
