//! What the server tells a user, counted from 1: the user's notices, and broadcasts. Each to the application once, in order.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use protocol::{Broadcast, BroadcastsPage, Notice, NoticesPage};

use crate::event::Event;
use crate::event_queue::EventQueue;
use crate::limits::{ACK_DELAY_MS, FETCH_RETRY_MS};

/// The user's notices.
pub(crate) type Notices = Told<Notice>;

/// What the operator tells everybody.
pub(crate) type Broadcasts = Told<Broadcast>;

/// Something that is told.
pub(crate) trait Telling: Into<Event> {
    /// A page of such.
    type Page;

    /// Its place among the others.
    fn seq(&self) -> u64;

    /// What a page brings, where the next one begins, and the newest there is.
    fn open(page: Self::Page) -> (Vec<Self>, u64, u64);
}

impl Telling for Notice {
    type Page = NoticesPage;

    fn seq(&self) -> u64 {
        self.seq
    }

    fn open(page: NoticesPage) -> (Vec<Notice>, u64, u64) {
        (page.notices, page.next, page.last)
    }
}

impl From<Notice> for Event {
    fn from(notice: Notice) -> Event {
        Event::Notice(notice)
    }
}

impl Telling for Broadcast {
    type Page = BroadcastsPage;

    fn seq(&self) -> u64 {
        self.id
    }

    fn open(page: BroadcastsPage) -> (Vec<Broadcast>, u64, u64) {
        (page.broadcasts, page.next, page.last)
    }
}

impl From<Broadcast> for Event {
    fn from(broadcast: Broadcast) -> Event {
        Event::Broadcast(broadcast)
    }
}

/// How far this device has what its user is told.
///
/// A push with the next seq goes to the application; one with a greater seq, or a sign-in that tells of more, is the
/// reason to ask for a page. Nothing is lost when the application is slow: what there is no room for is asked for later.
#[derive(Debug)]
pub(crate) struct Told<T> {
    /// Up to where the application took them: what the next client begins with. `None`: nothing is known yet.
    taken: Option<u64>,
    /// Up to where they were put into the queue of events.
    queued: u64,
    /// The newest that the server told of.
    last: u64,
    /// Up to where the server took the acknowledgement.
    acked: u64,
    /// A page is under way.
    asking: bool,
    /// What `last` was when it was asked for: the page may not know of what was pushed since.
    asked_last: u64,
    /// After a page was refused, not before this time.
    not_before: Option<Instant>,
    ack_due: Option<Instant>,
    /// The acknowledgement that is under way.
    acking: Option<u64>,
    what: PhantomData<T>,
}

impl<T> Default for Told<T> {
    fn default() -> Told<T> {
        Told {
            taken: None,
            queued: 0,
            last: 0,
            acked: 0,
            asking: false,
            asked_last: 0,
            not_before: None,
            ack_due: None,
            acking: None,
            what: PhantomData,
        }
    }
}

impl<T: Telling> Told<T> {
    /// Those of a user of whom an earlier client had this.
    pub(crate) fn restore(cursor: Option<u64>) -> Told<T> {
        Told { taken: cursor, queued: cursor.unwrap_or(0), ..Told::default() }
    }

    /// What the next client begins with.
    pub(crate) fn cursor(&self) -> Option<u64> {
        self.taken
    }

    /// A session was entered: how far they go, and where a device without a memory begins.
    pub(crate) fn signed_in(&mut self, last: u64, begin: u64) {
        if self.taken.is_none() {
            (self.taken, self.queued) = (Some(begin), begin);
        }
        if self.queued > last {
            // The server went back to an older state: what it has told since then did not happen.
            (self.taken, self.queued, self.acked) = (Some(last), last, 0);
        }
        self.last = last;
    }

    /// A session was entered of a log that was put back: this device goes on where the server says.
    pub(crate) fn restored(&mut self, last: u64, begin: u64) {
        (self.taken, self.queued, self.acked, self.last) = (Some(begin), begin, 0, last);
    }

    /// One was pushed.
    pub(crate) fn pushed(&mut self, telling: T, events: &mut EventQueue) {
        let seq = telling.seq();
        self.last = self.last.max(seq);
        if seq == self.queued.saturating_add(1) && !self.asking && events.has_room_for_notices() {
            self.queued = seq;
            events.told(telling.into());
        }
    }

    /// After which seq to ask for a page now, if one is missing and there is room for it. It counts as asked.
    pub(crate) fn next_ask(&mut self, events: &EventQueue, now: Instant) -> Option<u64> {
        let due = self.not_before.is_none_or(|at| at <= now);
        if self.asking || !due || self.last <= self.queued || !events.has_room_for_notices() {
            return None;
        }
        (self.asking, self.not_before, self.asked_last) = (true, None, self.last);
        Some(self.queued)
    }

