//! Acknowledgements: written behind, seen at once.

use domain::{ConversationId, MessageLog, NewMessage, StoreError, Timestamp};
use protocol::{Ack, Code, Conversation, GroupRef, Page, Refusal, Reply, Request};
use service::ServiceConfig;
use service::testing::{Device, Harness};

use crate::{body, refused};

fn ack(device: &Device<'_>, conv: u64, seq: u64) -> Result<Reply, Refusal> {
    device.ask(Request::Ack(Ack { conv, seq }))
}

fn listed(device: &Device<'_>, conv: u64) -> Conversation {
    let page = Request::Conversations(Page::default());
    let convs = body!(Reply::Conversations, device.ask(page).unwrap()).convs;
    convs.into_iter().find(|entry| entry.conv == conv).expect("the conversation")
}

fn stored(harness: &Harness, device: &Device<'_>, conv: u64) -> u64 {
    harness.store.conversation(device.user(), ConversationId(conv)).unwrap().expect("a reader").acked.0
}

#[test]
fn news_are_what_was_not_acknowledged() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    for n in 1..=3 {
        alice.say(&bob, &format!("{n}"), "x").unwrap();
    }
    let news = |device: &Device<'_>| device.resume().unwrap().bundle.convs;
    assert_eq!(news(&bob).iter().map(|entry| (entry.acked, entry.last)).collect::<Vec<_>>(), [(0, 3)]);

    ack(&bob, conv, 2).unwrap();
    assert_eq!(stored(&harness, &bob, conv), 0, "not stored yet …");
    assert_eq!(listed(&bob, conv).acked, 2, "… and seen at once");
    assert_eq!(news(&bob).iter().map(|entry| (entry.acked, entry.last)).collect::<Vec<_>>(), [(2, 3)]);
    ack(&bob, conv, 3).unwrap();
    assert_eq!(news(&bob), []);

    harness.service.tick();
    assert_eq!(stored(&harness, &bob, conv), 3);
    assert_eq!((news(&bob), listed(&bob, conv).acked), (vec![], 3));
    assert_eq!(stored(&harness, &alice, conv), 0, "nobody else's");
}

#[test]
fn an_acknowledgement_never_goes_back_nor_past_the_end() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    for n in 1..=3 {
        alice.say(&bob, &format!("{n}"), "x").unwrap();
    }
    ack(&bob, conv, 3).unwrap();
    ack(&bob, conv, 1).unwrap();
    ack(&bob, conv, 0).unwrap();
    assert_eq!(listed(&bob, conv).acked, 3);
    harness.service.tick();
    ack(&bob, conv, 2).unwrap();
    assert_eq!(listed(&bob, conv).acked, 3);
    ack(&bob, conv, u64::MAX).unwrap();
    assert_eq!(listed(&bob, conv).acked, 3);
    harness.service.tick();
    assert_eq!(stored(&harness, &bob, conv), 3);
}

#[test]
fn a_foreign_conversation_cannot_be_acknowledged() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let conv = harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice]);
    for foreign in [conv, group, 9_999, 0, u64::MAX] {
        refused(ack(&carol, foreign, 1), Code::NOT_FOUND);
    }
}

#[test]
fn the_store_is_asked_for_unknown_readers_and_unknown_ends_only() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    alice.say(&bob, "1", "x").unwrap();
    ack(&bob, conv, 1).unwrap();
    alice.say(&bob, "2", "x").unwrap();
    harness.store.fail_next(StoreError::unavailable("anything", "down"), 1);
    for seq in [1, 2, 0] {
        ack(&bob, conv, seq).unwrap();
    }
    // One more than was ever said here, as far as this node knows: the store knows better.
    refused(ack(&bob, conv, 3), Code::BUSY);
    assert_eq!(harness.store.forget_faults(), 0);
    assert_eq!(listed(&bob, conv).acked, 2);
    let elsewhere = NewMessage {
        conversation: ConversationId(conv),
        sender: alice.user(),
        client_msg_id: "3".into(),
        time: Timestamp(1),
        kind: domain::MessageKind::Text,
        body: "by another node".into(),
        reply_to: None,
        mentions: domain::Mentions::default(),
    };
    harness.store.append(&[elsewhere]).unwrap()[0].unwrap();
    ack(&bob, conv, 3).unwrap();
    assert_eq!(listed(&bob, conv).acked, 3);
}

#[test]
fn what_comes_later_is_not_acknowledged_before() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    ack(&bob, conv, 7).unwrap();
    for n in 1..=3 {
        alice.say(&bob, &format!("{n}"), "x").unwrap();
    }
    assert_eq!(listed(&bob, conv).acked, 0, "there was nothing");
    ack(&bob, conv, u64::MAX).unwrap();
    alice.say(&bob, "4", "news").unwrap();
    assert_eq!(listed(&bob, conv).acked, 3);
    harness.service.tick();
    assert_eq!(stored(&harness, &bob, conv), 3);
    assert_eq!(bob.resume().unwrap().bundle.convs.len(), 1, "there is news");
}

#[test]
fn what_waits_is_forgotten_when_its_reader_leaves() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let group = harness.group(&[&alice, &bob]);
    alice.say_in(group, "1", "x").unwrap();
    ack(&bob, group, 1).unwrap();
    bob.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    harness.service.tick();
    let joined = bob.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
    let conv = body!(Reply::JoinGroup, joined).conv.unwrap();
    assert_eq!((conv.first, conv.last, conv.acked), (4, 4, 0));
}

#[test]
fn at_the_limit_acknowledgements_are_stored_at_once() {
    let harness = Harness::with(ServiceConfig { cursors_waiting_max: 2, ..service::testing::config() });
    let bob = harness.login("bob");
    let convs: Vec<u64> = (0..4)
        .map(|n| {
            let friend = harness.login(&format!("friend {n}"));
            let conv = harness.befriend(&friend, &bob);
            friend.say(&bob, "1", "x").unwrap();
            conv
        })
        .collect();
    for conv in &convs[..3] {
        ack(&bob, *conv, 1).unwrap();
    }
    let acked: Vec<u64> = convs.iter().map(|conv| stored(&harness, &bob, *conv)).collect();
    assert_eq!(acked, [1, 1, 0, 0]);
    harness.service.tick();
    assert_eq!(stored(&harness, &bob, convs[2]), 1);
}

#[test]
fn what_cannot_be_stored_waits_within_its_limit() {
    let harness = Harness::with(ServiceConfig { cursors_waiting_max: 1, ..service::testing::config() });
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice, &bob]);
    alice.say(&bob, "1", "x").unwrap();
    alice.say(&bob, "2", "x").unwrap();
    alice.say_in(group, "3", "x").unwrap();
    ack(&bob, group, 0).unwrap();
    ack(&bob, conv, 1).unwrap();

    let down = StoreError::unavailable("cursors", "down");
    harness.store.fail_next(down.clone(), 1);
    let refusal = refused(ack(&bob, group, 1), Code::BUSY);
    assert_eq!(refusal.body.retry_after_ms, Some(1_000));
    ack(&bob, conv, 2).unwrap();
    assert_eq!(listed(&bob, conv).acked, 2, "nothing is forgotten");
    harness.service.tick();
    assert_eq!(stored(&harness, &bob, conv), 2);
    ack(&bob, group, 1).unwrap();
}
