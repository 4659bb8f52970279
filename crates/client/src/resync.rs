//! When to ask how everything stands, in a session that goes on.

use std::time::{Duration, Instant};

use crate::limits::{REFRESH_RETRY_MS, RESYNC_WITHIN_MS_MAX};

/// What is to be asked with REFRESH, because the server said that it may have missed something. One question at a time: what
/// is said while one is under way asks for another one.
#[derive(Debug, Default)]
pub(crate) struct Resync {
    due: Option<Instant>,
    is_asked: bool,
}

impl Resync {
    /// The server said RESYNC; `random` decides on the moment. An earlier moment that waits stays.
    pub(crate) fn said(&mut self, within_ms: u32, random: u64, now: Instant) {
        let within_ms = u64::from(within_ms).min(RESYNC_WITHIN_MS_MAX);
        let due = now + Duration::from_millis(random % (within_ms + 1));
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    /// Whether to ask now. Then it is under way.
    pub(crate) fn next_ask(&mut self, now: Instant) -> bool {
        let is_due = self.deadline().is_some_and(|due| due <= now);
        if is_due {
            (self.due, self.is_asked) = (None, true);
        }
        is_due
    }

    /// It was answered.
    pub(crate) fn answered(&mut self) {
        self.is_asked = false;
    }

    /// The server could not answer now: it is asked again.
    pub(crate) fn put_off(&mut self, wait: Duration, now: Instant) {
        self.is_asked = false;
        let due = now + wait.max(Duration::from_millis(REFRESH_RETRY_MS));
        self.due = Some(self.due.map_or(due, |before| before.max(due)));
    }

    /// The connection is lost, or nobody is signed in: the next sign-in tells everything.
    pub(crate) fn clear(&mut self) {
        *self = Resync::default();
    }

    /// When [`Resync::next_ask`] is worth calling.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_question_answers_all_that_was_said_before_it() {
        let (mut resync, now) = (Resync::default(), Instant::now());
        assert!(!resync.next_ask(now));
        resync.said(5_000, 1_000, now);
        resync.said(5_000, 3_000, now);
        assert_eq!(resync.deadline(), Some(now + SECOND), "the earlier one");
        assert!(!resync.next_ask(now));
        assert!(resync.next_ask(now + SECOND));
        assert!(!resync.next_ask(now + SECOND), "it is under way");
        resync.said(5_000, 0, now + SECOND);
        assert_eq!(resync.deadline(), None, "one at a time");
        resync.answered();
        assert!(resync.next_ask(now + SECOND), "what was said meanwhile");
    }

    #[test]
    fn a_server_that_cannot_answer_is_asked_again() {
        let (mut resync, now) = (Resync::default(), Instant::now());
        resync.said(0, 7, now);
        assert!(resync.next_ask(now));
        resync.put_off(3 * SECOND, now);
        assert_eq!(resync.deadline(), Some(now + 3 * SECOND));
        resync.clear();
        assert_eq!(resync.deadline(), None);
    }

    #[test]
    fn no_server_puts_it_off_for_ever() {
        let (mut resync, now) = (Resync::default(), Instant::now());
        resync.said(u32::MAX, u64::MAX, now);
        assert!(
            resync.deadline().is_some_and(|due| due <= now + Duration::from_millis(RESYNC_WITHIN_MS_MAX))
        );
    }
}
