//! Users and credentials of the fake.

use std::collections::BTreeSet;

use super::secrets::Codes;
use super::{FakeStore, State};
use crate::{
    Account, BroadcastId, Credentials, NewUser, Profile, StoreResult, Timestamp, User, UserId, UserStore,
};

/// A stored user.
pub(super) struct Row {
    /// What lists show, and what only the profile does.
    pub(super) profile: Profile,
    /// The nickname's folded form.
    pub(super) nickname_key: String,
    pub(super) password_hash: String,
    pub(super) last_seen: Timestamp,
    pub(super) recovery: Codes,
    /// Changes of the list of friends.
    pub(super) friends_version: u64,
    /// Changes of the memberships.
    pub(super) groups_version: u64,
    pub(super) is_deleted: bool,
    /// The last broadcast before the user.
    pub(super) broadcasts_from: BroadcastId,
    /// The highest broadcast that any session acknowledged.
    pub(super) broadcasts_acked: BroadcastId,
}

impl State {
    /// Whose account it is, if it is there.
    pub(super) fn id_of(&self, account: Account<'_>) -> Option<UserId> {
        match account {
            Account::Id(id) => self.is_there(id).then_some(id),
            Account::NameKey(key) => self.names.get(key).copied(),
        }
    }

    /// Whether there is such an account.
    pub(super) fn is_there(&self, id: UserId) -> bool {
        self.users.get(&id).is_some_and(|row| !row.is_deleted)
    }

    pub(super) fn user(&self, id: UserId) -> Option<User> {
        self.users.get(&id).map(|row| row.profile.user.clone())
    }
}

impl UserStore for FakeStore {
    fn create_user(&self, user: &NewUser<'_>) -> StoreResult<Option<UserId>> {
        self.run("create a user", |state| {
            if state.names.contains_key(user.name_key) {
                return None;
            }
            let id = UserId(state.users.len() as u64 + 1);
            let shown = User { id, name: user.name.to_owned(), ..User::default() };
            let row = Row {
                profile: Profile {
                    user: shown,
                    signature: String::new(),
                    phone: String::new(),
                    searchable: true,
                },
                nickname_key: String::new(),
                password_hash: user.password_hash.to_owned(),
                last_seen: Timestamp(0),
                recovery: Codes::new(user.recovery_codes),
                friends_version: 0,
                groups_version: 0,
                is_deleted: false,
                broadcasts_from: state.broadcasts.last,
                broadcasts_acked: state.broadcasts.last,
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

    fn note_last_seen(&self, seen: &[(UserId, Timestamp)]) -> StoreResult<()> {
        self.run("note who was seen", |state| {
            for (user, at) in seen {
                if let Some(row) = state.users.get_mut(user) {
                    row.last_seen = row.last_seen.max(*at);
                }
            }
        })
    }

    fn credentials(&self, account: Account<'_>) -> StoreResult<Option<Credentials>> {
        self.run("find credentials", |state| {
            let id = state.id_of(account)?;
            let password_hash = state.users.get(&id)?.password_hash.clone();
            Some(Credentials { user: state.user(id)?, password_hash })
        })
    }
}
