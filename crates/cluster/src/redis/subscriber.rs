//! The subscriber: the one thread that listens, on a connection and a mio loop of its own.
//!
//! It reads, opens envelopes, passes on, and sends the changes of [`Subscriptions`]. A ping a second proves that it hears:
//! Redis answers it after all that was published before. When three seconds bring nothing, or a beat of our own that
//! Redis took is not heard, the connection is given up; after the next one has subscribed everything, the receiver is
//! told since when to read the log.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use domain::{Publication, Timestamp};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use parking_lot::{Condvar, Mutex};
use redis::Value;

use super::backoff::Backoff;
use super::echo::Echo;
use super::envelope::{self, Body, NoEnvelope};
use super::link::{Link, SOCKET};
use super::peers::Hear;
use super::shared::Shared;
use super::subscriptions::{Hearing, Subscriptions};
use super::wire::{Wire, WireError, refusal};
use super::{SILENCE_LIMIT, channel, clock};

const WAKE: Token = Token(1);
/// How often it pings.
const PING_INTERVAL: Duration = Duration::from_secs(1);
/// Messages read before timers and changes have their turn.
const MESSAGES_PER_TURN: usize = 4_096;
/// Events of one turn: there are two sources.
const EVENTS: usize = 4;
/// Bytes of commands that wait for the socket; more changes wait in [`Subscriptions`].
const OUTPUT_BYTES: usize = 64 << 10;
/// Dropped messages of one kind that are logged: the rest is only counted.
const DROPS_LOGGED: u64 = 10;

/// How others reach the subscriber's thread.
pub(super) struct Ear {
    pub(super) subscriptions: Mutex<Subscriptions>,
    /// An answer came, or the connection went.
    pub(super) news: Condvar,
    waker: Waker,
    end: AtomicBool,
}

impl Ear {
    /// The subscriber's thread has something to send. Any thread.
    pub(super) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            // The eventfd of a living loop cannot fail but by a bug; the next ping comes within a second.
            log::error!("cannot wake the subscriber: {error}");
        }
    }

    /// Ends the thread. Any thread.
    pub(super) fn end(&self) {
        self.end.store(true, SeqCst);
        self.wake();
    }
}

/// See the module. Owned by its thread.
pub(super) struct Subscriber {
    shared: Arc<Shared>,
    ear: Arc<Ear>,
    echo: Arc<Echo>,
    poll: Poll,
    link: Option<Link>,
    connected_before: bool,
    backoff: Backoff,
    /// The receiver was given something that it was not told the end of.
    has_received: bool,
    /// All that was published before this moment was heard, or is told by `missed`.
    heard_until: Timestamp,
}

impl Subscriber {
    pub(super) fn new(shared: Arc<Shared>, echo: Arc<Echo>) -> io::Result<(Subscriber, Arc<Ear>)> {
        let poll = Poll::new()?;
        let ear = Arc::new(Ear {
            subscriptions: Mutex::new(Subscriptions::new()),
            news: Condvar::new(),
            waker: Waker::new(poll.registry(), WAKE)?,
            end: AtomicBool::new(false),
        });
        let heard_until = shared.now();
        let subscriber = Subscriber {
            shared,
            ear: Arc::clone(&ear),
            echo,
            poll,
            link: None,
            connected_before: false,
            backoff: Backoff::new(),
            has_received: false,
            heard_until,
        };
        Ok((subscriber, ear))
    }

