//! The message log.

use std::sync::atomic::Ordering;

use domain::{
    AppendRefused, Appended, Conversation, ConversationFilter, ConversationId, Cursor, MessageLog,
    NewMessage, PageSize, Seq, StoreResult, StoredMessage, Timestamp, Touched, UserId, Window,
};

use super::append::Repeats;
use super::append_one::{self, SingleAppend};
use super::fault::{Fault, FaultKind};
use super::store::{Failure, in_transaction};
use super::{MySqlStore, append, conversations, cursors, page, touched};

impl MessageLog for MySqlStore {
    fn append(&self, batch: &[NewMessage]) -> StoreResult<Vec<Result<Appended, AppendRefused>>> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let mut repeats = self.repeats.expected();
        let mut single = match batch {
            [message] if repeats == Repeats::Unexpected && self.single_append == SingleAppend::Procedure => {
                Some(message)
            }
            _ => None,
        };
        let outcomes = self.attempt("append messages", |connection| {
            // Once: whatever is not settled by this is by the transaction.
            if let Some(message) = single.take() {
                // If it fails, it may have stored the message all the same.
                repeats = Repeats::LookedUp;
                let place = append_one::append(connection, message)
                    .inspect_err(|fault| self.note_call(fault))
                    .map_err(Failure::InCall)?;
                if let Some(place) = place {
                    return Ok(vec![Ok(place)]);
                }
            }
            in_transaction(connection, |tx| {
                let outcomes = append::append(tx, batch, repeats);
                // Where an attempt failed there may be one.
                repeats = Repeats::LookedUp;
                outcomes
            })
        })?;
        self.repeats.note(&outcomes);
        Ok(outcomes)
    }

    fn find_message(&self, sender: UserId, client_msg_id: &str) -> StoreResult<Option<Appended>> {
        self.read("find a message", |connection| append::find(connection, sender, client_msg_id))
    }

    fn seq_at(&self, conversation: ConversationId, since: Seq, time: Timestamp) -> StoreResult<Option<Seq>> {
        self.read("find a time", |connection| page::find_time(connection, conversation, since, time))
    }

    fn page(
        &self,
        conversation: ConversationId,
        since: Seq,
        window: Window,
        size: PageSize,
    ) -> StoreResult<Vec<StoredMessage>> {
        self.read("read messages", |connection| page::page(connection, conversation, since, window, size))
    }

    fn conversation(&self, user: UserId, conversation: ConversationId) -> StoreResult<Option<Conversation>> {
        self.read("find a conversation", |connection| {
            conversations::conversation(connection, user, conversation)
        })
    }

    fn conversations(
        &self,
        user: UserId,
        filter: ConversationFilter,
        after: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<Conversation>> {
        self.read("list conversations", |connection| {
            conversations::conversations(connection, user, filter, after, limit)
        })
    }

    fn touched(
        &self,
        users: &[UserId],
        since: Timestamp,
        after: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<Touched>> {
        self.read("find touched conversations", |connection| {
            touched::touched(connection, users, since, after, limit)
        })
    }

    fn advance_cursors(&self, cursors: &[Cursor]) -> StoreResult<()> {
        if cursors.is_empty() {
            return Ok(());
        }
        self.transact("advance cursors", |tx| cursors::advance(tx, cursors))
    }
}

impl MySqlStore {
    /// Tells the operator, once, of a procedure that is gone or may no longer be called: messages are stored without it,
    /// but each costs more.
    fn note_call(&self, fault: &Fault) {
        if fault.kind == FaultKind::Failed && !self.procedure_fails.swap(true, Ordering::Relaxed) {
            log::warn!("append_message failed, a transaction does its work: {}", fault.cause);
        }
    }
}