    /// The page that was asked for.
    pub(crate) fn page(&mut self, page: T::Page, events: &mut EventQueue) {
        self.asking = false;
        let (tellings, next, last) = T::open(page);
        for telling in tellings {
            let seq = telling.seq();
            if seq > self.queued && seq <= last {
                self.queued = seq;
                events.told(telling.into());
            }
        }
        if next == 0 {
            // Those in between are not kept any more.
            self.queued = self.queued.max(last);
            // Should it have told of more than there is, it is not asked again for what does not come.
            if self.last == self.asked_last {
                self.last = self.last.min(self.queued);
            }
        }
    }

    /// The page was refused.
    pub(crate) fn refused(&mut self, now: Instant) {
        self.asking = false;
        self.not_before = Some(now + Duration::from_millis(FETCH_RETRY_MS));
    }

    /// The application took everything up to this seq.
    pub(crate) fn taken(&mut self, seq: u64, now: Instant) {
        self.taken = Some(self.taken.unwrap_or(0).max(seq));
        self.schedule(now);
    }

    /// The acknowledgement that is due. It counts as sent.
    pub(crate) fn next_ack(&mut self, now: Instant) -> Option<u64> {
        if self.ack_due.is_none_or(|at| at > now) || self.acking.is_some() {
            return None;
        }
        self.ack_due = None;
        self.acking = self.taken;
        self.acking
    }

    /// The acknowledgement was answered: taken, or not.
    pub(crate) fn acknowledged(&mut self, done: bool, now: Instant) {
        if let Some(seq) = self.acking.take()
            && done
        {
            self.acked = self.acked.max(seq);
        }
        self.schedule(now);
    }

