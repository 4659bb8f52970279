//! Every limit of the admin server, and what happens there.

use std::time::Duration;

/// Connections at a time; another is answered 503 and closed. Many more than an operator has scrapers and probes.
pub(crate) const CONNECTIONS_MAX: usize = 64;

/// Bytes of one request's head; a larger one is answered 431 and closed.
pub(crate) const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Bytes of an order's body; a larger one is answered 413 and closed. A broadcast with every character escaped fits.
pub(crate) const BODY_BYTES_MAX: usize = 32 * 1024;

/// Orders that wait for the one that is carried out; another is answered 503.
pub(crate) const ORDERS_WAITING_MAX: usize = 8;

/// Until an order is answered; then its connection is closed. It is carried out all the same.
pub(crate) const ORDER_TIMEOUT: Duration = Duration::from_secs(60);

/// Header lines of one request; more are answered 431 and closed.
pub(crate) const HEADERS_MAX: usize = 64;

/// Requests of one connection; the last one's answer says that it closes.
pub(crate) const REQUESTS_MAX: u32 = 1_000;

/// From connecting, or from the last answer, to the whole head of a request; then the connection is closed.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A peer that takes nothing for so long while an answer waits is cut.
pub(crate) const WRITE_STALL: Duration = Duration::from_secs(5);

/// Bytes read from one connection per turn.
pub(crate) const READ_BYTES: usize = 4 * 1024;

/// Bytes of answers that a peer has not taken; until it has, nothing more of it is read or answered.
pub(crate) const UNTAKEN_BYTES_HIGH: usize = 64 * 1024;
/// It is read from again when there are fewer.
pub(crate) const UNTAKEN_BYTES_LOW: usize = 16 * 1024;
/// More than that is never owed: the high mark and one answer.
pub(crate) const UNTAKEN_BYTES_HARD: usize = 16 * 1024 * 1024;

// An unfinished request is kept until it is whole or too large, so there must be room for more than that.
const _: () = assert!(INPUT_BYTES_MAX > HEAD_BYTES_MAX + BODY_BYTES_MAX + READ_BYTES);
/// Input kept of one connection.
pub(crate) const INPUT_BYTES_MAX: usize = 64 * 1024;
