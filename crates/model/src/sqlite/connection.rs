//! Opening connections with the settings that everything else relies on.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::Options;

/// For a new file; an existing one keeps its own.
pub(super) const PAGE_BYTES: u32 = 4096;

/// Statements that a connection keeps prepared: all of ours.
const STATEMENTS_KEPT: usize = 64;

/// After a burst the write-ahead log's file is cut back to this size.
const WAL_BYTES_KEPT: u32 = 64 * 1024 * 1024;

/// Only tools that an operator points at the file hold its locks: our own writers wait for each other elsewhere.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The connection that writes. Creates the file.
pub(super) fn writer(file: &Path, options: &Options) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = open(file, flags, options.writer_cache_kib)?;
    // The page size first: the file gets it when it is switched to WAL.
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_BYTES};
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA journal_size_limit = {WAL_BYTES_KEPT};
         PRAGMA wal_autocheckpoint = {};",
        options.wal_kib * 1024 / PAGE_BYTES
    ))?;
    Ok(connection)
}

/// A connection that reads.
pub(super) fn reader(file: &Path, options: &Options) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    open(file, flags, options.reader_cache_kib)
}

fn open(file: &Path, flags: OpenFlags, cache_kib: u32) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.execute_batch(&format!(
        "PRAGMA cache_size = -{cache_kib}; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
    ))?;
    Ok(connection)
}
