//! Speaking to connections from other threads.

use std::sync::Arc;

use bytes::Bytes;

use crate::{CloseReason, ConnId, mailbox::Mailbox};

/// What one thread may ask of a connection that lives in another. A command for a connection that is gone or on its
/// way out is dropped and counted as stale; no command is ever lost otherwise.
#[derive(Debug)]
pub enum Command<M> {
    /// Append a chunk to one outbox.
    Send {
        /// Whose outbox.
        to: ConnId,
        /// The bytes; shared, not copied.
        chunk: Bytes,
    },
    /// Append the same chunk to many outboxes: encoded once, one command per loop.
    SendMany {
        /// Connections of the one loop that this is posted to; others are dropped as stale.
        to: Arc<[ConnId]>,
        /// The bytes; shared, not copied.
        chunk: Bytes,
    },
    /// Call [`Handler::mail`](crate::Handler::mail).
    Mail {
        /// Whose handler state it is for.
        to: ConnId,
        /// What is told.
        mail: M,
    },
    /// Close once all is written.
    Close {
        /// Which connection.
        to: ConnId,
        /// Last bytes, appended to the outbox before it is closed.
        last: Option<Bytes>,
        /// What [`Handler::closed`](crate::Handler::closed) is told.
        reason: CloseReason,
    },
}

/// The way into every loop of a reactor. Cheap to clone.
///
/// **Thread rule:** usable from every thread. The posting methods without `try_` wait while the mailbox is full
/// (`mailbox_commands_max`); a loop never waits for anybody, so it always empties its mailbox and the wait ends.
/// For the same reason a handler, which runs in a loop's thread, uses only the `try_` methods (or
/// [`Link::send_to`](crate::Link::send_to)). Should it call a waiting one all the same, the commands are taken beyond
/// the limit and counted as `mailbox_overfills`, because two loops waiting for each other would never end.
///
/// Commands posted by one thread to one loop are carried out in the order posted. After the reactor's end commands
/// are dropped and counted as stale.
pub struct Remote<M> {
    loops: Arc<[Arc<Mailbox<M>>]>,
}

impl<M> Remote<M> {
    pub(crate) fn new(loops: Arc<[Arc<Mailbox<M>>]>) -> Self {
        Self { loops }
    }

    /// How many loops there are; loop indexes are below it.
    pub fn loops(&self) -> usize {
        self.loops.len()
    }

    /// Moves a whole batch into one loop's mailbox, normally under one lock and with at most one wake. The batch is
    /// empty afterwards and keeps some capacity for its next use. All its commands must be for that loop.
    ///
    /// # Panics
    /// If there is no such loop.
    pub fn post(&self, loop_index: usize, batch: &mut Vec<Command<M>>) {
        self.loops[loop_index].post(batch);
    }

    /// Like [`post`](Self::post), but never waits.
    ///
    /// # Errors
    /// [`MailboxFull`] if not all had room: the front of the batch, as much as fitted, was moved in order, and the
    /// rest stays in the batch.
    ///
    /// # Panics
    /// If there is no such loop.
    pub fn try_post(&self, loop_index: usize, batch: &mut Vec<Command<M>>) -> Result<(), MailboxFull> {
        self.loops[loop_index].offer(batch);
        if batch.is_empty() { Ok(()) } else { Err(MailboxFull { left: batch.len() }) }
    }

    /// Posts one [`Command::Send`]. For more than one at a time gather a batch.
    pub fn send(&self, to: ConnId, chunk: Bytes) {
        self.post_one(to, Command::Send { to, chunk });
    }

    /// Posts one [`Command::Mail`].
    pub fn mail(&self, to: ConnId, mail: M) {
        self.post_one(to, Command::Mail { to, mail });
    }

    /// Posts one [`Command::Close`].
    pub fn close(&self, to: ConnId, last: Option<Bytes>, reason: CloseReason) {
        self.post_one(to, Command::Close { to, last, reason });
    }

    fn post_one(&self, to: ConnId, command: Command<M>) {
        // A name that was never given out may hold any loop index; it is as dead as a closed connection's.
        if let Some(mailbox) = self.loops.get(to.loop_index()) {
            mailbox.post(&mut vec![command]);
        }
    }
}

impl<M> Clone for Remote<M> {
    fn clone(&self) -> Self {
        Self { loops: Arc::clone(&self.loops) }
    }
}

/// A mailbox had no room for all of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mailbox full, {left} commands left in the batch")]
pub struct MailboxFull {
    /// Commands still in the batch.
    pub left: usize,
}
