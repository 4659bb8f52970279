//! Writing an answer.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::Status;
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
        Wrong::Body => sentence("413 Content Too Large", "a request here has no body"),
        Wrong::Method => Answer {
            more: "Allow: GET, HEAD\r\n",
            ..sentence("405 Method Not Allowed", "only GET and HEAD are answered")
        },
    };
    encode(&answer, Method::Get, After::Close)
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
    if method == Method::Get {
        out.push_str(body);
    }
    Bytes::from(out)
}
