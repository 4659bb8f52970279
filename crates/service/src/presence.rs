//! Who comes and goes, and who is told.

use domain::{Arrival, Company, NUMBER_MAX, PresenceChange, PresenceState, Reach, Timestamp, UserId};
use parking_lot::{Mutex, MutexGuard};
use protocol::{PresencePush, Push};

use crate::caller::{ConnKey, Principal};
use crate::hub::{Audience, Held};
use crate::moves::Move;
use crate::notice::Notice;
use crate::service::Service;
use crate::wire;

const STRIPES: usize = 64;

/// Users whose states are asked for at once.
const STATES_AT_ONCE: usize = 500;

/// Locks by user: what must not happen twice at once for one user, while others pass. Held over the hub and the
/// presence port.
pub(crate) struct Doors {
    /// Coming and going of a user's connections, and telling of it.
    threshold: [Mutex<()>; STRIPES],
}

impl Doors {
    pub(crate) fn new() -> Doors {
        Doors { threshold: std::array::from_fn(|_| Mutex::new(())) }
    }

    pub(crate) fn threshold(&self, user: UserId) -> MutexGuard<'_, ()> {
        self.threshold[user.0 as usize % STRIPES].lock()
    }
}

/// The connection speaks for the principal from now on, unless it wants no company and has some, or may have. Also since
/// when, if it is there still.
pub(crate) fn arrive(
    service: &Service,
    conn: ConnKey,
    principal: &Principal,
    company: Company,
) -> (Arrival, Option<Move>) {
    // A connection that goes while its session arrives by another must not take the new one's presence along.
    let _door = service.doors.threshold(principal.user);
    let arrival = service.ports.presence.arrive(principal.user, principal.session, company);
    let mut moved = None;
    if let Arrival::Here(_) = arrival {
        let now = service.ports.clock.now();
        service.ports.hub.attach(conn, principal, &mut || *moved.insert(service.moves.next(now)));
        service.seen.attached(principal.session);
        service.last_seen.attached(principal.session, principal.user);
    }
    (arrival, moved)
}

/// The connection speaks for the principal no more; friends are told if that was the user's last one.
pub(crate) fn depart(service: &Service, conn: ConnKey, principal: &Principal) -> Held {
    let (held, change) = {
        let _door = service.doors.threshold(principal.user);
        match service.ports.hub.detach(conn, principal) {
            Held::NotByThis => (Held::NotByThis, PresenceChange::Same),
            Held::ByThis => {
                service.seen.detached(principal.session);
                service.last_seen.detached(principal.session);
                (Held::ByThis, service.ports.presence.depart(principal.user, principal.session))
            }
        }
    };
    if change == PresenceChange::Changed {
        let now = service.ports.clock.now();
        // Before anybody is told.
        service.last_seen.note(&*service.ports.store, principal.user, now);
        announce(service, principal.user, None);
    }
    held
}

/// Tells friends on all nodes whether the user is there. `friends` is given where all of them are known already.
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
                service.trouble.note(service.ports.clock.now(), &error);
                return service.told.announce_later(user);
            }
        },
    };
    if friends.is_empty() {
        return;
    }
    tell_here(service, user, friends);
    if service.ports.hub.reach() != Reach::Alone {
        service.ports.hub.tell_nodes(Notice::PresenceChanged { user, friends: friends.to_vec() });
    }
}

/// Another node told that a user may have come or gone.
pub(crate) fn changed_elsewhere(service: &Service, user: UserId, friends: &[UserId]) {
    let mut friends = service.ports.hub.here(friends);
    // Of whom nobody here was told anything yet, it is not known that they are anybody's friend.
    if !friends.is_empty() && !service.told.knows(user) {
        match service.ports.store.friend_ids(user) {
            Ok(ids) => friends.retain(|friend| ids.binary_search(friend).is_ok()),
            Err(error) => {
                service.trouble.note(service.ports.clock.now(), &error);
                return service.told.correct_later(user);
            }
        }
    }
    if !friends.is_empty() {
        tell_here(service, user, &friends);
    }
}

/// Tells friends who are connected here.
fn tell_here(service: &Service, user: UserId, friends: &[UserId]) {
    // Every change is followed by an announcement of what is true then, one at a time: the last one that friends hear
    // is the truth, however threads and nodes race.
    let _door = service.doors.threshold(user);
    let state = state(service, user);
    let last_seen = match state {
        PresenceState::Offline => last_seen(service, user),
        PresenceState::Online | PresenceState::Unknown => None,
    };
    if service.ports.hub.reach() != Reach::Alone {
        service.told.all(user, state);
    }
    let push = Push::Presence(PresencePush {
        id: user.0,
        state: wire::state(state),
        last_seen: last_seen.map_or(0, |at| at.0),
    });
    service.ports.hub.push(Audience::Here(friends), &push);
}

/// When somebody was last there who is not now: as this node noted it, or now, if friends here were told a moment ago that
/// they are there. Who was away before may have been so for long: whoever wants to know reads the list.
fn last_seen(service: &Service, user: UserId) -> Option<Timestamp> {
    let was_there = || service.told.last(user) == Some(PresenceState::Online);
    service.last_seen.waiting(user).or_else(|| was_there().then(|| service.ports.clock.now()))
}

/// Notes what one friend is told in a list.
pub(crate) fn told(service: &Service, user: UserId, state: PresenceState) {
    if service.ports.hub.reach() != Reach::Alone {
        service.told.one(user, state);
    }
}

/// Announces those who came or went while the store could not say who their friends are.
pub(crate) fn announce_again(service: &Service) {
    let mut users = service.told.take_unannounced().into_iter();
    while let Some(user) = users.next() {
        match service.ports.store.friend_ids(user) {
            Ok(friends) => announce(service, user, Some(&friends)),
            Err(_) => {
                // Each could take as long to fail, and the tick has other things to do.
                service.told.announce_later(user);
                return users.for_each(|user| service.told.announce_later(user));
            }
        }
    }
}

/// Tells friends here of changes that were found out when somebody asked, and what was unknown as soon as it is known.
pub(crate) fn correct(service: &Service) {
    let users = service.told.take_corrections();
    for some in users.chunks(STATES_AT_ONCE) {
        let states = service.ports.presence.states(some);
        for (user, state) in some.iter().zip(states) {
            match service.told.last(*user) {
                Some(PresenceState::Unknown) if state == PresenceState::Unknown => {
                    service.told.correct_later(*user);
                }
                _ => tell_friends_here(service, *user),
            }
        }
    }
}

fn tell_friends_here(service: &Service, user: UserId) {
    match service.ports.store.friend_ids(user) {
        Ok(friends) => changed_elsewhere(service, user, &friends),
        Err(error) => {
            service.trouble.note(service.ports.clock.now(), &error);
            service.told.correct_later(user);
        }
    }
}

impl Service {
    /// These users may have come or gone without anybody having told their friends: tells them, on all nodes. Blocks.
    pub fn presence_changed(&self, users: &[UserId]) {
        for user in users {
            announce(self, *user, None);
        }
    }

    /// Whatever was told here of anybody's presence may not hold: asks again, and tells friends here what differs.
    /// Blocks.
    pub fn review_presence(&self) {
        let told = self.told.everybody();
        for some in told.chunks(STATES_AT_ONCE) {
            let users: Vec<UserId> = some.iter().map(|(user, _)| *user).collect();
            let states = self.ports.presence.states(&users);
            for ((user, told), state) in some.iter().zip(states) {
                if *told != state {
                    tell_friends_here(self, *user);
                }
            }
        }
    }
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
