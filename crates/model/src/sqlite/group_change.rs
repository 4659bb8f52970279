//! One change of a group, in its transaction: facts, decision, effects. Whoever writes is alone here, so nothing is locked.

use domain::{
    ChangePlace, ChangeRefused, GroupChange, GroupChanged, GroupEffect, GroupFacts, GroupId, MessageKind,
    Novelty, Queue, RosterVersion, Seq, StoreError, StoreResult, Timestamp, Told, UserId, Waiting,
    members_after,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::append;
use super::group_requests;
use super::groups::{StoredRole, membership, profile, state};
use super::notices::add_notice;
use super::number::{count, number, sql};
use super::users::exists;

type Outcome = Result<GroupChanged, ChangeRefused>;

/// Runs in a transaction. The inner error is the store's: the change's id stands for something else.
pub(super) fn change(
    connection: &Connection,
    change: &GroupChange,
) -> rusqlite::Result<StoreResult<Outcome>> {
    // The actor may be gone a moment ago, while a request of theirs was still under way.
    let found = match change.deed.limits() {
        Some(_) if !exists(connection, change.actor)? => None,
        _ => facts(connection, change)?,
    };
    let Some((facts, roster)) = found else {
        return Ok(Ok(Err(change.deed.no_such_group())));
    };
    let first = append::find_once(connection, change.actor, &change.change_id)?;
    if let Some(first) = first {
        if first.conversation != change.group.conversation() {
            return Ok(Err(StoreError::failed("change a group", "its id stands for something else")));
        }
        return Ok(Ok(Ok(GroupChanged::repeated(facts, roster, first.seq, first.time))));
    }
    let decision = match change.decide(&facts) {
        Ok(decision) => decision,
        Err(why) => return Ok(Ok(Err(why))),
    };
    for effect in &decision.effects {
        match effect {
            GroupEffect::Apply(..)
            | GroupEffect::EndApplication(_)
            | GroupEffect::Invite(_)
            | GroupEffect::EndInvitation { .. } => group_requests::apply(connection, change, effect)?,
            _ => apply(connection, change.group, effect, change.at)?,
        }
    }
    let members = members_after(facts.members, &decision.effects);
    let concerns_roster = decision.effects.iter().any(|effect| effect.concerns_roster(&facts.profile));
    if concerns_roster {
        roster_changed(connection, change.group)?;
    }
    if decision.effects.iter().any(GroupEffect::concerns_members) {
        list_changed(connection, change.group)?;
    }
    let place = match decision.told {
        Told::InConversation => Some(tell(connection, change, facts.last.next())?),
        Told::Nowhere => None,
    };
    let notice = decision.notice.map(|notice| add_notice(connection, notice)).transpose()?;
    let mut changed = GroupChanged {
        place,
        members,
        roster: RosterVersion(roster.0 + u64::from(concerns_roster)),
        effects: decision.effects,
        actor: facts.actor,
        profile: facts.profile,
        notice,
    };
    changed.settle(change.actor);
    Ok(Ok(Ok(changed)))
}

/// What is true of the group, and its roster's version; `None` if it has no members.
fn facts(
    connection: &Connection,
    change: &GroupChange,
) -> rusqlite::Result<Option<(GroupFacts, RosterVersion)>> {
    let group = change.group;
    let found = connection
        .prepare_cached(
            "SELECT c.last_seq, c.roster, g.members, c.closed_at,
                    g.name, g.description, g.announcement, g.avatar, g.joining, g.muted_until
             FROM chat_groups g JOIN conversations c ON c.id = g.id WHERE g.id = ?1 AND g.members > 0",
        )?
        .query_row([sql(group.0)], |row| {
            let facts = GroupFacts {
                last: Seq(number(row, 0)?),
                members: count(row, 2)?,
                state: state(row, 3)?,
                profile: profile(row, 4)?,
                actor: None,
                target: None,
                groups_of_newcomer: 0,
                waiting: Waiting::default(),
                inviter: None,
                queue: Queue::default(),
                relation: None,
            };
            Ok((facts, RosterVersion(number(row, 1)?)))
        })
        .optional()?;
    let Some((mut facts, roster)) = found else { return Ok(None) };
    facts.actor = membership(connection, group, change.actor)?;
    if let Some(target) = change.deed.target() {
        facts.target = membership(connection, group, target)?;
    }
    if let Some(newcomer) = change.deed.newcomer(change.actor) {
        group_requests::facts(connection, change, newcomer, &mut facts)?;
    }
    Ok(Some((facts, roster)))
}

/// Writes one effect.
pub(super) fn apply(
    connection: &Connection,
    group: GroupId,
    effect: &GroupEffect,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let id = sql(group.0);
    match effect {
        GroupEffect::Add(user, place) => {
            connection
                .prepare_cached(
                    "INSERT INTO group_members (group_id, user_id, role, since_seq, joined_at, muted_until)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    id,
                    sql(user.0),
                    StoredRole(place.role),
                    sql(place.since.0),
                    sql(at.0),
                    sql(place.muted_until.0)
                ])?;
            connection
                .prepare_cached("UPDATE chat_groups SET members = members + 1 WHERE id = ?1")?
                .execute([id])?;
            memberships_changed(connection, *user)
        }
        GroupEffect::Delete(user) => {
            connection
                .prepare_cached("DELETE FROM group_members WHERE group_id = ?1 AND user_id = ?2")?
                .execute([id, sql(user.0)])?;
            connection
                .prepare_cached("UPDATE chat_groups SET members = members - 1 WHERE id = ?1")?
                .execute([id])?;
            memberships_changed(connection, *user)
        }
        GroupEffect::Place(user, place) => {
            connection
                .prepare_cached(
                    "UPDATE group_members SET role = ?3, muted_until = ?4 WHERE group_id = ?1 AND user_id = ?2",
                )?
                .execute(params![id, sql(user.0), StoredRole(place.role), sql(place.muted_until.0)])?;
            memberships_changed(connection, *user)
        }
        GroupEffect::Profile(profile) => {
            connection
                .prepare_cached(
                    "UPDATE chat_groups SET name = ?2, description = ?3, announcement = ?4, avatar = ?5,
                     joining = ?6, muted_until = ?7 WHERE id = ?1",
                )?
                .execute(params![
                    id,
                    profile.name,
                    profile.description,
                    profile.announcement,
                    profile.avatar,
                    profile.joining as u8,
                    sql(profile.muted_until.0)
                ])?;
            Ok(())
        }
        GroupEffect::Close => {
            // A time of 0 would say that it is open.
            connection
                .prepare_cached("UPDATE conversations SET closed_at = ?2 WHERE id = ?1")?
                .execute([id, sql(at.0.max(1))])?;
            group_requests::end_all(connection, group)
        }
        // Written by `group_requests`, which knows who asks.
        GroupEffect::Apply(..)
        | GroupEffect::EndApplication(_)
        | GroupEffect::Invite(_)
        | GroupEffect::EndInvitation { .. } => Ok(()),
    }
}

