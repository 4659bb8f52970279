//! Several nodes: everybody hears everything once and in order, whatever the bus does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cluster::local::LocalExchange;
use domain::{
    Bus, GroupId, PresenceWatcher, Publication, SessionId, SessionStore, StoreError, Topic, UserId,
};
use gateway::{GatewayConfig, GatewayDied};
use protocol::{
    Code, CreateGroup, GroupChat, GroupRef, Incoming, Push, Reply, Request, Resume, SessionRef, State,
};

use crate::bad_bus::{ClusterNode, Dice, quick};
use crate::node::{PATIENCE, Peer, World, befriend, until};

pub(crate) fn seed() -> u64 {
    let given = std::env::var("GATEWAY_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64 % 1_000_000)
    });
    println!("GATEWAY_TEST_SEED={seed}");
    seed
}

pub(crate) fn message(push: &Push) -> Option<(u64, u64)> {
    if let Push::Message(message) = push { Some((message.conv, message.seq)) } else { None }
}

pub(crate) fn open_group(owner: &mut Peer) -> u64 {
    let create = CreateGroup { groupname: "all".into(), groupdesc: String::new() };
    match owner.call(Request::CreateGroup(create)) {
        Ok(Reply::CreateGroup(joined)) => joined.group.id,
        other => panic!("no group: {other:?}"),
    }
}

pub(crate) fn join(peer: &mut Peer, groupid: u64) {
    peer.call(Request::JoinGroup(GroupRef { groupid })).expect("joined");
}

pub(crate) fn say(peer: &mut Peer, groupid: u64, id: &str) -> u64 {
    let chat = GroupChat { groupid, msg: format!("this is {id}"), client_msg_id: id.into() };
    match peer.call(Request::GroupChat(chat)) {
        Ok(Reply::GroupChat(sent)) => sent.seq,
        other => panic!("not said: {other:?}"),
    }
}

pub(crate) fn tell(peer: &mut Peer, to: u64, id: &str) -> (u64, u64) {
    peer.chat(to, &format!("this is {id}"), id);
    match peer.reply().1 {
        Ok(Reply::OneChat(sent)) => (sent.conv, sent.seq),
        other => panic!("not said: {other:?}"),
    }
}

/// The seqs of the next pushed messages of a conversation.
pub(crate) fn next_seqs(peer: &mut Peer, conv: u64, n: usize) -> Vec<u64> {
    (0..n).map(|_| peer.push(|push| message(push).filter(|(of, _)| *of == conv)).1).collect()
}

/// What one connection got: by conversation, the pushed seqs in their order, and those of its answers.
#[derive(Default)]
struct Record {
    pushed: BTreeMap<u64, Vec<u64>>,
    answered: BTreeMap<u64, Vec<u64>>,
}

impl Record {
    fn note(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Push(push) => {
                if let Some((conv, seq)) = message(&push) {
                    self.pushed.entry(conv).or_default().push(seq);
                }
            }
            Incoming::Reply { result, .. } => match result.expect("done") {
                Reply::OneChat(sent) | Reply::GroupChat(sent) => {
                    self.answered.entry(sent.conv).or_default().push(sent.seq);
                }
                other => panic!("{other:?}"),
            },
        }
    }

    fn has(&self, conv: u64, last: u64) -> bool {
        let count = |seen: &BTreeMap<u64, Vec<u64>>| seen.get(&conv).map_or(0, Vec::len) as u64;
        count(&self.pushed) + count(&self.answered) >= last
    }

    /// All of a conversation, once, what was pushed in order.
    fn check(&self, who: &str, conv: u64, last: u64) {
        let pushed = self.pushed.get(&conv).cloned().unwrap_or_default();
        assert!(pushed.is_sorted(), "{who} saw conversation {conv} in the order {pushed:?}");
        let mut all = self.answered.get(&conv).cloned().unwrap_or_default();
        all.extend(pushed);
        all.sort_unstable();
        assert_eq!(all, (1..=last).collect::<Vec<_>>(), "{who} in conversation {conv}");
    }
}

