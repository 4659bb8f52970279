//! What was changed in all conversations: each change to the application once, in order of its position.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use protocol::{Blame, Changed, ChangesPage, Refusal};

use crate::event_queue::EventQueue;
use crate::limits::{
    CHANGES_FETCHES_MAX, CHANGES_PAGE_MAX, CONVERSATIONS_MAX, EMPTY_PAGES_MAX, GAP_PATIENCE_MS,
};
use crate::timeline::Fetch;
use crate::timelines::{Log, NUMBER_END, Timelines, backoff, retry_wait};

/// How far this device has the changes of each conversation.
///
/// A push with the next position goes to the application; one with a greater position, or an entry of CONVERSATIONS that
/// tells of more, is the reason to ask for a page. Nothing is lost when the application is slow: what there is no room for
/// is asked for later. A change never goes out before the message that it changes.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    by_conv: HashMap<u64, Feed>,
    /// Conversations of which changes are missing, by the time from which they may be asked for.
    wanted: BTreeSet<(Instant, u64)>,
    under_way: usize,
}

/// The feed of one conversation.
#[derive(Debug)]
struct Feed {
    /// Unless it is known, nothing but `last` counts: the conversation's entry says where it begins.
    is_known: bool,
    /// Up to where the application took them: what the next client begins with.
    taken: u64,
    /// The last one that was put into the queue of events.
    emitted: u64,
    /// Up to where there is nothing that was not put there.
    queued: u64,
    /// The newest that the server told of.
    last: u64,
    /// What `last` was when the page under way was asked for.
    asked_last: u64,
    /// Nothing was pushed since the sync began.
    quiet: bool,
    fetch: Fetch,
    /// Pages in a row that brought nothing.
    failures: u32,
}

impl Feed {
    fn known(position: u64) -> Feed {
        Feed {
            is_known: true,
            taken: position,
            emitted: position,
            queued: position,
            last: position,
            asked_last: 0,
            quiet: true,
            fetch: Fetch::None,
            failures: 0,
        }
    }

    fn unknown() -> Feed {
        Feed { is_known: false, ..Feed::known(0) }
    }

    /// It is known from now on, and was taken up to here.
    fn begin(&mut self, position: u64) {
        let last = self.last.max(position);
        let (quiet, fetch) = (self.quiet, self.fetch);
        *self = Feed { last, quiet, fetch, ..Feed::known(position) };
    }

    fn is_behind(&self) -> bool {
        self.is_known && self.queued < self.last
    }

    fn emit(&mut self, changed: Changed, events: &mut EventQueue) {
        (self.emitted, self.queued) = (changed.position, changed.position);
        events.changed(changed);
    }

    /// Nothing stands between the newest that was put into the queue and this position.
    fn pass_over(&mut self, position: u64) {
        self.queued = self.queued.max(position);
        if self.taken >= self.emitted {
            self.taken = self.queued;
        }
    }
}

impl Feeds {
    /// Those of an earlier client: of each conversation that it has a cursor of.
    pub(crate) fn restore(cursors: &BTreeMap<u64, u64>, changes: &BTreeMap<u64, u64>) -> Feeds {
        let known = cursors.keys().take(CONVERSATIONS_MAX);
        let position = |conv| changes.get(conv).copied().filter(|position| *position < NUMBER_END);
        let by_conv = known.map(|conv| (*conv, Feed::known(position(conv).unwrap_or(0)))).collect();
        Feeds { by_conv, ..Feeds::default() }
    }

    /// Conversation → position up to which the application took its changes; those without are left out.
    pub(crate) fn cursors(&self) -> BTreeMap<u64, u64> {
        let taken = self.by_conv.iter().filter(|(_, feed)| feed.is_known && feed.taken > 0);
        taken.map(|(conv, feed)| (*conv, feed.taken)).collect()
    }

