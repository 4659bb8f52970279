//! The queues between those who publish and the publishers' threads, and what was lost on the way.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use domain::{BusError, Publication, Timestamp, Topic};
use parking_lot::{Condvar, Mutex};

use super::clock;
use super::config::Limits;
use super::envelope::{LOSSES_MAX, Loss};
use super::metrics::BusNumbers;

/// One queue a publisher, one limit for all.
pub(super) struct Outgoing {
    lanes: Box<[Lane]>,
    losses: Mutex<Losses>,
    publications_max: usize,
    bytes_max: usize,
}

/// The queue of one publisher. What is taken from it counts for the limits until [`Outgoing::settled`].
struct Lane {
    state: Mutex<LaneState>,
    news: Condvar,
}

#[derive(Default)]
struct LaneState {
    queue: VecDeque<Waiting>,
    /// When the oldest was handed over that the publisher has taken and that is not confirmed.
    oldest_taken: Option<Instant>,
    order: Option<Order>,
}

/// A publication on its way.
pub(super) struct Waiting {
    pub(super) publication: Publication,
    pub(super) since: Instant,
    pub(super) since_wall: Timestamp,
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

/// How long beats tell of a loss: nodes that were away meanwhile hear it, nodes that start later need not.
const TOLD_FOR: Duration = Duration::from_secs(300);

/// What was refused, for the beats.
#[derive(Default)]
struct Losses {
    /// The latest, oldest first.
    known: VecDeque<Known>,
    generation: u64,
}

struct Known {
    loss: Loss,
    /// When a beat told of it first. Until then, what is lost more belongs to it.
    told: Option<Timestamp>,
}

impl Outgoing {
    pub(super) fn new(lanes: usize, limits: &Limits) -> Outgoing {
        let lane = |_| Lane { state: Mutex::default(), news: Condvar::new() };
        Outgoing {
            lanes: (0..lanes).map(lane).collect(),
            losses: Mutex::default(),
            publications_max: limits.publish_queue_max,
            bytes_max: limits.publish_queue_bytes_max,
        }
    }

