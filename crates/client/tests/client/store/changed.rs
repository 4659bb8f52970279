//! Messages that change, are hidden or are taken back by a restore.

use client::protocol::{Changed, ChatMessage, Hidden, HistoryPage, Quote, Recalled};
use client::store::{Reach, Store};
use client::{Event, SyncState};

use super::{DAY_MS, START_MS, anything, arrived, found, in_memory, message, state, talk, whole};

#[test]
fn a_server_that_was_put_back_takes_along_what_it_forgot() {
    let store = in_memory();
    store.save_sync(&state(&[])).expect("written");
    store.take(&talk(7, 1..=9)).expect("written");
    store.save_sync(&state(&[(7, 6)])).expect("written");
    assert_eq!(whole(&store, 7), [1, 2, 3, 4, 5, 6]);
    assert_eq!(found(&store, "number 8"), [0; 0]);
    store.take(&[arrived(message(7, 7, "said anew"))]).expect("written");
    assert_eq!((whole(&store, 7).len(), found(&store, "anew")), (7, vec![7]));
    assert_eq!(store.sync_state().expect("readable"), Some(state(&[(7, 7)])));
}

#[test]
fn what_a_restore_took_back_is_not_kept() {
    let store = in_memory();
    store.take(&[talk(7, 1..=9), talk(9, 1..=3)].concat()).expect("written");
    store
        .take(&[Event::Restored, Event::Rewound { conv: 7, to: 6 }, Event::Rewound { conv: 9, to: 0 }])
        .expect("written");
    assert_eq!((whole(&store, 7), whole(&store, 9)), (vec![1, 2, 3, 4, 5, 6], vec![]));
    assert_eq!(found(&store, "number 8"), [0; 0]);
    store.take(&[arrived(message(7, 7, "said anew"))]).expect("written");
    assert_eq!((whole(&store, 7).len(), found(&store, "anew")), (7, vec![7]));
}

#[test]
fn a_change_that_a_restore_took_back_is_not_kept() {
    let store = in_memory();
    store.save_sync(&state(&[])).expect("written");
    store.take(&[talk(7, 1..=6), talk(9, 1..=2)].concat()).expect("written");
    let edited =
        |seq, msg: &str| ChatMessage { edited: START_MS + DAY_MS, ..message(7, seq, &format!("{msg} text")) };
    let recalled = |seq| ChatMessage {
        recalled: Some(Recalled { by: 2, name: "bob".into(), at: START_MS + DAY_MS }),
        ..message(7, seq, "")
    };
    let change = |position, message| Event::Changed(Changed { conv: 7, position, message });
    store.take(&[change(1, edited(2, "first")), change(2, recalled(3))]).expect("written");
    // One that was edited before it came here.
    store.take(&[arrived(ChatMessage { conv: 8, ..edited(1, "late") })]).expect("written");
    assert_eq!(found(&store, "text"), [2, 1]);

    store.take(&[Event::Restored, Event::Rewound { conv: 7, to: 5 }]).expect("written");
    assert_eq!(found(&store, "text"), [0; 0]);
    assert_eq!((whole(&store, 7), anything(&store, 7)), (vec![4, 5], vec![1, 4, 5]));
    assert_eq!((anything(&store, 8), whole(&store, 9)), (vec![], vec![1, 2]));
    let saved = store.sync_state().expect("readable").expect("there");
    assert!(saved.changes.is_empty() && saved.cursors[&7] == 5, "{saved:?}");

    // The edit stands there, the recall does not: the feed tells again of the one, and the page has both as they are.
    store.take(&[change(1, edited(2, "first"))]).expect("written");
    let messages = vec![message(7, 1, "number 1"), edited(2, "first"), message(7, 3, "number 3")];
    store.keep_page(&HistoryPage { conv: 7, messages, first: 1, last: 5 }, Some(4)).expect("written");
    assert_eq!(whole(&store, 7), [1, 2, 3, 4, 5]);
    assert_eq!((found(&store, "text"), found(&store, "3")), (vec![2], vec![3]));
}

#[test]
fn a_message_that_changes_is_kept_as_it_is_now() {
    let store = in_memory();
    let answer = ChatMessage {
        reply_to: 1,
        quote: Some(Quote { from: 2, name: "bob".into(), msg: "number 1".into() }),
        ..message(7, 4, "an answer")
    };
    store.take(&[talk(7, 1..=3), vec![arrived(answer.clone())]].concat()).expect("written");
    let at = |seq: u64| -> ChatMessage {
        let page = store.page(7, Some(seq + 1), 1, Reach::Whole).expect("readable");
        page.messages.into_iter().next().expect("a message")
    };
    assert_eq!(at(4), answer);

    let changed = |position, message| Event::Changed(Changed { conv: 7, position, message });
    let edited = ChatMessage { edited: START_MS + 50, ..message(7, 1, "better words") };
    store.take(&[changed(1, edited.clone())]).expect("written");
    assert_eq!(
        (at(1), found(&store, "better"), found(&store, "number 1")),
        (edited.clone(), vec![1], vec![])
    );
    assert_eq!(at(4).quote.map(|quote| quote.msg).as_deref(), Some("better words"));

    // Recalled: the text is nowhere, and what was on its way before brings it back from nowhere.
    let recalled = ChatMessage {
        recalled: Some(Recalled { by: 2, name: "bob".into(), at: START_MS + 60 }),
        msg: String::new(),
        ..edited.clone()
    };
    store.take(&[changed(2, recalled.clone())]).expect("written");
    store.take(&[changed(1, edited.clone()), arrived(message(7, 1, "number 1"))]).expect("written");
    let page = HistoryPage { conv: 7, messages: vec![edited, message(7, 2, "number 2")], first: 1, last: 4 };
    store.keep_page(&page, Some(3)).expect("written");
    assert_eq!((at(1), found(&store, "better"), found(&store, "number 1")), (recalled, vec![], vec![]));
    assert_eq!(at(4), ChatMessage { quote: None, ..answer });
    assert_eq!(whole(&store, 7), [1, 2, 3, 4]);
    // Of one that is not kept here nothing is kept.
    store.take(&[changed(3, message(7, 99, "who knows"))]).expect("written");
    assert_eq!(found(&store, "knows"), [0; 0]);
}

