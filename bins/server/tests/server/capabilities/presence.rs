//! B3: who is there.

use std::net::Shutdown;

use protocol::{PresencePush, State};
use socket2::SockRef;

use testkit::eventually;

use crate::support::{DEADLINE, Peer, Server, Store, befriend, friends, hello, log_in, on_each_store, user};

on_each_store! {
    b3_friends_hear_of_coming_and_going,
    b3_a_login_says_who_is_there,
    b3_a_lost_connection_is_going,
    b3_a_second_device_is_neither_coming_nor_going,
    b3_strangers_hear_nothing,
    b3_flapping_ends_with_the_truth,
    b3_a_list_says_when_a_friend_was_last_there,
    b3_last_seen_survives_a_crash,
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    now.as_millis() as u64
}

fn b3_a_list_says_when_a_friend_was_last_there(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    assert_eq!(alice.friends(0, 0).expect("a page").friends[0].last_seen, 0, "there");
    let before = now_ms();
    drop(bob);
    let told = alice.presence().last_seen;
    let listed = alice.friends(0, 0).expect("a page").friends[0].last_seen;
    assert_eq!(told, listed);
    assert!(before <= listed && listed <= now_ms(), "{before} {listed}");
    let _bob = log_in(&server, "bob", "");
    alice.presence();
    assert_eq!(alice.friends(0, 0).expect("a page").friends[0].last_seen, 0, "there again");
}

/// A process that is killed says nothing of those who were connected: what is stored is a minute old at most.
fn b3_last_seen_survives_a_crash(store: Store) {
    let mut server = Server::on(store);
    let before = now_ms();
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    // Noted once a minute, and by the first tick; then the process dies.
    eventually(DEADLINE, "the first note of who is there", || (now_ms() > before + 2_500).then_some(()));
    server.kill9();
    drop(bob);
    server.restart();
    let mut again = Peer::connect(server.address());
    again.hello(hello("")).expect("HELLO");
    let bundle = again.resume(alice.token.take().expect("a token")).expect("a good token");
    let listed = bundle.friends[0].last_seen;
    assert!(before <= listed && listed <= now_ms(), "{before} {listed}");
}

fn b3_friends_hear_of_coming_and_going(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    let id = bob.id;
    for _ in 0..3 {
        let mut again = log_in(&server, "bob", "again");
        again.log_out().expect("out");
    }
    assert_eq!(alice.pushes_so_far(), [], "he was there all the time");
    drop(bob);
    let gone = alice.presence();
    assert_eq!((gone.id, gone.state), (id, State::Offline));
    assert!(gone.last_seen.abs_diff(now_ms()) < 60_000, "{gone:?}");
    let bob = log_in(&server, "bob", "");
    assert_eq!(alice.presence(), PresencePush { id: bob.id, state: State::Online, last_seen: 0 });
}

fn b3_a_login_says_who_is_there(store: Store) {
    let server = Server::on(store);
    let mut alice = user(&server, "alice");
    let (mut here, mut away) = (user(&server, "here"), user(&server, "away"));
    befriend(&mut alice, &mut here);
    befriend(&mut alice, &mut away);
    let away_id = away.id;
    drop(away);
    alice.presence();
    let mut peer = Peer::connect(server.address());
    peer.hello(hello("")).expect("HELLO");
    let bundle = peer.resume(alice.token.take().expect("a token")).expect("a good token");
    let states: Vec<_> = bundle.friends.iter().map(|friend| (friend.id, friend.state)).collect();
    assert_eq!(states, [(here.id, State::Online), (away_id, State::Offline)]);
    let listed = peer.friends(0, 0).expect("a page").friends;
    assert_eq!(listed, bundle.friends);
}

fn b3_a_lost_connection_is_going(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    // A reset: the process crashed, or a firewall spoke.
    SockRef::from(bob.stream()).set_linger(Some(std::time::Duration::ZERO)).expect("SO_LINGER");
    drop(bob);
    assert_eq!(alice.presence().state, State::Offline);
    // A half-close with nothing more to say.
    let bob = log_in(&server, "bob", "");
    assert_eq!(alice.presence().state, State::Online);
    bob.stream().shutdown(Shutdown::Write).expect("shutdown");
    assert_eq!(alice.presence().state, State::Offline);
}

fn b3_a_second_device_is_neither_coming_nor_going(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    let phone = log_in(&server, "bob", "phone");
    drop(bob);
    let mut tablet = log_in(&server, "bob", "tablet");
    drop(phone);
    tablet.sessions().expect("a list");
    tablet.say(alice.id, "still here");
    alice.message();
    assert_eq!(alice.pushes_so_far(), []);
    drop(tablet);
    assert_eq!(alice.presence().state, State::Offline);
}

fn b3_strangers_hear_nothing(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let mut eve = user(&server, "eve");
    eve.add_friend(bob.id, "").expect("asked");
    bob.friend_event();
    bob.log_out().expect("out");
    assert_eq!(alice.presence().state, State::Offline);
    assert_eq!(eve.pushes_so_far(), []);
    alice.delete_friend(bob.id).expect("deleted");
    log_in(&server, "bob", "");
    assert_eq!(alice.pushes_so_far(), []);
}

fn b3_flapping_ends_with_the_truth(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let token = bob.token.take().expect("a token");
    drop(bob);
    for _ in 0..30 {
        let mut again = Peer::connect(server.address());
        let hello = protocol::Request::Hello(hello("flapping"));
        let resume = protocol::Request::Resume(protocol::Resume {
            token: token.clone(),
            ..protocol::Resume::default()
        });
        again.send_all(&[hello, resume]);
        // Gone before, while or after it is served.
    }
    // By a session of its own: one of those may still be on its way, and take the session that it resumes along.
    let mut last = log_in(&server, "bob", "last");
    let id = last.id;
    // Whatever was heard meanwhile, a message that he sends now is heard after that he is there.
    last.say(alice.id, "here I am");
    alice.message();
    let state = alice.friends(0, 0).expect("a page").friends[0].state;
    assert_eq!(state, State::Online);
    last.log_out().expect("out");
    // Offline comes last, whatever came between.
    loop {
        let heard = alice.presence();
        assert_eq!(heard.id, id);
        if heard.state == State::Offline
            && alice.friends(0, 0).expect("a page").friends[0].state == State::Offline
        {
            break;
        }
    }
}
