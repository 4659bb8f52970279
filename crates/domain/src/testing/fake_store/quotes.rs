//! What is quoted.

use std::collections::BTreeSet;

use super::FakeStore;
use crate::{ConversationId, QuoteStore, Quoted, Seq, StoreResult};

impl QuoteStore for FakeStore {
    fn quoted(&self, places: &[(ConversationId, Seq)]) -> StoreResult<Vec<Quoted>> {
        self.run("read what is quoted", |state| {
            let places: BTreeSet<_> = places.iter().copied().collect();
            let quoted = |(conversation, seq): (ConversationId, Seq)| {
                let at = usize::try_from(seq.0.checked_sub(1)?).ok()?;
                let message = state.conversations.get(&conversation)?.messages.get(at)?;
                let begin = Quoted::begin_of(message.kind, &message.body).to_owned();
                let quoted = Quoted { conversation, seq, sender: message.sender, kind: message.kind, begin };
                message.recalled.is_none().then_some(quoted)
            };
            places.into_iter().filter_map(quoted).collect()
        })
    }
}
