//! C1, C2, D1, D2: what is said on one node is heard on the others, at once, in one order.

use std::thread;

use protocol::{Reply, Request};

use super::hearing::{keep_up, next_in, nothing_more, run};
use super::nodes::Cluster;
use crate::support::{Peer, chat, group_chat};

/// Messages of one sender in a crowd.
const EACH: u64 = 60;

/// Sends all, pipelined, and takes all answers: stored, by rising seq, since one's own order is kept.
fn pour(peer: &mut Peer, requests: &[Request]) -> Vec<u64> {
    let mut seqs = Vec::new();
    // Below the pipeline's limit, so that writing never waits for reading.
    for some in requests.chunks(20) {
        for rid in peer.send_all(some) {
            match peer.reply(rid).expect("stored") {
                Reply::OneChat(sent) | Reply::GroupChat(sent) => seqs.push(sent.seq),
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "one's own order: {seqs:?}");
    seqs
}

#[test]
fn friends_on_different_nodes_chat_live_on_all_their_devices() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut alice_too = cluster.log_in(2, "alice", "second");
    let mut bob_too = cluster.log_in(2, "bob", "second");
    for round in 0..25 {
        let sent = alice.say(bob.id, &format!("ping {round}"));
        assert_eq!((sent.conv, sent.seq), (conv, 2 * round + 1));
        for other in [&mut bob, &mut bob_too, &mut alice_too] {
            let heard = run(other, conv, sent.seq..=sent.seq).remove(0);
            assert_eq!((heard.from, heard.msg, heard.time), (alice.id, format!("ping {round}"), sent.time));
        }
        let sent = bob_too.say(alice.id, &format!("pong {round}"));
        for other in [&mut alice, &mut alice_too, &mut bob] {
            let heard = run(other, conv, sent.seq..=sent.seq).remove(0);
            assert_eq!((heard.from, heard.msg), (bob_too.id, format!("pong {round}")));
        }
    }
    for peer in [&mut alice, &mut alice_too, &mut bob, &mut bob_too] {
        nothing_more(peer);
        assert_eq!(peer.message_count(conv), 50);
    }
}

#[test]
fn a_repeat_on_another_node_is_the_same_message() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (0, "bob"));
    let mut elsewhere = cluster.log_in(1, "alice", "second");
    let first = alice.one_chat(bob.id, "once", "the id").expect("stored");
    let again = elsewhere.one_chat(bob.id, "once", "the id").expect("stored before");
    assert_eq!((first.conv, first.seq, first.time), (again.conv, again.seq, again.time));
    run(&mut bob, conv, 1..=1);
    alice.say(bob.id, "marker");
    run(&mut bob, conv, 2..=2);
    nothing_more(&mut bob);
}

#[test]
fn what_several_nodes_say_at_once_is_heard_in_one_order() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut alice_too = cluster.log_in(2, "alice", "sends too");
    let mut bob_too = cluster.log_in(0, "bob", "sends too");
    // They only read: pushes are all that they get.
    let mut readers = [
        cluster.log_in(1, "alice", "reads"),
        cluster.log_in(2, "bob", "reads"),
        cluster.log_in(0, "bob", "reads"),
    ];
    // Something that everybody has heard: a conversation that is going on.
    let (alice_id, bob_id) = (alice.id, bob.id);
    alice.say(bob_id, "hello");
    for device in readers.iter_mut().chain([&mut alice_too, &mut bob, &mut bob_too]) {
        run(device, conv, 1..=1);
    }
    let orders = thread::scope(|scope| {
        for (sender, to, name) in [
            (&mut alice, bob_id, "a"),
            (&mut alice_too, bob_id, "A"),
            (&mut bob, alice_id, "b"),
            (&mut bob_too, alice_id, "B"),
        ] {
            scope.spawn(move || {
                let texts = (0..EACH).map(|n| format!("{name}{n}"));
                pour(sender, &texts.map(|text| chat(to, &text, &text)).collect::<Vec<_>>())
            });
        }
        let readers = readers.iter_mut().map(|reader| {
            scope.spawn(|| -> Vec<_> {
                run(reader, conv, 2..=4 * EACH + 1).into_iter().map(|message| message.msg).collect()
            })
        });
        let readers: Vec<_> = readers.collect();
        readers.into_iter().map(|reader| reader.join().expect("a reader")).collect::<Vec<_>>()
    });
    assert!(orders.iter().all(|order| *order == orders[0]), "one order for all");
    let log: Vec<_> = alice.read_all(conv, 1).into_iter().map(|message| message.msg).collect();
    assert_eq!(orders[0], log);
}

#[test]
fn a_group_hears_what_all_nodes_say_in_one_order() {
    let cluster = Cluster::of(3);
    let names = ["ann", "ben", "cid", "dan", "eve", "fay"];
    let mut members: Vec<_> = names.iter().enumerate().map(|(at, name)| cluster.user(at % 3, name)).collect();
    let group = members[0].create_group("all", "").expect("made").group.id;
    members.iter_mut().skip(1).for_each(|member| {
        member.join_group(group).expect("joined");
    });
    members[0].say_in(group, "hello");
    members.iter_mut().skip(1).for_each(|member| {
        run(member, group, 6..=6);
    });
    let (senders, readers) = members.split_at_mut(3);
    thread::scope(|scope| {
        for (which, sender) in senders.iter_mut().enumerate() {
            scope.spawn(move || {
                let texts = (0..EACH).map(|n| format!("{which} {n}"));
                pour(sender, &texts.map(|text| group_chat(group, &text, &text)).collect::<Vec<_>>())
            });
        }
        for reader in readers.iter_mut() {
            scope.spawn(|| run(reader, group, 7..=3 * EACH + 6));
        }
    });
    // Those who said something heard all the rest, by rising seq.
    for sender in senders {
        let heard: Vec<_> = (0..2 * EACH).map(|_| next_in(sender, group).seq).collect();
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{heard:?}");
        nothing_more(sender);
    }
}

#[test]
fn what_is_said_first_on_several_nodes_at_once_is_kept_by_all() {
    let cluster = Cluster::of(3);
    for round in 0..5 {
        let (ann, ben) = (format!("ann {round}"), format!("ben {round}"));
        let (mut ann_here, mut ben_here, conv) = cluster.friends((0, &ann), (1, &ben));
        let mut ann_too = cluster.log_in(2, &ann, "sends too");
        let mut readers = [cluster.log_in(1, &ann, "reads"), cluster.log_in(2, &ben, "reads")];
        let (ann_id, ben_id) = (ann_here.id, ben_here.id);
        thread::scope(|scope| {
            for (sender, to, name) in
                [(&mut ann_here, ben_id, "a"), (&mut ann_too, ben_id, "A"), (&mut ben_here, ann_id, "b")]
            {
                scope.spawn(move || {
                    let texts = (0..EACH / 3).map(|n| format!("{name}{n}"));
                    pour(sender, &texts.map(|text| chat(to, &text, &text)).collect::<Vec<_>>())
                });
            }
            for reader in &mut readers {
                scope.spawn(move || {
                    // As a client does: a gap is asked for, what is there already is dropped.
                    let kept = keep_up(reader, conv, 0, EACH);
                    assert!(kept.keys().copied().eq(1..=EACH));
                });
            }
        });
    }
}
