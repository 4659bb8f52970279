//! M5, M6 across nodes: what is recalled and edited on one node is so on all of them, at once, in one order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use protocol::{ChatMessage, Code, History, Push};
use redis::cmd;
use testkit::eventually;

use super::hearing::{StopOnDrop, run};
use super::metrics::scrape;
use super::nodes::{Cluster, PREFIX, Plan};
use super::redis_client::RedisClient;
use crate::support::{DEADLINE, Peer};

/// A conversation as HISTORY tells it now.
fn newest(peer: &mut Peer, conv: u64) -> Vec<ChatMessage> {
    peer.history(History { conv, limit: 200, ..History::default() }).expect("a page").messages
}

/// Messages and changes of a conversation as they were pushed: seq, and position or 0.
fn heard(peer: &mut Peer, conv: u64, many: usize) -> Vec<(u64, u64)> {
    let place = |push: &Push| match push {
        Push::Message(message) if message.conv == conv => Some((message.seq, 0)),
        Push::Changed(changed) if changed.conv == conv => Some((changed.message.seq, changed.position)),
        _ => None,
    };
    (0..many).map(|_| peer.take("a message or a change", place)).collect()
}

/// What a device ends with that holds these messages, by the feed alone.
fn follow(peer: &mut Peer, conv: u64, mut held: Vec<ChatMessage>) -> Vec<ChatMessage> {
    let mut after = 0;
    loop {
        let page = peer.changes(conv, after, 7).expect("a page");
        for change in page.changes {
            let place = held.iter_mut().find(|message| message.seq == change.message.seq);
            *place.expect("a message that it holds") = change.message;
        }
        match page.next {
            0 => return held,
            next => after = next,
        }
    }
}

/// Everything that stands in Redis, as bytes.
fn all_of(redis: &mut RedisClient) -> Vec<u8> {
    let keys: Vec<String> = redis.ask(cmd("KEYS").arg(format!("{PREFIX}history:*")));
    let values = keys.iter().map(|key| redis.ask::<BTreeMap<String, Vec<u8>>>(cmd("HGETALL").arg(key)));
    values.flat_map(BTreeMap::into_values).flatten().collect()
}

fn holds(haystack: &[u8], text: &str) -> bool {
    haystack.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn changes_are_heard_on_other_nodes_in_order_with_messages() {
    const ROUNDS: u64 = 20;
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut desk = cluster.log_in(2, "alice", "desk");
    let group = alice.create_group("all", "").expect("made").group.id;
    bob.join_group(group).expect("joined");
    // Something that both have heard. Of a conversation that a node does not know yet the newest change may come alone.
    alice.say(bob.id, "before");
    alice.say_in(group, "before");
    for device in [&mut bob, &mut desk] {
        run(device, conv, 1..=1);
        run(device, group, 2..=2);
    }
    for n in 0..ROUNDS {
        for talk in [conv, group] {
            let text = format!("message {n}");
            let seq = if talk == conv { alice.say(bob.id, &text) } else { alice.say_in(group, &text) }.seq;
            alice.edit_message(talk, seq, &format!("edited {n}")).expect("edited");
            alice.recall(talk, seq).expect("recalled");
        }
    }
    let expected = |first: u64| -> Vec<(u64, u64)> {
        (0..ROUNDS).flat_map(|n| [(first + n, 0), (first + n, 2 * n + 1), (first + n, 2 * n + 2)]).collect()
    };
    for device in [&mut bob, &mut desk] {
        assert_eq!(heard(device, conv, 3 * ROUNDS as usize), expected(2));
        assert_eq!(heard(device, group, 3 * ROUNDS as usize), expected(3));
        let more = device.pushes_so_far();
        assert!(!more.iter().any(|push| matches!(push, Push::Changed(_))), "{more:?}");
    }
}

#[test]
fn a_message_is_changed_and_refused_alike_on_every_node() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut carol = cluster.user(2, "carol");
    let group = bob.create_group("all", "").expect("made").group.id;
    for member in [&mut alice, &mut carol] {
        member.join_group(group).expect("joined");
    }
    let mut devices = [cluster.log_in(0, "alice", "0"), cluster.log_in(1, "alice", "1"), alice];
    let nothing = devices[0].recall(conv, 999).expect_err("there is none");
    assert_eq!(nothing.code, Code::NOT_FOUND);
    for at in 0..3 {
        let [said_at, edited_at, recalled_at] = [at, (at + 1) % 3, (at + 2) % 3];
        let seq = devices[said_at].say(bob.id, "said").seq;
        let in_group = devices[said_at].say_in(group, "said").seq;
        let edited = devices[edited_at].edit_message(conv, seq, "edited").expect("one's own");
        assert_eq!(newest(&mut bob, conv).last(), Some(&edited.message));
        for stranger in [&mut carol, &mut bob] {
            assert_eq!(stranger.recall(conv, seq).expect_err("not theirs"), nothing);
            assert_eq!(stranger.edit_message(conv, seq, "theirs").expect_err("not theirs"), nothing);
        }
        assert_eq!(carol.edit_message(group, in_group, "theirs").expect_err("not hers"), nothing);
        let recalled = devices[recalled_at].recall(conv, seq).expect("one's own");
        for device in &mut devices {
            assert_eq!(device.recall(conv, seq).expect("it is so already"), recalled);
            let late = device.edit_message(conv, seq, "back").expect_err("it is recalled");
            assert_eq!(late.code, Code::TOO_LATE);
            assert_eq!(newest(device, conv).last(), Some(&recalled.message));
        }
        assert_eq!(newest(&mut bob, conv).last(), Some(&recalled.message));
        let by_owner = bob.recall(group, in_group).expect("an owner's right");
        for member in devices.iter_mut().chain([&mut carol]) {
            assert_eq!(newest(member, group).last(), Some(&by_owner.message));
        }
    }
    // Who left on one node changes nothing on another.
    let seq = devices[0].say_in(group, "my last").seq;
    devices[1].leave_group(group).expect("left");
    for device in &mut devices {
        assert_eq!(device.recall(group, seq).expect_err("she left"), nothing);
        assert_eq!(device.edit_message(group, seq, "x").expect_err("she left"), nothing);
        assert_eq!(device.changes(group, 0, 0).expect_err("she left"), nothing);
    }
}

