//! The frame: a fixed header and a body.

use std::fmt;

use bytes::BytesMut;
use serde::de::IgnoredAny;

use crate::code::Code;

/// Bytes of a frame header.
pub const HEADER_LEN: usize = 16;

/// The first two bytes of every frame: "CH".
pub const MAGIC: u16 = 0x4348;

/// The frame version that this crate speaks.
pub const VERSION: u8 = 1;

/// The flag byte of a header. Bits that are not named here must be zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// A request: no flag at all.
    pub const REQUEST: Flags = Flags(0);
    /// Bit 0: the one answer to a request.
    pub const REPLY: Flags = Flags(1);
    /// Bit 1: raw bytes follow the JSON (see [`split_tail`](crate::body::split_tail)).
    pub const BINARY_TAIL: Flags = Flags(1 << 1);
    /// Bit 2: the server speaks unasked.
    pub const PUSH: Flags = Flags(1 << 2);

    const KNOWN: u8 = 0b111;

    /// The flags of a header byte, or `None` if an unknown bit is set.
    pub const fn from_bits(bits: u8) -> Option<Flags> {
        if bits & !Self::KNOWN == 0 { Some(Flags(bits)) } else { None }
    }

    /// The header byte.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every bit of `other` is set here.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those of `other`.
    #[must_use]
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// What a header says about the body that follows it.
///
/// `msgid` is kept as a number: a receiver must be able to refuse a type that it does not know by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Reply, push, binary tail.
    pub flags: Flags,
    /// The message type, see [`MsgId`](crate::MsgId).
    pub msgid: u16,
    /// 0 in requests and pushes; in a reply 0 means done, else an error code.
    pub code: Code,
    /// Chosen by the client, echoed in the one reply; 0 in pushes.
    pub rid: u32,
    /// Body bytes that follow.
    pub len: u32,
}

impl Header {
    /// Writes the 16 bytes of this header.
    pub fn encode(&self, out: &mut BytesMut) {
        let mut bytes = [0u8; HEADER_LEN];
        bytes[0..2].copy_from_slice(&MAGIC.to_be_bytes());
        bytes[2] = VERSION;
        bytes[3] = self.flags.bits();
        bytes[4..6].copy_from_slice(&self.msgid.to_be_bytes());
        bytes[6..8].copy_from_slice(&self.code.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.rid.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.len.to_be_bytes());
        out.extend_from_slice(&bytes);
    }
}

/// A whole frame as it stands in the receiver's buffer. Its `Debug` form leaves the body out: there may be a password in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The decoded header.
    pub header: Header,
    /// Exactly `header.len` bytes.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// Whether the body is JSON at all. What it says is not looked at.
    pub fn has_json(&self) -> bool {
        serde_json::from_slice::<IgnoredAny>(self.body).is_ok()
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("header", &self.header).finish_non_exhaustive()
    }
}
