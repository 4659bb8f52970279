//! What users delete for themselves.

use std::thread;

use super::cast::{NOW, PASSWORD_HASH, log, say, session, two_friends, user};
use crate::{
    AccountDeletion, ConversationId, Hidden, HiddenPosition, Hiding, NUMBER_MAX, OwnedGroups, Seq, SessionId,
    Store, UserId,
};

const MANY: u64 = 1_000;

fn seqs(seqs: &[u64]) -> Vec<Seq> {
    seqs.iter().copied().map(Seq).collect()
}

fn entry(position: u64, conversation: u64, seq: u64) -> Hidden {
    let (position, conversation) = (HiddenPosition(position), ConversationId(conversation));
    Hidden { position, conversation, seq: Seq(seq) }
}

/// Hides messages: those that were hidden before, and those that are now.
fn hide(store: &dyn Store, user: UserId, conversation: u64, numbers: &[u64]) -> (Vec<Hidden>, Vec<Hidden>) {
    match store.hide(user, ConversationId(conversation), &seqs(numbers), MANY).unwrap() {
        Hiding::Done { before, new } => (before, new),
        Hiding::Full => panic!("there is room for {MANY}"),
    }
}

/// All that a user hid, which the standing agrees with.
fn list(store: &dyn Store, user: UserId) -> Vec<Hidden> {
    let list = store.hidden(user, HiddenPosition(0), 10_000).unwrap();
    let last = list.last().map_or(HiddenPosition(0), |entry| entry.position);
    assert_eq!(store.standing(user, SessionId(0)).unwrap().hidden, last);
    list
}

fn hidden_of(store: &dyn Store, user: UserId, conversation: u64, numbers: &[u64]) -> Vec<u64> {
    let found = store.hidden_of(user, ConversationId(conversation), &seqs(numbers)).unwrap();
    found.into_iter().map(|seq| seq.0).collect()
}

pub(super) fn each_user_has_a_list_of_their_own(store: &dyn Store) {
    let (ann, bob) = (user(store), user(store));
    assert_eq!(list(store, ann), []);
    let first = [entry(1, 7, 2), entry(2, 7, 3), entry(3, 7, 9)];
    assert_eq!(hide(store, ann, 7, &[9, 2, 3, 2]), (vec![], first.to_vec()), "each once, by rising seq");
    assert_eq!(hide(store, ann, NUMBER_MAX, &[NUMBER_MAX]).1, [entry(4, NUMBER_MAX, NUMBER_MAX)]);
    assert_eq!(hide(store, bob, 7, &[3]).1, [entry(1, 7, 3)]);
    let all = [&first[..], &[entry(4, NUMBER_MAX, NUMBER_MAX)]].concat();
    assert_eq!(list(store, ann), all);
    assert_eq!(list(store, bob), [entry(1, 7, 3)]);
    assert_eq!(hidden_of(store, ann, 7, &[1, 9, 2, 2]), [2, 9]);
    assert_eq!(hidden_of(store, ann, 7, &[NUMBER_MAX, 9, 1_000_000, 2]), [2, 9], "far apart");
    assert_eq!(hidden_of(store, ann, 8, &[2, 3, 9]), [0; 0]);
    assert_eq!(hidden_of(store, bob, 7, &[2, 3, 9]), [3]);
    assert_eq!(hidden_of(store, bob, 7, &[]), [0; 0]);
}

pub(super) fn hiding_again_changes_nothing(store: &dyn Store) {
    let ann = user(store);
    hide(store, ann, 7, &[5, 6]);
    assert_eq!(hide(store, ann, 7, &[6]), (vec![entry(2, 7, 6)], vec![]));
    assert_eq!(hide(store, ann, 7, &[4, 6, 5]), (vec![entry(1, 7, 5), entry(2, 7, 6)], vec![entry(3, 7, 4)]));
    assert_eq!(hide(store, ann, 7, &[]), (vec![], vec![]));
    assert_eq!(list(store, ann), [entry(1, 7, 5), entry(2, 7, 6), entry(3, 7, 4)]);
}

