//! Migrations.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use ::mysql::prelude::Queryable;
use domain::{MessageLog, Novelty, RosterVersion};
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
    assert!(text.contains("differs from the one that was run"), "{text}");
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

/// Scripts that earlier versions ran.
const SCRIPTS: [(&str, &str); 3] = [
    ("schema", include_str!("../../../../../sql/mysql/0001_schema.sql")),
    ("cluster", include_str!("../../../../../sql/mysql/0002_cluster.sql")),
    ("people", include_str!("../../../../../sql/mysql/0003_people.sql")),
];

/// A store on a database that ran these only.
fn upgraded(name: &str, scripts: &[(&str, &str)]) -> MySqlStore {
    const LIST: &str = "CREATE TABLE schema_migrations (
        number      INT UNSIGNED    NOT NULL PRIMARY KEY,
        name        VARCHAR(255)    NOT NULL,
        checksum    CHAR(64)        NOT NULL,
        started_at  BIGINT UNSIGNED NOT NULL,
        finished_at BIGINT UNSIGNED NULL
    ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    let server = MariaDb::shared();
    let database = server.create_database(name);
    let mut admin = server.connect(&database);
    for statement in upgrade::old_database(scripts, LIST) {
        admin.query_drop(statement).unwrap();
    }
    open(&server.url(&database))
}

#[test]
fn the_first_versions_database_is_brought_to_this_one() {
    upgrade::check(&upgraded("old", &SCRIPTS[..1]));
}

#[test]
fn a_database_without_the_procedure_is_brought_to_this_one() {
    let store = upgraded("no_procedure", &SCRIPTS);
    // One alone, to where something was said before.
    let group = ConversationId(3);
    let repeat = store.append(&[message(group, UserId(2), "e")]).unwrap()[0].unwrap();
    assert_eq!((repeat.seq, repeat.novelty, repeat.roster), (Seq(3), Novelty::Repeat, RosterVersion(1)));
    drop(store);
    let store = upgraded("no_procedure", &SCRIPTS);
    let place = store.append(&[message(ConversationId(1), UserId(2), "new")]).unwrap()[0].unwrap();
    assert_eq!((place.seq, place.novelty, place.roster), (Seq(3), Novelty::New, RosterVersion(0)));
    upgrade::check(&upgraded("no_procedure", &SCRIPTS));
}

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    let server = MariaDb::shared();
    let database = server.create_database("columns");
    drop(open(&server.url(&database)));
    let sql =
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()";
    let mut here: Vec<(String, String)> = server.connect(&database).query(sql).unwrap();
    let folder = tempfile::tempdir().unwrap();
    drop(crate::sqlite::open(folder.path()));
    let embedded = rusqlite::Connection::open(folder.path().join("chat.db")).unwrap();
    let sql = "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c \
               WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'";
    let mut statement = embedded.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut there: Vec<(String, String)> = rows.map(Result::unwrap).collect();
    // The index of words is each database's own; the embedded one's is a table of its full text search.
    there.retain(|(table, _)| !table.starts_with("message_words") && table != "indexed_messages");
    here.retain(|(table, _)| table != "message_words");
    // The embedded one has an index of expressions instead.
    here.retain(|(_, column)| !matches!(column.as_str(), "pair_lo" | "pair_hi"));
    here.sort();
    there.sort();
    assert_eq!(here, there);
}

#[test]
fn a_procedure_that_is_missing_or_forbidden_is_said_at_the_start() {
    let server = MariaDb::start();
    let database = server.create_database("forbidden");
    drop(open(&server.url(&database)));
    let mut admin = server.connect(&database);
    for host in ["localhost", "127.0.0.1"] {
        admin.query_drop(format!("CREATE USER chat@'{host}' IDENTIFIED BY 'hunter2'")).unwrap();
        // What a node needs that changes no schema, without EXECUTE.
        let rights = "SELECT, INSERT, UPDATE, DELETE, CREATE";
        admin.query_drop(format!("GRANT {rights} ON `{database}`.* TO chat@'{host}'")).unwrap();
    }
    let config = Config::from_url(&server.url(&database).replace("root@", "chat:hunter2@")).unwrap();
    let refusal = || MySqlStore::open(&config).err().unwrap().to_string();
    let forbidden = refusal();
    assert!(forbidden.contains("procedure append_message cannot be called"), "{forbidden}");
    assert!(forbidden.contains("denied") && forbidden.contains("grant EXECUTE"), "{forbidden}");
    for host in ["localhost", "127.0.0.1"] {
        admin.query_drop(format!("GRANT EXECUTE ON `{database}`.* TO chat@'{host}'")).unwrap();
    }
    let store = MySqlStore::open(&config).unwrap();
    let (ann, _, conversation) = friends(&store);
    store.append(&[message(conversation, ann, "one")]).unwrap()[0].unwrap();
    admin.query_drop("DROP PROCEDURE append_message").unwrap();
    let missing = refusal();
    assert!(missing.contains("does not exist") && missing.contains("with its routines"), "{missing}");
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
