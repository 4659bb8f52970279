//! A stranger's bytes, cut and read as both sides would: nothing panics, nothing depends on how they were split, and what
//! can be read is written and read again as the same.
//!
//! The first byte of the input says where the rest is split.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use protocol::{Frame, FrameError, Incoming, Request, decode, encode};

/// Small, so that the fuzzer finds lengths on both sides of it.
const LEN_MAX: u32 = 1024;

fuzz_target!(|input: &[u8]| {
    let Some((split, stream)) = input.split_first() else { return };
    let (left, right) = stream.split_at(usize::from(*split) % (stream.len() + 1));

    let whole = receive(&[stream]);
    assert_eq!(whole, receive(&[left, right]), "the split matters");

    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(whole, receive(&bytes), "a byte at a time is not the same");
});

/// Receives a stream in pieces: bytes used by each frame, and the error that ended it.
fn receive(pieces: &[&[u8]]) -> (Vec<usize>, Option<FrameError>) {
    let mut frames = Vec::new();
    let mut buffer = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decode(&buffer, LEN_MAX) {
                Ok(Some((frame, used))) => {
                    // Reading the same frames three times over teaches the fuzzer nothing.
                    if pieces.len() == 1 {
                        read(&frame);
                    }
                    frames.push(used);
                    buffer.drain(..used);
                }
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

/// Reads a frame as a server and as a client; what it says is written and read again.
fn read(frame: &Frame<'_>) {
    match Request::from_frame(frame) {
        Ok(request) => {
            let mut out = BytesMut::new();
            encode::request(frame.header.rid, &request, &mut out);
            assert_eq!(Request::from_frame(&whole(&out)), Ok(request));
        }
        Err(error) => {
            // What is wrong is said in one sentence, whatever it is.
            let refusal = error.refusal();
            assert!(!refusal.body.errmsg.is_empty() && !refusal.code.is_done());
        }
    }
    if let Ok(incoming) = Incoming::from_frame(frame) {
        let mut out = BytesMut::new();
        match &incoming {
            Incoming::Push(push) => encode::push(push, &mut out),
            Incoming::Reply { rid, result: Ok(reply) } => encode::reply(*rid, reply, &mut out),
            Incoming::Reply { rid, result: Err(refusal) } => {
                encode::refusal(*rid, frame.header.msgid, refusal, &mut out);
            }
        }
        assert_eq!(Incoming::from_frame(&whole(&out)), Ok(incoming));
    }
}

/// Our own frame.
fn whole(written: &[u8]) -> Frame<'_> {
    match decode(written, u32::MAX) {
        Ok(Some((frame, used))) if used == written.len() => frame,
        other => panic!("what was written is not one frame: {other:?}"),
    }
}
