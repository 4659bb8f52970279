//! Messages that were typed and have no answer yet.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use client::protocol::{Blame, Reply};
use client::store::{Outgoing, Store, StoreError};
use client::{Client, ClientError, Pending};

use crate::roster::Talk;

/// Messages on their way at once; the rest waits in the store.
const UNDER_WAY_MAX: usize = 100;

/// How long one waits for a connection before it is submitted anew: in practice until there is one.
const PATIENCE: Duration = Duration::from_secs(30 * 86_400);

/// What was typed stands in the store before it is sent, and leaves it when it is answered, or when its sender is told that it
/// will not be. So a killed client's next run sends what has no answer, with the same id: the server knows what it has.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    store: Option<Arc<Store>>,
    under_way: BTreeMap<i64, UnderWay>,
    /// Everything up to this place was submitted.
    submitted: i64,
    /// Nothing waits behind it, as far as anybody said.
    drained: bool,
}

#[derive(Debug)]
struct UnderWay {
    pending: Pending,
    outgoing: Outgoing,
    watched: Watched,
}

/// Who asks for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watched {
    /// The command that typed it.
    ByCommand,
    /// Whoever looks after all.
    ByAll,
}

/// A message that will not be sent.
#[derive(Debug)]
pub(crate) struct NotSent {
    pub(crate) outgoing: Outgoing,
    pub(crate) why: ClientError,
}

impl Outbox {
    /// From now on it is that of this store. What another one has waits for its own account.
    pub(crate) fn use_store(&mut self, store: Arc<Store>) {
        if self.store.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &store)) {
            *self = Outbox { store: Some(store), ..Outbox::default() };
        }
    }

    /// Writes a message down, behind those that wait. None without a store: nobody ever was logged in.
    pub(crate) fn put(&mut self, outgoing: &Outgoing) -> Option<Result<i64, StoreError>> {
        self.drained = false;
        self.store.as_ref().map(|store| store.put_out(outgoing))
    }

    /// Somebody else sends it, and says when it is done.
    pub(crate) fn passes(&mut self, place: i64) {
        self.submitted = self.submitted.max(place);
    }

    /// It was answered, or its sender was told that it is not known to be.
    pub(crate) fn settle(&mut self, place: i64) {
        self.under_way.remove(&place);
        let settled = self.store.as_ref().map(|store| store.settle_out(place));
        if let Some(Err(error)) = settled {
            log::warn!("a message that was answered stays in the outbox: {error}");
        }
    }

    /// Submits what waits, in order. Somebody is logged in, or was and comes back.
    pub(crate) fn submit(&mut self, client: &Client, watched_place: Option<i64>) {
        let Some(store) = self.store.as_ref().filter(|_| !self.drained) else { return };
        let room = UNDER_WAY_MAX.saturating_sub(self.under_way.len());
        let waiting = match store.unsent(self.submitted, room) {
            Ok(waiting) => waiting,
            Err(error) => return log::warn!("what waits to be sent cannot be read: {error}"),
        };
        let all = waiting.len() < room;
        for unsent in waiting {
            // Those given back after a failure may have others behind them that are under way still.
            if let Entry::Vacant(free) = self.under_way.entry(unsent.place) {
                let Ok(pending) = client.submit_within(unsent.outgoing.request(), PATIENCE) else { return };
                let by_command = watched_place == Some(unsent.place);
                let watched = if by_command { Watched::ByCommand } else { Watched::ByAll };
                free.insert(UnderWay { pending, outgoing: unsent.outgoing, watched });
            }
            self.submitted = unsent.place;
        }
        self.drained = all;
    }

    /// The answer to the message that a command typed, if it is there.
    pub(crate) fn answer(&mut self, place: i64) -> Option<Result<Reply, ClientError>> {
        let answer = self.under_way.get(&place)?.pending.poll()?;
        if self.is_over(&answer) {
            self.settle(place);
        } else {
            self.give_back(place);
            return None;
        }
        Some(answer)
    }

    /// The command does not wait any longer.
    pub(crate) fn unwatch(&mut self, place: i64) {
        if let Some(message) = self.under_way.get_mut(&place) {
            message.watched = Watched::ByAll;
        }
    }

    /// Looks after all: what was answered is settled, what failed for now goes back. What will not be sent is returned.
    pub(crate) fn sweep(&mut self) -> Vec<NotSent> {
        let mut answers = Vec::new();
        for (place, message) in &self.under_way {
            if message.watched == Watched::ByAll
                && let Some(answer) = message.pending.poll()
            {
                answers.push((*place, answer));
            }
        }
        let mut not_sent = Vec::new();
        for (place, answer) in answers {
            match answer {
                answer if !self.is_over(&answer) => self.give_back(place),
                Ok(_) => self.settle(place),
                Err(why) => {
                    if let Some(message) = self.under_way.remove(&place) {
                        not_sent.push(NotSent { outgoing: message.outgoing, why });
                    }
                    self.settle(place);
                }
            }
        }
        not_sent
    }

    /// Whether anything for this conversation has no answer yet.
    pub(crate) fn waits_for(&self, conversation: Talk) -> bool {
        let Some(store) = &self.store else { return false };
        let waiting = store.unsent(0, client::limits::OUTBOX_MAX).unwrap_or_default();
        waiting.iter().any(|unsent| talk(&unsent.outgoing) == conversation)
    }

    /// What is left at the end, and whether the next run sends it.
    pub(crate) fn left(&mut self) -> Vec<(Outgoing, Left)> {
        drop(self.sweep());
        let Some(store) = &self.store else { return Vec::new() };
        let left = if store.path().as_os_str().is_empty() { Left::Lost } else { Left::Kept };
        let waiting = store.unsent(0, client::limits::OUTBOX_MAX).unwrap_or_default();
        waiting.into_iter().map(|unsent| (unsent.outgoing, left)).collect()
    }

    /// Whether an answer is the last word on a message: another attempt would bring no other.
    fn is_over(&self, answer: &Result<Reply, ClientError>) -> bool {
        match answer {
            Ok(_) => true,
            Err(ClientError::Refused(refusal)) => match refusal.code.blame() {
                Blame::Refused | Blame::Client | Blame::Nobody => true,
                Blame::Busy | Blame::Server | Blame::Session => false,
            },
            Err(
                ClientError::TooLarge { .. } | ClientError::NotForCallers(_) | ClientError::BadAnswer { .. },
            ) => true,
            Err(
                ClientError::ConnectionLost { .. }
                | ClientError::TimedOut { .. }
                | ClientError::SessionEnded
                | ClientError::QueueFull
                | ClientError::Closed,
            ) => false,
        }
    }

    fn give_back(&mut self, place: i64) {
        self.under_way.remove(&place);
        self.submitted = self.submitted.min(place - 1);
        self.drained = false;
    }
}

/// What becomes of a message that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The next run sends it.
    Kept,
    /// Nothing was to be remembered.
    Lost,
}

/// Whom a message is for.
pub(crate) fn talk(outgoing: &Outgoing) -> Talk {
    match outgoing {
        Outgoing::Friend(chat) => Talk::Friend(chat.to),
        Outgoing::Group(chat) => Talk::Group(chat.groupid),
    }
}
