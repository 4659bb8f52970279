//! Places that are none: of the future, below zero, of other people's conversations. Nothing moves, and nothing is told.

use protocol::{Code, Conversation, History, MsgId, Push};

use crate::support::{Peer, Server, Store, Witnesses, befriend, friends, on_each_store, user};

on_each_store! {
    what_is_no_cursor_is_refused_with_the_field,
    a_cursor_from_the_future_reaches_as_far_as_there_is_something,
    a_cursor_of_anothers_conversation_is_like_one_of_none,
    what_others_said_is_changed_by_nobody_else,
}

fn entry(peer: &mut Peer, conv: u64) -> Conversation {
    let convs = peer.conversations(0, 0).expect("a page").convs;
    convs.into_iter().find(|entry| entry.conv == conv).expect("the conversation")
}

/// Two friends who said three things, one of which was edited; the conversation.
fn three_said(server: &Server) -> (Peer, Peer, u64) {
    let (mut alice, mut bob, conv) = friends(server, "alice", "bob");
    for text in ["one", "two", "three"] {
        alice.say(bob.id, text);
        bob.message();
    }
    alice.edit_message(conv, 2, "two, edited").expect("edited");
    bob.changed();
    (alice, bob, conv)
}

/// Requests that say where somebody is in a conversation, and the fields that do.
const PLACES: [(MsgId, &[&str]); 6] = [
    (MsgId::History, &["after", "before", "at"]),
    (MsgId::Changes, &["after"]),
    (MsgId::Ack, &["seq"]),
    (MsgId::Read, &["seq"]),
    (MsgId::Recall, &["seq"]),
    (MsgId::EditMessage, &["seq"]),
];

