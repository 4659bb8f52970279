//! Commands from other threads: order, bounds, wakes.

use std::{
    io::ErrorKind,
    sync::{Arc, mpsc::channel},
    thread,
    time::Duration,
};

use bytes::Bytes;
use reactor::{Command, Config, MailboxFull};

use crate::script::{PATIENCE, Script, Stage, one_loop, until};

/// A stage whose only loop is held until the returned sender is used (or dropped).
fn held(config: Config) -> (Stage, crate::script::Client, reactor::ConnId, std::sync::mpsc::Sender<()>) {
    let (release, gate) = channel::<()>();
    let (entered, entry) = channel();
    let mut gate = Some((gate, entered));
    let stage = Stage::start(config, || {
        let (gate, entered) = gate.take().unwrap();
        Script::echo().data(move |_, _, input| {
            if input == b"hold" {
                entered.send(()).unwrap();
                let _ = gate.recv_timeout(PATIENCE);
            }
            input.len()
        })
    });
    let (mut client, id) = stage.join();
    client.send(b"hold");
    entry.recv_timeout(PATIENCE).unwrap();
    (stage, client, id, release)
}

fn numbers(id: reactor::ConnId, range: std::ops::Range<u32>) -> Vec<Command<Bytes>> {
    range.map(|n| Command::Send { to: id, chunk: Bytes::copy_from_slice(&n.to_be_bytes()) }).collect()
}

fn expect_numbers(client: &mut crate::script::Client, count: u32) {
    let stream = client.receive(count as usize * 4);
    for (n, bytes) in stream.chunks(4).enumerate() {
        assert_eq!(bytes, (n as u32).to_be_bytes());
    }
}

#[test]
fn a_full_mailbox_makes_posters_wait_and_loses_nothing() {
    let (stage, mut client, id, release) = held(Config { mailbox_commands_max: 100, ..one_loop() });
    let (remote, metrics) = (stage.running.remote(), stage.running.metrics());
    let poster = thread::spawn({
        let remote = remote.clone();
        move || remote.post(0, &mut numbers(id, 0..1000))
    });
    until("the poster waits", || metrics.snapshot().mailbox_full_waits == 1);
    assert_eq!(metrics.snapshot().mailbox_high_water, 100);
    let mut batch = numbers(id, 0..5);
    assert_eq!(remote.try_post(0, &mut batch), Err(MailboxFull { left: 5 }));
    assert_eq!(batch.len(), 5, "what was not taken stays");
    assert!(!poster.is_finished());
    release.send(()).unwrap();
    poster.join().unwrap();
    expect_numbers(&mut client, 1000);
    assert_eq!(metrics.snapshot().stale_commands, 0);
}

#[test]
fn try_post_takes_what_fits() {
    let (stage, mut client, id, release) = held(Config { mailbox_commands_max: 100, ..one_loop() });
    let remote = stage.running.remote();
    assert_eq!(remote.try_post(0, &mut numbers(id, 0..60)), Ok(()));
    let mut batch = numbers(id, 60..130);
    assert_eq!(remote.try_post(0, &mut batch), Err(MailboxFull { left: 30 }));
    release.send(()).unwrap();
    remote.post(0, &mut batch);
    expect_numbers(&mut client, 130);
}

#[test]
fn a_busy_loop_is_not_woken_and_a_parked_one_once() {
    let (stage, mut client, id, release) = held(one_loop());
    let (remote, metrics) = (stage.running.remote(), stage.running.metrics());
    let before = metrics.snapshot().wakes;
    for n in 0..500 {
        remote.post(0, &mut numbers(id, n..n + 1));
    }
    assert_eq!(metrics.snapshot().wakes, before, "the loop is awake");
    release.send(()).unwrap();
    expect_numbers(&mut client, 500);
    for round in 0..100 {
        remote.post(0, &mut numbers(id, 0..10));
        expect_numbers(&mut client, 10);
        assert!(metrics.snapshot().wakes <= before + round + 1, "at most one wake per batch");
    }
    assert!(metrics.snapshot().wakes > before, "a parked loop must be woken");
}

