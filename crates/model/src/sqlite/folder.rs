//! The data folder: private to its owner, and to one process at a time.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::OpenError;

/// Only the server's own user may look into a folder that we create. One that exists stays as it is.
const FOLDER_MODE: u32 = 0o700;

/// A data folder that is ours until this value is dropped, or the process ends in whichever way: the kernel keeps the
/// lock (flock) on an open file, not in it.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Creates the folder if there is none, and takes it.
    pub(super) fn take(path: &Path) -> Result<Folder, OpenError> {
        let folder_error = |cause: io::Error| OpenError::Folder { folder: path.to_owned(), cause };
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(folder_error)?;
        let lock = File::create(path.join("chat.lock")).map_err(folder_error)?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: path.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(folder_error(cause)),
        }
    }

    /// The database file.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join("chat.db")
    }
}
