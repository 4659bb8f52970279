//! What users tell of themselves.

use domain::{Edited, Profile, ProfileEdit, ProfileStore, Shows, StoreResult, User, UserId, UserSearch};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::friends::lists_of_friends_changed;
use super::number::sql;
use super::search::search_users;
use super::users::user;

impl ProfileStore for SqliteStore {
    fn profile(&self, user: UserId) -> StoreResult<Option<Profile>> {
        self.read("read a profile", |connection| profile(connection, user))
    }

    fn edit_profile(&self, user: UserId, edit: &ProfileEdit<'_>) -> StoreResult<Option<Edited>> {
        self.write("edit a profile", |connection| {
            let id = sql(user.0);
            let Some(before) = profile(connection, user)? else { return Ok(None) };
            if let Some((nickname, key)) = edit.nickname {
                connection
                    .prepare_cached("UPDATE users SET nickname = ?2, nickname_key = ?3 WHERE id = ?1")?
                    .execute(params![id, nickname, key])?;
            }
            if let Some(avatar) = edit.avatar {
                connection
                    .prepare_cached("UPDATE users SET avatar = ?2 WHERE id = ?1")?
                    .execute(params![id, avatar])?;
            }
            if let Some(searchable) = edit.searchable {
                connection
                    .prepare_cached("UPDATE users SET searchable = ?2 WHERE id = ?1")?
                    .execute(params![id, searchable])?;
            }
            if edit.signature.is_some() || edit.phone.is_some() {
                let signature = edit.signature.unwrap_or(&before.signature);
                let phone = edit.phone.unwrap_or(&before.phone);
                connection
                    .prepare_cached(
                        "INSERT INTO user_details (user_id, signature, phone) VALUES (?1, ?2, ?3)
                         ON CONFLICT (user_id) DO UPDATE SET signature = ?2, phone = ?3",
                    )?
                    .execute(params![id, signature, phone])?;
            }
            let Some(after) = profile(connection, user)? else { return Ok(None) };
            let shows = if after.user == before.user { Shows::TheSame } else { Shows::Another };
            if shows == Shows::Another {
                lists_of_friends_changed(connection, user)?;
            }
            Ok(Some(Edited { profile: after, shows }))
        })
    }

    fn search_users(&self, by: UserId, search: &UserSearch<'_>, limit: u32) -> StoreResult<Vec<User>> {
        self.read("search users", |connection| search_users(connection, by, search, limit))
    }
}

fn profile(connection: &Connection, id: UserId) -> rusqlite::Result<Option<Profile>> {
    connection
        .prepare_cached(
            "SELECT u.id, u.name, u.nickname, u.avatar, u.searchable, d.signature, d.phone
             FROM users u LEFT JOIN user_details d ON d.user_id = u.id
             WHERE u.id = ?1 AND u.deleted_at = 0",
        )?
        .query_row([sql(id.0)], |row| {
            Ok(Profile {
                user: user(row, 0)?,
                searchable: row.get(4)?,
                signature: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
                phone: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
            })
        })
        .optional()
}
