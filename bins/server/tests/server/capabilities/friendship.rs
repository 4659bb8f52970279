//! B1, B2, B6: becoming friends and ceasing to be.

use protocol::{Code, Direction, FriendEventKind, FriendOutcome, State};

use crate::support::{Options, Server, Store, befriend, friends, log_in, on_each_store, user};

on_each_store! {
    b1_a_request_is_accepted,
    b1_a_request_is_refused,
    b1_a_request_is_withdrawn,
    b1_two_who_ask_each_other_become_friends,
    b1_two_who_ask_each_other_at_the_same_time_become_friends,
    b1_a_request_waits_for_the_next_login,
    b1_requests_that_make_no_sense_are_refused,
    b1_limits_on_friends_and_requests,
    b2_friends_are_listed_in_pages_and_deleted_by_either,
    b6_strangers_cannot_chat,
}

fn b1_a_request_is_accepted(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let mut bobs_phone = log_in(&server, "bob", "phone");
    let mut alices_phone = log_in(&server, "alice", "phone");

    let answer = alice.add_friend(bob.id, "it's me, \"Alice\" 100% 😀").expect("asked");
    assert_eq!((answer.outcome, answer.friend), (FriendOutcome::Requested, None));
    for peer in [&mut bob, &mut bobs_phone] {
        let event = peer.friend_event();
        assert_eq!((event.event, event.id, event.by), (FriendEventKind::Requested, alice.id, alice.id));
        assert_eq!((event.name.as_str(), event.greeting.as_str()), ("alice", "it's me, \"Alice\" 100% 😀"));
    }
    let event = alices_phone.friend_event();
    assert_eq!((event.event, event.id, event.by), (FriendEventKind::Requested, bob.id, alice.id));

    let answer = bob.accept_friend(alice.id).expect("accepted");
    let friend = answer.friend.expect("a friend");
    assert_eq!((answer.outcome, friend.id, friend.state), (FriendOutcome::Friends, alice.id, State::Online));
    let (alice_id, bob_id) = (alice.id, bob.id);
    for (peer, other) in [(&mut alice, bob_id), (&mut alices_phone, bob_id), (&mut bobs_phone, alice_id)] {
        let event = peer.friend_event();
        assert_eq!((event.event, event.id, event.by), (FriendEventKind::Accepted, other, bob_id));
        assert_eq!(event.friend.expect("the new friend").conv, friend.conv);
    }
    // The one that did it has its answer, and nothing else.
    assert_eq!(bob.pushes_so_far(), []);
    assert_eq!(alice.friend_requests(0, 0).expect("a page").requests, []);
}

