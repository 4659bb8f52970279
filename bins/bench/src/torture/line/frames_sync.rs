//! How a device of our own misses nothing and shows nothing twice: the table of `docs/protocol.md`, word by word.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use protocol::{
    Ack, Blame, ChatMessage, Conversation, ConversationsPage, History, HistoryPage, Page, Request,
};

use super::Heard;
use crate::torture::evidence::Gap;

/// HISTORY pages under way at once.
const FETCHES_MAX: usize = 4;
/// The wait before something is asked again that was refused.
const RETRY: Duration = Duration::from_millis(500);
/// How long a hole may stay before it is fetched: replies and pushes may overtake each other.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often a conversation is acknowledged at most.
const ACK_INTERVAL: Duration = Duration::from_secs(1);

/// The cursors of all conversations, and what is missing.
#[derive(Default)]
pub(super) struct Sync {
    by_conv: BTreeMap<u64, Timeline>,
    /// The next page of CONVERSATIONS to ask for, and from when on.
    page: Option<(u64, Instant)>,
    /// Somebody is logged in.
    active: bool,
    /// Conversations whose HISTORY is on the wire.
    fetching: BTreeSet<u64>,
    acked_at: Option<Instant>,
}

#[derive(Default)]
struct Timeline {
    /// Everything up to here was shown; none until the first that may be read is known.
    have: Option<u64>,
    /// The newest that is known to exist.
    last: u64,
    /// Ahead of `have`.
    aside: BTreeMap<u64, ChatMessage>,
    not_before: Option<Instant>,
    acked: u64,
}

impl Sync {
    pub(super) fn new(cursors: BTreeMap<u64, u64>) -> Sync {
        let known = |have| Timeline { have: Some(have), last: have, ..Timeline::default() };
        let by_conv = cursors.into_iter().map(|(conv, have)| (conv, known(have))).collect();
        Sync { by_conv, ..Sync::default() }
    }

    /// A session began or goes on: compare everything.
    pub(super) fn begin(&mut self) {
        self.stop();
        self.active = true;
        self.page = Some((0, Instant::now()));
    }

    /// There is no session any more, or no connection.
    pub(super) fn stop(&mut self) {
        self.active = false;
        self.page = None;
        self.fetching.clear();
    }

    /// A message, from wherever.
    pub(super) fn take(&mut self, message: ChatMessage, heard: &mut Vec<Heard>) {
        let timeline = self.by_conv.entry(message.conv).or_default();
        if message.seq == 1 && timeline.have.is_none() {
            timeline.have = Some(0);
        }
        timeline.last = timeline.last.max(message.seq);
        if timeline.have.is_none_or(|have| message.seq > have) {
            timeline.aside.insert(message.seq, message);
        }
        timeline.show(heard);
        if timeline.is_behind() && timeline.not_before.is_none() {
            timeline.not_before = Some(Instant::now() + PATIENCE);
        }
    }

    /// Up to where a conversation was shown.
    pub(super) fn have(&self, conv: u64) -> u64 {
        self.by_conv.get(&conv).and_then(|timeline| timeline.have).unwrap_or(0)
    }

    /// Whether messages of a conversation wait here to be put in order.
    pub(super) fn holds(&self, conv: u64) -> bool {
        self.by_conv.get(&conv).is_some_and(|timeline| !timeline.aside.is_empty())
    }

    /// What the server says of a conversation.
    pub(super) fn learn(&mut self, entry: &Conversation, heard: &mut Vec<Heard>) {
        let timeline = self.by_conv.entry(entry.conv).or_default();
        timeline.begin_at(entry.first);
        timeline.last = timeline.last.max(entry.last);
        timeline.show(heard);
    }

    pub(super) fn page(&mut self, page: ConversationsPage, heard: &mut Vec<Heard>) {
        page.convs.iter().for_each(|entry| self.learn(entry, heard));
        if page.next > 0 {
            self.page = Some((page.next, Instant::now()));
        }
    }

    pub(super) fn page_refused(&mut self, after: u64) {
        self.page = Some((after, Instant::now() + RETRY));
    }

    pub(super) fn history(&mut self, conv: u64, page: HistoryPage, heard: &mut Vec<Heard>) {
        self.fetching.remove(&conv);
        let timeline = self.by_conv.entry(conv).or_default();
        timeline.not_before = None;
        timeline.begin_at(page.first);
        if page.messages.is_empty() {
            // Nothing yet of what was heard of: not to be asked in a circle.
            timeline.not_before = Some(Instant::now() + RETRY);
        }
        for message in page.messages {
            self.take(message, heard);
        }
    }

    pub(super) fn history_refused(&mut self, conv: u64, blame: Blame, heard: &mut Vec<Heard>) {
        self.fetching.remove(&conv);
        let Some(timeline) = self.by_conv.get_mut(&conv) else { return };
        if blame != Blame::Refused {
            timeline.not_before = Some(Instant::now() + RETRY);
            return;
        }
        // Left meanwhile. What came before that is shown, with a gap that is told.
        let next = timeline.aside.first_key_value().map_or(timeline.last + 1, |(seq, _)| *seq);
        let first = timeline.have.unwrap_or(next - 1) + 1;
        if first < next {
            heard.push(Heard::Gap(Gap { conv, first, last: next - 1 }));
        }
        timeline.begin_at(next);
        timeline.show(heard);
    }

    /// The next request to make; call it until there is none.
    pub(super) fn next_ask(&mut self) -> Option<Request> {
        let now = Instant::now();
        if !self.active {
            return None;
        }
        if let Some((after, from)) = self.page
            && from <= now
        {
            self.page = None;
            return Some(Request::Conversations(Page { after, limit: 0 }));
        }
        if self.fetching.len() < FETCHES_MAX {
            let due = |(conv, timeline): (&u64, &Timeline)| {
                let waits = timeline.not_before.is_some_and(|at| at > now);
                (timeline.is_behind() && !waits && !self.fetching.contains(conv))
                    .then(|| (*conv, timeline.have.unwrap_or(0)))
            };
            if let Some((conv, after)) = self.by_conv.iter().find_map(due) {
                self.fetching.insert(conv);
                return Some(Request::History(History {
                    conv,
                    after: Some(after),
                    before: None,
                    at: None,
                    limit: 0,
                }));
            }
        }
        if self.acked_at.is_none_or(|at| at + ACK_INTERVAL <= now) {
            let due = self.by_conv.iter_mut().find_map(|(conv, timeline)| {
                let have = timeline.have.filter(|have| *have > timeline.acked)?;
                timeline.acked = have;
                Some(Ack { conv: *conv, seq: have })
            });
            if let Some(ack) = due {
                return Some(Request::Ack(ack));
            }
            self.acked_at = Some(now);
        }
        None
    }
}

impl Timeline {
    fn is_behind(&self) -> bool {
        self.have.is_none_or(|have| have < self.last)
    }

    /// What stands before `first` is not this reader's.
    fn begin_at(&mut self, first: u64) {
        let before = first.saturating_sub(1);
        self.have = Some(self.have.map_or(before, |have| have.max(before)));
        self.last = self.last.max(before);
    }

    /// Shows what is next in order; drops what was had.
    fn show(&mut self, heard: &mut Vec<Heard>) {
        let Some(mut have) = self.have else { return };
        while let Some(first) = self.aside.first_entry()
            && *first.key() <= have + 1
        {
            let (seq, message) = first.remove_entry();
            if seq > have {
                have = seq;
                heard.push(Heard::Message(message));
            }
        }
        self.have = Some(have);
        if !self.is_behind() {
            self.not_before = None;
        }
    }
}
