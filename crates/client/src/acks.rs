//! Acknowledgements, of what was taken and of what was read: cumulative and lazy.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::limits::{ACK_BATCH, ACK_DELAY_MS, READ_DELAY_MS};

/// What is to be acknowledged, and when. One ACK or READ covers everything before it, so each conversation sends at most one
/// in each delay, or one per [`ACK_BATCH`] messages. Holds one entry for each conversation that something was taken of; their
/// number is bounded by the timelines.
#[derive(Debug)]
pub(crate) struct Acks {
    delay: Duration,
    entries: HashMap<u64, Entry>,
    due: BTreeSet<(Instant, u64)>,
}

#[derive(Debug, Default)]
struct Entry {
    taken: u64,
    acked: u64,
    due: Option<Instant>,
}

impl Acks {
    /// Of what was taken: ACK.
    pub(crate) fn of_taken() -> Acks {
        Acks::new(ACK_DELAY_MS)
    }

    /// Of what was read: READ, which somebody may wait for.
    pub(crate) fn of_read() -> Acks {
        Acks::new(READ_DELAY_MS)
    }

    fn new(delay_ms: u64) -> Acks {
        Acks { delay: Duration::from_millis(delay_ms), entries: HashMap::new(), due: BTreeSet::new() }
    }

    /// The application took everything of the conversation up to `seq`.
    pub(crate) fn taken(&mut self, conv: u64, seq: u64, now: Instant) {
        let entry = self.entries.entry(conv).or_default();
        entry.taken = entry.taken.max(seq);
        self.schedule(conv, now);
    }

    /// The server said that another device of the user did so up to `seq`. Should it forget that, it is told again.
    pub(crate) fn confirmed(&mut self, conv: u64, seq: u64, now: Instant) {
        let entry = self.entries.entry(conv).or_default();
        entry.taken = entry.taken.max(seq);
        entry.acked = entry.acked.max(seq);
        self.schedule(conv, now);
    }

    /// The server says how far the conversation is acknowledged: after a lost connection, maybe less than was sent.
    pub(crate) fn learn(&mut self, conv: u64, acked: u64, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&conv) {
            entry.acked = acked;
            self.schedule(conv, now);
        }
    }

    /// The server did not take the last one: it goes with the next, after the usual wait.
    pub(crate) fn failed(&mut self, conv: u64, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&conv)
            && entry.due.is_none()
        {
            let at = now + self.delay;
            entry.due = Some(at);
            self.due.insert((at, conv));
        }
    }

    /// The next acknowledgement that is due, as `(conv, seq)`. It counts as sent.
    pub(crate) fn next_due(&mut self, now: Instant) -> Option<(u64, u64)> {
        let &(at, conv) = self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        let entry = self.entries.get_mut(&conv)?;
        entry.due = None;
        entry.acked = entry.taken;
        Some((conv, entry.taken))
    }

    /// Makes everything due at once: the client closes.
    pub(crate) fn hurry(&mut self, now: Instant) {
        let waiting: Vec<u64> = self.due.iter().map(|(_, conv)| *conv).collect();
        self.due.clear();
        for conv in waiting {
            if let Some(entry) = self.entries.get_mut(&conv) {
                entry.due = Some(now);
                self.due.insert((now, conv));
            }
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The conversation was put back: what was taken of it is of no use.
    pub(crate) fn forget(&mut self, conv: u64) {
        if let Some(at) = self.entries.remove(&conv).and_then(|entry| entry.due) {
            self.due.remove(&(at, conv));
        }
    }

    /// Another user logged in.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.due.clear();
    }

    fn schedule(&mut self, conv: u64, now: Instant) {
        let delay = self.delay;
        let Some(entry) = self.entries.get_mut(&conv) else { return };
        let wanted = match entry.taken.saturating_sub(entry.acked) {
            0 => None,
            1..ACK_BATCH => Some(entry.due.unwrap_or(now + delay)),
            _ => Some(now),
        };
        if entry.due != wanted {
            if let Some(at) = entry.due {
                self.due.remove(&(at, conv));
            }
            if let Some(at) = wanted {
                self.due.insert((at, conv));
            }
            entry.due = wanted;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a starting point for virtual time")]
    use super::*;

    #[test]
    fn one_acknowledgement_covers_a_second() {
        let (mut acks, start) = (Acks::of_taken(), Instant::now());
        acks.taken(1, 1, start);
        acks.taken(1, 2, start + Duration::from_millis(900));
        assert_eq!(acks.next_due(start + Duration::from_millis(999)), None);
        let due = start + Duration::from_millis(ACK_DELAY_MS);
        assert_eq!(acks.deadline(), Some(due));
        assert_eq!(acks.next_due(due), Some((1, 2)));
        assert_eq!(acks.deadline(), None, "nothing more to say");
    }

    #[test]
    fn a_hundred_messages_do_not_wait() {
        let (mut acks, start) = (Acks::of_taken(), Instant::now());
        (1..ACK_BATCH).for_each(|seq| acks.taken(7, seq, start));
        assert_eq!(acks.next_due(start), None);
        acks.taken(7, ACK_BATCH, start);
        assert_eq!(acks.next_due(start), Some((7, ACK_BATCH)));
        acks.taken(7, 5, start);
        assert_eq!(acks.deadline(), None, "a smaller seq changes nothing");
    }

    #[test]
    fn what_another_device_said_is_said_again_only_when_it_is_lost() {
        let (mut reads, start) = (Acks::of_read(), Instant::now());
        reads.taken(1, 5, start);
        reads.confirmed(1, 7, start);
        assert_eq!(reads.deadline(), None, "the other device was faster");
        reads.learn(1, 7, start);
        assert_eq!(reads.deadline(), None);
        reads.learn(1, 4, start);
        assert_eq!(reads.next_due(start + Duration::from_secs(1)), Some((1, 7)));
    }

    #[test]
    fn a_lost_acknowledgement_is_sent_again() {
        let (mut acks, start) = (Acks::of_taken(), Instant::now());
        acks.taken(1, 5, start);
        let later = start + Duration::from_secs(2);
        assert_eq!(acks.next_due(later), Some((1, 5)));
        acks.learn(1, 3, later);
        assert_eq!(acks.next_due(later + Duration::from_secs(1)), Some((1, 5)));
        acks.learn(1, 5, later);
        assert_eq!(acks.deadline(), None);
    }
}
