//! How a node leaves, seen from outside: first it says so, then it takes nobody, then it sends everybody away, then it ends.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use client::{Client, Config};
use protocol::{Code, State};
use testkit::{MariaDb, Redis, Signal, eventually};

use super::{alone, clustered, ends_well};
use crate::support::{DEADLINE, Peer, Server, ask, befriend, friends, hello, log_in, try_ask, user};

/// Long enough for what a test does meanwhile, on a loaded machine.
const NOTICE: Duration = Duration::from_secs(3);

#[test]
fn a_node_says_that_it_leaves_before_it_does() {
    let mut server = Server::start(alone().with("drain-notice-ms", NOTICE.as_millis()));
    let (admin, address) = (server.admin_address(), server.address());
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let begun = Instant::now();
    server.process().signal(Signal::TERM);
    let not_ready = (503, "draining\n".to_owned());
    eventually(DEADLINE, "the node says that it leaves", || {
        (ask(admin, "/readyz") == not_ready).then_some(())
    });
    assert!(begun.elapsed() < NOTICE / 2, "it took {:?}", begun.elapsed());
    // Who was sent here before the balancer knew is served like anybody else.
    let mut newcomer = log_in(&server, "alice", "second");
    alice.say(bob.id, "still served");
    assert_eq!(bob.message().msg, "still served");
    assert_eq!(newcomer.message().msg, "still served");
    assert_eq!(ask(admin, "/healthz").0, 200, "it is to be let be, not to be started anew");
    assert!(ask(admin, "/metrics").1.contains("\nchat_ready 0\n"));
    assert!(begun.elapsed() < NOTICE, "this machine is too slow for the test");

    for peer in [&mut alice, &mut bob, &mut newcomer] {
        assert_eq!(Code(peer.bye().errcode), Code::GOING_AWAY);
    }
    assert!(begun.elapsed() >= NOTICE, "they were sent away after {:?}", begun.elapsed());
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more when clients are sent away");
    drop((alice, bob, newcomer));
    ends_well(&mut server);
    assert!(try_ask(admin, "/healthz").is_none(), "nobody answers after the end");
}

/// As long as clients are owed something, operators are answered.
#[test]
fn operators_are_answered_to_the_end() {
    let mut server = Server::start(alone().with("drain-ms", 600_000));
    let admin = server.admin_address();
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let text = "x".repeat(60_000);
    for _ in 0..20 {
        alice.say(bob.id, &text);
    }
    // He is owed much and takes nothing.
    let page = protocol::Request::History(protocol::History {
        conv,
        after: Some(0),
        before: None,
        at: None,
        limit: 0,
    });
    bob.send_all(&vec![page; 30]);
    bob.read_one();
    server.process().signal(Signal::TERM);
    assert_eq!(Code(alice.bye().errcode), Code::GOING_AWAY);
    assert_eq!(ask(admin, "/readyz"), (503, "draining\n".to_owned()));
    let open = ask(admin, "/metrics").1;
    assert!(open.lines().any(|line| line.starts_with("chat_reactor_connections ")), "{open}");
    bob.end();
    ends_well(&mut server);
}

#[test]
fn a_second_signal_ends_the_notice_too() {
    let mut server = Server::start(alone().with("drain-notice-ms", 600_000));
    let admin = server.admin_address();
    let mut alice = Peer::connect(server.address());
    alice.hello(hello("")).expect("HELLO");
    server.process().signal(Signal::TERM);
    eventually(DEADLINE, "the node says that it leaves", || (ask(admin, "/readyz").0 == 503).then_some(()));
    let begun = Instant::now();
    let status = server.stop(Signal::TERM);
    assert!(status.success(), "exited with {status}");
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    alice.end();
}

/// Nobody has to wait for a lease to end.
#[test]
fn a_node_that_leaves_takes_its_users_off_at_once() {
    const TTL: Duration = Duration::from_secs(60);
    let (database, redis) = (MariaDb::shared(), Redis::start());
    let name = database.create_database("leaving");
    let start = |node: &str| {
        let options = clustered(database, &name, &redis).with("presence-ttl-ms", TTL.as_millis());
        Server::start(options.with("node", node))
    };
    let (mut one, other) = (start("a"), start("b"));
    let (mut alice, mut bob) = (user(&one, "alice"), user(&other, "bob"));
    befriend(&mut alice, &mut bob);
    bob.forget_pushes();
    let begun = Instant::now();
    one.terminate();
    assert_eq!(Code(alice.bye().errcode), Code::GOING_AWAY);
    let gone = bob.presence();
    assert_eq!((gone.id, gone.state), (alice.id, State::Offline));
    assert!(begun.elapsed() < TTL / 2, "it took {:?}", begun.elapsed());
}

/// Everybody is told another time to come back at, and all of them together make no storm: 500 in a second.
#[test]
fn clients_come_back_one_after_the_other() {
    const CLIENTS: usize = 300;
    let mut server = Server::start(alone());
    let mut peers: Vec<_> = (0..CLIENTS).map(|_| Peer::connect(server.address())).collect();
    for peer in &mut peers {
        peer.hello(hello("")).expect("HELLO");
    }
    server.process().signal(Signal::TERM);
    let told: Vec<_> = peers.iter_mut().map(|peer| peer.bye().retry_after_ms).collect();
    let times: BTreeSet<_> = told.iter().copied().collect();
    assert_eq!(times.len(), CLIENTS, "no two are told the same: {told:?}");
    assert_eq!(times.last(), Some(&(2 * (CLIENTS as u32 - 1))), "no sooner and no later than must be");
    drop(peers);
    ends_well(&mut server);
}

/// The whole of it with the real client library: within the window everybody is back, on the next process at that address.
#[test]
fn clients_of_the_library_come_back_when_they_are_told() {
    const CLIENTS: usize = 40;
    let mut server = Server::start(alone());
    let address = server.address().to_string();
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| Client::connect(Config::new(&address)).expect("a thread")).collect();
    eventually(DEADLINE, "all are there", || (connections(&server) == CLIENTS as u64).then_some(()));
    server.terminate();
    server.restart();
    let begun = Instant::now();
    eventually(DEADLINE, "all are back", || (connections(&server) == CLIENTS as u64).then_some(()));
    println!("all were back {:?} after the restart", begun.elapsed());
    drop(clients);
}

fn connections(server: &Server) -> u64 {
    let page = ask(server.admin_address(), "/metrics").1;
    let line = page.lines().find_map(|line| line.strip_prefix("chat_reactor_connections "));
    line.expect("a number of connections").parse().expect("a number")
}
