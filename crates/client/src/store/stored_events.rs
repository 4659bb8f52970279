//! Events that are kept before they are handed out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{Store, StoreError};
use crate::event::{Arrival, Event};
use crate::events::{Events, NoMoreEvents};
use crate::limits::STORE_BATCH_MAX;

/// The stream of events through a store, for one thread of the application.
///
/// What is at hand is written in one transaction, [`STORE_BATCH_MAX`] events at most; then it counts as taken, and is handed
/// out one by one. What cannot be written is handed out all the same and does not count as taken: the next client gets it
/// again. Which store it is changes between two sign-ins only: say [`StoredEvents::keep_in`] when
/// [`Event::SignedIn`] was handed out.
#[derive(Debug)]
pub struct StoredEvents {
    events: Events,
    store: Option<Arc<Store>>,
    /// Written, and not handed out yet.
    ready: VecDeque<Event>,
    /// Handed out, and not noted in the store.
    shown: BTreeMap<u64, u64>,
    trouble: Option<StoreError>,
}

impl StoredEvents {
    /// Without a store yet: before a sign-in nothing comes that is to be kept, or counts as taken.
    pub fn new(events: Events) -> StoredEvents {
        StoredEvents { events, store: None, ready: VecDeque::new(), shown: BTreeMap::new(), trouble: None }
    }

    /// Keeps everything from now on in this store. What it has and nobody was shown is handed out first.
    ///
    /// # Errors
    /// The store cannot be read; it is used all the same.
    pub fn keep_in(&mut self, store: Arc<Store>) -> Result<(), StoreError> {
        if self.store.as_ref().is_some_and(|before| Arc::ptr_eq(before, &store)) {
            return Ok(());
        }
        let noted = self.note_shown();
        self.store = Some(Arc::clone(&store));
        for message in store.unshown()?.into_iter().rev() {
            self.ready.push_front(Event::Message { message, arrival: Arrival::Missed });
        }
        noted
    }

    /// Waits for the next event, but not longer than this: then there is none.
    ///
    /// # Errors
    /// There will be no more.
    pub fn next_within(&mut self, timeout: Duration) -> Result<Option<Event>, NoMoreEvents> {
        if self.ready.is_empty() {
            self.fill(timeout)?;
        }
        let event = self.ready.pop_front();
        match &event {
            Some(Event::Message { message, .. }) => drop(self.shown.insert(message.conv, message.seq)),
            // What was shown beyond is not what bears these seqs next.
            Some(Event::Rewound { conv, to }) => drop(self.shown.insert(*conv, *to)),
            _ => {}
        }
        Ok(event)
    }

    /// Notes in the store what was handed out; whoever ends without it is handed that again.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn note_shown(&mut self) -> Result<(), StoreError> {
        let shown = std::mem::take(&mut self.shown);
        match &self.store {
            Some(store) if !shown.is_empty() => store.note_shown(&shown),
            _ => Ok(()),
        }
    }

    /// Why something was handed out without being kept, if that happened since this was last asked.
    pub fn trouble(&mut self) -> Option<StoreError> {
        self.trouble.take()
    }

    fn fill(&mut self, timeout: Duration) -> Result<(), NoMoreEvents> {
        let mut wait = timeout;
        while self.ready.len() < STORE_BATCH_MAX {
            let event = match self.events.peek_within(wait) {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(end) if self.ready.is_empty() => return Err(end),
                Err(_) => break,
            };
            let turns = matches!(event, Event::SignedIn { .. } | Event::SessionEnded(_));
            self.ready.push_back(event);
            if turns {
                break;
            }
            wait = Duration::ZERO;
        }
        let Some(store) = &self.store else { return Ok(()) };
        let events = self.ready.make_contiguous();
        if let Err(error) = store.hide_changes(events).and_then(|()| store.take(events)) {
            self.trouble = Some(error);
            return Ok(());
        }
        self.ready.iter().for_each(|event| self.events.mark(event));
        if let Err(error) = store.quote_events(self.ready.make_contiguous()) {
            self.trouble = Some(error);
        }
        Ok(())
    }
}
