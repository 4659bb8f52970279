//! What happens at the limits.

use std::sync::Arc;
use std::time::Duration;

use cluster::local::LocalBus;
use domain::StoreError;
use gateway::GatewayConfig;
use protocol::{Code, History, Push, Reply, Request};

use crate::node::{PATIENCE, Peer, World, friends, until};

#[test]
fn a_store_that_comes_back_in_time_costs_nobody_an_error() {
    let world = World::new();
    let pauses = [5, 5, 5].map(Duration::from_millis).to_vec();
    let config = GatewayConfig { append_retry_pauses: pauses, ..GatewayConfig::default() };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let (mut ann, mut bob) = friends(node.address, node.address);
    ann.chat(bob.id, "warm", "0");
    ann.reply().1.expect("stored");
    world.store.fail_next_of("append messages", StoreError::outcome_unknown("append", "cut"), 3);
    ann.chat(bob.id, "late", "1");
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
    let (mut ann, bob) = friends(node.address, node.address);
    ann.chat(bob.id, "warm", "0");
    ann.reply().1.expect("stored");
    world.store.fail_next_of("append messages", StoreError::unavailable("append", "away"), 2);
    ann.chat(bob.id, "again", "1");
    let refusal = ann.reply().1.expect_err("busy");
    assert_eq!(refusal.code, Code::BUSY);
    assert!(refusal.body.retry_after_ms.is_some());
    ann.chat(bob.id, "again", "1");
    assert!(matches!(ann.reply().1, Ok(Reply::OneChat(sent)) if sent.seq == 2));
    ann.chat(bob.id, "again", "1");
    assert!(matches!(ann.reply().1, Ok(Reply::OneChat(sent)) if sent.seq == 2));
    assert_eq!(node.gateway.snapshot().busy_store, 1);
}

/// Nothing is written behind meanwhile: what the store is told to do meets the appends.
const NEVER: Duration = Duration::from_secs(3_600);

/// The worker that stores a message waits for the store; whatever else is asked meanwhile is done by the others.
#[test]
fn a_store_that_takes_its_time_holds_one_worker_at_most() {
    let world = World::new();
    let config = GatewayConfig { worker_threads: 2, tick: NEVER, ..GatewayConfig::default() };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let (mut ann, mut bob) = friends(node.address, node.address);
    let mut seq = 0;
    // Until a message meets two workers at rest, and is stored by one of them.
    let mut led = 0;
    while led == 0 {
        ann.chat(bob.id, "warm", &format!("warm-{seq}"));
        seq += 1;
        assert!(matches!(ann.reply().1, Ok(Reply::OneChat(sent)) if sent.seq == seq));
        led = node.gateway.snapshot().append_led;
    }
    for round in 0..10 {
        let (told, free) = world.stop_in_append();
        ann.chat(bob.id, "slow", &format!("slow-{round}"));
        told.recv_timeout(PATIENCE).expect("the message is being stored");
        // Each of these may be run, and none of them may wait for the store: not even where messages are checked.
        for n in 0..3 {
            bob.chat(ann.id, "behind", &format!("behind-{round}-{n}"));
            let mut other = Peer::connect(node.address);
            other.call(Request::Friends(protocol::Page::default())).expect_err("not logged in");
        }
        free.send(()).expect("the store waits");
        seq += 1;
        assert!(matches!(ann.reply().1, Ok(Reply::OneChat(sent)) if sent.seq == seq));
        for _ in 0..3 {
            seq += 1;
            assert!(matches!(bob.reply().1, Ok(Reply::OneChat(sent)) if sent.seq == seq));
        }
    }
}

/// Who would have to wait for the store is the only one who serves: so the appender does it.
#[test]
fn the_only_worker_never_waits_for_the_store() {
    let world = World::new();
    let config = GatewayConfig { worker_threads: 1, tick: NEVER, ..GatewayConfig::default() };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let (mut ann, mut bob) = friends(node.address, node.address);
    for n in 0..50 {
        ann.chat(bob.id, "hi", &n.to_string());
        ann.reply().1.expect("stored");
    }
    let (told, free) = world.stop_in_append();
    ann.chat(bob.id, "slow", "slow");
    told.recv_timeout(PATIENCE).expect("the message is being stored");
    bob.call(Request::Friends(protocol::Page::default())).expect("served meanwhile");
    free.send(()).expect("the store waits");
    ann.reply().1.expect("stored");
    assert_eq!(node.gateway.snapshot().append_led, 0);
}

/// A store that is away is tried once by a worker, if at all, and then by the appender alone, until it is back.
#[test]
fn a_store_that_is_away_holds_no_worker() {
    let world = World::new();
    let pauses = vec![Duration::from_millis(1); 3];
    let config = GatewayConfig {
        append_retry_pauses: pauses,
        worker_threads: 2,
        tick: NEVER,
        ..GatewayConfig::default()
    };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let (mut ann, bob) = friends(node.address, node.address);
    ann.chat(bob.id, "warm", "0");
    ann.reply().1.expect("stored");
    until("it is counted", || node.gateway.snapshot().append_groups == 1);
    world.store.fail_next_of("append messages", StoreError::unavailable("append", "away"), 4 + 20);
    let before = node.gateway.snapshot();
    for n in 0..=20 {
        ann.chat(bob.id, "away", &format!("away-{n}"));
        assert_eq!(ann.reply().1.expect_err("busy").code, Code::BUSY);
    }
    let numbers = node.gateway.snapshot();
    assert_eq!(
        numbers.append_failed - before.append_failed,
        4 + 20,
        "the first in four attempts, the others in one"
    );
    assert_eq!(numbers.append_groups, 1);
    assert!(numbers.append_led - before.append_led <= 1, "a worker tried it again and again");
    ann.chat(bob.id, "back", "back");
    assert!(matches!(ann.reply().1, Ok(Reply::OneChat(sent)) if sent.seq == 2));
    assert_eq!(node.gateway.snapshot().append_led, numbers.append_led, "the appender finds it back");
}

#[test]
fn a_full_pipeline_is_not_read_from_and_loses_nothing() {
    let world = World::new();
    let config = GatewayConfig { pipeline_max: 4, ..GatewayConfig::default() };
    let node = world.node(config, Arc::new(LocalBus::alone()));
    let (mut ann, bob) = friends(node.address, node.address);
    for n in 0..1_000 {
        ann.chat(bob.id, "hi", &n.to_string());
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
        let mut ann = Peer::device(node.address, "ann");
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
    let (mut ann, mut bob) = friends(node.address, node.address);
    let text = "x".repeat(60 * 1024);
    for n in 0..10 {
        ann.chat(bob.id, &text, &n.to_string());
        ann.reply().1.expect("stored");
    }
    let page = || History { conv: 1, after: None, before: None, at: None, limit: 200 };
    let asked: Vec<_> = (0..60).map(|_| bob.send(Request::History(page()))).collect();
    for rid in asked {
        let (answered, result) = bob.reply();
        assert_eq!(answered, rid);
        assert!(matches!(result, Ok(Reply::History(page)) if page.messages.len() >= 8));
    }
    let metrics = node.gateway.reactor_metrics().expect("it runs").snapshot();
    assert_eq!(metrics.slow_readers_cut, 0);
}
