//! Reading a request's head.

use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX};

/// What was found at the front of the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A whole request, of so many bytes.
    Request(Request<'a>, usize),
    /// The beginning of one.
    Unfinished,
    /// What is never answered with 200; after it the rest of the input means nothing.
    Wrong(Wrong),
}

/// A request that may be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    /// Without the query.
    pub(crate) path: &'a str,
    pub(crate) after: After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
}

/// What the peer wants of the connection after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Stay,
    Close,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// No HTTP/1.
    Malformed,
    /// A head over [`HEAD_BYTES_MAX`] or [`HEADERS_MAX`].
    TooLarge,
    /// Neither GET nor HEAD.
    Method,
    /// It has a body.
    Body,
}

/// Looks for a request at the front of `input`. Reads no more than [`HEAD_BYTES_MAX`] of it.
pub(crate) fn find(input: &[u8]) -> Found<'_> {
    let front = &input[..input.len().min(HEAD_BYTES_MAX)];
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    match head.parse(front) {
        Ok(httparse::Status::Complete(len)) => match read(&head) {
            Ok(request) => Found::Request(request, len),
            Err(wrong) => Found::Wrong(wrong),
        },
        Ok(httparse::Status::Partial) if input.len() >= HEAD_BYTES_MAX => Found::Wrong(Wrong::TooLarge),
        Ok(httparse::Status::Partial) => Found::Unfinished,
        Err(httparse::Error::TooManyHeaders) => Found::Wrong(Wrong::TooLarge),
        Err(_) => Found::Wrong(Wrong::Malformed),
    }
}

fn read<'a>(head: &httparse::Request<'_, 'a>) -> Result<Request<'a>, Wrong> {
    let (Some(method), Some(target), Some(version)) = (head.method, head.path, head.version) else {
        return Err(Wrong::Malformed);
    };
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => return Err(Wrong::Method),
    };
    let values = |name: &'static str| {
        head.headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value)
    };
    // Bodies mean nothing here, and one that was not taken for a body would be taken for the next request.
    if values("transfer-encoding").next().is_some() || values("content-length").any(|length| length != b"0") {
        return Err(Wrong::Body);
    }
    let wants = |option: &str| {
        values("connection")
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
    };
    // HTTP/1.0 peers who ask to stay are few, and none is harmed by a close.
    let after = if version == 0 || wants("close") { After::Close } else { After::Stay };
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    Ok(Request { method, path, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(input: &str) -> Wrong {
        match find(input.as_bytes()) {
            Found::Wrong(wrong) => wrong,
            other => panic!("{input:?} is {other:?}"),
        }
    }

    #[test]
    fn a_request_is_unfinished_until_its_last_byte() {
        let whole = b"GET /metrics?a=b HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Close\r\n\r\n";
        for len in 0..whole.len() {
            assert_eq!(find(&whole[..len]), Found::Unfinished, "{len} bytes");
        }
        let request = Request { method: Method::Get, path: "/metrics", after: After::Close };
        assert_eq!(find(whole), Found::Request(request, whole.len()));
        let request = Request { method: Method::Head, path: "/", after: After::Stay };
        assert_eq!(find(b"HEAD / HTTP/1.1\r\n\r\nGET"), Found::Request(request, 19));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        assert_eq!(wrong("POST / HTTP/1.1\r\n\r\n"), Wrong::Method);
        assert_eq!(wrong("GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n"), Wrong::Body);
        assert_eq!(wrong("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), Wrong::Body);
        assert_eq!(wrong("\u{16}\u{3}\u{1}"), Wrong::Malformed, "a TLS handshake");
        assert_eq!(wrong("GET / HTTP/2.0\r\n\r\n"), Wrong::Malformed);
        assert_eq!(wrong(&format!("GET /{}", "x".repeat(HEAD_BYTES_MAX))), Wrong::TooLarge);
        let headers = "a: b\r\n".repeat(HEADERS_MAX + 1);
        assert_eq!(wrong(&format!("GET / HTTP/1.1\r\n{headers}\r\n")), Wrong::TooLarge);
    }
}
