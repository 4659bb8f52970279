//! Deleted accounts.

use domain::{
    AccountDeletion, DeletionStore, Departure, GroupId, OwnedGroups, PersonalNotice, PersonalNoticeKind,
    SessionId, StoreResult, Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::friends::{end_friendship, notice};
use super::notices::add_notice;
use super::number::{number, out_of_range, sql};
use super::secrets::{end_others, has_password};

/// What goes with the account at once, each by the user's id.
const GOES: &[&str] = &[
    "DELETE FROM credentials WHERE user_id = ?1",
    "DELETE FROM recovery_codes WHERE user_id = ?1",
    "DELETE FROM user_details WHERE user_id = ?1",
    "DELETE FROM notices WHERE user_id = ?1",
    "DELETE FROM friend_requests WHERE from_id = ?1",
    "DELETE FROM friend_requests WHERE to_id = ?1",
    "DELETE FROM blocks WHERE user_id = ?1",
    "DELETE FROM blocks WHERE blocked_id = ?1",
    "DELETE FROM quiet WHERE user_id = ?1",
    "DELETE FROM hidden_messages WHERE user_id = ?1",
    "DELETE FROM group_applications WHERE user_id = ?1",
    "DELETE FROM group_invitations WHERE user_id = ?1",
    "DELETE FROM group_invitations WHERE by_id = ?1",
];

/// What goes when nobody is left who could write it anew.
const GOES_LAST: &[&str] = &[
    "DELETE FROM notices WHERE user_id = ?1",
    "DELETE FROM friend_notes WHERE user_id = ?1",
    "DELETE FROM friend_notes WHERE friend_id = ?1",
    "DELETE FROM departures WHERE user_id = ?1",
];

impl DeletionStore for SqliteStore {
    fn delete_account(&self, deletion: &AccountDeletion<'_>) -> StoreResult<Option<Vec<SessionId>>> {
        self.write("delete an account", |connection| {
            let user = deletion.user;
            if !has_password(connection, user, deletion.password_hash)? {
                return Ok(None);
            }
            let ended = end_others(connection, user, None)?;
            connection
                .prepare_cached(
                    "UPDATE users SET name = '', name_key = ?2, nickname = '', nickname_key = '', avatar = '',
                     searchable = 0, deleted_at = ?3 WHERE id = ?1",
                )?
                .execute(params![sql(user.0), format!("\0{user}"), sql(deletion.at.0.max(1))])?;
            for statement in GOES {
                connection.prepare_cached(statement)?.execute([sql(user.0)])?;
            }
            connection
                .prepare_cached("INSERT INTO departures (user_id, owned) VALUES (?1, ?2)")?
                .execute(params![sql(user.0), deletion.owned as u8])?;
            Ok(Some(ended))
        })
    }

    fn departures(&self, limit: u32) -> StoreResult<Vec<Departure>> {
        self.read("find departures", |connection| {
            connection
                .prepare_cached("SELECT user_id, owned FROM departures ORDER BY user_id LIMIT ?1")?
                .query_map([limit], |row| {
                    let owned: u8 = row.get(1)?;
                    let owned =
                        OwnedGroups::from_number(owned).ok_or_else(|| out_of_range(1, owned.into()))?;
                    Ok(Departure { user: UserId(number(row, 0)?), owned })
                })?
                .collect()
        })
    }

    fn part_from_friends(&self, user: UserId, at: Timestamp, limit: u32) -> StoreResult<Vec<PersonalNotice>> {
        self.write("part from friends", |connection| {
            let mut told = Vec::new();
            for friend in first_friends(connection, user, limit)? {
                if end_friendship(connection, user, friend)? {
                    let notice = notice(friend, PersonalNoticeKind::FriendAccountDeleted, user, at);
                    told.push(add_notice(connection, notice)?);
                }
            }
            Ok(told)
        })
    }

    fn successor(&self, group: GroupId) -> StoreResult<Option<UserId>> {
        self.read("find a successor", |connection| {
            connection
                .prepare_cached(
                    "SELECT m.user_id FROM group_members m JOIN users u ON u.id = m.user_id
                     WHERE m.group_id = ?1 AND m.role <> 1 AND u.deleted_at = 0
                     ORDER BY m.role, m.since_seq, m.user_id LIMIT 1",
                )?
                .query_row([sql(group.0)], |row| Ok(UserId(number(row, 0)?)))
                .optional()
        })
    }

    fn finish_departure(&self, user: UserId) -> StoreResult<bool> {
        self.write("finish a departure", |connection| {
            let has_any: bool = connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM friendships WHERE user_lo = ?1)
                         OR EXISTS (SELECT 1 FROM friendships WHERE user_hi = ?1)
                         OR EXISTS (SELECT 1 FROM group_members WHERE user_id = ?1)",
                )?
                .query_row([sql(user.0)], |row| row.get(0))?;
            if !has_any {
                for statement in GOES_LAST {
                    connection.prepare_cached(statement)?.execute([sql(user.0)])?;
                }
            }
            Ok(!has_any)
        })
    }
}

/// The first friends by rising id.
fn first_friends(connection: &Connection, user: UserId, limit: u32) -> rusqlite::Result<Vec<UserId>> {
    connection
        .prepare_cached(
            "SELECT user_hi FROM friendships WHERE user_lo = ?1
             UNION ALL
             SELECT user_lo FROM friendships WHERE user_hi = ?1
             ORDER BY 1 LIMIT ?2",
        )?
        .query_map(params![sql(user.0), limit], |row| Ok(UserId(number(row, 0)?)))?
        .collect()
}
