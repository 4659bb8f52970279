//! Who waits before groups. Rows are written by changes of the group, under its lock: whoever finds one there may count on it.

use domain::policy::Relation;
use domain::{
    Application, ApplicationsOf, GroupChange, GroupDeed, GroupEffect, GroupFacts, GroupId, GroupRequestStore,
    Invitation, Invited, Queue, StoreResult, Timestamp, UserId, Waiting,
};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::friends::relation;
use super::groups::membership;
use super::users;

impl GroupRequestStore for MySqlStore {
    fn waiting(&self, group: GroupId, user: UserId) -> StoreResult<Waiting> {
        self.read("find what waits before a group", |connection| waiting(connection, group, user))
    }

    fn applications(
        &self,
        of: ApplicationsOf,
        (group, after): (GroupId, UserId),
        limit: u32,
    ) -> StoreResult<Vec<Application>> {
        self.read("list applications", |connection| {
            let rows: Vec<ApplicationRow> = match of {
                ApplicationsOf::Group(of) if of < group => Vec::new(),
                ApplicationsOf::Group(of) => connection.rows(
                    "SELECT a.group_id, g.name, u.id, u.name, u.nickname, u.avatar, a.greeting, a.at \
                     FROM group_applications a JOIN chat_groups g ON g.id = a.group_id \
                     JOIN users u ON u.id = a.user_id \
                     WHERE a.group_id = ? AND a.user_id > ? ORDER BY a.user_id LIMIT ?",
                    (of.0, if of == group { after.0 } else { 0 }, limit),
                )?,
                ApplicationsOf::User(one) => connection.rows(
                    "SELECT a.group_id, g.name, u.id, u.name, u.nickname, u.avatar, a.greeting, a.at FROM (\
                     (SELECT group_id, user_id, greeting, at FROM group_applications \
                     WHERE user_id = ? AND (group_id > ? OR (group_id = ? AND user_id > ?)) \
                     ORDER BY group_id LIMIT ?) UNION ALL \
                     (SELECT w.group_id, w.user_id, w.greeting, w.at FROM group_members m \
                     JOIN group_applications w ON w.group_id = m.group_id \
                     WHERE m.user_id = ? AND m.role < ? AND m.group_id >= ? \
                     AND (w.group_id > ? OR w.user_id > ?) ORDER BY w.group_id, w.user_id LIMIT ?)) a \
                     JOIN chat_groups g ON g.id = a.group_id JOIN users u ON u.id = a.user_id \
                     ORDER BY a.group_id, a.user_id LIMIT ?",
                    (
                        one.0, group.0, group.0, after.0, limit, one.0, MEMBER, group.0, group.0, after.0,
                        limit, limit,
                    ),
                )?,
            };
            Ok(rows.into_iter().map(application).collect())
        })
    }

    fn invitations(&self, user: UserId, after: GroupId, limit: u32) -> StoreResult<Vec<Invitation>> {
        self.read("list invitations", |connection| {
            let rows: Vec<(u64, String, u64, String, String, String, u64)> = connection.rows(
                "SELECT i.group_id, g.name, u.id, u.name, u.nickname, u.avatar, i.at FROM group_invitations i \
                 JOIN chat_groups g ON g.id = i.group_id JOIN users u ON u.id = i.by_id \
                 WHERE i.user_id = ? AND i.group_id > ? ORDER BY i.group_id LIMIT ?",
                (user.0, after.0, limit),
            )?;
            let invitation = |(group, group_name, by, name, nickname, avatar, at)| Invitation {
                group: GroupId(group),
                group_name,
                by: users::user((by, name, nickname, avatar)),
                at: Timestamp(at),
            };
            Ok(rows.into_iter().map(invitation).collect())
        })
    }
}

/// The role of members who do not decide: those with a lower number do.
pub(super) const MEMBER: u8 = 3;

type ApplicationRow = (u64, String, u64, String, String, String, String, u64);

