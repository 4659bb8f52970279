//! Which conversations there are, what was said last in them, and what nobody has looked at yet.

use std::collections::HashMap;

use client::protocol::{ChatMessage, MessageKind};

use crate::roster::Talk;

/// Conversations that are kept: one more takes the place of the one that was silent longest.
const CONVERSATIONS_MAX: usize = 10_000;

/// Conversations as far as this run saw them. One is open, others have unread messages.
#[derive(Debug, Default)]
pub(crate) struct Conversations {
    by_talk: HashMap<Talk, Conversation>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conversation {
    /// Counted as messages come, and set right whenever the server told how far the user read: on which device ever.
    pub(crate) unread: u64,
    /// Up to here the server's word counted them. It may be ahead of the messages that came here.
    counted_to: u64,
    pub(crate) newest: Newest,
}

/// What was said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) seq: u64,
    pub(crate) from: u64,
    pub(crate) name: String,
    /// Unix milliseconds.
    pub(crate) time: u64,
    /// As it was sent.
    pub(crate) text: String,
    pub(crate) kind: MessageKind,
}

/// How a message stands to whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concern {
    /// Said by oneself, on any device: whoever answers has read what was before.
    Own,
    /// It is looked at as it comes: its conversation is open.
    Looked,
    /// It waits to be looked at.
    Waiting,
}

impl Conversations {
    /// A message came.
    pub(crate) fn learn(&mut self, talk: Talk, message: &ChatMessage, concern: Concern) {
        if self.by_talk.len() >= CONVERSATIONS_MAX && !self.by_talk.contains_key(&talk) {
            self.forget_the_oldest();
        }
        self.show(talk, message);
        let conversation = self.by_talk.entry(talk).or_default();
        match concern {
            Concern::Own | Concern::Looked => conversation.unread = 0,
            // What the server says is no news that somebody waits with.
            Concern::Waiting if message.kind == MessageKind::System => {}
            Concern::Waiting => conversation.unread += u64::from(message.seq > conversation.counted_to),
        }
    }

    /// A message is the newest, unless another one is.
    pub(crate) fn show(&mut self, talk: Talk, message: &ChatMessage) {
        let conversation = self.by_talk.entry(talk).or_default();
        if message.seq >= conversation.newest.seq {
            conversation.newest = Newest {
                seq: message.seq,
                from: message.from,
                name: message.name.clone(),
                time: message.time,
                text: message.msg.clone(),
                kind: message.kind,
            };
        }
    }

    /// So much is unread up to this seq, as the server told.
    pub(crate) fn unread_is(&mut self, talk: Talk, unread: u64, counted_to: u64) {
        if unread > 0 && self.by_talk.len() >= CONVERSATIONS_MAX && !self.by_talk.contains_key(&talk) {
            self.forget_the_oldest();
        }
        match self.by_talk.get_mut(&talk) {
            Some(conversation) => (conversation.unread, conversation.counted_to) = (unread, counted_to),
            None if unread > 0 => {
                self.by_talk.insert(talk, Conversation { unread, counted_to, newest: Newest::default() });
            }
            None => {}
        }
    }

    /// A message is otherwise now: it may be the newest.
    pub(crate) fn change(&mut self, talk: Talk, message: &ChatMessage) {
        if let Some(conversation) = self.by_talk.get_mut(&talk)
            && conversation.newest.seq == message.seq
        {
            conversation.newest.text.clone_from(&message.msg);
        }
    }

    /// A message is not to be shown any more: it may be the newest.
    pub(crate) fn hide(&mut self, talk: Talk, seq: u64) {
        if let Some(conversation) = self.by_talk.get_mut(&talk)
            && conversation.newest.seq == seq
        {
            conversation.newest.text.clear();
        }
    }

    /// Somebody looks at all of it.
    pub(crate) fn open(&mut self, talk: Talk) {
        if let Some(conversation) = self.by_talk.get_mut(&talk) {
            conversation.unread = 0;
        }
    }

    /// It is over.
    pub(crate) fn forget(&mut self, talk: Talk) {
        self.by_talk.remove(&talk);
    }

    /// Unread messages of one.
    pub(crate) fn unread(&self, talk: Talk) -> u64 {
        self.by_talk.get(&talk).map_or(0, |conversation| conversation.unread)
    }

    /// Unread messages of all.
    pub(crate) fn all_unread(&self) -> u64 {
        self.by_talk.values().map(|conversation| conversation.unread).sum()
    }

    pub(crate) fn of(&self, talk: Talk) -> Option<&Conversation> {
        self.by_talk.get(&talk)
    }

