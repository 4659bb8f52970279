//! Our numbers are unsigned, SQLite's are signed.

use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};

/// A number for SQLite. One that is too large becomes the largest, which names nothing (ids are counted up) and stands
/// behind everything, as the number itself would.
pub(super) fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A column that holds a number of ours; a negative one was not written by us.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let stored: i64 = row.get(column)?;
    u64::try_from(stored).map_err(|_| out_of_range(column, stored))
}

/// The same for a count.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    let stored: i64 = row.get(column)?;
    u32::try_from(stored).map_err(|_| out_of_range(column, stored))
}

/// A column that holds what no version of ours writes there.
pub(super) fn out_of_range(column: usize, stored: i64) -> rusqlite::Error {
    let cause = Box::new(FromSqlError::OutOfRange(stored));
    rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, cause)
}

/// A column that holds a text which no version of ours writes there.
pub(super) fn unreadable(column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(FromSqlError::InvalidType))
}
