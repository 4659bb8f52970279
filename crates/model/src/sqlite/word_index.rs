//! The index of words: taking messages in, and out again.
//!
//! Reading and cutting texts is done before the transaction, so that nobody who appends waits for it. A conversation that was
//! changed in between, which its `last_change` tells, is left for the next time.

use std::collections::BTreeSet;

use domain::{
    ConversationId, IndexRoom, Indexed, MessageKind, Seq, StoreResult, StoredMessage, Unindexed, UserId,
    words,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::number::{number, sql};

/// Bits of an index entry's number below the time.
const COUNTER_BITS: u32 = 20;

/// The latest time that index entries can have: far enough. What claims to be later stands there.
const TIME_MAX: i64 = 1 << 42;

/// A message that is to be taken in.
struct New {
    conversation: ConversationId,
    seq: Seq,
    time: i64,
    words: String,
}

/// What was read of a conversation to be taken in.
struct Portion {
    conversation: ConversationId,
    /// How far the index had it.
    from: i64,
    /// How far it will.
    to: i64,
    /// The newest change before it was read.
    last_change: i64,
}

/// The least number of an entry of this time.
pub(super) fn first_id(time: u64) -> i64 {
    sql(time).min(TIME_MAX) << COUNTER_BITS
}

/// The time of an entry.
pub(super) fn time(id: i64) -> u64 {
    (id >> COUNTER_BITS) as u64
}

/// A word as the index has it, of a conversation.
pub(super) fn term(conversation: ConversationId, word: &str) -> String {
    format!("{conversation}:{word}")
}

/// What stands in the index for who said something.
pub(super) fn sender_word(sender: UserId) -> String {
    format!("@{sender}")
}

impl SqliteStore {
    pub(super) fn take_in(&self, conversations: &[ConversationId], limit: u32) -> StoreResult<Indexed> {
        let (portions, mut new, mut indexed) =
            self.read("read what is not indexed", |connection| portions(connection, conversations, limit))?;
        if portions.is_empty() {
            return Ok(indexed);
        }
        // The index is written fastest in the order of its numbers.
        new.sort_unstable_by_key(|message| (message.time, message.conversation, message.seq));
        let changed = self.write("index messages", |connection| {
            let changed: BTreeSet<ConversationId> = portions
                .iter()
                .filter_map(|portion| advance(connection, portion).transpose())
                .collect::<rusqlite::Result<_>>()?;
            new.retain(|message| !changed.contains(&message.conversation));
            insert_all(connection, &new)?;
            Ok(changed)
        })?;
        indexed.unfinished.extend(changed);
        indexed.unfinished.sort_unstable();
        indexed.unfinished.dedup();
        Ok(indexed)
    }

    pub(super) fn list_unindexed(&self, after: ConversationId, limit: u32) -> StoreResult<Unindexed> {
        self.read("look for what is not indexed", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT c.id, c.last_seq > ifnull(i.seq, 0) FROM conversations c
                 LEFT JOIN indexed_conversations i ON i.conversation_id = c.id
                 WHERE c.id > ?1 ORDER BY c.id LIMIT ?2",
            )?;
            let mut rows = statement.query(params![sql(after.0), limit])?;
            let (mut unindexed, mut looked_at) = (Unindexed::default(), 0);
            while let Some(row) = rows.next()? {
                let id = ConversationId(number(row, 0)?);
                looked_at += 1;
                unindexed.next = Some(id);
                if row.get(1)? {
                    unindexed.conversations.push(id);
                }
            }
            if looked_at < limit {
                unindexed.next = None;
            }
            Ok(unindexed)
        })
    }
}

