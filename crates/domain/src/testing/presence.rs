//! Who is connected, in one process.

use std::collections::{BTreeSet, HashMap};

use parking_lot::Mutex;

use crate::{Arrival, Company, Presence, PresenceChange, PresenceState, SessionId, UserId};

/// Who is connected, in one process. A test can make it forget that it knows ([`FakePresence::blind`]).
#[derive(Debug, Default)]
pub struct FakePresence {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<UserId, BTreeSet<SessionId>>,
    blind: bool,
}

impl FakePresence {
    /// Nobody is connected.
    pub fn new() -> FakePresence {
        FakePresence::default()
    }

    /// From here on every state is [`PresenceState::Unknown`].
    pub fn blind(&self) {
        self.state.lock().blind = true;
    }

    /// It knows again.
    pub fn see_again(&self) {
        self.state.lock().blind = false;
    }
}

impl Presence for FakePresence {
    fn arrive(&self, user: UserId, session: SessionId, company: Company) -> Arrival {
        let mut state = self.state.lock();
        if state.blind && company == Company::None {
            return Arrival::Unknown;
        }
        let sessions = state.sessions.entry(user).or_default();
        if company == Company::None && sessions.iter().any(|other| *other != session) {
            return Arrival::Refused;
        }
        let was_offline = sessions.is_empty();
        sessions.insert(session);
        Arrival::Here(if was_offline { PresenceChange::Changed } else { PresenceChange::Same })
    }

    fn depart(&self, user: UserId, session: SessionId) -> PresenceChange {
        let mut state = self.state.lock();
        let Some(sessions) = state.sessions.get_mut(&user) else { return PresenceChange::Same };
        let was_there = sessions.remove(&session);
        if !sessions.is_empty() {
            return PresenceChange::Same;
        }
        state.sessions.remove(&user);
        if was_there { PresenceChange::Changed } else { PresenceChange::Same }
    }

    fn states(&self, users: &[UserId]) -> Vec<PresenceState> {
        let state = self.state.lock();
        let state_of = |user| match state.sessions.contains_key(user) {
            _ if state.blind => PresenceState::Unknown,
            true => PresenceState::Online,
            false => PresenceState::Offline,
        };
        users.iter().map(state_of).collect()
    }

    fn sessions(&self, user: UserId) -> Option<Vec<SessionId>> {
        let state = self.state.lock();
        (!state.blind).then(|| state.sessions.get(&user).into_iter().flatten().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    #[test]
    fn the_last_session_decides() {
        let presence = FakePresence::new();
        let changed = Arrival::Here(PresenceChange::Changed);
        assert_eq!(presence.arrive(ANN, SessionId(1), Company::Any), changed);
        assert_eq!(presence.arrive(ANN, SessionId(2), Company::None), Arrival::Refused);
        assert_eq!(presence.arrive(ANN, SessionId(1), Company::None), Arrival::Here(PresenceChange::Same));
        assert_eq!(presence.arrive(ANN, SessionId(2), Company::Any), Arrival::Here(PresenceChange::Same));
        assert_eq!(presence.depart(ANN, SessionId(1)), PresenceChange::Same);
        assert_eq!(presence.states(&[BOB, ANN]), [PresenceState::Offline, PresenceState::Online]);
        assert_eq!(presence.sessions(ANN), Some(vec![SessionId(2)]));
        assert_eq!(presence.depart(ANN, SessionId(2)), PresenceChange::Changed);
        assert_eq!(presence.depart(ANN, SessionId(2)), PresenceChange::Same);
        presence.blind();
        assert_eq!(presence.states(&[ANN]), [PresenceState::Unknown]);
    }
}
