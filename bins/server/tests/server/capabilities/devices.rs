//! A4, A9: several devices, resuming, and looking after one's sessions.

use std::time::{Duration, Instant};

use protocol::{Code, Login, Secret, State};
use socket2::SockRef;
use testkit::eventually;

use crate::support::{
    DEADLINE, Options, PASSWORD, Peer, Server, Store, befriend, friends, hello, log_in, on_each_store,
    register, user,
};

on_each_store! {
    a4_many_devices_at_once_each_with_a_name,
    a4_one_session_only_by_refusing_the_second,
    a4_one_session_only_and_a_killed_client_is_not_locked_out,
    a4_one_session_only_by_ending_the_first,
    a4_a_login_too_many_ends_the_one_seen_longest_ago,
    a9_a_token_resumes_and_survives_a_restart,
    a9_a_session_has_one_connection,
    a9_a_token_that_was_never_given_is_worth_nothing,
    a9_listing_and_ending_own_sessions,
    a9_an_ended_session_does_nothing_more,
}

fn connect(server: &Server, device: &str) -> Peer {
    let mut peer = Peer::connect(server.address());
    peer.hello(hello(device)).expect("HELLO");
    peer
}

fn login_refused(server: &Server, name: &str) -> Code {
    let login = Login { name: Some(name.into()), password: Secret::new(PASSWORD), ..Login::default() };
    connect(server, "").login(login).unwrap_err().code
}

fn a4_many_devices_at_once_each_with_a_name(store: Store) {
    let server = Server::on(store);
    let (mut phone, mut bob, _) = friends(&server, "alice", "bob");
    let mut laptop = log_in(&server, "alice", "Laptop 💻");
    bob.say(phone.id, "to all of you");
    assert_eq!(phone.message().msg, "to all of you");
    assert_eq!(laptop.message().msg, "to all of you");
    let sessions = laptop.sessions().expect("a list").sessions;
    let shown: Vec<_> = sessions.iter().map(|s| (s.session, s.device.as_str(), s.state, s.current)).collect();
    assert_eq!(
        shown,
        [(phone.session, "first", State::Online, false), (laptop.session, "Laptop 💻", State::Online, true)]
    );
}

fn a4_one_session_only_by_refusing_the_second(store: Store) {
    let server = Server::start(Options::on(store).with("session-policy", "reject"));
    register(&server, "alice");
    let mut first = log_in(&server, "alice", "first");
    assert_eq!(login_refused(&server, "alice"), Code::ALREADY_ONLINE);
    // Whoever loses the connection is not locked out: the session takes its own place.
    let token = first.token.take().expect("a token");
    let mut again = connect(&server, "first");
    again.resume(token).expect("one's own place");
    assert_eq!(Code(first.bye().errcode), Code::SESSION_MOVED);
    again.log_out().expect("out");
    log_in(&server, "alice", "second");
}

fn a4_one_session_only_and_a_killed_client_is_not_locked_out(store: Store) {
    let mut server = Server::start(Options::on(store).with("session-policy", "reject"));
    register(&server, "alice");
    let logs_in_again = |server: &Server| {
        eventually(DEADLINE, "a login", || {
            let login =
                Login { name: Some("alice".into()), password: Secret::new(PASSWORD), ..Login::default() };
            let mut peer = connect(server, "");
            peer.login(login).ok().map(|_| peer)
        })
    };
    let killed = logs_in_again(&server);
    SockRef::from(killed.stream()).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    drop(killed);
    let survivor = logs_in_again(&server);
    // Nor does the server's own death leave anybody online.
    server.kill9();
    server.restart();
    logs_in_again(&server);
    drop(survivor);
}

fn a4_one_session_only_by_ending_the_first(store: Store) {
    let server = Server::start(Options::on(store).with("session-policy", "replace"));
    register(&server, "alice");
    let mut first = log_in(&server, "alice", "first");
    let token = first.token.take().expect("a token");
    let mut second = log_in(&server, "alice", "second");
    assert_eq!(Code(first.bye().errcode), Code::SESSION_ENDED);
    assert_eq!(connect(&server, "").resume(token).unwrap_err().code, Code::SESSION_ENDED);
    assert_eq!(second.sessions().expect("a list").sessions.len(), 1);
}

