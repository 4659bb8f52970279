//! C2, C5: whatever the bus loses is read from the log, and no message waits for the next one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use protocol::State;
use testkit::{Way, eventually};

use super::hearing::{StopOnDrop, nothing_more, run};
use super::metrics::scrape;
use super::nodes::{Cluster, Plan, SLACK, TTL, reads};
use super::redis_client::RedisClient;
use crate::support::DEADLINE;

#[test]
fn what_a_node_cannot_publish_reaches_the_others_without_a_further_message() {
    let cluster = Plan::of(2).redis_detours().start();
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut alice_near = cluster.log_in(0, "alice", "second");
    let mut alice_far = cluster.log_in(1, "alice", "third");
    let group = alice.create_group("all", "").expect("made").group.id;
    bob.join_group(group).expect("joined");
    alice.say_in(group, "before");
    for device in [&mut bob, &mut alice_near, &mut alice_far] {
        run(device, group, 2..=2);
    }
    cluster.redis_ways[0].hold();
    let begun = Instant::now();
    for n in 0..5 {
        alice.say(bob.id, &n.to_string());
        alice.say_in(group, &n.to_string());
    }
    run(&mut alice_near, conv, 1..=5);
    println!("here after {:?}", begun.elapsed());
    assert!(begun.elapsed() < SLACK, "at once");
    // The lease of the silent node ends; the other reads the log.
    for device in [&mut bob, &mut alice_far] {
        run(device, conv, 1..=5);
        run(device, group, 3..=7);
    }
    println!("there after {:?}; the TTL is {TTL:?}", begun.elapsed());
    assert!(begun.elapsed() < TTL + SLACK * 2);
    cluster.redis_ways[0].resume();
    // What was held comes late, and is known already.
    bob.say(alice.id, "heard you");
    for device in [&mut alice, &mut alice_near, &mut alice_far] {
        run(device, conv, 6..=6);
    }
    alice.say(bob.id, "good");
    run(&mut bob, conv, 7..=7);
    nothing_more(&mut bob);
}

#[test]
fn what_a_node_stored_and_died_before_publishing_reaches_the_others() {
    let mut cluster = Plan::of(3).redis_detours().start();
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let group = alice.create_group("all", "").expect("made").group.id;
    let mut carol = cluster.user(2, "carol");
    bob.join_group(group).expect("joined");
    carol.join_group(group).expect("joined");
    // From here on nothing that it says reaches Redis, and the rest is lost with it.
    cluster.redis_ways[0].silence(Way::ToServer);
    alice.say(bob.id, "last words");
    alice.say_in(group, "last words to all");
    cluster.nodes[0].kill9();
    let begun = Instant::now();
    run(&mut bob, conv, 1..=1);
    run(&mut bob, group, 3..=3);
    run(&mut carol, group, 3..=3);
    println!("heard {:?} after the death", begun.elapsed());
    assert!(begun.elapsed() < TTL + SLACK * 2);
    cluster.redis_ways[0].cut();
    bob.say_in(group, "who was that?");
    run(&mut carol, group, 4..=4);
    nothing_more(&mut bob);
    nothing_more(&mut carol);
}

#[test]
fn without_redis_messages_are_stored_and_heard_here_and_elsewhere_once_it_is_back() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut bob_near = cluster.log_in(0, "bob", "second");
    let group = alice.create_group("all", "").expect("made").group.id;
    bob.join_group(group).expect("joined");
    // As many messages in the one as in the other.
    let mut seq = alice.say(bob.id, "hello").seq;
    for device in [&mut bob, &mut bob_near] {
        run(device, conv, 1..=1);
    }
    for silent in [false, true] {
        if silent {
            cluster.redis.pause();
        } else {
            cluster.redis.kill();
        }
        let begun = Instant::now();
        for _ in 0..5 {
            seq += 1;
            let text = seq.to_string();
            assert_eq!(alice.say(bob.id, &text).seq, seq);
            assert_eq!(alice.say_in(group, &text).seq, seq);
            run(&mut bob_near, conv, seq..=seq);
            run(&mut bob_near, group, seq..=seq);
        }
        println!("silent: {silent}; ten stored and heard here after {:?}", begun.elapsed());
        assert!(begun.elapsed() < SLACK * 2);
        if silent {
            // It has been noticed.
            reads(&mut bob, alice.id, State::Unknown);
            cluster.redis.resume();
        } else {
            cluster.redis.restart();
        }
        let begun = Instant::now();
        run(&mut bob, conv, seq - 4..=seq);
        run(&mut bob, group, seq - 4..=seq);
        println!("silent: {silent}; heard there {:?} after it was back", begun.elapsed());
        assert!(begun.elapsed() < TTL + SLACK * 2);
        // Live, as if nothing had been.
        eventually(DEADLINE, "it is live again", || {
            seq += 1;
            alice.say(bob.id, "live?");
            alice.say_in(group, "live?");
            let begun = Instant::now();
            run(&mut bob, conv, seq..=seq);
            run(&mut bob, group, seq..=seq);
            run(&mut bob_near, conv, seq..=seq);
            run(&mut bob_near, group, seq..=seq);
            (begun.elapsed() < Duration::from_millis(500)).then_some(())
        });
    }
    nothing_more(&mut bob);
    nothing_more(&mut bob_near);
}

/// Chatter from one node to another while its connections to Redis are cut again and again.
fn cut_amid_chatter(cut: impl Fn(&mut RedisClient) -> u64, counted_as: &str) {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let group = alice.create_group("all", "").expect("made").group.id;
    bob.join_group(group).expect("joined");
    let stop = AtomicBool::new(false);
    let mut redis = cluster.redis_client();
    let bob_id = bob.id;
    let last = thread::scope(|scope| {
        let (stop_ref, alice) = (&stop, &mut alice);
        let talker = scope.spawn(move || {
            let mut last = 0;
            while !stop_ref.load(Ordering::SeqCst) {
                last = alice.say(bob_id, &last.to_string()).seq;
                assert_eq!(alice.say_in(group, "chatter").seq, last + 1, "after that bob came");
            }
            last
        });
        let _stop = StopOnDrop(&stop);
        let mut heard = 0;
        for _ in 0..3 {
            run(&mut bob, conv, heard + 1..=heard + 30);
            heard += 30;
            assert!(cut(&mut redis) > 0, "there was a connection to cut");
        }
        run(&mut bob, conv, heard + 1..=heard + 30);
        heard += 30;
        stop.store(true, Ordering::SeqCst);
        let last = talker.join().expect("a talker");
        // Nothing more is said, and nothing is missing.
        run(&mut bob, conv, heard + 1..=last);
        last
    });
    run(&mut bob, group, 2..=last + 1);
    nothing_more(&mut bob);
    let reconnects: f64 = cluster.nodes.iter().map(|node| scrape(node).value(counted_as)).sum();
    assert!(reconnects >= 3.0, "{reconnects} reconnects counted");
}

#[test]
fn a_subscriber_that_is_cut_misses_nothing() {
    cut_amid_chatter(RedisClient::cut_subscribers, "bus_subscriber_reconnects_total");
}

#[test]
fn a_publisher_that_is_cut_loses_nothing() {
    cut_amid_chatter(RedisClient::cut_publishers, "bus_publisher_reconnects_total");
}
