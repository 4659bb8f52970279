//! Requests before their time, and about what is not the asker's.

use protocol::{Code, Reply, Request};

use super::samples::every_request;
use crate::support::{
    Peer, Server, Store, Witnesses, befriend, chat, group_chat, hello, log_in, on_each_store, user,
};

on_each_store! {
    ids_that_do_not_exist_are_refused_by_every_request,
    what_belongs_to_others_stays_theirs,
}

#[test]
fn before_hello_everything_else_is_refused() {
    let mut server = Server::on(Store::Sqlite);
    let witnesses = Witnesses::of(&server);
    let mut peer = Peer::connect(server.address());
    for request in every_request().into_iter().filter(|request| !matches!(request, Request::Hello(_))) {
        assert_eq!(peer.refused(&request), Code::HELLO_FIRST, "{request:?}");
    }
    peer.hello(hello("")).expect("and then it is taken");
    assert_eq!(peer.hello(hello("")).unwrap_err().code, Code::HELLO_FIRST, "once");
    witnesses.testify(&mut server);
}

#[test]
fn before_login_everything_that_needs_one_is_refused() {
    let mut server = Server::on(Store::Sqlite);
    let witnesses = Witnesses::of(&server);
    let mut peer = Peer::connect(server.address());
    peer.hello(hello("")).expect("HELLO");
    for request in every_request() {
        let expected = match request {
            Request::Hello(_) => Some(Code::HELLO_FIRST),
            Request::Ping(_) | Request::Reg(_) => None,
            Request::Login(_) | Request::Recover(_) => Some(Code::BAD_CREDENTIALS),
            Request::Resume(_) => Some(Code::SESSION_ENDED),
            _ => Some(Code::NOT_LOGGED_IN),
        };
        match (peer.ask(&request), expected) {
            (Ok(_), None) => {}
            (Err(refusal), Some(code)) => assert_eq!(refusal.code, code, "{request:?}"),
            (result, _) => panic!("{request:?}: {result:?}"),
        }
    }
    // All at once too, without waiting for anything.
    let mut peer = Peer::connect(server.address());
    let rids = peer.send_all(&every_request());
    let results: Vec<_> = rids.into_iter().map(|rid| peer.reply(rid)).collect();
    assert!(matches!(results[0], Ok(Reply::Hello(_))), "{results:?}");
    assert!(results.iter().all(|result| !matches!(result, Ok(Reply::OneChat(_) | Reply::GroupChat(_)))));
    witnesses.testify(&mut server);
}

#[test]
fn after_login_what_is_for_guests_is_refused() {
    let mut server = Server::on(Store::Sqlite);
    let witnesses = Witnesses::of(&server);
    let mut peer = log_in(&server, "witness one", "hostile");
    for request in every_request() {
        match request {
            Request::Login(_) | Request::Reg(_) | Request::Recover(_) | Request::Resume(_) => {
                assert_eq!(peer.refused(&request), Code::ALREADY_LOGGED_IN, "{request:?}");
            }
            Request::Hello(_) => assert_eq!(peer.refused(&request), Code::HELLO_FIRST),
            _ => {}
        }
    }
    peer.friends(0, 0).expect("the session goes on");
    witnesses.testify(&mut server);
}