fn a4_a_login_too_many_ends_the_one_seen_longest_ago(store: Store) {
    let server = Server::start(Options::on(store).with("sessions-per-user-max", 2));
    register(&server, "alice");
    let mut first = log_in(&server, "alice", "first");
    let mut second = log_in(&server, "alice", "second");
    let mut third = log_in(&server, "alice", "third");
    let bye = if third.sessions().expect("a list").sessions.iter().any(|s| s.session == first.session) {
        // Both were seen within one millisecond.
        second.bye()
    } else {
        first.bye()
    };
    assert_eq!(Code(bye.errcode), Code::SESSION_ENDED);
    assert_eq!(third.sessions().expect("a list").sessions.len(), 2);
}

fn a9_a_token_resumes_and_survives_a_restart(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let token = alice.token.take().expect("a token");
    let alice_id = alice.id;
    drop(alice);
    assert_eq!(bob.presence().state, State::Offline);
    bob.say(alice_id, "while you were away");
    for crash in [false, true] {
        if crash {
            server.kill9()
        } else {
            server.terminate()
        }
        server.restart();
        let mut alice = connect(&server, "renamed");
        let begun = Instant::now();
        let bundle = alice.resume(token.clone()).expect("a good token");
        let took = begun.elapsed();
        assert_eq!(bundle.name, "alice");
        assert_eq!(bundle.token, None, "a token is given once");
        assert_eq!(bundle.convs.iter().map(|c| (c.conv, c.last)).collect::<Vec<_>>(), [(conv, 1)]);
        assert!(took.as_secs() < 5, "resuming took {took:?}");
    }
}

fn a9_a_session_has_one_connection(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let mut again = connect(&server, "");
    let bundle = again.resume(alice.token.take().expect("a token")).expect("a good token");
    assert_eq!(bundle.session, alice.session);
    assert_eq!(Code(alice.bye().errcode), Code::SESSION_MOVED, "it goes on elsewhere");
    bob.say(bundle.id, "once");
    assert_eq!(again.message().msg, "once");
    // She was there all the time: nobody is told otherwise.
    assert_eq!(bob.pushes_so_far(), []);
}

fn a9_a_token_that_was_never_given_is_worth_nothing(store: Store) {
    let server = Server::on(store);
    register(&server, "alice");
    let mut peer = connect(&server, "");
    let tokens =
        ["", "x", "' OR 1=1 --", &"0".repeat(64), &"f".repeat(64), &"é".repeat(32), &"0".repeat(10_000)];
    for token in tokens {
        assert_eq!(peer.resume(Secret::new(token)).unwrap_err().code, Code::SESSION_ENDED, "{token:?}");
    }
}

fn a9_listing_and_ending_own_sessions(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    befriend(&mut alice, &mut bob);
    let mut lost = log_in(&server, "alice", "lost phone");
    let token = lost.token.take().expect("a token");

    // Nobody ends what is not theirs, or does not exist.
    for session in [bob.session, 0, u64::MAX, alice.session + 1_000] {
        assert_eq!(alice.end_session(session).unwrap_err().code, Code::NOT_FOUND, "{session}");
    }
    bob.ping().expect("his session goes on");

    alice.end_session(lost.session).expect("ended");
    assert_eq!(Code(lost.bye().errcode), Code::SESSION_ENDED);
    assert_eq!(connect(&server, "").resume(token).unwrap_err().code, Code::SESSION_ENDED);
    assert_eq!(alice.end_session(lost.session).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(alice.sessions().expect("a list").sessions.len(), 1);

    // A session that is not connected can be ended too.
    let mut away = log_in(&server, "alice", "away");
    let (session, token) = (away.session, away.token.take().expect("a token"));
    drop(away);
    alice.end_session(session).expect("ended");
    assert_eq!(connect(&server, "").resume(token).unwrap_err().code, Code::SESSION_ENDED);

    // One's own, which is logging out.
    alice.end_session(alice.session).expect("ended");
    assert_eq!(alice.sessions().unwrap_err().code, Code::NOT_LOGGED_IN);
    assert_eq!(bob.presence().state, State::Offline);
}

fn a9_an_ended_session_does_nothing_more(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut thief = log_in(&server, "alice", "thief");
    alice.end_session(thief.session).expect("ended");
    // Whatever it sends from now on is not done, whether the BYE was read or not.
    let message = crate::support::chat(bob.id, "send money", "thief-1");
    let mut wire = bytes::BytesMut::new();
    thief.encode(&message, &mut wire);
    let _ = thief.try_send_bytes(&wire);
    thief.end();
    alice.say(bob.id, "it is over");
    assert_eq!(bob.message().msg, "it is over");
    assert_eq!(bob.read_all(conv, 0).len(), 1);
}
