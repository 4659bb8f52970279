//! Where pushes of a conversation begin: with the first message that is heard of it, or with a member's joining.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use domain::{Topic, UserId};
use protocol::{GroupRef, Push, Reply, Request, SystemEventKind};

use crate::bad_bus::ClusterNode;
use crate::chat::{
    LONG_MS, Quiet, is_nodes, is_users, join, messages_so_far, next_seqs, open_group, say, tell,
};
use crate::node::{Peer, World, friends, until};

#[test]
fn the_first_that_is_heard_waits_for_what_was_said_at_once_with_it() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    // Three are on their way for long; the fourth overtakes them.
    nodes[1].ear.lose(is_users);
    nodes[0].mouth.take_said(|_| true);
    let (conv, _) = tell(&mut ann, bob.id, "1");
    tell(&mut ann, bob.id, "2");
    tell(&mut ann, bob.id, "3");
    until("they are lost", || nodes[1].ear.lost() == 3);
    nodes[1].ear.lose(|_| false);
    tell(&mut ann, bob.id, "4");
    assert_eq!(next_seqs(&mut bob, conv, 4), [1, 2, 3, 4]);
    let late = nodes[0].mouth.take_said(|topic| topic == Topic::User(UserId(bob.id)));
    late.into_iter().for_each(|publication| nodes[1].ear.hear(publication));
    until("they are doubles", || nodes[1].node.gateway.snapshot().doubles == 4);
    tell(&mut ann, bob.id, "5");
    assert_eq!(next_seqs(&mut bob, conv, 1), [5]);
}

#[test]
fn where_nothing_was_said_lately_the_first_that_is_heard_costs_one_look_and_no_page() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[0].node.address);
    let group = open_group(&mut ann);
    join(&mut bob, group);
    for n in 1..=5 {
        tell(&mut ann, bob.id, &format!("pair {n}"));
        say(&mut ann, group, &format!("group {n}"));
    }
    // That bob came, as news of the roster and as a message, and five messages more.
    let mut said = Vec::new();
    until("all is published", || {
        said.extend(nodes[0].mouth.take_said(|topic| matches!(topic, Topic::Group(_))));
        said.len() >= 7
    });
    assert_eq!(said.len(), 7, "{said:?}");
    for node in &nodes {
        node.node.clock.advance_ms(LONG_MS);
    }
    let mut phone = Peer::device(nodes[1].node.address, "bob");
    for n in 6..=9 {
        let (conv, seq) = tell(&mut ann, bob.id, &format!("pair {n}"));
        assert_eq!((seq, next_seqs(&mut phone, conv, 1)), (n, vec![n]));
        assert_eq!(say(&mut ann, group, &format!("group {n}")), n + 1, "after that bob came");
        assert_eq!(next_seqs(&mut phone, group, 1), [n + 1]);
    }
    let counted = nodes[1].node.gateway.snapshot();
    assert_eq!((counted.places_sought, counted.gap_repairs, counted.phantoms), (2, 0, 0));
    let counted = nodes[0].node.gateway.snapshot();
    assert_eq!(counted.places_sought, 0, "it stored the first of each itself");
}

/// A publication that was not confirmed is made again: notices come twice, and late.
#[test]
fn a_notice_of_a_member_who_is_known_brings_nothing_again() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, _) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, _) = Peer::user(nodes[0].node.address, "bob");
    let mut phone = Peer::device(nodes[1].node.address, "bob");
    let group = open_group(&mut ann);
    nodes[0].mouth.take_said(|_| true);
    join(&mut bob, group);
    let notices = nodes[0].mouth.take_said(is_nodes);
    for n in 1..=3 {
        assert_eq!(say(&mut ann, group, &n.to_string()), n + 1);
    }
    assert_eq!(next_seqs(&mut phone, group, 4), [1, 2, 3, 4]);
    for _ in 0..5 {
        notices.iter().cloned().for_each(|notice| nodes[1].ear.hear(notice));
    }
    until("they are worked off", || nodes[1].node.gateway.snapshot().notices_waiting == 0);
    assert_eq!(say(&mut ann, group, "4"), 5);
    assert_eq!(next_seqs(&mut phone, group, 1), [5]);
    assert_eq!(messages_so_far(&mut phone), []);
}

