//! Where the messages of one append queue are stored.

use std::sync::Arc;
use std::time::Instant;

use service::Batch;
use service::domain::{ConversationId, StoreError};

use crate::append_queue::Queued;
use crate::budget::Claim;
use crate::clock;
use crate::lane::Lane;
use crate::post::Post;
use crate::shared::Shared;

/// One batch of an append queue, and what is known of the store. There is one desk a queue, and whoever has it stores the
/// queue's messages: mostly the appender, or a worker for one batch and one attempt. So no message overtakes another.
#[derive(Default)]
pub(crate) struct Desk {
    /// What is not stored; empty between two batches.
    batch: Batch,
    /// Those that wait for the batch, one for each of its messages; nobody waits for what the server does by itself.
    lanes: Vec<(Option<Arc<Lane>>, Option<Claim>)>,
    /// When the first attempt at this batch began.
    begun: Option<Instant>,
    /// One of the batch's conversations, from its first attempt on.
    of: Option<ConversationId>,
    /// Why the last attempt at this batch failed, if a worker made it: the next one is the appender's.
    refusal: Option<StoreError>,
    /// The last batch was refused after all attempts. Until one is stored again each is tried once, and by the appender: who
    /// waited behind others must not wait their time and then its own.
    store_is_away: bool,
}

impl Desk {
    /// Whether nothing is left from before.
    pub(crate) fn is_clear(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Whether the last batch was refused.
    pub(crate) fn store_is_away(&self) -> bool {
        self.store_is_away
    }

    /// Adds messages at the batch's end.
    pub(crate) fn lay(&mut self, messages: impl Iterator<Item = Queued>) {
        for queued in messages {
            self.lanes.push((queued.lane, queued.claim));
            self.batch.push(queued.pending);
        }
    }

    /// Tries to store the batch; if that works, every message of it is answered. A repeat does no harm: what was stored after
    /// all is found again by its client message id.
    pub(crate) fn attempt(&mut self, shared: &Shared, post: &mut Post) -> Result<(), StoreError> {
        let begun = *self.begun.get_or_insert_with(clock::read);
        if self.of.is_none() {
            self.of = self.batch.messages().next().map(|(message, _)| message.conversation);
            // Before anybody can read them in the log.
            shared.hub.take_up(&self.batch);
        }
        if let Err(error) = shared.service.append(&mut self.batch) {
            shared.counters.append_failed.add(1);
            return Err(error);
        }
        self.store_is_away = false;
        shared.counters.append_groups.add(1);
        shared.counters.append_messages.add(self.lanes.len() as u64);
        let took = clock::read().saturating_duration_since(begun);
        shared.counters.append_us.add(took.as_micros() as u64);
        self.clear(shared, post);
        Ok(())
    }

    /// Leaves the batch to the appender, after the one attempt of a worker.
    pub(crate) fn leave(&mut self, refusal: StoreError) {
        self.refusal = Some(refusal);
    }

    /// Why a worker could not store the batch.
    pub(crate) fn take_refusal(&mut self) -> Option<StoreError> {
        self.refusal.take()
    }

    /// Messages that are not stored.
    pub(crate) fn unstored(&self) -> usize {
        self.batch.len()
    }

    /// Answers BUSY to all that is not stored.
    pub(crate) fn refuse(&mut self, shared: &Shared, post: &mut Post) {
        shared.counters.busy_store.add(self.batch.len() as u64);
        self.store_is_away = true;
        shared.service.refuse(&mut self.batch);
        self.clear(shared, post);
    }

    /// Tells lanes that their messages were answered; rows of one lane at once.
    fn clear(&mut self, shared: &Shared, post: &mut Post) {
        let same = |a: &Option<Arc<Lane>>, b: &Option<Arc<Lane>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        for row in self.lanes.chunk_by(|(a, _), (b, _)| same(a, b)) {
            let Some(lane) = &row[0].0 else { continue };
            shared.answered(lane, row.len() as u32, post);
            let scheduling = lane.appended(row.len() as u32);
            shared.schedule(lane, scheduling);
        }
        self.lanes.clear();
        self.begun = None;
        if let Some(of) = self.of.take() {
            shared.hub.put_down(of);
        }
        post.flush();
    }
}
