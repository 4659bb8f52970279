//! How far everybody got: unread messages, and what became of own ones.

use std::collections::{BTreeMap, HashMap};

use protocol::{ChatMessage, Conversation, ConversationKind, MessageKind, Receipt};

use crate::limits::CONVERSATIONS_MAX;

/// How far this user and, in a direct conversation, the other one got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The first message that this user may read.
    pub first: u64,
    /// The newest message known to exist.
    pub last: u64,
    /// Up to where this user read it, on any device.
    pub read: u64,
    /// Up to where it arrived at the other user of a direct conversation, as far as that was told.
    pub their_delivered: u64,
    /// Up to where they read it.
    pub their_read: u64,
}

impl Reading {
    /// Messages that were not read yet: computed from cursors, and so the same on all devices.
    pub fn unread(&self) -> u64 {
        self.last.saturating_sub(self.read.max(self.first.saturating_sub(1)))
    }
}

/// The readings of one user's conversations. Bounded as the timelines are.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    by_conv: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    reading: Reading,
    /// Up to where the server knows, or is being told, that this user read. What is inferred from own words is not among it.
    told_read: u64,
    /// As far as it is known.
    kind: Option<ConversationKind>,
    /// Whether it is known where the conversation begins: until then nobody is told of the reading.
    is_known: bool,
    /// Whether the server told of it since the session was entered: until then it may be that a restored server goes on
    /// where this user was long ago.
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    InThisSession,
    Before,
}

impl Readings {
    /// A session was entered: the server tells anew of every conversation.
    pub(crate) fn begin_sync(&mut self) {
        self.by_conv.values_mut().for_each(|entry| entry.told = Told::Before);
    }

    /// The entry of a conversation, from CONVERSATIONS or from joining a group.
    pub(crate) fn learn(&mut self, conv: &Conversation) -> Course {
        let told = Reading { first: conv.first, last: conv.last, read: conv.read, ..Reading::default() };
        let Some(entry) = self.entry(conv.conv) else { return Course::GoesOn };
        match conv.kind {
            ConversationKind::Direct => entry.kind = Some(ConversationKind::Direct),
            _ => entry.is_group(),
        }
        entry.is_known = true;
        let went_back = entry.told == Told::Before && told.last < entry.reading.last;
        entry.told = Told::InThisSession;
        if went_back {
            (entry.reading, entry.told_read) = (told, told.read);
            return Course::WentBack;
        }
        entry.told_read = entry.told_read.max(told.read);
        let reading = &mut entry.reading;
        reading.first = reading.first.max(told.first);
        reading.last = reading.last.max(told.last);
        // What was read before the entry came is said already.
        reading.read = reading.read.max(told.read).max(entry.told_read.min(reading.last));
        Course::GoesOn
    }

    /// Somebody said something. Whoever does knows what is before it. A conversation of which the first message is heard, a new
    /// friend's for example, is known from then on; others are known by their entry: whether it is there.
    pub(crate) fn said(&mut self, message: &ChatMessage, by: Who) -> bool {
        let &ChatMessage { conv, seq, kind, .. } = message;
        let Some(entry) = self.entry(conv) else { return true };
        if seq == 1 {
            entry.is_known = true;
            entry.reading.first = entry.reading.first.max(1);
        }
        if kind == MessageKind::System {
            // Nobody comes into a group without one.
            entry.is_group();
        }
        let reading = &mut entry.reading;
        reading.last = reading.last.max(seq);
        match by {
            Who::Oneself => reading.read = reading.read.max(seq),
            Who::Other => entry.other_got_to(seq, seq),
        }
        entry.is_known
    }

    /// A cursor moved, of this user by another device or of the other one.
    pub(crate) fn receipt(&mut self, receipt: &Receipt, of: Who) {
        let Some(entry) = self.entry(receipt.conv) else { return };
        match of {
            Who::Oneself => {
                // More than there is was not read; the message that is missing comes with its own news.
                entry.reading.last = entry.reading.last.max(receipt.read);
                entry.reading.read = entry.reading.read.max(receipt.read);
                entry.told_read = entry.told_read.max(receipt.read);
            }
            Who::Other => entry.other_got_to(receipt.delivered, receipt.read),
        }
    }

    fn entry(&mut self, conv: u64) -> Option<&mut Entry> {
        if self.by_conv.len() >= CONVERSATIONS_MAX && !self.by_conv.contains_key(&conv) {
            return None;
        }
        Some(self.by_conv.entry(conv).or_insert(Entry {
            reading: Reading::default(),
            told_read: 0,
            kind: None,
            is_known: false,
            told: Told::InThisSession,
        }))
    }

    /// This device shows everything up to `seq`; whether the server is to be told.
    pub(crate) fn read(&mut self, conv: u64, seq: u64) -> bool {
        let Some(entry) = self.entry(conv) else { return true };
        let is_news = seq > entry.told_read;
        entry.told_read = entry.told_read.max(seq);
        entry.reading.read = entry.reading.read.max(seq.min(entry.reading.last));
        is_news
    }

    /// All of them, by conversation.
    pub(crate) fn all(&self) -> BTreeMap<u64, Reading> {
        let known = self.by_conv.iter().filter(|(_, entry)| entry.is_known);
        known.map(|(conv, entry)| (*conv, entry.reading)).collect()
    }

    /// Another user logged in.
    pub(crate) fn clear(&mut self) {
        *self = Readings::default();
    }
}

