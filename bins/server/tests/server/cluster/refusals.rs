//! B1: what ends on one node ends on all.

use std::time::Duration;

use protocol::Code;

use super::hearing::refused_within;
use super::nodes::{Cluster, SLACK};
use crate::support::befriend;

#[test]
fn who_unfriends_on_one_node_is_not_written_to_from_another() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut bob_too = cluster.log_in(2, "bob", "second");
    for redis_is_there in [true, false] {
        // Both nodes have the friendship in their caches.
        bob.say(alice.id, "friends");
        bob_too.say(alice.id, "friends");
        if !redis_is_there {
            cluster.redis.kill();
            bob.say(alice.id, "still friends");
        }
        alice.delete_friend(bob.id).expect("deleted");
        for device in [&mut bob, &mut bob_too] {
            let took = refused_within(Duration::from_secs(1) + SLACK, Code::NOT_FRIENDS, || {
                let id = device.message_id();
                device.one_chat(alice.id, "still friends?", &id)
            });
            println!("Redis there: {redis_is_there}; refused after {took:?}");
        }
        if redis_is_there {
            // And the other way: whoever becomes a friend is one everywhere.
            let heard = bob.friend_event();
            assert_eq!(heard.id, alice.id);
            assert_eq!(befriend(&mut alice, &mut bob), conv);
            alice.forget_pushes();
        }
    }
}
