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
            let cursors = db
                .prepare_cached("SELECT conversation_id, cursor FROM conversations")?
                .query_map([], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Some(SyncState { cursors, ..state }))
        })
    }

    /// Takes over what the client says of itself, after all events before it were taken. A cursor that is ahead of what is
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
            let rest = SyncState { cursors: BTreeMap::new(), ..state.clone() };
            db.prepare_cached(
                "INSERT INTO account (only, user_id, name, state) VALUES (1, ?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET name = ?2, state = ?3 WHERE state <> ?3",
            )?
            .execute(params![number(state.user), state.name, json(&rest)?])?;
            let known: BTreeMap<u64, u64> = db
                .prepare_cached("SELECT conversation_id, cursor FROM conversations")?
                .query_map([], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))?
                .collect::<rusqlite::Result<_>>()?;
            for (conv, cursor) in &state.cursors {
                match known.get(conv) {
                    Some(known) if known == cursor => {}
                    Some(known) if known > cursor => rewind(db, *conv, *cursor)?,
                    Some(_) | None => begin(db, *conv, *cursor)?,
                }
            }
            Ok(())
        })
    }
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
