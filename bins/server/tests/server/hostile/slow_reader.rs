//! Readers that do not read.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol::{Code, History, Push, Request, encode};
use socket2::{Domain, Socket, Type};

use crate::support::{
    DEADLINE, Options, Peer, Server, Store, Witnesses, group_chat, hello, on_each_store, user,
};

on_each_store! {
    a_reader_that_never_reads_is_cut_and_finds_everything_on_its_return,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Connects with a small receive buffer, so that little hides in the kernel.
fn connect_narrow(address: SocketAddr) -> Peer {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4 * 1024).expect("SO_RCVBUF");
    socket.connect(&address.into()).expect("the server accepts");
    Peer::over(TcpStream::from(socket))
}

/// Resumes a user's session over a narrow connection.
fn narrow(server: &Server, peer: Peer) -> Peer {
    let token = peer.token.clone().expect("a token");
    let mut narrow = connect_narrow(server.address());
    narrow.hello(hello("narrow")).expect("HELLO");
    let bundle = narrow.resume(token.clone()).expect("a good token");
    (narrow.id, narrow.session, narrow.token) = (bundle.id, bundle.session, Some(token));
    narrow
}

fn a_reader_that_never_reads_is_cut_and_finds_everything_on_its_return(store: Store) {
    const READERS: usize = 4;
    const MESSAGES: usize = 240;
    /// The conversation tells first who came in.
    const JOINED: usize = 1 + READERS;
    const HARD: u64 = 4 * MIB;
    let options = Options::on(store)
        .with("outbox-low-bytes", 128 * KIB)
        .with("outbox-high-bytes", 512 * KIB)
        .with("outbox-hard-bytes", HARD);
    let mut server = Server::start(options);
    let mut witnesses = Witnesses::of(&server);
    let mut speaker = user(&server, "speaker");
    let mut listener = user(&server, "listener");
    let group = speaker.create_group("loud", "").expect("opened").group.id;
    listener.join_group(group).expect("joined");
    let mut readers: Vec<_> = (0..READERS)
        .map(|n| {
            let mut reader = user(&server, &format!("reader {n}"));
            reader.join_group(group).expect("joined");
            narrow(&server, reader)
        })
        .collect();
    let before = server.resident_bytes();

    // 14 MB to each of them; the listener reads all along.
    let text = "x".repeat(60_000);
    let mut most = 0;
    for batch in 0..MESSAGES / 8 {
        let requests: Vec<_> =
            (0..8).map(|n| group_chat(group, &text, &format!("{}", batch * 8 + n))).collect();
        for rid in speaker.send_all(&requests) {
            speaker.reply(rid).expect("stored: somebody else's slowness is not the speaker's");
        }
        for n in 0..8 {
            assert_eq!(listener.message().seq, (JOINED + batch * 8 + n + 1) as u64);
        }
        most = most.max(server.resident_bytes());
        if batch % 10 == 0 {
            witnesses.chat();
        }
    }
    let grown = most.saturating_sub(before);
    let bound = READERS as u64 * HARD + 64 * MIB;
    assert!(grown < bound, "{} MiB more for {READERS} readers, over {} MiB", grown / MIB, bound / MIB);

    for reader in &mut readers {
        // Whoever never reads cannot read a farewell either.
        reader.end();
    }
    for reader in readers {
        let mut again = Peer::connect(server.address());
        again.hello(hello("again")).expect("HELLO");
        again.resume(reader.token.expect("a token")).expect("the session is not over");
        let messages = again.read_all(group, JOINED as u64);
        assert_eq!(messages.len(), MESSAGES);
        assert!(
            messages.iter().enumerate().all(|(at, m)| m.seq == (JOINED + at + 1) as u64 && m.msg == text)
        );
    }
    witnesses.testify(&mut server);
}

#[test]
fn a_reader_that_is_too_slow_is_told_so() {
    let options = Options::on(Store::Sqlite)
        .with("outbox-low-bytes", 64 * KIB)
        .with("outbox-high-bytes", 128 * KIB)
        .with("outbox-hard-bytes", 512 * KIB);
    let mut server = Server::start(options);
    let witnesses = Witnesses::of(&server);
    let mut speaker = user(&server, "speaker");
    let group = speaker.create_group("loud", "").expect("opened").group.id;
    let mut reader = user(&server, "reader");
    reader.join_group(group).expect("joined");
    let mut reader = narrow(&server, reader);
    let token = reader.token.clone().expect("a token");
    let cut = AtomicBool::new(false);
    let said = std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let text = "x".repeat(60_000);
            let mut said = 0;
            while !cut.load(Ordering::SeqCst) {
                let requests: Vec<_> =
                    (0..32).map(|n| group_chat(group, &text, &(said + n).to_string())).collect();
                for rid in speaker.send_all(&requests) {
                    speaker.reply(rid).expect("stored");
                    said += 1;
                }
            }
            said
        });
        // She reads all the time, only not as fast as others speak.
        let begun = Instant::now();
        while reader.read_one() {
            assert!(begun.elapsed() < DEADLINE, "she was never cut");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        cut.store(true, Ordering::SeqCst);
        flood.join().expect("the speaker")
    });
    let bye = reader.bye();
    assert_eq!(Code(bye.errcode), Code::TOO_SLOW);
    assert!(bye.retry_after_ms > 0, "when to come again");
    let mut again = Peer::connect(server.address());
    again.hello(hello("again")).expect("HELLO");
    again.resume(token).expect("the session is not over");
    assert_eq!(again.read_all(group, 0).len(), said);
    witnesses.testify(&mut server);
}

