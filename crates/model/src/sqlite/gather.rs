//! Gathers the many small writes of a commit into one.
//!
//! SQLite writes each changed page to the write-ahead log with two system calls, a header of 24 bytes and the page, so
//! that a commit of 200 messages is some 130 calls. The layer here (a "VFS" in SQLite's words,
//! <https://www.sqlite.org/vfs.html>) passes everything through to SQLite's own file access, but keeps adjoining writes
//! to the log in memory until anything else is done with that file: above all until it is synced, which every commit of
//! a connection with `synchronous = FULL` does before anybody can see it. Nothing else is changed: the same bytes are
//! at the same places in the file whenever SQLite has asked for them to be on the disk.
//!
//! Invariant: only connections with `synchronous = FULL` use it. With less, SQLite would show other connections
//! commits that are still in our memory.

#![allow(unsafe_code, reason = "SQLite's file layer is a table of C functions; all of them are in this file")]

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use rusqlite::ffi::{
    SQLITE_ERROR, SQLITE_IOCAP_POWERSAFE_OVERWRITE, SQLITE_OK, SQLITE_OPEN_WAL, sqlite3_file,
    sqlite3_filename, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

/// What a connection that writes is opened with.
pub(super) const NAME: &CStr = c"gather-wal";

/// Writes are passed on before so many bytes are gathered: some thirty pages. SQLite's own file access takes the length
/// of a write modulo 128 KiB, and reports a full disk for the 0 bytes that are left of 128.
const GATHERED_BYTES_MAX: usize = 124 * 1024;

/// Makes the layer known to SQLite under [`NAME`]. Once per process; whether it is known now.
pub(super) fn register() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(|| {
        // SAFETY: the default layer lives for ever. Ours is a copy of its table, never freed, whose functions do not
        // look at which layer they are called for, except for `xOpen`, which is replaced.
        unsafe {
            let default = sqlite3_vfs_find(ptr::null());
            if default.is_null() {
                return false;
            }
            let gather = sqlite3_vfs {
                szOsFile: HEAD_BYTES as c_int + (*default).szOsFile,
                pNext: ptr::null_mut(),
                zName: NAME.as_ptr(),
                pAppData: default.cast(),
                xOpen: Some(open),
                ..*default
            };
            sqlite3_vfs_register(Box::leak(Box::new(gather)), 0) == SQLITE_OK
        }
    })
}

/// An open log: what SQLite allocated for us, `szOsFile` bytes. The default layer's file follows at [`HEAD_BYTES`].
#[repr(C)]
struct Log {
    base: sqlite3_file,
    /// Owned; made by `open`, freed by `close`.
    gathered: *mut Gathered,
}

/// SQLite aligns what it allocates to 8 bytes, and so is what follows our part.
const HEAD_BYTES: usize = size_of::<Log>().next_multiple_of(8);

/// Adjoining writes that the file does not have yet.
struct Gathered {
    start: sqlite3_int64,
    bytes: Vec<u8>,
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // The first version: shared memory and mapping are asked of the database file only, which is not ours.
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// The default layer's file within ours.
///
/// # Safety
///
/// `file` is a [`Log`] that `open` made.
unsafe fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: `szOsFile` says that SQLite allocates both parts.
    unsafe { file.byte_add(HEAD_BYTES) }
}

/// Calls a method of the default layer's file within ours.
macro_rules! pass {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let inner = inner($file);
        match (*(*inner).pMethods).$method {
            Some(method) => method(inner $(, $argument)*),
            None => SQLITE_ERROR,
        }
    }};
}

/// Writes what was gathered, if anything. Whatever comes of it, it is gathered no more: after an error SQLite rolls
/// back, and writes the same place anew.
///
/// # Safety
///
/// `file` is a [`Log`] that `open` made.
unsafe fn flush(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite uses a file from one thread at a time, and `gathered` lives until `close`.
    unsafe {
        let gathered = &mut *(*file.cast::<Log>()).gathered;
        if gathered.bytes.is_empty() {
            return SQLITE_OK;
        }
        let (bytes, length) = (gathered.bytes.as_ptr().cast(), gathered.bytes.len() as c_int);
        let code = pass!(file, xWrite, bytes, length, gathered.start);
        gathered.bytes.clear();
        code
    }
}

