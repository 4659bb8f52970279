//! Where an account's copy is kept between runs, and which one is in use.

use std::path::PathBuf;
use std::sync::Arc;

use client::SyncState;
use client::store::{Store, StoreError};

use crate::printable::{self, one_line};

/// Where stores are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing outlives this process.
    Nowhere,
    /// One file for whoever logs in first.
    File(PathBuf),
    /// One file for each server and account.
    Folder { folder: PathBuf, server: String },
}

/// Opens stores, and has the one in use: from before a login, if it is known whose it will be, to the next login.
#[derive(Debug)]
pub(crate) struct Keeper {
    place: Place,
    open: Option<Arc<Store>>,
}

/// A store that was there before.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) store: Arc<Store>,
    pub(crate) state: SyncState,
}

/// Why a store cannot be had, and what to do, for whoever runs this client.
pub(crate) fn trouble(error: &StoreError) -> String {
    match error {
        StoreError::InUse(path) => format!(
            "another client that is running uses {path}: end it, or keep this one's session elsewhere with --state FILE"
        ),
        error => error.to_string(),
    }
}

impl Place {
    /// Why an account cannot be gone on with: it has no session here.
    pub(crate) fn has_no_session_of(&self, account: &str) -> String {
        let account = printable::name(account);
        let none = match self {
            Place::Nowhere => format!("no session of {account} is kept, as nothing is"),
            Place::File(path) => format!("{} has no session of {account}", path.display()),
            Place::Folder { server, .. } => format!(
                "this device has no session of {account} at {} (each address has its own)",
                one_line(server)
            ),
        };
        format!("{none}: /login {account}")
    }

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
                Some(folder.join(format!("{server}-{account}.db")))
            }
        }
    }
}

impl Keeper {
    pub(crate) fn new(place: Place) -> Keeper {
        Keeper { place, open: None }
    }

    /// Takes the store of an account into use, if there is one.
    pub(crate) fn find(&mut self, account: &str) -> Result<Option<Found>, StoreError> {
        let Some(path) = self.place.path(account) else { return Ok(self.in_use(account)) };
        if self.open.as_ref().is_none_or(|open| open.path() != path) {
            self.open = None;
            if !path.exists() {
                return Ok(None);
            }
            self.open = Some(Arc::new(Store::open(&path)?));
        }
        Ok(self.in_use(account))
    }

    /// Takes the file into use that was named on the command line, whoever's it is.
    pub(crate) fn find_named(&mut self) -> Result<Option<Found>, StoreError> {
        let Place::File(path) = &self.place else { return Ok(None) };
        self.open = Some(Arc::new(Store::open(path)?));
        Ok(self.found())
    }

    /// The store of whoever is logged in now, made if there is none. It cannot be had, or belongs to somebody else: then
    /// what it says, and a store that ends with this process.
    pub(crate) fn keep(
        &mut self,
        user: u64,
        name: &str,
    ) -> Result<(Arc<Store>, Option<StoreError>), StoreError> {
        let (store, trouble) = match self.file_of(user, name) {
            Ok(Some(store)) => (store, None),
            Ok(None) => (self.memory_of(user)?, None),
            Err(error) => (self.memory_of(user)?, Some(error)),
        };
        self.open = Some(Arc::clone(&store));
        Ok((store, trouble))
    }

    /// The store in use.
    pub(crate) fn store(&self) -> Option<Arc<Store>> {
        self.open.clone()
    }

    fn file_of(&mut self, user: u64, name: &str) -> Result<Option<Arc<Store>>, StoreError> {
        let Some(path) = self.place.path(name) else { return Ok(None) };
        let store = match &self.open {
            Some(open) if open.path() == path => Arc::clone(open),
            _ => {
                self.open = None;
                Arc::new(Store::open(&path)?)
            }
        };
        match store.account()? {
            Some(owner) if owner.user != user => {
                Err(StoreError::OfAnother { path: path.display().to_string(), name: owner.name })
            }
            _ => Ok(Some(store)),
        }
    }

    fn memory_of(&self, user: u64) -> Result<Arc<Store>, StoreError> {
        if let Some(open) = self.open.as_ref().filter(|open| open.path().as_os_str().is_empty())
            && open.account()?.is_none_or(|owner| owner.user == user)
        {
            return Ok(Arc::clone(open));
        }
        Store::in_memory().map(Arc::new)
    }

