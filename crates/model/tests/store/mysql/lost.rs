//! Connections that are lost, and databases that die.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use ::mysql::prelude::Queryable;
use domain::{Appended, MessageLog, Novelty, Seq, StoreError, Window};
use testkit::{MariaDb, Proxy, When, eventually};

use super::*;

/// A store that appends every message step by step.
fn by_transaction(url: &str) -> MySqlStore {
    let mut config = Config::from_url(url).unwrap();
    config.single_append = SingleAppend::Transaction;
    MySqlStore::open(&config).unwrap()
}

#[test]
fn a_connection_lost_at_commit_leaves_the_outcome_unknown_and_the_retry_settles_it() {
    let server = MariaDb::shared();
    let database = server.create_database("commit");
    let proxy = Proxy::start(server.address());
    let store = by_transaction(&server.url_through(proxy.address(), &database));
    let (ann, _, conversation) = friends(&store);

    for (when, novelty) in [(When::BeforeRequest, Novelty::New), (When::BeforeAnswer, Novelty::Repeat)] {
        let batch = [message(conversation, ann, &format!("{when:?}"))];
        proxy.cut_at(b"COMMIT", when);
        let lost = store.append(&batch);
        assert!(matches!(lost, Err(StoreError::OutcomeUnknown { .. })), "{when:?}: {lost:?}");
        assert!(!proxy.trap_waits());
        // The server rolls back when it sees the connection gone, and until then holds the lock.
        let answer = store.append(&batch).unwrap()[0].unwrap();
        assert_eq!(answer.novelty, novelty, "{when:?}");
    }
    assert_eq!(ids(&store, conversation), ["BeforeRequest", "BeforeAnswer"]);
}

#[test]
fn a_connection_lost_before_the_commit_changed_nothing() {
    let server = MariaDb::shared();
    let database = server.create_database("lost");
    let proxy = Proxy::start(server.address());
    let store = by_transaction(&server.url_through(proxy.address(), &database));
    let (ann, _, conversation) = friends(&store);
    let batch = [message(conversation, ann, "one")];
    store.append(&batch).unwrap();

    for (step, when) in [
        (&b"START TRANSACTION"[..], When::BeforeRequest),
        (b"START TRANSACTION", When::BeforeAnswer),
        // The body travels in the INSERT.
        (b"body of two", When::BeforeRequest),
        (b"body of two", When::BeforeAnswer),
    ] {
        proxy.cut_at(step, when);
        let lost = store.append(&[message(conversation, ann, "two")]);
        assert!(is_unavailable(lost), "{} {when:?}", String::from_utf8_lossy(step));
        assert!(!proxy.trap_waits());
    }
    assert_eq!(ids(&store, conversation), ["one"]);
    assert_eq!(store.append(&[message(conversation, ann, "two")]).unwrap()[0].unwrap().seq, Seq(2));
}

#[test]
fn a_connection_that_timed_out_never_gives_the_next_one_its_late_answer() {
    let server = MariaDb::shared();
    let database = server.create_database("late");
    let direct = open(&server.url(&database));
    let (ann, bob) = (user(&direct, "ann"), user(&direct, "bob"));
    let proxy = Proxy::start(server.address());
    let mut config = Config::from_url(&server.url_through(proxy.address(), &database)).unwrap();
    config.pool_size = 1;
    config.read_margin = Duration::from_millis(100);
    config.statement_timeout = Duration::from_millis(100);
    let store = MySqlStore::open(&config).unwrap();
    assert_eq!(name_of(&store, ann).unwrap(), "ann");

    proxy.hold();
    assert!(is_unavailable(name_of(&store, ann)));
    // Now the answer "ann" arrives on the connection that nobody listens to any more.
    proxy.resume();
    for _ in 0..3 {
        assert_eq!(eventually(LIMIT, "an answer", || name_of(&store, bob).ok()), "bob");
        assert_eq!(name_of(&store, ann).unwrap(), "ann");
    }
}

