//! How users are shown, by id.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{NUMBER_MAX, Store, StoreResult, User, UserId};

use crate::cache_numbers::CacheSnapshot;
use crate::caller::Principal;
use crate::service::Service;
use crate::versioned_cache::VersionedCache;

/// Ids that a store takes at once.
const IDS_AT_ONCE: usize = 1_000;

/// Keeps how users are shown that were asked for. Whoever changes it says so, on all nodes. Any thread.
pub(crate) struct Directory {
    faces: VersionedCache<UserId, Arc<User>>,
}

impl Directory {
    /// A directory that keeps at most this many users.
    pub(crate) fn new(users_max: usize) -> Directory {
        Directory { faces: VersionedCache::of_values(users_max.max(1)) }
    }

    /// How a user is shown; `None` if there is no such user.
    pub(crate) fn face(&self, store: &dyn Store, id: UserId) -> StoreResult<Option<Arc<User>>> {
        if id.0 > NUMBER_MAX {
            return Ok(None);
        }
        self.faces.get_or_load(&id, || Ok(store.users(&[id])?.pop().map(Arc::new)))
    }

    /// How the one who asks is shown. Where the store cannot say, by the name of the login.
    pub(crate) fn own_face(&self, store: &dyn Store, principal: &Principal) -> Arc<User> {
        match self.face(store, principal.user) {
            Ok(Some(face)) => face,
            Ok(None) | Err(_) => {
                let (id, name) = (principal.user, principal.name.to_string());
                Arc::new(User { id, name, ..User::default() })
            }
        }
    }

    /// How these users are shown, each of whom may be named more than once; those that do not exist are left out.
    pub(crate) fn faces(
        &self,
        store: &dyn Store,
        ids: impl Iterator<Item = UserId>,
    ) -> StoreResult<HashMap<UserId, Arc<User>>> {
        let mut known = HashMap::new();
        let mut unknown = HashMap::new();
        for id in ids {
            if known.contains_key(&id) || unknown.contains_key(&id) {
                continue;
            }
            // Before the store is read.
            let generation = self.faces.generation_of(&id);
            match self.faces.kept(&id) {
                Some(face) => drop(known.insert(id, face)),
                None => drop(unknown.insert(id, generation)),
            }
        }
        let ids: Vec<UserId> = unknown.keys().copied().collect();
        for ids in ids.chunks(IDS_AT_ONCE) {
            for user in store.users(ids)? {
                let face = Arc::new(user);
                if let Some(generation) = unknown.get(&face.id) {
                    self.faces.keep(&face.id, *generation, Arc::clone(&face));
                }
                known.insert(face.id, face);
            }
        }
        Ok(known)
    }

    /// A user is shown otherwise now, or may be. As [`VersionedCache::invalidate`].
    pub(crate) fn changed(&self, id: UserId) {
        self.faces.invalidate(&id);
    }

    /// What it keeps.
    pub(crate) fn snapshot(&self) -> CacheSnapshot {
        self.faces.snapshot("users")
    }

    /// Any user may be shown otherwise now.
    pub(crate) fn forget(&self) {
        self.faces.invalidate_all();
    }
}

impl Service {
    /// What a user is called, for others who are told of them; nothing if the store does not say.
    pub(crate) fn shown(&self, user: UserId) -> String {
        match self.directory.face(&*self.ports.store, user) {
            Ok(face) => face.map_or_else(String::new, |face| face.shown().to_owned()),
            Err(error) => {
                self.trouble.note(self.ports.clock.now(), &error);
                String::new()
            }
        }
    }
}
