//! What users here were told of others' presence.

use std::collections::HashSet;

use domain::{PresenceState, UserId};
use parking_lot::Mutex;
use quick_cache::sync::Cache;

use crate::cache_numbers::{CacheSnapshot, Lookups};

/// Users of whose presence somebody here was told, kept with it. Of one that is forgotten a missed change is told with
/// the next change or at the next login.
const TOLD_MAX: usize = 200_000;

/// Users whose friends here may believe something old, or nothing; beyond it they go on so until the next change.
const CORRECTIONS_MAX: usize = TOLD_MAX;

/// Remembers the last thing that anybody here was told about each user, so that a change which this node did not hear
/// of can be found and told. Any thread.
pub(crate) struct Told {
    states: Cache<UserId, PresenceState>,
    lookups: Lookups,
    corrections: Mutex<HashSet<UserId>>,
    unannounced: Mutex<HashSet<UserId>>,
}

impl Told {
    pub(crate) fn new() -> Told {
        Told {
            states: Cache::new(TOLD_MAX),
            lookups: Lookups::default(),
            corrections: Mutex::default(),
            unannounced: Mutex::default(),
        }
    }

    /// Everybody here whom it concerns is told this.
    pub(crate) fn all(&self, user: UserId, state: PresenceState) {
        self.states.insert(user, state);
        if state == PresenceState::Unknown {
            self.correct_later(user);
        }
    }

    /// Somebody here is told this. If others were told something else, they are to be corrected.
    pub(crate) fn one(&self, user: UserId, state: PresenceState) {
        let before = self.last(user);
        if before == Some(state) {
            return;
        }
        self.states.insert(user, state);
        if before.is_some() || state == PresenceState::Unknown {
            self.correct_later(user);
        }
    }

    /// What was told last.
    pub(crate) fn last(&self, user: UserId) -> Option<PresenceState> {
        self.lookups.count(self.states.get(&user))
    }

    /// What is remembered.
    pub(crate) fn snapshot(&self) -> CacheSnapshot {
        let states = &self.states;
        self.lookups.snapshot("presence", states.len(), states.weight(), states.capacity())
    }

    /// The user's friends here are to be told what is true, when it is known.
    pub(crate) fn correct_later(&self, user: UserId) {
        let mut corrections = self.corrections.lock();
        if corrections.len() < CORRECTIONS_MAX {
            corrections.insert(user);
        }
    }

    /// Whether anybody here was told anything of this user.
    pub(crate) fn knows(&self, user: UserId) -> bool {
        self.last(user).is_some()
    }

    /// Whose friends here are to be corrected.
    pub(crate) fn take_corrections(&self) -> Vec<UserId> {
        std::mem::take(&mut *self.corrections.lock()).into_iter().collect()
    }

    /// The user came or went, and nobody could say who is to be told.
    pub(crate) fn announce_later(&self, user: UserId) {
        let mut unannounced = self.unannounced.lock();
        if unannounced.len() < CORRECTIONS_MAX {
            unannounced.insert(user);
        }
    }

    /// Whose friends are still to be told, on all nodes.
    pub(crate) fn take_unannounced(&self) -> Vec<UserId> {
        std::mem::take(&mut *self.unannounced.lock()).into_iter().collect()
    }

    /// Everybody of whom something was told, with it.
    pub(crate) fn everybody(&self) -> Vec<(UserId, PresenceState)> {
        self.states.iter().collect()
    }
}
