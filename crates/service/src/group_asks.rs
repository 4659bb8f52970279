//! What somebody asks to be changed in a group: checked by a worker, and passed on to the appender of its conversation.
//!
//! Whoever may not is refused here, by the roster that is kept or by single rows, so that nobody keeps the one who writes busy
//! with nothing. The store asks again when it makes the change, and that is what counts.

use domain::policy::{self, Standing, Why};
use domain::{GroupDeed, GroupEdit, GroupId, GroupState, Joining, NUMBER_MAX, Rank, StoreResult, UserId};
use protocol::{
    Code, EditGroup, MemberRef, MuteGroup, MuteMember, Nothing, Reply, SetRole, SystemEvent, SystemEventKind,
};

use crate::fields;
use crate::group_ask::GroupAsk;
use crate::group_change::Answer;
use crate::names;
use crate::refuse::{self, Stop, bad_field};
use crate::service::{Handled, Service};

/// LEAVE_GROUP. Messages that were checked before it are still stored; none after.
pub(crate) fn leave(asked: GroupAsk<'_>) -> Result<Handled, Stop> {
    let reply = Reply::LeaveGroup(Nothing {});
    let event = || Ok(asked.event(SystemEventKind::Left));
    ask(asked, GroupDeed::Leave, event, reply)
}

/// REMOVE_MEMBER.
pub(crate) fn remove(asked: GroupAsk<'_>, request: &MemberRef) -> Result<Handled, Stop> {
    let event = || asked.event_about(SystemEventKind::Removed, request.id);
    let deed = GroupDeed::Remove(UserId(request.id));
    ask(asked, deed, event, Reply::RemoveMember(Nothing {}))
}

/// SET_ROLE.
pub(crate) fn set_role(asked: GroupAsk<'_>, request: &SetRole) -> Result<Handled, Stop> {
    let (rank, role) = match request.role {
        protocol::Rank::Admin => (Rank::Admin, protocol::Role::Admin),
        protocol::Rank::Member => (Rank::Member, protocol::Role::Member),
    };
    let event = || {
        let event = asked.event_about(SystemEventKind::Role, request.id)?;
        Ok(SystemEvent { role: Some(role), ..event })
    };
    let deed = GroupDeed::SetRole(UserId(request.id), rank);
    ask(asked, deed, event, Reply::SetRole(Nothing {}))
}

/// HAND_OVER.
pub(crate) fn hand_over(asked: GroupAsk<'_>, request: &MemberRef) -> Result<Handled, Stop> {
    let event = || asked.event_about(SystemEventKind::HandedOver, request.id);
    let deed = GroupDeed::HandOver(UserId(request.id));
    ask(asked, deed, event, Reply::HandOver(Nothing {}))
}

/// DISSOLVE_GROUP.
pub(crate) fn dissolve(asked: GroupAsk<'_>) -> Result<Handled, Stop> {
    let event = || Ok(asked.event(SystemEventKind::Dissolved));
    let reply = Reply::DissolveGroup(Nothing {});
    ask(asked, GroupDeed::Dissolve, event, reply)
}

/// EDIT_GROUP.
pub(crate) fn edit(asked: GroupAsk<'_>, request: EditGroup) -> Result<Handled, Stop> {
    let name = request.groupname.as_deref().map(names::group_name).transpose()?;
    request.groupdesc.as_deref().map_or(Ok(()), fields::group_description)?;
    request.announcement.as_deref().map_or(Ok(()), fields::announcement)?;
    request.avatar.as_deref().map_or(Ok(()), fields::avatar)?;
    let joining = match request.joining {
        None => None,
        Some(protocol::Joining::Open) => Some(Joining::Open),
        Some(protocol::Joining::Approval) => Some(Joining::Approval),
        Some(protocol::Joining::Invitation) => Some(Joining::Invitation),
        Some(protocol::Joining::Unknown) => {
            return Err(bad_field("joining", "joining is open, approval or invitation").into());
        }
    };
    let deed = GroupDeed::Edit(GroupEdit {
        name: name.clone(),
        description: request.groupdesc.clone(),
        announcement: request.announcement.clone(),
        avatar: request.avatar.clone(),
        joining,
    });
    let event = || {
        Ok(SystemEvent {
            groupname: name,
            groupdesc: request.groupdesc,
            announcement: request.announcement,
            avatar: request.avatar,
            joining: request.joining,
            ..asked.event(SystemEventKind::Edited)
        })
    };
    ask(asked, deed, event, Reply::EditGroup(Nothing {}))
}

