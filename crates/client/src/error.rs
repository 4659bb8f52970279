//! What can become of a call that was not done.

use std::time::Duration;

use protocol::{Code, Refusal};

/// Whether a request that has no answer may have taken effect on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was never put on the wire.
    No,
    /// It was, and nobody knows: look before repeating it. A chat message is repeated safely with the same
    /// `client_msg_id`.
    Perhaps,
}

/// Why a call was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The server said no.
    #[error("{0}")]
    Refused(Refusal),

    /// The connection was lost, and the request is none that may be repeated blindly.
    #[error("the connection was lost before the answer came{}", happened(*.may_have_happened))]
    ConnectionLost {
        /// Whether the server may have done it.
        may_have_happened: Happened,
    },

    /// No answer within the caller's time.
    #[error("no answer within {}{}", seconds(*.after), happened(*.may_have_happened))]
    TimedOut {
        /// The caller's time.
        after: Duration,
        /// Whether the server may have done it.
        may_have_happened: Happened,
    },

    /// The session is over: log in again.
    #[error("the session is over; log in again")]
    SessionEnded,

    /// [`CALLS_MAX`](crate::limits::CALLS_MAX) calls wait already. Nothing was sent.
    #[error("too many requests wait for their answer")]
    QueueFull,

    /// The request is larger than the server takes. Nothing was sent.
    #[error("the request has {len} bytes, the server takes at most {max}")]
    TooLarge {
        /// Its body bytes.
        len: usize,
        /// What the server takes.
        max: usize,
    },

    /// HELLO is sent by the client itself. Nothing was sent.
    #[error("{0} is sent by the client itself")]
    NotForCallers(&'static str),

    /// The answer was not one to this request.
    #[error("the server's answer to {request} cannot be read: {why}")]
    BadAnswer {
        /// The request's name.
        request: &'static str,
        /// What is wrong with it.
        why: String,
    },

    /// The client was closed.
    #[error("the client is closed")]
    Closed,
}

impl ClientError {
    /// The server's code, if it answered.
    pub fn code(&self) -> Option<Code> {
        match self {
            ClientError::Refused(refusal) => Some(refusal.code),
            ClientError::SessionEnded => Some(Code::SESSION_ENDED),
            _ => None,
        }
    }
}

fn happened(happened: Happened) -> &'static str {
    match happened {
        Happened::No => "; nothing was sent",
        Happened::Perhaps => "; it may have been done or not",
    }
}

fn seconds(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}