/// While pages are read on the other node all the time, so that old ones are put back if anything lets them.
#[test]
fn a_recalled_text_is_gone_from_what_other_nodes_and_redis_keep() {
    const ROUNDS: usize = 40;
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut readers = [cluster.log_in(1, "bob", "reads"), cluster.log_in(0, "bob", "reads too")];
    let mut redis = cluster.redis_client();
    let seq = alice.say(bob.id, "nobody must read this").seq;
    eventually(DEADLINE, "it stands in Redis", || {
        assert_eq!(newest(&mut bob, conv).len(), 1);
        holds(&all_of(&mut redis), "nobody must read this").then_some(())
    });
    alice.recall(conv, seq).expect("recalled");
    assert!(!holds(&all_of(&mut redis), "nobody must read this"));
    assert_eq!(newest(&mut bob, conv)[0].msg, "");

    let stop = AtomicBool::new(false);
    let bob_id = bob.id;
    thread::scope(|scope| {
        let _stop = StopOnDrop(&stop);
        for reader in &mut readers {
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    newest(reader, conv);
                }
            });
        }
        for n in 0..ROUNDS {
            let (first, second) = (format!("first text {n}."), format!("second text {n}."));
            let seq = alice.say(bob_id, &first).seq;
            let change = alice.edit_message(conv, seq, &second).expect("edited");
            assert_eq!(newest(&mut bob, conv).last(), Some(&change.message));
            assert!(!holds(&all_of(&mut redis), &first), "{first}");
            let change = alice.recall(conv, seq).expect("recalled");
            let page = newest(&mut bob, conv);
            assert_eq!(page.last(), Some(&change.message));
            let kept = all_of(&mut redis);
            assert!(!holds(&kept, &first) && !holds(&kept, &second), "{second}");
        }
    });
    assert!(scrape(&cluster.nodes[1]).value("history_pages_from_cache_total") > 0.0);
}

#[test]
fn a_node_that_was_cut_off_brings_its_devices_to_what_is_so_now() {
    const MESSAGES: u64 = 30;
    let cluster = Plan::of(2).with("recall-window-ms", 3_600_000).redis_detours().start();
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let group = alice.create_group("all", "").expect("made").group.id;
    bob.join_group(group).expect("joined");
    let mut held: BTreeMap<u64, Vec<ChatMessage>> = BTreeMap::new();
    for n in 0..MESSAGES {
        alice.say(bob.id, &format!("secret {n}"));
        alice.say_in(group, &format!("secret {n}"));
    }
    held.insert(conv, run(&mut bob, conv, 1..=MESSAGES));
    held.insert(group, run(&mut bob, group, 2..=MESSAGES + 1));
    // It keeps pages of before, and so does Redis.
    assert_eq!(newest(&mut bob, conv).len() as u64, MESSAGES);

    for cut_off in [1, 0] {
        let begun = held[&conv].clone();
        cluster.redis_ways[cut_off].refuse();
        for (talk, first) in [(conv, 1), (group, 2)] {
            let seqs = if cut_off == 1 { first..first + 20 } else { first + 10..first + 30 };
            for (n, seq) in seqs.enumerate() {
                match n % 3 {
                    0 => drop(alice.recall(talk, seq).expect("recalled")),
                    // What is recalled already stays so.
                    1 => drop(alice.edit_message(talk, seq, &format!("{cut_off} edited {n}"))),
                    _ => {}
                }
            }
        }
        // Whoever asks reads what is so, whatever Redis has.
        for talk in [conv, group] {
            assert_eq!(newest(&mut bob, talk), newest(&mut alice, talk));
        }
        cluster.redis_ways[cut_off].resume();
        for (talk, messages) in &mut held {
            let last = alice.changes(*talk, 0, 1).expect("a page").last;
            // The last change is told without another one, and says that others are missing.
            let told = |push: &Push| match push {
                Push::Changed(changed) if changed.conv == *talk => Some(changed.position),
                _ => None,
            };
            while bob.take("the last change", told) < last {}
            *messages = follow(&mut bob, *talk, std::mem::take(messages));
            let log: Vec<_> =
                newest(&mut alice, *talk).into_iter().filter(|message| message.event.is_none()).collect();
            assert_eq!(*messages, log);
            assert_eq!(newest(&mut bob, *talk), newest(&mut alice, *talk));
        }
        assert_ne!(held[&conv], begun);
    }
}
