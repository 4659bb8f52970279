//! What users hid.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use domain::{ConversationId, Hidden, HiddenPosition, HiddenStore, Hiding, Seq, StoreResult, UserId, dense};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::number::{number, sql};

impl HiddenStore for SqliteStore {
    fn hide(
        &self,
        user: UserId,
        conversation: ConversationId,
        seqs: &[Seq],
        max: u64,
    ) -> StoreResult<Hiding> {
        let wanted: BTreeSet<Seq> = seqs.iter().copied().collect();
        self.write("hide messages", |connection| {
            let last = connection
                .prepare_cached("SELECT hidden_last FROM users WHERE id = ?1 AND deleted_at = 0")?
                .query_row([sql(user.0)], |row| number(row, 0))
                .optional()?;
            let Some(last) = last else { return Ok(Hiding::Done { before: Vec::new(), new: Vec::new() }) };
            let (mut before, mut new) = (Vec::new(), Vec::new());
            for &seq in &wanted {
                match position(connection, user, conversation, seq)? {
                    Some(position) => before.push(Hidden { position, conversation, seq }),
                    None => {
                        let position = HiddenPosition(last + 1 + new.len() as u64);
                        new.push(Hidden { position, conversation, seq });
                    }
                }
            }
            before.sort_unstable_by_key(|entry| entry.position);
            let Some(newest) = new.last().map(|entry| entry.position) else {
                return Ok(Hiding::Done { before, new });
            };
            if newest.0 > max {
                return Ok(Hiding::Full);
            }
            let mut insert = connection.prepare_cached(
                "INSERT INTO hidden_messages (user_id, position, conversation_id, seq) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for entry in &new {
                insert.execute([sql(user.0), sql(entry.position.0), sql(conversation.0), sql(entry.seq.0)])?;
            }
            connection
                .prepare_cached("UPDATE users SET hidden_last = ?2 WHERE id = ?1")?
                .execute([sql(user.0), sql(newest.0)])?;
            Ok(Hiding::Done { before, new })
        })
    }

    fn hidden(&self, user: UserId, after: HiddenPosition, limit: u32) -> StoreResult<Vec<Hidden>> {
        self.read("list what is hidden", |connection| {
            connection
                .prepare_cached(
                    "SELECT position, conversation_id, seq FROM hidden_messages
                     WHERE user_id = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
                )?
                .query_map(params![sql(user.0), sql(after.0), limit], |row| {
                    Ok(Hidden {
                        position: HiddenPosition(number(row, 0)?),
                        conversation: ConversationId(number(row, 1)?),
                        seq: Seq(number(row, 2)?),
                    })
                })?
                .collect()
        })
    }

    fn hidden_of(&self, user: UserId, conversation: ConversationId, seqs: &[Seq]) -> StoreResult<Vec<Seq>> {
        let asked: BTreeSet<Seq> = seqs.iter().copied().collect();
        self.read("find what is hidden", |connection| {
            if let Some(range) = dense(seqs) {
                let mut found = between(connection, user, conversation, range)?;
                found.retain(|seq| asked.contains(seq));
                return Ok(found);
            }
            let mut found = Vec::new();
            for &seq in &asked {
                if position(connection, user, conversation, seq)?.is_some() {
                    found.push(seq);
                }
            }
            Ok(found)
        })
    }
}

fn position(
    connection: &Connection,
    user: UserId,
    conversation: ConversationId,
    seq: Seq,
) -> rusqlite::Result<Option<HiddenPosition>> {
    connection
        .prepare_cached(
            "SELECT position FROM hidden_messages WHERE user_id = ?1 AND conversation_id = ?2 AND seq = ?3",
        )?
        .query_row([sql(user.0), sql(conversation.0), sql(seq.0)], |row| number(row, 0))
        .optional()
        .map(|position| position.map(HiddenPosition))
}

fn between(
    connection: &Connection,
    user: UserId,
    conversation: ConversationId,
    range: RangeInclusive<Seq>,
) -> rusqlite::Result<Vec<Seq>> {
    connection
        .prepare_cached(
            "SELECT seq FROM hidden_messages
             WHERE user_id = ?1 AND conversation_id = ?2 AND seq BETWEEN ?3 AND ?4 ORDER BY seq",
        )?
        .query_map([sql(user.0), sql(conversation.0), sql(range.start().0), sql(range.end().0)], |row| {
            number(row, 0).map(Seq)
        })?
        .collect()
}
