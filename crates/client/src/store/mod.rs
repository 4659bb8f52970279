//! An own copy of one account's messages: to read and search without a connection, and to go on from.
//!
//! A [`Store`] is one SQLite file, of one account on one server, used by one process at a time. [`StoredEvents`] puts it
//! between the client and the application: what arrives is written, with the cursor that says so in the same transaction,
//! and only then acknowledged and handed out. Killed at any moment, the next process begins where the file stands, and
//! is handed again what was written and not yet said to be shown. [`Store::sync_state`] and [`Store::lists`] are what the next
//! [`Config`](crate::Config) wants; the outbox has what was to be said and was not answered.
//!
//! Any thread may use a store; one at a time does, and nobody has it while waiting for the server.

mod error;
mod file;
mod history;
mod lists;
mod messages;
mod outbox;
mod prune;
mod readings;
mod schema;
mod search;
mod stored_events;
mod sync;
mod words;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use error::StoreError;
pub use history::{KeptPage, Reach};
pub use lists::Lists;
pub use outbox::{Outgoing, Unsent};
pub use prune::Keep;
pub use search::Found;
pub use stored_events::StoredEvents;

/// One account's copy.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    /// Empty for a store in memory.
    path: PathBuf,
    /// Held as long as the store is open; after the connection, which closes first.
    _lock: Option<File>,
}

/// Whose copy a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's id.
    pub user: u64,
    /// The user's name.
    pub name: String,
}

impl Store {
    /// Opens the file, makes it if there is none (mode 0600, a missing folder 0700), and brings an older one to the newest
    /// version.
    ///
    /// # Errors
    /// Another process has it, it is no store or a damaged one, or the file system refuses. The file is as it was then.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let lock = file::lock(path)?;
        let connection = file::open(path)?;
        Ok(Store { connection: Mutex::new(connection), path: path.to_owned(), _lock: Some(lock) })
    }

    /// A store that ends with its process.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn in_memory() -> Result<Store, StoreError> {
        let path = PathBuf::new();
        let connection = file::in_memory().map_err(|error| StoreError::database(&path, error))?;
        Ok(Store { connection: Mutex::new(connection), path, _lock: None })
    }

    /// Where it is; empty for one in memory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        read(&connection).map_err(|error| StoreError::database(&self.path, error))
    }

    /// Changes it, all or nothing.
    fn write<T>(&self, write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let run = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = write(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        run().map_err(|error| StoreError::database(&self.path, error))
    }
}

/// A number of the wire as the database has it. Those are below 2^53; whatever is not was never said by a server of ours.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// And back.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// JSON of our own that cannot be read: the file is damaged.
fn unreadable(column: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

/// JSON of a type of ours, which always can be written.
fn json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
