//! What a node missed while it was deaf or another was mute, and what it hears at once when it is not any more.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use protocol::State;

use super::hearing::{keep_up, next_in, nothing_more, run};
use super::metrics::scrape;
use super::nodes::{Plan, SLACK, reads};
use crate::support::chat;

/// How often a node looks for what one that is cut off may have stored, at first.
const READ_AGAIN: Duration = Duration::from_secs(5);

#[test]
fn a_conversation_that_began_while_a_node_was_deaf_is_heard_from_its_beginning() {
    const MISSED: u64 = 5;
    let cluster = Plan::of(2).redis_detours().start();
    let mut pairs: Vec<_> =
        (0..4).map(|n| cluster.friends((0, &format!("talker {n}")), (1, &format!("reader {n}")))).collect();
    cluster.redis_ways[1].refuse();
    for (talker, reader, _) in &mut pairs {
        (0..MISSED).for_each(|n| {
            talker.say(reader.id, &n.to_string());
        });
    }
    thread::scope(|scope| {
        for (talker, reader, conv) in &mut pairs {
            scope.spawn(move || {
                // What is said as soon as the node hears again must not hide what it missed before.
                let mut last = 0;
                let mut missing: BTreeSet<u64> = (1..=MISSED).collect();
                let begun = Instant::now();
                while begun.elapsed() < SLACK {
                    last = talker.say(reader.id, "more").seq;
                    missing.insert(last);
                    thread::sleep(Duration::from_millis(5));
                }
                while !missing.is_empty() {
                    let seq = next_in(reader, *conv).seq;
                    assert!(missing.remove(&seq), "{seq} of {last} was pushed twice");
                }
            });
        }
        cluster.redis_ways[1].resume();
    });
}

#[test]
fn more_than_a_node_reads_again_is_left_to_clients_and_found_by_them() {
    const SAID: u64 = 2_300;
    let cluster = Plan::of(2).redis_detours().start();
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    alice.say(bob.id, "hello");
    run(&mut bob, conv, 1..=1);
    cluster.redis_ways[1].refuse();
    let texts: Vec<_> = (2..=SAID).map(|n| n.to_string()).collect();
    for some in texts.chunks(50) {
        let requests: Vec<_> = some.iter().map(|text| chat(bob.id, text, text)).collect();
        for rid in alice.send_all(&requests) {
            alice.reply(rid).expect("stored");
        }
    }
    cluster.redis_ways[1].resume();
    let kept = keep_up(&mut bob, conv, 1, SAID);
    assert!(kept.into_values().map(|message| message.msg).eq(texts));
    let left = scrape(&cluster.nodes[1]).value("gateway_given_up_total");
    println!("{left} left to clients");
    assert!(left > 0.0, "what is left to clients is counted");
}

#[test]
fn what_a_node_says_long_after_it_was_cut_off_is_heard_all_the_same() {
    let cluster = Plan::of(2).redis_detours().start();
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    cluster.redis_ways[0].hold();
    // Her node is dead for the other, which has read the log for what it could not publish.
    reads(&mut bob, alice.id, State::Offline);
    for seq in 1..=3 {
        let begun = Instant::now();
        alice.say(bob.id, "does anybody hear me?");
        run(&mut bob, conv, seq..=seq);
        println!("heard after {:?}", begun.elapsed());
        assert!(begun.elapsed() < READ_AGAIN + SLACK);
    }
    cluster.redis_ways[0].resume();
    reads(&mut bob, alice.id, State::Online);
    alice.say(bob.id, "again?");
    run(&mut bob, conv, 4..=4);
    nothing_more(&mut bob);
}
