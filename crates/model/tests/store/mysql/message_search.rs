//! What the index of words holds, and who is shown what it finds.

use ::mysql::prelude::Queryable;
use domain::{
    FriendStore, MessageLog, MessageSearch, NUMBER_MAX, NewMessage, Requested, SearchStore, Timestamp,
    UserId, WordQuery,
};
use model::mysql::MySqlStore;
use testkit::MariaDb;

use super::{FRIENDS, friends, message, open, user};

fn found(store: &MySqlStore, user: UserId, words: &str) -> usize {
    let query = WordQuery::parse(words).unwrap();
    let (since, until) = (Timestamp(0), Timestamp(NUMBER_MAX));
    let search =
        MessageSearch { query: &query, conversation: None, sender: None, since, until, before: None };
    store.search_messages(user, &search, 100).unwrap().unwrap().messages.len()
}

#[test]
fn what_a_user_hid_is_found_by_others_only() {
    let server = MariaDb::shared();
    let database = server.create_database("hidden");
    let store = open(&server.url(&database));
    let (ann, bob, conversation) = friends(&store);
    let said = NewMessage { body: "藏起来".to_owned(), ..message(conversation, ann, "1") };
    let place = store.append(&[said]).unwrap()[0].unwrap();
    assert_eq!(store.index_messages(&[conversation], 100).unwrap().messages, 1);
    let mut admin = server.connect(&database);
    let mut hide = |user: UserId| {
        let sql = "INSERT INTO hidden_messages (user_id, position, conversation_id, seq) VALUES (?, 1, ?, ?)";
        admin.exec_drop(sql, (user.0, conversation.0, place.seq.0)).unwrap();
    };
    hide(ann);
    assert_eq!((found(&store, ann, "藏"), found(&store, bob, "藏")), (0, 1));
    hide(bob);
    assert_eq!(found(&store, bob, "藏"), 0);
}

/// The text decides: an index that has more than it should is no way to read what is gone.
#[test]
fn what_only_the_index_has_is_not_found() {
    let server = MariaDb::shared();
    let database = server.create_database("stale");
    let store = open(&server.url(&database));
    let (ann, bob, conversation) = friends(&store);
    let said = NewMessage { body: "旧的 old".to_owned(), ..message(conversation, ann, "1") };
    store.append(&[said]).unwrap()[0].unwrap();
    store.index_messages(&[conversation], 100).unwrap();
    assert_eq!(found(&store, bob, "旧的 old"), 1);
    let mut admin = server.connect(&database);
    admin.query_drop("UPDATE messages SET body = ''").unwrap();
    let entries: Option<u64> = admin.query_first("SELECT COUNT(*) FROM message_words").unwrap();
    assert_eq!(entries, Some(5), "two characters, their pair, a word, and who said it");
    assert_eq!(found(&store, bob, "旧的"), 0);
}

/// Of several words the rarest leads, wherever it stands and however it is spelled: the entries of the others are not read.
#[test]
fn what_is_read_follows_the_rarest_word() {
    const SAID: usize = 2_000;
    let server = MariaDb::start();
    let database = server.create_database("rarest");
    let store = open(&server.url(&database));
    let (ann, bob, conversation) = friends(&store);
    let text = |n: usize| match n {
        7 => "甲乙丙丁 zebra".to_owned(),
        _ => format!("甲乙 丙丁 common{}", n % 2),
    };
    let said: Vec<NewMessage> = (0..SAID)
        .map(|n| NewMessage { body: text(n), ..message(conversation, ann, &n.to_string()) })
        .collect();
    store.append(&said).unwrap();
    while !store.index_messages(&[conversation], 1_000).unwrap().unfinished.is_empty() {}
    let mut admin = server.connect(&database);
    let mut read = || -> u64 {
        let sql = "SHOW GLOBAL STATUS LIKE 'Handler_read_%'";
        admin.query_map(sql, |(_, count): (String, u64)| count).unwrap().into_iter().sum()
    };
    for words in ["甲乙 zebra", "zebra 甲", "甲乙丙丁", "丙丁 甲乙 zebra"] {
        let before = read();
        assert_eq!(found(&store, bob, words), 1, "{words}");
        let spent = read() - before;
        assert!(spent < SAID as u64 / 2, "{words}: {spent} rows of the index");
    }
    assert_eq!(found(&store, bob, "甲乙 common1 丙丁"), 100, "a page");
}

/// A word that is rare where something was said lately and common further back: the pages are those of any search.
#[test]
fn a_word_that_is_common_elsewhere_is_found_by_pages() {
    const SAID: u64 = 1_100;
    let server = MariaDb::shared();
    let database = server.create_database("common");
    let store = open(&server.url(&database));
    let (ann, _, conversation) = friends(&store);
    let said: Vec<NewMessage> = (0..SAID)
        .map(|n| NewMessage { body: format!("甲 乙 {n}"), ..message(conversation, ann, &n.to_string()) })
        .collect();
    store.append(&said).unwrap();
    let mut conversations = vec![conversation];
    for n in 0..8 {
        let friend = user(&store, &format!("friend{n}"));
        store.request_friend(ann, friend, "", Timestamp(1), FRIENDS).unwrap();
        let befriended = store.request_friend(friend, ann, "", Timestamp(1), FRIENDS).unwrap();
        let Requested::Friends(befriended) = befriended else { panic!("{befriended:?}") };
        let later = NewMessage {
            body: "丙".to_owned(),
            time: Timestamp(1_000),
            ..message(befriended.conversation, ann, &format!("later{n}"))
        };
        store.append(&[later]).unwrap();
        conversations.push(befriended.conversation);
    }
    while !store.index_messages(&conversations, 1_000).unwrap().unfinished.is_empty() {}
    let query = WordQuery::parse("甲 乙").unwrap();
    let (since, until) = (Timestamp(0), Timestamp(NUMBER_MAX));
    let mut search =
        MessageSearch { query: &query, conversation: None, sender: None, since, until, before: None };
    let mut seqs = Vec::new();
    loop {
        let page = store.search_messages(ann, &search, 100).unwrap().unwrap();
        seqs.extend(page.messages.iter().map(|message| message.seq.0));
        search.before = page.next;
        if search.before.is_none() {
            break;
        }
    }
    assert!(seqs.iter().copied().eq((1..=SAID).rev()), "{} found: {seqs:?}", seqs.len());
}
