//! The sockets of the load, and what waits to be written to each.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
};

use mio::{Interest, Registry, Token, net::TcpStream};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};

use crate::error::BenchError;

/// Source addresses that short connections take in turn: a port that was just used is blocked for a minute, and one
/// address has 28,000.
const SOURCES: u32 = 64;

/// One connection of the load. An idle one holds no buffer.
pub(super) struct Line {
    pub(super) stream: Option<TcpStream>,
    /// The unfinished frame at the end of the last read.
    pub(super) held: Vec<u8>,
    out: Vec<u8>,
    written: usize,
    writable: bool,
    dirty: bool,
    /// Whether anything was sent since the last heartbeat sweep.
    pub(super) spoke: bool,
}

/// All connections of the load, named by index.
pub(crate) struct Lines {
    pub(super) all: Vec<Line>,
    dirty: Vec<usize>,
    registry: Registry,
    connected: u32,
}

impl Lines {
    pub(super) fn new(registry: Registry) -> Lines {
        Lines { all: Vec::new(), dirty: Vec::new(), registry, connected: 0 }
    }

    /// Adds a connected socket. Its index is the number of those added before.
    pub(crate) fn add(&mut self, stream: std::net::TcpStream) -> Result<usize, BenchError> {
        stream.set_nonblocking(true).map_err(BenchError::io("non-blocking"))?;
        stream.set_nodelay(true).map_err(BenchError::io("TCP_NODELAY"))?;
        let index = self.add_empty();
        self.put(index, TcpStream::from_std(stream))?;
        Ok(index)
    }

    /// Adds a place for a connection.
    pub(crate) fn add_empty(&mut self) -> usize {
        self.all.push(Line {
            stream: None,
            held: Vec::new(),
            out: Vec::new(),
            written: 0,
            writable: true,
            dirty: false,
            spoke: false,
        });
        self.all.len() - 1
    }

    /// Begins to connect a place that has no connection; what is written meanwhile waits.
    pub(crate) fn connect(&mut self, index: usize, to: SocketAddr) -> Result<(), BenchError> {
        self.connected = self.connected.wrapping_add(1);
        let stream = match to {
            SocketAddr::V4(to) if to.ip().is_loopback() => {
                let source = Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + self.connected % SOURCES);
                connect_from(source, to)
            }
            to => TcpStream::connect(to),
        };
        let stream = stream.map_err(BenchError::io("connect"))?;
        stream.set_nodelay(true).map_err(BenchError::io("TCP_NODELAY"))?;
        self.put(index, stream)
    }

    /// Closes a connection; its place can be used again.
    pub(crate) fn close(&mut self, index: usize) {
        let line = &mut self.all[index];
        line.stream = None;
        line.held.clear();
        line.out.clear();
        line.written = 0;
    }

    /// Where to append what is to be sent in this turn.
    pub(crate) fn out(&mut self, index: usize) -> &mut Vec<u8> {
        let line = &mut self.all[index];
        line.spoke = true;
        if !line.dirty {
            line.dirty = true;
            self.dirty.push(index);
        }
        &mut line.out
    }

    /// The socket takes bytes again.
    pub(super) fn note_writable(&mut self, index: usize) {
        let line = &mut self.all[index];
        line.writable = true;
        if !line.out.is_empty() && !line.dirty {
            line.dirty = true;
            self.dirty.push(index);
        }
    }

    /// Writes what waits, one gathered write a line.
    pub(super) fn flush(&mut self) -> Result<(), BenchError> {
        let mut dirty = std::mem::take(&mut self.dirty);
        for index in dirty.drain(..) {
            let line = &mut self.all[index];
            line.dirty = false;
            line.flush().map_err(BenchError::io("write"))?;
        }
        self.dirty = dirty;
        Ok(())
    }

    fn put(&mut self, index: usize, mut stream: TcpStream) -> Result<(), BenchError> {
        self.registry
            .register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)
            .map_err(BenchError::io("epoll"))?;
        let line = &mut self.all[index];
        line.stream = Some(stream);
        line.writable = true;
        Ok(())
    }
}

impl Line {
    fn flush(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        while self.writable && self.written < self.out.len() {
            match stream.write(&self.out[self.written..]) {
                Ok(n) => self.written += n,
                Err(error) => match error.kind() {
                    // Not connected: the connecting is still under way, and its end is an event.
                    io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected => self.writable = false,
                    io::ErrorKind::Interrupted => {}
                    // The end of the connection is found, and judged, by reading.
                    io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionRefused => {
                        self.written = self.out.len();
                    }
                    _ => return Err(error),
                },
            }
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
        Ok(())
    }
}

/// Begins to connect from a source address of our choice.
fn connect_from(source: Ipv4Addr, to: SocketAddrV4) -> io::Result<TcpStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    // TIME_WAIT of an earlier connection to somewhere else must not make the port unusable.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &SocketAddrV4::new(source, 0))?;
    match connect(&socket, &to) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(TcpStream::from_std(socket.into())),
        Err(error) => Err(error.into()),
    }
}
