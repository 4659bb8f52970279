//! Reading and receipts: who learns how far whom got, how often, and who does not.

use std::sync::atomic::{AtomicUsize, Ordering};

use domain::{ConversationId, MessageLog, StoreError};
use protocol::limits::{RECEIPTS_MEMBERS_MAX, RECEIPTS_SEQS_MAX};
use protocol::{
    Ack, Code, Conversation, FriendRef, GroupRef, JoinGroup, Page, Push, Read, Receipt, ReceiptCount,
    Receipts, ReceiptsList, Refusal, Request, UserRef,
};
use service::ServiceConfig;
use service::testing::{Device, Harness};

use crate::{bad_field, body, refused};

fn ack(device: &Device<'_>, conv: u64, seq: u64) {
    device.ask(Request::Ack(Ack { conv, seq })).unwrap();
}

fn read(device: &Device<'_>, conv: u64, seq: u64) {
    device.ask(Request::Read(Read { conv, seq })).unwrap();
}

fn ask(device: &Device<'_>, conv: u64, seqs: &[u64]) -> Result<ReceiptsList, Refusal> {
    let answer = device.ask(Request::Receipts(Receipts { conv, seqs: seqs.to_vec() }))?;
    Ok(body!(Reply::Receipts, answer))
}

fn listed(device: &Device<'_>, conv: u64) -> Conversation {
    let page = Request::Conversations(Page::default());
    let convs = body!(Reply::Conversations, device.ask(page).unwrap()).convs;
    convs.into_iter().find(|entry| entry.conv == conv).expect("the conversation")
}

/// The receipts that were pushed since the last call, as user, delivered and read.
fn told(device: &Device<'_>) -> Vec<(u64, u64, u64)> {
    let receipt = |push| match push {
        Push::Receipt(Receipt { user, delivered, read, .. }) => Some((user, delivered, read)),
        _ => None,
    };
    device.pushes().into_iter().filter_map(receipt).collect()
}

fn say(from: &Device<'_>, to: &Device<'_>, count: u64) {
    for _ in 0..count {
        from.say(to, &next_id(), "x").unwrap();
    }
}

/// An id that no other message of this process has.
fn next_id() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("said-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn what_was_read_has_arrived_and_is_seen_at_once() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    say(&alice, &bob, 3);
    read(&bob, conv, 2);
    let seen = listed(&bob, conv);
    assert_eq!((seen.acked, seen.read, seen.last), (2, 2, 3));
    ack(&bob, conv, 3);
    read(&bob, conv, 1);
    assert_eq!((listed(&bob, conv).acked, listed(&bob, conv).read), (3, 2), "forward only");
    harness.service.tick();
    let stored = harness.store.conversation(bob.user(), ConversationId(conv)).unwrap().unwrap();
    assert_eq!((stored.acked.0, stored.read.0), (3, 2));
    read(&bob, conv, u64::MAX);
    assert_eq!(listed(&bob, conv).read, 3, "never past the end");
}

/// A device may say something before it has heard of what was said a moment earlier. Were that acknowledged, the user's devices
/// would begin behind it, and never show it.
#[test]
fn who_says_something_acknowledges_nothing() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    say(&alice, &bob, 2);
    say(&bob, &alice, 1);
    for user in [&alice, &bob] {
        let seen = listed(user, conv);
        assert_eq!((seen.acked, seen.read, seen.last), (0, 0, 3));
    }
    harness.service.tell_receipts();
    assert_eq!((told(&alice), told(&bob)), (vec![], vec![]));
}

#[test]
fn many_acknowledgements_are_one_receipt() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    say(&alice, &bob, 50);
    told(&alice);
    (1..=50).for_each(|seq| ack(&bob, conv, seq));
    assert_eq!(told(&alice), [], "gathered");
    harness.service.tell_receipts();
    assert_eq!(told(&alice), [(bob.user().0, 50, 0)]);
    (1..=50).for_each(|seq| ack(&bob, conv, seq));
    harness.service.tell_receipts();
    assert_eq!(told(&alice), [], "nothing new");
    read(&bob, conv, 30);
    read(&bob, conv, 40);
    harness.service.tell_receipts();
    assert_eq!(told(&alice), [(bob.user().0, 40, 40)]);
    let snapshot = harness.service.receipts();
    assert_eq!(
        (snapshot.moved, snapshot.told, snapshot.waiting),
        (52, 3, 0),
        "50 and 2 moved; one told alice, and both told"
    );
}