/// Six users, two a node, each with a second device on the next node; friends in a ring, and all in one group. Everybody
/// says things at once while every node's bus loses, doubles, delays and reorders; then the bus finds out.
#[test]
fn everybody_sees_everything_once_and_in_order_whatever_the_bus_does() {
    const SENDS: u64 = 60;
    let seed = seed();
    let world = World::new();
    let nodes = ClusterNode::several(&world, 3);
    let at = |user: usize| nodes[user / 2 % 3].node.address;
    let (mut users, ids): (Vec<Peer>, Vec<u64>) = (0..6)
        .map(|n| {
            let (peer, is) = Peer::user(at(n), &format!("user{n}"));
            (peer, is.id)
        })
        .unzip();
    let group = open_group(&mut users[0]);
    users[1..].iter_mut().for_each(|user| join(user, group));
    for n in 0..6 {
        let m = (n + 1) % 6;
        let [one, other] = users.get_disjoint_mut([n, m]).expect("two");
        befriend(one, other, ids[n], ids[m]);
    }
    let mut phones: Vec<Peer> = (0..6)
        .map(|n| {
            let mut phone = Peer::connect(at(n + 2));
            phone.log_in(&format!("user{n}"));
            phone
        })
        .collect();
    // The first message of each conversation arrives everywhere: from it on every node knows its place.
    let mut convs: BTreeMap<u64, Vec<usize>> = BTreeMap::from([(group, (0..6).collect())]);
    assert_eq!(say(&mut users[0], group, "first"), 1);
    let mut pairs = Vec::new();
    for (n, user) in users.iter_mut().enumerate() {
        let m = (n + 1) % 6;
        let (conv, seq) = tell(user, ids[m], &format!("first of {n}"));
        assert_eq!(seq, 1);
        convs.insert(conv, vec![n, m]);
        pairs.push(conv);
    }
    let mut devices: Vec<(usize, Peer, Record)> = Vec::new();
    for (n, peer) in users.into_iter().enumerate().chain(phones.drain(..).enumerate()) {
        let mut record = Record::default();
        if devices.len() < 6 {
            record.answered.insert(pairs[n], vec![1]);
            if n == 0 {
                record.answered.insert(group, vec![1]);
            }
        }
        devices.push((n, peer, record));
    }
    for (n, peer, record) in &mut devices {
        for push in std::mem::take(&mut peer.pushes) {
            record.note(Incoming::Push(push));
        }
        for (conv, _) in convs.iter().filter(|(_, who)| who.contains(n)) {
            while !record.has(*conv, 1) {
                record.note(peer.next().expect("connected"));
            }
        }
    }

    nodes.iter().zip(0..).for_each(|(node, n)| node.ear.storm(seed + n));
    std::thread::scope(|scope| {
        for (index, (n, peer, record)) in devices.iter_mut().enumerate() {
            let (ids, n) = (&ids, *n);
            scope.spawn(move || {
                let mut dice = Dice(seed * 100 + index as u64);
                for round in 0..SENDS {
                    let id = format!("{index}-{round}");
                    if dice.roll(3) == 0 {
                        let (groupid, msg) = (group, "to all".to_owned());
                        peer.send(Request::GroupChat(GroupChat { groupid, msg, client_msg_id: id }));
                    } else {
                        let friend = (n + [1, 5][dice.roll(2) as usize]) % 6;
                        peer.chat(ids[friend], "to one", &id);
                    }
                }
                let before: usize = record.answered.values().map(Vec::len).sum();
                while record.answered.values().map(Vec::len).sum::<usize>() < before + SENDS as usize {
                    record.note(peer.next().expect("connected"));
                }
            });
        }
    });
    nodes.iter().for_each(|node| node.ear.calm());
    nodes.iter().for_each(|node| node.ear.found_out());

    let last: BTreeMap<u64, u64> = convs
        .keys()
        .map(|conv| {
            let answered = |record: &Record| record.answered.get(conv).map_or(0, Vec::len) as u64;
            (*conv, devices.iter().map(|(_, _, record)| answered(record)).sum())
        })
        .collect();
    assert_eq!(last.values().sum::<u64>(), 12 * SENDS + 7);
    for (index, (n, peer, record)) in devices.iter_mut().enumerate() {
        for (conv, _) in convs.iter().filter(|(_, who)| who.contains(n)) {
            while !record.has(*conv, last[conv]) {
                record.note(peer.next().expect("connected"));
            }
            record.check(&format!("device {index}"), *conv, last[conv]);
        }
        assert!(record.pushed.keys().all(|conv| convs[conv].contains(n)), "what is for others only");
    }
    let totals = nodes.iter().map(|node| node.node.gateway.snapshot());
    let (mut gaps, mut doubles, mut repaired) = (0, 0, 0);
    for snapshot in totals {
        gaps += snapshot.gaps;
        doubles += snapshot.doubles;
        repaired += snapshot.repaired_messages;
        assert_eq!((snapshot.phantoms, snapshot.bus_malformed, snapshot.given_up), (0, 0, 0));
    }
    println!("{gaps} gaps, {doubles} doubles, {repaired} messages from the log");
    assert!(gaps > 0 && doubles > 0 && repaired > 0, "the bus was not bad enough");
}

