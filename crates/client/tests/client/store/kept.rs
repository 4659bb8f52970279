//! What is kept, for how long, and what comes with it.

use client::Event;
use client::protocol::{ChatMessage, Friend, GroupChat, HistoryPage, OneChat};
use client::store::{Keep, KeptPage, Lists, Outgoing, Reach, Store, StoreError};

use super::{DAY_MS, START_MS, anything, arrived, found, in_memory, message, seqs, state, talk, whole};

#[test]
fn what_is_taken_is_there_with_its_cursor_after_the_next_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a").join("alice.db");
    let store = Store::open(&path).expect("made");
    assert_eq!(store.sync_state().expect("readable"), None);
    store.save_sync(&state(&[])).expect("written");
    store.take(&talk(7, 1..=5)).expect("written");
    drop(store);

    let store = Store::open(&path).expect("there");
    assert_eq!(store.sync_state().expect("readable"), Some(state(&[(7, 5)])));
    assert_eq!(whole(&store, 7), [1, 2, 3, 4, 5]);
    let page = store.page(7, Some(4), 2, Reach::Whole).expect("readable");
    assert_eq!((seqs(&page.messages), page.begins), (vec![2, 3], false));
    let page = store.page(7, Some(2), 2, Reach::Whole).expect("readable");
    assert_eq!((seqs(&page.messages), page.begins), (vec![1], true));
    assert_eq!(store.page(7, Some(2), 2, Reach::Whole).expect("readable").messages[0].msg, "number 1");
}

#[test]
fn a_page_begins_at_a_time() {
    let store = in_memory();
    store.take(&[talk(7, 1..=5), talk(9, 1..=3)].concat()).expect("written");
    let from = |time| store.page_at(7, time, 3).expect("readable");
    let page = from(0);
    assert_eq!((seqs(&page.messages), page.begins), (vec![1, 2, 3], true));
    let page = from(START_MS + 4);
    assert_eq!((seqs(&page.messages), page.begins), (vec![4, 5], false));
    for time in [START_MS + 6, START_MS + DAY_MS, u64::MAX] {
        assert_eq!(from(time), KeptPage::default(), "{time}");
    }
    assert_eq!(store.page_at(8, 0, 3).expect("readable"), KeptPage::default());
}

#[test]
fn the_newest_of_each_conversation_is_known() {
    let store = in_memory();
    store.take(&[talk(7, 1..=4), talk(9, 11..=12)].concat()).expect("written");
    let newest: Vec<_> =
        store.newest().expect("readable").iter().map(|message| (message.conv, message.seq)).collect();
    assert_eq!(newest, [(7, 4), (9, 12)]);
}

#[test]
fn the_same_again_changes_nothing() {
    let store = in_memory();
    for _ in 0..3 {
        store.take(&talk(7, 1..=5)).expect("written");
    }
    store.take(&talk(7, 2..=3)).expect("written");
    assert_eq!(whole(&store, 7), [1, 2, 3, 4, 5]);
    assert_eq!(found(&store, "number"), [5, 4, 3, 2, 1]);
}

