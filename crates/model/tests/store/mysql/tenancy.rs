//! Who is seen on a database, and who is kept out of it.

use std::thread;

use ::mysql::prelude::Queryable;
use model::mysql::{OpenError, SoleTenancy, Tenancy};

use super::*;

fn in_use(config: &Config) -> Option<usize> {
    match SoleTenancy::begin(config) {
        Ok(_) => None,
        Err(OpenError::InUse { nodes, .. }) => Some(nodes),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn nodes_are_seen_for_as_long_as_they_run_and_on_their_database_alone() {
    let server = MariaDb::shared();
    let config = Config::from_url(&server.url(&server.create_database("tenancy"))).unwrap();
    let other = Config::from_url(&server.url(&server.create_database("tenancy"))).unwrap();
    let (first, second) = (Tenancy::begin(&config).unwrap(), Tenancy::begin(&config).unwrap());
    assert_eq!((in_use(&config), in_use(&other)), (Some(2), None));
    drop(first);
    eventually(LIMIT, "one has gone", || (in_use(&config) == Some(1)).then_some(()));
    drop(second);
    eventually(LIMIT, "both have gone", || in_use(&config).is_none().then_some(()));
    // Their places are free for others.
    let _third = Tenancy::begin(&config).unwrap();
    assert_eq!(in_use(&config), Some(1));
}

#[test]
fn who_is_alone_keeps_nodes_and_others_like_it_out() {
    let server = MariaDb::shared();
    let database = server.create_database("alone");
    let mut config = hasty(&server.url(&database));
    let alone = SoleTenancy::begin(&config).unwrap();
    assert!(matches!(SoleTenancy::begin(&config), Err(OpenError::Shut { .. })));
    config.migration_wait = Duration::from_millis(300);
    let error = Tenancy::begin(&config).map(drop).unwrap_err().to_string();
    assert!(error.contains("--new-epoch is at work"), "{error}");
    // One that waits comes in once it may.
    config.migration_wait = LIMIT;
    let waits = thread::spawn({
        let config = config.clone();
        move || Tenancy::begin(&config)
    });
    // It has taken a place and stands at the gate.
    let place = "SELECT IS_USED_LOCK(CONCAT('node:', SHA1(DATABASE()), ':1'))";
    let mut admin = server.connect(&database);
    eventually(LIMIT, "a place is taken", || admin.query_first::<Option<u64>, _>(place).unwrap().flatten());
    assert!(!waits.is_finished());
    drop(alone);
    let _node = waits.join().unwrap().unwrap();
    assert_eq!(in_use(&config), Some(1));
}

#[test]
fn a_node_whose_connection_was_lost_is_seen_again() {
    let server = MariaDb::start();
    let config = hasty(&server.url(&server.create_database("lost")));
    let _node = Tenancy::begin(&config).unwrap();
    for _ in 0..2 {
        server.kill();
        server.restart();
        // At once: who looks does so for long enough.
        assert_eq!(in_use(&config), Some(1));
    }
}