/// MUTE_MEMBER.
pub(crate) fn mute(asked: GroupAsk<'_>, request: &MuteMember) -> Result<Handled, Stop> {
    let until = fields::until(request.until)?;
    let event = || {
        let event = asked.event_about(SystemEventKind::Muted, request.id)?;
        Ok(SystemEvent { until: Some(until.0), ..event })
    };
    let deed = GroupDeed::Mute(UserId(request.id), until);
    ask(asked, deed, event, Reply::MuteMember(Nothing {}))
}

/// MUTE_GROUP.
pub(crate) fn mute_all(asked: GroupAsk<'_>, request: &MuteGroup) -> Result<Handled, Stop> {
    let until = fields::until(request.until)?;
    let event = || Ok(SystemEvent { until: Some(until.0), ..asked.event(SystemEventKind::AllMuted) });
    let (deed, reply) = (GroupDeed::MuteAll(until), Reply::MuteGroup(Nothing {}));
    ask(asked, deed, event, reply)
}

/// Checks a deed of a member, and passes it on.
fn ask(
    asked: GroupAsk<'_>,
    deed: GroupDeed,
    event: impl FnOnce() -> StoreResult<SystemEvent>,
    reply: Reply,
) -> Result<Handled, Stop> {
    let GroupAsk { service, me, group, .. } = asked;
    if group.0 > NUMBER_MAX {
        return Err(Stop::refused(Code::NOT_MEMBER));
    }
    match may(service, group, me.user(), &deed) {
        Ok(Ok(())) => {}
        Ok(Err(why)) => return Err(Stop::refused(refuse::code(why))),
        Err(error) => return Err(error.into()),
    }
    // Members are told of it, and many of them may be there. Going is told as well, but one had to come in first.
    if deed != GroupDeed::Leave {
        service.limits.changes.take(me.user(), service.ports.clock.now())?;
    }
    let msgid = reply.msgid();
    // Names are looked up for who may only.
    Ok(asked.pass_on(asked.change(deed), &event()?, msgid, Answer::Done(reply)))
}

/// What the table says, of the roster that is kept if it says yes, and of the rows.
fn may(service: &Service, group: GroupId, actor: UserId, deed: &GroupDeed) -> StoreResult<Result<(), Why>> {
    if let Some(roster) = service.rosters.kept(&group) {
        let target = deed.target().and_then(|target| roster.role(target));
        if policy::in_group(deed.act(), roster.role(actor).into(), target.into()).is_ok() {
            return Ok(Ok(()));
        }
        let is_alone = roster.members().len() == 1 || roster.state() == GroupState::Dissolved;
        if *deed == GroupDeed::Leave && is_alone && roster.role(actor).is_some() {
            return Ok(Ok(()));
        }
    }
    let store = &service.ports.store;
    let standing =
        |user| -> StoreResult<Standing> { Ok(store.membership(group, user)?.map(|place| place.role).into()) };
    let actor = standing(actor)?;
    let target = match deed.target() {
        Some(target) if actor != Standing::Outsider && target.0 <= NUMBER_MAX => standing(target)?,
        _ => Standing::Outsider,
    };
    Ok(match policy::in_group(deed.act(), actor, target) {
        Err(Why::OwnerStays) => match store.group(group)? {
            Some(found) if found.members > 1 && found.state == GroupState::Open => Err(Why::OwnerStays),
            _ => Ok(()),
        },
        other => other,
    })
}
