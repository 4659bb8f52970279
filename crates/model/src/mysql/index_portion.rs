//! A portion of messages that are taken into the index of words.
//!
//! Texts are read and cut before the transaction that writes their words, so that it does nothing but write: nobody waits for its
//! locks while a text is cut, and the database does not take it for one that was left alone.
//!
//! **A text that changes in between is not taken in.** Whoever changes a text holds the conversation's row of
//! `indexed_conversations` from before the change until it is committed, and so does the transaction here. A change that was
//! committed before that row was locked stands in `message_changes` with a position beyond the `last_change` that was read before
//! the texts were, which is asked for under the lock: its conversation is left for the next time. A change that comes later finds
//! what was taken in, by the text that it changes, and takes it out.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ::mysql::Value;
use domain::{ConversationId, INDEXED_BYTES_AT_ONCE, IndexRoom, Indexed, Seq, StoreResult};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, portion, repeated};
use super::word_index::{Row, insert, lock, rows_of};

/// Conversations that one statement is about; a power of two.
const TAKEN_AT_ONCE: usize = 128;

/// Bytes of a text that is read together with all others. Longer ones are read by themselves, and only as many as there is room for.
const SHORT_BYTES: usize = 4 * 1024;

/// Longer texts that one statement reads.
const LONG_AT_ONCE: usize = 16;

/// What was read of some conversations, each by rising id.
#[derive(Default)]
struct Portion {
    reached: Vec<Reached>,
    /// In the order of the primary key, in which they will lie.
    rows: Vec<Row>,
    indexed: Indexed,
}

/// How far the index has a conversation, and how far it will have it.
#[derive(Clone, Copy)]
struct Reached {
    conversation: ConversationId,
    from: u64,
    to: u64,
    /// The conversation's newest message and its newest change before anything else was read of it.
    last: u64,
    last_change: u64,
}

/// A message that is not in the index.
struct Said {
    conversation: ConversationId,
    seq: u64,
    sender: u64,
    time: u64,
    kind: u8,
    bytes: u64,
    /// `None` if it is long and was not read yet.
    body: Option<String>,
}

impl MySqlStore {
    pub(super) fn take_in(&self, conversations: &[ConversationId], limit: u32) -> StoreResult<Indexed> {
        let read = |connection: &mut Connection| Portion::read(connection, conversations, limit);
        let mut read = self.read("read what is not indexed", read)?;
        let mut unfinished = std::mem::take(&mut read.indexed.unfinished);
        if !read.reached.is_empty() {
            unfinished.extend(self.transact("index messages", |tx| read.write(tx))?);
            unfinished.sort_unstable();
            unfinished.dedup();
        }
        Ok(Indexed { unfinished, ..read.indexed })
    }
}

impl Portion {
    /// Reads what these conversations have beyond the index, at most `limit` messages and as many as there is room for, by rising
    /// id of the conversation, and cuts it. In no transaction: each statement sees what was committed before it.
    fn read(
        connection: &mut Connection,
        conversations: &[ConversationId],
        limit: u32,
    ) -> Result<Portion, Fault> {
        let (mut read, mut room) = (Portion::default(), IndexRoom::new(limit));
        let conversations: BTreeSet<ConversationId> = conversations.iter().copied().collect();
        let conversations: Vec<ConversationId> = conversations.into_iter().collect();
        for some in conversations.chunks(TAKEN_AT_ONCE) {
            let mut reached = lacking(connection, some)?;
            if room.messages() > 0 && !reached.is_empty() {
                let mut said = said(connection, &reached, room.messages())?;
                read_long(connection, &mut said)?;
                read.cut(&mut reached, said, &mut room);
            }
            let unfinished = reached.iter().filter(|reached| reached.to < reached.last);
            read.indexed.unfinished.extend(unfinished.map(|reached| reached.conversation));
            read.reached.extend(reached.iter().filter(|reached| reached.to > reached.from));
        }
        read.rows.sort_unstable();
        Ok(read)
    }

    fn cut(&mut self, reached: &mut [Reached], said: Vec<Said>, room: &mut IndexRoom) {
        let mut at = 0;
        for said in said {
            if room.messages() == 0 {
                break;
            }
            while at + 1 < reached.len() && reached[at].conversation < said.conversation {
                at += 1;
            }
            reached[at].to = said.seq;
            self.indexed.messages += 1;
            let Said { conversation, seq, sender, time, kind, body, .. } = said;
            let body = body.unwrap_or_default();
            let before = self.rows.len();
            self.rows.extend(rows_of(conversation, seq, sender, time, kind, &body));
            room.take(body.len(), self.rows.len() - before);
        }
    }

