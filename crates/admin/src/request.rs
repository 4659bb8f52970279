//! Reading a request's head.

use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, HEADERS_MAX};

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
    /// What stands in `Authorization: Bearer`.
    pub(crate) token: Option<&'a str>,
    /// Of an order only.
    pub(crate) body: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    /// An order: to the one path that takes any.
    Post,
}

/// Where orders are taken.
const ORDERS_PATH: &str = "/broadcasts";

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
    /// Neither GET nor HEAD, nor an order.
    Method,
    /// It has a body, or one that is too large.
    Body,
    /// An order that does not say how long its body is.
    Length,
}

/// Looks for a request at the front of `input`. Reads no more than [`HEAD_BYTES_MAX`] of it.
pub(crate) fn find(input: &[u8]) -> Found<'_> {
    let front = &input[..input.len().min(HEAD_BYTES_MAX)];
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    match head.parse(front) {
        Ok(httparse::Status::Complete(len)) => match read(&head) {
            Ok((request, body_len)) => match input.get(len..len + body_len) {
                Some(body) => Found::Request(Request { body, ..request }, len + body_len),
                None => Found::Unfinished,
            },
            Err(wrong) => Found::Wrong(wrong),
        },
        Ok(httparse::Status::Partial) if input.len() >= HEAD_BYTES_MAX => Found::Wrong(Wrong::TooLarge),
        Ok(httparse::Status::Partial) => Found::Unfinished,
        Err(httparse::Error::TooManyHeaders) => Found::Wrong(Wrong::TooLarge),
        Err(_) => Found::Wrong(Wrong::Malformed),
    }
}

/// A request without its body, which has so many bytes.
fn read<'a>(head: &httparse::Request<'_, 'a>) -> Result<(Request<'a>, usize), Wrong> {
    let (Some(method), Some(target), Some(version)) = (head.method, head.path, head.version) else {
        return Err(Wrong::Malformed);
    };
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" if path == ORDERS_PATH => Method::Post,
        _ => return Err(Wrong::Method),
    };
    let values = |name: &'static str| {
        head.headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value)
    };
    // A body that was not taken for one would be taken for the next request.
    if values("transfer-encoding").next().is_some() {
        return Err(Wrong::Body);
    }
    let body_len = match method {
        Method::Get | Method::Head if values("content-length").any(|length| length != b"0") => {
            return Err(Wrong::Body);
        }
        Method::Get | Method::Head => 0,
        Method::Post => length(values("content-length"))?,
    };
    let wants = |option: &str| {
        values("connection")
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
    };
    // HTTP/1.0 peers who ask to stay are few, and none is harmed by a close.
    let closes = version == 0 || wants("close") || method == Method::Post;
    let after = if closes { After::Close } else { After::Stay };
    let token = values("authorization").find_map(bearer);
    Ok((Request { method, path, after, token, body: &[] }, body_len))
}

/// The length of an order's body: said once, or in the same way each time.
fn length<'a>(mut said: impl Iterator<Item = &'a [u8]>) -> Result<usize, Wrong> {
    let first = said.next().ok_or(Wrong::Length)?;
    if said.any(|other| other != first) || first.is_empty() || !first.iter().all(u8::is_ascii_digit) {
        return Err(Wrong::Malformed);
    }
    let length = std::str::from_utf8(first).ok().and_then(|digits| digits.parse::<usize>().ok());
    length.filter(|length| *length <= BODY_BYTES_MAX).ok_or(Wrong::Body)
}

/// The token of RFC 6750, 2.1.
fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
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
        let request =
            Request { method: Method::Get, path: "/metrics", after: After::Close, token: None, body: b"" };
        assert_eq!(find(whole), Found::Request(request, whole.len()));
        let request = Request { method: Method::Head, path: "/", after: After::Stay, token: None, body: b"" };
        assert_eq!(find(b"HEAD / HTTP/1.1\r\n\r\nGET"), Found::Request(request, 19));
    }

    #[test]
    fn an_order_has_a_token_and_a_body() {
        let whole =
            b"POST /broadcasts HTTP/1.1\r\nAuthorization: bearer  s3cret \r\nContent-Length: 5\r\n\r\nhello";
        for len in 0..whole.len() {
            assert_eq!(find(&whole[..len]), Found::Unfinished, "{len} bytes");
        }
        let token = Some("s3cret");
        let order =
            Request { method: Method::Post, path: "/broadcasts", after: After::Close, token, body: b"hello" };
        assert_eq!(find(whole), Found::Request(order, whole.len()));
        let head = "POST /broadcasts HTTP/1.1\r\n";
        assert_eq!(wrong(&format!("{head}\r\n")), Wrong::Length);
        for bad in ["-1", "+1", "0x1", "", "1\r\nContent-Length: 2"] {
            assert_eq!(wrong(&format!("{head}Content-Length: {bad}\r\n\r\n")), Wrong::Malformed, "{bad}");
        }
        for long in [&(BODY_BYTES_MAX + 1).to_string(), "99999999999999999999999"] {
            assert_eq!(wrong(&format!("{head}Content-Length: {long}\r\n\r\n")), Wrong::Body, "{long}");
        }
        assert_eq!(wrong(&format!("{head}Transfer-Encoding: chunked\r\n\r\n")), Wrong::Body);
        assert_eq!(wrong("PUT /broadcasts HTTP/1.1\r\nContent-Length: 1\r\n\r\n"), Wrong::Method);
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
