//! Databases that are too busy, locked or read-only.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::mysql::prelude::Queryable;
use domain::{MessageLog, Novelty};
use model::mysql::PoolSnapshot;
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

    let before = store.pool_snapshot();
    assert_eq!((before.size, before.connections, before.idle, before.waiting), (1, 1, 0, 0));
    let begun = Instant::now();
    let refused = name_of(&*store, ann).unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
    assert!(refused.to_string().contains("all 1 connections to the database are in use"), "{refused}");
    let took = begun.elapsed();
    assert!(took >= config.checkout_timeout && took < config.checkout_timeout * 3, "{took:?}");
    let refused = PoolSnapshot {
        waits: before.waits + 1,
        wait_us: before.wait_us + config.checkout_timeout.as_micros() as u64,
        timeouts: before.timeouts + 1,
        ..before
    };
    assert_eq!(store.pool_snapshot(), refused);

    // Who waits while the connection comes back has it, and waits no longer.
    let patient = {
        let store = Arc::clone(&store);
        thread::spawn(move || name_of(&*store, ann))
    };
    eventually(LIMIT, "somebody waits", || (store.pool_snapshot().waiting == 1).then_some(()));
    admin.query_drop("COMMIT").unwrap();
    waiter.join().unwrap().unwrap();
    // On a slow machine the patient one may have been refused before the commit.
    if let Err(refused) = patient.join().unwrap() {
        assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
    }
    assert_eq!(name_of(&*store, ann).unwrap(), "ann");
    let after = store.pool_snapshot();
    assert_eq!((after.connections, after.idle, after.waiting), (1, 1, 0));
    assert_eq!((after.opened, after.broken, after.refused), (1, 0, 0), "always the same connection");
    assert!(after.checkouts > before.checkouts && after.waits > refused.waits, "{after:?}");
}

#[test]
fn who_waits_gets_a_new_connection_when_the_one_in_use_breaks() {
    let server = MariaDb::shared();
    let database = server.create_database("broken");
    let mut config = Config::from_url(&server.url(&database)).unwrap();
    config.pool_size = 1;
    config.checkout_timeout = LIMIT * 2;
    let store = Arc::new(MySqlStore::open(&config).unwrap());
    let (ann, _, conversation) = friends(&*store);

    let mut admin = server.connect(&database);
    admin.query_drop("START TRANSACTION").unwrap();
    admin.exec_drop("SELECT id FROM conversations WHERE id = ? FOR UPDATE", (conversation.0,)).unwrap();
    let holder = {
        let store = Arc::clone(&store);
        // Two, since of one alone nobody would know the outcome.
        let batch = ["one", "two"].map(|id| message(conversation, ann, id));
        thread::spawn(move || store.append(&batch))
    };
    wait_for_locker(&database);
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let store = Arc::clone(&store);
            thread::spawn(move || name_of(&*store, ann))
        })
        .collect();
    eventually(LIMIT, "all wait", || (store.pool_snapshot().waiting == 3).then_some(()));

    let sql = "SELECT id FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()";
    for id in admin.exec::<u64, _, _>(sql, (&database,)).unwrap() {
        admin.query_drop(format!("KILL {id}")).unwrap();
    }
    let begun = Instant::now();
    assert!(is_unavailable(holder.join().unwrap()));
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap().unwrap(), "ann");
    }
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    let after = store.pool_snapshot();
    assert_eq!((after.opened, after.broken, after.timeouts), (2, 1, 0));
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
