//! DELETE_ACCOUNT, and what follows from it.
//!
//! The request marks the account: from then on there is nobody to log in, to find or to ask. Friends and groups are worked off
//! by the upkeep of every node, a few at each tick, until none is left: so it makes no difference whether the node that was
//! asked lives on, and a user with many groups holds nobody up. Several nodes at once do no harm: a friendship ends once, and
//! a change of a group that is made already is refused.
//!
//! Groups are changed as if the user had asked for it, through the appenders of their conversations, so that whoever reads
//! gets everything in the order of the log. Nobody waits for an answer; what is refused, or has no room, is looked at again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{
    AccountDeletion, DELETED_USER, Departure, GroupDeed, GroupId, GroupState, OwnedGroups, PersonalNotice,
    Role, SessionId, Shows, StoreResult, UserId,
};
use protocol::{
    Code, DeleteAccount, FriendEvent, FriendEventKind, Nothing, Push, Reply, SystemEvent, SystemEventKind,
};

use crate::accounts;
use crate::batch::Pending;
use crate::caller::{Me, Principal};
use crate::friends;
use crate::group_ask;
use crate::hub::Audience;
use crate::notice::Notice;
use crate::personal_notices;
use crate::profiles;
use crate::refuse::Stop;
use crate::service::{Handled, Service};
use crate::sessions;

/// Deleted accounts that one tick works at.
const DEPARTURES_AT_ONCE: u32 = 8;

/// Friendships that one tick ends of each: one transaction, which locks so many users.
const FRIENDS_AT_ONCE: u32 = 100;

/// Groups that one tick has each of them leave: at most two changes a group wait with the appenders.
const GROUPS_AT_ONCE: usize = 16;

/// What this node did about deleted accounts since its start.
#[derive(Debug, Default)]
pub(crate) struct Deletions {
    deleted: AtomicU64,
    finished: AtomicU64,
    waiting: AtomicU64,
}

/// What a node did about deleted accounts since its start, read at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletionSnapshot {
    /// Accounts that were deleted.
    pub deleted: u64,
    /// Departures of which it found the end; several nodes may find that of one.
    pub finished: u64,
    /// Departures that the last tick found; no more than one tick works at.
    pub waiting: u64,
}

impl Deletions {
    /// What was counted. Any thread.
    pub(crate) fn snapshot(&self) -> DeletionSnapshot {
        DeletionSnapshot {
            deleted: self.deleted.load(Ordering::Relaxed),
            finished: self.finished.load(Ordering::Relaxed),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }
}

/// DELETE_ACCOUNT.
pub(crate) fn delete(service: &Service, me: Me<'_>, request: &DeleteAccount) -> Result<Handled, Stop> {
    let known = accounts::prove(service, me, &request.password)?;
    let user = me.user();
    let deletion = AccountDeletion {
        user,
        password_hash: &known.password_hash,
        owned: match request.owned {
            protocol::OwnedGroups::HandOver => OwnedGroups::HandOver,
            protocol::OwnedGroups::Dissolve => OwnedGroups::Dissolve,
        },
        at: service.ports.clock.now(),
    };
    let deleted = service.ports.store.delete_account(&deletion);
    // Whatever came of it: nobody may go on with what was true before.
    profiles::forget(service, user);
    // Friends hear of it as the friendships end.
    service.ports.hub.tell_nodes(Notice::ProfileChanged { user, shows: Shows::TheSame });
    let Some(mut ended) = deleted? else {
        // Another device changed the password meanwhile, or was faster.
        return Err(Stop::refused(Code::BAD_CREDENTIALS));
    };
    service.deletions.deleted.fetch_add(1, Ordering::Relaxed);
    log::info!("user {user} deleted the account from session {}", me.principal.session);
    ended.retain(|session| *session != me.principal.session);
    sessions::close_all(service, user, ended, "the account was deleted");
    sessions::ended_here(service, me, "the account was deleted");
    Ok(Handled::SignedOut(Reply::DeleteAccount(Nothing {})))
}

/// Works at deleted accounts; changes of groups that the appenders are to make.
pub(crate) fn work_off(service: &Service) -> StoreResult<Vec<Pending>> {
    let mut changes = Vec::new();
    let departures = service.ports.store.departures(DEPARTURES_AT_ONCE)?;
    service.deletions.waiting.store(departures.len() as u64, Ordering::Relaxed);
    for departure in departures {
        let told = part_from_friends(service, departure.user)?;
        let groups = service.ports.store.group_ids(departure.user)?;
        for group in groups.iter().take(GROUPS_AT_ONCE) {
            leave(service, departure, *group, &mut changes)?;
        }
        if told == 0 && groups.is_empty() && service.ports.store.finish_departure(departure.user)? {
            service.deletions.finished.fetch_add(1, Ordering::Relaxed);
            log::info!("nothing is left of the account of user {}", departure.user);
        }
    }
    Ok(changes)
}

/// Ends friendships; how many.
fn part_from_friends(service: &Service, user: UserId) -> StoreResult<usize> {
    let ports = &service.ports;
    // What another node knew of the name is of no use.
    profiles::forget(service, user);
    let told = ports.store.part_from_friends(user, ports.clock.now(), FRIENDS_AT_ONCE)?;
    for notice in &told {
        tell_friend(service, user, notice);
    }
    Ok(told.len())
}

fn tell_friend(service: &Service, user: UserId, notice: &PersonalNotice) {
    let friend = notice.user;
    friends::changed(service, user, friend);
    service.ports.hub.tell_nodes(Notice::FriendshipChanged { one: user, other: friend });
    let event = FriendEvent {
        event: FriendEventKind::Deleted,
        id: user.0,
        name: DELETED_USER.to_owned(),
        by: user.0,
        greeting: String::new(),
        friend: None,
        notice: notice.seq.0,
    };
    service.ports.hub.push(Audience::Users(&[friend]), &Push::FriendEvent(event));
    personal_notices::push(service, notice, DELETED_USER, "");
}

/// The changes by which the user leaves a group. Each is decided by what is true when it is made: should the owner's place
/// change meanwhile, the next tick looks again.
fn leave(
    service: &Service,
    departure: Departure,
    group: GroupId,
    changes: &mut Vec<Pending>,
) -> StoreResult<()> {
    let store = &service.ports.store;
    let user = departure.user;
    let Some(place) = store.membership(group, user)? else { return Ok(()) };
    let Some(found) = store.group(group)? else { return Ok(()) };
    let is_left_behind = place.role == Role::Owner && found.state == GroupState::Open && found.members > 1;
    let mut change = |deed, event| {
        // No session: nobody speaks for the user any more.
        let principal = Principal { user, name: Arc::from(DELETED_USER), session: SessionId(0) };
        changes.push(group_ask::unasked(service, principal, group, deed, &event));
    };
    let event = |what| SystemEvent::new(what, user.0, DELETED_USER);
    if is_left_behind {
        let successor = match departure.owned {
            OwnedGroups::HandOver => store.successor(group)?,
            OwnedGroups::Dissolve => None,
        };
        match successor {
            Some(heir) => {
                let face = service.directory.face(&**store, heir)?;
                let name = face.map_or_else(String::new, |face| face.shown().to_owned());
                let event = SystemEvent { id: heir.0, name, ..event(SystemEventKind::HandedOver) };
                change(GroupDeed::HandOver(heir), event);
            }
            None => change(GroupDeed::Dissolve, event(SystemEventKind::Dissolved)),
        }
    }
    change(GroupDeed::Leave, event(SystemEventKind::Left));
    Ok(())
}
