//! Entries of single conversations that are to be asked for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::limits::{ENTRIES_WANTED_MAX, GAP_PATIENCE_MS};
use crate::timelines::{Timelines, backoff};

/// Conversations whose entry in CONVERSATIONS this device needs after the list of a sign-in was read: those which the user came
/// into, or came back into, by another device. What is said in them arrives; where they begin and how far they were read is
/// only in their entry.
///
/// At most [`ENTRIES_WANTED_MAX`] wait. What finds no place is wanted again by the conversation's next message, or told by the
/// next sign-in.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    wanted: BTreeMap<u64, Wanted>,
    /// The one that is asked for.
    under_way: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    from: Instant,
    /// Times that it was asked for in vain.
    failures: u32,
}

impl Entries {
    /// The entry is needed. A moment is waited: maybe it comes by itself.
    pub(crate) fn want(&mut self, conv: u64, now: Instant) {
        if self.wanted.len() < ENTRIES_WANTED_MAX {
            let from = now + Duration::from_millis(GAP_PATIENCE_MS);
            self.wanted.entry(conv).or_insert(Wanted { from, failures: 0 });
        }
    }

    /// It came, or there is none.
    pub(crate) fn learnt(&mut self, conv: u64) {
        self.wanted.remove(&conv);
    }

    /// The conversation to ask for now, one at a time. It counts as asked.
    pub(crate) fn next_ask(&mut self, timelines: &Timelines, now: Instant) -> Option<u64> {
        let (conv, _) = self.candidates(timelines).find(|(_, wanted)| wanted.from <= now)?;
        self.under_way = Some(conv);
        Some(conv)
    }

    /// When [`Entries::next_ask`] is worth calling.
    pub(crate) fn deadline(&self, timelines: &Timelines) -> Option<Instant> {
        self.candidates(timelines).map(|(_, wanted)| wanted.from).min()
    }

    /// Before the list was read, any entry may come with it; of a conversation that has no place here yet, the timelines ask
    /// themselves.
    fn candidates(&self, timelines: &Timelines) -> impl Iterator<Item = (u64, Wanted)> {
        let may_ask = self.under_way.is_none() && timelines.is_compared();
        let wanted = self.wanted.iter().filter(move |_| may_ask).map(|(conv, wanted)| (*conv, *wanted));
        wanted.filter(|(conv, _)| timelines.have(*conv).is_some())
    }

    /// The question was answered; whether it is still of interest. It is not if the session ended meanwhile.
    pub(crate) fn answered(&mut self, conv: u64) -> bool {
        let is_awaited = self.under_way == Some(conv);
        if is_awaited {
            self.under_way = None;
        }
        is_awaited
    }

    /// The server could not answer, and demands to be left alone for `wait`.
    pub(crate) fn put_off(&mut self, conv: u64, wait: Duration, now: Instant) {
        if let Some(wanted) = self.wanted.get_mut(&conv) {
            wanted.failures = wanted.failures.saturating_add(1);
            wanted.from = now + wait.max(backoff(wanted.failures));
        }
    }

    /// The connection is lost, or nobody is signed in: the next sign-in tells all of them.
    pub(crate) fn clear(&mut self) {
        *self = Entries::default();
    }
}
