//! What parses and stands on the bus all the same, and that no node said: the unknown and the invented.

use bytes::Bytes;
use protocol::{ChatMessage, MessageKind, Push, encode};
use testkit::eventually;

use super::bus_scene::{Scene, envelope, kind, payload};
use super::metrics::scrape;
use crate::support::{DEADLINE, Server};

/// No user, group, conversation or session has this number.
const UNKNOWN: u64 = 987_654;

fn message(conv: u64, seq: u64, from: u64) -> Bytes {
    encode::push_bytes(&Push::Message(ChatMessage {
        conv,
        seq,
        from,
        name: "nobody".into(),
        client_msg_id: "forged".into(),
        time: 1,
        kind: MessageKind::Text,
        msg: "forged".into(),
        ..ChatMessage::default()
    }))
}

#[test]
fn what_is_not_in_the_log_is_not_heard() {
    let mut scene = Scene::set();
    let mut redis = scene.cluster.redis_client();
    let boot = redis.boot_of("a") + 1_000;
    let (alice, bob, conv, group) = (scene.alice.id, scene.bob.id, scene.conv, scene.group);
    let (user_channel, group_channel) = (format!("u:{bob}"), format!("g:{group}"));
    let next = scene.said + 1;
    let far = scene.said + 1_000;
    let mut says = |channel: &str, payload: Vec<u8>| {
        redis.publish(channel, &envelope("z", boot, &payload));
    };
    // Conversations that exist, and places in them that do not.
    says(&user_channel, payload(kind::PAIR_MESSAGE, &[conv, far, alice, bob], &message(conv, far, alice)));
    says(&group_channel, payload(kind::GROUP_MESSAGE, &[group, far, 2], &message(group, far, alice)));
    // A roster that does not exist.
    says(&group_channel, payload(kind::GROUP_MESSAGE, &[group, next, 9_999], &message(group, next, alice)));
    // Another conversation than the topic's, and a topic of somebody else.
    says(&group_channel, payload(kind::GROUP_MESSAGE, &[UNKNOWN, 1, 1], &message(UNKNOWN, 1, alice)));
    says(
        &user_channel,
        payload(kind::PAIR_MESSAGE, &[conv, next, alice, UNKNOWN], &message(conv, next, alice)),
    );
    for _ in 0..3 {
        scene.chats_on();
    }
    eventually(DEADLINE, "what is not in the log is counted", || {
        (scrape(&scene.cluster.nodes[1]).value("gateway_phantoms_total") >= 2.0).then_some(())
    });
}

#[test]
fn a_conversation_that_does_not_exist_is_not_heard() {
    let mut scene = Scene::set();
    let mut redis = scene.cluster.redis_client();
    let boot = redis.boot_of("a") + 1_000;
    let (alice, bob) = (scene.alice.id, scene.bob.id);
    for (conv, seq, other) in [(UNKNOWN, 1, alice), (UNKNOWN + 1, 9, UNKNOWN)] {
        let (low, high) = (bob.min(other), bob.max(other));
        let forged = payload(kind::PAIR_MESSAGE, &[conv, seq, low, high], &message(conv, seq, other));
        redis.publish(&format!("u:{bob}"), &envelope("z", boot, &forged));
    }
    for _ in 0..3 {
        scene.chats_on();
    }
}

#[test]
fn notices_of_nobody_and_of_nothing_new_do_nothing() {
    let mut scene = Scene::set();
    let mut redis = scene.cluster.redis_client();
    let boot = redis.boot_of("a") + 1_000;
    let (alice, bob, group) = (scene.alice.id, scene.bob.id, scene.group);
    for (kind, numbers) in [
        (kind::SESSION_ENDED, [UNKNOWN, UNKNOWN]),
        (kind::SESSION_ENDED, [bob, UNKNOWN]),
        (kind::SESSION_MOVED, [UNKNOWN, UNKNOWN]),
        (kind::SESSION_MOVED, [bob, UNKNOWN]),
        (kind::FRIENDSHIP_CHANGED, [UNKNOWN, bob]),
        (kind::FRIENDSHIP_CHANGED, [alice, bob]),
        (kind::MEMBERSHIP_CHANGED, [UNKNOWN, bob]),
        (kind::MEMBERSHIP_CHANGED, [group, bob]),
        (kind::MEMBERSHIP_CHANGED, [group, UNKNOWN]),
    ] {
        redis.publish("nodes", &envelope("z", boot, &payload(kind, &numbers, b"")));
    }
    let present = payload(kind::PRESENCE_CHANGED, &[alice], &UNKNOWN.to_be_bytes());
    redis.publish("nodes", &envelope("z", boot, &present));
    for _ in 0..3 {
        scene.chats_on();
    }
    assert!(scene.cluster.nodes.iter_mut().all(Server::is_alive));
}
