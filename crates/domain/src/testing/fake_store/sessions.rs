//! Sessions of the fake.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{FakeStore, State};
use crate::{
    BroadcastId, FoundSession, HiddenPosition, NewSession, NoticeSeq, Session, SessionId, SessionStore,
    Standing, StoreResult, Timestamp, TokenHash, UserId,
};

/// A stored session.
pub(super) struct Row {
    pub(super) user: UserId,
    token: TokenHash,
    session: Session,
    /// Up to where this device has its user's notices.
    pub(super) notices: NoticeSeq,
    /// The same of the broadcasts.
    pub(super) broadcasts: BroadcastId,
}

impl State {
    /// Ends the user's sessions but one; those that ended.
    pub(super) fn end_others(&mut self, user: UserId, keep: Option<SessionId>) -> Vec<SessionId> {
        let others = self.sessions_of(user).map(|session| session.id).filter(|id| Some(*id) != keep);
        let ended: Vec<SessionId> = others.collect();
        for id in &ended {
            self.end(*id);
        }
        ended
    }

    fn sessions_of(&self, user: UserId) -> impl Iterator<Item = &Session> {
        self.sessions.values().filter(move |row| row.user == user).map(|row| &row.session)
    }

    fn end(&mut self, id: SessionId) {
        if let Some(row) = self.sessions.remove(&id) {
            self.tokens.remove(&row.token);
        }
    }
}

impl SessionStore for FakeStore {
    fn create_session(
        &self,
        session: &NewSession<'_>,
        keep: u32,
    ) -> StoreResult<Option<(SessionId, Vec<SessionId>)>> {
        self.run("create a session", |state| {
            let row = state.users.get(&session.user).filter(|row| !row.is_deleted)?;
            if row.password_hash != session.password_hash {
                return None;
            }
            state.sessions_ever += 1;
            let id = SessionId(state.sessions_ever);
            let stored =
                Session { id, device: session.device.to_owned(), since: session.at, seen: session.at };
            let notices = state.notices_begin(session);
            let broadcasts = state.broadcasts_begin(session);
            let row = Row { user: session.user, token: session.token, session: stored, notices, broadcasts };
            state.sessions.insert(id, row);
            state.tokens.insert(session.token, id);

            let mut others: Vec<(Timestamp, SessionId)> = state
                .sessions_of(session.user)
                .filter(|other| other.id != id)
                .map(|other| (other.seen, other.id))
                .collect();
            others.sort_by_key(|&other| Reverse(other));
            let kept = (keep as usize).saturating_sub(1).min(others.len());
            let mut ended: Vec<SessionId> = others.split_off(kept).into_iter().map(|(_, id)| id).collect();
            ended.sort();
            for &id in &ended {
                state.end(id);
            }
            Some((id, ended))
        })
    }

    fn standing(&self, user: UserId, session: SessionId) -> StoreResult<Standing> {
        self.run("read a standing", |state| Standing {
            friends: state.users.get(&user).map_or(0, |row| row.friends_version),
            groups: state.groups_version(user),
            notices: state.notice_place(user, session),
            broadcasts: state.broadcast_place(user, session),
            waiting: state.waiting_counts(user),
            quiet: state.quiet.get(&user).map_or(0, |kept| kept.version),
            hidden: HiddenPosition(state.hidden.get(&user).map_or(0, |list| list.len() as u64)),
        })
    }

    fn session_by_token(&self, token: TokenHash) -> StoreResult<Option<FoundSession>> {
        self.run("find a session", |state| {
            let row = state.sessions.get(state.tokens.get(&token)?)?;
            Some(FoundSession { session: row.session.clone(), user: state.user(row.user)? })
        })
    }

    fn touch_sessions(&self, seen: &[(SessionId, Timestamp)]) -> StoreResult<()> {
        self.run("touch sessions", |state| {
            for (id, at) in seen {
                if let Some(row) = state.sessions.get_mut(id) {
                    row.session.seen = row.session.seen.max(*at);
                }
            }
        })
    }

    fn sessions(&self, user: UserId) -> StoreResult<Vec<Session>> {
        self.run("list sessions", |state| state.sessions_of(user).cloned().collect())
    }

    fn end_session(&self, user: UserId, session: SessionId) -> StoreResult<bool> {
        self.run("end a session", |state| {
            let is_theirs = state.sessions.get(&session).is_some_and(|row| row.user == user);
            if is_theirs {
                state.end(session);
            }
            is_theirs
        })
    }

    fn living_sessions(&self, sessions: &[SessionId]) -> StoreResult<Vec<SessionId>> {
        self.run("find living sessions", |state| {
            let asked: BTreeSet<SessionId> = sessions.iter().copied().collect();
            asked.into_iter().filter(|id| state.sessions.contains_key(id)).collect()
        })
    }

    fn expire_sessions(&self, before: Timestamp, limit: u32) -> StoreResult<u32> {
        self.run("expire sessions", |state| {
            let expired: Vec<SessionId> = state
                .sessions
                .values()
                .filter(|row| row.session.seen < before)
                .map(|row| row.session.id)
                .take(limit as usize)
                .collect();
            for &id in &expired {
                state.end(id);
            }
            expired.len() as u32
        })
    }
}
