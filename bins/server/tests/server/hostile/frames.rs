//! Bytes that are no frames.

use bytes::BytesMut;
use protocol::{Code, MsgId, Request, encode};

use super::samples::every_request;
use crate::support::{
    DEADLINE, Options, Peer, Random, Server, Store, Witnesses, hello, log_in, raw_frame, register,
};

/// Sends bytes that close the connection; the code of the BYE.
fn ends_with(peer: &mut Peer, bytes: &[u8]) -> Code {
    peer.send_bytes(bytes);
    Code(peer.bye().errcode)
}

#[test]
fn what_is_no_frame_closes_with_one_error_frame() {
    let mut server = Server::on(Store::Sqlite);
    let mut witnesses = Witnesses::of(&server);
    let ping = raw_frame(0, MsgId::Ping.into(), 1, b"{}");
    let broken = |at: usize, byte: u8| {
        let mut frame = ping.clone();
        frame[at] = byte;
        frame
    };
    let cases: &[(&str, Vec<u8>, Code)] = &[
        ("an HTTP request", b"GET / HTTP/1.1\r\nHost: chat\r\n\r\n".to_vec(), Code::BAD_FRAME),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), Code::BAD_FRAME),
        ("zeros", vec![0; 64], Code::BAD_FRAME),
        ("the family's bare JSON", b"{\"msgid\":1,\"id\":1,\"password\":\"x\"}\0".to_vec(), Code::BAD_FRAME),
        ("another first byte", broken(0, 0x44), Code::BAD_FRAME),
        ("another second byte", broken(1, 0x00), Code::BAD_FRAME),
        ("two bytes of nonsense", b"xx".to_vec(), Code::BAD_FRAME),
        ("version 0", broken(2, 0), Code::BAD_VERSION),
        ("version 2", broken(2, 2), Code::BAD_VERSION),
        ("version 255", broken(2, 255), Code::BAD_VERSION),
        ("flag bit 3", broken(3, 0x08), Code::BAD_FRAME),
        ("flag bit 7", broken(3, 0x81), Code::BAD_FRAME),
        ("4 GiB", [&ping[..12], &[0xff; 4]].concat(), Code::FRAME_TOO_LARGE),
        ("a stream out of step", [&ping[..], &ping[1..]].concat(), Code::BAD_FRAME),
    ];
    for (what, bytes, code) in cases {
        for before in ["nothing", "HELLO", "LOGIN"] {
            let mut peer = match before {
                "LOGIN" => log_in(&server, "witness one", "hostile"),
                _ => Peer::connect(server.address()),
            };
            if before == "HELLO" {
                peer.hello(hello("")).expect("HELLO");
            }
            // The whole frame in front of the last case is answered.
            peer.expect_rid(1);
            assert_eq!(ends_with(&mut peer, bytes), *code, "{what} after {before}");
        }
    }
    witnesses.chat();
    witnesses.testify(&mut server);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_buffered() {
    let mut server = Server::on(Store::Sqlite);
    let witnesses = Witnesses::of(&server);
    register(&server, "large");
    let header = |len: u32| {
        let mut frame = raw_frame(0, MsgId::Friends.into(), 1, b"");
        frame[12..16].copy_from_slice(&len.to_be_bytes());
        frame
    };
    // Only the header is sent: the refusal does not wait for the body.
    for (len, code) in [(16 * 1024 + 1, Code::FRAME_TOO_LARGE), (u32::MAX, Code::FRAME_TOO_LARGE)] {
        let mut guest = Peer::connect(server.address());
        guest.hello(hello("")).expect("HELLO");
        assert_eq!(ends_with(&mut guest, &header(len)), code, "{len} bytes as a guest");
    }
    for len in [1024 * 1024 + 1, u32::MAX] {
        let mut user = log_in(&server, "large", "");
        assert_eq!(ends_with(&mut user, &header(len)), Code::FRAME_TOO_LARGE, "{len} bytes as a user");
    }
    // Exactly at the limit it is read: an object with a field that nobody knows.
    for (len, mut peer) in [
        (16 * 1024, {
            let mut guest = Peer::connect(server.address());
            guest.hello(hello("")).expect("HELLO");
            guest
        }),
        (1024 * 1024, log_in(&server, "large", "")),
    ] {
        let body = format!("{{\"padding\":\"{}\"}}", "x".repeat(len - 14));
        assert_eq!(body.len(), len);
        let rid = peer.send_body(MsgId::Ping.into(), body.as_bytes());
        peer.reply(rid).expect("answered");
    }
    // After logging out it is a guest's limit again.
    let mut peer = log_in(&server, "large", "");
    peer.log_out().expect("out");
    assert_eq!(ends_with(&mut peer, &header(16 * 1024 + 1)), Code::FRAME_TOO_LARGE);
    witnesses.testify(&mut server);
}

