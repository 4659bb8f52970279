//! The port that keeps what users deleted for themselves.

use crate::{ConversationId, Hidden, HiddenPosition, Hiding, Seq, StoreResult, UserId};

/// What users deleted for themselves. It is only added to, so each user's list is as long as its last position.
pub trait HiddenStore: Send + Sync {
    /// Hides messages of one conversation, all or none, in one transaction. What is hidden already stays where it is in the
    /// list; the others follow in rising order of seq. A user has at most `max`. Whether the messages exist is for the caller
    /// to know. Nothing is done for a user who does not exist.
    fn hide(&self, user: UserId, conversation: ConversationId, seqs: &[Seq], max: u64)
    -> StoreResult<Hiding>;

    /// What stands after this position, by rising position.
    fn hidden(&self, user: UserId, after: HiddenPosition, limit: u32) -> StoreResult<Vec<Hidden>>;

    /// Those of these messages that the user hid, by rising seq, each once.
    fn hidden_of(&self, user: UserId, conversation: ConversationId, seqs: &[Seq]) -> StoreResult<Vec<Seq>>;
}
