//! Whatever stands on the bus that does not parse: counted, dropped, and nobody hears anything of it.

use super::bus_scene::{Scene, envelope, kind, payload};
use super::metrics::scrape;
use crate::support::Random;

#[test]
fn junk_is_counted_and_dropped() {
    let mut scene = Scene::set();
    let mut redis = scene.cluster.redis_client();
    let mut random = Random::seeded("junk_is_counted_and_dropped");
    let before = scrape(&scene.cluster.nodes[1]).dropped();
    let mut published = 0;
    for round in 0..200 {
        let length = random.within(0..200) as usize;
        let mut bytes: Vec<u8> = (0..length).map(|_| random.number() as u8).collect();
        if round % 2 == 0 && length > 0 {
            // Past the first check.
            bytes[0] = 1;
        }
        for channel in scene.channels() {
            assert!(redis.publish(&channel, &bytes) > 0, "nobody listens to {channel}");
            published += 1;
        }
    }
    // Not a kind that exists; not a text; a push that is none.
    let boot = redis.boot_of("a") + 1_000;
    for kind in 0..=255u8 {
        for channel in scene.channels() {
            redis.publish(&channel, &envelope("z", boot, &payload(kind, &[], b"\xff\xfe no frame")));
            published += 1;
        }
    }
    scene.chats_on();
    let counted = scrape(&scene.cluster.nodes[1]).dropped() - before;
    println!("{published} published, {counted} counted");
    // By chance some of it may mean something.
    assert!(counted >= f64::from(published) * 0.95, "what is dropped is counted");
}

#[test]
fn what_nodes_said_is_dropped_when_cut_short_and_when_repeated() {
    let mut scene = Scene::set();
    // What is really said.
    let mut ear = scene.cluster.redis_client().eavesdrop();
    let mut redis = scene.cluster.redis_client();
    scene.chats_on();
    redis.publish("end", b"");
    let heard = ear.messages_until("end");
    let messages: Vec<_> = heard.iter().filter(|(channel, _)| channel != "nodes").collect();
    assert!(messages.len() >= 4, "{heard:?}");
    for (channel, bytes) in &messages {
        for length in (0..bytes.len()).step_by(7) {
            redis.publish(channel, &bytes[..length]);
        }
        // All of it, again: everybody has it.
        redis.publish(channel, bytes);
        // And in the name of another node, so that its own node does not take it for an echo.
        let mut other = bytes.clone();
        let name_at = 2 + 8 + 1;
        other[name_at] = b'z';
        redis.publish(channel, &other);
    }
    scene.chats_on();
}

#[test]
fn huge_messages_do_not_stop_a_node() {
    let mut scene = Scene::set();
    let mut redis = scene.cluster.redis_client();
    let boot = redis.boot_of("a") + 1_000;
    let resident = scene.cluster.nodes[1].resident_bytes();
    // Over what a node passes on; over what it reads at all.
    for size in [2 << 20, 20 << 20, 64 << 20] {
        let huge = vec![b' '; size];
        for channel in scene.channels() {
            redis.publish(&channel, &envelope("z", boot, &payload(kind::PUSH, &[], &huge)));
        }
        scene.comes_round();
        scene.chats_on();
    }
    let grown = scene.cluster.nodes[1].resident_bytes().saturating_sub(resident);
    println!("grown by {} MiB", grown >> 20);
    assert!(grown < 256 << 20);
}
