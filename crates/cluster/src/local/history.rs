//! The newest messages of active conversations, in this process.

use std::sync::Arc;

use domain::{
    ChangePosition, ConversationId, HistoryCache, HistoryVersion, RECENT_BYTES_MAX, Recent, Seq,
    StoredMessage,
};
use parking_lot::Mutex;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

/// Locks under which kept conversations are changed. Two conversations may share one.
const LOCKS: usize = 64;

/// Shards of the cache at most: each holds its part of the limit, and nothing larger than that part is kept.
const SHARDS_MAX: u64 = 8;

/// Bytes of a conversation whose texts are short: by it room for entries is made.
const USUAL_WEIGHT: u64 = 16 * 1024;

/// A cache for a node on its own, bounded by bytes; what was asked for longest ago makes room. Asking takes no lock but the
/// shard's, for the time of a lookup.
pub struct LocalHistory {
    kept: Cache<ConversationId, Arc<Kept>, Weigher>,
    locks: Box<[Mutex<()>]>,
}

/// What is known of a conversation.
enum Kept {
    /// Its newest messages.
    Recent(Recent),
    /// What was read before this change is not to be kept.
    ChangedSince(ChangePosition),
}

#[derive(Clone, Copy)]
struct Weigher;

impl LocalHistory {
    /// Keeps so many bytes at most.
    pub fn new(bytes_max: u64) -> LocalHistory {
        let weight = bytes_max.max(1);
        let shards = (weight / (RECENT_BYTES_MAX as u64 * 8)).clamp(1, SHARDS_MAX);
        let options = OptionsBuilder::new()
            .shards(shards as usize)
            .estimated_items_capacity((weight / USUAL_WEIGHT).max(1) as usize)
            .weight_capacity(weight)
            .build();
        #[expect(clippy::expect_used, reason = "both capacities are set, which is all that it asks for")]
        let options = options.expect("cache options");
        let (hash, life) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        LocalHistory {
            kept: Cache::with_options(options, Weigher, hash, life),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
        }
    }

    /// Conversations that are kept.
    pub fn conversations(&self) -> u64 {
        self.kept.len() as u64
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> u64 {
        self.kept.weight()
    }

    fn lock(&self, conversation: ConversationId) -> parking_lot::MutexGuard<'_, ()> {
        self.locks[conversation.0 as usize % LOCKS].lock()
    }
}

impl HistoryCache for LocalHistory {
    fn recent(&self, conversation: ConversationId) -> Option<Recent> {
        match &*self.kept.get(&conversation)? {
            Kept::Recent(recent) => Some(recent.clone()),
            Kept::ChangedSince(_) => None,
        }
    }

    fn keep(&self, conversation: ConversationId, mut recent: Recent) {
        recent.fit();
        let _lock = self.lock(conversation);
        let newer = match self.kept.get(&conversation).as_deref() {
            Some(Kept::Recent(kept)) => kept.version > recent.version,
            Some(Kept::ChangedSince(change)) => *change > recent.version.change,
            None => false,
        };
        if !newer && !recent.messages.is_empty() {
            self.kept.insert(conversation, Arc::new(Kept::Recent(recent)));
        }
    }

    fn said(&self, conversation: ConversationId, seq: Seq, message: &dyn Fn() -> StoredMessage) {
        if self.kept.peek(&conversation).is_none() {
            return;
        }
        let _lock = self.lock(conversation);
        let kept = self.kept.peek(&conversation);
        let Some(Kept::Recent(kept)) = kept.as_deref() else { return };
        if kept.version.last.next() != seq {
            return;
        }
        let mut recent = kept.clone();
        recent.version = HistoryVersion { last: seq, ..recent.version };
        recent.messages.push(Arc::new(message()));
        recent.fit();
        self.kept.insert(conversation, Arc::new(Kept::Recent(recent)));
    }

    fn forget(&self, conversation: ConversationId, change: ChangePosition) {
        let _lock = self.lock(conversation);
        let newer = match self.kept.get(&conversation).as_deref() {
            Some(Kept::Recent(kept)) => kept.version.change >= change,
            Some(Kept::ChangedSince(kept)) => *kept >= change,
            None => false,
        };
        if !newer {
            self.kept.insert(conversation, Arc::new(Kept::ChangedSince(change)));
        }
    }
}

impl Weighter<ConversationId, Arc<Kept>> for Weigher {
    fn weight(&self, _: &ConversationId, kept: &Arc<Kept>) -> u64 {
        match &**kept {
            Kept::Recent(recent) => recent.weight(),
            Kept::ChangedSince(_) => 64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_the_conformance_suite() {
        domain::testing::history_cache::run_all(&|| Arc::new(LocalHistory::new(8 << 20)));
    }

    #[test]
    fn bytes_bound_what_is_kept() {
        let cache = LocalHistory::new(4 << 20);
        for conversation in 1..=1_000 {
            cache.keep(
                ConversationId(conversation),
                domain::testing::history_cache::recent(conversation, 0, 1..=100, 200),
            );
        }
        assert!(cache.bytes() <= 4 << 20, "{}", cache.bytes());
        assert!((20..=140).contains(&cache.conversations()), "{}", cache.conversations());
    }
}
