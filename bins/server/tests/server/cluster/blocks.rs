//! B5: blocks over all nodes, and the races of friendship across them.

use std::time::{Duration, Instant};

use protocol::Code;
use testkit::eventually;

use super::nodes::{Cluster, Plan};
use crate::capabilities::block_races::{
    ROUNDS, accepted_while_blocking, block_during_sends, both_ask_while_one_blocks, both_block_each_other,
    deleted_while_accepting, last_place_taken_by_two,
};
use crate::capabilities::blocks::assert_sees_nobody;
use crate::support::{DEADLINE, Peer, chat};

/// How long other nodes may go on with what was.
const WITHIN: Duration = Duration::from_secs(1);

fn two(cluster: &Cluster, round: usize) -> (Peer, Peer) {
    (cluster.user(0, &format!("alice {round}")), cluster.user(1, &format!("bob {round}")))
}

#[test]
fn a_block_holds_on_all_nodes_within_a_second() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    // Kept on his node.
    bob.say(alice.id, "hello");
    bob.profile(Some(alice.id)).expect("hers");
    let begun = Instant::now();
    alice.block(bob.id).expect("blocked");
    assert_eq!(bob.refused(&chat(alice.id, "x", "at-once")), Code::NOT_FRIENDS, "the store knows at once");
    eventually(DEADLINE, "the other node knows", || bob.profile(Some(alice.id)).is_err().then_some(()));
    assert!(begun.elapsed() < WITHIN, "took {:?}", begun.elapsed());
    assert_sees_nobody(&mut bob, alice.id, "alice");
    let begun = Instant::now();
    alice.unblock(bob.id).expect("unblocked");
    eventually(DEADLINE, "the other node knows", || bob.profile(Some(alice.id)).ok());
    assert!(begun.elapsed() < WITHIN, "took {:?}", begun.elapsed());
    bob.add_friend(alice.id, "").expect("a stranger may ask");
}

#[test]
fn a_block_on_one_of_ones_devices_is_taken_back_on_another_at_once() {
    let cluster = Cluster::of(2);
    let (mut alice, bob) = two(&cluster, 0);
    let mut phone = cluster.log_in(1, "alice 0", "phone");
    for _ in 0..3 {
        alice.block(bob.id).expect("blocked");
        assert_eq!(phone.blocked(0, 0).expect("a page").blocked[0].id, bob.id);
        phone.unblock(bob.id).expect("unblocked");
        assert_eq!(alice.blocked(0, 0).expect("a page").blocked, []);
    }
}

#[test]
fn a_request_is_accepted_on_one_node_while_the_other_blocks_on_another() {
    let cluster = Cluster::of(2);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&cluster, round);
        accepted_while_blocking(&mut alice, &mut bob, round);
    }
}

#[test]
fn both_ask_on_two_nodes_while_one_blocks() {
    let cluster = Cluster::of(2);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&cluster, round);
        let mut phone = cluster.log_in(1, &format!("alice {round}"), "phone");
        both_ask_while_one_blocks(&mut alice, &mut phone, &mut bob);
    }
}

#[test]
fn both_block_each_other_on_two_nodes() {
    let cluster = Cluster::of(2);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&cluster, round);
        both_block_each_other(&mut alice, &mut bob);
    }
}

#[test]
fn a_block_on_one_node_during_sends_on_another() {
    let cluster = Cluster::of(2);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&cluster, round);
        block_during_sends(&mut alice, &mut bob, round);
    }
}

#[test]
fn a_friend_is_deleted_on_one_node_while_they_accept_on_another() {
    let cluster = Cluster::of(2);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&cluster, round);
        deleted_while_accepting(&mut alice, &mut bob);
    }
}

#[test]
fn the_last_place_among_friends_is_taken_on_two_nodes() {
    let cluster = Plan::of(2).with("friends-max", 1).start();
    for round in 0..ROUNDS {
        let (mut alice, mut bob) = two(&cluster, round);
        let mut carol = cluster.user(0, &format!("carol {round}"));
        last_place_taken_by_two(&mut alice, &mut bob, &mut carol);
    }
}
