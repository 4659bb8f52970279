//! Cutting frames out of a byte stream.

use crate::code::Code;
use crate::frame::{Flags, Frame, HEADER_LEN, Header, MAGIC, VERSION};

/// Why a stream cannot be read on. Each one is final: after it nothing tells where the next frame would start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first two bytes are not "CH".
    #[error("not a frame: it begins with {found:#06x} instead of 0x4348")]
    Magic {
        /// The two bytes found.
        found: u16,
    },
    /// The frame version is not ours.
    #[error("frame version {found} is not supported, this side speaks version {VERSION}")]
    Version {
        /// The version byte found.
        found: u8,
    },
    /// A flag bit is set that has no meaning.
    #[error("unknown flag bits {found:#04x}")]
    Flags {
        /// The flag byte found.
        found: u8,
    },
    /// The body would be larger than the receiver takes.
    #[error("a body of {len} bytes is over the limit of {max}")]
    TooLarge {
        /// Body bytes announced.
        len: u32,
        /// The receiver's limit.
        max: u32,
    },
}

impl FrameError {
    /// The code to send in the one error frame before the connection is closed.
    pub fn code(&self) -> Code {
        match self {
            FrameError::Magic { .. } | FrameError::Flags { .. } => Code::BAD_FRAME,
            FrameError::Version { .. } => Code::BAD_VERSION,
            FrameError::TooLarge { .. } => Code::FRAME_TOO_LARGE,
        }
    }
}

/// Cuts the first frame off `input`.
///
/// Returns the frame and how many bytes it took, or `None` while `input` holds only a part of it. It keeps no state
/// and copies nothing: the caller owns the buffer and offers it again with more bytes. The length is checked against
/// `len_max` as soon as the header is there, and each header field as soon as its bytes are, so that nothing is
/// buffered for a frame that will be refused.
///
/// ```
/// use protocol::{decode, encode, Flags, Request, Ping};
///
/// let mut out = bytes::BytesMut::new();
/// encode::request(7, &Request::Ping(Ping {}), &mut out);
/// assert_eq!(decode(&out[..10], 1024), Ok(None));
/// let (frame, used) = decode(&out, 1024).unwrap().unwrap();
/// assert_eq!((frame.header.rid, used), (7, out.len()));
/// ```
pub fn decode(input: &[u8], len_max: u32) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let header = match decode_header(input, len_max)? {
        Some(header) => header,
        None => return Ok(None),
    };
    let end = HEADER_LEN + header.len as usize;
    match input.get(HEADER_LEN..end) {
        Some(body) => Ok(Some((Frame { header, body }, end))),
        None => Ok(None),
    }
}

/// Reads a header, refusing it at the first field that cannot be right, however few bytes come at a time.
fn decode_header(input: &[u8], len_max: u32) -> Result<Option<Header>, FrameError> {
    let Some(magic) = input.first_chunk::<2>() else { return Ok(None) };
    let found = u16::from_be_bytes(*magic);
    if found != MAGIC {
        return Err(FrameError::Magic { found });
    }
    if let Some(&found) = input.get(2)
        && found != VERSION
    {
        return Err(FrameError::Version { found });
    }
    let flags = match input.get(3) {
        Some(&found) => Flags::from_bits(found).ok_or(FrameError::Flags { found })?,
        None => return Ok(None),
    };
    let Some(bytes) = input.first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let len = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    if len > len_max {
        return Err(FrameError::TooLarge { len, max: len_max });
    }
    Ok(Some(Header {
        flags,
        msgid: u16::from_be_bytes([bytes[4], bytes[5]]),
        code: Code(u16::from_be_bytes([bytes[6], bytes[7]])),
        rid: u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]),
        len,
    }))
}