#[test]
fn a_hole_is_not_read_over() {
    let store = in_memory();
    store.take(&talk(7, 1..=3)).expect("written");
    store.take(&[Event::Gap { conv: 7, first: 4, last: 6 }]).expect("written");
    store.take(&talk(7, 7..=8)).expect("written");
    assert_eq!((whole(&store, 7), anything(&store, 7)), (vec![7, 8], vec![1, 2, 3, 7, 8]));

    // A page that begins in a conversation's middle joins what it touches, and nothing else.
    let page = |seqs: std::ops::RangeInclusive<u64>| HistoryPage {
        conv: 7,
        messages: seqs.map(|seq| message(7, seq, "page")).collect(),
        first: 1,
        last: 8,
    };
    store.keep_page(&page(2..=4), Some(5)).expect("written");
    assert_eq!(whole(&store, 7), [7, 8]);
    store.keep_page(&page(4..=6), Some(7)).expect("written");
    assert_eq!(whole(&store, 7), [4, 5, 6, 7, 8]);
    store.keep_page(&page(1..=3), Some(4)).expect("written");
    assert_eq!(whole(&store, 7), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn a_device_that_came_later_holds_what_came_since() {
    let store = in_memory();
    store.save_sync(&state(&[(7, 40)])).expect("written");
    store.take(&talk(7, 41..=42)).expect("written");
    assert_eq!(whole(&store, 7), [41, 42]);
    let page = store.page(7, None, 5, Reach::Whole).expect("readable");
    assert!(!page.begins);
    // The server says that nothing is before it.
    let empty = HistoryPage { conv: 7, messages: vec![], first: 41, last: 42 };
    store.keep_page(&empty, Some(41)).expect("written");
    assert!(store.page(7, None, 5, Reach::Whole).expect("readable").begins);
}

#[test]
fn what_was_not_shown_comes_again() {
    let store = in_memory();
    store.take(&[talk(7, 1..=4), talk(9, 11..=12)].concat()).expect("written");
    let places = |store: &Store| -> Vec<_> {
        store.unshown().expect("readable").iter().map(|message| (message.conv, message.seq)).collect()
    };
    assert_eq!(places(&store), [(7, 1), (7, 2), (7, 3), (7, 4), (9, 11), (9, 12)]);
    store.note_shown(&[(7, 3), (9, 99)].into()).expect("written");
    assert_eq!(places(&store), [(7, 4)]);
    store.note_shown(&[(7, 1)].into()).expect("written");
    assert_eq!(places(&store), [(7, 4)], "never backwards");
}

#[test]
fn only_so_much_is_kept_if_so_wished() {
    let store = in_memory();
    store.save_sync(&state(&[])).expect("written");
    store.take(&[talk(7, 1..=700), talk(8, 1..=3)].concat()).expect("written");
    let keep = Keep { messages: Some(10), days: None };
    assert!(!store.prune(Keep::default(), u64::MAX).expect("done"), "by default everything is kept");
    assert_eq!(whole(&store, 7).len(), 700);
    while store.prune(keep, 0).expect("done") {}
    assert_eq!(whole(&store, 7), (691..=700).collect::<Vec<u64>>());
    assert_eq!((whole(&store, 8).len(), found(&store, "number 5").len()), (3, 0));
    assert_eq!(store.sync_state().expect("readable"), Some(state(&[(7, 700), (8, 3)])), "cursors stay");

    let keep = Keep { messages: None, days: Some(2) };
    while store.prune(keep, START_MS + 696 + 2 * DAY_MS).expect("done") {}
    assert_eq!((whole(&store, 7), whole(&store, 8)), (vec![696, 697, 698, 699, 700], vec![]));
}

#[test]
fn what_waits_to_be_sent_keeps_its_id_and_its_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("alice.db");
    let store = Store::open(&path).expect("made");
    let friend = |n: u64| {
        Outgoing::Friend(OneChat {
            to: 2,
            msg: format!("hello {n}"),
            client_msg_id: format!("id-{n}"),
            ..OneChat::default()
        })
    };
    let group = Outgoing::Group(GroupChat {
        groupid: 9,
        msg: "all".into(),
        client_msg_id: "id-3".into(),
        ..GroupChat::default()
    });
    let places: Vec<i64> =
        [friend(1), friend(2), group.clone()].iter().map(|one| store.put_out(one).expect("room")).collect();
    drop(store);
    let store = Store::open(&path).expect("there");
    let waiting = |after| -> Vec<Outgoing> {
        store.unsent(after, 10).expect("readable").into_iter().map(|unsent| unsent.outgoing).collect()
    };
    assert_eq!(waiting(0), [friend(1), friend(2), group.clone()]);
    assert_eq!(waiting(places[1]), std::slice::from_ref(&group));
    // Answered; and seen in its conversation, which says the same.
    store.settle_out(places[0]).expect("written");
    let own = ChatMessage { client_msg_id: "id-2".into(), ..message(7, 1, "hello 2") };
    store.take(&[arrived(own)]).expect("written");
    assert_eq!(waiting(0), [group]);
    let max = client::limits::OUTBOX_MAX;
    for n in 1..max as u64 {
        store.put_out(&friend(10 + n)).expect("room");
    }
    assert!(matches!(store.put_out(&friend(5)), Err(StoreError::OutboxFull(full)) if full == max));
}

#[test]
fn lists_are_kept_with_their_versions() {
    let store = in_memory();
    assert_eq!(store.lists().expect("readable"), Lists::default());
    let bob = Friend { id: 2, name: "bob".into(), remark: "Climber".into(), conv: 7, ..Friend::default() };
    let lists = Lists {
        friends: vec![bob],
        groups: vec![],
        friends_version: Some("v1".into()),
        groups_version: None,
    };
    store.save_lists(&lists).expect("written");
    assert_eq!(store.lists().expect("readable"), lists);
    store.save_lists(&Lists::default()).expect("written");
    assert_eq!(store.lists().expect("readable"), Lists::default());
}
