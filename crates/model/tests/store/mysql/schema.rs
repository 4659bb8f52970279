//! Migrations.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use ::mysql::prelude::Queryable;
use model::MigrationError;
use model::mysql::OpenError;
use testkit::MariaDb;

use super::*;
use crate::upgrade;

#[test]
fn many_nodes_that_start_at_once_migrate_once() {
    let server = MariaDb::shared();
    let database = server.create_database("start");
    let url = server.url(&database);
    let barrier = Arc::new(Barrier::new(4));
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            let (url, barrier) = (url.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                open(&url)
            })
        })
        .collect();
    let stores: Vec<_> = nodes.into_iter().map(|node| node.join().unwrap()).collect();
    let ann = user(&stores[0], "ann");
    assert_eq!(name_of(&stores[3], ann).unwrap(), "ann");
    let marks: Vec<(u32, bool)> = server
        .connect(&database)
        .query("SELECT number, finished_at >= started_at FROM schema_migrations ORDER BY number")
        .unwrap();
    assert!(marks.iter().enumerate().all(|(place, mark)| *mark == (place as u32 + 1, true)), "{marks:?}");
}

/// What opening says after the list of migrations was changed.
fn refusal(change: &str) -> (MigrationError, String) {
    let server = MariaDb::shared();
    let database = server.create_database("refusal");
    let url = server.url(&database);
    drop(open(&url));
    server.connect(&database).query_drop(change).unwrap();
    match MySqlStore::open(&Config::from_url(&url).unwrap()).err() {
        Some(OpenError::Migration(error)) => (error.clone(), error.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_half_run_migration_is_refused() {
    let (error, text) = refusal("UPDATE schema_migrations SET finished_at = NULL WHERE number = 1");
    assert!(matches!(error, MigrationError::HalfRun { number: 1, .. }));
    assert!(text.contains("restore the database"), "{text}");
}

#[test]
fn a_changed_migration_is_refused() {
    let (error, text) = refusal("UPDATE schema_migrations SET checksum = REPEAT('0', 64) WHERE number = 1");
    assert!(matches!(error, MigrationError::Changed { number: 1, .. }));
    assert!(text.contains("was changed"), "{text}");
}

#[test]
fn a_newer_schema_is_refused() {
    let known = MySqlStore::SCHEMA;
    let (error, text) = refusal(
        "INSERT INTO schema_migrations SELECT MAX(number) + 1, 'later', REPEAT('0', 64), 1, 1 FROM schema_migrations",
    );
    assert_eq!(error, MigrationError::Newer { number: known + 1, name: "later".to_owned(), known });
    let sentence = format!("has migration {:04} (later), this version knows only {known:04}", known + 1);
    assert!(text.contains(&sentence) && text.contains("start the newer version"), "{text}");
}

#[test]
fn a_gap_in_the_list_is_refused() {
    let (error, text) = refusal("INSERT INTO schema_migrations VALUES (999, 'later', REPEAT('0', 64), 1, 1)");
    assert_eq!(error, MigrationError::Gap { number: MySqlStore::SCHEMA + 1 });
    assert!(text.contains("restore the database"), "{text}");
}

#[test]
fn the_newest_migration_is_the_schemas_version() {
    let server = MariaDb::shared();
    let database = server.create_database("version");
    drop(open(&server.url(&database)));
    let newest = server.connect(&database).query_first("SELECT MAX(number) FROM schema_migrations").unwrap();
    assert_eq!(newest, Some(MySqlStore::SCHEMA));
}

#[test]
fn the_first_versions_database_is_brought_to_this_one() {
    const FIRST: &str = include_str!("../../../../../sql/mysql/0001_schema.sql");
    const LIST: &str = "CREATE TABLE schema_migrations (
        number      INT UNSIGNED    NOT NULL PRIMARY KEY,
        name        VARCHAR(255)    NOT NULL,
        checksum    CHAR(64)        NOT NULL,
        started_at  BIGINT UNSIGNED NOT NULL,
        finished_at BIGINT UNSIGNED NULL
    ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    let server = MariaDb::shared();
    let database = server.create_database("old");
    let mut admin = server.connect(&database);
    for statement in upgrade::old_database(FIRST, LIST) {
        admin.query_drop(statement).unwrap();
    }
    upgrade::check(&open(&server.url(&database)));
}

#[test]
fn a_migration_that_fails_says_where_and_is_not_tried_again() {
    let server = MariaDb::shared();
    let database = server.create_database("failing");
    // In the way of the first migration's last table.
    server.connect(&database).query_drop("CREATE TABLE cursors (n INT)").unwrap();
    let config = Config::from_url(&server.url(&database)).unwrap();
    let error = MySqlStore::open(&config).err().unwrap();
    assert!(
        matches!(&error, OpenError::Migration(MigrationError::Statement { number: 1, cause, .. }) if cause.contains("cursors")),
        "{error}"
    );
    let again = MySqlStore::open(&config).err().unwrap();
    assert!(matches!(&again, OpenError::Migration(MigrationError::HalfRun { number: 1, .. })), "{again}");
}

#[test]
fn waits_for_another_node_that_migrates_but_not_for_ever() {
    let server = MariaDb::shared();
    let database = server.create_database("waiting");
    let mut other = server.connect(&database);
    let lock = "CONCAT('migrations:', SHA1(DATABASE()))";
    assert_eq!(other.query_first::<u8, _>(format!("SELECT GET_LOCK({lock}, 0)")).unwrap(), Some(1));
    let mut config = Config::from_url(&server.url(&database)).unwrap();
    config.migration_wait = Duration::from_secs(1);
    let error = MySqlStore::open(&config).err().unwrap();
    assert_eq!(error, OpenError::Migration(MigrationError::Locked { waited_s: 1 }));
    drop(other);
    config.migration_wait = LIMIT;
    MySqlStore::open(&config).unwrap();
}
