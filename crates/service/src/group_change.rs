//! Makes one change of a group, answers who asked, and lets everybody know: the appender's part.

use std::sync::Arc;

use domain::policy::Why;
use domain::{
    ChangePlace, ChangeRefused, GroupChange, GroupChanged, GroupDeed, GroupState, Mentions, MessageKind, Seq,
    StoreError, StoreResult, StoredMessage, Timestamp, UserId,
};
use protocol::{
    ChatMessage, Code, GroupEvent, GroupEventKind, JoinAnswer, JoinOutcome, Push, Refusal, Reply,
};

use crate::caller::Principal;
use crate::group_requests;
use crate::groups;
use crate::hub::{Audience, Delivery, Echo, Origin, Readers, Said};
use crate::in_doubt::Concerned;
use crate::notice::Notice;
use crate::personal_notices;
use crate::refuse;
use crate::roster_step::{RosterChange, RosterStep};
use crate::service::Service;
use crate::wire;

/// A change that was checked and waits for its appender.
#[derive(Clone, Debug)]
pub(crate) struct PendingChange {
    pub(crate) change: GroupChange,
    /// Whom to answer; `None` if the server does it by itself, in the name of somebody who is gone.
    pub(crate) origin: Option<Origin>,
    /// Who asks.
    pub(crate) principal: Principal,
    pub(crate) answer: Answer,
}

/// What is answered when it is done.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "it is part of what is in a box")]
pub(crate) enum Answer {
    /// The group, and its conversation as the new member sees it; or that they applied.
    Joined(fn(JoinAnswer) -> Reply),
    /// Whether the one came in who was asked to.
    Invited,
    /// This.
    Done(Reply),
}

/// Makes the change; exactly one answer, unless this fails: then nobody was answered, and it may be tried again. What was
/// stored after all is found by the change's id, and is told once more: who has it drops it.
pub(crate) fn make(service: &Service, pending: &PendingChange) -> StoreResult<()> {
    let change = &pending.change;
    let outcome = service.ports.store.change_group(change).inspect_err(|error| {
        if matches!(error, StoreError::OutcomeUnknown { .. }) {
            concerned(change).for_each(|user| groups::changed(service, change.group, user));
            doubt(service, change);
        }
    })?;
    let changed = match outcome {
        Ok(changed) => changed,
        Err(why) => {
            // A moment ago by another device, or by an attempt of which nothing was heard.
            if matches!(why, ChangeRefused::Not(Why::AlreadyMember | Why::NotMember)) {
                groups::forget(service, change.group, change.actor);
            }
            answer(service, pending, Err(Refusal::new(refuse::change(why))), None);
            return Ok(());
        }
    };
    learn(service, change, &changed);
    let message = match &changed.place {
        // Who left a dissolved group does so in silence.
        None => None,
        Some(place) => {
            service.indexer.note(std::iter::once(change.group.conversation()));
            service.cursors.reaches(change.group.conversation(), place.seq);
            let said = Said::Message(message(service, pending, place));
            Some((said, readers(service, change, &changed, place)?))
        }
    };
    let reply = match (&pending.answer, &changed.actor, &changed.place) {
        (Answer::Done(reply), ..) => Ok(reply.clone()),
        (Answer::Joined(reply), Some(actor), Some(place)) => Ok(reply(JoinAnswer {
            outcome: JoinOutcome::Joined,
            group: Some(wire::group(group(change, &changed), actor.role)),
            conv: Some(groups::new_conversation(change.group, actor.since, place.seq)),
        })),
        (Answer::Joined(reply), _, None) => {
            Ok(reply(JoinAnswer { outcome: JoinOutcome::Applied, group: None, conv: None }))
        }
        // Out again already, by another device.
        (Answer::Joined(_), None, Some(_)) => Err(Refusal::new(Code::NOT_MEMBER)),
        (Answer::Invited, ..) => {
            let came = changed.place.is_some();
            let outcome = if came { JoinOutcome::Joined } else { JoinOutcome::Invited };
            Ok(Reply::Invite(JoinAnswer { outcome, group: None, conv: None }))
        }
    };
    follow(service, pending, &changed);
    group_requests::tell(service, pending, &changed);
    if let Some(notice) = &changed.notice {
        let by = service.directory.own_face(&*service.ports.store, &pending.principal);
        personal_notices::push(service, notice, by.shown(), &changed.profile.name);
    }
    answer(service, pending, reply, message);
    Ok(())
}

/// Whom a change may have brought in, out, or to another place.
fn concerned(change: &GroupChange) -> impl Iterator<Item = UserId> {
    [Some(change.actor), change.deed.target()].into_iter().flatten()
}

/// Has all whom the change may concern look again once it is settled: tried again it may be found done, and then nothing but its
/// message is told.
fn doubt(service: &Service, change: &GroupChange) {
    let users = concerned(change).map(Concerned::User);
    // Who asked somebody in is one of them, or was.
    let deciders = change.deed.newcomer(change.actor).map(|_| Concerned::Deciders(change.group));
    service.in_doubt.note(service.ports.clock.now(), users.chain(deciders));
}

