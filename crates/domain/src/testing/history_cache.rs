//! What every cache of recent messages must do, in tests, and a fake that does it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test suite fails by panicking")]

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{
    ChangePosition, ConversationId, HistoryCache, HistoryVersion, Mentions, MessageKind, RECENT_BYTES_MAX,
    RECENT_MESSAGES_MAX, Recent, Seq, StoredMessage, Timestamp, UserId,
};

/// A cache in memory without a limit: one mutex over a map.
#[derive(Default)]
pub struct FakeHistoryCache(Mutex<HashMap<ConversationId, (ChangePosition, Option<Recent>)>>);

impl FakeHistoryCache {
    /// Forgets everything, as a Redis does that is started anew.
    pub fn clear(&self) {
        self.0.lock().clear();
    }
}

impl HistoryCache for FakeHistoryCache {
    fn recent(&self, conversation: ConversationId) -> Option<Recent> {
        self.0.lock().get(&conversation)?.1.clone()
    }

    fn keep(&self, conversation: ConversationId, mut recent: Recent) {
        recent.fit();
        let mut kept = self.0.lock();
        let (change, before) = kept.entry(conversation).or_default();
        if *change <= recent.version.change
            && before.as_ref().is_none_or(|before| before.version <= recent.version)
        {
            (*change, *before) = (recent.version.change, Some(recent));
        }
    }

    fn said(&self, conversation: ConversationId, seq: Seq, message: &dyn Fn() -> StoredMessage) {
        let mut kept = self.0.lock();
        let Some((_, Some(recent))) = kept.get_mut(&conversation) else { return };
        if recent.version.last.next() == seq {
            recent.version.last = seq;
            recent.messages.push(Arc::new(message()));
            recent.fit();
        }
    }

    fn forget(&self, conversation: ConversationId, change: ChangePosition) {
        let mut kept = self.0.lock();
        let (before, recent) = kept.entry(conversation).or_default();
        if *before < change {
            (*before, *recent) = (change, None);
        }
    }
}

/// A message of a conversation with a text of so many bytes, which tells its seq and the change that it is of.
pub fn message(conversation: u64, seq: u64, change: u64, bytes: usize) -> StoredMessage {
    StoredMessage {
        conversation: ConversationId(conversation),
        seq: Seq(seq),
        sender: UserId(7),
        client_msg_id: format!("{conversation}-{seq}"),
        time: Timestamp(1_000 + seq),
        kind: MessageKind::Text,
        body: format!("{change}: {seq} {}", "·".repeat(bytes)),
        edited: Timestamp(0),
        recalled: None,
        reply_to: None,
        mentions: Mentions::default(),
    }
}

/// Messages of these seqs, read at this change.
pub fn recent(conversation: u64, change: u64, seqs: RangeInclusive<u64>, bytes: usize) -> Recent {
    let version = HistoryVersion { change: ChangePosition(change), last: Seq(*seqs.end()) };
    let messages = seqs.map(|seq| Arc::new(message(conversation, seq, change, bytes))).collect();
    Recent { version, messages }
}

/// One behaviour.
type Case = fn(&dyn HistoryCache);

/// Runs every case on a fresh cache, or on one that is shared: each case has conversations of its own.
///
/// # Panics
///
/// If the cache does not behave.
pub fn run_all(make: &dyn Fn() -> Arc<dyn HistoryCache>) {
    let cases: [(&str, Case); 6] = [
        ("what is kept comes back as it was", what_is_kept_comes_back_as_it_was),
        ("what is older does not overwrite", what_is_older_does_not_overwrite),
        (
            "what was read before a change is not kept after it",
            what_was_read_before_a_change_is_not_kept_after_it,
        ),
        ("a message is put behind the one before it only", a_message_is_put_behind_the_one_before_it_only),
        ("the oldest make room", the_oldest_make_room),
        ("many change one conversation at once", many_change_one_conversation_at_once),
    ];
    for (name, case) in cases {
        println!("history cache: {name}");
        case(&*make());
    }
}

fn seqs(cache: &dyn HistoryCache, conversation: u64) -> Option<(u64, u64)> {
    let recent = cache.recent(ConversationId(conversation))?;
    assert!(recent.messages.windows(2).all(|pair| pair[0].seq.next() == pair[1].seq), "no holes");
    let (first, last) = (recent.messages.first().unwrap().seq, recent.messages.last().unwrap().seq);
    assert_eq!(recent.version.last, last);
    Some((first.0, last.0))
}

fn what_is_kept_comes_back_as_it_was(cache: &dyn HistoryCache) {
    assert_eq!(cache.recent(ConversationId(101)), None);
    let mut kept = recent(101, 3, 5..=9, 10);
    let odd = Arc::get_mut(&mut kept.messages[2]).unwrap();
    odd.body = "你好\u{0}\u{202e} \"\\\n{}".to_owned();
    odd.kind = MessageKind::System;
    odd.client_msg_id = String::new();
    odd.time = Timestamp(crate::NUMBER_MAX);
    cache.keep(ConversationId(101), kept.clone());
    assert_eq!(cache.recent(ConversationId(101)), Some(kept));
    assert_eq!(cache.recent(ConversationId(102)), None);
}

