//! Messages, and changes of groups, on their way into the log.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::{Attempt, ConversationId, NewMessage, StoreResult, User, UserId};

use crate::group_change::{self, PendingChange};
use crate::hub::Origin;
use crate::message_change::{self, PendingMessageChange};
use crate::service::Service;

/// Something that was checked and waits to be stored.
#[derive(Clone, Debug)]
pub struct Pending(pub(crate) Stored);

/// What is to be stored.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    Message(PendingMessage),
    Change(Deed),
}

/// A change, made in a transaction of its own.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Of a group.
    Group(Box<PendingChange>),
    /// Of a message.
    Message(Box<PendingMessageChange>),
}

impl Deed {
    /// Makes it, and answers who asked; if this fails nobody was answered, and it may be tried again.
    pub(crate) fn make(&self, service: &Service) -> StoreResult<()> {
        match self {
            Deed::Group(pending) => group_change::make(service, pending),
            Deed::Message(pending) => message_change::make(service, pending),
        }
    }

    /// It failed, or seemed to, and will be tried again.
    pub(crate) fn failed(&mut self) {
        match self {
            Deed::Group(pending) => pending.change.attempt = Attempt::Again,
            // What is as it is to be is not changed again.
            Deed::Message(_) => {}
        }
    }

    fn conversation(&self) -> ConversationId {
        match self {
            Deed::Group(pending) => pending.change.group.conversation(),
            Deed::Message(pending) => pending.change.conversation,
        }
    }

    /// Whom to answer, if anybody asked.
    pub(crate) fn origin(&self) -> Option<Origin> {
        match self {
            Deed::Group(pending) => pending.origin,
            Deed::Message(pending) => Some(pending.origin),
        }
    }
}

/// A message that waits.
#[derive(Clone, Debug)]
pub(crate) struct PendingMessage {
    pub(crate) message: NewMessage,
    pub(crate) envelope: Envelope,
}

/// What the answer and the delivery need beside the message itself.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) origin: Origin,
    /// How the sender was shown when the message was checked.
    pub(crate) sender: Arc<User>,
    pub(crate) to: Recipient,
}

/// Whom the message is for, as far as that is known before it is stored.
#[derive(Clone, Debug)]
pub(crate) enum Recipient {
    /// The sender's friend.
    Friend(UserId),
    /// Whoever is a member once the message is stored.
    Group,
}

impl Pending {
    /// The conversation: it decides which appender stores it.
    pub fn conversation(&self) -> ConversationId {
        match &self.0 {
            Stored::Message(pending) => pending.message.conversation,
            Stored::Change(deed) => deed.conversation(),
        }
    }

    /// Whom to answer; `None` if nobody asked.
    pub fn origin(&self) -> Option<Origin> {
        match &self.0 {
            Stored::Message(pending) => Some(pending.envelope.origin),
            Stored::Change(deed) => deed.origin(),
        }
    }
}

/// What an appender stores at once: messages, as many as stand together in one transaction, and between them changes of
/// groups and of messages, each in its own.
///
/// Messages are two lists of the same length, because the log takes them as one slice. Mostly there is no change.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) messages: Vec<NewMessage>,
    pub(crate) envelopes: Vec<Envelope>,
    /// Each with how many of the messages come before it.
    pub(crate) changes: VecDeque<(usize, Deed)>,
}

impl Batch {
    /// Adds something at the end.
    pub fn push(&mut self, pending: Pending) {
        match pending.0 {
            Stored::Message(pending) => self.push_message(pending),
            Stored::Change(deed) => self.changes.push_back((self.messages.len(), deed)),
        }
    }

    pub(crate) fn push_message(&mut self, pending: PendingMessage) {
        self.messages.push(pending.message);
        self.envelopes.push(pending.envelope);
    }

    /// The messages that are to be stored, and whom to answer. Changes are not among them: what tells of a change, its
    /// connection is pushed as everybody is.
    pub fn messages(&self) -> impl Iterator<Item = (&NewMessage, Origin)> {
        self.messages.iter().zip(self.envelopes.iter().map(|envelope| envelope.origin))
    }

    /// Messages and changes in it.
    pub fn len(&self) -> usize {
        self.messages.len() + self.changes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.changes.is_empty()
    }

    /// Takes the messages before the first change out; all, if there is no change.
    pub(crate) fn take_messages(&mut self) -> Batch {
        let count = self.changes.front().map_or(self.messages.len(), |(before, _)| *before);
        let (messages, envelopes) = if count == self.messages.len() {
            (std::mem::take(&mut self.messages), std::mem::take(&mut self.envelopes))
        } else {
            (self.messages.drain(..count).collect(), self.envelopes.drain(..count).collect())
        };
        self.changes.iter_mut().for_each(|(before, _)| *before -= count);
        Batch { messages, envelopes, changes: VecDeque::new() }
    }

    /// Puts messages back in front.
    pub(crate) fn put_back(&mut self, messages: Batch) {
        let count = messages.messages.len();
        self.messages.splice(..0, messages.messages);
        self.envelopes.splice(..0, messages.envelopes);
        self.changes.iter_mut().for_each(|(before, _)| *before += count);
    }
}