fn b1_a_request_is_refused(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    alice.add_friend(bob.id, "").expect("asked");
    bob.friend_event();
    bob.refuse_friend(alice.id).expect("refused");
    let event = alice.friend_event();
    assert_eq!((event.event, event.id, event.by), (FriendEventKind::Refused, bob.id, bob.id));
    assert_eq!(bob.refuse_friend(alice.id).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(bob.accept_friend(alice.id).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(alice.friends(0, 0).expect("a page").friends, []);
    alice.add_friend(bob.id, "please").expect("asking again is possible");
}

fn b1_a_request_is_withdrawn(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    alice.add_friend(bob.id, "").expect("asked");
    bob.friend_event();
    assert_eq!(bob.withdraw_friend(alice.id).unwrap_err().code, Code::NOT_FOUND, "it is not his to withdraw");
    assert_eq!(alice.refuse_friend(bob.id).unwrap_err().code, Code::NOT_FOUND, "it is not hers to refuse");
    assert_eq!(alice.accept_friend(bob.id).unwrap_err().code, Code::NOT_FOUND, "it is not hers to accept");
    alice.withdraw_friend(bob.id).expect("withdrawn");
    let event = bob.friend_event();
    assert_eq!((event.event, event.id, event.by), (FriendEventKind::Withdrawn, alice.id, alice.id));
    assert_eq!(bob.accept_friend(alice.id).unwrap_err().code, Code::NOT_FOUND);
}

fn b1_two_who_ask_each_other_become_friends(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    alice.add_friend(bob.id, "").expect("asked");
    let answer = bob.add_friend(alice.id, "").expect("friends");
    assert_eq!(answer.outcome, FriendOutcome::Friends);
    let event = alice.friend_event();
    assert_eq!((event.event, event.id), (FriendEventKind::Accepted, bob.id));
    alice.say(bob.id, "hi");
    assert_eq!(bob.message().msg, "hi");
}

fn b1_two_who_ask_each_other_at_the_same_time_become_friends(store: Store) {
    let server = Server::on(store);
    for round in 0..10 {
        let (mut alice, mut bob) =
            (user(&server, &format!("alice {round}")), user(&server, &format!("bob {round}")));
        let ask = |friendid| {
            protocol::Request::AddFriend(protocol::AddFriend { friendid, greeting: String::new() })
        };
        let (one, other) = (alice.send(&ask(bob.id)), bob.send(&ask(alice.id)));
        alice.reply(one).expect("asked or friends");
        bob.reply(other).expect("asked or friends");
        let (hers, his) = (alice.friends(0, 0).expect("a page"), bob.friends(0, 0).expect("a page"));
        assert_eq!((hers.friends.len(), his.friends.len()), (1, 1));
        assert_eq!(hers.friends[0].conv, his.friends[0].conv);
        assert_eq!(alice.friend_requests(0, 0).expect("a page").requests, []);
    }
}

fn b1_a_request_waits_for_the_next_login(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, bob) = (user(&server, "alice"), user(&server, "bob"));
    let id = bob.id;
    drop(bob);
    alice.add_friend(id, "hello?").expect("asked");
    server.terminate();
    server.restart();
    let mut bob = log_in(&server, "bob", "");
    let requests = bob.friend_requests(0, 0).expect("a page").requests;
    let shown: Vec<_> = requests.iter().map(|r| (r.id, r.direction, r.greeting.as_str())).collect();
    assert_eq!(shown, [(alice.id, Direction::In, "hello?")]);
    let mut alice = log_in(&server, "alice", "");
    let requests = alice.friend_requests(0, 0).expect("a page").requests;
    assert_eq!(requests.iter().map(|r| (r.id, r.direction)).collect::<Vec<_>>(), [(bob.id, Direction::Out)]);
}

fn b1_requests_that_make_no_sense_are_refused(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    assert_eq!(alice.add_friend(alice.id, "").unwrap_err().code, Code::SELF);
    for nobody in [0, 999_999, u64::MAX] {
        assert_eq!(alice.add_friend(nobody, "").unwrap_err().code, Code::NOT_FOUND);
        assert_eq!(alice.accept_friend(nobody).unwrap_err().code, Code::NOT_FOUND);
    }
    assert_eq!(alice.add_friend(bob.id, &"x".repeat(201)).unwrap_err().code, Code::BAD_FIELD);
    alice.add_friend(bob.id, &"😀".repeat(200)).expect("exactly at the limit");
    assert_eq!(alice.add_friend(bob.id, "").unwrap_err().code, Code::ALREADY_REQUESTED);
    bob.accept_friend(alice.id).expect("accepted");
    assert_eq!(alice.add_friend(bob.id, "").unwrap_err().code, Code::ALREADY_FRIENDS);
    assert_eq!(bob.add_friend(alice.id, "").unwrap_err().code, Code::ALREADY_FRIENDS);
}

fn b1_limits_on_friends_and_requests(store: Store) {
    let server = Server::start(Options::on(store).with("friends-max", 2).with("friend-requests-max", 3));
    let mut alice = user(&server, "alice");
    let mut others: Vec<_> = (0..4).map(|n| user(&server, &format!("other {n}"))).collect();
    for other in &others[..3] {
        alice.add_friend(other.id, "").expect("asked");
    }
    assert_eq!(alice.add_friend(others[3].id, "").unwrap_err().code, Code::FULL, "three wait");
    others[0].accept_friend(alice.id).expect("the first friend");
    others[1].accept_friend(alice.id).expect("the second friend");
    assert_eq!(others[2].accept_friend(alice.id).unwrap_err().code, Code::FULL, "two are friends");
    alice.delete_friend(others[0].id).expect("room");
    others[2].accept_friend(alice.id).expect("room");
}

fn b2_friends_are_listed_in_pages_and_deleted_by_either(store: Store) {
    let server = Server::on(store);
    let mut alice = user(&server, "alice");
    let mut others: Vec<_> = (0..5).map(|n| user(&server, &format!("other {n}"))).collect();
    for other in &mut others {
        befriend(&mut alice, other);
    }
    let mut pages = Vec::new();
    let mut after = 0;
    loop {
        let page = alice.friends(after, 2).expect("a page");
        pages.push(page.friends.iter().map(|friend| friend.id).collect::<Vec<_>>());
        after = page.next;
        if after == 0 {
            break;
        }
    }
    let ids: Vec<_> = others.iter().map(|other| other.id).collect();
    assert_eq!(pages, [&ids[..2], &ids[2..4], &ids[4..]]);

    alice.delete_friend(ids[0]).expect("deleted");
    let event = others[0].friend_event();
    assert_eq!((event.event, event.id, event.by), (FriendEventKind::Deleted, alice.id, alice.id));
    others[1].delete_friend(alice.id).expect("deleted by the other side");
    assert_eq!(alice.friend_event().event, FriendEventKind::Deleted);
    assert_eq!(alice.friends(0, 0).expect("a page").friends.len(), 3);
    assert_eq!(alice.delete_friend(ids[0]).unwrap_err().code, Code::NOT_FRIENDS);
    for nobody in [0, 999_999, u64::MAX] {
        let code = alice.delete_friend(nobody).unwrap_err().code;
        assert!([Code::NOT_FRIENDS, Code::NOT_FOUND].contains(&code), "{code}");
    }
}

fn b6_strangers_cannot_chat(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut eve = user(&server, "eve");
    assert_eq!(eve.one_chat(alice.id, "buy this", "e-1").unwrap_err().code, Code::NOT_FRIENDS);
    eve.add_friend(alice.id, "").expect("asked");
    assert_eq!(
        eve.one_chat(alice.id, "buy this", "e-1").unwrap_err().code,
        Code::NOT_FRIENDS,
        "asking is not enough"
    );
    assert_eq!(eve.one_chat(eve.id, "to myself", "e-2").unwrap_err().code, Code::SELF);
    for nobody in [0, 999_999, u64::MAX] {
        assert_eq!(eve.one_chat(nobody, "anybody?", "e-3").unwrap_err().code, Code::NOT_FRIENDS);
    }
    alice.say(bob.id, "one");
    bob.message();

    // Friends no more: refused at once, and what was said can still be read.
    alice.delete_friend(bob.id).expect("deleted");
    bob.friend_event();
    assert_eq!(bob.one_chat(alice.id, "why?", "b-1").unwrap_err().code, Code::NOT_FRIENDS);
    assert_eq!(alice.one_chat(bob.id, "because", "a-1").unwrap_err().code, Code::NOT_FRIENDS);
    assert_eq!(bob.read_all(conv, 0).len(), 1);

    // Friends again go on where they stopped.
    assert_eq!(befriend(&mut bob, &mut alice), conv);
    assert_eq!(bob.say(alice.id, "two").seq, 2);
    assert_eq!(alice.message().msg, "two");
}
