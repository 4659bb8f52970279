//! The connection's own deadline.

use std::{
    sync::mpsc::channel,
    time::{Duration, Instant},
};

use bytes::Bytes;
use reactor::CloseReason;

use crate::script::{PATIENCE, Script, Stage, one_loop};

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
