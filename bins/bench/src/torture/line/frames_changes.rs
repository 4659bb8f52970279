//! What became of messages after they were said: the feeds of changes as `docs/protocol.md` has them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use protocol::{Blame, Changed, Changes, ChangesPage, ChatMessage};

use super::Heard;

/// CHANGES pages under way at once.
const FETCHES_MAX: usize = 2;
/// The wait before something is asked again that was refused.
const RETRY: Duration = Duration::from_millis(500);
/// How long a hole may stay before it is fetched: replies and pushes may overtake each other.
const PATIENCE: Duration = Duration::from_millis(50);

/// The feeds of all conversations.
#[derive(Default)]
pub(super) struct Feeds {
    by_conv: BTreeMap<u64, Feed>,
    under_way: usize,
}

#[derive(Default)]
struct Feed {
    /// Everything up to here is known; none until it is known where to begin.
    have: Option<u64>,
    /// The newest that is known to exist.
    last: u64,
    /// Changes of messages that were not shown yet, by seq.
    early: BTreeMap<u64, Changed>,
    is_asked: bool,
    not_before: Option<Instant>,
}

impl Feeds {
    /// Those of conversations that were known before: with a position, or from the beginning.
    pub(super) fn new(cursors: &BTreeMap<u64, u64>, positions: &BTreeMap<u64, u64>) -> Feeds {
        let feed =
            |conv: &u64| Feed { have: Some(positions.get(conv).copied().unwrap_or(0)), ..Feed::default() };
        let by_conv = cursors.keys().map(|conv| (*conv, feed(conv))).collect();
        Feeds { by_conv, ..Feeds::default() }
    }

    /// There is no connection any more.
    pub(super) fn stop(&mut self) {
        self.under_way = 0;
        self.by_conv.values_mut().for_each(|feed| feed.is_asked = false);
    }

    /// The conversation's entry tells of the newest position. Whoever never saw the conversation begins there.
    pub(super) fn learn(&mut self, conv: u64, last_change: u64) {
        let feed = self.by_conv.entry(conv).or_default();
        feed.have.get_or_insert(last_change);
        feed.last = feed.last.max(last_change);
    }

    /// The conversation is seen from its beginning on.
    pub(super) fn begin(&mut self, conv: u64) {
        self.by_conv.entry(conv).or_default().have.get_or_insert(0);
    }

    /// A change was pushed, or is the answer to who made it; `shown` is the seq up to which the conversation was shown.
    pub(super) fn take(&mut self, changed: Changed, shown: u64, heard: &mut Vec<Heard>) {
        let feed = self.by_conv.entry(changed.conv).or_default();
        feed.last = feed.last.max(changed.position);
        if feed.have.is_some_and(|have| changed.position == have + 1) {
            feed.have = Some(changed.position);
            feed.tell(changed, shown, heard);
        } else if feed.is_behind() && feed.not_before.is_none() {
            feed.not_before = Some(Instant::now() + PATIENCE);
        }
    }

    /// A message was shown: what is known of it already follows, if that is newer.
    pub(super) fn shown(&mut self, message: &ChatMessage, heard: &mut Vec<Heard>) {
        let Some(feed) = self.by_conv.get_mut(&message.conv) else { return };
        if let Some(changed) = feed.early.remove(&message.seq)
            && is_newer(&changed.message, message)
        {
            heard.push(Heard::Changed(changed));
        }
    }

    /// The next page to ask for. It counts as asked.
    pub(super) fn next_ask(&mut self) -> Option<Changes> {
        let now = Instant::now();
        if self.under_way >= FETCHES_MAX {
            return None;
        }
        let due =
            |feed: &Feed| feed.is_behind() && !feed.is_asked && feed.not_before.is_none_or(|at| at <= now);
        let (conv, feed) = self.by_conv.iter_mut().find(|(_, feed)| due(feed))?;
        feed.is_asked = true;
        self.under_way += 1;
        Some(Changes { conv: *conv, after: feed.have?, limit: 0 })
    }

    pub(super) fn page(&mut self, page: ChangesPage, shown: u64, heard: &mut Vec<Heard>) {
        let Some(feed) = self.answered(page.conv) else { return };
        feed.not_before = None;
        let conv = page.conv;
        for change in page.changes {
            if feed.have.is_none_or(|have| change.position > have) {
                feed.have = Some(change.position);
                let (position, message) = (change.position, change.message);
                feed.tell(Changed { conv, position, message }, shown, heard);
            }
        }
        if page.next == 0 {
            // What stands between was changed again, or is not this reader's.
            feed.have = feed.have.max(Some(page.last));
            if feed.is_behind() {
                // Pushed while the page was on its way.
                feed.not_before = Some(Instant::now() + PATIENCE);
            }
        }
    }

    pub(super) fn refused(&mut self, conv: u64, blame: Blame) {
        let Some(feed) = self.answered(conv) else { return };
        match blame {
            // Not this reader's any more. Should it be again, its entry says so.
            Blame::Refused => feed.have = feed.have.max(Some(feed.last)),
            Blame::Nobody | Blame::Client | Blame::Session | Blame::Busy | Blame::Server => {
                feed.not_before = Some(Instant::now() + RETRY);
            }
        }
    }

    fn answered(&mut self, conv: u64) -> Option<&mut Feed> {
        let feed = self.by_conv.get_mut(&conv)?;
        if std::mem::take(&mut feed.is_asked) {
            self.under_way -= 1;
        }
        Some(feed)
    }
}

impl Feed {
    fn is_behind(&self) -> bool {
        self.have.is_some_and(|have| have < self.last)
    }

    fn tell(&mut self, changed: Changed, shown: u64, heard: &mut Vec<Heard>) {
        if changed.message.seq <= shown {
            heard.push(Heard::Changed(changed));
        } else {
            self.early.insert(changed.message.seq, changed);
        }
    }
}

/// A message's state moves forward only: what is recalled stays so, and of two texts the later one counts.
fn is_newer(one: &ChatMessage, other: &ChatMessage) -> bool {
    match (one.recalled.is_some(), other.recalled.is_some()) {
        (true, false) => true,
        (false, true) => false,
        _ => one.edited > other.edited,
    }
}
