//! Bodies: one JSON object, and the raw bytes that may follow it.

use serde::de::DeserializeOwned;

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// There is no message of this type in this direction.
    #[error("no such message")]
    Missing,
    /// Something other than an object: a list, a number, a text.
    #[error("the body must be one JSON object")]
    NotAnObject,
    /// Not JSON, not UTF-8, nested too deeply, or a field of the wrong type. The sentence names place and cause, and
    /// quotes nothing of the body beyond a type name.
    #[error("the body does not fit: {0}")]
    Json(#[from] serde_json::Error),
    /// The binary tail's length does not fit the body.
    #[error("the binary tail's JSON length is {json_len} but the body has {body_len} bytes")]
    Tail {
        /// JSON bytes announced.
        json_len: usize,
        /// Bytes of the whole body.
        body_len: usize,
    },
}

/// Reads a JSON object; an empty body is `{}`.
///
/// Nesting is bounded by serde_json (128 levels); unknown fields are passed over, double ones refused.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, BodyError> {
    let body = if body.is_empty() { b"{}" } else { body };
    // A derived struct would also take a list of its fields in order: the wire has objects only.
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Ok(serde_json::from_slice(body)?),
        _ => Err(BodyError::NotAnObject),
    }
}

/// Splits the body of a frame with [`Flags::BINARY_TAIL`](crate::Flags::BINARY_TAIL): a big-endian u32 with the length
/// of the JSON, the JSON, then raw bytes to the end.
pub fn split_tail(body: &[u8]) -> Result<(&[u8], &[u8]), BodyError> {
    let body_len = body.len();
    let Some((len, rest)) = body.split_first_chunk::<4>() else {
        return Err(BodyError::Tail { json_len: 0, body_len });
    };
    let json_len = u32::from_be_bytes(*len) as usize;
    rest.split_at_checked(json_len).ok_or(BodyError::Tail { json_len, body_len })
}
