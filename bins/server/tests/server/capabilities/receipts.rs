//! M4: delivered and read, told to who said it and to ones own devices; unread messages are the same on all of them.

use protocol::{Code, Conversation, FriendRef, Push, Receipt, ReceiptCount, Receipts, Request};
use testkit::eventually;

use crate::support::{DEADLINE, Peer, Server, Store, befriend, friends, hello, log_in, on_each_store, user};

on_each_store! {
    m4_a_receipt_says_how_far_the_other_one_got,
    m4_a_flood_of_acknowledgements_is_few_receipts,
    m4_what_is_unread_is_equal_on_all_devices,
    m4_a_group_counts_who_read_a_message,
    m4_who_is_no_friend_any_more_sees_no_receipts,
    m4_what_was_read_outlives_a_restart,
    m4_bad_requests_change_nothing,
}

fn entry(peer: &mut Peer, conv: u64) -> Conversation {
    let convs = peer.conversations(0, 0).expect("a page").convs;
    convs.into_iter().find(|entry| entry.conv == conv).expect("the conversation")
}

fn unread(peer: &mut Peer, conv: u64) -> u64 {
    let entry = entry(peer, conv);
    entry.last - entry.read.max(entry.first - 1)
}

fn m4_a_receipt_says_how_far_the_other_one_got(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "alice", "phone");
    for _ in 0..3 {
        alice.say(bob.id, "hi");
    }
    bob.ack(conv, 2).expect("noted");
    for device in [&mut alice, &mut phone] {
        assert_eq!(device.receipt(), Receipt { conv, user: bob.id, delivered: 2, read: 0 });
    }
    bob.mark_read(conv, 3).expect("noted");
    for device in [&mut alice, &mut phone] {
        assert_eq!(device.receipt(), Receipt { conv, user: bob.id, delivered: 3, read: 3 });
    }
    let list = alice.receipts(conv, &[3]).expect("a list");
    assert_eq!((list.delivered, list.read), (3, 3));
    assert_eq!(list.counts, [ReceiptCount { seq: 3, of: 1, delivered: 1, read: 1 }]);
}

fn m4_a_flood_of_acknowledgements_is_few_receipts(store: Store) {
    const MESSAGES: u64 = 500;
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    for n in 0..MESSAGES {
        alice.say(bob.id, &n.to_string());
    }
    let begun = std::time::Instant::now();
    for seq in 1..=MESSAGES {
        bob.mark_read(conv, seq).expect("noted");
    }
    let mut receipts = vec![alice.receipt()];
    while receipts[receipts.len() - 1].read < MESSAGES {
        receipts.push(alice.receipt());
    }
    // One in 200 ms; a tick may have begun just before, and one ends it.
    let most = begun.elapsed().as_millis() / 200 + 2;
    assert!(receipts.len() as u128 <= most, "{} receipts in {:?}", receipts.len(), begun.elapsed());
    assert!(receipts.is_sorted_by_key(|receipt| receipt.read), "they only rise: {receipts:?}");
}

fn m4_what_is_unread_is_equal_on_all_devices(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "bob", "phone");
    let away = log_in(&server, "bob", "away");
    let token = away.token.clone().expect("a token");
    drop(away);
    for _ in 0..5 {
        alice.say(bob.id, "hi");
    }
    for device in [&mut bob, &mut phone] {
        assert_eq!(unread(device, conv), 5);
    }
    bob.mark_read(conv, 4).expect("noted");
    assert_eq!(phone.receipt(), Receipt { conv, user: bob.id, delivered: 4, read: 4 });
    phone.mark_read(conv, 2).expect("noted, and nothing moves");
    let mut back = Peer::connect(server.address());
    back.hello(hello("back")).expect("greeted");
    back.resume(token).expect("it goes on");
    for device in [&mut bob, &mut phone, &mut back] {
        assert_eq!(unread(device, conv), 1);
    }
    let answer = phone.say(alice.id, "an answer").seq;
    for device in [&mut bob, &mut phone, &mut back] {
        assert_eq!(unread(device, conv), 2, "who answers may not have all that was said before");
    }
    phone.mark_read(conv, answer).expect("noted");
    for device in [&mut bob, &mut phone, &mut back] {
        assert_eq!(unread(device, conv), 0);
    }
    assert_eq!(unread(&mut alice, conv), 6, "hers, as she has not read them here, and his");
}

