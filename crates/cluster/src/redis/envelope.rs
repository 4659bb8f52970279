//! What stands in a channel message: who sends it, and one of three things.
//!
//! ```text
//! format u8 | kind u8 | boot u64 | length of the name u8 | name | body
//!
//! body of a publication   opaque payload
//! body of a beat          number u64 | sent_us u64 | complete_until u64 | count u8 | count × (generation u64, since u64)
//! body of a goodbye       lost since u64, 0 if nothing was lost
//! ```
//!
//! Numbers are little-endian.

use bytes::Bytes;
use domain::Timestamp;

use super::config::NODE_NAME_BYTES_MAX;

/// The format. Nodes of another one are not let into the cluster, and what they publish is dropped.
pub(super) const FORMAT: u8 = 1;

/// Losses that a beat can tell of.
pub(super) const LOSSES_MAX: usize = 8;

const PUBLICATION: u8 = 0;
const BEAT: u8 = 1;
const GOODBYE: u8 = 2;

/// A message of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    /// Name of the node that sends it.
    pub(super) node: Box<str>,
    /// The first epoch of the sending process: newer processes of a name have larger ones.
    pub(super) boot: u64,
    pub(super) body: Body,
}

/// What a node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Publication(Bytes),
    Beat(Beat),
    Goodbye {
        /// What was accepted for publishing at or after this moment was not published.
        lost_since: Option<Timestamp>,
    },
}

/// Said by each node once a second: that it lives, and how complete what it said so far is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beat {
    /// Counts the beats of this process.
    pub(super) number: u64,
    /// When it was sent, on the sender's own monotonic clock.
    pub(super) sent_us: u64,
    /// Everything that the node published before this moment, by its own wall clock, is confirmed or told to be lost.
    pub(super) complete_until: Timestamp,
    /// The latest losses, oldest first, at most [`LOSSES_MAX`].
    pub(super) losses: Vec<Loss>,
}

/// Publications were refused or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loss {
    /// Counts the losses of a process, so that each is acted upon once.
    pub(super) generation: u64,
    /// The first of them was made at or after this moment.
    pub(super) since: Timestamp,
}

/// Why a message is no envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoEnvelope {
    /// Of a format that this node does not know.
    UnknownFormat,
    Malformed,
}

/// The bytes before the payload of a publication, the same for all of a process.
pub(super) fn header(node: &str, boot: u64) -> Vec<u8> {
    start(PUBLICATION, node, boot)
}

/// A beat in its envelope.
pub(super) fn beat(node: &str, boot: u64, beat: &Beat) -> Vec<u8> {
    let mut out = start(BEAT, node, boot);
    out.extend_from_slice(&beat.number.to_le_bytes());
    out.extend_from_slice(&beat.sent_us.to_le_bytes());
    out.extend_from_slice(&beat.complete_until.0.to_le_bytes());
    let losses = &beat.losses[..beat.losses.len().min(LOSSES_MAX)];
    out.push(losses.len() as u8);
    for loss in losses {
        out.extend_from_slice(&loss.generation.to_le_bytes());
        out.extend_from_slice(&loss.since.0.to_le_bytes());
    }
    out
}

/// A goodbye in its envelope.
pub(super) fn goodbye(node: &str, boot: u64, lost_since: Option<Timestamp>) -> Vec<u8> {
    let mut out = start(GOODBYE, node, boot);
    out.extend_from_slice(&lost_since.map_or(0, |since| since.0).to_le_bytes());
    out
}

fn start(kind: u8, node: &str, boot: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(&[FORMAT, kind]);
    out.extend_from_slice(&boot.to_le_bytes());
    out.push(node.len() as u8);
    out.extend_from_slice(node.as_bytes());
    out
}

/// Opens an envelope. The payload shares the message's memory.
pub(super) fn open(message: Vec<u8>) -> Result<Envelope, NoEnvelope> {
    let mut rest = Bytes::from(message);
    match rest.first() {
        Some(&FORMAT) => {}
        Some(_) => return Err(NoEnvelope::UnknownFormat),
        None => return Err(NoEnvelope::Malformed),
    }
    read(&mut rest).ok_or(NoEnvelope::Malformed)
}

