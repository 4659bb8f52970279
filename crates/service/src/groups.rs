//! Groups: who opens, joins, leaves and looks.
//!
//! A group that does not exist and one that the asker is not in give the same answer to whoever reads or writes there,
//! so that nothing can be learnt about groups by asking. Only joining tells whether there is one.

use std::sync::Arc;

use domain::{
    ChangePosition, Conversation, ConversationKind, Created, GroupId, GroupState, Membership, NUMBER_MAX,
    NewGroup, Progress, Reach, Role, RosterVersion, Seq, StoreResult, UserId,
};
use protocol::{
    Code, CreateGroup, Group, GroupEvent, GroupEventKind, GroupMembers, GroupRef, GroupsPage, MembersPage,
    Page, Push,
};

use crate::caller::{ConnKey, Me, Principal};
use crate::fields;
use crate::hub::Audience;
use crate::names;
use crate::notice::Notice;
use crate::page::{Part, Slice};
use crate::presence;
use crate::refuse::Stop;
use crate::roster::{Roster, Silent};
use crate::roster_step::RosterChange;
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

/// The user's role in the group; `None` if they are not in it. Who is not in the roster that is kept may have joined on
/// another node a moment ago, and was answered so: before anybody is refused the store is asked, for one row.
pub(crate) fn role(service: &Service, group: GroupId, user: UserId) -> StoreResult<Option<Role>> {
    let Some(roster) = roster(service, group)? else { return Ok(None) };
    match roster.role(user) {
        Some(role) => Ok(Some(role)),
        None if service.ports.hub.reach() == Reach::Alone => Ok(None),
        None => {
            let joined = service.ports.store.membership(group, user)?;
            if joined.is_some() {
                service.rosters.invalidate(&group);
            }
            Ok(joined.map(|place| place.role))
        }
    }
}

/// Whether the user may say something in the group now, as far as this node has heard: what another node changed a moment ago
/// holds here within a second.
pub(crate) fn may_speak(service: &Service, group: GroupId, user: UserId) -> StoreResult<Result<(), Silent>> {
    if role(service, group, user)?.is_none() {
        return Ok(Err(Silent::Outsider));
    }
    let now = service.ports.clock.now();
    Ok(roster(service, group)?.map_or(Err(Silent::Outsider), |roster| roster.may_speak(user, now)))
}

/// GROUP_PROFILE.
pub(crate) fn profile(
    service: &Service,
    me: Me<'_>,
    request: &GroupRef,
) -> Result<protocol::GroupProfile, Stop> {
    let id = GroupId(request.groupid);
    let not_member = || Stop::refused(Code::NOT_MEMBER);
    let place = membership(service, request.groupid, me.user())?.ok_or_else(not_member)?;
    let group = find(service, request.groupid)?.ok_or_else(not_member)?;
    let profile = service.ports.store.group_profile(id)?.ok_or_else(not_member)?;
    Ok(protocol::GroupProfile {
        group: wire::group(group, place.role),
        announcement: profile.announcement,
        avatar: profile.avatar,
        joining: wire::joining(profile.joining),
        muted_until: profile.muted_until.0,
        own_muted_until: place.muted_until.0,
    })
}

