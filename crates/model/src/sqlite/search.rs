//! Searching users: two ranges of two indexes, names first.

use domain::{SEARCHED_MAX, User, UserId, UserSearch};
use rusqlite::{Connection, OptionalExtension, params};

use super::number::sql;
use super::users::user;

/// Who may be shown to a searcher, whose id is the first parameter.
macro_rules! found {
    () => {
        "s.searchable = 1 AND s.deleted_at = 0
         AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = s.id AND b.blocked_id = ?1)"
    };
}

/// Where the page before ended.
enum Place {
    /// There was none.
    Beginning,
    /// At this folded name.
    Name(String),
    /// At this folded nickname, and the user's id.
    Nickname(String, i64),
}

/// A page of who is found. A range is read up to [`SEARCHED_MAX`] entries, in its index's order; what is left out is left out
/// of those.
pub(super) fn search_users(
    connection: &Connection,
    by: UserId,
    search: &UserSearch<'_>,
    limit: u32,
) -> rusqlite::Result<Vec<User>> {
    let place = place(connection, by, search)?;
    let name_after = match &place {
        Place::Beginning => Some(""),
        Place::Name(key) => Some(key.as_str()),
        Place::Nickname(..) => None,
    };
    let mut found = Vec::new();
    if let Some(after) = name_after {
        found = connection
            .prepare_cached(concat!(
                "SELECT s.id, s.name, s.nickname, s.avatar FROM (
                     SELECT * FROM users WHERE name_key >= ?2 AND name_key < ?3 AND name_key > ?4
                     ORDER BY name_key LIMIT ?5
                 ) s WHERE ",
                found!(),
                " ORDER BY s.name_key LIMIT ?6"
            ))?
            .query_map(params![sql(by.0), search.prefix, search.below, after, SEARCHED_MAX, limit], |row| {
                user(row, 0)
            })?
            .collect::<rusqlite::Result<_>>()?;
    }
    let left = limit.saturating_sub(found.len() as u32);
    if left > 0 {
        let (from, id) = match &place {
            Place::Nickname(key, id) => (key.as_str(), *id),
            Place::Beginning | Place::Name(_) => (search.prefix, 0),
        };
        let mut statement = connection.prepare_cached(concat!(
            "SELECT s.id, s.name, s.nickname, s.avatar FROM (
                 SELECT * FROM users
                 WHERE nickname_key >= ?4 AND nickname_key < ?3 AND (nickname_key > ?4 OR id > ?5)
                     AND NOT (name_key >= ?2 AND name_key < ?3)
                 ORDER BY nickname_key, id LIMIT ?6
             ) s WHERE ",
            found!(),
            " ORDER BY s.nickname_key, s.id LIMIT ?7"
        ))?;
        let rows = statement.query_map(
            params![sql(by.0), search.prefix, search.below, from, id, SEARCHED_MAX, left],
            |row| user(row, 0),
        )?;
        for row in rows {
            found.push(row?);
        }
    }
    Ok(found)
}

fn place(connection: &Connection, by: UserId, search: &UserSearch<'_>) -> rusqlite::Result<Place> {
    let Some(after) = search.after else { return Ok(Place::Beginning) };
    let row: Option<(String, String)> = connection
        .prepare_cached(concat!(
            "SELECT s.name_key, s.nickname_key FROM users s WHERE s.id = ?2 AND ",
            found!()
        ))?
        .query_row(params![sql(by.0), sql(after.0)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let fits = |key: &str| key >= search.prefix && key < search.below;
    Ok(match row {
        Some((name, _)) if fits(&name) => Place::Name(name),
        Some((_, nickname)) if fits(&nickname) => Place::Nickname(nickname, sql(after.0)),
        // Before all nicknames.
        Some(_) | None => Place::Nickname(search.prefix.to_owned(), 0),
    })
}
