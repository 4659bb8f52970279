//! A TCP proxy that misbehaves on demand.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::wait::eventually;

/// How long the proxy tries to reach its server.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long the proxy's own threads may take to follow an order.
const ORDER_LIMIT: Duration = Duration::from_secs(10);
/// What is read at once.
const CHUNK: usize = 64 * 1024;

/// Forwards connections to a server, until told otherwise. Any thread. Dropping it cuts them all.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// At which side of a request a trap cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The server never sees the request.
    BeforeRequest,
    /// The server has done it, and the client never sees the answer.
    BeforeAnswer,
}

/// A direction through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// What the client says.
    ToServer,
    /// What the server says.
    ToClient,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Forward,
    Hold,
    Silence(Way),
    TurnAway,
    Refuse,
    Closed,
}

impl Mode {
    /// Whether what goes this way waits.
    fn holds(self, way: Way) -> bool {
        self == Mode::Hold || self == Mode::Silence(way)
    }

    /// Whether nobody listens.
    fn is_shut(self) -> bool {
        matches!(self, Mode::TurnAway | Mode::Refuse)
    }
}

struct Shared {
    state: Mutex<State>,
    /// The mode or the listener changed.
    changed: Condvar,
    requests: AtomicU64,
}

struct State {
    server: SocketAddr,
    mode: Mode,
    listening: bool,
    trap: Option<(Vec<u8>, When)>,
    links: Vec<Arc<Link>>,
}

/// One client's connection and the one made for it.
struct Link {
    client: TcpStream,
    server: TcpStream,
    /// The next bytes from the server are the answer that the client shall not see.
    cut_at_answer: AtomicBool,
}

impl Proxy {
    /// A proxy on a free port of 127.0.0.1 that forwards to `server`.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn start(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = State { server, mode: Mode::Forward, listening: true, trap: None, links: Vec::new() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            requests: AtomicU64::new(0),
        });
        let acceptor = Arc::clone(&shared);
        thread::spawn(move || accept(&acceptor, listener, address));
        Proxy { address, shared }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forwards new connections to another server: one that came back on another port.
    pub fn aim(&self, server: SocketAddr) {
        self.shared.lock().server = server;
    }

    /// Forwards again, first of all what was held.
    pub fn resume(&self) {
        self.set(Mode::Forward);
        eventually(ORDER_LIMIT, "the proxy listens again", || self.shared.lock().listening.then_some(()));
    }

    /// Holds all bytes of both directions back until [`Proxy::resume`], as a black hole would; connections stay open
    /// and new ones are accepted. That a side closed is held back too.
    pub fn hold(&self) {
        self.set(Mode::Hold);
    }

    /// Holds back what goes one way, and lets the other way through.
    pub fn silence(&self, way: Way) {
        self.set(Mode::Silence(way));
    }

    /// Cuts every connection; new ones are welcome.
    pub fn cut(&self) {
        for link in self.shared.lock().links.drain(..) {
            link.cut();
        }
    }

    /// Cuts every connection and refuses new ones until [`Proxy::resume`], as a dead server's machine would.
    pub fn refuse(&self) {
        self.set(Mode::Refuse);
        self.cut();
        self.await_refusal();
    }

    /// Refuses new connections until [`Proxy::resume`], as a server does that drains; those that are there go on.
    pub fn turn_away(&self) {
        self.set(Mode::TurnAway);
        self.await_refusal();
    }

    fn await_refusal(&self) {
        eventually(ORDER_LIMIT, "the proxy refuses", || {
            // Wakes the acceptor, which waits for a connection.
            let _ = TcpStream::connect(self.address);
            (!self.shared.lock().listening).then_some(())
        });
    }

    /// Cuts the connection of the next request that contains `bytes`, once.
    pub fn cut_at(&self, bytes: &[u8], when: When) {
        self.shared.lock().trap = Some((bytes.to_vec(), when));
    }

    /// How often a client said something so far. Of one that says little and waits for its answers, as those of
    /// databases do, these are the round trips.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Whether a trap waits still.
    pub fn trap_waits(&self) -> bool {
        self.shared.lock().trap.is_some()
    }

    fn set(&self, mode: Mode) {
        self.shared.lock().mode = mode;
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Mode::Closed);
        self.cut();
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as long as the mode is such.
    fn wait_while(&self, such: impl Fn(Mode) -> bool) -> MutexGuard<'_, State> {
        let state = self.lock();
        self.changed.wait_while(state, |state| such(state.mode)).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

/// The acceptor's thread.
fn accept(shared: &Arc<Shared>, mut listener: TcpListener, address: SocketAddr) {
    loop {
        let accepted = listener.accept();
        let mode = shared.lock().mode;
        match (mode, accepted) {
            (Mode::Closed, _) => return,
            (Mode::Refuse | Mode::TurnAway, _) => {
                drop(listener);
                shared.lock().listening = false;
                if shared.wait_while(Mode::is_shut).mode == Mode::Closed {
                    return;
                }
                let bound = eventually(ORDER_LIMIT, "the proxy's port", || TcpListener::bind(address).ok());
                listener = bound;
                shared.lock().listening = true;
            }
            (Mode::Forward | Mode::Hold | Mode::Silence(_), Ok((client, _))) => link(shared, client),
            (Mode::Forward | Mode::Hold | Mode::Silence(_), Err(_)) => {}
        }
    }
}

/// Connects a client with the server; without one, the client's connection ends here.
fn link(shared: &Arc<Shared>, client: TcpStream) {
    let target = shared.lock().server;
    let Ok(server) = TcpStream::connect_timeout(&target, CONNECT_LIMIT) else { return };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let link = Arc::new(Link { client, server, cut_at_answer: AtomicBool::new(false) });
    shared.lock().links.push(Arc::clone(&link));
    let (up, down) = (Arc::clone(shared), Arc::clone(shared));
    let same = Arc::clone(&link);
    thread::spawn(move || forward(&up, &link, Way::ToServer));
    thread::spawn(move || forward(&down, &same, Way::ToClient));
}

/// The thread of one direction of a link.
fn forward(shared: &Shared, link: &Arc<Link>, way: Way) {
    let (mut from, mut to) = match way {
        Way::ToServer => (&link.client, &link.server),
        Way::ToClient => (&link.server, &link.client),
    };
    let mut chunk = vec![0; CHUNK];
    while let Ok(length @ 1..) = from.read(&mut chunk) {
        let bytes = &chunk[..length];
        if way == Way::ToServer {
            shared.requests.fetch_add(1, Ordering::SeqCst);
        }
        let mut state = shared.wait_while(|mode| mode.holds(way));
        if way == Way::ToServer && state.trap.as_ref().is_some_and(|(needle, _)| contains(bytes, needle)) {
            match state.trap.take() {
                Some((_, When::BeforeAnswer)) => link.cut_at_answer.store(true, Ordering::SeqCst),
                _ => break,
            }
        }
        drop(state);
        if way == Way::ToClient && link.cut_at_answer.load(Ordering::SeqCst) {
            break;
        }
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    // An end is news like any other.
    drop(shared.wait_while(|mode| mode.holds(way)));
    link.cut();
    shared.lock().links.retain(|other| !Arc::ptr_eq(other, link));
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
