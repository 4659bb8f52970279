//! The bus port over Redis.

use std::sync::Arc;
use std::time::Duration;

use domain::{Bus, BusError, Publication, Reach, SharedReceiver, Topic};

use super::clock;
use super::metrics::BusSnapshot;
use super::outgoing::Outgoing;
use super::shared::Shared;
use super::subscriber::Ear;

/// How long [`Bus::subscribe`] waits for the confirmation.
const SUBSCRIBE_LIMIT: Duration = Duration::from_secs(2);

/// One node's bus over Redis. Made by [`connect`](super::connect); its threads end with the
/// [`Membership`](super::Membership), and after that it is away for good.
pub struct RedisBus {
    pub(super) shared: Arc<Shared>,
    pub(super) outgoing: Arc<Outgoing>,
    pub(super) ear: Arc<Ear>,
}

impl RedisBus {
    /// Names who takes what other nodes publish. Kept weakly: once it is gone, nothing is taken. What came before is not
    /// kept: name the receiver before the first [`Bus::subscribe`].
    pub fn receive_with(&self, receiver: &SharedReceiver) {
        self.shared.receive_with(receiver);
    }

    /// What was counted so far.
    pub fn snapshot(&self) -> BusSnapshot {
        self.shared.bus.snapshot()
    }
}

impl Bus for RedisBus {
    fn reach(&self) -> Reach {
        let bus = &self.shared.bus;
        let publishers = self.shared.settings.publishers as u64;
        match bus.hearing.value() == 1 && bus.publishers_connected.value() == publishers {
            true => Reach::Cluster,
            false => Reach::Away,
        }
    }

    fn publish(&self, batch: Vec<Publication>) -> Result<(), BusError> {
        self.outgoing.push(batch)
    }

    fn subscribe(&self, topics: &[Topic]) {
        let since = self.shared.now();
        let mut subscriptions = self.ear.subscriptions.lock();
        let ticket = subscriptions.listen(topics);
        if subscriptions.is_settled(ticket) {
            return;
        }
        self.ear.wake();
        let deadline = clock::read() + SUBSCRIBE_LIMIT;
        while !subscriptions.is_settled(ticket) {
            if self.ear.news.wait_until(&mut subscriptions, deadline).timed_out() {
                // When it is confirmed after all, the receiver is told what went by meanwhile.
                subscriptions.give_up(ticket, since);
                self.shared.bus.subscribe_timeouts.add(1);
                return;
            }
        }
    }

    fn unsubscribe(&self, topics: &[Topic]) {
        let mut subscriptions = self.ear.subscriptions.lock();
        subscriptions.leave(topics);
        if subscriptions.has_waiting() {
            self.ear.wake();
        }
    }
}
