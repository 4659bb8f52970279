//! A group's members: who of them reads which part of its log, and who may speak.

use std::sync::Arc;

use domain::{GroupRoster, GroupState, Membership, Role, RosterVersion, Seq, Timestamp, UserId};

use crate::roster_step::RosterStep;

/// What a roster without members weighs: so many members would fill the room of its allocations and its place in a
/// cache.
const EMPTY_WEIGHT: u64 = 12;

/// The members of a group. Each reads what comes after their `since`. 16 bytes a member, and more for the few who lead or are
/// muted.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    version: RosterVersion,
    /// By rising id.
    members: Arc<[UserId]>,
    /// Of the member at the same place.
    since: Arc<[Seq]>,
    /// The largest of `since`: what comes after it is for everybody.
    newest_since: Seq,
    /// Owner and admins, by rising id.
    leaders: Vec<(UserId, Role)>,
    /// Who was muted, by rising id, and until when.
    muted: Vec<(UserId, Timestamp)>,
    /// All but owner and admins are silent until then.
    muted_until: Timestamp,
    state: GroupState,
}

/// Why a member may not speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silent {
    /// Not a member.
    Outsider,
    /// Muted, or everybody is.
    Muted,
    /// The group was dissolved.
    Dissolved,
}

/// Who reads one stretch of the log: from one joining to the next.
#[derive(Debug)]
pub(crate) struct Readership {
    readers: Arc<[UserId]>,
    /// The stretch begins after this seq …
    after: Seq,
    /// … and ends with this one; `None` while nobody joined later.
    last: Option<Seq>,
}

impl Roster {
    /// A roster as the store read it.
    pub(crate) fn new(stored: &GroupRoster) -> Roster {
        let entries = &stored.members;
        debug_assert!(entries.is_sorted_by_key(|entry| entry.user), "a port's promise");
        let since: Arc<[Seq]> = entries.iter().map(|entry| entry.place.since).collect();
        let leads = |place: &Membership| place.role != Role::Member;
        let leaders = entries.iter().filter(|entry| leads(&entry.place));
        let muted = entries.iter().filter(|entry| entry.place.muted_until > Timestamp(0));
        Roster {
            version: stored.version,
            members: entries.iter().map(|entry| entry.user).collect(),
            newest_since: since.iter().copied().max().unwrap_or_default(),
            since,
            leaders: leaders.map(|entry| (entry.user, entry.place.role)).collect(),
            muted: muted.map(|entry| (entry.user, entry.place.muted_until)).collect(),
            muted_until: stored.muted_until,
            state: stored.state,
        }
    }

    /// The roster after a change that leads to this version: entries are moved in memory, and nothing is read.
    pub(crate) fn changed(&self, steps: &[RosterStep], version: RosterVersion) -> Roster {
        let mut now = Roster {
            version,
            members: Arc::clone(&self.members),
            since: Arc::clone(&self.since),
            newest_since: self.newest_since,
            leaders: self.leaders.clone(),
            muted: self.muted.clone(),
            muted_until: self.muted_until,
            state: self.state,
        };
        for step in steps {
            match step {
                RosterStep::Add(user, place) => {
                    now.delete(*user);
                    let at = now.members.partition_point(|member| member < user);
                    now.members = inserted(&now.members, at, *user);
                    now.since = inserted(&now.since, at, place.since);
                    now.newest_since = now.newest_since.max(place.since);
                    now.place_at(*user, place);
                }
                RosterStep::Delete(user) => now.delete(*user),
                RosterStep::Place(user, place) => now.place_at(*user, place),
                RosterStep::MuteAll(until) => now.muted_until = *until,
                RosterStep::Close => now.state = GroupState::Dissolved,
            }
        }
        now
    }

    fn delete(&mut self, user: UserId) {
        let Ok(at) = self.members.binary_search(&user) else { return };
        self.members = removed(&self.members, at);
        self.since = removed(&self.since, at);
        self.newest_since = self.since.iter().copied().max().unwrap_or_default();
        self.leaders.retain(|(leader, _)| *leader != user);
        self.muted.retain(|(muted, _)| *muted != user);
    }

    /// Notes role and muting of a member.
    fn place_at(&mut self, user: UserId, place: &Membership) {
        let leads = (place.role != Role::Member).then_some(place.role);
        set(&mut self.leaders, user, leads);
        set(&mut self.muted, user, (place.muted_until > Timestamp(0)).then_some(place.muted_until));
    }

    /// How many changes led to it.
    pub(crate) fn version(&self) -> RosterVersion {
        self.version
    }

    /// All members, by rising id.
    pub(crate) fn members(&self) -> &[UserId] {
        &self.members
    }

    /// All members, by rising id, each with the last seq that they may not read.
    pub(crate) fn since(&self) -> impl Iterator<Item = (UserId, Seq)> {
        self.members.iter().copied().zip(self.since.iter().copied())
    }

