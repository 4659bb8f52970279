//! Names of users, by id.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{NUMBER_MAX, Store, StoreResult, User, UserId};
use quick_cache::sync::Cache;

/// Ids that a store takes at once.
const IDS_AT_ONCE: usize = 1_000;

/// Keeps the names of users that were asked for. Names do not change yet; nothing need be told to it. Any thread.
pub(crate) struct Directory {
    names: Cache<UserId, Arc<str>>,
}

impl Directory {
    /// A directory that keeps at most this many names.
    pub(crate) fn new(users_max: usize) -> Directory {
        Directory { names: Cache::new(users_max.max(1)) }
    }

    /// A name that was read anyway.
    pub(crate) fn learn(&self, user: &User) -> Arc<str> {
        if let Some(name) = self.names.get(&user.id) {
            return name;
        }
        let name: Arc<str> = user.name.as_str().into();
        self.names.insert(user.id, Arc::clone(&name));
        name
    }

    /// The name of one user; `None` if there is no such user.
    pub(crate) fn name(&self, store: &dyn Store, id: UserId) -> StoreResult<Option<Arc<str>>> {
        if let Some(name) = self.names.get(&id) {
            return Ok(Some(name));
        }
        if id.0 > NUMBER_MAX {
            return Ok(None);
        }
        Ok(store.users(&[id])?.first().map(|user| self.learn(user)))
    }

    /// The names of these users, each of which may be named more than once; those that do not exist are left out.
    pub(crate) fn names(
        &self,
        store: &dyn Store,
        ids: impl Iterator<Item = UserId>,
    ) -> StoreResult<HashMap<UserId, Arc<str>>> {
        let mut known = HashMap::new();
        let mut unknown = Vec::new();
        for id in ids {
            if known.contains_key(&id) {
                continue;
            }
            match self.names.get(&id) {
                Some(name) => {
                    known.insert(id, name);
                }
                None => unknown.push(id),
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        for ids in unknown.chunks(IDS_AT_ONCE) {
            for user in store.users(ids)? {
                known.insert(user.id, self.learn(&user));
            }
        }
        Ok(known)
    }
}
