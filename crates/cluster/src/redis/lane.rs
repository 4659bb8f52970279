//! A lane: the publications of some topics, in order, and the connection they go out on.
//!
//! Who publishes writes to the socket in their own thread, if it takes it at once: no other thread need wake up for a
//! publication. What the socket does not take, what Redis has not confirmed, and everything while there is no connection,
//! waits in the lane for its [publisher](super::publisher). All of it is behind one lock, under which nobody ever waits.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Publication, Timestamp};
use parking_lot::{Condvar, Mutex};
use redis::Value;

use super::echo::Echo;
use super::shared::Shared;
use super::wire::{Wire, WireError};
use super::{channel, clock};

/// Publications that are sent and unconfirmed at most: more wait.
const WINDOW: usize = 4_096;
/// Publications encoded and written at once.
const BURST: usize = 256;
/// Bytes written at once; a larger publication goes alone.
const BURST_BYTES: usize = 256 << 10;
/// After how long confirmations are taken by whoever publishes next.
const REAP_AFTER: Duration = Duration::from_millis(50);
/// How often the publisher looks for them: mostly they were taken by then.
const REAP_INTERVAL: Duration = Duration::from_millis(250);
/// How soon a socket that was full is tried again.
const FULL_PAUSE: Duration = Duration::from_millis(1);
/// How long Redis may take to confirm.
const CONFIRM_LIMIT: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Lane {
    shared: Arc<Shared>,
    echo: Arc<Echo>,
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    /// Not written.
    queue: VecDeque<Waiting>,
    /// Not confirmed, oldest first; the first `sent` of them are written on this connection, or about to be.
    taken: VecDeque<Waiting>,
    sent: usize,
    pipe: Option<Pipe>,
    /// The connection failed; the publisher takes it away.
    broken: Option<WireError>,
    order: Option<Order>,
    /// Confirmations that the publisher does not know of.
    confirmed: usize,
    /// The publisher looks for confirmations soon: it need not be woken for that.
    is_ticking: bool,
    /// For the name of a channel.
    name: Vec<u8>,
}

/// A connection with what is on its way.
struct Pipe {
    wire: Wire,
    /// What all envelopes of this process begin with.
    header: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    /// The confirmations that are due, in order.
    due: VecDeque<Due>,
}

/// Confirmations that are due.
#[derive(Clone, Copy)]
enum Due {
    /// For so many publications, written at that moment.
    Publications(usize, Instant),
    Beat(u64, Instant),
}

impl Due {
    fn written(&self) -> Instant {
        let (Due::Publications(_, written) | Due::Beat(_, written)) = self;
        *written
    }
}

/// A publication on its way.
struct Waiting {
    publication: Publication,
    /// When it was published: when it came into the lane.
    since: Timestamp,
}

/// What a publisher is to do besides publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Say a beat now: something was lost.
    Beat,
    /// Publish what waits, until this moment at the latest, and end.
    Drain(Instant),
    /// End at once.
    End,
}

impl Lane {
    pub(super) fn new(shared: Arc<Shared>, echo: Arc<Echo>) -> Lane {
        Lane { shared, echo, state: Mutex::default(), news: Condvar::new() }
    }

    /// Sends publications on their way. Any thread.
    pub(super) fn push(&self, publications: Vec<Publication>, now: Instant) {
        let mut state = self.state.lock();
        // Under the lock: whoever finds nothing here that is older than some moment will find nothing older later.
        let since = self.shared.now();
        state.queue.extend(publications.into_iter().map(|publication| Waiting { publication, since }));
        if state.pipe.is_none() || state.broken.is_some() {
            // The publisher takes all when it has a connection.
            return;
        }
        // Many confirmations are taken at once: not each is worth a system call.
        let outcome = match state.is_reaping_time(now) {
            false => state.advance(&self.shared.settings.prefix, now),
            true => state.work(now, &self.echo, &self.shared),
        };
        if let Err(error) = outcome {
            state.broken = Some(error);
        }
        if !state.is_ticking || state.broken.is_some() || state.is_stuck() {
            drop(state);
            self.news.notify_one();
        }
    }

