//! The thread that owns the connection and drives the session.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError};
use std::time::{Duration, Instant};

use bytes::Buf;
use mio::net::TcpStream;
use mio::{Events as Readiness, Interest, Poll, Token};
use protocol::Request;

use crate::client::AnswerTo;
use crate::config::Config;
use crate::event::Event;
use crate::events::Taken;
use crate::limits::{CLOSE_TIMEOUT_MS, READ_BYTES_PER_TURN};
use crate::list_versions::ListVersions;
use crate::reading::Reading;
use crate::session::{CallId, Session, Transport};
use crate::sync_state::SyncState;

pub(crate) const WAKER: Token = Token(0);
const SOCKET: Token = Token(1);

/// Bytes of one read.
const CHUNK: usize = 64 * 1024;

/// What the handles want.
#[derive(Debug)]
pub(crate) enum Command {
    Call {
        call: CallId,
        request: Request,
        timeout: Duration,
        answer: AnswerTo,
    },
    Restore(Box<SyncState>),
    Hold(ListVersions),
    Read {
        conv: u64,
        seq: u64,
    },
    Typing {
        conv: u64,
    },
    Readings(SyncSender<BTreeMap<u64, Reading>>),
    Snapshot(SyncSender<SyncState>),
    Close(SyncSender<SyncState>),
    /// The last handle is gone.
    Abandoned,
}

/// Owns the socket, the session and its clock. Nobody else reads or writes the connection. Ends when the client is closed
/// or its last handle is gone.
pub(crate) struct IoThread {
    poll: Poll,
    server: String,
    session: Session,
    commands: Receiver<Command>,
    events: SyncSender<Event>,
    /// An event that the application had no room for.
    stuck: Option<Event>,
    taken: Arc<Taken>,
    /// Who waits for which answer; bounded by the handles.
    answers: HashMap<CallId, AnswerTo>,
    waiting: Arc<AtomicUsize>,
    socket: Option<Socket>,
    /// Which of the server's addresses is tried next.
    attempt: usize,
    chunk: Vec<u8>,
}

struct Socket {
    stream: TcpStream,
    state: State,
    /// Edge-triggered: readable until a read said otherwise.
    readable: bool,
    /// Writable until a write said otherwise.
    writable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening,
    Open,
}

/// Whether the thread goes on.
enum Turn {
    Again,
    End,
}

impl IoThread {
    pub(crate) fn new(
        poll: Poll,
        config: Config,
        seed: u64,
        commands: Receiver<Command>,
        events: SyncSender<Event>,
        taken: Arc<Taken>,
        waiting: Arc<AtomicUsize>,
    ) -> IoThread {
        IoThread {
            poll,
            server: config.server.clone(),
            session: Session::new(config, seed, Instant::now()),
            commands,
            events,
            stuck: None,
            taken,
            answers: HashMap::new(),
            waiting,
            socket: None,
            attempt: 0,
            chunk: vec![0; CHUNK],
        }
    }

    pub(crate) fn run(mut self) {
        let mut readiness = Readiness::with_capacity(8);
        loop {
            self.settle();
            if let Err(error) = self.poll.poll(&mut readiness, self.timeout())
                && error.kind() != io::ErrorKind::Interrupted
            {
                log::error!("the client ends: waiting for the socket failed: {error}");
                return self.end();
            }
            for event in &readiness {
                if event.token() == SOCKET
                    && let Some(socket) = &mut self.socket
                {
                    socket.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
                    socket.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
                }
            }
            self.open();
            self.read();
            if let Turn::End = self.obey() {
                return self.end();
            }
        }
    }

    /// Lets the session do what time and room allow, and carries out what it wants.
    fn settle(&mut self) {
        let now = Instant::now();
        self.note_taken(now);
        self.session.handle_time(now);
        while let Some(order) = self.session.poll_transport() {
            match order {
                Transport::Connect => self.connect(),
                Transport::Close => self.socket = None,
                Transport::Leave => {
                    self.socket = None;
                    self.attempt = self.attempt.wrapping_add(1);
                }
            }
        }
        self.write();
        self.hand_out();
    }

