//! Broadcasts.

use domain::{
    BROADCASTS_KEPT_MAX, Broadcast, BroadcastAck, BroadcastAdded, BroadcastId, BroadcastStore, NewBroadcast,
    StoreResult, Timestamp, UserId,
};
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteStore;
use super::number::{number, sql};

impl BroadcastStore for SqliteStore {
    fn add_broadcast(&self, new: &NewBroadcast<'_>) -> StoreResult<BroadcastAdded> {
        self.write("store a broadcast", |connection| {
            let before = connection
                .prepare_cached("SELECT id, body FROM broadcasts WHERE broadcast_key = ?1")?
                .query_row([new.key], |row| Ok((BroadcastId(number(row, 0)?), row.get::<_, String>(1)?)))
                .optional()?;
            if let Some((id, body)) = before {
                let is_same = body == new.text;
                return Ok(if is_same { BroadcastAdded::Repeated(id) } else { BroadcastAdded::KeyTaken });
            }
            let id: u64 = connection
                .prepare_cached("UPDATE broadcast_head SET last_id = last_id + 1 WHERE id = 1 RETURNING last_id")?
                .query_row([], |row| number(row, 0))?;
            connection
                .prepare_cached(
                    "INSERT INTO broadcasts (id, broadcast_key, at, operator, body) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![sql(id), new.key, sql(new.at.0), new.operator, new.text])?;
            if let Some(oldest) = id.checked_sub(BROADCASTS_KEPT_MAX) {
                connection
                    .prepare_cached("DELETE FROM broadcasts WHERE id <= ?1")?
                    .execute([sql(oldest)])?;
            }
            Ok(BroadcastAdded::Stored(BroadcastId(id)))
        })
    }

    fn last_broadcast(&self) -> StoreResult<BroadcastId> {
        self.read("find the last broadcast", |connection| {
            connection
                .prepare_cached("SELECT last_id FROM broadcast_head WHERE id = 1")?
                .query_row([], |row| Ok(BroadcastId(number(row, 0)?)))
        })
    }

    fn broadcasts(&self, after: BroadcastId, limit: u32) -> StoreResult<Vec<Broadcast>> {
        self.read("list broadcasts", |connection| {
            connection
                .prepare_cached("SELECT id, at, body FROM broadcasts WHERE id > ?1 ORDER BY id LIMIT ?2")?
                .query_map(params![sql(after.0), limit], broadcast)?
                .collect()
        })
    }

    fn broadcasts_to(&self, user: UserId, after: BroadcastId, limit: u32) -> StoreResult<Vec<Broadcast>> {
        self.read("list broadcasts to a user", |connection| {
            connection
                .prepare_cached(
                    "SELECT b.id, b.at, b.body FROM users u JOIN broadcasts b
                     ON b.id > max(?2, u.broadcasts_from) WHERE u.id = ?1 ORDER BY b.id LIMIT ?3",
                )?
                .query_map(params![sql(user.0), sql(after.0), limit], broadcast)?
                .collect()
        })
    }

    fn ack_broadcasts(&self, acks: &[BroadcastAck]) -> StoreResult<()> {
        if acks.is_empty() {
            return Ok(());
        }
        self.write("acknowledge broadcasts", |connection| {
            let mut session = connection.prepare_cached(
                "UPDATE sessions SET broadcasts_acked = max(broadcasts_acked, min(?3, last_id))
                 FROM broadcast_head h WHERE h.id = 1 AND sessions.id = ?2 AND sessions.user_id = ?1",
            )?;
            let mut user = connection.prepare_cached(
                "UPDATE users SET broadcasts_acked = max(broadcasts_acked, min(?2, last_id))
                 FROM broadcast_head h WHERE h.id = 1 AND users.id = ?1",
            )?;
            for ack in acks {
                if session.execute([sql(ack.user.0), sql(ack.session.0), sql(ack.id.0)])? > 0 {
                    user.execute([sql(ack.user.0), sql(ack.id.0)])?;
                }
            }
            Ok(())
        })
    }

    fn expire_broadcasts(&self, before: Timestamp, limit: u32) -> StoreResult<u32> {
        self.write("expire broadcasts", |connection| {
            let expired = connection
                .prepare_cached(
                    "DELETE FROM broadcasts WHERE id IN (SELECT id FROM broadcasts WHERE at < ?1 LIMIT ?2)",
                )?
                .execute(params![sql(before.0), limit])?;
            Ok(expired as u32)
        })
    }
}

fn broadcast(row: &Row<'_>) -> rusqlite::Result<Broadcast> {
    Ok(Broadcast { id: BroadcastId(number(row, 0)?), at: Timestamp(number(row, 1)?), text: row.get(2)? })
}
