//! The port of messages that change.

use crate::{
    ChangePosition, ConversationId, MessageChange, MessageChangeRefused, MessageChanged, PageSize, Seq,
    StoreResult, StoredMessage,
};

/// Messages that change after they were said, and the feed of these changes: each message that was changed stands there
/// once, at its last change.
pub trait ChangeStore: Send + Sync {
    /// Changes a message, as [`MessageChange::decide`] says, in one transaction with the next position of its conversation,
    /// under the lock that also gives out seqs. A recalled text is nowhere afterwards.
    ///
    /// A message that is so already is not changed again, so after [`StoreError::OutcomeUnknown`] the same may be asked
    /// for once more.
    ///
    /// [`StoreError::OutcomeUnknown`]: crate::StoreError::OutcomeUnknown
    fn change_message(
        &self,
        change: &MessageChange,
    ) -> StoreResult<Result<MessageChanged, MessageChangeRefused>>;

    /// A page of the feed after `after`, by rising position: messages after `since`, as they are now.
    fn changes(
        &self,
        conversation: ConversationId,
        since: Seq,
        after: ChangePosition,
        size: PageSize,
    ) -> StoreResult<Vec<(ChangePosition, StoredMessage)>>;

    /// Removes what is left of texts that are gone beside the tables that held them, such as in a log of writes, as far as this
    /// process can. Called every few seconds; what cannot be done now, because others read, is left for the next time.
    fn wipe(&self) -> StoreResult<()> {
        Ok(())
    }
}
