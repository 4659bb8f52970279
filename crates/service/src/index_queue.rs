//! Conversations that wait to be indexed, and those that the store does not take.
//!
//! The store takes some at once, all or none of them. Where it takes none, fewer are tried, half as many each time; one that it does
//! not take alone is set aside, so that the others go on, and tried again by itself: after a second, and each time in
//! vain after twice as long. So whoever is set aside because of an outage waits no longer than that lasted, once more.

use std::collections::{BTreeMap, BTreeSet};

use domain::ConversationId;

/// Conversations that wait; beyond it they are found by looking through all.
pub(crate) const WAITING_MAX: usize = 100_000;

/// Conversations that are taken in at once.
const AT_ONCE_MAX: usize = 256;

/// Conversations that are set aside. Beyond it the one whose time comes first waits with the others again.
const ASIDE_MAX: usize = 1_000;

/// How long one is set aside at first, and at last.
const ASIDE_MS: u64 = 1_000;
const ASIDE_MS_MAX: u64 = 10 * 60 * 1_000;

/// The queue, behind its owner's lock.
pub(crate) struct IndexQueue {
    waiting: BTreeSet<ConversationId>,
    /// In none of them anything else is tried.
    aside: BTreeMap<ConversationId, Aside>,
    at_once: usize,
    /// Whether what was taken last was one of those set aside, which take turns with the others.
    retried: bool,
}

/// Why a conversation is set aside.
#[derive(Clone, Copy, Debug)]
struct Aside {
    until: u64,
    failures: u32,
}

/// Some that are to be taken in now.
pub(crate) struct Turn {
    /// None if nothing waits.
    pub(crate) conversations: Vec<ConversationId>,
    /// Whether more may wait than these.
    pub(crate) is_full: bool,
    /// How often the store did not take it, if it is one that was set aside.
    failures: u32,
}

/// Whether everything that waits finds room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Room {
    Enough,
    /// Some were forgotten.
    Exceeded,
}

/// What a failure came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// They are tried again, fewer at once.
    Halved,
    /// This one is set aside, for so long.
    SetAside(ConversationId, u64),
}

impl IndexQueue {
    pub(crate) fn new() -> IndexQueue {
        IndexQueue { waiting: BTreeSet::new(), aside: BTreeMap::new(), at_once: AT_ONCE_MAX, retried: false }
    }

    /// Has these wait, unless they are set aside.
    pub(crate) fn push(&mut self, conversations: impl Iterator<Item = ConversationId>) -> Room {
        let mut last = None;
        for conversation in conversations {
            if last != Some(conversation) && !self.aside.contains_key(&conversation) {
                self.waiting.insert(conversation);
            }
            last = Some(conversation);
        }
        if self.waiting.len() <= WAITING_MAX {
            return Room::Enough;
        }
        while self.waiting.len() > WAITING_MAX {
            self.waiting.pop_last();
        }
        Room::Exceeded
    }

    /// Takes out what is to be taken in next. One that was set aside is by itself, and others come between two of them.
    pub(crate) fn take(&mut self, now: u64) -> Turn {
        let due = self.aside.iter().find(|(_, aside)| aside.until <= now).map(|(id, aside)| (*id, *aside));
        let is_its_turn = !self.retried || self.waiting.is_empty();
        self.retried = false;
        if let Some((conversation, aside)) = due.filter(|_| is_its_turn) {
            self.retried = true;
            self.aside.remove(&conversation);
            let (conversations, is_full) = (vec![conversation], !self.waiting.is_empty());
            return Turn { conversations, is_full, failures: aside.failures };
        }
        let mut conversations = Vec::new();
        while conversations.len() < self.at_once
            && let Some(conversation) = self.waiting.pop_first()
        {
            conversations.push(conversation);
        }
        Turn { is_full: conversations.len() == self.at_once, conversations, failures: 0 }
    }

    /// The store took them.
    pub(crate) fn done(&mut self, turn: &Turn) {
        // One alone that was set aside says nothing of the others.
        if turn.failures == 0 {
            self.at_once = (self.at_once * 2).min(AT_ONCE_MAX);
        }
    }

    /// The store took none of them.
    pub(crate) fn failed(&mut self, turn: Turn, now: u64) -> (Failed, Room) {
        if let &[conversation] = turn.conversations.as_slice() {
            return self.set_aside(conversation, turn.failures, now);
        }
        self.at_once = (turn.conversations.len() / 2).max(1);
        (Failed::Halved, self.push(turn.conversations.into_iter()))
    }

