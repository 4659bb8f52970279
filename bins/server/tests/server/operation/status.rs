//! `/healthz` and `/readyz`.

use mysql::prelude::Queryable;
use protocol::Code;
use testkit::{MariaDb, Redis, eventually};

use super::{alone, clustered};
use crate::support::{DEADLINE, Options, Server, Store, ask, chat, friends, user};

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

/// A database that answers and stores nothing is as good as none, and nobody need send anything for its return to be seen.
#[test]
fn a_node_whose_database_takes_no_changes_is_not_ready() {
    let database = MariaDb::start();
    let name = database.create_database("read_only");
    let mut admin = database.connect(&name);
    // The administrator may write all the same; this user may not.
    for host in ["localhost", "127.0.0.1"] {
        admin.query_drop(format!("CREATE USER chat@'{host}' IDENTIFIED BY 'hunter2'")).unwrap();
        admin.query_drop(format!("GRANT ALL ON `{name}`.* TO chat@'{host}'")).unwrap();
    }
    let url = database.url(&name).replace("root@", "chat:hunter2@");
    let server = Server::start(Options::on_url(url).with("admin", "127.0.0.1:0"));
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    alice.say(bob.id, "before");
    admin.query_drop("SET GLOBAL read_only = 1").unwrap();
    let refused = alice.refused(&chat(bob.id, "into the wind", "1"));
    assert_eq!(refused, Code::BUSY);
    let not_ready = (503, "database takes no changes\n".to_owned());
    eventually(DEADLINE, "the node is not ready", || {
        (ask(server.admin_address(), "/readyz") == not_ready).then_some(())
    });
    let metrics = ask(server.admin_address(), "/metrics").1;
    assert!(metrics.contains("\nchat_ready 0\n") && metrics.contains("\nchat_store_takes_changes 0\n"));
    assert_eq!(ask(server.admin_address(), "/healthz").0, 200);
    assert_eq!(bob.read_all(conv, 0).len(), 1, "what is kept can be read");

    admin.query_drop("SET GLOBAL read_only = 0").unwrap();
    eventually(DEADLINE, "the node is ready", || {
        (ask(server.admin_address(), "/readyz").0 == 200).then_some(())
    });
    alice.ask(&chat(bob.id, "into the wind", "1")).expect("stored");
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