    /// Queues a batch, each publication in its topic's lane. Those that find no room are dropped and remembered as a loss;
    /// the others go their way all the same. Any thread.
    pub(super) fn push(
        &self,
        batch: Vec<Publication>,
        now: Timestamp,
        numbers: &BusNumbers,
    ) -> Result<(), BusError> {
        let since = clock::read();
        let mut refused = 0;
        let mut batch = batch.into_iter().peekable();
        while let Some(first) = batch.next() {
            let lane = self.lane_of(first.topic);
            let mut state = self.lanes[lane].state.lock();
            let mut next = Some(first);
            while let Some(publication) = next {
                let depth = numbers.publish_queue.value();
                let bytes = numbers.publish_queue_bytes.value() + publication.payload.len() as u64;
                if depth >= self.publications_max as u64 || bytes > self.bytes_max as u64 {
                    refused += 1;
                } else {
                    numbers.publish_queue.add(1);
                    numbers.publish_queue_bytes.add(publication.payload.len() as u64);
                    numbers.publish_queue_high_water.raise_to(depth + 1);
                    state.queue.push_back(Waiting { publication, since, since_wall: now });
                }
                next = batch.next_if(|publication| self.lane_of(publication.topic) == lane);
            }
            drop(state);
            self.lanes[lane].news.notify_one();
        }
        if refused == 0 {
            return Ok(());
        }
        numbers.publish_refused.add(refused);
        self.lost(now);
        Err(BusError::Full { waiting: numbers.publish_queue.value() as usize })
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

    /// Remembers that what was handed over at or after `since` is not published.
    pub(super) fn lost(&self, since: Timestamp) {
        let mut losses = self.losses.lock();
        if let Some(Known { loss, told: None }) = losses.known.back_mut() {
            loss.since = loss.since.min(since);
            return;
        }
        losses.generation += 1;
        let generation = losses.generation;
        if losses.known.len() == LOSSES_MAX {
            // The two oldest become one, which begins as early as both.
            let oldest = losses.known.pop_front();
            if let (Some(oldest), Some(front)) = (oldest, losses.known.front_mut()) {
                front.loss.since = front.loss.since.min(oldest.loss.since);
            }
        }
        losses.known.push_back(Known { loss: Loss { generation, since }, told: None });
        drop(losses);
        self.order(0, Order::Beat);
    }

    /// What a beat that is made now tells of. What is lost from now on is a new loss.
    pub(super) fn losses_to_tell(&self, now: Timestamp) -> Vec<Loss> {
        let mut losses = self.losses.lock();
        let old = |told: Timestamp| now.0.saturating_sub(told.0) > TOLD_FOR.as_millis() as u64;
        losses.known.retain(|known| !known.told.is_some_and(old));
        if let Some(Known { told: told @ None, .. }) = losses.known.back_mut() {
            *told = Some(now);
        }
        losses.known.iter().map(|known| known.loss).collect()
    }

    /// Since when a loss is not told of in any beat yet.
    pub(super) fn loss_not_told(&self) -> Option<Timestamp> {
        let losses = self.losses.lock();
        losses.known.back().filter(|known| known.told.is_none()).map(|known| known.loss.since)
    }

    /// Gives a publisher an order; a greater one replaces a lesser one.
    pub(super) fn order(&self, lane: usize, order: Order) {
        let lane = &self.lanes[lane];
        let mut state = lane.state.lock();
        let stands = match (state.order, order) {
            (Some(Order::End), _) | (Some(Order::Drain(_)), Order::Beat) => true,
            (_, _) => false,
        };
        if !stands {
            state.order = Some(order);
        }
        drop(state);
        lane.news.notify_one();
    }

    /// Waits for an order, or for publications if the publisher `wants` them, until `deadline`. Gives the order, which
    /// stands unless it was to say a beat. The lane's publisher only.
    pub(super) fn wait(&self, lane: usize, wants: Appetite, deadline: Instant) -> Option<Order> {
        let lane = &self.lanes[lane];
        let mut state = lane.state.lock();
        loop {
            match state.order {
                Some(Order::Beat) => return state.order.take(),
                Some(order) => return Some(order),
                None if wants == Appetite::Publications && !state.queue.is_empty() => return None,
                None => {}
            }
            if lane.news.wait_until(&mut state, deadline).timed_out() {
                return None;
            }
        }
    }

    /// Moves up to `count` publications from the lane to the publisher's own list. The lane's publisher only.
    pub(super) fn take(&self, lane: usize, count: usize, taken: &mut VecDeque<Waiting>) -> usize {
        let mut state = self.lanes[lane].state.lock();
        let count = count.min(state.queue.len());
        taken.extend(state.queue.drain(..count));
        state.oldest_taken = taken.front().map(|waiting| waiting.since);
        count
    }

    /// These publications need nothing more; `rest` are what the publisher has still taken.
    pub(super) fn settled(
        &self,
        lane: usize,
        done: impl Iterator<Item = Waiting>,
        oldest: impl FnOnce() -> Option<Instant>,
        numbers: &BusNumbers,
    ) {
        let (mut count, mut bytes) = (0, 0);
        for waiting in done {
            count += 1;
            bytes += waiting.publication.payload.len() as u64;
        }
        numbers.publish_queue.take_off(count);
        numbers.publish_queue_bytes.take_off(bytes);
        self.lanes[lane].state.lock().oldest_taken = oldest();
    }

    /// Whether nothing waits in a lane's queue.
    pub(super) fn is_empty(&self, lane: usize) -> bool {
        self.lanes[lane].state.lock().queue.is_empty()
    }

    /// Since when the oldest publication of all waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let oldest = |lane: &Lane| {
            let state = lane.state.lock();
            state.oldest_taken.or(state.queue.front().map(|waiting| waiting.since))
        };
        self.lanes.iter().filter_map(oldest).min()
    }
}

