//! Writing frames.

use std::io;

use bytes::{Bytes, BytesMut};

use crate::code::Code;
use crate::frame::{Flags, HEADER_LEN, Header};
use crate::message::{Push, Refusal, Reply, Request};
use crate::msgid::MsgId;

/// Appends a request.
pub fn request(rid: u32, request: &Request, out: &mut BytesMut) {
    let msgid = request.msgid().into();
    frame(Flags::REQUEST, msgid, Code::DONE, rid, out, |body| request.write_body(body));
}

/// Appends the answer to a request that was done.
pub fn reply(rid: u32, reply: &Reply, out: &mut BytesMut) {
    let msgid = reply.msgid().into();
    frame(Flags::REPLY, msgid, Code::DONE, rid, out, |body| reply.write_body(body));
}

/// Appends the answer to a request that was refused. `msgid` is the request's number, known or not.
pub fn refusal(rid: u32, msgid: u16, refusal: &Refusal, out: &mut BytesMut) {
    debug_assert!(!refusal.code.is_done(), "a refusal needs an error code");
    let msgid = MsgId::from_number(msgid).map_or(msgid, |id| id.reply().into());
    frame(Flags::REPLY, msgid, refusal.code, rid, out, |body| serde_json::to_writer(body, &refusal.body));
}

/// Appends a push.
pub fn push(push: &Push, out: &mut BytesMut) {
    let msgid = push.msgid().into();
    frame(Flags::PUSH, msgid, Code::DONE, 0, out, |body| push.write_body(body));
}

/// A push as bytes that can be shared by every connection that it goes to.
pub fn push_bytes(what: &Push) -> Bytes {
    let mut out = BytesMut::with_capacity(256);
    push(what, &mut out);
    out.freeze()
}

/// How many bytes a part of a body takes as JSON.
pub fn json_len(part: &impl serde::Serialize) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, part) {
        Ok(()) => count.0,
        Err(error) => unreachable!("a part of a body can be written: {error}"),
    }
}

/// Appends a header, lets `write` append the body, then sets the header's length.
fn frame(
    flags: Flags,
    msgid: u16,
    code: Code,
    rid: u32,
    out: &mut BytesMut,
    write: impl FnOnce(Sink<'_>) -> serde_json::Result<()>,
) {
    let start = out.len();
    Header { flags, msgid, code, rid, len: 0 }.encode(out);
    if let Err(error) = write(Sink(out)) {
        // Our own types have string keys and a buffer cannot fail: what is left is a programming error.
        unreachable!("a message of type {msgid} cannot be written as JSON: {error}");
    }
    let len = (out.len() - start - HEADER_LEN) as u32;
    out[start + HEADER_LEN - 4..start + HEADER_LEN].copy_from_slice(&len.to_be_bytes());
}

/// Lets serde_json write into a `BytesMut`. It writes many small pieces, and the checks of `bytes`' own writer, which
/// might have to write a part only, cost more than the encoding itself.
struct Sink<'a>(&'a mut BytesMut);

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
