//! Messages of which nobody knows whether they are stored.

use domain::{Appended, NewMessage, Timestamp, UserId};
use quick_cache::sync::Cache;

use crate::cache_numbers::{CacheSnapshot, Lookups};

/// Such messages that are remembered. One that is forgotten costs latency only: its readers notice it with the next
/// message of its conversation.
const UNSETTLED_MAX: usize = 16_384;

/// Remembers messages whose append had an unknown outcome. When such a message turns out to be a repeat, it may have
/// been stored by that very append: then nobody has delivered it yet. Any thread.
pub(crate) struct Unsettled {
    times: Cache<(UserId, String), Timestamp>,
    lookups: Lookups,
}

impl Unsettled {
    pub(crate) fn new() -> Unsettled {
        Unsettled { times: Cache::new(UNSETTLED_MAX), lookups: Lookups::default() }
    }

    /// Remembers messages that may be stored now, at their time.
    pub(crate) fn remember(&self, messages: &[NewMessage]) {
        for message in messages {
            self.times.insert((message.sender, message.client_msg_id.clone()), message.time);
        }
    }

    /// Whether the place that a repeat was given is of an append with an unknown outcome.
    pub(crate) fn settle(&self, message: &NewMessage, place: &Appended) -> bool {
        if self.times.is_empty() || message.conversation != place.conversation {
            return false;
        }
        let key = (message.sender, message.client_msg_id.clone());
        let remembered = self.lookups.count(self.times.remove(&key));
        remembered.is_some_and(|(_, time)| time == place.time)
    }

    /// What is remembered.
    pub(crate) fn snapshot(&self) -> CacheSnapshot {
        let times = &self.times;
        self.lookups.snapshot("unsettled", times.len(), times.weight(), times.capacity())
    }
}
