//! Groups and memberships.

use domain::{
    ChangeRefused, Created, Group, GroupChange, GroupChanged, GroupEffect, GroupId, GroupLimits,
    GroupProfile, GroupRoster, GroupState, GroupStore, Joining, Member, Membership, NewGroup, OwnGroup, Role,
    RosterEntry, RosterVersion, Seq, StoreResult, Timestamp, UserId,
};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::number::{count, number, out_of_range, sql};
use super::users::{exists, user};
use super::{SqliteStore, conversations, group_change};

impl GroupStore for SqliteStore {
    fn create_group(&self, group: &NewGroup<'_>, limits: GroupLimits) -> StoreResult<Created> {
        self.write("create a group", |connection| {
            if !exists(connection, group.owner)? {
                // Gone a moment ago: as the key to the users would say.
                return Err(rusqlite::Error::QueryReturnedNoRows);
            }
            if groups_of(connection, group.owner)? >= limits.groups {
                return Ok(Created::Full);
            }
            let id = conversations::open(connection, conversations::Kind::Group)?.group();
            connection
                .prepare_cached(
                    "INSERT INTO chat_groups (id, name, description, members, created_at)
                     VALUES (?1, ?2, ?3, 0, ?4)",
                )?
                .execute(params![sql(id.0), group.name, group.description, sql(group.at.0)])?;
            let owner = Membership { role: Role::Owner, since: Seq(0), muted_until: Timestamp(0) };
            group_change::apply(connection, id, &GroupEffect::Add(group.owner, owner), group.at)?;
            group_change::roster_changed(connection, id)?;
            Ok(Created::Group(id))
        })
    }

    fn group(&self, group: GroupId) -> StoreResult<Option<Group>> {
        self.read("find a group", |connection| {
            connection
                .prepare_cached(
                    "SELECT g.id, g.name, g.description, g.members, c.closed_at
                     FROM chat_groups g JOIN conversations c ON c.id = g.id WHERE g.id = ?1 AND g.members > 0",
                )?
                .query_row([sql(group.0)], shown)
                .optional()
        })
    }

    fn group_profile(&self, group: GroupId) -> StoreResult<Option<GroupProfile>> {
        self.read("read a group's profile", |connection| {
            connection
                .prepare_cached(
                    "SELECT name, description, announcement, avatar, joining, muted_until
                     FROM chat_groups WHERE id = ?1 AND members > 0",
                )?
                .query_row([sql(group.0)], |row| profile(row, 0))
                .optional()
        })
    }

    fn change_group(&self, change: &GroupChange) -> StoreResult<Result<GroupChanged, ChangeRefused>> {
        self.write("change a group", |connection| group_change::change(connection, change))?
    }

    fn membership(&self, group: GroupId, user: UserId) -> StoreResult<Option<Membership>> {
        self.read("find a membership", |connection| membership(connection, group, user))
    }

    fn groups(&self, user: UserId, after: GroupId, limit: u32) -> StoreResult<Vec<OwnGroup>> {
        self.read("list groups", |connection| {
            connection
                .prepare_cached(
                    "SELECT g.id, g.name, g.description, g.members, c.closed_at, m.role
                     FROM group_members m
                     JOIN chat_groups g ON g.id = m.group_id
                     JOIN conversations c ON c.id = m.group_id
                     WHERE m.user_id = ?1 AND m.group_id > ?2 ORDER BY m.group_id LIMIT ?3",
                )?
                .query_map(params![sql(user.0), sql(after.0), limit], |row| {
                    Ok(OwnGroup { group: shown(row)?, role: row.get::<_, StoredRole>(5)?.0 })
                })?
                .collect()
        })
    }

    fn members(&self, group: GroupId, after: UserId, limit: u32) -> StoreResult<Vec<Member>> {
        self.read("list members", |connection| {
            connection
                .prepare_cached(
                    "SELECT u.id, u.name, u.nickname, u.avatar, m.role FROM group_members m JOIN users u ON u.id = m.user_id
                     WHERE m.group_id = ?1 AND m.user_id > ?2 ORDER BY m.user_id LIMIT ?3",
                )?
                .query_map(params![sql(group.0), sql(after.0), limit], |row| {
                    Ok(Member { user: user(row, 0)?, role: row.get::<_, StoredRole>(4)?.0 })
                })?
                .collect()
        })
    }

