//! One change of a group, in its transaction: locks, facts, decision, effects.

use domain::{
    ChangePlace, ChangeRefused, GroupChange, GroupChanged, GroupEffect, GroupFacts, GroupId, MessageKind,
    Novelty, Queue, RosterVersion, Seq, Timestamp, Told, UserId, Waiting, members_after,
};

use super::append;
use super::connection::Connection;
use super::fault::Fault;
use super::group_requests;
use super::groups::{membership, profile, role_number, state};
use super::notices::add_notice;
use super::users::{lock_user, lock_users};

/// Runs in a transaction; may run again after it was rolled back.
pub(super) fn change(
    tx: &mut Connection,
    change: &GroupChange,
) -> Result<Result<GroupChanged, ChangeRefused>, Fault> {
    let Some((facts, roster)) = lock_facts(tx, change)? else {
        return Ok(Err(change.deed.no_such_group()));
    };
    if let Some(first) = append::find(tx, change.actor, &change.change_id)? {
        if first.conversation != change.group.conversation() {
            return Err(Fault::failed("the id of a change stands for something else"));
        }
        return Ok(Ok(GroupChanged::repeated(facts, roster, first.seq, first.time)));
    }
    let decision = match change.decide(&facts) {
        Ok(decision) => decision,
        Err(why) => return Ok(Err(why)),
    };
    for effect in &decision.effects {
        match effect {
            GroupEffect::Apply(..)
            | GroupEffect::EndApplication(_)
            | GroupEffect::Invite(_)
            | GroupEffect::EndInvitation { .. } => group_requests::apply(tx, change, effect)?,
            _ => apply(tx, change.group, effect, change.at)?,
        }
    }
    let concerns_roster = decision.effects.iter().any(|effect| effect.concerns_roster(&facts.profile));
    let roster = RosterVersion(roster.0 + u64::from(concerns_roster));
    if decision.effects.iter().any(GroupEffect::concerns_members) {
        tx.execute("UPDATE chat_groups SET version = version + 1 WHERE id = ?", (change.group.0,))?;
    }
    let place = match decision.told {
        Told::InConversation => Some(tell(tx, change, facts.last.next(), roster)?),
        Told::Nowhere => {
            tx.execute("UPDATE conversations SET roster = ? WHERE id = ?", (roster.0, change.group.0))?;
            None
        }
    };
    let notice = decision.notice.map(|notice| add_notice(tx, notice)).transpose()?;
    let mut changed = GroupChanged {
        place,
        members: members_after(facts.members, &decision.effects),
        roster,
        effects: decision.effects,
        actor: facts.actor,
        profile: facts.profile,
        notice,
    };
    changed.settle(change.actor);
    Ok(Ok(changed))
}

type FactsRow = (u64, u64, u32, u64, String, String, String, String, u8, u64);

/// Locks the conversation, the group and, if somebody may come in, them and whoever asks them, in this order; what is true of
/// them then, and the roster's version. `None` if the group has no members, or if the actor, who would come in or asks
/// somebody in, has no account any more.
fn lock_facts(
    tx: &mut Connection,
    change: &GroupChange,
) -> Result<Option<(GroupFacts, RosterVersion)>, Fault> {
    let group = change.group;
    // Waits for an append that is under way: what it appends is from before.
    let row: Option<FactsRow> = tx.row(
        "SELECT c.last_seq, c.roster, g.members, c.closed_at, \
         g.name, g.description, g.announcement, g.avatar, g.joining, g.muted_until \
         FROM conversations c STRAIGHT_JOIN chat_groups g ON g.id = c.id \
         WHERE c.id = ? AND g.members > 0 FOR UPDATE",
        (group.0,),
    )?;
    let Some((last, roster, members, closed_at, name, description, announcement, avatar, joining, muted)) =
        row
    else {
        return Ok(None);
    };
    let mut facts = GroupFacts {
        last: Seq(last),
        members,
        state: state(closed_at),
        profile: profile((name, description, announcement, avatar, joining, muted))?,
        actor: membership(tx, group, change.actor)?,
        target: None,
        groups_of_newcomer: 0,
        waiting: Waiting::default(),
        inviter: None,
        queue: Queue::default(),
        relation: None,
    };
    if let Some(target) = change.deed.target() {
        facts.target = membership(tx, group, target)?;
    }
    if let Some(newcomer) = change.deed.newcomer(change.actor) {
        // Gone a moment ago: a request of theirs was still under way.
        if change.deed.limits().is_some() && !lock_parties(tx, newcomer, change.actor)? {
            return Ok(None);
        }
        group_requests::facts(tx, change, newcomer, &mut facts)?;
    }
    Ok(Some((facts, RosterVersion(roster))))
}

