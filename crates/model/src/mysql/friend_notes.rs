//! What users keep of their friends: remarks and labels. Written under the locks under which friendships change.

use ::mysql::Value;
use domain::policy::{PairAct, Relation, Why, between};
use domain::{FriendNote, FriendNoteEdit, FriendNoteStore, Noted, Shows, StoreResult, UserId};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::friends::conversation_of_friends;
use super::list::{padded, repeated};
use super::users::{lock_user, lock_users};

impl FriendNoteStore for MySqlStore {
    fn note_friend(
        &self,
        user: UserId,
        friend: UserId,
        edit: FriendNoteEdit<'_>,
        labels_max: u32,
    ) -> StoreResult<Noted> {
        self.transact("note a friend", |tx| {
            lock_users(tx, [user, friend])?;
            let conversation = conversation_of_friends(tx, user, friend)?;
            let relation = match conversation {
                _ if user == friend => Relation::Myself,
                Some(_) => Relation::Friend,
                // Nobody who is gone or blocked is a friend.
                None => Relation::Stranger,
            };
            let may = between(PairAct::Keep, relation).and(conversation.ok_or(Why::NotFriends));
            let conversation = match may {
                Ok(conversation) => conversation,
                Err(why) => return Ok(Noted::Refused(why)),
            };
            let before: Option<(String, String)> = tx.row(
                "SELECT remark, label FROM friend_notes WHERE user_id = ? AND friend_id = ?",
                (user.0, friend.0),
            )?;
            let before = before.map(|(remark, label)| FriendNote { remark, label }).unwrap_or_default();
            let note = before.edited(edit);
            if note == before {
                return Ok(Noted::Note { note, conversation, shows: Shows::TheSame });
            }
            let relabelled = !note.label.is_empty() && note.label != before.label;
            if relabelled && !has_room_for(tx, user, friend, &note.label, labels_max)? {
                return Ok(Noted::Full);
            }
            tx.execute(
                "INSERT INTO friend_notes (user_id, friend_id, remark, label) VALUES (?, ?, ?, ?) \
                 ON DUPLICATE KEY UPDATE remark = ?, label = ?",
                (
                    user.0,
                    friend.0,
                    note.remark.as_str(),
                    note.label.as_str(),
                    note.remark.as_str(),
                    note.label.as_str(),
                ),
            )?;
            list_changed(tx, user)?;
            Ok(Noted::Note { note, conversation, shows: Shows::Another })
        })
    }

    fn rename_label(&self, user: UserId, label: &str, to: &str) -> StoreResult<Vec<UserId>> {
        if label == to || label.is_empty() {
            return Ok(Vec::new());
        }
        self.transact("rename a label", |tx| {
            // Under this lock nobody becomes a friend or stops being one, and no note of the user changes.
            lock_user(tx, user)?;
            let changed: Vec<u64> = tx.rows(
                "SELECT n.friend_id FROM (SELECT user_hi AS other FROM friendships WHERE user_lo = ? UNION ALL \
                 SELECT user_lo AS other FROM friendships WHERE user_hi = ?) f \
                 STRAIGHT_JOIN friend_notes n ON n.user_id = ? AND n.friend_id = f.other \
                 WHERE n.label = ? ORDER BY n.friend_id",
                (user.0, user.0, user.0, label),
            )?;
            if changed.is_empty() {
                return Ok(Vec::new());
            }
            tx.execute(
                "UPDATE (SELECT user_hi AS other FROM friendships WHERE user_lo = ? UNION ALL \
                 SELECT user_lo AS other FROM friendships WHERE user_hi = ?) f \
                 STRAIGHT_JOIN friend_notes n ON n.user_id = ? AND n.friend_id = f.other \
                 SET n.label = ? WHERE n.label = ?",
                (user.0, user.0, user.0, to, label),
            )?;
            list_changed(tx, user)?;
            Ok(changed.into_iter().map(UserId).collect())
        })
    }

    fn friend_notes(&self, user: UserId, others: &[UserId]) -> StoreResult<Vec<(UserId, FriendNote)>> {
        if others.is_empty() {
            return Ok(Vec::new());
        }
        self.read("read notes of friends", |connection| {
            let mut params = vec![Value::UInt(user.0)];
            let length = padded(others, &mut params, |id, params| params.push(Value::UInt(id.0)));
            let sql = format!(
                "SELECT friend_id, remark, label FROM friend_notes WHERE user_id = ? AND friend_id IN ({})",
                repeated("?", length)
            );
            let rows: Vec<(u64, String, String)> = connection.rows(&sql, params)?;
            let note = |(other, remark, label)| (UserId(other), FriendNote { remark, label });
            Ok(rows.into_iter().map(note).collect())
        })
    }
}

/// Whether other friends stand under this label, or under fewer labels than allowed. Led by the friendships: former friends
/// cost nothing.
fn has_room_for(
    tx: &mut Connection,
    user: UserId,
    friend: UserId,
    label: &str,
    labels_max: u32,
) -> Result<bool, Fault> {
    let row: Option<bool> = tx.row(
        "SELECT COUNT(DISTINCT n.label) < ? OR COALESCE(MAX(n.label = ?), 0) FROM (\
         SELECT user_hi AS other FROM friendships WHERE user_lo = ? UNION ALL \
         SELECT user_lo AS other FROM friendships WHERE user_hi = ?) f \
         STRAIGHT_JOIN friend_notes n ON n.user_id = ? AND n.friend_id = f.other \
         WHERE n.label <> '' AND n.friend_id <> ?",
        (labels_max, label, user.0, user.0, user.0, friend.0),
    )?;
    Ok(row.unwrap_or(false))
}

/// What the user's own list shows changed. The row is locked.
fn list_changed(tx: &mut Connection, user: UserId) -> Result<(), Fault> {
    tx.execute("UPDATE users SET friends_version = friends_version + 1 WHERE id = ?", (user.0,))?;
    Ok(())
}
