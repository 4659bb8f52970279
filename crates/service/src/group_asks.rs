//! What somebody asks to be changed in a group: checked by a worker, and passed on to the appender of its conversation.
//!
//! Whoever may not is refused here, by the roster that is kept or by single rows, so that nobody keeps the one who writes busy
//! with nothing. The store asks again when it makes the change, and that is what counts.

use std::fmt::Write;

use domain::policy::{self, Standing, Why};
use domain::{
    GroupChange, GroupDeed, GroupEdit, GroupId, GroupState, Joining, NUMBER_MAX, Rank, StoreResult,
    Timestamp, UserId,
};
use protocol::{
    Code, EditGroup, GroupRef, MemberRef, MsgId, MuteGroup, MuteMember, Nothing, Reply, SetRole, SystemEvent,
    SystemEventKind,
};

use crate::batch::{Deed, Pending, Stored};
use crate::caller::{Me, Principal};
use crate::fields;
use crate::group_change::{Answer, PendingChange};
use crate::hub::Origin;
use crate::names;
use crate::refuse::{self, Stop, bad_field};
use crate::service::{Handled, Service};

/// What an id of the server's begins with, that no client may choose: so the two never meet.
const SERVERS_OWN: char = '\u{7f}';

/// LEAVE_GROUP. Messages that were checked before it are still stored; none after.
pub(crate) fn leave(service: &Service, me: Me<'_>, rid: u32, request: &GroupRef) -> Result<Handled, Stop> {
    let reply = Reply::LeaveGroup(Nothing {});
    let event = || Ok(event(service, me, SystemEventKind::Left));
    ask(service, me, rid, request.groupid, GroupDeed::Leave, event, reply)
}

/// REMOVE_MEMBER.
pub(crate) fn remove(service: &Service, me: Me<'_>, rid: u32, request: &MemberRef) -> Result<Handled, Stop> {
    let event = || about(service, me, SystemEventKind::Removed, request.id);
    let deed = GroupDeed::Remove(UserId(request.id));
    ask(service, me, rid, request.groupid, deed, event, Reply::RemoveMember(Nothing {}))
}

/// SET_ROLE.
pub(crate) fn set_role(service: &Service, me: Me<'_>, rid: u32, request: &SetRole) -> Result<Handled, Stop> {
    let (rank, role) = match request.role {
        protocol::Rank::Admin => (Rank::Admin, protocol::Role::Admin),
        protocol::Rank::Member => (Rank::Member, protocol::Role::Member),
    };
    let event = || {
        let event = about(service, me, SystemEventKind::Role, request.id)?;
        Ok(SystemEvent { role: Some(role), ..event })
    };
    let deed = GroupDeed::SetRole(UserId(request.id), rank);
    ask(service, me, rid, request.groupid, deed, event, Reply::SetRole(Nothing {}))
}

/// HAND_OVER.
pub(crate) fn hand_over(
    service: &Service,
    me: Me<'_>,
    rid: u32,
    request: &MemberRef,
) -> Result<Handled, Stop> {
    let event = || about(service, me, SystemEventKind::HandedOver, request.id);
    let deed = GroupDeed::HandOver(UserId(request.id));
    ask(service, me, rid, request.groupid, deed, event, Reply::HandOver(Nothing {}))
}

/// DISSOLVE_GROUP.
pub(crate) fn dissolve(service: &Service, me: Me<'_>, rid: u32, request: &GroupRef) -> Result<Handled, Stop> {
    let event = || Ok(event(service, me, SystemEventKind::Dissolved));
    let reply = Reply::DissolveGroup(Nothing {});
    ask(service, me, rid, request.groupid, GroupDeed::Dissolve, event, reply)
}

/// EDIT_GROUP.
pub(crate) fn edit(service: &Service, me: Me<'_>, rid: u32, request: EditGroup) -> Result<Handled, Stop> {
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
            ..event(service, me, SystemEventKind::Edited)
        })
    };
    ask(service, me, rid, request.groupid, deed, event, Reply::EditGroup(Nothing {}))
}

/// MUTE_MEMBER.
pub(crate) fn mute(service: &Service, me: Me<'_>, rid: u32, request: &MuteMember) -> Result<Handled, Stop> {
    let until = fields::until(request.until)?;
    let event = || {
        let event = about(service, me, SystemEventKind::Muted, request.id)?;
        Ok(SystemEvent { until: Some(until.0), ..event })
    };
    let deed = GroupDeed::Mute(UserId(request.id), until);
    ask(service, me, rid, request.groupid, deed, event, Reply::MuteMember(Nothing {}))
}

