//! What can go wrong with a statement, sorted by what can be done about it.

use ::mysql::{DriverError, Error, MySqlError};
use domain::StoreError;

/// A statement that failed.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// For the operator.
    pub(super) cause: String,
}

/// What can be done about a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The server chose this transaction to break a deadlock and rolled it back: again at once.
    Deadlock,
    /// Somebody held a lock for too long: roll back, then again.
    LockWait,
    /// A unique key is taken, by somebody who was faster: read again.
    Duplicate,
    /// The connection is gone, or cannot be trusted any more.
    Lost,
    /// The server is there and cannot do it now: too busy, or it gave up on the statement in time.
    Refused,
    /// The server takes no changes now.
    ReadOnly,
    /// Trying again will not help.
    Failed,
}

impl Fault {
    /// A fault that trying again will not help.
    pub(super) fn failed(cause: impl Into<String>) -> Fault {
        Fault { kind: FaultKind::Failed, cause: cause.into() }
    }

    /// As the ports say it, for an operation that certainly changed nothing.
    pub(super) fn unchanged(self, operation: &'static str) -> StoreError {
        match self.kind {
            FaultKind::Deadlock
            | FaultKind::LockWait
            | FaultKind::Lost
            | FaultKind::Refused
            | FaultKind::ReadOnly => StoreError::unavailable(operation, self.cause),
            FaultKind::Duplicate | FaultKind::Failed => StoreError::failed(operation, self.cause),
        }
    }

    /// As the ports say it, for a COMMIT that failed.
    pub(super) fn at_commit(self, operation: &'static str) -> StoreError {
        match self.kind {
            // The server says that it rolled back, or that it did not begin to commit.
            FaultKind::Deadlock | FaultKind::ReadOnly => StoreError::unavailable(operation, self.cause),
            FaultKind::LockWait
            | FaultKind::Duplicate
            | FaultKind::Lost
            | FaultKind::Refused
            | FaultKind::Failed => StoreError::outcome_unknown(operation, self.cause),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let kind = match &error {
            Error::MySqlError(answer) => kind_of(answer),
            Error::IoError(_) | Error::CodecError(_) => FaultKind::Lost,
            Error::DriverError(
                DriverError::PacketTooLarge
                | DriverError::MismatchedStmtParams(..)
                | DriverError::Params(_)
                | DriverError::MixedParams,
            ) => FaultKind::Failed,
            Error::DriverError(_) => FaultKind::Lost,
            Error::UrlError(_) | Error::FromValueError(_) | Error::FromRowError(_) => FaultKind::Failed,
        };
        Fault { kind, cause: error.to_string() }
    }
}

/// The numbers are those of the MySQL and MariaDB error references, which agree but where noted.
fn kind_of(answer: &MySqlError) -> FaultKind {
    match answer.code {
        1213 => FaultKind::Deadlock,
        1205 => FaultKind::LockWait,
        1062 => FaultKind::Duplicate,
        // Shutdown in progress; connection killed (MariaDB); idle for too long (MySQL).
        1053 | 1927 | 4031 => FaultKind::Lost,
        // Too many connections, of all and of this user; no right to connect now.
        1040 | 1203 | 1226 => FaultKind::Refused,
        // Read-only server, and mode.
        1290 | 1836 => FaultKind::ReadOnly,
        // Query interrupted; out of time (MariaDB 1969, MySQL 3024).
        1317 | 1969 | 3024 => FaultKind::Refused,
        _ => FaultKind::Failed,
    }
}
