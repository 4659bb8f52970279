//! The loop that accepts, watches for signals, and sees everybody out.

use std::{
    fs::File,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use mio::{
    Events, Interest, Poll, Token, Waker,
    net::{TcpListener, TcpStream},
};
use parking_lot::Mutex;
use socket2::SockRef;

use crate::{Config, Departure, clock, mailbox::Mailbox, metrics::Metrics, signals::Signals};

const WAKER: Token = Token(usize::MAX);
const SIGNALS: Token = Token(usize::MAX - 1);

/// Sockets accepted from one listener before the others, and orders to stop, are looked at.
const ACCEPTS_PER_TURN: usize = 256;

/// What other threads tell the main reactor. Any thread.
pub(crate) struct Control {
    orders: Mutex<Orders>,
    /// Set once, when it is known that the reactor will end.
    leaving: AtomicBool,
    waker: Waker,
}

#[derive(Default)]
struct Orders {
    stop: Option<Duration>,
    signals: Option<(Signals, Departure)>,
    loops_ended: usize,
}

impl Control {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { orders: Mutex::default(), leaving: AtomicBool::new(false), waker }
    }

    pub(crate) fn waker_token() -> Token {
        WAKER
    }

    /// Asks for a stop within `drain`; a shorter time replaces a longer one.
    pub(crate) fn stop(&self, drain: Duration) {
        self.leaving.store(true, Relaxed);
        let mut orders = self.orders.lock();
        orders.stop = Some(orders.stop.map_or(drain, |earlier| earlier.min(drain)));
        drop(orders);
        self.wake();
    }

    /// Has signals watched, which then lead to a departure.
    pub(crate) fn watch(&self, signals: Signals, departure: Departure) {
        self.orders.lock().signals = Some((signals, departure));
        self.wake();
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Relaxed)
    }

    /// Reports that a sub reactor's thread is at its end.
    pub(crate) fn loop_ended(&self) {
        self.orders.lock().loops_ended += 1;
        self.wake();
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            log::error!("cannot wake the main reactor: {error}");
        }
    }
}

struct Listener {
    socket: TcpListener,
    /// The accept queue was not seen empty since epoll last spoke, and epoll speaks once.
    pending: bool,
}

/// Accepts until nothing waits and hands each socket to the next loop in turn. Runs in its own thread; owns the
/// listeners and closes them when a stop begins. Leaves last, after all loops, so that a second signal is heard.
pub(crate) struct MainReactor<M> {
    poll: Poll,
    control: Arc<Control>,
    config: Arc<Config>,
    metrics: Metrics,
    loops: Arc<[Arc<Mailbox<M>>]>,
    listeners: Vec<Listener>,
    next_loop: usize,
    loops_ended: usize,
    /// A descriptor held in reserve: when there are no others, it is given up for the moment it takes to accept a
    /// waiting connection and close it, which is kinder than leaving it hanging.
    spare: Option<File>,
    /// Accepting is suspended until then: even the spare did not help.
    retry_at: Option<Instant>,
    /// A signal was heard, and the graceful stop begins then.
    stop_at: Option<Instant>,
    signals: Option<(Signals, Departure)>,
    stopping: bool,
}

impl<M> MainReactor<M> {
    pub(crate) fn new(
        poll: Poll,
        control: Arc<Control>,
        listeners: Vec<std::net::TcpListener>,
        loops: Arc<[Arc<Mailbox<M>>]>,
        config: Arc<Config>,
        metrics: Metrics,
    ) -> io::Result<Self> {
        let mut watched = Vec::with_capacity(listeners.len());
        for (index, listener) in listeners.into_iter().enumerate() {
            listener.set_nonblocking(true)?;
            let mut socket = TcpListener::from_std(listener);
            poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
            watched.push(Listener { socket, pending: true });
        }
        Ok(Self {
            poll,
            control,
            config,
            metrics,
            loops,
            listeners: watched,
            next_loop: 0,
            loops_ended: 0,
            spare: spare(),
            retry_at: None,
            stop_at: None,
            signals: None,
            stopping: false,
        })
    }

