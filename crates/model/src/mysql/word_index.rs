//! The index of words: taking messages in, and out again.
//!
//! Whoever writes words of a conversation holds its row of `indexed_conversations`, so that a message is never taken in with
//! a text that is being taken out. That row is locked after the conversation's, or without it.

use ::mysql::Value;
use domain::{ConversationId, Indexed, MessageKind, Seq, Unindexed, UserId, words};

use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, portion, repeated};

/// Conversations that one statement is about; a power of two.
const TAKEN_AT_ONCE: usize = 64;
/// Rows that one statement inserts; a power of two.
const INSERTED_AT_ONCE: usize = 512;
/// Words that one statement removes.
const REMOVED_AT_ONCE: usize = 128;

/// A word of a message.
type Row = (u64, String, u64, u64);

/// A message's conversation, seq, sender, time, kind and body.
type Said = (u64, u64, u64, u64, u8, String);

/// What stands in the index for who said something.
pub(super) fn sender_word(sender: UserId) -> String {
    format!("@{sender}")
}

/// Takes messages in. Runs in a transaction; may run again after it was rolled back.
pub(super) fn take_in(
    tx: &mut Connection,
    conversations: &[ConversationId],
    limit: u32,
) -> Result<Indexed, Fault> {
    let mut conversations = conversations.to_vec();
    // In one order by everybody: so nobody waits in a circle.
    conversations.sort_unstable();
    conversations.dedup();
    let (mut indexed, mut rows) = (Indexed::default(), Vec::new());
    let mut rest = conversations.as_slice();
    while !rest.is_empty() {
        let left = limit - indexed.messages;
        if left == 0 {
            indexed.unfinished.extend(rest);
            break;
        }
        let (some, later) = rest.split_at(portion(rest.len(), TAKEN_AT_ONCE));
        rest = later;
        let mut reached = lock(tx, some)?;
        let count = read(tx, &mut reached, left, &mut rows)?;
        indexed.messages += count;
        if count == left {
            indexed.unfinished.extend(unfinished(tx, &reached)?);
        }
        advance(tx, &reached)?;
    }
    insert(tx, rows)?;
    Ok(indexed)
}

/// How far the index has a conversation, and how far it will have it.
#[derive(Clone, Copy)]
struct Reached {
    conversation: ConversationId,
    from: u64,
    to: u64,
}

/// Reads what these conversations have beyond the index, at most `limit` messages in the order of the conversations, and how
/// far that is. How many messages it is.
fn read(tx: &mut Connection, reached: &mut [Reached], limit: u32, rows: &mut Vec<Row>) -> Result<u32, Fault> {
    let sql = format!(
        "SELECT conversation_id, seq, sender_id, time, kind, body FROM messages WHERE {} \
         ORDER BY conversation_id, seq LIMIT ?",
        vec!["(conversation_id = ? AND seq > ?)"; reached.len()].join(" OR "),
    );
    let bounds = reached.iter().flat_map(|reached| [reached.conversation.0.into(), reached.from.into()]);
    let params: Vec<Value> = bounds.chain([limit.into()]).collect();
    let (mut count, mut at) = (0, 0);
    tx.each(&sql, params, |(conversation, seq, sender, time, kind, body): Said| {
        while at + 1 < reached.len() && reached[at].conversation.0 < conversation {
            at += 1;
        }
        reached[at].to = seq;
        count += 1;
        rows.extend(rows_of(reached[at].conversation, seq, sender, time, kind, &body));
    })?;
    Ok(count)
}

/// Those of which more may be there than was read, where the reading ended by its limit.
fn unfinished(tx: &mut Connection, reached: &[Reached]) -> Result<Vec<ConversationId>, Fault> {
    let last = reached.iter().rposition(|reached| reached.to > reached.from).unwrap_or(0);
    let mut unfinished: Vec<_> = reached[last + 1..].iter().map(|reached| reached.conversation).collect();
    let Reached { conversation, to, .. } = reached[last];
    let sql = "SELECT last_seq FROM conversations WHERE id = ?";
    if tx.row::<u64>(sql, (conversation.0,))?.is_some_and(|last| last > to) {
        unfinished.push(conversation);
    }
    Ok(unfinished)
}

/// Writes down how far the index has them.
fn advance(tx: &mut Connection, reached: &[Reached]) -> Result<(), Fault> {
    let moved: Vec<&Reached> = reached.iter().filter(|reached| reached.to > reached.from).collect();
    let mut moved = moved.as_slice();
    while !moved.is_empty() {
        let (some, rest) = moved.split_at(portion(moved.len(), TAKEN_AT_ONCE));
        let params: Vec<Value> = some
            .iter()
            .flat_map(|reached| [Value::from(reached.conversation.0), reached.to.into()])
            .collect();
        // All of them are there: they are locked.
        let sql = format!(
            "INSERT INTO indexed_conversations (conversation_id, seq) VALUES {} ON DUPLICATE KEY UPDATE seq = VALUES(seq)",
            repeated("(?, ?)", some.len()),
        );
        tx.execute(&sql, params)?;
        moved = rest;
    }
    Ok(())
}

