//! Groups: who opens, joins, leaves and looks.
//!
//! A group that does not exist and one that the asker is not in give the same answer to whoever reads or writes there,
//! so that nothing can be learnt about groups by asking. Only joining tells whether there is one.

use std::sync::Arc;

use domain::{
    Created, GroupId, Joined, Left, Membership, NUMBER_MAX, NewGroup, Reach, Role, RosterVersion, Seq,
    StoreError, StoreResult, UserId,
};
use protocol::{
    Code, CreateGroup, Group, GroupEvent, GroupEventKind, GroupMembers, GroupRef, GroupsPage, MembersPage,
    Nothing, Page, Push,
};

use crate::caller::Me;
use crate::fields;
use crate::hub::Audience;
use crate::names;
use crate::notice::Notice;
use crate::page::{Part, Slice};
use crate::presence;
use crate::refuse::Stop;
use crate::roster::Roster;
use crate::service::Service;
use crate::versioned_cache::VersionedCache;
use crate::wire;

/// The members of groups: who may speak there, and who hears it.
pub(crate) type Rosters = VersionedCache<GroupId, Arc<Roster>>;

/// The members of a group; `None` if there is no such group.
pub(crate) fn roster(service: &Service, group: GroupId) -> StoreResult<Option<Arc<Roster>>> {
    if group.0 > NUMBER_MAX {
        return Ok(None);
    }
    service.rosters.get_or_load(&group, || {
        let stored = service.ports.store.roster(group)?;
        Ok((!stored.members.is_empty()).then(|| Arc::new(Roster::new(&stored))))
    })
}

/// The roster of a group, of this version or a later one: whoever learns the version of a commit learns from it who
/// reads what was committed, whatever this node missed.
pub(crate) fn roster_at(
    service: &Service,
    group: GroupId,
    version: RosterVersion,
) -> StoreResult<Option<Arc<Roster>>> {
    match roster(service, group)? {
        Some(roster) if roster.version() >= version => Ok(Some(roster)),
        _ => {
            service.rosters.invalidate(&group);
            roster(service, group)
        }
    }
}

/// Whether the user is in the group. Who is not in the roster that is kept may have joined on another node a moment ago,
/// and was answered so: before anybody is refused the store is asked, for one row.
pub(crate) fn is_member(service: &Service, group: GroupId, user: UserId) -> StoreResult<bool> {
    match roster(service, group)? {
        None => Ok(false),
        Some(roster) if roster.contains(user) => Ok(true),
        Some(_) if service.ports.hub.reach() == Reach::Alone => Ok(false),
        Some(_) => {
            let joined = service.ports.store.membership(group, user)?.is_some();
            if joined {
                service.rosters.invalidate(&group);
            }
            Ok(joined)
        }
    }
}

/// CREATE_GROUP.
pub(crate) fn create(service: &Service, me: Me<'_>, request: &CreateGroup) -> Result<protocol::Joined, Stop> {
    let name = names::group_name(&request.groupname)?;
    fields::group_description(&request.groupdesc)?;
    let ports = &service.ports;
    let new =
        NewGroup { owner: me.user(), name: &name, description: &request.groupdesc, at: ports.clock.now() };
    let id = match ports.store.create_group(&new, service.config.groups)? {
        Created::Group(id) => id,
        Created::Full => return Err(Stop::refused(Code::FULL)),
    };
    changed(service, id, me.user());
    let group = domain::Group { id, name, description: request.groupdesc.clone(), members: 1 };
    tell(service, me, &group, GroupEventKind::Joined, None);
    joined(service, me, group, Role::Owner, Seq(0))
}