    /// Turns until every loop has ended.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        while self.loops_ended < self.loops.len() {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            for event in &events {
                if let Some(listener) = self.listeners.get_mut(event.token().0) {
                    listener.pending = true;
                }
            }
            self.take_orders()?;
            self.heed_signals();
            self.heed_time();
            self.accept_pending();
        }
        Ok(())
    }

    fn timeout(&self) -> Option<Duration> {
        if self.retry_at.is_none() && self.listeners.iter().any(|listener| listener.pending) {
            return Some(Duration::ZERO);
        }
        let next = [self.retry_at, self.stop_at].into_iter().flatten().min();
        next.map(|at| at.saturating_duration_since(clock::read()))
    }

    fn take_orders(&mut self) -> io::Result<()> {
        let mut orders = self.control.orders.lock();
        let (stop, signals) = (orders.stop.take(), orders.signals.take());
        self.loops_ended = orders.loops_ended;
        drop(orders);
        if let Some((mut signals, departure)) = signals {
            self.poll.registry().register(&mut signals.socket, SIGNALS, Interest::READABLE)?;
            self.signals = Some((signals, departure));
        }
        if let Some(drain) = stop {
            self.stop(drain);
        }
        Ok(())
    }

    /// The first signal begins the departure, a second one ends everything at once.
    fn heed_signals(&mut self) {
        let Some((signals, departure)) = &mut self.signals else { return };
        let (count, departure) = (signals.count(), *departure);
        if count == 0 {
            return;
        }
        if self.stopping || self.stop_at.is_some() || count > 1 {
            log::info!("signal: stopping at once");
            return self.stop(Duration::ZERO);
        }
        self.control.leaving.store(true, Relaxed);
        if departure.notice.is_zero() {
            log::info!("signal: stopping gracefully");
            return self.stop(departure.drain);
        }
        log::info!("signal: stopping gracefully in {:?}", departure.notice);
        self.stop_at = Some(clock::read() + departure.notice);
    }

    /// The notice is over.
    fn heed_time(&mut self) {
        let Some(at) = self.stop_at else { return };
        if clock::read() >= at
            && let Some((_, departure)) = &self.signals
        {
            self.stop(departure.drain);
        }
    }

    fn stop(&mut self, drain: Duration) {
        self.stopping = true;
        self.stop_at = None;
        self.retry_at = None;
        self.listeners.clear();
        self.loops.iter().for_each(|mailbox| mailbox.stop(drain));
    }

    fn accept_pending(&mut self) {
        if let Some(at) = self.retry_at {
            if clock::read() < at {
                return;
            }
            self.retry_at = None;
            self.spare = self.spare.take().or_else(spare);
        }
        for index in 0..self.listeners.len() {
            let mut left = ACCEPTS_PER_TURN;
            while self.listeners[index].pending && self.retry_at.is_none() && left > 0 {
                left -= 1;
                self.accept_one(index);
            }
        }
    }

    fn accept_one(&mut self, index: usize) {
        let listener = &mut self.listeners[index];
        match listener.socket.accept() {
            Ok((stream, peer)) => self.admit(stream, peer),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => listener.pending = false,
            Err(error) if is_passing(&error) => self.metrics.0.accept.accept_errors.add(1),
            Err(error) => {
                self.metrics.0.accept.accept_errors.add(1);
                self.make_room(index, &error);
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        let counters = &self.metrics.0.accept;
        counters.accepted.add(1);
        // Only this thread adds, so the limit cannot be passed between the look and the step.
        if counters.connections.load(Relaxed) >= self.config.connections_max as u64 {
            self.refuse(stream);
            return;
        }
        counters.connections.fetch_add(1, Relaxed);
        // Both options may fail on a connection that is already gone; its loop will find out.
        let _ = stream.set_nodelay(true);
        if let Some(bytes) = self.config.socket_send_buffer_bytes {
            let _ = SockRef::from(&stream).set_send_buffer_size(bytes);
        }
        let mailbox = &self.loops[self.next_loop];
        self.next_loop = (self.next_loop + 1) % self.loops.len();
        if mailbox.hand_over((stream, peer)).is_err() {
            counters.connections.fetch_sub(1, Relaxed);
        }
    }

    /// Tells a newcomer why, as far as that works without waiting, and closes.
    fn refuse(&self, mut stream: TcpStream) {
        self.metrics.0.accept.refused.add(1);
        if let Some(refusal) = &self.config.refusal {
            let _ = stream.write(refusal);
            let _ = stream.shutdown(Shutdown::Write);
            // A socket closed with unread input sends RST, and the refusal would be lost with it.
            let _ = stream.read(&mut [0; 4096]);
        }
    }

    /// No descriptor or memory for another socket: turn one newcomer away with the spare descriptor, or, if that
    /// fails too, suspend accepting for a while. (epoll will not announce again what already waits.)
    fn make_room(&mut self, index: usize, error: &io::Error) {
        let out_of_descriptors = rustix::io::Errno::from_io_error(error)
            .is_some_and(|errno| errno == rustix::io::Errno::MFILE || errno == rustix::io::Errno::NFILE);
        if out_of_descriptors {
            let counters = &self.metrics.0.accept;
            counters.emfile_episodes.add(1);
            if self.spare.take().is_some() {
                let turned_away = self.listeners[index].socket.accept();
                let nobody = matches!(&turned_away, Err(e) if e.kind() == io::ErrorKind::WouldBlock);
                if let Ok((stream, _)) = turned_away {
                    counters.accepted.add(1);
                    self.refuse(stream);
                }
                self.spare = spare();
                if self.spare.is_some() {
                    self.listeners[index].pending &= !nobody;
                    return;
                }
            }
        }
        log::warn!("cannot accept: {error}; again in {:?}", self.config.accept_retry);
        self.retry_at = Some(clock::read() + self.config.accept_retry);
    }
}

impl<M> Drop for MainReactor<M> {
    /// In good order all loops have ended before; after a panic or a failed poll they must not go on without it.
    fn drop(&mut self) {
        self.loops.iter().for_each(|mailbox| mailbox.stop(Duration::ZERO));
    }
}

/// Errors of the one connection that was to be accepted, not of accepting: the next may be sound.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown};
    use io::ErrorKind::{NetworkUnreachable, PermissionDenied, TimedOut};
    // Linux passes errors already pending on the new socket through accept (man 2 accept).
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionReset
            | Interrupted
            | TimedOut
            | HostUnreachable
            | NetworkDown
            | NetworkUnreachable
            | PermissionDenied
    ) || rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::PROTO)
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}
