//! What users hid.

use std::collections::BTreeSet;

use super::{FakeStore, State};
use crate::{ConversationId, Hidden, HiddenPosition, HiddenStore, Hiding, Seq, StoreResult, UserId};

impl State {
    pub(super) fn is_hidden(&self, user: UserId, conversation: ConversationId, seq: Seq) -> bool {
        let hidden = self.hidden.get(&user).map(Vec::as_slice).unwrap_or_default();
        hidden.iter().any(|entry| (entry.conversation, entry.seq) == (conversation, seq))
    }
}

impl HiddenStore for FakeStore {
    fn hide(
        &self,
        user: UserId,
        conversation: ConversationId,
        seqs: &[Seq],
        max: u64,
    ) -> StoreResult<Hiding> {
        self.run("hide messages", |state| {
            if state.users.get(&user).is_none_or(|row| row.is_deleted) {
                return Hiding::Done { before: Vec::new(), new: Vec::new() };
            }
            let wanted: BTreeSet<Seq> = seqs.iter().copied().collect();
            let list = state.hidden.entry(user).or_default();
            let is_wanted =
                |entry: &&Hidden| entry.conversation == conversation && wanted.contains(&entry.seq);
            let before: Vec<Hidden> = list.iter().filter(is_wanted).copied().collect();
            let last = list.len() as u64;
            let new: Vec<Hidden> = wanted
                .into_iter()
                .filter(|seq| before.iter().all(|entry| entry.seq != *seq))
                .zip(last + 1..)
                .map(|(seq, position)| Hidden { position: HiddenPosition(position), conversation, seq })
                .collect();
            if last + new.len() as u64 > max && !new.is_empty() {
                return Hiding::Full;
            }
            list.extend(&new);
            Hiding::Done { before, new }
        })
    }

    fn hidden(&self, user: UserId, after: HiddenPosition, limit: u32) -> StoreResult<Vec<Hidden>> {
        self.run("list what is hidden", |state| {
            let list = state.hidden.get(&user).map(Vec::as_slice).unwrap_or_default();
            let page = list.iter().filter(|entry| entry.position > after);
            page.take(limit as usize).copied().collect()
        })
    }

    fn hidden_of(&self, user: UserId, conversation: ConversationId, seqs: &[Seq]) -> StoreResult<Vec<Seq>> {
        self.run("find what is hidden", |state| {
            let asked: BTreeSet<Seq> = seqs.iter().copied().collect();
            asked.into_iter().filter(|seq| state.is_hidden(user, conversation, *seq)).collect()
        })
    }
}
