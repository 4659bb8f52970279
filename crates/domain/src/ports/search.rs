//! The port that finds messages by their words.

use crate::{ConversationId, FoundMessages, Indexed, MessageSearch, StoreResult, Unindexed, UserId};

/// The index of what was said. It follows the log: a message is found once [`index_messages`](SearchStore::index_messages)
/// took it in, and what was recalled, edited or hidden from the user is not found from the moment of that change on,
/// whatever the index holds.
pub trait SearchStore: Send + Sync {
    /// A part of what is found in the conversations that the user may read now, from where they may read; `None` if one
    /// conversation is asked for that the user is not in.
    ///
    /// At most `limit` messages, and fewer where entries of the index turned out to be none that fit, or where their texts are
    /// more than [`COMPARED_BYTES_MAX`](crate::COMPARED_BYTES_MAX). The cost follows what is found and the number of the user's
    /// conversations, and not what others say. A place to begin before that the user may not read, or where there is nothing, is a
    /// time and nothing else.
    fn search_messages(
        &self,
        user: UserId,
        search: &MessageSearch<'_>,
        limit: u32,
    ) -> StoreResult<Option<FoundMessages>>;

    /// Takes at most `limit` messages of these conversations into the index that are not in it, oldest first, and fewer if their
    /// texts are long ([`IndexRoom`](crate::IndexRoom)). Unknown conversations have none. Messages that are taken in twice at once, by two nodes, are so once.
    fn index_messages(&self, conversations: &[ConversationId], limit: u32) -> StoreResult<Indexed>;

    /// Looks at `limit` conversations after this one, whether the index has all that was said there.
    fn unindexed(&self, after: ConversationId, limit: u32) -> StoreResult<Unindexed>;
}
