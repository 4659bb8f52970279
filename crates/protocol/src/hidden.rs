//! What one deletes for oneself: HIDE, HIDDEN and the push HIDDEN_MESSAGES.

use serde::{Deserialize, Serialize};

use crate::push::ChatMessage;
use crate::request::is_zero;

/// Delete messages of one conversation for oneself, on all devices. Nobody else sees a difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hide {
    /// The conversation.
    pub conv: u64,
    /// The messages' places there; at most [`HIDE_SEQS_MAX`](crate::limits::HIDE_SEQS_MAX). All are hidden, or none.
    pub seqs: Vec<u64>,
}

/// A message that the reader hid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// Its place in the reader's list of what they hid: 1, 2, 3 … without holes.
    pub position: u64,
    /// The conversation.
    pub conv: u64,
    /// The message's place there.
    pub seq: u64,
}

/// Answer to HIDE: all that was asked for. And the push HIDDEN_MESSAGES to the other devices: what was not hidden before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenMessages {
    /// By rising position.
    pub hidden: Vec<Hidden>,
}

/// What the reader hid, by rising position.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenPage {
    /// After the position that was asked for.
    pub hidden: Vec<Hidden>,
    /// Pass as `after` for the next page; 0 if this was the last.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
}

impl ChatMessage {
    /// Makes it what its reader is given once they hid it: where, when and by whom something was said, and not what.
    pub fn hide(&mut self) {
        self.hidden = true;
        self.msg.clear();
        self.mentions.clear();
        (self.event, self.quote) = (None, None);
    }
}
