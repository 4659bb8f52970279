//! Users and credentials.

use domain::{Account, Credentials, NewUser, StoreResult, Timestamp, User, UserId, UserStore};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::number::{number, sql};
use super::secrets::insert_codes;

impl UserStore for SqliteStore {
    fn create_user(&self, user: &NewUser<'_>) -> StoreResult<Option<UserId>> {
        self.write("create a user", |connection| {
            let inserted = connection
                .prepare_cached(
                    "INSERT INTO users (name, name_key, created_at, broadcasts_from, broadcasts_acked)
                     SELECT ?1, ?2, ?3, last_id, last_id FROM broadcast_head WHERE id = 1
                     ON CONFLICT (name_key) DO NOTHING",
                )?
                .execute(params![user.name, user.name_key, sql(user.at.0)])?;
            if inserted == 0 {
                return Ok(None);
            }
            let id = connection.last_insert_rowid();
            connection
                .prepare_cached("INSERT INTO credentials (user_id, password_hash) VALUES (?1, ?2)")?
                .execute(params![id, user.password_hash])?;
            insert_codes(connection, UserId(id as u64), user.recovery_codes)?;
            Ok(Some(UserId(id as u64)))
        })
    }

    fn users(&self, ids: &[UserId]) -> StoreResult<Vec<User>> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        self.read("find users", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT id, name, nickname, avatar FROM users WHERE id = ?1")?;
            let mut users = Vec::with_capacity(ids.len());
            for id in ids {
                users.extend(statement.query_row([sql(id.0)], |row| user(row, 0)).optional()?);
            }
            Ok(users)
        })
    }

    fn note_last_seen(&self, seen: &[(UserId, Timestamp)]) -> StoreResult<()> {
        if seen.is_empty() {
            return Ok(());
        }
        self.write("note who was seen", |connection| {
            let mut note = connection
                .prepare_cached("UPDATE users SET last_seen = ?2 WHERE id = ?1 AND last_seen < ?2")?;
            for (user, at) in seen {
                note.execute([sql(user.0), sql(at.0)])?;
            }
            Ok(())
        })
    }

    fn credentials(&self, account: Account<'_>) -> StoreResult<Option<Credentials>> {
        let credentials = |row: &Row<'_>| Ok(Credentials { user: user(row, 0)?, password_hash: row.get(4)? });
        self.read("find credentials", |connection| {
            let found = match account {
                Account::Id(id) => connection
                    .prepare_cached(
                        "SELECT id, name, nickname, avatar, password_hash FROM users JOIN credentials ON user_id = id
                         WHERE id = ?1",
                    )?
                    .query_row([sql(id.0)], credentials),
                Account::NameKey(key) => connection
                    .prepare_cached(
                        "SELECT id, name, nickname, avatar, password_hash FROM users JOIN credentials ON user_id = id
                         WHERE name_key = ?1",
                    )?
                    .query_row([key], credentials),
            };
            found.optional()
        })
    }
}

/// The user in the columns from this one on: id, name, nickname, avatar.
pub(super) fn user(row: &Row<'_>, first: usize) -> rusqlite::Result<User> {
    Ok(User {
        id: UserId(number(row, first)?),
        name: row.get(first + 1)?,
        nickname: row.get(first + 2)?,
        avatar: row.get(first + 3)?,
    })
}

/// Whether there is such an account.
pub(super) fn exists(connection: &Connection, user: UserId) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM users WHERE id = ?1 AND deleted_at = 0")?.exists([sql(user.0)])
}
