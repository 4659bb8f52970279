//! `server --new-epoch` gives a log another epoch while nobody runs on it, and at no other time.

use protocol::{Login, Secret};
use testkit::{MariaDb, Signal};

use crate::support::{Options, PASSWORD, Peer, Server, Store, befriend, hello, on_each_store, user};

on_each_store! {
    no_epoch_is_renewed_under_a_node,
}

/// The epoch that a node tells whoever signs in.
fn epoch_of(server: &Server, name: &str) -> String {
    let mut peer = Peer::connect(server.address());
    peer.hello(hello("")).expect("HELLO");
    let login = Login { name: Some(name.into()), password: Secret::new(PASSWORD), ..Login::default() };
    peer.login(login).expect("the right password").epoch
}

/// Asks for another epoch, which must be refused; the one line that says so.
fn refused(server: &Server) -> String {
    let said = server.try_renew_epoch();
    let error = String::from_utf8(said.stderr).expect("UTF-8");
    assert!(!said.status.success() && said.stdout.is_empty(), "{error}");
    assert!(error.starts_with("error: ") && error.lines().count() == 1, "{error}");
    error
}

fn no_epoch_is_renewed_under_a_node(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    befriend(&mut alice, &mut bob);
    let before = epoch_of(&server, "alice");
    let error = refused(&server);
    match store {
        Store::Sqlite => assert!(error.contains("is in use by another server: stop it"), "{error}"),
        Store::MariaDb => {
            assert!(error.contains("1 node runs on mysql://"), "{error}");
            assert!(error.contains("(127.0.0.1:") && error.contains(" as connection "), "{error}");
            assert!(error.contains("stop all nodes first"), "{error}");
        }
    }
    // The node did not notice.
    assert_eq!(epoch_of(&server, "alice"), before);
    alice.say(bob.id, "all is as it was");
    bob.message();
    // As soon as it has ended, in whichever way, it is not in the way.
    server.kill9();
    let said = server.renew_epoch();
    server.restart();
    let after = epoch_of(&server, "alice");
    assert!(after != before && said.contains(&before) && said.contains(&after), "{said}");
    server.terminate();
    server.renew_epoch();
}

#[test]
fn every_node_on_the_database_is_counted() {
    let database = MariaDb::shared();
    let url = database.url(&database.create_database("epoch"));
    let mut servers = [(); 3].map(|()| Server::start(Options::on_url(url.clone())));
    assert!(refused(&servers[0]).contains("3 nodes run on mysql://"));
    // One that stands still runs.
    servers[0].process().signal(Signal::STOP);
    servers[1].terminate();
    servers[2].kill9();
    assert!(refused(&servers[1]).contains("1 node runs on mysql://"));
    servers[0].kill9();
    servers[0].renew_epoch();
}

#[test]
fn a_node_is_noticed_after_a_restart_of_its_database() {
    let database = MariaDb::start();
    let server = Server::start(Options::on_url(database.url(&database.create_database("epoch"))));
    database.kill();
    database.restart();
    // As soon as the database is there, whether the node has seen that or not.
    assert!(refused(&server).contains("1 node runs on mysql://"));
    assert!(server.log().contains("others see this node there again"), "{}", server.log());
}
