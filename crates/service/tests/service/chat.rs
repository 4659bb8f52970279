//! Messages: what is checked, in which order they are stored, who reads them.

use domain::StoreError;
use protocol::{
    ChatMessage, Code, FriendRef, GroupChat, GroupRef, MessageKind, MsgId, OneChat, Push, Request,
};
use service::testing::{Device, Harness};
use service::{Batch, Pending};

use crate::{bad_field, body, messages, refused, sent};

fn one(to: &Device<'_>, client_msg_id: &str, msg: &str) -> Request {
    Request::OneChat(OneChat {
        to: to.user().0,
        msg: msg.into(),
        client_msg_id: client_msg_id.into(),
        ..OneChat::default()
    })
}

fn many(groupid: u64, client_msg_id: &str, msg: &str) -> Request {
    Request::GroupChat(GroupChat {
        groupid,
        msg: msg.into(),
        client_msg_id: client_msg_id.into(),
        ..GroupChat::default()
    })
}

fn batch(pending: impl IntoIterator<Item = Pending>) -> Batch {
    let mut batch = Batch::default();
    pending.into_iter().for_each(|pending| batch.push(pending));
    batch
}

#[test]
fn a_message_reaches_every_device_of_both_but_the_one_that_sent_it() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("Alice"), harness.login("bob"));
    let (desk, phone, stranger) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let conv = harness.befriend(&alice, &bob);
    desk.pushes();
    phone.pushes();
    harness.clock.advance_ms(5);

    let text = "你好 \"%s\" \\ \0 😀 '; DROP TABLE messages";
    let sent = alice.say(&bob, "c-1", text).unwrap();
    assert_eq!((sent.conv, sent.seq, sent.time), (conv, 1, 1_700_000_000_005));
    let message = ChatMessage {
        conv,
        seq: 1,
        from: alice.user().0,
        name: "Alice".into(),
        client_msg_id: "c-1".into(),
        time: sent.time,
        kind: MessageKind::Text,
        msg: text.into(),
        ..ChatMessage::default()
    };
    for device in [&desk, &bob, &phone] {
        assert_eq!(device.pushes(), [Push::Message(message.clone())]);
    }
    assert_eq!((alice.pushes(), stranger.pushes()), (vec![], vec![]));
}

#[test]
fn seqs_count_up_without_holes_in_each_conversation() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    harness.befriend(&alice, &bob);
    harness.befriend(&alice, &carol);
    for n in 1..=3 {
        assert_eq!(alice.say(&bob, &format!("b{n}"), "x").unwrap().seq, 2 * n - 1);
        assert_eq!(bob.say(&alice, &format!("a{n}"), "x").unwrap().seq, 2 * n);
        assert_eq!(alice.say(&carol, &format!("c{n}"), "x").unwrap().seq, n);
    }
}

#[test]
fn a_batch_is_answered_and_delivered_in_its_order() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice, &bob]);
    let pending: Vec<Pending> = (0..50)
        .flat_map(|n| {
            [
                alice.prepare(one(&bob, &format!("one {n}"), &format!("{n}"))).unwrap(),
                alice.prepare(many(group, &format!("many {n}"), &format!("{n}"))).unwrap(),
            ]
        })
        .collect();
    let asked: Vec<u32> =
        pending.iter().map(|pending| pending.origin().expect("somebody asked").rid).collect();
    assert_eq!(pending[0].origin().expect("somebody asked").request, MsgId::OneChat);
    assert_eq!(pending[1].origin().expect("somebody asked").request, MsgId::GroupChat);
    assert_eq!(pending[1].conversation().0, group);
    let mut batch = batch(pending);
    assert_eq!(batch.len(), 100);
    harness.service.append(&mut batch).unwrap();
    assert!(batch.is_empty());

    let answers = harness.hub.take_answers(alice.conn);
    assert_eq!(answers.iter().map(|(rid, _)| *rid).collect::<Vec<_>>(), asked);
    let seqs: Vec<u64> = answers.iter().map(|(_, answer)| sent(answer).seq).collect();
    assert_eq!(seqs, (1..=50).flat_map(|n| [n, n + 1]).collect::<Vec<_>>());
    let read: Vec<_> = messages(bob.pushes());
    assert_eq!(
        read,
        (0..50).flat_map(|n| [(n + 1, n.to_string()), (n + 2, n.to_string())]).collect::<Vec<_>>()
    );
}

