//! A connection's requests take effect in order, and each gets one answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cluster::local::LocalBus;
use domain::{StoreError, UserId};
use gateway::GatewayConfig;
use protocol::{Code, History, Page, PresencePush, Push, Reply, Request, State};
use service::{Audience, Hub};

use crate::bad_bus::Dice;
use crate::chat::message;
use crate::node::{Peer, World, befriend, friends};

#[test]
fn a_history_behind_messages_sees_them_all() {
    let world = World::new();
    let node = world.node(GatewayConfig::default(), Arc::new(LocalBus::alone()));
    let (mut ann, mut bob) = friends(node.address, node.address);
    for round in 0..20u64 {
        let rids: Vec<_> = (0..10).map(|n| ann.chat(bob.id, "hi", &format!("{round}-{n}"))).collect();
        let asked =
            ann.send(Request::History(History { conv: 1, after: None, before: None, at: None, limit: 1 }));
        let mut answered = BTreeSet::new();
        for _ in 0..=rids.len() {
            let (rid, result) = ann.reply();
            assert!(answered.insert(rid), "{rid} was answered twice");
            match result.expect("done") {
                Reply::OneChat(_) => assert!(!answered.contains(&asked), "the history overtook a message"),
                Reply::History(page) => assert_eq!(page.last, (round + 1) * 10),
                other => panic!("{other:?}"),
            }
        }
    }
    let mut expected = 1;
    while expected <= 200 {
        let seq = bob.push(|push| if let Push::Message(m) = push { Some(m.seq) } else { None });
        assert_eq!(seq, expected);
        expected += 1;
    }
}

#[test]
fn everything_asked_before_a_half_close_is_answered() {
    let world = World::new();
    let config = GatewayConfig { pipeline_max: 8, ..GatewayConfig::default() };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let (mut ann, _) = Peer::user(node.address, "ann");
    let asked: BTreeSet<_> = (0..500).map(|_| ann.send(Request::Friends(Page::default()))).collect();
    ann.half_close();
    let mut answered = BTreeSet::new();
    while let Some(incoming) = ann.next() {
        if let protocol::Incoming::Reply { rid, result } = incoming {
            result.expect("done");
            assert!(answered.insert(rid), "{rid} was answered twice");
        }
    }
    assert_eq!(answered, asked);
}

#[test]
fn a_stopping_node_answers_what_was_asked_and_says_bye() {
    let world = World::new();
    let node = world.node(GatewayConfig::default(), Arc::new(LocalBus::alone()));
    let (mut ann, _) = Peer::user(node.address, "ann");
    node.gateway.stop(std::time::Duration::from_secs(5));
    let bye = ann.push(|push| if let Push::Bye(bye) = push { Some(bye.errcode) } else { None });
    assert_eq!(Code(bye), Code::GOING_AWAY);
    assert!(ann.next().is_none());
    node.gateway.join().expect("a clean end");
}

#[test]
fn what_is_pushed_while_somebody_signs_in_follows_the_answer() {
    let world = World::new();
    let node = world.node(GatewayConfig::default(), Arc::new(LocalBus::alone()));
    let (ann, bob) = friends(node.address, node.address);
    let mut phone = Peer::connect(node.address);
    let hub = Arc::clone(&node.hub);
    world.store.after_next_of("read a standing", move || {
        let gone = PresencePush { id: bob.id, state: State::Offline, last_seen: 0 };
        hub.push(Audience::Here(&[UserId(ann.id)]), &Push::Presence(gone));
    });
    let bundle = phone.log_in("ann");
    assert_eq!(bundle.friends[0].state, State::Online, "read before it changed");
    assert!(phone.pushes.is_empty(), "a push overtook the answer: {:?}", phone.pushes);
    let state = phone.push(|push| if let Push::Presence(p) = push { Some(p.state) } else { None });
    assert_eq!(state, State::Offline);
}

/// Many who write at once, alone and in bursts, while the store refuses now and then: now a worker stores a message, now the
/// appender, and one of them goes on where the other failed. Each conversation keeps one order all the same.
#[test]
fn whoever_stores_them_messages_keep_their_order() {
    const TURNS: u64 = 60;
    let seed = crate::storm::seed();
    let world = World::new();
    let config = GatewayConfig {
        worker_threads: 3,
        append_batch_max: 4,
        append_retry_pauses: vec![Duration::from_millis(1); 50],
        tick: Duration::from_secs(3_600),
        ..GatewayConfig::default()
    };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let (mut reader, reader_is) = Peer::user(node.address, "reader");
    let writers: Vec<_> = (0..4)
        .map(|n| {
            let (mut peer, is) = Peer::user(node.address, &format!("writer-{n}"));
            befriend(&mut peer, &mut reader);
            // From now on nothing is asked of the store but to append.
            peer.chat(reader_is.id, "hi", &format!("{}-0", is.id));
            peer.reply().1.expect("stored");
            (peer, is.id)
        })
        .collect();
    let writing: Vec<_> = writers
        .into_iter()
        .map(|(mut peer, id)| {
            let (mut dice, store) = (Dice(seed + id), Arc::clone(&world.store));
            std::thread::spawn(move || {
                let mut said = 1;
                for _ in 0..TURNS {
                    if dice.roll(8) == 0 {
                        store.fail_next_of(
                            "append messages",
                            StoreError::outcome_unknown("append", "cut"),
                            1,
                        );
                    }
                    let burst = [1, 1, 1, 2, 9][dice.roll(5) as usize];
                    let rids: Vec<u32> = (said..said + burst)
                        .map(|n| peer.chat(reader_is.id, "hi", &format!("{id}-{n}")))
                        .collect();
                    for rid in rids {
                        said += 1;
                        match peer.reply() {
                            (got, Ok(Reply::OneChat(sent))) => assert_eq!((got, sent.seq), (rid, said)),
                            other => panic!("{other:?}"),
                        }
                    }
                }
                said
            })
        })
        .collect();
    let said: u64 = writing.into_iter().map(|writer| writer.join().expect("all went well")).sum();
    let mut last = BTreeMap::new();
    for _ in 0..said {
        let (conv, seq) = reader.push(message);
        let before = last.insert(conv, seq).unwrap_or(0);
        assert_eq!(seq, before + 1, "conversation {conv}");
    }
    let numbers = node.gateway.snapshot();
    let attempts = numbers.append_groups + numbers.append_failed;
    println!("{} of {attempts} attempts were made by workers", numbers.append_led);
    assert!(numbers.append_led > 0 && numbers.append_led < attempts);
    assert!(numbers.append_failed > 0);
    assert_eq!(numbers.busy_store, 0);
}
