//! Friend requests and friendships.
//!
//! Two friends are one row, `user_lo` being the smaller id. Whatever changes something between two users first locks
//! both users' rows: friendships are rare, and so every limit and rule is exact without a further thought.

use ::mysql::Value;
use domain::policy::{PairAct, Relation, between};
use domain::{
    Accepted, Befriended, ConversationId, Direction, Friend, FriendLimits, FriendNote, FriendRequest,
    FriendStore, NewPersonalNotice, PersonalNotice, PersonalNoticeKind, Requested, StoreResult, Timestamp,
    UserId,
};

use super::MySqlStore;
use super::connection::Connection;
use super::conversations::DIRECT;
use super::fault::Fault;
use super::list::{padded, repeated};
use super::notices::add_notice;
use super::users::{lock_users, user};

/// Users that one statement locks.
pub(super) const LOCKED_AT_ONCE: usize = 256;

impl FriendStore for MySqlStore {
    fn request_friend(
        &self,
        from: UserId,
        to: UserId,
        greeting: &str,
        at: Timestamp,
        limits: FriendLimits,
    ) -> StoreResult<Requested> {
        self.transact("request a friend", |tx| {
            if lock_users(tx, [from, to])? < 2 {
                return Ok(Requested::NoSuchUser);
            }
            if conversation_of_friends(tx, from, to)?.is_some() {
                return Ok(Requested::AlreadyFriends);
            }
            if let Err(why) = between(PairAct::Befriend, relation(tx, from, to)?) {
                return Ok(Requested::Refused(why));
            }
            if request_waits(tx, from, to)? {
                return Ok(Requested::AlreadyRequested);
            }
            if !both_have_room_for_a_friend(tx, [from, to], limits)? {
                return Ok(Requested::Full);
            }
            if take_request(tx, to, from)? {
                return Ok(Requested::Friends(befriend(tx, to, from, at)?));
            }
            if most_requests(tx, from, to)? >= u64::from(limits.requests) {
                return Ok(Requested::Full);
            }
            let (lo, hi) = pair(from, to);
            tx.execute(
                "INSERT INTO friend_requests (from_id, to_id, greeting, at, pair_lo, pair_hi) VALUES (?, ?, ?, ?, ?, ?)",
                (from.0, to.0, greeting, at.0, lo, hi),
            )?;
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
        self.transact("accept a friend", |tx| {
            lock_users(tx, [user, from])?;
            if !request_waits(tx, from, user)? {
                return Ok(Accepted::NoRequest);
            }
            if !both_have_room_for_a_friend(tx, [user, from], limits)? {
                return Ok(Accepted::Full);
            }
            take_request(tx, from, user)?;
            Ok(Accepted::Friends(befriend(tx, from, user, at)?))
        })
    }

    fn refuse_friend(
        &self,
        user: UserId,
        from: UserId,
        at: Timestamp,
    ) -> StoreResult<Option<PersonalNotice>> {
        self.transact("refuse a friend", |tx| {
            lock_users(tx, [user, from])?;
            if !take_request(tx, from, user)? {
                return Ok(None);
            }
            add_notice(tx, notice(from, PersonalNoticeKind::FriendRefused, user, at)).map(Some)
        })
    }

    fn withdraw_friend(&self, from: UserId, to: UserId) -> StoreResult<bool> {
        self.transact("withdraw a friend request", |tx| {
            lock_users(tx, [from, to])?;
            take_request(tx, from, to)
        })
    }

    fn delete_friend(
        &self,
        user: UserId,
        friend: UserId,
        at: Timestamp,
    ) -> StoreResult<Option<PersonalNotice>> {
        self.transact("delete a friend", |tx| {
            lock_users(tx, [user, friend])?;
            if !end_friendship(tx, user, friend)? {
                return Ok(None);
            }
            add_notice(tx, notice(friend, PersonalNoticeKind::FriendDeleted, user, at)).map(Some)
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
            let version: Option<u64> =
                connection.row("SELECT friends_version FROM users WHERE id = ?", (user.0,))?;
            Ok(version.unwrap_or(0))
        })
    }

    fn friendship(&self, user: UserId, other: UserId) -> StoreResult<Option<ConversationId>> {
        self.read("find a friendship", |connection| conversation_of_friends(connection, user, other))
    }

    fn friends(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<Friend>> {
        self.read("list friends", |connection| {
            type Row = (u64, String, String, String, u64, u64, Option<String>, Option<String>);
            let rows: Vec<Row> = connection.rows(
                "SELECT u.id, u.name, u.nickname, u.avatar, f.conversation_id, u.last_seen, n.remark, n.label \
                 FROM (\
                 (SELECT user_hi AS other, conversation_id FROM friendships \
                 WHERE user_lo = ? AND user_hi > ? ORDER BY user_hi LIMIT ?) UNION ALL \
                 (SELECT user_lo AS other, conversation_id FROM friendships \
                 WHERE user_hi = ? AND user_lo > ? ORDER BY user_lo LIMIT ?)) f \
                 JOIN users u ON u.id = f.other \
                 LEFT JOIN friend_notes n ON n.user_id = ? AND n.friend_id = f.other ORDER BY u.id LIMIT ?",
                (user.0, after.0, limit, user.0, after.0, limit, user.0, limit),
            )?;
            let friend = |(id, name, nickname, avatar, conversation, last_seen, remark, label): Row| Friend {
                user: self::user((id, name, nickname, avatar)),
                conversation: ConversationId(conversation),
                last_seen: Timestamp(last_seen),
                note: FriendNote { remark: remark.unwrap_or_default(), label: label.unwrap_or_default() },
            };
            Ok(rows.into_iter().map(friend).collect())
        })
    }

    fn friend_ids(&self, user: UserId) -> StoreResult<Vec<UserId>> {
        self.read("list friends", |connection| {
            let ids: Vec<u64> = connection.rows(
                "SELECT user_hi AS other FROM friendships WHERE user_lo = ? UNION ALL \
                 SELECT user_lo AS other FROM friendships WHERE user_hi = ? ORDER BY other",
                (user.0, user.0),
            )?;
            Ok(ids.into_iter().map(UserId).collect())
        })
    }

    fn friend_requests(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<FriendRequest>> {
        self.read("list friend requests", |connection| {
            type Row = (u64, String, String, String, bool, String, u64);
            let rows: Vec<Row> = connection.rows(
                "SELECT u.id, u.name, u.nickname, u.avatar, r.incoming, r.greeting, r.at FROM (\
                 (SELECT to_id AS other, 0 AS incoming, greeting, at FROM friend_requests \
                 WHERE from_id = ? AND to_id > ? ORDER BY to_id LIMIT ?) UNION ALL \
                 (SELECT from_id AS other, 1 AS incoming, greeting, at FROM friend_requests \
                 WHERE to_id = ? AND from_id > ? ORDER BY from_id LIMIT ?)) r \
                 JOIN users u ON u.id = r.other ORDER BY u.id LIMIT ?",
                (user.0, after.0, limit, user.0, after.0, limit, limit),
            )?;
            let request = |(id, name, nickname, avatar, incoming, greeting, at)| FriendRequest {
                other: self::user((id, name, nickname, avatar)),
                direction: if incoming { Direction::In } else { Direction::Out },
                greeting,
                at: Timestamp(at),
            };
            Ok(rows.into_iter().map(request).collect())
        })
    }
}

/// Two users in rising order.
pub(super) fn pair(one: UserId, other: UserId) -> (u64, u64) {
    (one.0.min(other.0), one.0.max(other.0))
}

/// How a user stands to another, who is somebody else.
pub(super) fn relation(connection: &mut Connection, user: UserId, other: UserId) -> Result<Relation, Fault> {
    let (lo, hi) = pair(user, other);
    let row: Option<(bool, bool, bool, bool)> = connection.row(
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = ? AND deleted_at = 0), \
         EXISTS (SELECT 1 FROM blocks WHERE user_id = ? AND blocked_id = ?), \
         EXISTS (SELECT 1 FROM blocks WHERE user_id = ? AND blocked_id = ?), \
         EXISTS (SELECT 1 FROM friendships WHERE user_lo = ? AND user_hi = ?)",
        (other.0, other.0, user.0, user.0, other.0, lo, hi),
    )?;
    Ok(match row {
        None | Some((false, ..)) => Relation::Nobody,
        Some((_, true, ..)) => Relation::BlockedByThem,
        Some((_, _, true, _)) => Relation::BlockedByMe,
        Some((.., true)) => Relation::Friend,
        Some(_) => Relation::Stranger,
    })
}

pub(super) fn conversation_of_friends(
    connection: &mut Connection,
    one: UserId,
    other: UserId,
) -> Result<Option<ConversationId>, Fault> {
    let sql = "SELECT conversation_id FROM friendships WHERE user_lo = ? AND user_hi = ?";
    Ok(connection.row(sql, pair(one, other))?.map(ConversationId))
}

fn request_waits(tx: &mut Connection, from: UserId, to: UserId) -> Result<bool, Fault> {
    let row: Option<u64> =
        tx.row("SELECT to_id FROM friend_requests WHERE from_id = ? AND to_id = ?", (from.0, to.0))?;
    Ok(row.is_some())
}

/// Removes a request; whether there was one.
pub(super) fn take_request(tx: &mut Connection, from: UserId, to: UserId) -> Result<bool, Fault> {
    Ok(tx.execute("DELETE FROM friend_requests WHERE from_id = ? AND to_id = ?", (from.0, to.0))? > 0)
}

/// How many requests of `from` wait, or how many for `to`: the larger of the two.
fn most_requests(tx: &mut Connection, from: UserId, to: UserId) -> Result<u64, Fault> {
    let count: Option<u64> = tx.row(
        "SELECT GREATEST((SELECT COUNT(*) FROM friend_requests WHERE from_id = ?), \
         (SELECT COUNT(*) FROM friend_requests WHERE to_id = ?))",
        (from.0, to.0),
    )?;
    Ok(count.unwrap_or(0))
}

fn both_have_room_for_a_friend(
    tx: &mut Connection,
    users: [UserId; 2],
    limits: FriendLimits,
) -> Result<bool, Fault> {
    for user in users {
        let count: Option<u64> = tx.row(
            "SELECT (SELECT COUNT(*) FROM friendships WHERE user_lo = ?) \
             + (SELECT COUNT(*) FROM friendships WHERE user_hi = ?)",
            (user.0, user.0),
        )?;
        if count.unwrap_or(0) >= u64::from(limits.friends) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes friends of `to` and `from`, who had asked and is told; their conversation is the one they had, if they had one.
fn befriend(tx: &mut Connection, from: UserId, to: UserId, at: Timestamp) -> Result<Befriended, Fault> {
    let (lo, hi) = pair(from, to);
    let had: Option<u64> = tx.row(
        "SELECT conversation_id FROM direct_conversations WHERE user_lo = ? AND user_hi = ?",
        (lo, hi),
    )?;
    let conversation = match had {
        Some(id) => {
            // A block may have closed it.
            tx.execute("UPDATE conversations SET closed_at = 0 WHERE id = ? AND closed_at <> 0", (id,))?;
            id
        }
        None => {
            let id = tx.insert(
                "INSERT INTO conversations (kind, last_seq, roster, last_time) VALUES (?, 0, 0, 0)",
                (DIRECT,),
            )?;
            tx.execute(
                "INSERT INTO direct_conversations (user_lo, user_hi, conversation_id) VALUES (?, ?, ?)",
                (lo, hi, id),
            )?;
            id
        }
    };
    tx.execute(
        "INSERT INTO friendships (user_lo, user_hi, conversation_id, since) VALUES (?, ?, ?, ?)",
        (lo, hi, conversation, at.0),
    )?;
    lists_changed(tx, [from, to])?;
    let notice = add_notice(tx, notice(from, PersonalNoticeKind::FriendAccepted, to, at))?;
    Ok(Befriended { conversation: ConversationId(conversation), notice })
}

/// Ends a friendship; whether there was one.
pub(super) fn end_friendship(tx: &mut Connection, one: UserId, other: UserId) -> Result<bool, Fault> {
    let ended = tx.execute("DELETE FROM friendships WHERE user_lo = ? AND user_hi = ?", pair(one, other))?;
    if ended > 0 {
        lists_changed(tx, [one, other])?;
    }
    Ok(ended > 0)
}

/// What one user is told of another's decision.
pub(super) fn notice(user: UserId, kind: PersonalNoticeKind, by: UserId, at: Timestamp) -> NewPersonalNotice {
    NewPersonalNotice { user, kind, by, group: None, detail: 0, at }
}

/// What the lists of these two users show changed. They are locked.
fn lists_changed(tx: &mut Connection, users: [UserId; 2]) -> Result<(), Fault> {
    tx.execute(
        "UPDATE users SET friends_version = friends_version + 1 WHERE id IN (?, ?)",
        (users[0].0, users[1].0),
    )?;
    Ok(())
}

/// Locks a user and all friends, in rising order of id; whether there is such a user. Whoever becomes a friend between
/// the two statements is locked late, which the database settles.
pub(super) fn lock_with_friends(tx: &mut Connection, user: UserId) -> Result<bool, Fault> {
    let mut ids: Vec<u64> = tx.rows(
        "SELECT user_hi FROM friendships WHERE user_lo = ? UNION ALL \
         SELECT user_lo FROM friendships WHERE user_hi = ?",
        (user.0, user.0),
    )?;
    ids.push(user.0);
    ids.sort_unstable();
    let mut there = false;
    for some in ids.chunks(LOCKED_AT_ONCE) {
        let mut params = Vec::new();
        let length = padded(some, &mut params, |id, params| params.push(Value::UInt(*id)));
        let sql =
            format!("SELECT id FROM users WHERE id IN ({}) ORDER BY id FOR UPDATE", repeated("?", length));
        let locked: Vec<u64> = tx.rows(&sql, params)?;
        there |= locked.binary_search(&user.0).is_ok();
    }
    Ok(there)
}

/// What the lists of all friends of this user show changed. One statement, led by the friendships and never by a scan of
/// the users.
pub(super) fn lists_of_friends_changed(tx: &mut Connection, user: UserId) -> Result<(), Fault> {
    tx.execute(
        "UPDATE (SELECT user_hi AS other FROM friendships WHERE user_lo = ? UNION ALL \
         SELECT user_lo AS other FROM friendships WHERE user_hi = ?) f \
         STRAIGHT_JOIN users u ON u.id = f.other SET u.friends_version = u.friends_version + 1",
        (user.0, user.0),
    )?;
    Ok(())
}