    /// A session was entered. Of a log that was put back everything comes anew: positions are given again there.
    pub(crate) fn begin_sync(&mut self, log: Log, events: &mut EventQueue) {
        self.connection_lost();
        if log == Log::Other {
            events.forget_changes();
        }
        for feed in self.by_conv.values_mut() {
            feed.quiet = true;
            if log == Log::Other && feed.is_known {
                feed.last = 0;
                feed.begin(0);
            }
        }
    }

    /// What was under way will not be answered, and nothing is asked for until the next sign-in.
    pub(crate) fn connection_lost(&mut self) {
        self.wanted.clear();
        self.under_way = 0;
        for feed in self.by_conv.values_mut() {
            (feed.fetch, feed.failures) = (Fetch::None, 0);
        }
    }

    /// The entry of a conversation says how far its feed goes. Who never saw the conversation begins there: its messages
    /// come as they are now.
    ///
    /// Of one that is seen for the first time, messages may be held that were pushed before some of these changes: then all
    /// changes come.
    pub(crate) fn learn(
        &mut self,
        conv: u64,
        last_change: u64,
        timelines: &Timelines,
        events: &mut EventQueue,
        now: Instant,
    ) {
        if last_change >= NUMBER_END {
            log::warn!("conversation {conv} is said to have an impossible position");
            return;
        }
        let Some(feed) = self.entry(conv) else { return };
        if !feed.is_known {
            feed.begin(if timelines.holds(conv) { 0 } else { last_change });
        } else if feed.quiet && last_change < feed.queued {
            log::warn!("the changes of conversation {conv} end at {last_change}, before {}", feed.queued);
            events.forget_changes_of(conv);
            feed.last = 0;
            feed.begin(0);
        }
        feed.last = feed.last.max(last_change);
        self.settle(conv, Duration::ZERO, now);
    }

    /// The conversation is seen from its beginning on, unless it was known.
    pub(crate) fn begin(&mut self, conv: u64, now: Instant) {
        let Some(feed) = self.entry(conv) else { return };
        if !feed.is_known {
            feed.begin(0);
        }
        self.settle(conv, Duration::ZERO, now);
    }

    /// A change was pushed, or is the answer to who made it.
    pub(crate) fn pushed(
        &mut self,
        changed: Changed,
        timelines: &Timelines,
        events: &mut EventQueue,
        now: Instant,
    ) {
        let (conv, position) = (changed.conv, changed.position);
        if position >= NUMBER_END || changed.message.conv != conv {
            log::warn!("a change of conversation {conv} cannot be one");
            return;
        }
        let Some(feed) = self.entry(conv) else { return };
        feed.quiet = false;
        feed.last = feed.last.max(position);
        let is_next = feed.is_known && position == feed.queued + 1 && feed.fetch != Fetch::Asked;
        let is_there = timelines.have(conv).is_some_and(|have| have >= changed.message.seq);
        if is_next && is_there && events.has_room_for_messages() {
            feed.emit(changed, events);
        }
        self.settle(conv, Duration::from_millis(GAP_PATIENCE_MS), now);
    }

    /// The application took the changes of the conversation up to this position.
    pub(crate) fn taken(&mut self, conv: u64, position: u64) {
        if let Some(feed) = self.by_conv.get_mut(&conv) {
            // Of a log that was put back meanwhile, more may be taken than there is now.
            feed.taken = feed.taken.max(position.min(feed.emitted));
            feed.pass_over(0);
        }
    }

    /// The next page to ask for: of which conversation, and after which position. It counts as asked.
    pub(crate) fn next_ask(
        &mut self,
        timelines: &Timelines,
        events: &EventQueue,
        now: Instant,
    ) -> Option<(u64, u64)> {
        while self.may_ask(timelines, events)
            && let Some(&(at, conv)) = self.wanted.first()
            && at <= now
        {
            self.wanted.pop_first();
            let Some(feed) = self.by_conv.get_mut(&conv) else { continue };
            feed.fetch = Fetch::None;
            if timelines.have(conv).is_none() || !feed.is_behind() {
                // Nothing is shown of it, or nothing is missing any more.
                continue;
            }
            if timelines.is_behind(conv) {
                // First the messages, then what became of them.
                let at = now + backoff(1);
                feed.fetch = Fetch::At(at);
                self.wanted.insert((at, conv));
                continue;
            }
            (feed.fetch, feed.asked_last) = (Fetch::Asked, feed.last);
            self.under_way += 1;
            return Some((conv, feed.queued));
        }
        None
    }

