//! What was taken back or corrected is gone from the embedded store's files, and not only from what it answers.

use std::collections::HashSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use domain::{
    Accepted, ChangeStore, ChangeWindows, ConversationId, FriendLimits, FriendStore, Mentions, MessageChange,
    MessageDeed, MessageLog, NewMessage, SearchStore, Seq, Timestamp, UserId,
};
use model::sqlite::SqliteStore;

use crate::sqlite::{NOW, message, open, user};

/// Replays a run: the seed that it printed.
const SEED: &str = "STORE_TEST_SEED";

const CONVERSATIONS: u64 = 20;
const ROUNDS: u64 = 150;
const BATCH_MAX: u64 = 40;

/// Every text ends with letters of its own and these, which nothing else has.
const END: &str = "xqz";
const OWN_LETTERS: usize = 10;

const PAGE_BYTES: usize = 4096;

/// Of some 300 texts that are gone; mostly it is none.
const BETWEEN_ROWS_MAX: usize = 6;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn letters(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }

    /// A text, short mostly, and what to look for.
    fn text(&mut self) -> (String, String) {
        let words = match self.below(20) {
            0 => self.below(2_000),
            1 => 100 + self.below(100),
            _ => self.below(20),
        };
        let own = self.letters(OWN_LETTERS);
        let mut text = String::new();
        for _ in 0..words {
            let letters = 1 + self.below(8) as usize;
            text.push_str(&self.letters(letters));
            text.push(' ');
        }
        text.push_str(&own);
        text.push_str(END);
        (text, own)
    }
}

/// Somebody with so many friends, and the conversations.
fn popular(store: &SqliteStore) -> (UserId, Vec<ConversationId>) {
    let limits = FriendLimits { friends: 100, requests: 100 };
    let ann = user(store, "ann");
    let befriend = |n| {
        let friend = user(store, &format!("friend{n}"));
        store.request_friend(ann, friend, "", NOW, limits).unwrap();
        match store.accept_friend(friend, ann, NOW, limits).unwrap() {
            Accepted::Friends(befriended) => befriended.conversation,
            other => panic!("{other:?}"),
        }
    };
    (ann, (0..CONVERSATIONS).map(befriend).collect())
}

/// A text that a file of the store holds.
#[derive(Debug)]
struct Found {
    /// The last letters of its own: where words with the same beginning follow each other, the index has the beginning once.
    own: String,
    place: String,
    /// Whether no row is there. Where SQLite builds a page anew it leaves in it, below what it has now, what it had before.
    between_rows: bool,
}

fn texts_in_files(folder: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let bytes = fs::read(file.path()).unwrap();
        let is_database = file.file_name() == "chat.db";
        for (place, _) in bytes.windows(END.len()).enumerate().filter(|(_, some)| *some == END.as_bytes()) {
            let own = &bytes[place.saturating_sub(OWN_LETTERS / 2)..place];
            let (page, within) = (place / PAGE_BYTES, place % PAGE_BYTES);
            found.push(Found {
                own: String::from_utf8_lossy(own).into_owned(),
                place: format!("{} page {page} at {within}", file.file_name().to_string_lossy()),
                between_rows: is_database && page > 0 && is_between_rows(&bytes[page * PAGE_BYTES..], within),
            });
        }
    }
    found
}

/// Whether a place of a page is behind the pointers to its rows and before the rows, if it is a page of rows.
fn is_between_rows(page: &[u8], place: usize) -> bool {
    let number = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    let header = match page[0] {
        2 | 5 => 12,
        10 | 13 => 8,
        _ => return false,
    };
    (header + 2 * number(3)..number(5)).contains(&place)
}

