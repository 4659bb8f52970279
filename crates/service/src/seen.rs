//! When sessions were last seen, and which are connected here.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{SessionId, Store, StoreResult, Timestamp};
use parking_lot::Mutex;

use crate::write_behind::WriteBehind;

/// Sessions whose time waits to be stored.
const SEEN_WAITING_MAX: usize = 4_096;

/// Sessions noted in one transaction.
const TOUCH_AT_ONCE: usize = 1_000;

/// Notes when sessions were seen. Resuming thus writes nothing. Any thread.
pub(crate) struct Seen {
    waiting: WriteBehind<SessionId, Timestamp>,
    /// Sessions with a connection here, 8 bytes each; bounded by the gateway's connections.
    attached: Mutex<HashSet<SessionId>>,
    /// When the attached ones were last noted.
    swept: AtomicU64,
}

impl Seen {
    pub(crate) fn new() -> Seen {
        Seen {
            waiting: WriteBehind::new("session times", SEEN_WAITING_MAX),
            attached: Mutex::new(HashSet::new()),
            swept: AtomicU64::new(0),
        }
    }

    pub(crate) fn attached(&self, session: SessionId) {
        self.attached.lock().insert(session);
    }

    pub(crate) fn detached(&self, session: SessionId) {
        self.attached.lock().remove(&session);
    }

    /// Notes that a session was seen now. When neither memory nor store takes it the session looks older than it is,
    /// which only matters at the end of its time.
    pub(crate) fn note(&self, store: &dyn Store, session: SessionId, at: Timestamp) {
        if let Err(error) = self.waiting.note(session, at, |seen| store.touch_sessions(seen)) {
            log::debug!("session {session} seen at {at} was not noted: {error}");
        }
    }

    /// When a session was last seen, where the store says `stored`.
    pub(crate) fn latest(&self, session: SessionId, stored: Timestamp) -> Timestamp {
        self.waiting.waiting(session).map_or(stored, |waiting| waiting.max(stored))
    }

    /// Stores what waits.
    pub(crate) fn flush(&self, store: &dyn Store) -> StoreResult<()> {
        self.waiting.flush(|seen| seen.chunks(TOUCH_AT_ONCE).try_for_each(|seen| store.touch_sessions(seen)))
    }

    /// Notes all connected sessions as seen, once per `every_ms`: one that stays connected for longer than a session's
    /// time is not over.
    pub(crate) fn sweep(&self, store: &dyn Store, now: Timestamp, every_ms: u64) -> StoreResult<()> {
        let swept = self.swept.load(Ordering::Relaxed);
        if now.0.abs_diff(swept) < every_ms {
            return Ok(());
        }
        let attached: Vec<_> = self.attached.lock().iter().map(|session| (*session, now)).collect();
        for seen in attached.chunks(TOUCH_AT_ONCE) {
            store.touch_sessions(seen)?;
        }
        self.swept.store(now.0, Ordering::Relaxed);
        Ok(())
    }
}
