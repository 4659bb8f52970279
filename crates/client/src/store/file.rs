//! Opening: the lock, the modes, and whether a file is a store at all.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::schema;

/// Marks the files of this program: "chat" in ASCII.
const APPLICATION_ID: i32 = 0x6368_6174;

/// How SQLite's files begin, where the application's mark stands in them, and how long that header is
/// (<https://www.sqlite.org/fileformat.html#the_database_header>).
const MAGIC: &[u8] = b"SQLite format 3\0";
const APPLICATION_ID_AT: usize = 68;
const HEADER_BYTES: usize = 100;

/// Files up to this size are read whole at the start, to find damage before anything is written. Damage in a larger one is
/// found where it is read.
const CHECKED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long a tool that somebody points at the file may hold it up.
const BUSY: Duration = Duration::from_secs(5);

/// Statements that stay prepared: all of this module's.
const STATEMENTS_KEPT: usize = 48;

/// Makes folder and lock. The lock lasts as long as what is returned.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| StoreError::file(folder, error))?;
    }
    let beside = path.with_extension("lock");
    let file = private(&beside).map_err(|error| StoreError::file(&beside, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.display().to_string())),
        Err(TryLockError::Error(error)) => Err(StoreError::file(&beside, error)),
    }
}

/// Opens the database, makes it if it is not there, and brings it to the newest version. The lock is held.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let shown = || path.display().to_string();
    let wrong = |error| StoreError::database(path, error);
    let kind = kind(path).map_err(|error| StoreError::file(path, error))?;
    match kind {
        Kind::Foreign => return Err(StoreError::Foreign(shown())),
        // The database gives its own files beside it the same mode.
        Kind::New => drop(private(path).map_err(|error| StoreError::file(path, error))?),
        Kind::Ours { .. } => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut connection = Connection::open_with_flags(path, flags).map_err(wrong)?;
    connection.busy_timeout(BUSY).map_err(wrong)?;
    match kind {
        Kind::Ours { bytes } if bytes <= CHECKED_BYTES_MAX => {
            if !is_sound(&connection).map_err(wrong)? {
                return Err(StoreError::Damaged(shown()));
            }
        }
        Kind::Ours { .. } | Kind::Foreign => {}
        Kind::New => create(&connection).map_err(wrong)?,
    }
    let version = schema::version(&connection).map_err(wrong)?;
    if version > schema::NEWEST {
        return Err(StoreError::Newer { path: shown(), version, known: schema::NEWEST });
    }
    schema::migrate(&mut connection).map_err(wrong)?;
    // Only now: before, the file was none of ours to change.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").map_err(wrong)?;
    settle(&connection).map_err(wrong)?;
    Ok(connection)
}

/// A store that ends with its process.
pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    create(&connection)?;
    schema::migrate(&mut connection)?;
    settle(&connection)?;
    Ok(connection)
}

/// What a file is, by its first bytes: another program's database is not even opened.
enum Kind {
    /// There is nothing in it, or no file.
    New,
    Ours {
        bytes: u64,
    },
    Foreign,
}

fn kind(path: &Path) -> io::Result<Kind> {
    let bytes = match fs::metadata(path) {
        Ok(about) if !about.is_file() => return Ok(Kind::Foreign),
        Ok(about) if about.len() == 0 => return Ok(Kind::New),
        Ok(about) => about.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kind::New),
        Err(error) => return Err(error),
    };
    let mut header = [0; HEADER_BYTES];
    match File::open(path)?.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Kind::Foreign),
        read => read?,
    }
    let ours = header.starts_with(MAGIC) && header[APPLICATION_ID_AT..][..4] == APPLICATION_ID.to_be_bytes();
    Ok(if ours { Kind::Ours { bytes } } else { Kind::Foreign })
}

/// Whether the whole file can be read and makes sense.
fn is_sound(connection: &Connection) -> rusqlite::Result<bool> {
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
    if verdict != "ok" {
        log::warn!("the store is damaged: {verdict}");
    }
    Ok(verdict == "ok")
}

/// Marks an empty file, by one write: killed before, it is empty; killed after, it is ours and of version 0.
fn create(connection: &Connection) -> rusqlite::Result<()> {
    // What is taken out is given back to the file system a little at a time.
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL;")?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)
}

fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // A recalled text is overwritten, not only forgotten.
    connection
        .execute_batch("PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;")
}

/// Opens or makes a file that only its owner can read.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
