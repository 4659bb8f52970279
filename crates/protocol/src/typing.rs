//! Who is writing something: TYPING. Never stored, and told to who is there at that moment.

use serde::{Deserialize, Serialize};

/// The asker is writing something in this conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// The conversation.
    pub conv: u64,
}

/// Somebody is writing something. It holds for [`TYPING_MS`](crate::limits::TYPING_MS), and until they say something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IsTyping {
    /// The conversation.
    pub conv: u64,
    /// Who.
    pub from: u64,
    /// What they are called.
    pub name: String,
}
