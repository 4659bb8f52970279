//! The golden vectors: `vectors.json` says in bytes what `meaning.rs` says in types and `docs/protocol.md` in words.

use std::collections::HashSet;

use bytes::BytesMut;
use protocol::{
    Code, Flags, Frame, HEADER_LEN, Incoming, MessageError, MsgId, Push, Reply, Request, body, decode,
    encode, limits,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::meaning::{Meaning, meanings};

/// `vectors.json`.
#[derive(Deserialize)]
pub(crate) struct Vectors {
    /// Frames as this crate writes them.
    pub(crate) frames: Vec<Vector>,
    /// Frames with a binary tail.
    tails: Vec<Vector>,
    /// Frames that another program may write otherwise.
    pub(crate) accepted: Vec<Vector>,
    /// Bytes that a server does not take.
    refused: Vec<Refused>,
}

/// A frame whose header and body stand apart.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) name: String,
    means: String,
    header: String,
    /// The JSON, byte by byte as it stands in the file.
    body: Option<Box<RawValue>>,
    /// The body where it is not JSON in its plainest form.
    text: Option<String>,
    /// What follows the JSON, in hexadecimal.
    tail: Option<String>,
    /// The vector that says the same.
    same_as: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    name: String,
    means: String,
    /// A stream up to the byte that is too much …
    bytes: Option<String>,
    /// … or a whole frame.
    header: Option<String>,
    text: Option<String>,
    hex: Option<String>,
    code: String,
    closes: bool,
    field: Option<String>,
}

impl Vectors {
    pub(crate) fn load() -> Vectors {
        serde_json::from_str(include_str!("vectors.json")).expect("vectors.json fits its own form")
    }

    /// Every vector that the documentation may show, by name.
    pub(crate) fn find(&self, name: &str) -> Option<&Vector> {
        self.frames.iter().chain(&self.accepted).find(|vector| vector.name == name)
    }
}

impl Vector {
    /// The body as text.
    pub(crate) fn body(&self) -> &str {
        self.body.as_deref().map(RawValue::get).or(self.text.as_deref()).expect("a body or a text")
    }

