//! What operators order.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use admin::{Orders, Outcome};

use crate::stage::{PATIENCE, Stage, to_end};

/// Carries an order out once the test lets it.
struct Held {
    /// Says that one was read, with the right token.
    admitted: SyncSender<()>,
    /// Says that one is begun.
    begun: SyncSender<String>,
    go: Mutex<Receiver<Outcome>>,
}

impl Orders for Held {
    fn admits(&self, token: Option<&str>, _: SocketAddr) -> bool {
        let is_right = token == Some("s3cret");
        if is_right {
            self.admitted.try_send(()).unwrap();
        }
        is_right
    }

    fn broadcast(&self, body: &[u8], _: SocketAddr) -> Outcome {
        self.begun.send(String::from_utf8_lossy(body).into_owned()).unwrap();
        self.go.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(PATIENCE).unwrap()
    }
}

fn stage() -> (Stage, Receiver<String>, SyncSender<Outcome>, Receiver<()>) {
    let ((begun, has_begun), (let_go, go)) = (sync_channel(64), sync_channel(64));
    let (admitted, read) = sync_channel(64);
    (Stage::taking(Some(Arc::new(Held { admitted, begun, go: Mutex::new(go) }))), has_begun, let_go, read)
}

fn order(token: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /broadcasts HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn an_order_is_carried_out_and_says_what_became_of_it() {
    let (stage, begun, go, _read) = stage();
    for (outcome, status) in [
        (Outcome::Done("done".into()), "HTTP/1.1 200 OK\r\n"),
        (Outcome::Wrong("wrong".into()), "HTTP/1.1 400 Bad Request\r\n"),
        (Outcome::TooMany("slowly".into()), "HTTP/1.1 429 Too Many Requests\r\n"),
        (Outcome::NotNow("later".into()), "HTTP/1.1 503 Service Unavailable\r\n"),
    ] {
        go.send(outcome).unwrap();
        let answer = stage.ask(order("s3cret", "hello").as_bytes());
        assert!(answer.starts_with(status) && answer.contains("\r\nConnection: close\r\n"), "{answer}");
        assert_eq!(begun.recv_timeout(PATIENCE).unwrap(), "hello");
    }
}

#[test]
fn who_has_not_the_token_orders_nothing() {
    let (stage, begun, _go, _read) = stage();
    for token in ["", "s3cre", "s3cret2", "S3CRET"] {
        let answer = stage.ask(order(token, "hello").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 401 "), "{token}: {answer}");
    }
    let answer = stage.ask(b"POST /broadcasts HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("\r\nWWW-Authenticate: Bearer\r\n"));
    assert_eq!(stage.get("/broadcasts").0, "HTTP/1.1 405 Method Not Allowed");
    assert!(begun.try_recv().is_err());
    let nobody = Stage::new();
    assert!(nobody.ask(order("s3cret", "hello").as_bytes()).starts_with("HTTP/1.1 403 "));
}

#[test]
fn while_one_is_carried_out_others_wait_and_the_rest_is_answered() {
    let (stage, begun, go, read) = stage();
    let orders: Vec<_> = (0..9)
        .map(|n| {
            let mut stream = stage.connect();
            stream.write_all(order("s3cret", &n.to_string()).as_bytes()).unwrap();
            if n == 0 {
                assert_eq!(begun.recv_timeout(PATIENCE).unwrap(), "0");
            }
            stream
        })
        .collect();
    assert_eq!(stage.get("/healthz").0, "HTTP/1.1 200 OK", "who looks does not wait");
    // One is under way and eight wait, once all of them are read: the next is one too many.
    assert_eq!(read.iter().take(orders.len()).count(), orders.len());
    let full = stage.ask(order("s3cret", "one too many").as_bytes());
    assert!(full.starts_with("HTTP/1.1 503 ") && full.contains("too many orders wait"), "{full}");
    for _ in &orders {
        go.send(Outcome::Done("done".into())).unwrap();
    }
    for mut stream in orders {
        assert!(to_end(&mut stream).starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(begun.iter().take(8).count(), 8, "each was carried out");
}
