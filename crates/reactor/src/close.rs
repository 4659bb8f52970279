//! Why and how far a connection is closed.

use std::{fmt, io};

/// Why a connection ended. Told to [`Handler::closed`](crate::Handler::closed), exactly once per connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer ended its side in good order and all that waited for it was written.
    PeerClosed,
    /// The peer is gone: `ECONNRESET`, `EPIPE` and their like. Everyday life, not an error.
    Reset,
    /// Any other error of the socket.
    Io(io::ErrorKind),
    /// More unconsumed input than `input_bytes_max`; or than 64 KiB while all together keep too much
    /// (`input_total_bytes_max`).
    InputOverflow,
    /// The peer read so slowly that its outbox passed `outbox_hard_bytes`; or `outbox_low_bytes` while all together hold
    /// too much (`outbox_total_bytes_max`).
    SlowReader,
    /// The peer took nothing at all for `write_stall` while bytes waited for it.
    WriteStall,
    /// The reactor stops.
    Stopping,
    /// The handler's own reason, in its own words: it refused, timed out, or logged out this connection.
    Handler(&'static str),
}

impl CloseReason {
    /// Sorts an error of a read or write.
    pub(crate) fn of(error: &io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut};
        match error.kind() {
            // ETIMEDOUT is TCP giving up on a silent peer: gone as well, only slower.
            ConnectionReset | BrokenPipe | ConnectionAborted | NotConnected | TimedOut => Self::Reset,
            kind => Self::Io(kind),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerClosed => f.write_str("closed by peer"),
            Self::Reset => f.write_str("peer is gone"),
            Self::Io(kind) => write!(f, "socket error: {kind}"),
            Self::InputOverflow => f.write_str("too much unconsumed input"),
            Self::SlowReader => f.write_str("reads too slowly"),
            Self::WriteStall => f.write_str("stopped reading"),
            Self::Stopping => f.write_str("reactor stops"),
            Self::Handler(why) => f.write_str(why),
        }
    }
}

/// How far a connection is on its way out. It only ever moves down this list.
///
/// ```text
/// Open ── close_after_flush ──▶ Draining ── outbox empty ──▶ Lingering ── peer's FIN or deadline ──▶ Dead
///   └──── too slow ───────────▶ Cutting ──── farewell out ─────▲
///   └──── abort, reset, error, or the deadline of any phase ──────────────────────────────────────▶ Dead
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Served: the handler sees its input, deadline and mail.
    Open,
    /// Nothing more is read or accepted for sending; what waits is being written. At most `write_stall` in all.
    Draining(CloseReason),
    /// Cut for slowness: the outbox holds only the chunk already begun and the farewell. At most `linger`.
    Cutting(CloseReason),
    /// All is written and our side is shut. Input is read and thrown away until the peer has closed too: a socket
    /// closed with unread input sends RST, which destroys what the peer has not read yet. At most `linger`.
    Lingering(CloseReason),
    /// Over; taken out of the slab at the end of this turn, where the handler is told.
    Dead(CloseReason),
}

impl Phase {
    pub(crate) fn is_open(self) -> bool {
        self == Self::Open
    }
}
