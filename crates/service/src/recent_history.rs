//! Pages of the newest messages, from the cache.
//!
//! The log is asked for the conversation's row whoever asks for a page: it says whether the asker may read there, and which
//! version the messages are of. By that the cache's word is judged, so nothing that it holds can be wrong, whatever other
//! nodes do and whatever became of a Redis. What it saves is the reading of the messages themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use domain::{
    AppendRefused, Appended, Conversation, HistoryVersion, NewMessage, Novelty, PageSize, RECENT_BYTES_MAX,
    RECENT_MESSAGES_MAX, Recent, Seq, StoreResult, StoredMessage, Timestamp, Window,
};
use parking_lot::Mutex;

use crate::service::Service;

/// Locks under which conversations are read into the cache. Two conversations may share one: then one waits for the other's
/// page, once.
const LOADERS: usize = 64;

/// What is read into the cache.
const RECENT: PageSize = PageSize { messages: RECENT_MESSAGES_MAX, bytes: RECENT_BYTES_MAX };

/// One loader for each conversation on this node, and what is counted.
pub(crate) struct RecentHistory {
    loaders: Box<[Mutex<()>]>,
    from_cache: AtomicU64,
    loaded: AtomicU64,
    caught_up: AtomicU64,
    from_log: AtomicU64,
}

/// Where pages of history came from, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistorySnapshot {
    /// From the cache alone.
    pub from_cache: u64,
    /// From the log, because they are older than what is kept.
    pub from_log: u64,
    /// Conversations whose newest messages were read into the cache.
    pub loaded: u64,
    /// The same, only those that were said since they were kept.
    pub caught_up: u64,
}

impl HistorySnapshot {
    /// Name, meaning and value of each.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        [
            (
                "pages_from_cache",
                "Pages of HISTORY that came from the cache of recent messages.",
                self.from_cache,
            ),
            (
                "pages_from_log",
                "Pages of HISTORY that are older than what is kept, read from the log.",
                self.from_log,
            ),
            ("loads", "Times that a conversation's newest messages were read into the cache.", self.loaded),
            ("catch_ups", "The same, only those that were said since they were kept.", self.caught_up),
        ]
        .into_iter()
    }
}

impl Default for RecentHistory {
    fn default() -> RecentHistory {
        RecentHistory {
            loaders: (0..LOADERS).map(|_| Mutex::new(())).collect(),
            from_cache: AtomicU64::new(0),
            loaded: AtomicU64::new(0),
            caught_up: AtomicU64::new(0),
            from_log: AtomicU64::new(0),
        }
    }
}

impl RecentHistory {
    pub(crate) fn snapshot(&self) -> HistorySnapshot {
        HistorySnapshot {
            from_cache: self.from_cache.load(Relaxed),
            from_log: self.from_log.load(Relaxed),
            loaded: self.loaded.load(Relaxed),
            caught_up: self.caught_up.load(Relaxed),
        }
    }
}

/// A page of a conversation whose row was read just now.
pub(crate) fn page(
    service: &Service,
    conversation: &Conversation,
    window: Window,
    size: PageSize,
) -> StoreResult<Vec<StoredMessage>> {
    let numbers = &service.recent;
    if is_recent(conversation, window) {
        let since = conversation.since;
        if let Some(kept) =
            usable(service, conversation).filter(|kept| kept.version.last >= conversation.last)
            && let Some(page) = cut(&kept, since, window, size)
        {
            numbers.from_cache.fetch_add(1, Relaxed);
            return Ok(page);
        }
        if let Some(kept) = load(service, conversation)?
            && let Some(page) = cut(&kept, since, window, size)
        {
            return Ok(page);
        }
    }
    numbers.from_log.fetch_add(1, Relaxed);
    service.ports.store.page(conversation.id, conversation.since, window, size)
}

/// Messages of a batch were stored: readers find them in the cache, if it has what stands before them.
pub(crate) fn said(service: &Service, messages: &[NewMessage], places: &[Result<Appended, AppendRefused>]) {
    for (message, place) in messages.iter().zip(places) {
        if let Ok(place) = place
            && place.novelty == Novelty::New
        {
            let stored = || StoredMessage {
                conversation: place.conversation,
                seq: place.seq,
                sender: message.sender,
                client_msg_id: message.client_msg_id.clone(),
                time: place.time,
                kind: message.kind,
                body: message.body.clone(),
                edited: Timestamp(0),
                recalled: None,
                reply_to: message.reply_to,
                mentions: message.mentions.clone(),
            };
            service.ports.history.said(place.conversation, place.seq, &stored);
        }
    }
}

/// Whether what is kept of a conversation could have a page. What is further back is read from the log, and kept nowhere:
/// whoever scrolls far back does not push out what others read now.
fn is_recent(conversation: &Conversation, window: Window) -> bool {
    let oldest = conversation.last.0.saturating_sub(u64::from(RECENT_MESSAGES_MAX));
    match window {
        Window::Newest => true,
        Window::After(seq) => seq.max(conversation.since).0 >= oldest,
        Window::Before(seq) => seq.0 > oldest + 1,
    }
}

/// What is kept, unless a change came after it.
fn usable(service: &Service, conversation: &Conversation) -> Option<Recent> {
    let kept = service.ports.history.recent(conversation.id)?;
    (kept.version.change >= conversation.last_change).then_some(kept)
}

