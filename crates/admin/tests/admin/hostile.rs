//! What bad peers get: a 4xx or a close, and everybody else their answers.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use crate::stage::{PATIENCE, Stage, to_end};

#[test]
fn what_is_no_request_is_refused_and_closed() {
    let stage = Stage::new();
    let cases: &[(&[u8], &str)] = &[
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"DELETE / HTTP/1.1\r\n\r\n", "405"),
        (b"GET /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "413"),
        (b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "413"),
        (b"GET /metrics HTTP/2.0\r\n\r\n", "400"),
        (b"GET /met\0rics HTTP/1.1\r\n\r\n", "400"),
        (b"GET  /metrics HTTP/1.1\r\n\r\n", "400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"),
        (b"\r\n\r\n\0\r\nQUIT\n", "400"),
        (b"GET /metrics HTTP/1.1\r\nno colon\r\n\r\n", "400"),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", "400"),
    ];
    for (bytes, status) in cases {
        let shown = String::from_utf8_lossy(bytes);
        let answer = stage.ask(bytes);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown:?} was answered {answer:?}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer:?}");
    }
    assert_eq!(stage.shown.asked.load(SeqCst), 0);
}

#[test]
fn a_head_that_is_too_large_is_refused_however_it_comes() {
    let stage = Stage::new();
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(9_000));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65));
    let path = format!("GET /{}", "x".repeat(1_000_000));
    for bytes in [long, many, path] {
        let mut stream = stage.connect();
        for chunk in bytes.as_bytes().chunks(700) {
            // It may have heard enough before all is said.
            if stream.write_all(chunk).is_err() {
                break;
            }
        }
        let answer = to_end(&mut stream);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
    }
    assert_eq!(stage.get("/healthz").0, "HTTP/1.1 200 OK");
}

/// One byte at a time, as slowly as it takes: the head's time is over whether or not bytes come.
#[test]
fn a_slow_head_is_closed_in_time() {
    let stage = Stage::new();
    let begun = Instant::now();
    let mut slow = stage.connect();
    let mut silent = stage.connect();
    slow.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut head = b"GET /metrics HTTP/1.1\r\nX: ".iter().chain(std::iter::repeat(&b'x'));
    loop {
        assert!(begun.elapsed() < PATIENCE, "it is still served");
        if slow.write_all(&[*head.next().unwrap()]).is_err() {
            break;
        }
        match slow.read(&mut [0; 64]) {
            Ok(n) => {
                assert_eq!(n, 0, "no answer is owed");
                break;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    assert_eq!(to_end(&mut silent), "", "who says nothing is closed too");
    assert!(begun.elapsed() >= Duration::from_secs(9), "it was closed after {:?}", begun.elapsed());
    assert_eq!(stage.get("/healthz").0, "HTTP/1.1 200 OK");
}

/// Asks for a hundred thousand pages and takes none: memory and work stay bounded.
#[test]
fn who_does_not_take_answers_is_not_given_more() {
    let stage = Stage::new();
    stage.shown.large.store(50_000, SeqCst);
    let mut greedy = stage.connect();
    greedy.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let row = b"GET /metrics HTTP/1.1\r\n\r\n".repeat(1_000);
    let mut wrote = 0;
    while wrote < 100 && greedy.write_all(&row).is_ok() {
        wrote += 1;
    }
    // The kernels' buffers hold a few megabytes of answers at most; the rest was never made.
    let asked = stage.shown.asked.load(SeqCst);
    assert!(asked < 400, "{asked} answers were made for a peer that takes none");
    assert_eq!(stage.get("/healthz").0, "HTTP/1.1 200 OK");
    // Its time runs out too.
    let begun = Instant::now();
    while greedy.write_all(&row).is_ok() || begun.elapsed() < Duration::from_secs(1) {
        assert!(begun.elapsed() < PATIENCE, "it is still there");
    }
}

#[test]
fn too_many_connections_are_told_so_and_others_go_on() {
    let stage = Stage::new();
    let mut held: Vec<_> = (0..64).map(|_| stage.connect()).collect();
    for stream in &mut held {
        stream.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
    }
    for _ in 0..100 {
        let mut one_more = stage.connect();
        let _ = one_more.write_all(b"GET /healthz HTTP/1.1\r\n\r\n");
        let answer = to_end(&mut one_more);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503 "), "{answer:?}");
    }
    held[63].write_all(b"GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    assert!(to_end(&mut held[63]).ends_with("Connection: close\r\n\r\nok\n"));
    held.clear();
    let until = Instant::now() + PATIENCE;
    while !stage.get_or_refused("/healthz").starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < until, "nobody is let in although all others left");
    }
}

/// Random bytes, alone and within requests: never a crash, and never an answer that is no HTTP.
#[test]
fn random_bytes_do_no_harm() {
    let stage = Stage::new();
    let seed = std::env::var("CHAT_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64 | 1
    });
    println!("CHAT_TEST_SEED={seed}");
    let mut state = seed;
    let mut random = move || {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as usize
    };
    for _ in 0..300 {
        let mut bytes = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec();
        for _ in 0..=random() % 8 {
            let at = random() % bytes.len();
            match random() % 3 {
                0 => bytes[at] = random() as u8,
                1 => bytes.insert(at, random() as u8),
                _ => drop(bytes.remove(at)),
            }
        }
        let mut stream = stage.connect();
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let answer = to_end(&mut stream);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 "), "{bytes:?} was answered {answer:?}");
    }
    assert_eq!(stage.get("/healthz").0, "HTTP/1.1 200 OK");
}