/// Whoever comes in at another node reads the store, and hears what is told later: what was told before and stored after it would
/// pass them by.
#[test]
fn a_receipt_is_stored_before_it_is_told() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    say(&alice, &bob, 3);
    told(&alice);
    read(&bob, conv, 2);
    harness.store.fail_next(StoreError::unavailable("cursors", "down"), 1);
    harness.service.tell_receipts();
    assert_eq!((told(&alice), harness.service.receipts().waiting), (vec![], 1), "it waits");
    ack(&bob, conv, 3);
    harness.service.tell_receipts();
    assert_eq!(told(&alice), [(bob.user().0, 3, 2)]);
    let stored = harness.store.conversation(bob.user(), ConversationId(conv)).unwrap().unwrap();
    assert_eq!((stored.acked.0, stored.read.0), (3, 2));
}

#[test]
fn ones_other_devices_learn_what_was_read_and_not_what_arrived() {
    let harness = Harness::new();
    let (alice, bob, phone) = (harness.login("alice"), harness.login("bob"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    say(&alice, &bob, 3);
    told(&bob);
    told(&phone);
    ack(&bob, conv, 3);
    harness.service.tell_receipts();
    assert_eq!((told(&bob), told(&phone)), (vec![], vec![]));
    read(&bob, conv, 2);
    harness.service.tell_receipts();
    assert_eq!((told(&bob), told(&phone)), (vec![], vec![(bob.user().0, 2, 2)]), "who read knows");
    read(&bob, conv, 2);
    read(&phone, conv, 3);
    harness.service.tell_receipts();
    assert_eq!((told(&bob).len(), told(&phone).len()), (1, 0));
    for device in [&bob, &phone] {
        assert_eq!(listed(device, conv).read, 3, "equal on both");
    }
}

#[test]
fn in_groups_only_ones_own_devices_are_told() {
    let harness = Harness::new();
    let (alice, bob, phone) = (harness.login("alice"), harness.login("bob"), harness.login("bob"));
    let group = harness.group(&[&alice, &bob]);
    alice.say_in(group, "1", "x").unwrap();
    let last = listed(&bob, group).last;
    read(&bob, group, last);
    told(&alice);
    told(&phone);
    harness.service.tell_receipts();
    assert_eq!((told(&alice), told(&phone)), (vec![], vec![(bob.user().0, last, last)]));
}

#[test]
fn who_is_no_friend_any_more_learns_nothing() {
    let endings: [fn(u64) -> Request; 2] = [
        |friendid| Request::DeleteFriend(FriendRef { friendid }),
        |userid| Request::Block(UserRef { userid }),
    ];
    for ending in endings {
        let harness = Harness::new();
        let (alice, bob) = (harness.login("alice"), harness.login("bob"));
        let conv = harness.befriend(&alice, &bob);
        say(&alice, &bob, 3);
        assert_eq!(ask(&alice, conv, &[]).unwrap().read, 0);
        bob.ask(ending(alice.user().0)).unwrap();
        told(&alice);
        read(&bob, conv, 3);
        harness.service.tell_receipts();
        assert_eq!(told(&alice), []);
        refused(ask(&alice, conv, &[]), Code::NOT_FRIENDS);
        assert_eq!(listed(&bob, conv).read, 3, "bob reads what he has");
    }
}

#[test]
fn a_group_counts_who_has_what() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob, &carol]);
    alice.say_in(group, "1", "x").unwrap();
    alice.say_in(group, "2", "y").unwrap();
    let last = listed(&alice, group).last;
    ack(&bob, group, last);
    read(&carol, group, last - 1);
    let count = |seq, of, delivered, read| ReceiptCount { seq, of, delivered, read };
    let list = ask(&alice, group, &[last, last - 1]).unwrap();
    assert_eq!(list.counts, [count(last, 2, 1, 0), count(last - 1, 2, 2, 1)]);
    assert_eq!((list.delivered, list.read), (last - 1, 0), "bob read nothing");
    harness.service.tick();
    assert_eq!(ask(&alice, group, &[last, last - 1]).unwrap(), list, "stored as it waited");

    let dan = harness.login("dan");
    dan.ask(Request::JoinGroup(JoinGroup::of(group))).unwrap();
    bob.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    let counts = ask(&alice, group, &[last]).unwrap().counts;
    assert_eq!(counts, [count(last, 1, 0, 0)], "dan came later and bob is gone");
}