fn read(rest: &mut Bytes) -> Option<Envelope> {
    let [_, kind] = array(rest)?;
    let boot = u64::from_le_bytes(array(rest)?);
    let [length] = array(rest)?;
    let length = usize::from(length);
    if length == 0 || length > NODE_NAME_BYTES_MAX || length > rest.len() {
        return None;
    }
    let node = Box::from(str::from_utf8(&rest.split_to(length)).ok()?);
    let body = match kind {
        PUBLICATION => return Some(Envelope { node, boot, body: Body::Publication(std::mem::take(rest)) }),
        BEAT => Body::Beat(read_beat(rest)?),
        GOODBYE => {
            let since = u64::from_le_bytes(array(rest)?);
            Body::Goodbye { lost_since: (since != 0).then_some(Timestamp(since)) }
        }
        _ => return None,
    };
    rest.is_empty().then_some(Envelope { node, boot, body })
}

fn read_beat(rest: &mut Bytes) -> Option<Beat> {
    let number = u64::from_le_bytes(array(rest)?);
    let sent_us = u64::from_le_bytes(array(rest)?);
    let complete_until = Timestamp(u64::from_le_bytes(array(rest)?));
    let [count] = array(rest)?;
    if usize::from(count) > LOSSES_MAX {
        return None;
    }
    let mut losses = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let generation = u64::from_le_bytes(array(rest)?);
        losses.push(Loss { generation, since: Timestamp(u64::from_le_bytes(array(rest)?)) });
    }
    Some(Beat { number, sent_us, complete_until, losses })
}

fn array<const N: usize>(rest: &mut Bytes) -> Option<[u8; N]> {
    let array = rest.first_chunk().copied()?;
    let _ = rest.split_to(N);
    Some(array)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, RngExt, SeedableRng};

    fn samples() -> Vec<Vec<u8>> {
        let losses =
            vec![Loss { generation: 3, since: Timestamp(9) }, Loss { generation: 4, since: Timestamp(12) }];
        let told = Beat { number: 1, sent_us: 2, complete_until: Timestamp(3), losses };
        let mut publication = header("node-1", 77);
        publication.extend_from_slice(b"payload");
        vec![publication, beat("node-1", 77, &told), goodbye("node-1", 77, Some(Timestamp(5)))]
    }

    #[test]
    fn what_is_sealed_is_opened() {
        let [publication, beat, goodbye]: [_; 3] =
            samples().into_iter().map(|bytes| open(bytes).unwrap()).collect::<Vec<_>>().try_into().unwrap();
        assert_eq!((&*publication.node, publication.boot), ("node-1", 77));
        assert_eq!(publication.body, Body::Publication(Bytes::from_static(b"payload")));
        let Body::Beat(beat) = beat.body else { panic!("{beat:?}") };
        assert_eq!((beat.number, beat.sent_us, beat.complete_until), (1, 2, Timestamp(3)));
        assert_eq!(beat.losses.len(), 2);
        assert_eq!(goodbye.body, Body::Goodbye { lost_since: Some(Timestamp(5)) });
    }

    #[test]
    fn another_format_and_broken_bytes_are_told_apart() {
        let mut other = samples().remove(0);
        other[0] = FORMAT + 1;
        assert_eq!(open(other), Err(NoEnvelope::UnknownFormat));
        assert_eq!(open(Vec::new()), Err(NoEnvelope::Malformed));
        for sample in &samples()[1..] {
            for length in 1..sample.len() {
                assert_eq!(open(sample[..length].to_vec()), Err(NoEnvelope::Malformed), "{length}");
            }
            let longer = [sample.as_slice(), &[0]].concat();
            assert_eq!(open(longer), Err(NoEnvelope::Malformed));
        }
    }

    #[test]
    fn no_bytes_break_it() {
        let seed: u64 = rand::random();
        println!("seed {seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..20_000 {
            let mut bytes = vec![0; rng.random_range(0..100)];
            rng.fill_bytes(&mut bytes);
            if let Some(first) = bytes.first_mut() {
                *first = FORMAT;
            }
            let _ = open(bytes);
        }
    }
}
