//! Passwords and recovery codes.

use domain::{
    Account, CodeHash, PasswordChange, Recovered, Recovery, SecretStore, SessionId, StoreResult, UserId,
    recovery_delay_ms,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::number::{number, sql};
use super::users::user;

impl SecretStore for SqliteStore {
    fn change_password(&self, change: &PasswordChange<'_>) -> StoreResult<Option<Vec<SessionId>>> {
        self.write("change a password", |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE credentials SET password_hash = ?3 WHERE user_id = ?1 AND password_hash = ?2",
                )?
                .execute(params![sql(change.user.0), change.old_hash, change.new_hash])?;
            if changed == 0 {
                return Ok(None);
            }
            end_others(connection, change.user, Some(change.keep)).map(Some)
        })
    }

    fn replace_recovery_codes(
        &self,
        user: UserId,
        password_hash: &str,
        codes: &[CodeHash],
    ) -> StoreResult<bool> {
        self.write("replace recovery codes", |connection| {
            if !has_password(connection, user, password_hash)? {
                return Ok(false);
            }
            connection
                .prepare_cached("DELETE FROM recovery_codes WHERE user_id = ?1")?
                .execute([sql(user.0)])?;
            insert_codes(connection, user, codes)?;
            Ok(true)
        })
    }

    fn recover(&self, recovery: &Recovery<'_>) -> StoreResult<Option<Recovered>> {
        self.write("recover an account", |connection| {
            let found = connection
                .prepare_cached(match recovery.account {
                    Account::Id(_) => {
                        "SELECT id, name, nickname, avatar, recovery_failures, recovery_after
                         FROM users JOIN credentials ON user_id = id WHERE id = ?1"
                    }
                    Account::NameKey(_) => {
                        "SELECT id, name, nickname, avatar, recovery_failures, recovery_after
                         FROM users JOIN credentials ON user_id = id WHERE name_key = ?1"
                    }
                })?
                .query_row(
                    [match recovery.account {
                        Account::Id(id) => rusqlite::types::Value::from(sql(id.0)),
                        Account::NameKey(key) => key.to_owned().into(),
                    }],
                    |row| Ok((user(row, 0)?, row.get::<_, u32>(4)?, number(row, 5)?)),
                )
                .optional()?;
            // Those who fail run the same statements from here on: nobody has the number 0.
            let counts = found.filter(|(_, _, after)| recovery.at.0 >= *after);
            let counts_for = counts.as_ref().map_or(0, |(user, ..)| sql(user.id.0));
            let used = connection
                .prepare_cached("DELETE FROM recovery_codes WHERE user_id = ?1 AND code_hash = ?2")?
                .execute(params![counts_for, recovery.code.0])?;
            let Some((user, failures, _)) = counts else {
                return in_vain(connection);
            };
            if used == 0 {
                let failures = failures.saturating_add(1);
                connection
                    .prepare_cached(
                        "UPDATE credentials SET recovery_failures = ?2, recovery_after = ?3 WHERE user_id = ?1",
                    )?
                    .execute(params![
                        sql(user.id.0),
                        failures,
                        sql(recovery.at.0 + recovery_delay_ms(failures))
                    ])?;
                return Ok(None);
            }
            connection
                .prepare_cached(
                    "UPDATE credentials SET password_hash = ?2, recovery_failures = 0, recovery_after = 0
                     WHERE user_id = ?1",
                )?
                .execute(params![sql(user.id.0), recovery.new_hash])?;
            let codes_left = connection
                .prepare_cached("SELECT COUNT(*) FROM recovery_codes WHERE user_id = ?1")?
                .query_row([sql(user.id.0)], |row| row.get(0))?;
            let ended = end_others(connection, user.id, None)?;
            Ok(Some(Recovered { user, ended, codes_left }))
        })
    }
}

/// Whether this is the hash of the user's password.
pub(super) fn has_password(
    connection: &Connection,
    user: UserId,
    password_hash: &str,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM credentials WHERE user_id = ?1 AND password_hash = ?2")?
        .exists(params![sql(user.0), password_hash])
}

pub(super) fn insert_codes(
    connection: &Connection,
    user: UserId,
    codes: &[CodeHash],
) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO recovery_codes (user_id, code_hash) VALUES (?1, ?2)")?;
    for code in codes {
        insert.execute(params![sql(user.0), code.0])?;
    }
    Ok(())
}

/// A try that no account counts costs the same write as one that does: its time tells nothing.
fn in_vain(connection: &Connection) -> rusqlite::Result<Option<Recovered>> {
    connection.prepare_cached("UPDATE recoveries_in_vain SET tries = tries + 1")?.execute([])?;
    Ok(None)
}

/// Ends the user's sessions but one; those that ended.
pub(super) fn end_others(
    connection: &Connection,
    user: UserId,
    keep: Option<SessionId>,
) -> rusqlite::Result<Vec<SessionId>> {
    // No session has the number 0.
    let keep = keep.map_or(0, |keep| sql(keep.0));
    connection
        .prepare_cached("DELETE FROM sessions WHERE user_id = ?1 AND id <> ?2 RETURNING id")?
        .query_map(params![sql(user.0), keep], |row| Ok(SessionId(number(row, 0)?)))?
        .collect()
}
