//! A group's members, and who of them reads which part of its log.

use std::sync::Arc;

use domain::{GroupRoster, RosterVersion, Seq, UserId};

/// What a roster without members weighs: so many members would fill the room of its allocations and its place in a
/// cache.
const EMPTY_WEIGHT: u64 = 12;

/// The members of a group. Each reads what comes after their `since`. 16 bytes a member.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    version: RosterVersion,
    /// By rising id.
    members: Arc<[UserId]>,
    /// Of the member at the same place.
    since: Box<[Seq]>,
    /// The largest of `since`: what comes after it is for everybody.
    newest_since: Seq,
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
        let since: Box<[Seq]> = entries.iter().map(|entry| entry.since).collect();
        let newest_since = since.iter().copied().max().unwrap_or_default();
        Roster {
            version: stored.version,
            members: entries.iter().map(|entry| entry.user).collect(),
            since,
            newest_since,
        }
    }

    /// How many changes led to it.
    pub(crate) fn version(&self) -> RosterVersion {
        self.version
    }

    /// All members, by rising id.
    pub(crate) fn members(&self) -> &[UserId] {
        &self.members
    }

    pub(crate) fn contains(&self, user: UserId) -> bool {
        self.members.binary_search(&user).is_ok()
    }

    /// Its share of a cache.
    pub(crate) fn weight(&self) -> u64 {
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
        let readers = self.members.iter().zip(&self.since).filter(|(_, since)| before(since));
        Readership {
            readers: readers.map(|(member, _)| *member).collect(),
            after: self.since.iter().filter(before).copied().max().unwrap_or_default(),
            last: self.since.iter().filter(|since| !before(since)).copied().min(),
        }
    }
}

impl Readership {
    /// The readers, by rising id.
    pub(crate) fn readers(&self) -> &Arc<[UserId]> {
        &self.readers
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
        let entry = |&(user, since)| RosterEntry { user: UserId(user), since: Seq(since) };
        let members = entries.iter().map(entry).collect();
        Roster::new(&GroupRoster { version: RosterVersion(1), members })
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
        assert!(roster.contains(UserId(3)) && !roster.contains(UserId(4)));
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
}
