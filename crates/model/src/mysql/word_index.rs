//! The index of words: what it has of a message, and what a change makes of that.
//!
//! Whoever writes words of a conversation holds its row of `indexed_conversations`, so that a message is never taken in with
//! a text that is being taken out. That row is locked after the conversation's, or without it.

use std::collections::BTreeSet;

use ::mysql::Value;
use domain::{ConversationId, MessageKind, Seq, StoredMessage, Unindexed, UserId, words};

use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, portion, repeated};

/// Rows that one statement inserts; a power of two.
const INSERTED_AT_ONCE: usize = 512;
/// Words that one statement removes.
const REMOVED_AT_ONCE: usize = 128;

/// A word of a message; in the order of the primary key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) conversation: ConversationId,
    word: String,
    time: u64,
    seq: u64,
}

/// What stands in the index for who said something.
pub(super) fn sender_word(sender: UserId) -> String {
    format!("@{sender}")
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

/// Has the index know a message by its new text, if it has it. To be called in the transaction that changes the text, with its
/// conversation's row locked. Words that both texts have stay.
pub(super) fn exchange(tx: &mut Connection, old: &StoredMessage, new: &StoredMessage) -> Result<(), Fault> {
    let has_it = lock(tx, &[old.conversation])?.iter().any(|(_, indexed)| *indexed >= old.seq);
    if !has_it {
        return Ok(());
    }
    let [old, new] = [old, new].map(|message| {
        let StoredMessage { conversation, seq, sender, time, kind, ref body, .. } = *message;
        rows_of(conversation, seq.0, sender.0, time.0, kind as u8, body).collect::<BTreeSet<Row>>()
    });
    remove(tx, &old.difference(&new).collect::<Vec<_>>())?;
    insert(tx, &new.difference(&old).cloned().collect::<Vec<_>>())
}

/// Removes words of one message.
fn remove(tx: &mut Connection, rows: &[&Row]) -> Result<(), Fault> {
    for some in rows.chunks(REMOVED_AT_ONCE) {
        let Row { conversation, time, seq, .. } = some[0];
        let mut params: Vec<Value> = vec![conversation.0.into()];
        let length = padded(some, &mut params, |row, params| params.push(row.word.as_bytes().into()));
        params.extend([Value::from(*time), (*seq).into()]);
        let sql = format!(
            "DELETE FROM message_words WHERE conversation_id = ? AND word IN ({}) AND time = ? AND seq = ?",
            repeated("?", length),
        );
        tx.execute(&sql, params)?;
    }
    Ok(())
}

/// How far the index has these conversations; as many as a power of two. Nobody else writes their words until this transaction
/// ends.
pub(super) fn lock(
    tx: &mut Connection,
    conversations: &[ConversationId],
) -> Result<Vec<(ConversationId, Seq)>, Fault> {
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
    let mut indexed = Vec::with_capacity(conversations.len());
    tx.each(&sql, params, |(conversation, seq)| indexed.push((ConversationId(conversation), Seq(seq))))?;
    Ok(indexed)
}

/// What the index is to have of a message.
pub(super) fn rows_of(
    conversation: ConversationId,
    seq: u64,
    sender: u64,
    time: u64,
    kind: u8,
    body: &str,
) -> impl Iterator<Item = Row> {
    let is_text = MessageKind::from_number(kind) == Some(MessageKind::Text);
    let words = if is_text { words(body) } else { BTreeSet::new() };
    // What has no words is found by nobody, whoever said it.
    let sender = (!words.is_empty()).then(|| sender_word(UserId(sender)));
    words.into_iter().chain(sender).map(move |word| Row { conversation, word, time, seq })
}

/// Puts words in, which are best in their order.
pub(super) fn insert(tx: &mut Connection, mut rows: &[Row]) -> Result<(), Fault> {
    while !rows.is_empty() {
        let (some, rest) = rows.split_at(portion(rows.len(), INSERTED_AT_ONCE));
        let params: Vec<Value> = some
            .iter()
            .flat_map(|Row { conversation, word, time, seq }| -> [Value; 4] {
                [conversation.0.into(), word.as_bytes().into(), (*time).into(), (*seq).into()]
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
