//! The connection that writes.

use std::time::Duration;

use domain::{StoreError, StoreResult};
use parking_lot::{FairMutex, FairMutexGuard};
use rusqlite::Connection;

use super::fault;

/// How long a reader that is in the middle of something may keep the log from being emptied, while nobody can write.
const EMPTY_WAIT: Duration = Duration::from_millis(20);

/// What became of the log of writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Emptied {
    /// Nothing is in it.
    Wholly,
    /// Somebody reads by it.
    NotNow,
}

/// The one connection that writes, behind a fair lock: who waits longest is next, so that an appender in a tight loop
/// starves nobody.
pub(super) struct Writer {
    connection: FairMutex<Connection>,
    wait: Duration,
}

impl Writer {
    pub(super) fn new(connection: Connection, wait: Duration) -> Writer {
        Writer { connection: FairMutex::new(connection), wait }
    }

    /// Runs `work` in one transaction, which is on the disk when this returns, or has left no trace.
    pub(super) fn transact<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        let connection = self.lock(operation)?;
        let before_commit = |error| fault::before_commit(operation, &error);
        let transaction = Transaction::begin(&connection).map_err(before_commit)?;
        let done = work(&connection).map_err(before_commit)?;
        transaction.commit().map_err(|error| fault::at_commit(operation, &error))?;
        Ok(done)
    }

    /// Brings the log of writes into the database file and cuts it to nothing.
    pub(super) fn empty_log(&self, operation: &'static str) -> StoreResult<Emptied> {
        let connection = self.lock(operation)?;
        let empty = || {
            connection.busy_timeout(EMPTY_WAIT)?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        };
        let busy: rusqlite::Result<i64> = empty();
        let reset = connection.busy_timeout(self.wait);
        let busy = busy.and_then(|busy| reset.map(|()| busy));
        match busy.map_err(|error| fault::before_commit(operation, &error))? {
            0 => Ok(Emptied::Wholly),
            _ => Ok(Emptied::NotNow),
        }
    }

    /// The connection alone, while nobody writes.
    fn lock(&self, operation: &'static str) -> StoreResult<FairMutexGuard<'_, Connection>> {
        let locked = self.connection.try_lock_for(self.wait);
        locked.ok_or_else(|| StoreError::unavailable(operation, "the writing connection is in use"))
    }
}

/// Rolled back when it is dropped without a commit: after an error, or while a panic passes through.
struct Transaction<'a> {
    connection: &'a Connection,
}

impl Transaction<'_> {
    fn begin(connection: &Connection) -> rusqlite::Result<Transaction<'_>> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Transaction { connection })
    }

    fn commit(self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // After some errors SQLite has rolled back by itself, and after a commit there is nothing to roll back.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            log::error!("a transaction could not be rolled back: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Options, connection};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn writer() -> (tempfile::TempDir, Writer) {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection::writer(&folder.path().join("chat.db"), &Options::default()).unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        (folder, Writer::new(connection, Duration::from_secs(5)))
    }

    fn insert(writer: &Writer, bytes: usize) -> StoreResult<usize> {
        writer.transact("insert", |connection| {
            connection.execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes as i64])
        })
    }

    fn rows(writer: &Writer) -> i64 {
        writer.lock("count").unwrap().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_error_leaves_no_trace() {
        let (_folder, writer) = writer();
        let error = writer.transact("try", |connection| {
            connection.execute("INSERT INTO t VALUES (1)", [])?;
            connection.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        assert!(matches!(error, Err(StoreError::Failed { operation: "try", .. })), "{error:?}");
        assert_eq!(rows(&writer), 0);
        insert(&writer, 1).unwrap();
        assert_eq!(rows(&writer), 1);
    }

    #[test]
    fn a_panic_leaves_no_trace() {
        let (_folder, writer) = writer();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            writer.transact("try", |connection| -> rusqlite::Result<()> {
                connection.execute("INSERT INTO t VALUES (1)", [])?;
                panic!("in the middle");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(rows(&writer), 0);
        insert(&writer, 1).unwrap();
    }

    #[test]
    fn a_full_disk_is_a_failure_and_passes() {
        let (_folder, writer) = writer();
        insert(&writer, 1).unwrap();
        writer.lock("limit").unwrap().execute_batch("PRAGMA max_page_count = 5").unwrap();
        let error = insert(&writer, 1_000_000);
        assert!(matches!(error, Err(StoreError::Failed { operation: "insert", .. })), "{error:?}");
        assert_eq!(rows(&writer), 1);
        insert(&writer, 1).unwrap();
        assert_eq!(rows(&writer), 2);
    }

    #[test]
    fn who_cannot_have_the_connection_is_refused_after_a_while() {
        let (_folder, mut writer) = writer();
        writer.wait = Duration::from_millis(10);
        let held = writer.lock("hold").unwrap();
        assert!(matches!(insert(&writer, 1), Err(StoreError::Unavailable { operation: "insert", .. })));
        drop(held);
        insert(&writer, 1).unwrap();
    }
}
