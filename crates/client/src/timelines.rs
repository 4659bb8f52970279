//! All conversations: what is missing, and in which order it is asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use protocol::{Blame, ChatMessage, Conversation, ConversationsPage, HistoryPage, Refusal};

use crate::acks::Acks;
use crate::event::{Arrival, Event};
use crate::event_queue::EventQueue;
use crate::limits::{
    CONVERSATIONS_MAX, EMPTY_PAGES_MAX, FETCH_PAGE_MAX, FETCH_RETRY_MS, FETCH_RETRY_MS_MAX, FETCHES_MAX,
    GAP_PATIENCE_MS,
};
use crate::timeline::{Fetch, HeldBytes, Timeline};

/// Integers on the wire are below this.
pub(crate) const NUMBER_END: u64 = 1 << 53;

/// The timelines of one user. After each sign-in it pages through CONVERSATIONS, then fetches what is missing; between
/// sign-ins it fetches what a gap shows to be missing. The requests are made by whoever asks [`Timelines::next_ask`],
/// and their answers come back here.
#[derive(Debug, Default)]
pub(crate) struct Timelines {
    by_conv: HashMap<u64, Timeline>,
    held: HeldBytes,
    /// Conversations that are behind, by the time from which they may be fetched.
    wanted: BTreeSet<(Instant, u64)>,
    under_way: usize,
    stage: Stage,
    /// Conversations that have not come to their goal.
    short_of_goal: usize,
}

/// How far the sync is that follows a sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Done, or nobody is signed in.
    #[default]
    Done,
    /// The next page of CONVERSATIONS is to be asked for, from this time on.
    Page { after: u64, from: Option<Instant> },
    /// It is under way.
    Asked { after: u64 },
    /// All are known; some are still behind.
    Fetching,
}

/// Which log the server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// The one that the cursors are of, as far as anybody knows.
    Same,
    /// Another one: it was restored from a backup.
    Other,
}

/// A request that the timelines need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A page of CONVERSATIONS.
    Conversations { after: u64 },
    /// The entry of one conversation in CONVERSATIONS.
    Locate { conv: u64 },
    /// A page of HISTORY.
    History { conv: u64, after: u64, limit: u32 },
}

/// What surrounds a change.
pub(crate) struct Around<'a> {
    pub(crate) events: &'a mut EventQueue,
    pub(crate) acks: &'a mut Acks,
    pub(crate) now: Instant,
}

impl Timelines {
    /// Those of an earlier client.
    pub(crate) fn restore(cursors: &BTreeMap<u64, u64>) -> Timelines {
        let known = cursors.iter().filter(|(_, have)| **have < NUMBER_END).take(CONVERSATIONS_MAX);
        let by_conv = known.map(|(conv, have)| (*conv, Timeline::known(*conv, *have))).collect();
        Timelines { by_conv, ..Timelines::default() }
    }

    /// Conversation → seq up to which the application took everything.
    pub(crate) fn cursors(&self) -> BTreeMap<u64, u64> {
        let known = self.by_conv.iter().filter(|(_, timeline)| timeline.has_cursor());
        known.map(|(conv, timeline)| (*conv, timeline.taken)).collect()
    }

    /// A session was entered: everything is compared with the server.
    pub(crate) fn begin_sync(&mut self, log: Log, events: &mut EventQueue) {
        self.connection_lost();
        self.stage = Stage::Page { after: 0, from: None };
        events.count_missed();
        for timeline in self.by_conv.values_mut() {
            timeline.quiet = true;
            if log == Log::Other {
                timeline.doubt(&mut self.held);
            }
        }
    }

    /// Whether all cursors were compared with the server since the last sign-in.
    pub(crate) fn is_compared(&self) -> bool {
        matches!(self.stage, Stage::Done | Stage::Fetching)
    }