    /// A member's role; `None` if there is no such member.
    pub(crate) fn role(&self, user: UserId) -> Option<Role> {
        self.members.binary_search(&user).ok()?;
        Some(found(&self.leaders, user).unwrap_or(Role::Member))
    }

    /// Owner and admins, by rising id.
    pub(crate) fn leaders(&self) -> impl Iterator<Item = UserId> {
        self.leaders.iter().map(|(user, _)| *user)
    }

    /// Whether anything is said there any more.
    pub(crate) fn state(&self) -> GroupState {
        self.state
    }

    /// Whether somebody may say something now.
    pub(crate) fn may_speak(&self, user: UserId, now: Timestamp) -> Result<(), Silent> {
        let role = self.role(user).ok_or(Silent::Outsider)?;
        if self.state == GroupState::Dissolved {
            return Err(Silent::Dissolved);
        }
        let until = self.muted_until.max(found(&self.muted, user).unwrap_or_default());
        match role {
            Role::Member if until > now => Err(Silent::Muted),
            Role::Member | Role::Admin | Role::Owner => Ok(()),
        }
    }

    /// Its share of a cache.
    pub(crate) fn weight(&self) -> u64 {
        // Few lead or are muted.
        Roster::weight_of(self.members.len() as u64)
    }

    /// The weight of a roster with so many members.
    pub(crate) fn weight_of(members: u64) -> u64 {
        EMPTY_WEIGHT + members
    }

    /// Who reads the message at this place. Where that is everybody, which is all but always, it is the same list each
    /// time, so that others may know it again by its address.
    pub(crate) fn readership(&self, seq: Seq) -> Readership {
        if seq > self.newest_since {
            return Readership { readers: Arc::clone(&self.members), after: self.newest_since, last: None };
        }
        let before = |since: &&Seq| **since < seq;
        let readers = self.members.iter().zip(self.since.iter()).filter(|(_, since)| before(since));
        Readership {
            readers: readers.map(|(member, _)| *member).collect(),
            after: self.since.iter().filter(before).copied().max().unwrap_or_default(),
            last: self.since.iter().filter(|since| !before(since)).copied().min(),
        }
    }
}

fn inserted<T: Copy>(list: &[T], at: usize, new: T) -> Arc<[T]> {
    list[..at].iter().copied().chain([new]).chain(list[at..].iter().copied()).collect()
}

fn removed<T: Copy>(list: &[T], at: usize) -> Arc<[T]> {
    list[..at].iter().chain(&list[at + 1..]).copied().collect()
}

fn found<T: Copy>(list: &[(UserId, T)], user: UserId) -> Option<T> {
    let at = list.binary_search_by_key(&user, |(user, _)| *user).ok()?;
    Some(list[at].1)
}

fn set<T>(list: &mut Vec<(UserId, T)>, user: UserId, value: Option<T>) {
    let at = list.binary_search_by_key(&user, |(user, _)| *user);
    match (at, value) {
        (Ok(at), Some(value)) => list[at].1 = value,
        (Ok(at), None) => drop(list.remove(at)),
        (Err(at), Some(value)) => list.insert(at, (user, value)),
        (Err(_), None) => {}
    }
}

impl Readership {
    /// The readers, by rising id.
    pub(crate) fn readers(&self) -> &Arc<[UserId]> {
        &self.readers
    }

    /// All of them read what comes after this seq.
    pub(crate) fn since(&self) -> Seq {
        self.after
    }