#[test]
fn a_reader_that_stops_is_cut_after_a_while_even_if_little_waits() {
    let options = Options::on(Store::Sqlite).with("write-stall-ms", 500);
    let mut server = Server::start(options);
    let witnesses = Witnesses::of(&server);
    let mut speaker = user(&server, "speaker");
    let group = speaker.create_group("loud", "").expect("opened").group.id;
    let mut reader = user(&server, "reader");
    reader.join_group(group).expect("joined");
    let mut reader = narrow(&server, reader);
    // More than both kernels hold, and less than the hard mark: only time can tell.
    let text = "x".repeat(60_000);
    let begun = Instant::now();
    for _ in 0..100 {
        speaker.say_in(group, &text);
    }
    // She reads again only when it is too late.
    let deadline = begun + DEADLINE;
    let member_state = |speaker: &mut Peer, id: u64| {
        let users = speaker.group_members(group, 0, 0).expect("a page").users;
        users.into_iter().find(|user| user.id == id).expect("a member").state
    };
    while member_state(&mut speaker, reader.id) == protocol::State::Online {
        assert!(Instant::now() < deadline, "she was never cut");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    reader.end();
    witnesses.testify(&mut server);
}

#[test]
fn a_client_that_asks_and_never_reads_is_not_served_without_bound() {
    let options = Options::on(Store::Sqlite).with("write-stall-ms", 1_000);
    let mut server = Server::start(options);
    let mut witnesses = Witnesses::of(&server);
    let mut speaker = user(&server, "speaker");
    let group = speaker.create_group("long", "").expect("opened").group.id;
    for _ in 0..8 {
        speaker.say_in(group, &"x".repeat(60_000));
    }
    let greedy = narrow(&server, speaker);
    let before = server.resident_bytes();
    // Each request of 40 bytes is answered with half a megabyte.
    let mut wire = BytesMut::new();
    let page = Request::History(History { conv: group, after: Some(0), before: None, at: None, limit: 0 });
    for rid in 1_000..2_000 {
        encode::request(rid, &page, &mut wire);
    }
    greedy.stream().set_nonblocking(true).expect("non-blocking");
    let begun = Instant::now();
    let mut most = before;
    let mut written = 0;
    loop {
        match (&mut greedy.stream()).write(&wire) {
            Ok(n) => written += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            // It was cut.
            Err(_) => break,
        }
        most = most.max(server.resident_bytes());
        assert!(begun.elapsed() < DEADLINE, "it was served for ever; {written} bytes of requests were taken");
    }
    let grown = most - before;
    assert!(grown < 160 * MIB, "{} MiB for one client", grown / MIB);
    witnesses.chat();
    witnesses.testify(&mut server);
}

#[test]
fn a_client_that_is_asked_at_the_door_and_never_reads_is_not_served_without_bound() {
    // PINGs and refusals are answered on the sub reactor itself, past lanes and pipelines.
    let options = Options::on(Store::Sqlite).with("write-stall-ms", 1_000).with("outbox-high-bytes", MIB);
    let mut server = Server::start(options);
    let mut witnesses = Witnesses::of(&server);
    let mut greedy = connect_narrow(server.address());
    greedy.hello(hello("")).expect("HELLO");
    let before = server.resident_bytes();
    let mut wire = Vec::new();
    while wire.len() < 256 * 1024 {
        wire.extend_from_slice(&crate::support::raw_frame(0, 12, 9, b""));
        wire.extend_from_slice(&crate::support::raw_frame(0, 999, 9, b""));
    }
    greedy.stream().set_nonblocking(true).expect("non-blocking");
    let begun = Instant::now();
    let mut most = before;
    let (mut written, mut at) = (0, 0);
    loop {
        match (&mut greedy.stream()).write(&wire[at..]) {
            Ok(n) => {
                written += n;
                at = (at + n) % wire.len();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            Err(_) => break,
        }
        most = most.max(server.resident_bytes());
        assert!(begun.elapsed() < DEADLINE, "it was served for ever; {written} bytes of requests were taken");
    }
    assert!(most - before < 64 * MIB, "{} MiB for one client", (most - before) / MIB);
    witnesses.chat();
    witnesses.testify(&mut server);
}

#[test]
fn a_reader_that_catches_up_in_time_stays() {
    let options = Options::on(Store::Sqlite)
        .with("outbox-low-bytes", 64 * KIB)
        .with("outbox-high-bytes", 128 * KIB)
        .with("outbox-hard-bytes", 64 * MIB);
    let server = Server::start(options);
    let mut speaker = user(&server, "speaker");
    let group = speaker.create_group("loud", "").expect("opened").group.id;
    let mut reader = user(&server, "reader");
    reader.join_group(group).expect("joined");
    let mut reader = narrow(&server, reader);
    let text = "x".repeat(60_000);
    for _ in 0..200 {
        speaker.say_in(group, &text);
    }
    // Above the high mark nothing more is read from her; once she has caught up she is heard again.
    let rid = reader.send(&Request::Ping(protocol::Nothing {}));
    for seq in 1..=200 {
        let message = reader.take("a message", |push| match push {
            Push::Message(message) => Some(message.clone()),
            _ => None,
        });
        assert_eq!(message.seq, seq + 1, "after that she came");
    }
    reader.reply(rid).expect("heard");
    reader.say_in(group, "here again");
    assert_eq!(speaker.message().msg, "here again");
}
