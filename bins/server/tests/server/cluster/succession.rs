//! A node that comes back under its name before anybody has noticed that it was gone, and what its past still says.

use std::thread;
use std::time::{Duration, Instant};

use protocol::{FriendEvent, FriendEventKind, PresencePush, Push, State, encode};

use super::bus_scene::{Scene, envelope, kind, payload};
use super::metrics::scrape;
use super::nodes::{Cluster, SLACK, TTL, reads, state_of};
use crate::support::befriend;

#[test]
fn a_node_that_restarts_at_once_finds_its_old_users_gone_and_its_new_ones_there() {
    let mut cluster = Cluster::of(2);
    let (mut alice, bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut carol = cluster.user(1, "carol");
    befriend(&mut alice, &mut carol);
    let token = carol.token.clone().expect("a token");
    cluster.nodes[1].kill9();
    let begun = Instant::now();
    cluster.nodes[1].restart();
    // Before its old lease has ended.
    let mut carol = cluster.resume(1, &token);
    let gone = alice.take("bob goes", |push| match push {
        Push::Presence(PresencePush { id, state: State::Offline, .. }) if *id == bob.id => {
            Some(begun.elapsed())
        }
        _ => None,
    });
    println!("who did not come back is offline {gone:?} after kill -9");
    assert!(gone < TTL + SLACK);
    reads(&mut alice, carol.id, State::Online);
    let until = Instant::now() + TTL;
    while Instant::now() < until {
        assert_eq!(state_of(&mut alice, carol.id), State::Online);
        assert_eq!(state_of(&mut alice, bob.id), State::Offline);
        thread::sleep(Duration::from_millis(50));
    }
    carol.say(alice.id, "still here");
    alice.message();
}

#[test]
fn an_older_epoch_of_a_node_is_not_believed() {
    let mut scene = Scene::set();
    let mut redis = scene.cluster.redis_client();
    let boot = redis.boot_of("a");
    let counts = |scene: &Scene| scene.cluster.nodes.iter().map(|node| scrape(node).dropped()).sum::<f64>();
    let before = counts(&scene);
    let event = FriendEvent {
        event: FriendEventKind::Deleted,
        id: scene.alice.id,
        name: "alice".into(),
        by: scene.alice.id,
        greeting: String::new(),
        friend: None,
        notice: 0,
    };
    let frame = encode::push_bytes(&Push::FriendEvent(event));
    let (channel, group) = (format!("u:{}", scene.bob.id), format!("g:{}", scene.group));
    const TIMES: usize = 10;
    for _ in 0..TIMES {
        redis.publish(&channel, &envelope("a", boot - 1, &payload(kind::PUSH, &[], &frame)));
        redis.publish(&group, &envelope("a", boot - 1, &payload(kind::GROUP_PUSH, &[1, 0], &frame)));
        let ended = payload(kind::SESSION_ENDED, &[scene.bob.id, scene.bob.session], b"it lies");
        redis.publish("nodes", &envelope("a", boot - 1, &ended));
    }
    scene.chats_on();
    // The node of this name does not believe its own past either.
    assert_eq!(counts(&scene) - before, (5 * TIMES) as f64, "what is dropped is counted");
}