#[test]
fn a_repeat_is_answered_like_the_first_and_delivered_once() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let first = alice.say(&bob, "same", "hello").unwrap();
    harness.clock.advance_ms(1_000);
    assert_eq!(alice.say(&bob, "same", "hello").unwrap(), first);
    assert_eq!(messages(bob.pushes()), [(1, "hello".into())]);
    assert_eq!(alice.say(&bob, "other", "more").unwrap().seq, 2, "a repeat uses up no seq");
    // Ids are the sender's own.
    assert_eq!(bob.say(&alice, "same", "hi").unwrap().seq, 3);

    // Also within one batch.
    let twice = || alice.prepare(one(&bob, "twice", "once")).unwrap();
    harness.service.append(&mut batch([twice(), twice()])).unwrap();
    let answers = harness.hub.take_answers(alice.conn);
    assert_eq!(answers[0].1, answers[1].1);
    assert_eq!(messages(bob.pushes()), [(2, "more".into()), (4, "once".into())]);
}

#[test]
fn a_repeat_is_answered_like_the_first_where_its_sender_may_not_write_any_more() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    harness.befriend(&alice, &bob);
    let group = harness.group(&[&carol, &alice]);
    let to_bob = alice.say(&bob, "1", "hello").unwrap();
    let to_group = alice.say_in(group, "2", "hello").unwrap();
    bob.ask(Request::DeleteFriend(FriendRef { friendid: alice.user().0 })).unwrap();
    alice.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    bob.pushes();
    carol.pushes();
    harness.clock.advance_ms(1_000);

    assert_eq!(alice.say(&bob, "1", "hello").unwrap(), to_bob);
    assert_eq!(alice.say_in(group, "2", "hello").unwrap(), to_group);
    assert_eq!((bob.pushes(), carol.pushes()), (vec![], vec![]), "delivered once");
    // As anywhere else: the first one's place, wherever that is.
    assert_eq!(alice.say_in(group, "1", "hello").unwrap(), to_bob);
    assert_eq!(alice.say(&bob, "2", "hello").unwrap(), to_group);

    refused(alice.say(&bob, "3", "and more"), Code::NOT_FRIENDS);
    refused(alice.say_in(group, "3", "and more"), Code::NOT_MEMBER);
    refused(bob.say(&alice, "1", "hello"), Code::NOT_FRIENDS);
    bad_field(alice.prepare(one(&bob, "1", "")), "msg");
}

#[test]
fn nothing_is_looked_up_for_who_may_write() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let first = alice.say(&bob, "1", "hello").unwrap();
    harness.store.spare_next(1);
    harness.store.fail_next(StoreError::unavailable("anything", "down"), 1);
    assert_eq!(alice.say(&bob, "1", "hello").unwrap(), first);
    assert_eq!(harness.store.forget_faults(), 1, "the append alone was asked");
    // Where it is looked up and the store is away, the client tries again.
    bob.ask(Request::DeleteFriend(FriendRef { friendid: alice.user().0 })).unwrap();
    harness.store.spare_next(1);
    harness.store.fail_next(StoreError::unavailable("find", "down"), 1);
    refused(alice.say(&bob, "1", "hello"), Code::BUSY);
}

#[test]
fn one_to_one_is_for_friends() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let to = |to| {
        Request::OneChat(OneChat { to, msg: "psst".into(), client_msg_id: "1".into(), ..OneChat::default() })
    };
    let stranger = refused(alice.prepare(to(bob.user().0)), Code::NOT_FRIENDS);
    for nobody in [0, 9_999, domain::NUMBER_MAX + 1, u64::MAX] {
        assert_eq!(refused(alice.prepare(to(nobody)), Code::NOT_FRIENDS), stranger);
    }
    refused(alice.prepare(to(alice.user().0)), Code::SELF);
    // A request that waits is no friendship.
    let request = protocol::AddFriend { friendid: bob.user().0, greeting: String::new() };
    alice.ask(Request::AddFriend(request)).unwrap();
    bob.pushes();
    refused(alice.prepare(to(bob.user().0)), Code::NOT_FRIENDS);
    assert_eq!(bob.pushes(), []);
}

