//! Opening, joining, leaving and looking at groups.

use domain::{GroupLimits, StoreError};
use protocol::{
    Code, CreateGroup, GroupEvent, GroupEventKind, GroupMembers, GroupRef, History, Page, Push, Refusal,
    Reply, Request, Role, State, SystemEvent, SystemEventKind,
};
use service::ServiceConfig;
use service::testing::{Device, Harness};

use crate::{bad_field, body, messages, refused};

fn create(owner: &Device<'_>, groupname: &str, groupdesc: &str) -> Result<Reply, Refusal> {
    let request = CreateGroup { groupname: groupname.into(), groupdesc: groupdesc.into() };
    owner.ask(Request::CreateGroup(request))
}

fn join(user: &Device<'_>, groupid: u64) -> Result<Reply, Refusal> {
    user.ask(Request::JoinGroup(protocol::JoinGroup::of(groupid)))
}

fn leave(user: &Device<'_>, groupid: u64) -> Result<Reply, Refusal> {
    user.ask(Request::LeaveGroup(GroupRef { groupid }))
}

fn members(user: &Device<'_>, groupid: u64) -> Result<Reply, Refusal> {
    user.ask(Request::GroupMembers(GroupMembers { groupid, after: 0, limit: 0 }))
}

/// The one group event among the pushes; the others come again.
fn one_event(device: &Device<'_>) -> GroupEvent {
    let (mut events, others): (Vec<_>, Vec<_>) =
        device.pushes().into_iter().partition(|push| matches!(push, Push::GroupEvent(_)));
    assert_eq!(events.len(), 1, "{events:?}");
    device.push_back(others);
    body!(Push::GroupEvent, events.remove(0))
}

/// What the device was told in conversations, with its seqs.
fn told(device: &Device<'_>) -> Vec<(u64, SystemEvent)> {
    let event = |push| match push {
        Push::Message(message) => Some((message.seq, message.event?)),
        _ => None,
    };
    device.pushes().into_iter().filter_map(event).collect()
}

/// The group and its conversation, for who came in.
fn came(answer: Result<Reply, Refusal>) -> protocol::Joined {
    let answer = body!(Reply::JoinGroup, answer.unwrap());
    protocol::Joined { group: answer.group.unwrap(), conv: answer.conv.unwrap() }
}

#[test]
fn a_creator_is_owner_and_first_member() {
    let harness = Harness::new();
    let (alice, desk) = (harness.login("alice"), harness.login("alice"));
    let created = body!(Reply::CreateGroup, create(&alice, " rust  ", "about rust").unwrap());
    let group = &created.group;
    assert_eq!((group.groupname.as_str(), group.groupdesc.as_str()), ("rust", "about rust"));
    assert_eq!((group.role, group.members), (Role::Owner, 1));
    let conv = &created.conv;
    assert_eq!((conv.conv, conv.with, conv.first, conv.last), (group.id, group.id, 1, 0));
    assert_eq!(alice.pushes(), []);
    let event = one_event(&desk);
    assert_eq!((event.event, event.groupid, event.id), (GroupEventKind::Joined, group.id, alice.user().0));
    let page = body!(Reply::Groups, alice.ask(Request::Groups(Page::default())).unwrap());
    assert_eq!(page.groups, std::slice::from_ref(&created.group));
    assert_eq!(alice.resume().unwrap().bundle.groups, [created.group]);
}

#[test]
fn fields_outside_their_limits_are_named() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    for name in ["", " \t ", &"x".repeat(51), "a\u{202e}b"] {
        bad_field(create(&alice, name, ""), "groupname");
    }
    for description in [&"x".repeat(201), "a\nb", "a\u{7}b", "a\0", "a\u{202e}b", "a\u{2066}b", "a\u{200f}b"]
    {
        bad_field(create(&alice, "ok", description), "groupdesc");
    }
    create(&alice, "ok", "for 👨\u{200d}👩\u{200d}👧 and अ\u{902}").unwrap();
    create(&alice, &"é".repeat(50), &"é".repeat(200)).unwrap();
}

#[test]
fn joining_is_told_to_members_and_own_devices() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let (tablet, stranger) = (harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice]);
    alice.say_in(group, "1", "before bob").unwrap();

    let joined = came(join(&bob, group));
    assert_eq!((joined.group.role, joined.group.members), (Role::Member, 2));
    assert_eq!((joined.conv.first, joined.conv.last), (2, 2), "reads that he came, and what comes then");
    let event = one_event(&tablet);
    assert_eq!((event.event, event.id, event.members), (GroupEventKind::Joined, bob.user().0, 2));
    assert_eq!((event.name.as_str(), event.groupname.as_str()), ("bob", "a group"));
    for device in [&alice, &bob, &tablet] {
        let told = told(device);
        assert_eq!((told.len(), told[0].0, told[0].1.what), (1, 2, SystemEventKind::Joined));
        assert_eq!((told[0].1.by, told[0].1.by_name.as_str()), (bob.user().0, "bob"));
    }
    assert_eq!(stranger.pushes(), []);

    alice.say_in(group, "2", "welcome").unwrap();
    assert_eq!(messages(bob.pushes()), [(3, "welcome".into())]);
    assert_eq!(messages(stranger.pushes()), []);
    refused(join(&bob, group), Code::ALREADY_MEMBER);
}

