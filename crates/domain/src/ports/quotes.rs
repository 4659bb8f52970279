//! The port of what is quoted.

use crate::{ConversationId, Quoted, Seq, StoreResult};

/// How messages begin: what is shown of them above their answers.
pub trait QuoteStore: Send + Sync {
    /// What is quoted of the messages at these places, as they are now, in no order and each once. What is not there and
    /// what was recalled is left out. At most 1,000 places; who may read them is not asked. Its cost does not depend on the
    /// log's size, nor on that of the messages.
    fn quoted(&self, places: &[(ConversationId, Seq)]) -> StoreResult<Vec<Quoted>>;
}