#[test]
fn fields_outside_their_limits_are_named() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let max = protocol::limits::TEXT_BYTES_MAX;
    bad_field(alice.prepare(one(&bob, "1", "")), "msg");
    bad_field(alice.prepare(one(&bob, "1", &"x".repeat(max + 1))), "msg");
    bad_field(alice.prepare(one(&bob, "1", &("😀".repeat(max / 4) + "x"))), "msg");
    for id in ["", &"x".repeat(65), "a\nb", "a\0", "é"] {
        bad_field(alice.prepare(one(&bob, id, "x")), "client_msg_id");
    }
    alice.say(&bob, &"x".repeat(64), &"😀".repeat(max / 4)).unwrap();
    alice.say(&bob, "0190 %s';--", "\0").unwrap();
}

#[test]
fn who_leaves_between_check_and_commit_has_spoken_and_hears_no_more() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob]);
    let pending = bob.prepare(many(group, "1", "my last words")).unwrap();
    bob.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    carol.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
    alice.pushes();
    harness.service.append(&mut batch([pending])).unwrap();
    assert_eq!(harness.hub.take_answers(bob.conn).len(), 1);
    assert_eq!(messages(alice.pushes()), [(4, "my last words".into())]);
    assert_eq!(messages(carol.pushes()), [(4, "my last words".into())], "a member when it was stored");
}

#[test]
fn who_joins_misses_nothing() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let group = harness.group(&[&alice]);
    alice.say_in(group, "1", "first").unwrap();
    let late = alice.prepare(many(group, "2", "checked before bob came")).unwrap();
    let reply = bob.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
    let last = body!(Reply::JoinGroup, reply).conv.unwrap().last;
    harness.service.append(&mut batch([late])).unwrap();
    assert_eq!(messages(bob.pushes()), [(last + 1, "checked before bob came".into())]);
}

#[test]
fn a_message_in_a_conversation_that_closed_is_refused() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let bobs = bob.user().0;
    // Friendships end without closing the conversation: what was checked before is still delivered.
    let pending = alice.prepare(one(&bob, "1", "one more thing")).unwrap();
    bob.ask(Request::DeleteFriend(FriendRef { friendid: alice.user().0 })).unwrap();
    harness.service.append(&mut batch([pending])).unwrap();
    assert!(harness.hub.take_answers(alice.conn)[0].1.is_ok());
    assert_eq!(messages(bob.pushes()), [(1, "one more thing".into())]);
    let next = Request::OneChat(OneChat {
        to: bobs,
        msg: "x".into(),
        client_msg_id: "2".into(),
        ..OneChat::default()
    });
    refused(alice.prepare(next), Code::NOT_FRIENDS);
}

#[test]
fn a_batch_that_failed_is_as_before_and_may_be_tried_again() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let pending = ["1", "2"].map(|id| alice.prepare(one(&bob, id, id)).unwrap());
    let mut batch = batch(pending);
    let down = StoreError::unavailable("append", "down");
    harness.store.fail_next(down.clone(), 1);
    assert_eq!(harness.service.append(&mut batch), Err(down));
    assert_eq!(batch.len(), 2);
    assert_eq!((harness.hub.take_answers(alice.conn), bob.pushes()), (vec![], vec![]));

    harness.service.append(&mut batch).unwrap();
    assert!(harness.hub.take_answers(alice.conn).iter().all(|(_, answer)| answer.is_ok()));
    assert_eq!(messages(bob.pushes()), [(1, "1".into()), (2, "2".into())]);
}

