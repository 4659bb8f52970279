//! Which groups this node listens to: those of the users who are connected here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use parking_lot::{Condvar, Mutex};
use service::domain::{Bus, GroupId, Timestamp, Topic, UserId};

use crate::seats::Seats;

/// The groups that are followed, and by whom. Bounded by the users here times the groups that one may be in.
///
/// Several threads may begin and end to follow one group at once, and the bus takes its time: whoever finds that the bus
/// does not listen to what is wanted, or the other way, sees to it alone, without the lock, until both agree; who needs it
/// waits for that.
pub(crate) struct GroupTopics {
    state: Mutex<State>,
    agreed: Condvar,
}

#[derive(Default)]
struct State {
    groups: HashMap<GroupId, Followed>,
    /// The groups of each follower.
    users: HashMap<UserId, Vec<GroupId>>,
    serials: u64,
}

/// A group that somebody here follows, or that the bus still listens to.
struct Followed {
    /// Names the time from the first follower to the last. Never given twice.
    serial: u64,
    /// When the first follower of this time came here: nothing was heard before.
    began: Timestamp,
    /// By rising id. Empty only while the bus is told so.
    members: Vec<UserId>,
    listening: Listening,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listening {
    No,
    Yes,
    /// A thread is telling the bus.
    Changing,
}

/// What a follower is to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    /// The first here.
    Begins,
    /// One of several, or the same again.
    GoesOn,
}

impl GroupTopics {
    pub(crate) fn new() -> GroupTopics {
        GroupTopics { state: Mutex::default(), agreed: Condvar::new() }
    }

    /// A user who is connected here follows these groups, beside those from before; returns when the bus listens to all
    /// of them, as far as it can. Does nothing for a user who is not here. Any thread; waits for the bus.
    pub(crate) fn follow(&self, bus: &dyn Bus, seats: &Seats, user: UserId, groups: &[GroupId]) {
        let mut state = self.state.lock();
        // Under the lock: who goes is forgotten under it, after they went.
        let Some(began) = seats.began(user) else { return };
        for group in groups {
            state.add(user, began, *group);
        }
        self.wait_until_heard(state, bus, groups);
    }

    /// The same for one group; whether it was not heard before, since nobody here followed it, or since the bus was only being
    /// told so. Then `begin` is called first: before anything of the group is heard, if nobody followed it.
    pub(crate) fn follow_anew(
        &self,
        bus: &dyn Bus,
        seats: &Seats,
        user: UserId,
        group: GroupId,
        begin: impl FnOnce(),
    ) -> bool {
        let mut state = self.state.lock();
        let Some(began) = seats.began(user) else { return false };
        let is_unheard = state.add(user, began, group) == Stay::Begins || state.is_wanted_in_vain(group);
        if is_unheard {
            parking_lot::MutexGuard::unlocked(&mut state, begin);
        }
        self.wait_until_heard(state, bus, &[group]);
        is_unheard
    }

    /// The user is no member any more.
    pub(crate) fn unfollow(&self, bus: &dyn Bus, user: UserId, group: GroupId) {
        let mut state = self.state.lock();
        if let Some(groups) = state.users.get_mut(&user) {
            groups.retain(|other| *other != group);
            if groups.is_empty() {
                state.users.remove(&user);
            }
        }
        state.remove(user, group);
        self.agree(&mut state, bus, &[group]);
    }

    /// The user is not connected here any more. Called after they have lost their last seat.
    pub(crate) fn forget(&self, bus: &dyn Bus, user: UserId) {
        let mut state = self.state.lock();
        let groups = state.users.remove(&user).unwrap_or_default();
        for group in &groups {
            state.remove(user, *group);
        }
        self.agree(&mut state, bus, &groups);
    }

    /// Names the present stay of the group's members here; `None` if nobody follows it.
    pub(crate) fn serial(&self, group: GroupId) -> Option<u64> {
        let state = self.state.lock();
        state
            .groups
            .get(&group)
            .filter(|followed| !followed.members.is_empty())
            .map(|followed| followed.serial)
    }

    /// Since when the group may have been heard here, without a break; `None` if nobody follows it.
    pub(crate) fn began(&self, group: GroupId) -> Option<Timestamp> {
        let state = self.state.lock();
        state
            .groups
            .get(&group)
            .filter(|followed| !followed.members.is_empty())
            .map(|followed| followed.began)
    }

