//! The reactor's side of one connection: socket, buffers, and how far it is on its way out.

use std::{
    io::{self, Read},
    mem,
    net::{Shutdown, SocketAddr},
    time::Instant,
};

use bytes::Bytes;
use mio::net::TcpStream;
use socket2::SockRef;

use crate::{
    CloseReason, ConnId,
    agenda::Agenda,
    close::Phase,
    input::Input,
    outbox::{Flushed, Load, Outbox},
};

/// Owned by its loop's slab; nobody else touches the socket or its buffers. Without traffic it holds no heap memory.
///
/// epoll is edge-triggered and speaks once, so what it said is remembered in `readable` and `writable` until a read or
/// write shows that it is no longer true.
pub(crate) struct Connection {
    pub(crate) id: ConnId,
    pub(crate) peer: SocketAddr,
    pub(crate) phase: Phase,
    pub(crate) outbox: Outbox,
    pub(crate) input: Input,
    stream: TcpStream,
    /// The handler's deadline; counts only in `Phase::Open`.
    pub(crate) deadline: Option<Instant>,
    /// The reactor's own: write progress while open, the end of patience while closing.
    pub(crate) io_deadline: Option<Instant>,
    readable: bool,
    writable: bool,
    /// epoll has announced the peer's FIN, of which it will not speak again: read on until it is seen.
    hangup: bool,
    /// What the loop counts for `input`.
    input_charged: usize,
    /// Sent something since the last flush.
    pushed: bool,
    /// The peer's FIN was read.
    pub(crate) eof: bool,
    /// The handler wants no input.
    pub(crate) paused: bool,
    /// The outbox was above its high mark, and not yet below the low one since. Decided where a chunk is pushed and
    /// where it is written, so it holds at any moment of a turn.
    pub(crate) throttled: bool,
    /// Bytes to read per turn; at most the loop's read buffer.
    pub(crate) read_budget: u32,
    /// Offer the kept input even if nothing new arrives.
    pub(crate) offer_kept: bool,
    in_ready: bool,
    in_dirty: bool,
    /// End with RST: what waits in the kernel is dropped too.
    reset: bool,
}

/// What a read counts at least towards the turn's budget: many small reads are work too, of about this much.
const READ_CHARGE_BYTES_MIN: usize = 256;

// Ten thousand idle connections are an everyday load; each pays for every field here.
const _: () = assert!(size_of::<Connection>() <= 256);

/// What a flush showed of the peer's pace.
pub(crate) enum Pace {
    Fine,
    /// It was throttled, and is no longer: the handler is to be told.
    Relieved,
    /// It must be cut: the caller asks the handler for a farewell and calls [`Connection::cut`].
    TooSlow(CloseReason),
}

/// How a read ended.
pub(crate) enum Arrived {
    Bytes(usize),
    Eof,
    Nothing,
    Failed,
}

impl Connection {
    pub(crate) fn new(id: ConnId, stream: TcpStream, peer: SocketAddr, read_budget: u32) -> Self {
        Self {
            id,
            peer,
            phase: Phase::Open,
            outbox: Outbox::default(),
            input: Input::default(),
            stream,
            deadline: None,
            io_deadline: None,
            readable: false,
            writable: true,
            hangup: false,
            input_charged: 0,
            pushed: false,
            eof: false,
            paused: false,
            throttled: false,
            read_budget,
            offer_kept: false,
            in_ready: false,
            in_dirty: false,
            reset: false,
        }
    }

    /// Remembers what epoll said.
    pub(crate) fn note(&mut self, event: &mio::event::Event, agenda: &mut Agenda) {
        if event.is_writable() {
            self.writable = true;
            if !self.outbox.is_empty() {
                self.mark_dirty(agenda);
            }
        }
        if event.is_readable() || event.is_read_closed() {
            self.readable = true;
            self.hangup |= event.is_read_closed();
            self.mark_ready(agenda);
        }
        // An open connection that reads finds the error behind the last bytes that arrived; any other finds it here.
        if event.is_error() && !self.wants_input() && !matches!(self.phase, Phase::Lingering(_)) {
            let reason = match self.stream.take_error() {
                Ok(Some(error)) | Err(error) => CloseReason::of(&error),
                Ok(None) => CloseReason::Reset,
            };
            self.die(agenda, reason);
        }
    }

    /// Input may be offered to the handler now.
    pub(crate) fn wants_input(&self) -> bool {
        self.phase.is_open() && !self.paused && !self.throttled
    }

    /// A read is worth a system call.
    pub(crate) fn may_read(&self) -> bool {
        self.readable && !self.eof
    }

