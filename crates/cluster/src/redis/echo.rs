//! A node hears its own beats. That shows how long the bus takes, and that it hears at all.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use domain::Timestamp;
use parking_lot::Mutex;

use super::envelope::Beat;
use super::metrics::BusNumbers;
use super::{SILENCE_LIMIT, clock};

/// The node's own beats, between the publisher that says them and the subscriber that hears them.
pub(super) struct Echo {
    /// Where the beats' own time begins.
    origin: Instant,
    /// The last number given to a beat.
    said: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last beat that Redis took, and when.
    confirmed: Option<(u64, Instant)>,
    /// When the oldest confirmed beat was confirmed that was not heard.
    unheard_since: Option<Instant>,
    heard: u64,
    /// When the last beats were said, by the wall clock: what a beat that is heard proves is that all before was.
    said_at: [(u64, Timestamp); 4],
}

impl Echo {
    pub(super) fn new() -> Echo {
        Echo { origin: clock::read(), said: AtomicU64::new(0), state: Mutex::default() }
    }

    /// Number and time for a beat that is said now.
    pub(super) fn say(&self, wall: Timestamp) -> (u64, u64) {
        let number = self.said.fetch_add(1, SeqCst) + 1;
        let mut state = self.state.lock();
        let slot = number as usize % state.said_at.len();
        state.said_at[slot] = (number, wall);
        (number, micros(clock::read().saturating_duration_since(self.origin)))
    }

    /// Redis took a beat.
    pub(super) fn confirmed(&self, number: u64, now: Instant) {
        let mut state = self.state.lock();
        state.confirmed = Some((number, now));
        if state.heard < number {
            state.unheard_since.get_or_insert(now);
        }
    }

    /// A beat came back; answers when it was said, if that is still known.
    pub(super) fn heard(&self, beat: &Beat, numbers: &BusNumbers) -> Option<Timestamp> {
        // Nothing that nobody said can prove that this node hears.
        if beat.number > self.said.load(SeqCst) {
            return None;
        }
        let lag = micros(clock::read().saturating_duration_since(self.origin)).saturating_sub(beat.sent_us);
        numbers.lag_us.set(lag);
        numbers.lag_us_max.raise_to(lag);
        let mut state = self.state.lock();
        state.heard = state.heard.max(beat.number);
        if state.confirmed.is_none_or(|(number, _)| number <= state.heard) {
            state.unheard_since = None;
        }
        let slot = beat.number as usize % state.said_at.len();
        let (number, wall) = state.said_at[slot];
        (number == beat.number).then_some(wall)
    }

    /// The subscriber has a new connection: what was said before does not come any more.
    pub(super) fn forget(&self) {
        let mut state = self.state.lock();
        state.unheard_since = None;
        state.heard = self.said.load(SeqCst);
    }

    /// Redis took a beat so long ago that we must be deaf.
    pub(super) fn is_missing(&self, now: Instant) -> bool {
        let unheard_since = self.state.lock().unheard_since;
        unheard_since.is_some_and(|since| now.saturating_duration_since(since) > SILENCE_LIMIT)
    }
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(number: u64) -> Beat {
        Beat { number, sent_us: 0, complete_until: Timestamp(0), losses: Vec::new() }
    }

    #[test]
    fn a_beat_that_was_never_said_proves_nothing() {
        let (echo, numbers, now) = (Echo::new(), BusNumbers::default(), clock::read());
        let (first, _) = echo.say(Timestamp(1));
        assert_eq!(echo.heard(&beat(u64::MAX), &numbers), None);
        echo.confirmed(first, now);
        assert!(echo.is_missing(now + SILENCE_LIMIT + Duration::from_millis(1)));
        assert_eq!(echo.heard(&beat(first), &numbers), Some(Timestamp(1)));
    }

    #[test]
    fn a_confirmed_beat_that_is_not_heard_is_missed_and_any_later_one_will_do() {
        let (echo, numbers, now) = (Echo::new(), BusNumbers::default(), clock::read());
        let late = now + SILENCE_LIMIT + Duration::from_millis(1);
        let (first, _) = echo.say(Timestamp(10));
        assert!(!echo.is_missing(late), "Redis never took it");
        echo.confirmed(first, now);
        assert!(!echo.is_missing(now));
        assert!(echo.is_missing(late));
        let (second, _) = echo.say(Timestamp(20));
        echo.confirmed(second, late);
        assert!(echo.is_missing(late), "the first is still missing");
        assert_eq!(echo.heard(&beat(second), &numbers), Some(Timestamp(20)));
        assert!(!echo.is_missing(late + SILENCE_LIMIT * 2));
    }

    #[test]
    fn an_echo_may_come_before_the_confirmation() {
        let (echo, numbers, now) = (Echo::new(), BusNumbers::default(), clock::read());
        let (number, _) = echo.say(Timestamp(10));
        echo.heard(&beat(number), &numbers);
        echo.confirmed(number, now);
        assert!(!echo.is_missing(now + SILENCE_LIMIT * 2));
    }

    #[test]
    fn a_new_connection_waits_for_new_beats_only() {
        let (echo, now) = (Echo::new(), clock::read());
        let (number, _) = echo.say(Timestamp(10));
        echo.confirmed(number, now);
        echo.forget();
        assert!(!echo.is_missing(now + SILENCE_LIMIT * 2));
    }
}
