//! The store: its parts, and how they start and end.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use domain::StoreResult;
use rusqlite::Connection;

use super::folder::Folder;
use super::readers::Readers;
use super::writer::{Emptied, Writer};
use super::{OpenError, Options, connection, fault, migrate};

/// The embedded store: `chat.db` in a folder of its own. Any thread. Dropping it brings everything into the one file
/// and lets go of the folder.
pub struct SqliteStore {
    // Dropped in this order: the last connection that closes writes the log into the database and removes it, and only
    // then may another process have the folder.
    readers: Readers,
    writer: Writer,
    /// Whether the log of writes may hold texts that the database does not.
    leftovers: AtomicBool,
    _folder: Folder,
}

impl SqliteStore {
    /// The schema's version: the number of its newest migration.
    pub const SCHEMA: u32 = migrate::SCHEMA;

    /// Opens the store in this folder, which is created if there is none, and brings its schema to this version's.
    pub fn open(folder: &Path, options: &Options) -> Result<SqliteStore, OpenError> {
        let folder = Folder::take(folder)?;
        let file = folder.database();
        let mut writer = connection::writer(&file, options)
            .map_err(|error| OpenError::Database { file: file.clone(), cause: error.to_string() })?;
        migrate::run(&mut writer).map_err(|cause| OpenError::Migration { file: file.clone(), cause })?;
        Ok(SqliteStore {
            readers: Readers::new(file, options.clone()),
            writer: Writer::new(writer, options.wait),
            // Of a process that ended in the middle.
            leftovers: AtomicBool::new(true),
            _folder: folder,
        })
    }

    /// Runs `work` on a connection that reads. Each statement sees one state of the store, and waits for no writer.
    pub(super) fn read<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        let reader = self.readers.take(operation)?;
        work(&reader).map_err(|error| fault::before_commit(operation, &error))
    }

    /// Runs `work` in a transaction that is on the disk when this returns, or has left no trace.
    pub(super) fn write<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        self.writer.transact(operation, work)
    }
    /// Says that a text was taken out of the database.
    pub(super) fn remember_leftovers(&self) {
        self.leftovers.store(true, Relaxed);
    }

    /// Brings the log of writes into the database and empties it, if it may hold a text that was taken out: the log has pages
    /// as they were after each commit.
    pub(super) fn wipe_leftovers(&self) -> StoreResult<()> {
        // What is taken out from now on is for the next time.
        if !self.leftovers.swap(false, Relaxed) {
            return Ok(());
        }
        let emptied = self.writer.empty_log("wipe");
        if !matches!(emptied, Ok(Emptied::Wholly)) {
            self.remember_leftovers();
        }
        emptied.map(drop)
    }
}
