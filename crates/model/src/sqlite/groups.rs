//! Groups and memberships.

use domain::{
    Created, Group, GroupId, GroupLimits, GroupRoster, GroupStore, Joined, Left, Member, Membership,
    NewGroup, OwnGroup, Role, RosterEntry, RosterVersion, Seq, StoreResult, Timestamp, UserId,
};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::number::{count, number, sql};
use super::users::user;
use super::{SqliteStore, conversations};

impl GroupStore for SqliteStore {
    fn create_group(&self, group: &NewGroup<'_>, limits: GroupLimits) -> StoreResult<Created> {
        self.write("create a group", |connection| {
            if has_groups(connection, group.owner, limits.groups)? {
                return Ok(Created::Full);
            }
            let id = conversations::open(connection, conversations::Kind::Group)?.group();
            connection
                .prepare_cached(
                    "INSERT INTO chat_groups (id, name, description, members, created_at)
                     VALUES (?1, ?2, ?3, 0, ?4)",
                )?
                .execute(params![sql(id.0), group.name, group.description, sql(group.at.0)])?;
            add_member(connection, id, group.owner, Role::Owner, Seq(0), group.at)?;
            Ok(Created::Group(id))
        })
    }

    fn group(&self, group: GroupId) -> StoreResult<Option<Group>> {
        self.read("find a group", |connection| {
            connection
                .prepare_cached("SELECT id, name, description, members FROM chat_groups WHERE id = ?1")?
                .query_row([sql(group.0)], shown)
                .optional()
        })
    }

    fn join_group(
        &self,
        group: GroupId,
        user: UserId,
        at: Timestamp,
        limits: GroupLimits,
    ) -> StoreResult<Joined> {
        self.write("join a group", |connection| {
            let Some((members, since)) = seats_and_seq(connection, group)? else {
                return Ok(Joined::NoSuchGroup);
            };
            if membership(connection, group, user)?.is_some() {
                return Ok(Joined::AlreadyMember);
            }
            if members >= limits.members || has_groups(connection, user, limits.groups)? {
                return Ok(Joined::Full);
            }
            add_member(connection, group, user, Role::Member, since, at)?;
            Ok(Joined::Member { since, members: members + 1 })
        })
    }

    fn leave_group(&self, group: GroupId, user: UserId) -> StoreResult<Left> {
        self.write("leave a group", |connection| {
            let Some(membership) = membership(connection, group, user)? else { return Ok(Left::NotMember) };
            let Some((members, _)) = seats_and_seq(connection, group)? else { return Ok(Left::NotMember) };
            if membership.role == Role::Owner && members > 1 {
                return Ok(Left::OwnerStays);
            }
            remove_member(connection, group, user)?;
            if members == 1 {
                connection
                    .prepare_cached("DELETE FROM chat_groups WHERE id = ?1")?
                    .execute([sql(group.0)])?;
            }
            Ok(Left::Left { members: members - 1 })
        })
    }

    fn membership(&self, group: GroupId, user: UserId) -> StoreResult<Option<Membership>> {
        self.read("find a membership", |connection| membership(connection, group, user))
    }

    fn groups(&self, user: UserId, after: GroupId, limit: u32) -> StoreResult<Vec<OwnGroup>> {
        self.read("list groups", |connection| {
            connection
                .prepare_cached(
                    "SELECT g.id, g.name, g.description, g.members, m.role
                     FROM group_members m JOIN chat_groups g ON g.id = m.group_id
                     WHERE m.user_id = ?1 AND m.group_id > ?2 ORDER BY m.group_id LIMIT ?3",
                )?
                .query_map(params![sql(user.0), sql(after.0), limit], |row| {
                    Ok(OwnGroup { group: shown(row)?, role: row.get::<_, StoredRole>(4)?.0 })
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
            // One statement, so that version and members are of one moment.
            let mut statement = connection.prepare_cached(
                "SELECT c.roster, m.user_id, m.since_seq
                 FROM conversations c LEFT JOIN group_members m ON m.group_id = c.id
                 WHERE c.id = ?1 ORDER BY m.user_id",
            )?;
            let mut rows = statement.query([sql(group.0)])?;
            let mut roster = GroupRoster::default();
            while let Some(row) = rows.next()? {
                roster.version = RosterVersion(number(row, 0)?);
                // A group that was closed has its version, and no members.
                if row.get_ref(1)? != ValueRef::Null {
                    roster
                        .members
                        .push(RosterEntry { user: UserId(number(row, 1)?), since: Seq(number(row, 2)?) });
                }
            }
            Ok(roster)
        })
    }
}

/// The group in the first four columns.
fn shown(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group {
        id: GroupId(number(row, 0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        members: count(row, 3)?,
    })
}

/// How many members an open group has, and its conversation's last seq.
fn seats_and_seq(connection: &Connection, group: GroupId) -> rusqlite::Result<Option<(u32, Seq)>> {
    connection
        .prepare_cached(
            "SELECT g.members, c.last_seq FROM chat_groups g JOIN conversations c ON c.id = g.id
             WHERE g.id = ?1",
        )?
        .query_row([sql(group.0)], |row| Ok((count(row, 0)?, Seq(number(row, 1)?))))
        .optional()
}

fn membership(connection: &Connection, group: GroupId, user: UserId) -> rusqlite::Result<Option<Membership>> {
    connection
        .prepare_cached("SELECT role, since_seq FROM group_members WHERE group_id = ?1 AND user_id = ?2")?
        .query_row([sql(group.0), sql(user.0)], |row| {
            Ok(Membership { role: row.get::<_, StoredRole>(0)?.0, since: Seq(number(row, 1)?) })
        })
        .optional()
}

/// Whether the user is in so many groups, or more.
fn has_groups(connection: &Connection, user: UserId, limit: u32) -> rusqlite::Result<bool> {
    let mut count =
        connection.prepare_cached("SELECT count(*) >= ?2 FROM group_members WHERE user_id = ?1")?;
    count.query_row(params![sql(user.0), limit], |row| row.get(0))
}

fn add_member(
    connection: &Connection,
    group: GroupId,
    user: UserId,
    role: Role,
    since: Seq,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO group_members (group_id, user_id, role, since_seq, joined_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![sql(group.0), sql(user.0), StoredRole(role), sql(since.0), sql(at.0)])?;
    connection
        .prepare_cached("UPDATE chat_groups SET members = members + 1 WHERE id = ?1")?
        .execute([sql(group.0)])?;
    roster_changed(connection, group)
}

fn remove_member(connection: &Connection, group: GroupId, user: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM group_members WHERE group_id = ?1 AND user_id = ?2")?
        .execute([sql(group.0), sql(user.0)])?;
    connection
        .prepare_cached("UPDATE chat_groups SET members = members - 1 WHERE id = ?1")?
        .execute([sql(group.0)])?;
    roster_changed(connection, group)
}

fn roster_changed(connection: &Connection, group: GroupId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE conversations SET roster = roster + 1 WHERE id = ?1")?
        .execute([sql(group.0)])?;
    Ok(())
}

/// A role by the number that stands for it in the database.
struct StoredRole(Role);

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
