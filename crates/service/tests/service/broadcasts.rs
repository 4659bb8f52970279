//! What the operator tells everybody: pushed once to who is connected, found later by each device once.

use domain::{BROADCAST_KEPT_MS, BroadcastStore, NewBroadcast, StoreError, Timestamp};
use protocol::{
    AckBroadcasts, Broadcast, BroadcastsPage, Code, Login, Nothing, Page, Push, Reply, Request, Secret,
    SignedIn,
};
use service::testing::{Device, Harness, PASSWORD, config};
use service::{BroadcastOrder, Notice, Rate};

use crate::body;

fn order<'a>(key: &'a str, text: &'a str) -> BroadcastOrder<'a> {
    BroadcastOrder { key, operator: "olga", text }
}

fn pushed(device: &Device<'_>) -> Vec<u64> {
    let id = |push| if let Push::Broadcast(Broadcast { id, .. }) = push { Some(id) } else { None };
    device.pushes().into_iter().filter_map(id).collect()
}

fn page(device: &Device<'_>, after: u64) -> BroadcastsPage {
    body!(Reply::Broadcasts, device.ask(Request::Broadcasts(Page { after, limit: 0 })).unwrap())
}

fn ack(device: &Device<'_>, id: u64) {
    let reply = device.ask(Request::AckBroadcasts(AckBroadcasts { id })).unwrap();
    assert_eq!(reply, Reply::AckBroadcasts(Nothing {}));
}

fn login(harness: &Harness, name: &str) -> SignedIn {
    let (name, password) = (Some(name.into()), Secret::new(PASSWORD));
    let login = Login { name, password, ..Login::default() };
    match harness.ask(harness.connect(), None, Request::Login(login)).unwrap() {
        service::Handled::SignedIn(_, Reply::Login(bundle)) => bundle,
        other => panic!("LOGIN came to {other:?}"),
    }
}

/// Stores a broadcast as a node does that this one hears nothing of.
fn store_elsewhere(harness: &Harness, key: &str) {
    let new = NewBroadcast { key, operator: "otto", text: "hi", at: Timestamp(harness.service.now_ms()) };
    harness.store.add_broadcast(&new).unwrap();
}

#[test]
fn who_is_connected_is_told_once_whatever_is_repeated() {
    let harness = Harness::new();
    let (alice, desk, bob) = (harness.login("alice"), harness.login("alice"), harness.login("bob"));
    let done = harness.service.broadcast(order("k-1", "hi")).unwrap();
    assert_eq!((done.id.0, done.is_repeat), (1, false));
    let again = harness.service.broadcast(order("k-1", "hi")).unwrap();
    assert_eq!((again.id.0, again.is_repeat), (1, true));
    harness.service.tick();
    for device in [&alice, &desk, &bob] {
        assert_eq!(pushed(device), [1]);
    }
    let told = page(&bob, 0);
    let hi = Broadcast { id: 1, time: harness.service.now_ms(), msg: "hi".into() };
    assert_eq!(told, BroadcastsPage { broadcasts: vec![hi], next: 0, last: 1 });
    let snapshot = harness.service.broadcast_snapshot();
    assert_eq!((snapshot.stored, snapshot.told, snapshot.acks_waiting), (1, 1, 0));
}

#[test]
fn a_node_finds_by_itself_what_nobody_told_it() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    harness.service.tick();
    store_elsewhere(&harness, "k-1");
    harness.service.tick();
    assert_eq!(pushed(&alice), [0; 0], "it looked just now");
    harness.clock.advance_ms(2_000);
    harness.service.tick();
    assert_eq!(pushed(&alice), [1]);
    store_elsewhere(&harness, "k-2");
    store_elsewhere(&harness, "k-3");
    harness.service.heard(Notice::Broadcast { id: domain::BroadcastId(3) });
    assert_eq!(pushed(&alice), [2, 3], "told by another node");
    let before = harness.store.operations();
    harness.service.heard(Notice::Broadcast { id: domain::BroadcastId(3) });
    assert_eq!(harness.store.operations(), before, "what is known is not looked for");
    harness.service.heard(Notice::Broadcast { id: domain::BroadcastId(1_000) });
    assert_eq!(pushed(&alice), [0; 0], "what another node says is not believed");
}