/// Somebody comes and goes on node two while users of nodes one and three talk. One of her devices is on node one, where
/// others follow the group all the time, and one on node four, where nobody else does.
#[test]
fn what_a_member_hears_begins_with_the_joining_and_has_neither_holes_nor_doubles_on_any_node() {
    const ROUNDS: usize = 40;
    let world = World::new();
    let nodes = ClusterNode::several(&world, 4);
    let (mut ann, _) = Peer::user(nodes[0].node.address, "ann");
    let (mut cat, _) = Peer::user(nodes[2].node.address, "cat");
    let (mut dora, _) = Peer::user(nodes[1].node.address, "dora");
    let mut devices = [0, 3].map(|at: usize| Peer::device(nodes[at].node.address, "dora"));
    let group = open_group(&mut ann);
    join(&mut cat, group);
    let talking = AtomicBool::new(true);
    let mut heard_by: [Vec<u64>; 2] = Default::default();
    let stays: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let _quiet = Quiet(&talking);
        for (name, talker) in [("ann", &mut ann), ("cat", &mut cat)] {
            let talking = &talking;
            scope.spawn(move || {
                let mut n = 0;
                while talking.load(SeqCst) {
                    say(talker, group, &format!("{name} {n}"));
                    n += 1;
                }
            });
        }
        (0..ROUNDS)
            .map(|_| {
                let joined = match dora.call(Request::JoinGroup(protocol::JoinGroup::of(group))) {
                    Ok(Reply::JoinGroup(answer)) => answer.conv.expect("joined"),
                    other => panic!("not joined: {other:?}"),
                };
                assert!(joined.last + 1 >= joined.first);
                // What was said before she left may still have been on its way.
                let mut heard = next_seqs(&mut dora, group, 1);
                while heard[0] < joined.first {
                    heard = next_seqs(&mut dora, group, 1);
                }
                heard.extend(next_seqs(&mut dora, group, 5));
                let expected: Vec<u64> = (heard[0]..heard[0] + 6).collect();
                assert_eq!(heard, expected, "on the node where she joins");
                assert!((joined.first..=joined.last + 1).contains(&heard[0]), "{joined:?}");
                // Who leaves need not be given what was said just before.
                for (device, heard_by) in devices.iter_mut().zip(&mut heard_by) {
                    while heard_by.last().is_none_or(|last| *last < heard[5]) {
                        heard_by.extend(next_seqs(device, group, 1));
                    }
                }
                dora.call(Request::LeaveGroup(GroupRef { groupid: group })).expect("left");
                messages_so_far(&mut dora);
                (joined.first, heard[5])
            })
            .collect()
    });
    join(&mut dora, group);
    let end = say(&mut ann, group, "the end");
    for ((device, mut heard), at) in devices.iter_mut().zip(heard_by).zip(["one", "four"]) {
        while heard.last() != Some(&end) {
            heard.extend(next_seqs(device, group, 1));
        }
        assert!(heard.is_sorted_by(|a, b| a < b), "node {at}: {heard:?}");
        for (first, sure) in &stays {
            let stay: Vec<u64> = heard.iter().copied().filter(|seq| (first..=sure).contains(&seq)).collect();
            assert_eq!(stay, (*first..=*sure).collect::<Vec<_>>(), "node {at}");
        }
    }
}

/// While notices of changes come in all the time, and make every roster unusable that is read.
#[test]
fn members_hear_of_every_coming_and_going() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, _) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[1].node.address, "bob");
    let group = open_group(&mut ann);
    nodes[1].mouth.take_said(|_| true);
    join(&mut bob, group);
    bob.call(Request::LeaveGroup(GroupRef { groupid: group })).expect("left");
    let notices = nodes[1].mouth.take_said(is_nodes);
    assert!(!notices.is_empty());
    let changing = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let _quiet = Quiet(&changing);
        scope.spawn(|| {
            while changing.load(SeqCst) {
                if nodes[0].node.gateway.snapshot().notices_waiting < 50 {
                    notices.iter().cloned().for_each(|notice| nodes[0].ear.hear(notice));
                }
            }
        });
        for round in 0..=100 {
            if round > 0 {
                join(&mut bob, group);
                bob.call(Request::LeaveGroup(GroupRef { groupid: group })).expect("left");
            }
            for what in [SystemEventKind::Joined, SystemEventKind::Left] {
                let told = ann.push(|push| match push {
                    Push::Message(told) => told.event.as_ref().map(|event| (event.by, event.what)),
                    _ => None,
                });
                assert_eq!(told, (bob_is.id, what), "round {round}");
            }
        }
    });
}
