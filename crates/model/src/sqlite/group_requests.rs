//! Who waits before groups. Rows are written by changes of the group.

use domain::policy::Relation;
use domain::{
    Application, ApplicationsOf, GroupChange, GroupDeed, GroupEffect, GroupFacts, GroupId, GroupRequestStore,
    Invitation, Invited, Queue, StoreResult, Timestamp, UserId, Waiting,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::friends::relation;
use super::groups::{groups_of, membership};
use super::number::{count, number, sql};
use super::users::user;

impl GroupRequestStore for SqliteStore {
    fn waiting(&self, group: GroupId, user: UserId) -> StoreResult<Waiting> {
        self.read("find what waits before a group", |connection| waiting(connection, group, user))
    }

    fn applications(
        &self,
        of: ApplicationsOf,
        (group, after): (GroupId, UserId),
        limit: u32,
    ) -> StoreResult<Vec<Application>> {
        self.read("list applications", |connection| match of {
            ApplicationsOf::Group(of) if of < group => Ok(Vec::new()),
            ApplicationsOf::Group(of) => {
                let after = if of == group { after } else { UserId(0) };
                connection
                    .prepare_cached(
                        "SELECT a.group_id, g.name, u.id, u.name, u.nickname, u.avatar, a.greeting, a.at
                         FROM group_applications a
                         JOIN chat_groups g ON g.id = a.group_id
                         JOIN users u ON u.id = a.user_id
                         WHERE a.group_id = ?1 AND a.user_id > ?2 ORDER BY a.user_id LIMIT ?3",
                    )?
                    .query_map(params![sql(of.0), sql(after.0), limit], application)?
                    .collect()
            }
            ApplicationsOf::User(user) => connection
                .prepare_cached(
                    "SELECT a.group_id, g.name, u.id, u.name, u.nickname, u.avatar, a.greeting, a.at FROM (
                         SELECT * FROM (
                             SELECT group_id, user_id, greeting, at FROM group_applications
                             WHERE user_id = ?1 AND group_id >= ?2 AND (group_id > ?2 OR user_id > ?3)
                             ORDER BY group_id LIMIT ?4)
                         UNION ALL
                         SELECT * FROM (
                             SELECT w.group_id, w.user_id, w.greeting, w.at FROM group_members m
                             JOIN group_applications w ON w.group_id = m.group_id
                             WHERE m.user_id = ?1 AND m.role < ?5 AND m.group_id >= ?2
                             AND (w.group_id > ?2 OR w.user_id > ?3)
                             ORDER BY w.group_id, w.user_id LIMIT ?4)
                     ) a
                     JOIN chat_groups g ON g.id = a.group_id
                     JOIN users u ON u.id = a.user_id
                     ORDER BY a.group_id, a.user_id LIMIT ?4",
                )?
                .query_map(params![sql(user.0), sql(group.0), sql(after.0), limit, MEMBER], application)?
                .collect(),
        })
    }

    fn invitations(&self, user: UserId, after: GroupId, limit: u32) -> StoreResult<Vec<Invitation>> {
        self.read("list invitations", |connection| {
            connection
                .prepare_cached(
                    "SELECT i.group_id, g.name, u.id, u.name, u.nickname, u.avatar, i.at FROM group_invitations i
                     JOIN chat_groups g ON g.id = i.group_id
                     JOIN users u ON u.id = i.by_id
                     WHERE i.user_id = ?1 AND i.group_id > ?2 ORDER BY i.group_id LIMIT ?3",
                )?
                .query_map(params![sql(user.0), sql(after.0), limit], invitation)?
                .collect()
        })
    }
}

/// The role of members who do not decide: those with a lower number do.
pub(super) const MEMBER: i64 = 3;

fn application(row: &Row<'_>) -> rusqlite::Result<Application> {
    Ok(Application {
        group: GroupId(number(row, 0)?),
        group_name: row.get(1)?,
        user: user(row, 2)?,
        greeting: row.get(6)?,
        at: Timestamp(number(row, 7)?),
    })
}