    /// Groups that are followed.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().groups.len()
    }

    fn wait_until_heard(
        &self,
        mut state: parking_lot::MutexGuard<'_, State>,
        bus: &dyn Bus,
        groups: &[GroupId],
    ) {
        self.agree(&mut state, bus, groups);
        while groups.iter().any(|group| state.is_wanted_in_vain(*group)) {
            self.agreed.wait(&mut state);
        }
    }

    /// Tells the bus what changed among these groups, until it agrees with what is wanted. Groups that another thread
    /// sees to are left to it: it looks again when it is done.
    fn agree(&self, state: &mut parking_lot::MutexGuard<'_, State>, bus: &dyn Bus, groups: &[GroupId]) {
        loop {
            let mut begin = Vec::new();
            let mut end = Vec::new();
            for group in groups {
                let Some(followed) = state.groups.get_mut(group) else { continue };
                match (followed.listening, followed.members.is_empty()) {
                    (Listening::No, false) => begin.push(Topic::Group(*group)),
                    (Listening::Yes, true) => end.push(Topic::Group(*group)),
                    (Listening::No, true) => {
                        state.groups.remove(group);
                        continue;
                    }
                    (Listening::Yes, false) | (Listening::Changing, _) => continue,
                }
                followed.listening = Listening::Changing;
            }
            if begin.is_empty() && end.is_empty() {
                return;
            }
            parking_lot::MutexGuard::unlocked(state, || {
                if !end.is_empty() {
                    bus.unsubscribe(&end);
                }
                if !begin.is_empty() {
                    bus.subscribe(&begin);
                }
            });
            for (topics, listening) in [(&begin, Listening::Yes), (&end, Listening::No)] {
                for topic in topics {
                    if let Topic::Group(group) = topic
                        && let Some(followed) = state.groups.get_mut(group)
                    {
                        followed.listening = listening;
                    }
                }
            }
            self.agreed.notify_all();
        }
    }
}

