//! Taking messages in.

use std::collections::HashSet;

use protocol::limits::QUOTE_CHARS_MAX;
use protocol::{Changed, ChatMessage, HistoryPage, Quote};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::sync::rewind;
use super::{Store, json, number, unreadable, unsigned, words};
use crate::event::Event;

/// Places for messages of the same millisecond.
const PLACES: i64 = 1024;

/// Messages of a conversation are held from behind this one on, at most: it was taken out.
pub(super) const HELD_AFTER: &str =
    "UPDATE conversations SET held_from = max(held_from, ?2 + 1) WHERE conversation_id = ?1";

/// Times beyond this would not fit; no server has such.
const TIME_MAX: i64 = 1 << 52;

impl Store {
    /// Writes what the events have to be kept, and how far that goes, in one transaction.
    ///
    /// # Errors
    /// Nothing is written then.
    pub fn take(&self, events: &[Event]) -> Result<(), StoreError> {
        let any = |event: &Event| {
            matches!(
                event,
                Event::Message { .. }
                    | Event::Changed(_)
                    | Event::Hidden(_)
                    | Event::Gap { .. }
                    | Event::Rewound { .. }
                    | Event::Restored
            )
        };
        if !events.iter().any(any) {
            return Ok(());
        }
        self.write(|db| {
            for event in events {
                match event {
                    Event::Message { message, .. } => take(db, message)?,
                    Event::Changed(changed) => change(db, changed.position, &changed.message)?,
                    Event::Hidden(hidden) => hide(db, hidden.conv, hidden.seq)?,
                    Event::Gap { conv, last, .. } => pass_over(db, *conv, *last)?,
                    Event::Rewound { conv, to } => rewind(db, *conv, *to)?,
                    Event::Restored => doubt_changes(db)?,
                    _ => {}
                }
            }
            Ok(())
        })
    }

