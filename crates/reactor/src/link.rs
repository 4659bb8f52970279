//! What a handler may do with its connection.

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;

use crate::{CloseReason, ConnId, agenda::Agenda, connection::Connection};

/// The reactor's side of one connection, lent to a [`Handler`](crate::Handler) for the length of one call.
///
/// **Thread rule:** in loop only; the borrow sees to that. Other threads use a [`Remote`](crate::Remote).
///
/// No method does a system call: what is asked for is carried out at the end of the turn, after the handler has
/// returned. After a close has begun, sends are dropped and counted as stale.
pub struct Link<'a> {
    conn: &'a mut Connection,
    agenda: &'a mut Agenda,
}

impl<'a> Link<'a> {
    pub(crate) fn new(conn: &'a mut Connection, agenda: &'a mut Agenda) -> Self {
        Self { conn, agenda }
    }

    /// The connection's name, by which other threads and connections can send to it.
    pub fn id(&self) -> ConnId {
        self.conn.id
    }

    /// The peer's address at the time of accept.
    pub fn peer(&self) -> SocketAddr {
        self.conn.peer
    }

    /// The time, read once per turn of the loop. Handlers read no clock of their own.
    pub fn now(&self) -> Instant {
        self.agenda.now
    }

    /// Appends to the outbox. All that is sent in a turn is written at its end, in one gathered write.
    pub fn send(&mut self, chunk: Bytes) {
        if self.conn.phase.is_open() {
            self.conn.push(chunk, self.agenda);
        } else {
            self.agenda.counters().stale_commands.add_shared(1);
        }
    }

    /// Appends to another connection's outbox, in this loop or another, without waiting or locking: the chunks of one
    /// turn travel together at its end. From one handler to one connection the order is kept. While another loop's
    /// mailbox is full, this loop keeps the chunks and reads nothing more from its own connections.
    pub fn send_to(&mut self, to: ConnId, chunk: Bytes) {
        self.agenda.forwards.push((to, chunk));
    }

    /// Begins an orderly close: no more input, what waits is written (within `write_stall`), our side is shut, and the
    /// peer is given `linger` to close its own. Does nothing if a close has begun already.
    pub fn close_after_flush(&mut self, reason: CloseReason) {
        self.conn.close_after_flush(reason, self.agenda);
    }

    /// Ends the connection in this turn, with RST; what waits in the outbox is lost. For peers that earned it.
    pub fn abort(&mut self, reason: CloseReason) {
        self.conn.abort(reason, self.agenda);
    }

    /// Offers no more input and reads no more, until [`resume_reading`](Self::resume_reading); the peer's TCP window
    /// fills and it must wait. Input not consumed by the current `data` call is kept.
    pub fn pause_reading(&mut self) {
        self.conn.paused = true;
    }

    /// Ends a pause. Kept input is offered again first, in this turn or the next, even if nothing new has arrived;
    /// called without a pause it does just that.
    pub fn resume_reading(&mut self) {
        self.conn.paused = false;
        // Whether anything is kept is seen when its turn comes: this may be called from within `data`, before the rest is.
        self.conn.offer_kept = true;
        self.conn.mark_ready(self.agenda);
    }

    /// From now on reads at most so many bytes of this connection per turn: at least 1, at most `read_budget_bytes`,
    /// which holds until this is called. A small budget for peers not yet trusted keeps turns short, however many of
    /// them flood.
    pub fn set_read_budget(&mut self, bytes: usize) {
        self.conn.read_budget = bytes.clamp(1, self.agenda.config.read_budget_bytes) as u32;
    }

    /// Whether the outbox was above `outbox_high_bytes`, and not yet below `outbox_low_bytes` since. True from the very
    /// [`send`](Self::send) that passes the high mark: who produces more only for who takes it asks here first, and
    /// goes on in [`Handler::relieved`](crate::Handler::relieved).
    pub fn is_throttled(&self) -> bool {
        self.conn.throttled
    }

    /// Whether reading is paused by [`pause_reading`](Self::pause_reading).
    pub fn is_paused(&self) -> bool {
        self.conn.paused
    }

    /// Sets the connection's one deadline, in place of an earlier one. Moving it later, the usual case, costs nothing.
    /// [`Handler::deadline`](crate::Handler::deadline) is called at that time or up to two ticks later.
    pub fn set_deadline(&mut self, at: Instant) {
        // An entry for an earlier time is in the wheel already, and will find this one when it fires.
        if self.conn.deadline.replace(at).is_none_or(|before| at < before) {
            self.agenda.wheel.arm(self.conn.id.slot() as u32, at);
        }
    }

    /// Forgets the deadline.
    pub fn clear_deadline(&mut self) {
        self.conn.deadline = None;
    }

    /// Bytes waiting in the outbox, including those of this turn.
    pub fn outbox_bytes(&self) -> usize {
        self.conn.outbox.load().bytes
    }

    /// Whether the connection is served; false from the moment a close has begun.
    pub fn is_open(&self) -> bool {
        self.conn.phase.is_open()
    }
}
