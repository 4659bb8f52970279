//! What users tell of themselves.

use domain::{Edited, Profile, ProfileEdit, ProfileStore, Shows, StoreResult, User, UserId, UserSearch};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::friends::{lists_of_friends_changed, lock_with_friends};
use super::search::search_users;
use super::users::{lock_user, user};

impl ProfileStore for MySqlStore {
    fn profile(&self, user: UserId) -> StoreResult<Option<Profile>> {
        self.read("read a profile", |connection| profile(connection, user))
    }

    fn edit_profile(&self, user: UserId, edit: &ProfileEdit<'_>) -> StoreResult<Option<Edited>> {
        self.transact("edit a profile", |tx| {
            // Only what lists show concerns the friends' rows.
            let there = match edit.nickname.is_some() || edit.avatar.is_some() {
                true => lock_with_friends(tx, user)?,
                false => lock_user(tx, user)?,
            };
            if !there {
                return Ok(None);
            }
            let Some(before) = profile(tx, user)? else { return Ok(None) };
            if let Some((nickname, key)) = edit.nickname {
                tx.execute(
                    "UPDATE users SET nickname = ?, nickname_key = ? WHERE id = ?",
                    (nickname, key, user.0),
                )?;
            }
            if let Some(avatar) = edit.avatar {
                tx.execute("UPDATE users SET avatar = ? WHERE id = ?", (avatar, user.0))?;
            }
            if let Some(searchable) = edit.searchable {
                tx.execute("UPDATE users SET searchable = ? WHERE id = ?", (searchable, user.0))?;
            }
            if edit.signature.is_some() || edit.phone.is_some() {
                let signature = edit.signature.unwrap_or(&before.signature);
                let phone = edit.phone.unwrap_or(&before.phone);
                tx.execute(
                    "INSERT INTO user_details (user_id, signature, phone) VALUES (?, ?, ?) \
                     ON DUPLICATE KEY UPDATE signature = ?, phone = ?",
                    (user.0, signature, phone, signature, phone),
                )?;
            }
            let Some(after) = profile(tx, user)? else { return Ok(None) };
            let shows = if after.user == before.user { Shows::TheSame } else { Shows::Another };
            if shows == Shows::Another {
                lists_of_friends_changed(tx, user)?;
            }
            Ok(Some(Edited { profile: after, shows }))
        })
    }

    fn search_users(&self, by: UserId, search: &UserSearch<'_>, limit: u32) -> StoreResult<Vec<User>> {
        self.read("search users", |connection| search_users(connection, by, search, limit))
    }
}

fn profile(connection: &mut Connection, id: UserId) -> Result<Option<Profile>, Fault> {
    type Row = (u64, String, String, String, bool, Option<String>, Option<String>);
    let row: Option<Row> = connection.row(
        "SELECT u.id, u.name, u.nickname, u.avatar, u.searchable, d.signature, d.phone \
         FROM users u LEFT JOIN user_details d ON d.user_id = u.id WHERE u.id = ? AND u.deleted_at = 0",
        (id.0,),
    )?;
    Ok(row.map(|(id, name, nickname, avatar, searchable, signature, phone)| Profile {
        user: user((id, name, nickname, avatar)),
        signature: signature.unwrap_or_default(),
        phone: phone.unwrap_or_default(),
        searchable,
    }))
}