    /// Whether everything that was said while away has left as an event.
    pub(crate) fn is_synced(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Up to where the messages of a conversation have left as events; none if nothing is known of it yet.
    pub(crate) fn have(&self, conv: u64) -> Option<u64> {
        self.by_conv.get(&conv).filter(|timeline| timeline.is_known()).map(Timeline::have)
    }

    /// Whether messages of the conversation wait here to be put in order.
    pub(crate) fn holds(&self, conv: u64) -> bool {
        self.by_conv.get(&conv).is_some_and(Timeline::holds_any)
    }

    /// Whether messages of the conversation are known to exist that have not left yet.
    pub(crate) fn is_behind(&self, conv: u64) -> bool {
        self.by_conv.get(&conv).is_some_and(Timeline::is_behind)
    }

    /// What was under way will not be answered, and nothing is asked for until the next sign-in.
    pub(crate) fn connection_lost(&mut self) {
        self.stage = Stage::Done;
        self.wanted.clear();
        self.under_way = 0;
        self.short_of_goal = 0;
        for timeline in self.by_conv.values_mut() {
            timeline.fetch = Fetch::None;
            timeline.goal = None;
        }
    }

    /// A message, from a push or as the answer to an own one.
    pub(crate) fn take(&mut self, message: ChatMessage, arrival: Arrival, around: &mut Around<'_>) {
        let (conv, seq) = (message.conv, message.seq);
        if seq == 0 || seq >= NUMBER_END {
            log::warn!("a message of conversation {conv} has the impossible seq {seq}");
            return;
        }
        let new = || if seq == 1 { Timeline::known(conv, 0) } else { Timeline::unknown(conv) };
        let Some(timeline) = entry(&mut self.by_conv, conv, new) else { return };
        timeline.take(message, arrival, around.events, &mut self.held);
        self.settle(conv, Duration::from_millis(GAP_PATIENCE_MS), around);
    }

    /// The entry of a conversation, from CONVERSATIONS or from joining a group.
    pub(crate) fn learn(&mut self, entry_of: &Conversation, around: &mut Around<'_>) {
        let &Conversation { conv, first, last, acked, restored, .. } = entry_of;
        if [first, last, acked, restored].into_iter().any(|seq| seq >= NUMBER_END) {
            log::warn!("conversation {conv} is said to have impossible seqs");
            return;
        }
        let begin = acked.max(first.saturating_sub(1)).min(last);
        let Some(timeline) = entry(&mut self.by_conv, conv, || Timeline::known(conv, begin)) else { return };
        if timeline.is_doubted() {
            timeline.trust();
            put_back(timeline, conv, restored.min(last), around);
        } else if !timeline.is_known() {
            timeline.begin(begin);
        } else if timeline.quiet && last < timeline.have() {
            log::warn!("conversation {conv} ends at {last} but {} was had before", timeline.have());
            put_back(timeline, conv, last, around);
        }
        timeline.begin_at(first);
        timeline.expect(last);
        if self.stage != Stage::Done && timeline.goal.is_none() && timeline.have() < last {
            timeline.goal = Some(last);
            self.short_of_goal += 1;
        }
        if (first..).contains(&timeline.taken) && acked < timeline.taken {
            // Taken by this client or an earlier one, and lost by the server with what it had not stored yet.
            around.acks.taken(conv, timeline.taken, around.now);
        }
        around.acks.learn(conv, acked, around.now);
        self.settle(conv, Duration::ZERO, around);
    }

    /// The application took everything up to `seq`.
    pub(crate) fn taken(&mut self, conv: u64, seq: u64, around: &mut Around<'_>) {
        if let Some(timeline) = self.by_conv.get_mut(&conv) {
            // Of a log that was put back meanwhile, more may be taken than there is now.
            let seq = seq.min(timeline.have());
            timeline.taken = timeline.taken.max(seq);
            around.acks.taken(conv, seq, around.now);
        }
    }

    /// The next request to make. Call it again until it gives none, whenever something changed.
    pub(crate) fn next_ask(&mut self, page_max: u32, around: &mut Around<'_>) -> Option<Ask> {
        if let Stage::Page { after, from } = self.stage
            && from.is_none_or(|from| from <= around.now)
        {
            self.stage = Stage::Asked { after };
            return Some(Ask::Conversations { after });
        }
        while self.may_fetch(around.events)
            && let Some(&(at, conv)) = self.wanted.first()
            && at <= around.now
        {
            self.wanted.pop_first();
            let Some(timeline) = self.by_conv.get_mut(&conv) else { continue };
            timeline.fetch = Fetch::None;
            timeline.release(around.events, &mut self.held);
            if !timeline.is_behind() {
                self.settle(conv, Duration::ZERO, around);
                continue;
            }
            if timeline.hole() == Some(0) && timeline.is_known() {
                // The next one is here; only the application has no room for it.
                self.settle(conv, Duration::ZERO, around);
                break;
            }
            timeline.fetch = Fetch::Asked;
            self.under_way += 1;
            if !timeline.is_known() {
                return Some(Ask::Locate { conv });
            }
            let page = u64::from(FETCH_PAGE_MAX.min(page_max.max(1)));
            let limit = timeline.hole().unwrap_or(page).clamp(1, page);
            return Some(Ask::History { conv, after: timeline.have(), limit: limit as u32 });
        }
        None
    }

    /// When [`Timelines::next_ask`] is worth calling again.
    pub(crate) fn deadline(&self, events: &EventQueue) -> Option<Instant> {
        let page = match self.stage {
            Stage::Page { from, .. } => from,
            _ => None,
        };
        let fetch = self.wanted.first().map(|(at, _)| *at).filter(|_| self.may_fetch(events));
        page.into_iter().chain(fetch).min()
    }

    fn may_fetch(&self, events: &EventQueue) -> bool {
        // Before the cursors were compared nobody knows what is missing.
        let compared = matches!(self.stage, Stage::Done | Stage::Fetching);
        compared && self.under_way < FETCHES_MAX && events.has_room_for_messages()
    }

    /// The answer to [`Ask::Conversations`].
    pub(crate) fn conversations(
        &mut self,
        after: u64,
        answer: Result<ConversationsPage, Refusal>,
        around: &mut Around<'_>,
    ) {
        if self.stage != (Stage::Asked { after }) {
            return;
        }
        match answer {
            Ok(page) => {
                page.convs.iter().for_each(|entry| self.learn(entry, around));
                // A server that goes round in circles is not followed.
                self.stage = match page.next {
                    next if next > after => Stage::Page { after: next, from: None },
                    _ => Stage::Fetching,
                };
                if self.stage == Stage::Fetching {
                    self.drop_doubted(around);
                }
            }
            Err(refusal) => {
                let from = Some(around.now + retry_wait(0, &refusal));
                self.stage = Stage::Page { after, from };
            }
        }
        self.finish_sync(around);
    }

    /// What the server did not list is not there any more.
    fn drop_doubted(&mut self, around: &mut Around<'_>) {
        let doubted = self.by_conv.iter().filter(|(_, timeline)| timeline.is_doubted());
        for conv in doubted.map(|(conv, _)| *conv).collect::<Vec<u64>>() {
            let Some(timeline) = self.by_conv.get_mut(&conv) else { continue };
            put_back(timeline, conv, 0, around);
            let is_pushed = timeline.holds_any();
            if is_pushed {
                // It began anew, after its place in the list was passed.
                timeline.forget_cursor();
                self.settle(conv, Duration::ZERO, around);
            } else {
                self.by_conv.remove(&conv);
            }
        }
    }

    /// The answer to [`Ask::Locate`].
    pub(crate) fn located(
        &mut self,
        conv: u64,
        answer: Result<ConversationsPage, Refusal>,
        around: &mut Around<'_>,
    ) {
        if !self.answered(conv) {
            return;
        }
        match answer {
            Ok(page) => match page.convs.first().filter(|entry| entry.conv == conv) {
                Some(entry) => self.learn(entry, around),
                // Read once and no more: what came of it is shown.
                None => self.pass_over(conv, around),
            },
            Err(refusal) => self.refused(conv, &refusal, around),
        }
        self.settle(conv, Duration::ZERO, around);
    }

    /// The answer to [`Ask::History`].
    pub(crate) fn history(
        &mut self,
        (conv, after, limit): (u64, u64, u32),
        answer: Result<HistoryPage, Refusal>,
        around: &mut Around<'_>,
    ) {
        if !self.answered(conv) {
            return;
        }
        match answer {
            Ok(page) => self.page((conv, after, limit), page, around),
            Err(refusal) => self.refused(conv, &refusal, around),
        }
        self.settle(conv, Duration::ZERO, around);
    }

    fn page(&mut self, (conv, after, limit): (u64, u64, u32), page: HistoryPage, around: &mut Around<'_>) {
        let Some(timeline) = self.by_conv.get_mut(&conv) else { return };
        if page.first < NUMBER_END {
            timeline.begin_at(page.first);
        }
        for message in page.messages.into_iter().take(limit as usize) {
            if message.conv != conv || message.seq >= NUMBER_END {
                log::warn!("a page of conversation {conv} has a message that is not of it");
                break;
            }
            timeline.take(message, Arrival::Missed, around.events, &mut self.held);
        }
        let progress = timeline.have() > after || timeline.hole() == Some(0);
        if progress {
            timeline.failures = 0;
        } else {
            timeline.failures += 1;
            if timeline.failures >= EMPTY_PAGES_MAX {
                log::warn!("the server does not give what follows {after} in conversation {conv}");
                self.pass_over(conv, around);
            }
        }
    }

    fn refused(&mut self, conv: u64, refusal: &Refusal, around: &mut Around<'_>) {
        match refusal.code.blame() {
            Blame::Busy | Blame::Server | Blame::Session => {
                let Some(timeline) = self.by_conv.get_mut(&conv) else { return };
                timeline.failures = timeline.failures.saturating_add(1);
                let at = around.now + retry_wait(timeline.failures, refusal);
                timeline.fetch = Fetch::At(at);
                self.wanted.insert((at, conv));
            }
            // Not this reader's any more.
            Blame::Refused | Blame::Client | Blame::Nobody => self.pass_over(conv, around),
        }
    }

    fn pass_over(&mut self, conv: u64, around: &mut Around<'_>) {
        if let Some(timeline) = self.by_conv.get_mut(&conv) {
            timeline.failures = 0;
            timeline.pass_over(around.events);
            timeline.release(around.events, &mut self.held);
        }
    }

    /// Whether the answer is to a page that is under way: after a lost connection it is not.
    fn answered(&mut self, conv: u64) -> bool {
        match self.by_conv.get_mut(&conv) {
            Some(timeline) if timeline.fetch == Fetch::Asked => {
                timeline.fetch = Fetch::None;
                self.under_way -= 1;
                true
            }
            _ => false,
        }
    }

    /// After any change: emits what is in order, and notes whether something is missing.
    fn settle(&mut self, conv: u64, patience: Duration, around: &mut Around<'_>) {
        let Some(timeline) = self.by_conv.get_mut(&conv) else { return };
        timeline.release(around.events, &mut self.held);
        if let Fetch::At(at) = timeline.fetch {
            let too_late = patience.is_zero() && timeline.failures == 0 && at > around.now;
            if !timeline.is_behind() || too_late {
                self.wanted.remove(&(at, conv));
                timeline.fetch = Fetch::None;
            }
        }
        if timeline.fetch == Fetch::None && timeline.is_behind() {
            let patience = match timeline.failures {
                0 => patience,
                failures => backoff(failures),
            };
            let at = around.now + patience;
            timeline.fetch = Fetch::At(at);
            self.wanted.insert((at, conv));
        }
        if timeline.goal.is_some_and(|goal| goal <= timeline.have()) {
            timeline.goal = None;
            self.short_of_goal -= 1;
            self.finish_sync(around);
        }
    }

    fn finish_sync(&mut self, around: &mut Around<'_>) {
        if self.stage == Stage::Fetching && self.short_of_goal == 0 {
            self.stage = Stage::Done;
            let missed = around.events.count_missed();
            around.events.notice(Event::Synced { missed });
        }
    }
}

/// Puts a conversation back to where this message was the last, if more was had, and tells the application.
fn put_back(timeline: &mut Timeline, conv: u64, to: u64, around: &mut Around<'_>) {
    if timeline.have() > to {
        around.events.forget_messages(conv, to);
        around.acks.forget(conv);
        timeline.rewind(to);
        around.events.insist(Event::Rewound { conv, to });
    }
}

/// The timeline of a conversation, made if it is new and there is room.
fn entry(
    by_conv: &mut HashMap<u64, Timeline>,
    conv: u64,
    new: impl FnOnce() -> Timeline,
) -> Option<&mut Timeline> {
    if by_conv.len() >= CONVERSATIONS_MAX && !by_conv.contains_key(&conv) {
        log::warn!("conversation {conv} is one too many: it is not shown");
        return None;
    }
    Some(by_conv.entry(conv).or_insert_with(new))
}

/// How long to wait after a refusal.
pub(crate) fn retry_wait(failures: u32, refusal: &Refusal) -> Duration {
    let demanded = refusal.body.retry_after_ms.unwrap_or(0).min(FETCH_RETRY_MS_MAX);
    backoff(failures.max(1)).max(Duration::from_millis(demanded))
}

pub(crate) fn backoff(failures: u32) -> Duration {
    let doubled = FETCH_RETRY_MS.saturating_mul(1 << (failures - 1).min(16));
    Duration::from_millis(doubled.min(FETCH_RETRY_MS_MAX))
}
