//! How often somebody may ask.

use std::net::{IpAddr, Ipv4Addr};

use protocol::{
    AddFriend, Code, CreateGroup, EditGroup, EditProfile, GroupRef, Login, OneChat, Refusal, Reg, Request,
    SearchUsers, Secret,
};
use service::testing::{Harness, PASSWORD};
use service::{Handled, LimitSnapshot, Rate, Rates, ServiceConfig};

use crate::refused;

/// Two at once, and one a second.
const RATE: Rate = Rate { burst: 2, per_minute: 60 };

fn harness(rates: Rates) -> Harness {
    Harness::with(ServiceConfig { rates, ..ServiceConfig::default() })
}

fn address(host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, host))
}

fn snapshot(harness: &Harness, kind: &str) -> LimitSnapshot {
    let snapshots = harness.service.limit_snapshots();
    *snapshots.iter().find(|snapshot| snapshot.kind == kind).expect("a kind")
}

/// Refused for a second, whatever else would be wrong with it; counted.
fn too_many<T: std::fmt::Debug>(harness: &Harness, kind: &str, result: Result<T, Refusal>) {
    let refusal = refused(result, Code::TOO_MANY);
    assert_eq!(refusal.body.retry_after_ms, Some(1_000));
    assert_eq!(snapshot(harness, kind).refused, 1, "{kind}");
}

#[test]
fn messages_have_a_pace() {
    let harness = harness(Rates { sends: RATE, ..Rates::OFF });
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice, &bob]);
    alice.say(&bob, "1", "one").unwrap();
    alice.say_in(group, "2", "two").unwrap();
    too_many(&harness, "sends", alice.say(&bob, "3", "three"));
    bob.say(&alice, "1", "everybody has their own").unwrap();
    harness.clock.advance_ms(1_000);
    alice.say(&bob, "3", "three").unwrap();
    refused(alice.say_in(group, "4", "four"), Code::TOO_MANY);
}

#[test]
fn searches_have_a_pace() {
    let harness = harness(Rates { searches: RATE, ..Rates::OFF });
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let search = |query: &str| Request::SearchUsers(SearchUsers { query: query.into(), after: 0, limit: 0 });
    for _ in 0..10 {
        refused(alice.ask(search("a")), Code::BAD_FIELD);
    }
    alice.ask(search("bo")).unwrap();
    alice.ask(search("1")).unwrap();
    too_many(&harness, "searches", alice.ask(search("bo")));
    bob.ask(search("al")).unwrap();
    harness.clock.advance_ms(1_000);
    alice.ask(search("bo")).unwrap();
}

#[test]
fn another_device_has_no_other_pace() {
    let harness = harness(Rates { sends: RATE, ..Rates::OFF });
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    alice.say(&bob, "1", "one").unwrap();
    alice.say(&bob, "2", "two").unwrap();
    let phone = harness.try_login("alice").unwrap();
    too_many(&harness, "sends", phone.say(&bob, "3", "three"));
}

#[test]
fn what_no_store_is_asked_for_costs_nothing() {
    let harness = harness(Rates { sends: RATE, ..Rates::OFF });
    let alice = harness.login("alice");
    for _ in 0..10 {
        let empty = OneChat { to: 2, msg: String::new(), client_msg_id: "1".into(), ..OneChat::default() };
        refused(alice.handle(Request::OneChat(empty)), Code::BAD_FIELD);
    }
    assert_eq!(snapshot(&harness, "sends").buckets, 0);
}

#[test]
fn friend_requests_have_a_pace() {
    let harness = harness(Rates { friend_requests: RATE, ..Rates::OFF });
    let alice = harness.login("alice");
    let others = ["bob", "carol", "dave"].map(|name| harness.register(name).unwrap());
    let ask = |n: usize| {
        alice.ask(Request::AddFriend(AddFriend { friendid: others[n].0, greeting: String::new() }))
    };
    ask(0).unwrap();
    ask(1).unwrap();
    too_many(&harness, "friend_requests", ask(2));
    harness.clock.advance_ms(1_000);
    ask(2).unwrap();
}

#[test]
fn looking_for_ids_has_the_same_pace() {
    let harness = harness(Rates { friend_requests: RATE, joins: RATE, ..Rates::OFF });
    let alice = harness.login("alice");
    for _ in 0..2 {
        let nobody = AddFriend { friendid: 999, greeting: String::new() };
        refused(alice.ask(Request::AddFriend(nobody)), Code::NOT_FOUND);
        refused(alice.ask(Request::JoinGroup(protocol::JoinGroup::of(999))), Code::NOT_FOUND);
    }
    let nobody = AddFriend { friendid: 999, greeting: String::new() };
    too_many(&harness, "friend_requests", alice.ask(Request::AddFriend(nobody)));
    too_many(&harness, "joins", alice.ask(Request::JoinGroup(protocol::JoinGroup::of(999))));
}

