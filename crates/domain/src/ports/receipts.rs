//! The port that says who read how far.

use crate::{ConversationId, Cursor, StoreResult, UserId};

/// How far others got in a conversation. What moves is stored by
/// [`advance_cursors`](crate::MessageLog::advance_cursors).
pub trait ReceiptStore: Send + Sync {
    /// How far these users got in a conversation, in no order and each once, without those of whom nothing was ever noted
    /// there. At most 1,000 users. Whether they are still in the conversation is not asked.
    fn cursors(&self, conversation: ConversationId, users: &[UserId]) -> StoreResult<Vec<Cursor>>;
}
