//! Slow readers: the marks, the stall, the farewell, and that nobody else pays.

use std::{
    io::Read,
    sync::{
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::channel,
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use reactor::{CloseReason, Command, Config};

use crate::script::{PATIENCE, Script, Stage, one_loop, until};

fn small_marks() -> Config {
    Config {
        outbox_low_bytes: 16 * 1024,
        outbox_high_bytes: 64 * 1024,
        outbox_hard_bytes: 256 * 1024,
        socket_send_buffer_bytes: Some(16 * 1024),
        ..one_loop()
    }
}

/// A chunk that names its place.
fn chunk(n: u32) -> Bytes {
    n.to_be_bytes().repeat(256).into()
}

const FAREWELL: &[u8] = b"too slow, farewell";

#[test]
fn a_slow_reader_is_cut_with_a_farewell_while_others_are_served() {
    let config = Config { linger: PATIENCE, ..small_marks() };
    let stage = Stage::start(config, || Script::echo().farewell(FAREWELL));
    let (mut slow, slow_id) = stage.join();
    let (mut other, _) = stage.join();
    let (remote, metrics) = (stage.running.remote(), stage.running.metrics());
    let mut sent = 0;
    while metrics.snapshot().slow_readers_cut == 0 {
        let mut batch = (sent..sent + 16).map(|n| Command::Send { to: slow_id, chunk: chunk(n) }).collect();
        remote.post(0, &mut batch);
        sent += 16;
        other.ping(b"still served");
        assert!(metrics.snapshot().outbox_bytes <= 256 * 1024 + 16 * 1024, "the hard mark bounds memory");
        assert!(sent < 100_000, "never cut");
    }
    // It reads after all: whole chunks in order up to some point, the farewell, the end.
    let stream = slow.receive_to_end();
    let whole = stream.strip_suffix(FAREWELL).expect("a farewell at the end");
    assert_eq!(whole.len() % 1024, 0, "cut between chunks");
    for (n, bytes) in whole.chunks(1024).enumerate() {
        assert_eq!(bytes, chunk(n as u32));
    }
    drop(slow);
    assert_eq!(stage.closed(), (slow_id, CloseReason::SlowReader));
    other.ping(b"and still");
    until("nothing waits", || metrics.snapshot().outbox_bytes == 0);
}

#[test]
fn a_reader_that_never_reads_is_gone_after_linger() {
    let config = Config { linger: Duration::from_millis(100), ..small_marks() };
    let stage = Stage::start(config, || Script::echo().farewell(FAREWELL));
    let (_never_reads, id) = stage.join();
    let mut batch = (0..8000).map(|n| Command::Send { to: id, chunk: chunk(n) }).collect();
    stage.running.remote().post(0, &mut batch);
    assert_eq!(stage.closed(), (id, CloseReason::SlowReader));
    assert_eq!(stage.running.metrics().snapshot().outbox_bytes, 0);
    assert_eq!(stage.finish(Duration::ZERO), []);
}

#[test]
fn no_progress_for_too_long_is_a_stall() {
    let config =
        Config { write_stall: Duration::from_millis(200), outbox_hard_bytes: 64 << 20, ..small_marks() };
    let stage = Stage::start(config, Script::echo);
    let (_never_reads, id) = stage.join();
    let mut batch = (0..8000).map(|n| Command::Send { to: id, chunk: chunk(n) }).collect();
    stage.running.remote().post(0, &mut batch);
    assert_eq!(stage.closed(), (id, CloseReason::WriteStall));
    assert_eq!(stage.running.metrics().snapshot().write_stalls, 1);
}

/// Slow is not stalled: who takes a little now and then keeps its connection.
#[test]
fn slow_progress_is_no_stall() {
    let config =
        Config { write_stall: Duration::from_millis(400), outbox_hard_bytes: 64 << 20, ..small_marks() };
    let stage = Stage::start(config, Script::echo);
    let (mut slow, id) = stage.join();
    let total = 3000;
    let mut batch = (0..total).map(|n| Command::Send { to: id, chunk: chunk(n) }).collect();
    stage.running.remote().post(0, &mut batch);
    let mut received = 0;
    let begin = std::time::Instant::now();
    while received < total as usize * 1024 {
        // About one second in all, in steps well below the stall time.
        let step = slow.0.read(&mut vec![0; 128 * 1024]).unwrap();
        assert!(step > 0, "cut after {received} bytes");
        received += step;
        if begin.elapsed() < Duration::from_secs(1) {
            thread::park_timeout(Duration::from_millis(30));
        }
    }
    assert_eq!(stage.finish(Duration::from_secs(1)).len(), 1, "closed by the stop, not before");
}

/// Above the high mark a connection's own requests wait in its socket, and nothing is lost.
#[test]
fn who_does_not_take_answers_may_not_ask_more() {
    let config = Config { socket_send_buffer_bytes: Some(256 * 1024), ..small_marks() };
    let stage = Stage::start(config, Script::echo);
    let (mut client, _) = stage.join();
    let metrics = stage.running.metrics();
    // More than all the kernel's buffers on the way can hold, which is some MB with this one kept small.
    socket2::SockRef::from(&client.0).set_send_buffer_size(64 * 1024).unwrap();
    let total = 12 << 20;
    let mut writer = client.0.try_clone().unwrap();
    let done = std::sync::Arc::new(AtomicBool::new(false));
    let written = done.clone();
    let writing = thread::spawn(move || {
        let all: Vec<u8> = (0..total).map(|n: usize| (n / 1000) as u8).collect();
        std::io::Write::write_all(&mut writer, &all).unwrap();
        written.store(true, Relaxed);
    });
    // Held back from the high mark on until below the low one, so anything between may wait when all is calm.
    let mut calm_since = (std::time::Instant::now(), metrics.snapshot().read_bytes);
    until("reading has stopped", || {
        let read = metrics.snapshot().read_bytes;
        if read != calm_since.1 {
            calm_since = (std::time::Instant::now(), read);
        }
        read > 0 && calm_since.0.elapsed() > Duration::from_millis(200)
    });
    assert!(!done.load(Relaxed), "the peer's writing is held back");
    let waiting = metrics.snapshot().outbox_bytes;
    let (low, beyond_high) = (16 * 1024 - 1024, 128 * 1024);
    assert!((low..=beyond_high).contains(&waiting), "{waiting} bytes wait");
    let echoed = client.receive(total);
    assert!(echoed.iter().enumerate().all(|(n, &byte)| byte == (n / 1000) as u8));
    writing.join().unwrap();
}

/// The throttle is seen within the very call that passes the mark, by mail and data alike, and its end is told once.
#[test]
fn a_throttle_is_seen_at_once_and_its_end_is_told() {
    let (told, tellings) = channel();
    let stage = Stage::start(small_marks(), || {
        let (on_mail, on_relieved) = (told.clone(), told.clone());
        Script::echo()
            .data(|conn, _, input| {
                assert!(!conn.is_throttled(), "not read from while throttled");
                conn.send(Bytes::copy_from_slice(input));
                input.len()
            })
            .mail(move |conn, _, mail| {
                let before = conn.is_throttled();
                conn.send(mail);
                on_mail.send((before, conn.is_throttled(), conn.outbox_bytes())).unwrap();
            })
            .relieved(move |conn, _| {
                on_relieved.send((true, conn.is_throttled(), conn.outbox_bytes())).unwrap();
                conn.send(Bytes::from_static(b"more"));
            })
    });
    let (mut client, id) = stage.join();
    let large = Bytes::from(vec![7; 200 * 1024]);
    let mail = |mail: &Bytes| Command::Mail { to: id, mail: mail.clone() };
    // Far above the high mark at once, and more than the kernel takes of it before the peer reads.
    socket2::SockRef::from(&client.0).set_recv_buffer_size(16 * 1024).unwrap();
    stage
        .running
        .remote()
        .post(0, &mut vec![mail(&large), Command::Send { to: id, chunk: chunk(0) }, mail(&chunk(1))]);
    let told = || tellings.recv_timeout(PATIENCE).unwrap();
    let (before, after, _) = told();
    assert_eq!((before, after), (false, true), "throttled by the first");
    let (before, after, waiting) = told();
    assert_eq!((before, after, waiting), (true, true, large.len() + 2048), "and so seen by the second");
    client.send(b"ask");
    client.receive(large.len() + 2048);
    let (_, throttled, waiting) = told();
    assert!(!throttled && waiting < 16 * 1024, "relieved below the low mark, at {waiting} bytes");
    // What was asked meanwhile is read now; what the call itself sent leaves at once.
    let mut rest = client.receive(7);
    rest.sort_unstable();
    assert_eq!(rest, b"aekmors");
    assert!(tellings.try_recv().is_err(), "told once");
}

/// When all outboxes together hold too much, the largest is cut, long before its own hard mark; the others, and those
/// who take what they are sent, stay.
#[test]
fn in_a_crowd_the_largest_outbox_is_cut() {
    const TOTAL: u64 = 512 * 1024;
    let config = Config {
        outbox_hard_bytes: 64 << 20,
        outbox_total_bytes_max: TOTAL as usize,
        linger: PATIENCE,
        ..small_marks()
    };
    let stage = Stage::start(config, || Script::echo().farewell(FAREWELL));
    let (mut largest, largest_id) = stage.join();
    let (mut second, second_id) = stage.join();
    let (mut other, _) = stage.join();
    let (remote, metrics) = (stage.running.remote(), stage.running.metrics());
    let (mut sent, mut sent_to_second) = (0, 0);
    while metrics.snapshot().outbox_crowd_cuts == 0 {
        let mut batch: Vec<_> =
            (sent..sent + 16).map(|n| Command::Send { to: largest_id, chunk: chunk(n) }).collect();
        sent += 16;
        // Less than what the kernel takes, and then a little more.
        if sent % 64 == 0 {
            batch.push(Command::Send { to: second_id, chunk: chunk(sent_to_second) });
            sent_to_second += 1;
        }
        remote.post(0, &mut batch);
        other.ping(b"still served");
        assert!(metrics.snapshot().outbox_weight_bytes <= TOTAL, "the total bounds memory");
        assert!(sent < 100_000, "never cut");
    }
    let stream = largest.receive_to_end();
    let whole = stream.strip_suffix(FAREWELL).expect("a farewell at the end");
    assert_eq!(whole.len() % 1024, 0, "cut between chunks");
    drop(largest);
    assert_eq!(stage.closed(), (largest_id, CloseReason::SlowReader));
    for n in 0..sent_to_second {
        assert_eq!(second.receive(1024), chunk(n));
    }
    until("nothing waits", || metrics.snapshot().outbox_bytes == 0);
    let after = metrics.snapshot();
    assert_eq!((after.outbox_crowd_cuts, after.slow_readers_cut, after.outbox_weight_bytes), (1, 1, 0));
    assert_eq!(stage.finish(Duration::from_secs(1)).len(), 2, "the others stayed to the end");
}

/// Tiny chunks weigh what they occupy: the marks stand for memory, not only for bytes to write.
#[test]
fn tiny_chunks_meet_the_marks_too() {
    const ANSWER: &[u8] = b"18 bytes of answer";
    let (told, tellings) = channel();
    let stage = Stage::start(small_marks(), || {
        let told = told.clone();
        Script::echo().data(move |conn, _, input| {
            while !conn.is_throttled() {
                conn.send(Bytes::from_static(ANSWER));
            }
            told.send(conn.outbox_bytes()).unwrap();
            input.len()
        })
    });
    let (mut client, _) = stage.join();
    client.send(b"?");
    let waiting = tellings.recv_timeout(PATIENCE).unwrap();
    assert_eq!(waiting, (64 * 1024 / (ANSWER.len() + 128) + 1) * ANSWER.len());
    assert_eq!(client.receive(waiting).len(), waiting);
}
