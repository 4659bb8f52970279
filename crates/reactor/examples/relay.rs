//! A bare relay, and a load for it: what a message costs on this reactor when nothing is parsed and nothing stored.
//!
//! ```text
//! cargo run --release --example relay -- bench --pairs 50 --window 16 --size 100 --seconds 5 --loops 1
//! cargo run --release --example relay -- serve 127.0.0.1:7008
//! ```
//!
//! Frames are a big-endian u32 length and that many bytes. The first frame of a connection names its room; the two
//! connections of a room get each other's frames. `bench` starts the relay in a process of its own, so that its CPU
//! time can be told from the load's.

#![allow(clippy::disallowed_methods, reason = "a load generator measures time")]

use std::{
    collections::HashMap,
    env,
    error::Error,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream as StdTcpStream},
    process::{self, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use mio::{Events, Interest, Poll, Token, net::TcpStream};
use reactor::{CloseReason, Config, ConnId, Handler, Link, Reactor, Remote};

const HEADER: usize = 4;
const FRAME_BYTES_MAX: usize = 1 << 20;

// ---- the relay ------------------------------------------------------------------------------------------------

/// Rooms with one connection in them. Locked once per connection, never per message.
type Rooms = Arc<Mutex<HashMap<Vec<u8>, ConnId>>>;

struct Relay {
    rooms: Rooms,
    remote: Remote<Paired>,
}

/// The other one has come.
struct Paired(ConnId);

enum Seat {
    /// The room is not yet named.
    New,
    /// Alone in the room; not read from, so that nothing is lost.
    Alone(Vec<u8>),
    With(ConnId),
}

impl Relay {
    /// Takes a seat in the room, and tells the one who waits there.
    fn seat(&self, conn: &mut Link<'_>, room: &[u8]) -> Seat {
        let Ok(mut rooms) = self.rooms.lock() else { return Seat::New };
        match rooms.remove(room) {
            Some(peer) => {
                let mut mail = vec![reactor::Command::Mail { to: peer, mail: Paired(conn.id()) }];
                // A handler may not wait; with one mail per pair the mailbox is never full here.
                if self.remote.try_post(peer.loop_index(), &mut mail).is_err() {
                    conn.abort(CloseReason::Handler("cannot reach the other one"));
                }
                Seat::With(peer)
            }
            None => {
                rooms.insert(room.to_vec(), conn.id());
                conn.pause_reading();
                Seat::Alone(room.to_vec())
            }
        }
    }
}

impl Handler for Relay {
    type Conn = Seat;
    type Mail = Paired;

    fn open(&mut self, _: &mut Link<'_>) -> Seat {
        Seat::New
    }

    fn data(&mut self, conn: &mut Link<'_>, seat: &mut Seat, input: &[u8]) -> usize {
        let mut start = 0;
        if let Seat::New = seat {
            let Some(length) = frame_length(conn, input) else { return 0 };
            *seat = self.seat(conn, &input[HEADER..length]);
            start = length;
        }
        let Seat::With(peer) = *seat else { return start };
        let mut end = start;
        while let Some(length) = frame_length(conn, &input[end..]) {
            end += length;
        }
        if end > start {
            // All whole frames of this read travel as one chunk: one allocation for many messages.
            conn.send_to(peer, Bytes::copy_from_slice(&input[start..end]));
        }
        end
    }

    fn mail(&mut self, conn: &mut Link<'_>, seat: &mut Seat, Paired(peer): Paired) {
        *seat = Seat::With(peer);
        conn.resume_reading();
    }

    fn closed(&mut self, _: ConnId, seat: Seat, _: CloseReason) {
        if let (Seat::Alone(room), Ok(mut rooms)) = (seat, self.rooms.lock()) {
            rooms.remove(&room);
        }
    }
}

/// The first frame's length with its header, if it is there whole.
fn frame_length(conn: &mut Link<'_>, input: &[u8]) -> Option<usize> {
    let header = input.first_chunk::<HEADER>()?;
    let length = u32::from_be_bytes(*header) as usize;
    if length > FRAME_BYTES_MAX {
        conn.abort(CloseReason::Handler("frame too long"));
        return None;
    }
    (input.len() >= HEADER + length).then_some(HEADER + length)
}

fn serve(addr: SocketAddr, loops: usize) -> Result<(), Box<dyn Error>> {
    let listener = reactor::listen(addr, 1024)?;
    println!("{}", listener.local_addr()?);
    let rooms = Rooms::default();
    let config = Config { io_threads: loops, ..Config::default() };
    let running =
        Reactor::start(vec![listener], config, |info| Relay { rooms: rooms.clone(), remote: info.remote })?;
    running.stop_on_signals(Duration::from_secs(1).into())?;
    let metrics = running.metrics();
    running.join()?;
    println!("{:#?}", metrics.snapshot());
    Ok(())
}

// ---- the load -------------------------------------------------------------------------------------------------

/// One pair: frames go from `sender` to `receiver`, at most `window` under way.
struct Pair {
    sender: TcpStream,
    receiver: TcpStream,
    /// Bytes of frames not yet taken by the sender's socket.
    unsent: usize,
    /// Bytes received and not yet a whole frame.
    partial: usize,
}

struct Load {
    pairs: usize,
    window: usize,
    size: usize,
    seconds: u64,
    loops: usize,
}

fn bench(load: &Load) -> Result<(), Box<dyn Error>> {
    let loops = load.loops.to_string();
    let mut relay = process::Command::new(env::current_exe()?)
        .args(["serve", "127.0.0.1:0", "--loops", &loops])
        .stdout(Stdio::piped())
        .spawn()?;
    let outcome = drive(load, &mut relay);
    // By the id of our own child.
    process::Command::new("kill").arg(relay.id().to_string()).status()?;
    let mut rest = String::new();
    if let Some(mut out) = relay.stdout.take() {
        out.read_to_string(&mut rest)?;
    }
    relay.wait()?;
    print!("{rest}");
    outcome
}

fn drive(load: &Load, relay: &mut process::Child) -> Result<(), Box<dyn Error>> {
    let mut first = String::new();
    let out = relay.stdout.as_mut().ok_or("no output")?;
    BufReader::with_capacity(1, out).read_line(&mut first)?;
    let addr: SocketAddr = first.trim().parse()?;

    let frame_bytes = HEADER + load.size;
    let mut frame = (load.size as u32).to_be_bytes().to_vec();
    frame.resize(frame_bytes, b'x');
    let frames = frame.repeat(load.window + 1);

    let mut poll = Poll::new()?;
    let mut pairs = Vec::new();
    for room in 0..load.pairs {
        let join = |token: usize| -> io::Result<TcpStream> {
            let mut stream = StdTcpStream::connect(addr)?;
            stream.set_nodelay(true)?;
            let name = (room as u64).to_be_bytes();
            stream.write_all(&[&(name.len() as u32).to_be_bytes()[..], &name].concat())?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(token), interest)?;
            Ok(stream)
        };
        let (sender, receiver) = (join(room * 2)?, join(room * 2 + 1)?);
        pairs.push(Pair { sender, receiver, unsent: load.window * frame_bytes, partial: 0 });
    }

    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 64 * 1024];
    let mut delivered = 0u64;
    let warm_up = Duration::from_millis(500);
    let begin = Instant::now();
    let mut measured = None;
    for pair in &mut pairs {
        pair.pump(&frames, frame_bytes)?;
    }
    loop {
        poll.poll(&mut events, Some(Duration::from_millis(100)))?;
        for event in &events {
            let pair = &mut pairs[event.token().0 / 2];
            if event.token().0 % 2 == 1 && event.is_readable() {
                let received = pair.receive(&mut buffer, frame_bytes)?;
                delivered += received as u64;
                pair.unsent += received * frame_bytes;
            }
            pair.pump(&frames, frame_bytes)?;
        }
        let now = Instant::now();
        match measured {
            None if now - begin >= warm_up => measured = Some((now, delivered, cpu_us(relay.id())?)),
            Some((from, before, cpu)) if now - from >= Duration::from_secs(load.seconds) => {
                let count = delivered - before;
                let cpu = cpu_us(relay.id())? - cpu;
                let per_s = count as f64 / (now - from).as_secs_f64();
                println!(
                    "{{\"delivered_per_s\":{per_s:.0},\"cpu_us_per_message\":{:.3},\"delivered\":{count}}}",
                    cpu / count as f64
                );
                return Ok(());
            }
            _ => {}
        }
    }
}

