//! The own copy: what is written with what, what is found again, and which files are left alone.

use std::fs;
use std::path::{Path, PathBuf};

use client::protocol::{
    Changed, ChatMessage, Friend, GroupChat, Hidden, HistoryPage, MessageKind, OneChat, Quote, Recalled,
    Secret,
};
use client::store::{Keep, KeptPage, Lists, Outgoing, Reach, Store, StoreError};
use client::{Arrival, Event, Reading, SyncState};

/// The server's time of the message of seq 0.
const START_MS: u64 = 1_767_225_600_000;

const DAY_MS: u64 = 86_400_000;

fn message(conv: u64, seq: u64, msg: &str) -> ChatMessage {
    ChatMessage {
        conv,
        seq,
        from: 2,
        name: "bob".into(),
        client_msg_id: format!("{conv}-{seq}"),
        time: START_MS + seq,
        kind: MessageKind::Text,
        msg: msg.into(),
        ..ChatMessage::default()
    }
}

fn arrived(message: ChatMessage) -> Event {
    Event::Message { message, arrival: Arrival::Live }
}

fn talk(conv: u64, seqs: std::ops::RangeInclusive<u64>) -> Vec<Event> {
    seqs.map(|seq| arrived(message(conv, seq, &format!("number {seq}")))).collect()
}

fn seqs(messages: &[ChatMessage]) -> Vec<u64> {
    messages.iter().map(|message| message.seq).collect()
}

fn whole(store: &Store, conv: u64) -> Vec<u64> {
    seqs(&store.page(conv, None, 1_000, Reach::Whole).expect("readable").messages)
}

fn anything(store: &Store, conv: u64) -> Vec<u64> {
    seqs(&store.page(conv, None, 1_000, Reach::Anything).expect("readable").messages)
}

fn found(store: &Store, query: &str) -> Vec<u64> {
    seqs(&store.search(query, None, None, 100).expect("readable").messages)
}

fn state(cursors: &[(u64, u64)]) -> SyncState {
    let cursors = cursors.iter().copied().collect();
    SyncState {
        user: 1,
        name: "alice".into(),
        token: Some(Secret::new("t")),
        cursors,
        notices: Some(3),
        ..SyncState::default()
    }
}

fn in_memory() -> Store {
    Store::in_memory().expect("a store")
}

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
fn words_and_parts_of_texts_without_spaces_are_found() {
    let store = in_memory();
    let texts = [
        "Shall we meet at Noon?",
        "今天晚上我们去吃火锅吧",
        "火车几点到北京？",
        "明日、東京へ行きます",
        "내일 서울에서 만나요",
        "พรุ่งนี้เจอกันที่กรุงเทพ",
        "Grüße aus Ｗｉｅｎ",
        "100% sure; DROP TABLE messages; -- \"'",
        "我们 meet 北京",
    ];
    let events: Vec<Event> =
        texts.iter().zip(1..).map(|(text, seq)| arrived(message(7, seq, text))).collect();
    store.take(&events).expect("written");
    for (query, expected) in [
        ("noon", &[1][..]),
        ("NOO", &[1]),
        ("meet", &[9, 1]),
        ("oon", &[]),
        ("火锅", &[2]),
        ("火", &[3, 2]),
        ("锅", &[2]),
        ("吧", &[2]),
        ("我们", &[9, 2]),
        ("我们去吃", &[2]),
        ("们我", &[]),
        ("北京", &[9, 3]),
        ("京", &[9, 4, 3]),
        ("東京へ", &[4]),
        ("서울", &[5]),
        ("กรุงเทพ", &[6]),
        ("wien", &[7]),
        ("grüße", &[7]),
        ("我们 北京", &[9]),
        ("drop table", &[8]),
        ("100%", &[8]),
        ("%", &[]),
        ("\"", &[]),
        ("* OR meet", &[]),
        ("", &[]),
    ] {
        assert_eq!(found(&store, query), expected, "{query:?}");
    }
    assert_eq!(found(&store, &"火锅 ".repeat(10_000)), [2], "what is too long is cut");
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

#[test]
fn a_search_goes_on_where_it_stopped() {
    let store = in_memory();
    store.take(&[talk(7, 1..=30), talk(8, 1..=30)].concat()).expect("written");
    let mut all = Vec::new();
    let mut from = None;
    loop {
        let page = store.search("number", Some(7), from, 7).expect("readable");
        assert!(page.messages.len() <= 7);
        all.extend(seqs(&page.messages));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(all, (1..=30).rev().collect::<Vec<u64>>());
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

#[test]
fn one_process_a_store() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("alice.db");
    let first = Store::open(&path).expect("made");
    let second = Store::open(&path).expect_err("in use");
    assert_eq!(second.to_string(), format!("another client uses {}", path.display()));
    drop(first);
    Store::open(&path).expect("free again");
}

#[test]
fn a_state_of_somebody_else_is_refused() {
    let store = in_memory();
    store.save_sync(&state(&[(7, 1)])).expect("written");
    let other = SyncState { user: 2, name: "bob".into(), ..state(&[(7, 9)]) };
    assert!(matches!(store.save_sync(&other), Err(StoreError::OfAnother { name, .. }) if name == "alice"));
    assert_eq!(store.sync_state().expect("readable"), Some(state(&[(7, 1)])));
}

/// Opens a file, which must fail, and asserts that not a byte of it is another.
fn left_alone(path: &Path) -> StoreError {
    let before = fs::read(path).expect("readable");
    let error = Store::open(path).expect_err("not a store of ours");
    assert!(fs::read(path).expect("readable") == before, "it was changed: {error}");
    error
}

/// A store with messages, closed.
fn filled(dir: &tempfile::TempDir) -> PathBuf {
    let path = dir.path().join("alice.db");
    let store = Store::open(&path).expect("made");
    store.save_sync(&state(&[])).expect("written");
    store.take(&talk(7, 1..=2_000)).expect("written");
    path
}

#[test]
fn foreign_files_are_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("diary");
    for diary in ["my diary".repeat(1_000), "x".into(), format!("SQLite format 3\0{}", "x".repeat(9_000))] {
        fs::write(&path, diary).expect("written");
        let error = left_alone(&path);
        assert!(matches!(error, StoreError::Foreign(_) | StoreError::Damaged(_)), "{error}");
    }
    fs::remove_file(&path).expect("removed");
    let other = rusqlite::Connection::open(&path).expect("another program's database");
    other.execute_batch("CREATE TABLE recipes (name TEXT)").expect("made");
    drop(other);
    assert!(matches!(left_alone(&path), StoreError::Foreign(_)));
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Foreign(_))), "a folder");
}

