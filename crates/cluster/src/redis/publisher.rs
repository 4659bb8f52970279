//! A publisher: one thread, one connection, one lane of the queue.
//!
//! It writes what waits without waiting for the answers, and looks for those when it writes next or a moment later
//! ([`REAP_INTERVAL`]). What Redis has not confirmed is kept, and sent again on the next connection: others may hear it
//! twice, and in order all the same. The first publisher also says the node's beat.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;

use super::backoff::Backoff;
use super::echo::Echo;
use super::envelope::{self, Beat};
use super::outgoing::{Appetite, Order, Outgoing, Waiting};
use super::shared::Shared;
use super::wire::{Wire, WireError};
use super::{BEAT, channel, clock};

/// Publications that are sent and unconfirmed at most: more wait in the queue.
const WINDOW: usize = 4_096;
/// Publications encoded and written at once.
const BURST: usize = 256;
/// Bytes written at once; a larger publication goes alone.
const BURST_BYTES: usize = 256 << 10;
/// How long answers may lie unread.
const REAP_INTERVAL: Duration = Duration::from_millis(20);
/// How long Redis may take to confirm.
const CONFIRM_LIMIT: Duration = Duration::from_secs(2);
/// How often a publisher that drains looks for answers.
const DRAIN_PAUSE: Duration = Duration::from_millis(1);
/// How long it waits when there is nothing to do at all.
const IDLE: Duration = Duration::from_secs(60);

/// See the module. Owned by its thread.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    outgoing: Arc<Outgoing>,
    echo: Arc<Echo>,
    lane: usize,
    wire: Option<Wire>,
    connected_before: bool,
    backoff: Backoff,
    /// What Redis has not confirmed, oldest first; the first `sent` of them are written on this connection.
    taken: VecDeque<Waiting>,
    sent: usize,
    /// What answers are due, in order.
    due: VecDeque<Due>,
    next_beat: Instant,
    buffer: Vec<u8>,
    /// For the name of a channel.
    name: Vec<u8>,
}

/// Answers that are due.
#[derive(Clone, Copy)]
enum Due {
    /// For so many publications, written at that moment.
    Publications(usize, Instant),
    Beat(u64, Instant),
}

impl Publisher {
    pub(super) fn new(
        shared: Arc<Shared>,
        outgoing: Arc<Outgoing>,
        echo: Arc<Echo>,
        lane: usize,
    ) -> Publisher {
        Publisher {
            shared,
            outgoing,
            echo,
            lane,
            wire: None,
            connected_before: false,
            backoff: Backoff::new(),
            taken: VecDeque::new(),
            sent: 0,
            due: VecDeque::new(),
            next_beat: clock::read(),
            buffer: Vec::new(),
            name: Vec::new(),
        }
    }

    /// The thread.
    pub(super) fn run(mut self) {
        loop {
            let now = clock::read();
            let order = self.outgoing.wait(self.lane, self.appetite(), self.wake_at(now));
            let now = clock::read();
            match order {
                Some(Order::End) => break,
                Some(Order::Drain(until)) if now >= until || self.has_drained() => break,
                Some(Order::Beat) => self.next_beat = now,
                Some(Order::Drain(_)) | None => {}
            }
            if let Err(error) = self.work(now) {
                self.lose(&error, now);
            }
            if matches!(order, Some(Order::Drain(_))) {
                // The order stands, so the queue does not put us to sleep. Answers come, or the next attempt.
                std::thread::sleep(DRAIN_PAUSE);
            }
        }
        self.drop_the_rest();
    }

    fn appetite(&self) -> Appetite {
        match self.wire.is_some() && self.taken.len() < WINDOW {
            true => Appetite::Publications,
            false => Appetite::OrdersOnly,
        }
    }

    fn wake_at(&self, now: Instant) -> Instant {
        if self.wire.is_none() {
            return self.backoff.ready_at().unwrap_or(now);
        }
        let idle = if self.says_beats() { self.next_beat } else { now + IDLE };
        if self.due.is_empty() { idle } else { idle.min(now + REAP_INTERVAL) }
    }

    fn says_beats(&self) -> bool {
        self.lane == 0
    }

    fn has_drained(&self) -> bool {
        self.taken.is_empty() && self.due.is_empty() && self.outgoing.is_empty(self.lane)
    }

    /// Everything that can be done now, without waiting for answers.
    fn work(&mut self, now: Instant) -> Result<(), WireError> {
        if self.wire.is_none() && !self.connect(now)? {
            return Ok(());
        }
        self.reap(now)?;
        if self.says_beats() && now >= self.next_beat {
            self.say_beat(now)?;
        }
        loop {
            if self.sent == self.taken.len() {
                let room = WINDOW.saturating_sub(self.taken.len()).min(BURST);
                if self.outgoing.take(self.lane, room, &mut self.taken) == 0 {
                    return Ok(());
                }
            }
            self.write_burst(now)?;
        }
    }