/// ADD_GROUP: joins a group, which is open to everybody.
pub(crate) fn join(service: &Service, me: Me<'_>, request: &GroupRef) -> Result<protocol::Joined, Stop> {
    let ports = &service.ports;
    service.limits.joins.take(me.user(), ports.clock.now())?;
    let mut group = find(service, request.groupid)?.ok_or_else(|| Stop::refused(Code::NOT_FOUND))?;
    if membership(service, request.groupid, me.user())?.is_some() {
        return Err(Stop::refused(Code::ALREADY_MEMBER));
    }
    let outcome = ports.store.join_group(group.id, me.user(), ports.clock.now(), service.config.groups);
    match &outcome {
        // Now, or a moment ago by another device, or perhaps.
        Ok(Joined::Member { .. } | Joined::AlreadyMember) | Err(StoreError::OutcomeUnknown { .. }) => {
            changed(service, group.id, me.user());
        }
        Ok(Joined::NoSuchGroup | Joined::Full)
        | Err(StoreError::Unavailable { .. } | StoreError::Failed { .. }) => {}
    }
    let since = match outcome? {
        Joined::Member { members, since } => {
            group.members = members;
            since
        }
        Joined::AlreadyMember => return Err(Stop::refused(Code::ALREADY_MEMBER)),
        Joined::NoSuchGroup => return Err(Stop::refused(Code::NOT_FOUND)),
        Joined::Full => return Err(Stop::refused(Code::FULL)),
    };
    tell_members(service, me, &group, GroupEventKind::Joined);
    joined(service, me, group, Role::Member, since)
}

/// LEAVE_GROUP. Messages that were checked before it are still stored; none after.
pub(crate) fn leave(service: &Service, me: Me<'_>, request: &GroupRef) -> Result<Nothing, Stop> {
    let not_member = || Stop::refused(Code::NOT_MEMBER);
    membership(service, request.groupid, me.user())?.ok_or_else(not_member)?;
    let mut group = find(service, request.groupid)?.ok_or_else(not_member)?;
    let outcome = service.ports.store.leave_group(group.id, me.user());
    match &outcome {
        // Now, or a moment ago by another device, or perhaps.
        Ok(Left::Left { .. } | Left::NotMember) | Err(StoreError::OutcomeUnknown { .. }) => {
            changed(service, group.id, me.user());
        }
        Ok(Left::OwnerStays) | Err(StoreError::Unavailable { .. } | StoreError::Failed { .. }) => {}
    }
    match outcome? {
        Left::Left { members } => group.members = members,
        Left::NotMember => return Err(not_member()),
        Left::OwnerStays => return Err(Stop::refused(Code::OWNER_STAYS)),
    }
    service.ports.hub.unfollow(me.user(), group.id);
    tell_members(service, me, &group, GroupEventKind::Left);
    Ok(Nothing {})
}

/// GROUPS.
pub(crate) fn page(service: &Service, me: Me<'_>, page: &Page) -> Result<GroupsPage, Stop> {
    let slice = Slice::asked(page.after, page.limit, service.config.page_max);
    let part = list(service, me.user(), slice)?;
    Ok(GroupsPage { groups: part.entries, next: part.next })
}

/// GROUP_MEMBERS.
pub(crate) fn members_page(
    service: &Service,
    me: Me<'_>,
    request: &GroupMembers,
) -> Result<MembersPage, Stop> {
    let group = GroupId(request.groupid);
    if !is_member(service, group, me.user())? {
        return Err(Stop::refused(Code::NOT_MEMBER));
    }
    let slice = Slice::asked(request.after, request.limit, service.config.page_max);
    let part = slice.read(
        |member: &domain::Member| member.user.id.0,
        |after, limit| service.ports.store.members(group, UserId(after), limit),
    )?;
    let members = presence::with_states(service, part.entries, |member| member.user.id);
    let users = members.map(|(member, state)| wire::member(member, state)).collect();
    Ok(MembersPage { users, next: part.next })
}

/// A slice of the user's groups.
pub(crate) fn list(service: &Service, user: UserId, slice: Slice) -> StoreResult<Part<Group>> {
    let part = slice.read(
        |own: &domain::OwnGroup| own.group.id.0,
        |after, limit| service.ports.store.groups(user, GroupId(after), limit),
    )?;
    let entries = part.entries.into_iter().map(|own| wire::group(own.group, own.role)).collect();
    Ok(Part { entries, next: part.next })
}

fn find(service: &Service, group: u64) -> StoreResult<Option<domain::Group>> {
    match group {
        0..=NUMBER_MAX => service.ports.store.group(GroupId(group)),
        _ => Ok(None),
    }
}

