//! The PROXY protocol: who is believed, and what bad headers get.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use protocol::Code;
use testkit::{Nginx, eventually};

use super::alone;
use crate::support::{DEADLINE, Peer, Server, ask, hello, user};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// TCP over IPv4 from 203.0.113.7:54321.
const IPV4: &[u8] = &[0x21, 0x11, 0, 12, 203, 0, 113, 7, 10, 0, 0, 1, 0xd4, 0x31, 0x1b, 0x58];
/// A health check.
const LOCAL: &[u8] = &[0x20, 0x00, 0, 0];

/// A server that takes this machine for a balancer.
fn behind_balancer() -> Server {
    Server::start(alone().with("proxy-trusted", "10.0.0.0/8,127.0.0.1").with("hello-timeout-ms", 2_000))
}

fn v2(rest: &[u8]) -> Vec<u8> {
    [SIGNATURE, rest].concat()
}

/// Connects, says this first, and then HELLO.
fn greets(server: &Server, header: &[u8]) -> Peer {
    let mut peer = Peer::connect(server.address());
    peer.send_bytes(header);
    peer.hello(hello("")).expect("HELLO");
    peer
}

/// Waits for a line of the log that has all of these words.
fn logged(server: &Server, words: &[&str]) {
    eventually(DEADLINE, &format!("a line with {words:?}"), || {
        server.log().lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
    });
}

fn counted(server: &Server, name: &str) -> u64 {
    let page = ask(server.admin_address(), "/metrics").1;
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name}")).parse().expect("a number")
}

#[test]
fn the_client_is_who_the_balancer_says() {
    let server = behind_balancer();
    let ipv6 = [
        &[0x21, 0x21, 0, 39][..],
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
        &[0; 16],
        &[0xd4, 0x31, 0x1b, 0x58],
        // A type-length-value of nothing.
        &[4, 0, 0],
    ];
    let cases = [
        (v2(IPV4), "203.0.113.7:54321"),
        (v2(&ipv6.concat()), "[2001:db8::9]:54321"),
        (b"PROXY TCP4 203.0.113.8 10.0.0.1 54321 7000\r\n".to_vec(), "203.0.113.8:54321"),
        (b"PROXY TCP6 2001:db8::7 ::1 54321 7000\r\n".to_vec(), "[2001:db8::7]:54321"),
    ];
    for (header, client) in &cases {
        let peer = greets(&server, header);
        logged(&server, &["connection", &format!("from {client} through 127.0.0.1:")]);
        drop(peer);
        logged(&server, &["connection", &format!("of {client} closed")]);
    }
    assert_eq!(counted(&server, "chat_gateway_proxied_total"), cases.len() as u64);
    // Health checks, and balancers that do not know, are served as themselves.
    for header in [v2(LOCAL), v2(&[0x21, 0x00, 0, 0]), b"PROXY UNKNOWN\r\n".to_vec()] {
        greets(&server, &header).ping().expect("served");
    }
    assert_eq!(counted(&server, "chat_gateway_proxied_total"), cases.len() as u64);
    assert_eq!(counted(&server, "chat_gateway_bad_proxy_headers_total"), 0);
}

/// However the kernel cuts the bytes: one at a time here, header and HELLO alike.
#[test]
fn a_header_may_come_in_pieces() {
    let server = behind_balancer();
    for header in [v2(IPV4), b"PROXY TCP4 203.0.113.7 10.0.0.1 54321 7000\r\n".to_vec()] {
        let mut peer = Peer::connect(server.address());
        let mut wire = bytes::BytesMut::new();
        let rid = peer.encode(&protocol::Request::Hello(hello("")), &mut wire);
        let bytes = [&header[..], &wire].concat();
        for byte in &bytes {
            peer.send_bytes(&[*byte]);
            thread::sleep(Duration::from_micros(300));
        }
        peer.reply(rid).expect("HELLO");
        // And all in one, with more behind it.
        let mut peer = Peer::connect(server.address());
        let mut wire = bytes::BytesMut::from(&header[..]);
        let hello = peer.encode(&protocol::Request::Hello(hello("")), &mut wire);
        let ping = peer.encode(&protocol::Request::Ping(protocol::Nothing {}), &mut wire);
        peer.send_bytes(&wire);
        peer.reply(hello).expect("HELLO");
        peer.reply(ping).expect("PING");
    }
}

