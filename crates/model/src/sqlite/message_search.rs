//! Searching messages by the index of words.

use std::cmp::Reverse;
use std::fmt::Write as _;

use domain::{
    COMPARED_BYTES_MAX, ConversationId, FoundMessages, FoundPlace, Indexed, MessageSearch, SearchStore, Seq,
    StoreResult, StoredMessage, Timestamp, Unindexed, UserId,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::number::{number, sql};
use super::page::message;
use super::word_index::{first_id, sender_word, term, time};

/// Conversations that the index is asked for at once.
const CONVERSATIONS_AT_ONCE: usize = 32;

/// A message cannot have been taken longer than this before its reader joined, by any clock.
const JOINED_MARGIN_MS: u64 = 3_600_000;

/// A conversation of the searcher's.
struct Searched {
    id: ConversationId,
    /// The last seq that they may not read.
    since: Seq,
    /// Nothing older than this concerns them.
    from: u64,
    last_time: u64,
}

/// An entry of the index, newest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    id: i64,
    conversation: ConversationId,
    seq: Seq,
}

/// Numbers of entries: from the least on, below the other.
#[derive(Clone, Copy)]
struct Range {
    least: i64,
    below: i64,
}

impl SearchStore for SqliteStore {
    fn search_messages(
        &self,
        user: UserId,
        search: &MessageSearch<'_>,
        limit: u32,
    ) -> StoreResult<Option<FoundMessages>> {
        self.read("search messages", |connection| {
            let conversations = conversations(connection, user, search.conversation)?;
            if search.conversation.is_some() && conversations.is_empty() {
                return Ok(None);
            }
            let mut entries = entries(connection, &conversations, search, limit as usize + 1)?;
            let is_whole = entries.len() <= limit as usize;
            entries.truncate(limit as usize);
            let (mut messages, mut looked_at, mut compared) = (Vec::with_capacity(entries.len()), 0, 0);
            for entry in &entries {
                if compared >= COMPARED_BYTES_MAX {
                    break;
                }
                looked_at += 1;
                let Some(message) = shown(connection, user, entry.conversation, entry.seq)? else { continue };
                compared += message.body.len();
                if search.query.fits(&message.body) {
                    messages.push(message);
                }
            }
            let is_whole = is_whole && looked_at == entries.len();
            let next = entries[..looked_at].last().filter(|_| !is_whole).map(|last| FoundPlace {
                time: Timestamp(time(last.id)),
                conversation: last.conversation,
                seq: last.seq,
            });
            Ok(Some(FoundMessages { messages, next }))
        })
    }

    fn index_messages(&self, conversations: &[ConversationId], limit: u32) -> StoreResult<Indexed> {
        self.take_in(conversations, limit)
    }

    fn unindexed(&self, after: ConversationId, limit: u32) -> StoreResult<Unindexed> {
        self.list_unindexed(after, limit)
    }
}

/// The conversations that the user may search, those where something was said lately first.
fn conversations(
    connection: &Connection,
    user: UserId,
    only: Option<ConversationId>,
) -> rusqlite::Result<Vec<Searched>> {
    const ALL: &str = "
        SELECT c.id, 0, 0, c.last_time FROM direct_conversations d JOIN conversations c ON c.id = d.conversation_id
        WHERE d.user_lo = ?1 AND c.last_seq > 0
        UNION ALL
        SELECT c.id, 0, 0, c.last_time FROM direct_conversations d JOIN conversations c ON c.id = d.conversation_id
        WHERE d.user_hi = ?1 AND c.last_seq > 0
        UNION ALL
        SELECT c.id, m.since_seq, m.joined_at, c.last_time FROM group_members m JOIN conversations c ON c.id = m.group_id
        WHERE m.user_id = ?1 AND c.last_seq > m.since_seq";
    const ONE: &str = "
        SELECT c.id, 0, 0, c.last_time FROM direct_conversations d JOIN conversations c ON c.id = d.conversation_id
        WHERE d.conversation_id = ?2 AND (d.user_lo = ?1 OR d.user_hi = ?1)
        UNION ALL
        SELECT c.id, m.since_seq, m.joined_at, c.last_time FROM group_members m JOIN conversations c ON c.id = m.group_id
        WHERE m.group_id = ?2 AND m.user_id = ?1";
    let row = |row: &rusqlite::Row<'_>| {
        let since = Seq(number(row, 1)?);
        let from = if since == Seq(0) { 0 } else { number(row, 2)?.saturating_sub(JOINED_MARGIN_MS) };
        Ok(Searched { id: ConversationId(number(row, 0)?), since, from, last_time: number(row, 3)? })
    };
    let mut found: Vec<Searched> = match only {
        Some(id) => connection
            .prepare_cached(ONE)?
            .query_map([sql(user.0), sql(id.0)], row)?
            .collect::<Result<_, _>>()?,
        None => connection.prepare_cached(ALL)?.query_map([sql(user.0)], row)?.collect::<Result<_, _>>()?,
    };
    found.sort_unstable_by_key(|searched| Reverse(searched.last_time));
    Ok(found)
}

