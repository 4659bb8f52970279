//! Frames cut out of a stream, however the network splits it and whatever was done to it.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use protocol::{FrameError, HEADER_LEN, Header, Incoming, Request, decode, encode};

use crate::strategies::{cases, push, refusal, reply, request};

/// What a receiver got from a stream: frames, bytes used up by them, and the error that ended it.
#[derive(Debug, PartialEq)]
struct Received {
    frames: Vec<(Header, Vec<u8>)>,
    used: usize,
    error: Option<FrameError>,
}

/// Receives a stream piece by piece.
fn receive<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, len_max: u32) -> Received {
    let mut received = Received { frames: Vec::new(), used: 0, error: None };
    let mut buffer = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decode(&buffer, len_max) {
                Ok(Some((frame, used))) => {
                    received.frames.push((frame.header, frame.body.to_vec()));
                    // Neither side's reader may panic over it.
                    check_request(&frame);
                    let _: Result<Incoming, _> = Incoming::from_frame(&frame);
                    received.used += used;
                    buffer.drain(..used);
                }
                Ok(None) => {
                    assert!(
                        buffer.len() < HEADER_LEN + len_max as usize,
                        "more is buffered than a frame can be"
                    );
                    break;
                }
                Err(error) => {
                    received.error = Some(error);
                    return received;
                }
            }
        }
    }
    received
}

/// What reads as a request is written and read again as the same.
fn check_request(frame: &protocol::Frame<'_>) {
    if let Ok(request) = Request::from_frame(frame) {
        let mut again = BytesMut::new();
        encode::request(frame.header.rid, &request, &mut again);
        let (frame, _) = decode(&again, u32::MAX).expect("our own frame").expect("a whole frame");
        assert_eq!(Request::from_frame(&frame), Ok(request));
    }
}

/// Some frames, one after the other.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let frame = prop_oneof![
        (any::<u32>(), request()).prop_map(|(rid, request)| {
            let mut out = BytesMut::new();
            encode::request(rid, &request, &mut out);
            out
        }),
        (any::<u32>(), reply()).prop_map(|(rid, reply)| {
            let mut out = BytesMut::new();
            encode::reply(rid, &reply, &mut out);
            out
        }),
        (any::<u32>(), any::<u16>(), refusal()).prop_map(|(rid, msgid, refusal)| {
            let mut out = BytesMut::new();
            encode::refusal(rid, msgid, &refusal, &mut out);
            out
        }),
        push().prop_map(|push| {
            let mut out = BytesMut::new();
            encode::push(&push, &mut out);
            out
        }),
    ];
    vec(frame, 1..5).prop_map(|frames| frames.concat())
}

/// Something that happens to a stream on its way.
#[derive(Clone, Debug)]
enum Mutation {
    Flip { at: Index, bit: u8 },
    Set { at: Index, to: u8 },
    Truncate { at: Index },
    Remove { at: Index, bytes: usize },
    Insert { at: Index, bytes: Vec<u8> },
}

impl Mutation {
    fn apply(&self, stream: &mut Vec<u8>) {
        if stream.is_empty() {
            return;
        }
        let len = stream.len();
        match self {
            Mutation::Flip { at, bit } => stream[at.index(len)] ^= 1 << bit,
            Mutation::Set { at, to } => stream[at.index(len)] = *to,
            Mutation::Truncate { at } => stream.truncate(at.index(len)),
            Mutation::Remove { at, bytes } => {
                let start = at.index(len);
                stream.drain(start..(start + bytes).min(len));
            }
            Mutation::Insert { at, bytes } => {
                let start = at.index(len);
                stream.splice(start..start, bytes.iter().copied());
            }
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Mutation::Flip { at, bit }),
        (any::<Index>(), any::<u8>()).prop_map(|(at, to)| Mutation::Set { at, to }),
        any::<Index>().prop_map(|at| Mutation::Truncate { at }),
        (any::<Index>(), 1..20usize).prop_map(|(at, bytes)| Mutation::Remove { at, bytes }),
        (any::<Index>(), vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Mutation::Insert { at, bytes }),
    ]
}

/// The stream in pieces that end at these places.
fn pieces<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    ends.push(stream.len());
    ends.sort_unstable();
    let mut start = 0;
    ends.iter().map(|end| &stream[std::mem::replace(&mut start, *end)..*end]).collect()
}

const LEN_MAX: u32 = 4096;

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn a_valid_stream_gives_the_same_frames_at_every_split(stream in stream(), cuts in vec(any::<Index>(), 0..6)) {
        let whole = receive([&stream[..]], u32::MAX);
        prop_assert_eq!((whole.used, whole.error), (stream.len(), None));
        prop_assert_eq!(&receive(pieces(&stream, &cuts), u32::MAX), &whole);
        prop_assert_eq!(&receive(stream.chunks(1), u32::MAX), &whole);
    }

    #[test]
    fn a_mutated_stream_gives_the_same_frames_and_error_at_every_split(
        mut stream in stream(),
        mutations in vec(mutation(), 1..4),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        for mutation in &mutations {
            mutation.apply(&mut stream);
        }
        let whole = receive([&stream[..]], LEN_MAX);
        prop_assert_eq!(&receive(pieces(&stream, &cuts), LEN_MAX), &whole);
        prop_assert_eq!(&receive(stream.chunks(1), LEN_MAX), &whole);
    }

    #[test]
    fn noise_gives_no_more_than_an_error(stream in vec(any::<u8>(), 0..200), cuts in vec(any::<Index>(), 0..6)) {
        let whole = receive([&stream[..]], LEN_MAX);
        prop_assert_eq!(&receive(pieces(&stream, &cuts), LEN_MAX), &whole);
    }

    #[test]
    fn noise_in_a_well_cut_body_gives_no_more_than_an_error(
        flags in 0..8u8,
        msgid in 0..50u16,
        code in prop_oneof![Just(0u16), any::<u16>()],
        body in vec(any::<u8>(), 0..100),
    ) {
        let mut stream = vec![0x43, 0x48, 1, flags];
        stream.extend_from_slice(&msgid.to_be_bytes());
        stream.extend_from_slice(&code.to_be_bytes());
        stream.extend_from_slice(&7u32.to_be_bytes());
        stream.extend_from_slice(&(body.len() as u32).to_be_bytes());
        stream.extend_from_slice(&body);
        let received = receive([&stream[..]], LEN_MAX);
        prop_assert_eq!((received.frames.len(), received.error), (1, None));
    }
}

/// Not by chance but all of them: each place where two pieces can meet.
#[test]
fn every_single_split_of_a_short_stream() {
    let mut stream = BytesMut::new();
    for vector in crate::vectors::Vectors::load().frames.iter().take(8) {
        stream.extend_from_slice(&vector.bytes());
    }
    let whole = receive([&stream[..]], LEN_MAX);
    assert_eq!((whole.frames.len(), whole.error), (8, None));
    for at in 0..=stream.len() {
        let (left, right) = stream.split_at(at);
        assert_eq!(receive([left, right], LEN_MAX), whole, "split at {at}");
    }
}
