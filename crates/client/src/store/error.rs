//! Why a store does not serve.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

/// Why a store does not serve. None of these has changed the file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Two processes that take the same messages would each miss what the other took.
    #[error("another client uses {0}")]
    InUse(String),
    /// It is something else, and is left alone.
    #[error("{0} is no store of this client, and is left alone")]
    Foreign(String),
    /// It was once a store.
    #[error(
        "{0} is damaged, and is left alone: move it away to begin anew, what the server keeps is read again"
    )]
    Damaged(String),
    /// A newer version of this program wrote it.
    #[error("{path} is of version {version}, and this program knows up to {known}: use the newer one")]
    Newer {
        /// The file.
        path: String,
        /// What it says.
        version: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// It has the messages of somebody else.
    #[error("{path} belongs to {name}")]
    OfAnother {
        /// The file.
        path: String,
        /// Whose it is.
        name: String,
    },
    /// The file system refused.
    #[error("{path}: {error}")]
    File {
        /// The file or folder.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The database refused: the disk is full, the file is read-only.
    #[error("{path}: {error}")]
    Database {
        /// The file.
        path: String,
        /// Why.
        error: rusqlite::Error,
    },
    /// More unsent messages than [`OUTBOX_MAX`](crate::limits::OUTBOX_MAX).
    #[error("{0} messages wait to be sent already")]
    OutboxFull(usize),
}

impl StoreError {
    pub(super) fn file(path: &Path, error: io::Error) -> StoreError {
        StoreError::File { path: path.display().to_string(), error }
    }

    pub(super) fn database(path: &Path, error: rusqlite::Error) -> StoreError {
        let shown = path.display().to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::Foreign(shown),
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged(shown),
            _ => StoreError::Database { path: shown, error },
        }
    }
}
