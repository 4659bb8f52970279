//! Broadcasts of the fake.

use std::collections::BTreeMap;

use super::{FakeStore, State};
use crate::{
    BROADCASTS_KEPT_MAX, Broadcast, BroadcastAck, BroadcastAdded, BroadcastId, BroadcastPlace,
    BroadcastStore, NewBroadcast, NewSession, SessionId, StoreResult, Timestamp, UserId,
};

/// All of them.
#[derive(Default)]
pub(super) struct Broadcasts {
    pub(super) last: BroadcastId,
    kept: BTreeMap<BroadcastId, Kept>,
}

struct Kept {
    key: String,
    at: Timestamp,
    text: String,
}

impl State {
    /// How far the broadcasts go, and where this session of the user is.
    pub(super) fn broadcast_place(&self, user: UserId, session: SessionId) -> BroadcastPlace {
        if !self.users.contains_key(&user) {
            return BroadcastPlace::default();
        }
        let row = self.sessions.get(&session).filter(|row| row.user == user);
        BroadcastPlace {
            last: self.broadcasts.last,
            acked: row.map(|row| row.broadcasts).unwrap_or_default(),
        }
    }

    /// Where a new session begins.
    pub(super) fn broadcasts_begin(&self, session: &NewSession<'_>) -> BroadcastId {
        let acked = self.users.get(&session.user).map(|row| row.broadcasts_acked).unwrap_or_default();
        session.broadcasts.map_or(acked, |held| held.min(self.broadcasts.last))
    }
}

impl BroadcastStore for FakeStore {
    fn add_broadcast(&self, new: &NewBroadcast<'_>) -> StoreResult<BroadcastAdded> {
        self.run("store a broadcast", |state| {
            let broadcasts = &mut state.broadcasts;
            if let Some((id, kept)) = broadcasts.kept.iter().find(|(_, kept)| kept.key == new.key) {
                return match kept.text == new.text {
                    true => BroadcastAdded::Repeated(*id),
                    false => BroadcastAdded::KeyTaken,
                };
            }
            broadcasts.last.0 += 1;
            let kept = Kept { key: new.key.to_owned(), at: new.at, text: new.text.to_owned() };
            broadcasts.kept.insert(broadcasts.last, kept);
            let oldest = broadcasts.last.0.saturating_sub(BROADCASTS_KEPT_MAX);
            broadcasts.kept.retain(|id, _| id.0 > oldest);
            BroadcastAdded::Stored(broadcasts.last)
        })
    }

    fn last_broadcast(&self) -> StoreResult<BroadcastId> {
        self.run("find the last broadcast", |state| state.broadcasts.last)
    }

    fn broadcasts(&self, after: BroadcastId, limit: u32) -> StoreResult<Vec<Broadcast>> {
        self.run("list broadcasts", |state| state.broadcasts.page(after, limit))
    }

    fn broadcasts_to(&self, user: UserId, after: BroadcastId, limit: u32) -> StoreResult<Vec<Broadcast>> {
        self.run("list broadcasts to a user", |state| match state.users.get(&user) {
            Some(row) => state.broadcasts.page(after.max(row.broadcasts_from), limit),
            None => Vec::new(),
        })
    }

    fn ack_broadcasts(&self, acks: &[BroadcastAck]) -> StoreResult<()> {
        self.run("acknowledge broadcasts", |state| {
            for ack in acks {
                let id = ack.id.min(state.broadcasts.last);
                let Some(session) = state.sessions.get_mut(&ack.session).filter(|row| row.user == ack.user)
                else {
                    continue;
                };
                session.broadcasts = session.broadcasts.max(id);
                if let Some(user) = state.users.get_mut(&ack.user) {
                    user.broadcasts_acked = user.broadcasts_acked.max(id);
                }
            }
        })
    }

    fn expire_broadcasts(&self, before: Timestamp, limit: u32) -> StoreResult<u32> {
        self.run("expire broadcasts", |state| {
            let mut expired = 0;
            state.broadcasts.kept.retain(|_, kept| {
                let goes = kept.at < before && expired < limit;
                expired += u32::from(goes);
                !goes
            });
            expired
        })
    }
}

impl Broadcasts {
    fn page(&self, after: BroadcastId, limit: u32) -> Vec<Broadcast> {
        let from = BroadcastId(after.0.saturating_add(1));
        let shown =
            |(id, kept): (&BroadcastId, &Kept)| Broadcast { id: *id, at: kept.at, text: kept.text.clone() };
        self.kept.range(from..).take(limit as usize).map(shown).collect()
    }
}
