//! Blocked users.

use domain::policy::{PairAct, Relation, Why, between};
use domain::{BlockStore, Blocked, Parted, PersonalNoticeKind, StoreResult, Timestamp, User, UserId};
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::friends::{end_friendship, notice, pair, relation, remove_request};
use super::notices::add_notice;
use super::number::sql;
use super::users::{exists, user as shown};

impl BlockStore for SqliteStore {
    fn block(&self, user: UserId, other: UserId, at: Timestamp, max: u32) -> StoreResult<Blocked> {
        self.write("block a user", |connection| {
            if !exists(connection, user)? {
                return Ok(Blocked::Refused(Why::NotFound));
            }
            let relation = if user == other { Relation::Myself } else { relation(connection, user, other)? };
            if let Err(why) = between(PairAct::Block, relation) {
                return Ok(Blocked::Refused(why));
            }
            if relation == Relation::BlockedByMe {
                return Ok(Blocked::Parted(Parted::Nothing));
            }
            if has_blocked(connection, user, max)? {
                return Ok(Blocked::Full);
            }
            connection
                .prepare_cached("INSERT INTO blocks (user_id, blocked_id, at) VALUES (?1, ?2, ?3)")?
                .execute([sql(user.0), sql(other.0), sql(at.0)])?;
            part(connection, user, other, at).map(Blocked::Parted)
        })
    }

    fn unblock(&self, user: UserId, other: UserId) -> StoreResult<bool> {
        self.write("unblock a user", |connection| {
            let removed = connection
                .prepare_cached("DELETE FROM blocks WHERE user_id = ?1 AND blocked_id = ?2")?
                .execute([sql(user.0), sql(other.0)])?;
            Ok(removed > 0)
        })
    }

    fn blocked(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<User>> {
        self.read("list blocked users", |connection| {
            connection
                .prepare_cached(
                    "SELECT u.id, u.name, u.nickname, u.avatar FROM blocks b JOIN users u ON u.id = b.blocked_id
                     WHERE b.user_id = ?1 AND b.blocked_id > ?2 ORDER BY b.blocked_id LIMIT ?3",
                )?
                .query_map(params![sql(user.0), sql(after.0), limit], |row| shown(row, 0))?
                .collect()
        })
    }

    fn blocks_among(&self, by: &[UserId], whom: &[UserId]) -> StoreResult<Vec<(UserId, UserId)>> {
        self.read("list blocks", |connection| {
            let mut find =
                connection.prepare_cached("SELECT 1 FROM blocks WHERE user_id = ?1 AND blocked_id = ?2")?;
            let mut found = Vec::new();
            for (one, other) in by.iter().flat_map(|one| whom.iter().map(move |other| (*one, *other))) {
                if !found.contains(&(one, other)) && find.exists([sql(one.0), sql(other.0)])? {
                    found.push((one, other));
                }
            }
            Ok(found)
        })
    }
}

/// Whether the user has blocked so many, or more.
fn has_blocked(connection: &Connection, user: UserId, max: u32) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT count(*) >= ?2 FROM blocks WHERE user_id = ?1")?
        .query_row(params![sql(user.0), max], |row| row.get(0))
}

/// Ends what is between two users, of whom the first blocked the other.
fn part(connection: &Connection, user: UserId, other: UserId, at: Timestamp) -> rusqlite::Result<Parted> {
    // Until they are friends again. Whatever was checked before and is not stored yet finds it closed.
    let [lower, higher] = pair(user, other);
    connection
        .prepare_cached(
            "UPDATE conversations SET closed_at = max(1, ?3) WHERE id = (
                 SELECT conversation_id FROM direct_conversations WHERE user_lo = ?1 AND user_hi = ?2
             )",
        )?
        .execute([lower, higher, sql(at.0)])?;
    connection
        .prepare_cached(
            "DELETE FROM group_invitations
             WHERE (user_id = ?1 AND by_id = ?2) OR (user_id = ?2 AND by_id = ?1)",
        )?
        .execute([lower, higher])?;
    let tell = |kind| add_notice(connection, notice(other, kind, user, at));
    if end_friendship(connection, user, other)? {
        return tell(PersonalNoticeKind::FriendDeleted).map(Parted::Friendship);
    }
    if remove_request(connection, other, user)? {
        return tell(PersonalNoticeKind::FriendRefused).map(Parted::TheirRequest);
    }
    let asked = remove_request(connection, user, other)?;
    Ok(if asked { Parted::OwnRequest } else { Parted::Nothing })
}
