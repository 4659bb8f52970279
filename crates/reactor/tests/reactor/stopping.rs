//! Graceful stop by call and by signal, restart, and the death of a loop.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use reactor::{CloseReason, Config, Departure};
use rustix::process::Signal;

use crate::script::{
    Client, Event, PATIENCE, Script, Stage, address_of, child, expect_success, is_child, one_loop, signal,
    until,
};

#[test]
fn a_stop_says_farewell_and_writes_what_waits() {
    let stage = Stage::start(Config { io_threads: 2, ..one_loop() }, || {
        Script::echo().drain(|conn, _| {
            conn.send(Bytes::from_static(b"bye"));
            conn.close_after_flush(CloseReason::Stopping);
        })
    });
    let mut clients: Vec<_> = (0..20).map(|_| stage.join()).collect();
    let much = Bytes::from(vec![9; 5_000_000]);
    stage.running.remote().send(clients[0].1, much.clone());
    stage.running.stop(PATIENCE);
    for (n, (client, _)) in clients.iter_mut().enumerate() {
        let got = client.receive_to_end();
        let rest = got.strip_suffix(b"bye").expect("a farewell");
        assert!(rest == if n == 0 { &much[..] } else { &[] });
    }
    let addr = stage.addr;
    drop(clients);
    let begin = Instant::now();
    let events = stage.finish(PATIENCE);
    assert!(begin.elapsed() < PATIENCE / 2, "nobody is left to wait for");
    assert_eq!(events.len(), 20);
    assert!(events.iter().all(|event| matches!(event, Event::Closed(_, CloseReason::Stopping))));
    assert!(std::net::TcpStream::connect(addr).is_err(), "nobody listens any more");
}

/// A handler that owes an answer may give it during the drain.
#[test]
fn an_answer_still_owed_is_given_during_the_drain() {
    let (draining, drained) = channel();
    let stage = Stage::start(one_loop(), || {
        let draining = draining.clone();
        Script::echo().drain(move |conn, _| draining.send(conn.id()).unwrap()).mail(|conn, _, answer| {
            conn.send(answer);
            conn.close_after_flush(CloseReason::Stopping);
        })
    });
    let (mut client, id) = stage.join();
    stage.running.stop(PATIENCE);
    assert_eq!(drained.recv_timeout(PATIENCE), Ok(id));
    stage.running.remote().mail(id, Bytes::from_static(b"the answer"));
    assert_eq!(client.receive_to_end(), b"the answer");
    drop(client);
    assert_eq!(stage.finish(PATIENCE), [Event::Closed(id, CloseReason::Stopping)]);
}

#[test]
fn who_does_not_cooperate_is_closed_when_the_time_is_over() {
    let config = Config { outbox_hard_bytes: 1 << 30, ..one_loop() };
    let stage = Stage::start(config, || Script::echo().drain(|_, _| {}));
    let (_silent, _) = stage.join();
    let (_never_reads, id) = stage.join();
    stage.running.remote().send(id, vec![0; 50_000_000].into());
    let begin = Instant::now();
    let events = stage.finish(Duration::from_millis(300));
    assert!(begin.elapsed() >= Duration::from_millis(300) && begin.elapsed() < PATIENCE);
    assert_eq!(events.len(), 2, "each closed once");
}

