//! Databases that are too busy, locked or read-only.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::mysql::prelude::Queryable;
use domain::{MessageLog, Novelty};
use testkit::MariaDb;

use super::*;

#[test]
fn an_exhausted_pool_refuses_in_time_and_recovers() {
    let server = MariaDb::shared();
    let database = server.create_database("pool");
    let mut config = hasty(&server.url(&database));
    config.pool_size = 1;
    let store = Arc::new(MySqlStore::open(&config).unwrap());
    let (ann, _, conversation) = friends(&*store);

    let mut admin = server.connect(&database);
    admin.query_drop("START TRANSACTION").unwrap();
    admin.exec_drop("SELECT id FROM conversations WHERE id = ? FOR UPDATE", (conversation.0,)).unwrap();
    let waiter = {
        let store = Arc::clone(&store);
        thread::spawn(move || store.append(&[message(conversation, ann, "one")]))
    };
    wait_for_locker(&database);

    let begun = Instant::now();
    assert!(is_unavailable(name_of(&*store, ann)));
    assert!(begun.elapsed() < config.checkout_timeout * 3, "{:?}", begun.elapsed());
    admin.query_drop("COMMIT").unwrap();
    waiter.join().unwrap().unwrap();
    assert_eq!(name_of(&*store, ann).unwrap(), "ann");
}

#[test]
fn a_lock_that_is_never_released_is_waited_for_in_vain_but_not_for_long() {
    let server = MariaDb::shared();
    let database = server.create_database("locked");
    let mut config = Config::from_url(&server.url(&database)).unwrap();
    config.statement_timeout = Duration::from_secs(2);
    let store = MySqlStore::open(&config).unwrap();
    let (ann, _, conversation) = friends(&store);

    let mut admin = server.connect(&database);
    admin.query_drop("START TRANSACTION").unwrap();
    admin.exec_drop("SELECT id FROM conversations WHERE id = ? FOR UPDATE", (conversation.0,)).unwrap();
    let begun = Instant::now();
    assert!(is_unavailable(store.append(&[message(conversation, ann, "one")])));
    assert!(begun.elapsed() < config.statement_timeout * 5, "{:?}", begun.elapsed());
    admin.query_drop("COMMIT").unwrap();
    assert_eq!(store.append(&[message(conversation, ann, "one")]).unwrap()[0].unwrap().novelty, Novelty::New);
}

#[test]
fn a_read_only_server_is_unavailable_for_changes() {
    let server = MariaDb::start();
    let database = server.create_database("read_only");
    let mut admin = server.connect(&database);
    // The administrator may write all the same; this user may not.
    admin.query_drop("CREATE USER chat@localhost IDENTIFIED BY 'hunter2'").unwrap();
    admin.query_drop(format!("GRANT ALL ON `{database}`.* TO chat@localhost")).unwrap();
    admin.query_drop("CREATE USER chat@'127.0.0.1' IDENTIFIED BY 'hunter2'").unwrap();
    admin.query_drop(format!("GRANT ALL ON `{database}`.* TO chat@'127.0.0.1'")).unwrap();
    let url = server.url(&database).replace("root@", "chat:hunter2@");
    let store = open(&url);
    let (ann, _, conversation) = friends(&store);

    admin.query_drop("SET GLOBAL read_only = 1").unwrap();
    assert!(is_unavailable(store.append(&[message(conversation, ann, "one")])));
    assert_eq!(name_of(&store, ann).unwrap(), "ann");
    admin.query_drop("SET GLOBAL read_only = 0").unwrap();
    store.append(&[message(conversation, ann, "one")]).unwrap();
}
