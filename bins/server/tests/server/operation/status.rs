//! `/healthz` and `/readyz`.

use testkit::{MariaDb, Redis, eventually};

use super::{alone, clustered};
use crate::support::{DEADLINE, Options, Server, Store, ask, friends, user};

#[test]
fn a_node_that_serves_is_healthy_and_ready() {
    let server = Server::start(alone());
    for path in ["/healthz", "/readyz"] {
        assert_eq!(ask(server.admin_address(), path), (200, "ok\n".to_owned()), "{path}");
    }
}

#[test]
fn without_the_setting_nobody_is_asked() {
    let server = Server::start(Options::on(Store::Sqlite));
    assert!(!server.announcement().contains("admin"), "{}", server.announcement());
}

/// A node whose database went away is alive, but nobody should be sent to it.
#[test]
fn without_its_database_a_node_is_not_ready() {
    let database = MariaDb::start();
    let name = database.create_database("ready");
    let server = Server::start(Options::on_url(database.url(&name)).with("admin", "127.0.0.1:0"));
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    assert_eq!(ask(server.admin_address(), "/readyz").0, 200);
    database.kill();
    eventually(DEADLINE, "the node is not ready", || {
        // Whoever asks something finds that the database is away.
        let _ = alice.friends(0, 0);
        (ask(server.admin_address(), "/readyz") == (503, "database away\n".to_owned())).then_some(())
    });
    assert_eq!(ask(server.admin_address(), "/healthz").0, 200);
    database.restart();
    // By itself: a node that is not ready is asked by nobody else.
    eventually(DEADLINE, "the node is ready", || {
        (ask(server.admin_address(), "/readyz").0 == 200).then_some(())
    });
    eventually(DEADLINE, "and serves", || alice.friends(0, 0).ok());
    assert_eq!(alice.friends(0, 0).expect("a page").friends[0].id, bob.id);
}

/// All nodes lose Redis at once; were they unready for it, nobody would be served at all.
#[test]
fn without_redis_a_node_is_ready() {
    let (database, redis) = (MariaDb::shared(), Redis::start());
    let server = Server::start(clustered(database, &database.create_database("ready"), &redis));
    redis.kill();
    user(&server, "alice");
    assert_eq!(ask(server.admin_address(), "/readyz"), (200, "ok\n".to_owned()));
}