#[test]
fn a_gap_closes_without_another_message() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, ann_is) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[1].node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let (conv, _) = tell(&mut ann, bob_is.id, "1");
    assert_eq!(next_seqs(&mut bob, conv, 1), [1]);
    nodes[1].ear.lose(|publication| matches!(publication.topic, Topic::User(_)));
    tell(&mut ann, bob_is.id, "2");
    tell(&mut ann, bob_is.id, "3");
    until("they are lost", || nodes[1].ear.lost() == 2);
    nodes[1].ear.lose(|_| false);
    tell(&mut ann, bob_is.id, "4");
    assert_eq!(next_seqs(&mut bob, conv, 3), [2, 3, 4]);
    let counted = nodes[1].node.gateway.snapshot();
    assert_eq!((counted.gaps, counted.phantoms), (1, 0));
    until("nothing is held", || nodes[1].node.gateway.snapshot().held == 0);
}

#[test]
fn a_gap_closes_when_the_store_is_back() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, ann_is) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[1].node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let (conv, _) = tell(&mut ann, bob_is.id, "1");
    assert_eq!(next_seqs(&mut bob, conv, 1), [1]);
    nodes[1].ear.lose(|publication| matches!(publication.topic, Topic::User(_)));
    tell(&mut ann, bob_is.id, "2");
    until("it is lost", || nodes[1].ear.lost() == 1);
    nodes[1].ear.lose(|_| false);
    // After ann's message is stored.
    world.store.spare_next(1);
    world.store.fail_next(StoreError::unavailable("page", "away"), 10_000);
    tell(&mut ann, bob_is.id, "3");
    until("the store is asked in vain", || nodes[1].node.gateway.snapshot().mender_retries >= 2);
    assert_eq!(nodes[1].node.gateway.snapshot().held, 1);
    world.store.forget_faults();
    assert_eq!(next_seqs(&mut bob, conv, 2), [2, 3]);
}

#[test]
fn what_a_node_stored_and_could_not_say_is_read_when_it_is_found_dead() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 3);
    let (mut ann, ann_is) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[1].node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let group = open_group(&mut ann);
    join(&mut bob, group);
    let mut nodes = nodes.into_iter();
    let (one, two, _three) = (nodes.next().unwrap(), nodes.next().unwrap(), nodes.next().unwrap());
    one.mouth.mute();
    // The first messages of their conversations: node two knows nothing of them.
    let (conv, _) = tell(&mut ann, bob_is.id, "a");
    tell(&mut ann, bob_is.id, "b");
    assert_eq!(say(&mut ann, group, "c"), 1);
    drop((ann, one));
    two.ear.found_out();
    assert_eq!(next_seqs(&mut bob, conv, 2), [1, 2]);
    assert_eq!(next_seqs(&mut bob, group, 1), [1]);
}

