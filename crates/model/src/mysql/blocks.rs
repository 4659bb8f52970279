//! Blocked users.
//!
//! As whatever changes something between two users, a block first locks both users' rows: no request and no acceptance of
//! either of them passes it by. The conversation's row comes after them, and waits for the batch that is appended there.

use ::mysql::Value;
use domain::policy::{PairAct, Relation, Why, between};
use domain::{BlockStore, Blocked, Parted, PersonalNoticeKind, StoreResult, Timestamp, User, UserId};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::friends::{end_friendship, notice, pair, relation, take_request};
use super::list::{padded, repeated};
use super::notices::add_notice;
use super::users::{Shown, lock_users, user as shown};

impl BlockStore for MySqlStore {
    fn block(&self, user: UserId, other: UserId, at: Timestamp, max: u32) -> StoreResult<Blocked> {
        if user == other {
            return Ok(Blocked::Refused(Why::Oneself));
        }
        self.transact("block a user", |tx| {
            if lock_users(tx, [user, other])? < 2 {
                return Ok(Blocked::Refused(Why::NotFound));
            }
            let relation = relation(tx, user, other)?;
            if let Err(why) = between(PairAct::Block, relation) {
                return Ok(Blocked::Refused(why));
            }
            if relation == Relation::BlockedByMe {
                return Ok(Blocked::Parted(Parted::Nothing));
            }
            let count: Option<u64> = tx.row("SELECT COUNT(*) FROM blocks WHERE user_id = ?", (user.0,))?;
            if count.unwrap_or(0) >= u64::from(max) {
                return Ok(Blocked::Full);
            }
            tx.execute(
                "INSERT INTO blocks (user_id, blocked_id, at) VALUES (?, ?, ?)",
                (user.0, other.0, at.0),
            )?;
            part(tx, user, other, at).map(Blocked::Parted)
        })
    }

    fn unblock(&self, user: UserId, other: UserId) -> StoreResult<bool> {
        self.transact("unblock a user", |tx| {
            lock_users(tx, [user, other])?;
            let sql = "DELETE FROM blocks WHERE user_id = ? AND blocked_id = ?";
            Ok(tx.execute(sql, (user.0, other.0))? > 0)
        })
    }

    fn blocked(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<User>> {
        self.read("list blocked users", |connection| {
            let rows: Vec<Shown> = connection.rows(
                "SELECT u.id, u.name, u.nickname, u.avatar FROM blocks b JOIN users u ON u.id = b.blocked_id \
                 WHERE b.user_id = ? AND b.blocked_id > ? ORDER BY b.blocked_id LIMIT ?",
                (user.0, after.0, limit),
            )?;
            Ok(rows.into_iter().map(shown).collect())
        })
    }

    fn blocks_among(&self, by: &[UserId], whom: &[UserId]) -> StoreResult<Vec<(UserId, UserId)>> {
        if by.is_empty() || whom.is_empty() {
            return Ok(Vec::new());
        }
        self.read("list blocks", |connection| {
            let mut params = Vec::new();
            let mut push = |ids: &[UserId]| {
                padded(ids, &mut params, |id: &UserId, params| params.push(Value::UInt(id.0)))
            };
            let (by, whom) = (push(by), push(whom));
            let sql = format!(
                "SELECT user_id, blocked_id FROM blocks WHERE user_id IN ({}) AND blocked_id IN ({})",
                repeated("?", by),
                repeated("?", whom)
            );
            let rows: Vec<(u64, u64)> = connection.rows(&sql, params)?;
            Ok(rows.into_iter().map(|(by, whom)| (UserId(by), UserId(whom))).collect())
        })
    }
}

/// Ends what is between two users, of whom the first blocked the other. Both are locked.
fn part(tx: &mut Connection, user: UserId, other: UserId, at: Timestamp) -> Result<Parted, Fault> {
    let parted = if end_friendship(tx, user, other)? {
        let told = notice(other, PersonalNoticeKind::FriendDeleted, user, at);
        Parted::Friendship(add_notice(tx, told)?)
    } else if take_request(tx, other, user)? {
        let told = notice(other, PersonalNoticeKind::FriendRefused, user, at);
        Parted::TheirRequest(add_notice(tx, told)?)
    } else if take_request(tx, user, other)? {
        Parted::OwnRequest
    } else {
        Parted::Nothing
    };
    for (asked, by) in [(user, other), (other, user)] {
        tx.execute("DELETE FROM group_invitations WHERE user_id = ? AND by_id = ?", (asked.0, by.0))?;
    }
    let conversation: Option<u64> = tx.row(
        "SELECT conversation_id FROM direct_conversations WHERE user_lo = ? AND user_hi = ?",
        pair(user, other),
    )?;
    if let Some(id) = conversation {
        // Until they are friends again. Whatever was checked before and is not stored yet finds it closed.
        tx.execute("UPDATE conversations SET closed_at = ? WHERE id = ?", (at.0.max(1), id))?;
    }
    Ok(parted)
}