#[test]
fn an_operators_own_limits_are_told_and_kept() {
    let options = Options::on(Store::Sqlite)
        .with("text-bytes-max", 100)
        .with("frame-bytes-max", 8_192)
        .with("pipeline-max", 3)
        .with("page-max", 4);
    let mut server = Server::start(options);
    let mut peer = Peer::connect(server.address());
    let limits = peer.hello(hello("")).expect("HELLO");
    assert_eq!(
        (limits.text_bytes_max, limits.frame_bytes_max, limits.pipeline_max, limits.page_max),
        (100, 8_192, 3, 4)
    );
    let mut frame = raw_frame(0, MsgId::Ping.into(), 1, b"");
    frame[12..16].copy_from_slice(&8_193u32.to_be_bytes());
    assert_eq!(ends_with(&mut peer, &frame), Code::FRAME_TOO_LARGE);
    let witnesses = Witnesses::of(&server);
    let mut one = log_in(&server, "witness one", "");
    let other = one.friends(0, 0).expect("a page").friends[0].id;
    let refusal = one.one_chat(other, &"x".repeat(101), "long").unwrap_err();
    assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("msg")));
    witnesses.testify(&mut server);
}

#[test]
fn a_truncated_frame_harms_nobody() {
    let mut server = Server::start(Options::on(Store::Sqlite).with("hello-timeout-ms", 500));
    let mut witnesses = Witnesses::of(&server);
    let mut whole = BytesMut::new();
    encode::request(1, &Request::Hello(hello("")), &mut whole);
    for cut in 1..whole.len() {
        // Half a frame, and the end: nothing is owed.
        let mut peer = Peer::connect(server.address());
        peer.send_bytes(&whole[..cut]);
        peer.half_close();
        peer.end();
        assert_eq!(peer.take_replies().len(), 0);
    }
    // Half a frame, and silence: the time for HELLO runs out.
    let mut late: Vec<_> = [1, 2, 15, 16, 17, whole.len() - 1]
        .into_iter()
        .map(|cut| {
            let mut peer = Peer::connect(server.address());
            peer.send_bytes(&whole[..cut]);
            peer
        })
        .collect();
    witnesses.chat();
    for peer in &mut late {
        assert_eq!(Code(peer.bye().errcode), Code::NOT_LOGGED_IN);
    }
    // What came whole before is done, what did not is not.
    let mut user = log_in(&server, "witness one", "");
    let other = user.friends(0, 0).expect("a page").friends[0].id;
    let mut wire = BytesMut::new();
    let rid = user.encode(&crate::support::chat(other, "whole", "whole"), &mut wire);
    let mut half = BytesMut::new();
    encode::request(9_999, &crate::support::chat(other, "half", "half"), &mut half);
    wire.extend_from_slice(&half[..half.len() - 1]);
    user.send_bytes(&wire);
    user.half_close();
    user.reply(rid).expect("stored");
    user.end();
    let mut again = log_in(&server, "witness other", "");
    let conv = again.friends(0, 0).expect("a page").friends[0].conv;
    let texts: Vec<_> = again.read_all(conv, 0).into_iter().map(|message| message.msg).collect();
    assert!(texts.contains(&"whole".to_owned()) && !texts.contains(&"half".to_owned()), "{texts:?}");
    assert!(server.is_alive());
}

