//! ACK, READ and CONVERSATIONS: how far each user got, and what there is.

use domain::{
    Conversation, ConversationFilter, ConversationId, ConversationKind, Cursor, NUMBER_MAX, Progress, Seq,
    Store, StoreResult, UserId,
};
use protocol::{Ack, Code, ConversationsPage, Nothing, Page, Read};
use quick_cache::sync::Cache;

use crate::cache_numbers::{CacheSnapshot, Lookups};
use crate::caller::Me;
use crate::page::{Part, Slice};
use crate::receipts;
use crate::refuse::Stop;
use crate::service::Service;
use crate::versioned_cache::VersionedCache;
use crate::wire;
use crate::write_behind::WriteBehind;

/// Cursors stored in one transaction.
const ADVANCE_AT_ONCE: usize = 1_000;

/// How far users got, written behind. A crash loses the last second of it: the client says it again, or receives
/// again what it has and drops it by seq. Any thread.
pub(crate) struct Cursors {
    waiting: WriteBehind<(UserId, ConversationId), Progress>,
    /// Who may read which conversation, and which it is, of those who acknowledged something there.
    readers: VersionedCache<(UserId, ConversationId), ConversationKind>,
    /// How far conversations reach at least, as this node last stored or read them. Conversations only grow: what stands
    /// here stays true.
    ends: Cache<ConversationId, Seq>,
    end_lookups: Lookups,
}

/// What waits of one user, taken before the store is read: what is stored in between is then seen twice, and never
/// missed.
pub(crate) struct Waiting(Vec<((UserId, ConversationId), Progress)>);

impl Cursors {
    pub(crate) fn new(waiting_max: usize, readers_max: usize) -> Cursors {
        Cursors {
            waiting: WriteBehind::new("acknowledgements", waiting_max),
            readers: VersionedCache::of_values(readers_max),
            ends: Cache::new(readers_max),
            end_lookups: Lookups::default(),
        }
    }

    /// Stores what waits.
    pub(crate) fn flush(&self, store: &dyn Store) -> StoreResult<()> {
        self.waiting.flush(|cursors| advance(store, cursors))
    }

    /// What waits of this user.
    pub(crate) fn waiting(&self, user: UserId) -> Waiting {
        let all = (user, ConversationId(0))..=(user, ConversationId(u64::MAX));
        Waiting(self.waiting.waiting_in(all))
    }

    /// What waits of this user in one conversation.
    pub(crate) fn waiting_at(&self, user: UserId, conversation: ConversationId) -> Progress {
        self.waiting.waiting((user, conversation)).unwrap_or_default()
    }

    /// Says that the user came into or out of a conversation. What they acknowledged there a moment ago is of no use any
    /// more: whoever comes back reads what comes after.
    pub(crate) fn readers_changed(&self, user: UserId, conversation: ConversationId) {
        self.readers.invalidate(&(user, conversation));
        self.waiting.forget((user, conversation));
    }

    /// Says that a conversation reaches to this seq, at least.
    pub(crate) fn reaches(&self, conversation: ConversationId, seq: Seq) {
        if seq > self.known_end(conversation) {
            // Whoever comes between with a greater one is overwritten: that costs a look at the store.
            self.ends.insert(conversation, seq);
        }
    }

    /// Readers may have changed unknown to this node: whoever acknowledges is looked up again.
    pub(crate) fn forget_readers(&self) {
        self.readers.invalidate_all();
    }

    /// What is kept of who may read what.
    pub(crate) fn readers_snapshot(&self) -> CacheSnapshot {
        self.readers.snapshot("readers")
    }

    /// What is kept of how far conversations reach.
    pub(crate) fn ends_snapshot(&self) -> CacheSnapshot {
        let ends = &self.ends;
        self.end_lookups.snapshot("ends", ends.len(), ends.weight(), ends.capacity())
    }

    fn known_end(&self, conversation: ConversationId) -> Seq {
        self.end_lookups.count(self.ends.get(&conversation)).unwrap_or_default()
    }
}

