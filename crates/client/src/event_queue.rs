//! The session's own queue of events.

use std::collections::VecDeque;

use protocol::{Changed, ChatMessage, Hidden};

use crate::event::{Arrival, Event};
use crate::limits::{HIDDEN_AHEAD_MAX, SESSION_MESSAGES_MAX, SESSION_NOTICES_MAX};

/// Events on their way to the application. Messages and their changes are never dropped: whoever has one asks for room first, and leaves
/// it on the server if there is none. Everything else is dropped beyond its limit, and the loss is told.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    queue: VecDeque<Event>,
    /// How many of the queue are messages or changes of messages.
    messages: usize,
    dropped: u64,
    /// Missed messages since [`EventQueue::count_missed`].
    missed: u64,
    /// Messages that were hidden before they came: conversation and seq, those that were hidden first at the front.
    hidden_ahead: VecDeque<(u64, u64)>,
}

impl EventQueue {
    pub(crate) fn has_room_for_messages(&self) -> bool {
        self.messages < SESSION_MESSAGES_MAX
    }

    pub(crate) fn message(&mut self, mut message: ChatMessage, arrival: Arrival) {
        let place = (message.conv, message.seq);
        if let Some(at) = self.hidden_ahead.iter().position(|ahead| *ahead == place) {
            self.hidden_ahead.remove(at);
            message.hide();
        }
        self.messages += 1;
        self.missed += u64::from(arrival == Arrival::Missed);
        self.queue.push_back(Event::Message { message, arrival });
    }

    /// A change of a message. Whoever has one asks before, as for a message.
    pub(crate) fn changed(&mut self, changed: Changed) {
        self.messages += 1;
        self.queue.push_back(Event::Changed(changed));
    }

    /// How many missed messages there were since this was last asked.
    pub(crate) fn count_missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    /// Whether another event that is no message has room. Whoever has what its user is told asks before.
    pub(crate) fn has_room_for_notices(&self) -> bool {
        self.queue.len() - self.messages < SESSION_NOTICES_MAX
    }

    /// A personal notice or a broadcast, which is never dropped; a page of each under way may exceed the limit once.
    pub(crate) fn told(&mut self, telling: Event) {
        self.queue.push_back(telling);
    }

    /// A message that the user hid, which is never dropped; whoever has one asks as for a notice.
    pub(crate) fn hidden(&mut self, hidden: Hidden) {
        self.queue.push_back(Event::Hidden(hidden));
    }

    /// The user hid this message, which comes later. Beyond the limit the first that was expected is not any more: it comes
    /// hidden all the same if it is fetched, and with its text if it was pushed before it was hidden.
    pub(crate) fn expect_hidden(&mut self, conv: u64, seq: u64) {
        if self.hidden_ahead.len() >= HIDDEN_AHEAD_MAX {
            self.hidden_ahead.pop_front();
        }
        self.hidden_ahead.push_back((conv, seq));
    }

    /// Forgets all that is hidden: the log is another one.
    pub(crate) fn forget_hidden(&mut self) {
        self.queue.retain(|event| !matches!(event, Event::Hidden(_)));
        self.hidden_ahead.clear();
    }

    /// What the application must hear, whatever it is: at most one for each conversation, once after a restore.
    pub(crate) fn insist(&mut self, event: Event) {
        self.queue.push_back(event);
    }

    /// Forgets messages of a conversation after this seq: they were taken back before the application took them.
    pub(crate) fn forget_messages(&mut self, conv: u64, after: u64) {
        self.queue.retain(|event| {
            !matches!(event, Event::Message { message, .. } if message.conv == conv && message.seq > after)
        });
        self.count_messages();
    }

    /// Forgets all changes: the log is another one.
    pub(crate) fn forget_changes(&mut self) {
        self.queue.retain(|event| !matches!(event, Event::Changed(_)));
        self.count_messages();
    }

    /// Forgets the changes of a conversation: they come again.
    pub(crate) fn forget_changes_of(&mut self, conv: u64) {
        self.queue.retain(|event| !matches!(event, Event::Changed(changed) if changed.conv == conv));
        self.count_messages();
    }

    fn count_messages(&mut self) {
        let counts = |event: &&Event| matches!(event, Event::Message { .. } | Event::Changed(_));
        self.messages = self.queue.iter().filter(counts).count();
    }

    pub(crate) fn notice(&mut self, event: Event) {
        if self.has_room_for_notices() {
            self.queue.push_back(event);
        } else {
            self.dropped += 1;
        }
    }

    /// Something that is true for a moment: where there is no room it is not told, and nothing is amiss.
    pub(crate) fn hint(&mut self, event: Event) {
        if self.has_room_for_notices() {
            self.queue.push_back(event);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        let event = self.queue.pop_front();
        match &event {
            Some(Event::Message { .. } | Event::Changed(_)) => self.messages -= 1,
            None if self.dropped > 0 => {
                let count = std::mem::take(&mut self.dropped);
                return Some(Event::Dropped { count });
            }
            _ => {}
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_not_missed() {
        let mut events = EventQueue::default();
        for _ in 0..SESSION_NOTICES_MAX + 3 {
            events.hint(Event::Typing(protocol::IsTyping::default()));
        }
        assert_eq!(std::iter::from_fn(|| events.pop()).count(), SESSION_NOTICES_MAX);
    }

    #[test]
    fn what_is_dropped_is_told() {
        let mut events = EventQueue::default();
        for seq in 0..SESSION_NOTICES_MAX as u64 + 3 {
            events.notice(Event::Synced { missed: seq });
        }
        for seq in 0..SESSION_NOTICES_MAX as u64 {
            assert_eq!(events.pop(), Some(Event::Synced { missed: seq }));
        }
        assert_eq!(events.pop(), Some(Event::Dropped { count: 3 }));
        assert_eq!(events.pop(), None);
    }
}
