//! Who is typing: told to who may read it and is there, and kept nowhere.

use protocol::limits::{NUMBER_MAX, TYPING_MEMBERS_MAX};
use protocol::{Code, FriendRef, GroupRef, IsTyping, JoinGroup, Push, Refusal, Request, Typing, UserRef};
use service::testing::{Device, Harness};
use service::{Rate, Rates, ServiceConfig};

use crate::refused;

fn types(device: &Device<'_>, conv: u64) -> Result<(), Refusal> {
    device.ask(Request::Typing(Typing { conv })).map(drop)
}

fn told(device: &Device<'_>) -> Vec<IsTyping> {
    let typing = |push| if let Push::Typing(typing) = push { Some(typing) } else { None };
    device.pushes().into_iter().filter_map(typing).collect()
}

#[test]
fn the_friend_is_told_on_all_devices_and_nobody_else() {
    let harness = Harness::new();
    let (alice, desk, carol) = (harness.login("Alice"), harness.login("alice"), harness.login("carol"));
    let (bob, phone) = (harness.login("bob"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    types(&alice, conv).unwrap();
    let typing = IsTyping { conv, from: alice.user().0, name: "Alice".into() };
    for device in [&bob, &phone] {
        assert_eq!(told(device), std::slice::from_ref(&typing));
    }
    for device in [&alice, &desk, &carol] {
        assert_eq!(told(device), []);
    }
}

#[test]
fn who_is_no_friend_any_more_is_told_nothing() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    bob.ask(Request::DeleteFriend(FriendRef { friendid: alice.user().0 })).unwrap();
    refused(types(&alice, conv), Code::NOT_FRIENDS);
    refused(types(&bob, conv), Code::NOT_FRIENDS);
    harness.befriend(&alice, &bob);
    types(&alice, conv).unwrap();
    assert_eq!(told(&bob).len(), 1);
    bob.ask(Request::Block(UserRef { userid: alice.user().0 })).unwrap();
    refused(types(&alice, conv), Code::NOT_FRIENDS);
    refused(types(&bob, conv), Code::NOT_FRIENDS);
    assert_eq!((told(&alice), told(&bob)), (vec![], vec![]));
}

#[test]
fn small_groups_are_told_and_large_ones_not() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob]);
    types(&bob, group).unwrap();
    assert_eq!((told(&alice).len(), told(&bob).len(), told(&carol).len()), (1, 0, 0));
    let others: Vec<Device<'_>> =
        (0..TYPING_MEMBERS_MAX - 1).map(|n| harness.login(&format!("user{n}"))).collect();
    let (last, some) = others.split_last().unwrap();
    for device in some {
        device.ask(Request::JoinGroup(JoinGroup::of(group))).unwrap();
    }
    types(&bob, group).unwrap();
    assert_eq!(told(&alice).len(), 1, "as many as may be");
    last.ask(Request::JoinGroup(JoinGroup::of(group))).unwrap();
    types(&bob, group).unwrap();
    assert_eq!(told(&alice), [], "one too many");
    bob.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    refused(types(&bob, group), Code::NOT_FOUND);
}

#[test]
fn foreign_conversations_are_like_none() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let conv = harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice, &bob]);
    for foreign in [conv, group, 0, 9_999, NUMBER_MAX, u64::MAX] {
        refused(types(&carol, foreign), Code::NOT_FOUND);
    }
    assert_eq!((told(&alice), told(&bob)), (vec![], vec![]));
}

#[test]
fn each_user_has_a_rate_of_its_own() {
    let rates = Rates { typings: Rate { burst: 2, per_minute: 60 }, ..Rates::OFF };
    let harness = Harness::with(ServiceConfig { rates, ..ServiceConfig::default() });
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    let phone = harness.login("alice");
    types(&alice, conv).unwrap();
    types(&phone, conv).unwrap();
    let refusal = refused(types(&alice, conv), Code::TOO_MANY);
    assert_eq!(refusal.body.retry_after_ms, Some(1_000));
    refused(types(&phone, conv), Code::TOO_MANY);
    assert_eq!(told(&bob).len(), 2);
    types(&bob, conv).unwrap();
    harness.clock.advance_ms(1_000);
    types(&alice, conv).unwrap();
}
