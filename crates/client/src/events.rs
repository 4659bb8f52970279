//! The application's end of the queue of events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mio::Waker;

use crate::event::Event;

/// The stream of events, for one thread of the application.
///
/// Holds at most [`EVENTS_MAX`](crate::limits::EVENTS_MAX). An application that does not take them loses no message: they
/// stay on the server until there is room. A message counts as taken, and is acknowledged, once it is handed out here.
/// Dropping this drops all events from then on; calls go on.
#[derive(Debug)]
pub struct Events {
    pub(crate) receiver: Receiver<Event>,
    pub(crate) taken: Arc<Taken>,
}

/// There will be no more events: every [`Client`](crate::Client) was dropped or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client is closed")]
pub struct NoMoreEvents;

/// What the application took, on its way to the I/O thread.
#[derive(Debug)]
pub(crate) struct Taken {
    news: Mutex<TakenNews>,
    /// The I/O thread holds an event back because there was no room.
    stalled: AtomicBool,
    waker: Arc<Waker>,
}

/// What was taken since this was last asked.
#[derive(Debug, Default)]
pub(crate) struct TakenNews {
    /// Conversation → seq.
    pub(crate) cursors: HashMap<u64, u64>,
    /// Conversation → position of its changes.
    pub(crate) changes: HashMap<u64, u64>,
    /// Up to which of the user's notices.
    pub(crate) notices: Option<u64>,
    /// Up to which broadcast.
    pub(crate) broadcasts: Option<u64>,
    /// Up to which of what the user hid.
    pub(crate) hidden: Option<u64>,
}

impl TakenNews {
    fn is_empty(&self) -> bool {
        let Self { cursors, changes, notices, broadcasts, hidden } = self;
        cursors.is_empty()
            && changes.is_empty()
            && notices.is_none()
            && broadcasts.is_none()
            && hidden.is_none()
    }
}

impl Events {
    /// Waits for the next event.
    pub fn next(&self) -> Result<Event, NoMoreEvents> {
        self.receiver.recv().map(|event| self.note(event)).map_err(|_| NoMoreEvents)
    }

    /// Waits for the next event, but not longer than this: then there is none.
    pub fn next_within(&self, timeout: Duration) -> Result<Option<Event>, NoMoreEvents> {
        match self.receiver.recv_timeout(timeout) {
            Ok(event) => Ok(Some(self.note(event))),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(NoMoreEvents),
        }
    }

    /// The next event, if one is there.
    pub fn try_next(&self) -> Result<Option<Event>, NoMoreEvents> {
        match self.receiver.try_recv() {
            Ok(event) => Ok(Some(self.note(event))),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(NoMoreEvents),
        }
    }

    /// What is next, without its being taken by that: whoever has kept it says [`Events::mark`].
    #[cfg(feature = "store")]
    pub(crate) fn peek_within(&self, timeout: Duration) -> Result<Option<Event>, NoMoreEvents> {
        let event = match self.receiver.recv_timeout(timeout) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Err(NoMoreEvents),
        };
        self.taken.made_room();
        Ok(event)
    }

    fn note(&self, event: Event) -> Event {
        self.mark(&event);
        self.taken.made_room();
        event
    }

    /// The event is taken.
    pub(crate) fn mark(&self, event: &Event) {
        match event {
            Event::Message { message, .. } => self.taken.note(|news| {
                let cursor = news.cursors.entry(message.conv).or_insert(0);
                *cursor = (*cursor).max(message.seq);
            }),
            Event::Changed(changed) => self.taken.note(|news| {
                let cursor = news.changes.entry(changed.conv).or_insert(0);
                *cursor = (*cursor).max(changed.position);
            }),
            // What was taken of it before is of no use.
            Event::Rewound { conv, .. } => self.taken.note(|news| {
                news.cursors.remove(conv);
            }),
            // The same.
            Event::Restored => self.taken.note(|news| {
                news.changes.clear();
                news.hidden = None;
            }),
            Event::Hidden(hidden) => {
                self.taken.note(|news| news.hidden = Some(hidden.position.max(news.hidden.unwrap_or(0))));
            }
            Event::Notice(notice) => {
                self.taken.note(|news| news.notices = Some(notice.seq.max(news.notices.unwrap_or(0))));
            }
            Event::Broadcast(broadcast) => self.taken.note(|news| {
                news.broadcasts = Some(broadcast.id.max(news.broadcasts.unwrap_or(0)));
            }),
            _ => {}
        }
    }
}

impl Taken {
    pub(crate) fn new(waker: Arc<Waker>) -> Taken {
        Taken { news: Mutex::default(), stalled: AtomicBool::new(false), waker }
    }

    /// Everything that was noted since this was last asked. The I/O thread.
    pub(crate) fn drain(&self) -> TakenNews {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, add: impl FnOnce(&mut TakenNews)) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = news.is_empty();
        add(&mut news);
        drop(news);
        if was_empty {
            self.wake();
        }
    }

    /// There is no room for an event. The I/O thread, which must try once more afterwards: the application may have made
    /// room just before it could see this.
    pub(crate) fn stall(&self) {
        self.stalled.store(true, Ordering::SeqCst);
    }

    fn made_room(&self) {
        if self.stalled.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            log::warn!("the I/O thread cannot be woken: {error}");
        }
    }
}