    /// Gives the publisher an order; a greater one replaces a lesser one. Any thread.
    pub(super) fn order(&self, order: Order) {
        let mut state = self.state.lock();
        let stands = matches!(
            (state.order, order),
            (Some(Order::End), _) | (Some(Order::Drain(_)), Order::Beat | Order::Drain(_))
        );
        if !stands {
            state.order = Some(order);
        }
        drop(state);
        self.news.notify_one();
    }

    /// Since when the oldest publication waits. Any thread.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        let state = self.state.lock();
        state.taken.front().or(state.queue.front()).map(|waiting| waiting.since)
    }

    /// Waits until there is something to do: at `deadline` at the latest, sooner when confirmations are due. Gives the
    /// order; one to say a beat only once. The publisher only, as everything below.
    pub(super) fn wait(&self, deadline: Instant) -> Option<Order> {
        let mut state = self.state.lock();
        if state.order.is_none() && state.broken.is_none() {
            let soon = match &state.pipe {
                Some(_) if state.is_stuck() => Some(FULL_PAUSE),
                Some(pipe) if !pipe.due.is_empty() => Some(REAP_INTERVAL),
                _ => None,
            };
            state.is_ticking = soon.is_some();
            let deadline = soon.map_or(deadline, |soon| deadline.min(clock::read() + soon));
            let _: parking_lot::WaitTimeoutResult = self.news.wait_until(&mut state, deadline);
        }
        match state.order {
            Some(Order::Beat) => state.order.take(),
            order => order,
        }
    }

    /// A new connection: what was not confirmed on the last one goes out again. How many these are.
    pub(super) fn connected(&self, wire: Wire, header: Vec<u8>) -> usize {
        let mut state = self.state.lock();
        let again = std::mem::take(&mut state.sent);
        state.broken = None;
        state.pipe = Some(Pipe { wire, header, output: Vec::new(), written: 0, due: VecDeque::new() });
        again
    }

    /// Takes the confirmations that are there and writes what can be written; how many were confirmed since the last call, by
    /// whomever they were taken. After an error the connection is gone.
    pub(super) fn work(&self, now: Instant) -> Result<usize, WireError> {
        let mut state = self.state.lock();
        let outcome = state.work(now, &self.echo, &self.shared);
        if outcome.is_err() {
            state.pipe = None;
            state.broken = None;
        }
        let confirmed = std::mem::take(&mut state.confirmed);
        outcome.map(|()| confirmed)
    }

    /// Writes a beat, a whole `PUBLISH` command, after all that is written before.
    pub(super) fn say_beat(&self, command: &[u8], number: u64, now: Instant) {
        if let Some(pipe) = &mut self.state.lock().pipe {
            pipe.output.extend_from_slice(command);
            pipe.due.push_back(Due::Beat(number, now));
        }
    }

    /// Whether nothing waits for anything.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.queue.is_empty()
            && state.taken.is_empty()
            && state.pipe.as_ref().is_none_or(|pipe| pipe.due.is_empty())
    }

    /// Drops everything; since when something is lost by that.
    pub(super) fn abandon(&self) -> Option<Timestamp> {
        let mut state = self.state.lock();
        state.pipe = None;
        state.sent = 0;
        let mut rest = std::mem::take(&mut state.taken);
        rest.append(&mut state.queue);
        drop(state);
        self.shared.bus.publish_dropped.add(rest.len() as u64);
        let first = rest.front().map(|waiting| waiting.since);
        self.settle(rest.drain(..));
        first
    }

    /// These need no room any more.
    fn settle(&self, done: impl Iterator<Item = Waiting>) {
        settle(&self.shared, done);
    }
}

fn settle(shared: &Shared, done: impl Iterator<Item = Waiting>) {
    let (mut count, mut bytes) = (0, 0);
    for waiting in done {
        count += 1;
        bytes += waiting.publication.payload.len() as u64;
    }
    shared.bus.publish_queue.take_off(count);
    shared.bus.publish_queue_bytes.take_off(bytes);
}

impl State {
    /// Whether something is to be written and the socket or the window does not let it.
    fn is_stuck(&self) -> bool {
        !self.queue.is_empty() || self.pipe.as_ref().is_some_and(Pipe::is_full)
    }