impl Pair {
    fn pump(&mut self, frames: &[u8], frame_bytes: usize) -> io::Result<()> {
        while self.unsent > 0 {
            // A frame sent in part goes on in its middle; all frames are alike.
            let from = (frame_bytes - self.unsent % frame_bytes) % frame_bytes;
            let to = (from + self.unsent).min(frames.len());
            match self.sender.write(&frames[from..to]) {
                Ok(n) => self.unsent -= n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], frame_bytes: usize) -> io::Result<usize> {
        let mut frames = 0;
        loop {
            match self.receiver.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.partial += n;
                    frames += self.partial / frame_bytes;
                    self.partial %= frame_bytes;
                    if n < buffer.len() {
                        return Ok(frames);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(frames),
                Err(error) => return Err(error),
            }
        }
    }
}

/// CPU time of all threads of a process, user and system, in µs, from the scheduler's own nanoseconds.
fn cpu_us(pid: u32) -> io::Result<f64> {
    let mut total = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let line = fs::read_to_string(task?.path().join("schedstat"))?;
        let nanoseconds: f64 = line.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
        total += nanoseconds / 1000.0;
    }
    Ok(total)
}

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    let args: Vec<String> = env::args().skip(1).collect();
    let option = |name: &str, default: usize| -> Result<usize, Box<dyn Error>> {
        match args.iter().position(|arg| arg == name) {
            Some(at) => Ok(args.get(at + 1).ok_or("a value is missing")?.parse()?),
            None => Ok(default),
        }
    };
    let loops = option("--loops", 1)?;
    match args.first().map(String::as_str) {
        Some("serve") => serve(args.get(1).ok_or("serve ADDR")?.parse()?, loops),
        Some("bench") => bench(&Load {
            pairs: option("--pairs", 50)?,
            window: option("--window", 16)?,
            size: option("--size", 100)?,
            seconds: option("--seconds", 5)? as u64,
            loops,
        }),
        _ => Err("relay serve ADDR [--loops N] | relay bench [--pairs N --window N --size N --seconds N --loops N]".into()),
    }
}