#[test]
fn a_restart_takes_the_same_port_at_once() {
    let stage = Stage::start(Config { linger: Duration::from_millis(20), ..one_loop() }, Script::echo);
    let addr = stage.addr;
    let clients: Vec<_> = (0..10).map(|_| stage.join()).collect();
    // The server closes first, so TIME_WAIT is on its side.
    for (_, id) in &clients {
        stage.running.remote().close(*id, None, CloseReason::Stopping);
    }
    for (mut client, _) in clients {
        assert_eq!(client.receive_to_end(), b"");
    }
    stage.finish(PATIENCE);
    let port = format!(":{:04X} ", addr.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let waiting = table.lines().filter(|line| line.contains(&port) && line.contains(" 06 ")).count();
    assert!(waiting > 0, "no connection in TIME_WAIT, nothing proved:\n{table}");

    let stage = Stage::start_on(&addr.to_string(), one_loop(), Script::echo);
    stage.client().ping(b"again");
}

#[test]
fn ipv6_is_served_beside_ipv4() {
    let stage = Stage::start_on("[::1]:0", one_loop(), Script::echo);
    assert!(stage.addr.is_ipv6());
    let (mut client, _) = stage.join();
    client.ping(b"six");

    // Both families on one port, in one reactor.
    let six = reactor::listen("[::]:0".parse().unwrap(), 16).unwrap();
    let port = six.local_addr().unwrap().port();
    let four: TcpListener = reactor::listen(SocketAddr::from(([0, 0, 0, 0], port)), 16).unwrap();
    drop((six, four));
}

#[test]
fn a_panicking_handler_ends_the_reactor_and_frees_its_posters() {
    let config = Config { io_threads: 2, mailbox_commands_max: 4, ..one_loop() };
    let stage = Stage::start(config, || Script::echo().data(|_, _, _| panic!("a bug in a handler")));
    let (mut client, id) = stage.join();
    let (remote, stopper) = (stage.running.remote(), stage.running.stopper());
    client.send(b"x");
    let died = stage.running.join().unwrap_err();
    assert_eq!(died.cause, "a bug in a handler");
    assert_eq!(died.thread, "reactor-0");
    for _ in 0..100 {
        remote.send(id, Bytes::from_static(b"nobody reads this"));
    }
    stopper.stop(Duration::ZERO);
}

#[test]
fn sigterm_drains_and_exits() {
    if is_child() {
        let stage = Stage::start(one_loop(), || {
            Script::echo().drain(|conn, _| {
                conn.send(Bytes::from_static(b"bye"));
                conn.close_after_flush(CloseReason::Stopping);
            })
        });
        stage.running.stop_on_signals(PATIENCE.into()).unwrap();
        println!("\nlistening on {}", stage.addr);
        std::io::stdout().flush().unwrap();
        stage.running.join().unwrap();
        return;
    }
    let mut server = child("stopping::sigterm_drains_and_exits");
    let mut client = Client::connect(address_of(&mut server));
    client.ping(b"hello");
    signal(&server, Signal::TERM);
    assert_eq!(client.receive_to_end(), b"bye");
    drop(client);
    expect_success(server);
}

#[test]
fn a_second_sigterm_is_final() {
    if is_child() {
        // Nobody ever leaves: only the second signal can end this before the test's patience does.
        let stage = Stage::start(one_loop(), || {
            Script::echo().drain(|conn, _| conn.send(Bytes::from_static(b"draining")))
        });
        stage.running.stop_on_signals((100 * PATIENCE).into()).unwrap();
        println!("\nlistening on {}", stage.addr);
        std::io::stdout().flush().unwrap();
        stage.running.join().unwrap();
        return;
    }
    let mut server = child("stopping::a_second_sigterm_is_final");
    let mut client = Client::connect(address_of(&mut server));
    client.ping(b"hello");
    signal(&server, Signal::TERM);
    assert_eq!(client.receive(8), b"draining");
    client.ping(b"served while draining");
    signal(&server, Signal::TERM);
    assert_eq!(client.receive_to_end(), b"");
    expect_success(server);
}

/// Until the notice is over newcomers are served, and whoever asks is told that it will end.
#[test]
fn a_notice_comes_before_the_drain() {
    const NOTICE: Duration = Duration::from_millis(400);
    if is_child() {
        let stage = Stage::start(one_loop(), || {
            Script::echo().drain(|conn, _| {
                conn.send(Bytes::from_static(b"bye"));
                conn.close_after_flush(CloseReason::Stopping);
            })
        });
        stage.running.stop_on_signals(Departure { notice: NOTICE, drain: PATIENCE }).unwrap();
        let stopper = stage.running.stopper();
        assert!(!stopper.is_leaving());
        println!("\nlistening on {}", stage.addr);
        std::io::stdout().flush().unwrap();
        until("the signal is heard", || stopper.is_leaving());
        stage.running.join().unwrap();
        assert!(stopper.is_leaving());
        return;
    }
    let mut server = child("stopping::a_notice_comes_before_the_drain");
    let addr = address_of(&mut server);
    let mut client = Client::connect(addr);
    client.ping(b"hello");
    let begin = Instant::now();
    signal(&server, Signal::TERM);
    let mut newcomer = Client::connect(addr);
    newcomer.ping(b"still served");
    client.ping(b"still served");
    assert_eq!(client.receive_to_end(), b"bye");
    assert_eq!(newcomer.receive_to_end(), b"bye");
    assert!(begin.elapsed() >= NOTICE, "it ended after {:?}", begin.elapsed());
    drop((client, newcomer));
    expect_success(server);
}

#[test]
fn dropped_without_join_it_stops() {
    let stage = Stage::start(one_loop(), Script::echo);
    let addr = stage.addr;
    let (client, _) = stage.join();
    let metrics = stage.running.metrics();
    drop(stage);
    assert_eq!(metrics.snapshot().connections, 0);
    until("the port is free", || std::net::TcpStream::connect(addr).is_err());
    drop(client);
    assert!(thread::panicking() || metrics.snapshot().closed == 1);
}
