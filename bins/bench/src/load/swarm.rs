//! The load's event loop: one thread, one epoll, one read buffer.

use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use mio::{Events, Poll};
use protocol::{Flags, Frame, Incoming, MsgId, Ping, Push, Request, encode, limits};

use super::lines::Lines;
use crate::error::BenchError;

/// Events taken per turn.
const EVENTS_PER_TURN: usize = 1024;

/// The read buffer shared by all connections. Also the longest frame that can be received.
const READ_BYTES: usize = 256 * 1024;

/// The request id of heartbeats; no scenario uses it.
const PING_RID: u32 = u32::MAX;

/// What the connections of a swarm say, and what they make of the answers.
pub(crate) trait Scenario {
    /// Called at the start of each turn: the place to send what is due. Returns when to be called again at the latest.
    fn tick(&mut self, now_ns: u64, lines: &mut Lines) -> Result<Option<u64>, BenchError>;

    /// A frame arrived; heartbeats are not shown.
    fn frame(
        &mut self,
        index: usize,
        frame: &Frame<'_>,
        now_ns: u64,
        lines: &mut Lines,
    ) -> Result<(), BenchError>;

    /// The server closed a connection, or never took it; `why` is what it said. Nothing is left of it in `lines`.
    fn closed(
        &mut self,
        index: usize,
        why: String,
        _now_ns: u64,
        _lines: &mut Lines,
    ) -> Result<(), BenchError> {
        Err(BenchError::Closed { index, why })
    }
}

/// The connections, and the loop that serves them.
pub(crate) struct Swarm {
    poll: Poll,
    events: Events,
    lines: Lines,
    scratch: Vec<u8>,
    started: Instant,
    heartbeat: Option<Heartbeat>,
}

/// Keeps quiet connections alive.
struct Heartbeat {
    every_ns: u64,
    next_ns: u64,
    frame: BytesMut,
}

impl Swarm {
    /// A swarm without connections. `heartbeat_ms` is what the server's HELLO asked for; `None` sends none.
    pub(crate) fn new(heartbeat_ms: Option<u64>) -> Result<Swarm, BenchError> {
        let poll = Poll::new().map_err(BenchError::io("epoll"))?;
        let registry = poll.registry().try_clone().map_err(BenchError::io("epoll"))?;
        let heartbeat = heartbeat_ms.map(|ms| {
            // Twice per interval: a sweep comes late if the load is busy.
            let every_ns = ms * 1_000_000 / 2;
            let mut frame = BytesMut::new();
            encode::request(PING_RID, &Request::Ping(Ping {}), &mut frame);
            Heartbeat { every_ns, next_ns: every_ns, frame }
        });
        Ok(Swarm {
            poll,
            events: Events::with_capacity(EVENTS_PER_TURN),
            lines: Lines::new(registry),
            scratch: vec![0; READ_BYTES],
            started: Instant::now(),
            heartbeat,
        })
    }

    pub(crate) fn lines(&mut self) -> &mut Lines {
        &mut self.lines
    }

    /// Nanoseconds since the swarm was made.
    pub(crate) fn now_ns(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    /// Turns until `done` says so, or `within` has passed; tells whether it was done.
    pub(crate) fn run_until<S: Scenario>(
        &mut self,
        scenario: &mut S,
        within: Duration,
        mut done: impl FnMut(&S) -> bool,
    ) -> Result<bool, BenchError> {
        let end_ns = self.now_ns() + within.as_nanos() as u64;
        loop {
            if done(scenario) {
                return Ok(true);
            }
            if self.now_ns() >= end_ns {
                return Ok(false);
            }
            self.turn(scenario, end_ns)?;
        }
    }

    /// Sends what is due, waits for events until `until_ns` at the latest, and serves them.
    fn turn<S: Scenario>(&mut self, scenario: &mut S, until_ns: u64) -> Result<(), BenchError> {
        let now_ns = self.now_ns();
        let mut wake_ns = scenario.tick(now_ns, &mut self.lines)?.unwrap_or(u64::MAX).min(until_ns);
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.sweep(now_ns, &mut self.lines);
            wake_ns = wake_ns.min(heartbeat.next_ns);
        }
        self.lines.flush()?;

        let wait = Duration::from_nanos(wake_ns.saturating_sub(self.now_ns()));
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other.map_err(BenchError::io("epoll"))?,
        }
        let Swarm { events, lines, scratch, started, .. } = self;
        for event in events.iter() {
            let index = event.token().0;
            if event.is_writable() {
                lines.note_writable(index);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                // The clock is read for each connection: what waited behind others in this turn did wait.
                read(index, lines, scratch, started, scenario)?;
            }
        }
        Ok(())
    }
}

