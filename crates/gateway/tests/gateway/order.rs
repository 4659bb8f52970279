//! A connection's requests take effect in order, and each gets one answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster::local::LocalBus;
use domain::UserId;
use gateway::GatewayConfig;
use protocol::{Code, History, Page, PresencePush, Push, Reply, Request, State};
use service::{Audience, Hub};

use crate::node::{Peer, World, befriend};

#[test]
fn a_history_behind_messages_sees_them_all() {
    let world = World::new();
    let node = world.node(GatewayConfig::default(), Arc::new(LocalBus::alone()));
    let (mut ann, ann_is) = Peer::user(node.address, "ann");
    let (mut bob, bob_is) = Peer::user(node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    for round in 0..20u64 {
        let rids: Vec<_> = (0..10).map(|n| ann.chat(bob_is.id, "hi", &format!("{round}-{n}"))).collect();
        let asked = ann.send(Request::History(History { conv: 1, after: None, before: None, limit: 1 }));
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
    let (mut ann, ann_is) = Peer::user(node.address, "ann");
    let (mut bob, bob_is) = Peer::user(node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let mut phone = Peer::connect(node.address);
    // The look-up of the credentials and the new session; then the friends and their states are read.
    world.store.spare_next(2);
    let hub = Arc::clone(&node.hub);
    world.store.after_next(move || {
        let gone = PresencePush { id: bob_is.id, state: State::Offline };
        hub.push(Audience::Here(&[UserId(ann_is.id)]), &Push::Presence(gone));
    });
    let bundle = phone.log_in("ann");
    assert_eq!(bundle.friends[0].state, State::Online, "read before it changed");
    assert!(phone.pushes.is_empty(), "a push overtook the answer: {:?}", phone.pushes);
    let state = phone.push(|push| if let Push::Presence(p) = push { Some(p.state) } else { None });
    assert_eq!(state, State::Offline);
}
