//! Writing an answer.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::Status;
use crate::orders::{Outcome, Queued};
use crate::request::{After, Method, Request, Wrong};

/// Prometheus' text format, version 0.0.4.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const SENTENCE: &str = "text/plain; charset=utf-8";

/// An answer before it is bytes.
struct Answer {
    status: &'static str,
    content_type: &'static str,
    /// Further header lines.
    more: &'static str,
    body: String,
}

/// The answer to a request.
pub(crate) fn to(request: &Request<'_>, status: &dyn Status, after: After) -> Bytes {
    let answer = match request.path {
        "/healthz" => outcome(status.health()),
        "/readyz" => outcome(status.readiness()),
        "/broadcasts" => {
            Answer { more: "Allow: POST\r\n", ..sentence("405 Method Not Allowed", "an order is posted") }
        }
        "/metrics" => Answer { status: "200 OK", content_type: EXPOSITION, more: "", body: status.metrics() },
        _ => sentence("404 Not Found", "there are /healthz, /readyz and /metrics"),
    };
    encode(&answer, request.method, after)
}

/// The last answer of a connection.
pub(crate) fn refusing(wrong: Wrong) -> Bytes {
    let answer = match wrong {
        Wrong::Malformed => sentence("400 Bad Request", "this is no HTTP/1.1"),
        Wrong::TooLarge => sentence("431 Request Header Fields Too Large", "the head is too large"),
        Wrong::Body => sentence("413 Content Too Large", "only an order has a body, and no large one"),
        Wrong::Length => sentence("411 Length Required", "an order says how long it is"),
        Wrong::Method => Answer {
            more: "Allow: GET, HEAD\r\n",
            ..sentence("405 Method Not Allowed", "only GET and HEAD are answered")
        },
    };
    encode(&answer, Method::Get, After::Close)
}

/// The answer to an order that was carried out, or not.
pub(crate) fn outcome_of(outcome: Outcome) -> Bytes {
    let (status, body) = match &outcome {
        Outcome::Done(body) => ("200 OK", body),
        Outcome::Wrong(body) => ("400 Bad Request", body),
        Outcome::TooMany(body) => ("429 Too Many Requests", body),
        Outcome::NotNow(body) => ("503 Service Unavailable", body),
    };
    encode(&sentence(status, body), Method::Post, After::Close)
}

/// The answer to an order that does not even wait.
pub(crate) fn not_queued(queued: Option<Queued>) -> Bytes {
    let answer = match queued {
        None => sentence("403 Forbidden", "this node takes no orders: its admin_token_file is not set"),
        Some(Queued::NotAdmitted) => Answer {
            more: "WWW-Authenticate: Bearer\r\n",
            ..sentence("401 Unauthorized", "this is not the node's admin token")
        },
        Some(Queued::Full | Queued::Waiting) => sentence("503 Service Unavailable", "too many orders wait"),
    };
    encode(&answer, Method::Post, After::Close)
}

/// What one connection too many is told.
pub(crate) fn full() -> Bytes {
    encode(&sentence("503 Service Unavailable", "too many connections"), Method::Get, After::Close)
}

fn outcome(outcome: Result<(), String>) -> Answer {
    match outcome {
        Ok(()) => sentence("200 OK", "ok"),
        Err(why) => sentence("503 Service Unavailable", &why),
    }
}

fn sentence(status: &'static str, body: &str) -> Answer {
    Answer { status, content_type: SENTENCE, more: "", body: format!("{body}\n") }
}

fn encode(answer: &Answer, method: Method, after: After) -> Bytes {
    let Answer { status, content_type, more, body } = answer;
    let connection = match after {
        After::Stay => "keep-alive",
        After::Close => "close",
    };
    let mut out = String::with_capacity(256 + body.len());
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         {more}Connection: {connection}\r\n\r\n",
        body.len()
    );
    if method != Method::Head {
        out.push_str(body);
    }
    Bytes::from(out)
}