/// MUTE_GROUP.
pub(crate) fn mute_all(
    service: &Service,
    me: Me<'_>,
    rid: u32,
    request: &MuteGroup,
) -> Result<Handled, Stop> {
    let until = fields::until(request.until)?;
    let event = || Ok(SystemEvent { until: Some(until.0), ..event(service, me, SystemEventKind::AllMuted) });
    let (deed, reply) = (GroupDeed::MuteAll(until), Reply::MuteGroup(Nothing {}));
    ask(service, me, rid, request.groupid, deed, event, reply)
}

pub(crate) fn event(service: &Service, me: Me<'_>, what: SystemEventKind) -> SystemEvent {
    let face = service.directory.own_face(&*service.ports.store, me.principal);
    SystemEvent::new(what, me.user().0, face.shown())
}

/// An event that concerns another user, with their name as it is now; without one, if there is no such user: then there is no
/// such member either.
pub(crate) fn about(
    service: &Service,
    me: Me<'_>,
    what: SystemEventKind,
    id: u64,
) -> StoreResult<SystemEvent> {
    let face = service.directory.face(&*service.ports.store, UserId(id))?;
    let name = face.map_or_else(String::new, |user| user.shown().to_owned());
    Ok(SystemEvent { id, name, ..event(service, me, what) })
}

/// Checks a deed of a member, and passes it on.
fn ask(
    service: &Service,
    me: Me<'_>,
    rid: u32,
    group: u64,
    deed: GroupDeed,
    event: impl FnOnce() -> StoreResult<SystemEvent>,
    reply: Reply,
) -> Result<Handled, Stop> {
    let id = GroupId(group);
    if group > NUMBER_MAX {
        return Err(Stop::refused(Code::NOT_MEMBER));
    }
    match may(service, id, me.user(), &deed) {
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
    Ok(pass_on(service, me, rid, id, deed, &event()?, msgid, Answer::Done(reply)))
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

#[expect(clippy::too_many_arguments, reason = "the parts of one change, gathered in one place")]
fn pass_on(
    service: &Service,
    me: Me<'_>,
    rid: u32,
    group: GroupId,
    deed: GroupDeed,
    event: &SystemEvent,
    msgid: MsgId,
    answer: Answer,
) -> Handled {
    let change = GroupChange { event: event.to_json(), ..change(service, me.user(), group, deed) };
    pending(me, rid, change, msgid, answer)
}

/// A change that begins now, and of which nothing is told yet.
pub(crate) fn change(service: &Service, actor: UserId, group: GroupId, deed: GroupDeed) -> GroupChange {
    let now = service.ports.clock.now();
    let (change_id, event) = (change_id(service, now), String::new());
    GroupChange { group, actor, deed, at: now, change_id, event }
}

/// Gives a change to its appender.
pub(crate) fn pending(me: Me<'_>, rid: u32, change: GroupChange, msgid: MsgId, answer: Answer) -> Handled {
    let origin = Some(Origin { conn: me.conn, rid, request: msgid });
    let principal = me.principal.clone();
    let pending = PendingChange { change, origin, principal, answer };
    Handled::Append(Pending(Stored::Change(Deed::Group(Box::new(pending)))))
}

/// A change that the server makes by itself, in the name of somebody who is gone.
pub(crate) fn unasked(
    service: &Service,
    principal: Principal,
    group: GroupId,
    deed: GroupDeed,
    event: &SystemEvent,
) -> Pending {
    let change = GroupChange { event: event.to_json(), ..change(service, principal.user, group, deed) };
    let answer = Answer::Done(Reply::LeaveGroup(Nothing {}));
    let pending = PendingChange { change, origin: None, principal, answer };
    Pending(Stored::Change(Deed::Group(Box::new(pending))))
}

/// A new id for a change. Begins with the time, as clients' ids should, so that all go to the index's end.
fn change_id(service: &Service, now: Timestamp) -> String {
    let mut random = [0; 16];
    service.ports.entropy.fill(&mut random);
    let mut id = format!("{SERVERS_OWN}{:012x}", now.0);
    for byte in random {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}
