//! What the user hid: each to the application once, in order of position.

use std::time::{Duration, Instant};

use protocol::{Hidden, HiddenPage};

use crate::event_queue::EventQueue;
use crate::limits::{FETCH_RETRY_MS, HIDDEN_PAGE_MAX};
use crate::timelines::{NUMBER_END, Timelines};

/// How far this device followed the list of what its user hid, on all devices.
///
/// A push with the next position goes to the application; one with a greater position, or a sign-in that tells of more, is
/// the reason to ask for a page, once all conversations are compared. Nothing is lost when the application is slow: what
/// there is no room for is asked for later.
#[derive(Debug, Default)]
pub(crate) struct Hides {
    /// Up to where the application took them: what the next client begins with. `None`: nothing is known yet.
    taken: Option<u64>,
    /// Up to where they were put into the queue of events.
    queued: u64,
    /// The newest that the server told of.
    last: u64,
    /// A page is under way.
    asking: bool,
    /// What `last` was when it was asked for: the page may not know of what was pushed since.
    asked_last: u64,
    /// After a page was refused, not before this time.
    not_before: Option<Instant>,
}

impl Hides {
    /// Those of a user of whom an earlier client had this.
    pub(crate) fn restore(cursor: Option<u64>) -> Hides {
        Hides { taken: cursor, queued: cursor.unwrap_or(0), ..Hides::default() }
    }

    /// What the next client begins with.
    pub(crate) fn cursor(&self) -> Option<u64> {
        self.taken
    }

    /// A session was entered: how far the list goes. A device without a memory begins there: its messages come as they are
    /// now.
    pub(crate) fn signed_in(&mut self, last: u64) {
        let last = last.min(NUMBER_END - 1);
        if self.taken.is_none() {
            (self.taken, self.queued) = (Some(last), last);
        }
        if self.queued > last {
            log::warn!("the list of what is hidden ends at {last}, before {}", self.queued);
            (self.taken, self.queued) = (Some(0), 0);
        }
        self.last = last;
    }

    /// A session was entered of a log that was put back: positions are given again there, so all comes anew.
    pub(crate) fn restored(&mut self, last: u64) {
        *self = Hides { taken: Some(0), last: last.min(NUMBER_END - 1), ..Hides::default() };
    }

    /// Some were pushed, or are the answer to who hid them.
    pub(crate) fn pushed(&mut self, hidden: &[Hidden], timelines: &Timelines, events: &mut EventQueue) {
        for entry in hidden {
            if entry.position >= NUMBER_END {
                log::warn!("what is hidden cannot be at {}", entry.position);
                return;
            }
            self.last = self.last.max(entry.position);
            if entry.position == self.queued + 1 && !self.asking && events.has_room_for_notices() {
                self.emit(*entry, timelines, events);
            }
        }
    }

    /// After which position to ask for a page now, if one is missing and there is room for it. It counts as asked.
    pub(crate) fn next_ask(
        &mut self,
        timelines: &Timelines,
        events: &EventQueue,
        now: Instant,
    ) -> Option<u64> {
        let due = self.not_before.is_none_or(|at| at <= now);
        let is_behind = self.last > self.queued;
        if self.asking || !due || !is_behind || !timelines.is_synced() || !events.has_room_for_notices() {
            return None;
        }
        (self.asking, self.not_before, self.asked_last) = (true, None, self.last);
        Some(self.queued)
    }

    /// The page that was asked for.
    pub(crate) fn page(&mut self, page: HiddenPage, timelines: &Timelines, events: &mut EventQueue) {
        self.asking = false;
        let before = self.queued;
        for entry in page.hidden.into_iter().take(HIDDEN_PAGE_MAX as usize) {
            if entry.position > self.queued && entry.position < NUMBER_END {
                self.emit(entry, timelines, events);
            }
        }
        // Should it have told of more than there is, it is not asked again for what does not come.
        let is_end = page.next == 0 && self.last == self.asked_last;
        if is_end || self.queued == before {
            self.last = self.last.min(self.queued);
        }
    }

    /// The page was refused.
    pub(crate) fn refused(&mut self, now: Instant) {
        self.asking = false;
        self.not_before = Some(now + Duration::from_millis(FETCH_RETRY_MS));
    }

    /// The application took everything up to this position. Of a log that was put back meanwhile, more may be taken than
    /// there is now.
    pub(crate) fn taken(&mut self, position: u64) {
        self.taken = Some(self.taken.unwrap_or(0).max(position.min(self.queued)));
    }

    /// What was under way has no answer.
    pub(crate) fn connection_lost(&mut self) {
        self.asking = false;
    }

    /// When time passing changes something.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.not_before.filter(|_| self.last > self.queued)
    }

    /// Who does not have the message yet is not to be shown its text when it comes.
    fn emit(&mut self, entry: Hidden, timelines: &Timelines, events: &mut EventQueue) {
        self.queued = entry.position;
        if timelines.have(entry.conv).is_none_or(|have| have < entry.seq) {
            events.expect_hidden(entry.conv, entry.seq);
        }
        events.hidden(entry);
    }
}
