//! Reading: splits, kept rests, pauses, limits.

use std::{
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::channel,
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use reactor::{CloseReason, Command, Config, Link, Remote};

use crate::script::{Client, Event, PATIENCE, Random, Script, Stage, one_loop, until};

/// The length of the first frame (u16 length, then the bytes), if it is there whole.
fn frame(input: &[u8]) -> Option<usize> {
    let length = 2 + usize::from(u16::from_be_bytes(*input.first_chunk()?));
    (input.len() >= length).then_some(length)
}

fn echo_frames(conn: &mut Link<'_>, _: &mut u64, input: &[u8]) -> usize {
    let mut start = 0;
    while let Some(length) = frame(&input[start..]) {
        conn.send(Bytes::copy_from_slice(&input[start..start + length]));
        start += length;
    }
    start
}

fn random_frames(random: &mut Random, total: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    while stream.len() < total {
        // Mostly small ones, sometimes far larger than the read buffer.
        let length = if random.below(20) == 0 { random.below(65_536) } else { random.below(300) };
        stream.extend((length as u16).to_be_bytes());
        stream.extend(random.bytes(length));
    }
    stream
}

/// Writes `stream` and reads as much back, both in pieces of random size.
fn exchange(mut client: Client, stream: Vec<u8>, mut random: Random) {
    let mut writer = client.0.try_clone().unwrap();
    let sent = stream.clone();
    let mut write_random = random.split();
    let writing = thread::spawn(move || {
        let mut rest = &sent[..];
        while !rest.is_empty() {
            let most = if write_random.below(2) == 0 { 10 } else { 20_000 };
            let piece = (1 + write_random.below(most)).min(rest.len());
            writer.write_all(&rest[..piece]).unwrap();
            rest = &rest[piece..];
        }
    });
    let mut received = Vec::new();
    while received.len() < stream.len() {
        let mut piece = vec![0; 1 + random.below(30_000)];
        let n = client.0.read(&mut piece).unwrap();
        assert!(n > 0, "closed after {} of {} bytes", received.len(), stream.len());
        received.extend_from_slice(&piece[..n]);
    }
    writing.join().unwrap();
    assert!(received == stream, "the stream came back changed");
}

#[test]
fn streams_survive_every_split() {
    let mut random = Random::new();
    let config = Config { io_threads: 2, read_budget_bytes: 4096, ..Config::default() };
    let stage = Stage::start(config, || Script::echo().data(echo_frames));
    let clients: Vec<_> = (0..6)
        .map(|_| {
            let (client, stream, random) =
                (stage.client(), random_frames(&mut random, 400_000), random.split());
            thread::spawn(move || exchange(client, stream, random))
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
}

/// A handler that takes one frame, pauses, and goes on when another thread says so: as a gateway with a full lane does.
#[test]
fn a_pause_keeps_the_rest_and_resuming_offers_it() {
    let mut random = Random::new();
    let (work, jobs) = channel();
    let config = Config { read_budget_bytes: 4096, ..one_loop() };
    let stage = Stage::start(config, || {
        let work = work.clone();
        Script::echo()
            .data(move |conn, _, input| {
                assert!(!conn.is_paused(), "no input is offered during a pause");
                let Some(length) = frame(input) else { return 0 };
                work.send((conn.id(), Bytes::copy_from_slice(&input[..length]))).unwrap();
                conn.pause_reading();
                length
            })
            .mail(|conn, _, answer| {
                conn.send(answer);
                conn.resume_reading();
            })
    });
    drop(work);
    let remote = stage.running.remote();
    let worker = thread::spawn(move || {
        for (id, frame) in jobs {
            remote.mail(id, frame);
        }
    });
    let stream = random_frames(&mut random, 300_000);
    exchange(stage.client(), stream, random);
    stage.finish(Duration::ZERO);
    worker.join().unwrap();
}

/// A handler that pauses, and finds in the same call that it need not: what it left is offered again all the same.
#[test]
fn a_pause_that_ends_at_once_keeps_the_rest_and_offers_it() {
    let stage = Stage::start(one_loop(), || {
        Script::echo().data(|conn, _, input| {
            conn.send(Bytes::copy_from_slice(&input[..1]));
            conn.pause_reading();
            conn.resume_reading();
            1
        })
    });
    let mut client = stage.client();
    client.send(b"abcdef");
    let mut echoed = [0; 6];
    client.0.read_exact(&mut echoed).unwrap();
    assert_eq!(&echoed, b"abcdef");
}

#[test]
fn unconsumed_input_is_bounded() {
    let config = Config { input_bytes_max: 10_000, ..one_loop() };
    let stage = Stage::start(config, || Script::echo().data(|_, _, _| 0));
    let (mut greedy, id) = stage.join();
    greedy.send(&[1; 10_000]);
    until("all is kept", || stage.running.metrics().snapshot().read_bytes == 10_000);
    greedy.send(&[1]);
    assert_eq!(stage.closed(), (id, CloseReason::InputOverflow));
    assert_eq!(stage.running.metrics().snapshot().input_overflows, 1);
    assert_eq!(stage.finish(Duration::ZERO), []);
}

/// When all together keep too much, who keeps much and sends on is closed; who keeps little, or completes, is not.
#[test]
fn in_a_crowd_much_unconsumed_input_may_not_grow() {
    const MAX: usize = 256 * 1024;
    let config = Config { input_bytes_max: MAX, input_total_bytes_max: MAX, ..one_loop() };
    // Consumes when it sees the end of a frame, a full stop.
    let stage = Stage::start(config, || {
        Script::echo().data(|conn, _, input| {
            if input.last() != Some(&b'.') {
                return 0;
            }
            conn.send(Bytes::from_static(b"!"));
            input.len()
        })
    });
    let metrics = stage.running.metrics();
    let keeps = |what, bytes: usize| until(what, || metrics.snapshot().input_bytes == bytes as u64);
    let (mut lone, _) = stage.join();
    lone.send(&[0; MAX]);
    keeps("a lone one may keep all", MAX);
    lone.0.shutdown(std::net::Shutdown::Both).unwrap();
    stage.closed();
    keeps("nothing is left of it", 0);

    let (mut silent, _) = stage.join();
    let (mut small, _) = stage.join();
    let (mut completes, _) = stage.join();
    let (mut grows, grows_id) = stage.join();
    silent.send(&[0; 100_000]);
    completes.send(&[0; 80_000]);
    grows.send(&[0; 75_000]);
    keeps("they keep nearly all", 255_000);
    small.send(&[0; 10_000]);
    keeps("a little more in a crowd", 265_000);
    grows.send(&[0]);
    assert_eq!(stage.closed(), (grows_id, CloseReason::InputOverflow));
    keeps("its part is free", 190_000);
    for client in [&mut silent, &mut small, &mut completes] {
        client.ping_rest(b".", 1);
    }
    keeps("all is consumed", 0);
    let after = metrics.snapshot();
    assert_eq!((after.input_crowd_closes, after.input_overflows), (1, 1));
}

/// With two floods waiting, reading goes in turns: one budget each.
#[test]
fn a_flood_gets_one_budget_per_turn() {
    const FLOOD: usize = 48 * 1024;
    const BUDGET: usize = 4 * 1024;
    let (release, gate) = channel::<()>();
    let (entered, entry) = channel();
    let mut gate = Some((gate, entered));
    let (log, calls) = channel();
    let config = Config { read_budget_bytes: BUDGET, ..one_loop() };
    let stage = Stage::start(config, || {
        let ((gate, entered), log) = (gate.take().unwrap(), log.clone());
        Script::echo().data(move |conn, _, input| {
            if input == b"hold" {
                // Holds the whole loop, which no real handler may, so that the floods are complete before it goes on.
                entered.send(()).unwrap();
                gate.recv().unwrap();
            } else {
                log.send((conn.id(), input.len())).unwrap();
            }
            input.len()
        })
    });
    let (mut holder, _) = stage.join();
    let (mut a, a_id) = stage.join();
    let (mut b, b_id) = stage.join();
    holder.send(b"hold");
    entry.recv_timeout(PATIENCE).unwrap();
    a.send(&[0; FLOOD]);
    b.send(&[0; FLOOD]);
    release.send(()).unwrap();

    let mut left = std::collections::HashMap::from([(a_id, FLOOD), (b_id, FLOOD)]);
    let mut last = None;
    while left.values().any(|&left| left > 0) {
        let (id, length) = calls.recv_timeout(PATIENCE).unwrap();
        assert!(length <= BUDGET);
        let both = left.values().all(|&left| left > 0);
        assert!(!both || last != Some(id), "one was served twice while the other waited");
        *left.get_mut(&id).unwrap() -= length;
        last = Some(id);
    }
}

/// A peer that floods without end does not delay another's answers.
#[test]
fn a_flood_starves_nobody() {
    let stage = Stage::start(one_loop(), || {
        Script::echo().data(|conn, _, input| {
            if input[0] != 0 {
                conn.send(Bytes::copy_from_slice(input));
            }
            input.len()
        })
    });
    let (flooder, flood_id) = stage.join();
    let mut writer = flooder.0.try_clone().unwrap();
    let flood = thread::spawn(move || while writer.write_all(&[0; 65_536]).is_ok() {});
    let (mut client, _) = stage.join();
    let begin = std::time::Instant::now();
    for n in 0..200u32 {
        client.ping(&(n | 1 << 31).to_be_bytes());
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "200 answers took {:?}", begin.elapsed());
    flooder.0.shutdown(std::net::Shutdown::Both).unwrap();
    flood.join().unwrap();
    assert!(matches!(stage.event(), Event::Closed(id, _) if id == flood_id));
}

/// A connection with a small budget is read in slices of that size, and all that it sent is read, to its end.
#[test]
fn a_small_read_budget_reads_all_in_small_slices() {
    const SLICE: usize = 700;
    let mut random = Random::new();
    let stage = Stage::start(one_loop(), || {
        Script::echo().open(|conn| conn.set_read_budget(SLICE)).data(|conn, _, input| {
            assert!(input.len() <= SLICE, "{} bytes in one slice", input.len());
            conn.send(Bytes::copy_from_slice(input));
            input.len()
        })
    });
    let (mut client, id) = stage.join();
    let stream = random.bytes(100 * SLICE);
    client.send(&stream);
    // The FIN is behind the last slice, which is full: a read that fills its slice must not be taken for the last.
    client.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.receive_to_end(), stream);
    drop(client);
    assert_eq!(stage.closed(), (id, CloseReason::PeerClosed));
    assert!(stage.running.metrics().snapshot().reads >= 100);
}

/// Frames far larger than the budget come together from slices, whatever the split.
#[test]
fn large_frames_survive_a_small_read_budget() {
    let mut random = Random::new();
    let stage =
        Stage::start(one_loop(), || Script::echo().open(|conn| conn.set_read_budget(2048)).data(echo_frames));
    let stream = random_frames(&mut random, 400_000);
    exchange(stage.client(), stream, random);
}

/// However many flood: a turn reads its budget and no more, so mail posted meanwhile is taken and its answer written
/// after one more turn; and the floods are served round by round, nobody twice before everybody once.
#[test]
fn many_floods_neither_delay_mail_nor_starve_each_other() {
    const FLOODS: usize = 40;
    const SLICE: usize = 4 * 1024;
    const TURN: usize = 16 * 1024;
    let (release, gate) = channel::<()>();
    let (entered, entry) = channel();
    let (log, calls) = channel();
    let (answered, answers) = channel();
    let config = Config {
        read_budget_bytes: SLICE,
        turn_budget_bytes: TURN,
        outbox_low_bytes: 1024,
        outbox_high_bytes: 2048,
        ..one_loop()
    };
    let (give, take) = channel::<Remote<Bytes>>();
    let mut once = Some((gate, entered, take));
    let stage = Stage::start(config, || {
        let (gate, entered, take) = once.take().unwrap();
        let (log, at_mail, at_relief) = (log.clone(), answered.clone(), answered.clone());
        let read = Arc::new(AtomicUsize::new(0));
        let (read_by_mail, read_by_relief) = (read.clone(), read.clone());
        let mut hold = None;
        Script::echo()
            .data(move |conn, _, input| {
                if input == b"hold" {
                    hold = Some(conn.id());
                    entered.send(()).unwrap();
                    gate.recv().unwrap();
                    return input.len();
                }
                if read.fetch_add(input.len(), Relaxed) == 0 {
                    let remote = take.recv().unwrap();
                    let mail = Command::Mail { to: hold.unwrap(), mail: Bytes::from_static(&[5; 4096]) };
                    remote.try_post(0, &mut vec![mail]).unwrap();
                }
                log.send(conn.id()).unwrap();
                input.len()
            })
            .mail(move |conn, _, mail| {
                conn.send(mail);
                at_mail.send(read_by_mail.load(Relaxed)).unwrap();
            })
            // Told when the answer, which passed the high mark, was written.
            .relieved(move |_, _| at_relief.send(read_by_relief.load(Relaxed)).unwrap())
    });
    give.send(stage.running.remote()).unwrap();
    let (mut holder, _) = stage.join();
    let mut floods: Vec<_> = (0..FLOODS).map(|_| stage.join()).collect();
    holder.send(b"hold");
    entry.recv_timeout(PATIENCE).unwrap();
    for (flood, _) in &mut floods {
        flood.send(&[0; 4 * SLICE]);
    }
    release.send(()).unwrap();
    holder.receive(4096);
    let answered = [answers.recv_timeout(PATIENCE).unwrap(), answers.recv_timeout(PATIENCE).unwrap()];
    assert_eq!(
        answered,
        [TURN, 2 * TURN],
        "bytes read before the mail was taken, and before its answer left"
    );
    for round in 0..4 {
        let mut served: Vec<_> =
            (0..FLOODS).map(|_| calls.recv_timeout(PATIENCE).unwrap().to_bits()).collect();
        served.sort_unstable();
        served.dedup();
        assert_eq!(served.len(), FLOODS, "everybody once in round {round}");
    }
}
