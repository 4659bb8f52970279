//! Opening connections with the settings that everything else relies on.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::Options;

/// For a new file; an existing one keeps its own.
const PAGE_BYTES: u32 = 4096;

/// Statements that a connection keeps prepared: all of ours.
const STATEMENTS_KEPT: usize = 64;

/// The connection that writes. Creates the file.
pub(super) fn writer(file: &Path, options: &Options) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | COMMON;
    let connection = Connection::open_with_flags(file, flags)?;
    prepare(&connection, options, options.writer_cache_kib)?;
    // The page size first: the file gets it when it is switched to WAL. What is deleted or replaced, such as a text that was
    // recalled, is overwritten, and so are pages that become free altogether.
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_BYTES};
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA journal_size_limit = {};
         PRAGMA wal_autocheckpoint = {};",
        i64::from(options.wal_kib) * 1024,
        i64::from(options.wal_kib) * 1024 / i64::from(PAGE_BYTES),
    ))?;
    Ok(connection)
}

/// A connection that reads.
pub(super) fn reader(file: &Path, options: &Options) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | COMMON)?;
    prepare(&connection, options, options.reader_cache_kib)?;
    Ok(connection)
}

/// A connection is used by one thread at a time: the writer's lock and the readers' pool see to it.
const COMMON: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX.union(OpenFlags::SQLITE_OPEN_EXRESCODE);

fn prepare(connection: &Connection, options: &Options, cache_kib: u32) -> rusqlite::Result<()> {
    // Only tools that an operator points at the file hold its locks: our own writers wait for each other elsewhere.
    connection.busy_timeout(options.wait)?;
    // Without it, SQLite built with STAT4 prepares many a statement anew whenever other values are bound to it, in case
    // they call for another plan: ours have one good plan, and preparing costs ten times what running does.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.execute_batch(&format!(
        "PRAGMA cache_size = -{cache_kib}; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
    ))
}
