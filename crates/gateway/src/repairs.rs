//! What the mender has to do.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use service::domain::{ChangePosition, GroupId, RosterVersion, Timestamp, UserId};

use crate::sequencer::Talk;

/// Conversations that wait for the mender. Beyond it they are left to a sweep over everything that was said lately.
const CONVERSATIONS_MAX: usize = 50_000;

/// Conversations whose changes are to be read. Beyond it they are left to the same sweep.
const CHANGES_MAX: usize = 50_000;

/// Pushes for a group whose members must be read first. Beyond it they are dropped: whoever looks sees what they told.
const GROUP_PUSHES_MAX: usize = 1_024;

/// The mender's work list: anybody adds, the mender takes.
pub(crate) struct Repairs {
    inner: Mutex<Inner>,
    work: Condvar,
}

#[derive(Default)]
struct Inner {
    work: Work,
    /// Each until it is done.
    group_pushes: VecDeque<GroupPush>,
    /// Conversations that the mender took and has not finished.
    in_hand: usize,
    stopped: bool,
}

/// Work that came since the last time.
#[derive(Default)]
pub(crate) struct Work {
    /// One entry a conversation.
    pub(crate) conversations: HashMap<Talk, Urgency>,
    /// Changes that the log is to confirm, the newest of each conversation: who lacks others sees it by this one.
    pub(crate) changes: HashMap<Talk, ChangePosition>,
    /// The bus may have lost what was published at or after this moment.
    pub(crate) missed: Option<Timestamp>,
    /// There was more than this list takes: lately something was lost.
    pub(crate) overflowed: bool,
    /// A second went by.
    pub(crate) second: bool,
}

/// How long a conversation may wait for what it lacks to come by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// It will not come by itself.
    Now,
    /// It may be on its way.
    Soon,
}

/// A push for a group's members, whoever they are.
#[derive(Clone, Debug)]
pub(crate) struct GroupPush {
    pub(crate) group: GroupId,
    pub(crate) version: RosterVersion,
    pub(crate) but: UserId,
    pub(crate) frame: Bytes,
}

/// The list is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Repairs {
    pub(crate) fn new() -> Repairs {
        Repairs { inner: Mutex::default(), work: Condvar::new() }
    }

    /// A conversation waits for something. If there is no room a sweep will find it.
    pub(crate) fn conversation(&self, talk: Talk, urgency: Urgency) -> Result<(), Full> {
        self.add(|inner| {
            if inner.work.conversations.len() + inner.in_hand >= CONVERSATIONS_MAX {
                inner.work.overflowed = true;
                return Err(Full);
            }
            let entry = inner.work.conversations.entry(talk).or_insert(urgency);
            *entry = urgency.min(*entry);
            Ok(())
        })
    }

    /// A change is to be read from the log. If there is no room a sweep will find it.
    pub(crate) fn change(&self, talk: Talk, position: ChangePosition) -> Result<(), Full> {
        self.add(|inner| {
            let changes = &mut inner.work.changes;
            if changes.len() >= CHANGES_MAX && !changes.contains_key(&talk) {
                inner.work.overflowed = true;
                return Err(Full);
            }
            let entry = changes.entry(talk).or_insert(position);
            *entry = position.max(*entry);
            Ok(())
        })
    }

    /// A push waits for its group's members to be read, or for one that does.
    pub(crate) fn group_push(&self, push: GroupPush) -> Result<(), Full> {
        self.add(|inner| {
            if inner.group_pushes.len() >= GROUP_PUSHES_MAX {
                return Err(Full);
            }
            inner.group_pushes.push_back(push);
            Ok(())
        })
    }

    /// Whether a push of this group waits: others may not overtake it.
    pub(crate) fn has_push_of(&self, group: GroupId) -> bool {
        self.inner.lock().group_pushes.iter().any(|push| push.group == group)
    }

    /// The push that waits longest. The mender only.
    pub(crate) fn first_group_push(&self) -> Option<GroupPush> {
        self.inner.lock().group_pushes.front().cloned()
    }

    /// That push is done. The mender only.
    pub(crate) fn group_push_done(&self) {
        self.inner.lock().group_pushes.pop_front();
    }

    /// The bus may have lost what was published at or after this moment.
    pub(crate) fn missed(&self, since: Timestamp) {
        self.add(|inner| {
            inner.work.missed = Some(inner.work.missed.map_or(since, |before| before.min(since)));
        });
    }

    /// A second went by.
    pub(crate) fn second(&self) {
        self.add(|inner| inner.work.second = true);
    }

    /// Takes what came; waits for something until `until`, or for ever. `in_hand` is how many conversations the mender
    /// has left from before. `None` once it was stopped. The mender only.
    pub(crate) fn take(&self, until: Option<Instant>, in_hand: usize) -> Option<Work> {
        let mut inner = self.inner.lock();
        inner.in_hand = in_hand;
        while inner.work.is_empty() && inner.group_pushes.is_empty() && !inner.stopped {
            match until {
                None => self.work.wait(&mut inner),
                Some(until) => {
                    if self.work.wait_until(&mut inner, until).timed_out() {
                        break;
                    }
                }
            }
        }
        if inner.stopped {
            return None;
        }
        inner.in_hand += inner.work.conversations.len();
        Some(std::mem::take(&mut inner.work))
    }

    /// Waits until then, whatever comes; whether to go on. The mender only.
    pub(crate) fn pause(&self, until: Instant) -> bool {
        let mut inner = self.inner.lock();
        while !inner.stopped && !self.work.wait_until(&mut inner, until).timed_out() {}
        !inner.stopped
    }

    /// Conversations that wait or are in work.
    pub(crate) fn len(&self) -> usize {
        let inner = self.inner.lock();
        inner.work.conversations.len() + inner.in_hand
    }

    /// Lets the mender go, whatever waits.
    pub(crate) fn stop(&self) {
        self.inner.lock().stopped = true;
        self.work.notify_all();
    }

    fn add<T>(&self, add: impl FnOnce(&mut Inner) -> T) -> T {
        let added = add(&mut self.inner.lock());
        self.work.notify_one();
        added
    }
}

