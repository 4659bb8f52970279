//! Whose messages are put in order, and how they come.

use service::domain::{ConversationId, Parties};

/// A conversation, and whose it is said to be. What is said of it with other parties is another talk: whoever is wrong
/// about them is found out without harm to the one that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Talk {
    pub(crate) conversation: ConversationId,
    pub(crate) parties: Parties,
}

/// Who says that a message was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// This node, which stored it.
    Here,
    /// Another node, by the bus.
    Elsewhere,
}

/// What is passed on.
pub(crate) trait Parcel {
    /// Bytes that it keeps from being freed.
    fn bytes(&self) -> usize;

    /// Whether it is known who gets it. One that is not ready waits in its place, and what comes after waits behind it.
    fn is_ready(&self) -> bool;
}

/// By which subscriptions a conversation is heard: the serial numbers of the topics' present subscriptions. As long as
/// one of them stays the same, nothing was said unheard but what the bus lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hearing(pub(crate) [Option<u64>; 2]);

impl Hearing {
    pub(super) fn is_deaf(self) -> bool {
        self == Hearing::default()
    }

    pub(super) fn goes_on(self, before: Hearing) -> bool {
        self.0.iter().zip(before.0).any(|(now, before)| now.is_some() && *now == before)
    }
}
