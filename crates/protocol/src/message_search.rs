//! Searching messages: the request and its answer.

use serde::{Deserialize, Serialize};

use crate::push::ChatMessage;
use crate::request::is_zero_u32;

/// Search what was said in the asker's conversations, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchMessages {
    /// Words, or parts of Chinese, Japanese or Korean text. A message is found that has all of them.
    pub query: String,
    /// In this conversation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conv: Option<u64>,
    /// Said by this user only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Said at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Said at this time or before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Where the page before ended: its `next`. Left out from the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// As in [`Page`](crate::Page).
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub limit: u32,
}

/// A page of messages that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundMessages {
    /// Newest first, of all conversations. May be none although there are more.
    pub messages: Vec<ChatMessage>,
    /// The next request's `before`, to be given back as it is; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