pub(super) fn roster_changed(connection: &Connection, group: GroupId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE conversations SET roster = roster + 1 WHERE id = ?1")?
        .execute([sql(group.0)])?;
    Ok(())
}

/// What a list of groups shows of this one is another.
fn list_changed(connection: &Connection, group: GroupId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE chat_groups SET version = version + 1 WHERE id = ?1")?
        .execute([sql(group.0)])?;
    Ok(())
}

/// A user is in other groups, or is something else there.
fn memberships_changed(connection: &Connection, user: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE users SET groups_version = groups_version + 1 WHERE id = ?1")?
        .execute([sql(user.0)])?;
    Ok(())
}

/// Stores the system message.
fn tell(connection: &Connection, change: &GroupChange, seq: Seq) -> rusqlite::Result<ChangePlace> {
    let id = sql(change.group.0);
    connection
        .prepare_cached(
            "INSERT INTO messages (conversation_id, seq, sender_id, client_msg_id, time, kind, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            sql(seq.0),
            sql(change.actor.0),
            change.change_id,
            sql(change.at.0),
            MessageKind::System as u8,
            change.event
        ])?;
    connection
        .prepare_cached(
            "UPDATE conversations SET last_seq = ?2, last_time = max(last_time, ?3) WHERE id = ?1",
        )?
        .execute(params![id, sql(seq.0), sql(change.at.0)])?;
    Ok(ChangePlace { seq, time: change.at, novelty: Novelty::New })
}
