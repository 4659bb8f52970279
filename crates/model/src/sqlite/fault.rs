//! What an error of SQLite means for the caller.

use domain::StoreError;
use rusqlite::{Error, ErrorCode};

/// An error before the commit: nothing was changed, since the transaction is rolled back.
pub(super) fn before_commit(operation: &'static str, error: &Error) -> StoreError {
    if passes(error) {
        StoreError::unavailable(operation, error)
    } else {
        StoreError::failed(operation, error)
    }
}

/// An error of the commit itself. If the disk failed, the whole transaction may be in the write-ahead log without
/// being known to have reached the disk: it is invisible now, but might be found there after a crash.
pub(super) fn at_commit(operation: &'static str, error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => StoreError::outcome_unknown(operation, error),
        _ => before_commit(operation, error),
    }
}

/// Whether the same may succeed later without anybody doing anything.
fn passes(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn error(code: i32) -> Error {
        Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn sorts_by_what_the_caller_can_do() {
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED, ffi::SQLITE_NOMEM, ffi::SQLITE_BUSY_SNAPSHOT] {
            assert!(matches!(before_commit("x", &error(code)), StoreError::Unavailable { .. }), "{code}");
            assert!(matches!(at_commit("x", &error(code)), StoreError::Unavailable { .. }), "{code}");
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_CORRUPT, ffi::SQLITE_READONLY, ffi::SQLITE_CONSTRAINT] {
            assert!(matches!(before_commit("x", &error(code)), StoreError::Failed { .. }), "{code}");
            assert!(matches!(at_commit("x", &error(code)), StoreError::Failed { .. }), "{code}");
        }
        for code in [ffi::SQLITE_IOERR, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE] {
            assert!(matches!(before_commit("x", &error(code)), StoreError::Failed { .. }), "{code}");
            assert!(matches!(at_commit("x", &error(code)), StoreError::OutcomeUnknown { .. }), "{code}");
        }
        let wrong_type = Error::InvalidColumnIndex(3);
        assert!(matches!(before_commit("x", &wrong_type), StoreError::Failed { .. }));
    }
}
