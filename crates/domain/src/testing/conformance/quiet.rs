//! What users keep quiet.

use std::thread;

use super::cast::{user, users};
use crate::{
    ConversationId, EVERYWHERE, NUMBER_MAX, Quiet, QuietHours, QuietList, QuietMentions, QuietSet, SessionId,
    Store, Timestamp, UserId,
};

const MANY: u32 = 1_000;

fn hours(from: u16, to: u16, zone: &str) -> Option<QuietHours> {
    Some(QuietHours { from, to, zone: zone.to_owned() })
}

fn until(conversation: u64, until: u64) -> Quiet {
    Quiet { conversation: ConversationId(conversation), until: Timestamp(until), ..Quiet::default() }
}

fn set(store: &dyn Store, user: UserId, quiet: &Quiet) -> QuietSet {
    store.set_quiet(user, quiet, MANY).unwrap()
}

/// The list, which the standing agrees with.
fn list(store: &dyn Store, user: UserId) -> QuietList {
    let list = store.quiet(user).unwrap();
    assert_eq!(store.standing(user, SessionId(0)).unwrap().quiet, list.version);
    list
}

pub(super) fn what_is_set_stands_in_the_list(store: &dyn Store) {
    let [ann, bob] = users(store);
    assert_eq!(list(store, ann), QuietList::default(), "a new user keeps nothing");
    let all = [
        Quiet {
            conversation: EVERYWHERE,
            until: Timestamp(0),
            hours: hours(1_320, 420, "America/Argentina/ComodRivadavia"),
            mentions: QuietMentions::BreakThrough,
        },
        Quiet {
            conversation: ConversationId(7),
            until: Timestamp(NUMBER_MAX),
            hours: hours(0, 1_439, &"Z".repeat(64)),
            mentions: QuietMentions::AreQuiet,
        },
        until(NUMBER_MAX, 1),
    ];
    for (version, quiet) in (1..).zip(all.iter().rev()) {
        assert_eq!(set(store, ann, quiet), QuietSet::Changed(version));
    }
    assert_eq!(list(store, ann), QuietList { version: 3, entries: all.into() });
    assert_eq!(list(store, bob), QuietList::default(), "each for themselves");
}

pub(super) fn setting_replaces_and_takes_away(store: &dyn Store) {
    let ann = user(store);
    set(store, ann, &until(7, 1_000));
    set(store, ann, &until(8, 2_000));
    let other = Quiet { hours: hours(60, 120, "UTC"), ..until(7, 0) };
    assert_eq!(set(store, ann, &other), QuietSet::Changed(3));
    assert_eq!(list(store, ann).entries, [other.clone(), until(8, 2_000)]);
    assert_eq!(set(store, ann, &until(7, 0)), QuietSet::Changed(4));
    assert_eq!(list(store, ann), QuietList { version: 4, entries: vec![until(8, 2_000)] });
}

pub(super) fn what_changes_nothing_is_no_change(store: &dyn Store) {
    let ann = user(store);
    assert_eq!(set(store, ann, &until(7, 0)), QuietSet::Unchanged(0), "there is nothing to take away");
    let quiet = Quiet { hours: hours(60, 120, "UTC"), ..until(7, 1_000) };
    assert_eq!(set(store, ann, &quiet), QuietSet::Changed(1));
    assert_eq!(set(store, ann, &quiet), QuietSet::Unchanged(1));
    let loud = Quiet { mentions: QuietMentions::AreQuiet, ..quiet.clone() };
    assert_eq!(set(store, ann, &loud), QuietSet::Changed(2));
    assert_eq!(list(store, ann), QuietList { version: 2, entries: vec![loud] });
}

pub(super) fn conversations_are_limited(store: &dyn Store) {
    let ann = user(store);
    let set = |quiet: &Quiet| store.set_quiet(ann, quiet, 2).unwrap();
    set(&until(7, 1));
    set(&until(8, 1));
    assert_eq!(set(&until(9, 1)), QuietSet::Full);
    assert_eq!(set(&until(7, 2)), QuietSet::Changed(3), "what is kept may change");
    assert_eq!(set(&until(8, 0)), QuietSet::Changed(4));
    assert_eq!(set(&until(9, 1)), QuietSet::Changed(5), "and makes room");
    assert_eq!(list(store, ann).entries, [until(7, 2), until(9, 1)]);
}

pub(super) fn nobody_keeps_anything(store: &dyn Store) {
    let ann = user(store);
    for nobody in [0, ann.0 + 1_000_000_000, NUMBER_MAX] {
        assert_eq!(set(store, UserId(nobody), &until(7, 1)), QuietSet::Unchanged(0));
        assert_eq!(list(store, UserId(nobody)), QuietList::default());
    }
}

pub(super) fn the_last_place_is_taken_at_once(store: &dyn Store) {
    let ann = user(store);
    let outcomes: Vec<QuietSet> = thread::scope(|scope| {
        let threads: Vec<_> =
            (1..=8).map(|n| scope.spawn(move || store.set_quiet(ann, &until(n, 1), 3).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let full = outcomes.iter().filter(|outcome| **outcome == QuietSet::Full).count();
    assert_eq!(full, 5, "{outcomes:?}");
    let list = list(store, ann);
    assert_eq!((list.version, list.entries.len()), (3, 3));
}
