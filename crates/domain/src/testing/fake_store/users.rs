//! Users and credentials of the fake.

use std::collections::BTreeSet;

use super::{FakeStore, State};
use crate::{Account, Credentials, NewUser, StoreResult, User, UserId, UserStore};

/// A stored user.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) password_hash: String,
}

impl State {
    pub(super) fn user(&self, id: UserId) -> Option<User> {
        self.users.get(&id).map(|row| User { id, name: row.name.clone() })
    }
}

impl UserStore for FakeStore {
    fn create_user(&self, user: &NewUser<'_>) -> StoreResult<Option<UserId>> {
        self.run("create a user", |state| {
            if state.names.contains_key(user.name_key) {
                return None;
            }
            let id = UserId(state.users.len() as u64 + 1);
            let row = Row { name: user.name.to_owned(), password_hash: user.password_hash.to_owned() };
            state.users.insert(id, row);
            state.names.insert(user.name_key.to_owned(), id);
            Some(id)
        })
    }

    fn users(&self, ids: &[UserId]) -> StoreResult<Vec<User>> {
        let ids: BTreeSet<UserId> = ids.iter().copied().collect();
        self.run("find users", |state| ids.into_iter().filter_map(|id| state.user(id)).collect())
    }

    fn credentials(&self, account: Account<'_>) -> StoreResult<Option<Credentials>> {
        self.run("find credentials", |state| {
            let id = match account {
                Account::Id(id) => id,
                Account::NameKey(key) => *state.names.get(key)?,
            };
            let password_hash = state.users.get(&id)?.password_hash.clone();
            Some(Credentials { user: state.user(id)?, password_hash })
        })
    }
}