/// Has the index know a message by the words of its new text, if it has it. To be called in the transaction that changes the
/// text. `new_words` are those of the new text, cut by the caller before the transaction; those that both texts have stay.
pub(super) fn exchange(
    connection: &Connection,
    old: &StoredMessage,
    new: &StoredMessage,
    new_words: &BTreeSet<String>,
) -> rusqlite::Result<()> {
    let (conversation, seq, sender) = (old.conversation, old.seq, old.sender);
    let entry: Option<Option<i64>> = connection
        .prepare_cached(
            "SELECT m.id FROM indexed_conversations i
             LEFT JOIN indexed_messages m ON m.conversation_id = i.conversation_id AND m.seq = ?2
             WHERE i.conversation_id = ?1 AND i.seq >= ?2",
        )?
        .query_row([sql(conversation.0), sql(seq.0)], |row| row.get(0))
        .optional()?;
    let Some(entry) = entry else { return Ok(()) };
    let Some(id) = entry else {
        // It had no words when the index came past it.
        let words = joined(conversation, sender, new_words.iter());
        let time = sql(new.time.0);
        return if words.is_empty() {
            Ok(())
        } else {
            insert_all(connection, &[New { conversation, seq, time, words }])
        };
    };
    let old_words = words_of(old.kind as u8, &old.body);
    if old_words == *new_words {
        return Ok(());
    }
    // Who said it goes with the last word, and comes with the first.
    let (was, is) = (!old_words.is_empty(), !new_words.is_empty());
    let part = |some: &BTreeSet<String>, others: &BTreeSet<String>| match others.is_empty() {
        true => joined(conversation, sender, some.iter()),
        false => terms(conversation, some.difference(others)),
    };
    // The index counts its entries: what has words goes once and comes once, and what has none was not put in.
    if was {
        delete(connection, id, &part(&old_words, new_words))?;
    }
    if is {
        insert(connection, id, &part(new_words, &old_words))?;
    }
    Ok(())
}

/// The words by which a message of this kind is found.
pub(super) fn words_of(kind: u8, body: &str) -> BTreeSet<String> {
    match MessageKind::from_number(kind) {
        Some(MessageKind::Text) => words(body),
        _ => BTreeSet::new(),
    }
}

/// What the index is given of a message: its words, apart by spaces, and who said it; empty if it has none.
fn joined<'a>(
    conversation: ConversationId,
    sender: UserId,
    words: impl Iterator<Item = &'a String>,
) -> String {
    let mut joined = terms(conversation, words);
    // What has no words is found by nobody, whoever said it.
    if !joined.is_empty() {
        joined.push(' ');
        joined.push_str(&term(conversation, &sender_word(sender)));
    }
    joined
}

/// Words as the index has them, apart by spaces.
fn terms<'a>(conversation: ConversationId, words: impl Iterator<Item = &'a String>) -> String {
    let mut terms = String::new();
    let before = term(conversation, "");
    for word in words {
        if !terms.is_empty() {
            terms.push(' ');
        }
        terms.push_str(&before);
        terms.push_str(word);
    }
    terms
}