#[test]
fn other_nodes_are_told_that_there_is_something() {
    let harness = Harness::new();
    harness.hub.set_reach(domain::Reach::Cluster);
    drop(harness.login("alice"));
    harness.hub.take_notices();
    harness.service.broadcast(order("k-1", "hi")).unwrap();
    assert_eq!(harness.hub.take_notices(), [Notice::Broadcast { id: domain::BroadcastId(1) }]);
}

#[test]
fn what_comes_between_the_bundle_and_the_first_look_is_pushed() {
    let harness = Harness::new();
    store_elsewhere(&harness, "k-1");
    // Nobody was connected before: nothing was looked for.
    let alice = harness.login("alice");
    assert_eq!((alice.bundle.broadcasts_last, alice.bundle.broadcasts_acked), (1, 1), "older than she is");
    store_elsewhere(&harness, "k-2");
    harness.clock.advance_ms(2_000);
    harness.service.tick();
    assert_eq!(pushed(&alice), [2]);
}

#[test]
fn acknowledgements_wait_and_count_at_once() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    for key in ["1", "2", "3"] {
        harness.service.broadcast(order(key, "hi")).unwrap();
    }
    let before = harness.store.operations();
    ack(&alice, 2);
    ack(&alice, 1);
    assert_eq!(harness.store.operations(), before, "written behind");
    assert_eq!(harness.service.broadcast_snapshot().acks_waiting, 1);
    let resumed = alice.resume().unwrap();
    assert_eq!(resumed.bundle.broadcasts_acked, 2, "seen before it is stored");
    assert_eq!(login(&harness, "alice").broadcasts_acked, 2, "a new session begins there");
    ack(&resumed, u64::MAX);
    harness.service.tick();
    assert_eq!(harness.service.broadcast_snapshot().acks_waiting, 0);
    assert_eq!(login(&harness, "alice").broadcasts_acked, 3, "never past the newest");
}

#[test]
fn a_store_that_is_away_loses_nothing() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    harness.store.fail_next(StoreError::unavailable("a test", "away"), 1);
    assert_eq!(harness.service.broadcast(order("k-1", "hi")).unwrap_err().code, Code::BUSY);
    // Stored, and nobody knows.
    harness.store.lose_next_answers(1);
    assert_eq!(harness.service.broadcast(order("k-1", "hi")).unwrap_err().code, Code::BUSY);
    assert_eq!(harness.service.broadcast(order("k-1", "hi")).unwrap().id.0, 1);
    assert_eq!(pushed(&alice), [1]);
    // Stored, and not to be read at first.
    harness.store.spare_next(1);
    harness.store.fail_next(StoreError::unavailable("a test", "away"), 1);
    assert_eq!(harness.service.broadcast(order("k-2", "hi")).unwrap().id.0, 2);
    assert_eq!(pushed(&alice), [0; 0]);
    harness.clock.advance_ms(2_000);
    harness.service.tick();
    assert_eq!(pushed(&alice), [2]);
    assert_eq!(harness.store.forget_faults(), 0);
}

#[test]
fn too_many_have_to_wait_and_repeats_cost_nothing() {
    let mut config = config();
    config.rates.broadcasts = Rate { burst: 2, per_minute: 60 };
    let harness = Harness::with(config);
    for key in ["1", "1", "1", "2"] {
        harness.service.broadcast(order(key, "hi")).unwrap();
    }
    let refusal = harness.service.broadcast(order("3", "hi")).unwrap_err();
    assert_eq!((refusal.code, refusal.body.retry_after_ms), (Code::TOO_MANY, Some(1_000)));
    harness.clock.advance_ms(1_000);
    harness.service.broadcast(order("3", "hi")).unwrap();
}

#[test]
fn broadcasts_are_kept_for_so_long() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    harness.service.broadcast(order("old", "hi")).unwrap();
    harness.clock.advance_ms(BROADCAST_KEPT_MS);
    harness.service.broadcast(order("new", "hi")).unwrap();
    harness.service.tick();
    assert_eq!(page(&alice, 0).broadcasts.len(), 2);
    harness.clock.advance_ms(3_600_000);
    harness.service.tick();
    let left = page(&alice, 0);
    assert_eq!((left.broadcasts.len(), left.broadcasts[0].id, left.last), (1, 2, 2));
}
