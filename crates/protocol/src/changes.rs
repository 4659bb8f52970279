//! Messages that change after they were said: recall, edit, what one deletes for oneself; and who is typing.

use serde::{Deserialize, Serialize};

use crate::push::ChatMessage;
use crate::request::{is_zero, is_zero_u32};

/// A message, by its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRef {
    /// The conversation.
    pub conv: u64,
    /// The message's place there.
    pub seq: u64,
}

/// Change the text of an own message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditMessage {
    /// The conversation.
    pub conv: u64,
    /// The message's place there.
    pub seq: u64,
    /// The new text.
    pub msg: String,
    /// Whom the new text mentions, as in [`GroupChat`](crate::GroupChat).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<u64>,
}

/// A page of a conversation's feed of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The conversation.
    pub conv: u64,
    /// Changes of a greater position than this; 0 from the start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u64,
    /// As in [`Page`](crate::Page).
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub limit: u32,
}

/// Changes by rising position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesPage {
    /// The conversation.
    pub conv: u64,
    /// Each message that was changed once, at its last change, as it is now. Those that the asker may not read are left out.
    pub changes: Vec<Change>,
    /// Pass as `after` for the next page; 0 if this was the last.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
    /// The newest position of the conversation: whoever read the last page is there.
    pub last: u64,
}

/// One entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its place in the conversation's feed: 1, 2, 3 …, with holes where a message was changed again.
    pub position: u64,
    /// The message as it is now.
    pub message: ChatMessage,
}

/// A message was changed: to everybody who may read it, and to who did it as the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The conversation.
    pub conv: u64,
    /// The change's place in the conversation's feed. More than one after the last that is known: ask with CHANGES.
    pub position: u64,
    /// The message as it is now.
    pub message: ChatMessage,
}

/// Who took a message back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recalled {
    /// Who.
    pub by: u64,
    /// What they are called.
    pub name: String,
    /// When, Unix milliseconds.
    pub at: u64,
}

/// How a message begins that another one answers. Made when it is read, and never stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Who said it.
    pub from: u64,
    /// What they are called.
    pub name: String,
    /// At most [`QUOTE_CHARS_MAX`](crate::limits::QUOTE_CHARS_MAX) characters of its text.
    pub msg: String,
}
