//! The way out for publications: one lane a publisher, one limit for all.

use std::sync::Arc;

use domain::{BusError, Publication, Timestamp, Topic};
use parking_lot::Mutex;

use super::clock;
use super::echo::Echo;
use super::envelope::Loss;
use super::lane::{Lane, Order};
use super::losses::Losses;
use super::shared::Shared;

/// See the module. Any thread.
pub(super) struct Outgoing {
    shared: Arc<Shared>,
    lanes: Box<[Lane]>,
    losses: Mutex<Losses>,
}

impl Outgoing {
    pub(super) fn new(shared: Arc<Shared>, echo: &Arc<Echo>) -> Outgoing {
        let lane = |_| Lane::new(Arc::clone(&shared), Arc::clone(echo));
        let lanes = (0..shared.settings.publishers).map(lane).collect();
        Outgoing { shared, lanes, losses: Mutex::default() }
    }

    pub(super) fn lane(&self, index: usize) -> &Lane {
        &self.lanes[index]
    }

    /// Sends a batch on its way, each publication in its topic's lane. Those that find no room are dropped and remembered
    /// as a loss; the others go their way all the same. The limits may be passed by as many as there are threads here.
    pub(super) fn push(&self, batch: Vec<Publication>) -> Result<(), BusError> {
        let (now, since) = (clock::read(), self.shared.now());
        let mut by_lane: Vec<Vec<Publication>> = self.lanes.iter().map(|_| Vec::new()).collect();
        let mut refused = 0;
        for publication in batch {
            match self.admit(publication.payload.len()) {
                true => {
                    let lane = self.lane_of(publication.topic);
                    by_lane[lane].push(publication);
                }
                false => refused += 1,
            }
        }
        for (lane, publications) in self.lanes.iter().zip(by_lane) {
            if !publications.is_empty() {
                lane.push(publications, now);
            }
        }
        if refused == 0 {
            return Ok(());
        }
        let numbers = &self.shared.bus;
        numbers.publish_refused.add(refused);
        self.lost(since);
        Err(BusError::Full { waiting: numbers.publish_queue.value() as usize })
    }

    /// Counts one in, if there is room.
    fn admit(&self, bytes: usize) -> bool {
        let (numbers, limits) = (&self.shared.bus, &self.shared.settings.limits);
        let depth = numbers.publish_queue.value();
        let bytes_waiting = numbers.publish_queue_bytes.value() + bytes as u64;
        if depth >= limits.publish_queue_max as u64 || bytes_waiting > limits.publish_queue_bytes_max as u64 {
            return false;
        }
        numbers.publish_queue.add(1);
        numbers.publish_queue_bytes.add(bytes as u64);
        numbers.publish_queue_high_water.raise_to(depth + 1);
        true
    }

    /// A topic always has the same lane: so its order is kept.
    fn lane_of(&self, topic: Topic) -> usize {
        let number = match topic {
            Topic::User(user) => user.0,
            Topic::Group(group) => group.0,
            Topic::Nodes => 0,
        };
        // Fibonacci hashing: ids that are given in turn spread evenly.
        (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % self.lanes.len()
    }

    /// What was handed over at or after `since` is not published: a beat tells the others.
    pub(super) fn lost(&self, since: Timestamp) {
        let is_news = self.losses.lock().add(since);
        if is_news {
            self.lanes[0].order(Order::Beat);
        }
    }

    /// What a beat that is made now tells of.
    pub(super) fn losses_to_tell(&self, now: Timestamp) -> Vec<Loss> {
        self.losses.lock().tell(now)
    }

    /// Since when a loss is not told of in any beat yet.
    pub(super) fn loss_not_told(&self) -> Option<Timestamp> {
        self.losses.lock().not_told()
    }

    /// Since when the oldest publication of all waits. No lane's lock may be held.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.lanes.iter().filter_map(Lane::oldest).min()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::config::Settings;
    use super::*;
    use bytes::Bytes;
    use domain::UserId;
    use domain::testing::FakeClock;

    fn publication(user: u64, bytes: usize) -> Publication {
        Publication { topic: Topic::User(UserId(user)), payload: Bytes::from(vec![0; bytes]) }
    }

    fn outgoing(publications: usize, bytes: usize) -> Outgoing {
        let mut config = Config::default();
        config.limits.publish_queue_max = publications;
        config.limits.publish_queue_bytes_max = bytes;
        let clock = Arc::new(FakeClock::new(Timestamp(7)));
        Outgoing::new(Arc::new(Shared::new(Settings::check(&config).unwrap(), clock)), &Arc::new(Echo::new()))
    }

    #[test]
    fn what_finds_no_room_is_refused_counted_and_a_loss() {
        let outgoing = outgoing(3, 1_000);
        let batch = |count| (0..count).map(|user| publication(user, 10)).collect::<Vec<_>>();
        assert_eq!(outgoing.push(batch(2)), Ok(()));
        assert_eq!(outgoing.push(batch(3)), Err(BusError::Full { waiting: 3 }));
        assert_eq!(outgoing.push(batch(1)), Err(BusError::Full { waiting: 3 }));
        let snapshot = outgoing.shared.bus.snapshot();
        assert_eq!((snapshot.publish_queue, snapshot.publish_refused), (3, 3));
        assert_eq!(snapshot.publish_queue_bytes, 30);
        assert_eq!(outgoing.loss_not_told(), Some(Timestamp(7)));
        assert!(outgoing.oldest().is_some());
    }

    #[test]
    fn bytes_are_limited_too() {
        let outgoing = outgoing(100, 25);
        let batch = vec![publication(1, 20), publication(2, 20), publication(3, 5)];
        assert!(outgoing.push(batch).is_err());
        assert_eq!(outgoing.shared.bus.snapshot().publish_queue, 2);
    }

    #[test]
    fn what_is_abandoned_makes_room_and_says_since_when() {
        let outgoing = outgoing(2, 1_000);
        outgoing.push(vec![publication(1, 1), publication(2, 1)]).unwrap();
        let lost: Vec<_> = outgoing.lanes.iter().filter_map(Lane::abandon).collect();
        assert!(lost.iter().all(|since| *since == Timestamp(7)) && !lost.is_empty());
        assert!(outgoing.oldest().is_none());
        let snapshot = outgoing.shared.bus.snapshot();
        assert_eq!(
            (snapshot.publish_queue, snapshot.publish_queue_bytes, snapshot.publish_dropped),
            (0, 0, 2)
        );
        outgoing.push(vec![publication(1, 1)]).unwrap();
    }
}
