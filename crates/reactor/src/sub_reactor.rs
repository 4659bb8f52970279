//! The event loop of one thread, and the connections it owns.

use std::{
    cmp::Reverse,
    io, mem,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use bytes::Bytes;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::{
    CloseReason, Command, Config, ConnId, Handler, Link, Remote,
    agenda::Agenda,
    clock,
    close::Phase,
    conn_id::WAKER_BITS,
    connection::{Arrived, Connection, Pace},
    mailbox::{Accepted, Mailbox},
    metrics::Metrics,
};

/// A kept rest up to this part of the connection's read budget is put in front of the next read there, so that a frame in two parts
/// costs one small copy; a larger one grows in a buffer of its own.
const KEPT_IN_SCRATCH_PART: usize = 4;

/// Kept input that a connection may go on adding to while all together keep too much.
const INPUT_CROWDED_BYTES: usize = 64 * 1024;

/// A turn that comes later than planned by more than so many ticks may come after a pause of the whole process.
const LATE_TICKS: u32 = 3;

/// Pause before posting again to a loop whose mailbox is full.
const ONWARD_RETRY: Duration = Duration::from_millis(1);

/// A slab entry: both sides of one connection.
struct Entry<C> {
    conn: Connection,
    state: C,
}

/// After a pause of the process (SIGSTOP, a sleeping virtual machine) or a turn that took very long, what peers said and
/// took in time still waits in the sockets, while their deadlines have passed. Until it is over no deadline fires.
/// Mail, reading and writing go on in ordinary turns meanwhile; each connection found ready is served once, so it ends,
/// and the turn after it fires deadlines whatever else is to say against that.
struct Hearing {
    /// Connections at the front of the ready list that are yet to be served.
    unserved: usize,
}

/// How the loop came out of its sleep.
#[derive(PartialEq, Eq)]
enum Woken {
    /// As planned, or earlier.
    InTime,
    /// By a signal, or at a time when it should long have been awake.
    Suspect,
}

/// One loop; made and run in its own thread, never leaves it.
pub(crate) struct SubReactor<H: Handler> {
    poll: Poll,
    handler: H,
    entries: Slab<Entry<H::Conn>>,
    agenda: Agenda,
    mailbox: Arc<Mailbox<H::Mail>>,
    remote: Remote<H::Mail>,
    /// The one read buffer, shared by all connections: idle ones hold none.
    scratch: Box<[u8]>,
    /// Taken from the mailbox; kept for their capacity.
    commands: Vec<Command<H::Mail>>,
    sockets: Vec<Accepted>,
    /// Forwards to each other loop, waiting for room in its mailbox.
    onward: Vec<Vec<Command<H::Mail>>>,
    due: Vec<u32>,
    generation: u32,
    hearing: Option<Hearing>,
    /// A graceful stop is under way, and ends then.
    stop_at: Option<Instant>,
}

impl<H: Handler> SubReactor<H> {
    pub(crate) fn new(
        index: usize,
        poll: Poll,
        handler: H,
        config: Arc<Config>,
        remote: Remote<H::Mail>,
        mailbox: Arc<Mailbox<H::Mail>>,
        metrics: Metrics,
    ) -> Self {
        Self {
            poll,
            handler,
            entries: Slab::new(),
            scratch: vec![0; config.read_budget_bytes].into_boxed_slice(),
            agenda: Agenda::new(index, clock::read(), config, metrics),
            mailbox,
            commands: Vec::new(),
            sockets: Vec::new(),
            onward: std::iter::repeat_with(Vec::new).take(remote.loops()).collect(),
            remote,
            due: Vec::new(),
            generation: 0,
            hearing: None,
            stop_at: None,
        }
    }

    /// Turns until stopped. An error is one of poll itself, which no loop can live with.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(self.agenda.config.events_per_turn);
        loop {
            let woken = self.wait(&mut events)?;
            self.note(&events);
            match self.hearing {
                None if woken == Woken::Suspect => self.hear_all(&mut events)?,
                // What it led to was written at the end of the last turn.
                Some(Hearing { unserved: 0 }) => self.hearing = None,
                None | Some(_) => {}
            }
            self.take_mail();
            self.serve_ready();
            if self.hearing.is_none() {
                self.fire_deadlines();
            }
            self.handler.turn_end(self.agenda.now);
            self.forward();
            let relieved = self.flush_dirty();
            if self.bury_doomed() || relieved {
                // What the handler gathered from these calls must not wait for the next turn, which may be far away.
                self.handler.turn_end(self.agenda.now);
            }
            let counters = self.agenda.counters();
            counters.turns.add(1);
            counters.outbox_bytes.set(self.agenda.outboxes.bytes as u64);
            counters.outbox_weight_bytes.set(self.agenda.outboxes.weight as u64);
            counters.input_bytes.set(self.agenda.input_bytes as u64);
            if let Some(at) = self.stop_at
                && (self.entries.is_empty() || self.agenda.now >= at)
            {
                self.end();
                return Ok(());
            }
        }
    }

    /// Sleeps until something happens; not at all if something is left to do. Then reads the clock.
    fn wait(&mut self, events: &mut Events) -> io::Result<Woken> {
        let timeout = if self.is_blocked_onward() {
            Some(ONWARD_RETRY)
        } else if !self.agenda.is_idle() || self.hearing.is_some() || !self.mailbox.park() {
            Some(Duration::ZERO)
        } else {
            // The time of the last turn: a little early, so the timeout is a little long, well within a tick.
            let next = [self.agenda.wheel.next(), self.stop_at].into_iter().flatten().min();
            next.map(|at| at.saturating_duration_since(self.agenda.now))
        };
        let planned = timeout.map(|timeout| self.agenda.now + timeout);
        let outcome = self.poll.poll(events, timeout);
        self.mailbox.unpark();
        self.agenda.now = clock::read();
        match outcome {
            // A signal; the turn goes on without events.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                return Ok(Woken::Suspect);
            }
            outcome => outcome?,
        }
        let late = self.agenda.config.tick * LATE_TICKS;
        let is_late = planned.is_some_and(|at| self.agenda.now > at + late);
        Ok(if is_late { Woken::Suspect } else { Woken::InTime })
    }

    /// Asks for all events there are, and begins the hearing of whom they name.
    fn hear_all(&mut self, events: &mut Events) -> io::Result<()> {
        // Each connection has at most one event waiting; what happens during these calls need not be heard first.
        let polls = self.entries.len() / self.agenda.config.events_per_turn + 1;
        for _ in 0..polls {
            match self.poll.poll(events, Some(Duration::ZERO)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
                outcome => outcome?,
            }
            self.note(events);
            if events.iter().count() < self.agenda.config.events_per_turn {
                break;
            }
        }
        self.hearing = Some(Hearing { unserved: self.agenda.ready.len() });
        self.agenda.counters().hearings.add(1);
        Ok(())
    }

    fn note(&mut self, events: &Events) {
        for event in events {
            let bits = event.token().0 as u64;
            if bits == WAKER_BITS {
                continue; // It has done its work: poll returned.
            }
            if let Some(entry) = find(&mut self.entries, ConnId::from_bits(bits)) {
                entry.conn.note(event, &mut self.agenda);
            }
        }
    }

    fn take_mail(&mut self) {
        let mut commands = mem::take(&mut self.commands);
        let mut sockets = mem::take(&mut self.sockets);
        let stop = self.mailbox.take(&mut commands, &mut sockets);
        for (stream, peer) in sockets.drain(..) {
            self.open(stream, peer);
        }
        if !commands.is_empty() {
            self.agenda.counters().commands.add(commands.len() as u64);
        }
        for command in commands.drain(..) {
            self.carry_out(command);
        }
        self.commands = commands;
        self.sockets = sockets;
        if let Some(drain) = stop {
            self.begin_stop(drain);
        }
    }

    fn open(&mut self, mut stream: mio::net::TcpStream, peer: std::net::SocketAddr) {
        self.generation = self.generation.wrapping_add(1);
        let slot = self.entries.vacant_key();
        let id = ConnId::new(self.agenda.index, slot, self.generation);
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut stream, Token(id.to_bits() as usize), interest)
        {
            // epoll is out of watches or memory: the newcomer was never opened, so the handler need not know.
            log::warn!("cannot watch connection from {peer}: {error}");
            self.agenda.metrics().0.accept.connections.fetch_sub(1, Relaxed);
            return;
        }
        let mut conn = Connection::new(id, stream, peer, self.agenda.config.read_budget_bytes as u32);
        let mut state = self.handler.open(&mut Link::new(&mut conn, &mut self.agenda));
        if self.stop_at.is_some() && conn.phase.is_open() {
            self.handler.drain(&mut Link::new(&mut conn, &mut self.agenda), &mut state);
        }
        self.entries.insert(Entry { conn, state });
        self.agenda.counters().opened.add(1);
    }

    fn carry_out(&mut self, command: Command<H::Mail>) {
        match command {
            Command::Send { to, chunk } => self.deliver(to, chunk),
            Command::SendMany { to, chunk } => {
                for &to in to.iter() {
                    self.deliver(to, chunk.clone());
                }
            }
            Command::Mail { to, mail } => match find_open(&mut self.entries, to) {
                Some(Entry { conn, state }) => {
                    self.handler.mail(&mut Link::new(conn, &mut self.agenda), state, mail);
                }
                None => self.agenda.counters().stale_commands.add_shared(1),
            },
            Command::Close { to, last, reason } => match find_open(&mut self.entries, to) {
                Some(Entry { conn, .. }) => {
                    if let Some(last) = last {
                        conn.push(last, &mut self.agenda);
                    }
                    conn.close_after_flush(reason, &mut self.agenda);
                }
                None => self.agenda.counters().stale_commands.add_shared(1),
            },
        }
    }

    fn deliver(&mut self, to: ConnId, chunk: Bytes) {
        match find_open(&mut self.entries, to) {
            Some(entry) => entry.conn.push(chunk, &mut self.agenda),
            None => self.agenda.counters().stale_commands.add_shared(1),
        }
    }

    /// Gives the ready connections one budget of reading each, in order, until the turn's own is used up: the others stay
    /// in front for the next turn. Those with more to read put themselves at the end, so nobody waits for ever. Nobody
    /// is read from while forwards to another loop wait: what is read would only make more of them.
    fn serve_ready(&mut self) {
        if self.is_blocked_onward() {
            return;
        }
        self.agenda.turn_bytes = 0;
        for _ in 0..self.agenda.ready.len() {
            if self.agenda.turn_bytes >= self.agenda.config.turn_budget_bytes {
                break;
            }
            let Some(id) = self.agenda.ready.pop_front() else { break };
            self.serve(id);
            if let Some(hearing) = &mut self.hearing {
                hearing.unserved = hearing.unserved.saturating_sub(1);
            }
        }
    }

    fn serve(&mut self, id: ConnId) {
        let Some(entry) = find(&mut self.entries, id) else { return };
        entry.conn.unmark_ready();
        if let Phase::Lingering(_) = entry.conn.phase {
            entry.conn.discard_input(&mut self.scratch, &mut self.agenda);
            return;
        }
        if entry.conn.wants_input() && mem::take(&mut entry.conn.offer_kept) && !entry.conn.input.is_empty() {
            let kept = entry.conn.input.len();
            offer_grown(&mut self.handler, entry, &mut self.agenda);
            entry.conn.charge_input(&mut self.agenda);
            // Kept input counts when it is at last consumed by itself: the handler's work for it is done now.
            self.agenda.turn_bytes += kept.saturating_sub(entry.conn.input.len());
        }
        if entry.conn.wants_input() && entry.conn.may_read() {
            self.read(id);
        }
    }

    /// One read, and the handler's answer to it.
    fn read(&mut self, id: ConnId) {
        let Some(entry) = find(&mut self.entries, id) else { return };
        let Entry { conn, state } = entry;
        let kept = conn.input.len();
        let fits = kept <= conn.read_budget as usize / KEPT_IN_SCRATCH_PART;
        let front = if fits { kept } else { 0 };
        self.scratch[..front].copy_from_slice(&conn.input.bytes()[..front]);

        match conn.read(&mut self.scratch[front..], &mut self.agenda) {
            Arrived::Bytes(n) if fits => {
                let input = &self.scratch[..front + n];
                let consumed = self.handler.data(&mut Link::new(conn, &mut self.agenda), state, input);
                let rest = &input[checked(consumed, input)..];
                if conn.phase.is_open() && (kept > 0 || !rest.is_empty()) {
                    conn.input.replace(rest);
                }
            }
            Arrived::Bytes(n) => {
                conn.input.append(&self.scratch[..n]);
                offer_grown(&mut self.handler, entry, &mut self.agenda);
            }
            Arrived::Eof => self.handler.eof(&mut Link::new(conn, &mut self.agenda), state),
            Arrived::Nothing | Arrived::Failed => return,
        }

        let conn = &mut entry.conn;
        conn.charge_input(&mut self.agenda);
        let kept = conn.input.len();
        let in_crowd = kept > INPUT_CROWDED_BYTES && self.agenda.input_is_crowded();
        if conn.phase.is_open() && (in_crowd || kept > self.agenda.config.input_bytes_max) {
            self.agenda.counters().input_overflows.add(1);
            self.agenda.counters().input_crowd_closes.add(u64::from(in_crowd));
            conn.abort(CloseReason::InputOverflow, &mut self.agenda);
        }
        conn.read_on(&mut self.agenda);
    }

    fn fire_deadlines(&mut self) {
        let mut due = mem::take(&mut self.due);
        self.agenda.wheel.expire(self.agenda.now, &mut due);
        for slot in due.drain(..) {
            self.fire(slot);
        }
        self.due = due;
    }

    /// A slot's wheel entry came up: for its present connection, since a buried one leaves no entry.
    fn fire(&mut self, slot: u32) {
        let Some(Entry { conn, state }) = self.entries.get_mut(slot as usize) else { return };
        let now = self.agenda.now;
        if conn.phase.is_open() && conn.deadline.is_some_and(|at| at <= now) {
            conn.deadline = None;
            self.handler.deadline(&mut Link::new(conn, &mut self.agenda), state);
        }
        let mut too_slow = None;
        if conn.io_deadline.is_some_and(|at| at <= now) {
            too_slow = conn.io_deadline_passed(&mut self.agenda);
        }
        // The wheel's entry may have been for a time that has moved since.
        let handlers = conn.deadline.filter(|_| conn.phase.is_open());
        if let Some(at) = [handlers, conn.io_deadline].into_iter().flatten().min() {
            self.agenda.wheel.arm(slot, at);
        }
        if let Some(reason) = too_slow {
            let id = conn.id;
            self.cut(id, reason);
        }
    }

    /// Sends this turn's forwards on their way: into outboxes here, into mailboxes there.
    fn forward(&mut self) {
        let mut forwards = mem::take(&mut self.agenda.forwards);
        for (to, chunk) in forwards.drain(..) {
            if to.loop_index() == self.agenda.index {
                self.deliver(to, chunk);
            } else if let Some(batch) = self.onward.get_mut(to.loop_index()) {
                batch.push(Command::Send { to, chunk });
            } else {
                self.agenda.counters().stale_commands.add_shared(1);
            }
        }
        self.agenda.forwards = forwards;
        for (index, batch) in self.onward.iter_mut().enumerate() {
            // A full mailbox leaves the rest here; `wait` and `serve_ready` see it.
            let _ = self.remote.try_post(index, batch);
        }
    }

    fn is_blocked_onward(&self) -> bool {
        self.onward.iter().any(|batch| !batch.is_empty())
    }

    /// One gathered write for each connection that got something to send, or can send again. Tells whether a handler
    /// heard that a connection was relieved.
    fn flush_dirty(&mut self) -> bool {
        let mut relieved = false;
        let mut dirty = mem::take(&mut self.agenda.dirty);
        for id in dirty.drain(..) {
            let Some(entry) = find(&mut self.entries, id) else { continue };
            match entry.conn.flush(&mut self.agenda) {
                Pace::Fine => {}
                Pace::Relieved => {
                    relieved = true;
                    // What is sent here leaves in the next turn, which follows at once: the connection is ready.
                    self.handler
                        .relieved(&mut Link::new(&mut entry.conn, &mut self.agenda), &mut entry.state);
                }
                Pace::TooSlow(reason) => self.cut(id, reason),
            }
        }
        if self.agenda.dirty.is_empty() {
            self.agenda.dirty = dirty;
        }
        self.cut_hoarders();
        relieved
    }

    /// Brings the outboxes back within this loop's share, at the cost of those who hold most of it and take least.
    fn cut_hoarders(&mut self) {
        if self.agenda.hoarders.is_empty() {
            return;
        }
        let mut hoarders = mem::take(&mut self.agenda.hoarders);
        hoarders.sort_unstable_by_key(|&(weight, _)| Reverse(weight));
        for (_, id) in hoarders {
            // Those flushed since may have made room enough.
            if !self.agenda.outboxes_are_crowded() {
                return;
            }
            self.agenda.counters().outbox_crowd_cuts.add(1);
            self.cut(id, CloseReason::SlowReader);
        }
    }

    fn cut(&mut self, id: ConnId, reason: CloseReason) {
        let Some(Entry { conn, state }) = find(&mut self.entries, id) else { return };
        match reason {
            CloseReason::WriteStall => self.agenda.counters().write_stalls.add(1),
            _ => self.agenda.counters().slow_readers_cut.add(1),
        }
        let farewell = self.handler.slow_reader_farewell(id, state, reason);
        conn.cut(farewell, reason, &mut self.agenda);
    }

    /// Tells whether anybody was buried.
    fn bury_doomed(&mut self) -> bool {
        let mut doomed = mem::take(&mut self.agenda.doomed);
        let any = !doomed.is_empty();
        for id in doomed.drain(..) {
            self.bury(id);
        }
        self.agenda.doomed = doomed;
        any
    }

    fn bury(&mut self, id: ConnId) {
        if find(&mut self.entries, id).is_none() {
            return;
        }
        let Entry { conn, state } = self.entries.remove(id.slot());
        let Phase::Dead(reason) = conn.phase else { unreachable!("only the dead are doomed") };
        conn.bury(&mut self.agenda);
        self.agenda.counters().closed.add(1);
        self.agenda.metrics().0.accept.connections.fetch_sub(1, Relaxed);
        self.handler.closed(id, state, reason);
    }

    fn begin_stop(&mut self, drain: Duration) {
        let at = self.agenda.now + drain;
        let first = self.stop_at.is_none();
        self.stop_at = Some(self.stop_at.map_or(at, |earlier| earlier.min(at)));
        if !first {
            return;
        }
        for (_, Entry { conn, state }) in &mut self.entries {
            if conn.phase.is_open() {
                self.handler.drain(&mut Link::new(conn, &mut self.agenda), state);
            }
        }
    }

    /// The stop's time is over, or nobody is left.
    fn end(&mut self) {
        for (_, Entry { conn, .. }) in &mut self.entries {
            conn.die(&mut self.agenda, CloseReason::Stopping);
        }
        self.bury_doomed();
        self.handler.turn_end(self.agenda.now);
        let counters = self.agenda.counters();
        counters.outbox_bytes.set(0);
        counters.outbox_weight_bytes.set(0);
        counters.input_bytes.set(0);
    }
}

