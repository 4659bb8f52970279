//! Everybody hears everything once and in order, while the bus does what it likes.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::{GroupChat, Incoming, MessageKind, Push, Reply, Request};

use crate::bad_bus::{ClusterNode, Dice};
use crate::chat::{join, message, open_group, say, tell};
use crate::node::{Peer, World, befriend};

pub(crate) fn seed() -> u64 {
    let given = std::env::var("GATEWAY_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64 % 1_000_000)
    });
    println!("GATEWAY_TEST_SEED={seed}");
    seed
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
            // Who came into the group, some hear and others not: it is from before.
            Incoming::Push(Push::Message(told)) if told.kind == MessageKind::System => {}
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
    fn check(&self, who: &str, conv: u64, first: u64, count: u64) {
        let pushed = self.pushed.get(&conv).cloned().unwrap_or_default();
        assert!(pushed.is_sorted(), "{who} saw conversation {conv} in the order {pushed:?}");
        let mut all = self.answered.get(&conv).cloned().unwrap_or_default();
        all.extend(pushed);
        all.sort_unstable();
        assert_eq!(all, (first..first + count).collect::<Vec<_>>(), "{who} in conversation {conv}");
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
        befriend(one, other);
    }
    let mut phones: Vec<Peer> = (0..6).map(|n| Peer::device(at(n + 2), &format!("user{n}"))).collect();
    // The first message of each conversation arrives everywhere: from it on every node knows its place.
    let mut convs: BTreeMap<u64, Vec<usize>> = BTreeMap::from([(group, (0..6).collect())]);
    // After the five who came in.
    let group_first = say(&mut users[0], group, "first");
    assert_eq!(group_first, 6);
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
                record.answered.insert(group, vec![group_first]);
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
                        peer.send(Request::GroupChat(GroupChat {
                            groupid,
                            msg,
                            client_msg_id: id,
                            ..GroupChat::default()
                        }));
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
            let first = if *conv == group { group_first } else { 1 };
            record.check(&format!("device {index}"), *conv, first, last[conv]);
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
