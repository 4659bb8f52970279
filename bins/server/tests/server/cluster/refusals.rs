//! B1: what ends on one node ends on all.

use std::time::Duration;

use protocol::Code;

use super::hearing::refused_within;
use super::nodes::{Cluster, Plan, SLACK};
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

/// How long a node may take to notice that nothing comes from Redis any more, and one second more to forget what it
/// would have been told of.
const SILENCE_NOTICED: Duration = Duration::from_secs(3 + 1);

#[test]
fn a_node_that_hears_nothing_any_more_forgets_who_were_friends_and_members() {
    let cluster = Plan::of(2).redis_detours().start();
    let (mut alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let group = alice.create_group("all", "").expect("made").group.id;
    let mut bob_too = cluster.log_in(0, "bob", "second");
    bob.join_group(group).expect("joined");
    bob.say(alice.id, "friends");
    bob.say_in(group, "members");
    // Its link is a black hole: only silence tells.
    cluster.redis_ways[1].hold();
    alice.delete_friend(bob.id).expect("deleted");
    bob_too.leave_group(group).expect("left");
    let took = refused_within(SILENCE_NOTICED + SLACK, Code::NOT_FRIENDS, || {
        let id = bob.message_id();
        bob.one_chat(alice.id, "still friends?", &id)
    });
    println!("no friend any more after {took:?}");
    let took = refused_within(SILENCE_NOTICED + SLACK, Code::NOT_MEMBER, || {
        let id = bob.message_id();
        bob.group_chat(group, "still a member?", &id)
    });
    println!("no member any more {took:?} later");
}
