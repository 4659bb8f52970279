//! How far everybody got, as `docs/protocol.md` has it: numbers that only rise.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use client::Reading;
use protocol::{Blame, ChatMessage, Conversation, Read, Receipt, ReceiptsList};

/// How often something is read at most.
const READ_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Default)]
pub(super) struct Readings {
    user: u64,
    by_conv: BTreeMap<u64, Entry>,
    read_at: Option<Instant>,
}

#[derive(Default)]
struct Entry {
    reading: Reading,
    /// Up to where somebody looked at it here, or the server said that somebody did elsewhere.
    looked: u64,
    /// Up to where the server knows.
    told: u64,
}

impl Readings {
    pub(super) fn new(user: u64, reads: &BTreeMap<u64, u64>) -> Readings {
        let entry = |looked: u64| Entry { looked, told: looked, ..Entry::default() };
        let by_conv = reads.iter().map(|(conv, seq)| (*conv, entry(*seq))).collect();
        Readings { user, by_conv, read_at: None }
    }

    /// The conversation's entry. What it does not know although it was told, a node lost: it is said again.
    pub(super) fn learn(&mut self, conversation: &Conversation) {
        let &Conversation { conv, first, last, read, .. } = conversation;
        let entry = self.by_conv.entry(conv).or_default();
        entry.told = read;
        entry.looked = entry.looked.max(read);
        let reading = &mut entry.reading;
        reading.first = reading.first.max(first);
        reading.last = reading.last.max(last);
        reading.read = reading.read.max(read).max(entry.looked.min(reading.last));
    }

    /// Where a conversation begins of which only messages were heard.
    pub(super) fn begin(&mut self, conv: u64, first: u64) {
        let reading = &mut self.by_conv.entry(conv).or_default().reading;
        reading.first = reading.first.max(first);
    }

    /// Somebody said something: whoever does has read what stands before it.
    pub(super) fn said(&mut self, message: &ChatMessage) {
        let entry = self.by_conv.entry(message.conv).or_default();
        let reading = &mut entry.reading;
        reading.last = reading.last.max(message.seq);
        if message.from == self.user {
            reading.read = reading.read.max(message.seq);
        } else {
            reading.their_delivered = reading.their_delivered.max(message.seq);
            reading.their_read = reading.their_read.max(message.seq);
        }
    }

    /// A cursor moved.
    pub(super) fn receipt(&mut self, receipt: &Receipt) {
        let entry = self.by_conv.entry(receipt.conv).or_default();
        let reading = &mut entry.reading;
        if receipt.user == self.user {
            reading.last = reading.last.max(receipt.read);
            reading.read = reading.read.max(receipt.read);
            entry.looked = entry.looked.max(receipt.read);
            entry.told = entry.told.max(receipt.read);
        } else {
            reading.their_delivered = reading.their_delivered.max(receipt.delivered).max(receipt.read);
            reading.their_read = reading.their_read.max(receipt.read);
        }
    }

    /// RECEIPTS was answered.
    pub(super) fn receipts(&mut self, list: &ReceiptsList) {
        let &ReceiptsList { conv, delivered, read, .. } = list;
        self.receipt(&Receipt { conv, user: 0, delivered, read });
    }

    /// Somebody looks at it here.
    pub(super) fn looked(&mut self, conv: u64, seq: u64) {
        let entry = self.by_conv.entry(conv).or_default();
        entry.looked = entry.looked.max(seq);
        entry.reading.read = entry.reading.read.max(seq);
    }

    /// The next READ to say. It counts as said.
    pub(super) fn next_ask(&mut self) -> Option<Read> {
        let now = Instant::now();
        if self.read_at.is_some_and(|at| at + READ_INTERVAL > now) {
            return None;
        }
        let (conv, entry) = self.by_conv.iter_mut().find(|(_, entry)| entry.looked > entry.told)?;
        entry.told = entry.looked;
        self.read_at = Some(now);
        Some(Read { conv: *conv, seq: entry.looked })
    }

    pub(super) fn refused(&mut self, conv: u64, blame: Blame) {
        // What was left meanwhile nobody reads any more; all else is said again.
        if let Some(entry) = self.by_conv.get_mut(&conv)
            && blame != Blame::Refused
        {
            entry.told = 0;
        }
    }

    pub(super) fn all(&self) -> BTreeMap<u64, Reading> {
        self.by_conv.iter().map(|(conv, entry)| (*conv, entry.reading)).collect()
    }
}