#[test]
fn leaving_is_told_and_ends_reading_and_writing() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let tablet = harness.login("bob");
    let group = harness.group(&[&alice, &bob, &carol]);
    tablet.pushes();
    bob.say_in(group, "1", "hello").unwrap();
    bob.ask(Request::Ack(protocol::Ack { conv: group, seq: 1 })).unwrap();
    for device in [&alice, &carol, &tablet] {
        device.pushes();
    }

    leave(&bob, group).unwrap();
    let event = one_event(&tablet);
    assert_eq!((event.event, event.id, event.members), (GroupEventKind::Left, bob.user().0, 2));
    for device in [&alice, &carol] {
        let told = told(device);
        assert_eq!((told.len(), told[0].0, told[0].1.what), (1, 4, SystemEventKind::Left));
    }
    assert_eq!((told(&bob), told(&tablet)), (vec![], vec![]), "they read nothing any more");
    refused(bob.say_in(group, "2", "still here?"), Code::NOT_MEMBER);
    let history = History { conv: group, after: None, before: None, at: None, limit: 0 };
    refused(bob.ask(Request::History(history)), Code::NOT_FOUND);
    refused(bob.ask(Request::Ack(protocol::Ack { conv: group, seq: 1 })), Code::NOT_FOUND);
    refused(leave(&bob, group), Code::NOT_MEMBER);
    alice.say_in(group, "1", "bob left").unwrap();
    assert_eq!(messages(bob.pushes()), []);
    assert_eq!(messages(carol.pushes()), [(5, "bob left".into())]);

    let again = came(join(&bob, group));
    assert_eq!((again.conv.first, again.conv.last), (6, 6), "what was said meanwhile stays unread for ever");
}

#[test]
fn an_owner_stays_as_long_as_others_do() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let group = harness.group(&[&alice, &bob]);
    refused(leave(&alice, group), Code::OWNER_STAYS);
    alice.say_in(group, "1", "still here").unwrap();
    leave(&bob, group).unwrap();
    leave(&alice, group).unwrap();
    refused(join(&bob, group), Code::NOT_FOUND);
    refused(alice.say_in(group, "2", "hello?"), Code::NOT_MEMBER);
}

#[test]
fn a_foreign_group_and_none_are_the_same_to_readers_and_writers() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let foreign = harness.group(&[&alice]);
    let mut answers = Vec::new();
    for group in [foreign, 9_999, 0, u64::MAX] {
        answers.push([
            refused(bob.say_in(group, "1", "let me in"), Code::NOT_MEMBER),
            refused(members(&bob, group), Code::NOT_MEMBER),
            refused(leave(&bob, group), Code::NOT_MEMBER),
        ]);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    for nothing in [9_999, 0, u64::MAX] {
        refused(join(&bob, nothing), Code::NOT_FOUND);
    }
    assert_eq!(alice.pushes(), []);
}

#[test]
fn who_is_refused_throws_no_roster_away() {
    let groups = GroupLimits { members: 2, groups: 10, requests: 1_000, requests_per_user: 1_000 };
    let harness = Harness::with(ServiceConfig { groups, ..service::testing::config() });
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob]);
    alice.say_in(group, "1", "hello").unwrap();
    refused(leave(&carol, group), Code::NOT_MEMBER);
    refused(join(&carol, group), Code::FULL);
    refused(join(&bob, group), Code::ALREADY_MEMBER);
    refused(leave(&alice, group), Code::OWNER_STAYS);
    // Nothing is asked but the append.
    harness.store.spare_next(1);
    harness.store.fail_next(StoreError::unavailable("roster", "down"), 1);
    alice.say_in(group, "2", "hello").unwrap();
    assert_eq!(harness.store.forget_faults(), 1);
}

#[test]
fn what_would_change_nothing_is_not_written() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob]);
    let broken = StoreError::failed("write", "must not be asked");
    harness.store.spare_next(1);
    harness.store.fail_next(broken.clone(), 1);
    refused(leave(&carol, group), Code::NOT_MEMBER);
    assert_eq!(harness.store.forget_faults(), 1, "the membership was read");
    harness.store.spare_next(3);
    harness.store.fail_next(broken, 1);
    refused(join(&bob, group), Code::ALREADY_MEMBER);
    assert_eq!(harness.store.forget_faults(), 1, "the group, its profile and the membership were read");
}

#[test]
fn members_are_listed_with_role_and_presence() {
    let harness = Harness::with(ServiceConfig { page_max: 2, ..service::testing::config() });
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob, &carol]);
    bob.disconnect();
    let page = body!(Reply::GroupMembers, members(&alice, group).unwrap());
    let seen: Vec<_> = page.users.iter().map(|user| (user.name.as_str(), user.role, user.state)).collect();
    assert_eq!(seen, [("alice", Role::Owner, State::Online), ("bob", Role::Member, State::Offline)]);
    assert_eq!(page.next, bob.user().0);
    let rest = Request::GroupMembers(GroupMembers { groupid: group, after: page.next, limit: 9 });
    let rest = body!(Reply::GroupMembers, alice.ask(rest).unwrap());
    assert_eq!((rest.users.len(), rest.users[0].id, rest.next), (1, carol.user().0, 0));
}

#[test]
fn numbers_are_limited() {
    let groups = GroupLimits { members: 2, groups: 1, requests: 1_000, requests_per_user: 1_000 };
    let harness = Harness::with(ServiceConfig { groups, ..service::testing::config() });
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob]);
    refused(join(&carol, group), Code::FULL);
    refused(create(&alice, "another", ""), Code::FULL);
    let own = body!(Reply::CreateGroup, create(&carol, "own", "").unwrap()).group.id;
    refused(join(&alice, own), Code::FULL);
}
