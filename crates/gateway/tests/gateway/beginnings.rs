//! Where pushes of a conversation begin: with the first message that is heard of it, with a member's joining, after a loss.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use bytes::Bytes;
use cluster::local::LocalExchange;
use domain::{Bus, BusReceiver, Publication, Timestamp, Topic, UserId};
use protocol::{Code, GroupEventKind, GroupRef, Incoming, Page, Push, Reply, Request, Resume};

use crate::bad_bus::{ClusterNode, NOW, quick};
use crate::node::{Peer, World, befriend, until};
use crate::nodes::{Quiet, join, message, next_seqs, open_group, say, tell};

/// Longer than messages that were said at once may lie apart.
const LONG_MS: u64 = 60_000;

fn is_users(publication: &Publication) -> bool {
    matches!(publication.topic, Topic::User(_))
}

fn is_nodes(topic: Topic) -> bool {
    topic == Topic::Nodes
}

/// All that came until an answer, which comes after whatever was on its way.
fn messages_so_far(peer: &mut Peer) -> Vec<(u64, u64)> {
    peer.call(Request::Friends(Page::default())).expect("a page");
    std::mem::take(&mut peer.pushes).iter().filter_map(message).collect()
}

#[test]
fn the_first_that_is_heard_waits_for_what_was_said_at_once_with_it() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, ann_is) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[1].node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    // Three are on their way for long; the fourth overtakes them.
    nodes[1].ear.lose(is_users);
    nodes[0].mouth.take_said(|_| true);
    let (conv, _) = tell(&mut ann, bob_is.id, "1");
    tell(&mut ann, bob_is.id, "2");
    tell(&mut ann, bob_is.id, "3");
    until("they are lost", || nodes[1].ear.lost() == 3);
    nodes[1].ear.lose(|_| false);
    tell(&mut ann, bob_is.id, "4");
    assert_eq!(next_seqs(&mut bob, conv, 4), [1, 2, 3, 4]);
    let late = nodes[0].mouth.take_said(|topic| topic == Topic::User(UserId(bob_is.id)));
    late.into_iter().for_each(|publication| nodes[1].ear.hear(publication));
    until("they are doubles", || nodes[1].node.gateway.snapshot().doubles == 4);
    tell(&mut ann, bob_is.id, "5");
    assert_eq!(next_seqs(&mut bob, conv, 1), [5]);
}

#[test]
fn where_nothing_was_said_lately_the_first_that_is_heard_costs_one_look_and_no_page() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, ann_is) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[0].node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let group = open_group(&mut ann);
    join(&mut bob, group);
    for n in 1..=5 {
        tell(&mut ann, bob_is.id, &format!("pair {n}"));
        say(&mut ann, group, &format!("group {n}"));
    }
    let mut said = Vec::new();
    until("all is published", || {
        said.extend(nodes[0].mouth.take_said(|topic| matches!(topic, Topic::Group(_))));
        said.len() >= 6
    });
    for node in &nodes {
        node.node.clock.advance_ms(LONG_MS);
    }
    let mut phone = Peer::connect(nodes[1].node.address);
    phone.log_in("bob");
    for n in 6..=9 {
        let (conv, seq) = tell(&mut ann, bob_is.id, &format!("pair {n}"));
        assert_eq!((seq, next_seqs(&mut phone, conv, 1)), (n, vec![n]));
        assert_eq!(say(&mut ann, group, &format!("group {n}")), n);
        assert_eq!(next_seqs(&mut phone, group, 1), [n]);
    }
    let counted = nodes[1].node.gateway.snapshot();
    assert_eq!((counted.places_sought, counted.gap_repairs, counted.phantoms), (2, 0, 0));
    let counted = nodes[0].node.gateway.snapshot();
    assert_eq!(counted.places_sought, 0, "it stored the first of each itself");
}