/// Reads the oldest messages of these conversations that are not in the index, and cuts them into words.
fn portions(
    connection: &Connection,
    conversations: &[ConversationId],
    limit: u32,
) -> rusqlite::Result<(Vec<Portion>, Vec<New>, Indexed)> {
    let (mut portions, mut new, mut indexed) = (Vec::new(), Vec::new(), Indexed::default());
    let mut room = IndexRoom::new(limit);
    let mut head = connection.prepare_cached(
        "SELECT ifnull(i.seq, 0), c.last_seq, c.last_change FROM conversations c
         LEFT JOIN indexed_conversations i ON i.conversation_id = c.id WHERE c.id = ?1",
    )?;
    let mut page = connection.prepare_cached(
        "SELECT seq, sender_id, time, kind, body FROM messages
         WHERE conversation_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let conversations: BTreeSet<ConversationId> = conversations.iter().copied().collect();
    for conversation in conversations {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let head: Option<(i64, i64, i64)> = head.query_row([sql(conversation.0)], row).optional()?;
        let Some((from, last, last_change)) = head.filter(|(from, last, _)| from < last) else { continue };
        if room.messages() == 0 {
            indexed.unfinished.push(conversation);
            continue;
        }
        let mut to = from;
        let mut rows = page.query(params![sql(conversation.0), from, room.messages()])?;
        while room.messages() > 0
            && let Some(row) = rows.next()?
        {
            to = row.get(0)?;
            indexed.messages += 1;
            let (sender, body) = (UserId(number(row, 1)?), row.get_ref(4)?.as_str()?);
            let words = words_of(row.get(3)?, body);
            room.take(body.len(), words.len());
            let words = joined(conversation, sender, words.iter());
            if !words.is_empty() {
                new.push(New { conversation, seq: Seq(to as u64), time: row.get(2)?, words });
            }
        }
        if to == from {
            // Rows that should be there are not: there is nothing to wait for.
            continue;
        }
        if to < last {
            indexed.unfinished.push(conversation);
        }
        portions.push(Portion { conversation, from, to, last_change });
    }
    Ok((portions, new, indexed))
}

/// Notes how far the index has a conversation; the conversation, if it was changed or taken in since it was read.
fn advance(connection: &Connection, portion: &Portion) -> rusqlite::Result<Option<ConversationId>> {
    let advanced = connection
        .prepare_cached(
            "INSERT INTO indexed_conversations (conversation_id, seq)
             SELECT c.id, ?3 FROM conversations c LEFT JOIN indexed_conversations i ON i.conversation_id = c.id
             WHERE c.id = ?1 AND ifnull(i.seq, 0) = ?2 AND c.last_change = ?4
             ON CONFLICT (conversation_id) DO UPDATE SET seq = excluded.seq",
        )?
        .execute(params![sql(portion.conversation.0), portion.from, portion.to, portion.last_change])?;
    Ok((advanced == 0).then_some(portion.conversation))
}

/// Puts messages into the index, by rising time.
///
/// First all their numbers, then all their words: FTS5 keeps the words of a transaction in memory and writes them as one
/// segment, but it writes what it has, a segment for each message, whenever a statement of another kind comes between
/// that SQLite guards by a savepoint.
fn insert_all(connection: &Connection, new: &[New]) -> rusqlite::Result<()> {
    let mut number = connection
        .prepare_cached("INSERT INTO indexed_messages (id, conversation_id, seq) VALUES (?1, ?2, ?3)")?;
    let mut ids = Vec::with_capacity(new.len());
    let mut last = None;
    for message in new {
        let first = message.time.clamp(0, TIME_MAX) << COUNTER_BITS;
        let id = match last {
            // Of the same time: nobody else numbers meanwhile.
            Some(last) if last >= first => last + 1,
            _ => next_id(connection, first)?,
        };
        number.execute([id, sql(message.conversation.0), sql(message.seq.0)])?;
        ids.push(id);
        last = Some(id);
    }
    for (id, message) in ids.into_iter().zip(new) {
        insert(connection, id, &message.words)?;
    }
    Ok(())
}

/// The first number after those of the same time.
fn next_id(connection: &Connection, first: i64) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "SELECT max(?1, ifnull((SELECT id FROM indexed_messages WHERE id < ?2 ORDER BY id DESC LIMIT 1), 0) + 1)",
        )?
        .query_row([first, first + (1 << COUNTER_BITS)], |row| row.get(0))
}

fn delete(connection: &Connection, id: i64, words: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO message_words (message_words, rowid, words) VALUES ('delete', ?1, ?2)")?
        .execute(params![id, words])?;
    Ok(())
}

