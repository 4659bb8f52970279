//! What users keep of their friends: remarks and labels.

use domain::policy::{PairAct, Relation, Why, between};
use domain::{
    ConversationId, FriendNote, FriendNoteEdit, FriendNoteStore, Noted, Shows, StoreResult, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::friends::friendship;
use super::number::{number, sql};

impl FriendNoteStore for SqliteStore {
    fn note_friend(
        &self,
        user: UserId,
        friend: UserId,
        edit: FriendNoteEdit<'_>,
        labels_max: u32,
    ) -> StoreResult<Noted> {
        self.write("note a friend", |connection| {
            let conversation = match may_note(connection, user, friend)? {
                Ok(conversation) => conversation,
                Err(why) => return Ok(Noted::Refused(why)),
            };
            let before = read_note(connection, user, friend)?.unwrap_or_default();
            let note = before.edited(edit);
            if note == before {
                return Ok(Noted::Note { note, conversation, shows: Shows::TheSame });
            }
            let relabelled = !note.label.is_empty() && note.label != before.label;
            if relabelled && !has_room_for(connection, user, friend, &note.label, labels_max)? {
                return Ok(Noted::Full);
            }
            connection
                .prepare_cached(
                    "INSERT INTO friend_notes (user_id, friend_id, remark, label) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (user_id, friend_id) DO UPDATE SET remark = ?3, label = ?4",
                )?
                .execute(params![sql(user.0), sql(friend.0), note.remark, note.label])?;
            list_changed(connection, user)?;
            Ok(Noted::Note { note, conversation, shows: Shows::Another })
        })
    }

    fn rename_label(&self, user: UserId, label: &str, to: &str) -> StoreResult<Vec<UserId>> {
        if label == to || label.is_empty() {
            return Ok(Vec::new());
        }
        self.write("rename a label", |connection| {
            let mut changed = connection
                .prepare_cached(
                    "UPDATE friend_notes SET label = ?3 WHERE user_id = ?1 AND label = ?2 AND friend_id IN (
                         SELECT user_hi FROM friendships WHERE user_lo = ?1
                         UNION ALL
                         SELECT user_lo FROM friendships WHERE user_hi = ?1
                     ) RETURNING friend_id",
                )?
                .query_map(params![sql(user.0), label, to], |row| Ok(UserId(number(row, 0)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            changed.sort_unstable();
            if !changed.is_empty() {
                list_changed(connection, user)?;
            }
            Ok(changed)
        })
    }

    fn friend_notes(&self, user: UserId, others: &[UserId]) -> StoreResult<Vec<(UserId, FriendNote)>> {
        let mut others = others.to_vec();
        others.sort_unstable();
        others.dedup();
        self.read("read notes of friends", |connection| {
            let mut notes = Vec::new();
            for other in others {
                notes.extend(read_note(connection, user, other)?.map(|note| (other, note)));
            }
            Ok(notes)
        })
    }
}

/// The note in the columns from this one on: remark and label, both NULL where nothing is kept.
pub(super) fn note(row: &Row<'_>, first: usize) -> rusqlite::Result<FriendNote> {
    let (remark, label): (Option<String>, Option<String>) = (row.get(first)?, row.get(first + 1)?);
    Ok(FriendNote { remark: remark.unwrap_or_default(), label: label.unwrap_or_default() })
}

/// The conversation with a friend whom the user may keep something of. Nobody who is gone or blocked is a friend.
fn may_note(
    connection: &Connection,
    user: UserId,
    friend: UserId,
) -> rusqlite::Result<Result<ConversationId, Why>> {
    let conversation = friendship(connection, user, friend)?;
    let relation = match conversation {
        _ if user == friend => Relation::Myself,
        Some(_) => Relation::Friend,
        None => Relation::Stranger,
    };
    Ok(between(PairAct::Keep, relation).and(conversation.ok_or(Why::NotFriends)))
}

fn read_note(connection: &Connection, user: UserId, other: UserId) -> rusqlite::Result<Option<FriendNote>> {
    connection
        .prepare_cached("SELECT remark, label FROM friend_notes WHERE user_id = ?1 AND friend_id = ?2")?
        .query_row([sql(user.0), sql(other.0)], |row| note(row, 0))
        .optional()
}

/// Whether other friends stand under this label, or under fewer labels than allowed. Led by the friendships: former friends
/// cost nothing.
fn has_room_for(
    connection: &Connection,
    user: UserId,
    friend: UserId,
    label: &str,
    labels_max: u32,
) -> rusqlite::Result<bool> {
    let mut count = connection.prepare_cached(
        "SELECT count(DISTINCT n.label) < ?4 OR coalesce(max(n.label = ?3), 0) FROM (
             SELECT user_hi AS other FROM friendships WHERE user_lo = ?1
             UNION ALL
             SELECT user_lo FROM friendships WHERE user_hi = ?1
         ) f CROSS JOIN friend_notes n ON n.user_id = ?1 AND n.friend_id = f.other
         WHERE n.label <> '' AND n.friend_id <> ?2",
    )?;
    count.query_row(params![sql(user.0), sql(friend.0), label, labels_max], |row| row.get(0))
}

/// What the user's own list shows changed.
fn list_changed(connection: &Connection, user: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE users SET friends_version = friends_version + 1 WHERE id = ?1")?
        .execute([sql(user.0)])?;
    Ok(())
}