#[test]
fn frames_that_only_a_server_sends_are_refused_and_the_connection_stays() {
    let mut server = Server::on(Store::Sqlite);
    let witnesses = Witnesses::of(&server);
    let mut peer = log_in(&server, "witness one", "hostile");
    for (what, flags) in [("a reply", 1), ("a tail", 2), ("a push", 4), ("all of it", 7)] {
        for msgid in [MsgId::Ping, MsgId::OneChat, MsgId::Message, MsgId::Bye] {
            let rid = peer.rid();
            peer.send_bytes(&raw_frame(flags, msgid.into(), rid, b"{}"));
            assert_eq!(peer.reply(rid).expect_err(what).code, Code::BAD_BODY, "{what}");
        }
    }
    peer.ping().expect("the connection stayed");
    witnesses.testify(&mut server);
}

#[test]
fn any_rid_is_echoed() {
    let server = Server::on(Store::Sqlite);
    let mut peer = Peer::connect(server.address());
    for rid in [0, 1, 0x8000_0000, u32::MAX] {
        peer.expect_rid(rid);
        peer.send_bytes(&raw_frame(0, MsgId::Ping.into(), rid, b""));
        assert_eq!(peer.reply(rid).unwrap_err().code, Code::HELLO_FIRST);
    }
    // One rid for two requests is the client's folly; each is answered.
    let twice = [raw_frame(0, MsgId::Ping.into(), 7, b""), raw_frame(0, MsgId::Ping.into(), 7, b"")].concat();
    peer.send_bytes(&twice);
    for _ in 0..2 {
        peer.expect_rid(7);
        assert_eq!(peer.reply(7).unwrap_err().code, Code::HELLO_FIRST);
    }
}

#[test]
fn mutated_streams_end_or_are_answered_but_never_hurt() {
    const STREAMS: usize = 400;
    let mut random = Random::seeded("mutated_streams");
    let mut server = Server::start(Options::on(Store::Sqlite).with("hello-timeout-ms", 300));
    let mut witnesses = Witnesses::of(&server);
    for name in ["mutant one", "mutant two"] {
        register(&server, name);
    }
    for round in 0..STREAMS {
        let mut wire = BytesMut::new();
        encode::request(1, &Request::Hello(hello("mutant")), &mut wire);
        let login = protocol::Login {
            id: None,
            name: Some("mutant one".into()),
            password: protocol::Secret::new(crate::support::PASSWORD),
            ..protocol::Login::default()
        };
        encode::request(2, &Request::Login(login), &mut wire);
        let unharmed = wire.len();
        for (at, request) in every_request().iter().enumerate() {
            encode::request(at as u32 + 3, request, &mut wire);
        }
        // Sometimes the login is spared, so that what follows is read as a user's.
        let from = if round % 2 == 0 { unharmed as u64 } else { 0 };
        for _ in 0..=random.within(0..6) {
            if wire.len() as u64 <= from {
                break;
            }
            let at = random.within(from..wire.len() as u64) as usize;
            match random.within(0..3) {
                0 => wire[at] ^= 1 << random.within(0..8),
                1 => wire[at] = random.number() as u8,
                _ => wire.truncate(at.max(1)),
            }
        }
        let mut stream = std::net::TcpStream::connect(server.address()).expect("the server accepts");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        use std::io::{Read, Write};
        // It may close before it has read all.
        let _ = stream.write_all(&wire);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answers = Vec::new();
        let ended = stream.read_to_end(&mut answers);
        assert!(
            ended.as_ref().map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |_| true),
            "round {round}: {ended:?}"
        );
        if round % 100 == 99 {
            witnesses.chat();
        }
    }
    witnesses.testify(&mut server);
}