#[test]
fn a_conversation_that_does_not_exist_is_counted_and_not_heard() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let one = ClusterNode::new(&world, &exchange, quick());
    let stranger = exchange.join();
    let (mut ann, ann_is) = Peer::user(one.node.address, "ann");
    let (mut bob, bob_is) = Peer::user(one.node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let (conv, _) = tell(&mut ann, bob_is.id, "1");
    assert_eq!(next_seqs(&mut bob, conv, 1), [1]);
    let topic = Topic::User(UserId(bob_is.id));
    let mut payload = Bytes::new();
    until("the message is published", || {
        let said = one.mouth.take_said(|said| said == topic);
        payload = said.last().map(|said| said.payload.clone()).unwrap_or_default();
        payload.windows(14).any(|text| text == b"\"msg\":\"this is")
    });
    let forgeries = [(987_654, 1, ann_is.id), (987_654, 2, ann_is.id), (987_655, 9, 987_656)];
    for (phantoms, (of, seq, other)) in (1..).zip(forgeries) {
        let mut forged = payload.to_vec();
        let (low, high) = (bob_is.id.min(other), bob_is.id.max(other));
        for (at, number) in [(2, of), (10, seq), (18, low), (26, high)] {
            forged[at..at + 8].copy_from_slice(&u64::to_be_bytes(number));
        }
        stranger.publish(vec![Publication { topic, payload: Bytes::from(forged) }]).unwrap();
        until("it is counted", || one.node.gateway.snapshot().phantoms == phantoms);
    }
    tell(&mut ann, bob_is.id, "2");
    assert_eq!(next_seqs(&mut bob, conv, 1), [2]);
    assert_eq!(messages_so_far(&mut bob), []);
}

/// A publication that was not confirmed is made again: notices come twice, and late.
#[test]
fn a_notice_of_a_member_who_is_known_brings_nothing_again() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, _) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, _) = Peer::user(nodes[0].node.address, "bob");
    let mut phone = Peer::connect(nodes[1].node.address);
    phone.log_in("bob");
    let group = open_group(&mut ann);
    nodes[0].mouth.take_said(|_| true);
    join(&mut bob, group);
    let notices = nodes[0].mouth.take_said(is_nodes);
    for n in 1..=3 {
        assert_eq!(say(&mut ann, group, &n.to_string()), n);
    }
    assert_eq!(next_seqs(&mut phone, group, 3), [1, 2, 3]);
    for _ in 0..5 {
        notices.iter().cloned().for_each(|notice| nodes[1].ear.hear(notice));
    }
    until("they are worked off", || nodes[1].node.gateway.snapshot().notices_waiting == 0);
    assert_eq!(say(&mut ann, group, "4"), 4);
    assert_eq!(next_seqs(&mut phone, group, 1), [4]);
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
    let mut devices = [0, 3].map(|at: usize| {
        let mut device = Peer::connect(nodes[at].node.address);
        device.log_in("dora");
        device
    });
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
                let joined = match dora.call(Request::JoinGroup(GroupRef { groupid: group })) {
                    Ok(Reply::JoinGroup(joined)) => joined,
                    other => panic!("not joined: {other:?}"),
                };
                assert!(joined.conv.last + 1 >= joined.conv.first);
                // What was said before she left may still have been on its way.
                let mut heard = next_seqs(&mut dora, group, 1);
                while heard[0] < joined.conv.first {
                    heard = next_seqs(&mut dora, group, 1);
                }
                heard.extend(next_seqs(&mut dora, group, 5));
                let expected: Vec<u64> = (heard[0]..heard[0] + 6).collect();
                assert_eq!(heard, expected, "on the node where she joins");
                assert!((joined.conv.first..=joined.conv.last + 1).contains(&heard[0]), "{joined:?}");
                // Who leaves need not be given what was said just before.
                for (device, heard_by) in devices.iter_mut().zip(&mut heard_by) {
                    while heard_by.last().is_none_or(|last| *last < heard[5]) {
                        heard_by.extend(next_seqs(device, group, 1));
                    }
                }
                dora.call(Request::LeaveGroup(GroupRef { groupid: group })).expect("left");
                messages_so_far(&mut dora);
                (joined.conv.first, heard[5])
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
            for kind in [GroupEventKind::Joined, GroupEventKind::Left] {
                let event = ann.push(|push| match push {
                    Push::GroupEvent(event) if event.id == bob_is.id => Some(event.event),
                    _ => None,
                });
                assert_eq!(event, kind, "round {round}");
            }
        }
    });
}

