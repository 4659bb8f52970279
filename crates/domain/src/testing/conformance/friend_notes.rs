//! What users keep of their friends.

use std::sync::Barrier;

use super::cast::{NOW, befriend, user, users};
use super::hostile::TEXTS;
use crate::policy::Why;
use crate::{FriendNote, FriendNoteEdit, Noted, Shows, Store, UserId};

const MANY_LABELS: u32 = 1_000;

/// How often two race.
const ROUNDS: usize = 20;

fn remark(text: &str) -> FriendNoteEdit<'_> {
    FriendNoteEdit { remark: Some(text), label: None }
}

fn label(text: &str) -> FriendNoteEdit<'_> {
    FriendNoteEdit { remark: None, label: Some(text) }
}

fn kept(remark: &str, label: &str) -> FriendNote {
    FriendNote { remark: remark.to_owned(), label: label.to_owned() }
}

fn note(store: &dyn Store, user: UserId, friend: UserId, edit: FriendNoteEdit<'_>) -> Noted {
    store.note_friend(user, friend, edit, MANY_LABELS).unwrap()
}

/// Notes what must be allowed; how the list shows it after.
fn noted(store: &dyn Store, user: UserId, friend: UserId, edit: FriendNoteEdit<'_>) -> (FriendNote, Shows) {
    match note(store, user, friend, edit) {
        Noted::Note { note, shows, .. } => (note, shows),
        other => panic!("a friend can be noted: {other:?}"),
    }
}

/// The note as the list of friends shows it, which is as it is read alone.
fn listed(store: &dyn Store, user: UserId, friend: UserId) -> FriendNote {
    let friends = store.friends(user, UserId(friend.0 - 1), 1).unwrap();
    assert_eq!(friends[0].user.id, friend);
    let alone = store.friend_notes(user, &[friend]).unwrap();
    let alone = alone.into_iter().next().map(|(of, note)| {
        assert_eq!(of, friend);
        note
    });
    assert_eq!(alone.unwrap_or_default(), friends[0].note);
    friends[0].note.clone()
}

pub(super) fn what_is_given_changes_and_the_rest_stays(store: &dyn Store) {
    let [bob, ann, cho] = users(store);
    let with_bob = befriend(store, ann, bob);
    befriend(store, ann, cho);
    let versions = || [ann, bob, cho].map(|user| store.friends_version(user).unwrap());
    let [mut version, of_bob, of_cho] = versions();
    assert_eq!(listed(store, ann, bob), kept("", ""));
    for (edit, expected) in [
        (remark("Bobby"), kept("Bobby", "")),
        (label("work"), kept("Bobby", "work")),
        (remark("Robert"), kept("Robert", "work")),
        (FriendNoteEdit { remark: Some("B"), label: Some("home") }, kept("B", "home")),
        (label(""), kept("B", "")),
        (remark(""), kept("", "")),
    ] {
        let note = expected.clone();
        let expected_answer = Noted::Note { note, conversation: with_bob, shows: Shows::Another };
        assert_eq!(self::note(store, ann, bob, edit), expected_answer);
        version += 1;
        assert_eq!(listed(store, ann, bob), expected);
        assert_eq!(
            noted(store, ann, bob, edit),
            (expected.clone(), Shows::TheSame),
            "a repeat changes nothing"
        );
        assert_eq!(noted(store, ann, bob, FriendNoteEdit::default()), (expected, Shows::TheSame));
        assert_eq!(versions(), [version, of_bob, of_cho], "each change counts once, and for nobody else");
    }
    noted(store, ann, bob, remark("mine"));
    noted(store, bob, ann, remark("his"));
    assert_eq!(listed(store, ann, cho), kept("", ""), "another friend's did not change");
    assert_eq!((listed(store, ann, bob), listed(store, bob, ann)), (kept("mine", ""), kept("his", "")));
    let all = store.friend_notes(ann, &[cho, bob, bob, UserId(0)]).unwrap();
    assert_eq!(all, [(bob, kept("mine", ""))], "each once, and only those of whom something was kept");
    assert_eq!(store.friend_notes(ann, &[]).unwrap(), []);
}

