//! C7: silent and half-open connections are found.

use std::time::{Duration, Instant};

use protocol::{Code, State};

use crate::support::{DEADLINE, Options, Peer, Server, Store, friends, hello, log_in, on_each_store};

on_each_store! {
    c7_a_ping_is_answered_before_and_after_login,
    c7_a_silent_client_is_asked_and_then_closed,
    c7_a_client_that_answers_stays,
    c7_a_half_open_connection_is_found_and_its_friends_are_told,
    c7_a_guest_is_closed_when_login_does_not_come,
}

const INTERVAL: Duration = Duration::from_millis(1_000);

fn start(store: Store) -> Server {
    Server::start(Options::on(store).with("heartbeat-ms", INTERVAL.as_millis()))
}

fn c7_a_ping_is_answered_before_and_after_login(store: Store) {
    let server = Server::on(store);
    let mut peer = Peer::connect(server.address());
    assert_eq!(peer.ping().unwrap_err().code, Code::HELLO_FIRST);
    peer.hello(hello("")).expect("HELLO");
    peer.ping().expect("answered");
    peer.reg("alice", crate::support::PASSWORD).expect("registered");
    log_in(&server, "alice", "").ping().expect("answered");
}

fn c7_a_silent_client_is_asked_and_then_closed(store: Store) {
    let server = start(store);
    let (alice, mut bob, _) = friends(&server, "alice", "bob");
    assert_eq!(Peer::connect(server.address()).hello(hello("")).expect("HELLO").heartbeat_ms, 1_000);
    let mut guest = Peer::connect(server.address());
    guest.hello(hello("")).expect("HELLO");
    drop(alice);
    for peer in [&mut guest, &mut bob] {
        peer.ping().expect("answered");
    }
    let begun = Instant::now();
    for peer in [&mut guest, &mut bob] {
        peer.pinged();
        assert_eq!(Code(peer.bye().errcode), Code::GOING_AWAY);
    }
    let took = begun.elapsed();
    // Two intervals, two ticks of the timer wheel, and patience with a busy machine.
    assert!((INTERVAL * 19 / 10..INTERVAL * 5).contains(&took), "closed after {took:?}");
}

fn c7_a_client_that_answers_stays(store: Store) {
    let server = start(store);
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    drop(bob);
    let begun = Instant::now();
    while begun.elapsed() < INTERVAL * 3 {
        alice.pinged();
        alice.ping().expect("answered");
    }
    // Speaking of one's own accord is a sign of life too: nobody is asked.
    alice.pushes_so_far();
    alice.set_deadline(INTERVAL / 2);
    let begun = Instant::now();
    while begun.elapsed() < INTERVAL * 5 / 2 {
        alice.friends(0, 0).expect("a page");
        std::thread::park_timeout(INTERVAL / 4);
    }
    alice.set_deadline(DEADLINE);
    assert_eq!(alice.pushes_so_far(), []);
}

fn c7_a_half_open_connection_is_found_and_its_friends_are_told(store: Store) {
    let server = start(store);
    let (alice, mut bob, _) = friends(&server, "alice", "bob");
    drop(alice);
    bob.presence();
    // Through a proxy that becomes a black hole: no FIN, no RST, no bytes.
    let proxy = testkit::Proxy::start(server.address());
    let mut lost = Peer::connect(proxy.address());
    lost.hello(hello("")).expect("HELLO");
    let login = protocol::Login {
        id: None,
        name: Some("alice".into()),
        password: protocol::Secret::new(crate::support::PASSWORD),
        ..protocol::Login::default()
    };
    lost.login(login).expect("in");
    assert_eq!(bob.presence().state, State::Online);
    proxy.hold();
    let begun = Instant::now();
    // Bob stays alive meanwhile.
    let gone = loop {
        bob.ping().expect("answered");
        bob.set_deadline(DEADLINE);
        let heard = bob.pushes_so_far().into_iter().find_map(|push| match push {
            protocol::Push::Presence(presence) => Some(presence),
            _ => None,
        });
        if let Some(presence) = heard {
            break presence;
        }
        assert!(begun.elapsed() < DEADLINE, "nobody noticed");
        std::thread::park_timeout(INTERVAL / 10);
    };
    assert_eq!(gone.state, State::Offline);
    assert!(begun.elapsed() < INTERVAL * 6, "noticed after {:?}", begun.elapsed());
    drop(lost);
}

fn c7_a_guest_is_closed_when_login_does_not_come(store: Store) {
    let options = Options::on(store).with("hello-timeout-ms", 300).with("login-timeout-ms", 900);
    let server = Server::start(options);
    let begun = Instant::now();
    let mut silent = Peer::connect(server.address());
    let mut guest = Peer::connect(server.address());
    guest.hello(hello("")).expect("HELLO");
    assert_eq!(Code(silent.bye().errcode), Code::NOT_LOGGED_IN);
    let first = begun.elapsed();
    assert!(first >= Duration::from_millis(290), "closed after {first:?}");
    assert_eq!(Code(guest.bye().errcode), Code::NOT_LOGGED_IN);
    assert!(begun.elapsed() >= Duration::from_millis(890), "closed after {:?}", begun.elapsed());
}
