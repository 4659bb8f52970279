//! Groups and their members.
//!
//! The group's row is locked by whoever changes its members, and the user's row by whoever adds to their groups: counts
//! and limits are exact. Whoever changes the members locks the conversation's row too, as whoever appends does: of an
//! append and a change, one is before the other, and both know which.

use domain::{
    Created, Group, GroupId, GroupLimits, GroupRoster, GroupStore, Joined, Left, Member, Membership,
    NewGroup, OwnGroup, Role, RosterEntry, RosterVersion, Seq, StoreResult, Timestamp, UserId,
};

use super::MySqlStore;
use super::connection::Connection;
use super::conversations::GROUP;
use super::fault::Fault;
use super::users::{lock_user, user};

impl GroupStore for MySqlStore {
    fn create_group(&self, group: &NewGroup<'_>, limits: GroupLimits) -> StoreResult<Created> {
        self.transact("create a group", |tx| {
            if !lock_user(tx, group.owner)? {
                return Err(Fault::failed(format!("there is no user {}", group.owner)));
            }
            if count_groups(tx, group.owner)? >= u64::from(limits.groups) {
                return Ok(Created::Full);
            }
            // Its roster's first change is that the owner is in it.
            let id = tx.insert(
                "INSERT INTO conversations (kind, last_seq, roster, last_time) VALUES (?, 0, 1, 0)",
                (GROUP,),
            )?;
            tx.execute(
                "INSERT INTO chat_groups (id, name, description, members, created_at) VALUES (?, ?, ?, 1, ?)",
                (id, group.name, group.description, group.at.0),
            )?;
            let owner = Membership { role: Role::Owner, since: Seq(0) };
            add_member(tx, GroupId(id), group.owner, owner, group.at)?;
            Ok(Created::Group(GroupId(id)))
        })
    }

    fn group(&self, group: GroupId) -> StoreResult<Option<Group>> {
        self.read("find a group", |connection| {
            let row: Option<(u64, String, String, u32)> = connection.row(
                "SELECT id, name, description, members FROM chat_groups WHERE id = ? AND members > 0",
                (group.0,),
            )?;
            Ok(row.map(|(id, name, description, members)| Group {
                id: GroupId(id),
                name,
                description,
                members,
            }))
        })
    }

    fn join_group(
        &self,
        group: GroupId,
        user: UserId,
        at: Timestamp,
        limits: GroupLimits,
    ) -> StoreResult<Joined> {
        self.transact("join a group", |tx| {
            if !lock_user(tx, user)? {
                return Err(Fault::failed(format!("there is no user {user}")));
            }
            let Some(members) = lock_group(tx, group)? else { return Ok(Joined::NoSuchGroup) };
            if membership(tx, group, user)?.is_some() {
                return Ok(Joined::AlreadyMember);
            }
            if members >= limits.members || count_groups(tx, user)? >= u64::from(limits.groups) {
                return Ok(Joined::Full);
            }
            // Waits for an append that is under way: what it appends is from before.
            let last: Option<u64> =
                tx.row("SELECT last_seq FROM conversations WHERE id = ? FOR UPDATE", (group.0,))?;
            let since = Seq(last.ok_or_else(|| Fault::failed(format!("group {group} has no conversation")))?);
            add_member(tx, group, user, Membership { role: Role::Member, since }, at)?;
            change_members(tx, group, members + 1)?;
            Ok(Joined::Member { since, members: members + 1 })
        })
    }

    fn leave_group(&self, group: GroupId, user: UserId) -> StoreResult<Left> {
        self.transact("leave a group", |tx| {
            let Some(members) = lock_group(tx, group)? else { return Ok(Left::NotMember) };
            let Some(membership) = membership(tx, group, user)? else { return Ok(Left::NotMember) };
            if membership.role == Role::Owner && members > 1 {
                return Ok(Left::OwnerStays);
            }
            tx.execute("DELETE FROM group_members WHERE group_id = ? AND user_id = ?", (group.0, user.0))?;
            let members = members.saturating_sub(1);
            change_members(tx, group, members)?;
            Ok(Left::Left { members })
        })
    }

    fn membership(&self, group: GroupId, user: UserId) -> StoreResult<Option<Membership>> {
        self.read("find a membership", |connection| membership(connection, group, user))
    }

