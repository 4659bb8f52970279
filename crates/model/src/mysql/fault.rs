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
        Fault { kind, cause: cause_of(&error) }
    }
}

/// Errors whose sentence quotes what was to be stored: duplicate entries, values that do not fit, characters that are none.
const QUOTING: [u16; 11] = [1062, 1292, 1300, 1366, 1367, 1411, 1525, 1526, 1586, 1761, 1762];

/// What the operator reads. It goes to the log, where no text of a message and no secret may stand.
fn cause_of(error: &Error) -> String {
    match error {
        Error::MySqlError(answer) if QUOTING.contains(&answer.code) => {
            format!(
                "ERROR {} ({}), whose sentence is left out, since it quotes data",
                answer.code, answer.state
            )
        }
        other => sentence(other),
    }
}

/// An error in words. The driver's own begins with the name of a type, and puts the sentence between braces.
pub(super) fn sentence(error: &Error) -> String {
    match error {
        Error::IoError(error) => error.to_string(),
        Error::CodecError(error) => error.to_string(),
        Error::MySqlError(answer) => answer.to_string(),
        Error::DriverError(error) => error.to_string(),
        Error::UrlError(error) => error.to_string(),
        Error::FromRowError(_) | Error::FromValueError(_) => error.to_string(),
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
        // Too many connections, of all and of this user; another limit of this user.
        1040 | 1203 | 1226 => FaultKind::Refused,
        // Read-only server, and mode.
        1290 | 1836 => FaultKind::ReadOnly,
        // Query interrupted; out of time (MariaDB 1969, MySQL 3024).
        1317 | 1969 | 3024 => FaultKind::Refused,
        _ => FaultKind::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: u16) -> Fault {
        Fault::from(Error::MySqlError(MySqlError {
            code,
            state: "HY000".to_owned(),
            message: "said the server".to_owned(),
        }))
    }

    fn lost() -> Fault {
        Fault::from(Error::server_disconnected())
    }

    #[test]
    fn what_may_pass_is_unavailable_and_the_rest_has_failed() {
        for code in [1205, 1213, 1040, 1053, 1203, 1290, 1836, 1927, 1969, 3024, 4031] {
            let error = fault(code).unchanged("test");
            assert!(matches!(error, StoreError::Unavailable { .. }), "{code}: {error}");
        }
        assert!(matches!(lost().unchanged("test"), StoreError::Unavailable { .. }));
        // Disk full, no such table, data too long, syntax.
        for code in [1021, 1146, 1406, 1064] {
            let error = fault(code).unchanged("test");
            assert!(matches!(error, StoreError::Failed { .. }), "{code}: {error}");
        }
    }

    #[test]
    fn no_data_that_the_server_quotes_is_passed_on() {
        let said = |code, message: &str| {
            Fault::from(Error::MySqlError(MySqlError {
                code,
                state: "HY000".to_owned(),
                message: message.to_owned(),
            }))
            .unchanged("test")
            .to_string()
        };
        for code in QUOTING {
            let error =
                said(code, "Incorrect string value: 'meet me at nine' for column `chat`.`messages`.`body`");
            assert!(!error.contains("nine") && error.contains(&code.to_string()), "{error}");
        }
        assert!(said(1146, "Table 'chat.messages' doesn't exist").contains("chat.messages"));
    }

    #[test]
    fn what_the_operator_reads_is_a_sentence() {
        let io = std::io::Error::other("the cable is out");
        let errors = [
            Error::server_disconnected(),
            Error::DriverError(DriverError::ConnectTimeout),
            Error::IoError(io),
        ];
        for error in errors {
            let cause = Fault::from(error).cause;
            assert!(!cause.is_empty() && !cause.contains(['{', '}']), "{cause}");
        }
        assert_eq!(fault(1146).cause, "ERROR 1146 (HY000): said the server");
    }

    #[test]
    fn a_commit_that_failed_is_unknown_unless_the_server_says_otherwise() {
        for code in [1213, 1290, 1836] {
            assert!(matches!(fault(code).at_commit("test"), StoreError::Unavailable { .. }), "{code}");
        }
        for code in [1053, 1180, 1317, 1927, 1969, 4031] {
            assert!(matches!(fault(code).at_commit("test"), StoreError::OutcomeUnknown { .. }), "{code}");
        }
        assert!(matches!(lost().at_commit("test"), StoreError::OutcomeUnknown { .. }));
    }

    #[test]
    fn a_lost_connection_is_known_by_its_error() {
        for code in [1053, 1927, 4031] {
            assert_eq!(fault(code).kind, FaultKind::Lost, "{code}");
        }
        assert_eq!(lost().kind, FaultKind::Lost);
        assert_eq!(Fault::from(Error::DriverError(DriverError::PacketOutOfSync)).kind, FaultKind::Lost);
        assert_eq!(Fault::from(Error::DriverError(DriverError::PacketTooLarge)).kind, FaultKind::Failed);
    }
}
