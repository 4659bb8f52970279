//! Passwords and recovery codes. Whoever changes one holds the user's row, as who begins a session does.

use ::mysql::Value;
use domain::{
    Account, CodeHash, PasswordChange, Recovered, Recovery, SecretStore, SessionId, StoreResult, Timestamp,
    UserId, recovery_delay_ms,
};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, repeated};
use super::users::{Shown, lock_user, user};

impl SecretStore for MySqlStore {
    fn change_password(&self, change: &PasswordChange<'_>) -> StoreResult<Option<Vec<SessionId>>> {
        self.transact("change a password", |tx| {
            if !lock_user(tx, change.user)? || !has_password(tx, change.user, change.old_hash)? {
                return Ok(None);
            }
            tx.execute(
                "UPDATE credentials SET password_hash = ? WHERE user_id = ?",
                (change.new_hash, change.user.0),
            )?;
            end_others(tx, change.user, Some(change.keep)).map(Some)
        })
    }

    fn replace_recovery_codes(
        &self,
        user: UserId,
        password_hash: &str,
        codes: &[CodeHash],
    ) -> StoreResult<bool> {
        self.transact("replace recovery codes", |tx| {
            if !lock_user(tx, user)? || !has_password(tx, user, password_hash)? {
                return Ok(false);
            }
            tx.execute("DELETE FROM recovery_codes WHERE user_id = ?", (user.0,))?;
            insert_codes(tx, user, codes)?;
            Ok(true)
        })
    }

    fn recover(&self, recovery: &Recovery<'_>) -> StoreResult<Option<Recovered>> {
        self.transact("recover an account", |tx| {
            let found: Option<Shown> = match recovery.account {
                Account::Id(id) => {
                    tx.row("SELECT id, name, nickname, avatar FROM users WHERE id = ?", (id.0,))?
                }
                Account::NameKey(key) => tx.row(
                    "SELECT id, name, nickname, avatar FROM users WHERE name_key = ?",
                    (key.as_bytes(),),
                )?,
            };
            // From here on the same statements are run for everybody who fails: nobody has the number 0.
            let id = found.as_ref().map_or(0, |(id, ..)| *id);
            lock_user(tx, UserId(id))?;
            let counted: Option<(u32, u64)> = tx.row(
                "SELECT recovery_failures, recovery_after FROM credentials WHERE user_id = ? FOR UPDATE",
                (id,),
            )?;
            let (failures, counts_for) = match counted {
                Some((failures, after)) if recovery.at.0 >= after => (failures, id),
                Some(_) | None => (0, 0),
            };
            let used = tx.execute(
                "DELETE FROM recovery_codes WHERE user_id = ? AND code_hash = ?",
                (counts_for, &recovery.code.0[..]),
            )?;
            let Some(user) = found.map(user).filter(|_| used > 0) else {
                note_failure(tx, counts_for, failures.saturating_add(1), recovery.at)?;
                return Ok(None);
            };
            tx.execute(
                "UPDATE credentials SET password_hash = ?, recovery_failures = 0, recovery_after = 0 \
                 WHERE user_id = ?",
                (recovery.new_hash, id),
            )?;
            let left: Option<u32> = tx.row("SELECT COUNT(*) FROM recovery_codes WHERE user_id = ?", (id,))?;
            let ended = end_others(tx, user.id, None)?;
            Ok(Some(Recovered { user, ended, codes_left: left.unwrap_or(0) }))
        })
    }
}

/// Whether this is the hash of the user's password, as of now: the user's row is locked.
pub(super) fn has_password(tx: &mut Connection, user: UserId, password_hash: &str) -> Result<bool, Fault> {
    let hash: Option<String> =
        tx.row("SELECT password_hash FROM credentials WHERE user_id = ? FOR UPDATE", (user.0,))?;
    Ok(hash.is_some_and(|hash| hash == password_hash))
}

pub(super) fn insert_codes(tx: &mut Connection, user: UserId, codes: &[CodeHash]) -> Result<(), Fault> {
    if codes.is_empty() {
        return Ok(());
    }
    let values = codes.iter().flat_map(|code| [Value::UInt(user.0), Value::Bytes(code.0.to_vec())]).collect();
    let sql =
        format!("INSERT INTO recovery_codes (user_id, code_hash) VALUES {}", repeated("(?, ?)", codes.len()));
    tx.execute(&sql, ::mysql::Params::Positional(values))?;
    Ok(())
}

/// Counts a wrong code. One that counts for nobody costs the same write: the time of it tells nothing.
fn note_failure(tx: &mut Connection, user: u64, failures: u32, at: Timestamp) -> Result<(), Fault> {
    match user {
        0 => tx.execute("UPDATE recoveries_in_vain SET tries = tries + 1 WHERE id = 1", ())?,
        _ => tx.execute(
            "UPDATE credentials SET recovery_failures = ?, recovery_after = ? WHERE user_id = ?",
            (failures, at.0 + recovery_delay_ms(failures), user),
        )?,
    };
    Ok(())
}

/// Ends the user's sessions but one, under the user's lock; those that ended.
pub(super) fn end_others(
    tx: &mut Connection,
    user: UserId,
    keep: Option<SessionId>,
) -> Result<Vec<SessionId>, Fault> {
    // No session has the number 0.
    let keep = keep.map_or(0, |keep| keep.0);
    let ended: Vec<u64> = tx.rows(
        "SELECT id FROM sessions WHERE user_id = ? AND id <> ? ORDER BY id FOR UPDATE",
        (user.0, keep),
    )?;
    if !ended.is_empty() {
        let mut params = Vec::new();
        let length = padded(&ended, &mut params, |id, params| params.push(Value::UInt(*id)));
        tx.execute(&format!("DELETE FROM sessions WHERE id IN ({})", repeated("?", length)), params)?;
    }
    Ok(ended.into_iter().map(SessionId).collect())
}
