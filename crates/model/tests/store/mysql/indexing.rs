//! Taking messages into the index of words: how much at once, and what changes meanwhile.

use std::thread;
use std::time::{Duration, Instant};

use ::mysql::prelude::Queryable;
use domain::{
    FriendStore, INDEXED_WORDS_MAX, MessageLog, NUMBER_MAX, NewMessage, Requested, SearchStore, Timestamp,
    WordQuery,
};
use testkit::{MariaDb, eventually};

use super::*;

/// How long the database lets a transaction be idle here: far less than it takes to cut all that is said.
const IDLE: Duration = Duration::from_secs(1);

fn found(store: &MySqlStore, user: UserId, words: &str) -> Vec<u64> {
    let query = WordQuery::parse(words).unwrap();
    let (since, until) = (Timestamp(0), Timestamp(NUMBER_MAX));
    let search =
        domain::MessageSearch { query: &query, conversation: None, sender: None, since, until, before: None };
    let page = store.search_messages(user, &search, 100).unwrap().unwrap();
    page.messages.iter().map(|message| message.seq.0).collect()
}

fn say(store: &MySqlStore, conversation: ConversationId, sender: UserId, texts: &[String]) {
    let said = |(n, text): (usize, &String)| NewMessage {
        body: text.clone(),
        ..message(conversation, sender, &format!("{conversation}-{n}"))
    };
    let batch: Vec<NewMessage> = texts.iter().enumerate().map(said).collect();
    assert!(store.append(&batch).unwrap().iter().all(Result::is_ok));
}

/// Texts as long as they may be, which become 18 times as many characters, and texts of more words than are indexed of one: they
/// keep nobody's words out for long, and are taken in themselves.
#[test]
#[expect(clippy::disallowed_methods, reason = "a deadline of real work is measured on the real clock")]
fn texts_that_are_long_in_any_way_are_taken_in_by_portions() {
    let server = MariaDb::shared();
    let database = server.create_database("long");
    let mut config = Config::from_url(&server.url(&database)).unwrap();
    config.statement_timeout = 2 * IDLE;
    let store = MySqlStore::open(&config).unwrap();
    let (ann, bob, conversation) = friends(&store);
    let carol = user(&store, "carol");
    store.request_friend(ann, carol, "", Timestamp(1), FRIENDS).unwrap();
    let befriended = store.request_friend(carol, ann, "", Timestamp(1), FRIENDS).unwrap();
    let Requested::Friends(befriended) = befriended else { panic!("{befriended:?}") };
    let ligatures = (0..60).map(|_| "\u{fdfa} ".repeat(16_383));
    let many_words = (0..60).map(|n| (0..1_500).map(|word| format!("w{word}x{n} ")).collect());
    say(&store, conversation, ann, &ligatures.chain(many_words).collect::<Vec<String>>());
    say(&store, befriended.conversation, ann, &["innocent".to_owned()]);
    let (begun, mut taken_in) = (Instant::now(), Vec::new());
    let mut left = vec![conversation, befriended.conversation];
    while !left.is_empty() {
        let indexed = store.index_messages(&left, 400).unwrap();
        taken_in.push(indexed.messages);
        assert!(indexed.messages > 0 && begun.elapsed() < LIMIT, "{taken_in:?}");
        left = indexed.unfinished;
    }
    assert_eq!(taken_in.iter().sum::<u32>(), 121);
    assert!(taken_in.iter().all(|messages| *messages < 60), "{taken_in:?}");
    assert_eq!(found(&store, carol, "innocent"), [1]);
    assert_eq!(found(&store, bob, "w7x59"), [120]);
    assert_eq!(found(&store, bob, "w7x0"), [61]);
    let words: Option<u64> =
        server.connect(&database).query_first("SELECT COUNT(*) FROM message_words").unwrap();
    let of_many = 60 * (INDEXED_WORDS_MAX as u64 + 1);
    assert_eq!(words, Some(60 * 5 + of_many + 2));
}

/// Somebody changes a text after it was read and before its words are written.
#[test]
fn a_text_that_changes_while_it_is_taken_in_is_left_for_the_next_time() {
    let server = MariaDb::shared();
    let database = server.create_database("changing");
    let store = open(&server.url(&database));
    let (_, bob, conversation) = friends(&store);
    say(&store, conversation, bob, &["旧的".to_owned(), "别的".to_owned()]);
    let mut admin = server.connect(&database);
    // As another node changes a text, which has the rows that it changes until it is done.
    admin.query_drop("START TRANSACTION").unwrap();
    let id = conversation.0;
    let hold = "INSERT INTO indexed_conversations (conversation_id, seq) VALUES (?, 0) ON DUPLICATE KEY UPDATE seq = seq";
    admin.exec_drop(hold, (id,)).unwrap();
    let indexed = thread::scope(|scope| {
        let indexing = scope.spawn(|| store.index_messages(&[conversation], 100).unwrap());
        let mut watcher = server.connect(&database);
        let waits = || -> Option<u64> {
            // All was read by then. The statement waits for the row.
            let sql = "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = ? AND COMMAND = 'Execute' \
                       AND INFO LIKE 'INSERT INTO indexed_conversations%'";
            watcher.exec_first(sql, (&database,)).unwrap()
        };
        eventually(LIMIT, "the indexer to wait", waits);
        admin
            .exec_drop("UPDATE messages SET body = '新的' WHERE conversation_id = ? AND seq = 1", (id,))
            .unwrap();
        admin
            .exec_drop("INSERT INTO message_changes (conversation_id, position, seq) VALUES (?, 1, 1)", (id,))
            .unwrap();
        admin.exec_drop("UPDATE conversations SET last_change = 1 WHERE id = ?", (id,)).unwrap();
        admin.query_drop("COMMIT").unwrap();
        indexing.join().unwrap()
    });
    assert_eq!(indexed.unfinished, [conversation]);
    let mut entries = || admin.query_first::<u64, _>("SELECT COUNT(*) FROM message_words").unwrap();
    assert_eq!(entries(), Some(0));
    assert_eq!(store.index_messages(&[conversation], 100).unwrap().unfinished, []);
    assert_eq!(entries(), Some(8), "two messages of two characters, their pair, and who said it");
    assert_eq!(
        (found(&store, bob, "旧"), found(&store, bob, "新的"), found(&store, bob, "的")),
        (vec![], vec![1], vec![2, 1])
    );
}