    /// Whether confirmations are to be taken with what is published now: they lie there for a while, or so many are due that
    /// there is soon no window left.
    fn is_reaping_time(&self, now: Instant) -> bool {
        let oldest = self.pipe.as_ref().and_then(|pipe| pipe.due.front());
        self.taken.len() >= WINDOW / 2
            || oldest.is_some_and(|due| now.saturating_duration_since(due.written()) >= REAP_AFTER)
    }

    fn work(&mut self, now: Instant, echo: &Echo, shared: &Shared) -> Result<(), WireError> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        self.confirmed += self.reap(now, echo, shared)?;
        self.advance(&shared.settings.prefix, now)
    }

    /// Writes all that the socket takes and the window allows.
    fn advance(&mut self, prefix: &str, now: Instant) -> Result<(), WireError> {
        let State { queue, taken, sent, pipe: Some(pipe), name, .. } = self else { return Ok(()) };
        while pipe.flush()? {
            if *sent == taken.len() {
                let room = WINDOW.saturating_sub(taken.len()).min(BURST).min(queue.len());
                taken.extend(queue.drain(..room));
            }
            let mut count = 0;
            for Waiting { publication, .. } in taken.iter().skip(*sent).take(BURST) {
                name.clear();
                channel::write(prefix, publication.topic, name);
                encode(&mut pipe.output, name, &pipe.header, &publication.payload);
                count += 1;
                if pipe.output.len() >= BURST_BYTES {
                    break;
                }
            }
            if count == 0 {
                return Ok(());
            }
            *sent += count;
            pipe.due.push_back(Due::Publications(count, now));
        }
        Ok(())
    }

    /// Takes the confirmations that are there, those of beats included; how many there were.
    fn reap(&mut self, now: Instant, echo: &Echo, shared: &Shared) -> Result<usize, WireError> {
        let Some(pipe) = &mut self.pipe else { return Ok(0) };
        let (mut published, mut confirmed) = (0, 0);
        let outcome = loop {
            let Some(due) = pipe.due.front_mut() else { break Ok(()) };
            let written = due.written();
            match pipe.wire.answer_at_hand() {
                Ok(Some(Value::Int(_))) => confirmed += 1,
                Ok(Some(_)) => break Err(WireError::Garbled),
                Ok(None) if now.saturating_duration_since(written) > CONFIRM_LIMIT => {
                    break Err(WireError::TimedOut);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
            match due {
                Due::Publications(count, _) if *count > 1 => {
                    *count -= 1;
                    published += 1;
                    continue;
                }
                Due::Publications(..) => published += 1,
                Due::Beat(number, _) => echo.confirmed(*number, now),
            }
            pipe.due.pop_front();
        };
        self.sent -= published;
        shared.bus.published.add(published as u64);
        settle(shared, self.taken.drain(..published));
        outcome.map(|()| confirmed)
    }
}

impl Pipe {
    /// Whether the socket took less than there was.
    fn is_full(&self) -> bool {
        self.written < self.output.len()
    }

    /// Writes what the socket takes; whether that was all.
    fn flush(&mut self) -> Result<bool, WireError> {
        while self.is_full() {
            match self.wire.send_at_once(&self.output[self.written..])? {
                0 => return Ok(false),
                count => self.written += count,
            }
        }
        self.written = 0;
        match self.output.capacity() > 2 * BURST_BYTES {
            true => self.output = Vec::new(),
            false => self.output.clear(),
        }
        Ok(true)
    }
}

/// `PUBLISH channel envelope`, in the protocol of Redis.
fn encode(out: &mut Vec<u8>, channel: &[u8], header: &[u8], payload: &[u8]) {
    // Writing into a vector does not fail.
    let _ = write!(out, "*3\r\n$7\r\nPUBLISH\r\n${}\r\n", channel.len());
    out.extend_from_slice(channel);
    let _ = write!(out, "\r\n${}\r\n", header.len() + payload.len());
    out.extend_from_slice(header);
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::super::envelope;
    use super::*;

    #[test]
    fn publications_are_encoded_as_the_redis_crate_does() {
        let (header, payload) = (envelope::header("a", 5), b"\r\n\0 payload");
        let mut out = Vec::new();
        encode(&mut out, b"t:u:7", &header, payload);
        let envelope = [header.as_slice(), payload].concat();
        assert_eq!(out, redis::cmd("PUBLISH").arg("t:u:7").arg(envelope).get_packed_command());
    }
}