pub(super) fn only_friends_are_noted(store: &dyn Store) {
    let [ann, stranger] = users(store);
    let version = store.friends_version(ann).unwrap();
    for number in
        [stranger.0, 0, stranger.0 + 1_000_000_000, crate::NUMBER_MAX, i64::MAX as u64 + 1, u64::MAX]
    {
        let refused = Noted::Refused(Why::NotFriends);
        assert_eq!(note(store, ann, UserId(number), remark("x")), refused, "{number}");
        assert_eq!(note(store, UserId(number), ann, remark("x")), refused, "{number}");
        assert_eq!(store.friend_notes(ann, &[UserId(number)]).unwrap(), [], "{number}");
        assert_eq!(store.rename_label(UserId(number), "x", "y").unwrap(), [], "{number}");
    }
    assert_eq!(note(store, ann, ann, remark("me")), Noted::Refused(Why::Oneself));
    assert_eq!(store.friends_version(ann).unwrap(), version);
}

pub(super) fn notes_outlive_the_friendship(store: &dyn Store) {
    let [ann, bob] = users(store);
    befriend(store, ann, bob);
    noted(store, ann, bob, FriendNoteEdit { remark: Some("Bobby"), label: Some("work") });
    assert!(store.delete_friend(bob, ann, NOW).unwrap().is_some());
    assert_eq!(note(store, ann, bob, remark("x")), Noted::Refused(Why::NotFriends));
    assert_eq!(store.rename_label(ann, "work", "home").unwrap(), [], "a former friend is under no label");
    befriend(store, bob, ann);
    assert_eq!(listed(store, ann, bob), kept("Bobby", "work"));
    assert_eq!(listed(store, bob, ann), kept("", ""));
}

pub(super) fn labels_are_limited(store: &dyn Store) {
    let [ann, bob, cho, dan] = users(store);
    for friend in [bob, cho, dan] {
        befriend(store, ann, friend);
    }
    befriend(store, bob, cho);
    noted(store, bob, cho, label("of another user"));
    let put = |friend, edit| store.note_friend(ann, friend, edit, 2).unwrap();
    let is = |noted: Noted, expected: &str| match noted {
        Noted::Note { note, .. } => assert_eq!(note.label, expected),
        other => panic!("{expected}: {other:?}"),
    };
    is(put(bob, label("a")), "a");
    is(put(cho, label("b")), "b");
    let version = store.friends_version(ann).unwrap();
    let both = FriendNoteEdit { remark: Some("Dan"), label: Some("c") };
    assert_eq!(put(dan, both), Noted::Full);
    assert_eq!((listed(store, ann, dan), store.friends_version(ann).unwrap()), (kept("", ""), version));
    is(put(dan, label("b")), "b");
    is(put(bob, label("c")), "c");
    is(put(dan, remark("Dan")), "b");
    is(put(dan, label("")), "");
    assert_eq!(put(dan, label("d")), Noted::Full);
    assert!(store.delete_friend(ann, bob, NOW).unwrap().is_some());
    is(put(dan, label("d")), "d");
    befriend(store, bob, ann);
    assert_eq!(listed(store, ann, bob), kept("", "c"), "who comes back brings the label along");
    assert_eq!(put(bob, label("e")), Noted::Full);
    is(put(bob, label("d")), "d");
}

pub(super) fn a_renamed_label_takes_its_friends_along(store: &dyn Store) {
    let [bob, cho, ann, dan, eve] = users(store);
    for friend in [bob, cho, dan, eve] {
        befriend(store, ann, friend);
    }
    befriend(store, bob, cho);
    noted(store, bob, cho, label("work"));
    for (friend, text) in [(bob, "work"), (cho, "home"), (dan, "work")] {
        noted(store, ann, friend, FriendNoteEdit { remark: Some("R"), label: Some(text) });
    }
    let labels = || [bob, cho, dan, eve].map(|friend| listed(store, ann, friend).label);
    let mut version = store.friends_version(ann).unwrap();
    let of_bob = store.friends_version(bob).unwrap();
    assert_eq!(store.rename_label(ann, "work", "job").unwrap(), [bob, dan]);
    assert_eq!(labels(), ["job", "home", "job", ""]);
    version += 1;
    assert_eq!(store.friends_version(ann).unwrap(), version, "one change");
    for (from, to) in [("work", "job"), ("job", "job"), ("Job", "x"), ("", "x"), ("", "")] {
        assert_eq!(store.rename_label(ann, from, to).unwrap(), [], "{from:?} to {to:?}");
    }
    assert_eq!(labels(), ["job", "home", "job", ""]);
    assert_eq!(store.friends_version(ann).unwrap(), version, "nothing changed");
    assert_eq!(store.rename_label(ann, "home", "job").unwrap(), [cho], "two become one");
    assert_eq!(store.rename_label(ann, "job", "").unwrap(), [bob, cho, dan], "all are taken out");
    assert_eq!(labels(), ["", "", "", ""]);
    assert_eq!(listed(store, ann, dan).remark, "R");
    assert_eq!(store.friends_version(ann).unwrap(), version + 2);
    assert_eq!(
        (listed(store, bob, cho).label.as_str(), store.friends_version(bob).unwrap()),
        ("work", of_bob)
    );
}