impl Waiting {
    /// How far the user got in a conversation that was read from the store.
    pub(crate) fn progress(&self, user: UserId, conversation: &Conversation) -> Progress {
        let waiting = self.0.binary_search_by_key(&(user, conversation.id), |(key, _)| *key);
        let waiting = waiting.map_or(Progress::default(), |found| self.0[found].1);
        let stored = Progress { delivered: conversation.acked, read: conversation.read };
        stored.and(waiting.within(conversation.last))
    }
}

/// ACK.
pub(crate) fn acknowledge(service: &Service, me: Me<'_>, ack: &Ack) -> Result<Nothing, Stop> {
    move_forward(service, me, ConversationId(ack.conv), Progress::delivered(Seq(ack.seq)))
}

/// READ.
pub(crate) fn read(service: &Service, me: Me<'_>, read: &Read) -> Result<Nothing, Stop> {
    move_forward(service, me, ConversationId(read.conv), Progress::read(Seq(read.seq)))
}

fn move_forward(
    service: &Service,
    me: Me<'_>,
    conversation: ConversationId,
    progress: Progress,
) -> Result<Nothing, Stop> {
    let user = me.user();
    if conversation.0 > NUMBER_MAX {
        return Err(Stop::refused(Code::NOT_FOUND));
    }
    let not_found = || Stop::refused(Code::NOT_FOUND);
    let store = &*service.ports.store;
    let cursors = &service.cursors;
    let seen = || -> StoreResult<Option<ConversationKind>> {
        let Some(found) = store.conversation(user, conversation)? else { return Ok(None) };
        cursors.reaches(conversation, found.last);
        Ok(Some(found.kind))
    };
    let kind = cursors
        .readers
        .get_or_load(&(user, conversation), seen)
        .map_err(|error: domain::StoreError| Stop::from(error))?
        .ok_or_else(not_found)?;
    let mut progress = progress;
    if progress.delivered > cursors.known_end(conversation) {
        // Not left to the store that clamps it when it is written: by then the conversation may have grown, and what
        // nobody has received would be acknowledged.
        let found = store.conversation(user, conversation)?.ok_or_else(not_found)?;
        cursors.reaches(conversation, found.last);
        progress = progress.within(found.last);
    }
    if progress.delivered > Seq(0) {
        cursors.waiting.note((user, conversation), progress, |waiting| advance(store, waiting))?;
        receipts::note(service, me, conversation, kind, progress);
    }
    Ok(Nothing {})
}

/// CONVERSATIONS.
pub(crate) fn conversations(service: &Service, me: Me<'_>, page: &Page) -> Result<ConversationsPage, Stop> {
    let slice = Slice::asked(page.after, page.limit, service.config.page_max);
    let part = list(service, me.user(), ConversationFilter::WithMessages, slice)?;
    Ok(ConversationsPage { convs: part.entries, next: part.next })
}

/// A slice of the user's conversations, with what waits to be stored of their cursors.
pub(crate) fn list(
    service: &Service,
    user: UserId,
    filter: ConversationFilter,
    slice: Slice,
) -> StoreResult<Part<protocol::Conversation>> {
    let waiting = service.cursors.waiting(user);
    let part = slice.read(
        |conversation: &Conversation| conversation.id.0,
        |after, limit| service.ports.store.conversations(user, filter, ConversationId(after), limit),
    )?;
    let entries = part.entries.into_iter().map(|conversation| {
        let progress = waiting.progress(user, &conversation);
        wire::conversation(conversation, progress)
    });
    let entries = match filter {
        ConversationFilter::WithMessages => entries.collect(),
        // Read on another device a moment ago: no news any more.
        ConversationFilter::WithNews => entries.filter(|entry| entry.acked < entry.last).collect(),
    };
    Ok(Part { entries, next: part.next })
}

fn advance(store: &dyn Store, waiting: &[((UserId, ConversationId), Progress)]) -> StoreResult<()> {
    for waiting in waiting.chunks(ADVANCE_AT_ONCE) {
        let cursors: Vec<Cursor> = waiting
            .iter()
            .map(|((user, conversation), progress)| Cursor {
                user: *user,
                conversation: *conversation,
                progress: *progress,
            })
            .collect();
        store.advance_cursors(&cursors)?;
    }
    Ok(())
}