#[test]
fn a_repeat_on_another_node_brings_what_the_first_node_could_not_say() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 3);
    let (mut ann, ann_is) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[2].node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let (conv, _) = tell(&mut ann, bob_is.id, "1");
    assert_eq!(next_seqs(&mut bob, conv, 1), [1]);
    nodes[0].mouth.mute();
    let place = tell(&mut ann, bob_is.id, "2");
    drop(ann);
    let mut ann = Peer::connect(nodes[1].node.address);
    ann.log_in("ann");
    assert_eq!(tell(&mut ann, bob_is.id, "2"), place);
    assert_eq!(next_seqs(&mut bob, conv, 1), [2]);
    // Again and again: it is a repeat, and bob has it.
    assert_eq!(tell(&mut ann, bob_is.id, "2"), place);
    assert_eq!(tell(&mut ann, bob_is.id, "1"), (conv, 1));
    tell(&mut ann, bob_is.id, "3");
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
    nodes[0].mouth.take_said(|_| true);
    assert_eq!(say(&mut users[0], group, "1"), 1);
    for user in &mut users[1..] {
        assert_eq!(next_seqs(user, group, 1), [1]);
    }
    let said: Vec<Topic> = nodes[0].mouth.take_said(|_| true).iter().map(|said| said.topic).collect();
    assert_eq!(said, [Topic::Group(GroupId(group))]);
    // Nobody is left on node two: it need not hear of it any more.
    drop((users.remove(4), users.remove(1)));
    until("node two is empty", || nodes[1].node.gateway.snapshot().users == 0);
    until("the topic is left", || nodes[1].node.gateway.snapshot().group_topics == 0);
    let before = nodes[1].node.gateway.snapshot().bus_messages;
    assert_eq!(say(&mut users[0], group, "2"), 2);
    assert_eq!(next_seqs(&mut users[1], group, 1), [2]);
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
        assert_eq!(say(&mut ann, group, "1"), 1);
        others[..2].iter_mut().for_each(|user| assert_eq!(next_seqs(user, group, 1), [1]));
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
        assert_eq!(seqs, [2, 3, 4]);
        assert_eq!(next_seqs(&mut others[1], group, 3), [2, 3, 4], "lost: {notices_are_lost}");
        assert_eq!(next_seqs(&mut others[2], group, 3), [2, 3, 4], "lost: {notices_are_lost}");
        // Bob hears nothing: the answer to a request comes after whatever was on its way.
        for device in [&mut bob, &mut others[0]] {
            device.call(Request::Friends(protocol::Page::default())).expect("a page");
            assert!(device.pushes.iter().filter_map(message).all(|(_, seq)| seq == 1), "{notices_are_lost}");
        }
    }
}

/// Whoever comes reads what was said before in the log, and is pushed what is said after: between the two is no hole,
/// on whichever node they come, however often they come and go.
#[test]
fn who_comes_and_goes_misses_nothing_that_is_said_meanwhile() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 3);
    let (mut ann, ann_is) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[1].node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let group = open_group(&mut ann);
    join(&mut bob, group);
    drop(bob);
    let talking = AtomicBool::new(true);
    std::thread::scope(|scope| {
        // However this ends, ann ends too.
        let _quiet = Quiet(&talking);
        scope.spawn(|| {
            let mut n = 0;
            while talking.load(SeqCst) {
                tell(&mut ann, bob_is.id, &format!("one {n}"));
                say(&mut ann, group, &format!("all {n}"));
                n += 1;
            }
        });
        for visit in 0..60 {
            let mut bob = Peer::connect(nodes[visit % 3].node.address);
            bob.log_in("bob");
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

pub(crate) struct Quiet<'a>(pub(crate) &'a AtomicBool);

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

#[test]
fn an_overflowing_inbox_costs_no_message() {
    const SENDS: u64 = 300;
    let world = World::new();
    let exchange = LocalExchange::new();
    let one = ClusterNode::new(&world, &exchange, quick());
    let config = GatewayConfig { bus_inbox_max: 2, ..quick() };
    let two = ClusterNode::new(&world, &exchange, config);
    let (mut ann, ann_is) = Peer::user(one.node.address, "ann");
    let (mut bob, bob_is) = Peer::user(two.node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let (conv, _) = tell(&mut ann, bob_is.id, "first");
    assert_eq!(next_seqs(&mut bob, conv, 1), [1]);
    for n in 0..SENDS {
        ann.chat(bob_is.id, "many", &n.to_string());
    }
    for _ in 0..SENDS {
        ann.reply().1.expect("stored");
    }
    assert_eq!(next_seqs(&mut bob, conv, SENDS as usize), (2..=SENDS + 1).collect::<Vec<_>>());
    let counted = two.node.gateway.snapshot();
    assert!(counted.bus_inbox_dropped > 0, "the inbox was large enough");
    assert!(counted.bus_inbox_high_water <= 2);
    until("everything is looked through", || two.node.gateway.snapshot().sweeps > 0);
}

#[test]
fn sessions_end_and_move_across_nodes() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut laptop, laptop_is) = Peer::user(nodes[0].node.address, "ann");
    let mut phone = Peer::connect(nodes[1].node.address);
    let phone_is = phone.log_in("ann");
    let bye = |push: &Push| if let Push::Bye(bye) = push { Some(Code(bye.errcode)) } else { None };
    phone.call(Request::EndSession(SessionRef { session: laptop_is.session })).expect("ended");
    assert_eq!(laptop.push(bye), Code::SESSION_ENDED);
    assert!(laptop.next().is_none());
    let mut moved = Peer::connect(nodes[0].node.address);
    let token = phone_is.token.expect("a token");
    moved.call(Request::Resume(Resume { token, ..Resume::default() })).expect("resumed");
    assert_eq!(phone.push(bye), Code::SESSION_MOVED);
    // And when node one does not hear of it, it looks as soon as the bus says so.
    let mut tablet = Peer::connect(nodes[1].node.address);
    tablet.log_in("ann");
    nodes[0].ear.lose(|publication| publication.topic == Topic::Nodes);
    tablet.call(Request::EndSession(SessionRef { session: phone_is.session })).expect("ended");
    nodes[0].ear.lose(|_| false);
    nodes[0].ear.found_out();
    assert_eq!(moved.push(bye), Code::SESSION_ENDED);
}

#[test]
fn while_the_bus_is_away_sessions_are_compared_with_the_store() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let config = GatewayConfig { tick: Duration::from_millis(20), ..quick() };
    let one = ClusterNode::new(&world, &exchange, config);
    let (mut ann, ann_is) = Peer::user(one.node.address, "ann");
    one.mouth.set_away(true);
    // As another node does it, of which this one cannot hear.
    assert!(world.store.end_session(UserId(ann_is.id), SessionId(ann_is.session)).unwrap());
    let bye = ann.push(|push| if let Push::Bye(bye) = push { Some(Code(bye.errcode)) } else { None });
    assert_eq!(bye, Code::SESSION_ENDED);
}

