//! Who read how far.

use std::collections::BTreeSet;

use super::FakeStore;
use crate::{ConversationId, Cursor, Progress, ReceiptStore, StoreResult, UserId};

impl ReceiptStore for FakeStore {
    fn cursors(&self, conversation: ConversationId, users: &[UserId]) -> StoreResult<Vec<Cursor>> {
        self.run("read cursors", |state| {
            let users: BTreeSet<UserId> = users.iter().copied().collect();
            let noted = |user| Cursor { user, conversation, progress: state.progress(user, conversation) };
            users.into_iter().map(noted).filter(|cursor| cursor.progress != Progress::default()).collect()
        })
    }
}