fn ids_that_do_not_exist_are_refused_by_every_request(store: Store) {
    let mut server = Server::on(store);
    let witnesses = Witnesses::of(&server);
    let mut peer = user(&server, "asker");
    for id in [0, 999_999, (1 << 53) - 1, 1 << 53, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        let cases: &[(Request, &[Code])] = &[
            (Request::EndSession(protocol::SessionRef { session: id }), &[Code::NOT_FOUND]),
            (
                Request::AddFriend(protocol::AddFriend { friendid: id, greeting: String::new() }),
                &[Code::NOT_FOUND],
            ),
            (Request::AcceptFriend(protocol::FriendRef { friendid: id }), &[Code::NOT_FOUND]),
            (Request::RefuseFriend(protocol::FriendRef { friendid: id }), &[Code::NOT_FOUND]),
            (Request::WithdrawFriend(protocol::FriendRef { friendid: id }), &[Code::NOT_FOUND]),
            (Request::DeleteFriend(protocol::FriendRef { friendid: id }), &[Code::NOT_FRIENDS]),
            (Request::Block(protocol::UserRef { userid: id }), &[Code::NOT_FOUND]),
            (Request::Unblock(protocol::UserRef { userid: id }), &[Code::NOT_FOUND]),
            (Request::JoinGroup(protocol::JoinGroup::of(id)), &[Code::NOT_FOUND]),
            (Request::LeaveGroup(protocol::GroupRef { groupid: id }), &[Code::NOT_MEMBER]),
            (
                Request::GroupMembers(protocol::GroupMembers { groupid: id, after: 0, limit: 0 }),
                &[Code::NOT_MEMBER],
            ),
            (chat(id, "x", "x"), &[Code::NOT_FRIENDS]),
            (group_chat(id, "x", "x"), &[Code::NOT_MEMBER]),
            (
                Request::History(protocol::History {
                    conv: id,
                    after: None,
                    before: None,
                    at: None,
                    limit: 0,
                }),
                &[Code::NOT_FOUND],
            ),
            (Request::Ack(protocol::Ack { conv: id, seq: id }), &[Code::NOT_FOUND]),
            (Request::Read(protocol::Read { conv: id, seq: id }), &[Code::NOT_FOUND]),
            (Request::Receipts(protocol::Receipts { conv: id, seqs: vec![id] }), &[Code::NOT_FOUND]),
        ];
        for (request, codes) in cases {
            let code = peer.refused(request);
            assert!(codes.contains(&code), "{request:?}: {code}");
        }
        // As the place where a page begins any number will do.
        let empty = if id == 0 { 0 } else { id };
        assert_eq!(peer.friends(empty, u32::MAX).expect("a page").friends, []);
        assert_eq!(peer.groups(empty, 1).expect("a page").groups, []);
        assert_eq!(peer.blocked(empty, 1).expect("a page").blocked, []);
        assert_eq!(peer.friend_requests(empty, 1).expect("a page").requests, []);
        assert_eq!(peer.conversations(empty, 1).expect("a page").convs, []);
    }
    witnesses.testify(&mut server);
}

fn what_belongs_to_others_stays_theirs(store: Store) {
    let mut server = Server::on(store);
    let witnesses = Witnesses::of(&server);
    let (mut alice, mut bob, mut eve) = (user(&server, "alice"), user(&server, "bob"), user(&server, "eve"));
    let conv = befriend(&mut alice, &mut bob);
    alice.say(bob.id, "between us");
    let group = alice.create_group("ours", "").expect("opened").group.id;
    alice.say_in(group, "among us");
    let carol = user(&server, "carol");
    alice.add_friend(carol.id, "").expect("asked");

    for request in [
        Request::History(protocol::History { conv, after: Some(0), before: None, at: None, limit: 0 }),
        Request::History(protocol::History { conv: group, after: Some(0), before: None, at: None, limit: 0 }),
        Request::Ack(protocol::Ack { conv, seq: 1 }),
        Request::Ack(protocol::Ack { conv: group, seq: 1 }),
        Request::Read(protocol::Read { conv, seq: 1 }),
        Request::Read(protocol::Read { conv: group, seq: 1 }),
        Request::Receipts(protocol::Receipts { conv, seqs: vec![] }),
        Request::Receipts(protocol::Receipts { conv: group, seqs: vec![] }),
        Request::EndSession(protocol::SessionRef { session: alice.session }),
        Request::GroupMembers(protocol::GroupMembers { groupid: group, after: 0, limit: 0 }),
        Request::LeaveGroup(protocol::GroupRef { groupid: group }),
        group_chat(group, "let me in", "e"),
        group_chat(conv, "a group by another name", "e"),
        chat(alice.id, "let me in", "e"),
        Request::AcceptFriend(protocol::FriendRef { friendid: alice.id }),
        Request::RefuseFriend(protocol::FriendRef { friendid: carol.id }),
        Request::WithdrawFriend(protocol::FriendRef { friendid: carol.id }),
        Request::DeleteFriend(protocol::FriendRef { friendid: alice.id }),
    ] {
        assert_ne!(eve.refused(&request), Code::INTERNAL, "{request:?}");
    }
    assert_eq!(eve.refused(&Request::JoinGroup(protocol::JoinGroup::of(conv))), Code::NOT_FOUND);
    assert_eq!(eve.pushes_so_far(), []);
    for peer in [&mut alice, &mut bob] {
        assert_eq!(peer.friends(0, 0).expect("a page").friends.len(), 1);
        assert_eq!(peer.message_count(conv), 1);
    }
    assert_eq!(alice.message_count(group), 1);
    witnesses.testify(&mut server);
}