pub(super) fn the_list_is_paged_by_position(store: &dyn Store) {
    let ann = user(store);
    let numbers: Vec<u64> = (1..=100).collect();
    hide(store, ann, 7, &numbers);
    let (mut after, mut all) = (HiddenPosition(0), Vec::new());
    loop {
        let page = store.hidden(ann, after, 30).unwrap();
        assert!(page.len() <= 30);
        let Some(last) = page.last() else { break };
        after = last.position;
        all.extend(page);
    }
    assert!(all.iter().map(|entry| (entry.position.0, entry.seq.0)).eq((1..=100).zip(1..=100)));
    assert_eq!(store.hidden(ann, HiddenPosition(NUMBER_MAX), 30).unwrap(), []);
}

pub(super) fn what_is_too_much_changes_nothing(store: &dyn Store) {
    let ann = user(store);
    let hide = |numbers: &[u64]| store.hide(ann, ConversationId(7), &seqs(numbers), 3).unwrap();
    hide(&[1, 2]);
    assert_eq!(hide(&[2, 3, 4]), Hiding::Full);
    assert_eq!(list(store, ann).len(), 2, "all or none");
    assert_eq!(hide(&[1, 3]), Hiding::Done { before: vec![entry(1, 7, 1)], new: vec![entry(3, 7, 3)] });
    assert_eq!(hide(&[4]), Hiding::Full);
    assert!(matches!(hide(&[1, 2, 3]), Hiding::Done { .. }), "what is hidden may be hidden again");
}

pub(super) fn nobody_hides_anything(store: &dyn Store) {
    let ann = user(store);
    for nobody in [0, ann.0 + 1_000_000_000, NUMBER_MAX] {
        assert_eq!(hide(store, UserId(nobody), 7, &[1]), (vec![], vec![]));
        assert_eq!(list(store, UserId(nobody)), []);
    }
}

pub(super) fn positions_are_given_once(store: &dyn Store) {
    let ann = user(store);
    thread::scope(|scope| {
        for n in 0..8 {
            // Neighbours hide one message of the other as well.
            scope.spawn(move || hide(store, ann, 7, &[2 * n + 1, 2 * n + 2, 2 * n + 3]));
        }
    });
    let list = list(store, ann);
    assert!(list.iter().map(|entry| entry.position.0).eq(1..=17), "{list:?}");
    let mut hidden: Vec<u64> = list.iter().map(|entry| entry.seq.0).collect();
    hidden.sort_unstable();
    assert!(hidden.into_iter().eq(1..=17));
}

pub(super) fn what_is_hidden_is_in_the_log_and_for_others(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    say(store, conversation, ann, "one");
    say(store, conversation, bob, "two");
    hide(store, ann, conversation.0, &[1, 2]);
    let said: Vec<String> = log(store, conversation).into_iter().map(|said| said.body).collect();
    assert_eq!(said, ["one", "two"]);
    let seen = store.conversation(ann, conversation).unwrap().unwrap();
    assert_eq!((seen.last, seen.last_change.0), (Seq(2), 0), "no change for anybody");
    let session = session(store, bob, NOW);
    assert_eq!(store.standing(bob, session).unwrap().hidden, HiddenPosition(0));
}

pub(super) fn the_list_goes_with_the_account(store: &dyn Store) {
    let ann = user(store);
    hide(store, ann, 7, &[1]);
    let owned = OwnedGroups::HandOver;
    let deletion = AccountDeletion { user: ann, password_hash: PASSWORD_HASH, owned, at: NOW };
    store.delete_account(&deletion).unwrap().expect("the password is right");
    assert_eq!(hide(store, ann, 7, &[2]), (vec![], vec![]));
    assert_eq!(store.hidden(ann, HiddenPosition(0), 10).unwrap(), []);
}
