//! What the user of the reactor writes.

use std::time::Instant;

use bytes::Bytes;

use crate::{CloseReason, ConnId, Link, Remote};

/// What a protocol does with its connections. One instance per sub reactor, made by the factory given to
/// [`Reactor::start`](crate::Reactor::start).
///
/// **Thread rule:** every method runs in the thread of the instance's own loop, one at a time, so a handler needs no
/// locks for what it owns. In return no method may block: while it runs, none of the loop's connections is served.
///
/// Order of calls for one connection: `open` once, then any number of `data`, `eof`, `mail`, `relieved`, `deadline`,
/// `drain`, then `closed` once. From the moment that a close begins (asked for through the [`Link`], or decided by the
/// reactor) only `closed` follows; mail that is still under way is dropped and counted as a stale command.
pub trait Handler: Send + 'static {
    /// The handler's state of one connection, kept inside the connection's slab entry: no map to look it up in.
    type Conn;
    /// What other threads may tell a connection's handler. [`std::convert::Infallible`] if nothing.
    type Mail: Send + 'static;

    /// A connection was accepted. The place to set a first deadline.
    fn open(&mut self, conn: &mut Link<'_>) -> Self::Conn;

    /// Bytes arrived. Returns how many were consumed, from the front; the rest is kept and offered again, at the
    /// front of what arrives next, or at once after [`Link::resume_reading`]. One call should consume all the whole
    /// frames it sees: it is not repeated for bytes already offered.
    fn data(&mut self, conn: &mut Link<'_>, state: &mut Self::Conn, input: &[u8]) -> usize;

    /// The peer ended its side: nothing more will be read, writing still works (half-close). Input that was not
    /// consumed is an unfinished frame. By default the connection is closed once all is written.
    fn eof(&mut self, conn: &mut Link<'_>, state: &mut Self::Conn) {
        let _ = state;
        conn.close_after_flush(CloseReason::PeerClosed);
    }

    /// A [`Command::Mail`](crate::Command::Mail) for this connection.
    fn mail(&mut self, conn: &mut Link<'_>, state: &mut Self::Conn, mail: Self::Mail);

    /// The outbox had passed `outbox_high_bytes` ([`Link::is_throttled`]), and is below `outbox_low_bytes` again: the
    /// peer takes what it is sent, so the next large answer may be produced. Called after the outbox was written, at
    /// the end of a turn; what is sent here leaves in the next turn, at once. Also called, in the same turn, for an
    /// outbox that passed the mark and was then taken whole by the kernel.
    fn relieved(&mut self, conn: &mut Link<'_>, state: &mut Self::Conn) {
        let _ = (conn, state);
    }

    /// The deadline set by [`Link::set_deadline`] has passed. It is cleared before this call.
    fn deadline(&mut self, conn: &mut Link<'_>, state: &mut Self::Conn) {
        let _ = (conn, state);
    }

    /// The connection is gone, and so is its name. Exactly once per `open`, whoever closed and why.
    fn closed(&mut self, id: ConnId, state: Self::Conn, reason: CloseReason);

    /// A graceful stop has begun; called once per open connection. A protocol that owes answers may send them later,
    /// within the time the stop allows, and close then. By default: close once all is written.
    fn drain(&mut self, conn: &mut Link<'_>, state: &mut Self::Conn) {
        let _ = state;
        conn.close_after_flush(CloseReason::Stopping);
    }

    /// The last bytes for a connection that is being cut for its slowness ([`CloseReason::SlowReader`] or
    /// [`CloseReason::WriteStall`]). They follow the chunk whose writing had begun, if the peer takes both within
    /// `linger`; all other waiting chunks are dropped. `None`, the default, cuts at once.
    fn slow_reader_farewell(
        &mut self,
        id: ConnId,
        state: &mut Self::Conn,
        reason: CloseReason,
    ) -> Option<Bytes> {
        let _ = (id, state, reason);
        None
    }

    /// The end of a turn of the loop: the place to pass on in one go what the calls of this turn gathered, for example
    /// requests for other threads. `now` is the turn's time. Called in every turn before the outboxes are written, so
    /// that other threads can begin meanwhile, and once more if connections were relieved or closed after that.
    fn turn_end(&mut self, now: Instant) {
        let _ = now;
    }
}

/// What a factory is told about the loop it makes a [`Handler`] for.
pub struct LoopInfo<M> {
    /// The loop's index: the [`ConnId::loop_index`] of its connections.
    pub index: usize,
    /// How many loops there are.
    pub loops: usize,
    /// The way to all loops, for handing to other threads. In the loop's own thread use only its `try_` methods.
    pub remote: Remote<M>,
}
