//! A publisher: one thread that keeps one lane going.
//!
//! Mostly those who publish write to the lane's socket themselves. The publisher connects, takes confirmations, writes what
//! had to wait, and notices when Redis does not confirm in time. What Redis has not confirmed is kept, and sent again on
//! the next connection: others may hear it twice, and in order all the same. The first publisher also says the node's beat.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::echo::Echo;
use super::envelope::{self, Beat};
use super::lane::{Lane, Order};
use super::outgoing::Outgoing;
use super::shared::Shared;
use super::wire::{Wire, WireError};
use super::{BEAT, clock};

/// How often a publisher that drains looks for confirmations.
const DRAIN_PAUSE: Duration = Duration::from_millis(1);
/// How long it waits when there is nothing to do at all.
const IDLE: Duration = Duration::from_secs(60);

/// See the module. Owned by its thread.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    outgoing: Arc<Outgoing>,
    echo: Arc<Echo>,
    index: usize,
    is_connected: bool,
    connected_before: bool,
    backoff: Backoff,
    next_beat: Instant,
}

impl Publisher {
    pub(super) fn new(
        shared: Arc<Shared>,
        outgoing: Arc<Outgoing>,
        echo: Arc<Echo>,
        index: usize,
    ) -> Publisher {
        Publisher {
            shared,
            outgoing,
            echo,
            index,
            is_connected: false,
            connected_before: false,
            backoff: Backoff::new(),
            next_beat: clock::read(),
        }
    }

    fn lane(&self) -> &Lane {
        self.outgoing.lane(self.index)
    }

    /// The thread.
    pub(super) fn run(mut self) {
        loop {
            let order = self.lane().wait(self.wake_at(clock::read()));
            let now = clock::read();
            match order {
                Some(Order::End) => break,
                Some(Order::Drain(until)) if now >= until || self.lane().is_idle() => break,
                Some(Order::Beat) => self.next_beat = now,
                Some(Order::Drain(_)) | None => {}
            }
            let outcome = self.work(now);
            if let Err(error) = outcome {
                self.lose(&error, now);
            }
            if matches!(order, Some(Order::Drain(_))) {
                // The order stands, so the lane does not put us to sleep. Confirmations come, or the next attempt.
                std::thread::sleep(DRAIN_PAUSE);
            }
        }
        self.end();
    }

    fn wake_at(&self, now: Instant) -> Instant {
        match self.is_connected {
            false => self.backoff.ready_at().unwrap_or(now),
            true if self.says_beats() => self.next_beat,
            true => now + IDLE,
        }
    }

    fn says_beats(&self) -> bool {
        self.index == 0
    }

    fn work(&mut self, now: Instant) -> Result<(), WireError> {
        if !self.is_connected && !self.connect(now)? {
            return Ok(());
        }
        if self.says_beats() && now >= self.next_beat {
            self.say_beat(now);
        }
        if self.lane().work(now)? > 0 {
            self.backoff.worked();
        }
        Ok(())
    }

    /// Connects, if it is time to and the node is registered; whether there is a connection.
    fn connect(&mut self, now: Instant) -> Result<bool, WireError> {
        if !self.backoff.is_ready(now) {
            return Ok(false);
        }
        let Some(boot) = self.shared.boot() else {
            self.backoff.failed(now);
            return Ok(false);
        };
        let wire = Wire::connect(&self.shared.settings.target)?;
        let bus = &self.shared.bus;
        if std::mem::replace(&mut self.connected_before, true) {
            bus.publisher_reconnects.add(1);
        }
        bus.publishers_connected.add(1);
        let again = self.lane().connected(wire, envelope::header(&self.shared.settings.node, boot));
        bus.published_again.add(again as u64);
        self.is_connected = true;
        self.next_beat = now;
        log::debug!("publisher {} connected to {}", self.index, self.shared.settings.target);
        Ok(true)
    }

    fn say_beat(&mut self, now: Instant) {
        let Some(boot) = self.shared.boot() else { return };
        // Read before the lanes are: what comes into them later is of this moment or later.
        let wall = self.shared.now();
        let complete_until = self.outgoing.oldest().map_or(wall, |oldest| oldest.min(wall));
        let (number, sent_us) = self.echo.say(wall);
        let beat = Beat { number, sent_us, complete_until, losses: self.outgoing.losses_to_tell(wall) };
        let settings = &self.shared.settings;
        let command = redis::cmd("PUBLISH")
            .arg(format!("{}nodes", settings.prefix))
            .arg(envelope::beat(&settings.node, boot, &beat))
            .get_packed_command();
        self.lane().say_beat(&command, number, now);
        self.next_beat = now + BEAT;
    }

    /// The connection is gone, or there was none to be had.
    fn lose(&mut self, error: &WireError, now: Instant) {
        if std::mem::replace(&mut self.is_connected, false) {
            self.shared.bus.publishers_connected.take_off(1);
            log::warn!("publisher {} lost {}: {error}", self.index, self.shared.settings.target);
        }
        self.backoff.failed(now);
    }

    /// The end: what was not published is lost, and said so in the goodbye.
    fn end(&mut self) {
        if self.is_connected {
            self.shared.bus.publishers_connected.take_off(1);
        }
        if let Some(since) = self.lane().abandon() {
            self.outgoing.lost(since);
        }
    }
}