impl Heartbeat {
    fn sweep(&mut self, now_ns: u64, lines: &mut Lines) {
        if now_ns < self.next_ns {
            return;
        }
        self.next_ns = now_ns + self.every_ns;
        for index in 0..lines.all.len() {
            let line = &lines.all[index];
            if !line.spoke && line.stream.is_some() {
                lines.out(index).extend_from_slice(&self.frame);
            }
            lines.all[index].spoke = false;
        }
    }
}

/// Reads a connection until it has no more, and shows each frame to the scenario.
fn read<S: Scenario>(
    index: usize,
    lines: &mut Lines,
    scratch: &mut [u8],
    started: &Instant,
    scenario: &mut S,
) -> Result<(), BenchError> {
    loop {
        let line = &mut lines.all[index];
        let Some(stream) = &mut line.stream else { return Ok(()) };
        let held = line.held.len();
        if held == scratch.len() {
            return Err(BenchError::Unexpected {
                request: "anything",
                got: "a frame that is too long".into(),
            });
        }
        scratch[..held].copy_from_slice(&line.held);
        let (count, full) = match stream.read(&mut scratch[held..]) {
            Ok(0) => return lose(index, String::new(), lines, started, scenario),
            Ok(n) => (held + n, held + n == scratch.len()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return lose(index, error.to_string(), lines, started, scenario),
        };
        // The clock's origin is the swarm's start.
        let now_ns = started.elapsed().as_nanos() as u64;
        let mut rest = &scratch[..count];
        while let Some((frame, used)) = protocol::decode(rest, limits::FRAME_BYTES_MAX)? {
            rest = &rest[used..];
            match heard(index, &frame, lines)? {
                Heard::Heartbeat => {}
                Heard::Farewell(why) => return lose(index, why, lines, started, scenario),
                Heard::Frame => scenario.frame(index, &frame, now_ns, lines)?,
            }
        }
        let line = &mut lines.all[index];
        if line.stream.is_none() {
            // The scenario closed it; what came after belongs to nobody.
            return Ok(());
        }
        if rest.is_empty() {
            line.held = Vec::new();
        } else {
            line.held.clear();
            line.held.extend_from_slice(rest);
        }
        // A short read has emptied the socket (man 7 epoll).
        if !full {
            return Ok(());
        }
    }
}

/// Forgets a connection that has ended, and tells the scenario.
fn lose<S: Scenario>(
    index: usize,
    why: String,
    lines: &mut Lines,
    started: &Instant,
    scenario: &mut S,
) -> Result<(), BenchError> {
    lines.close(index);
    scenario.closed(index, why, started.elapsed().as_nanos() as u64, lines)
}

/// What a frame is to the connection.
enum Heard {
    Heartbeat,
    /// The server's BYE: why it closes.
    Farewell(String),
    /// One for the scenario.
    Frame,
}

/// Takes what concerns the connection only: heartbeats and the server's farewell.
fn heard(index: usize, frame: &Frame<'_>, lines: &mut Lines) -> Result<Heard, BenchError> {
    let msgid = frame.header.msgid;
    if msgid == u16::from(MsgId::Ping) {
        if frame.header.flags == Flags::PUSH {
            let mut ping = BytesMut::new();
            encode::request(PING_RID, &Request::Ping(Ping {}), &mut ping);
            lines.out(index).extend_from_slice(&ping);
        }
        return Ok(Heard::Heartbeat);
    }
    if msgid == u16::from(MsgId::Bye) && frame.header.flags == Flags::PUSH {
        let why = match Incoming::from_frame(frame)? {
            Incoming::Push(Push::Bye(bye)) => format!("{} ({})", bye.errmsg, bye.errcode),
            other => format!("{other:?}"),
        };
        return Ok(Heard::Farewell(why));
    }
    Ok(Heard::Frame)
}
