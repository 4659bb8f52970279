//! Who is told of coming and going.

use domain::{Clock, FriendStore, Presence};
use protocol::{PresencePush, Push, Request, State};
use service::ServiceConfig;
use service::testing::{Device, Harness};

fn presence(device: &Device<'_>) -> Vec<PresencePush> {
    let presence = |push| match push {
        Push::Presence(presence) => Some(presence),
        _ => None,
    };
    device.pushes().into_iter().filter_map(presence).collect()
}

/// When a harness begins, by its clock.
const START_MS: u64 = 1_700_000_000_000;

fn about(device: &Device<'_>, state: State) -> PresencePush {
    let last_seen = if state == State::Offline { START_MS } else { 0 };
    PresencePush { id: device.user().0, state, last_seen }
}

#[test]
fn friends_hear_of_the_first_arrival_and_the_last_departure() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let stranger = harness.login("carol");
    harness.befriend(&alice, &bob);

    let phone = harness.login("bob");
    assert_eq!(presence(&alice), [], "bob was there already");
    bob.disconnect();
    assert_eq!(presence(&alice), [], "bob is there still");
    phone.disconnect();
    assert_eq!(presence(&alice), [about(&bob, State::Offline)]);
    let back = bob.resume().unwrap();
    assert_eq!(presence(&alice), [about(&bob, State::Online)]);
    assert_eq!(presence(&back), []);
    assert_eq!(presence(&stranger), []);
}

#[test]
fn a_resumed_session_was_never_gone() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let again = bob.resume().unwrap();
    bob.disconnect();
    assert_eq!(presence(&alice), []);
    again.disconnect();
    assert_eq!(presence(&alice), [about(&bob, State::Offline)]);
}

#[test]
fn those_with_more_friends_than_a_page_are_announced_to_all() {
    let harness = Harness::with(service::ServiceConfig { bundle_page_max: 2, ..Default::default() });
    let alice = harness.login("alice");
    let friends: Vec<_> = (0..5).map(|n| harness.login(&format!("friend {n}"))).collect();
    for friend in &friends {
        harness.befriend(&alice, friend);
    }
    alice.disconnect();
    alice.resume().unwrap();
    for friend in &friends {
        assert_eq!(presence(friend), [about(&alice, State::Offline), about(&alice, State::Online)]);
    }
}

#[test]
fn the_bundle_knows_who_is_there() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    harness.befriend(&alice, &bob);
    harness.befriend(&alice, &carol);
    carol.disconnect();
    let bundle = alice.resume().unwrap().bundle;
    let states: Vec<State> = bundle.friends.iter().map(|friend| friend.state).collect();
    assert_eq!(states, [State::Online, State::Offline]);

    harness.presence.blind();
    let bundle = alice.resume().unwrap().bundle;
    assert!(bundle.friends.iter().all(|friend| friend.state == State::Unknown));
}

/// When a friend was last there, as a list says.
fn last_seen(device: &Device<'_>) -> u64 {
    device.resume().unwrap().bundle.friends[0].last_seen
}

#[test]
fn lists_say_when_who_is_away_was_last_there() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    assert_eq!(last_seen(&alice), 0, "there");
    harness.clock.advance_ms(5_000);
    bob.disconnect();
    harness.clock.advance_ms(60_000);
    assert_eq!(last_seen(&alice), START_MS + 5_000, "before it is stored");
    harness.service.tick();
    assert_eq!(last_seen(&alice), START_MS + 5_000, "and after");
    let bob = bob.resume().unwrap();
    assert_eq!(last_seen(&alice), 0, "there again");
    let second = harness.try_login("bob").unwrap();
    bob.disconnect();
    assert_eq!(last_seen(&alice), 0, "another device is there");
    second.ask(Request::LogOut(protocol::Nothing {})).unwrap();
    assert_eq!(last_seen(&alice), START_MS + 65_000, "logging out is going, too");
}

#[test]
fn a_node_that_dies_leaves_a_time_that_is_a_minute_old_at_most() {
    let here = Harness::new();
    let there = here.beside(ServiceConfig::default());
    let (alice, bob) = (here.login("alice"), there.login("bob"));
    let bob_here = here.try_login("bob").unwrap();
    here.befriend(&alice, &bob_here);
    bob_here.ask(Request::LogOut(protocol::Nothing {})).unwrap();
    for _ in 0..10 {
        there.service.tick();
        here.clock.advance_ms(30_000);
    }
    // Its leases are over, and nobody said that he went.
    here.presence.depart(bob.user(), bob.principal.session);
    let seen = last_seen(&alice);
    let now = here.clock.now().0;
    assert!(now - seen <= 90_000, "{} ms ago", now - seen);
}

#[test]
fn a_store_that_is_away_gets_the_times_later() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    bob.disconnect();
    harness.store.fail_next(domain::StoreError::unavailable("test", "away"), 20);
    harness.service.tick();
    harness.store.forget_faults();
    harness.service.tick();
    let stored = harness.store.friends(alice.user(), domain::UserId(0), 1).unwrap();
    assert_eq!(stored[0].last_seen.0, START_MS);
}
