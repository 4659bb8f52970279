//! Migrations.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use ::mysql::prelude::Queryable;
use model::MigrationError;
use model::mysql::OpenError;
use testkit::MariaDb;

use super::*;

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
    let (error, text) = refusal(
        "INSERT INTO schema_migrations SELECT 999, 'later', checksum, started_at, finished_at \
         FROM schema_migrations WHERE number = 1",
    );
    assert!(matches!(error, MigrationError::Gap { .. } | MigrationError::Newer { .. }), "{text}");
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