fn what_is_older_does_not_overwrite(cache: &dyn HistoryCache) {
    let id = ConversationId(201);
    let newest = recent(201, 3, 5..=9, 10);
    cache.keep(id, newest.clone());
    for older in [recent(201, 3, 5..=8, 10), recent(201, 2, 5..=9, 10), recent(201, 2, 5..=12, 10)] {
        cache.keep(id, older);
        assert_eq!(cache.recent(id), Some(newest.clone()));
    }
    for newer in [recent(201, 3, 5..=10, 10), recent(201, 4, 5..=10, 10)] {
        cache.keep(id, newer.clone());
        assert_eq!(cache.recent(id), Some(newer));
    }
}

fn what_was_read_before_a_change_is_not_kept_after_it(cache: &dyn HistoryCache) {
    let id = ConversationId(301);
    for kept in [true, false] {
        let change = if kept { 4 } else { 6 };
        let before = recent(301, change - 1, 1..=9, 10);
        if kept {
            cache.keep(id, before.clone());
        }
        cache.forget(id, ChangePosition(change));
        assert_eq!(cache.recent(id), None, "what was recalled is gone");
        // The page was read before the recall, and comes to be kept after it.
        cache.keep(id, before);
        assert_eq!(cache.recent(id), None);
        cache.said(id, Seq(10), &|| message(301, 10, change - 1, 10));
        assert_eq!(cache.recent(id), None);
        let after = recent(301, change, 1..=10, 10);
        cache.keep(id, after.clone());
        assert_eq!(cache.recent(id), Some(after.clone()));
        cache.forget(id, ChangePosition(change));
        assert_eq!(cache.recent(id), Some(after), "it is of that change already");
    }
}

fn a_message_is_put_behind_the_one_before_it_only(cache: &dyn HistoryCache) {
    let id = ConversationId(401);
    cache.said(id, Seq(1), &|| message(401, 1, 0, 10));
    assert_eq!(seqs(cache, 401), None, "nobody reads there");
    cache.keep(id, recent(401, 2, 1..=3, 10));
    for (seq, end) in [(5, 3), (3, 3), (4, 4), (4, 4), (6, 4), (5, 5)] {
        cache.said(id, Seq(seq), &|| message(401, seq, 2, 10));
        settle(cache, 401, end);
    }
    assert_eq!(cache.recent(id), Some(recent(401, 2, 1..=5, 10)));
}

fn the_oldest_make_room(cache: &dyn HistoryCache) {
    let id = ConversationId(501);
    let max = u64::from(RECENT_MESSAGES_MAX);
    cache.keep(id, recent(501, 0, 1..=max + 5, 10));
    assert_eq!(seqs(cache, 501), Some((6, max + 5)));
    cache.said(id, Seq(max + 6), &|| message(501, max + 6, 0, 10));
    settle(cache, 501, max + 6);
    assert_eq!(seqs(cache, 501), Some((7, max + 6)));
    // Two bytes a dot.
    cache.keep(id, recent(501, 1, 1..=10, RECENT_BYTES_MAX / 8));
    assert_eq!(seqs(cache, 501), Some((8, 10)));
    cache.keep(id, recent(501, 2, 1..=3, RECENT_BYTES_MAX));
    assert_eq!(seqs(cache, 501), Some((3, 3)), "one at least");
}

fn many_change_one_conversation_at_once(cache: &dyn HistoryCache) {
    let id = ConversationId(601);
    std::thread::scope(|threads| {
        threads.spawn(|| (1..=50).for_each(|change| cache.keep(id, recent(601, change, 1..=20, 5))));
        threads.spawn(|| (1..=50).rev().for_each(|change| cache.keep(id, recent(601, change, 1..=20, 5))));
        threads.spawn(|| (1..=51).for_each(|change| cache.forget(id, ChangePosition(change))));
        threads.spawn(|| {
            for _ in 0..200 {
                let Some(kept) = cache.recent(id) else { continue };
                let told = format!("{}: ", kept.version.change);
                assert!(kept.messages.iter().all(|message| message.body.starts_with(&told)), "{kept:?}");
            }
        });
    });
    assert_eq!(cache.recent(id), None, "the last change was forgotten last, or kept from coming back");
}

/// Waits until the newest that is kept is this one: a cache may put messages behind others a moment later.
fn settle(cache: &dyn HistoryCache, conversation: u64, end: u64) {
    for _ in 0..2_000 {
        if seqs(cache, conversation).is_some_and(|(_, last)| last >= end) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(seqs(cache, conversation).map(|(_, last)| last), Some(end));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fake_passes_the_conformance_suite() {
        run_all(&|| Arc::new(FakeHistoryCache::default()));
    }
}