    pub(crate) fn mark_ready(&mut self, agenda: &mut Agenda) {
        if !self.in_ready {
            self.in_ready = true;
            agenda.ready.push_back(self.id);
        }
    }

    /// Taken from the ready list.
    pub(crate) fn unmark_ready(&mut self) {
        self.in_ready = false;
    }

    pub(crate) fn mark_dirty(&mut self, agenda: &mut Agenda) {
        if !self.in_dirty {
            self.in_dirty = true;
            agenda.dirty.push(self.id);
        }
    }

    /// Appends to the outbox; written at the end of the turn. The connection must be open.
    pub(crate) fn push(&mut self, chunk: Bytes, agenda: &mut Agenda) {
        let before = self.outbox.load();
        self.outbox.push(chunk);
        let load = self.outbox.load();
        agenda.outboxes.replace(before, load);
        self.throttled |= load.weight > agenda.config.outbox_high_bytes;
        self.pushed = true;
        self.mark_dirty(agenda);
    }

    /// Tells the loop how much input is kept now. After every change of it, or several.
    pub(crate) fn charge_input(&mut self, agenda: &mut Agenda) {
        let kept = self.input.len();
        agenda.input_bytes = agenda.input_bytes - self.input_charged + kept;
        self.input_charged = kept;
    }

    fn drop_input(&mut self, agenda: &mut Agenda) {
        self.input = Input::default();
        self.charge_input(agenda);
    }

    /// One read, of one budget at most. A short one has emptied the socket (man 7 epoll), so no second call asks for
    /// `WouldBlock`.
    pub(crate) fn read(&mut self, buffer: &mut [u8], agenda: &mut Agenda) -> Arrived {
        let most = buffer.len().min(self.read_budget as usize);
        let buffer = &mut buffer[..most];
        loop {
            agenda.counters().reads.add(1);
            let outcome = (&self.stream).read(buffer);
            agenda.turn_bytes += outcome.as_ref().map_or(0, |&n| n).max(READ_CHARGE_BYTES_MIN);
            return match outcome {
                Ok(0) => {
                    self.eof = true;
                    self.readable = false;
                    Arrived::Eof
                }
                Ok(n) => {
                    agenda.counters().read_bytes.add(n as u64);
                    self.readable = n == buffer.len() || self.hangup;
                    Arrived::Bytes(n)
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    Arrived::Nothing
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.die(agenda, CloseReason::of(&error));
                    Arrived::Failed
                }
            };
        }
    }

    /// Reads on next turn if there is, or may be, more.
    pub(crate) fn read_on(&mut self, agenda: &mut Agenda) {
        if self.may_read() && (self.wants_input() || matches!(self.phase, Phase::Lingering(_))) {
            self.mark_ready(agenda);
        }
    }

    /// Throws away a lingering peer's input, one budget per turn, until it has closed its side.
    pub(crate) fn discard_input(&mut self, scratch: &mut [u8], agenda: &mut Agenda) {
        let Phase::Lingering(reason) = self.phase else { return };
        if self.may_read() {
            match self.read(scratch, agenda) {
                Arrived::Eof | Arrived::Failed => self.die(agenda, reason),
                Arrived::Bytes(_) | Arrived::Nothing => self.read_on(agenda),
            }
        }
    }

    /// Writes what waits, and draws the conclusions.
    pub(crate) fn flush(&mut self, agenda: &mut Agenda) -> Pace {
        self.in_dirty = false;
        let pushed = mem::take(&mut self.pushed);
        if matches!(self.phase, Phase::Dead(_) | Phase::Lingering(_)) {
            return Pace::Fine;
        }
        let mut progress = 0;
        if self.writable && !self.outbox.is_empty() {
            let before = self.outbox.load();
            let counters = agenda.counters();
            let outcome = self.outbox.write_to(&self.stream, |n| {
                counters.writes.add(1);
                counters.written_bytes.add(n as u64);
                progress += n;
            });
            agenda.outboxes.replace(before, self.outbox.load());
            match outcome {
                Ok(Flushed::All) => {}
                Ok(Flushed::Blocked) => self.writable = false,
                Err(error) => {
                    self.die(agenda, CloseReason::of(&error));
                    return Pace::Fine;
                }
            }
        }
        match self.phase {
            Phase::Open => self.judge_pace(progress, pushed, agenda),
            Phase::Draining(reason) | Phase::Cutting(reason) => {
                if self.outbox.is_empty() {
                    self.shut_and_linger(reason, agenda);
                }
                Pace::Fine
            }
            Phase::Lingering(_) | Phase::Dead(_) => Pace::Fine,
        }
    }

