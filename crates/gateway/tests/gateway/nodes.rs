//! Several nodes are one to their users.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Instant;

use domain::{GroupId, PresenceWatcher, Topic, UserId};
use gateway::GatewayDied;
use protocol::{Code, GroupRef, Push, Reply, Request, State};

use crate::bad_bus::ClusterNode;
use crate::chat::{Quiet, bye, greet, join, message, next_seqs, open_group, say, tell};
use crate::node::{PATIENCE, Peer, World, friends, until};

#[test]
fn a_repeat_on_another_node_brings_what_the_first_node_could_not_say() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 3);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[2].node.address);
    let conv = greet(&mut ann, &mut bob);
    nodes[0].mouth.mute();
    let place = tell(&mut ann, bob.id, "2");
    drop(ann);
    let mut ann = Peer::device(nodes[1].node.address, "ann");
    assert_eq!(tell(&mut ann, bob.id, "2"), place);
    assert_eq!(next_seqs(&mut bob, conv, 1), [2]);
    // Again and again: it is a repeat, and bob has it.
    assert_eq!(tell(&mut ann, bob.id, "2"), place);
    assert_eq!(tell(&mut ann, bob.id, "first"), (conv, 1));
    tell(&mut ann, bob.id, "3");
    assert_eq!(next_seqs(&mut bob, conv, 1), [3]);
    assert!(nodes[2].node.gateway.snapshot().doubles >= 2);
}

#[test]
fn a_group_message_is_published_once_and_reaches_all_nodes() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 3);
    let mut users: Vec<Peer> =
        (0..6).map(|n| Peer::user(nodes[n % 3].node.address, &format!("user{n}")).0).collect();
    let group = open_group(&mut users[0]);
    users[1..].iter_mut().for_each(|user| join(user, group));
    // Each hears who comes, from themselves on.
    for (user, first) in users.iter_mut().zip([1, 1, 2, 3, 4, 5]) {
        assert_eq!(next_seqs(user, group, 6 - first), (first as u64..=5).collect::<Vec<_>>());
    }
    nodes[0].mouth.take_said(|_| true);
    assert_eq!(say(&mut users[0], group, "1"), 6);
    for user in &mut users[1..] {
        assert_eq!(next_seqs(user, group, 1), [6]);
    }
    let said: Vec<Topic> = nodes[0].mouth.take_said(|_| true).iter().map(|said| said.topic).collect();
    assert_eq!(said, [Topic::Group(GroupId(group))]);
    // Nobody is left on node two: it need not hear of it any more.
    drop((users.remove(4), users.remove(1)));
    until("node two is empty", || nodes[1].node.gateway.snapshot().users == 0);
    until("the topic is left", || nodes[1].node.gateway.snapshot().group_topics == 0);
    let before = nodes[1].node.gateway.snapshot().bus_messages;
    assert_eq!(say(&mut users[0], group, "2"), 7);
    assert_eq!(next_seqs(&mut users[1], group, 1), [7]);
    assert_eq!(nodes[1].node.gateway.snapshot().bus_messages, before);
}

