//! What the operator tells everybody, as `docs/protocol.md` has it: each once, by rising id.

use std::time::{Duration, Instant};

use protocol::{AckBroadcasts, Broadcast, BroadcastsPage, Page};

use super::Heard;

/// The wait before a page is asked for again that was refused, or that brought nothing.
const RETRY: Duration = Duration::from_millis(500);

pub(super) struct Broadcasts {
    /// Everything up to here was shown.
    have: u64,
    /// The newest that is known to exist.
    last: u64,
    /// Up to here it was acknowledged.
    acked: u64,
    is_asked: bool,
    not_before: Option<Instant>,
}

impl Broadcasts {
    pub(super) fn new(have: u64) -> Broadcasts {
        Broadcasts { have, last: have, acked: 0, is_asked: false, not_before: None }
    }

    /// Up to here everything was shown.
    pub(super) fn have(&self) -> u64 {
        self.have
    }

    /// A session began or goes on. What was acknowledged over the connection before may be lost.
    pub(super) fn signed_in(&mut self, last: u64) {
        (self.last, self.acked, self.is_asked, self.not_before) = (last, 0, false, None);
    }

    pub(super) fn pushed(&mut self, broadcast: Broadcast, heard: &mut Vec<Heard>) {
        self.last = self.last.max(broadcast.id);
        if broadcast.id == self.have + 1 {
            self.have = broadcast.id;
            heard.push(Heard::Broadcast(broadcast));
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

    pub(super) fn page(&mut self, page: BroadcastsPage, heard: &mut Vec<Heard>) {
        let before = self.have;
        self.is_asked = false;
        self.last = self.last.max(page.last);
        for broadcast in page.broadcasts {
            if broadcast.id > self.have {
                self.have = broadcast.id;
                heard.push(Heard::Broadcast(broadcast));
            }
        }
        self.not_before = (self.have == before).then(|| Instant::now() + RETRY);
    }

    pub(super) fn refused(&mut self) {
        self.is_asked = false;
        self.not_before = Some(Instant::now() + RETRY);
    }

    /// The acknowledgement that is due. It counts as sent.
    pub(super) fn next_ack(&mut self) -> Option<AckBroadcasts> {
        let is_due = self.have > self.acked;
        self.acked = self.have;
        is_due.then_some(AckBroadcasts { id: self.have })
    }
}
