//! When users were last connected.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{SessionId, Store, StoreResult, Timestamp, UserId};
use parking_lot::Mutex;

use crate::write_behind::WriteBehind;

/// Users whose time waits to be stored.
const WAITING_MAX: usize = 4_096;

/// Users noted in one transaction.
const NOTED_AT_ONCE: usize = 1_000;

/// Between two notes of all who are connected: when a node dies nobody is there to say that they went, and so much
/// earlier they seem to have gone.
const SWEEP_EVERY_MS: u64 = 60_000;

/// Notes when users were last connected here: when their last connection ends, and now and then while they are. Any
/// thread.
pub(crate) struct LastSeen {
    waiting: WriteBehind<UserId, Timestamp>,
    /// Sessions with a connection here and whose they are, 16 bytes each; bounded by the gateway's connections.
    attached: Mutex<HashMap<SessionId, UserId>>,
    /// When the attached ones were last noted.
    swept: AtomicU64,
}

impl LastSeen {
    pub(crate) fn new() -> LastSeen {
        LastSeen {
            waiting: WriteBehind::new("times of users", WAITING_MAX),
            attached: Mutex::new(HashMap::new()),
            swept: AtomicU64::new(0),
        }
    }

    pub(crate) fn attached(&self, session: SessionId, user: UserId) {
        self.attached.lock().insert(session, user);
    }

    pub(crate) fn detached(&self, session: SessionId) {
        self.attached.lock().remove(&session);
    }

    /// The user's last connection ended. When neither memory nor store takes it, an older time stays.
    pub(crate) fn note(&self, store: &dyn Store, user: UserId, at: Timestamp) {
        if let Err(error) = self.waiting.note(user, at, |seen| store.note_last_seen(seen)) {
            log::debug!("that user {user} was last seen at {at} was not noted: {error}");
        }
    }

    /// When a user was last seen, where the store says `stored`.
    pub(crate) fn latest(&self, user: UserId, stored: Timestamp) -> Timestamp {
        self.waiting.waiting(user).map_or(stored, |waiting| waiting.max(stored))
    }

    /// What is known here and not stored yet.
    pub(crate) fn waiting(&self, user: UserId) -> Option<Timestamp> {
        self.waiting.waiting(user)
    }

    /// Stores what waits, and once in [`SWEEP_EVERY_MS`] that those who are connected here are there.
    pub(crate) fn flush(&self, store: &dyn Store, now: Timestamp) -> StoreResult<()> {
        let note = |seen: &[(UserId, Timestamp)]| {
            seen.chunks(NOTED_AT_ONCE).try_for_each(|seen| store.note_last_seen(seen))
        };
        self.waiting.flush(note)?;
        if now.0.abs_diff(self.swept.load(Ordering::Relaxed)) < SWEEP_EVERY_MS {
            return Ok(());
        }
        let mut here: Vec<_> = self.attached.lock().values().map(|user| (*user, now)).collect();
        here.sort_unstable();
        here.dedup();
        note(&here)?;
        self.swept.store(now.0, Ordering::Relaxed);
        Ok(())
    }
}