/// The living connection of that name, if it is not a former owner of the slot who is meant.
fn find<C>(entries: &mut Slab<Entry<C>>, id: ConnId) -> Option<&mut Entry<C>> {
    entries.get_mut(id.slot()).filter(|entry| entry.conn.id == id)
}

/// Like `find`, but only while it is served.
fn find_open<C>(entries: &mut Slab<Entry<C>>, id: ConnId) -> Option<&mut Entry<C>> {
    find(entries, id).filter(|entry| entry.conn.phase.is_open())
}

/// Offers all kept input where it lies.
fn offer_grown<H: Handler>(handler: &mut H, entry: &mut Entry<H::Conn>, agenda: &mut Agenda) {
    let Entry { conn, state } = entry;
    let mut input = mem::take(&mut conn.input);
    let consumed = handler.data(&mut Link::new(conn, agenda), state, input.bytes());
    input.consume(checked(consumed, input.bytes()));
    if conn.phase.is_open() {
        conn.input = input;
    }
}

/// A handler that claims to have consumed more than it was offered has a bug; it must not become the loop's.
fn checked(consumed: usize, input: &[u8]) -> usize {
    debug_assert!(consumed <= input.len(), "the handler consumed {consumed} of {} bytes", input.len());
    consumed.min(input.len())
}