/// A handler that waits for its own mailbox would wait for ever; it is let through, and counted.
#[test]
fn a_loop_is_never_made_to_wait() {
    let remote: Arc<std::sync::OnceLock<reactor::Remote<Bytes>>> = Arc::default();
    let config = Config { mailbox_commands_max: 10, ..one_loop() };
    let stage = Stage::start(config, || {
        let remote = remote.clone();
        Script::echo().data(move |conn, _, input| {
            if let Some(remote) = remote.get() {
                remote.post(0, &mut numbers(conn.id(), 0..50));
            }
            input.len()
        })
    });
    remote.set(stage.running.remote()).ok().unwrap();
    let (mut client, _) = stage.join();
    client.send(b"go");
    expect_numbers(&mut client, 50);
    assert_eq!(stage.running.metrics().snapshot().mailbox_overfills, 40);
}

#[test]
fn one_chunk_for_many() {
    let stage = Stage::start(Config { io_threads: 2, ..one_loop() }, Script::echo);
    let mut clients: Vec<_> = (0..40).map(|_| stage.join()).collect();
    let chunk = Bytes::from_static(b"to all of you");
    for index in 0..2 {
        let to: Arc<[_]> = clients.iter().map(|(_, id)| *id).filter(|id| id.loop_index() == index).collect();
        assert_eq!(to.len(), 20, "round robin");
        stage.running.remote().post(index, &mut vec![Command::SendMany { to, chunk: chunk.clone() }]);
    }
    for (client, _) in &mut clients {
        assert_eq!(client.receive(chunk.len()), chunk);
    }
}

/// Two loops flood each other's connections through tiny mailboxes: neither waits for the other, nothing is lost.
#[test]
fn loops_forward_to_each_other_without_deadlock() {
    let peers: Arc<std::sync::Mutex<Vec<reactor::ConnId>>> = Arc::default();
    let config = Config { io_threads: 2, mailbox_commands_max: 64, ..one_loop() };
    let stage = Stage::start(config, || {
        let peers = peers.clone();
        Script::echo().data(move |conn, _, input| {
            let peers = peers.lock().unwrap();
            let other = peers.iter().copied().find(|&id| id != conn.id()).unwrap();
            assert_ne!(other.loop_index(), conn.id().loop_index());
            // Byte by byte, to make many commands of it.
            for &byte in input {
                conn.send_to(other, Bytes::copy_from_slice(&[byte]));
            }
            input.len()
        })
    });
    let (a, a_id) = stage.join();
    let (b, b_id) = stage.join();
    *peers.lock().unwrap() = vec![a_id, b_id];
    let total = 50_000;
    let talks: Vec<_> = [a, b]
        .into_iter()
        .map(|mut client| {
            let mut writer = crate::script::Client(client.0.try_clone().unwrap());
            let writing = thread::spawn(move || {
                let all: Vec<u8> = (0..total).map(|n| (n / 100) as u8).collect();
                writer.send(&all);
            });
            thread::spawn(move || {
                let received = client.receive(total);
                assert!(received.iter().enumerate().all(|(n, &byte)| byte == (n / 100) as u8));
                writing.join().unwrap();
                client
            })
        })
        .collect();
    let _clients: Vec<_> = talks.into_iter().map(|talk| talk.join().unwrap()).collect();
    assert_eq!(stage.running.metrics().snapshot().stale_commands, 0);
}

#[test]
fn after_the_end_commands_are_late_and_nobody_waits() {
    let stage = Stage::start(Config { mailbox_commands_max: 10, ..one_loop() }, Script::echo);
    let (mut client, id) = stage.join();
    let (remote, metrics) = (stage.running.remote(), stage.running.metrics());
    stage.finish(Duration::ZERO);
    remote.post(0, &mut numbers(id, 0..1000));
    assert_eq!(metrics.snapshot().stale_commands, 1000);
    let end = std::io::Read::read(&mut client.0, &mut [0; 8]);
    assert!(matches!(end, Ok(0)) || end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
}