#[test]
fn a_newer_store_is_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = filled(&dir);
    let newer = rusqlite::Connection::open(&path).expect("opened");
    newer.execute_batch("PRAGMA user_version = 99; PRAGMA journal_mode = DELETE").expect("changed");
    drop(newer);
    assert!(matches!(left_alone(&path), StoreError::Newer { version: 99, .. }));
}

#[test]
fn a_damaged_store_is_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = filled(&dir);
    let whole = fs::read(&path).expect("readable");
    // Cut short, and with pages of nothing.
    fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    assert!(matches!(left_alone(&path), StoreError::Damaged(_)));
    let mut holed = whole.clone();
    holed[4_096..].chunks_mut(4_096).for_each(|page| page[..64].fill(0xa5));
    fs::write(&path, holed).expect("written");
    assert!(matches!(left_alone(&path), StoreError::Damaged(_)));
    fs::write(&path, whole).expect("written");
    assert_eq!(whole_of(&path), 1_000);
}

fn whole_of(path: &Path) -> usize {
    whole(&Store::open(path).expect("there"), 7).len()
}

#[test]
fn an_older_store_is_brought_up_to_date() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("alice.db");
    let first = rusqlite::Connection::open(&path).expect("opened");
    first.pragma_update(None, "application_id", 0x6368_6174).expect("marked");
    first.execute_batch(include_str!("../../src/store/schema/1.sql")).expect("made");
    let row = "INSERT INTO conversations (conversation_id, cursor, held_from, shown) VALUES (7, 1, 1, 0);
        INSERT INTO messages (id, conversation_id, seq, sender_id, time, message) VALUES (1, 7, 1, 2, 5,";
    let json = serde_json::to_string(&message(7, 1, "from before")).expect("JSON");
    first.execute_batch(&format!("{row} '{json}'); PRAGMA user_version = 1;")).expect("filled");
    drop(first);
    let store = Store::open(&path).expect("brought up to date");
    assert_eq!((whole(&store, 7), store.unshown().expect("readable").len()), (vec![1], 1));
    let reading = Reading { first: 1, last: 4, read: 2, their_delivered: 3, their_read: 1 };
    store.save_readings(&[(7, reading), (8, reading)].into()).expect("written");
    drop(store);
    let store = Store::open(&path).expect("there");
    assert_eq!(store.readings().expect("readable"), [(7, reading)].into(), "of what is kept");
}

#[test]
fn an_empty_file_and_one_that_was_only_begun_become_stores() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("alice.db");
    fs::write(&path, "").expect("written");
    Store::open(&path).expect("made");
    // Killed between the mark and the tables.
    fs::remove_file(&path).expect("removed");
    let begun = rusqlite::Connection::open(&path).expect("opened");
    begun.pragma_update(None, "application_id", 0x6368_6174).expect("marked");
    drop(begun);
    Store::open(&path).expect("made").take(&talk(7, 1..=1)).expect("written");
}