pub(super) fn hostile_and_longest_notes_come_back_as_they_were(store: &dyn Store) {
    let [ann, bob] = users(store);
    befriend(store, ann, bob);
    let longest = "🦀".repeat(32);
    for text in TEXTS.iter().copied().chain([longest.as_str()]) {
        let both = FriendNoteEdit { remark: Some(text), label: Some(text) };
        assert_eq!(noted(store, ann, bob, both).0, kept(text, text));
        assert_eq!(listed(store, ann, bob), kept(text, text));
        if !text.is_empty() {
            assert_eq!(store.rename_label(ann, text, "plain").unwrap(), [bob], "{text:?}");
            assert_eq!(store.rename_label(ann, "plain", text).unwrap(), [bob], "{text:?}");
            assert_eq!(listed(store, ann, bob), kept(text, text));
        }
    }
}

/// The last one wins, whole; each counts.
pub(super) fn two_devices_note_at_once(store: &dyn Store) {
    let [ann, bob] = users(store);
    befriend(store, ann, bob);
    let before = store.friends_version(ann).unwrap();
    for round in 0..ROUNDS {
        let start = Barrier::new(2);
        let texts = ["one", "two"].map(|device| format!("{device} {round}"));
        std::thread::scope(|scope| {
            for text in &texts {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let both = FriendNoteEdit { remark: Some(text), label: Some(text) };
                    assert_eq!(noted(store, ann, bob, both), (kept(text, text), Shows::Another));
                });
            }
        });
        let left = listed(store, ann, bob);
        assert!(texts.contains(&left.remark) && left.remark == left.label, "torn: {left:?}");
    }
    assert_eq!(store.friends_version(ann).unwrap(), before + 2 * ROUNDS as u64);
}

pub(super) fn a_friendship_ends_while_it_is_noted(store: &dyn Store) {
    for round in 0..ROUNDS {
        let [ann, bob] = users(store);
        befriend(store, ann, bob);
        let text = format!("round {round}");
        let start = Barrier::new(2);
        let (answer, ended) = std::thread::scope(|scope| {
            let noting = scope.spawn(|| {
                start.wait();
                note(store, ann, bob, remark(&text))
            });
            start.wait();
            let ended = store.delete_friend(bob, ann, NOW).unwrap();
            (noting.join().unwrap(), ended)
        });
        assert!(ended.is_some());
        let expected = match answer {
            Noted::Note { .. } => text.as_str(),
            Noted::Refused(Why::NotFriends) => "",
            other => panic!("{other:?}"),
        };
        befriend(store, ann, bob);
        assert_eq!(listed(store, ann, bob).remark, expected, "done or refused, and nothing between");
    }
}

/// Each writes a row that names the other: nobody waits for ever, and nobody is refused.
pub(super) fn friends_note_each_other_at_once(store: &dyn Store) {
    let ann = user(store);
    let bob = user(store);
    befriend(store, ann, bob);
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        for (one, other) in [(ann, bob), (bob, ann)] {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    let (remark, label) = (format!("remark {round}"), format!("label {round}"));
                    noted(store, one, other, FriendNoteEdit { remark: Some(&remark), label: Some(&label) });
                    assert_eq!(store.rename_label(one, &label, "all").unwrap(), [other]);
                }
            });
        }
    });
    let last = format!("remark {}", ROUNDS - 1);
    assert_eq!((listed(store, ann, bob), listed(store, bob, ann)), (kept(&last, "all"), kept(&last, "all")));
}