    /// Connects, if it is time to and the node is registered; whether there is a connection.
    fn connect(&mut self, now: Instant) -> Result<bool, WireError> {
        if !self.backoff.is_ready(now) {
            return Ok(false);
        }
        if self.shared.boot().is_none() {
            self.backoff.failed(now);
            return Ok(false);
        }
        self.wire = Some(Wire::connect(&self.shared.settings.target)?);
        if self.connected_before {
            self.shared.bus.publisher_reconnects.add(1);
        }
        self.connected_before = true;
        self.shared.bus.publishers_connected.add(1);
        self.shared.bus.published_again.add(self.sent as u64);
        self.sent = 0;
        self.next_beat = now;
        log::debug!("publisher {} connected to {}", self.lane, self.shared.settings.target);
        Ok(true)
    }

    fn say_beat(&mut self, now: Instant) -> Result<(), WireError> {
        let Some(boot) = self.shared.boot() else { return Ok(()) };
        let wall = self.shared.now();
        let (number, sent_us) = self.echo.say(wall);
        let behind =
            self.outgoing.oldest().map_or(Duration::ZERO, |oldest| now.saturating_duration_since(oldest));
        let beat = Beat {
            number,
            sent_us,
            behind_ms: behind.as_millis().try_into().unwrap_or(u32::MAX),
            losses: self.outgoing.losses_to_tell(wall),
        };
        let settings = &self.shared.settings;
        let channel = format!("{}nodes", settings.prefix);
        let command = redis::cmd("PUBLISH")
            .arg(channel)
            .arg(envelope::beat(&settings.node, boot, &beat))
            .get_packed_command();
        self.next_beat = now + BEAT;
        self.due.push_back(Due::Beat(number, now));
        self.wire.as_mut().map_or(Ok(()), |wire| wire.send(&command))
    }

    /// Encodes and writes what is taken and not sent, as far as one write goes.
    fn write_burst(&mut self, now: Instant) -> Result<(), WireError> {
        let Some(boot) = self.shared.boot() else { return Ok(()) };
        let settings = &self.shared.settings;
        let header = envelope::header(&settings.node, boot);
        self.buffer.clear();
        let mut count = 0;
        for Waiting { publication, .. } in self.taken.iter().skip(self.sent).take(BURST) {
            self.name.clear();
            channel::write(&settings.prefix, publication.topic, &mut self.name);
            encode(&mut self.buffer, &self.name, &header, &publication.payload);
            count += 1;
            if self.buffer.len() >= BURST_BYTES {
                break;
            }
        }
        // Before the write: after a failed one they count as sent, and are sent again.
        self.sent += count;
        self.due.push_back(Due::Publications(count, now));
        let result = self.wire.as_mut().map_or(Ok(()), |wire| wire.send(&self.buffer));
        if self.buffer.capacity() > 2 * BURST_BYTES {
            self.buffer = Vec::new();
        }
        result
    }

    /// Takes the answers that are there.
    fn reap(&mut self, now: Instant) -> Result<(), WireError> {
        let Some(wire) = &mut self.wire else { return Ok(()) };
        let mut done = 0;
        let outcome = loop {
            let Some(due) = self.due.front_mut() else { break Ok(()) };
            let (Due::Publications(_, written) | Due::Beat(_, written)) = *due;
            match wire.answer_at_hand() {
                Ok(Some(Value::Int(_))) => {}
                Ok(Some(_)) => break Err(WireError::Garbled),
                Ok(None) if now.saturating_duration_since(written) > CONFIRM_LIMIT => {
                    break Err(WireError::TimedOut);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
            match due {
                Due::Beat(number, _) => {
                    self.backoff.worked();
                    self.echo.confirmed(*number, now);
                    self.due.pop_front();
                }
                Due::Publications(count, _) => {
                    done += 1;
                    *count -= 1;
                    if *count == 0 {
                        self.due.pop_front();
                    }
                }
            }
        };
        if done > 0 {
            self.backoff.worked();
            self.sent -= done;
            self.shared.bus.published.add(done as u64);
            let oldest = self.taken.get(done).map(|waiting| waiting.since);
            self.outgoing.settled(self.lane, self.taken.drain(..done), || oldest, &self.shared.bus);
        }
        outcome
    }

    /// The connection is of no use any more.
    fn lose(&mut self, error: &WireError, now: Instant) {
        if self.wire.take().is_some() {
            self.shared.bus.publishers_connected.take_off(1);
            log::warn!("publisher {} lost {}: {error}", self.lane, self.shared.settings.target);
        }
        self.due.clear();
        self.backoff.failed(now);
    }

    /// The end: what was not published is lost, and said so in the goodbye.
    fn drop_the_rest(&mut self) {
        if self.wire.take().is_some() {
            self.shared.bus.publishers_connected.take_off(1);
        }
        self.outgoing.take(self.lane, usize::MAX, &mut self.taken);
        let first = self.taken.front().map(|waiting| waiting.since_wall);
        if let Some(first) = first {
            self.shared.bus.publish_dropped.add(self.taken.len() as u64);
            self.outgoing.lost(first);
        }
        self.outgoing.settled(self.lane, self.taken.drain(..), || None, &self.shared.bus);
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