    /// Writes what was read, but for the conversations of which something changed since, or that another node took in. Which these
    /// are. Runs in a transaction; may run again after it was rolled back.
    fn write(&self, tx: &mut Connection) -> Result<BTreeSet<ConversationId>, Fault> {
        let mut stale = BTreeSet::new();
        let mut rest = self.reached.as_slice();
        // In one order by everybody: so nobody waits in a circle.
        while !rest.is_empty() {
            let (some, later) = rest.split_at(portion(rest.len(), TAKEN_AT_ONCE));
            rest = later;
            let conversations: Vec<ConversationId> =
                some.iter().map(|reached| reached.conversation).collect();
            let stands = lock(tx, &conversations)?;
            let elsewhere =
                some.iter().filter(|reached| !stands.contains(&(reached.conversation, Seq(reached.from))));
            stale.extend(elsewhere.map(|reached| reached.conversation));
            stale.extend(changed(tx, some)?);
        }
        let standing: Vec<Reached> =
            self.reached.iter().filter(|reached| !stale.contains(&reached.conversation)).copied().collect();
        let is_standing = |row: &&Row| !stale.contains(&row.conversation);
        let rows = match stale.is_empty() {
            true => Cow::Borrowed(self.rows.as_slice()),
            false => self.rows.iter().filter(is_standing).cloned().collect(),
        };
        advance(tx, &standing)?;
        insert(tx, &rows)?;
        Ok(stale)
    }
}

/// Those of some conversations of which the index lacks something.
fn lacking(connection: &mut Connection, conversations: &[ConversationId]) -> Result<Vec<Reached>, Fault> {
    let mut params = Vec::new();
    let length =
        padded(conversations, &mut params, |conversation, params| params.push(conversation.0.into()));
    let sql = format!(
        "SELECT c.id, COALESCE(i.seq, 0), c.last_seq, c.last_change FROM conversations c \
         LEFT JOIN indexed_conversations i ON i.conversation_id = c.id \
         WHERE c.id IN ({}) AND c.last_seq > COALESCE(i.seq, 0) ORDER BY c.id",
        repeated("?", length),
    );
    let mut lacking = Vec::new();
    connection.each(&sql, params, |(conversation, from, last, last_change)| {
        let conversation = ConversationId(conversation);
        lacking.push(Reached { conversation, from, to: from, last, last_change });
    })?;
    Ok(lacking)
}

/// The first messages beyond the index, at most so many and as many as their texts allow, with the texts that are short. One at
/// least.
fn said(connection: &mut Connection, reached: &[Reached], limit: u32) -> Result<Vec<Said>, Fault> {
    let mut params = Vec::new();
    let length = padded(reached, &mut params, |reached, params| {
        params.extend([reached.conversation.0.into(), reached.from.into()]);
    });
    params.push(limit.into());
    let sql = format!(
        "SELECT conversation_id, seq, sender_id, time, kind, LENGTH(body), IF(LENGTH(body) <= {SHORT_BYTES}, body, NULL) \
         FROM messages WHERE {} ORDER BY conversation_id, seq LIMIT ?",
        vec!["(conversation_id = ? AND seq > ?)"; length].join(" OR "),
    );
    let (mut said, mut bytes_before) = (Vec::new(), 0);
    connection.each(&sql, params, |(conversation, seq, sender, time, kind, bytes, body)| {
        if bytes_before < INDEXED_BYTES_AT_ONCE as u64 {
            bytes_before += bytes;
            said.push(Said {
                conversation: ConversationId(conversation),
                seq,
                sender,
                time,
                kind,
                bytes,
                body,
            });
        }
    })?;
    Ok(said)
}

/// Reads the texts that are long.
fn read_long(connection: &mut Connection, said: &mut [Said]) -> Result<(), Fault> {
    let long = |said: &Said| said.bytes > SHORT_BYTES as u64;
    let mut long: Vec<&mut Said> = said.iter_mut().filter(|said| long(said)).collect();
    for some in long.chunks_mut(LONG_AT_ONCE) {
        let mut params = Vec::new();
        let length = padded(some, &mut params, |said, params| {
            params.extend([said.conversation.0.into(), said.seq.into()]);
        });
        let sql = format!(
            "SELECT conversation_id, seq, body FROM messages WHERE {}",
            vec!["(conversation_id = ? AND seq = ?)"; length].join(" OR "),
        );
        connection.each(&sql, params, |(conversation, seq, body): (u64, u64, String)| {
            let is_it = |said: &&mut &mut Said| said.conversation.0 == conversation && said.seq == seq;
            if let Some(said) = some.iter_mut().find(is_it) {
                said.body = Some(body);
            }
        })?;
    }
    Ok(())
}

/// The conversations in which one of the messages that were read changed since. To be asked with their rows of
/// `indexed_conversations` locked.
fn changed(tx: &mut Connection, some: &[Reached]) -> Result<Vec<ConversationId>, Fault> {
    let params: Vec<Value> = some
        .iter()
        .flat_map(|Reached { conversation, from, to, last_change, .. }| {
            [conversation.0.into(), (*last_change).into(), (*from).into(), (*to).into()]
        })
        .collect();
    let sql = format!(
        "SELECT conversation_id FROM message_changes WHERE {}",
        vec!["(conversation_id = ? AND position > ? AND seq > ? AND seq <= ?)"; some.len()].join(" OR "),
    );
    let mut changed = Vec::new();
    tx.each(&sql, params, |conversation| changed.push(ConversationId(conversation)))?;
    Ok(changed)
}

/// Writes down how far the index has them.
fn advance(tx: &mut Connection, mut reached: &[Reached]) -> Result<(), Fault> {
    while !reached.is_empty() {
        let (some, rest) = reached.split_at(portion(reached.len(), TAKEN_AT_ONCE));
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
        reached = rest;
    }
    Ok(())
}