/// Whoever finds a loss knows a time since when; the last to tell may know the earliest.
#[test]
fn what_is_missed_comes_in_order_whoever_tells_first_since_when() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, ann_is) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[1].node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    nodes[1].ear.lose(is_users);
    let (conv, _) = tell(&mut ann, bob_is.id, "1");
    tell(&mut ann, bob_is.id, "2");
    nodes[0].node.clock.advance_ms(LONG_MS);
    tell(&mut ann, bob_is.id, "3");
    until("they are lost", || nodes[1].ear.lost() == 3);
    nodes[1].ear.missed(Timestamp(NOW.0 + LONG_MS));
    nodes[1].ear.missed(NOW);
    // And while it is read, what was said since comes live.
    nodes[1].ear.lose(|_| false);
    nodes[0].node.clock.advance_ms(LONG_MS);
    tell(&mut ann, bob_is.id, "4");
    assert_eq!(next_seqs(&mut bob, conv, 4), [1, 2, 3, 4]);
    until("it is looked for", || nodes[1].node.gateway.snapshot().sweeps == 1);
    assert_eq!(messages_so_far(&mut bob), []);
}

/// Three nodes, whose clocks say the same all the time.
#[test]
fn of_several_that_resume_a_session_at_once_one_is_left() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 3);
    let (mut holder, is) = Peer::user(nodes[0].node.address, "ann");
    let token = is.token.expect("a token");
    let bye = |push: &Push| if let Push::Bye(bye) = push { Some(Code(bye.errcode)) } else { None };
    for round in 0..30 {
        let peers: Vec<Peer> = (0..6).map(|n| Peer::connect(nodes[n % 3].node.address)).collect();
        let start = std::sync::Barrier::new(peers.len());
        let mut peers: Vec<Peer> = std::thread::scope(|scope| {
            let (start, token) = (&start, &token);
            let resume = move |mut peer: Peer| {
                start.wait();
                peer.send(Request::Resume(Resume { token: token.clone(), ..Resume::default() }));
                // An answer, or the end.
                while let Some(incoming) = peer.next() {
                    match incoming {
                        Incoming::Push(push) => peer.pushes.push(push),
                        Incoming::Reply { .. } => break,
                    }
                }
                peer
            };
            let racers: Vec<_> = peers.into_iter().map(|peer| scope.spawn(move || resume(peer))).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert_eq!(holder.push(bye), Code::SESSION_MOVED, "round {round}");
        let stays = |peer: &mut Peer| {
            peer.send(Request::Friends(Page::default()));
            loop {
                match peer.next() {
                    None => return false,
                    Some(Incoming::Push(_)) => {}
                    Some(Incoming::Reply { result, .. }) => return result.is_ok(),
                }
            }
        };
        until("one is left", || {
            peers.retain_mut(stays);
            peers.len() <= 1
        });
        until("all is said", || nodes.iter().all(|node| node.node.gateway.snapshot().notices_waiting == 0));
        peers.retain_mut(stays);
        holder = peers.pop().unwrap_or_else(|| panic!("round {round}: they closed each other"));
    }
}

#[test]
fn a_session_that_came_back_stays_whatever_its_other_node_tells_late() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut first, first_is) = Peer::user(nodes[0].node.address, "ann");
    let token = first_is.token.expect("a token");
    nodes[1].mouth.take_said(|_| true);
    let resume = |at: usize, after_ms: u64| {
        nodes[at].node.clock.advance_ms(after_ms);
        let mut peer = Peer::connect(nodes[at].node.address);
        peer.call(Request::Resume(Resume { token: token.clone(), ..Resume::default() })).expect("resumed");
        peer
    };
    let mut away = resume(1, 1_000);
    let bye = |push: &Push| if let Push::Bye(bye) = push { Some(Code(bye.errcode)) } else { None };
    assert_eq!(first.push(bye), Code::SESSION_MOVED);
    let late = nodes[1].mouth.take_said(is_nodes);
    let mut back = resume(0, 2_000);
    assert_eq!(away.push(bye), Code::SESSION_MOVED);
    late.into_iter().for_each(|notice| nodes[0].ear.hear(notice));
    until("it is worked off", || nodes[0].node.gateway.snapshot().notices_waiting == 0);
    assert_eq!(messages_so_far(&mut back), []);
    assert!(!back.pushes.iter().any(|push| bye(push).is_some()));
}
