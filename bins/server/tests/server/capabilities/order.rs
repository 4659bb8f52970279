//! Requests of one connection take effect in the order in which they were sent.

use protocol::{History, Login, Page, Reply, Request, Secret};

use crate::support::{
    PASSWORD, Peer, Server, Store, chat, friends, group_chat, hello, on_each_store, register,
};

on_each_store! {
    a_request_sees_the_messages_before_it,
    a_whole_session_can_be_sent_in_one_go,
    every_request_is_answered_once_however_many_are_pipelined,
}

fn a_request_sees_the_messages_before_it(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, conv) = friends(&server, "alice", "bob");
    let history = Request::History(History { conv, after: Some(0), before: None, at: None, limit: 0 });
    let mut requests = Vec::new();
    for round in 0..20 {
        for n in 0..3 {
            requests.push(chat(bob.id, "x", &format!("{round}-{n}")));
        }
        requests.push(history.clone());
    }
    let rids = alice.send_all(&requests);
    for (at, rid) in rids.into_iter().enumerate() {
        let reply = alice.reply(rid).expect("done");
        if let Reply::History(page) = reply {
            assert_eq!(
                page.messages.len(),
                (at + 1) / 4 * 3,
                "what was sent before, and nothing of what comes after"
            );
        }
    }
    // Across kinds: a group that is opened, joined and spoken in without waiting for any answer.
    let rids = alice.send_all(&[
        Request::CreateGroup(protocol::CreateGroup { groupname: "g".into(), groupdesc: String::new() }),
        Request::DeleteFriend(protocol::FriendRef { friendid: bob.id }),
        chat(bob.id, "too late", "late"),
        Request::Groups(Page::default()),
    ]);
    let results: Vec<_> = rids.into_iter().map(|rid| alice.reply(rid)).collect();
    assert_eq!(results[2].as_ref().unwrap_err().code, protocol::Code::NOT_FRIENDS);
    assert!(matches!(&results[3], Ok(Reply::Groups(page)) if page.groups.len() == 1), "{:?}", results[3]);
    let group = match &results[0] {
        Ok(Reply::CreateGroup(joined)) => joined.group.id,
        other => panic!("{other:?}"),
    };
    let rids = alice.send_all(&[
        group_chat(group, "last words", "w"),
        Request::LeaveGroup(protocol::GroupRef { groupid: group }),
        group_chat(group, "and one more", "w2"),
    ]);
    let results: Vec<_> = rids.into_iter().map(|rid| alice.reply(rid)).collect();
    assert!(results[0].is_ok() && results[1].is_ok(), "{results:?}");
    assert_eq!(results[2].as_ref().unwrap_err().code, protocol::Code::NOT_MEMBER);
}

fn a_whole_session_can_be_sent_in_one_go(store: Store) {
    let server = Server::on(store);
    let bob = register(&server, "bob");
    let mut peer = Peer::connect(server.address());
    let rids = peer.send_all(&[
        Request::Hello(hello("")),
        Request::Reg(protocol::Reg { name: "alice".into(), password: Secret::new(PASSWORD) }),
        Request::Login(Login {
            name: Some("alice".into()),
            password: Secret::new(PASSWORD),
            ..Login::default()
        }),
        Request::AddFriend(protocol::AddFriend { friendid: bob, greeting: "hi".into() }),
        Request::FriendRequests(Page::default()),
        Request::LogOut(protocol::Nothing {}),
        Request::Friends(Page::default()),
    ]);
    let results: Vec<_> = rids.into_iter().map(|rid| peer.reply(rid)).collect();
    for result in &results[..6] {
        assert!(result.is_ok(), "{results:?}");
    }
    assert!(matches!(&results[4], Ok(Reply::FriendRequests(page)) if page.requests.len() == 1));
    assert_eq!(results[6].as_ref().unwrap_err().code, protocol::Code::NOT_LOGGED_IN);
}

fn every_request_is_answered_once_however_many_are_pipelined(store: Store) {
    const REQUESTS: usize = 5_000;
    let server = Server::on(store);
    let (mut alice, bob, conv) = friends(&server, "alice", "bob");
    // Ten times beyond what the server lets wait; the peer checks that each rid is answered once.
    let requests: Vec<_> = (0..REQUESTS)
        .map(|n| match n % 5 {
            0..=2 => chat(bob.id, &n.to_string(), &n.to_string()),
            3 => Request::Ack(protocol::Ack { conv, seq: 1 }),
            _ => Request::Ping(protocol::Nothing {}),
        })
        .collect();
    let rids = alice.send_all(&requests);
    let mut seq = 0;
    for rid in rids {
        if let Reply::OneChat(sent) = alice.reply(rid).expect("done") {
            seq += 1;
            assert_eq!(sent.seq, seq);
        }
    }
    assert_eq!(alice.replies_due(), 0);
    alice.ping().expect("and nothing is left over");
    assert_eq!(server.stored_messages(conv), (REQUESTS / 5 * 3) as u64);
}