    fn in_use(&self, account: &str) -> Option<Found> {
        self.found().filter(|Found { state, .. }| {
            state.name.to_lowercase() == account.to_lowercase() || state.user.to_string() == account
        })
    }

    fn found(&self) -> Option<Found> {
        let store = self.open.clone()?;
        match store.sync_state() {
            Ok(state) => state.map(|state| Found { store, state }),
            Err(error) => {
                log::warn!("{error}");
                None
            }
        }
    }
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
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn folder(dir: &tempfile::TempDir) -> Place {
        Place::Folder { folder: dir.path().join("chat"), server: "127.0.0.1:7000".into() }
    }

    fn state(user: u64, name: &str) -> SyncState {
        SyncState { user, name: name.into(), cursors: [(1, 2)].into(), ..SyncState::default() }
    }

    fn kept(keeper: &mut Keeper, user: u64, name: &str) -> Arc<Store> {
        let (store, trouble) = keeper.keep(user, name).expect("a store");
        assert!(trouble.is_none(), "{trouble:?}");
        store
    }

    fn found(keeper: &mut Keeper, account: &str) -> Option<SyncState> {
        keeper.find(account).expect("usable").map(|found| found.state)
    }

    #[test]
    fn what_is_kept_is_found_again_and_private() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut keeper = Keeper::new(folder(&dir));
        assert_eq!(found(&mut keeper, "Alice"), None);
        assert!(!dir.path().join("chat").exists(), "who was never here has no file");
        kept(&mut keeper, 5, "alice").save_sync(&state(5, "alice")).expect("saved");
        drop(keeper);
        let mut keeper = Keeper::new(folder(&dir));
        assert_eq!(found(&mut keeper, "alice"), Some(state(5, "alice")));
        let mode = |path: &str| {
            let about = fs::metadata(dir.path().join(path)).unwrap_or_else(|_| panic!("{path} is there"));
            about.permissions().mode() & 0o777
        };
        assert_eq!(mode("chat"), 0o700);
        for file in ["alice.db", "alice.db-wal", "alice.db-shm", "alice.lock"] {
            assert_eq!(mode(&format!("chat/127.0.0.1_7000-{file}")), 0o600, "{file}");
        }
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = folder(&dir).path("../../etc/passwd").expect("a path");
        assert_eq!(path.parent(), Some(dir.path().join("chat").as_path()));
    }

    #[test]
    fn two_clients_do_not_share_a_store() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut first, mut second) = (Keeper::new(folder(&dir)), Keeper::new(folder(&dir)));
        drop(kept(&mut first, 5, "alice"));
        assert!(matches!(second.find("alice"), Err(StoreError::InUse(_))));
        let (store, trouble) = second.keep(5, "alice").expect("one in memory");
        assert!(matches!(trouble, Some(StoreError::InUse(_))) && store.path().as_os_str().is_empty());
        kept(&mut second, 6, "bob");
        drop(first);
        kept(&mut second, 5, "alice");
    }

    #[test]
    fn a_file_of_somebody_else_is_not_used_for_a_login() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut keeper = Keeper::new(Place::File(dir.path().join("s.db")));
        kept(&mut keeper, 5, "alice").save_sync(&state(5, "alice")).expect("saved");
        assert_eq!(found(&mut keeper, "bob"), None);
        let (store, trouble) = keeper.keep(6, "bob").expect("one in memory");
        assert!(matches!(trouble, Some(StoreError::OfAnother { .. })) && store.path().as_os_str().is_empty());
        assert_eq!(found(&mut keeper, "alice"), Some(state(5, "alice")));
    }

    #[test]
    fn what_is_no_store_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("s.db");
        for diary in ["my diary", "{\"my\": \"diary\"}", &"SQLite format 3\0 or so".repeat(100)] {
            fs::write(&path, diary).expect("written");
            let mut keeper = Keeper::new(Place::File(path.clone()));
            assert!(
                matches!(keeper.find_named(), Err(StoreError::Foreign(_) | StoreError::Damaged(_))),
                "{diary}"
            );
            let (store, trouble) = keeper.keep(5, "alice").expect("one in memory");
            assert!(trouble.is_some() && store.path().as_os_str().is_empty());
            assert_eq!(fs::read_to_string(&path).expect("there"), diary);
        }
    }
}
