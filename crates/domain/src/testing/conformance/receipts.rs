//! Who read how far.

use super::cast::{count_to, group, join, say, two_friends, user, users};
use crate::{ConversationId, Cursor, Progress, Seq, Store, UserId};

fn advance(store: &dyn Store, user: UserId, conversation: ConversationId, progress: Progress) {
    store.advance_cursors(&[Cursor { user, conversation, progress }]).unwrap();
}

/// How far the user got, as both questions answer it.
fn progress(store: &dyn Store, user: UserId, conversation: ConversationId) -> Progress {
    let seen = store.conversation(user, conversation).unwrap().expect("the user is in the conversation");
    let cursors = store.cursors(conversation, &[user]).unwrap();
    let stored = cursors.first().map_or(Progress::default(), |cursor| cursor.progress);
    assert_eq!((seen.acked, seen.read), (stored.delivered, stored.read));
    stored
}

pub(super) fn what_was_read_was_delivered(store: &dyn Store) {
    let (ann, bob, id) = two_friends(store);
    count_to(store, id, ann, 5);
    advance(store, bob, id, Progress::read(Seq(3)));
    assert_eq!(progress(store, bob, id), Progress::read(Seq(3)));
    assert_eq!(progress(store, ann, id), Progress::default(), "each for themselves");
}

pub(super) fn reading_and_delivery_move_apart_and_forward(store: &dyn Store) {
    let (ann, bob, id) = two_friends(store);
    count_to(store, id, ann, 9);
    let steps = [
        (Progress::delivered(Seq(4)), (4, 0)),
        (Progress::read(Seq(2)), (4, 2)),
        (Progress::delivered(Seq(1)), (4, 2)),
        (Progress::read(Seq(1)), (4, 2)),
        (Progress { delivered: Seq(8), read: Seq(7) }, (8, 7)),
        (Progress::read(Seq(9)), (9, 9)),
        (Progress::default(), (9, 9)),
    ];
    for (to, (delivered, read)) in steps {
        advance(store, bob, id, to);
        let expected = Progress { delivered: Seq(delivered), read: Seq(read) };
        assert_eq!(progress(store, bob, id), expected, "after {to:?}");
    }
    let cursor = |user, progress| Cursor { user, conversation: id, progress };
    let batch = [
        cursor(ann, Progress::read(Seq(3))),
        cursor(ann, Progress::delivered(Seq(6))),
        cursor(ann, Progress::read(Seq(1))),
    ];
    store.advance_cursors(&batch).unwrap();
    assert_eq!(
        progress(store, ann, id),
        Progress { delivered: Seq(6), read: Seq(3) },
        "of several the furthest"
    );
}

pub(super) fn nothing_is_read_past_the_last_message(store: &dyn Store) {
    let (ann, bob, id) = two_friends(store);
    advance(store, bob, id, Progress::read(Seq(7)));
    assert_eq!(progress(store, bob, id), Progress::default(), "nothing was said");
    count_to(store, id, ann, 3);
    advance(store, bob, id, Progress::read(Seq(1_000)));
    assert_eq!(progress(store, bob, id), Progress::read(Seq(3)));
}

pub(super) fn each_user_of_a_conversation_has_a_cursor(store: &dyn Store) {
    let [ann, bob, cho, dan] = users(store);
    let group = group(store, ann);
    let id = group.conversation();
    // Each says that they came.
    for member in [bob, cho, dan] {
        join(store, group, member);
    }
    say(store, id, ann, "four");
    say(store, id, ann, "five");
    advance(store, bob, id, Progress::read(Seq(4)));
    advance(store, cho, id, Progress::delivered(Seq(5)));
    let mut cursors = store.cursors(id, &[dan, cho, ann, bob, cho]).unwrap();
    cursors.sort_by_key(|cursor| cursor.user);
    let cursor = |user, progress| Cursor { user, conversation: id, progress };
    let expected = [cursor(bob, Progress::read(Seq(4))), cursor(cho, Progress::delivered(Seq(5)))];
    assert_eq!(cursors, expected, "each once, and nobody who noted nothing");
}

pub(super) fn cursors_of_strangers_and_nobody_are_none(store: &dyn Store) {
    let (ann, bob, id) = two_friends(store);
    let stranger = user(store);
    count_to(store, id, ann, 2);
    advance(store, bob, id, Progress::read(Seq(2)));
    assert_eq!(store.cursors(id, &[]).unwrap(), []);
    assert_eq!(store.cursors(id, &[ann, stranger, UserId(0)]).unwrap(), []);
    let elsewhere = ConversationId(id.0 + 1_000_000_000);
    assert_eq!(store.cursors(elsewhere, &[ann, bob]).unwrap(), []);
}

pub(super) fn a_thousand_readers_at_once(store: &dyn Store) {
    let (ann, bob, id) = two_friends(store);
    count_to(store, id, ann, 1);
    advance(store, bob, id, Progress::read(Seq(1)));
    let asked: Vec<UserId> = (0..999).map(|n| UserId(bob.0 + 1_000_000 + n)).chain([bob]).collect();
    let found: Vec<UserId> = store.cursors(id, &asked).unwrap().iter().map(|cursor| cursor.user).collect();
    assert_eq!(found, [bob]);
}
