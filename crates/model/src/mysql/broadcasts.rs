//! Broadcasts.

use std::collections::{BTreeMap, HashMap};

use ::mysql::Value;
use domain::{
    BROADCASTS_KEPT_MAX, Broadcast, BroadcastAck, BroadcastAdded, BroadcastId, BroadcastStore, NewBroadcast,
    StoreResult, Timestamp, UserId,
};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, repeated};

/// Rows that one statement moves.
const MOVED_AT_ONCE: usize = 256;

/// Id, time and text.
type Row = (u64, u64, String);

impl BroadcastStore for MySqlStore {
    fn add_broadcast(&self, new: &NewBroadcast<'_>) -> StoreResult<BroadcastAdded> {
        self.transact("store a broadcast", |tx| {
            // The head's row gives broadcasts one order: whoever holds it reads what is committed.
            let last = last(tx, "SELECT last_id FROM broadcast_head WHERE id = 1 FOR UPDATE")?;
            let sql = "SELECT id, body FROM broadcasts WHERE broadcast_key = ? FOR UPDATE";
            if let Some((id, body)) = tx.row::<(u64, String)>(sql, (new.key,))? {
                let is_same = body == new.text;
                let id = BroadcastId(id);
                return Ok(if is_same { BroadcastAdded::Repeated(id) } else { BroadcastAdded::KeyTaken });
            }
            let id = last + 1;
            tx.execute("UPDATE broadcast_head SET last_id = ? WHERE id = 1", (id,))?;
            tx.execute(
                "INSERT INTO broadcasts (id, broadcast_key, at, operator, body) VALUES (?, ?, ?, ?, ?)",
                (id, new.key, new.at.0, new.operator, new.text),
            )?;
            if let Some(oldest) = id.checked_sub(BROADCASTS_KEPT_MAX) {
                tx.execute("DELETE FROM broadcasts WHERE id <= ?", (oldest,))?;
            }
            Ok(BroadcastAdded::Stored(BroadcastId(id)))
        })
    }

    fn last_broadcast(&self) -> StoreResult<BroadcastId> {
        self.read("find the last broadcast", |connection| last_broadcast(connection).map(BroadcastId))
    }

    fn broadcasts(&self, after: BroadcastId, limit: u32) -> StoreResult<Vec<Broadcast>> {
        self.read("list broadcasts", |connection| {
            let rows: Vec<Row> = connection.rows(
                "SELECT id, at, body FROM broadcasts WHERE id > ? ORDER BY id LIMIT ?",
                (after.0, limit),
            )?;
            Ok(rows.into_iter().map(broadcast).collect())
        })
    }

    fn broadcasts_to(&self, user: UserId, after: BroadcastId, limit: u32) -> StoreResult<Vec<Broadcast>> {
        self.read("list broadcasts to a user", |connection| {
            let rows: Vec<Row> = connection.rows(
                "SELECT b.id, b.at, b.body FROM users u JOIN broadcasts b \
                 ON b.id > ? AND b.id > u.broadcasts_from WHERE u.id = ? ORDER BY b.id LIMIT ?",
                (after.0, user.0, limit),
            )?;
            Ok(rows.into_iter().map(broadcast).collect())
        })
    }

    fn ack_broadcasts(&self, acks: &[BroadcastAck]) -> StoreResult<()> {
        if acks.is_empty() {
            return Ok(());
        }
        self.transact("acknowledge broadcasts", |tx| {
            let last = last_broadcast(tx)?;
            let owners = owners(tx, acks)?;
            // By rising id, users before sessions: everybody locks them in this order.
            let (mut users, mut sessions) = (BTreeMap::new(), BTreeMap::new());
            for ack in acks.iter().filter(|ack| owners.get(&ack.session.0) == Some(&ack.user.0)) {
                let id = ack.id.0.min(last);
                for furthest in
                    [users.entry(ack.user.0).or_default(), sessions.entry(ack.session.0).or_default()]
                {
                    *furthest = id.max(*furthest);
                }
            }
            raise(tx, "users", users)?;
            raise(tx, "sessions", sessions)
        })
    }

    fn expire_broadcasts(&self, before: Timestamp, limit: u32) -> StoreResult<u32> {
        self.transact("expire broadcasts", |tx| {
            let expired =
                tx.execute("DELETE FROM broadcasts WHERE at < ? ORDER BY id LIMIT ?", (before.0, limit))?;
            // At most `limit`, which is a u32.
            Ok(u32::try_from(expired).unwrap_or(limit))
        })
    }
}

/// Whose these sessions are. A session is never another user's; one that ends meanwhile is moved no more.
fn owners(tx: &mut Connection, acks: &[BroadcastAck]) -> Result<HashMap<u64, u64>, Fault> {
    let mut params = Vec::new();
    let length = padded(acks, &mut params, |ack, params| params.push(Value::UInt(ack.session.0)));
    let sql = format!("SELECT id, user_id FROM sessions WHERE id IN ({})", repeated("?", length));
    Ok(tx.rows::<(u64, u64)>(&sql, params)?.into_iter().collect())
}

/// Moves rows of a table that has `broadcasts_acked` forward to these.
fn raise(tx: &mut Connection, table: &'static str, furthest: BTreeMap<u64, u64>) -> Result<(), Fault> {
    let furthest: Vec<(u64, u64)> = furthest.into_iter().collect();
    for some in furthest.chunks(MOVED_AT_ONCE) {
        let mut params = Vec::new();
        let length =
            padded(some, &mut params, |(row, id), params| params.extend([(*row).into(), (*id).into()]));
        padded(some, &mut params, |(row, _), params| params.push((*row).into()));
        let sql = format!(
            "UPDATE {table} SET broadcasts_acked = GREATEST(broadcasts_acked, CASE id {} END) WHERE id IN ({})",
            "WHEN ? THEN ? ".repeat(length),
            repeated("?", length),
        );
        tx.execute(&sql, params)?;
    }
    Ok(())
}

/// The newest broadcast there ever was.
pub(super) fn last_broadcast(connection: &mut Connection) -> Result<u64, Fault> {
    last(connection, "SELECT last_id FROM broadcast_head WHERE id = 1")
}

fn last(connection: &mut Connection, sql: &str) -> Result<u64, Fault> {
    connection.row::<u64>(sql, ())?.ok_or_else(|| Fault::failed("the head of the broadcasts is gone"))
}

fn broadcast((id, at, text): Row) -> Broadcast {
    Broadcast { id: BroadcastId(id), at: Timestamp(at), text }
}
