//! The connection's own deadline.

use std::{
    io::Read,
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use reactor::{CloseReason, Config};
use rustix::process::Signal;

use crate::script::{
    Client, PATIENCE, Script, Stage, address_of, child, expect_success, is_child, one_loop, signal,
};

#[test]
fn fires_once_and_not_before_its_time() {
    let (fired, firings) = channel();
    let after = Duration::from_millis(150);
    let stage = Stage::start(one_loop(), || {
        let fired = fired.clone();
        Script::echo().open(move |conn| conn.set_deadline(conn.now() + after)).deadline(move |conn, count| {
            *count += 1;
            fired.send((conn.now(), *count)).unwrap();
        })
    });
    let begin = Instant::now();
    let (mut client, _) = stage.join();
    let (at, count) = firings.recv_timeout(PATIENCE).unwrap();
    assert_eq!(count, 1);
    assert!(at >= begin + after, "fired after {:?}", at - begin);
    client.ping(b"alive");
    assert!(firings.try_recv().is_err());
}

#[test]
fn each_arrival_moves_it_and_silence_ends_it() {
    let idle = Duration::from_millis(250);
    let stage = Stage::start(one_loop(), || {
        Script::echo()
            .open(move |conn| conn.set_deadline(conn.now() + idle))
            .data(move |conn, _, input| {
                conn.set_deadline(conn.now() + idle);
                conn.send(Bytes::copy_from_slice(input));
                input.len()
            })
            .deadline(|conn, _| conn.close_after_flush(CloseReason::Handler("idle")))
    });
    let (mut client, id) = stage.join();
    let begin = Instant::now();
    while begin.elapsed() < 3 * idle {
        client.ping(b"heartbeat");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let silent_from = Instant::now();
    assert_eq!(client.receive_to_end(), b"");
    assert!(silent_from.elapsed() >= idle - Duration::from_millis(20));
    drop(client);
    assert_eq!(stage.closed(), (id, CloseReason::Handler("idle")));
}

#[test]
fn an_earlier_one_replaces_a_later_and_a_cleared_one_is_silent() {
    let stage = Stage::start(one_loop(), || {
        Script::echo()
            .open(|conn| conn.set_deadline(conn.now() + Duration::from_secs(3600)))
            .data(|conn, _, input| {
                match input {
                    b"soon" => conn.set_deadline(conn.now() + Duration::from_millis(100)),
                    b"never" => {
                        conn.set_deadline(conn.now() + Duration::from_millis(100));
                        conn.clear_deadline();
                    }
                    _ => panic!("unknown word"),
                }
                input.len()
            })
            .deadline(|conn, _| conn.close_after_flush(CloseReason::Handler("time")))
    });
    let (mut never, _) = stage.join();
    let (mut soon, soon_id) = stage.join();
    never.send(b"never");
    soon.send(b"soon");
    assert_eq!(soon.receive_to_end(), b"");
    drop(soon);
    assert_eq!(stage.closed(), (soon_id, CloseReason::Handler("time")));
    assert_eq!(stage.running.metrics().snapshot().connections, 1);
}

const IDLE: Duration = Duration::from_millis(800);
const STALL: Duration = Duration::from_millis(800);

/// Serves until its input ends, with narrow turns, so that what has gathered during a pause takes many of them.
fn serve_as_child() {
    let config = Config {
        events_per_turn: 4,
        read_budget_bytes: 1024,
        turn_budget_bytes: 1024,
        write_stall: STALL,
        outbox_hard_bytes: 64 << 20,
        socket_send_buffer_bytes: Some(16 * 1024),
        ..one_loop()
    };
    let stage = Stage::start(config, || {
        Script::echo()
            .open(|conn| conn.set_deadline(conn.now() + IDLE))
            .data(|conn, _, input| {
                conn.set_deadline(conn.now() + IDLE);
                if input == b"much" {
                    conn.clear_deadline();
                    conn.send(Bytes::from(vec![7; MUCH]));
                } else {
                    conn.send(Bytes::copy_from_slice(input));
                }
                input.len()
            })
            .deadline(|conn, _| conn.close_after_flush(CloseReason::Handler("idle")))
    });
    println!("\nlistening on {}", stage.addr);
    let _ = std::io::stdin().read(&mut [0]);
}

/// More than the kernel's buffers on the way hold.
const MUCH: usize = 1 << 20;

/// A pause of the whole process, longer than every deadline: who spoke, or read, meanwhile keeps its connection; who
/// was silent does not.
#[test]
fn after_a_pause_who_spoke_in_time_is_heard_first() {
    if is_child() {
        serve_as_child();
        return;
    }
    let mut server = child("deadlines::after_a_pause_who_spoke_in_time_is_heard_first");
    let addr = address_of(&mut server);
    for _ in 0..3 {
        let mut talkers: Vec<_> = (0..50).map(|_| Client::connect(addr)).collect();
        let mut silent = Client::connect(addr);
        let mut reader = Client::connect(addr);
        reader.send(b"much");
        reader.receive(100_000);
        for talker in &mut talkers {
            talker.ping(b"here");
        }
        silent.ping(b"here");

        signal(&server, Signal::STOP);
        let until = Instant::now() + IDLE.max(STALL) * 2;
        let mut said = 0;
        while Instant::now() < until {
            talkers.iter_mut().for_each(|talker| talker.send(b"still here"));
            said += 10;
            thread::park_timeout(Duration::from_millis(200));
        }
        // Takes all that the kernel holds, so that the server can write again.
        reader.0.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut taken = 100_000;
        while let Ok(n @ 1..) = reader.0.read(&mut [0; 65_536]) {
            taken += n;
        }
        reader.0.set_read_timeout(Some(PATIENCE)).unwrap();
        signal(&server, Signal::CONT);

        for talker in &mut talkers {
            assert_eq!(talker.receive(said), b"still here".repeat(said / 10));
        }
        assert_eq!(reader.receive(MUCH - taken).len(), MUCH - taken, "no stall");
        assert_eq!(silent.receive_to_end(), b"", "deadlines still fire");
    }
    expect_success(server);
}