/// However membership changes on other nodes, and whether or not this one hears of it: the message names the roster.
#[test]
fn who_left_on_another_node_hears_no_more_and_who_joined_hears_what_follows() {
    for notices_are_lost in [false, true] {
        let world = World::new();
        let nodes = ClusterNode::several(&world, 2);
        let (one, two) = (nodes[0].node.address, nodes[1].node.address);
        let (mut ann, _) = Peer::user(one, "ann");
        let mut others: Vec<Peer> = ["bob", "cat", "dan"].map(|name| Peer::user(two, name).0).into();
        let group = open_group(&mut ann);
        others[..2].iter_mut().for_each(|user| join(user, group));
        assert_eq!(say(&mut ann, group, "1"), 3);
        assert_eq!(next_seqs(&mut others[0], group, 3), [1, 2, 3]);
        assert_eq!(next_seqs(&mut others[1], group, 2), [2, 3]);
        if notices_are_lost {
            nodes[1].ear.lose(|publication| publication.topic == Topic::Nodes);
        }
        // On node one bob leaves and dan joins; their devices on node two know nothing of it.
        let [mut bob, mut dan] = ["bob", "dan"].map(|name| {
            let mut device = Peer::connect(one);
            device.log_in(name);
            device
        });
        bob.call(Request::LeaveGroup(GroupRef { groupid: group })).expect("left");
        join(&mut dan, group);
        let seqs = [say(&mut ann, group, "2"), say(&mut ann, group, "3"), say(&mut dan, group, "4")];
        assert_eq!(seqs, [6, 7, 8]);
        assert_eq!(next_seqs(&mut others[1], group, 5), [4, 5, 6, 7, 8], "lost: {notices_are_lost}");
        assert_eq!(next_seqs(&mut others[2], group, 4), [5, 6, 7, 8], "lost: {notices_are_lost}");
        // Bob hears nothing: the answer to a request comes after whatever was on its way.
        for device in [&mut bob, &mut others[0]] {
            device.call(Request::Friends(protocol::Page::default())).expect("a page");
            assert!(device.pushes.iter().filter_map(message).all(|(_, seq)| seq <= 3), "{notices_are_lost}");
        }
    }
}

/// Whoever comes reads what was said before in the log, and is pushed what is said after: between the two is no hole,
/// on whichever node they come, however often they come and go.
#[test]
fn who_comes_and_goes_misses_nothing_that_is_said_meanwhile() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 3);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    let group = open_group(&mut ann);
    join(&mut bob, group);
    let bob_id = bob.id;
    drop(bob);
    let talking = AtomicBool::new(true);
    std::thread::scope(|scope| {
        // However this ends, ann ends too.
        let _quiet = Quiet(&talking);
        scope.spawn(|| {
            let mut n = 0;
            while talking.load(SeqCst) {
                tell(&mut ann, bob_id, &format!("one {n}"));
                say(&mut ann, group, &format!("all {n}"));
                n += 1;
            }
        });
        for visit in 0..60 {
            let mut bob = Peer::device(nodes[visit % 3].node.address, "bob");
            let last: BTreeMap<u64, u64> = match bob.call(Request::Conversations(protocol::Page::default())) {
                Ok(Reply::Conversations(page)) => {
                    page.convs.iter().map(|conv| (conv.conv, conv.last)).collect()
                }
                other => panic!("{other:?}"),
            };
            let mut seen: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            while seen.len() < 2 || seen.values().any(|seqs| seqs.len() < 5) {
                let (conv, seq) = bob.push(message);
                seen.entry(conv).or_default().push(seq);
            }
            for (conv, seqs) in seen {
                let begin = seqs[0];
                assert!(begin <= last.get(&conv).unwrap_or(&0) + 1, "visit {visit}: {begin} after {last:?}");
                let expected: Vec<u64> = (begin..begin + seqs.len() as u64).collect();
                assert_eq!(seqs, expected, "visit {visit} of conversation {conv}");
            }
        }
    });
}

#[test]
fn presence_that_was_found_out_is_told_to_friends_on_all_nodes() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    let told = |of: u64| {
        move |push: &Push| match push {
            Push::Presence(presence) if presence.id == of => Some(presence.state),
            _ => None,
        }
    };
    nodes[0].node.hub.changed(vec![UserId(ann.id)]);
    assert_eq!(bob.push(told(ann.id)), State::Online);
    world.presence.blind();
    nodes[0].node.hub.review();
    nodes[1].node.hub.review();
    assert_eq!(bob.push(told(ann.id)), State::Unknown);
}

#[test]
fn an_expelled_node_stops_and_says_why() {
    let world = World::new();
    let mut nodes = ClusterNode::several(&world, 2).into_iter();
    let one = nodes.next().unwrap();
    let (mut ann, _) = Peer::user(one.node.address, "ann");
    one.node.hub.expelled("another process took the name node-1".to_owned());
    let bye = ann.push(bye);
    assert_eq!(bye, Code::GOING_AWAY);
    let begun = Instant::now();
    match one.node.gateway.join() {
        Err(GatewayDied::Expelled { why }) => assert!(why.contains("node-1")),
        other => panic!("{other:?}"),
    }
    assert!(begun.elapsed() < PATIENCE);
}
