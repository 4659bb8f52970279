//! Where to go on.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::messages::remove;
use super::{Account, Store, json, number, unreadable, unsigned};
use crate::sync_state::SyncState;

impl Store {
    /// Whose copy it is; none before the first login.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn account(&self) -> Result<Option<Account>, StoreError> {
        self.read(account)
    }

    /// What the next client is given: the session, and cursors up to which everything is kept.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sync_state(&self) -> Result<Option<SyncState>, StoreError> {
        self.read(|db| {
            let state = db
                .prepare_cached("SELECT state FROM account")?
                .query_row([], |row| {
                    let text = row.get_ref(0)?.as_str()?;
                    serde_json::from_str::<SyncState>(text).map_err(|error| unreadable(0, error))
                })
                .optional()?;
            let Some(state) = state else { return Ok(None) };
            let kept = kept(db)?;
            let cursors = kept.iter().map(|(conv, (cursor, _))| (*conv, *cursor)).collect();
            let changed = kept.iter().filter(|(_, (_, changes))| *changes > 0);
            let changes = changed.map(|(conv, (_, changes))| (*conv, *changes)).collect();
            Ok(Some(SyncState { cursors, changes, ..state }))
        })
    }

    /// Takes over what the client says of itself, after all events before it were taken. A cursor of messages that is ahead of what is
    /// kept passes over what is not to be had; one that is behind says that the server was put back to an older state,
    /// and what is kept beyond it did not happen.
    ///
    /// # Errors
    /// Nothing is written then; [`StoreError::OfAnother`] if the state is not of the user whose copy this is.
    pub fn save_sync(&self, state: &SyncState) -> Result<(), StoreError> {
        if let Some(owner) = self.account()?
            && owner.user != state.user
        {
            return Err(StoreError::OfAnother { path: self.path().display().to_string(), name: owner.name });
        }
        self.write(|db| {
            let (cursors, changes) = (BTreeMap::new(), BTreeMap::new());
            let rest = SyncState { cursors, changes, ..state.clone() };
            db.prepare_cached(
                "INSERT INTO account (only, user_id, name, state) VALUES (1, ?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET name = ?2, state = ?3 WHERE state <> ?3",
            )?
            .execute(params![number(state.user), state.name, json(&rest)?])?;
            let known = kept(db)?;
            for (conv, cursor) in &state.cursors {
                let known = known.get(conv).copied();
                match known {
                    Some((known, _)) if known == *cursor => {}
                    Some((known, _)) if known > *cursor => rewind(db, *conv, *cursor)?,
                    Some(_) | None => begin(db, *conv, *cursor)?,
                }
                let changes = state.changes.get(conv).copied().unwrap_or(0);
                let known = known.map_or(0, |(_, changes)| changes);
                if changes != known {
                    follow_changes(db, *conv, changes)?;
                }
                if changes < known {
                    // Positions are given again.
                    db.prepare_cached(
                        "UPDATE messages SET change = 0 WHERE conversation_id = ?1 AND change > 0",
                    )?
                    .execute([number(*conv)])?;
                }
            }
            Ok(())
        })
    }
}

/// Conversation → its cursor, and that of its changes.
fn kept(db: &Connection) -> rusqlite::Result<BTreeMap<u64, (u64, u64)>> {
    db.prepare_cached("SELECT conversation_id, cursor, changes FROM conversations")?
        .query_map([], |row| Ok((unsigned(row.get(0)?), (unsigned(row.get(1)?), unsigned(row.get(2)?)))))?
        .collect()
}

fn follow_changes(db: &Connection, conv: u64, position: u64) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE conversations SET changes = ?2 WHERE conversation_id = ?1")?
        .execute([number(conv), number(position)])?;
    Ok(())
}

fn account(db: &Connection) -> rusqlite::Result<Option<Account>> {
    db.prepare_cached("SELECT user_id, name FROM account")?
        .query_row([], |row| Ok(Account { user: unsigned(row.get(0)?), name: row.get(1)? }))
        .optional()
}

/// Everything up to the cursor is not asked for.
fn begin(db: &Connection, conv: u64, cursor: u64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO conversations (conversation_id, cursor, held_from, shown) VALUES (?1, ?2, ?2 + 1, ?2)
         ON CONFLICT DO UPDATE SET
            cursor = ?2, held_from = ?2 + 1, shown = iif(shown = cursor, ?2, shown)",
    )?
    .execute([number(conv), number(cursor)])?;
    Ok(())
}

/// What is kept beyond the cursor is not there any more.
pub(super) fn rewind(db: &Connection, conv: u64, cursor: u64) -> rusqlite::Result<()> {
    let ids = db
        .prepare_cached("SELECT id FROM messages WHERE conversation_id = ?1 AND seq > ?2")?
        .query_map([number(conv), number(cursor)], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    for id in ids {
        remove(db, id)?;
    }
    db.prepare_cached(
        "UPDATE conversations SET cursor = ?2, held_from = min(held_from, ?2 + 1), shown = min(shown, ?2)
         WHERE conversation_id = ?1",
    )?
    .execute([number(conv), number(cursor)])?;
    Ok(())
}