    /// When [`Feeds::next_ask`] is worth calling again.
    pub(crate) fn deadline(&self, timelines: &Timelines, events: &EventQueue) -> Option<Instant> {
        self.wanted.first().map(|(at, _)| *at).filter(|_| self.may_ask(timelines, events))
    }

    fn may_ask(&self, timelines: &Timelines, events: &EventQueue) -> bool {
        timelines.is_synced() && self.under_way < CHANGES_FETCHES_MAX && events.has_room_for_messages()
    }

    /// The page that was asked for, or why there is none.
    pub(crate) fn answered(
        &mut self,
        conv: u64,
        answer: Result<ChangesPage, Refusal>,
        timelines: &Timelines,
        events: &mut EventQueue,
        now: Instant,
    ) {
        let Some(feed) = self.by_conv.get_mut(&conv).filter(|feed| feed.fetch == Fetch::Asked) else {
            return;
        };
        feed.fetch = Fetch::None;
        self.under_way -= 1;
        match answer {
            Ok(page) => {
                let have = timelines.have(conv).unwrap_or(0);
                feed.page(page, have, events);
            }
            Err(refusal) => match refusal.code.blame() {
                Blame::Busy | Blame::Server | Blame::Session => {
                    feed.failures = feed.failures.saturating_add(1);
                    let at = now + retry_wait(feed.failures, &refusal);
                    feed.fetch = Fetch::At(at);
                    self.wanted.insert((at, conv));
                    return;
                }
                // Not this reader's any more. Should it be again, its entry says so.
                Blame::Refused | Blame::Client | Blame::Nobody => feed.last = feed.queued,
            },
        }
        self.settle(conv, Duration::ZERO, now);
    }

    fn entry(&mut self, conv: u64) -> Option<&mut Feed> {
        if self.by_conv.len() >= CONVERSATIONS_MAX && !self.by_conv.contains_key(&conv) {
            return None;
        }
        Some(self.by_conv.entry(conv).or_insert_with(Feed::unknown))
    }

    /// After any change: notes whether something is missing.
    fn settle(&mut self, conv: u64, patience: Duration, now: Instant) {
        let Some(feed) = self.by_conv.get_mut(&conv) else { return };
        if feed.fetch == Fetch::None && feed.is_behind() {
            let patience = if feed.failures == 0 { patience } else { backoff(feed.failures) };
            feed.fetch = Fetch::At(now + patience);
            self.wanted.insert((now + patience, conv));
        }
    }
}

impl Feed {
    /// Puts what is new into the queue of events; `have` is how far the conversation's messages are there.
    fn page(&mut self, page: ChangesPage, have: u64, events: &mut EventQueue) {
        let conv = page.conv;
        let before = self.queued;
        for change in page.changes.into_iter().take(CHANGES_PAGE_MAX as usize) {
            let (position, message) = (change.position, change.message);
            if message.conv != conv || position >= NUMBER_END {
                log::warn!("a page of changes of conversation {conv} has one that is not of it");
                break;
            }
            if message.seq > have && self.failures < EMPTY_PAGES_MAX {
                // Its message is on its way: this and what follows is asked for again.
                self.failures = if self.queued > before { 1 } else { self.failures + 1 };
                return;
            }
            if position > self.queued {
                self.emit(Changed { conv, position, message }, events);
            }
        }
        self.failures = 0;
        if page.next == 0 {
            // Those in between were changed again, or are not this reader's.
            self.pass_over(page.last.min(NUMBER_END - 1));
            if self.last == self.asked_last {
                // Should it have told of more than there is, it is not asked again for what does not come.
                self.last = self.last.min(self.queued);
            }
        } else if self.queued == before {
            log::warn!("the server does not give what was changed after {before} in conversation {conv}");
            self.last = before;
        }
    }
}