/// The newest entries, at most `wanted`, newest first.
fn entries(
    connection: &Connection,
    conversations: &[Searched],
    search: &MessageSearch<'_>,
    wanted: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let below = below(connection, conversations, search)?;
    let least = first_id(search.since.0);
    let mut entries: Vec<Entry> = Vec::new();
    let mut left = conversations;
    while let Some(first) = left.first() {
        // What is left was said before what is found.
        let newest_wanted = entries.get(wanted - 1).map_or(0, |last| last.id);
        if entries.len() >= wanted && first_id(first.last_time.saturating_add(1)) <= newest_wanted {
            break;
        }
        let (some, rest) = left.split_at(left.len().min(CONVERSATIONS_AT_ONCE));
        let range = Range { least: least.max(newest_wanted), below };
        if !read(connection, some, search, range, wanted, &mut entries)? {
            // What was said before the user came to a group took the place of what they may read: of each such group another
            // part is read, by itself.
            for part in some.chunk_by(|one, next| one.from == 0 && next.from == 0) {
                read(connection, part, search, range, wanted, &mut entries)?;
            }
        }
        entries.sort_unstable_by_key(|entry| Reverse(*entry));
        entries.truncate(wanted);
        left = rest;
    }
    Ok(entries)
}

/// Adds the newest entries of these conversations, at most `wanted`, that the searcher may read; false, and none, if others stood
/// in their way.
fn read(
    connection: &Connection,
    conversations: &[Searched],
    search: &MessageSearch<'_>,
    Range { least, below }: Range,
    wanted: usize,
    entries: &mut Vec<Entry>,
) -> rusqlite::Result<bool> {
    let from = conversations.iter().map(|searched| first_id(searched.from)).min().unwrap_or(0);
    let mut statement = connection.prepare_cached(
        "SELECT i.id, i.conversation_id, i.seq FROM message_words JOIN indexed_messages i ON i.id = message_words.rowid
         WHERE message_words MATCH ?1 AND message_words.rowid < ?2 AND message_words.rowid >= ?3
         ORDER BY message_words.rowid DESC LIMIT ?4",
    )?;
    let mut rows =
        statement.query(params![expression(conversations, search), below, least.max(from), wanted as i64])?;
    let (had, mut count) = (entries.len(), 0);
    while let Some(row) = rows.next()? {
        let entry = Entry {
            id: row.get(0)?,
            conversation: ConversationId(number(row, 1)?),
            seq: Seq(number(row, 2)?),
        };
        count += 1;
        let may_be_read =
            |searched: &Searched| searched.id == entry.conversation && entry.seq > searched.since;
        if conversations.iter().any(may_be_read) {
            entries.push(entry);
        }
    }
    let is_whole = count < wanted || entries.len() - had == count;
    if !is_whole && conversations.len() > 1 {
        entries.truncate(had);
        return Ok(false);
    }
    Ok(true)
}

/// What the index is asked: all words, in any of the conversations.
fn expression(conversations: &[Searched], search: &MessageSearch<'_>) -> String {
    let sender = search.sender.map(sender_word);
    let mut expression = String::new();
    for searched in conversations {
        expression.push_str(if expression.is_empty() { "(" } else { " OR (" });
        let words = search.query.asked().iter().map(String::as_str).chain(sender.as_deref());
        for (place, word) in words.enumerate() {
            let and = if place == 0 { "" } else { " AND " };
            // Words have letters and digits only, so there is nothing to escape. Writing into a string does not fail.
            let _ = write!(expression, "{and}\"{}\"", term(searched.id, word));
        }
        expression.push(')');
    }
    expression
}

/// The number that all entries of this part are below.
///
/// The place that the searcher names is looked up only where they may read, and counts only at the time that they name: nothing
/// else is told by a made-up one, neither that there is a message nor when it was said.
fn below(
    connection: &Connection,
    conversations: &[Searched],
    search: &MessageSearch<'_>,
) -> rusqlite::Result<i64> {
    let until = first_id(search.until.0.saturating_add(1));
    let Some(before) = search.before else { return Ok(until) };
    let first = first_id(before.time.0);
    let may_be_read = |searched: &Searched| searched.id == before.conversation && before.seq > searched.since;
    if !conversations.iter().any(may_be_read) {
        return Ok(until.min(first));
    }
    let place: Option<i64> = connection
        .prepare_cached("SELECT id FROM indexed_messages WHERE conversation_id = ?1 AND seq = ?2")?
        .query_row([sql(before.conversation.0), sql(before.seq.0)], |row| row.get(0))
        .optional()?;
    let of_that_time = |id: &i64| first_id(time(*id)) == first;
    Ok(until.min(place.filter(of_that_time).unwrap_or(first)))
}

/// A message as the user is shown it; `None` if they are not.
fn shown(
    connection: &Connection,
    user: UserId,
    conversation: ConversationId,
    seq: Seq,
) -> rusqlite::Result<Option<StoredMessage>> {
    connection
        .prepare_cached(
            "SELECT seq, sender_id, client_msg_id, time, kind, body, edited_at, recalled_at, recalled_by, reply_to, mentions
             FROM messages m
             WHERE conversation_id = ?1 AND seq = ?2 AND NOT EXISTS (
                 SELECT 1 FROM hidden_messages h
                 WHERE h.user_id = ?3 AND h.conversation_id = m.conversation_id AND h.seq = m.seq)",
        )?
        .query_row([sql(conversation.0), sql(seq.0), sql(user.0)], |row| message(conversation, row))
        .optional()
}