#[test]
fn what_is_hidden_has_no_text_any_more_whatever_comes_of_it() {
    let store = in_memory();
    let answer = ChatMessage { reply_to: 1, ..message(7, 4, "an answer") };
    store.take(&[talk(7, 1..=3), vec![arrived(answer)]].concat()).expect("written");
    let hidden = |seq| Event::Hidden(Hidden { position: seq, conv: 7, seq });
    store.take(&[hidden(1), hidden(3), hidden(99)]).expect("written");
    let at = |seq: u64| -> ChatMessage {
        let page = store.page(7, Some(seq + 1), 1, Reach::Whole).expect("readable");
        page.messages.into_iter().next().expect("a message")
    };
    let mut gone = message(7, 1, "number 1");
    gone.hide();
    assert_eq!((at(1), found(&store, "number")), (gone.clone(), vec![2]));
    assert_eq!(at(4).quote, None, "an answer does not quote it");
    assert_eq!(whole(&store, 7), [1, 2, 3, 4], "it keeps its place");

    // Edited live, said again, fetched before it was hidden.
    let edited = ChatMessage { edited: START_MS + 50, ..message(7, 1, "other words") };
    let changed = Event::Changed(Changed { conv: 7, position: 1, message: edited.clone() });
    store.take(&[changed, arrived(message(7, 1, "number 1"))]).expect("written");
    let page = HistoryPage { conv: 7, messages: vec![edited, message(7, 2, "number 2")], first: 1, last: 4 };
    store.keep_page(&page, Some(3)).expect("written");
    assert_eq!((at(1).msg.as_str(), at(1).hidden), ("", true));
    assert_eq!((found(&store, "words"), found(&store, "number")), (vec![], vec![2]));
    // Fetched after it was hidden on another device.
    let mut second = message(7, 2, "number 2");
    second.hide();
    let page = HistoryPage { conv: 7, messages: vec![second.clone()], first: 1, last: 4 };
    store.keep_page(&page, Some(3)).expect("written");
    assert_eq!((at(2), found(&store, "number")), (second, vec![]));
}

#[test]
fn what_changed_is_there_with_its_cursor_after_the_next_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("alice.db");
    let store = Store::open(&path).expect("made");
    store.save_sync(&state(&[(7, 0)])).expect("written");
    store.take(&talk(7, 1..=3)).expect("written");
    let changed = |position, seq, msg: &str| {
        let message = ChatMessage { edited: START_MS + position, ..message(7, seq, msg) };
        Event::Changed(Changed { conv: 7, position, message })
    };
    // Nobody saves a state after it: a client that is killed now.
    store.take(&[changed(4, 2, "better"), changed(5, 3, "too")]).expect("written");
    drop(store);

    let store = Store::open(&path).expect("there");
    let kept = || store.sync_state().expect("readable").expect("a state");
    assert_eq!((kept().cursors, kept().changes), ([(7, 3)].into(), [(7, 5)].into()));
    let texts = || -> Vec<String> {
        let page = store.page(7, None, 10, Reach::Whole).expect("readable");
        page.messages.into_iter().map(|message| message.msg).collect()
    };
    assert_eq!(texts(), ["number 1", "better", "too"]);
    // What lies beyond the last that was given is not this reader's.
    store.save_sync(&SyncState { changes: [(7, 9)].into(), ..kept() }).expect("written");
    assert_eq!(kept().changes, [(7, 9)].into());

    // Put back: positions are given again, for other changes too, and what was changed is read again.
    store.take(&[Event::Restored, changed(4, 3, "other words")]).expect("written");
    assert_eq!(kept().changes, [(7, 4)].into());
    assert_eq!(texts(), [""; 0]);
    let other_words = ChatMessage { edited: START_MS + 4, ..message(7, 3, "other words") };
    let messages = vec![message(7, 1, "number 1"), message(7, 2, "number 2"), other_words];
    store.keep_page(&HistoryPage { conv: 7, messages, first: 1, last: 3 }, None).expect("written");
    assert_eq!(texts(), ["number 1", "number 2", "other words"]);
    store.save_sync(&SyncState { changes: [].into(), ..kept() }).expect("written");
    store.take(&[changed(1, 3, "once more")]).expect("written");
    assert_eq!((kept().changes, texts().pop().as_deref()), ([(7, 1)].into(), Some("once more")));
}
