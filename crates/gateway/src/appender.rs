//! Appenders: each stores the messages of its conversations, all that wait in one transaction.

use std::sync::Arc;

use crate::append_queue::AppendQueue;
use crate::desk::Desk;
use crate::post::Post;
use crate::shared::Shared;

/// An appender's thread. It has the desk of its queue for as long as messages wait; a message that comes alone is stored by
/// the worker that brings it, and comes here only if the store refuses it.
pub(crate) struct Appender {
    shared: Arc<Shared>,
    index: usize,
    post: Post,
}

impl Appender {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, post: Post) -> Appender {
        Appender { shared, index, post }
    }

    /// Stores messages until the queue is stopped.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let (queue, pause) = (&shared.appends[self.index], shared.config.append_pause);
        while let Some(mut turn) = queue.wait() {
            if !turn.desk().is_clear() {
                self.store(queue, turn.desk());
            }
            loop {
                let round = queue.len();
                let mut left = round;
                while left > 0 {
                    left -= turn.take(left);
                    self.store(queue, turn.desk());
                }
                // A message that came alone is followed by others later than a pause is worth.
                if round <= 1 || pause.is_zero() {
                    break;
                }
                queue.gather(pause);
            }
        }
    }

    /// Stores what lies on the desk, however often that takes within the limit; then every message of it is answered.
    fn store(&mut self, queue: &AppendQueue, desk: &mut Desk) {
        let (shared, post) = (&self.shared, &mut self.post);
        let first = desk.take_refusal().map_or_else(|| desk.attempt(shared, post), Err);
        let Err(mut error) = first else { return };
        let pauses = &shared.config.append_retry_pauses;
        let attempts = if desk.store_is_away() { 0 } else { pauses.len() };
        for pause in &pauses[..attempts] {
            if !queue.pause(*pause) {
                break;
            }
            log::warn!("{} messages not stored, trying again: {error}", desk.unstored());
            match desk.attempt(shared, post) {
                Ok(()) => return,
                Err(again) => error = again,
            }
        }
        log::error!("{} messages not stored, refused as busy: {error}", desk.unstored());
        desk.refuse(shared, post);
    }
}
