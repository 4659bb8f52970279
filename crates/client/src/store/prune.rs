//! Keeping only so much.

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::messages::{HELD_AFTER, first_id, remove};
use super::{Store, number};
use crate::limits::PRUNE_BATCH;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// What a store keeps. What it lets go of stays on the server, which history asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// The newest messages of each conversation; none: all.
    pub messages: Option<u64>,
    /// Messages of the last days; none: all.
    pub days: Option<u64>,
}

impl Store {
    /// Takes out what is beyond the limits, at most [`PRUNE_BATCH`] messages of each; whether there may be more.
    ///
    /// # Errors
    /// Nothing is taken out then.
    pub fn prune(&self, keep: Keep, now_ms: u64) -> Result<bool, StoreError> {
        if keep == Keep::default() {
            return Ok(false);
        }
        self.write(|db| {
            let mut gone = Vec::new();
            if let Some(days) = keep.days {
                let begin = first_id(now_ms.saturating_sub(days.saturating_mul(DAY_MS)));
                gone.extend(select(db, "SELECT id, conversation_id, seq FROM messages WHERE id < ?1 LIMIT ?2", begin)?);
            }
            if let Some(messages) = keep.messages {
                gone.extend(select(
                    db,
                    "SELECT id, conversation_id, seq FROM conversations CROSS JOIN messages USING (conversation_id)
                     WHERE seq <= cursor - ?1 LIMIT ?2",
                    number(messages),
                )?);
            }
            let mut held = db.prepare_cached(HELD_AFTER)?;
            for (id, conv, seq) in &gone {
                remove(db, *id)?;
                held.execute([conv, seq])?;
            }
            db.execute_batch("PRAGMA incremental_vacuum(64)")?;
            Ok(gone.len() >= PRUNE_BATCH)
        })
    }
}

fn select(db: &Connection, select: &str, limit: i64) -> rusqlite::Result<Vec<(i64, i64, i64)>> {
    let mut select = db.prepare_cached(select)?;
    let rows = select
        .query_map(params![limit, PRUNE_BATCH as i64], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}
