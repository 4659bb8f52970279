//! Bodies: one JSON object, and the raw bytes that may follow it.

use serde::de::DeserializeOwned;

use crate::json_error::JsonError;
use crate::limits::NESTING_MAX;
use crate::scan;

/// Why a body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not UTF-8, anywhere, read or passed over.
    #[error("the body is not UTF-8 from byte {valid_up_to} on")]
    NotUtf8 {
        /// Bytes that were.
        valid_up_to: usize,
    },
    /// Something other than an object: a list, a number, a text.
    #[error("the body must be one JSON object")]
    NotAnObject,
    /// Lists and objects within each other beyond [`NESTING_MAX`].
    #[error("the body is nested more than {NESTING_MAX} levels deep")]
    TooDeep,
    /// Not JSON, or a field that is missing, doubled or of the wrong type.
    #[error("the body does not fit: {0}")]
    Json(JsonError),
    /// The binary tail's length does not fit the body.
    #[error("the binary tail's JSON length is {json_len} but the body has {body_len} bytes")]
    Tail {
        /// JSON bytes announced.
        json_len: usize,
        /// Bytes of the whole body.
        body_len: usize,
    },
}

impl BodyError {
    /// The field at fault, if it is one field's fault.
    pub fn field(&self) -> Option<&str> {
        match self {
            BodyError::Json(error) => error.field(),
            _ => None,
        }
    }
}

/// Reads a JSON object; an empty body is `{}`.
///
/// Unknown fields are passed over, but count for UTF-8 and for nesting; double ones that are known are refused.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, BodyError> {
    let text = match std::str::from_utf8(body) {
        Ok("") => "{}",
        Ok(text) => text,
        Err(error) => return Err(BodyError::NotUtf8 { valid_up_to: error.valid_up_to() }),
    };
    // A derived struct would also take a list of its fields in order: the wire has objects only.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(BodyError::NotAnObject);
    }
    // The parser bounds the depth of what it reads, but passes over unknown fields at any depth.
    if scan::is_deeper_than(text, NESTING_MAX) {
        return Err(BodyError::TooDeep);
    }
    serde_json::from_str(text).map_err(|error| BodyError::Json(JsonError::new(&error, text)))
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
