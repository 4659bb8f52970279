//! Has what was said taken into the index of words, a moment later and apart from those who say it.
//!
//! What this node stored is known by conversation; what it did not get to before it ended, or another node did not, is found by
//! looking through all conversations: at the start from one end to the other, and among nodes again and again, slowly.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use domain::{ConversationId, Reach, StoreResult};
use parking_lot::Mutex;

use crate::service::Service;

/// Conversations that wait; beyond it they are found by looking through all.
const WAITING_MAX: usize = 100_000;

/// Messages taken in at once: a transaction that holds nobody up for long.
const MESSAGES_AT_ONCE: u32 = 400;

/// Conversations of one such transaction.
const CONVERSATIONS_AT_ONCE: usize = 256;

/// Conversations looked at in one step of looking through all.
const LOOKED_AT_ONCE: u32 = 1_000;

/// Between two steps once all were looked through, among nodes.
const LOOK_EVERY_MS: u64 = 1_000;

/// What waits to be indexed. Appenders note; one thread works.
pub(crate) struct Indexer {
    waiting: Mutex<BTreeSet<ConversationId>>,
    /// Where looking through all conversations is.
    looked: Mutex<Look>,
    failing: AtomicBool,
    /// How often something was noted, and how often that was when the indexer looked last.
    noted: AtomicU64,
    noted_before: AtomicU64,
    indexed: AtomicU64,
    failures: AtomicU64,
}

#[derive(Clone, Copy, Default)]
struct Look {
    after: ConversationId,
    /// Whether the end was reached since the start, or since something was forgotten.
    through: bool,
    /// When the last step was.
    at: u64,
}

/// What the indexer did and has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexSnapshot {
    /// Messages taken into the index by this node.
    pub indexed: u64,
    /// Times that the store did not take them.
    pub failures: u64,
    /// Conversations in which something waits.
    pub waiting: u64,
}

/// Whether the indexer has more to do than it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backlog {
    /// Nothing that is known, or so little that it is worth waiting for more.
    None,
    /// It should go on.
    More,
    /// The same, but others store messages meanwhile, which go first: it should leave them most of the time.
    MoreWhileBusy,
}

impl Indexer {
    pub(crate) fn new() -> Indexer {
        Indexer {
            waiting: Mutex::new(BTreeSet::new()),
            looked: Mutex::new(Look::default()),
            failing: AtomicBool::new(false),
            noted: AtomicU64::new(0),
            noted_before: AtomicU64::new(0),
            indexed: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// Says that something was said in these conversations.
    pub(crate) fn note(&self, conversations: impl Iterator<Item = ConversationId>) {
        self.noted.fetch_add(1, Relaxed);
        self.wait_for(conversations);
    }

    fn wait_for(&self, conversations: impl Iterator<Item = ConversationId>) {
        let mut waiting = self.waiting.lock();
        let mut last = None;
        for conversation in conversations {
            if last == Some(conversation) {
                continue;
            }
            last = Some(conversation);
            waiting.insert(conversation);
        }
        if waiting.len() > WAITING_MAX {
            while waiting.len() > WAITING_MAX {
                waiting.pop_last();
            }
            drop(waiting);
            *self.looked.lock() = Look::default();
        }
    }

    pub(crate) fn snapshot(&self) -> IndexSnapshot {
        IndexSnapshot {
            indexed: self.indexed.load(Relaxed),
            failures: self.failures.load(Relaxed),
            waiting: self.waiting.lock().len() as u64,
        }
    }

    fn take(&self) -> Vec<ConversationId> {
        let mut waiting = self.waiting.lock();
        let mut taken = Vec::new();
        while taken.len() < CONVERSATIONS_AT_ONCE
            && let Some(conversation) = waiting.pop_first()
        {
            taken.push(conversation);
        }
        taken
    }
}

/// Takes in a portion of what waits. Called by one thread, several times a second.
pub(crate) fn run(service: &Service) -> Backlog {
    let done = look(service).and_then(|()| take_in(service));
    let indexer = &service.indexer;
    match done {
        Ok(backlog) => {
            if indexer.failing.swap(false, Relaxed) {
                log::info!("messages are indexed again");
            }
            backlog
        }
        Err(error) => {
            indexer.failures.fetch_add(1, Relaxed);
            if !indexer.failing.swap(true, Relaxed) {
                log::warn!("messages are not indexed, searches do not find the newest ones: {error}");
            }
            Backlog::None
        }
    }
}

fn take_in(service: &Service) -> StoreResult<Backlog> {
    let indexer = &service.indexer;
    let some = indexer.take();
    if some.is_empty() {
        let through = indexer.looked.lock().through;
        return Ok(if through { Backlog::None } else { Backlog::More });
    }
    // What came while a smaller portion was taken in is for the next time, together with what else will have come by then: each
    // portion costs a commit.
    let mut is_full = some.len() == CONVERSATIONS_AT_ONCE;
    match service.ports.store.index_messages(&some, MESSAGES_AT_ONCE) {
        Ok(indexed) => {
            is_full |= indexed.messages >= MESSAGES_AT_ONCE;
            indexer.indexed.fetch_add(u64::from(indexed.messages), Relaxed);
            indexer.wait_for(indexed.unfinished.into_iter());
        }
        Err(error) => {
            indexer.wait_for(some.into_iter());
            return Err(error);
        }
    }
    let noted = indexer.noted.load(Relaxed);
    let is_busy = indexer.noted_before.swap(noted, Relaxed) != noted;
    let nothing_presses = (!is_full || indexer.waiting.lock().is_empty()) && indexer.looked.lock().through;
    Ok(match (nothing_presses, is_busy) {
        (true, _) => Backlog::None,
        (false, true) => Backlog::MoreWhileBusy,
        (false, false) => Backlog::More,
    })
}

/// One step of looking through all conversations, if one is due.
fn look(service: &Service) -> StoreResult<()> {
    let indexer = &service.indexer;
    let now = service.ports.clock.now().0;
    let look = *indexer.looked.lock();
    if look.through && (service.ports.hub.reach() == Reach::Alone || now.abs_diff(look.at) < LOOK_EVERY_MS)
        || indexer.waiting.lock().len() > WAITING_MAX / 2
    {
        return Ok(());
    }
    let found = service.ports.store.unindexed(look.after, LOOKED_AT_ONCE)?;
    indexer.wait_for(found.conversations.into_iter());
    let mut looked = indexer.looked.lock();
    // Unless it was set back meanwhile.
    if looked.after == look.after {
        let through = look.through || found.next.is_none();
        *looked = Look { after: found.next.unwrap_or_default(), through, at: now };
    }
    Ok(())
}
