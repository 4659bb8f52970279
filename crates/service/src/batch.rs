//! Messages on their way into the log.

use std::sync::Arc;

use domain::{ConversationId, NewMessage, User, UserId};

use crate::hub::Origin;

/// A message that was checked and waits to be stored.
#[derive(Clone, Debug)]
pub struct Pending {
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
    /// The conversation: it decides which appender stores the message.
    pub fn conversation(&self) -> ConversationId {
        self.message.conversation
    }

    /// Whom to answer.
    pub fn origin(&self) -> Origin {
        self.envelope.origin
    }
}

/// Messages that are stored in one transaction, in their order.
///
/// Two lists of the same length, because the log takes messages as one slice.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) messages: Vec<NewMessage>,
    pub(crate) envelopes: Vec<Envelope>,
}

impl Batch {
    /// Adds a message at the end.
    pub fn push(&mut self, pending: Pending) {
        self.messages.push(pending.message);
        self.envelopes.push(pending.envelope);
    }

    /// What is to be stored, and whom to answer.
    pub fn messages(&self) -> impl Iterator<Item = (&NewMessage, Origin)> {
        self.messages.iter().zip(self.envelopes.iter().map(|envelope| envelope.origin))
    }

    /// Messages in it.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}