    /// Gives events and answers to those who wait for them. Events first: what an answer brought about, such as the place of an
    /// own message, is there for whoever was answered, unless there was no room for it.
    fn hand_out(&mut self) {
        let mut stalled = false;
        while let Some(event) = self.stuck.take().or_else(|| self.session.poll_event()) {
            match self.events.try_send(event) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => {}
                Err(TrySendError::Full(event)) => {
                    self.stuck = Some(event);
                    if stalled {
                        break;
                    }
                    self.taken.stall();
                    stalled = true;
                }
            }
        }
        while let Some(answer) = self.session.poll_answer() {
            if let Some(to) = self.answers.remove(&answer.call) {
                self.waiting.fetch_sub(1, Ordering::SeqCst);
                // A caller that did not wait does not mind.
                let _ = to.try_send(answer.result);
            }
        }
    }

    fn timeout(&self) -> Option<Duration> {
        let readable =
            self.socket.as_ref().is_some_and(|socket| socket.state == State::Open && socket.readable);
        if readable {
            return Some(Duration::ZERO);
        }
        self.session.poll_deadline().map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn connect(&mut self) {
        self.socket = None;
        match self.try_connect() {
            Ok(socket) => self.socket = Some(socket),
            Err(error) => self.session.handle_lost(&why(&self.server, &error), Instant::now()),
        }
    }

    fn try_connect(&mut self) -> io::Result<Socket> {
        // Blocks while a name is resolved; there is no connection then that could suffer.
        let addresses: Vec<SocketAddr> = self.server.to_socket_addrs()?.collect();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        let address = addresses[self.attempt % addresses.len()];
        self.attempt = self.attempt.wrapping_add(1);
        let mut stream = TcpStream::connect(address)?;
        self.poll.registry().register(&mut stream, SOCKET, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Socket { stream, state: State::Opening, readable: false, writable: false })
    }

    /// Finds out whether a connection that was being opened is open.
    fn open(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        if socket.state != State::Opening || !socket.writable {
            return;
        }
        let opened = match socket.stream.take_error() {
            Ok(Some(error)) | Err(error) => Err(error),
            Ok(None) => match socket.stream.peer_addr() {
                Ok(_) => socket.stream.set_nodelay(true),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return,
                Err(error) => Err(error),
            },
        };
        let now = Instant::now();
        match opened {
            Ok(()) => {
                socket.state = State::Open;
                // The address that answers is the one to come back to.
                self.attempt = self.attempt.wrapping_sub(1);
                self.session.handle_connected(now);
            }
            Err(error) => {
                self.socket = None;
                self.session.handle_lost(&why(&self.server, &error), now);
            }
        }
    }

    fn read(&mut self) {
        let mut budget = READ_BYTES_PER_TURN;
        while let Some(socket) = &mut self.socket
            && socket.state == State::Open
            && socket.readable
            && budget > 0
        {
            match socket.stream.read(&mut self.chunk) {
                Ok(0) => return self.lost("the server closed the connection"),
                Ok(len) => {
                    budget = budget.saturating_sub(len);
                    self.session.handle_input(&self.chunk[..len], Instant::now());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.readable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.lost(&error.to_string()),
            }
        }
    }

    fn write(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        let output = self.session.output();
        while socket.state == State::Open && socket.writable && !output.is_empty() {
            match socket.stream.write(output) {
                Ok(len) => output.advance(len),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What the server said last may still be there to read, and reading finds the same error after it.
                Err(_) => {
                    socket.readable = true;
                    return output.clear();
                }
            }
        }
    }

    fn lost(&mut self, why: &str) {
        self.socket = None;
        self.session.handle_lost(why, Instant::now());
    }

    fn obey(&mut self) -> Turn {
        let now = Instant::now();
        loop {
            match self.commands.try_recv() {
                Ok(Command::Call { call, request, timeout, answer }) => {
                    self.answers.insert(call, answer);
                    self.session.submit(call, request, timeout, now);
                }
                Ok(Command::Restore(state)) => self.session.restore(*state, now),
                Ok(Command::Hold(lists)) => self.session.hold_lists(lists),
                Ok(Command::Read { conv, seq }) => self.session.read(conv, seq, now),
                Ok(Command::Typing { conv }) => self.session.typing(conv, now),
                Ok(Command::Readings(to)) => {
                    let _ = to.try_send(self.session.readings());
                }
                Ok(Command::Snapshot(to)) => {
                    self.note_taken(now);
                    let _ = to.try_send(self.session.sync_state());
                }
                Ok(Command::Close(to)) => {
                    self.note_taken(now);
                    self.finish(now);
                    let _ = to.try_send(self.session.sync_state());
                    return Turn::End;
                }
                Ok(Command::Abandoned) | Err(TryRecvError::Disconnected) => {
                    self.note_taken(now);
                    self.finish(now);
                    return Turn::End;
                }
                Err(TryRecvError::Empty) => return Turn::Again,
            }
        }
    }

    fn note_taken(&mut self, now: Instant) {
        let news = self.taken.drain();
        for (conv, seq) in news.cursors {
            self.session.taken(conv, seq, now);
        }
        for (conv, position) in news.changes {
            self.session.changes_taken(conv, position);
        }
        if let Some(seq) = news.notices {
            self.session.notices_taken(seq, now);
        }
        if let Some(id) = news.broadcasts {
            self.session.broadcasts_taken(id, now);
        }
        if let Some(position) = news.hidden {
            self.session.hidden_taken(position);
        }
    }

    /// Sends the last acknowledgements and waits until the server has read them: it then closes too.
    fn finish(&mut self, now: Instant) {
        self.session.close(now);
        let Some(socket) = self.socket.take().filter(|socket| socket.state == State::Open) else { return };
        let stream = std::net::TcpStream::from(socket.stream);
        let limit = Duration::from_millis(CLOSE_TIMEOUT_MS);
        if let Err(error) = say_farewell(stream, self.session.output(), limit, now) {
            log::debug!("the connection did not close properly: {error}");
        }
    }

    /// Nobody waits in vain.
    fn end(mut self) {
        self.session.close(Instant::now());
        self.hand_out();
    }
}

fn say_farewell(
    mut stream: std::net::TcpStream,
    output: &[u8],
    limit: Duration,
    begun: Instant,
) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(limit))?;
    stream.write_all(output)?;
    stream.shutdown(Shutdown::Write)?;
    let mut rest = [0; 4096];
    loop {
        let left = limit.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        stream.set_read_timeout(Some(left))?;
        if stream.read(&mut rest)? == 0 {
            return Ok(());
        }
    }
}

/// Why a server cannot be reached, for people.
fn why(server: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("no server listens on {server}"),
        _ => format!("{server} cannot be reached: {error}"),
    }
}
