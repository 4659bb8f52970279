//! One connection to the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::mysql::prelude::{FromRow, Queryable};
use ::mysql::{Conn, Params, Row, from_row_opt};

use super::fault::{Fault, FaultKind};

/// Strict: what does not fit is an error and never cut.
pub(super) const SQL_MODE: &str = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,\
                        NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY";

/// A connection that knows whether it can be trusted. Used by one thread at a time; owned by the pool between uses.
pub(super) struct Connection {
    conn: Conn,
    state: State,
    idle_since: Instant,
    /// How many connections had been lost when this one was last known to be good.
    losses_seen: u64,
    losses: Losses,
}

/// What the next user of a connection would find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Clean,
    InTransaction,
    /// An answer may still be on its way: whoever asks next would take it for theirs.
    Broken,
}

/// Counts the connections that were lost, over the whole pool: when one is, the others may be dead as well, and are
/// tried before they are used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Losses(Arc<AtomicU64>);

impl Losses {
    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Connection {
    /// Sets a new connection's session up. `statement_timeout` is what the server allows one statement.
    pub(super) fn new(
        mut conn: Conn,
        statement_timeout: Duration,
        losses: Losses,
    ) -> Result<Connection, ::mysql::Error> {
        let losses_seen = losses.count();
        set_up(&mut conn, statement_timeout)?;
        Ok(Connection { conn, state: State::Clean, idle_since: now(), losses_seen, losses })
    }

    /// All rows of a query.
    pub(super) fn rows<T: FromRow>(&mut self, sql: &str, params: impl Into<Params>) -> Result<Vec<T>, Fault> {
        let mut rows = Vec::new();
        self.each(sql, params, |row| rows.push(row))?;
        Ok(rows)
    }

    /// The one row of a query that has one or none.
    pub(super) fn row<T: FromRow>(
        &mut self,
        sql: &str,
        params: impl Into<Params>,
    ) -> Result<Option<T>, Fault> {
        Ok(self.rows(sql, params)?.pop())
    }

    /// Calls a procedure that begins a transaction and commits it by itself; all rows that it answers. When it fails,
    /// the transaction may be open, until [`roll_back`](Connection::roll_back).
    pub(super) fn call<T: FromRow>(&mut self, sql: &str, params: impl Into<Params>) -> Result<Vec<T>, Fault> {
        self.state = State::InTransaction;
        let rows = self.rows(sql, params)?;
        self.state = State::Clean;
        Ok(rows)
    }

    /// Calls `take` for each row of a query.
    pub(super) fn each<T: FromRow>(
        &mut self,
        sql: &str,
        params: impl Into<Params>,
        mut take: impl FnMut(T),
    ) -> Result<(), Fault> {
        // Every row is read, whatever they hold, and every result, of which a call has several: dropping an unread one
        // would hide an error in the rest of it.
        let mut unreadable = None;
        let mut read = |row: Row| match from_row_opt(row) {
            Ok(row) => take(row),
            Err(_) => unreadable = Some(Fault::failed("a column has another type than the schema says")),
        };
        let result = self.conn.exec_iter(sql, params).and_then(|mut results| {
            while let Some(mut rows) = results.iter() {
                rows.try_for_each(|row| row.map(&mut read))?;
            }
            Ok(())
        });
        self.checked(result)?;
        unreadable.map_or(Ok(()), Err)
    }

    /// Runs a statement that has no rows; how many it changed.
    pub(super) fn execute(&mut self, sql: &str, params: impl Into<Params>) -> Result<u64, Fault> {
        let result = self.conn.exec_drop(sql, params);
        self.checked(result)?;
        Ok(self.conn.affected_rows())
    }

    /// Inserts one row; the number that the database gave it.
    pub(super) fn insert(&mut self, sql: &str, params: impl Into<Params>) -> Result<u64, Fault> {
        self.execute(sql, params)?;
        Ok(self.conn.last_insert_id())
    }

    /// The number that the database gave the row that was inserted last.
    pub(super) fn last_inserted(&self) -> u64 {
        self.conn.last_insert_id()
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self) -> Result<(), Fault> {
        let result = self.conn.query_drop("START TRANSACTION");
        self.checked(result)?;
        self.state = State::InTransaction;
        Ok(())
    }

    /// Commits. When it fails, only the fault's kind tells whether anything is known.
    pub(super) fn commit(&mut self) -> Result<(), Fault> {
        let result = self.conn.query_drop("COMMIT");
        self.checked(result)?;
        self.state = State::Clean;
        Ok(())
    }

    /// Rolls back, as far as the connection still can; one that cannot is broken, and the server rolls back when it
    /// sees it closed.
    pub(super) fn roll_back(&mut self) {
        if self.state == State::InTransaction {
            self.state = match self.conn.query_drop("ROLLBACK") {
                Ok(()) => State::Clean,
                Err(_) => State::Broken,
            };
        }
    }

    /// Whether another statement may be sent.
    pub(super) fn is_usable(&self) -> bool {
        self.state != State::Broken
    }

    /// Whether it can go back to the pool; called when it does.
    pub(super) fn comes_back_clean(&mut self) -> bool {
        self.idle_since = now();
        self.state == State::Clean
    }

    /// Has the connection tried by `ping` if there is a reason to: it was idle for long, or another was lost.
    pub(super) fn prove(
        &mut self,
        ping_after_idle: Duration,
        ping: impl FnOnce(&mut Conn) -> Result<(), ::mysql::Error>,
    ) -> Result<(), ::mysql::Error> {
        let losses = self.losses.count();
        if self.losses_seen != losses || self.idle_since.elapsed() >= ping_after_idle {
            ping(&mut self.conn)?;
            self.losses_seen = losses;
        }
        Ok(())
    }

    /// Notes what a failure means for this connection and the others.
    fn checked<T>(&mut self, result: ::mysql::Result<T>) -> Result<T, Fault> {
        result.map_err(|error| {
            let answered = matches!(error, ::mysql::Error::MySqlError(_));
            let fault = Fault::from(error);
            if !answered || fault.kind == FaultKind::Lost {
                self.state = State::Broken;
            }
            if fault.kind == FaultKind::Lost {
                self.losses.0.fetch_add(1, Ordering::Relaxed);
            }
            fault
        })
    }
}

/// What every session states rather than takes from the server's configuration.
fn set_up(conn: &mut Conn, statement_timeout: Duration) -> Result<(), ::mysql::Error> {
    let version: Option<String> = conn.query_first("SELECT VERSION()")?;
    let lock_wait = (statement_timeout.as_secs() / 2).max(1);
    let timeout = if version.is_some_and(|version| version.contains("MariaDB")) {
        // A node that stands still in the middle of a transaction keeps others from its rows no longer than they wait.
        // MySQL has nothing like it: there they wait until the node goes on, or its connection is found dead.
        format!(
            "max_statement_time = {:.3}, SESSION idle_transaction_timeout = {lock_wait}",
            statement_timeout.as_secs_f64()
        )
    } else {
        format!("max_execution_time = {}", statement_timeout.as_millis())
    };
    conn.query_drop("SET NAMES utf8mb4 COLLATE utf8mb4_bin")?;
    conn.query_drop("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")?;
    conn.query_drop(format!(
        "SET SESSION autocommit = 1, SESSION sql_mode = '{SQL_MODE}', \
         SESSION innodb_lock_wait_timeout = {lock_wait}, SESSION {timeout}"
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a socket was idle is a fact of the network, not of the business"
)]
fn now() -> Instant {
    Instant::now()
}
