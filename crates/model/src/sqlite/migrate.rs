//! Brings the database to this version's schema: the part that is SQLite's.
//!
//! SQLite changes a schema inside of a transaction, so a migration and its entry in the list happen together or not at
//! all. All of a start's migrations are one transaction, under SQLite's own write lock.

use rusqlite::{Connection, params};

use crate::MigrationError;
use crate::migration::{Migration, Record, embedded, newest, plan};

const MIGRATIONS: &[Migration] = &[
    embedded!("sqlite", 1, "0001", "schema"),
    embedded!("sqlite", 2, "0002", "cluster"),
    embedded!("sqlite", 3, "0003", "people"),
    embedded!("sqlite", 4, "0004", "messages"),
];

/// The schema's version: the newest migration's number.
pub(super) const SCHEMA: u32 = newest(MIGRATIONS);

/// The same table as in the cluster's database.
const LIST: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number      INTEGER NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    checksum    TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER
) STRICT";

/// Unix milliseconds.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Runs what is left to run.
pub(super) fn run(connection: &mut Connection) -> Result<(), MigrationError> {
    run_these(connection, MIGRATIONS)
}

fn run_these(connection: &mut Connection, migrations: &[Migration]) -> Result<(), MigrationError> {
    let transaction = rusqlite::Transaction::new(connection, rusqlite::TransactionBehavior::Immediate)
        .map_err(list_error)?;
    transaction.execute_batch(LIST).map_err(list_error)?;
    let records = records(&transaction).map_err(list_error)?;
    for migration in plan(migrations, &records)? {
        apply(&transaction, migration)?;
        log::info!("migration {:04} ({}) has run", migration.number, migration.name);
    }
    transaction.commit().map_err(list_error)
}

fn records(connection: &Connection) -> rusqlite::Result<Vec<Record>> {
    let sql = "SELECT number, name, checksum, finished_at IS NOT NULL FROM schema_migrations ORDER BY number";
    connection
        .prepare(sql)?
        .query_map([], |row| {
            Ok(Record {
                number: row.get(0)?,
                name: row.get(1)?,
                checksum: row.get(2)?,
                finished: row.get(3)?,
            })
        })?
        .collect()
}

fn apply(connection: &Connection, migration: &Migration) -> Result<(), MigrationError> {
    let start = format!(
        "INSERT INTO schema_migrations (number, name, checksum, started_at) VALUES (?1, ?2, ?3, {NOW})"
    );
    let started = params![migration.number, migration.name, migration.checksum()];
    connection.execute(&start, started).map_err(list_error)?;
    for (place, statement) in migration.statements().into_iter().enumerate() {
        connection.execute_batch(statement).map_err(|error| MigrationError::Statement {
            number: migration.number,
            name: migration.name.to_owned(),
            statement: place + 1,
            cause: error.to_string(),
        })?;
    }
    let finish = format!("UPDATE schema_migrations SET finished_at = {NOW} WHERE number = ?1");
    connection.execute(&finish, [migration.number]).map_err(list_error)?;
    Ok(())
}

fn list_error(error: rusqlite::Error) -> MigrationError {
    MigrationError::List { cause: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration {
        number: 1,
        name: "first",
        script: "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);",
    };
    const SECOND: Migration =
        Migration { number: 2, name: "second", script: "ALTER TABLE a ADD COLUMN y INTEGER;" };

    fn database() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    fn listed(connection: &Connection) -> Vec<(u32, bool)> {
        records(connection).unwrap().into_iter().map(|record| (record.number, record.finished)).collect()
    }

    #[test]
    fn runs_each_once() {
        let mut connection = database();
        run_these(&mut connection, &[FIRST]).unwrap();
        run_these(&mut connection, &[FIRST]).unwrap();
        run_these(&mut connection, &[FIRST, SECOND]).unwrap();
        assert_eq!(listed(&connection), [(1, true), (2, true)]);
        let rows: i64 =
            connection.query_row("SELECT count(*) FROM a WHERE y IS NULL", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_failed_one_leaves_no_trace() {
        let mut connection = database();
        let broken =
            Migration { number: 2, name: "broken", script: "CREATE TABLE b (x INTEGER); SELECT nothing;" };
        let error = run_these(&mut connection, &[FIRST, broken]).unwrap_err();
        assert!(matches!(error, MigrationError::Statement { number: 2, statement: 2, .. }), "{error}");
        assert!(connection.is_autocommit());
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 0);
        run_these(&mut connection, &[FIRST, SECOND]).unwrap();
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let mut connection = database();
        run_these(&mut connection, &[FIRST, SECOND]).unwrap();
        let newer = run_these(&mut connection, &[FIRST]).unwrap_err();
        assert!(matches!(newer, MigrationError::Newer { number: 2, known: 1, .. }), "{newer}");
        let changed = Migration { script: "CREATE TABLE a (x TEXT);", ..FIRST };
        let changed = run_these(&mut connection, &[changed, SECOND]).unwrap_err();
        assert!(matches!(changed, MigrationError::Changed { number: 1, .. }), "{changed}");
        connection.execute_batch("UPDATE schema_migrations SET finished_at = NULL WHERE number = 2").unwrap();
        let half = run_these(&mut connection, &[FIRST, SECOND]).unwrap_err();
        assert!(matches!(half, MigrationError::HalfRun { number: 2, .. }), "{half}");
        connection.execute_batch("DELETE FROM schema_migrations WHERE number = 1").unwrap();
        let gap = run_these(&mut connection, &[FIRST, SECOND]).unwrap_err();
        assert!(matches!(gap, MigrationError::Gap { number: 1 }), "{gap}");
        connection.execute_batch("DROP TABLE schema_migrations; CREATE TABLE schema_migrations (x)").unwrap();
        let foreign = run_these(&mut connection, &[FIRST, SECOND]).unwrap_err();
        assert!(matches!(foreign, MigrationError::List { .. }), "{foreign}");
    }
}