#[test]
fn of_a_gap_that_is_too_large_the_newest_are_pushed() {
    const LOST: u64 = 2_500;
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, ann_is) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[1].node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let (conv, _) = tell(&mut ann, bob_is.id, "first");
    assert_eq!(next_seqs(&mut bob, conv, 1), [1]);
    nodes[1].ear.lose(|publication| matches!(publication.topic, Topic::User(_)));
    for begin in (0..LOST).step_by(50) {
        for n in begin..begin + 50 {
            ann.chat(bob_is.id, "lost", &n.to_string());
        }
        for _ in 0..50 {
            ann.reply().1.expect("stored");
        }
    }
    until("all are lost", || nodes[1].ear.lost() == LOST);
    nodes[1].ear.lose(|_| false);
    let (_, last) = tell(&mut ann, bob_is.id, "last");
    let seqs = next_seqs(&mut bob, conv, 2_000);
    assert_eq!(seqs, (last - 1_999..=last).collect::<Vec<_>>());
    assert_eq!(nodes[1].node.gateway.snapshot().given_up, last - 2_000 - 1);
}

/// What a node says of a conversation decides nothing: whose it is stands in the store.
#[test]
fn nobody_is_brought_the_log_of_others_on_the_word_of_the_bus() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let one = ClusterNode::new(&world, &exchange, quick());
    let stranger = exchange.join();
    let names = ["ann", "bob", "eve"];
    let [(mut ann, ann_is), (mut bob, bob_is), (mut eve, eve_is)] =
        names.map(|name| Peer::user(one.node.address, name));
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let group = open_group(&mut ann);
    let (conv, _) = tell(&mut ann, bob_is.id, "1");
    assert_eq!(next_seqs(&mut bob, conv, 1), [1]);
    assert_eq!(say(&mut ann, group, "1"), 1);
    let mut payload = Bytes::new();
    until("the message is published", || {
        let said = one.mouth.take_said(|topic| topic == Topic::User(UserId(bob_is.id)));
        payload = said.last().map(|said| said.payload.clone()).unwrap_or_default();
        payload.windows(14).any(|text| text == b"\"msg\":\"this is")
    });
    for (of, phantoms) in [(conv, 2), (group, 4)] {
        for seq in [1_000u64, 2_000] {
            // Between eve and a user whom nobody knows.
            let mut forged = payload.to_vec();
            for (at, number) in [(2, of), (10, seq), (18, eve_is.id), (26, 77_777)] {
                forged[at..at + 8].copy_from_slice(&number.to_be_bytes());
            }
            let topic = Topic::User(UserId(eve_is.id));
            stranger.publish(vec![Publication { topic, payload: Bytes::from(forged) }]).unwrap();
        }
        until("the log was asked", || one.node.gateway.snapshot().phantoms == phantoms);
    }
    eve.call(Request::Friends(protocol::Page::default())).expect("a page");
    assert_eq!(eve.pushes.iter().filter_map(message).count(), 0, "neither forgeries nor the log");
    assert_eq!(one.node.gateway.snapshot().gap_repairs, 0);
    // And the two whose conversation it is go on with it.
    let looked = one.node.gateway.snapshot().places_sought;
    assert_eq!(tell(&mut bob, ann_is.id, "2"), (conv, 2));
    assert_eq!(next_seqs(&mut ann, conv, 1), [2]);
    assert_eq!(one.node.gateway.snapshot().places_sought, looked);
}

