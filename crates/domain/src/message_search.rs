//! Searching what was said.

use crate::{ConversationId, Seq, StoredMessage, Timestamp, UserId, WordQuery};

/// Bytes of texts that one part of a search reads and compares with the query; the text that passes it is the last one. What comes
/// after it is the next part's. The messages of a page of chat are far below it: it is for those who store the longest texts.
pub const COMPARED_BYTES_MAX: usize = 256 * 1024;

/// Where a message stands among all that a search finds, newest first: by time, then by conversation and seq. Stores may
/// order what was said in the same millisecond in different conversations in a way of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundPlace {
    /// When the server took the message.
    pub time: Timestamp,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
}

/// What is searched for, in what the searcher may read.
#[derive(Clone, Copy, Debug)]
pub struct MessageSearch<'a> {
    /// The words.
    pub query: &'a WordQuery,
    /// In this conversation only.
    pub conversation: Option<ConversationId>,
    /// Said by this user only.
    pub sender: Option<UserId>,
    /// Said at this time or later.
    pub since: Timestamp,
    /// Said at this time or before.
    pub until: Timestamp,
    /// Older than this place: where the part before ended.
    pub before: Option<FoundPlace>,
}

/// A part of what a search finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundMessages {
    /// Newest first. May be none although there are more.
    pub messages: Vec<StoredMessage>,
    /// Where the next part begins; `None` at the end.
    pub next: Option<FoundPlace>,
}

/// What was put into the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Messages looked at.
    pub messages: u32,
    /// Conversations that have more of them.
    pub unfinished: Vec<ConversationId>,
}

/// Conversations in which something is not in the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unindexed {
    /// By rising id.
    pub conversations: Vec<ConversationId>,
    /// The last one looked at; `None` at the end.
    pub next: Option<ConversationId>,
}
