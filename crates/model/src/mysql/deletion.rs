//! Deleted accounts. Whoever marks one holds its row, as whoever comes into a group or becomes a friend does: of the two
//! one is before the other.

use ::mysql::Value;
use domain::{
    AccountDeletion, DeletionStore, Departure, GroupId, OwnedGroups, PersonalNotice, PersonalNoticeKind,
    SessionId, StoreResult, Timestamp, UserId,
};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::friends::{LOCKED_AT_ONCE, end_friendship, notice};
use super::list::{padded, repeated};
use super::notices::add_notice;
use super::secrets::{end_others, has_password};
use super::users::lock_user;

/// What goes with the account at once, each by the user's id.
const GOES: &[&str] = &[
    "DELETE FROM credentials WHERE user_id = ?",
    "DELETE FROM recovery_codes WHERE user_id = ?",
    "DELETE FROM user_details WHERE user_id = ?",
    "DELETE FROM notices WHERE user_id = ?",
    "DELETE FROM friend_requests WHERE from_id = ?",
    "DELETE FROM friend_requests WHERE to_id = ?",
    "DELETE FROM blocks WHERE user_id = ?",
    "DELETE FROM blocks WHERE blocked_id = ?",
    "DELETE FROM quiet WHERE user_id = ?",
    "DELETE FROM hidden_messages WHERE user_id = ?",
    "DELETE FROM group_applications WHERE user_id = ?",
    "DELETE FROM group_invitations WHERE user_id = ?",
    "DELETE FROM group_invitations WHERE by_id = ?",
];

/// What goes when nobody is left who could write it anew.
const GOES_LAST: &[&str] = &[
    "DELETE FROM notices WHERE user_id = ?",
    "DELETE FROM friend_notes WHERE user_id = ?",
    "DELETE FROM friend_notes WHERE friend_id = ?",
    "DELETE FROM departures WHERE user_id = ?",
];

impl DeletionStore for MySqlStore {
    fn delete_account(&self, deletion: &AccountDeletion<'_>) -> StoreResult<Option<Vec<SessionId>>> {
        self.transact("delete an account", |tx| {
            let user = deletion.user;
            if !lock_user(tx, user)? || !has_password(tx, user, deletion.password_hash)? {
                return Ok(None);
            }
            let ended = end_others(tx, user, None)?;
            tx.execute(
                "UPDATE users SET name = '', name_key = ?, nickname = '', nickname_key = '', avatar = '', \
                 searchable = 0, deleted_at = ? WHERE id = ?",
                (format!("\0{user}").into_bytes(), deletion.at.0.max(1), user.0),
            )?;
            for statement in GOES {
                tx.execute(statement, (user.0,))?;
            }
            tx.execute(
                "INSERT INTO departures (user_id, owned) VALUES (?, ?)",
                (user.0, deletion.owned as u8),
            )?;
            Ok(Some(ended))
        })
    }

    fn departures(&self, limit: u32) -> StoreResult<Vec<Departure>> {
        self.read("find departures", |connection| {
            let sql = "SELECT user_id, owned FROM departures ORDER BY user_id LIMIT ?";
            let rows: Vec<(u64, u8)> = connection.rows(sql, (limit,))?;
            let departure = |(user, number)| {
                let owned = OwnedGroups::from_number(number)
                    .ok_or_else(|| Fault::failed(format!("{number} says nothing of owned groups")))?;
                Ok(Departure { user: UserId(user), owned })
            };
            rows.into_iter().map(departure).collect()
        })
    }

    fn part_from_friends(&self, user: UserId, at: Timestamp, limit: u32) -> StoreResult<Vec<PersonalNotice>> {
        self.transact("part from friends", |tx| {
            let friends = lock_first_friends(tx, user, limit)?;
            let mut told = Vec::new();
            for friend in friends {
                // Another node may have been faster.
                if end_friendship(tx, user, friend)? {
                    let notice = notice(friend, PersonalNoticeKind::FriendAccountDeleted, user, at);
                    told.push(add_notice(tx, notice)?);
                }
            }
            Ok(told)
        })
    }

    fn successor(&self, group: GroupId) -> StoreResult<Option<UserId>> {
        self.read("find a successor", |connection| {
            let id: Option<u64> = connection.row(
                "SELECT m.user_id FROM group_members m JOIN users u ON u.id = m.user_id \
                 WHERE m.group_id = ? AND m.role <> 1 AND u.deleted_at = 0 \
                 ORDER BY m.role, m.since_seq, m.user_id LIMIT 1",
                (group.0,),
            )?;
            Ok(id.map(UserId))
        })
    }

    fn finish_departure(&self, user: UserId) -> StoreResult<bool> {
        self.transact("finish a departure", |tx| {
            // Nothing is added to what a deleted account has, so that nothing needs a lock.
            let has_any: Option<bool> = tx.row(
                "SELECT EXISTS (SELECT 1 FROM friendships WHERE user_lo = ?) \
                 OR EXISTS (SELECT 1 FROM friendships WHERE user_hi = ?) \
                 OR EXISTS (SELECT 1 FROM group_members WHERE user_id = ?)",
                (user.0, user.0, user.0),
            )?;
            let has_any = has_any.unwrap_or(true);
            if !has_any {
                for statement in GOES_LAST {
                    tx.execute(statement, (user.0,))?;
                }
            }
            Ok(!has_any)
        })
    }
}

/// The first friends by rising id, locked with the user in rising order of id.
fn lock_first_friends(tx: &mut Connection, user: UserId, limit: u32) -> Result<Vec<UserId>, Fault> {
    let friends: Vec<u64> = tx.rows(
        "SELECT user_hi AS other FROM friendships WHERE user_lo = ? UNION ALL \
         SELECT user_lo AS other FROM friendships WHERE user_hi = ? ORDER BY other LIMIT ?",
        (user.0, user.0, limit),
    )?;
    let mut ids = friends.clone();
    ids.push(user.0);
    ids.sort_unstable();
    for some in ids.chunks(LOCKED_AT_ONCE) {
        let mut params = Vec::new();
        let length = padded(some, &mut params, |id, params| params.push(Value::UInt(*id)));
        let sql =
            format!("SELECT id FROM users WHERE id IN ({}) ORDER BY id FOR UPDATE", repeated("?", length));
        let _: Vec<u64> = tx.rows(&sql, params)?;
    }
    Ok(friends.into_iter().map(UserId).collect())
}