#[test]
fn presence_that_was_found_out_is_told_to_friends_on_all_nodes() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, ann_is) = Peer::user(nodes[0].node.address, "ann");
    let (mut bob, bob_is) = Peer::user(nodes[1].node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let told = |of: u64| {
        move |push: &Push| match push {
            Push::Presence(presence) if presence.id == of => Some(presence.state),
            _ => None,
        }
    };
    nodes[0].node.hub.changed(vec![UserId(ann_is.id)]);
    assert_eq!(bob.push(told(ann_is.id)), State::Online);
    world.presence.blind();
    nodes[0].node.hub.review();
    nodes[1].node.hub.review();
    assert_eq!(bob.push(told(ann_is.id)), State::Unknown);
}

#[test]
fn junk_on_the_bus_is_counted_and_harms_nobody() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let one = ClusterNode::new(&world, &exchange, quick());
    let stranger = exchange.join();
    let (mut ann, ann_is) = Peer::user(one.node.address, "ann");
    let (mut bob, bob_is) = Peer::user(one.node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let (conv, _) = tell(&mut ann, bob_is.id, "1");
    assert_eq!(next_seqs(&mut bob, conv, 1), [1]);
    let mut payload = Bytes::new();
    until("the message is published", || {
        let said = one.mouth.take_said(|topic| topic == Topic::User(UserId(bob_is.id)));
        payload = said.last().map(|said| said.payload.clone()).unwrap_or_default();
        payload.windows(14).any(|text| text == b"\"msg\":\"this is")
    });
    let say = |topic, payload: Vec<u8>| {
        stranger.publish(vec![Publication { topic, payload: Bytes::from(payload) }]).unwrap();
    };
    let bob_topic = Topic::User(UserId(bob_is.id));
    let mut junk = 0;
    for end in 0..payload.len() {
        say(bob_topic, payload[..end].to_vec());
        junk += 1;
    }
    say(Topic::Nodes, payload.to_vec());
    say(bob_topic, b"GET / HTTP/1.1\r\n".to_vec());
    junk += 2;
    until("all is counted", || one.node.gateway.snapshot().bus_malformed == junk);
    // A message far ahead, which nobody stored: the log says so, and nobody sees it or waits for it.
    let mut phantom = payload.to_vec();
    phantom[10..18].copy_from_slice(&(1u64 << 50).to_be_bytes());
    say(bob_topic, phantom);
    until("the log was asked", || one.node.gateway.snapshot().phantoms == 1);
    // A conversation of users whom nobody knows; a bus would not bring it, but may.
    let (nobody, nobody_else) = (UserId(77_777), UserId(77_778));
    let mut unknown = payload.to_vec();
    for (at, id) in [(2, 77_777), (18, nobody.0), (26, nobody_else.0)] {
        unknown[at..at + 8].copy_from_slice(&u64::to_be_bytes(id));
    }
    one.ear.hear(Publication { topic: Topic::User(nobody), payload: Bytes::from(unknown) });
    until("it is counted", || one.node.gateway.snapshot().no_reader == 1);
    tell(&mut ann, bob_is.id, "2");
    assert_eq!(next_seqs(&mut bob, conv, 1), [2]);
}

#[test]
fn an_expelled_node_stops_and_says_why() {
    let world = World::new();
    let mut nodes = ClusterNode::several(&world, 2).into_iter();
    let one = nodes.next().unwrap();
    let (mut ann, _) = Peer::user(one.node.address, "ann");
    one.node.hub.expelled("another process took the name node-1".to_owned());
    let bye = ann.push(|push| if let Push::Bye(bye) = push { Some(Code(bye.errcode)) } else { None });
    assert_eq!(bye, Code::GOING_AWAY);
    let begun = Instant::now();
    match one.node.gateway.join() {
        Err(GatewayDied::Expelled { why }) => assert!(why.contains("node-1")),
        other => panic!("{other:?}"),
    }
    assert!(begun.elapsed() < PATIENCE);
}
