//! What users keep quiet.

use std::collections::BTreeMap;

use super::FakeStore;
use crate::{ConversationId, Quiet, QuietList, QuietSet, QuietStore, StoreResult, UserId};

/// Of one user.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) version: u64,
    by_conversation: BTreeMap<ConversationId, Quiet>,
}

impl QuietStore for FakeStore {
    fn quiet(&self, user: UserId) -> StoreResult<QuietList> {
        self.run("list what is quiet", |state| {
            let Some(kept) = state.quiet.get(&user) else { return QuietList::default() };
            QuietList { version: kept.version, entries: kept.by_conversation.values().cloned().collect() }
        })
    }

    fn set_quiet(&self, user: UserId, quiet: &Quiet, max: u32) -> StoreResult<QuietSet> {
        self.run("set what is quiet", |state| {
            if !state.users.contains_key(&user) {
                return QuietSet::Unchanged(0);
            }
            let kept = state.quiet.entry(user).or_default();
            let before = kept.by_conversation.get(&quiet.conversation);
            let wanted = Some(quiet).filter(|quiet| !quiet.is_nothing());
            if before == wanted {
                return QuietSet::Unchanged(kept.version);
            }
            match wanted {
                Some(_) if before.is_none() && kept.by_conversation.len() >= max as usize => {
                    return QuietSet::Full;
                }
                Some(quiet) => {
                    kept.by_conversation.insert(quiet.conversation, quiet.clone());
                }
                None => {
                    kept.by_conversation.remove(&quiet.conversation);
                }
            }
            kept.version += 1;
            QuietSet::Changed(kept.version)
        })
    }
}