/// The user's place in a group, as it is stored: looked at before anything is written, so that who may ask for anything
/// cannot keep the store's one writer busy with nothing.
fn membership(service: &Service, group: u64, user: UserId) -> StoreResult<Option<Membership>> {
    match group {
        0..=NUMBER_MAX => service.ports.store.membership(GroupId(group), user),
        _ => Ok(None),
    }
}

/// Forgets what was known of a group and one who came or left, or may have: nobody may go on with it, on any node. Not
/// called for who was merely refused: a stranger could make everybody load the roster again, as often as they like.
fn changed(service: &Service, group: GroupId, user: UserId) {
    forget(service, group, user);
    service.ports.hub.tell_nodes(Notice::MembershipChanged { group, user });
}

fn forget(service: &Service, group: GroupId, user: UserId) {
    service.rosters.invalidate(&group);
    service.cursors.readers_changed(user, group.conversation());
}

/// Another node told that somebody came or left, or may have.
pub(crate) fn changed_elsewhere(service: &Service, group: GroupId, user: UserId) {
    forget(service, group, user);
    let hub = &service.ports.hub;
    if hub.here(&[user]).is_empty() {
        return;
    }
    match service.ports.store.membership(group, user) {
        Ok(None) => hub.unfollow(user, group),
        // Where others follow the group already, the roster that its messages name gave them to this user, too.
        Ok(Some(membership)) => hub.follow_from(user, group, membership.since),
        Err(error) => {
            // To listen without being a member harms nobody: the roster tells who reads.
            hub.follow(user, &[group]);
            service.trouble.note(service.ports.clock.now(), &error);
        }
    }
}

/// Listens to what concerns the groups of users who are connected here. A node that is alone hears everything anyway.
pub(crate) fn follow_all(service: &Service, user: UserId) -> StoreResult<()> {
    if service.ports.hub.reach() != Reach::Alone {
        let groups = service.ports.store.group_ids(user)?;
        service.ports.hub.follow(user, &groups);
    }
    Ok(())
}

/// The answer to a new member. Their conversation is read after the roster was forgotten: a message stored before this
/// read is counted in `last`, and one stored after it finds the new member in the roster, on another node too, whose
/// publication is heard from before this read. None is in neither.
fn joined(
    service: &Service,
    me: Me<'_>,
    group: domain::Group,
    role: Role,
    since: Seq,
) -> Result<protocol::Joined, Stop> {
    service.ports.hub.follow_from(me.user(), group.id, since);
    let waiting = service.cursors.waiting(me.user());
    let conversation = service.ports.store.conversation(me.user(), group.id.conversation())?;
    // Left again already, by another device.
    let conversation = conversation.ok_or_else(|| Stop::refused(Code::NOT_MEMBER))?;
    let acked = waiting.acked(me.user(), &conversation);
    Ok(protocol::Joined { group: wire::group(group, role), conv: wire::conversation(conversation, acked) })
}

/// Tells a group's members that I came or left.
fn tell_members(service: &Service, me: Me<'_>, group: &domain::Group, event: GroupEventKind) {
    match roster(service, group.id) {
        Ok(roster) => tell(service, me, group, event, roster.as_deref()),
        Err(error) => {
            // It happened all the same; members see it when they next look.
            service.trouble.note(service.ports.clock.now(), &error);
            tell(service, me, group, event, None);
        }
    }
}

fn tell(
    service: &Service,
    me: Me<'_>,
    group: &domain::Group,
    event: GroupEventKind,
    roster: Option<&Roster>,
) {
    let push = Push::GroupEvent(GroupEvent {
        event,
        groupid: group.id.0,
        groupname: group.name.clone(),
        id: me.user().0,
        name: service.directory.own_face(&*service.ports.store, me.principal).shown().to_owned(),
        members: group.members,
    });
    let hub = &service.ports.hub;
    if let Some(roster) = roster {
        let (version, members) = (roster.version(), roster.members());
        hub.push(Audience::Members { group: group.id, version, members, but: me.user() }, &push);
    }
    hub.push(Audience::OthersOf(me.user(), me.conn), &push);
}
