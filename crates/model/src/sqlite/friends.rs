//! Friend requests and friendships.

use domain::policy::{PairAct, Relation, between};
use domain::{
    Accepted, Befriended, ConversationId, Direction, Friend, FriendLimits, FriendRequest, FriendStore,
    NewPersonalNotice, PersonalNotice, PersonalNoticeKind, Requested, StoreResult, Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::friend_notes::note;
use super::notices::add_notice;
use super::number::{number, sql};
use super::users::{exists, user};
use super::{SqliteStore, conversations};

impl FriendStore for SqliteStore {
    fn request_friend(
        &self,
        from: UserId,
        to: UserId,
        greeting: &str,
        at: Timestamp,
        limits: FriendLimits,
    ) -> StoreResult<Requested> {
        self.write("request a friend", |connection| {
            if !exists(connection, from)? || !exists(connection, to)? {
                return Ok(Requested::NoSuchUser);
            }
            if friendship(connection, from, to)?.is_some() {
                return Ok(Requested::AlreadyFriends);
            }
            if let Err(why) = between(PairAct::Befriend, relation(connection, from, to)?) {
                return Ok(Requested::Refused(why));
            }
            if request_waits(connection, from, to)? {
                return Ok(Requested::AlreadyRequested);
            }
            if request_waits(connection, to, from)? {
                let befriended = befriend(connection, to, from, at, limits)?;
                return Ok(befriended.map_or(Requested::Full, Requested::Friends));
            }
            if has_friends(connection, from, limits.friends)?
                || has_friends(connection, to, limits.friends)?
                || has_requests(connection, from, to, limits.requests)?
            {
                return Ok(Requested::Full);
            }
            connection
                .prepare_cached(
                    "INSERT INTO friend_requests (from_id, to_id, greeting, at) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![sql(from.0), sql(to.0), greeting, sql(at.0)])?;
            Ok(Requested::Waiting)
        })
    }

    fn accept_friend(
        &self,
        user: UserId,
        from: UserId,
        at: Timestamp,
        limits: FriendLimits,
    ) -> StoreResult<Accepted> {
        self.write("accept a friend", |connection| {
            if !request_waits(connection, from, user)? {
                return Ok(Accepted::NoRequest);
            }
            let befriended = befriend(connection, from, user, at, limits)?;
            Ok(befriended.map_or(Accepted::Full, Accepted::Friends))
        })
    }

    fn refuse_friend(
        &self,
        user: UserId,
        from: UserId,
        at: Timestamp,
    ) -> StoreResult<Option<PersonalNotice>> {
        self.write("refuse a friend", |connection| {
            if !remove_request(connection, from, user)? {
                return Ok(None);
            }
            let notice = notice(from, PersonalNoticeKind::FriendRefused, user, at);
            add_notice(connection, notice).map(Some)
        })
    }

    fn withdraw_friend(&self, from: UserId, to: UserId) -> StoreResult<bool> {
        self.write("withdraw a friend request", |connection| remove_request(connection, from, to))
    }

    fn delete_friend(
        &self,
        user: UserId,
        friend: UserId,
        at: Timestamp,
    ) -> StoreResult<Option<PersonalNotice>> {
        self.write("delete a friend", |connection| {
            if !end_friendship(connection, user, friend)? {
                return Ok(None);
            }
            let notice = notice(friend, PersonalNoticeKind::FriendDeleted, user, at);
            add_notice(connection, notice).map(Some)
        })
    }

    fn relation(&self, user: UserId, other: UserId) -> StoreResult<Relation> {
        if user == other {
            return Ok(Relation::Myself);
        }
        self.read("find a relation", |connection| self::relation(connection, user, other))
    }

    fn friends_version(&self, user: UserId) -> StoreResult<u64> {
        self.read("read a version", |connection| {
            let version = connection
                .prepare_cached("SELECT friends_version FROM users WHERE id = ?1")?
                .query_row([sql(user.0)], |row| number(row, 0))
                .optional()?;
            Ok(version.unwrap_or(0))
        })
    }

    fn friendship(&self, user: UserId, other: UserId) -> StoreResult<Option<ConversationId>> {
        self.read("find a friendship", |connection| friendship(connection, user, other))
    }

    fn friends(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<Friend>> {
        self.read("list friends", |connection| {
            connection
                .prepare_cached(
                    "SELECT f.friend, u.name, u.nickname, u.avatar, f.conversation_id, u.last_seen, n.remark, n.label
                     FROM (
                         SELECT user_hi AS friend, conversation_id FROM friendships
                         WHERE user_lo = ?1 AND user_hi > ?2
                         UNION ALL
                         SELECT user_lo, conversation_id FROM friendships WHERE user_hi = ?1 AND user_lo > ?2
                         ORDER BY 1 LIMIT ?3
                     ) f JOIN users u ON u.id = f.friend
                     LEFT JOIN friend_notes n ON n.user_id = ?1 AND n.friend_id = f.friend ORDER BY f.friend",
                )?
                .query_map(params![sql(user.0), sql(after.0), limit], |row| {
                    Ok(Friend {
                        user: self::user(row, 0)?,
                        conversation: ConversationId(number(row, 4)?),
                        last_seen: Timestamp(number(row, 5)?),
                        note: note(row, 6)?,
                    })
                })?
                .collect()
        })
    }

    fn friend_ids(&self, user: UserId) -> StoreResult<Vec<UserId>> {
        self.read("list friends", |connection| {
            connection
                .prepare_cached(
                    "SELECT user_hi FROM friendships WHERE user_lo = ?1
                     UNION ALL
                     SELECT user_lo FROM friendships WHERE user_hi = ?1
                     ORDER BY 1",
                )?
                .query_map([sql(user.0)], |row| Ok(UserId(number(row, 0)?)))?
                .collect()
        })
    }

    fn friend_requests(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<FriendRequest>> {
        self.read("list friend requests", |connection| {
            connection
                .prepare_cached(
                    "SELECT r.other, u.name, u.nickname, u.avatar, r.is_out, r.greeting, r.at FROM (
                         SELECT to_id AS other, 1 AS is_out, greeting, at FROM friend_requests
                         WHERE from_id = ?1 AND to_id > ?2
                         UNION ALL
                         SELECT from_id, 0, greeting, at FROM friend_requests WHERE to_id = ?1 AND from_id > ?2
                         ORDER BY 1 LIMIT ?3
                     ) r JOIN users u ON u.id = r.other ORDER BY r.other",
                )?
                .query_map(params![sql(user.0), sql(after.0), limit], request)?
                .collect()
        })
    }
}

fn request(row: &Row<'_>) -> rusqlite::Result<FriendRequest> {
    Ok(FriendRequest {
        other: user(row, 0)?,
        direction: if row.get(4)? { Direction::Out } else { Direction::In },
        greeting: row.get(5)?,
        at: Timestamp(number(row, 6)?),
    })
}

/// Two users as the columns `user_lo` and `user_hi` hold them.
pub(super) fn pair(one: UserId, other: UserId) -> [i64; 2] {
    [sql(one.0.min(other.0)), sql(one.0.max(other.0))]
}

/// How a user stands to another, who is somebody else.
pub(super) fn relation(connection: &Connection, user: UserId, other: UserId) -> rusqlite::Result<Relation> {
    let [lo, hi] = pair(user, other);
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?2 AND deleted_at = 0),
                 EXISTS (SELECT 1 FROM blocks WHERE user_id = ?2 AND blocked_id = ?1),
                 EXISTS (SELECT 1 FROM blocks WHERE user_id = ?1 AND blocked_id = ?2),
                 EXISTS (SELECT 1 FROM friendships WHERE user_lo = ?3 AND user_hi = ?4)",
        )?
        .query_row(params![sql(user.0), sql(other.0), lo, hi], |row| {
            Ok(match (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?) {
                (false, ..) => Relation::Nobody,
                (_, true, ..) => Relation::BlockedByThem,
                (_, _, true, _) => Relation::BlockedByMe,
                (.., true) => Relation::Friend,
                _ => Relation::Stranger,
            })
        })
}

pub(super) fn friendship(
    connection: &Connection,
    user: UserId,
    other: UserId,
) -> rusqlite::Result<Option<ConversationId>> {
    connection
        .prepare_cached("SELECT conversation_id FROM friendships WHERE user_lo = ?1 AND user_hi = ?2")?
        .query_row(pair(user, other), |row| Ok(ConversationId(number(row, 0)?)))
        .optional()
}

fn request_waits(connection: &Connection, from: UserId, to: UserId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM friend_requests WHERE from_id = ?1 AND to_id = ?2")?
        .exists([sql(from.0), sql(to.0)])
}

pub(super) fn remove_request(connection: &Connection, from: UserId, to: UserId) -> rusqlite::Result<bool> {
    let removed = connection
        .prepare_cached("DELETE FROM friend_requests WHERE from_id = ?1 AND to_id = ?2")?
        .execute([sql(from.0), sql(to.0)])?;
    Ok(removed > 0)
}

/// Whether the user has so many friends, or more.
fn has_friends(connection: &Connection, user: UserId, limit: u32) -> rusqlite::Result<bool> {
    let mut count = connection.prepare_cached(
        "SELECT (SELECT count(*) FROM friendships WHERE user_lo = ?1)
              + (SELECT count(*) FROM friendships WHERE user_hi = ?1) >= ?2",
    )?;
    count.query_row(params![sql(user.0), limit], |row| row.get(0))
}

/// Whether so many requests of `from` wait, or so many for `to`, or more.
fn has_requests(connection: &Connection, from: UserId, to: UserId, limit: u32) -> rusqlite::Result<bool> {
    let mut count = connection.prepare_cached(
        "SELECT (SELECT count(*) FROM friend_requests WHERE from_id = ?1) >= ?3
             OR (SELECT count(*) FROM friend_requests WHERE to_id = ?2) >= ?3",
    )?;
    count.query_row(params![sql(from.0), sql(to.0), limit], |row| row.get(0))
}

/// Turns the request of `from` into a friendship; `None` if one of the two has too many friends.
fn befriend(
    connection: &Connection,
    from: UserId,
    to: UserId,
    at: Timestamp,
    limits: FriendLimits,
) -> rusqlite::Result<Option<Befriended>> {
    if has_friends(connection, from, limits.friends)? || has_friends(connection, to, limits.friends)? {
        return Ok(None);
    }
    remove_request(connection, from, to)?;
    let [lower, higher] = pair(from, to);
    let conversation = direct_conversation(connection, lower, higher)?;
    connection
        .prepare_cached(
            "INSERT INTO friendships (user_lo, user_hi, conversation_id, since) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute([lower, higher, sql(conversation.0), sql(at.0)])?;
    lists_changed(connection, [from, to])?;
    let notice = add_notice(connection, notice(from, PersonalNoticeKind::FriendAccepted, to, at))?;
    Ok(Some(Befriended { conversation, notice }))
}

/// Ends a friendship; whether there was one.
pub(super) fn end_friendship(connection: &Connection, one: UserId, other: UserId) -> rusqlite::Result<bool> {
    let ended = connection
        .prepare_cached("DELETE FROM friendships WHERE user_lo = ?1 AND user_hi = ?2")?
        .execute(pair(one, other))?;
    if ended > 0 {
        lists_changed(connection, [one, other])?;
    }
    Ok(ended > 0)
}

/// What one user is told of another's decision.
pub(super) fn notice(user: UserId, kind: PersonalNoticeKind, by: UserId, at: Timestamp) -> NewPersonalNotice {
    NewPersonalNotice { user, kind, by, group: None, detail: 0, at }
}

/// What the lists of these two users show changed.
fn lists_changed(connection: &Connection, users: [UserId; 2]) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE users SET friends_version = friends_version + 1 WHERE id IN (?1, ?2)")?
        .execute(users.map(|user| sql(user.0)))?;
    Ok(())
}

/// What the lists of all friends of this user show changed.
pub(super) fn lists_of_friends_changed(connection: &Connection, user: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE users SET friends_version = friends_version + 1 WHERE id IN (
                 SELECT user_hi FROM friendships WHERE user_lo = ?1
                 UNION ALL
                 SELECT user_lo FROM friendships WHERE user_hi = ?1
             )",
        )?
        .execute([sql(user.0)])?;
    Ok(())
}

/// The conversation of these two: the one they had, or a new one.
fn direct_conversation(connection: &Connection, lower: i64, higher: i64) -> rusqlite::Result<ConversationId> {
    let found = connection
        .prepare_cached(
            "SELECT conversation_id FROM direct_conversations WHERE user_lo = ?1 AND user_hi = ?2",
        )?
        .query_row([lower, higher], |row| Ok(ConversationId(number(row, 0)?)))
        .optional()?;
    if let Some(conversation) = found {
        // A block may have closed it.
        connection
            .prepare_cached("UPDATE conversations SET closed_at = 0 WHERE id = ?1 AND closed_at <> 0")?
            .execute([sql(conversation.0)])?;
        return Ok(conversation);
    }
    let conversation = conversations::open(connection, conversations::Kind::Direct)?;
    connection
        .prepare_cached(
            "INSERT INTO direct_conversations (user_lo, user_hi, conversation_id) VALUES (?1, ?2, ?3)",
        )?
        .execute([lower, higher, sql(conversation.0)])?;
    Ok(conversation)
}