#[test]
fn a_balancer_that_says_nothing_proper_is_closed_and_counted() {
    let server = behind_balancer();
    let no_header = {
        let mut wire = bytes::BytesMut::new();
        protocol::encode::request(1, &protocol::Request::Hello(hello("")), &mut wire);
        wire.to_vec()
    };
    let cases = [
        no_header,
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"PROXY TCP4 203.0.113.7 nowhere 1 2\r\n".to_vec(),
        b"PROXY TCP4 1.1.1.1 ".repeat(8),
        v2(&[0x31, 0x11, 0, 12]),
        v2(&[0x21, 0x12, 0, 12]),
        v2(&[0x21, 0x11, 0, 11]),
        v2(&[0x21, 0x11, 0xff, 0xff]),
    ];
    for bytes in &cases {
        let mut peer = Peer::connect(server.address());
        peer.send_bytes(bytes);
        assert_eq!(Code(peer.bye().errcode), Code::BAD_FRAME, "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(counted(&server, "chat_gateway_bad_proxy_headers_total"), cases.len() as u64);
    // A second header is no frame.
    let mut peer = greets(&server, &v2(IPV4));
    peer.send_bytes(&v2(IPV4));
    assert_eq!(Code(peer.bye().errcode), Code::BAD_FRAME);
    assert_eq!(counted(&server, "chat_gateway_bad_streams_total"), 1);
}

#[test]
fn a_header_that_does_not_end_is_not_waited_for() {
    let server = behind_balancer();
    let mut unfinished = Peer::connect(server.address());
    let begun = Instant::now();
    unfinished.send_bytes(&v2(IPV4)[..20]);
    let mut silent = Peer::connect(server.address());
    for peer in [&mut unfinished, &mut silent] {
        assert_eq!(Code(peer.bye().errcode), Code::NOT_LOGGED_IN);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    assert_eq!(counted(&server, "chat_gateway_late_closed_total"), 2);
}

/// Whoever is not a balancer says who they are by being there: their header is no frame.
#[test]
fn nobody_else_is_believed() {
    for trusted in ["", "10.0.0.0/8,127.0.0.2"] {
        let server = Server::start(alone().with("proxy-trusted", trusted));
        for header in [v2(IPV4), b"PROXY TCP4 203.0.113.7 10.0.0.1 54321 7000\r\n".to_vec()] {
            let mut peer = Peer::connect(server.address());
            peer.send_bytes(&header);
            assert_eq!(Code(peer.bye().errcode), Code::BAD_FRAME);
        }
        user(&server, "alice");
        assert!(!server.log().contains("203.0.113.7"));
        assert_eq!(counted(&server, "chat_gateway_proxied_total"), 0);
    }
}

/// The nginx that is shipped, and the client's address all the way through it.
#[test]
fn nginx_is_understood() {
    let server = behind_balancer();
    let nginx = Nginx::start(&[server.address()]);
    let stream = TcpStream::connect(nginx.address()).expect("nginx accepts");
    let client = stream.local_addr().expect("an address");
    let mut peer = Peer::over(stream);
    peer.hello(hello("")).expect("HELLO");
    logged(&server, &["connection", &format!("from {client} through 127.0.0.1:")]);
    // Connections that say nothing, as port scanners and health checks make them, cost nothing but a line.
    for _ in 0..3 {
        let mut stream = TcpStream::connect(nginx.address()).expect("nginx accepts");
        let _ = stream.write_all(b"");
    }
    peer.ping().expect("served");
}