/// Flushes, and calls a method of the default layer's file if that went well.
macro_rules! flush_and_pass {
    ($file:expr, $method:ident $(, $argument:expr)*) => {
        // SAFETY: SQLite calls this for an open file with arguments that suit the method.
        unsafe {
            match flush($file) {
                SQLITE_OK => pass!($file, $method $(, $argument)*),
                error => error,
            }
        }
    };
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: `pAppData` is the default layer. SQLite allocated `szOsFile` bytes at `file`: enough for the default
    // layer's file alone, and for it behind ours.
    unsafe {
        let default: *mut sqlite3_vfs = (*vfs).pAppData.cast();
        let Some(default_open) = (*default).xOpen else { return SQLITE_ERROR };
        if flags & SQLITE_OPEN_WAL == 0 {
            return default_open(default, name, file, flags, flags_out);
        }
        (*file).pMethods = ptr::null();
        let code = default_open(default, name, inner(file), flags, flags_out);
        if code != SQLITE_OK {
            return code;
        }
        let bytes = Vec::with_capacity(GATHERED_BYTES_MAX);
        (*file.cast::<Log>()).gathered = Box::into_raw(Box::new(Gathered { start: 0, bytes }));
        (*file).pMethods = &raw const METHODS;
        SQLITE_OK
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: `open` made `gathered`, and nothing is called for a file after this.
    unsafe {
        let flushed = flush(file);
        drop(Box::from_raw((*file.cast::<Log>()).gathered));
        let closed = pass!(file, xClose);
        if flushed == SQLITE_OK { closed } else { flushed }
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite uses a file from one thread at a time, `gathered` lives until `close`, and there are `length` bytes
    // at `bytes`.
    unsafe {
        let gathered = &mut *(*file.cast::<Log>()).gathered;
        let count = length as usize;
        let adjoins = at == gathered.start + gathered.bytes.len() as sqlite3_int64;
        if !adjoins || gathered.bytes.len() + count > GATHERED_BYTES_MAX {
            let code = flush(file);
            if code != SQLITE_OK {
                return code;
            }
            gathered.start = at;
        }
        if count > GATHERED_BYTES_MAX {
            return pass!(file, xWrite, bytes, length, at);
        }
        gathered.bytes.extend_from_slice(std::slice::from_raw_parts(bytes.cast(), count));
        SQLITE_OK
    }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    bytes: *mut c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    flush_and_pass!(file, xRead, bytes, length, at)
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    flush_and_pass!(file, xTruncate, length)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    flush_and_pass!(file, xSync, flags)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, length: *mut sqlite3_int64) -> c_int {
    flush_and_pass!(file, xFileSize, length)
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    flush_and_pass!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    flush_and_pass!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, held: *mut c_int) -> c_int {
    flush_and_pass!(file, xCheckReservedLock, held)
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    flush_and_pass!(file, xFileControl, what, argument)
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite calls this for an open file.
    unsafe { pass!(file, xSectorSize) }
}

unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    // Powersafe: SQLite does not write padding after the sync of a commit, which would stay here.
    // SAFETY: SQLite calls this for an open file.
    unsafe { pass!(file, xDeviceCharacteristics) | SQLITE_IOCAP_POWERSAFE_OVERWRITE }
}

#[cfg(test)]
mod tests {
    use crate::sqlite::{Options, connection};
    use rusqlite::Connection;
    use std::path::Path;

    fn rows(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    /// What a crash would leave at this moment: the files as they are, opened by SQLite's own layer.
    fn after_a_crash(folder: &Path) -> Connection {
        let copy = folder.join("copy");
        std::fs::create_dir_all(&copy).unwrap();
        for name in ["chat.db", "chat.db-wal"] {
            std::fs::copy(folder.join(name), copy.join(name)).unwrap();
        }
        let _ = std::fs::remove_file(copy.join("chat.db-shm"));
        let connection = Connection::open(copy.join("chat.db")).unwrap();
        let intact: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(intact, "ok");
        connection
    }

    #[test]
    fn what_is_committed_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        let options = Options { wal_kib: 1024, ..Options::default() };
        let writer = connection::writer(&file, &options).unwrap();
        let reader = connection::reader(&file, &options).unwrap();
        writer.execute_batch("CREATE TABLE t (x)").unwrap();
        let mut committed = 0;
        // Through several checkpoints: the log is written again from its beginning after each.
        for (round, rows_each) in [1, 3, 100, 1, 1_000, 40, 400, 2, 900, 1, 1].into_iter().enumerate() {
            writer.execute_batch("BEGIN").unwrap();
            for _ in 0..rows_each {
                writer.execute("INSERT INTO t VALUES (randomblob(700))", []).unwrap();
            }
            assert_eq!(rows(&reader), committed, "round {round}: not before the commit");
            writer.execute_batch("COMMIT").unwrap();
            committed += rows_each;
            assert_eq!(rows(&reader), committed, "round {round}: other connections see it");
            assert_eq!(rows(&after_a_crash(folder.path())), committed, "round {round}: it is in the files");
        }
    }

    #[test]
    fn a_transaction_larger_than_the_cache_can_be_rolled_back_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        let options = Options { writer_cache_kib: 64, ..Options::default() };
        let writer = connection::writer(&file, &options).unwrap();
        writer.execute_batch("CREATE TABLE t (x)").unwrap();
        for end in ["ROLLBACK", "COMMIT"] {
            writer.execute_batch("BEGIN").unwrap();
            for _ in 0..2_000 {
                writer.execute("INSERT INTO t VALUES (randomblob(700))", []).unwrap();
            }
            assert_eq!(rows(&writer), 2_000, "pages that were put out of the cache come back");
            writer.execute("UPDATE t SET x = randomblob(600) WHERE rowid % 3 = 0", []).unwrap();
            writer.execute_batch(end).unwrap();
        }
        assert_eq!(rows(&writer), 2_000);
        assert_eq!(rows(&after_a_crash(folder.path())), 2_000);
    }
}