/// How the server's log compares with what was known of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// It has at least as much.
    GoesOn,
    /// It was put back to an earlier state.
    WentBack,
}

/// Of whom something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Oneself,
    Other,
}

impl Entry {
    fn is_group(&mut self) {
        self.kind = Some(ConversationKind::Group);
        (self.reading.their_delivered, self.reading.their_read) = (0, 0);
    }

    fn other_got_to(&mut self, delivered: u64, read: u64) {
        // In a group it would be one of many.
        if self.kind.is_none_or(|kind| kind == ConversationKind::Direct) {
            let reading = &mut self.reading;
            reading.their_read = reading.their_read.max(read);
            reading.their_delivered = reading.their_delivered.max(delivered).max(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: ConversationKind, first: u64, last: u64, read: u64) -> Conversation {
        Conversation { conv: 7, kind, with: 2, first, last, acked: last, read, restored: 0, last_change: 0 }
    }

    fn direct(last: u64, read: u64) -> Readings {
        let mut readings = Readings::default();
        readings.learn(&entry(ConversationKind::Direct, 1, last, read));
        readings
    }

    fn message(seq: u64) -> ChatMessage {
        ChatMessage { conv: 7, seq, ..ChatMessage::default() }
    }

    fn unread(readings: &Readings) -> u64 {
        readings.all()[&7].unread()
    }

    #[test]
    fn what_is_unread_is_computed() {
        let mut readings = direct(5, 3);
        assert_eq!(unread(&readings), 2);
        readings.said(&message(6), Who::Other);
        readings.said(&message(6), Who::Other);
        assert_eq!(unread(&readings), 3, "each once");
        assert!(readings.read(7, 5));
        assert!(!readings.read(7, 4), "it never goes back");
        assert_eq!(unread(&readings), 1);
        readings.said(&message(7), Who::Oneself);
        assert_eq!(unread(&readings), 0, "who answers has read");
        assert!(readings.read(7, 7), "which the server does not take for granted");
        assert!(!readings.read(7, 7), "it is told once");
        readings.said(&message(8), Who::Other);
        readings.receipt(&Receipt { conv: 7, user: 1, delivered: 8, read: 8 }, Who::Oneself);
        assert_eq!(unread(&readings), 0, "read on another device");
    }

    #[test]
    fn what_was_said_before_joining_is_not_unread() {
        let mut readings = Readings::default();
        readings.learn(&entry(ConversationKind::Group, 8, 7, 0));
        assert_eq!(unread(&readings), 0);
        readings.said(&message(8), Who::Other);
        assert_eq!(unread(&readings), 1);
    }

    #[test]
    fn the_other_one_is_known_in_direct_conversations() {
        let mut readings = direct(5, 5);
        readings.receipt(&Receipt { conv: 7, user: 2, delivered: 4, read: 2 }, Who::Other);
        readings.receipt(&Receipt { conv: 7, user: 2, delivered: 3, read: 0 }, Who::Other);
        let reading = readings.all()[&7];
        assert_eq!((reading.their_delivered, reading.their_read), (4, 2));
        readings.said(&message(6), Who::Other);
        let reading = readings.all()[&7];
        assert_eq!((reading.their_delivered, reading.their_read), (6, 6), "who answers has read");

        let mut group = Readings::default();
        group.learn(&entry(ConversationKind::Group, 1, 5, 5));
        group.receipt(&Receipt { conv: 7, user: 2, delivered: 4, read: 2 }, Who::Other);
        assert_eq!(group.all()[&7].their_delivered, 0);
    }

    #[test]
    fn a_server_that_went_back_is_believed_when_a_session_is_entered() {
        let mut readings = direct(9, 9);
        readings.learn(&entry(ConversationKind::Direct, 1, 4, 2));
        assert_eq!(unread(&readings), 0, "an old page is no news");
        readings.begin_sync();
        readings.learn(&entry(ConversationKind::Direct, 1, 4, 2));
        assert_eq!(unread(&readings), 2);
    }

    #[test]
    fn of_what_the_server_did_not_tell_nothing_is_known() {
        let mut readings = Readings::default();
        assert!(readings.read(7, 400), "the server is told all the same");
        readings.said(&message(500), Who::Other);
        readings.receipt(&Receipt { conv: 7, user: 2, delivered: 4, read: 2 }, Who::Other);
        assert!(readings.all().is_empty());
    }

    #[test]
    fn what_was_read_before_the_entry_came_counts() {
        let mut readings = Readings::default();
        assert!(readings.read(7, 4));
        readings.learn(&entry(ConversationKind::Group, 1, 5, 2));
        assert_eq!(unread(&readings), 1);
    }

    #[test]
    fn a_conversation_of_which_the_first_message_is_heard_is_known() {
        let mut readings = Readings::default();
        // A receipt may overtake what it is of.
        readings.receipt(&Receipt { conv: 7, user: 2, delivered: 1, read: 1 }, Who::Other);
        assert!(readings.all().is_empty());
        readings.said(&message(1), Who::Oneself);
        readings.said(&message(2), Who::Other);
        let reading = readings.all()[&7];
        assert_eq!((reading.first, reading.last, reading.unread(), reading.their_read), (1, 2, 1, 2));
        // It is a group after all.
        let joined = ChatMessage { kind: MessageKind::System, ..message(3) };
        readings.said(&joined, Who::Other);
        readings.said(&message(4), Who::Other);
        let reading = readings.all()[&7];
        assert_eq!((reading.unread(), reading.their_read), (3, 0));
    }
}
