//! Users and their credentials.

use std::collections::BTreeMap;

use ::mysql::Value;
use domain::{Account, Credentials, NewUser, StoreResult, Timestamp, User, UserId, UserStore};

use super::MySqlStore;
use super::broadcasts::last_broadcast;
use super::connection::Connection;
use super::fault::{Fault, FaultKind};
use super::list::{padded, repeated};
use super::secrets::insert_codes;

/// Users that one statement notes.
const SEEN_AT_ONCE: usize = 256;

impl UserStore for MySqlStore {
    fn create_user(&self, user: &NewUser<'_>) -> StoreResult<Option<UserId>> {
        self.transact("create a user", |tx| {
            // Without its lock: a broadcast of this very moment may reach the user or not.
            let broadcasts = last_broadcast(tx)?;
            let inserted = tx.insert(
                "INSERT INTO users (name, name_key, created_at, broadcasts_from, broadcasts_acked) \
                 VALUES (?, ?, ?, ?, ?)",
                (user.name, user.name_key, user.at.0, broadcasts, broadcasts),
            );
            let id = match inserted {
                Ok(id) => id,
                // The only key that can be taken is the name's.
                Err(fault) if fault.kind == FaultKind::Duplicate => return Ok(None),
                Err(fault) => return Err(fault),
            };
            tx.execute(
                "INSERT INTO credentials (user_id, password_hash) VALUES (?, ?)",
                (id, user.password_hash),
            )?;
            insert_codes(tx, UserId(id), user.recovery_codes)?;
            Ok(Some(UserId(id)))
        })
    }

    fn users(&self, ids: &[UserId]) -> StoreResult<Vec<User>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.read("find users", |connection| {
            let mut params = Vec::new();
            let length = padded(ids, &mut params, |id, params| params.push(Value::UInt(id.0)));
            let sql = format!(
                "SELECT id, name, nickname, avatar FROM users WHERE id IN ({})",
                repeated("?", length)
            );
            let rows: Vec<Shown> = connection.rows(&sql, params)?;
            Ok(rows.into_iter().map(user).collect())
        })
    }

    fn note_last_seen(&self, seen: &[(UserId, Timestamp)]) -> StoreResult<()> {
        let seen = latest(seen.iter().map(|(user, at)| (user.0, at.0)));
        if seen.is_empty() {
            return Ok(());
        }
        self.transact("note who was seen", |tx| {
            for some in seen.chunks(SEEN_AT_ONCE) {
                let mut params = Vec::new();
                let length =
                    padded(some, &mut params, |(id, at), params| params.extend([(*id).into(), (*at).into()]));
                padded(some, &mut params, |(id, _), params| params.push((*id).into()));
                let sql = format!(
                    "UPDATE users SET last_seen = GREATEST(last_seen, CASE id {} END) WHERE id IN ({})",
                    "WHEN ? THEN ? ".repeat(length),
                    repeated("?", length),
                );
                tx.execute(&sql, params)?;
            }
            Ok(())
        })
    }

    fn credentials(&self, account: Account<'_>) -> StoreResult<Option<Credentials>> {
        let (key, value): (_, Value) = match account {
            Account::Id(id) => ("u.id", id.0.into()),
            Account::NameKey(name_key) => ("u.name_key", name_key.into()),
        };
        self.read("find credentials", |connection| {
            let sql = format!(
                "SELECT u.id, u.name, u.nickname, u.avatar, c.password_hash \
                 FROM users u JOIN credentials c ON c.user_id = u.id WHERE {key} = ?"
            );
            let row: Option<(u64, String, String, String, String)> = connection.row(&sql, (value,))?;
            Ok(row.map(|(id, name, nickname, avatar, password_hash)| Credentials {
                user: user((id, name, nickname, avatar)),
                password_hash,
            }))
        })
    }
}

/// Each number once, with its latest time, and by rising number so that two nodes take the locks in one order.
pub(super) fn latest(times: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
    let mut latest = BTreeMap::new();
    for (id, at) in times {
        let time = latest.entry(id).or_insert(at);
        *time = at.max(*time);
    }
    latest.into_iter().collect()
}

/// What lists show of a user: id, name, nickname, avatar.
pub(super) type Shown = (u64, String, String, String);

/// A user from these columns.
pub(super) fn user((id, name, nickname, avatar): Shown) -> User {
    User { id: UserId(id), name, nickname, avatar }
}

/// Locks users, in rising order of id, until the transaction ends; how many of them have an account. Whatever counts or limits
/// something per user happens under this lock.
pub(super) fn lock_users(tx: &mut Connection, users: [UserId; 2]) -> Result<usize, Fault> {
    // Deleted ones are locked as well.
    let deleted: Vec<(u64, u64)> = tx.rows(
        "SELECT id, deleted_at FROM users WHERE id IN (?, ?) ORDER BY id FOR UPDATE",
        (users[0].0, users[1].0),
    )?;
    Ok(deleted.iter().filter(|(_, deleted_at)| *deleted_at == 0).count())
}

/// Locks one user; whether there is such an account.
pub(super) fn lock_user(tx: &mut Connection, user: UserId) -> Result<bool, Fault> {
    let deleted: Option<u64> = tx.row("SELECT deleted_at FROM users WHERE id = ? FOR UPDATE", (user.0,))?;
    Ok(deleted == Some(0))
}
