//! The store: a pool, and the two ways to use a connection of it.

use std::sync::atomic::AtomicBool;

use domain::{StoreError, StoreResult};
use r2d2::ManageConnection;

use super::append::RepeatsLately;
use super::append_one::{self, SingleAppend};
use super::connection::Connection;
use super::fault::{Fault, FaultKind, sentence};
use super::manager::Manager;
use super::pool::{Pool, PoolSnapshot};
use super::{Config, OpenError, migrate};

/// Attempts at a transaction that the server breaks off because of a deadlock, or that loses a race for a unique key.
/// Each costs the work of the transaction and no waiting.
const RACE_ATTEMPTS: u32 = 8;
/// Attempts at a transaction that waited for a lock in vain. Each costs half a statement timeout.
const LOCK_WAIT_ATTEMPTS: u32 = 2;
/// Attempts where a call failed for a reason of its own: the next one does without the call, and so says what is wrong.
const CALL_FAILED_ATTEMPTS: u32 = 2;

/// Every port of the store over one MySQL or MariaDB database. Any thread may use it; each operation takes a connection
/// of the pool for as long as it runs.
pub struct MySqlStore {
    pool: Pool,
    pub(super) repeats: RepeatsLately,
    pub(super) single_append: SingleAppend,
    /// Whether it was said that the procedure fails: once for all, since every message may tell of it.
    pub(super) procedure_fails: AtomicBool,
}

impl MySqlStore {
    /// The schema's version: the number of its newest migration. Nodes of one cluster have the same.
    pub const SCHEMA: u32 = migrate::SCHEMA;

    /// Connects, brings the schema to this version, and opens the pool, which connects in the background: later on the
    /// database may come and go.
    ///
    /// Blocks for at most [`Config::connect_timeout`], as long as a server that accepts may take to answer
    /// ([`Config::statement_timeout`] and [`Config::read_margin`]), [`Config::migration_wait`], and what a new version's
    /// migrations take.
    pub fn open(config: &Config) -> Result<MySqlStore, OpenError> {
        let unreachable = |error: ::mysql::Error| OpenError::Unreachable {
            database: config.to_string(),
            cause: sentence(&error),
        };
        // One connection as the pool makes them: what is wrong with it shows here and not in the background.
        let manager = Manager::new(config);
        manager.connect().map_err(unreachable)?;
        let mut conn = ::mysql::Conn::new(config.migrating()).map_err(unreachable)?;
        migrate::run(&mut conn, config.migration_wait)?;
        if config.single_append == SingleAppend::Procedure {
            append_one::prove(&mut conn)?;
        }
        Ok(MySqlStore {
            pool: Pool::open(config, manager),
            repeats: RepeatsLately::default(),
            single_append: config.single_append,
            procedure_fails: AtomicBool::new(false),
        })
    }

    /// Whether the database was there when it was last needed. While it is not, a connection is tried again in the
    /// background, so this becomes true by itself.
    pub fn is_reachable(&self) -> bool {
        !self.pool.database_is_away()
    }

    /// How the pool is doing. Cheap enough for every scrape of metrics.
    pub fn pool_snapshot(&self) -> PoolSnapshot {
        self.pool.snapshot()
    }

    /// Runs queries that change nothing, each of which sees what was committed before it.
    pub(super) fn read<T>(
        &self,
        operation: &'static str,
        body: impl FnOnce(&mut Connection) -> Result<T, Fault>,
    ) -> StoreResult<T> {
        let mut connection = self.pool.check_out(operation)?;
        body(&mut connection).map_err(|fault| fault.unchanged(operation))
    }

    /// Runs `body` in one transaction. It may run several times, each time as if the ones before had not been; what it
    /// read outside of locks may change in between.
    pub(super) fn transact<T>(
        &self,
        operation: &'static str,
        mut body: impl FnMut(&mut Connection) -> Result<T, Fault>,
    ) -> StoreResult<T> {
        self.attempt(operation, |connection| in_transaction(connection, &mut body))
    }

    /// Runs `attempt`, a transaction, as often as its failures are worth. Whatever an attempt leaves open is rolled back.
    pub(super) fn attempt<T>(
        &self,
        operation: &'static str,
        mut attempt: impl FnMut(&mut Connection) -> Result<T, Failure>,
    ) -> StoreResult<T> {
        let mut connection = self.pool.check_out(operation)?;
        let mut number = 1;
        loop {
            let failure = match attempt(&mut connection) {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            connection.roll_back();
            if !connection.is_usable() || number >= failure.attempts() {
                return Err(failure.into_error(operation));
            }
            number += 1;
        }
    }
}

/// Where a transaction failed.
pub(super) enum Failure {
    BeforeCommit(Fault),
    AtCommit(Fault),
    /// In a call that commits by itself: before, at or after that. What comes after it must find out, so it is for what
    /// can be repeated without harm only.
    InCall(Fault),
}

impl Failure {
    /// How many attempts such a failure is worth.
    fn attempts(&self) -> u32 {
        match self {
            Failure::BeforeCommit(fault) => match fault.kind {
                FaultKind::Deadlock | FaultKind::Duplicate => RACE_ATTEMPTS,
                FaultKind::LockWait => LOCK_WAIT_ATTEMPTS,
                FaultKind::Lost | FaultKind::Refused | FaultKind::ReadOnly | FaultKind::Failed => 1,
            },
            Failure::AtCommit(fault) if fault.kind == FaultKind::Deadlock => RACE_ATTEMPTS,
            Failure::AtCommit(_) => 1,
            Failure::InCall(fault) => match fault.kind {
                FaultKind::Deadlock | FaultKind::Duplicate => RACE_ATTEMPTS,
                FaultKind::LockWait => LOCK_WAIT_ATTEMPTS,
                FaultKind::Failed => CALL_FAILED_ATTEMPTS,
                FaultKind::Lost | FaultKind::Refused | FaultKind::ReadOnly => 1,
            },
        }
    }

    fn into_error(self, operation: &'static str) -> StoreError {
        match self {
            Failure::BeforeCommit(fault) => fault.unchanged(operation),
            Failure::AtCommit(fault) | Failure::InCall(fault) => fault.at_commit(operation),
        }
    }
}

/// One attempt at a transaction.
pub(super) fn in_transaction<T>(
    connection: &mut Connection,
    body: impl FnOnce(&mut Connection) -> Result<T, Fault>,
) -> Result<T, Failure> {
    connection.begin().map_err(Failure::BeforeCommit)?;
    let value = body(connection).map_err(Failure::BeforeCommit)?;
    connection.commit().map_err(Failure::AtCommit)?;
    Ok(value)
}