    /// The thread.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let now = clock::read();
            if let Err(error) = self.poll.poll(&mut events, Some(self.patience(now)))
                && error.kind() != io::ErrorKind::Interrupted
            {
                log::error!("the subscriber cannot wait for its socket: {error}");
                self.lose(&error.into(), now);
            }
            if self.ear.end.load(SeqCst) {
                break;
            }
            if let Some(link) = &mut self.link {
                for event in events.iter().filter(|event| event.token() == SOCKET) {
                    link.hung_up |= event.is_read_closed() || event.is_error();
                    link.readable |= event.is_readable() || link.hung_up;
                    link.unread |= link.readable;
                    link.writable |= event.is_writable();
                }
            }
            if let Err(error) = self.turn() {
                self.lose(&error, clock::read());
            }
        }
        self.disconnect();
    }

    /// How long to wait for events.
    fn patience(&self, now: Instant) -> Duration {
        let wake_at = match &self.link {
            None => self.backoff.ready_at().unwrap_or(now),
            Some(link) if link.unread => now,
            Some(link) if link.pings.is_empty() => link.next_ping,
            Some(link) => link.next_ping.min(link.last_heard + SILENCE_LIMIT),
        };
        wake_at.saturating_duration_since(now)
    }

    fn turn(&mut self) -> Result<(), WireError> {
        let now = clock::read();
        if self.link.is_none() {
            if !self.backoff.is_ready(now) {
                return Ok(());
            }
            self.connect()?;
        }
        let read = self.read(now);
        self.end_lot();
        read?;
        self.check_hearing(now)?;
        self.write(now)
    }

    fn connect(&mut self) -> Result<(), WireError> {
        let (stream, parser) = Wire::connect(&self.shared.settings.target)?.into_parts()?;
        let mut stream = TcpStream::from_std(stream);
        self.poll.registry().register(&mut stream, SOCKET, Interest::READABLE)?;
        if self.connected_before {
            self.shared.bus.subscriber_reconnects.add(1);
        }
        self.connected_before = true;
        self.echo.forget();
        self.ear.subscriptions.lock().connected();
        let now = clock::read();
        self.link = Some(Link::new(stream, parser, now));
        Ok(())
    }

    /// Reads and passes on what is there, up to a turn's worth.
    fn read(&mut self, now: Instant) -> Result<(), WireError> {
        for _ in 0..MESSAGES_PER_TURN {
            let Some(link) = self.link.as_mut().filter(|link| link.unread) else { return Ok(()) };
            match link.next_value(now, self.shared.settings.limits.message_bytes_max)? {
                Some(value) => self.take(value, now)?,
                None => link.unread = false,
            }
        }
        Ok(())
    }

    /// Tells the receiver that it has all for now.
    fn end_lot(&mut self) {
        if std::mem::take(&mut self.has_received)
            && let Some(receiver) = self.shared.receiver()
        {
            receiver.lot_ended();
        }
    }

    /// Takes one thing that Redis said.
    fn take(&mut self, value: Value, now: Instant) -> Result<(), WireError> {
        let Value::Array(parts) = refusal(value)? else {
            // PONG, before anything is subscribed.
            return self.pong(now);
        };
        let mut parts = parts.into_iter();
        let Some(Value::BulkString(kind)) = parts.next() else { return Err(WireError::Garbled) };
        match (kind.as_slice(), parts.next(), parts.next()) {
            (b"message", Some(Value::BulkString(channel)), Some(Value::BulkString(message))) => {
                self.message(&channel, message);
                Ok(())
            }
            (b"subscribe", Some(Value::BulkString(channel)), _) => self.answered(&channel, true),
            (b"unsubscribe", Some(Value::BulkString(channel)), _) => self.answered(&channel, false),
            (b"pong", ..) => self.pong(now),
            _ => Err(WireError::Garbled),
        }
    }

    fn pong(&mut self, now: Instant) -> Result<(), WireError> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let (_, wall) = link.pings.pop_front().ok_or(WireError::Garbled)?;
        link.last_heard = now;
        self.heard_all_until(wall);
        Ok(())
    }

    /// What was published before this moment has been heard; it counts only when everything is subscribed.
    fn heard_all_until(&mut self, wall: Timestamp) {
        if self.ear.subscriptions.lock().hearing() == Hearing::Full {
            self.heard_until = wall;
        }
    }

    fn message(&mut self, channel: &[u8], message: Vec<u8>) {
        let shared = &self.shared;
        let Some(topic) = channel::topic(&shared.settings.prefix, channel) else { return };
        let envelope = match envelope::open(message) {
            Ok(envelope) => envelope,
            Err(kind) => {
                let (counter, what) = match kind {
                    NoEnvelope::UnknownFormat => (&shared.bus.dropped_unknown_format, "of an unknown format"),
                    NoEnvelope::Malformed => (&shared.bus.dropped_malformed, "that is malformed"),
                };
                counter.add(1);
                if counter.value() <= DROPS_LOGGED {
                    log::warn!("dropped a message on {topic:?} {what}");
                }
                return;
            }
        };
        if *envelope.node == *shared.settings.node && Some(envelope.boot) == shared.boot() {
            shared.bus.echoes.add(1);
            if let Body::Beat(beat) = &envelope.body
                && let Some(wall) = self.echo.heard(beat, &shared.bus)
            {
                self.heard_all_until(wall);
            }
            return;
        }
        let now = shared.now();
        let mut peers = shared.peers.lock();
        // A node does not hear itself as a peer: that there is nothing older of its own name, it knows by itself.
        let is_predecessor = *envelope.node == *shared.settings.node
            && shared.boot().is_some_and(|own_boot| envelope.boot < own_boot);
        if is_predecessor || peers.heard(&envelope.node, envelope.boot, now) == Hear::Outdated {
            drop(peers);
            shared.bus.dropped_outdated.add(1);
            if shared.bus.dropped_outdated.value() <= DROPS_LOGGED {
                log::warn!("dropped a message of an outdated process of node {}", envelope.node);
            }
            return;
        }
        let lost_since = match envelope.body {
            Body::Publication(payload) => {
                drop(peers);
                shared.bus.received.add(1);
                if let Some(receiver) = shared.receiver() {
                    receiver.receive(Publication { topic, payload });
                    self.has_received = true;
                }
                return;
            }
            Body::Beat(beat) => peers.beat(&envelope.node, &beat, now),
            Body::Goodbye { lost_since } => {
                peers.goodbye(&envelope.node);
                lost_since
            }
        };
        drop(peers);
        if let Some(since) = lost_since {
            log::warn!("node {} could not publish everything: reading the log", envelope.node);
            shared.tell_missed(since);
        }
    }

    fn answered(&mut self, channel: &[u8], listening: bool) -> Result<(), WireError> {
        let topic = channel::topic(&self.shared.settings.prefix, channel).ok_or(WireError::Garbled)?;
        let mut subscriptions = self.ear.subscriptions.lock();
        let answered = subscriptions.answered(topic, listening).map_err(|_| WireError::Garbled)?;
        self.shared.bus.subscriptions.set(subscriptions.topics() as u64);
        drop(subscriptions);
        self.ear.news.notify_all();
        if answered.whole {
            self.shared.bus.hearing.set(1);
            self.backoff.worked();
            log::info!("the bus listens at {}", self.shared.settings.target);
            let complete_until = self.shared.peers.lock().complete_until();
            let missed_since =
                [answered.late, complete_until].into_iter().flatten().fold(self.heard_until, Timestamp::min);
            self.shared.tell_missed(missed_since);
        } else if let Some(since) = answered.late {
            self.shared.tell_missed(since);
        }
        Ok(())
    }

    /// Gives up a connection that does not prove that it hears.
    fn check_hearing(&mut self, now: Instant) -> Result<(), WireError> {
        let Some(link) = &self.link else { return Ok(()) };
        // If this process stood still, what came meanwhile has been read before: it counts.
        let silent = !link.pings.is_empty() && now >= link.last_heard + SILENCE_LIMIT;
        if silent && !link.unread {
            return Err(WireError::Lost(format!("Redis was silent for {SILENCE_LIMIT:?}")));
        }
        if self.echo.is_missing(now) {
            return Err(WireError::Lost("the node's own beat does not come back".to_owned()));
        }
        if self.ear.subscriptions.lock().is_overgrown() {
            return Err(WireError::Lost("too many changes of subscriptions wait".to_owned()));
        }
        Ok(())
    }

    fn write(&mut self, now: Instant) -> Result<(), WireError> {
        let Some(link) = &mut self.link else { return Ok(()) };
        if now >= link.next_ping {
            // While one is unanswered no more are sent: the silence counts from it.
            if link.pings.len() < 2 {
                link.output.extend_from_slice(&redis::cmd("PING").get_packed_command());
                link.pings.push_back((now, self.shared.now()));
            }
            link.next_ping = now + PING_INTERVAL;
        }
        loop {
            let mut subscriptions = self.ear.subscriptions.lock();
            while link.output.len() - link.written < OUTPUT_BYTES
                && let Some(command) = subscriptions.next_command(&self.shared.settings.prefix)
            {
                link.output.extend_from_slice(&command.get_packed_command());
            }
            let more = subscriptions.has_waiting();
            drop(subscriptions);
            if !link.flush()? || !more {
                return Ok(link.ask_for_room(self.poll.registry())?);
            }
        }
    }

    fn lose(&mut self, error: &WireError, now: Instant) {
        if self.link.is_some() {
            log::warn!("the bus lost {}: {error}", self.shared.settings.target);
        } else {
            log::debug!("the bus cannot reach {}: {error}", self.shared.settings.target);
        }
        self.disconnect();
        self.backoff.failed(now);
    }

    fn disconnect(&mut self) {
        self.shared.bus.hearing.set(0);
        if let Some(mut link) = self.link.take() {
            let _ = self.poll.registry().deregister(&mut link.stream);
        }
        self.ear.subscriptions.lock().disconnected();
        self.ear.news.notify_all();
    }
}