/// Whether a publisher can do anything with publications now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Appetite {
    Publications,
    OrdersOnly,
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use domain::UserId;

    fn publication(user: u64, bytes: usize) -> Publication {
        Publication { topic: Topic::User(UserId(user)), payload: Bytes::from(vec![0; bytes]) }
    }

    fn outgoing(publications: usize, bytes: usize) -> (Outgoing, BusNumbers) {
        let limits =
            Limits { publish_queue_max: publications, publish_queue_bytes_max: bytes, ..Limits::default() };
        (Outgoing::new(2, &limits), BusNumbers::default())
    }

    #[test]
    fn what_finds_no_room_is_refused_counted_and_told_once() {
        let (outgoing, numbers) = outgoing(3, 1_000);
        let batch = |count| (0..count).map(|user| publication(user, 10)).collect::<Vec<_>>();
        assert_eq!(outgoing.push(batch(2), Timestamp(1), &numbers), Ok(()));
        assert_eq!(outgoing.push(batch(3), Timestamp(2), &numbers), Err(BusError::Full { waiting: 3 }));
        assert_eq!(outgoing.push(batch(1), Timestamp(3), &numbers), Err(BusError::Full { waiting: 3 }));
        let snapshot = numbers.snapshot();
        assert_eq!((snapshot.publish_queue, snapshot.publish_refused), (3, 3));
        assert_eq!(snapshot.publish_queue_bytes, 30);
        assert_eq!(outgoing.loss_not_told(), Some(Timestamp(2)));
        assert_eq!(outgoing.losses_to_tell(Timestamp(3)), [Loss { generation: 1, since: Timestamp(2) }]);
        assert_eq!(outgoing.loss_not_told(), None);
        outgoing.push(batch(1), Timestamp(4), &numbers).unwrap_err();
        assert_eq!(outgoing.losses_to_tell(Timestamp(5)).len(), 2);
        assert_eq!(outgoing.losses_to_tell(Timestamp(400_000)).len(), 0);
    }

    #[test]
    fn bytes_are_limited_too() {
        let (outgoing, numbers) = outgoing(100, 25);
        let batch = vec![publication(1, 20), publication(2, 20), publication(3, 5)];
        assert!(outgoing.push(batch, Timestamp(1), &numbers).is_err());
        assert_eq!(numbers.snapshot().publish_queue, 2);
    }

    #[test]
    fn many_losses_become_few_and_none_is_forgotten() {
        let (outgoing, _) = outgoing(1, 1);
        for generation in 1..=20 {
            outgoing.lost(Timestamp(100 + generation));
            outgoing.losses_to_tell(Timestamp(100));
        }
        let told = outgoing.losses_to_tell(Timestamp(100));
        assert_eq!(told.len(), LOSSES_MAX);
        assert_eq!(told.first().map(|loss| loss.since), Some(Timestamp(101)));
        assert_eq!(told.last().map(|loss| loss.generation), Some(20));
    }

    #[test]
    fn settling_makes_room() {
        let (outgoing, numbers) = outgoing(2, 1_000);
        outgoing.push(vec![publication(1, 1), publication(1, 1)], Timestamp(1), &numbers).unwrap();
        let lane = outgoing.lane_of(Topic::User(UserId(1)));
        let mut taken = VecDeque::new();
        assert_eq!(outgoing.take(lane, 10, &mut taken), 2);
        assert!(outgoing.oldest().is_some());
        assert!(outgoing.push(vec![publication(1, 1)], Timestamp(2), &numbers).is_err());
        outgoing.settled(lane, taken.drain(..), || None, &numbers);
        assert!(outgoing.oldest().is_none());
        outgoing.push(vec![publication(1, 1)], Timestamp(3), &numbers).unwrap();
    }
}
