//! Rosters' versions: what counts, and what a version says about who reads.

use super::cast::{
    Joined, Left, MANY_MEMBERS, append, befriend, group, join, join_group, leave_group, message, say, user,
    users,
};
use super::races::{ROUNDS, at_once};
use crate::{
    Cursor, GroupId, GroupLimits, GroupRoster, GroupState, Progress, RosterVersion, Seq, Store, UserId,
};

fn version(store: &dyn Store, group: GroupId) -> u64 {
    store.roster(group).unwrap().version.0
}

pub(super) fn a_version_counts_changes_of_members(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let group = group(store, ann);
    assert_eq!(version(store, group), 1, "the owner is the first change");
    join(store, group, bob);
    join(store, group, cho);
    assert_eq!(version(store, group), 3);
    assert_eq!(leave_group(store, group, bob), Left::Gone { members: 2 });
    assert_eq!(version(store, group), 4);
    join(store, group, bob);
    let roster = store.roster(group).unwrap();
    assert_eq!(
        (roster.version, roster.members.len()),
        (RosterVersion(5), 3),
        "the same members, and a new version"
    );
}

pub(super) fn what_is_refused_does_not_count(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let (mine, other) = (group(store, ann), group(store, bob));
    join(store, mine, bob);
    let joined = |user, limits| join_group(store, mine, user, limits);
    assert_eq!(joined(bob, MANY_MEMBERS), Joined::AlreadyMember);
    assert_eq!(
        joined(cho, GroupLimits { members: 2, groups: 10, requests: 1_000, requests_per_user: 1_000 }),
        Joined::Full,
        "the group"
    );
    assert_eq!(
        joined(cho, GroupLimits { members: 10, groups: 0, requests: 1_000, requests_per_user: 1_000 }),
        Joined::Full,
        "the user"
    );
    assert_eq!(leave_group(store, mine, ann), Left::OwnerStays);
    assert_eq!(leave_group(store, mine, cho), Left::NotMember);
    assert_eq!((version(store, mine), version(store, other)), (2, 1));
}

pub(super) fn nothing_else_counts(store: &dyn Store) {
    let [ann, bob] = users(store);
    let (mine, other) = (group(store, ann), group(store, ann));
    let conversation = mine.conversation();
    let said = message(conversation, ann, "hello");
    for _ in 0..2 {
        store.append(std::slice::from_ref(&said)).unwrap();
    }
    store
        .advance_cursors(&[Cursor { user: ann, conversation, progress: Progress::delivered(Seq(1)) }])
        .unwrap();
    let direct = befriend(store, ann, bob);
    say(store, direct, ann, "hello");
    join(store, other, bob);
    assert_eq!((version(store, mine), version(store, other)), (1, 2));
    assert_eq!(version(store, direct.group()), 0, "two friends have no roster");
}

pub(super) fn a_closed_group_keeps_its_version(store: &dyn Store) {
    let ann = user(store);
    let group = group(store, ann);
    assert_eq!(leave_group(store, group, ann), Left::Gone { members: 0 });
    let closed =
        GroupRoster { version: RosterVersion(2), state: GroupState::Dissolved, ..GroupRoster::default() };
    assert_eq!(store.roster(group).unwrap(), closed, "leaving was a change");
    assert_eq!(join_group(store, group, ann, MANY_MEMBERS), Joined::NoSuchGroup);
    assert_eq!(store.roster(group).unwrap(), closed);
}

/// What was said while somebody came and went, and the roster that was read after it.
struct Said {
    seq: Seq,
    version: RosterVersion,
    then: GroupRoster,
}

/// Bob comes and goes while ann and cho talk. Only he does, so each version says by itself whether he is in: ann and cho
/// are the first two changes, he joined with the versions 3, 5 … and left with 4, 6 …
pub(super) fn a_version_says_who_reads_what(store: &dyn Store) {
    const STAYS: usize = 15;
    const MESSAGES: usize = 40;
    let [ann, bob, cho] = users(store);
    let group = group(store, ann);
    join(store, group, cho);
    let stay = || {
        let since = join(store, group, bob);
        assert_eq!(leave_group(store, group, bob), Left::Gone { members: 2 });
        since
    };
    let talk = |sender| {
        let place = append(store, &[message(group.conversation(), sender, "hello")])[0];
        Said { seq: place.seq, version: place.roster, then: store.roster(group).unwrap() }
    };
    let did = at_once(3, |n| match n {
        0 => ((0..STAYS).map(|_| stay()).collect(), Vec::new()),
        n => (Vec::new(), (0..MESSAGES).map(|_| talk([ann, cho][n - 1])).collect()),
    });
    let (stays, said): (Vec<Vec<Seq>>, Vec<Vec<Said>>) = did.into_iter().unzip();
    let stays = stays.concat();
    let since_at = |version: RosterVersion| match version.0.checked_sub(3) {
        Some(changes) if changes % 2 == 0 => Some(stays[changes as usize / 2]),
        _ => None,
    };

    let mut said: Vec<Said> = said.into_iter().flatten().collect();
    said.sort_unstable_by_key(|said| said.seq);
    assert!(said.is_sorted_by_key(|said| said.version), "what stands later has no older version");
    for Said { seq, version, then } in said {
        let was_in = since_at(version);
        assert!(
            was_in.is_none_or(|since| since < seq),
            "at version {version} bob joined after {seq} was said"
        );
        let bobs = then.members.iter().find(|entry| entry.user == bob).map(|entry| entry.place.since);
        assert_eq!(bobs, since_at(then.version), "the members of version {}", then.version);
        assert_eq!(then.members.len(), 2 + bobs.iter().len(), "ann and cho are always in it");
        assert!(then.version >= version, "a roster that was read later is no older");
        let reads = bobs.is_some_and(|since| since < seq);
        if then.version == version {
            assert_eq!(reads, was_in.is_some(), "who reads {seq}, by the very roster");
        } else {
            assert!(was_in.is_some() || !reads, "{seq} was not meant for bob, who joined at {bobs:?}");
        }
    }
    let last = RosterVersion(2 + 2 * STAYS as u64);
    assert_eq!(store.roster(group).unwrap().version, last, "every change was counted");
}

pub(super) fn version_and_members_are_of_one_moment(store: &dyn Store) {
    const JOINERS: usize = 4;
    const READS: usize = 100;
    for _ in 0..ROUNDS {
        let group = group(store, user(store));
        let joiners: [UserId; JOINERS] = users(store);
        at_once(JOINERS + 2, |n| match joiners.get(n) {
            Some(joiner) => drop(join(store, group, *joiner)),
            None => {
                for _ in 0..READS {
                    let roster = store.roster(group).unwrap();
                    assert_eq!(roster.members.len() as u64, roster.version.0, "a member for every change");
                }
            }
        });
    }
}
