//! Groups and their members.
//!
//! Whoever changes a group locks its conversation's row first, as whoever appends does: of an append and a change, one is
//! before the other, and both know which. Then the group's row, and the user's by whoever adds to their groups: counts and
//! limits are exact.

use domain::{
    ChangeRefused, Created, Group, GroupChange, GroupChanged, GroupEffect, GroupId, GroupLimits,
    GroupProfile, GroupRoster, GroupState, GroupStore, Joining, Member, Membership, NewGroup, OwnGroup, Role,
    RosterEntry, RosterVersion, Seq, StoreResult, Timestamp, UserId,
};

use super::connection::Connection;
use super::conversations::GROUP;
use super::fault::Fault;
use super::users::{lock_user, user};
use super::{MySqlStore, group_change};

impl GroupStore for MySqlStore {
    fn create_group(&self, group: &NewGroup<'_>, limits: GroupLimits) -> StoreResult<Created> {
        self.transact("create a group", |tx| {
            if !lock_user(tx, group.owner)? {
                return Err(Fault::failed(format!("there is no user {}", group.owner)));
            }
            if groups_of(tx, group.owner)? >= limits.groups {
                return Ok(Created::Full);
            }
            // Its roster's first change is that the owner is in it.
            let id = tx.insert(
                "INSERT INTO conversations (kind, last_seq, roster, last_time) VALUES (?, 0, 1, 0)",
                (GROUP,),
            )?;
            tx.execute(
                "INSERT INTO chat_groups (id, name, description, members, created_at) VALUES (?, ?, ?, 0, ?)",
                (id, group.name, group.description, group.at.0),
            )?;
            let owner = Membership { role: Role::Owner, since: Seq(0), muted_until: Timestamp(0) };
            group_change::apply(tx, GroupId(id), &GroupEffect::Add(group.owner, owner), group.at)?;
            Ok(Created::Group(GroupId(id)))
        })
    }

    fn group(&self, group: GroupId) -> StoreResult<Option<Group>> {
        self.read("find a group", |connection| {
            let row: Option<(u64, String, String, u32, u64)> = connection.row(
                "SELECT g.id, g.name, g.description, g.members, c.closed_at \
                 FROM chat_groups g JOIN conversations c ON c.id = g.id WHERE g.id = ? AND g.members > 0",
                (group.0,),
            )?;
            Ok(row.map(shown))
        })
    }

    fn group_profile(&self, group: GroupId) -> StoreResult<Option<GroupProfile>> {
        self.read("read a group's profile", |connection| {
            let sql = "SELECT name, description, announcement, avatar, joining, muted_until \
                       FROM chat_groups WHERE id = ? AND members > 0";
            connection.row(sql, (group.0,))?.map(profile).transpose()
        })
    }

    fn change_group(&self, change: &GroupChange) -> StoreResult<Result<GroupChanged, ChangeRefused>> {
        self.transact("change a group", |tx| group_change::change(tx, change))
    }

    fn membership(&self, group: GroupId, user: UserId) -> StoreResult<Option<Membership>> {
        self.read("find a membership", |connection| membership(connection, group, user))
    }

    fn groups(&self, user: UserId, after: GroupId, limit: u32) -> StoreResult<Vec<OwnGroup>> {
        self.read("list groups", |connection| {
            let rows: Vec<(u64, String, String, u32, u64, u8)> = connection.rows(
                "SELECT g.id, g.name, g.description, g.members, c.closed_at, m.role \
                 FROM group_members m JOIN chat_groups g ON g.id = m.group_id \
                 JOIN conversations c ON c.id = m.group_id \
                 WHERE m.user_id = ? AND m.group_id > ? ORDER BY m.group_id LIMIT ?",
                (user.0, after.0, limit),
            )?;
            let own_group = |(id, name, description, members, closed_at, number)| {
                let group = shown((id, name, description, members, closed_at));
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
            // One statement, so that all is of one moment.
            let rows: Vec<RosterRow> = connection.rows(
                "SELECT c.roster, c.closed_at, g.muted_until, m.user_id, m.role, m.since_seq, m.muted_until \
                 FROM conversations c LEFT JOIN chat_groups g ON g.id = c.id \
                 LEFT JOIN group_members m ON m.group_id = c.id \
                 WHERE c.id = ? ORDER BY m.user_id",
                (group.0,),
            )?;
            let mut roster = GroupRoster::default();
            for (version, closed_at, group_muted, user, number, since, muted) in rows {
                (roster.version, roster.state) = (RosterVersion(version), state(closed_at));
                // A group that everybody left has its version, and no members.
                if let (Some(user), Some(number), Some(since), Some(muted)) = (user, number, since, muted) {
                    roster.muted_until = Timestamp(group_muted.unwrap_or(0));
                    roster
                        .members
                        .push(RosterEntry { user: UserId(user), place: place((number, since, muted))? });
                }
            }
            Ok(roster)
        })
    }
}

/// Version, when it was closed, end of the group's muting; user, role, since and end of the muting of a member.
type RosterRow = (u64, u64, Option<u64>, Option<u64>, Option<u8>, Option<u64>, Option<u64>);

/// Name, description, announcement, avatar, joining, end of the muting.
pub(super) type ProfileRow = (String, String, String, String, u8, u64);

/// A group by id, name, description, members, and when it was closed.
fn shown((id, name, description, members, closed_at): (u64, String, String, u32, u64)) -> Group {
    Group { id: GroupId(id), name, description, members, state: state(closed_at) }
}

/// Whether a conversation that was closed then is still there.
pub(super) fn state(closed_at: u64) -> GroupState {
    if closed_at == 0 { GroupState::Open } else { GroupState::Dissolved }
}

pub(super) fn profile(row: ProfileRow) -> Result<GroupProfile, Fault> {
    let (name, description, announcement, avatar, number, muted_until) = row;
    let joining = Joining::from_number(number)
        .ok_or_else(|| Fault::failed(format!("joining {number} is none that this version knows")))?;
    let muted_until = Timestamp(muted_until);
    Ok(GroupProfile { name, description, announcement, avatar, joining, muted_until })
}

/// A place by role, since and end of the muting.
fn place((number, since, muted_until): (u8, u64, u64)) -> Result<Membership, Fault> {
    Ok(Membership { role: role(number)?, since: Seq(since), muted_until: Timestamp(muted_until) })
}

pub(super) fn membership(
    connection: &mut Connection,
    group: GroupId,
    user: UserId,
) -> Result<Option<Membership>, Fault> {
    let sql = "SELECT role, since_seq, muted_until FROM group_members WHERE group_id = ? AND user_id = ?";
    connection.row(sql, (group.0, user.0))?.map(place).transpose()
}

/// Groups that the user is in, dissolved ones too.
pub(super) fn groups_of(tx: &mut Connection, user: UserId) -> Result<u32, Fault> {
    let count: Option<u32> = tx.row("SELECT COUNT(*) FROM group_members WHERE user_id = ?", (user.0,))?;
    Ok(count.unwrap_or(0))
}

pub(super) fn role_number(role: Role) -> u8 {
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
