//! Many connections that want nothing good.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use protocol::{Code, MsgId};

use crate::support::{Options, Peer, Server, Store, Witnesses, hello, log_in, raw_frame, register};

const CROWD: usize = 1_000;
const MIB: u64 = 1024 * 1024;

#[test]
fn a_thousand_connections_that_send_nothing_are_closed_and_others_are_served_meanwhile() {
    const TIMEOUT: Duration = Duration::from_millis(2_000);
    let mut server = Server::start(Options::on(Store::Sqlite).with("hello-timeout-ms", TIMEOUT.as_millis()));
    let mut witnesses = Witnesses::of(&server);
    let before = server.resident_bytes();
    let begun = Instant::now();
    let mut crowd: Vec<_> = (0..CROWD).map(|_| Peer::connect(server.address())).collect();
    witnesses.chat();
    register(&server, "newcomer");
    let mut newcomer = log_in(&server, "newcomer", "");
    let group = newcomer.create_group("mine", "").expect("opened").group.id;
    newcomer.say_in(group, "served");
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 16 * MIB, "{} KiB for {CROWD} silent connections", grown / 1024);
    let served = begun.elapsed();
    for peer in &mut crowd {
        assert_eq!(Code(peer.bye().errcode), Code::NOT_LOGGED_IN);
    }
    println!("others were served after {served:?}, the crowd was gone after {:?}", begun.elapsed());
    assert!(begun.elapsed() > TIMEOUT - Duration::from_millis(50));
    drop(crowd);
    // Their places are free again.
    let again: Vec<_> = (0..CROWD).map(|_| Peer::connect(server.address())).collect();
    witnesses.chat();
    drop(again);
    witnesses.testify(&mut server);
}

#[test]
fn a_thousand_half_frames_cost_what_they_hold() {
    let mut server = Server::on(Store::Sqlite);
    let mut witnesses = Witnesses::of(&server);
    let before = server.resident_bytes();
    // Each announces the largest body that a guest may send, and sends all of it but the last byte.
    let mut frame = raw_frame(0, MsgId::Reg.into(), 2, &[b' '; 16 * 1024]);
    frame.pop();
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let mut peer = Peer::connect(server.address());
            peer.hello(hello("")).expect("HELLO");
            peer.send_bytes(&frame);
            peer
        })
        .collect();
    witnesses.chat();
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 64 * MIB, "{} MiB for {CROWD} halves of 16 KiB", grown / MIB);
    drop(crowd);
    witnesses.testify(&mut server);
}

#[test]
fn connections_beyond_the_limit_are_told_so() {
    const MAX: usize = 20;
    let mut server = Server::start(Options::on(Store::Sqlite).with("connections-max", MAX));
    let mut witnesses = Witnesses::of(&server);
    // Two are the witnesses; their registering connections may still be on their way out.
    let mut inside = Vec::new();
    let mut outside = 0;
    while inside.len() < MAX - 2 || outside < 100 {
        let mut peer = Peer::connect(server.address());
        if peer.try_hello() {
            inside.push(peer);
        } else {
            let bye = peer.bye();
            assert_eq!(Code(bye.errcode), Code::BUSY);
            assert!(bye.retry_after_ms > 0, "when to come again");
            outside += 1;
        }
        assert!(inside.len() <= MAX - 2, "{} are inside beside the witnesses", inside.len());
    }
    witnesses.chat();
    // One leaves, one may come: as soon as the server has noticed.
    drop(inside.pop());
    let begun = Instant::now();
    while !Peer::connect(server.address()).try_hello() {
        assert!(begun.elapsed() < crate::support::DEADLINE, "the free place is never given away");
    }
    witnesses.testify(&mut server);
}

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    let mut server = Server::on(Store::Sqlite);
    let mut witnesses = Witnesses::of(&server);
    let churn = |server: &Server| {
        for n in 0..1_500 {
            let stream = TcpStream::connect(server.address()).expect("the server accepts");
            if n % 2 == 0 {
                let linger = Some(Duration::ZERO);
                socket2::SockRef::from(&stream).set_linger(linger).expect("SO_LINGER");
            }
        }
    };
    churn(&server);
    witnesses.chat();
    let before = server.resident_bytes();
    let descriptors = |server: &mut Server| {
        std::fs::read_dir(format!("/proc/{}/fd", server.process().pid())).expect("a process").count()
    };
    for _ in 0..3 {
        churn(&server);
    }
    witnesses.chat();
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 4 * MIB, "{} KiB are kept of 4,500 connections", grown / 1024);
    testkit::eventually(crate::support::DEADLINE, "all descriptors of the past are closed", || {
        (descriptors(&mut server) < 60).then_some(())
    });
    witnesses.testify(&mut server);
}

#[test]
fn a_server_without_free_descriptors_turns_newcomers_away_and_recovers() {
    let mut server = Server::start(Options::on(Store::Sqlite).descriptors_max(96));
    let mut witnesses = Witnesses::of(&server);
    let mut inside = Vec::new();
    let mut outside = 0;
    for _ in 0..200 {
        let mut peer = Peer::connect(server.address());
        if peer.try_hello() {
            inside.push(peer);
        } else {
            outside += 1;
        }
    }
    assert!(inside.len() > 20 && outside > 100, "{} are inside, {outside} outside", inside.len());
    witnesses.chat();
    for peer in &mut inside {
        peer.ping().expect("those inside are served");
    }
    drop(inside);
    testkit::eventually(crate::support::DEADLINE, "a newcomer is let in", || {
        Peer::connect(server.address()).try_hello().then_some(())
    });
    register(&server, "newcomer");
    log_in(&server, "newcomer", "");
    witnesses.testify(&mut server);
}
