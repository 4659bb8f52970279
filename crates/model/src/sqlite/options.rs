//! How the store is opened, and why it may not be.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::MigrationError;

/// The limits of the store. The defaults suit one server of any size.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections that read, at most: as many reads run at the same time. Opened when first needed. 4 by default.
    pub readers: usize,
    /// How long an operation waits for its connection before it is refused as unavailable; 5 s by default.
    pub wait: Duration,
    /// Pages that the writing connection keeps in memory, in KiB; 8 MiB by default.
    pub writer_cache_kib: u32,
    /// Pages that each reading connection keeps in memory, in KiB; 1 MiB by default.
    pub reader_cache_kib: u32,
    /// How large the write-ahead log grows before it is copied into the database file, in KiB; 64 MiB by default. It
    /// grows beyond while a long read holds the copying up.
    pub wal_kib: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            readers: 4,
            wait: Duration::from_secs(5),
            writer_cache_kib: 8 * 1024,
            reader_cache_kib: 1024,
            wal_kib: 64 * 1024,
        }
    }
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder, or the lock file in it, cannot be used.
    #[error("the data folder {} cannot be used: {cause}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process uses the folder.
    #[error("the data folder {} is in use by another server: stop it, or choose another folder", folder.display())]
    InUse {
        /// Which.
        folder: PathBuf,
    },
    /// The database file cannot be opened, or is none.
    #[error("the database {} cannot be opened: {cause}", file.display())]
    Database {
        /// Which.
        file: PathBuf,
        /// What SQLite said.
        cause: String,
    },
    /// The schema is not this version's, and was not brought to it.
    #[error("the database {} cannot be used: {cause}", file.display())]
    Migration {
        /// Which.
        file: PathBuf,
        /// Why, and what to do.
        cause: MigrationError,
    },
}
