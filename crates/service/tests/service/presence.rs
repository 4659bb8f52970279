//! Who is told of coming and going.

use protocol::{PresencePush, Push, State};
use service::testing::{Device, Harness};

fn presence(device: &Device<'_>) -> Vec<PresencePush> {
    let presence = |push| match push {
        Push::Presence(presence) => Some(presence),
        _ => None,
    };
    device.pushes().into_iter().filter_map(presence).collect()
}

fn about(device: &Device<'_>, state: State) -> PresencePush {
    PresencePush { id: device.user().0, state }
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
