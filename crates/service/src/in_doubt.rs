//! Who is to look again because nobody knows what became of a change.
//!
//! When the connection to the database is lost during a commit, the change may be there and may be not, and those whom it
//! concerns were told nothing. Trying again does not say it: what is found as it was asked for may be of the first try or of
//! somebody else, and a notice that was stored with it is not made twice. So the rule is one for all changes but messages, which
//! have ids: once the store is well again, all devices of all whom it may concern are told to ask how everything stands (RESYNC).
//! Where the node itself dies in between, the other nodes tell everybody, as they do after whatever they may have missed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use domain::{GroupId, StoreError, Timestamp, UserId};
use parking_lot::Mutex;
use protocol::{Push, Request, Resync};

use crate::friends;
use crate::group_requests::DECIDERS_TOLD_MAX;
use crate::groups;
use crate::hub::Audience;
use crate::notice::Notice;
use crate::refuse::Stop;
use crate::service::Service;

/// Users and groups that wait. Whom there is no room for is not told, but counted: they find it at their next sign-in.
const WAITING_MAX: usize = 16_384;

/// After so long a commit whose connection is gone is over, one way or the other, in milliseconds.
const SETTLED_AFTER_MS: u64 = 2_000;

/// Within which devices are to ask, in milliseconds. Those whom one change concerns are few.
const WITHIN_MS: u32 = 500;

/// Who waits to be told, since when. Any thread notes, the one that ticks tells.
#[derive(Debug, Default)]
pub(crate) struct InDoubt {
    waiting: Mutex<HashMap<Concerned, Timestamp>>,
    told: AtomicU64,
    forgotten: AtomicU64,
}

/// Whom a change of which nothing is known may concern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Concerned {
    /// All devices of a user.
    User(UserId),
    /// Those who decide who comes into a group.
    Deciders(GroupId),
}

/// What became of doubts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DoubtSnapshot {
    /// Users who were told to look again.
    pub told: u64,
    /// Users and groups for whom there was no room.
    pub forgotten: u64,
    /// Users and groups that wait.
    pub waiting: u64,
}

impl InDoubt {
    /// Notes whom it may concern, from now on.
    pub(crate) fn note(&self, now: Timestamp, concerned: impl IntoIterator<Item = Concerned>) {
        let mut waiting = self.waiting.lock();
        for one in concerned {
            if waiting.len() < WAITING_MAX || waiting.contains_key(&one) {
                waiting.insert(one, now);
            } else {
                self.forgotten.fetch_add(1, Relaxed);
            }
        }
    }

    pub(crate) fn snapshot(&self) -> DoubtSnapshot {
        DoubtSnapshot {
            told: self.told.load(Relaxed),
            forgotten: self.forgotten.load(Relaxed),
            waiting: self.waiting.lock().len() as u64,
        }
    }

    /// Those whose doubt is old enough to be settled.
    fn take_settled(&self, now: Timestamp) -> Vec<Concerned> {
        let mut settled = Vec::new();
        self.waiting.lock().retain(|one, since| {
            let waits = now.0.abs_diff(since.0) < SETTLED_AFTER_MS;
            if !waits {
                settled.push(*one);
            }
            waits
        });
        settled
    }
}

/// The user whom a request changes something with, besides the one who asks. What is asked of groups is noted where their
/// changes are made.
pub(crate) fn other(request: &Request) -> Option<UserId> {
    match request {
        Request::AddFriend(r) => Some(UserId(r.friendid)),
        Request::AcceptFriend(r)
        | Request::RefuseFriend(r)
        | Request::WithdrawFriend(r)
        | Request::DeleteFriend(r) => Some(UserId(r.friendid)),
        Request::Block(r) | Request::Unblock(r) => Some(UserId(r.userid)),
        _ => None,
    }
}

/// Looks at why a request of this user's failed: if its outcome is unknown, nobody may go on with what was true before, and all
/// whom it concerns are to look.
pub(crate) fn judge(service: &Service, user: UserId, other: Option<UserId>, stop: &Stop) {
    if !matches!(stop, Stop::Store(StoreError::OutcomeUnknown { .. })) {
        return;
    }
    if let Some(other) = other {
        friends::changed(service, user, other);
        service.ports.hub.tell_nodes(Notice::FriendshipChanged { one: user, other });
    }
    let both = [Some(user), other].into_iter().flatten().map(Concerned::User);
    service.in_doubt.note(service.ports.clock.now(), both);
}

/// Tells those whose doubt must be settled by now, if the store is well.
pub(crate) fn tell(service: &Service) {
    if !service.takes_changes() {
        return;
    }
    let doubts = &service.in_doubt;
    let now = service.ports.clock.now();
    let mut users = Vec::new();
    for one in doubts.take_settled(now) {
        match one {
            Concerned::User(user) => users.push(user),
            Concerned::Deciders(group) => match groups::roster(service, group) {
                Ok(roster) => users.extend(roster.iter().flat_map(|r| r.leaders().take(DECIDERS_TOLD_MAX))),
                Err(error) => {
                    service.trouble.note(now, &error);
                    doubts.note(now, [one]);
                }
            },
        }
    }
    users.sort_unstable();
    users.dedup();
    if !users.is_empty() {
        doubts.told.fetch_add(users.len() as u64, Relaxed);
        let push = Push::Resync(Resync { within_ms: WITHIN_MS });
        service.ports.hub.push(Audience::Users(&users), &push);
    }
}