#[test]
fn a_commit_of_unknown_outcome_is_delivered_when_it_is_known() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice, &bob]);
    let old = alice.say(&bob, "old", "long ago").unwrap();
    bob.pushes();
    harness.clock.advance_ms(10);

    // The store commits, and its answer is lost.
    let mut batch = batch([
        alice.prepare(one(&bob, "1", "hello")).unwrap(),
        alice.prepare(many(group, "2", "everybody")).unwrap(),
        alice.prepare(one(&bob, "old", "long ago")).unwrap(),
    ]);
    harness.store.lose_next_answers(1);
    assert!(matches!(harness.service.append(&mut batch), Err(StoreError::OutcomeUnknown { .. })));
    assert_eq!(batch.len(), 3);
    assert_eq!(bob.pushes(), []);

    // Once more, later, with the same luck.
    harness.clock.advance_ms(10);
    harness.store.lose_next_answers(1);
    harness.service.append(&mut batch).unwrap_err();
    assert_eq!(bob.pushes(), []);

    // Then it answers: all are repeats, and those that the first try stored are delivered, the older one is not.
    harness.clock.advance_ms(10);
    harness.service.append(&mut batch).unwrap();
    let answers = harness.hub.take_answers(alice.conn);
    let places: Vec<_> = answers.into_iter().map(|(_, answer)| sent(&answer)).collect();
    assert_eq!((places[0].seq, places[1].seq, places[2]), (2, 2, old));
    assert_eq!(messages(bob.pushes()), [(2, "hello".into()), (2, "everybody".into())]);
}

#[test]
fn a_message_that_is_delivered_late_reaches_nobody_who_joined_after_it() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob]);
    let mut first = batch([alice.prepare(many(group, "1", "before carol")).unwrap()]);
    harness.store.lose_next_answers(1);
    harness.service.append(&mut first).unwrap_err();
    harness.service.refuse(&mut first);
    let reply = carol.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
    assert_eq!(body!(Reply::JoinGroup, reply).conv.unwrap().first, 3);

    // Its sender repeats it, and says more: checked when carol was there, stored together, for other readers each.
    let texts = [("1", "before carol"), ("2", "after"), ("3", "and on")];
    let pending = texts.map(|(id, text)| alice.prepare(many(group, id, text)).unwrap());
    harness.service.append(&mut batch(pending)).unwrap();
    assert_eq!(
        messages(bob.pushes()),
        [(2, "before carol".into()), (4, "after".into()), (5, "and on".into())]
    );
    assert_eq!(messages(carol.pushes()), [(4, "after".into()), (5, "and on".into())]);
}

#[test]
fn a_refused_batch_is_busy_and_comes_through_when_its_sender_repeats_it() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let mut batch = batch([alice.prepare(one(&bob, "1", "hello")).unwrap()]);
    harness.store.lose_next_answers(1);
    harness.service.append(&mut batch).unwrap_err();
    harness.service.refuse(&mut batch);
    assert!(batch.is_empty());
    let mut answers = harness.hub.take_answers(alice.conn);
    let refusal = refused(answers.remove(0).1, Code::BUSY);
    assert_eq!(refusal.body.retry_after_ms, Some(1_000));
    assert_eq!(bob.pushes(), []);

    harness.clock.advance_ms(1_000);
    assert_eq!(alice.say(&bob, "1", "hello").unwrap().seq, 1);
    assert_eq!(messages(bob.pushes()), [(1, "hello".into())], "stored then, delivered now");
    assert_eq!(alice.say(&bob, "1", "hello").unwrap().seq, 1);
    assert_eq!(bob.pushes(), [], "and not once more");
}