    fn groups(&self, user: UserId, after: GroupId, limit: u32) -> StoreResult<Vec<OwnGroup>> {
        self.read("list groups", |connection| {
            let rows: Vec<(u64, String, String, u32, u8)> = connection.rows(
                "SELECT g.id, g.name, g.description, g.members, m.role \
                 FROM group_members m JOIN chat_groups g ON g.id = m.group_id \
                 WHERE m.user_id = ? AND m.group_id > ? ORDER BY m.group_id LIMIT ?",
                (user.0, after.0, limit),
            )?;
            let own_group = |(id, name, description, members, number)| {
                let group = Group { id: GroupId(id), name, description, members };
                Ok(OwnGroup { group, role: role(number)? })
            };
            rows.into_iter().map(own_group).collect()
        })
    }

    fn members(&self, group: GroupId, after: UserId, limit: u32) -> StoreResult<Vec<Member>> {
        self.read("list members", |connection| {
            let rows: Vec<(u64, String, String, String, u8)> = connection.rows(
                "SELECT u.id, u.name, u.nickname, u.avatar, m.role FROM group_members m JOIN users u ON u.id = m.user_id \
                 WHERE m.group_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?",
                (group.0, after.0, limit),
            )?;
            let member = |(id, name, nickname, avatar, number)| {
                Ok(Member { user: user((id, name, nickname, avatar)), role: role(number)? })
            };
            rows.into_iter().map(member).collect()
        })
    }

    fn group_ids(&self, user: UserId) -> StoreResult<Vec<GroupId>> {
        self.read("list group ids", |connection| {
            let sql = "SELECT group_id FROM group_members WHERE user_id = ? ORDER BY group_id";
            let ids: Vec<u64> = connection.rows(sql, (user.0,))?;
            Ok(ids.into_iter().map(GroupId).collect())
        })
    }

    fn roster(&self, group: GroupId) -> StoreResult<GroupRoster> {
        self.read("read a roster", |connection| {
            // One statement, so that version and members are of one moment.
            let rows: Vec<(u64, Option<u64>, Option<u64>)> = connection.rows(
                "SELECT c.roster, m.user_id, m.since_seq \
                 FROM conversations c LEFT JOIN group_members m ON m.group_id = c.id \
                 WHERE c.id = ? ORDER BY m.user_id",
                (group.0,),
            )?;
            let version = rows.first().map_or(RosterVersion(0), |(version, ..)| RosterVersion(*version));
            // A group that was closed has its version, and no members.
            let entry = |(_, user, since): (u64, Option<u64>, Option<u64>)| {
                Some(RosterEntry { user: UserId(user?), since: Seq(since?) })
            };
            Ok(GroupRoster { version, members: rows.into_iter().filter_map(entry).collect() })
        })
    }
}

/// Locks an open group until the transaction ends; its members.
fn lock_group(tx: &mut Connection, group: GroupId) -> Result<Option<u32>, Fault> {
    tx.row("SELECT members FROM chat_groups WHERE id = ? AND members > 0 FOR UPDATE", (group.0,))
}

fn membership(
    connection: &mut Connection,
    group: GroupId,
    user: UserId,
) -> Result<Option<Membership>, Fault> {
    let sql = "SELECT role, since_seq FROM group_members WHERE group_id = ? AND user_id = ?";
    let row: Option<(u8, u64)> = connection.row(sql, (group.0, user.0))?;
    row.map(|(number, since)| Ok(Membership { role: role(number)?, since: Seq(since) })).transpose()
}

fn count_groups(tx: &mut Connection, user: UserId) -> Result<u64, Fault> {
    let count: Option<u64> = tx.row("SELECT COUNT(*) FROM group_members WHERE user_id = ?", (user.0,))?;
    Ok(count.unwrap_or(0))
}

fn add_member(
    tx: &mut Connection,
    group: GroupId,
    user: UserId,
    membership: Membership,
    at: Timestamp,
) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO group_members (group_id, user_id, role, since_seq, joined_at) VALUES (?, ?, ?, ?, ?)",
        (group.0, user.0, role_number(membership.role), membership.since.0, at.0),
    )?;
    Ok(())
}

/// Notes that the group has so many members now, under its lock, and counts the change, which locks its conversation.
fn change_members(tx: &mut Connection, group: GroupId, members: u32) -> Result<(), Fault> {
    tx.execute("UPDATE chat_groups SET members = ? WHERE id = ?", (members, group.0))?;
    tx.execute("UPDATE conversations SET roster = roster + 1 WHERE id = ?", (group.0,))?;
    Ok(())
}

fn role_number(role: Role) -> u8 {
    match role {
        Role::Owner => 1,
        Role::Admin => 2,
        Role::Member => 3,
    }
}

fn role(number: u8) -> Result<Role, Fault> {
    match number {
        1 => Ok(Role::Owner),
        2 => Ok(Role::Admin),
        3 => Ok(Role::Member),
        _ => Err(Fault::failed(format!("role {number} is none that this version knows"))),
    }
}