fn invitation(row: &Row<'_>) -> rusqlite::Result<Invitation> {
    Ok(Invitation {
        group: GroupId(number(row, 0)?),
        group_name: row.get(1)?,
        by: user(row, 2)?,
        at: Timestamp(number(row, 6)?),
    })
}

fn waiting(connection: &Connection, group: GroupId, user: UserId) -> rusqlite::Result<Waiting> {
    let place = [sql(group.0), sql(user.0)];
    let application = connection
        .prepare_cached("SELECT at FROM group_applications WHERE group_id = ?1 AND user_id = ?2")?
        .query_row(place, |row| Ok(Timestamp(number(row, 0)?)))
        .optional()?;
    let invitation = connection
        .prepare_cached("SELECT by_id, at FROM group_invitations WHERE group_id = ?1 AND user_id = ?2")?
        .query_row(place, |row| Ok(Invited { by: UserId(number(row, 0)?), at: Timestamp(number(row, 1)?) }))
        .optional()?;
    Ok(Waiting { application, invitation })
}

/// Reads what is true of a newcomer.
pub(super) fn facts(
    connection: &Connection,
    change: &GroupChange,
    newcomer: UserId,
    facts: &mut GroupFacts,
) -> rusqlite::Result<()> {
    let group = change.group;
    facts.waiting = waiting(connection, group, newcomer)?;
    if let Some(invited) = facts.waiting.invitation {
        facts.inviter = membership(connection, group, invited.by)?;
    }
    if change.deed.limits().is_some() {
        facts.groups_of_newcomer = groups_of(connection, newcomer)?;
    }
    let queue = match change.deed {
        GroupDeed::Join { .. } => {
            "SELECT (SELECT count(*) FROM group_applications WHERE group_id = ?1),
                    (SELECT count(*) FROM group_applications WHERE user_id = ?2)"
        }
        GroupDeed::Invite { .. } => {
            facts.relation = Some(match newcomer == change.actor {
                true => Relation::Myself,
                false => relation(connection, change.actor, newcomer)?,
            });
            "SELECT (SELECT count(*) FROM group_invitations WHERE group_id = ?1),
                    (SELECT count(*) FROM group_invitations WHERE user_id = ?2)"
        }
        _ => return Ok(()),
    };
    facts.queue = connection.prepare_cached(queue)?.query_row([sql(group.0), sql(newcomer.0)], |row| {
        Ok(Queue { of_group: count(row, 0)?, of_user: count(row, 1)? })
    })?;
    Ok(())
}

/// Writes one effect on what waits.
pub(super) fn apply(
    connection: &Connection,
    change: &GroupChange,
    effect: &GroupEffect,
) -> rusqlite::Result<()> {
    let group = sql(change.group.0);
    match effect {
        GroupEffect::Apply(user, greeting) => connection
            .prepare_cached(
                "INSERT INTO group_applications (group_id, user_id, greeting, at) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![group, sql(user.0), greeting, sql(change.at.0)])?,
        GroupEffect::EndApplication(user) => connection
            .prepare_cached("DELETE FROM group_applications WHERE group_id = ?1 AND user_id = ?2")?
            .execute([group, sql(user.0)])?,
        GroupEffect::Invite(user) => connection
            .prepare_cached(
                "INSERT INTO group_invitations (group_id, user_id, by_id, at) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute([group, sql(user.0), sql(change.actor.0), sql(change.at.0)])?,
        GroupEffect::EndInvitation { user, .. } => connection
            .prepare_cached("DELETE FROM group_invitations WHERE group_id = ?1 AND user_id = ?2")?
            .execute([group, sql(user.0)])?,
        _ => 0,
    };
    Ok(())
}

/// Nobody waits before a group that is closed.
pub(super) fn end_all(connection: &Connection, group: GroupId) -> rusqlite::Result<()> {
    for sql_text in [
        "DELETE FROM group_applications WHERE group_id = ?1",
        "DELETE FROM group_invitations WHERE group_id = ?1",
    ] {
        connection.prepare_cached(sql_text)?.execute([sql(group.0)])?;
    }
    Ok(())
}
