//! The connection that writes.

use std::time::Duration;

use domain::{StoreError, StoreResult};
use parking_lot::{FairMutex, FairMutexGuard};
use rusqlite::Connection;

use super::fault;

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
