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

/// Bytes of texts that are taken into the index at once, at most, and the last message's.
pub const INDEXED_BYTES_AT_ONCE: usize = 1 << 20;

/// Words that are, at most, and the last message's: a transaction of a fraction of a second.
pub const INDEXED_WORDS_AT_ONCE: usize = 32_768;

/// What may be taken into the index at once still: so many messages, and no more than a transaction can write that holds nobody up
/// for long, however long they are.
#[derive(Clone, Copy, Debug)]
pub struct IndexRoom {
    messages: u32,
    bytes: usize,
    words: usize,
}

impl IndexRoom {
    /// Room for so many messages, as far as their texts allow.
    pub fn new(messages: u32) -> IndexRoom {
        IndexRoom { messages, bytes: INDEXED_BYTES_AT_ONCE, words: INDEXED_WORDS_AT_ONCE }
    }

    /// How many messages that may be: none if there is no room for another.
    pub fn messages(&self) -> u32 {
        if self.bytes == 0 || self.words == 0 { 0 } else { self.messages }
    }

    /// Notes a message of so many bytes and words.
    pub fn take(&mut self, bytes: usize, words: usize) {
        self.messages -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.words = self.words.saturating_sub(words);
    }
}

/// What was put into the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Messages looked at.
    pub messages: u32,
    /// Conversations that have more of them, or were changed meanwhile.
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
