//! How far everybody got.

use std::collections::BTreeMap;

use super::error::StoreError;
use super::{Store, number, unsigned};
use crate::reading::Reading;

impl Store {
    /// How far everybody got, by conversation, as it was last saved.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn readings(&self) -> Result<BTreeMap<u64, Reading>, StoreError> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT conversation_id, first, last, read, their_delivered, their_read FROM conversations
                 WHERE last > 0",
            )?
            .query_map([], |row| {
                let seq = |column| row.get(column).map(unsigned);
                let reading = Reading {
                    first: seq(1)?,
                    last: seq(2)?,
                    read: seq(3)?,
                    their_delivered: seq(4)?,
                    their_read: seq(5)?,
                };
                Ok((seq(0)?, reading))
            })?
            .collect()
        })
    }

    /// Takes over what the client says of the conversations that are kept.
    ///
    /// # Errors
    /// Nothing is written then.
    pub fn save_readings(&self, readings: &BTreeMap<u64, Reading>) -> Result<(), StoreError> {
        let known = self.readings()?;
        let news: Vec<_> =
            readings.iter().filter(|(conv, reading)| known.get(conv) != Some(reading)).collect();
        if news.is_empty() {
            return Ok(());
        }
        self.write(|db| {
            let mut update = db.prepare_cached(
                "UPDATE conversations SET first = iif(?2 > 0, ?2, first), last = ?3, read = ?4, their_delivered = ?5, their_read = ?6
                 WHERE conversation_id = ?1",
            )?;
            for (conv, reading) in news {
                let Reading { first, last, read, their_delivered, their_read } = *reading;
                update.execute([*conv, first, last, read, their_delivered, their_read].map(number))?;
            }
            Ok(())
        })
    }
}
