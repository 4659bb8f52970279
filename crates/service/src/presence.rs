//! Who comes and goes, and who is told.

use domain::{NUMBER_MAX, PresenceChange, PresenceState, UserId};
use parking_lot::{Mutex, MutexGuard};
use protocol::{PresencePush, Push};

use crate::caller::{ConnKey, Principal};
use crate::hub::{Audience, Held};
use crate::service::Service;
use crate::wire;

const STRIPES: usize = 64;

/// Locks by user: what must not happen twice at once for one user, while others pass. Held over the hub and the
/// presence port; `admission` also over one login's queries.
pub(crate) struct Doors {
    /// Coming and going of a user's connections, and telling of it.
    threshold: [Mutex<()>; STRIPES],
    /// Logins of a user where one session excludes another. Taken before `threshold`.
    admission: [Mutex<()>; STRIPES],
}

impl Doors {
    pub(crate) fn new() -> Doors {
        Doors {
            threshold: std::array::from_fn(|_| Mutex::new(())),
            admission: std::array::from_fn(|_| Mutex::new(())),
        }
    }

    /// Keeps other logins of this user waiting.
    pub(crate) fn admission(&self, user: UserId) -> MutexGuard<'_, ()> {
        self.admission[user.0 as usize % STRIPES].lock()
    }

    fn threshold(&self, user: UserId) -> MutexGuard<'_, ()> {
        self.threshold[user.0 as usize % STRIPES].lock()
    }
}

/// The connection speaks for the principal from now on.
pub(crate) fn arrive(service: &Service, conn: ConnKey, principal: &Principal) -> PresenceChange {
    // A connection that goes while its session arrives by another must not take the new one's presence along.
    let _door = service.doors.threshold(principal.user);
    service.ports.hub.attach(conn, principal);
    service.seen.attached(principal.session);
    service.ports.presence.arrive(principal.user, principal.session)
}

/// The connection speaks for the principal no more; friends are told if that was the user's last one.
pub(crate) fn depart(service: &Service, conn: ConnKey, principal: &Principal) -> Held {
    let (held, change) = {
        let _door = service.doors.threshold(principal.user);
        match service.ports.hub.detach(conn, principal) {
            Held::NotByThis => (Held::NotByThis, PresenceChange::Same),
            Held::ByThis => {
                service.seen.detached(principal.session);
                (Held::ByThis, service.ports.presence.depart(principal.user, principal.session))
            }
        }
    };
    if change == PresenceChange::Changed {
        announce(service, principal.user, None);
    }
    held
}

/// Tells friends whether the user is there. `friends` is given where all of them are known already.
pub(crate) fn announce(service: &Service, user: UserId, friends: Option<&[UserId]>) {
    let read;
    let friends = match friends {
        Some(friends) => friends,
        None => match service.ports.store.friend_ids(user) {
            Ok(ids) => {
                read = ids;
                &read
            }
            Err(error) => {
                // Friends go on with what they knew; each asks anew at their next login.
                service.trouble.note(service.ports.clock.now(), &error);
                return;
            }
        },
    };
    if friends.is_empty() {
        return;
    }
    // Every change is followed by an announcement of what is true then, one at a time: the last one that friends hear
    // is the truth, however threads race.
    let _door = service.doors.threshold(user);
    let state = state(service, user);
    let push = Push::Presence(PresencePush { id: user.0, state: wire::state(state) });
    service.ports.hub.push(Audience::Users(friends), &push);
}

/// Whether one user is there.
pub(crate) fn state(service: &Service, user: UserId) -> PresenceState {
    debug_assert!(user.0 <= NUMBER_MAX);
    service.ports.presence.states(&[user]).first().copied().unwrap_or(PresenceState::Unknown)
}

/// Pairs each entry with whether its user is there.
pub(crate) fn with_states<T>(
    service: &Service,
    entries: Vec<T>,
    user: impl Fn(&T) -> UserId,
) -> impl Iterator<Item = (T, PresenceState)> {
    let users: Vec<UserId> = entries.iter().map(user).collect();
    let states = if users.is_empty() { Vec::new() } else { service.ports.presence.states(&users) };
    entries.into_iter().zip(states.into_iter().chain(std::iter::repeat(PresenceState::Unknown)))
}