fn m4_a_group_counts_who_read_a_message(store: Store) {
    let server = Server::on(store);
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| user(&server, name));
    let group = alice.create_group("readers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    carol.join_group(group).expect("joined");
    let seq = alice.say_in(group, "who reads this?").seq;
    bob.mark_read(group, seq).expect("noted");
    carol.ack(group, seq).expect("noted");
    let list = alice.receipts(group, &[seq]).expect("a list");
    assert_eq!(list.counts, [ReceiptCount { seq, of: 2, delivered: 2, read: 1 }]);
    assert_eq!(list.delivered, seq);
    // Nothing is pushed in groups: two intervals later the first push is the answer to a receipt elsewhere.
    let mut dan = user(&server, "dan");
    let conv = befriend(&mut dan, &mut alice);
    alice.say(dan.id, "hi");
    alice.forget_pushes();
    dan.mark_read(conv, 1).expect("noted");
    assert_eq!(alice.receipt().user, dan.id);
    let pushes = alice.pushes_so_far();
    assert!(!pushes.iter().any(|push| matches!(push, Push::Receipt(_))), "{pushes:?}");
}

fn m4_who_is_no_friend_any_more_sees_no_receipts(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut carol = user(&server, "carol");
    let with_carol = befriend(&mut carol, &mut alice);
    alice.say(bob.id, "hi");
    alice.say(carol.id, "hi");
    bob.ask(&Request::DeleteFriend(FriendRef { friendid: alice.id })).expect("ended");
    bob.mark_read(conv, 1).expect("his own");
    carol.mark_read(with_carol, 1).expect("noted");
    assert_eq!(alice.receipt().user, carol.id, "nothing of bob");
    let code = alice.refused(&Request::Receipts(Receipts { conv, seqs: vec![] }));
    assert_eq!(code, Code::NOT_FRIENDS);
    assert_eq!(entry(&mut bob, conv).read, 1);
}

fn m4_what_was_read_outlives_a_restart(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    for _ in 0..3 {
        alice.say(bob.id, "hi");
    }
    bob.mark_read(conv, 2).expect("noted");
    server.terminate();
    server.restart();
    let mut bob = log_in(&server, "bob", "laptop");
    assert_eq!(unread(&mut bob, conv), 1);
    // A kill loses a second at most: what was read before that stays.
    bob.mark_read(conv, 3).expect("noted");
    let stored = || (server.stored_read(conv, bob.id) == 3).then_some(());
    eventually(DEADLINE, "it is stored", stored);
    server.kill9();
    server.restart();
    let mut bob = log_in(&server, "bob", "laptop");
    assert_eq!(unread(&mut bob, conv), 0);
}

fn m4_bad_requests_change_nothing(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    alice.say(bob.id, "hi");
    let mut stranger = user(&server, "stranger");
    for body in [
        r#"{"conv":1}"#,
        r#"{"seq":1}"#,
        r#"{"conv":1,"seq":-1}"#,
        r#"{"conv":1,"seq":"1"}"#,
        r#"{"conv":1,"seq":1.5}"#,
        r#"{"conv":"1' OR 1=1","seq":1}"#,
    ] {
        let rid = bob.send_body(80, body.as_bytes());
        assert_eq!(bob.reply(rid).expect_err("refused").code, Code::BAD_BODY, "{body}");
    }
    for body in [r#"{"conv":1,"seqs":1}"#, r#"{"conv":1,"seqs":[-1]}"#, r#"{"conv":1,"seqs":["1"]}"#] {
        let rid = bob.send_body(82, body.as_bytes());
        let refusal = bob.reply(rid).expect_err("refused");
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_BODY, Some("seqs")), "{body}");
    }
    let refusal = bob.receipts(conv, &[1; 101]).expect_err("refused");
    assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("seqs")));
    assert_eq!(bob.receipts(conv, &[1; 100]).expect("a list").counts.len(), 100);
    for seqs in [[0], [2], [u64::MAX]] {
        assert_eq!(bob.receipts(conv, &seqs).expect_err("refused").code, Code::NOT_FOUND);
    }
    assert_eq!(stranger.mark_read(conv, 1).expect_err("refused").code, Code::NOT_FOUND);
    assert_eq!(stranger.receipts(conv, &[]).expect_err("refused").code, Code::NOT_FOUND);
    // From the future: as far as there is something, and not beyond.
    bob.mark_read(conv, u64::MAX).expect("noted");
    alice.say(bob.id, "news");
    assert_eq!(unread(&mut bob, conv), 1);
}