impl State {
    fn add(&mut self, user: UserId, began: Timestamp, group: GroupId) -> Stay {
        let followed = match self.groups.entry(group) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                entry.insert(Followed { serial: 0, began, members: Vec::new(), listening: Listening::No })
            }
        };
        let Err(place) = followed.members.binary_search(&user) else { return Stay::GoesOn };
        let stay = if followed.members.is_empty() { Stay::Begins } else { Stay::GoesOn };
        if stay == Stay::Begins {
            self.serials += 1;
            followed.serial = self.serials;
            followed.began = began;
        }
        followed.members.insert(place, user);
        self.users.entry(user).or_default().push(group);
        stay
    }

    fn remove(&mut self, user: UserId, group: GroupId) {
        if let Some(followed) = self.groups.get_mut(&group)
            && let Ok(place) = followed.members.binary_search(&user)
        {
            followed.members.remove(place);
        }
    }

    /// Whether somebody follows the group and the bus does not listen yet.
    fn is_wanted_in_vain(&self, group: GroupId) -> bool {
        self.groups
            .get(&group)
            .is_some_and(|followed| !followed.members.is_empty() && followed.listening != Listening::Yes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use reactor::ConnId;
    use service::Move;
    use service::domain::{BusError, Publication, Reach, SessionId};

    use crate::lane::Lane;

    /// A bus that takes its time, and on which nobody may change one topic twice at once.
    #[derive(Default)]
    struct SlowBus {
        topics: Mutex<HashSet<Topic>>,
        under_way: Mutex<HashSet<Topic>>,
    }

    impl SlowBus {
        fn change(&self, topics: &[Topic], change: impl Fn(&mut HashSet<Topic>, Topic)) {
            for topic in topics {
                assert!(self.under_way.lock().insert(*topic), "{topic:?} is changed by two threads");
            }
            std::thread::yield_now();
            topics.iter().for_each(|topic| change(&mut self.topics.lock(), *topic));
            std::thread::yield_now();
            let mut under_way = self.under_way.lock();
            topics.iter().for_each(|topic| {
                under_way.remove(topic);
            });
        }

        fn listens(&self, group: GroupId) -> bool {
            self.topics.lock().contains(&Topic::Group(group))
        }
    }

    impl Bus for SlowBus {
        fn reach(&self) -> Reach {
            Reach::Cluster
        }
        fn publish(&self, _: Vec<Publication>) -> Result<(), BusError> {
            Ok(())
        }
        fn subscribe(&self, topics: &[Topic]) {
            self.change(topics, |all, topic| {
                all.insert(topic);
            });
        }
        fn unsubscribe(&self, topics: &[Topic]) {
            self.change(topics, |all, topic| {
                all.remove(&topic);
            });
        }
    }

    fn sit(seats: &Seats, user: UserId) {
        let lane = Arc::new(Lane::new(ConnId::from_bits(user.0)));
        seats.sit(user, SessionId(user.0), lane, Move::default);
    }

    #[test]
    fn the_first_member_begins_and_the_last_one_ends() {
        let (topics, bus, seats) = (GroupTopics::new(), SlowBus::default(), Seats::new());
        let (ann, bob, one, two) = (UserId(1), UserId(2), GroupId(1), GroupId(2));
        topics.follow(&bus, &seats, ann, &[one]);
        assert!(!bus.listens(one) && topics.len() == 0, "ann is not here");
        sit(&seats, ann);
        sit(&seats, bob);
        topics.follow(&bus, &seats, ann, &[one, two]);
        topics.follow(&bus, &seats, bob, &[one, one]);
        let stay = topics.serial(one);
        assert!(bus.listens(one) && bus.listens(two) && stay.is_some());
        topics.unfollow(&bus, ann, one);
        topics.unfollow(&bus, ann, one);
        assert_eq!((topics.serial(one), bus.listens(one)), (stay, true));
        topics.forget(&bus, bob);
        assert_eq!((topics.serial(one), bus.listens(one), bus.listens(two)), (None, false, true));
        topics.follow(&bus, &seats, bob, &[one]);
        assert!(topics.serial(one) > stay, "another stay");
        topics.forget(&bus, ann);
        topics.forget(&bus, bob);
        assert!(topics.len() == 0 && bus.topics.lock().is_empty() && topics.state.lock().users.is_empty());
    }

    #[test]
    fn a_group_begins_before_it_is_heard_and_once() {
        let (topics, bus, seats) = (GroupTopics::new(), SlowBus::default(), Seats::new());
        let (ann, bob, group) = (UserId(1), UserId(2), GroupId(1));
        [ann, bob].into_iter().for_each(|user| sit(&seats, user));
        let begun = std::cell::Cell::new(0);
        let follow = |user| {
            topics.follow_anew(&bus, &seats, user, group, || {
                assert!(!bus.listens(group) && topics.serial(group).is_some());
                begun.set(begun.get() + 1);
            })
        };
        assert_eq!((follow(ann), follow(ann), follow(bob), follow(UserId(3))), (true, false, false, false));
        assert!(bus.listens(group) && begun.get() == 1);
        topics.forget(&bus, ann);
        topics.forget(&bus, bob);
        assert!(follow(bob) && begun.get() == 2, "another stay");
    }

    /// For what another thread does at once.
    const DEADLINE: Duration = Duration::from_secs(10);

    /// A bus that listens to nothing until it is let.
    struct ShutBus {
        asked: Sender<()>,
        opened: Mutex<Receiver<()>>,
    }

    impl Bus for ShutBus {
        fn reach(&self) -> Reach {
            Reach::Cluster
        }
        fn publish(&self, _: Vec<Publication>) -> Result<(), BusError> {
            Ok(())
        }
        fn subscribe(&self, _: &[Topic]) {
            self.asked.send(()).unwrap();
            self.opened.lock().recv().unwrap();
        }
        fn unsubscribe(&self, _: &[Topic]) {}
    }

    #[test]
    fn who_joins_while_the_bus_is_being_told_begins_too() {
        let (topics, seats) = (GroupTopics::new(), Seats::new());
        let (ann, bob, group) = (UserId(1), UserId(2), GroupId(1));
        [ann, bob].into_iter().for_each(|user| sit(&seats, user));
        let ((asked, is_asked), (open, opened), (begun, is_begun)) = (channel(), channel(), channel());
        let bus = ShutBus { asked, opened: Mutex::new(opened) };
        let (topics, bus, seats) = (&topics, &bus, &seats);
        std::thread::scope(|scope| {
            scope.spawn(move || topics.follow(bus, seats, ann, &[group]));
            is_asked.recv().unwrap();
            let joins =
                scope.spawn(move || topics.follow_anew(bus, seats, bob, group, || begun.send(()).unwrap()));
            let has_begun = is_begun.recv_timeout(DEADLINE).is_ok();
            open.send(()).unwrap();
            assert!(has_begun, "before it is heard");
            assert!(joins.join().unwrap(), "what was said meanwhile is to be read");
        });
        let again = topics.follow_anew(bus, seats, bob, group, || panic!("it is heard"));
        assert!(!again);
    }

    #[test]
    fn however_threads_race_the_bus_listens_to_what_is_followed() {
        let (topics, bus, seats) = (GroupTopics::new(), SlowBus::default(), Seats::new());
        let groups: Vec<GroupId> = (1..=4).map(GroupId).collect();
        std::thread::scope(|scope| {
            for user in 1..=6 {
                let (topics, bus, seats, groups) = (&topics, &bus, &seats, &groups);
                scope.spawn(move || {
                    let user = UserId(user);
                    for round in 0..200usize {
                        sit(seats, user);
                        topics.follow(bus, seats, user, &groups[round % 3..]);
                        assert!(groups[round % 3..].iter().all(|group| bus.listens(*group)), "heard at once");
                        topics.unfollow(bus, user, groups[3]);
                        seats.rise(user, ConnId::from_bits(user.0));
                        topics.forget(bus, user);
                    }
                    if user.0 <= 2 {
                        sit(seats, user);
                        topics.follow(bus, seats, user, &groups[..2]);
                    }
                });
            }
        });
        let listens: Vec<bool> = groups.iter().map(|group| bus.listens(*group)).collect();
        assert_eq!(listens, [true, true, false, false]);
        assert_eq!(topics.len(), 2);
    }
}