/// Reads the newest messages into the cache. One thread does for each conversation; who comes meanwhile waits, and finds what
/// it read.
fn load(service: &Service, conversation: &Conversation) -> StoreResult<Option<Recent>> {
    let (store, id) = (&*service.ports.store, conversation.id);
    if conversation.last == Seq(0) {
        return Ok(None);
    }
    let _one = service.recent.loaders[id.0 as usize % LOADERS].lock();
    let kept = usable(service, conversation);
    let mut recent = match kept {
        Some(kept) if kept.version.last >= conversation.last => return Ok(Some(kept)),
        // Read after what is kept: it is of that version or a later one too.
        Some(mut kept) if conversation.last.0 - kept.version.last.0 < u64::from(RECENT_MESSAGES_MAX) => {
            service.recent.caught_up.fetch_add(1, Relaxed);
            let said = store.page(id, Seq(0), Window::After(kept.version.last), RECENT)?;
            kept.messages.extend(said.into_iter().map(Arc::new));
            kept
        }
        _ => {
            service.recent.loaded.fetch_add(1, Relaxed);
            let newest = store.page(id, Seq(0), Window::Newest, RECENT)?;
            let version = HistoryVersion { change: conversation.last_change, last: Seq(0) };
            Recent { version, messages: newest.into_iter().map(Arc::new).collect() }
        }
    };
    let Some(newest) = recent.messages.last() else { return Ok(None) };
    recent.version.last = newest.seq;
    recent.fit();
    service.ports.history.keep(id, recent.clone());
    // A page of long texts may end before the newest: it is right, and not enough.
    Ok(Some(recent).filter(|recent| recent.version.last >= conversation.last))
}

/// The page, if all of it is kept.
fn cut(kept: &Recent, since: Seq, window: Window, size: PageSize) -> Option<Vec<StoredMessage>> {
    let oldest = kept.messages.first()?.seq;
    let mut bytes = 0;
    let mut fits = |message: &&Arc<StoredMessage>| {
        let is_first = bytes == 0;
        bytes += message.body.len().max(1);
        is_first || bytes <= size.bytes
    };
    let limit = size.messages.max(1) as usize;
    if let Window::After(after) = window {
        let after = after.max(since);
        if after.next() < oldest {
            return None;
        }
        let begin = kept.messages.partition_point(|message| message.seq <= after);
        let page = kept.messages[begin..].iter().take(limit).take_while(&mut fits);
        return Some(page.map(|message| StoredMessage::clone(message)).collect());
    }
    let end = match window {
        Window::Before(before) => kept.messages.partition_point(|message| message.seq < before),
        _ => kept.messages.len(),
    };
    let readable = kept.messages[..end].iter().rev().take_while(|message| message.seq > since);
    let mut is_cut = false;
    let mut page: Vec<StoredMessage> = Vec::new();
    for message in readable {
        is_cut = page.len() == limit || !fits(&message);
        if is_cut {
            break;
        }
        page.push(StoredMessage::clone(message));
    }
    let ends = is_cut || page.len() == limit || oldest <= since.next();
    page.reverse();
    ends.then_some(page)
}

#[cfg(test)]
mod tests {
    use domain::testing::history_cache::recent;

    use super::*;

    fn seqs(kept: &Recent, since: u64, window: Window, messages: u32) -> Option<Vec<u64>> {
        let page = cut(kept, Seq(since), window, PageSize { messages, bytes: 1_000_000 })?;
        Some(page.into_iter().map(|message| message.seq.0).collect())
    }

    #[test]
    fn a_page_is_cut_only_if_all_of_it_is_kept() {
        let kept = recent(1, 0, 11..=20, 1);
        let all = |page: std::ops::RangeInclusive<u64>| Some(page.collect::<Vec<_>>());
        for (since, window, messages, page) in [
            (0, Window::Newest, 5, all(16..=20)),
            (0, Window::Newest, 10, all(11..=20)),
            (0, Window::Newest, 11, None),
            (10, Window::Newest, 11, all(11..=20)),
            (15, Window::Newest, 11, all(16..=20)),
            (20, Window::Newest, 11, Some(vec![])),
            (0, Window::Before(Seq(14)), 3, all(11..=13)),
            (0, Window::Before(Seq(14)), 4, None),
            (12, Window::Before(Seq(14)), 4, all(13..=13)),
            (0, Window::Before(Seq(11)), 1, None),
            (0, Window::Before(Seq(99)), 2, all(19..=20)),
            (0, Window::After(Seq(10)), 3, all(11..=13)),
            (0, Window::After(Seq(9)), 3, None),
            (10, Window::After(Seq(0)), 3, all(11..=13)),
            (0, Window::After(Seq(18)), 3, all(19..=20)),
            (0, Window::After(Seq(20)), 3, Some(vec![])),
            (0, Window::After(Seq(1_000)), 3, Some(vec![])),
        ] {
            assert_eq!(seqs(&kept, since, window, messages), page, "since {since}, {messages} of {window:?}");
        }
    }

    #[test]
    fn a_page_is_limited_by_bytes() {
        let kept = recent(1, 0, 1..=20, 100);
        let size = kept.messages.iter().map(|message| message.body.len()).max().unwrap_or(0);
        for (window, expected) in [(Window::Newest, [18, 19, 20]), (Window::After(Seq(4)), [5, 6, 7])] {
            let bytes = PageSize { messages: 10, bytes: 3 * size };
            let page = cut(&kept, Seq(0), window, bytes).expect("all of it is kept");
            assert!(page.iter().map(|message| message.seq.0).eq(expected), "{window:?}");
            let one = cut(&kept, Seq(0), window, PageSize { messages: 10, bytes: 1 }).expect("one at least");
            assert_eq!(one.len(), 1);
        }
    }
}
