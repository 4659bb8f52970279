//! How a node begins and whom it refuses: what is wrong is one clear sentence, and never shows a password.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use protocol::{Code, State};
use redis::cmd;
use testkit::{Process, Redis, eventually};

use super::hearing::run;
use super::nodes::{Cluster, PREFIX, Plan, SLACK, TTL, reads, state_of};
use crate::support::{DEADLINE, Server, befriend, secret_file};

/// Runs a node that must refuse to start; its one line of error.
fn refused(cluster: &mut Cluster, more: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let (out, err) = (folder.path().join("stdout"), folder.path().join("stderr"));
    let options = cluster.options_of_next();
    let mut process = Process::spawn(env!("CARGO_BIN_EXE_server"), |command| {
        command
            .args(options.arguments(&folder.path().join("data")))
            .args(more)
            .current_dir(folder.path())
            .env("RUST_LOG", "debug")
            .stdout(Stdio::from(fs::File::create(&out).expect("a file")))
            .stderr(Stdio::from(fs::File::create(&err).expect("a file")));
    });
    let status = process.wait(DEADLINE);
    let (stdout, stderr) = (fs::read_to_string(out).expect("UTF-8"), fs::read_to_string(err).expect("UTF-8"));
    assert!(!status.success(), "it exited with {status}");
    assert_eq!(stdout, "", "it announced something");
    let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "not one line of error: {stderr}");
    println!("{}", errors[0]);
    assert!(!stderr.contains("hush"), "a password was shown: {stderr}");
    errors[0].to_owned()
}

#[test]
fn without_redis_it_serves_and_joins_later() {
    let redis = Redis::start();
    redis.kill();
    let begun = Instant::now();
    let cluster = Plan::of(2).start_on(redis);
    println!("two nodes started after {:?}", begun.elapsed());
    let mut alice = cluster.user(0, "alice");
    let mut bob = cluster.user(0, "bob");
    let conv = befriend(&mut alice, &mut bob);
    let mut bob_far = cluster.log_in(1, "bob", "second");
    alice.say(bob.id, "here");
    run(&mut bob, conv, 1..=1);
    assert_eq!(state_of(&mut alice, bob.id), State::Online, "on this very node");
    assert_eq!(state_of(&mut bob_far, alice.id), State::Unknown, "who knows");
    cluster.redis.restart();
    let begun = Instant::now();
    run(&mut bob_far, conv, 1..=1);
    reads(&mut bob_far, alice.id, State::Online);
    println!("joined {:?} after Redis came", begun.elapsed());
    assert!(begun.elapsed() < TTL + SLACK * 2);
    alice.say(bob.id, "everywhere");
    run(&mut bob_far, conv, 2..=2);
}

#[test]
fn a_password_comes_from_a_file_and_a_wrong_one_is_refused_without_being_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let (right, wrong) = (folder.path().join("right"), folder.path().join("wrong"));
    secret_file(&right, "hush-right\n");
    secret_file(&wrong, "hush-wrong\n");
    let mut cluster = Plan::of(2)
        .with("redis-password-file", right.display())
        .start_on(Redis::start_with(Some("hush-right"), &[]));
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    alice.say(bob.id, "with a password");
    run(&mut bob, conv, 1..=1);
    let error = refused(&mut cluster, &[&format!("--redis-password-file={}", wrong.display())]);
    assert!(error.contains("Redis") || error.contains("redis"), "{error}");
    let error = refused(&mut cluster, &["--redis-password-file="]);
    assert!(error.contains("Redis") || error.contains("redis"), "{error}");
    for node in &cluster.nodes {
        assert!(!node.log().contains("hush"), "a password was logged");
    }
}

#[test]
fn a_schema_that_is_newer_than_the_program_is_refused() {
    let mut cluster = Cluster::of(1);
    let mut database = cluster.database().connect(cluster.database_name());
    database
        .query_drop(
            "INSERT INTO schema_migrations
             SELECT MAX(number) + 1, 'from the future', REPEAT('0', 64), 1, 1 FROM schema_migrations",
        )
        .expect("a migration");
    let error = refused(&mut cluster, &[]);
    assert!(error.contains("start the newer version"), "{error}");
}

#[test]
fn other_versions_among_the_living_are_refused() {
    let mut cluster = Cluster::of(1);
    let mut redis = cluster.redis_client();
    let far = redis.leases()[0].1 + 600_000.0;
    // A node that runs something else, as it would be written.
    let other = "other#1700000000000";
    redis.ask::<i64>(cmd("HSET").arg(format!("{PREFIX}versions")).arg(other).arg("1700000000000 9.9.9"));
    redis.ask::<i64>(cmd("ZADD").arg(format!("{PREFIX}leases")).arg(far).arg(other));
    let error = refused(&mut cluster, &[]);
    assert!(error.contains("other") && error.contains("version"), "{error}");
    // The one that is there goes on; and once the other is gone, newcomers are welcome.
    redis.ask::<i64>(cmd("ZADD").arg(format!("{PREFIX}leases")).arg(1).arg(other));
    let node = cluster.add_node();
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (node, "bob"));
    alice.say(bob.id, "welcome");
    run(&mut bob, conv, 1..=1);
}

#[test]
fn of_two_nodes_with_one_name_the_older_leaves() {
    let mut cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((1, "alice"), (0, "bob"));
    let token = bob.token.clone().expect("a token");
    // The last setting of a key counts.
    let options = cluster.options_of_next().with("node", "a");
    let begun = Instant::now();
    cluster.nodes.push(Server::start(options));
    assert_eq!(Code(bob.bye().errcode), Code::GOING_AWAY);
    eventually(DEADLINE, "the older ends", || (!cluster.nodes[0].is_alive()).then_some(()));
    println!("the older left after {:?}", begun.elapsed());
    let log = cluster.nodes[0].log();
    assert!(log.lines().any(|line| line.contains("name")), "it says why: {log}");
    let mut bob = cluster.resume(2, &token);
    reads(&mut alice, bob.id, State::Online);
    alice.say(bob.id, "which one are you?");
    run(&mut bob, conv, 1..=1);
    // What the older left behind does not take the newer's users off.
    let until = Instant::now() + TTL;
    while Instant::now() < until {
        assert_eq!(state_of(&mut alice, bob.id), State::Online);
        alice.ping().expect("answered");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(cluster.nodes[2].is_alive() && cluster.nodes[1].is_alive());
}

#[test]
fn a_node_stops_in_time_though_redis_is_away() {
    for silent in [false, true] {
        let mut cluster = Cluster::of(1);
        let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (0, "bob"));
        if silent {
            cluster.redis.pause();
        } else {
            cluster.redis.kill();
        }
        alice.say(bob.id, "the last");
        run(&mut bob, conv, 1..=1);
        let begun = Instant::now();
        cluster.nodes[0].terminate();
        println!("silent: {silent}; it ended after {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody waits for who is away");
        assert_eq!(Code(bob.bye().errcode), Code::GOING_AWAY);
    }
}
