//! Nodes that die, stand still, leave and are replaced.

use std::time::{Duration, Instant};

use domain::PresenceState::{Offline, Online};
use domain::{Bus, Company, Presence, SessionId, UserId};
use testkit::{Proxy, Redis, eventually};

use crate::node::{LIMIT, Node, TTL, config, raw, user};

const USERS: u64 = 450;

fn users() -> Vec<UserId> {
    (1..=USERS).map(UserId).collect()
}

fn arrive(node: &Node) {
    for user in users() {
        node.presence.arrive(user, SessionId(user.0), Company::Any);
    }
}

/// Waits until all have seen the roll called so many times more.
fn beats(nodes: &[&Node], count: u64) {
    for node in nodes {
        let before = node.presence.snapshot().renewals;
        eventually(LIMIT, "a beat", || (node.presence.snapshot().renewals >= before + count).then_some(()));
    }
}

#[test]
fn a_dead_nodes_users_are_offline_within_the_time_to_live_and_one_survivor_tells() {
    let redis = Redis::start();
    let (a, b, c) = (Node::join(&redis, "a"), Node::join(&redis, "b"), Node::join(&redis, "c"));
    arrive(&a);
    let stays = UserId(7);
    b.presence.arrive(stays, SessionId(9_007), Company::Any);
    beats(&[&b, &c], 2);
    let missed_before = [b.told.missed.lock().len(), c.told.missed.lock().len()];
    let died = Instant::now();
    drop(a);
    assert_eq!(b.presence.states(&[UserId(1)]), [Online], "nobody knows yet");
    let all_changed = || [b.told.all_changed(), c.told.all_changed()].concat();
    eventually(LIMIT, "all are offline, and told", || {
        (all_changed().len() >= users().len() - 1).then_some(())
    });
    println!("told {:?} after the death, time to live {TTL:?}", died.elapsed());
    assert!(died.elapsed() < TTL + Duration::from_millis(500), "{:?}", died.elapsed());
    let mut states = c.presence.states(&users());
    assert_eq!(states.remove(6), Online, "who is on another node too stays");
    assert!(states.iter().all(|state| *state == Offline));
    assert_eq!(c.presence.sessions(stays), Some(vec![SessionId(9_007)]));
    beats(&[&b, &c], 2);
    let told: Vec<UserId> = users().into_iter().filter(|user| *user != stays).collect();
    assert!(
        b.told.all_changed() == told && c.told.all_changed().is_empty()
            || c.told.all_changed() == told && b.told.all_changed().is_empty(),
        "one of them told all, once"
    );
    for (node, before) in [(&b, missed_before[0]), (&c, missed_before[1])] {
        assert_eq!(node.told.missed.lock().len(), before + 1, "its last publications may be missing");
    }
    assert_eq!(b.bus.snapshot().nodes_living, 1);
    assert!(!redis.ask(&["ZRANGE", "t:leases", "0", "-1"]).contains("a#"), "it is cleared away");
    assert_eq!(redis.ask(&["KEYS", "t:at:a*"]), "*0\r\n");
}

