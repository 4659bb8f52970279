//! Who closes, with which reason, and that it happens once.

use std::{net::Shutdown, time::Duration};

use bytes::Bytes;
use reactor::{CloseReason, Config};

use crate::script::{Event, Script, Stage, one_loop};

const OVER: CloseReason = CloseReason::Handler("over");

#[test]
fn after_half_close_answers_still_arrive() {
    // Keeps the connection after the peer's end, until mail brings the late answer.
    let stage = Stage::start(one_loop(), || {
        Script::echo().data(|_, _, input| input.len()).eof(|_, state| *state = 1).mail(
            |conn, state, answer| {
                assert_eq!(*state, 1, "the end was seen before");
                conn.send(answer);
                conn.close_after_flush(CloseReason::PeerClosed);
            },
        )
    });
    let (mut client, id) = stage.join();
    client.send(b"question");
    client.0.shutdown(Shutdown::Write).unwrap();
    let metrics = stage.running.metrics();
    // Question and FIN: two reads at most; the loop has seen both when the second has happened or none is due.
    crate::script::until("the question is read", || metrics.snapshot().read_bytes == 8);
    crate::script::until("the end is read", || metrics.snapshot().reads >= 2);
    let answer = Bytes::from(vec![7; 3_000_000]);
    stage.running.remote().mail(id, answer.clone());
    assert!(client.receive_to_end() == answer);
    assert_eq!(stage.closed(), (id, CloseReason::PeerClosed));
    assert_eq!(stage.finish(Duration::ZERO), []);
}

#[test]
fn eof_closes_by_default_after_the_echo() {
    let stage = Stage::start(one_loop(), Script::echo);
    let (mut client, id) = stage.join();
    client.send(b"last words");
    client.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.receive_to_end(), b"last words");
    assert_eq!(stage.closed(), (id, CloseReason::PeerClosed));
}

#[test]
fn a_reset_is_noticed_also_during_a_pause() {
    let stage = Stage::start(one_loop(), || {
        Script::echo().data(|conn, _, input| {
            if input == b"pause" {
                conn.pause_reading();
            }
            conn.send(Bytes::copy_from_slice(input));
            input.len()
        })
    });
    for word in [&b"go on"[..], b"pause"] {
        let (mut client, id) = stage.join();
        client.ping(word);
        client.reset();
        assert_eq!(stage.closed(), (id, CloseReason::Reset));
    }
    assert_eq!(stage.finish(Duration::ZERO), []);
}

/// A socket closed with unread input sends RST, which would destroy the last words: the peer must get them although
/// it goes on talking.
#[test]
fn last_words_reach_a_peer_that_is_still_talking() {
    let stage = Stage::start(one_loop(), || {
        Script::echo().data(|conn, _, input| {
            conn.send(Bytes::from_static(b"error: nonsense"));
            conn.close_after_flush(OVER);
            input.len().min(1)
        })
    });
    let (mut client, id) = stage.join();
    client.send(&[0; 100_000]);
    client.send(&[0; 10]);
    assert_eq!(client.receive_to_end(), b"error: nonsense");
    drop(client);
    assert_eq!(stage.closed(), (id, OVER));
}

#[test]
fn a_peer_that_never_closes_is_waited_for_only_so_long() {
    let config = Config { linger: Duration::from_millis(100), ..one_loop() };
    let stage = Stage::start(config, Script::echo);
    let (mut client, id) = stage.join();
    stage.running.remote().close(id, Some(Bytes::from_static(b"bye")), OVER);
    assert_eq!(client.receive_to_end(), b"bye");
    assert_eq!(stage.closed(), (id, OVER), "without the client closing");
}

#[test]
fn abort_resets_and_reports_once() {
    let stage = Stage::start(one_loop(), || {
        Script::echo().data(|conn, _, input| {
            conn.abort(OVER);
            conn.close_after_flush(CloseReason::Stopping);
            conn.send(Bytes::from_static(b"never seen"));
            input.len()
        })
    });
    let (mut client, id) = stage.join();
    client.send(b"x");
    let error = std::io::Read::read(&mut client.0, &mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(stage.closed(), (id, OVER), "the first reason stays");
    assert_eq!(stage.running.metrics().snapshot().stale_commands, 1, "the send after the end");
    assert_eq!(stage.finish(Duration::ZERO), []);
}

#[test]
fn beyond_connections_max_a_newcomer_is_refused() {
    let config = Config { connections_max: 2, refusal: Some(Bytes::from_static(b"full")), ..one_loop() };
    let stage = Stage::start(config, Script::echo);
    let (mut a, a_id) = stage.join();
    let (mut b, _) = stage.join();
    let mut refused = stage.client();
    assert_eq!(refused.receive_to_end(), b"full");
    a.ping(b"served");
    b.ping(b"served");
    let metrics = stage.running.metrics();
    assert_eq!((metrics.snapshot().connections, metrics.snapshot().refused), (2, 1));
    drop(a);
    assert_eq!(stage.event(), Event::Closed(a_id, CloseReason::PeerClosed));
    let (mut c, _) = stage.join();
    c.ping(b"room again");
}

#[test]
fn a_closed_connection_is_counted_out_everywhere() {
    let stage = Stage::start(Config { io_threads: 2, ..one_loop() }, Script::echo);
    let clients: Vec<_> = (0..50).map(|_| stage.join()).collect();
    let metrics = stage.running.metrics();
    assert_eq!(metrics.snapshot().connections, 50);
    drop(clients);
    (0..50).for_each(|_| assert_eq!(stage.closed().1, CloseReason::PeerClosed));
    let end = metrics.snapshot();
    assert_eq!((end.connections, end.opened, end.closed, end.outbox_bytes), (0, 50, 50, 0));
}