    /// Puts the quotes into answers that are handed out. What is kept of a message that was recalled or hidden meanwhile goes
    /// before what its answer came with; and own answers come with nothing.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn quote_events(&self, events: &mut [Event]) -> Result<(), StoreError> {
        let mut answers: Vec<&mut ChatMessage> = events
            .iter_mut()
            .filter_map(|event| match event {
                Event::Message { message, .. } => Some(message),
                Event::Changed(changed) => Some(&mut changed.message),
                _ => None,
            })
            .filter(|message| message.reply_to != 0)
            .collect();
        if answers.is_empty() {
            return Ok(());
        }
        self.read(|db| {
            for message in &mut answers {
                if let Some(answered) = answered(db, message)? {
                    message.quote = quoted(answered);
                }
            }
            Ok(())
        })
    }

    /// Takes the texts out of changes of messages that the user hid: what is told live is the same for all readers.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn hide_changes(&self, events: &mut [Event]) -> Result<(), StoreError> {
        let mut hidden = HashSet::new();
        for event in events {
            match event {
                Event::Hidden(entry) => drop(hidden.insert((entry.conv, entry.seq))),
                Event::Changed(Changed { message, .. }) if !message.hidden => {
                    let kept = self.read(|db| find(db, message.conv, message.seq))?;
                    let is_kept_so = kept.is_some_and(|(_, kept)| kept.hidden);
                    if is_kept_so || hidden.contains(&(message.conv, message.seq)) {
                        message.hide();
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps a page of history that was read before `before`, if it is given.
    ///
    /// # Errors
    /// Nothing is written then.
    pub fn keep_page(&self, page: &HistoryPage, before: Option<u64>) -> Result<(), StoreError> {
        self.write(|db| {
            for message in &page.messages {
                keep(db, message)?;
            }
            let conv = number(page.conv);
            db.prepare_cached("UPDATE conversations SET first = ?2 WHERE conversation_id = ?1")?
                .execute(params![conv, number(page.first)])?;
            // What it adds to without a hole is held from there on.
            let oldest = page.messages.first().map_or(page.first, |oldest| oldest.seq);
            let end = page.messages.last().map(|newest| newest.seq + 1).or(before);
            if let Some(end) = end {
                db.prepare_cached(
                    "UPDATE conversations SET held_from = ?2
                     WHERE conversation_id = ?1 AND held_from > ?2 AND held_from <= ?3",
                )?
                .execute(params![conv, number(oldest), number(end)])?;
            }
            Ok(())
        })
    }
}

/// The next message of its conversation, with the cursor.
fn take(db: &Connection, message: &ChatMessage) -> rusqlite::Result<()> {
    keep(db, message)?;
    let (conv, seq) = (number(message.conv), number(message.seq));
    db.prepare_cached(
        "INSERT INTO conversations (conversation_id, cursor, held_from, shown) VALUES (?1, ?2, ?2, ?2 - 1)
         ON CONFLICT DO UPDATE SET
            -- What lies between is not this reader's, or was passed over.
            held_from = iif(cursor + 1 < ?2, ?2, held_from),
            shown = iif(shown = cursor AND cursor < ?2, ?2 - 1, shown),
            cursor = max(cursor, ?2)",
    )?
    .execute([conv, seq])?;
    db.prepare_cached("DELETE FROM outbox WHERE client_msg_id = ?1")?.execute([&message.client_msg_id])?;
    Ok(())
}

fn pass_over(db: &Connection, conv: u64, last: u64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE conversations SET cursor = ?2, held_from = ?2 + 1, shown = iif(shown = cursor, ?2, shown)
         WHERE conversation_id = ?1 AND cursor < ?2",
    )?
    .execute([number(conv), number(last)])?;
    Ok(())
}

/// A message is otherwise now. One that is not kept is not missed: whoever reads it from the server reads it so. One that is
/// hidden stays so.
fn change(db: &Connection, position: u64, message: &ChatMessage) -> rusqlite::Result<()> {
    let (conv, seq) = (number(message.conv), number(message.seq));
    let there = db
        .prepare_cached(
            "SELECT id, message FROM messages WHERE conversation_id = ?1 AND seq = ?2 AND change < ?3",
        )?
        .query_row([conv, seq, number(position)], |row| {
            Ok((row.get::<_, i64>(0)?, parse(1, row.get_ref(1)?.as_str()?)?))
        })
        .optional()?;
    if let Some((id, there)) = there {
        let mut message = message.clone();
        if there.hidden {
            message.hide();
        }
        db.prepare_cached("UPDATE messages SET change = ?2 WHERE id = ?1")?
            .execute(params![id, number(position)])?;
        rewrite(db, id, &message)?;
    }
    db.prepare_cached("UPDATE conversations SET changes = max(changes, ?2) WHERE conversation_id = ?1")?
        .execute([conv, number(position)])?;
    Ok(())
}

/// The user does not want to see a message any more. One that is not kept comes without its text.
fn hide(db: &Connection, conv: u64, seq: u64) -> rusqlite::Result<()> {
    if let Some((id, mut message)) = find(db, conv, seq)?
        && !message.hidden
    {
        message.hide();
        rewrite(db, id, &message)?;
    }
    Ok(())
}

fn find(db: &Connection, conv: u64, seq: u64) -> rusqlite::Result<Option<(i64, ChatMessage)>> {
    db.prepare_cached("SELECT id, message FROM messages WHERE conversation_id = ?1 AND seq = ?2")?
        .query_row([number(conv), number(seq)], |row| Ok((row.get(0)?, parse(1, row.get_ref(1)?.as_str()?)?)))
        .optional()
}

/// Writes a message in the place of what it was before, with its words.
fn rewrite(db: &Connection, id: i64, message: &ChatMessage) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE messages SET message = ?2 WHERE id = ?1")?
        .execute(params![id, written(message)?])?;
    db.prepare_cached("DELETE FROM message_words WHERE rowid = ?1")?.execute([id])?;
    keep_words(db, id, &message.msg)
}

/// The log was put back. What is kept as recalled or edited may be as it was before, and nothing tells of that: it is taken
/// out, and what stands before it is held no longer, so that history asks the server for it. The positions of changes are of
/// a log that is not there any more: all come again.
fn doubt_changes(db: &Connection) -> rusqlite::Result<()> {
    let doubted = db
        .prepare_cached(
            "SELECT id, conversation_id, seq FROM messages
             WHERE change > 0 OR message ->> '$.edited' > 0 OR message ->> '$.recalled' IS NOT NULL
                OR message ->> '$.hidden'",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<Vec<(i64, i64, i64)>>>()?;
    let mut held = db.prepare_cached(HELD_AFTER)?;
    for (id, conv, seq) in doubted {
        remove(db, id)?;
        held.execute([conv, seq])?;
    }
    db.execute("UPDATE messages SET change = 0 WHERE change > 0", [])?;
    db.execute("UPDATE conversations SET changes = 0 WHERE changes > 0", [])?;
    Ok(())
}

/// Keeps a message. The same one again changes nothing; another one in its place, after the server was put back, replaces it.
pub(super) fn keep(db: &Connection, message: &ChatMessage) -> rusqlite::Result<()> {
    let text = written(message)?;
    let (conv, seq) = (number(message.conv), number(message.seq));
    let there = db
        .prepare_cached("SELECT id, message FROM messages WHERE conversation_id = ?1 AND seq = ?2")?
        .query_row([conv, seq], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    match there {
        Some((_, there)) if there == text => return Ok(()),
        // Changed since, and this is how it was before.
        Some((_, there)) if is_older(message, &parse(1, &there)?) => return Ok(()),
        Some((id, _)) => remove(db, id)?,
        None => {}
    }
    let id = free_id(db, message.time)?;
    db.prepare_cached(
        "INSERT INTO messages (id, conversation_id, seq, sender_id, time, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![id, conv, seq, number(message.from), number(message.time), text])?;
    keep_words(db, id, &message.msg)
}

/// A message as it is written. Without the quote, which would outlive a recall of what it quotes: it is made when it is read.
fn written(message: &ChatMessage) -> rusqlite::Result<String> {
    match &message.quote {
        None => json(message),
        Some(_) => json(&ChatMessage { quote: None, ..message.clone() }),
    }
}

/// Whether a message is how it was before another state of it: it moves forward only.
fn is_older(message: &ChatMessage, there: &ChatMessage) -> bool {
    let same = (message.from, message.time) == (there.from, there.time)
        && message.client_msg_id == there.client_msg_id;
    let behind = |gone: bool, was_gone: bool| was_gone && !gone;
    same && (message.edited < there.edited
        || behind(message.recalled.is_some(), there.recalled.is_some())
        || behind(message.hidden, there.hidden))
}

fn keep_words(db: &Connection, id: i64, text: &str) -> rusqlite::Result<()> {
    let words = words::of_text(text);
    if !words.is_empty() {
        db.prepare_cached("INSERT INTO message_words (rowid, words) VALUES (?1, ?2)")?
            .execute(params![id, words])?;
    }
    Ok(())
}

/// Takes a message out, with its words.
pub(super) fn remove(db: &Connection, id: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM messages WHERE id = ?1")?.execute([id])?;
    db.prepare_cached("DELETE FROM message_words WHERE rowid = ?1")?.execute([id])?;
    Ok(())
}

/// A free id for a message of this time.
fn free_id(db: &Connection, time: u64) -> rusqlite::Result<i64> {
    let mut base = first_id(time);
    loop {
        let last: Option<i64> = db
            .prepare_cached("SELECT max(id) FROM messages WHERE id >= ?1 AND id < ?1 + ?2")?
            .query_row([base, PLACES], |row| row.get(0))?;
        match last {
            None => return Ok(base),
            Some(last) if last + 1 < base + PLACES => return Ok(last + 1),
            Some(_) => base += PLACES,
        }
    }
}

/// Messages of this time and later have this id or a greater one.
pub(super) fn first_id(time: u64) -> i64 {
    number(time).min(TIME_MAX) * PLACES
}

/// A message from its column.
pub(super) fn parse(column: usize, json: &str) -> rusqlite::Result<ChatMessage> {
    serde_json::from_str(json).map_err(|error| unreadable(column, error))
}

/// Puts the quotes into answers, from what is kept of the messages that they answer.
pub(super) fn quote(db: &Connection, messages: &mut [ChatMessage]) -> rusqlite::Result<()> {
    for message in messages.iter_mut().filter(|message| message.reply_to != 0) {
        message.quote = answered(db, message)?.and_then(quoted);
    }
    Ok(())
}

/// The message that this one answers, if it is kept.
fn answered(db: &Connection, message: &ChatMessage) -> rusqlite::Result<Option<ChatMessage>> {
    db.prepare_cached("SELECT message FROM messages WHERE conversation_id = ?1 AND seq = ?2")?
        .query_row([number(message.conv), number(message.reply_to)], |row| {
            parse(0, row.get_ref(0)?.as_str()?)
        })
        .optional()
}

/// What is quoted of a message: nothing once its text is gone.
fn quoted(answered: ChatMessage) -> Option<Quote> {
    let msg: String = answered.msg.chars().take(QUOTE_CHARS_MAX).collect();
    (!msg.is_empty()).then_some(Quote { from: answered.from, name: answered.name, msg })
}

/// The seq from its column.
pub(super) fn seq(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(unsigned)
}
