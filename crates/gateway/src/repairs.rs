//! What the mender has to do.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use service::domain::{ConversationId, GroupId, Parties, RosterVersion, Timestamp, UserId};

/// Conversations that wait for the mender. Beyond it they are left to a sweep over everything that was said lately.
const CONVERSATIONS_MAX: usize = 10_000;

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
    /// Conversations that the mender took and has not finished.
    in_hand: usize,
    stopped: bool,
}

/// Work that came since the last time.
#[derive(Default)]
pub(crate) struct Work {
    /// One entry a conversation.
    pub(crate) conversations: HashMap<ConversationId, (Parties, Urgency)>,
    pub(crate) group_pushes: Vec<GroupPush>,
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
#[derive(Debug)]
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
    pub(crate) fn conversation(
        &self,
        conversation: ConversationId,
        parties: Parties,
        urgency: Urgency,
    ) -> Result<(), Full> {
        self.add(|inner| {
            if inner.work.conversations.len() + inner.in_hand >= CONVERSATIONS_MAX {
                inner.work.overflowed = true;
                return Err(Full);
            }
            let entry = inner.work.conversations.entry(conversation).or_insert((parties, urgency));
            entry.1 = entry.1.min(urgency);
            Ok(())
        })
    }

    /// A push waits for its group's members to be read.
    pub(crate) fn group_push(&self, push: GroupPush) -> Result<(), Full> {
        self.add(|inner| {
            if inner.work.group_pushes.len() >= GROUP_PUSHES_MAX {
                return Err(Full);
            }
            inner.work.group_pushes.push(push);
            Ok(())
        })
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
        while inner.work.is_empty() && !inner.stopped {
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
        let Work { conversations, group_pushes, missed, overflowed, second } = self;
        conversations.is_empty() && group_pushes.is_empty() && missed.is_none() && !overflowed && !second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Parties = Parties::Pair(UserId(1), UserId(2));

    #[test]
    fn work_is_gathered_by_conversation_and_by_the_earliest_moment() {
        let repairs = Repairs::new();
        let one = ConversationId(1);
        for urgency in [Urgency::Soon, Urgency::Now, Urgency::Soon] {
            assert_eq!(repairs.conversation(one, PAIR, urgency), Ok(()));
        }
        [7, 5, 9].into_iter().for_each(|since| repairs.missed(Timestamp(since)));
        let work = repairs.take(None, 0).unwrap();
        assert_eq!(work.conversations, HashMap::from([(one, (PAIR, Urgency::Now))]));
        assert_eq!((work.missed, work.overflowed, work.second), (Some(Timestamp(5)), false, false));
        assert_eq!(repairs.len(), 1, "in hand");
        repairs.stop();
        assert!(repairs.take(None, 0).is_none());
    }

    #[test]
    fn beyond_its_limit_it_takes_none_and_asks_for_a_sweep() {
        let repairs = Repairs::new();
        let add = |n| repairs.conversation(ConversationId(n), PAIR, Urgency::Soon);
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
