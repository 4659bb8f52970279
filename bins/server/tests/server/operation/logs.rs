//! What the log says of connections, and that it never says what they say.

use protocol::{Login, Secret};
use testkit::{MariaDb, Redis, eventually};

use super::clustered;
use crate::support::{
    DEADLINE, Options, PASSWORD, Peer, Server, Store, ask, befriend, friends, hello, log_in, secret_file,
    user,
};

#[test]
fn a_line_names_node_connection_client_user_and_session() {
    let mut server = Server::start(Options::on(Store::Sqlite).with("node", "node-of-this-test"));
    let alice = user(&server, "alice");
    let client = alice.stream().local_addr().expect("an address");
    let (id, session) = (alice.id, alice.session);
    drop(alice);
    eventually(DEADLINE, "the end is in the log", || {
        server.log().contains(&format!(" of {client}, user {id}, session {session} closed")).then_some(())
    });
    server.terminate();
    let log = server.log();
    let line =
        |words: &str| log.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words}"));
    let opened = line(&format!(" from {client}"));
    let name = opened.split("connection ").nth(1).and_then(|rest| rest.split(' ').next()).expect("its name");
    line(&format!("connection {name} speaks for user {id}, session {session}"));
    line(&format!("connection {name} of {client}, user {id}, session {session} closed"));
    // What a library logs over several lines would be the only exception, and there is none.
    for line in log.lines() {
        let node = line.split(' ').filter(|word| !word.is_empty()).nth(2);
        assert!(line.starts_with('[') && node == Some("node-of-this-test"), "{line}");
    }
}

/// Two nodes, with everything logged that can be: what users say, what proves who they are, and what opens the database
/// and Redis, is in no line.
#[test]
fn a_cluster_logs_no_secrets_and_no_texts() {
    const TEXT: &str = "the-text-of-a-message";
    const GROUP_TEXT: &str = "the-text-for-a-group";
    const GREETING: &str = "the-text-of-a-greeting";
    const REDIS_PASSWORD: &str = "the-password-of-redis";
    const WRONG: &str = "a-password-that-is-wrong";
    let redis = Redis::start_with(Some(REDIS_PASSWORD), &[]);
    let (database, folder) = (MariaDb::shared(), tempfile::tempdir().expect("a folder"));
    let (name, file) = (database.create_database("logs"), folder.path().join("redis-password"));
    secret_file(&file, REDIS_PASSWORD);
    let start = |node: &str| {
        let options = clustered(database, &name, &redis)
            .with("redis", format!("redis://{}", redis.address()))
            .with("redis-password-file", file.display());
        Server::start(options.with("node", node).logging("trace"))
    };
    let (mut one, mut other) = (start("a"), start("b"));
    let (mut alice, mut bob) = (user(&one, "alice"), user(&other, "bob"));
    alice.add_friend(bob.id, GREETING).expect("asked");
    bob.refuse_friend(alice.id).expect("refused");
    alice.friend_event();
    befriend(&mut alice, &mut bob);
    alice.say(bob.id, TEXT);
    assert_eq!(bob.message().msg, TEXT);
    let group = alice.create_group("group", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    alice.say_in(group, GROUP_TEXT);
    bob.take("the group's message", |push| match push {
        protocol::Push::Message(message) if message.msg == GROUP_TEXT => Some(()),
        _ => None,
    });
    // On, from one node to the other, and off: the token travels, and the notices of both.
    let token = alice.token.take().expect("a token");
    let mut moved = Peer::connect(other.address());
    moved.hello(hello("")).expect("HELLO");
    moved.resume(token.clone()).expect("a good token");
    let mut guesser = Peer::connect(one.address());
    guesser.hello(hello("")).expect("HELLO");
    let login = Login { name: Some("alice".into()), password: Secret::new(WRONG), ..Login::default() };
    guesser.login(login).expect_err("a wrong password");
    // Redis goes and comes: what is sent again is logged no more than what is sent.
    redis.kill();
    moved.say(bob.id, TEXT);
    redis.restart();
    let page = ask(one.admin_address(), "/metrics").1;
    moved.log_out().expect("logged out");
    log_in(&one, "alice", "again");
    one.terminate();
    other.terminate();
    for (log, what) in [(one.log(), "one"), (other.log(), "other"), (page, "page of metrics")] {
        assert!(log.lines().count() > 20, "there is nothing to look through in {what}");
        for secret in [PASSWORD, token.expose(), TEXT, GROUP_TEXT, GREETING, REDIS_PASSWORD, WRONG] {
            let found = log.lines().find(|line| line.contains(secret));
            assert_eq!(found, None, "{secret:?} is in {what}");
        }
    }
}

/// A balancer's word is in the log as an address, never as what it sent.
#[test]
fn what_strangers_send_is_not_in_the_log() {
    let mut server =
        Server::start(Options::on(Store::Sqlite).with("proxy-trusted", "127.0.0.1").logging("trace"));
    for bytes in [&b"PROXY TCP4 the-secret-of-a-stranger\r\n"[..], b"the-secret-of-a-stranger"] {
        let mut peer = Peer::connect(server.address());
        peer.send_bytes(bytes);
        peer.bye();
    }
    server.terminate();
    assert!(!server.log().contains("the-secret-of-a-stranger"));
    // The test above would see it: it is what a friend's name is not.
    let mut server = Server::start(Options::on(Store::Sqlite).logging("trace"));
    friends(&server, "alice", "bob");
    server.terminate();
    assert!(server.log().contains("speaks for user"));
}
