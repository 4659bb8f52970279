//! One conversation as this client has it.

use std::collections::BTreeMap;
use std::time::Instant;

use protocol::ChatMessage;

use crate::event::{Arrival, Event};
use crate::event_queue::EventQueue;
use crate::limits::{HELD_BYTES_MAX, HELD_MAX};

/// The cursor of a conversation, and what waits to be put in order behind it.
///
/// Every message of the conversation comes through [`take`](Timeline::take), from wherever: a push, the answer to an own
/// message, a page of history. It leaves as an event exactly once, in order of seq.
#[derive(Debug)]
pub(crate) struct Timeline {
    conv: u64,
    start: Start,
    /// Everything up to here has left as an event.
    have: u64,
    /// The application took everything up to here.
    pub(crate) taken: u64,
    /// The newest message known to exist.
    target: u64,
    /// Ahead of `have`. At most [`HELD_MAX`]; more are fetched again.
    held: BTreeMap<u64, (ChatMessage, Arrival)>,
    /// Up to where it must come before the sync counts as done.
    pub(crate) goal: Option<u64>,
    /// Nothing came of it since the sync began.
    pub(crate) quiet: bool,
    pub(crate) fetch: Fetch,
    /// Pages in a row that brought nothing.
    pub(crate) failures: u32,
}

/// Whether the cursor means anything yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Known,
    /// The first thing heard of the conversation was a message somewhere in it: its entry in CONVERSATIONS is needed.
    Unknown,
    /// The log is another one than the cursor is of: the entry in CONVERSATIONS says how much of it still holds.
    Doubted,
}

/// Whether the missing part is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// Nothing is missing.
    None,
    /// From this time on.
    At(Instant),
    /// A page is under way.
    Asked,
}

/// Bytes that all timelines together hold, up to [`HELD_BYTES_MAX`].
#[derive(Debug, Default)]
pub(crate) struct HeldBytes(usize);

impl Timeline {
    pub(crate) fn known(conv: u64, have: u64) -> Timeline {
        Timeline {
            conv,
            start: Start::Known,
            have,
            taken: have,
            target: have,
            held: BTreeMap::new(),
            goal: None,
            quiet: true,
            fetch: Fetch::None,
            failures: 0,
        }
    }

    pub(crate) fn unknown(conv: u64) -> Timeline {
        Timeline { start: Start::Unknown, ..Timeline::known(conv, 0) }
    }

    pub(crate) fn have(&self) -> u64 {
        self.have
    }

    pub(crate) fn is_known(&self) -> bool {
        self.start == Start::Known
    }

    /// Whether the cursor is to be remembered.
    pub(crate) fn has_cursor(&self) -> bool {
        self.start != Start::Unknown
    }

    pub(crate) fn is_doubted(&self) -> bool {
        self.start == Start::Doubted
    }

    /// The log is another one now. What is held of the old one is dropped, and nothing leaves until the cursor is settled.
    pub(crate) fn doubt(&mut self, bytes: &mut HeldBytes) {
        if self.is_known() {
            self.start = Start::Doubted;
        }
        self.held.values().for_each(|(message, _)| bytes.give(message));
        self.held.clear();
        self.target = self.have;
    }

    /// Whether a message is known to exist that has not left yet.
    pub(crate) fn is_behind(&self) -> bool {
        !self.is_known() || self.have < self.target
    }

    /// Messages missing before the first that is held, if one is.
    pub(crate) fn hole(&self) -> Option<u64> {
        self.held.first_key_value().map(|(seq, _)| seq.saturating_sub(self.have + 1))
    }

    /// Takes a message: emits it if it is the next, drops it if it was had, keeps it aside otherwise. Without room for
    /// it, here or with the application, it is only noted that it exists.
    pub(crate) fn take(
        &mut self,
        message: ChatMessage,
        arrival: Arrival,
        events: &mut EventQueue,
        bytes: &mut HeldBytes,
    ) {
        self.quiet = false;
        let seq = message.seq;
        if seq == 1 && self.start == Start::Unknown {
            self.begin(0);
        }
        if self.is_known() && seq <= self.have {
            return;
        }
        self.target = self.target.max(seq);
        if !self.held.contains_key(&seq) && self.held.len() < HELD_MAX && bytes.take(&message) {
            self.held.insert(seq, (message, arrival));
        } else if self.is_known() && seq == self.have + 1 && events.has_room_for_messages() {
            // The next one needs no room aside.
            if let Some((twin, _)) = self.held.remove(&seq) {
                bytes.give(&twin);
            }
            self.have = seq;
            events.message(message, arrival);
        }
        self.release(events, bytes);
    }

    /// Emits what is held and next in order, as far as there is room.
    pub(crate) fn release(&mut self, events: &mut EventQueue, bytes: &mut HeldBytes) {
        while self.is_known()
            && events.has_room_for_messages()
            && let Some(first) = self.held.first_entry()
            && *first.key() <= self.have + 1
        {
            let (seq, (message, arrival)) = first.remove_entry();
            bytes.give(&message);
            if seq > self.have {
                self.have = seq;
                events.message(message, arrival);
            }
        }
    }

    /// The server says that a message of this seq exists.
    pub(crate) fn expect(&mut self, last: u64) {
        self.target = self.target.max(last);
    }

    /// The cursor of a conversation that was unknown so far.
    pub(crate) fn begin(&mut self, have: u64) {
        self.start = Start::Known;
        (self.have, self.taken) = (have, have);
        self.target = self.target.max(have);
    }

    /// What stands before `first` is not this reader's.
    pub(crate) fn begin_at(&mut self, first: u64) {
        let before = first.saturating_sub(1);
        if before > self.have {
            if self.taken == self.have {
                self.taken = before;
            }
            self.have = before;
            self.target = self.target.max(before);
        }
    }

    /// The server's store was put back to where this message was the last: new ones bear seqs again that old ones had.
    pub(crate) fn rewind(&mut self, last: u64) {
        (self.have, self.taken) = (last, last);
        // What was held since is of the log as it is now.
        self.target = self.held.last_key_value().map_or(last, |(seq, _)| (*seq).max(last));
    }

    /// The cursor holds, as far as it goes now.
    pub(crate) fn trust(&mut self) {
        self.start = Start::Known;
    }

    /// Whether anything waits for its turn.
    pub(crate) fn holds_any(&self) -> bool {
        !self.held.is_empty()
    }

    /// Nothing is known of it but what is held.
    pub(crate) fn forget_cursor(&mut self) {
        self.start = Start::Unknown;
    }

    /// Passes over what cannot be had: up to the first message that is held, or to the newest.
    pub(crate) fn pass_over(&mut self, events: &mut EventQueue) {
        let next = self.held.first_key_value().map_or(self.target + 1, |(seq, _)| *seq);
        if !self.is_known() {
            self.begin(next - 1);
        } else if next > self.have + 1 {
            events.notice(Event::Gap { conv: self.conv, first: self.have + 1, last: next - 1 });
            self.begin_at(next);
        }
    }
}

impl HeldBytes {
    fn take(&mut self, message: &ChatMessage) -> bool {
        let bytes = size(message);
        let fits = self.0 + bytes <= HELD_BYTES_MAX;
        if fits {
            self.0 += bytes;
        }
        fits
    }

    fn give(&mut self, message: &ChatMessage) {
        self.0 -= size(message);
    }
}

/// What a message costs while it is held.
fn size(message: &ChatMessage) -> usize {
    size_of::<ChatMessage>() + message.name.len() + message.client_msg_id.len() + message.msg.len()
}