#[test]
fn what_is_no_user_of_a_dead_node_holds_nobody_up() {
    let redis = Redis::start();
    let node = Node::join(&redis, "a");
    let mut raw = raw(&redis);
    let dead = "gone#5";
    let entries: [&[u8]; 7] = [b"", b"abc", b"-1", b"99999999999999999999999", b"1 2", b"\xff\xfe", b"7"];
    for entry in entries {
        let _: i64 = redis::cmd("SADD").arg(format!("t:at:{dead}")).arg(entry).query(&mut raw).unwrap();
    }
    let _: i64 = redis::cmd("ZADD").arg("t:leases").arg(5).arg(dead).query(&mut raw).unwrap();
    eventually(LIMIT, "it is cleared away", || (node.presence.snapshot().nodes_cleaned == 1).then_some(()));
    assert_eq!(node.told.all_changed(), [UserId(7)]);
    let left: i64 = redis::cmd("EXISTS").arg(format!("t:at:{dead}")).query(&mut raw).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_node_that_leaves_is_gone_at_once_and_nothing_is_missed() {
    let redis = Redis::start();
    let (a, b, c) = (Node::join(&redis, "a"), Node::join(&redis, "b"), Node::join(&redis, "c"));
    arrive(&a);
    b.bus.subscribe(&[user(1)]);
    beats(&[&b, &c], 2);
    let missed_before = [b.told.missed.lock().len(), c.told.missed.lock().len()];
    for number in 0..1_000 {
        a.say(user(1), format!("{number}"));
    }
    let start = Instant::now();
    a.stop();
    println!("left in {:?}", start.elapsed());
    assert_eq!(b.presence.states(&[UserId(1), UserId(USERS)]), [Offline, Offline]);
    b.hears("999");
    assert_eq!(b.told.heard.lock().len(), 1_000, "what waited was published");
    eventually(LIMIT, "its users' friends are told", || {
        (b.told.all_changed().len() + c.told.all_changed().len() == users().len()).then_some(())
    });
    beats(&[&b, &c], 3);
    assert_eq!([b.told.missed.lock().len(), c.told.missed.lock().len()], missed_before);
    assert_eq!(b.bus.snapshot().nodes_living, 1);
}

#[test]
fn a_node_that_stood_still_registers_again_with_all_its_users() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.address());
    let (a, b) = (Node::at(proxy.address(), "a"), Node::join(&redis, "b"));
    arrive(&a);
    let epoch = a.presence.snapshot().epoch;
    proxy.refuse();
    eventually(LIMIT, "its users are off", || (b.presence.states(&[UserId(1)]) == [Offline]).then_some(()));
    eventually(LIMIT, "it is cleared away", || (b.told.all_changed() == users()).then_some(()));
    a.presence.depart(UserId(1), SessionId(1));
    a.presence.arrive(UserId(9_999), SessionId(1), Company::Any);
    let reviews = a.told.reviews.lock().len();
    proxy.resume();
    let mut now_here = users();
    now_here.remove(0);
    now_here.push(UserId(9_999));
    eventually(LIMIT, "they are online again", || {
        b.presence.states(&now_here).iter().all(|state| *state == Online).then_some(())
    });
    assert_eq!(b.presence.states(&[UserId(1)]), [Offline]);
    // Who went meanwhile may be told of as well: nobody knows whether it was.
    eventually(LIMIT, "friends are told", || {
        let told = a.told.all_changed();
        now_here.iter().all(|user| told.contains(user)).then_some(())
    });
    eventually(LIMIT, "a review", || (a.told.reviews.lock().len() > reviews).then_some(()));
    let snapshot = a.presence.snapshot();
    assert!(
        snapshot.epoch > epoch && snapshot.leases_lost == 1 && snapshot.registered_again == 1,
        "{snapshot:?}"
    );
    assert!(a.told.expelled.lock().is_empty());
    // What it says under the new epoch is believed.
    b.bus.subscribe(&[user(1)]);
    a.say(user(1), "still me");
    b.hears("still me");
}

#[test]
fn an_emptied_redis_is_filled_again_and_nobody_is_said_to_be_offline_meanwhile() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    arrive(&a);
    assert_eq!(b.presence.states(&[UserId(1)]), [Online]);
    for restart in [false, true] {
        let registered = [&a, &b].map(|node| node.presence.snapshot().registered_again);
        if restart {
            redis.kill();
            redis.restart();
        } else {
            redis.ask(&["FLUSHALL"]);
        }
        let start = Instant::now();
        eventually(LIMIT, "all are online again", || {
            let states = b.presence.states(&users());
            assert!(!states.contains(&Offline), "a lie, {:?} after it was emptied", start.elapsed());
            let again = [&a, &b].map(|node| node.presence.snapshot().registered_again);
            let all_again = again[0] > registered[0] && again[1] > registered[1];
            (all_again && states.iter().all(|state| *state == Online)).then_some(())
        });
        println!("all online again {:?} after it was emptied (restart: {restart})", start.elapsed());
        eventually(LIMIT, "the absent are offline again", || {
            (b.presence.states(&[UserId(77_777)]) == [Offline]).then_some(())
        });
    }
    b.bus.subscribe(&[user(1)]);
    a.say(user(1), "hello again");
    b.hears("hello again");
}

