//! What users here were told of others' presence.

use domain::{PresenceState, UserId};
use parking_lot::Mutex;
use quick_cache::sync::Cache;

/// Users of whose presence somebody here was told, kept with it. Of one that is forgotten a missed change is told with
/// the next change or at the next login.
const TOLD_MAX: usize = 200_000;

/// Users whose friends here may believe something old; beyond it they go on believing it until the next change.
const CORRECTIONS_MAX: usize = 10_000;

/// Remembers the last thing that anybody here was told about each user, so that a change which this node did not hear
/// of can be found and told. Any thread.
pub(crate) struct Told {
    states: Cache<UserId, PresenceState>,
    corrections: Mutex<Vec<UserId>>,
}

impl Told {
    pub(crate) fn new() -> Told {
        Told { states: Cache::new(TOLD_MAX), corrections: Mutex::default() }
    }

    /// Everybody here whom it concerns is told this.
    pub(crate) fn all(&self, user: UserId, state: PresenceState) {
        self.states.insert(user, state);
    }

    /// Somebody here is told this. If others were told something else, they are to be corrected.
    pub(crate) fn one(&self, user: UserId, state: PresenceState) {
        if self.states.get(&user) == Some(state) {
            return;
        }
        let before = self.states.get(&user);
        self.states.insert(user, state);
        if before.is_some() {
            let mut corrections = self.corrections.lock();
            if corrections.len() < CORRECTIONS_MAX {
                corrections.push(user);
            }
        }
    }

    /// Whose friends here are to be corrected.
    pub(crate) fn take_corrections(&self) -> Vec<UserId> {
        std::mem::take(&mut self.corrections.lock())
    }

    /// Everybody of whom something was told, with it.
    pub(crate) fn everybody(&self) -> Vec<(UserId, PresenceState)> {
        self.states.iter().collect()
    }
}