#[test]
fn what_was_taken_back_is_in_no_file() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("{SEED}={seed}");
    let mut random = Random(seed);

    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (ann, conversations) = popular(&store);
    // Those that are there, and those that are not any more.
    let (mut said, mut gone): (Vec<(ConversationId, Seq, String)>, Vec<String>) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let count = 1 + random.below(BATCH_MAX);
        let batch: Vec<(NewMessage, String)> = (0..count)
            .map(|_| {
                let conversation = conversations[random.below(CONVERSATIONS) as usize];
                let (body, own) = random.text();
                (NewMessage { body, ..message(conversation, ann, &random.letters(16)) }, own)
            })
            .collect();
        let messages: Vec<NewMessage> = batch.iter().map(|(message, _)| message.clone()).collect();
        let appended = store.append(&messages).unwrap();
        for (appended, (_, own)) in appended.into_iter().zip(batch) {
            let appended = appended.unwrap();
            said.push((appended.conversation, appended.seq, own));
        }
        if random.below(3) == 0 {
            store.index_messages(&conversations, 1 + random.below(400) as u32).unwrap();
        }
        for _ in 0..random.below(5) {
            let which = random.below(said.len() as u64) as usize;
            let (conversation, seq, own) = said.swap_remove(which);
            gone.push(own);
            let deed = match random.below(2) {
                0 => MessageDeed::Recall,
                _ => {
                    let (body, own) = random.text();
                    said.push((conversation, seq, own));
                    MessageDeed::Edit { body, mentions: Mentions::default() }
                }
            };
            change(&store, ann, conversation, seq, deed);
        }
    }
    store.wipe().unwrap();

    let half = |own: &String| own[OWN_LETTERS / 2..].to_owned();
    let found = texts_in_files(folder.path());
    let kept: HashSet<&String> = found.iter().map(|found| &found.own).collect();
    assert!(said.iter().all(|(_, _, own)| kept.contains(&half(own))), "what is there is seen");
    // Five letters are the same now and then.
    let there: HashSet<String> = said.iter().map(|(_, _, own)| half(own)).collect();
    let gone: HashSet<String> = gone.iter().map(half).filter(|own| !there.contains(own)).collect();
    let left = found.iter().filter(|found| gone.contains(&found.own));
    let (between, left): (Vec<_>, Vec<_>) = left.partition(|found| found.between_rows);
    println!("of {} texts that are gone {} are between rows: {between:#?}", gone.len(), between.len());
    assert!(left.is_empty(), "still there: {left:#?}");
    assert!(between.len() <= BETWEEN_ROWS_MAX);
}

#[test]
fn what_was_taken_back_is_in_the_log_of_writes_until_it_is_wiped() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (ann, conversations) = popular(&store);
    let conversation = conversations[0];
    let body = format!("abcdefghij{END}");
    store.append(&[NewMessage { body, ..message(conversation, ann, "1") }]).unwrap();
    recall(&store, ann, conversation, Seq(1));
    let files = || texts_in_files(folder.path()).into_iter().map(|found| found.place).collect::<Vec<_>>();
    assert!(files().iter().any(|place| place.starts_with("chat.db-wal")), "{:?}", files());
    store.wipe().unwrap();
    assert_eq!(files(), [""; 0]);

    // Who reads meanwhile keeps the log; it is wiped the next time.
    let body = format!("klmnopqrst{END}");
    store.append(&[NewMessage { body, ..message(conversation, ann, "2") }]).unwrap();
    let reader = rusqlite::Connection::open(folder.path().join("chat.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM messages;").unwrap();
    recall(&store, ann, conversation, Seq(2));
    store.wipe().unwrap();
    assert!(!files().is_empty(), "somebody reads it");
    reader.execute_batch("COMMIT").unwrap();
    store.wipe().unwrap();
    assert_eq!(files(), [""; 0]);
}

#[test]
fn what_a_process_left_that_died_is_wiped() {
    let folder = tempfile::tempdir().unwrap();
    let after_a_kill = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (ann, conversations) = popular(&store);
    let body = format!("abcdefghij{END}");
    store.append(&[NewMessage { body, ..message(conversations[0], ann, "1") }]).unwrap();
    recall(&store, ann, conversations[0], Seq(1));
    for file in ["chat.db", "chat.db-wal"] {
        fs::copy(folder.path().join(file), after_a_kill.path().join(file)).unwrap();
    }
    assert!(!texts_in_files(after_a_kill.path()).is_empty());
    let store = open(after_a_kill.path());
    store.wipe().unwrap();
    assert!(texts_in_files(after_a_kill.path()).is_empty());
    drop(store);
}

fn recall(store: &SqliteStore, actor: UserId, conversation: ConversationId, seq: Seq) {
    change(store, actor, conversation, seq, MessageDeed::Recall);
}

fn change(store: &SqliteStore, actor: UserId, conversation: ConversationId, seq: Seq, deed: MessageDeed) {
    let windows = ChangeWindows { recall_ms: u64::MAX, edit_ms: u64::MAX };
    let change = MessageChange { conversation, seq, actor, deed, at: Timestamp(NOW.0 + 1), windows };
    store.change_message(&change).unwrap().unwrap();
}