    fn set_aside(&mut self, conversation: ConversationId, failures: u32, now: u64) -> (Failed, Room) {
        let wait = ASIDE_MS.saturating_mul(1 << failures.min(16)).min(ASIDE_MS_MAX);
        self.waiting.remove(&conversation);
        self.aside.insert(conversation, Aside { until: now.saturating_add(wait), failures: failures + 1 });
        let first = self.aside.iter().min_by_key(|(_, aside)| aside.until).map(|(id, _)| *id);
        let room = match first.filter(|_| self.aside.len() > ASIDE_MAX) {
            Some(first) => {
                self.aside.remove(&first);
                self.push(std::iter::once(first))
            }
            None => Room::Enough,
        };
        (Failed::SetAside(conversation, wait), room)
    }

    /// Conversations that wait, set aside or not.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len() + self.aside.len()
    }

    /// Whether something could be taken in now.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Conversations that are set aside.
    pub(crate) fn aside(&self) -> usize {
        self.aside.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(conversations: u64) -> IndexQueue {
        let mut queue = IndexQueue::new();
        assert_eq!(queue.push((1..=conversations).map(ConversationId)), Room::Enough);
        queue
    }

    /// A turn with a store that takes what has none of these; what it was, and whether it was taken.
    fn turn(queue: &mut IndexQueue, refused: &[u64], now: u64) -> (Vec<u64>, bool) {
        let turn = queue.take(now);
        let ids: Vec<u64> = turn.conversations.iter().map(|id| id.0).collect();
        let is_taken = !ids.iter().any(|id| refused.contains(id));
        if is_taken {
            queue.done(&turn);
        } else {
            assert_eq!(queue.failed(turn, now).1, Room::Enough);
        }
        (ids, is_taken)
    }

    #[test]
    fn what_is_not_taken_is_found_by_halves_and_the_others_go_on() {
        let (mut queue, refused) = (queue(1_000), [5, 300, 301, 999]);
        let (mut taken, mut turns) = (BTreeSet::new(), 0);
        while !queue.is_empty() {
            let (ids, is_taken) = turn(&mut queue, &refused, 0);
            turns += 1;
            assert!(turns < 150, "{turns} turns");
            if is_taken {
                taken.extend(ids);
            }
        }
        assert!((1..=1_000).filter(|id| !refused.contains(id)).eq(taken), "each of the others");
        assert_eq!((queue.aside(), queue.waiting()), (4, 4));
    }

    #[test]
    fn what_is_set_aside_is_tried_again_by_itself_and_later_each_time() {
        let mut queue = queue(1);
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..12 {
            assert_eq!(turn(&mut queue, &[1], now), (vec![1], false));
            assert_eq!(queue.push([ConversationId(1)].into_iter()), Room::Enough);
            assert!(queue.is_empty(), "what else is said there does not help");
            let until = queue.aside[&ConversationId(1)].until;
            assert!(queue.take(until - 1).conversations.is_empty());
            waits.push(until - now);
            now = until;
        }
        assert!(waits.is_sorted() && waits[..4] == [1_000, 2_000, 4_000, 8_000], "{waits:?}");
        assert_eq!(waits.last(), Some(&ASIDE_MS_MAX));
        assert_eq!(turn(&mut queue, &[], now), (vec![1], true));
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn what_is_set_aside_takes_turns_with_the_others() {
        let mut queue = queue(2);
        queue.at_once = 1;
        for id in [1, 2] {
            assert_eq!(turn(&mut queue, &[1, 2], 0), (vec![id], false));
        }
        assert_eq!(queue.push((3..=8).map(ConversationId)), Room::Enough);
        let order: Vec<Vec<u64>> = (0..4).map(|_| turn(&mut queue, &[1, 2], ASIDE_MS).0).collect();
        assert_eq!(order, [vec![1], vec![3], vec![2], vec![4, 5]]);
    }

    #[test]
    fn there_is_room_for_so_many() {
        let mut queue = IndexQueue::new();
        queue.at_once = 1;
        let all = ASIDE_MAX as u64 + 10;
        assert_eq!(queue.push((1..=all).map(ConversationId)), Room::Enough);
        for _ in 0..all {
            turn(&mut queue, &(1..=all).collect::<Vec<_>>(), 0);
        }
        assert_eq!((queue.aside(), queue.waiting()), (ASIDE_MAX, all as usize));
        let many = (1..=WAITING_MAX as u64 + 5).map(|id| ConversationId(id + 10_000));
        assert_eq!(queue.push(many), Room::Exceeded);
        assert_eq!(queue.waiting.len(), WAITING_MAX);
    }
}