#[test]
fn nothing_is_delivered_before_it_is_known_who_may_read_it() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    harness.befriend(&alice, &bob);
    let [known, left] = [&[&alice, &bob][..], &[&alice, &bob, &carol]].map(|members| harness.group(members));
    let mut batch = batch([
        alice.prepare(many(left, "1", "hello")).unwrap(),
        alice.prepare(one(&bob, "2", "and you")).unwrap(),
        alice.prepare(many(left, "3", "again")).unwrap(),
        alice.prepare(many(known, "4", "and all")).unwrap(),
        alice.prepare(one(&bob, "5", "bye")).unwrap(),
    ]);
    // Carol goes before the message is stored, and the node forgets who is in the group.
    carol.ask(Request::LeaveGroup(GroupRef { groupid: left })).unwrap();
    harness.service.forget();
    alice.say_in(known, "0", "this roster is known").unwrap();
    bob.pushes();
    carol.pushes();
    let down = StoreError::unavailable("roster", "down");
    // The append passes, the roster's read does not: who does not need it does not wait for it.
    harness.store.spare_next(1);
    harness.store.fail_next(down.clone(), 1);
    assert_eq!(harness.service.append(&mut batch), Err(down.clone()));
    assert_eq!(harness.store.forget_faults(), 0, "both were asked");
    let answers = harness.hub.take_answers(alice.conn);
    assert_eq!(answers.iter().map(|(_, answer)| sent(answer).seq).collect::<Vec<_>>(), [1, 3, 2]);
    assert_eq!(messages(bob.pushes()), [(1, "and you".into()), (3, "and all".into()), (2, "bye".into())]);
    assert_eq!(batch.len(), 2, "the others are tried again");

    // Asked once more, and once only, in vain.
    harness.clock.advance_ms(50);
    harness.store.spare_next(1);
    harness.store.fail_next(down.clone(), 1);
    assert_eq!(harness.service.append(&mut batch), Err(down));
    assert_eq!((harness.hub.take_answers(alice.conn), bob.pushes()), (vec![], vec![]));
    assert_eq!(batch.len(), 2);

    harness.clock.advance_ms(50);
    harness.service.append(&mut batch).unwrap();
    let answers = harness.hub.take_answers(alice.conn);
    assert_eq!(answers.iter().map(|(_, answer)| sent(answer).seq).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(messages(bob.pushes()), [(4, "hello".into()), (5, "again".into())]);
    assert_eq!(carol.pushes(), [], "she had left when it was stored");
}

#[test]
fn a_store_that_is_away_is_asked_for_one_roster_and_not_for_each() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    harness.befriend(&alice, &bob);
    let groups = [(); 3].map(|()| harness.group(&[&alice, &bob, &carol]));
    let direct = alice.prepare(one(&bob, "direct", "hello")).unwrap();
    let pending = groups.map(|group| alice.prepare(many(group, &group.to_string(), "x")).unwrap());
    let down = StoreError::unavailable("roster", "down");
    for groupid in groups {
        carol.ask(Request::LeaveGroup(GroupRef { groupid })).unwrap();
    }
    harness.service.forget();
    bob.pushes();
    let mut batch = batch(pending.into_iter().chain([direct]));
    harness.store.spare_next(1);
    harness.store.fail_next(down.clone(), 10);
    assert_eq!(harness.service.append(&mut batch), Err(down));
    assert_eq!(harness.store.forget_faults(), 9);
    assert_eq!((batch.len(), messages(bob.pushes())), (3, vec![(1, "hello".into())]));
    harness.service.append(&mut batch).unwrap();
    assert_eq!(messages(bob.pushes()), [(4, "x".into()), (4, "x".into()), (4, "x".into())]);
}

#[test]
fn an_empty_batch_costs_nothing() {
    let harness = Harness::new();
    harness.store.fail_next(StoreError::failed("anything", "must not be asked"), 1);
    harness.service.append(&mut Batch::default()).unwrap();
    harness.service.refuse(&mut Batch::default());
    assert_eq!(harness.store.forget_faults(), 1);
}

#[test]
fn checks_are_answered_from_memory() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice, &bob]);
    alice.prepare(one(&bob, "1", "x")).unwrap();
    alice.prepare(many(group, "1", "x")).unwrap();
    harness.store.fail_next(StoreError::unavailable("anything", "down"), 1);
    alice.prepare(one(&bob, "2", "x")).unwrap();
    bob.prepare(one(&alice, "2", "x")).unwrap();
    bob.prepare(many(group, "2", "x")).unwrap();
    assert_eq!(harness.store.forget_faults(), 1, "nothing was asked");
}
