//! Where the session and the cursors are kept between runs.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use client::SyncState;

/// Bytes of a state file that is read: a hundred times what a busy user needs.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where state files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing is kept.
    Nowhere,
    /// One file for whoever logs in.
    File(PathBuf),
    /// One file for each server and account.
    Folder { folder: PathBuf, server: String },
}

/// The state file in use, if any. It is locked: a session that two clients hold would jump between them.
#[derive(Debug)]
pub(crate) struct StateFile {
    place: Place,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

/// Why a state file does not serve. The client goes on without it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error("another client uses the saved session of this account")]
    InUse,
    #[error("{path}: {error}")]
    File { path: String, error: io::Error },
    #[error("{0} is no saved session, and is left alone")]
    Unreadable(String),
}

impl Place {
    /// The default folder, by the XDG base directory specification.
    pub(crate) fn folder() -> Option<PathBuf> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
        state.map(|state| state.join("chat"))
    }

    fn path(&self, account: &str) -> Option<PathBuf> {
        match self {
            Place::Nowhere => None,
            Place::File(path) => Some(path.clone()),
            Place::Folder { folder, server } => {
                let (server, account) = (encoded(server), encoded(&account.to_lowercase()));
                Some(folder.join(format!("{server}-{account}.json")))
            }
        }
    }
}

impl StateFile {
    pub(crate) fn new(place: Place) -> StateFile {
        StateFile { place, open: None }
    }

    /// Takes the file of an account into use and reads it. None if there is nothing in it for this account.
    pub(crate) fn open(&mut self, account: &str) -> Result<Option<SyncState>, StateError> {
        let state = self.open_any(account)?;
        let is_theirs = |state: &SyncState| {
            state.name.to_lowercase() == account.to_lowercase() || state.user.to_string() == account
        };
        Ok(state.filter(is_theirs))
    }

    /// Takes the file into use that was named on the command line, whoever's it is.
    pub(crate) fn open_named(&mut self) -> Result<Option<SyncState>, StateError> {
        match self.place {
            Place::File(_) => self.open_any(""),
            Place::Nowhere | Place::Folder { .. } => Ok(None),
        }
    }

    fn open_any(&mut self, account: &str) -> Result<Option<SyncState>, StateError> {
        let Some(path) = self.place.path(account) else { return Ok(None) };
        if self.open.as_ref().is_none_or(|open| open.path != path) {
            self.open = None;
            let lock = lock(&path)?;
            self.open = Some(Open { path: path.clone(), _lock: lock });
        }
        let state = read(&path);
        if state.is_err() {
            // Whatever it is, it is not overwritten.
            self.open = None;
        }
        state
    }

    /// Writes the state, whole or not at all.
    pub(crate) fn save(&self, state: &SyncState) -> Result<(), StateError> {
        let Some(Open { path, .. }) = &self.open else { return Ok(()) };
        let json = serde_json::to_vec_pretty(state).map_err(|error| file_error(path, error.into()))?;
        let new = path.with_extension("json.new");
        let write = || -> io::Result<()> {
            let mut file = private_file(&new)?;
            file.write_all(&json)?;
            file.sync_all()?;
            fs::rename(&new, path)
        };
        write().map_err(|error| file_error(path, error))
    }
}

fn lock(path: &Path) -> Result<File, StateError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| file_error(folder, error))?;
    }
    let beside = path.with_extension("lock");
    let file = private_file(&beside).map_err(|error| file_error(&beside, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::InUse),
        Err(TryLockError::Error(error)) => Err(file_error(&beside, error)),
    }
}

fn read(path: &Path) -> Result<Option<SyncState>, StateError> {
    let size = match fs::metadata(path) {
        Ok(about) => about.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file_error(path, error)),
    };
    let unreadable = || StateError::Unreadable(path.display().to_string());
    if size > FILE_BYTES_MAX {
        return Err(unreadable());
    }
    let json = fs::read(path).map_err(|error| file_error(path, error))?;
    serde_json::from_slice(&json).map(Some).map_err(|_| unreadable())
}

/// A new or emptied file that only its owner can read.
fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn file_error(path: &Path, error: io::Error) -> StateError {
    StateError::File { path: path.display().to_string(), error }
}

/// A name that is safe as a part of a file's name, different for different names.
fn encoded(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' => out.push(byte as char),
            b':' => out.push('_'),
            _ => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn folder(dir: &tempfile::TempDir) -> Place {
        Place::Folder { folder: dir.path().join("chat"), server: "127.0.0.1:7000".into() }
    }

    fn state(name: &str) -> SyncState {
        SyncState { user: 5, name: name.into(), cursors: [(1, 2)].into(), ..SyncState::default() }
    }

    #[test]
    fn what_is_saved_is_found_again_and_private() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut file = StateFile::new(folder(&dir));
        assert_eq!(file.open("Alice").expect("usable"), None);
        file.save(&state("alice")).expect("saved");
        drop(file);
        let mut file = StateFile::new(folder(&dir));
        assert_eq!(file.open("alice").expect("usable"), Some(state("alice")));
        let path = dir.path().join("chat/127.0.0.1_7000-alice.json");
        assert_eq!(fs::metadata(path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = folder(&dir).path("../../etc/passwd").expect("a path");
        assert_eq!(path.parent(), Some(dir.path().join("chat").as_path()));
    }

    #[test]
    fn two_clients_do_not_share_a_session() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut first, mut second) = (StateFile::new(folder(&dir)), StateFile::new(folder(&dir)));
        first.open("alice").expect("usable");
        assert!(matches!(second.open("alice"), Err(StateError::InUse)));
        second.open("bob").expect("another account is free");
        drop(first);
        second.open("alice").expect("free again");
    }

    #[test]
    fn a_file_of_somebody_else_is_not_used_for_a_login() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut file = StateFile::new(Place::File(dir.path().join("s.json")));
        file.open("alice").expect("usable");
        file.save(&state("alice")).expect("saved");
        assert_eq!(file.open("bob").expect("usable"), None);
        assert_eq!(file.open_named().expect("usable"), Some(state("alice")));
    }

    #[test]
    fn what_is_no_state_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("s.json");
        fs::write(&path, "my diary").expect("written");
        let mut file = StateFile::new(Place::File(path.clone()));
        assert!(matches!(file.open_named(), Err(StateError::Unreadable(_))));
        file.save(&state("alice")).expect("does nothing");
        assert_eq!(fs::read_to_string(path).expect("there"), "my diary");
    }
}