    /// The marks and the write-stall deadline of an open connection, after a flush.
    fn judge_pace(&mut self, progress: usize, pushed: bool, agenda: &mut Agenda) -> Pace {
        if self.outbox.is_empty() {
            self.io_deadline = None;
        } else if progress > 0 || self.io_deadline.is_none() {
            let at = agenda.now + agenda.config.write_stall;
            if self.io_deadline.replace(at).is_none() {
                agenda.wheel.arm(self.id.slot() as u32, at);
            }
        }
        let weight = self.outbox.load().weight;
        if weight > agenda.config.outbox_hard_bytes {
            return Pace::TooSlow(CloseReason::SlowReader);
        }
        if pushed && weight > agenda.config.outbox_low_bytes && agenda.outboxes_are_crowded() {
            agenda.hoarders.push((weight, self.id));
        }
        if self.throttled && weight < agenda.config.outbox_low_bytes {
            self.throttled = false;
            self.mark_ready(agenda);
            return Pace::Relieved;
        }
        Pace::Fine
    }

    /// Begins an orderly close: what waits is written first. Does nothing if a close has begun already.
    pub(crate) fn close_after_flush(&mut self, reason: CloseReason, agenda: &mut Agenda) {
        if self.phase.is_open() {
            self.phase = Phase::Draining(reason);
            self.drop_input(agenda);
            self.patience(agenda.config.write_stall, agenda);
            self.mark_dirty(agenda);
        }
    }

    /// Cuts a slow reader: of what waits only the chunk already begun is written, then the farewell.
    pub(crate) fn cut(&mut self, farewell: Option<Bytes>, reason: CloseReason, agenda: &mut Agenda) {
        let before = self.outbox.load();
        self.outbox.drop_unbegun();
        let farewell_follows = farewell.map(|farewell| self.outbox.push(farewell)).is_some();
        agenda.outboxes.replace(before, self.outbox.load());
        self.drop_input(agenda);
        if !farewell_follows {
            self.abort(reason, agenda);
            return;
        }
        self.phase = Phase::Cutting(reason);
        self.patience(agenda.config.linger, agenda);
    }

    /// Ends at once with RST; what waits is lost.
    pub(crate) fn abort(&mut self, reason: CloseReason, agenda: &mut Agenda) {
        self.reset = true;
        self.die(agenda, reason);
    }

    /// The reactor's own deadline has passed. Returns the reason if the connection must be cut for slowness.
    pub(crate) fn io_deadline_passed(&mut self, agenda: &mut Agenda) -> Option<CloseReason> {
        self.io_deadline = None;
        match self.phase {
            Phase::Open => return Some(CloseReason::WriteStall),
            // Who does not even take the last bytes need not keep kernel buffers either.
            Phase::Draining(reason) | Phase::Cutting(reason) => self.abort(reason, agenda),
            Phase::Lingering(reason) => self.die(agenda, reason),
            Phase::Dead(_) => {}
        }
        None
    }

    /// The one way into `Phase::Dead`. The first reason stays.
    pub(crate) fn die(&mut self, agenda: &mut Agenda, reason: CloseReason) {
        let reason = match self.phase {
            Phase::Open => reason,
            Phase::Draining(first) | Phase::Cutting(first) | Phase::Lingering(first) => first,
            Phase::Dead(_) => return,
        };
        self.phase = Phase::Dead(reason);
        agenda.doomed.push(self.id);
    }

    /// Closes the socket, which also takes it out of epoll: no descriptor of ours is ever duplicated.
    pub(crate) fn bury(self, agenda: &mut Agenda) {
        agenda.outboxes.replace(self.outbox.load(), Load::default());
        agenda.input_bytes -= self.input_charged;
        agenda.wheel.cancel(self.id.slot() as u32);
        if self.reset {
            // Fails only if the peer was faster.
            let _ = SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO));
        }
    }

    fn shut_and_linger(&mut self, reason: CloseReason, agenda: &mut Agenda) {
        if self.eof || self.stream.shutdown(Shutdown::Write).is_err() {
            self.die(agenda, reason);
            return;
        }
        self.phase = Phase::Lingering(reason);
        self.patience(agenda.config.linger, agenda);
        self.read_on(agenda);
    }

    fn patience(&mut self, time: std::time::Duration, agenda: &mut Agenda) {
        let at = agenda.now + time;
        self.io_deadline = Some(at);
        agenda.wheel.arm(self.id.slot() as u32, at);
    }
}