#[test]
fn a_database_that_dies_and_comes_back_needs_nobodys_help() {
    let server = MariaDb::start();
    let database = server.create_database("crash");
    let mut config = hasty(&server.url(&database));
    config.pool_size = 4;
    let store = Arc::new(MySqlStore::open(&config).unwrap());
    let (ann, _, conversation) = friends(&*store);

    // All connections of the pool are in use and good before the crash.
    let barrier = Arc::new(Barrier::new(4));
    let users: Vec<_> = (0..4)
        .map(|number| {
            let (store, barrier) = (Arc::clone(&store), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                (0..20).for_each(|turn| {
                    store.append(&[message(conversation, ann, &format!("{number}-{turn}"))]).unwrap();
                });
            })
        })
        .collect();
    users.into_iter().for_each(|user| user.join().unwrap());

    let good = store.pool_snapshot();
    server.kill();
    // The first ones meet the pool's dead connections, the others a server that is not there.
    for turn in 0..3 {
        assert!(is_unavailable(name_of(&*store, ann)), "turn {turn}");
        assert!(is_unavailable(store.append(&[message(conversation, ann, "never")])), "turn {turn}");
    }
    // While it is away nobody waits for it.
    let before = store.pool_snapshot();
    assert_eq!((before.connections, before.broken), (0, u64::from(good.connections)));
    let begun = Instant::now();
    let refusals = 1_000;
    for _ in 0..refusals {
        assert!(is_unavailable(name_of(&*store, ann)));
    }
    assert!(begun.elapsed() < config.checkout_timeout * refusals / 10, "{:?}", begun.elapsed());
    let after = store.pool_snapshot();
    assert_eq!((after.refused, after.timeouts), (before.refused + u64::from(refusals), before.timeouts));

    server.restart();
    eventually(LIMIT, "the store works again", || name_of(&*store, ann).ok());
    // From the first success on there are no failures: dead connections are found before they are used.
    for turn in 0..20 {
        store.append(&[message(conversation, ann, &format!("after-{turn}"))]).unwrap();
    }
    assert_eq!(ids(&*store, conversation).len(), 100);
}

#[test]
fn what_was_answered_survives_the_crash_of_the_database() {
    let server = MariaDb::start();
    let database = server.create_database("durable");
    let store = Arc::new(MySqlStore::open(&hasty(&server.url(&database))).unwrap());
    let (ann, _, conversation) = friends(&*store);

    let appender = {
        let store = Arc::clone(&store);
        thread::spawn(move || {
            let mut answered: Vec<(String, Appended)> = Vec::new();
            loop {
                let batch: Vec<_> = (0..10)
                    .map(|place| message(conversation, ann, &format!("{}-{place}", answered.len())))
                    .collect();
                match store.append(&batch) {
                    Ok(places) => {
                        let places = places.into_iter().map(Result::unwrap);
                        answered.extend(batch.into_iter().map(|message| message.client_msg_id).zip(places));
                    }
                    Err(StoreError::Failed { operation, cause }) => panic!("{operation}: {cause}"),
                    Err(_) => return (answered, batch),
                }
            }
        })
    };
    // Enough to be in the middle of it.
    eventually(LIMIT, "messages", || {
        (store.page(conversation, Seq(0), Window::Newest, WHOLE).ok()?.len() > 200).then_some(())
    });
    server.kill();
    let (answered, unanswered) = appender.join().unwrap();
    server.restart();

    // The batch without an answer is there whole or not at all, and repeating it settles which.
    let places = eventually(LIMIT, "the store works again", || store.append(&unanswered).ok());
    assert!(
        places
            .iter()
            .map(|place| place.unwrap().novelty)
            .all(|novelty| novelty == places[0].unwrap().novelty)
    );
    let stored = ids(&*store, conversation);
    assert_eq!(stored.len(), answered.len() + unanswered.len());
    for (id, place) in &answered {
        assert_eq!(&stored[place.seq.0 as usize - 1], id);
    }
}

#[test]
fn a_killed_connection_is_replaced() {
    let server = MariaDb::shared();
    let database = server.create_database("killed");
    let mut config = Config::from_url(&server.url(&database)).unwrap();
    config.pool_size = 1;
    let store = MySqlStore::open(&config).unwrap();
    let ann = user(&store, "ann");
    let mut admin = server.connect("");
    let sql = "SELECT id FROM information_schema.processlist WHERE db = ?";
    for id in admin.exec::<u64, _, _>(sql, (&database,)).unwrap() {
        admin.query_drop(format!("KILL {id}")).unwrap();
    }
    assert!(is_unavailable(name_of(&store, ann)));
    assert_eq!(name_of(&store, ann).unwrap(), "ann");
    let pool = store.pool_snapshot();
    assert_eq!((pool.opened, pool.broken, pool.timeouts, pool.refused), (2, 1, 0, 0));
}
