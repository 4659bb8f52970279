//! What the user hid, as `docs/protocol.md` has it: a list with positions, without holes.

use std::time::{Duration, Instant};

use protocol::{Hidden, HiddenPage, Page};

use super::Heard;

/// The wait before a page is asked for again that was refused, or that brought nothing.
const RETRY: Duration = Duration::from_millis(500);

pub(super) struct Hides {
    /// Everything up to here was told.
    have: u64,
    /// The newest that is known to exist.
    last: u64,
    is_asked: bool,
    not_before: Option<Instant>,
}

impl Hides {
    pub(super) fn new(have: u64) -> Hides {
        Hides { have, last: have, is_asked: false, not_before: None }
    }

    /// A session began or goes on.
    pub(super) fn signed_in(&mut self, last: u64) {
        (self.last, self.is_asked, self.not_before) = (last, false, None);
    }

    /// Some were pushed, or are the answer to who hid them. What is hidden already stands among smaller positions.
    pub(super) fn take(&mut self, hidden: &[Hidden], heard: &mut Vec<Heard>) {
        for entry in hidden {
            self.last = self.last.max(entry.position);
            if entry.position == self.have + 1 {
                self.have = entry.position;
                heard.push(Heard::Hidden(*entry));
            }
        }
    }

    /// The next page to ask for. It counts as asked.
    pub(super) fn next_ask(&mut self) -> Option<Page> {
        let waits = self.not_before.is_some_and(|at| at > Instant::now());
        if self.is_asked || waits || self.have >= self.last {
            return None;
        }
        self.is_asked = true;
        Some(Page { after: self.have, limit: 0 })
    }

    pub(super) fn page(&mut self, page: &HiddenPage, heard: &mut Vec<Heard>) {
        let before = self.have;
        self.is_asked = false;
        for entry in &page.hidden {
            if entry.position > self.have {
                self.have = entry.position;
                heard.push(Heard::Hidden(*entry));
            }
        }
        self.not_before = (self.have == before).then(|| Instant::now() + RETRY);
    }

    pub(super) fn refused(&mut self) {
        self.is_asked = false;
        self.not_before = Some(Instant::now() + RETRY);
    }
}
