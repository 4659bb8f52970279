//! Has what was said taken into the index of words, a moment later and apart from those who say it.
//!
//! What this node stored is known by conversation; what it did not get to before it ended, or another node did not, is found by
//! looking through all conversations: at the start from one end to the other, and among nodes again and again, slowly.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use domain::{ConversationId, Reach, StoreResult};
use parking_lot::Mutex;

use crate::index_queue::{Failed, IndexQueue, Room, WAITING_MAX};
use crate::service::Service;

/// Messages taken in at once: a transaction that holds nobody up for long.
const MESSAGES_AT_ONCE: u32 = 400;

/// Conversations looked at in one step of looking through all.
const LOOKED_AT_ONCE: u32 = 1_000;

/// Between two steps once all were looked through, among nodes.
const LOOK_EVERY_MS: u64 = 1_000;

/// What waits to be indexed. Appenders note; one thread works.
pub(crate) struct Indexer {
    queue: Mutex<IndexQueue>,
    /// Where looking through all conversations is.
    looked: Mutex<Look>,
    failing: AtomicBool,
    /// Whether it was said that conversations are set aside.
    sets_aside: AtomicBool,
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
    /// Those of them that the store did not take, each by itself: they are tried again later.
    pub set_aside: u64,
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
            queue: Mutex::new(IndexQueue::new()),
            looked: Mutex::new(Look::default()),
            failing: AtomicBool::new(false),
            sets_aside: AtomicBool::new(false),
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
        let room = self.queue.lock().push(conversations);
        self.look_again_after(room);
    }

    /// Has all conversations looked through if some were forgotten.
    fn look_again_after(&self, room: Room) {
        if room == Room::Exceeded {
            *self.looked.lock() = Look::default();
        }
    }

    pub(crate) fn snapshot(&self) -> IndexSnapshot {
        let queue = self.queue.lock();
        IndexSnapshot {
            indexed: self.indexed.load(Relaxed),
            failures: self.failures.load(Relaxed),
            waiting: queue.waiting() as u64,
            set_aside: queue.aside() as u64,
        }
    }
}

/// Takes in a portion of what waits. Called by one thread, several times a second.
pub(crate) fn run(service: &Service) -> Backlog {
    let done = look(service).and_then(|()| take_in(service));
    let indexer = &service.indexer;
    match done {
        Ok(backlog) => {
            // Said once, and not each time that one which is set aside is tried in between.
            if indexer.failing.load(Relaxed) && indexer.queue.lock().aside() == 0 {
                indexer.failing.store(false, Relaxed);
                indexer.sets_aside.store(false, Relaxed);
                log::info!("messages are indexed again");
            }
            backlog
        }
        Err(error) => {
            indexer.failures.fetch_add(1, Relaxed);
            if !indexer.failing.swap(true, Relaxed) {
                log::warn!("some messages are not indexed, searches do not find them: {error}");
            }
            Backlog::None
        }
    }
}

fn take_in(service: &Service) -> StoreResult<Backlog> {
    let indexer = &service.indexer;
    let now = service.ports.clock.now().0;
    let turn = indexer.queue.lock().take(now);
    if turn.conversations.is_empty() {
        let through = indexer.looked.lock().through;
        return Ok(if through { Backlog::None } else { Backlog::More });
    }
    // What came while a smaller portion was taken in is for the next time, together with what else will have come by then: each
    // portion costs a commit.
    let mut is_full = turn.is_full;
    match service.ports.store.index_messages(&turn.conversations, MESSAGES_AT_ONCE) {
        Ok(indexed) => {
            is_full |= !indexed.unfinished.is_empty();
            indexer.indexed.fetch_add(u64::from(indexed.messages), Relaxed);
            indexer.queue.lock().done(&turn);
            indexer.wait_for(indexed.unfinished.into_iter());
        }
        Err(error) => {
            let (failed, room) = indexer.queue.lock().failed(turn, now);
            indexer.look_again_after(room);
            if let Failed::SetAside(conversation, wait_ms) = failed
                && !indexer.sets_aside.swap(true, Relaxed)
            {
                log::warn!(
                    "conversation {conversation} is not indexed for {wait_ms} ms, others may follow: {error}"
                );
            }
            return Err(error);
        }
    }
    let noted = indexer.noted.load(Relaxed);
    let is_busy = indexer.noted_before.swap(noted, Relaxed) != noted;
    let nothing_presses = (!is_full || indexer.queue.lock().is_empty()) && indexer.looked.lock().through;
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
        || indexer.queue.lock().waiting() > WAITING_MAX / 2
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