fn insert(connection: &Connection, id: i64, words: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO message_words (rowid, words) VALUES (?1, ?2)")?
        .execute(params![id, words])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::Options;
    use crate::sqlite::page::message;
    use domain::{MessageLog, MessageSearch, NUMBER_MAX, NewMessage, SearchStore, Timestamp, WordQuery};

    const CONVERSATION: ConversationId = ConversationId(1);

    fn store() -> (tempfile::TempDir, SqliteStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), &Options::default()).unwrap();
        store
            .write("set up", |connection| {
                connection.execute_batch(
                    "INSERT INTO users (id, name, name_key, created_at) VALUES (1, 'a', 'a', 0), (2, 'b', 'b', 0);
                     INSERT INTO conversations (id, kind, last_seq, roster, last_time) VALUES (1, 1, 0, 0, 0);
                     INSERT INTO direct_conversations (user_lo, user_hi, conversation_id) VALUES (1, 2, 1);",
                )
            })
            .unwrap();
        (folder, store)
    }

    fn say(store: &SqliteStore, id: &str, body: &str) -> Seq {
        let message = NewMessage {
            conversation: CONVERSATION,
            sender: UserId(1),
            client_msg_id: id.to_owned(),
            time: Timestamp(1_700_000_000_000),
            kind: MessageKind::Text,
            body: body.to_owned(),
            reply_to: None,
            mentions: domain::Mentions::default(),
        };
        store.append(&[message]).unwrap()[0].unwrap().seq
    }

    fn take_in(store: &SqliteStore) -> Indexed {
        store.index_messages(&[CONVERSATION], 100).unwrap()
    }

    fn change(store: &SqliteStore, seq: Seq, body: &str) {
        store
            .write("change", |connection| {
                let old = connection.query_row(
                    "SELECT seq, sender_id, client_msg_id, time, kind, body, edited_at, recalled_at, recalled_by, reply_to,
                            mentions
                     FROM messages WHERE conversation_id = 1 AND seq = ?1",
                    [sql(seq.0)],
                    |row| message(CONVERSATION, row),
                )?;
                let new = StoredMessage { body: body.to_owned(), ..old.clone() };
                exchange(connection, &old, &new, &words(body))?;
                connection.execute(
                    "UPDATE messages SET body = ?2 WHERE conversation_id = 1 AND seq = ?1",
                    params![sql(seq.0), body],
                )?;
                connection.execute("UPDATE conversations SET last_change = last_change + 1", [])
            })
            .unwrap();
    }

    fn found(store: &SqliteStore, words: &str) -> Vec<u64> {
        let query = WordQuery::parse(words).unwrap();
        let search = MessageSearch {
            query: &query,
            conversation: None,
            sender: None,
            since: Timestamp(0),
            until: Timestamp(NUMBER_MAX),
            before: None,
        };
        let found = store.search_messages(UserId(2), &search, 100).unwrap().unwrap();
        found.messages.iter().map(|message| message.seq.0).collect()
    }

    /// How often the index has a word, whatever the texts say.
    fn entries(store: &SqliteStore, word: &str) -> i64 {
        store
            .read("count", |connection| {
                connection.query_row(
                    "SELECT count(*) FROM message_words WHERE message_words MATCH ?1",
                    [format!("\"{}\"", term(CONVERSATION, word))],
                    |row| row.get(0),
                )
            })
            .unwrap()
    }

    fn is_sound(store: &SqliteStore) {
        store
            .write("check", |connection| {
                connection
                    .execute_batch("INSERT INTO message_words (message_words) VALUES ('integrity-check')")
            })
            .unwrap();
    }

    #[test]
    fn what_is_taken_out_is_gone_and_what_replaces_it_is_found() {
        let (folder, store) = store();
        let [recalled, edited, kept] =
            [("1", "香蕉xyzzyrecalled"), ("2", "苹果xyzzyedited"), ("3", "香蕉 苹果")]
                .map(|(id, body)| say(&store, id, body));
        take_in(&store);
        assert_eq!(found(&store, "香蕉"), [3, 1]);
        change(&store, recalled, "");
        change(&store, edited, "葡萄");
        assert_eq!((found(&store, "香蕉"), found(&store, "苹果")), (vec![kept.0], vec![kept.0]));
        assert_eq!(found(&store, "葡萄"), [edited.0]);
        assert_eq!((entries(&store, "香蕉"), entries(&store, "苹果"), entries(&store, "葡萄")), (1, 1, 1));
        assert_eq!(entries(&store, "xyzzyrecalled") + entries(&store, "xyzzyedited"), 0);
        is_sound(&store);
        drop(store);
        let file = std::fs::read(folder.path().join("chat.db")).unwrap();
        let has = |word: &str| file.windows(word.len()).any(|bytes| bytes == word.as_bytes());
        let words_of_the_index =
            ["xyzzyrecalled", "xyzzyedited"].map(|word| has(&format!("1:{word}")) || has(word));
        assert_eq!(words_of_the_index, [false, false], "gone from the file too");
    }

    #[test]
    fn what_is_taken_in_at_once_is_written_at_once() {
        let (_folder, store) = store();
        for n in 0..60 {
            say(&store, &n.to_string(), &format!("苹果 number{n}"));
        }
        assert_eq!(take_in(&store).messages, 60);
        let segments: i64 = store
            .read("count", |connection| {
                let sql = "SELECT count(DISTINCT segid) FROM message_words_idx";
                connection.query_row(sql, [], |row| row.get(0))
            })
            .unwrap();
        assert_eq!(segments, 1, "and not one for each message");
        assert_eq!(
            found(&store, "苹果"),
            (1..=60).rev().collect::<Vec<_>>(),
            "in their order, though of one time"
        );
    }

    #[test]
    fn what_a_user_hid_is_found_by_others_only() {
        let (_folder, store) = store();
        let seq = say(&store, "1", "藏起来");
        take_in(&store);
        let hide = |user: i64| {
            let sql =
                "INSERT INTO hidden_messages (user_id, position, conversation_id, seq) VALUES (?1, 1, 1, ?2)";
            store.write("hide", |connection| connection.execute(sql, params![user, seq.0 as i64])).unwrap();
        };
        hide(1);
        assert_eq!(found(&store, "藏"), [seq.0], "by the other");
        hide(2);
        assert_eq!(found(&store, "藏"), [0; 0]);
    }

    #[test]
    fn words_come_and_go() {
        let (_folder, store) = store();
        let seq = say(&store, "1", "😀");
        take_in(&store);
        for (text, count) in [("葡萄", 1), ("…", 0), ("", 0), ("葡萄葡萄", 1), ("葡萄", 1), ("苹果", 0)]
        {
            change(&store, seq, text);
            assert_eq!(found(&store, "葡萄").len(), count, "{text:?}");
            assert_eq!(entries(&store, "葡萄"), count as i64, "{text:?}");
            is_sound(&store);
        }
    }

    #[test]
    fn what_two_texts_have_both_stays() {
        let (_folder, store) = store();
        let seq = say(&store, "1", "one two");
        take_in(&store);
        let count = |words: [&str; 4]| words.map(|word| entries(&store, word));
        for (text, expected) in [
            ("two three", [0, 1, 1, 1]),
            ("two three one", [1, 1, 1, 1]),
            ("three", [0, 0, 1, 1]),
            ("three!", [0, 0, 1, 1]),
            ("", [0, 0, 0, 0]),
            ("one", [1, 0, 0, 1]),
        ] {
            change(&store, seq, text);
            assert_eq!(count(["one", "two", "three", "@1"]), expected, "{text:?}");
            is_sound(&store);
        }
    }

    /// However long texts are, a transaction writes a limited part of them.
    #[test]
    fn texts_that_are_long_in_any_way_are_taken_in_by_portions() {
        let (_folder, store) = store();
        for n in 0..50 {
            say(&store, &format!("l{n}"), &"\u{fdfa} ".repeat(16_383));
        }
        for n in 0..50 {
            say(
                &store,
                &format!("w{n}"),
                &(0..1_500).map(|word| format!("w{word}x{n} ")).collect::<String>(),
            );
        }
        let mut taken_in = Vec::new();
        while taken_in.iter().sum::<u32>() < 100 {
            let indexed = take_in(&store);
            assert!((1..50).contains(&indexed.messages), "{taken_in:?}");
            taken_in.push(indexed.messages);
            assert_eq!(indexed.unfinished.is_empty(), taken_in.iter().sum::<u32>() == 100);
        }
        assert_eq!((found(&store, "w7x49"), found(&store, "w7x0")), (vec![100], vec![51]));
    }

    #[test]
    fn a_message_that_changes_before_it_is_taken_in_is_taken_in_as_it_is_then() {
        let (_folder, store) = store();
        let seq = say(&store, "1", "旧的");
        change(&store, seq, "新的");
        assert_eq!(found(&store, "新的"), [0; 0]);
        take_in(&store);
        assert_eq!((found(&store, "新的"), entries(&store, "旧的")), (vec![1], 0));
    }

    #[test]
    fn what_changes_while_it_is_taken_in_is_left_for_the_next_time() {
        let (_folder, store) = store();
        let seq = say(&store, "1", "旧的");
        let (portions, _, _) =
            store.read("read", |connection| portions(connection, &[CONVERSATION], 10)).unwrap();
        change(&store, seq, "新的");
        let late = store.write("advance", |connection| advance(connection, &portions[0])).unwrap();
        assert_eq!(late, Some(CONVERSATION));
        assert_eq!(take_in(&store).messages, 1);
        assert_eq!((found(&store, "新的"), entries(&store, "旧的")), (vec![1], 0));
    }
}
