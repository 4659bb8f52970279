//! What was to be said and has no answer yet.

use protocol::{GroupChat, OneChat, Request};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::{Store, json, unreadable};
use crate::limits::OUTBOX_MAX;

/// A message on its way out. Its id is in it: sent again, by whichever process, it is the same message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outgoing {
    /// To a friend.
    Friend(OneChat),
    /// Into a group.
    Group(GroupChat),
}

/// One that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// Its place in the outbox; smaller ones go first.
    pub place: i64,
    /// What is to be sent.
    pub outgoing: Outgoing,
}

impl Outgoing {
    /// The request that sends it.
    pub fn request(&self) -> Request {
        match self {
            Outgoing::Friend(chat) => Request::OneChat(chat.clone()),
            Outgoing::Group(chat) => Request::GroupChat(chat.clone()),
        }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        match self {
            Outgoing::Friend(chat) => &chat.msg,
            Outgoing::Group(chat) => &chat.msg,
        }
    }

    fn client_msg_id(&self) -> &str {
        match self {
            Outgoing::Friend(chat) => &chat.client_msg_id,
            Outgoing::Group(chat) => &chat.client_msg_id,
        }
    }
}

impl Store {
    /// Writes a message down before it is sent, and gives its place.
    ///
    /// # Errors
    /// [`StoreError::OutboxFull`], or the file cannot be written.
    pub fn put_out(&self, outgoing: &Outgoing) -> Result<i64, StoreError> {
        let place = self.write(|db| {
            let waiting: i64 =
                db.prepare_cached("SELECT count(*) FROM outbox")?.query_row([], |row| row.get(0))?;
            if waiting >= OUTBOX_MAX as i64 {
                return Ok(None);
            }
            db.prepare_cached("INSERT INTO outbox (client_msg_id, request) VALUES (?1, ?2)")?
                .execute(params![outgoing.client_msg_id(), json(outgoing)?])?;
            Ok(Some(db.last_insert_rowid()))
        })?;
        place.ok_or(StoreError::OutboxFull(OUTBOX_MAX))
    }

    /// It was answered, or is given up.
    ///
    /// # Errors
    /// The file cannot be written; it is sent again by the next client then, which changes nothing.
    pub fn settle_out(&self, place: i64) -> Result<(), StoreError> {
        self.write(|db| {
            db.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([place])?;
            Ok(())
        })
    }

    /// What waits after a place, in order, and at most so many.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn unsent(&self, after: i64, limit: usize) -> Result<Vec<Unsent>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT id, request FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2")?
                .query_map([after, limit as i64], |row| {
                    let outgoing = serde_json::from_str(row.get_ref(1)?.as_str()?);
                    Ok(Unsent {
                        place: row.get(0)?,
                        outgoing: outgoing.map_err(|error| unreadable(1, error))?,
                    })
                })?
                .collect()
        })
    }
}