    /// What was said last in one, as far as this run saw it.
    pub(crate) fn newest(&self, talk: Talk) -> Option<&Newest> {
        self.by_talk.get(&talk).map(|conversation| &conversation.newest).filter(|newest| newest.seq > 0)
    }

    fn forget_the_oldest(&mut self) {
        let oldest = self.by_talk.iter().min_by_key(|(_, conversation)| conversation.newest.time);
        if let Some(talk) = oldest.map(|(talk, _)| *talk) {
            self.by_talk.remove(&talk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: u64, kind: MessageKind) -> ChatMessage {
        ChatMessage {
            conv: 7,
            seq,
            from: 2,
            name: "bob".into(),
            client_msg_id: String::new(),
            time: 1_000 + seq,
            kind,
            msg: format!("message {seq}"),
            ..ChatMessage::default()
        }
    }

    #[test]
    fn what_was_looked_at_is_not_unread() {
        let (bob, mut all) = (Talk::Friend(2), Conversations::default());
        all.learn(bob, &message(1, MessageKind::Text), Concern::Waiting);
        all.learn(bob, &message(2, MessageKind::Text), Concern::Waiting);
        all.learn(bob, &message(3, MessageKind::System), Concern::Waiting);
        all.learn(Talk::Group(9), &message(1, MessageKind::Text), Concern::Waiting);
        assert_eq!((all.unread(bob), all.all_unread()), (2, 3));
        all.open(bob);
        assert_eq!((all.unread(bob), all.all_unread()), (0, 1));
        all.learn(bob, &message(4, MessageKind::Text), Concern::Looked);
        assert_eq!(all.unread(bob), 0);
        all.learn(bob, &message(5, MessageKind::Text), Concern::Waiting);
        all.learn(bob, &message(6, MessageKind::Text), Concern::Own);
        assert_eq!(all.unread(bob), 0, "who answers has read");
        assert_eq!(all.of(bob).map(|conversation| conversation.newest.text.as_str()), Some("message 6"));
        all.change(bob, &ChatMessage { msg: String::new(), ..message(6, MessageKind::Text) });
        all.change(bob, &ChatMessage { msg: "older".into(), ..message(5, MessageKind::Text) });
        assert_eq!(all.of(bob).map(|conversation| conversation.newest.text.as_str()), Some(""), "recalled");
        all.show(bob, &message(6, MessageKind::Text));
        all.hide(bob, 5);
        assert_eq!(all.of(bob).map(|conversation| conversation.newest.text.as_str()), Some("message 6"));
        all.hide(bob, 6);
        assert_eq!(all.of(bob).map(|conversation| conversation.newest.text.as_str()), Some(""), "hidden");
        all.forget(bob);
        assert_eq!(all.of(bob), None);
    }

    #[test]
    fn what_the_server_told_counts() {
        let (bob, cho, mut all) = (Talk::Friend(2), Talk::Friend(3), Conversations::default());
        all.learn(bob, &message(1, MessageKind::Text), Concern::Waiting);
        all.unread_is(bob, 0, 1);
        all.unread_is(cho, 4, 4);
        all.unread_is(Talk::Group(9), 0, 0);
        assert_eq!((all.unread(bob), all.unread(cho), all.all_unread()), (0, 4, 4));
        assert_eq!((all.newest(cho), all.of(Talk::Group(9))), (None, None));
        assert_eq!(all.newest(bob).map(|newest| newest.seq), Some(1));
    }

    #[test]
    fn what_the_server_counted_before_it_came_here_is_counted_once() {
        let (bob, mut all) = (Talk::Friend(2), Conversations::default());
        all.unread_is(bob, 2, 2);
        all.learn(bob, &message(1, MessageKind::Text), Concern::Waiting);
        all.learn(bob, &message(2, MessageKind::Text), Concern::Waiting);
        assert_eq!(all.unread(bob), 2);
        all.learn(bob, &message(3, MessageKind::Text), Concern::Waiting);
        assert_eq!(all.unread(bob), 3);
        // A log that was put back counts anew.
        all.unread_is(bob, 1, 1);
        all.learn(bob, &message(2, MessageKind::Text), Concern::Waiting);
        assert_eq!(all.unread(bob), 2);
    }

    #[test]
    fn the_one_that_was_silent_longest_makes_room() {
        let mut all = Conversations::default();
        for n in 0..=CONVERSATIONS_MAX as u64 {
            all.learn(Talk::Friend(n), &message(n + 1, MessageKind::Text), Concern::Waiting);
        }
        assert_eq!(all.of(Talk::Friend(0)), None);
        assert!(all.of(Talk::Friend(1)).is_some());
        assert_eq!(all.by_talk.len(), CONVERSATIONS_MAX);
    }
}
