//! A handler made of closures, a client with deadlines, and a few ways to wait.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use reactor::{CloseReason, Config, ConnId, Handler, Link, Reactor, Running};
use rustix::process::{Pid, Signal, kill_process};

/// The longest that any test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

type OnOpen = Box<dyn FnMut(&mut Link<'_>) + Send>;
type OnData = Box<dyn FnMut(&mut Link<'_>, &mut u64, &[u8]) -> usize + Send>;
type OnCall = Box<dyn FnMut(&mut Link<'_>, &mut u64) + Send>;
type OnMail = Box<dyn FnMut(&mut Link<'_>, &mut u64, Bytes) + Send>;

/// What a test's handler does. Without further words it echoes.
pub(crate) struct Script {
    open: OnOpen,
    data: OnData,
    eof: Option<OnCall>,
    mail: OnMail,
    relieved: OnCall,
    deadline: OnCall,
    drain: Option<OnCall>,
    farewell: Option<Bytes>,
}

impl Script {
    pub(crate) fn echo() -> Self {
        Self {
            open: Box::new(|_| {}),
            data: Box::new(|conn, _, input| {
                conn.send(Bytes::copy_from_slice(input));
                input.len()
            }),
            eof: None,
            mail: Box::new(|_, _, _| {}),
            relieved: Box::new(|_, _| {}),
            deadline: Box::new(|_, _| {}),
            drain: None,
            farewell: None,
        }
    }
    pub(crate) fn open(mut self, f: impl FnMut(&mut Link<'_>) + Send + 'static) -> Self {
        self.open = Box::new(f);
        self
    }
    pub(crate) fn data(
        mut self,
        f: impl FnMut(&mut Link<'_>, &mut u64, &[u8]) -> usize + Send + 'static,
    ) -> Self {
        self.data = Box::new(f);
        self
    }
    pub(crate) fn eof(mut self, f: impl FnMut(&mut Link<'_>, &mut u64) + Send + 'static) -> Self {
        self.eof = Some(Box::new(f));
        self
    }
    pub(crate) fn mail(mut self, f: impl FnMut(&mut Link<'_>, &mut u64, Bytes) + Send + 'static) -> Self {
        self.mail = Box::new(f);
        self
    }
    pub(crate) fn relieved(mut self, f: impl FnMut(&mut Link<'_>, &mut u64) + Send + 'static) -> Self {
        self.relieved = Box::new(f);
        self
    }
    pub(crate) fn deadline(mut self, f: impl FnMut(&mut Link<'_>, &mut u64) + Send + 'static) -> Self {
        self.deadline = Box::new(f);
        self
    }
    pub(crate) fn drain(mut self, f: impl FnMut(&mut Link<'_>, &mut u64) + Send + 'static) -> Self {
        self.drain = Some(Box::new(f));
        self
    }
    pub(crate) fn farewell(mut self, farewell: &'static [u8]) -> Self {
        self.farewell = Some(Bytes::from_static(farewell));
        self
    }
}

/// What the loops report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Opened(ConnId),
    Closed(ConnId, CloseReason),
}

/// Runs a script and reports.
struct Actor {
    script: Script,
    events: Sender<Event>,
}

impl Handler for Actor {
    type Conn = u64;
    type Mail = Bytes;

    fn open(&mut self, conn: &mut Link<'_>) -> u64 {
        (self.script.open)(conn);
        let _ = self.events.send(Event::Opened(conn.id()));
        0
    }
    fn data(&mut self, conn: &mut Link<'_>, state: &mut u64, input: &[u8]) -> usize {
        (self.script.data)(conn, state, input)
    }
    fn eof(&mut self, conn: &mut Link<'_>, state: &mut u64) {
        match &mut self.script.eof {
            Some(eof) => eof(conn, state),
            None => conn.close_after_flush(CloseReason::PeerClosed),
        }
    }
    fn mail(&mut self, conn: &mut Link<'_>, state: &mut u64, mail: Bytes) {
        (self.script.mail)(conn, state, mail);
    }
    fn relieved(&mut self, conn: &mut Link<'_>, state: &mut u64) {
        (self.script.relieved)(conn, state);
    }
    fn deadline(&mut self, conn: &mut Link<'_>, state: &mut u64) {
        (self.script.deadline)(conn, state);
    }
    fn closed(&mut self, id: ConnId, _: u64, reason: CloseReason) {
        let _ = self.events.send(Event::Closed(id, reason));
    }
    fn drain(&mut self, conn: &mut Link<'_>, state: &mut u64) {
        match &mut self.script.drain {
            Some(drain) => drain(conn, state),
            None => conn.close_after_flush(CloseReason::Stopping),
        }
    }
    fn slow_reader_farewell(&mut self, _: ConnId, _: &mut u64, _: CloseReason) -> Option<Bytes> {
        self.script.farewell.clone()
    }
}

/// A running reactor and its reports.
pub(crate) struct Stage {
    pub(crate) running: Running<Bytes>,
    pub(crate) addr: SocketAddr,
    events: Receiver<Event>,
}

/// One loop, so that tests about order and fairness mean something.
pub(crate) fn one_loop() -> Config {
    Config { io_threads: 1, tick: Duration::from_millis(10), ..Config::default() }
}

impl Stage {
    pub(crate) fn start(config: Config, script: impl FnMut() -> Script) -> Self {
        Self::start_on("127.0.0.1:0", config, script)
    }

    pub(crate) fn start_on(addr: &str, config: Config, mut script: impl FnMut() -> Script) -> Self {
        let listener = reactor::listen(addr.parse().unwrap(), 1024).unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, events) = channel();
        let running =
            Reactor::start(vec![listener], config, |_| Actor { script: script(), events: sender.clone() })
                .unwrap();
        Self { running, addr, events }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.addr)
    }

    /// A client and its connection's name; for tests that connect one after the other.
    pub(crate) fn join(&self) -> (Client, ConnId) {
        let client = self.client();
        (client, self.opened())
    }

    pub(crate) fn event(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("an event in time")
    }

    pub(crate) fn opened(&self) -> ConnId {
        match self.event() {
            Event::Opened(id) => id,
            event => panic!("expected Opened, got {event:?}"),
        }
    }

    pub(crate) fn closed(&self) -> (ConnId, CloseReason) {
        match self.event() {
            Event::Closed(id, reason) => (id, reason),
            event => panic!("expected Closed, got {event:?}"),
        }
    }

    /// Ends the reactor and returns the events nobody asked for.
    pub(crate) fn finish(self, drain: Duration) -> Vec<Event> {
        self.running.stop(drain);
        self.running.join().unwrap();
        self.events.try_iter().collect()
    }
}

/// A blocking client whose reads and writes give up after `PATIENCE`.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }
    pub(crate) fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }
    /// Sends and expects the same back.
    pub(crate) fn ping(&mut self, bytes: &[u8]) {
        self.send(bytes);
        assert_eq!(self.receive(bytes.len()), bytes);
    }
    /// Sends the rest of something and expects all of it back.
    pub(crate) fn ping_rest(&mut self, bytes: &[u8], whole: usize) {
        self.send(bytes);
        self.receive(whole);
    }
    pub(crate) fn receive_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        bytes
    }
    /// Ends with RST.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.0).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A small random generator (xorshift64*), so that a printed seed replays a failure: set `SEED`.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        let seed = env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            use std::hash::BuildHasher;
            std::collections::hash_map::RandomState::new().hash_one(0)
        });
        println!("SEED={seed}");
        Self(seed | 1)
    }
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next() | 1)
    }
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

const ROLE: &str = "REACTOR_TEST_CHILD";

/// Whether this process is the child that `child` started.
pub(crate) fn is_child() -> bool {
    env::var_os(ROLE).is_some()
}

/// Runs the named test of this binary once more, in a process of its own, where `is_child` holds.
pub(crate) fn child(test: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROLE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for a child's end, and fails if it failed.
pub(crate) fn expect_success(mut child: Child) {
    drop(child.stdin.take());
    let mut status = None;
    let mut output = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        if let Some(output) = &mut output {
            let _ = output.read_to_string(&mut text);
        }
        text
    });
    let deadline = Instant::now() + 2 * PATIENCE;
    while status.is_none() && Instant::now() < deadline {
        status = child.try_wait().unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    if status.is_none() {
        child.kill().unwrap();
    }
    let output = reader.join().unwrap();
    assert!(status.is_some_and(|status| status.success()), "child ended with {status:?}:\n{output}");
}

/// Reads the line in which a child says where it listens.
pub(crate) fn address_of(child: &mut Child) -> SocketAddr {
    let output = BufReader::with_capacity(1, child.stdout.as_mut().unwrap());
    let line = output.lines().map(Result::unwrap).find(|line| line.contains("listening on "));
    line.unwrap().split("listening on ").nth(1).unwrap().parse().unwrap()
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id() as i32).unwrap();
    kill_process(pid, signal).unwrap();
}
