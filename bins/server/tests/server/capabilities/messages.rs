//! M1: messages arrive, one to one and in groups, as they were sent.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::MessageKind;

use crate::support::{Server, Store, chat, friends, log_in, on_each_store, user};

on_each_store! {
    m1_a_message_arrives_as_it_was_sent,
    m1_every_device_hears_but_the_one_that_sent,
    m1_everybody_sees_one_order,
    m1_a_long_talk_through_a_window,
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis() as u64
}

fn m1_a_message_arrives_as_it_was_sent(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let before = now_ms();
    let sent = alice.one_chat(bob.id, "hi", "my-id").expect("stored");
    assert_eq!((sent.conv, sent.seq), (conv, 1));
    assert!((before..=now_ms()).contains(&sent.time), "{} is not now", sent.time);
    let message = bob.message();
    assert_eq!((message.conv, message.seq, message.time), (conv, 1, sent.time));
    assert_eq!((message.from, message.name.as_str()), (alice.id, "alice"));
    assert_eq!(
        (message.client_msg_id.as_str(), message.kind, message.msg.as_str()),
        ("my-id", MessageKind::Text, "hi")
    );
    assert_eq!(alice.read_all(conv, 0), std::slice::from_ref(&message));
    assert_eq!(bob.read_all(conv, 0), [message]);
    assert_eq!(server.stored_messages(conv), 1);
}

fn m1_every_device_hears_but_the_one_that_sent(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "alice", "phone");
    let mut bobs_phone = log_in(&server, "bob", "phone");
    alice.say(bob.id, "from the laptop");
    for peer in [&mut phone, &mut bob, &mut bobs_phone] {
        let message = peer.message();
        assert_eq!((message.seq, message.from, message.msg.as_str()), (1, alice.id, "from the laptop"));
    }
    // The next one comes from the phone, and is the first that the laptop hears.
    phone.say(bob.id, "from the phone");
    assert_eq!(alice.message().msg, "from the phone");
    for peer in [&mut bob, &mut bobs_phone] {
        assert_eq!(peer.message().seq, 2);
    }
    for peer in [&mut alice, &mut phone, &mut bob, &mut bobs_phone] {
        assert_eq!(peer.pushes_so_far(), []);
    }
    assert_eq!(server.stored_messages(conv), 2);
}

fn m1_everybody_sees_one_order(store: Store) {
    const EACH: usize = 100;
    let server = Server::on(store);
    let mut peers: Vec<_> = (0..4).map(|n| user(&server, &format!("user {n}"))).collect();
    let group = peers[0].create_group("all", "").expect("opened").group.id;
    for peer in &mut peers[1..] {
        peer.join_group(group).expect("joined");
    }
    // All at once.
    let rids: Vec<Vec<u32>> = peers
        .iter_mut()
        .map(|peer| {
            let texts = (0..EACH)
                .map(|n| crate::support::group_chat(group, &format!("{}:{n}", peer.id), &n.to_string()));
            let requests: Vec<_> = texts.collect();
            peer.send_all(&requests)
        })
        .collect();
    let mut views = Vec::new();
    for (peer, rids) in peers.iter_mut().zip(rids) {
        let mut view = vec![None; EACH * 4];
        let own = rids.into_iter().enumerate().map(|(n, rid)| match peer.reply(rid) {
            Ok(protocol::Reply::GroupChat(sent)) => (sent.seq, format!("{}:{n}", peer.id)),
            other => panic!("{other:?}"),
        });
        let own: Vec<_> = own.collect();
        assert!(own.windows(2).all(|pair| pair[0].0 < pair[1].0), "a sender's own order is kept");
        let mut last = 0;
        let heard: Vec<_> = (0..EACH * 3)
            .map(|_| {
                let message = peer.message();
                assert!(message.seq > last, "pushes of a conversation come in order");
                last = message.seq;
                (message.seq, message.msg)
            })
            .collect();
        for (seq, text) in own.into_iter().chain(heard) {
            // After the three who came in.
            assert_eq!(view[seq as usize - 4].replace(text), None, "seq {seq} came twice");
        }
        views.push(view);
    }
    assert!(views.iter().all(|view| *view == views[0]));
    let stored: Vec<_> = peers[0].read_all(group, 0).into_iter().map(|message| Some(message.msg)).collect();
    assert_eq!(stored, views[0]);
}

fn m1_a_long_talk_through_a_window(store: Store) {
    const MESSAGES: usize = 2_000;
    const WINDOW: usize = 32;
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let mut asked = std::collections::VecDeque::new();
    let mut next = 0;
    let mut answered = 0;
    while answered < MESSAGES {
        let room = (WINDOW - asked.len()).min(MESSAGES - next);
        let requests: Vec<_> =
            (next..next + room).map(|n| chat(bob.id, &n.to_string(), &n.to_string())).collect();
        next += room;
        asked.extend(alice.send_all(&requests));
        let rid = asked.pop_front().expect("something is asked");
        match alice.reply(rid) {
            Ok(protocol::Reply::OneChat(sent)) => assert_eq!(sent.seq, answered as u64 + 1),
            other => panic!("{other:?}"),
        }
        answered += 1;
    }
    for n in 0..MESSAGES {
        let message = bob.message();
        assert_eq!((message.seq, message.msg), (n as u64 + 1, n.to_string()));
    }
}
