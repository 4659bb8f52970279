//! Searching users: two ranges of two indexes, names first.

use domain::{SEARCHED_MAX, User, UserId, UserSearch};

use super::connection::Connection;
use super::fault::Fault;
use super::users::{Shown, user};

/// Who may be shown to a searcher, whose id is the parameter.
const FOUND: &str = "s.searchable = 1 AND s.deleted_at = 0 \
     AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = s.id AND b.blocked_id = ?)";

/// Where the page before ended.
enum Place {
    /// There was none.
    Beginning,
    /// At this folded name.
    Name(Vec<u8>),
    /// At this folded nickname, and the user's id.
    Nickname(Vec<u8>, u64),
}

/// A page of who is found. A range is read up to [`SEARCHED_MAX`] entries, in its index's order; what is left out is left out
/// of those.
pub(super) fn search_users(
    connection: &mut Connection,
    by: UserId,
    search: &UserSearch<'_>,
    limit: u32,
) -> Result<Vec<User>, Fault> {
    let (prefix, below) = (search.prefix.as_bytes(), search.below.as_bytes());
    let place = place(connection, by, search)?;
    let mut found: Vec<Shown> = Vec::new();
    let name_after = match &place {
        Place::Beginning => Some(&[][..]),
        Place::Name(key) => Some(key.as_slice()),
        Place::Nickname(..) => None,
    };
    if let Some(after) = name_after {
        let sql = format!(
            "SELECT s.id, s.name, s.nickname, s.avatar FROM (\
             SELECT id, name, name_key, nickname, avatar, searchable, deleted_at FROM users \
             WHERE name_key >= ? AND name_key < ? AND name_key > ? ORDER BY name_key LIMIT {SEARCHED_MAX}) s \
             WHERE {FOUND} ORDER BY s.name_key LIMIT ?"
        );
        found = connection.rows(&sql, (prefix, below, after, by.0, limit))?;
    }
    let left = limit.saturating_sub(found.len() as u32);
    if left > 0 {
        let (from, id) = match &place {
            Place::Nickname(key, id) => (key.as_slice(), *id),
            Place::Beginning | Place::Name(_) => (prefix, 0),
        };
        let sql = format!(
            "SELECT s.id, s.name, s.nickname, s.avatar FROM (\
             SELECT id, name, nickname, nickname_key, avatar, searchable, deleted_at FROM users \
             WHERE nickname_key >= ? AND nickname_key < ? AND (nickname_key > ? OR id > ?) \
             AND NOT (name_key >= ? AND name_key < ?) ORDER BY nickname_key, id LIMIT {SEARCHED_MAX}) s \
             WHERE {FOUND} ORDER BY s.nickname_key, s.id LIMIT ?"
        );
        let rows: Vec<Shown> = connection.rows(&sql, (from, below, from, id, prefix, below, by.0, left))?;
        found.extend(rows);
    }
    Ok(found.into_iter().map(user).collect())
}

fn place(connection: &mut Connection, by: UserId, search: &UserSearch<'_>) -> Result<Place, Fault> {
    let Some(after) = search.after else { return Ok(Place::Beginning) };
    let sql = format!("SELECT s.name_key, s.nickname_key FROM users s WHERE s.id = ? AND {FOUND}");
    let row: Option<(Vec<u8>, Vec<u8>)> = connection.row(&sql, (after.0, by.0))?;
    let fits = |key: &[u8]| key >= search.prefix.as_bytes() && key < search.below.as_bytes();
    Ok(match row {
        Some((name, _)) if fits(&name) => Place::Name(name),
        Some((_, nickname)) if fits(&nickname) => Place::Nickname(nickname, after.0),
        // Before all nicknames.
        Some(_) | None => Place::Nickname(search.prefix.as_bytes().to_vec(), 0),
    })
}
