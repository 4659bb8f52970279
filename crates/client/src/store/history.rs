//! Reading messages back.

use std::collections::BTreeMap;

use protocol::ChatMessage;
use rusqlite::{OptionalExtension, params};

use super::error::StoreError;
use super::messages::{parse, quote, seq};
use super::{Store, number};
use crate::limits::UNSHOWN_MAX;

/// How much of a conversation a page may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What is held without a hole up to the newest: what the server would answer.
    Whole,
    /// Whatever is held, with holes: without a connection.
    Anything,
}

/// A page of the own copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptPage {
    /// By rising seq.
    pub messages: Vec<ChatMessage>,
    /// There is nothing before them.
    pub begins: bool,
}

impl Store {
    /// The last messages of a conversation, or the last before a seq.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn page(
        &self,
        conv: u64,
        before: Option<u64>,
        limit: u32,
        reach: Reach,
    ) -> Result<KeptPage, StoreError> {
        self.read(|db| {
            let about = db
                .prepare_cached("SELECT held_from, first FROM conversations WHERE conversation_id = ?1")?
                .query_row([number(conv)], |row| Ok((row.get::<_, i64>(0)?, seq(row, 1)?)))
                .optional()?;
            let Some((held_from, first)) = about else { return Ok(KeptPage::default()) };
            let from = match reach {
                Reach::Whole => held_from,
                Reach::Anything => 0,
            };
            let mut messages = db
                .prepare_cached(
                    "SELECT message FROM messages WHERE conversation_id = ?1 AND seq >= ?2 AND seq < ?3
                     ORDER BY seq DESC LIMIT ?4",
                )?
                .query_map(params![number(conv), from, before.map_or(i64::MAX, number), limit], |row| {
                    parse(0, row.get_ref(0)?.as_str()?)
                })?
                .collect::<rusqlite::Result<Vec<ChatMessage>>>()?;
            messages.reverse();
            quote(db, &mut messages)?;
            let begins = messages.first().is_some_and(|oldest| oldest.seq <= first);
            Ok(KeptPage { messages, begins })
        })
    }

    /// The messages of a conversation from the first of a time on, or later: of whatever is held, with holes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn page_at(&self, conv: u64, time_ms: u64, limit: u32) -> Result<KeptPage, StoreError> {
        self.read(|db| {
            let first = db
                .prepare_cached(
                    "SELECT c.first, (SELECT min(seq) FROM messages m WHERE m.conversation_id = ?1 AND time >= ?2)
                     FROM conversations c WHERE c.conversation_id = ?1",
                )?
                .query_row([number(conv), number(time_ms)], |row| {
                    Ok((seq(row, 0)?, row.get::<_, Option<i64>>(1)?))
                })
                .optional()?;
            let Some((first, Some(from))) = first else { return Ok(KeptPage::default()) };
            let mut messages = db
                .prepare_cached(
                    "SELECT message FROM messages WHERE conversation_id = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
                )?
                .query_map(params![number(conv), from, limit], |row| parse(0, row.get_ref(0)?.as_str()?))?
                .collect::<rusqlite::Result<Vec<ChatMessage>>>()?;
            quote(db, &mut messages)?;
            let begins = messages.first().is_some_and(|oldest| oldest.seq <= first);
            Ok(KeptPage { messages, begins })
        })
    }

    /// The newest message of each conversation, as far as it is kept.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn newest(&self) -> Result<Vec<ChatMessage>, StoreError> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT message FROM conversations CROSS JOIN messages USING (conversation_id) WHERE seq = cursor",
            )?
            .query_map([], |row| parse(0, row.get_ref(0)?.as_str()?))?
            .collect()
        })
    }

    /// What was kept and not said to be shown, by conversation and seq.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn unshown(&self) -> Result<Vec<ChatMessage>, StoreError> {
        self.read(|db| {
            let mut messages = db
                .prepare_cached(
                    "SELECT message FROM conversations CROSS JOIN messages USING (conversation_id)
                     WHERE shown < cursor AND seq > shown AND seq <= cursor ORDER BY id DESC LIMIT ?1",
                )?
                .query_map([UNSHOWN_MAX as i64], |row| parse(0, row.get_ref(0)?.as_str()?))?
                .collect::<rusqlite::Result<Vec<ChatMessage>>>()?;
            messages.sort_by_key(|message| (message.conv, message.seq));
            quote(db, &mut messages)?;
            Ok(messages)
        })
    }

    /// Everything up to these seqs was shown, by conversation.
    ///
    /// # Errors
    /// Nothing is written then.
    pub fn note_shown(&self, shown: &BTreeMap<u64, u64>) -> Result<(), StoreError> {
        self.write(|db| {
            let mut update = db.prepare_cached(
                "UPDATE conversations SET shown = max(shown, min(?2, cursor)) WHERE conversation_id = ?1",
            )?;
            for (conv, seq) in shown {
                update.execute([number(*conv), number(*seq)])?;
            }
            Ok(())
        })
    }
}
