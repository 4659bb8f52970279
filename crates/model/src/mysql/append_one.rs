//! Appends one message in one round trip.
//!
//! With several nodes nearly every batch is of one message, and what it costs this side is not the work but the waiting:
//! each round trip puts the thread to sleep and wakes it again. The transaction of [`append`](super::append) takes five.
//! So the procedure `append_message` does the same within the server, and row locks are no longer held while this
//! machine is slow to go on.
//!
//! What else was weighed: several statements at once must be text without bound parameters, and tell of the first error
//! only; a function, or a trigger, would be one autocommitted statement, but where there is a binary log (MySQL's
//! default) only an administrator may make one; anonymous blocks and `INSERT … RETURNING` are MariaDB's alone. Without a
//! routine on the server three round trips are the least: lock and read, insert, move on and commit. Batches stay with
//! the transaction: there the round trips are shared.
//!
//! The procedure is asked for the common case and nothing else: what it does not store, because of a repeat, of an
//! unknown conversation, of a deadlock, or of any error that the server answered, the transaction settles as always.

use ::mysql::prelude::Queryable;
use ::mysql::{Conn, Params, Value};
use domain::{Appended, NewMessage, Novelty, RosterVersion, Seq};

use super::connection::Connection;
use super::fault::{Fault, sentence};
use crate::MigrationError;

const CALL: &str = "CALL append_message(?, ?, ?, ?, ?, ?, ?, ?)";

/// How a message that comes alone is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleAppend {
    /// By a call of the database's procedure: one round trip.
    Procedure,
    /// As any batch is: five round trips. To compare with.
    Transaction,
}

/// Stores the message, durable when this returns; `None`, with nothing stored, if there is no such conversation, or it is closed.
///
/// When it fails the transaction may still be open, and unless the fault is one that rolls back, nobody knows whether it
/// was committed.
pub(super) fn append(connection: &mut Connection, message: &NewMessage) -> Result<Option<Appended>, Fault> {
    let params: Vec<Value> = vec![
        message.conversation.0.into(),
        message.sender.0.into(),
        message.client_msg_id.as_bytes().into(),
        message.time.0.into(),
        u64::from(message.kind as u8).into(),
        message.body.as_bytes().into(),
        message.reply_to.unwrap_or_default().0.into(),
        message.mentions.to_text().into_bytes().into(),
    ];
    let places: Vec<(u64, u64)> = connection.call(CALL, params)?;
    Ok(places.first().map(|&(seq, roster)| Appended {
        conversation: message.conversation,
        seq: Seq(seq),
        time: message.time,
        novelty: Novelty::New,
        roster: RosterVersion(roster),
    }))
}

/// Whether the procedure is there and may be called: dumps leave procedures out unless they are asked for, and rights to
/// call them are granted apart. Changes nothing: no conversation has the number 0.
pub(super) fn prove(conn: &mut Conn) -> Result<(), MigrationError> {
    let nothing = (0, 0, "", 0, 0, "", 0, "");
    conn.exec_drop(CALL, Params::from(nothing)).map_err(|error| MigrationError::Procedure {
        name: "append_message".to_owned(),
        cause: sentence(&error),
    })
}