    /// Whether the message at this place has the same readers.
    pub(crate) fn covers(&self, seq: Seq) -> bool {
        seq > self.after && self.last.is_none_or(|last| seq <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::RosterEntry;

    fn roster(entries: &[(u64, u64)]) -> Roster {
        let entry = |&(user, since)| RosterEntry {
            user: UserId(user),
            place: Membership { role: Role::Member, since: Seq(since), muted_until: Timestamp(0) },
        };
        let members = entries.iter().map(entry).collect();
        Roster::new(&GroupRoster { version: RosterVersion(1), members, ..GroupRoster::default() })
    }

    fn readers(roster: &Roster, seq: u64) -> Vec<u64> {
        roster.readership(Seq(seq)).readers().iter().map(|user| user.0).collect()
    }

    #[test]
    fn everybody_reads_what_comes_after_the_last_joining_from_one_list() {
        let roster = roster(&[(1, 0), (2, 7), (3, 2)]);
        assert_eq!(readers(&roster, 8), [1, 2, 3]);
        let (near, far) = (roster.readership(Seq(8)), roster.readership(Seq(1_000_000)));
        assert!(Arc::ptr_eq(near.readers(), far.readers()));
        assert!(roster.role(UserId(3)).is_some() && roster.role(UserId(4)).is_none());
    }

    #[test]
    fn nobody_reads_what_is_not_after_their_since() {
        let roster = roster(&[(1, 0), (2, 7), (3, 2)]);
        assert_eq!(readers(&roster, 7), [1, 3]);
        assert_eq!(readers(&roster, 3), [1, 3]);
        assert_eq!(readers(&roster, 2), [1]);
        assert_eq!(readers(&roster, 1), [1]);
        assert_eq!(readers(&self::roster(&[(1, 4), (2, 4)]), 4), [0; 0]);
        assert_eq!(readers(&Roster::default(), 1), [0; 0]);
    }

    #[test]
    fn a_readership_covers_the_places_with_the_same_readers_and_no_other() {
        for entries in [&[(1, 0), (2, 7), (3, 2), (4, 7)][..], &[(1, 3), (2, 5)], &[(1, 0)], &[]] {
            let roster = roster(entries);
            for seq in 1..=10 {
                let readership = roster.readership(Seq(seq));
                for other in 1..=10 {
                    let same = readers(&roster, other) == readers(&roster, seq);
                    assert_eq!(readership.covers(Seq(other)), same, "{entries:?}: {seq} and {other}");
                }
            }
        }
    }

    /// The same as [`Roster::changed`], by reading anew.
    fn read_anew(stored: &mut GroupRoster, steps: &[RosterStep]) -> Roster {
        stored.version.0 += 1;
        for step in steps {
            match step {
                RosterStep::Add(user, place) | RosterStep::Place(user, place) => {
                    stored.members.retain(|entry| entry.user != *user);
                    stored.members.push(RosterEntry { user: *user, place: *place });
                    stored.members.sort_by_key(|entry| entry.user);
                }
                RosterStep::Delete(user) => stored.members.retain(|entry| entry.user != *user),
                RosterStep::MuteAll(until) => stored.muted_until = *until,
                RosterStep::Close => stored.state = GroupState::Dissolved,
            }
        }
        Roster::new(stored)
    }

    #[test]
    fn a_changed_roster_is_the_one_that_would_be_read() {
        let mut stored = GroupRoster { version: RosterVersion(1), ..GroupRoster::default() };
        let mut roster = Roster::new(&stored);
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        for step in 0..2_000 {
            let user = UserId(next(12));
            let role = [Role::Member, Role::Member, Role::Admin, Role::Owner][next(4) as usize];
            let place = Membership { role, since: Seq(next(9)), muted_until: Timestamp(next(3)) };
            let is_member = stored.members.iter().any(|entry| entry.user == user);
            let taken = match next(6) {
                0 | 1 if !is_member => RosterStep::Add(user, place),
                0 | 1 => RosterStep::Delete(user),
                2 | 3 if is_member => {
                    let before = stored.members.iter().find(|entry| entry.user == user);
                    let since = before.map_or(Seq(0), |entry| entry.place.since);
                    RosterStep::Place(user, Membership { since, ..place })
                }
                4 => RosterStep::MuteAll(Timestamp(next(3))),
                _ => continue,
            };
            let steps = [taken];
            let read = read_anew(&mut stored, &steps);
            roster = roster.changed(&steps, stored.version);
            assert_eq!(format!("{roster:?}"), format!("{read:?}"), "step {step}: {steps:?}");
        }
    }

    #[test]
    fn admins_speak_whoever_is_muted() {
        let place = |role, muted| Membership { role, since: Seq(0), muted_until: Timestamp(muted) };
        let entry = |user, role, muted| RosterEntry { user: UserId(user), place: place(role, muted) };
        let members = vec![
            entry(1, Role::Owner, 0),
            entry(2, Role::Admin, 0),
            entry(3, Role::Member, 10),
            entry(4, Role::Member, 0),
        ];
        let stored = GroupRoster { version: RosterVersion(1), members, ..GroupRoster::default() };
        let may =
            |stored: &GroupRoster, user, now| Roster::new(stored).may_speak(UserId(user), Timestamp(now));
        assert_eq!(may(&stored, 3, 9), Err(Silent::Muted));
        assert_eq!(may(&stored, 3, 10), Ok(()), "the end is the end");
        assert_eq!(may(&stored, 4, 9), Ok(()));
        assert_eq!(may(&stored, 5, 9), Err(Silent::Outsider));
        let all = GroupRoster { muted_until: Timestamp(20), ..stored };
        assert_eq!(
            (1..=4).map(|user| may(&all, user, 19)).collect::<Vec<_>>(),
            [Ok(()), Ok(()), Err(Silent::Muted), Err(Silent::Muted)]
        );
        let closed = GroupRoster { state: GroupState::Dissolved, ..all };
        assert!((1..=4).all(|user| may(&closed, user, 30) == Err(Silent::Dissolved)));
    }
}