    fn group_ids(&self, user: UserId) -> StoreResult<Vec<GroupId>> {
        self.read("list group ids", |connection| {
            connection
                .prepare_cached("SELECT group_id FROM group_members WHERE user_id = ?1 ORDER BY group_id")?
                .query_map([sql(user.0)], |row| Ok(GroupId(number(row, 0)?)))?
                .collect()
        })
    }

    fn roster(&self, group: GroupId) -> StoreResult<GroupRoster> {
        self.read("read a roster", |connection| {
            // One statement, so that all is of one moment.
            let mut statement = connection.prepare_cached(
                "SELECT c.roster, c.closed_at, ifnull(g.muted_until, 0), m.user_id, m.role, m.since_seq, m.muted_until
                 FROM conversations c
                 LEFT JOIN chat_groups g ON g.id = c.id
                 LEFT JOIN group_members m ON m.group_id = c.id
                 WHERE c.id = ?1 ORDER BY m.user_id",
            )?;
            let mut rows = statement.query([sql(group.0)])?;
            let mut roster = GroupRoster::default();
            while let Some(row) = rows.next()? {
                roster.version = RosterVersion(number(row, 0)?);
                roster.state = state(row, 1)?;
                // A group that everybody left has its version, and no members.
                if row.get_ref(3)? != ValueRef::Null {
                    roster.muted_until = Timestamp(number(row, 2)?);
                    roster.members.push(RosterEntry { user: UserId(number(row, 3)?), place: place(row, 4)? });
                }
            }
            Ok(roster)
        })
    }
}

/// The group in the first five columns.
fn shown(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group {
        id: GroupId(number(row, 0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        members: count(row, 3)?,
        state: state(row, 4)?,
    })
}

/// Whether a conversation that was closed then is still there.
pub(super) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<GroupState> {
    Ok(if number(row, column)? == 0 { GroupState::Open } else { GroupState::Dissolved })
}

/// Name, description, announcement, avatar, joining and end of the muting, from this column on.
pub(super) fn profile(row: &Row<'_>, first: usize) -> rusqlite::Result<GroupProfile> {
    let joining: u8 = row.get(first + 4)?;
    Ok(GroupProfile {
        name: row.get(first)?,
        description: row.get(first + 1)?,
        announcement: row.get(first + 2)?,
        avatar: row.get(first + 3)?,
        joining: Joining::from_number(joining).ok_or_else(|| out_of_range(first + 4, joining.into()))?,
        muted_until: Timestamp(number(row, first + 5)?),
    })
}

/// Role, since and end of the muting, from this column on.
fn place(row: &Row<'_>, first: usize) -> rusqlite::Result<Membership> {
    Ok(Membership {
        role: row.get::<_, StoredRole>(first)?.0,
        since: Seq(number(row, first + 1)?),
        muted_until: Timestamp(number(row, first + 2)?),
    })
}

pub(super) fn membership(
    connection: &Connection,
    group: GroupId,
    user: UserId,
) -> rusqlite::Result<Option<Membership>> {
    connection
        .prepare_cached(
            "SELECT role, since_seq, muted_until FROM group_members WHERE group_id = ?1 AND user_id = ?2",
        )?
        .query_row([sql(group.0), sql(user.0)], |row| place(row, 0))
        .optional()
}

/// Groups that the user is in, dissolved ones too.
pub(super) fn groups_of(connection: &Connection, user: UserId) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT count(*) FROM group_members WHERE user_id = ?1")?
        .query_row([sql(user.0)], |row| count(row, 0))
}

/// A role by the number that stands for it in the database.
pub(super) struct StoredRole(pub(super) Role);

impl ToSql for StoredRole {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number: i64 = match self.0 {
            Role::Owner => 1,
            Role::Admin => 2,
            Role::Member => 3,
        };
        Ok(number.into())
    }
}

impl FromSql for StoredRole {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<StoredRole> {
        match value.as_i64()? {
            1 => Ok(StoredRole(Role::Owner)),
            2 => Ok(StoredRole(Role::Admin)),
            3 => Ok(StoredRole(Role::Member)),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}
