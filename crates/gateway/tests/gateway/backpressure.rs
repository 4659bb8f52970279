//! What happens at the limits.

use std::sync::Arc;
use std::time::Duration;

use cluster::local::LocalBus;
use domain::StoreError;
use gateway::GatewayConfig;
use protocol::{Code, History, Push, Reply, Request};

use crate::node::{Peer, World, befriend, until};

#[test]
fn a_store_that_comes_back_in_time_costs_nobody_an_error() {
    let world = World::new();
    let pauses = [5, 5, 5].map(Duration::from_millis).to_vec();
    let config = GatewayConfig { append_retry_pauses: pauses, ..GatewayConfig::default() };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let (mut ann, ann_is) = Peer::user(node.address, "ann");
    let (mut bob, bob_is) = Peer::user(node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    ann.chat(bob_is.id, "warm", "0");
    ann.reply().1.expect("stored");
    world.store.fail_next(StoreError::outcome_unknown("append", "cut"), 3);
    ann.chat(bob_is.id, "late", "1");
    assert!(matches!(ann.reply().1, Ok(Reply::OneChat(sent)) if sent.seq == 2));
    for seq in [1, 2] {
        let got = bob.push(|push| if let Push::Message(m) = push { Some(m.seq) } else { None });
        assert_eq!(got, seq);
    }
    assert_eq!(node.gateway.snapshot().append_failed, 3);
}

#[test]
fn a_store_that_stays_away_is_busy_and_a_repeat_is_stored_once() {
    let world = World::new();
    let pauses = vec![Duration::from_millis(5)];
    let config = GatewayConfig { append_retry_pauses: pauses, ..GatewayConfig::default() };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let (mut ann, ann_is) = Peer::user(node.address, "ann");
    let (mut bob, bob_is) = Peer::user(node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    ann.chat(bob_is.id, "warm", "0");
    ann.reply().1.expect("stored");
    world.store.fail_next(StoreError::unavailable("append", "away"), 2);
    ann.chat(bob_is.id, "again", "1");
    let refusal = ann.reply().1.expect_err("busy");
    assert_eq!(refusal.code, Code::BUSY);
    assert!(refusal.body.retry_after_ms.is_some());
    ann.chat(bob_is.id, "again", "1");
    assert!(matches!(ann.reply().1, Ok(Reply::OneChat(sent)) if sent.seq == 2));
    ann.chat(bob_is.id, "again", "1");
    assert!(matches!(ann.reply().1, Ok(Reply::OneChat(sent)) if sent.seq == 2));
    assert_eq!(node.gateway.snapshot().busy_store, 1);
}

#[test]
fn a_full_pipeline_is_not_read_from_and_loses_nothing() {
    let world = World::new();
    let config = GatewayConfig { pipeline_max: 4, ..GatewayConfig::default() };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let (mut ann, ann_is) = Peer::user(node.address, "ann");
    let (mut bob, bob_is) = Peer::user(node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    for n in 0..1_000 {
        ann.chat(bob_is.id, "hi", &n.to_string());
    }
    for seq in 1..=1_000 {
        assert!(matches!(ann.reply().1, Ok(Reply::OneChat(sent)) if sent.seq == seq));
    }
    assert!(node.gateway.snapshot().pipeline_pauses > 0);
    // What a request took is given back just after its answer is on the way.
    until("all is given back", || {
        let snapshot = node.gateway.snapshot();
        (snapshot.waiting_bytes, snapshot.messages_waiting) == (0, 0)
    });
}

#[test]
fn requests_of_a_lost_connection_give_back_what_they_held() {
    let world = World::new();
    let node = world.node(GatewayConfig::default(), Arc::new(LocalBus::alone()));
    let (_, ann_is) = Peer::user(node.address, "ann");
    for _ in 0..50 {
        // Guests that guess, users that write: both leave with a full pipeline, without a word.
        let mut guest = Peer::connect(node.address);
        for _ in 0..60 {
            guest.try_log_in("ann");
        }
        guest.reset();
        let mut ann = Peer::connect(node.address);
        ann.log_in("ann");
        for n in 0..60 {
            ann.chat(ann_is.id, "to myself", &n.to_string());
        }
        ann.reset();
    }
    until("all is given back", || node.gateway.snapshot().waiting_bytes == 0);
}

#[test]
fn whoever_guesses_passwords_is_cut_off() {
    let world = World::new();
    let config = GatewayConfig { failed_logins_max: 3, ..GatewayConfig::default() };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    Peer::user(node.address, "ann");
    let mut guesser = Peer::connect(node.address);
    for _ in 0..3 {
        let rid = guesser.try_log_in("nobody");
        let (answered, result) = guesser.reply();
        assert_eq!((answered, result.expect_err("wrong").code), (rid, Code::BAD_CREDENTIALS));
    }
    let bye = guesser.push(|push| if let Push::Bye(bye) = push { Some(bye.errcode) } else { None });
    assert_eq!(Code(bye), Code::TOO_MANY);
    assert!(guesser.next().is_none());
}

#[test]
fn a_guest_that_only_chatters_is_cut_off() {
    let world = World::new();
    let config = GatewayConfig { guest_frames_max: 10, ..GatewayConfig::default() };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let mut guest = Peer::connect(node.address);
    for _ in 0..20 {
        guest.send(protocol::Request::Ping(protocol::Nothing {}));
    }
    let answered = std::iter::from_fn(|| guest.next()).collect::<Vec<_>>();
    assert_eq!(answered.len(), 10, "nine pings and a BYE: {answered:?}");
    assert!(
        matches!(answered[9], protocol::Incoming::Push(Push::Bye(ref bye)) if Code(bye.errcode) == Code::TOO_MANY)
    );
    let (mut user, _) = Peer::user(node.address, "ann");
    for _ in 0..50 {
        user.call(protocol::Request::Ping(protocol::Nothing {})).expect("users may");
    }
}

/// Every answer is half a megabyte, all of them together are far more than an outbox may hold, and the reader takes its
/// time: it is a slow reader within its rights.
#[test]
fn a_pipeline_full_of_large_pages_is_answered_in_full() {
    let world = World::new();
    let node = world.node(GatewayConfig::default(), Arc::new(LocalBus::alone()));
    let (mut ann, ann_is) = Peer::user(node.address, "ann");
    let (mut bob, bob_is) = Peer::user(node.address, "bob");
    befriend(&mut ann, &mut bob, ann_is.id, bob_is.id);
    let text = "x".repeat(60 * 1024);
    for n in 0..10 {
        ann.chat(bob_is.id, &text, &n.to_string());
        ann.reply().1.expect("stored");
    }
    let page = || History { conv: 1, after: None, before: None, limit: 200 };
    let asked: Vec<_> = (0..60).map(|_| bob.send(Request::History(page()))).collect();
    for rid in asked {
        let (answered, result) = bob.reply();
        assert_eq!(answered, rid);
        assert!(matches!(result, Ok(Reply::History(page)) if page.messages.len() >= 8));
    }
    let metrics = node.gateway.reactor_metrics().expect("it runs").snapshot();
    assert_eq!(metrics.slow_readers_cut, 0);
}