/// CREATE_GROUP.
pub(crate) fn create(service: &Service, me: Me<'_>, request: &CreateGroup) -> Result<protocol::Joined, Stop> {
    let name = names::group_name(&request.groupname)?;
    fields::group_description(&request.groupdesc)?;
    let ports = &service.ports;
    service.limits.changes.take(me.user(), ports.clock.now())?;
    let new =
        NewGroup { owner: me.user(), name: &name, description: &request.groupdesc, at: ports.clock.now() };
    let id = match ports.store.create_group(&new, service.config.groups)? {
        Created::Group(id) => id,
        Created::Full => return Err(Stop::refused(Code::FULL)),
    };
    changed(service, id, me.user());
    let group = domain::Group {
        id,
        name,
        description: request.groupdesc.clone(),
        members: 1,
        state: GroupState::Open,
    };
    tell_own(service, me.principal, me.conn, &group, GroupEventKind::Joined);
    joined(service, me, group, Role::Owner, Seq(0))
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
    if role(service, group, me.user())?.is_none() {
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

pub(crate) fn find(service: &Service, group: u64) -> StoreResult<Option<domain::Group>> {
    match group {
        0..=NUMBER_MAX => service.ports.store.group(GroupId(group)),
        _ => Ok(None),
    }
}

/// The user's place in a group, as it is stored: looked at before anything is written, so that who may ask for anything
/// cannot keep the store's one writer busy with nothing.
pub(crate) fn membership(service: &Service, group: u64, user: UserId) -> StoreResult<Option<Membership>> {
    match group {
        0..=NUMBER_MAX => service.ports.store.membership(GroupId(group), user),
        _ => Ok(None),
    }
}

/// Forgets what was known of a group and one who came or left, or may have: nobody may go on with it, on any node. Not
/// called for who was merely refused: a stranger could make everybody load the roster again, as often as they like.
pub(crate) fn changed(service: &Service, group: GroupId, user: UserId) {
    forget(service, group, user);
    service.ports.hub.tell_nodes(Notice::MembershipChanged { group, user });
}

pub(crate) fn forget(service: &Service, group: GroupId, user: UserId) {
    service.rosters.invalidate(&group);
    service.cursors.readers_changed(user, group.conversation());
}

/// Brings the roster that is kept up to a change, if it is of the version before; if it is older, it is not kept any more.
/// Needs neither store nor presence.
pub(crate) fn step(service: &Service, change: &RosterChange) {
    // Told twice, by ways of which either may be the first: what is here already is not touched, since whoever looks while it is
    // changed finds none.
    if service.rosters.kept(&change.group).is_some_and(|kept| kept.version() >= change.version) {
        return;
    }
    service.rosters.change(&change.group, |before| match before.version() {
        version if version >= change.version => Some(Arc::clone(before)),
        version if version.0 + 1 == change.version.0 => {
            Some(Arc::new(before.changed(&change.steps, change.version)))
        }
        _ => None,
    });
}

/// Another node changed a group in this way.
pub(crate) fn stepped_elsewhere(service: &Service, change: &RosterChange) {
    step(service, change);
    for user in change.steps.iter().filter_map(|step| step.moved()) {
        service.cursors.readers_changed(user, change.group.conversation());
        follow_as_stored(service, change.group, user);
    }
}

/// Another node told that somebody came or left, or may have.
pub(crate) fn changed_elsewhere(service: &Service, group: GroupId, user: UserId) {
    forget(service, group, user);
    follow_as_stored(service, group, user);
}

/// Has the hub listen for a user who is connected here if they are a member, and not if they are none: what a notice says may
/// be old.
fn follow_as_stored(service: &Service, group: GroupId, user: UserId) {
    let hub = &service.ports.hub;
    if hub.here(&[user]).is_empty() {
        return;
    }
    match service.ports.store.membership(group, user) {
        // Who came back meanwhile, as a newer notice told already, may have been given messages by it: to begin anew would give
        // them again.
        Ok(None) if service.rosters.kept(&group).is_some_and(|roster| roster.role(user).is_some()) => {}
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

/// The answer to who opened a group.
fn joined(
    service: &Service,
    me: Me<'_>,
    group: domain::Group,
    role: Role,
    since: Seq,
) -> Result<protocol::Joined, Stop> {
    service.ports.hub.follow_from(me.user(), group.id, since);
    let conv = new_conversation(group.id, since, since);
    Ok(protocol::Joined { group: wire::group(group, role), conv })
}

/// A group's conversation as a new member sees it: they acknowledged nothing that they may read.
pub(crate) fn new_conversation(group: GroupId, since: Seq, last: Seq) -> protocol::Conversation {
    let kind = ConversationKind::Group;
    let id = group.conversation();
    // What was changed there was said before, and cannot be read.
    let (acked, read, restored, last_change) = (Seq(0), Seq(0), Seq(0), ChangePosition(0));
    let conversation = Conversation { id, kind, since, last, acked, read, restored, last_change };
    wire::conversation(conversation, Progress::default())
}

/// Tells the user's other devices that the user came or left. What members should know stands in the conversation.
pub(crate) fn tell_own(
    service: &Service,
    principal: &Principal,
    conn: ConnKey,
    group: &domain::Group,
    event: GroupEventKind,
) {
    let push = Push::GroupEvent(GroupEvent {
        event,
        groupid: group.id.0,
        groupname: group.name.clone(),
        id: principal.user.0,
        name: service.directory.own_face(&*service.ports.store, principal).shown().to_owned(),
        members: group.members,
        notice: 0,
    });
    service.ports.hub.push(Audience::OthersOf(principal.user, conn), &push);
}