    /// The client closes: what was taken is acknowledged at once.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.ack_due = self.ack_due.map(|_| now);
    }

    /// What was under way has no answer.
    pub(crate) fn connection_lost(&mut self, now: Instant) {
        self.asking = false;
        self.acking = None;
        self.schedule(now);
    }

    /// When time passing changes something.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let ask = self.not_before.filter(|_| self.last > self.queued);
        self.ack_due.filter(|_| self.acking.is_none()).into_iter().chain(ask).min()
    }

    fn schedule(&mut self, now: Instant) {
        if self.taken.unwrap_or(0) > self.acked && self.acking.is_none() && self.ack_due.is_none() {
            self.ack_due = Some(now + Duration::from_millis(ACK_DELAY_MS));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a starting point for virtual time")]
    use super::*;
    use crate::event::Event;
    use protocol::NoticeKind;

    fn notice(seq: u64) -> Notice {
        Notice {
            seq,
            time: 0,
            kind: NoticeKind::FriendRefused,
            by: 2,
            name: "bob".into(),
            groupid: None,
            groupname: None,
            role: None,
            until: None,
        }
    }

    fn page(seqs: impl IntoIterator<Item = u64>, next: u64, last: u64) -> NoticesPage {
        NoticesPage { notices: seqs.into_iter().map(notice).collect(), next, last }
    }

    fn shown(events: &mut EventQueue) -> Vec<u64> {
        std::iter::from_fn(|| events.pop())
            .filter_map(|event| if let Event::Notice(notice) = event { Some(notice.seq) } else { None })
            .collect()
    }

    #[test]
    fn a_device_without_a_memory_begins_where_the_server_says() {
        let (mut notices, mut events, now) = (Notices::default(), EventQueue::default(), Instant::now());
        assert_eq!(notices.cursor(), None);
        notices.signed_in(7, 5);
        assert_eq!(notices.next_ask(&events, now), Some(5));
        assert_eq!(notices.next_ask(&events, now), None, "one page at a time");
        notices.page(page([6, 7], 0, 7), &mut events);
        assert_eq!(shown(&mut events), [6, 7]);
        assert_eq!(notices.cursor(), Some(5), "shown is not taken");
        notices.taken(7, now);
        assert_eq!(notices.cursor(), Some(7));
    }

    #[test]
    fn broadcasts_come_once_and_in_order_with_holes_passed_over() {
        let (mut broadcasts, mut events, now) =
            (Broadcasts::default(), EventQueue::default(), Instant::now());
        let broadcast = |id| Broadcast { id, time: 0, msg: "hi".into() };
        broadcasts.signed_in(9, 4);
        assert_eq!(broadcasts.next_ask(&events, now), Some(4));
        // What is older than the user, or was kept for long enough, is not among them.
        let page = BroadcastsPage { broadcasts: vec![broadcast(7), broadcast(9)], next: 0, last: 9 };
        broadcasts.page(page, &mut events);
        for id in [9, 10, 10, 12] {
            broadcasts.pushed(broadcast(id), &mut events);
        }
        let shown: Vec<Event> = std::iter::from_fn(|| events.pop()).collect();
        assert_eq!(shown, [7, 9, 10].map(|id| Event::Broadcast(broadcast(id))));
        assert_eq!(broadcasts.next_ask(&events, now), Some(10), "one is missing");
        broadcasts.taken(10, now);
        assert_eq!(broadcasts.cursor(), Some(10));
        assert_eq!(broadcasts.next_ack(now + Duration::from_millis(ACK_DELAY_MS)), Some(10));
    }

    #[test]
    fn what_is_pushed_while_a_page_is_under_way_is_asked_for() {
        let (mut notices, mut events, now) = (Notices::default(), EventQueue::default(), Instant::now());
        notices.signed_in(7, 5);
        assert_eq!(notices.next_ask(&events, now), Some(5));
        notices.pushed(notice(8), &mut events);
        // Read by the server before the eighth.
        notices.page(page([6, 7], 0, 7), &mut events);
        assert_eq!(notices.next_ask(&events, now), Some(7));
        notices.page(page([8], 0, 8), &mut events);
        assert_eq!(shown(&mut events), [6, 7, 8]);
        assert_eq!(notices.next_ask(&events, now), None);
    }

    #[test]
    fn a_device_with_a_memory_goes_on_with_it() {
        let (mut notices, events) = (Notices::restore(Some(3)), EventQueue::default());
        notices.signed_in(7, 7);
        assert_eq!(notices.next_ask(&events, Instant::now()), Some(3));
    }

    #[test]
    fn pushes_are_shown_once_and_in_order() {
        let (mut notices, mut events, now) = (Notices::default(), EventQueue::default(), Instant::now());
        notices.signed_in(0, 0);
        notices.pushed(notice(1), &mut events);
        notices.pushed(notice(1), &mut events);
        notices.pushed(notice(3), &mut events);
        assert_eq!(shown(&mut events), [1], "the second is missing");
        assert_eq!(notices.next_ask(&events, now), Some(1));
        notices.pushed(notice(2), &mut events);
        assert_eq!(shown(&mut events), [0; 0], "the page has it");
        notices.page(page([2, 3], 0, 3), &mut events);
        notices.pushed(notice(3), &mut events);
        notices.pushed(notice(4), &mut events);
        assert_eq!(shown(&mut events), [2, 3, 4]);
        assert_eq!(notices.next_ask(&events, now), None);
    }

    #[test]
    fn what_is_not_kept_any_more_is_not_waited_for() {
        let (mut notices, mut events, now) =
            (Notices::restore(Some(1)), EventQueue::default(), Instant::now());
        notices.signed_in(300, 1);
        assert_eq!(notices.next_ask(&events, now), Some(1));
        notices.page(page(45..=99, 99, 300), &mut events);
        assert_eq!(notices.next_ask(&events, now), Some(99));
        notices.page(page(100..=298, 0, 300), &mut events);
        assert_eq!(notices.next_ask(&events, now), None, "299 and 300 are of unknown kinds");
        assert!(shown(&mut events).into_iter().eq(45..=298));
    }

    #[test]
    fn a_server_that_tells_of_more_than_there_is_is_not_asked_for_ever() {
        let (mut notices, mut events, now) = (Notices::default(), EventQueue::default(), Instant::now());
        notices.signed_in(u64::MAX, 0);
        assert_eq!(notices.next_ask(&events, now), Some(0));
        notices.page(page([5], 0, 2), &mut events);
        assert_eq!(notices.next_ask(&events, now), None);
        assert_eq!(shown(&mut events), [0; 0], "it says itself that there is no fifth");
    }

    #[test]
    fn without_room_nothing_is_lost() {
        let (mut notices, mut events, now) = (Notices::default(), EventQueue::default(), Instant::now());
        notices.signed_in(0, 0);
        while events.has_room_for_notices() {
            events.notice(Event::Synced { missed: 0 });
        }
        notices.pushed(notice(1), &mut events);
        assert_eq!(notices.next_ask(&events, now), None);
        assert_eq!(shown(&mut events), [0; 0]);
        assert_eq!(notices.next_ask(&events, now), Some(0), "there is room again");
    }

    #[test]
    fn a_refused_page_is_asked_for_again_after_a_while() {
        let (mut notices, events, now) = (Notices::default(), EventQueue::default(), Instant::now());
        notices.signed_in(1, 0);
        assert_eq!(notices.next_ask(&events, now), Some(0));
        notices.refused(now);
        assert_eq!(notices.next_ask(&events, now), None);
        let later = notices.deadline().expect("it is tried again");
        assert_eq!(notices.next_ask(&events, later), Some(0));
    }

    #[test]
    fn what_was_taken_is_acknowledged_until_the_server_took_it() {
        let (mut notices, now) = (Notices::default(), Instant::now());
        notices.signed_in(3, 0);
        notices.taken(1, now);
        notices.taken(2, now);
        let due = notices.deadline().expect("an acknowledgement");
        assert_eq!(notices.next_ack(now), None);
        assert_eq!(notices.next_ack(due), Some(2));
        notices.connection_lost(due);
        let again = notices.deadline().expect("it may not have come");
        assert_eq!(notices.next_ack(again), Some(2));
        notices.acknowledged(true, again);
        assert_eq!(notices.deadline(), None);
        notices.taken(3, again);
        notices.hurry(again);
        assert_eq!(notices.next_ack(again), Some(3));
    }
}
