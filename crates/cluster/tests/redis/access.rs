//! Passwords, and that nobody sees them.

use std::sync::Once;

use cluster::redis::ConnectError;
use domain::{Bus, Company, Presence, SessionId, UserId};
use log::{LevelFilter, Log, Metadata, Record};
use parking_lot::Mutex;
use testkit::{Redis, eventually};

use crate::node::{LIMIT, Node, config, user};

const SECRET: &str = "hush-4711";

/// All that this test program logs.
struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &Record<'_>) {
        self.0.lock().push(record.args().to_string());
    }
    fn flush(&self) {}
}

fn listen_to_logs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&LINES).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
}

fn nobody_saw_the_secret() {
    let lines = LINES.0.lock();
    assert!(!lines.is_empty());
    assert!(!lines.iter().any(|line| line.contains(SECRET)), "{lines:#?}");
}

fn meet(a: &Node, b: &Node) {
    b.bus.subscribe(&[user(1)]);
    a.say(user(1), "let in");
    b.hears("let in");
    a.presence.arrive(UserId(1), SessionId(1), Company::Any);
    assert_eq!(b.presence.sessions(UserId(1)), Some(vec![SessionId(1)]));
}

#[test]
fn a_password_opens_redis_and_is_never_shown() {
    listen_to_logs();
    let redis = Redis::start_with(Some(SECRET), &[]);
    let with = |name, password: Option<&str>| {
        let mut config = config(redis.address(), name);
        config.password = password.map(str::to_owned);
        assert!(!format!("{config} {config:?}").contains(SECRET));
        Node::with(config)
    };
    let a = with("a", Some(SECRET)).unwrap();
    let mut in_url = config(redis.address(), "b");
    in_url.url = format!("redis://:{SECRET}@{}/0", redis.address());
    assert!(!format!("{in_url} {in_url:?}").contains(SECRET));
    let b = Node::with(in_url).unwrap();
    meet(&a, &b);
    for wrong in [None, Some("hush-4711-not")] {
        let error = with("c", wrong).err().unwrap();
        assert!(matches!(error, ConnectError::Denied { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
    }
    redis.kill();
    a.is_away();
    redis.restart();
    a.reaches();
    nobody_saw_the_secret();
}

#[test]
fn a_user_that_may_touch_only_the_prefix_is_enough() {
    listen_to_logs();
    let redis = Redis::start();
    redis.ask(&[
        "ACL",
        "SETUSER",
        "chat",
        "on",
        &format!(">{SECRET}"),
        "~t:*",
        "&t:*",
        "-@all",
        "+@pubsub",
        "+@connection",
        "+@scripting",
        "+@hash",
        "+@set",
        "+@sortedset",
        "+@string",
        "+@keyspace",
        "-@dangerous",
        "+time",
    ]);
    let chat = |name, user: &str| {
        let mut config = config(redis.address(), name);
        config.url = format!("redis://{user}:{SECRET}@{}/0", redis.address());
        Node::with(config)
    };
    let (a, b) = (chat("a", "chat").unwrap(), chat("b", "chat").unwrap());
    meet(&a, &b);
    drop(a);
    eventually(LIMIT, "cleaning works too", || (b.told.all_changed() == [UserId(1)]).then_some(()));
    let error = chat("c", "nobody").err().unwrap();
    assert!(matches!(error, ConnectError::Denied { .. }), "{error:?}");
    assert_eq!(b.presence.snapshot().call_errors, 0);
    nobody_saw_the_secret();
}

/// A Redis without the command quotes what it does not know, password and all.
#[test]
fn not_even_a_redis_that_quotes_the_password_makes_it_known() {
    listen_to_logs();
    let redis = Redis::start_with(None, &["--rename-command", "AUTH", "\"\""]);
    let mut config = config(redis.address(), "a");
    config.password = Some(SECRET.to_owned());
    let a = Node::with(config).unwrap();
    eventually(LIMIT, "it goes on trying", || (a.presence.snapshot().call_errors > 1).then_some(()));
    nobody_saw_the_secret();
}
