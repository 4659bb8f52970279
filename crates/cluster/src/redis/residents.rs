//! The sessions connected to this node: what Redis shall know of it.
//!
//! Each user has a *desk* (one of [`DESKS`]): whoever changes Redis for a user holds the desk's lock meanwhile, so that
//! changes of one user reach Redis in the order in which they were made here, whichever connection they take.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{SessionId, UserId};
use parking_lot::{Mutex, MutexGuard, RwLock};

/// Desks: enough that threads rarely meet.
const DESKS: usize = 256;
/// Users that may wait to be settled. With more of them all users are, under a new lease.
const UNSETTLED_MAX: usize = 65_536;

/// See the module. Bounded by the number of connections.
pub(super) struct Residents {
    desks: Box<[Desk]>,
    unsettled: Mutex<HashSet<UserId>>,
}

#[derive(Default)]
struct Desk {
    order: Mutex<()>,
    users: RwLock<HashMap<UserId, Vec<SessionId>>>,
}

/// There are too many to be settled one by one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooManyUnsettled;

impl Residents {
    pub(super) fn new() -> Residents {
        Residents { desks: (0..DESKS).map(|_| Desk::default()).collect(), unsettled: Mutex::default() }
    }

    fn desk(&self, user: UserId) -> &Desk {
        &self.desks[user.0 as usize % DESKS]
    }

    /// To be held while Redis is changed for this user.
    pub(super) fn in_order(&self, user: UserId) -> MutexGuard<'_, ()> {
        self.desk(user).order.lock()
    }

    /// Whether it was not there before.
    pub(super) fn add(&self, user: UserId, session: SessionId) -> bool {
        let mut users = self.desk(user).users.write();
        let sessions = users.entry(user).or_default();
        let new = !sessions.contains(&session);
        if new {
            sessions.push(session);
        }
        new
    }

    /// Whether it was there.
    pub(super) fn remove(&self, user: UserId, session: SessionId) -> bool {
        let mut users = self.desk(user).users.write();
        let Some(sessions) = users.get_mut(&user) else { return false };
        let before = sessions.len();
        sessions.retain(|other| *other != session);
        let removed = sessions.len() < before;
        if sessions.is_empty() {
            users.remove(&user);
        }
        removed
    }

    pub(super) fn is_here(&self, user: UserId) -> bool {
        self.desk(user).users.read().contains_key(&user)
    }

    pub(super) fn sessions(&self, user: UserId) -> Vec<SessionId> {
        self.desk(user).users.read().get(&user).cloned().unwrap_or_default()
    }

    /// What Redis has of this user may be wrong.
    pub(super) fn unsettle(&self, users: impl IntoIterator<Item = UserId>) -> Result<(), TooManyUnsettled> {
        let mut unsettled = self.unsettled.lock();
        unsettled.extend(users);
        if unsettled.len() > UNSETTLED_MAX {
            unsettled.clear();
            return Err(TooManyUnsettled);
        }
        Ok(())
    }

    /// Takes the users that are to be settled, by desk.
    pub(super) fn take_unsettled(&self) -> BTreeMap<usize, Vec<UserId>> {
        let mut desks: BTreeMap<usize, Vec<UserId>> = BTreeMap::new();
        for user in self.unsettled.lock().drain() {
            desks.entry(user.0 as usize % DESKS).or_default().push(user);
        }
        desks
    }

    pub(super) fn unsettled(&self) -> usize {
        self.unsettled.lock().len()
    }

    /// A new lease has begun: what was wrong under the old one ends with it.
    pub(super) fn forget_unsettled(&self) {
        self.unsettled.lock().clear();
    }

    pub(super) fn desks(&self) -> std::ops::Range<usize> {
        0..DESKS
    }

    /// To be held while Redis is changed for users of this desk.
    pub(super) fn desk_in_order(&self, desk: usize) -> MutexGuard<'_, ()> {
        self.desks[desk].order.lock()
    }

    /// The users at a desk.
    pub(super) fn at_desk(&self, desk: usize) -> Vec<UserId> {
        self.desks[desk].users.read().keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_come_and_go() {
        let residents = Residents::new();
        let (user, first, second) = (UserId(1), SessionId(1), SessionId(2));
        assert!(residents.add(user, first) && !residents.add(user, first) && residents.add(user, second));
        assert_eq!(residents.sessions(user), [first, second]);
        assert!(residents.remove(user, first) && !residents.remove(user, first));
        assert!(residents.is_here(user) && !residents.is_here(UserId(257)));
        assert!(residents.remove(user, second));
        assert!(!residents.is_here(user));
        assert!(residents.at_desk(1).is_empty());
    }

    #[test]
    fn what_is_to_be_settled_is_bounded() {
        let residents = Residents::new();
        residents.unsettle([UserId(1), UserId(257), UserId(2)]).unwrap();
        let desks = residents.take_unsettled();
        assert_eq!((desks[&1].len(), desks[&2].len()), (2, 1));
        assert_eq!(residents.unsettled(), 0);
        assert_eq!(residents.unsettle((0..=UNSETTLED_MAX as u64).map(UserId)), Err(TooManyUnsettled));
        assert_eq!(residents.unsettled(), 0);
    }
}
