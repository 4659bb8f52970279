//! Appenders: each stores the messages of its conversations, all that wait in one transaction.

use std::sync::Arc;

use service::Batch;

use crate::append_queue::Queued;
use crate::budget::Claim;
use crate::clock;
use crate::lane::Lane;
use crate::post::Post;
use crate::shared::Shared;

/// An appender's thread.
pub(crate) struct Appender {
    shared: Arc<Shared>,
    index: usize,
    post: Post,
    /// The last batch was refused after all attempts. Until one is stored again each is tried once: who waited behind
    /// others must not wait their time and then its own.
    store_is_away: bool,
}

impl Appender {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, post: Post) -> Appender {
        Appender { shared, index, post, store_is_away: false }
    }

    /// Stores messages until the queue is stopped.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut taken: Vec<Queued> = Vec::new();
        let mut batch = Batch::default();
        let mut lanes: Vec<(Arc<Lane>, Claim)> = Vec::new();
        while shared.appends[self.index].take(&mut taken) {
            let is_busy = taken.len() > 1;
            let mut waiting = taken.drain(..).peekable();
            while waiting.peek().is_some() {
                for queued in waiting.by_ref().take(shared.config.append_batch_max) {
                    lanes.push((queued.lane, queued.claim));
                    batch.push(queued.pending);
                }
                self.store(&mut batch);
                self.release(&mut lanes);
            }
            // A message that came alone is followed by others later than a pause is worth.
            if is_busy && !shared.config.append_pause.is_zero() {
                shared.appends[self.index].gather(shared.config.append_pause);
            }
        }
    }

    /// Stores a batch, however often that takes within the limit; then every message of it is answered.
    fn store(&mut self, batch: &mut Batch) {
        let shared = &self.shared;
        let (begun, messages) = (clock::read(), batch.len() as u64);
        let attempts = if self.store_is_away { 0 } else { shared.config.append_retry_pauses.len() };
        let mut pauses = shared.config.append_retry_pauses.iter().take(attempts);
        loop {
            let error = match shared.service.append(batch) {
                Ok(()) => {
                    self.store_is_away = false;
                    shared.counters.append_groups.add(1);
                    shared.counters.append_messages.add(messages);
                    let took = clock::read().saturating_duration_since(begun);
                    return shared.counters.append_us.add(took.as_micros() as u64);
                }
                Err(error) => error,
            };
            shared.counters.append_failed.add(1);
            match pauses.next() {
                // A repeat does no harm: what was stored after all is found again by its client message id.
                Some(pause) if shared.appends[self.index].pause(*pause) => {
                    log::warn!("{} messages not stored, trying again: {error}", batch.len());
                }
                _ => {
                    log::error!("{} messages not stored, refused as busy: {error}", batch.len());
                    shared.counters.busy_store.add(batch.len() as u64);
                    self.store_is_away = true;
                    return shared.service.refuse(batch);
                }
            }
        }
    }

    /// Tells lanes that their messages were answered; rows of one lane at once.
    fn release(&mut self, lanes: &mut Vec<(Arc<Lane>, Claim)>) {
        for row in lanes.chunk_by(|(a, _), (b, _)| Arc::ptr_eq(a, b)) {
            let lane = &row[0].0;
            self.shared.answered(lane, row.len() as u32, &mut self.post);
            let scheduling = lane.appended(row.len() as u32);
            self.shared.schedule(lane, scheduling);
        }
        lanes.clear();
        self.post.flush();
    }
}
