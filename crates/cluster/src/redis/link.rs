//! The subscriber's connection: a socket that never waits, with what is half read and half written.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::time::Instant;

use domain::Timestamp;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use redis::{Parser, Value};

use super::wire::WireError;

/// The socket's name in the subscriber's loop.
pub(super) const SOCKET: Token = Token(0);

/// A connection.
pub(super) struct Link {
    pub(super) stream: TcpStream,
    pub(super) parser: Parser,
    /// The parser may have more to give.
    pub(super) unread: bool,
    /// The socket may have more to give: mio says it once, so it is remembered until a read falls short.
    pub(super) readable: bool,
    /// The other side will send nothing more: a short read is not the last.
    pub(super) hung_up: bool,
    pub(super) writable: bool,
    /// The socket is watched for room to write. Only while something waits for it: each confirmation of what was sent is room,
    /// and would wake this thread for nothing.
    pub(super) asks_for_room: bool,
    /// Bytes that came since the last whole message.
    pub(super) unfinished: usize,
    pub(super) output: Vec<u8>,
    pub(super) written: usize,
    /// Pings without an answer: when they were written, by both clocks.
    pub(super) pings: VecDeque<(Instant, Timestamp)>,
    pub(super) next_ping: Instant,
    /// When anything came last.
    pub(super) last_heard: Instant,
}

impl Link {
    pub(super) fn new(stream: TcpStream, parser: Parser, now: Instant) -> Link {
        Link {
            stream,
            parser,
            unread: true,
            readable: true,
            hung_up: false,
            writable: true,
            asks_for_room: false,
            unfinished: 0,
            output: Vec::new(),
            written: 0,
            pings: VecDeque::new(),
            next_ping: now,
            last_heard: now,
        }
    }

    /// The next thing that Redis said; `None` if the rest is still on its way.
    pub(super) fn next_value(&mut self, now: Instant, bytes_max: usize) -> Result<Option<Value>, WireError> {
        let Link { stream, parser, readable, hung_up, unfinished, .. } = self;
        let reader = Arriving { stream, readable, hung_up: *hung_up, unfinished, bytes_max };
        match parser.parse_value(reader) {
            Ok(value) => {
                self.unfinished = 0;
                self.last_heard = now;
                Ok(Some(value))
            }
            Err(error) if error.is_timeout() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Has the socket watched for room if something waits for it, and not otherwise.
    pub(super) fn ask_for_room(&mut self, registry: &Registry) -> io::Result<()> {
        let asks = self.written < self.output.len();
        if asks != self.asks_for_room {
            let interest = match asks {
                true => Interest::READABLE | Interest::WRITABLE,
                false => Interest::READABLE,
            };
            // What is ready by now is told again.
            registry.reregister(&mut self.stream, SOCKET, interest)?;
            self.asks_for_room = asks;
        }
        Ok(())
    }

    /// Writes what waits; whether all went out.
    pub(super) fn flush(&mut self) -> Result<bool, WireError> {
        while self.writable && self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(0) => return Err(WireError::Lost("the socket takes nothing".to_owned())),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.written < self.output.len() {
            return Ok(false);
        }
        self.output.clear();
        self.written = 0;
        Ok(true)
    }
}

/// Reads from a socket that never waits, and not without bound for one message.
struct Arriving<'a> {
    stream: &'a mut TcpStream,
    readable: &'a mut bool,
    hung_up: bool,
    unfinished: &'a mut usize,
    bytes_max: usize,
}

impl Read for Arriving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if *self.unfinished > self.bytes_max {
            return Err(io::Error::other("a message is longer than the limit"));
        }
        if !*self.readable {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        match self.stream.read(buffer) {
            Ok(length) => {
                *self.unfinished += length;
                // Nothing more is there, and an event will say when there is: a system call saved.
                *self.readable = length == 0 || length == buffer.len() || self.hung_up;
                Ok(length)
            }
            Err(error) => {
                *self.readable = error.kind() == io::ErrorKind::Interrupted;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use mio::event::Event;
    use mio::{Events, Poll};

    use super::super::clock;
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);
    /// Far more than a socket takes at once.
    const MUCH: usize = 32 << 20;

    /// The events until one of them satisfies.
    fn events_until(poll: &mut Poll, wanted: fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Events::with_capacity(8);
        let mut seen = Vec::new();
        let deadline = clock::read() + LIMIT;
        while !seen.iter().any(wanted) {
            assert!(clock::read() < deadline, "{seen:?}");
            poll.poll(&mut events, Some(LIMIT)).unwrap();
            seen.extend(events.iter().cloned());
        }
        seen
    }

    #[test]
    fn room_is_asked_for_while_something_waits_and_wakes_nobody_afterwards() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        stream.set_nonblocking(true).unwrap();
        let (mut other, _) = listener.accept().unwrap();
        other.set_read_timeout(Some(LIMIT)).unwrap();
        let mut poll = Poll::new().unwrap();
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, SOCKET, Interest::READABLE).unwrap();
        let mut link = Link::new(stream, Parser::new(), clock::read());
        link.output = vec![7; MUCH];
        assert!(!link.flush().unwrap(), "the socket takes it all at once");
        link.ask_for_room(poll.registry()).unwrap();
        let reader = thread::spawn(move || {
            other.read_exact(&mut vec![0; MUCH]).unwrap();
            other
        });
        while !link.flush().unwrap() {
            link.ask_for_room(poll.registry()).unwrap();
            events_until(&mut poll, |event| event.is_writable());
            link.writable = true;
        }
        link.ask_for_room(poll.registry()).unwrap();
        let mut other = reader.join().unwrap();
        // What was taken meanwhile is confirmed with this at the latest.
        other.write_all(b"+PONG\r\n").unwrap();
        let seen = events_until(&mut poll, |event| event.is_readable());
        assert!(seen.iter().all(|event| !event.is_writable()), "{seen:?}");
    }
}
