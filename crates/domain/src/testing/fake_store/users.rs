//! Users and credentials of the fake.

use std::collections::BTreeSet;

use super::secrets::Codes;
use super::{FakeStore, State};
use crate::{Account, Credentials, NewUser, StoreResult, User, UserId, UserStore};

/// A stored user.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) password_hash: String,
    pub(super) recovery: Codes,
}

impl State {
    /// Whose account it is, if it is there.
    pub(super) fn id_of(&self, account: Account<'_>) -> Option<UserId> {
        match account {
            Account::Id(id) => self.users.contains_key(&id).then_some(id),
            Account::NameKey(key) => self.names.get(key).copied(),
        }
    }

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
            let row = Row {
                name: user.name.to_owned(),
                password_hash: user.password_hash.to_owned(),
                recovery: Codes::new(user.recovery_codes),
            };
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
            let id = state.id_of(account)?;
            let password_hash = state.users.get(&id)?.password_hash.clone();
            Some(Credentials { user: state.user(id)?, password_hash })
        })
    }
}
