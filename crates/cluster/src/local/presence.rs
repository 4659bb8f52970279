//! Who is connected, when all nodes are in one process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::{Arrival, Company, Presence, PresenceChange, PresenceState, SessionId, UserId};
use parking_lot::RwLock;

/// Shards of the map, so that threads rarely wait for each other.
const SHARDS: usize = 64;

/// Presence in memory: bounded by the number of connections, since only a connected session is in it. What it says is
/// the truth as long as the process lives, and when it dies nobody is connected to it.
pub struct LocalPresence {
    shards: Box<[Shard]>,
}

type Shard = RwLock<HashMap<UserId, Sessions>>;

/// A user's connected sessions: nearly always one.
enum Sessions {
    One(SessionId),
    Many(Vec<SessionId>),
}

impl LocalPresence {
    /// Nobody is connected.
    pub fn new() -> LocalPresence {
        LocalPresence { shards: (0..SHARDS).map(|_| RwLock::default()).collect() }
    }

    fn shard(&self, user: UserId) -> &Shard {
        &self.shards[user.0 as usize % SHARDS]
    }
}

impl Default for LocalPresence {
    fn default() -> LocalPresence {
        LocalPresence::new()
    }
}

impl Presence for LocalPresence {
    fn arrive(&self, user: UserId, session: SessionId, company: Company) -> Arrival {
        match self.shard(user).write().entry(user) {
            Entry::Vacant(entry) => {
                entry.insert(Sessions::One(session));
                Arrival::Here(PresenceChange::Changed)
            }
            Entry::Occupied(entry) if company == Company::None && !entry.get().is_only(session) => {
                Arrival::Refused
            }
            Entry::Occupied(mut entry) => {
                entry.get_mut().add(session);
                Arrival::Here(PresenceChange::Same)
            }
        }
    }

    fn depart(&self, user: UserId, session: SessionId) -> PresenceChange {
        let mut shard = self.shard(user).write();
        let Entry::Occupied(mut entry) = shard.entry(user) else { return PresenceChange::Same };
        if entry.get_mut().remove(session) {
            entry.remove();
            return PresenceChange::Changed;
        }
        PresenceChange::Same
    }

    fn states(&self, users: &[UserId]) -> Vec<PresenceState> {
        let state = |user: &UserId| match self.shard(*user).read().contains_key(user) {
            true => PresenceState::Online,
            false => PresenceState::Offline,
        };
        users.iter().map(state).collect()
    }

    fn sessions(&self, user: UserId) -> Option<Vec<SessionId>> {
        Some(match self.shard(user).read().get(&user) {
            None => Vec::new(),
            Some(Sessions::One(session)) => vec![*session],
            Some(Sessions::Many(sessions)) => sessions.clone(),
        })
    }
}

impl Sessions {
    fn is_only(&self, session: SessionId) -> bool {
        match self {
            Sessions::One(one) => *one == session,
            Sessions::Many(many) => many.iter().all(|other| *other == session),
        }
    }

    fn add(&mut self, session: SessionId) {
        match self {
            Sessions::One(one) if *one == session => {}
            Sessions::One(one) => *self = Sessions::Many(vec![*one, session]),
            Sessions::Many(many) if many.contains(&session) => {}
            Sessions::Many(many) => many.push(session),
        }
    }

    /// Removes a session; whether none is left.
    fn remove(&mut self, session: SessionId) -> bool {
        match self {
            Sessions::One(one) => *one == session,
            Sessions::Many(many) => {
                many.retain(|other| *other != session);
                many.is_empty()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::PresenceState::{Offline, Online};

    #[test]
    fn the_first_session_brings_a_user_online_and_the_last_takes_them_off() {
        let presence = LocalPresence::new();
        let (user, other) = (UserId(1), UserId(65));
        let (changed, same) = (Arrival::Here(PresenceChange::Changed), Arrival::Here(PresenceChange::Same));
        assert_eq!(presence.arrive(user, SessionId(1), Company::Any), changed);
        assert_eq!(presence.arrive(user, SessionId(1), Company::None), same);
        assert_eq!(presence.arrive(user, SessionId(2), Company::None), Arrival::Refused);
        assert_eq!(presence.arrive(user, SessionId(2), Company::Any), same);
        assert_eq!(presence.states(&[other, user]), [Offline, Online]);
        assert_eq!(presence.sessions(user), Some(vec![SessionId(1), SessionId(2)]));
        assert_eq!(presence.depart(user, SessionId(1)), PresenceChange::Same);
        assert_eq!(presence.depart(user, SessionId(3)), PresenceChange::Same);
        assert_eq!(presence.depart(user, SessionId(2)), PresenceChange::Changed);
        assert_eq!(presence.depart(user, SessionId(2)), PresenceChange::Same);
        assert_eq!(presence.states(&[user]), [Offline]);
        assert_eq!(presence.sessions(user), Some(Vec::new()));
    }

    #[test]
    fn a_stranger_cannot_take_a_single_session_off() {
        let presence = LocalPresence::new();
        presence.arrive(UserId(1), SessionId(1), Company::Any);
        assert_eq!(presence.depart(UserId(1), SessionId(9)), PresenceChange::Same);
        assert_eq!(presence.states(&[UserId(1)]), [Online]);
    }
}
