//! A repeat with the same `client_msg_id` is the same message.

use protocol::{Push, Reply};

use crate::support::{Server, Store, chat, friends, log_in, on_each_store, user};

on_each_store! {
    a_repeat_gets_the_first_ones_place,
    a_repeat_from_another_connection_and_after_a_restart,
    a_repeat_from_two_devices_at_once_is_stored_once,
    a_repeat_in_one_row_is_stored_once,
    ids_are_each_senders_own,
}

fn a_repeat_gets_the_first_ones_place(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let first = alice.one_chat(bob.id, "once", "id-1").expect("stored");
    let second = alice.one_chat(bob.id, "something else", "id-2").expect("stored");
    for _ in 0..3 {
        assert_eq!(alice.one_chat(bob.id, "once", "id-1").expect("known"), first);
    }
    // The text of a repeat does not count: it is the first one's.
    assert_eq!(alice.one_chat(bob.id, "changed my mind", "id-1").expect("known"), first);
    assert_eq!((first.seq, second.seq), (1, 2));
    assert_eq!((bob.message().msg.as_str(), bob.message().msg.as_str()), ("once", "something else"));
    assert_eq!(bob.pushes_so_far(), [], "a repeat is not delivered again");
    assert_eq!(alice.read_all(conv, 0).len(), 2);
    // Ids are compared byte by byte.
    for (n, id) in
        ["ID-1", "id-1 ", " id-1", "id-1%", "id_1", "é".repeat(2).escape_unicode().to_string().as_str()]
            .into_iter()
            .enumerate()
    {
        assert_eq!(alice.one_chat(bob.id, "new", id).expect("stored").seq, n as u64 + 3, "{id:?}");
    }
}

fn a_repeat_from_another_connection_and_after_a_restart(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, bob, conv) = friends(&server, "alice", "bob");
    let bob_id = bob.id;
    let first = alice.one_chat(bob_id, "once", "id-1").expect("stored");
    let mut phone = log_in(&server, "alice", "phone");
    assert_eq!(phone.one_chat(bob_id, "once", "id-1").expect("known"), first);
    server.kill9();
    server.restart();
    let mut alice = log_in(&server, "alice", "");
    assert_eq!(alice.one_chat(bob_id, "once", "id-1").expect("known"), first);
    server.terminate();
    server.restart();
    let mut alice = log_in(&server, "alice", "");
    assert_eq!(alice.one_chat(bob_id, "once", "id-1").expect("known"), first);
    assert_eq!(alice.read_all(conv, 0).len(), 1);
    assert_eq!(server.stored_messages(conv), 1);
}

fn a_repeat_from_two_devices_at_once_is_stored_once(store: Store) {
    const ROUNDS: usize = 200;
    let server = Server::on(store);
    let (mut laptop, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "alice", "phone");
    let requests: Vec<_> = (0..ROUNDS).map(|n| chat(bob.id, &n.to_string(), &format!("id-{n}"))).collect();
    let (one, other) = (laptop.send_all(&requests), phone.send_all(&requests));
    for (one, other) in one.into_iter().zip(other) {
        match (laptop.reply(one), phone.reply(other)) {
            (Ok(Reply::OneChat(one)), Ok(Reply::OneChat(other))) => assert_eq!(one, other),
            results => panic!("{results:?}"),
        }
    }
    for n in 0..ROUNDS {
        assert_eq!(bob.message().seq, n as u64 + 1, "each arrives once");
    }
    assert_eq!(bob.pushes_so_far(), []);
    assert_eq!(server.stored_messages(conv), ROUNDS as u64);
    // What one device sent first the other one heard, and the other way round.
    let heard =
        |pushes: Vec<Push>| pushes.into_iter().filter(|push| matches!(push, Push::Message(_))).count();
    assert_eq!(heard(laptop.pushes_so_far()) + heard(phone.pushes_so_far()), ROUNDS);
}

fn a_repeat_in_one_row_is_stored_once(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, conv) = friends(&server, "alice", "bob");
    // All of them may end up in one transaction.
    let requests: Vec<_> = (0..60).map(|n| chat(bob.id, "x", &format!("id-{}", n % 3))).collect();
    let rids = alice.send_all(&requests);
    for (n, rid) in rids.into_iter().enumerate() {
        match alice.reply(rid) {
            Ok(Reply::OneChat(sent)) => assert_eq!(sent.seq, n as u64 % 3 + 1),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.stored_messages(conv), 3);
}

fn ids_are_each_senders_own(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let mut carol = user(&server, "carol");
    let with_carol = crate::support::befriend(&mut carol, &mut alice);
    assert_eq!(alice.one_chat(bob.id, "hers", "id").expect("stored").seq, 1);
    assert_eq!(bob.one_chat(alice.id, "his", "id").expect("stored").seq, 2);
    // The same sender elsewhere: it is still the same message, where it was said first.
    let again = alice.one_chat(carol.id, "hers", "id").expect("known");
    assert_eq!(again.seq, 1);
    assert_ne!(again.conv, with_carol);
    assert_eq!(carol.pushes_so_far(), []);
}
