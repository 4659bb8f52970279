//! What is asked as it should be.

use std::io::{Read, Write};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use crate::stage::{Stage, to_end};

#[test]
fn health_and_readiness_are_told_apart() {
    let stage = Stage::new();
    let ok = ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned());
    let no = |sentence: &str| ("HTTP/1.1 503 Service Unavailable".to_owned(), sentence.to_owned());
    assert_eq!((stage.get("/healthz"), stage.get("/readyz")), (ok.clone(), ok.clone()));
    stage.shown.unready.store(true, SeqCst);
    assert_eq!((stage.get("/healthz"), stage.get("/readyz")), (ok, no("draining\n")));
    stage.shown.ill.store(true, SeqCst);
    assert_eq!(stage.get("/healthz?verbose"), no("the thread worker-1 died\n"));
}

#[test]
fn metrics_are_prometheus_text() {
    let stage = Stage::new();
    let answer = stage.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
    assert_eq!(body, "# TYPE up gauge\nup 1\n");
}

#[test]
fn a_head_is_the_get_without_its_body() {
    let stage = Stage::new();
    let ask = |method: &str| {
        stage.ask(format!("{method} /metrics HTTP/1.1\r\nConnection: close\r\n\r\n").as_bytes())
    };
    let (get, head) = (ask("GET"), ask("HEAD"));
    assert_eq!(get.split_inclusive("\r\n\r\n").next(), Some(head.as_str()));
}

#[test]
fn what_is_not_there_is_404() {
    let stage = Stage::new();
    for path in ["/", "/metrics/", "/Metrics", "//metrics", "/../metrics", "http://x/metrics", "*"] {
        assert_eq!(stage.get(path).0, "HTTP/1.1 404 Not Found", "{path}");
    }
}

#[test]
fn one_connection_asks_again_and_again() {
    let stage = Stage::new();
    let mut stream = stage.connect();
    for _ in 0..5 {
        stream.write_all(b"HEAD /healthz HTTP/1.1\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(
            head.starts_with(b"HTTP/1.1 200 OK\r\n") && head.ends_with(b"Connection: keep-alive\r\n\r\n")
        );
    }
    // An old peer is closed after its answer.
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    assert!(to_end(&mut stream).ends_with("Connection: close\r\n\r\nok\n"));
}

#[test]
fn a_half_closed_peer_gets_its_answer() {
    let stage = Stage::new();
    let mut stream = stage.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(to_end(&mut stream).ends_with("\r\n\r\nok\n"));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let stage = Stage::new();
    let mut wire = Vec::new();
    for n in 0..200 {
        let path = if n % 2 == 0 { "/healthz" } else { "/nowhere" };
        wire.extend_from_slice(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes());
    }
    wire.extend_from_slice(b"GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n");
    let answers = stage.ask(&wire);
    let statuses: Vec<_> =
        answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]).collect();
    assert_eq!(statuses.len(), 201, "what follows a close is not answered");
    assert!(statuses[..200].chunks(2).all(|pair| pair == ["200", "404"]) && statuses[200] == "200");
}

#[test]
fn it_stops_at_once_though_a_peer_stays() {
    let mut stage = Stage::new();
    let mut stream = stage.connect();
    let begun = Instant::now();
    stage.stop();
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    assert_eq!(to_end(&mut stream), "");
}