#[test]
fn nobody_else_is_everybody() {
    let harness = Harness::new();
    let alice = harness.login("alice");
    let group = harness.group(&[&alice]);
    alice.say_in(group, "1", "x").unwrap();
    let list = ask(&alice, group, &[1]).unwrap();
    assert_eq!((list.delivered, list.read), (1, 1));
    assert_eq!(list.counts, [ReceiptCount { seq: 1, of: 0, delivered: 0, read: 0 }]);
}

#[test]
fn foreign_conversations_and_messages_are_not_found() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let conv = harness.befriend(&alice, &bob);
    say(&alice, &bob, 2);
    let group = harness.group(&[&alice, &bob]);
    for foreign in [conv, group, 9_999, 0, u64::MAX] {
        refused(ask(&carol, foreign, &[]), Code::NOT_FOUND);
        refused(carol.ask(Request::Read(Read { conv: foreign, seq: 1 })), Code::NOT_FOUND);
    }
    for seq in [0, 3, u64::MAX] {
        refused(ask(&alice, conv, &[1, seq]), Code::NOT_FOUND);
    }
    carol.ask(Request::JoinGroup(JoinGroup::of(group))).unwrap();
    refused(ask(&carol, group, &[1]), Code::NOT_FOUND);
}

#[test]
fn the_number_of_messages_and_of_members_is_limited() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    say(&alice, &bob, 1);
    let seqs = vec![1; RECEIPTS_SEQS_MAX + 1];
    assert_eq!(ask(&alice, conv, &seqs[1..]).unwrap().counts.len(), RECEIPTS_SEQS_MAX);
    bad_field(ask(&alice, conv, &seqs), "seqs");

    let group = harness.group(&[&alice]);
    let others: Vec<Device<'_>> =
        (1..RECEIPTS_MEMBERS_MAX).map(|n| harness.login(&format!("member {n}"))).collect();
    for other in &others {
        other.ask(Request::JoinGroup(JoinGroup::of(group))).unwrap();
    }
    let of = ask(&alice, group, &[RECEIPTS_MEMBERS_MAX as u64 - 1]).unwrap().counts[0].of;
    assert_eq!(of as usize, RECEIPTS_MEMBERS_MAX - 1, "at the limit");
    bob.ask(Request::JoinGroup(JoinGroup::of(group))).unwrap();
    refused(ask(&alice, group, &[]), Code::NOT_ALLOWED);
}

#[test]
fn a_store_that_is_away_costs_a_receipt_and_nothing_else() {
    // Friendships are looked up each time.
    let config = ServiceConfig { friendship_cache_max: 0, ..service::testing::config() };
    let harness = Harness::with(config);
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    say(&alice, &bob, 2);
    ack(&bob, conv, 1);
    harness.store.fail_next(StoreError::unavailable("anything", "down"), 1);
    told(&alice);
    harness.service.tell_receipts();
    assert_eq!(harness.store.forget_faults(), 0);
    assert_eq!(told(&alice), [], "nobody can say whether she may know");
    ack(&bob, conv, 2);
    harness.service.tell_receipts();
    assert_eq!(told(&alice), [(bob.user().0, 2, 0)], "the next says it all");
}

#[test]
fn a_reader_who_left_is_not_told_of() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let group = harness.group(&[&alice, &bob]);
    alice.say_in(group, "1", "x").unwrap();
    let last = listed(&bob, group).last;
    read(&bob, group, last);
    bob.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    let joined = bob.ask(Request::JoinGroup(JoinGroup::of(group))).unwrap();
    let conv = body!(Reply::JoinGroup, joined).conv.unwrap();
    assert_eq!((conv.acked, conv.read), (0, 0));
}