fn what_is_no_cursor_is_refused_with_the_field(store: Store) {
    let mut server = Server::on(store);
    let witnesses = Witnesses::of(&server);
    let (_, mut bob, conv) = three_said(&server);
    let before = entry(&mut bob, conv);
    for (msgid, fields) in PLACES {
        for field in fields {
            for value in [
                "-1",
                "-9223372036854775808",
                "1.5",
                "1e3",
                "18446744073709551616",
                "\"1\"",
                "\"1 OR 1=1\"",
                "\"\\u202e一\\u0000\"",
                "[1]",
                "{\"seq\":1}",
                "true",
            ] {
                for body in [
                    format!(r#"{{"conv":{conv},"msg":"x","{field}":{value}}}"#),
                    format!(r#"{{"conv":{value},"msg":"x","{field}":1}}"#),
                ] {
                    let rid = bob.send_body(msgid.into(), body.as_bytes());
                    let refusal = bob.reply(rid).expect_err(&format!("{} took {body}", msgid.name()));
                    let named = if body.contains(&format!(r#""conv":{value}"#)) { "conv" } else { field };
                    assert_eq!(
                        (refusal.code, refusal.body.field.as_deref()),
                        (Code::BAD_BODY, Some(named)),
                        "{} {body}",
                        msgid.name()
                    );
                    assert!(!refusal.body.errmsg.is_empty());
                }
            }
        }
    }
    assert_eq!(entry(&mut bob, conv), before);
    witnesses.testify(&mut server);
}

fn a_cursor_from_the_future_reaches_as_far_as_there_is_something(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = three_said(&server);
    for future in [4, 1_000, (1 << 53) - 1, 1 << 53, i64::MAX as u64, u64::MAX] {
        let page = bob.history(History { conv, after: Some(future), ..History::default() }).expect("a page");
        assert_eq!((page.messages.len(), page.first, page.last), (0, 1, 3), "after {future}");
        let page = bob.history(History { conv, before: Some(future), ..History::default() }).expect("a page");
        assert!(page.messages.iter().map(|message| message.seq).eq(1..=3), "before {future}");
        let page = bob.changes(conv, future, 0).expect("a page");
        assert_eq!((page.changes.len(), page.next, page.last), (0, 0, 1), "changes after {future}");
        for peer in [&mut alice, &mut bob] {
            assert_eq!(peer.recall(conv, future).expect_err("none").code, Code::NOT_FOUND);
            assert_eq!(peer.edit_message(conv, future, "x").expect_err("none").code, Code::NOT_FOUND);
        }
        bob.ack(conv, future).expect("noted");
        bob.mark_read(conv, future).expect("noted");
        let now = entry(&mut bob, conv);
        assert_eq!((now.acked, now.read, now.last, now.last_change), (3, 3, 3, 1));
    }
    // What is said next is neither delivered nor read because somebody said so before.
    assert_eq!(alice.say(bob.id, "four").seq, 4);
    let now = entry(&mut bob, conv);
    assert_eq!((now.acked, now.read, now.last), (3, 3, 4));
    assert_eq!(alice.receipts(conv, &[4]).expect("a list").counts[0].read, 0);
}

fn a_cursor_of_anothers_conversation_is_like_one_of_none(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = three_said(&server);
    let (mut carol, mut dave) = (user(&server, "carol"), user(&server, "dave"));
    let own = befriend(&mut carol, &mut dave);
    carol.say(dave.id, "psst");
    let group = alice.create_group("all", "").expect("opened").group.id;
    carol.join_group(group).expect("joined");
    alice.say_in(group, "hello");
    carol.leave_group(group).expect("left");
    for device in [&mut alice, &mut bob] {
        device.forget_pushes();
    }
    let (before, before_group) = (entry(&mut bob, conv), entry(&mut alice, group));
    // A place that is one there, one that is none, and one of the own conversation.
    for place in [1, 2, 3, 4, 1 << 53] {
        let mut answers = Vec::new();
        for conv in [999_999, conv, group, 0, 1 << 53, u64::MAX] {
            answers.push([
                carol
                    .history(History { conv, after: Some(place), ..History::default() })
                    .expect_err("not hers"),
                carol
                    .history(History { conv, before: Some(place), ..History::default() })
                    .expect_err("not hers"),
                carol.history(History { conv, at: Some(place), ..History::default() }).expect_err("not hers"),
                carol.changes(conv, place, 0).expect_err("not hers"),
                carol.ack(conv, place).expect_err("not hers"),
                carol.mark_read(conv, place).expect_err("not hers"),
                carol.receipts(conv, &[place]).expect_err("not hers"),
                carol.recall(conv, place).expect_err("not hers"),
                carol.edit_message(conv, place, "x").expect_err("not hers"),
            ]);
        }
        assert!(answers.iter().flatten().all(|refusal| refusal.code == Code::NOT_FOUND), "{answers:?}");
        assert!(answers.iter().all(|refusals| *refusals == answers[0]), "they tell them apart: {answers:?}");
    }
    assert_eq!((entry(&mut bob, conv), entry(&mut alice, group)), (before, before_group));
    for device in [&mut alice, &mut bob] {
        let told = device.pushes_so_far();
        assert!(!told.iter().any(|push| matches!(push, Push::Receipt(_) | Push::Changed(_))), "{told:?}");
    }
    assert_eq!(entry(&mut carol, own).acked, 0);
}

fn what_others_said_is_changed_by_nobody_else(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = three_said(&server);
    let mut carol = user(&server, "carol");
    let group = alice.create_group("all", "").expect("opened").group.id;
    for member in [&mut bob, &mut carol] {
        member.join_group(group).expect("joined");
    }
    let in_group = bob.say_in(group, "mine").seq;
    let (_, log) = (alice.forget_pushes(), bob.read_all(conv, 0));
    let nothing = bob.recall(conv, 999).expect_err("there is none");
    for seq in 1..=3 {
        assert_eq!(bob.recall(conv, seq).expect_err("hers"), nothing);
        assert_eq!(bob.edit_message(conv, seq, "mine now").expect_err("hers"), nothing);
    }
    // Members by members; nobody edits what another one said, not even who may take it back.
    assert_eq!(carol.recall(group, in_group).expect_err("his"), nothing);
    assert_eq!(carol.edit_message(group, in_group, "mine now").expect_err("his"), nothing);
    assert_eq!(alice.edit_message(group, in_group, "mine now").expect_err("his"), nothing);
    // What tells of a change of the group is nobody's to change.
    for seq in 1..in_group {
        for peer in [&mut alice, &mut bob, &mut carol] {
            assert_eq!(peer.recall(group, seq).expect_err("the group's").code, Code::NOT_FOUND, "{seq}");
            assert_eq!(peer.edit_message(group, seq, "x").expect_err("the group's").code, Code::NOT_FOUND);
        }
    }
    assert_eq!(bob.read_all(conv, 0), log);
    assert_eq!((bob.changes(conv, 0, 0).expect("a page").last, entry(&mut bob, group).last_change), (1, 0));
    let told = alice.pushes_so_far();
    assert!(!told.iter().any(|push| matches!(push, Push::Changed(_))), "{told:?}");
}