/// Locks who would come in and whoever asks for it; whether the actor has an account. Of a newcomer who has none, nothing waits,
/// and they are nobody's friend.
fn lock_parties(tx: &mut Connection, newcomer: UserId, actor: UserId) -> Result<bool, Fault> {
    if newcomer == actor {
        return lock_user(tx, actor);
    }
    Ok(lock_users(tx, [newcomer, actor])? == 2 || lock_user(tx, actor)?)
}

/// Writes one effect.
pub(super) fn apply(
    tx: &mut Connection,
    group: GroupId,
    effect: &GroupEffect,
    at: Timestamp,
) -> Result<(), Fault> {
    match effect {
        GroupEffect::Add(user, place) => {
            // Before the row that refers to the user: it would lock theirs for reading, and this for writing.
            memberships_changed(tx, *user)?;
            tx.execute(
                "INSERT INTO group_members (group_id, user_id, role, since_seq, joined_at, muted_until) \
                 VALUES (?, ?, ?, ?, ?, ?)",
                (group.0, user.0, role_number(place.role), place.since.0, at.0, place.muted_until.0),
            )?;
            tx.execute("UPDATE chat_groups SET members = members + 1 WHERE id = ?", (group.0,))?;
        }
        GroupEffect::Delete(user) => {
            memberships_changed(tx, *user)?;
            tx.execute("DELETE FROM group_members WHERE group_id = ? AND user_id = ?", (group.0, user.0))?;
            tx.execute("UPDATE chat_groups SET members = members - 1 WHERE id = ?", (group.0,))?;
        }
        GroupEffect::Place(user, place) => {
            memberships_changed(tx, *user)?;
            tx.execute(
                "UPDATE group_members SET role = ?, muted_until = ? WHERE group_id = ? AND user_id = ?",
                (role_number(place.role), place.muted_until.0, group.0, user.0),
            )?;
        }
        GroupEffect::Profile(profile) => {
            tx.execute(
                "UPDATE chat_groups SET name = ?, description = ?, announcement = ?, avatar = ?, joining = ?, \
                 muted_until = ? WHERE id = ?",
                (
                    &profile.name,
                    &profile.description,
                    &profile.announcement,
                    &profile.avatar,
                    profile.joining as u8,
                    profile.muted_until.0,
                    group.0,
                ),
            )?;
        }
        GroupEffect::Close => {
            // A time of 0 would say that it is open.
            tx.execute("UPDATE conversations SET closed_at = ? WHERE id = ?", (at.0.max(1), group.0))?;
            group_requests::end_all(tx, group)?;
        }
        // Written by `group_requests`, which knows who asks.
        GroupEffect::Apply(..)
        | GroupEffect::EndApplication(_)
        | GroupEffect::Invite(_)
        | GroupEffect::EndInvitation { .. } => {}
    }
    Ok(())
}

/// A user is in other groups, or is something else there.
fn memberships_changed(tx: &mut Connection, user: UserId) -> Result<(), Fault> {
    tx.execute("UPDATE users SET groups_version = groups_version + 1 WHERE id = ?", (user.0,))?;
    Ok(())
}

/// Stores the system message, and the roster's version with its place.
fn tell(
    tx: &mut Connection,
    change: &GroupChange,
    seq: Seq,
    roster: RosterVersion,
) -> Result<ChangePlace, Fault> {
    tx.execute(
        "INSERT INTO messages (conversation_id, seq, sender_id, client_msg_id, time, kind, body) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            change.group.0,
            seq.0,
            change.actor.0,
            change.change_id.as_bytes(),
            change.at.0,
            MessageKind::System as u8,
            change.event.as_bytes(),
        ),
    )?;
    tx.execute(
        "UPDATE conversations SET last_seq = ?, last_time = GREATEST(last_time, ?), roster = ? WHERE id = ?",
        (seq.0, change.at.0, roster.0, change.group.0),
    )?;
    Ok(ChangePlace { seq, time: change.at, novelty: Novelty::New })
}
