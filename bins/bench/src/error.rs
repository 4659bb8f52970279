//! What can go wrong while measuring, as opposed to what a measurement finds.

use std::io;

use protocol::{FrameError, MessageError, Refusal};

/// Why a run came to no result. A result that is bad (a lost message) is a [`Verdict`](crate::load::Verdict) instead.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The options do not fit the measurement.
    #[error("{0}")]
    Usage(&'static str),
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The program to measure did not start.
    #[error("{program} did not start: {why}")]
    Start {
        /// Its path.
        program: String,
        /// What was seen of it.
        why: String,
    },
    /// The program that was measured did not end in good order.
    #[error("{program} ended badly: {why}")]
    Stop {
        /// Its path.
        program: String,
        /// Its exit status, or that it had to be killed.
        why: String,
    },
    /// A request of the set-up was refused.
    #[error("{request} was refused: {refusal}")]
    Refused {
        /// Which request.
        request: &'static str,
        /// The server's answer.
        refusal: Refusal,
    },
    /// The other side sent something other than what the protocol allows here.
    #[error("unexpected answer to {request}: {got}")]
    Unexpected {
        /// What was asked.
        request: &'static str,
        /// What came.
        got: String,
    },
    /// The other side's bytes are not frames.
    #[error("unreadable frame: {0}")]
    Frame(#[from] FrameError),
    /// The other side's frames are not messages.
    #[error("unreadable message: {0}")]
    Message(#[from] MessageError),
    /// A connection that should have stayed ended.
    #[error("connection {index} was closed by the server{}", if why.is_empty() { String::new() } else { format!(": {why}") })]
    Closed {
        /// Which one, in order of connecting.
        index: usize,
        /// The words of its BYE, if one came.
        why: String,
    },
    /// Nothing moved any more.
    #[error("{what} did not happen within {seconds} s")]
    Stalled {
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
    },
    /// A worker thread of the bench panicked.
    #[error("a thread of the bench panicked: {0}")]
    Panicked(&'static str),
}

impl BenchError {
    /// Names what was tried when the system refused: for `map_err`.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> BenchError {
        move |source| BenchError::Io { what, source }
    }
}