impl Work {
    fn is_empty(&self) -> bool {
        let Work { conversations, changes, missed, overflowed, second } = self;
        conversations.is_empty() && changes.is_empty() && missed.is_none() && !overflowed && !second
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use service::domain::{ConversationId, Parties};

    fn pair(conversation: u64) -> Talk {
        let parties = Parties::Pair(UserId(1), UserId(2));
        Talk { conversation: ConversationId(conversation), parties }
    }

    #[test]
    fn work_is_gathered_by_conversation_and_by_the_earliest_moment() {
        let repairs = Repairs::new();
        let one = pair(1);
        for urgency in [Urgency::Soon, Urgency::Now, Urgency::Soon] {
            assert_eq!(repairs.conversation(one, urgency), Ok(()));
        }
        [7, 5, 9].into_iter().for_each(|since| repairs.missed(Timestamp(since)));
        let work = repairs.take(None, 0).unwrap();
        assert_eq!(work.conversations, HashMap::from([(one, Urgency::Now)]));
        assert_eq!((work.missed, work.overflowed, work.second), (Some(Timestamp(5)), false, false));
        assert_eq!(repairs.len(), 1, "in hand");
        repairs.stop();
        assert!(repairs.take(None, 0).is_none());
    }

    #[test]
    fn group_pushes_wait_in_their_order_until_each_is_done() {
        let repairs = Repairs::new();
        let push = |group, version| GroupPush {
            group: GroupId(group),
            version: RosterVersion(version),
            but: UserId(1),
            frame: Bytes::new(),
        };
        let first = || repairs.first_group_push().map(|push| (push.group.0, push.version.0));
        assert_eq!((first(), repairs.has_push_of(GroupId(7))), (None, false));
        for (group, version) in [(7, 2), (8, 5), (7, 3)] {
            assert_eq!(repairs.group_push(push(group, version)), Ok(()));
        }
        assert!(
            repairs.take(None, 0).is_some() && repairs.take(None, 0).is_some(),
            "there is work until it is done"
        );
        let mut seen = Vec::new();
        while let Some(next) = first() {
            seen.push(next);
            assert!(repairs.has_push_of(GroupId(next.0)));
            repairs.group_push_done();
        }
        assert_eq!((&seen[..], repairs.has_push_of(GroupId(7))), (&[(7, 2), (8, 5), (7, 3)][..], false));
        assert!((0..GROUP_PUSHES_MAX).all(|n| repairs.group_push(push(1, n as u64)).is_ok()));
        assert_eq!(repairs.group_push(push(1, 0)), Err(Full));
    }

    #[test]
    fn beyond_its_limit_it_takes_none_and_asks_for_a_sweep() {
        let repairs = Repairs::new();
        let add = |n| repairs.conversation(pair(n), Urgency::Soon);
        let most = CONVERSATIONS_MAX as u64;
        assert!((0..most / 2).all(|n| add(n).is_ok()));
        let in_hand = repairs.take(None, 0).unwrap().conversations.len();
        assert!((0..most / 2).all(|n| add(n).is_ok()));
        assert_eq!(add(most), Err(Full));
        assert_eq!(repairs.len() as u64, most);
        let work = repairs.take(None, in_hand).unwrap();
        assert!(work.overflowed && work.conversations.len() == in_hand);
    }
}