fn application((group, group_name, id, name, nickname, avatar, greeting, at): ApplicationRow) -> Application {
    Application {
        group: GroupId(group),
        group_name,
        user: users::user((id, name, nickname, avatar)),
        greeting,
        at: Timestamp(at),
    }
}

fn waiting(connection: &mut Connection, group: GroupId, user: UserId) -> Result<Waiting, Fault> {
    let application: Option<u64> = connection
        .row("SELECT at FROM group_applications WHERE group_id = ? AND user_id = ?", (group.0, user.0))?;
    let invitation: Option<(u64, u64)> = connection.row(
        "SELECT by_id, at FROM group_invitations WHERE group_id = ? AND user_id = ?",
        (group.0, user.0),
    )?;
    Ok(Waiting {
        application: application.map(Timestamp),
        invitation: invitation.map(|(by, at)| Invited { by: UserId(by), at: Timestamp(at) }),
    })
}

/// Reads what is true of a newcomer, who is locked if they may come in.
pub(super) fn facts(
    tx: &mut Connection,
    change: &GroupChange,
    newcomer: UserId,
    facts: &mut GroupFacts,
) -> Result<(), Fault> {
    let group = change.group;
    facts.waiting = waiting(tx, group, newcomer)?;
    if let Some(invited) = facts.waiting.invitation {
        facts.inviter = membership(tx, group, invited.by)?;
    }
    if change.deed.limits().is_some() {
        facts.groups_of_newcomer = super::groups::groups_of(tx, newcomer)?;
    }
    let queue = match change.deed {
        GroupDeed::Join { .. } => {
            "SELECT (SELECT COUNT(*) FROM group_applications WHERE group_id = ?), \
             (SELECT COUNT(*) FROM group_applications WHERE user_id = ?)"
        }
        GroupDeed::Invite { .. } => {
            facts.relation = Some(match newcomer == change.actor {
                true => Relation::Myself,
                false => relation(tx, change.actor, newcomer)?,
            });
            "SELECT (SELECT COUNT(*) FROM group_invitations WHERE group_id = ?), \
             (SELECT COUNT(*) FROM group_invitations WHERE user_id = ?)"
        }
        _ => return Ok(()),
    };
    let counts: Option<(u32, u32)> = tx.row(queue, (group.0, newcomer.0))?;
    let (of_group, of_user) = counts.unwrap_or_default();
    facts.queue = Queue { of_group, of_user };
    Ok(())
}

/// Writes one effect on what waits.
pub(super) fn apply(tx: &mut Connection, change: &GroupChange, effect: &GroupEffect) -> Result<(), Fault> {
    let group = change.group.0;
    match effect {
        GroupEffect::Apply(user, greeting) => tx.execute(
            "INSERT INTO group_applications (group_id, user_id, greeting, at) VALUES (?, ?, ?, ?)",
            (group, user.0, greeting, change.at.0),
        )?,
        GroupEffect::EndApplication(user) => {
            tx.execute("DELETE FROM group_applications WHERE group_id = ? AND user_id = ?", (group, user.0))?
        }
        GroupEffect::Invite(user) => tx.execute(
            "INSERT INTO group_invitations (group_id, user_id, by_id, at) VALUES (?, ?, ?, ?)",
            (group, user.0, change.actor.0, change.at.0),
        )?,
        GroupEffect::EndInvitation { user, .. } => {
            tx.execute("DELETE FROM group_invitations WHERE group_id = ? AND user_id = ?", (group, user.0))?
        }
        _ => 0,
    };
    Ok(())
}

/// Nobody waits before a group that is closed.
pub(super) fn end_all(tx: &mut Connection, group: GroupId) -> Result<(), Fault> {
    tx.execute("DELETE FROM group_applications WHERE group_id = ?", (group.0,))?;
    tx.execute("DELETE FROM group_invitations WHERE group_id = ?", (group.0,))?;
    Ok(())
}