#[test]
fn a_newer_process_takes_the_name_and_the_older_one_is_expelled() {
    let redis = Redis::start();
    let (older, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    arrive(&older);
    b.bus.subscribe(&[user(1)]);
    let newer = Node::join(&redis, "a");
    newer.presence.arrive(UserId(1), SessionId(5_001), Company::Any);
    eventually(LIMIT, "the older one is expelled", || (!older.told.expelled.lock().is_empty()).then_some(()));
    let why = older.told.expelled.lock()[0].clone();
    assert!(why.contains("node a") && why.contains("newer process"), "{why}");
    eventually(LIMIT, "its users are off", || (b.presence.states(&[UserId(2)]) == [Offline]).then_some(()));
    assert_eq!(b.presence.states(&[UserId(1)]), [Online], "but not the newer one's");
    newer.say(user(1), "from the newer");
    b.hears("from the newer");
    older.say(user(1), "from the older");
    eventually(LIMIT, "the older one is not believed", || {
        (b.bus.snapshot().dropped_outdated > 0).then_some(())
    });
    beats(&[&newer, &b], 3);
    assert!(newer.told.expelled.lock().is_empty());
    assert_eq!(b.presence.sessions(UserId(1)), Some(vec![SessionId(5_001)]));
    assert_eq!(older.told.expelled.lock().len(), 1);
    assert!(!b.told.has_heard("from the older"));
    older.stop();
    assert_eq!(b.presence.states(&[UserId(1)]), [Online]);
}

#[test]
fn nodes_of_other_versions_are_refused_with_a_sentence() {
    let redis = Redis::start();
    let _a = Node::join(&redis, "a");
    let mut schema = config(redis.address(), "b");
    schema.schema_version = 9;
    let why = Node::with(schema).err().unwrap().to_string();
    assert!(
        why.contains("node b cannot join") && why.contains("schema 9") && why.contains("node a"),
        "{why}"
    );
    let mut payload = config(redis.address(), "b");
    payload.payload_version = 8;
    let why = Node::with(payload).err().unwrap().to_string();
    assert!(why.contains("payload 8"), "{why}");
    // The same node may come back with another version when it is the only one.
    let empty = Redis::start();
    Node::join(&empty, "a").stop();
    let mut schema = config(empty.address(), "a");
    schema.schema_version = 9;
    Node::with(schema).unwrap();
}

#[test]
fn a_node_of_another_bus_version_that_lives_keeps_this_one_out() {
    let redis = Redis::start();
    let mut raw = raw(&redis);
    let _: () = redis::cmd("ZADD").arg("t:leases").arg(1e15).arg("future#1").query(&mut raw).unwrap();
    let _: () = redis::cmd("HSET").arg("t:versions").arg("future#1").arg("1 2.0.0").query(&mut raw).unwrap();
    let why = Node::with(config(redis.address(), "a")).err().unwrap().to_string();
    assert!(why.contains("bus 1") && why.contains("bus 2") && why.contains("node future"), "{why}");
}

#[test]
fn a_node_that_started_without_redis_is_expelled_when_it_does_not_fit() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.address());
    proxy.refuse();
    let mut other = config(proxy.address(), "b");
    other.schema_version = 9;
    let b = Node::with(other).unwrap();
    let a = Node::join(&redis, "a");
    proxy.resume();
    eventually(LIMIT, "it is expelled", || (!b.told.expelled.lock().is_empty()).then_some(()));
    assert!(b.told.expelled.lock()[0].contains("schema 9"));
    beats(&[&a], 1);
    assert_eq!(a.bus.snapshot().nodes_living, 0);
}

#[test]
fn a_survivor_that_dies_while_it_clears_up_is_followed_by_another() {
    let redis = Redis::start();
    let (a, b) = (Node::join(&redis, "a"), Node::join(&redis, "b"));
    arrive(&a);
    let claim = format!("t:claim:a#{}", a.presence.snapshot().epoch);
    // As by a node that began and died.
    redis.ask(&["SET", &claim, "c#1", "PX", &(TTL.as_millis() + 3_000).to_string()]);
    drop(a);
    eventually(LIMIT, "they are offline", || (b.presence.states(&[UserId(1)]) == [Offline]).then_some(()));
    beats(&[&b], 1);
    assert!(b.told.all_changed().is_empty(), "the claim stands");
    eventually(LIMIT, "another goes on", || (b.told.all_changed() == users()).then_some(()));
}