/// Brings what is known of the group up to date, here and on other nodes.
fn learn(service: &Service, change: &GroupChange, changed: &GroupChanged) {
    let group = change.group;
    if changed.effects.is_empty() && changed.place.is_some() {
        // Made before, by an attempt of which nobody was told.
        concerned(change).for_each(|user| groups::changed(service, group, user));
        return;
    }
    let steps: Vec<RosterStep> = match change.deed {
        // No roster shows what a group says of itself.
        GroupDeed::Edit(_) => Vec::new(),
        _ => changed.effects.iter().filter_map(RosterStep::of).collect(),
    };
    if steps.is_empty() {
        return;
    }
    let stepped = RosterChange { group, version: changed.roster, steps };
    groups::step(service, &stepped);
    for user in stepped.steps.iter().filter_map(|step| step.moved()) {
        service.cursors.readers_changed(user, group.conversation());
    }
    service.ports.hub.tell_nodes(Notice::RosterChanged(stepped));
}

/// Has the hub listen for who came in, and not any more for who is out; tells their other devices.
fn follow(service: &Service, pending: &PendingChange, changed: &GroupChanged) {
    let (hub, change) = (&service.ports.hub, &pending.change);
    let own = |event| {
        // Who is gone has no devices.
        if let Some(origin) = pending.origin {
            groups::tell_own(service, &pending.principal, origin.conn, &group(change, changed), event);
        }
    };
    match &change.deed {
        GroupDeed::Join { .. } | GroupDeed::AcceptInvitation { .. } => {
            if let Some(actor) = &changed.actor {
                hub.follow_from(change.actor, change.group, actor.since);
                own(GroupEventKind::Joined);
            }
        }
        GroupDeed::Leave => {
            hub.unfollow(change.actor, change.group);
            own(GroupEventKind::Left);
        }
        GroupDeed::Remove(user) => {
            // Made before, they may be in it again.
            if !changed.effects.is_empty() {
                tell_moved(service, *user, GroupEventKind::Left, change, changed);
            }
            hub.unfollow(*user, change.group);
        }
        GroupDeed::AcceptApplication { user, .. } | GroupDeed::Invite { user, .. } => {
            if let Some(place) = &changed.place {
                // The system message is the first that they read.
                hub.follow_from(*user, change.group, Seq(place.seq.0.saturating_sub(1)));
                tell_moved(service, *user, GroupEventKind::Joined, change, changed);
            }
        }
        GroupDeed::SetRole(..)
        | GroupDeed::HandOver(_)
        | GroupDeed::Dissolve
        | GroupDeed::Edit(_)
        | GroupDeed::Mute(..)
        | GroupDeed::MuteAll(_)
        | GroupDeed::WithdrawApplication
        | GroupDeed::RefuseApplication(_)
        | GroupDeed::RefuseInvitation
        | GroupDeed::WithdrawInvitation(_) => {}
    }
}

/// Tells the devices of somebody whom another one let in or put out.
fn tell_moved(
    service: &Service,
    user: UserId,
    event: GroupEventKind,
    change: &GroupChange,
    changed: &GroupChanged,
) {
    let push = Push::GroupEvent(GroupEvent {
        event,
        groupid: change.group.0,
        groupname: changed.profile.name.clone(),
        id: user.0,
        name: service.shown(user),
        members: changed.members,
        notice: changed.notice.map_or(0, |notice| notice.seq.0),
    });
    service.ports.hub.push(Audience::Users(&[user]), &push);
}

/// The group after the change.
fn group(change: &GroupChange, changed: &GroupChanged) -> domain::Group {
    domain::Group {
        id: change.group,
        name: changed.profile.name.clone(),
        description: changed.profile.description.clone(),
        members: changed.members,
        state: GroupState::Open,
    }
}

/// The system message.
fn message(service: &Service, pending: &PendingChange, place: &ChangePlace) -> ChatMessage {
    let change = &pending.change;
    let stored = StoredMessage {
        conversation: change.group.conversation(),
        seq: place.seq,
        sender: change.actor,
        client_msg_id: String::new(),
        time: place.time,
        kind: MessageKind::System,
        body: change.event.clone(),
        edited: Timestamp(0),
        recalled: None,
        reply_to: None,
        mentions: Mentions::default(),
    };
    let name = service.directory.own_face(&*service.ports.store, &pending.principal).shown().to_owned();
    wire::chat_message(stored, name, String::new())
}

/// Who reads of it: the members after the change.
fn readers(
    service: &Service,
    change: &GroupChange,
    changed: &GroupChanged,
    place: &ChangePlace,
) -> StoreResult<Readers> {
    let group = change.group;
    let roster = groups::roster_at(service, group, changed.roster)?.unwrap_or_default();
    // Of a group that everybody left nobody reads.
    let version = roster.version().max(changed.roster);
    Ok(Readers::Members { group, version, members: Arc::clone(roster.readership(place.seq).readers()) })
}

fn answer(
    service: &Service,
    pending: &PendingChange,
    answer: Result<Reply, Refusal>,
    message: Option<(Said, Readers)>,
) {
    let delivery = Delivery { origin: pending.origin, answer, message, echo: Echo::ToAll };
    service.ports.hub.deliver(vec![delivery]);
}
