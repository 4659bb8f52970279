//! Brings the database to this version's schema: the part that is MySQL's.
//!
//! MySQL commits at every statement that changes the schema, so a migration that fails half way stays half done. It is
//! marked when it starts and when it has finished, and nothing more is done to a database with a start and no finish.

use std::time::Duration;

use ::mysql::Conn;
use ::mysql::prelude::Queryable;

use super::connection::SQL_MODE;
use super::fault::sentence;
use crate::MigrationError;
use crate::migration::{Migration, Record, embedded, newest, plan};

const MIGRATIONS: &[Migration] = &[
    embedded!("mysql", 1, "0001", "schema"),
    embedded!("mysql", 2, "0002", "cluster"),
    embedded!("mysql", 3, "0003", "people"),
    embedded!("mysql", 4, "0004", "append_message"),
    embedded!("mysql", 5, "0005", "messages"),
];

/// The schema's version: the newest migration's number.
pub(super) const SCHEMA: u32 = newest(MIGRATIONS);

/// What this version's migrations must not depend on the server's configuration for.
const SESSION: &str = "SET NAMES utf8mb4 COLLATE utf8mb4_bin";

/// The same table as in the embedded store.
const LIST: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number      INT UNSIGNED    NOT NULL PRIMARY KEY,
    name        VARCHAR(255)    NOT NULL,
    checksum    CHAR(64)        NOT NULL,
    started_at  BIGINT UNSIGNED NOT NULL,
    finished_at BIGINT UNSIGNED NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

/// Unix milliseconds by the server's clock.
const NOW: &str = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)";

/// Runs what is left to run, after waiting at most `wait` for another node that does the same.
pub(super) fn run(conn: &mut Conn, wait: Duration) -> Result<(), MigrationError> {
    run_these(conn, wait, MIGRATIONS)
}

fn run_these(conn: &mut Conn, wait: Duration, migrations: &[Migration]) -> Result<(), MigrationError> {
    conn.query_drop(SESSION).map_err(list_error)?;
    // A procedure runs in the mode that it was made in, whatever the caller's.
    conn.query_drop(format!("SET SESSION sql_mode = '{SQL_MODE}'")).map_err(list_error)?;
    lock(conn, wait)?;
    let result = run_locked(conn, migrations);
    // Should this fail, the lock goes with the connection, which is about to be closed.
    let _ = conn.query_drop(format!("DO RELEASE_LOCK({LOCK})"));
    result
}

/// The lock's name: locks belong to the server and not to a database, and their names are short.
const LOCK: &str = "CONCAT('migrations:', SHA1(DATABASE()))";

fn lock(conn: &mut Conn, wait: Duration) -> Result<(), MigrationError> {
    let waited_s = wait.as_secs();
    // 1: ours, 0: somebody else's for all that time, NULL: an error.
    let answer: Option<Option<u8>> =
        conn.query_first(format!("SELECT GET_LOCK({LOCK}, {waited_s})")).map_err(list_error)?;
    match answer.flatten() {
        Some(1) => Ok(()),
        Some(_) => Err(MigrationError::Locked { waited_s }),
        None => Err(MigrationError::List { cause: "GET_LOCK failed".to_owned() }),
    }
}

fn run_locked(conn: &mut Conn, migrations: &[Migration]) -> Result<(), MigrationError> {
    conn.query_drop(LIST).map_err(list_error)?;
    let records = records(conn)?;
    for migration in plan(migrations, &records)? {
        log::info!("migration {:04} ({}) begins", migration.number, migration.name);
        conn.exec_drop(
            format!(
                "INSERT INTO schema_migrations (number, name, checksum, started_at) VALUES (?, ?, ?, {NOW})"
            ),
            (migration.number, migration.name, migration.checksum()),
        )
        .map_err(list_error)?;
        run_statements(conn, migration)?;
        conn.exec_drop(
            format!("UPDATE schema_migrations SET finished_at = {NOW} WHERE number = ?"),
            (migration.number,),
        )
        .map_err(list_error)?;
        log::info!("migration {:04} ({}) has finished", migration.number, migration.name);
    }
    Ok(())
}

/// One statement at a time: of several sent at once only the first one's error would be seen.
fn run_statements(conn: &mut Conn, migration: &Migration) -> Result<(), MigrationError> {
    for (place, statement) in migration.statements().into_iter().enumerate() {
        conn.query_drop(statement).map_err(|error| MigrationError::Statement {
            number: migration.number,
            name: migration.name.to_owned(),
            statement: place + 1,
            cause: sentence(&error),
        })?;
    }
    Ok(())
}

fn records(conn: &mut Conn) -> Result<Vec<Record>, MigrationError> {
    let sql = "SELECT number, name, checksum, finished_at IS NOT NULL FROM schema_migrations ORDER BY number";
    let rows = conn.query_opt::<(u32, String, String, bool), _>(sql).map_err(list_error)?;
    rows.into_iter()
        .map(|row| {
            let (number, name, checksum, finished) =
                row.map_err(|error| MigrationError::List { cause: error.to_string() })?;
            Ok(Record { number, name, checksum, finished })
        })
        .collect()
}

fn list_error(error: ::mysql::Error) -> MigrationError {
    MigrationError::List { cause: sentence(&error) }
}
