//! A request about a group on its way to the appender of its conversation: what all of them have in common.

use std::fmt::Write;

use domain::{Attempt, GroupChange, GroupDeed, GroupId, StoreResult, Timestamp, UserId};
use protocol::{MsgId, Nothing, Reply, SystemEvent, SystemEventKind};

use crate::batch::{Deed, Pending, Stored};
use crate::caller::{Me, Principal};
use crate::group_change::{Answer, PendingChange};
use crate::hub::Origin;
use crate::service::{Handled, Service};

/// What an id of the server's begins with, that no client may choose: so the two never meet.
const SERVERS_OWN: char = '\u{7f}';

/// Who asks something of which group. The group's number is as it was asked.
#[derive(Clone, Copy)]
pub(crate) struct GroupAsk<'a> {
    pub(crate) service: &'a Service,
    pub(crate) me: Me<'a>,
    pub(crate) rid: u32,
    pub(crate) group: GroupId,
}

impl GroupAsk<'_> {
    /// What the conversation is told that the asker did.
    pub(crate) fn event(&self, what: SystemEventKind) -> SystemEvent {
        let face = self.service.directory.own_face(&*self.service.ports.store, self.me.principal);
        SystemEvent::new(what, self.me.user().0, face.shown())
    }

    /// An event that concerns another user, with their name as it is now; without one, if there is no such user: then there is no
    /// such member either.
    pub(crate) fn event_about(&self, what: SystemEventKind, id: u64) -> StoreResult<SystemEvent> {
        let face = self.service.directory.face(&*self.service.ports.store, UserId(id))?;
        let name = face.map_or_else(String::new, |user| user.shown().to_owned());
        Ok(SystemEvent { id, name, ..self.event(what) })
    }

    /// The change that is asked for. It begins now, and nothing is told of it yet.
    pub(crate) fn change(&self, deed: GroupDeed) -> GroupChange {
        change(self.service, self.me.user(), self.group, deed)
    }

    /// Gives a change that was checked to its appender, with what the conversation is told of it.
    pub(crate) fn pass_on(
        &self,
        change: GroupChange,
        event: &SystemEvent,
        request: MsgId,
        answer: Answer,
    ) -> Handled {
        let change = GroupChange { event: event.to_json(), ..change };
        let origin = Some(Origin { conn: self.me.conn, rid: self.rid, request });
        let principal = self.me.principal.clone();
        Handled::Append(pending(PendingChange { change, origin, principal, answer }))
    }
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
    pending(PendingChange { change, origin: None, principal, answer })
}

fn pending(change: PendingChange) -> Pending {
    Pending(Stored::Change(Deed::Group(Box::new(change))))
}

fn change(service: &Service, actor: UserId, group: GroupId, deed: GroupDeed) -> GroupChange {
    let now = service.ports.clock.now();
    let (change_id, event) = (change_id(service, now), String::new());
    GroupChange { group, actor, deed, at: now, change_id, event, attempt: Attempt::First }
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