/// Conversations of which the index lacks something.
pub(super) fn unindexed(
    connection: &mut Connection,
    after: ConversationId,
    limit: u32,
) -> Result<Unindexed, Fault> {
    let sql = "SELECT c.id, c.last_seq > COALESCE(i.seq, 0) FROM conversations c \
               LEFT JOIN indexed_conversations i ON i.conversation_id = c.id WHERE c.id > ? ORDER BY c.id LIMIT ?";
    let rows: Vec<(u64, bool)> = connection.rows(sql, (after.0, limit))?;
    let next = rows.last().filter(|_| rows.len() == limit as usize).map(|(id, _)| ConversationId(*id));
    let conversations = rows.iter().filter(|(_, lacks)| *lacks).map(|(id, _)| ConversationId(*id)).collect();
    Ok(Unindexed { conversations, next })
}

/// Takes a message's words out of the index. To be called in the transaction that changes the message's text, with its
/// conversation's row locked, and before it does.
pub(super) fn unindex(tx: &mut Connection, conversation: ConversationId, seq: Seq) -> Result<(), Fault> {
    let rows = entry(tx, conversation, seq)?;
    for some in rows.chunks(REMOVED_AT_ONCE) {
        let (_, _, time, seq) = some[0];
        let mut params: Vec<Value> = vec![conversation.0.into()];
        let length = padded(some, &mut params, |(_, word, ..), params| params.push(word.as_bytes().into()));
        params.extend([time.into(), seq.into()]);
        let sql = format!(
            "DELETE FROM message_words WHERE conversation_id = ? AND word IN ({}) AND time = ? AND seq = ?",
            repeated("?", length),
        );
        tx.execute(&sql, params)?;
    }
    Ok(())
}

/// Takes the words of a message's new text in, where the index had the old one. To be called in the same transaction, after
/// the text was changed.
pub(super) fn reindex(tx: &mut Connection, conversation: ConversationId, seq: Seq) -> Result<(), Fault> {
    let rows = entry(tx, conversation, seq)?;
    insert(tx, rows)
}

/// What the index has of a message, by its text now; nothing if it does not have it yet.
fn entry(tx: &mut Connection, conversation: ConversationId, seq: Seq) -> Result<Vec<Row>, Fault> {
    let has_it = lock(tx, &[conversation])?.iter().any(|reached| reached.from >= seq.0);
    if !has_it {
        return Ok(Vec::new());
    }
    let sql = "SELECT sender_id, time, kind, body FROM messages WHERE conversation_id = ? AND seq = ?";
    let row: Option<(u64, u64, u8, String)> = tx.row(sql, (conversation.0, seq.0))?;
    Ok(row.map_or_else(Vec::new, |(sender, time, kind, body)| {
        rows_of(conversation, seq.0, sender, time, kind, &body)
    }))
}

/// How far the index has these conversations, in their order; as many as a power of two. Nobody else writes their words until
/// this transaction ends.
fn lock(tx: &mut Connection, conversations: &[ConversationId]) -> Result<Vec<Reached>, Fault> {
    let params: Vec<Value> = conversations.iter().map(|conversation| conversation.0.into()).collect();
    let sql = format!(
        "INSERT INTO indexed_conversations (conversation_id, seq) VALUES {} ON DUPLICATE KEY UPDATE seq = seq",
        repeated("(?, 0)", conversations.len()),
    );
    tx.execute(&sql, params.clone())?;
    let sql = format!(
        "SELECT conversation_id, seq FROM indexed_conversations WHERE conversation_id IN ({}) ORDER BY conversation_id",
        repeated("?", conversations.len()),
    );
    let mut reached = Vec::with_capacity(conversations.len());
    tx.each(&sql, params, |(conversation, seq)| {
        reached.push(Reached { conversation: ConversationId(conversation), from: seq, to: seq });
    })?;
    Ok(reached)
}

fn rows_of(conversation: ConversationId, seq: u64, sender: u64, time: u64, kind: u8, body: &str) -> Vec<Row> {
    if MessageKind::from_number(kind) != Some(MessageKind::Text) {
        return Vec::new();
    }
    let words = words(body);
    // What has no words is found by nobody, whoever said it.
    let sender = (!words.is_empty()).then(|| sender_word(UserId(sender)));
    words.into_iter().chain(sender).map(|word| (conversation.0, word, time, seq)).collect()
}

fn insert(tx: &mut Connection, mut rows: Vec<Row>) -> Result<(), Fault> {
    // In the order of the primary key, in which they will lie.
    rows.sort_unstable();
    let mut rows = rows.as_slice();
    while !rows.is_empty() {
        let (some, rest) = rows.split_at(portion(rows.len(), INSERTED_AT_ONCE));
        let params: Vec<Value> = some
            .iter()
            .flat_map(|(conversation, word, time, seq)| -> [Value; 4] {
                [(*conversation).into(), word.as_bytes().into(), (*time).into(), (*seq).into()]
            })
            .collect();
        // What is there already is what would be written.
        let sql = format!(
            "INSERT INTO message_words (conversation_id, word, time, seq) VALUES {} ON DUPLICATE KEY UPDATE seq = VALUES(seq)",
            repeated("(?, ?, ?, ?)", some.len()),
        );
        tx.execute(&sql, params)?;
        rows = rest;
    }
    Ok(())
}
