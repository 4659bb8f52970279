//! Contacts and groups.

use protocol::{Friend, Group};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::{Store, json, number, unreadable};

/// The lists as they were last seen. Who is online is nothing to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Friends, by rising id.
    pub friends: Vec<Friend>,
    /// Groups, by rising id.
    pub groups: Vec<Group>,
    /// Which version `friends` are; none if they are not whole.
    pub friends_version: Option<String>,
    /// The same of `groups`.
    pub groups_version: Option<String>,
}

impl Store {
    /// What was last saved.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn lists(&self) -> Result<Lists, StoreError> {
        self.read(|db| {
            Ok(Lists {
                friends: entries(db, "SELECT friend FROM friends ORDER BY user_id")?,
                groups: entries(db, "SELECT entry FROM groups ORDER BY group_id")?,
                friends_version: version(db, "friends")?,
                groups_version: version(db, "groups")?,
            })
        })
    }

    /// Replaces what was saved before.
    ///
    /// # Errors
    /// Nothing is written then.
    pub fn save_lists(&self, lists: &Lists) -> Result<(), StoreError> {
        self.write(|db| {
            db.execute_batch("DELETE FROM friends; DELETE FROM groups; DELETE FROM lists;")?;
            let mut insert = db.prepare_cached("INSERT INTO friends (user_id, friend) VALUES (?1, ?2)")?;
            for friend in &lists.friends {
                insert.execute(params![number(friend.id), json(friend)?])?;
            }
            let mut insert = db.prepare_cached("INSERT INTO groups (group_id, entry) VALUES (?1, ?2)")?;
            for group in &lists.groups {
                insert.execute(params![number(group.id), json(group)?])?;
            }
            let mut insert = db.prepare_cached("INSERT INTO lists (name, version) VALUES (?1, ?2)")?;
            for (name, version) in [("friends", &lists.friends_version), ("groups", &lists.groups_version)] {
                if let Some(version) = version {
                    insert.execute([name, version])?;
                }
            }
            Ok(())
        })
    }
}

fn entries<T: serde::de::DeserializeOwned>(db: &Connection, select: &str) -> rusqlite::Result<Vec<T>> {
    let mut select = db.prepare_cached(select)?;
    let rows = select.query_map([], |row| {
        serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(|error| unreadable(0, error))
    })?;
    rows.collect()
}

fn version(db: &Connection, list: &str) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT version FROM lists WHERE name = ?1")?
        .query_row([list], |row| row.get(0))
        .optional()
}