#[test]
fn joins_have_a_pace() {
    let harness = harness(Rates { joins: RATE, ..Rates::OFF });
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let groups = [(); 3].map(|()| harness.group(&[&bob]));
    let join = |n: usize| alice.ask(Request::JoinGroup(protocol::JoinGroup::of(groups[n])));
    join(0).unwrap();
    join(1).unwrap();
    too_many(&harness, "joins", join(2));
    harness.clock.advance_ms(1_000);
    join(2).unwrap();
}

#[test]
fn registrations_of_an_address_have_a_pace() {
    let harness = harness(Rates { registrations: RATE, ..Rates::OFF });
    let register = |host: u8, name: &str| {
        let reg = Reg { name: name.into(), password: Secret::new(PASSWORD) };
        harness.ask_from(address(host), harness.connect(), None, Request::Reg(reg))
    };
    register(1, "alice").unwrap();
    register(1, "bob").unwrap();
    let hashed = harness.hasher.hashed();
    too_many(&harness, "registrations", register(1, "carol"));
    assert_eq!(harness.hasher.hashed(), hashed, "nothing is hashed for who came too fast");
    register(2, "carol").unwrap();
}

#[test]
fn wrong_passwords_of_an_address_have_a_pace_and_right_ones_cost_nothing() {
    let harness = harness(Rates { failed_logins: RATE, ..Rates::OFF });
    harness.register("alice").unwrap();
    let log_in = |host: u8, name: &str, password: &str| -> Result<Handled, Refusal> {
        let login = Login { name: Some(name.into()), password: Secret::new(password), ..Login::default() };
        harness.ask_from(address(host), harness.connect(), None, Request::Login(login))
    };
    for _ in 0..5 {
        log_in(1, "alice", PASSWORD).unwrap();
    }
    refused(log_in(1, "alice", "wrong"), Code::BAD_CREDENTIALS);
    refused(log_in(1, "nobody", "wrong"), Code::BAD_CREDENTIALS);
    let verified = harness.hasher.verified();
    too_many(&harness, "failed_logins", log_in(1, "alice", PASSWORD));
    assert_eq!(harness.hasher.verified(), verified);
    log_in(2, "alice", PASSWORD).unwrap();
    harness.clock.advance_ms(1_000);
    log_in(1, "alice", PASSWORD).unwrap();
}

#[test]
fn an_outage_costs_no_token() {
    let harness = harness(Rates { failed_logins: Rate { burst: 1, per_minute: 1 }, ..Rates::OFF });
    harness.register("alice").unwrap();
    let down = domain::StoreError::unavailable("anything", "told to");
    harness.store.fail_next(down, 1);
    refused(harness.try_login("alice"), Code::BUSY);
    harness.try_login("alice").unwrap();
}

#[test]
fn the_defaults_leave_people_alone() {
    let harness = Harness::with(ServiceConfig::default());
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    // As fast as anybody types, for a day.
    for n in 0..2_000 {
        alice.say(&bob, &n.to_string(), "x").unwrap();
        harness.clock.advance_ms(300);
    }
    // And a flood is bounded.
    let flood = (0..1_000).filter(|n| alice.say(&bob, &format!("flood {n}"), "x").is_ok()).count();
    assert_eq!(flood, 200);
}

#[test]
fn what_many_are_told_of_has_a_pace() {
    let harness = harness(Rates { changes: RATE, ..Rates::OFF });
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let groupid = harness.group(&[&alice, &bob]);
    let edit = |text: &str| {
        let announcement = Some(text.to_owned());
        Request::EditGroup(EditGroup { groupid, announcement, ..EditGroup::default() })
    };
    // Who may not is refused as ever, and it costs nothing.
    for _ in 0..10 {
        refused(bob.ask(edit("mine")), Code::NOT_ALLOWED);
    }
    assert_eq!(snapshot(&harness, "changes").buckets, 1, "alice's, who opened the group");
    alice.ask(edit("one")).unwrap();
    too_many(&harness, "changes", alice.ask(edit("two")));
    harness.clock.advance_ms(1_000);
    alice.ask(edit("two")).unwrap();
    let create = CreateGroup { groupname: "another".into(), groupdesc: String::new() };
    refused(alice.ask(Request::CreateGroup(create)), Code::TOO_MANY);
    let renamed = EditProfile { nickname: Some("al".into()), ..EditProfile::default() };
    refused(alice.ask(Request::EditProfile(renamed)), Code::TOO_MANY);
    bob.ask(Request::LeaveGroup(GroupRef { groupid })).unwrap();
}
