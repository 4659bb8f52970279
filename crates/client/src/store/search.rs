//! Finding messages by words and by parts of words.

use protocol::ChatMessage;
use rusqlite::params;

use super::error::StoreError;
use super::messages::{parse, quote};
use super::{Store, number, words};
use crate::limits::FOUND_MAX;

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The newest first.
    pub messages: Vec<ChatMessage>,
    /// Where the next page begins, if there is one.
    pub next: Option<u64>,
}

impl Store {
    /// Messages in which all words of the query stand, or words that begin with them; of Chinese, Japanese, Korean, Thai
    /// any part of a text. In one conversation or in all; `from` is an earlier page's [`Found::next`]. At most
    /// [`FOUND_MAX`] are given.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn search(
        &self,
        query: &str,
        conv: Option<u64>,
        from: Option<u64>,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let Some(query) = words::of_query(query) else { return Ok(Found::default()) };
        let limit = limit.clamp(1, FOUND_MAX);
        self.read(|db| {
            let mut rows = db
                .prepare_cached(
                    "SELECT messages.id, message FROM message_words JOIN messages ON id = message_words.rowid
                     WHERE message_words MATCH ?1 AND message_words.rowid <= ?2
                        AND (?3 IS NULL OR conversation_id = ?3)
                     ORDER BY message_words.rowid DESC LIMIT ?4",
                )?
                .query_map(
                    params![query, from.map_or(i64::MAX, number), conv.map(number), limit as i64 + 1],
                    |row| Ok((row.get::<_, i64>(0)?, parse(1, row.get_ref(1)?.as_str()?)?)),
                )?
                .collect::<rusqlite::Result<Vec<(i64, ChatMessage)>>>()?;
            let next = if rows.len() > limit { rows.pop().map(|(id, _)| super::unsigned(id)) } else { None };
            let mut messages: Vec<ChatMessage> = rows.into_iter().map(|(_, message)| message).collect();
            quote(db, &mut messages)?;
            Ok(Found { messages, next })
        })
    }
}