    /// The frame's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = unhex(&self.header);
        assert_eq!(bytes.len(), HEADER_LEN, "{}: header", self.name);
        if let Some(tail) = &self.tail {
            bytes.extend_from_slice(&(self.body().len() as u32).to_be_bytes());
            bytes.extend_from_slice(self.body().as_bytes());
            bytes.extend(unhex(tail));
        } else {
            bytes.extend_from_slice(self.body().as_bytes());
        }
        bytes
    }

    /// As the documentation shows it.
    pub(crate) fn block(&self) -> String {
        format!("{}\n{}", self.header, self.body())
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The one frame that these bytes are.
fn whole(name: &str, bytes: &[u8], check: impl FnOnce(&Frame<'_>)) {
    let (frame, used) = decode(bytes, limits::FRAME_BYTES_MAX)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .unwrap_or_else(|| panic!("{name}: the header's len is not the body's"));
    assert_eq!(used, bytes.len(), "{name}: the header's len is not the body's");
    check(&frame);
}

#[test]
fn each_frame_means_what_it_should_and_is_written_so() {
    let vectors = Vectors::load();
    let mut meanings = meanings();
    for vector in &vectors.frames {
        let name = &vector.name;
        let at = meanings.iter().position(|(other, _)| other == name);
        let (_, meaning) = meanings.swap_remove(at.unwrap_or_else(|| panic!("{name} has no meaning")));
        let bytes = vector.bytes();
        whole(name, &bytes, |frame| match &meaning {
            Meaning::Request(rid, request) => {
                assert_eq!(frame.header.rid, *rid, "{name}");
                assert_eq!(Request::from_frame(frame).as_ref(), Ok(request), "{name}");
            }
            Meaning::Incoming(incoming) => {
                assert_eq!(Incoming::from_frame(frame).as_ref(), Ok(incoming), "{name}");
            }
        });
        let msgid = u16::from_be_bytes([bytes[4], bytes[5]]);
        let mut written = BytesMut::new();
        match &meaning {
            Meaning::Request(rid, request) => encode::request(*rid, request, &mut written),
            Meaning::Incoming(Incoming::Push(push)) => encode::push(push, &mut written),
            Meaning::Incoming(Incoming::Reply { rid, result: Ok(reply) }) => {
                encode::reply(*rid, reply, &mut written);
            }
            Meaning::Incoming(Incoming::Reply { rid, result: Err(refusal) }) => {
                encode::refusal(*rid, msgid, refusal, &mut written);
            }
        }
        let written_body = String::from_utf8_lossy(&written[HEADER_LEN..]);
        assert_eq!(written_body, vector.body(), "{name}: body");
        assert_eq!(written[..HEADER_LEN], bytes[..HEADER_LEN], "{name}: header");
    }
    let left: Vec<_> = meanings.iter().map(|(name, _)| name).collect();
    assert!(left.is_empty(), "meanings without a frame in vectors.json: {left:?}");
}

/// Every (type, direction) that exists.
pub(crate) fn all_messages() -> Vec<(MsgId, &'static str)> {
    let of = |ids: &[MsgId], direction| ids.iter().map(|id| (*id, direction)).collect::<Vec<_>>();
    [of(Request::MSGIDS, "request"), of(Reply::MSGIDS, "reply"), of(Push::MSGIDS, "push")].concat()
}

/// The name that the vectors of a message begin with.
pub(crate) fn stem(id: MsgId, direction: &str) -> String {
    format!("{}/{direction}", id.name().to_ascii_lowercase())
}

#[test]
fn every_message_has_a_vector() {
    let vectors = Vectors::load();
    let all = all_messages();
    let missing: Vec<_> = all
        .iter()
        .map(|(id, direction)| stem(*id, direction))
        .filter(|name| vectors.find(name).is_none())
        .collect();
    assert!(missing.is_empty(), "no frame in vectors.json for {missing:?}");
    for (id, name) in MsgId::TABLE {
        assert!(all.iter().any(|(other, _)| other == id), "{name} is neither request nor reply nor push");
    }
}

#[test]
fn names_are_unique_and_say_something() {
    let vectors = Vectors::load();
    let mut names = HashSet::new();
    for vector in vectors.frames.iter().chain(&vectors.tails).chain(&vectors.accepted) {
        assert!(names.insert(vector.name.clone()), "{} stands twice", vector.name);
        assert!(!vector.means.is_empty(), "{} has no meaning in words", vector.name);
    }
    for refused in &vectors.refused {
        assert!(names.insert(refused.name.clone()), "{} stands twice", refused.name);
        assert!(!refused.means.is_empty(), "{} has no meaning in words", refused.name);
    }
}

#[test]
fn frames_written_otherwise_are_accepted() {
    let vectors = Vectors::load();
    for vector in &vectors.accepted {
        let name = &vector.name;
        let same = vector.same_as.as_deref().and_then(|same| vectors.find(same));
        let same = same.unwrap_or_else(|| panic!("{name} is the same as nothing")).bytes();
        whole(name, &vector.bytes(), |frame| {
            whole(name, &same, |same| {
                assert_eq!(frame.header.rid, same.header.rid, "{name}");
                let request = Request::from_frame(frame);
                assert!(request.is_ok(), "{name}: {request:?}");
                assert_eq!(request, Request::from_frame(same), "{name}");
            });
        });
    }
}

#[test]
fn a_tail_follows_its_json() {
    let vectors = Vectors::load();
    for vector in &vectors.tails {
        let name = &vector.name;
        whole(name, &vector.bytes(), |frame| {
            assert!(frame.header.flags.contains(Flags::BINARY_TAIL), "{name}");
            let (json, tail) = body::split_tail(frame.body).expect("a tail");
            assert_eq!(json, vector.body().as_bytes(), "{name}");
            assert_eq!(Some(tail), vector.tail.as_deref().map(unhex).as_deref(), "{name}");
        });
    }
    assert!(!vectors.tails.is_empty());
}

#[test]
fn refused_bytes_are_refused_with_their_code() {
    for refused in Vectors::load().refused {
        let name = &refused.name;
        let code = Code::TABLE.iter().find(|(_, code, _)| *code == refused.code).expect("a known code").0;
        if let Some(stream) = &refused.bytes {
            // The stream ends with the first byte that cannot be right: not refused before, not waited for more.
            let bytes = unhex(stream);
            for end in 0..bytes.len() {
                assert_eq!(decode(&bytes[..end], limits::FRAME_BYTES_MAX), Ok(None), "{name}");
            }
            let error = decode(&bytes, limits::FRAME_BYTES_MAX).expect_err(name);
            assert_eq!((error.code(), true), (code, refused.closes), "{name}: {error}");
            continue;
        }
        let mut bytes = unhex(refused.header.as_deref().expect("bytes or a header"));
        match (&refused.text, &refused.hex) {
            (Some(text), None) => bytes.extend_from_slice(text.as_bytes()),
            (None, Some(hex)) => bytes.extend(unhex(hex)),
            _ => panic!("{name} needs text or hex"),
        }
        whole(name, &bytes, |frame| {
            let error: MessageError = Request::from_frame(frame).expect_err(name);
            let refusal = error.refusal();
            assert_eq!((refusal.code, false), (code, refused.closes), "{name}: {error}");
            assert_eq!(refusal.body.field, refused.field, "{name}: {error}");
            assert!(!refusal.body.errmsg.is_empty(), "{name}");
        });
    }
}
