//! What the bus did not bring is read from the log.

use std::sync::Arc;

use cluster::local::LocalExchange;
use domain::{BusReceiver, StoreError, Timestamp};
use gateway::GatewayConfig;

use crate::bad_bus::{ClusterNode, NOW, quick};
use crate::chat::{LONG_MS, greet, is_users, join, messages_so_far, next_seqs, open_group, say, tell};
use crate::node::{World, friends, until};

#[test]
fn a_gap_closes_without_another_message() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    let conv = greet(&mut ann, &mut bob);
    nodes[1].ear.lose(is_users);
    tell(&mut ann, bob.id, "2");
    tell(&mut ann, bob.id, "3");
    until("they are lost", || nodes[1].ear.lost() == 2);
    nodes[1].ear.lose(|_| false);
    tell(&mut ann, bob.id, "4");
    assert_eq!(next_seqs(&mut bob, conv, 3), [2, 3, 4]);
    let counted = nodes[1].node.gateway.snapshot();
    assert_eq!((counted.gaps, counted.phantoms), (1, 0));
    until("nothing is held", || nodes[1].node.gateway.snapshot().held == 0);
}

#[test]
fn a_gap_closes_when_the_store_is_back() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    let conv = greet(&mut ann, &mut bob);
    nodes[1].ear.lose(is_users);
    tell(&mut ann, bob.id, "2");
    until("it is lost", || nodes[1].ear.lost() == 1);
    nodes[1].ear.lose(|_| false);
    // As soon as ann's message is stored.
    let store = Arc::clone(&world.store);
    world.store.after_next_append(move || store.fail_next(StoreError::unavailable("page", "away"), 10_000));
    tell(&mut ann, bob.id, "3");
    until("the store is asked in vain", || nodes[1].node.gateway.snapshot().mender_retries >= 2);
    assert_eq!(nodes[1].node.gateway.snapshot().held, 1);
    world.store.forget_faults();
    assert_eq!(next_seqs(&mut bob, conv, 2), [2, 3]);
}

#[test]
fn what_a_node_stored_and_could_not_say_is_read_when_it_is_found_dead() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 3);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    let group = open_group(&mut ann);
    join(&mut bob, group);
    let mut nodes = nodes.into_iter();
    let (one, two, _three) = (nodes.next().unwrap(), nodes.next().unwrap(), nodes.next().unwrap());
    one.mouth.mute();
    // The first messages of their conversations: node two knows nothing of them.
    let (conv, _) = tell(&mut ann, bob.id, "a");
    tell(&mut ann, bob.id, "b");
    assert_eq!(say(&mut ann, group, "c"), 2);
    drop((ann, one));
    two.ear.found_out();
    assert_eq!(next_seqs(&mut bob, conv, 2), [1, 2]);
    assert_eq!(next_seqs(&mut bob, group, 2), [1, 2]);
}

#[test]
fn an_overflowing_inbox_costs_no_message() {
    const SENDS: u64 = 300;
    let world = World::new();
    let exchange = LocalExchange::new();
    let one = ClusterNode::new(&world, &exchange, quick());
    let config = GatewayConfig { bus_inbox_max: 2, ..quick() };
    let two = ClusterNode::new(&world, &exchange, config);
    let (mut ann, mut bob) = friends(one.node.address, two.node.address);
    let conv = greet(&mut ann, &mut bob);
    for n in 0..SENDS {
        ann.chat(bob.id, "many", &n.to_string());
    }
    for _ in 0..SENDS {
        ann.reply().1.expect("stored");
    }
    assert_eq!(next_seqs(&mut bob, conv, SENDS as usize), (2..=SENDS + 1).collect::<Vec<_>>());
    let counted = two.node.gateway.snapshot();
    assert!(counted.bus_inbox_dropped > 0, "the inbox was large enough");
    assert!(counted.bus_inbox_high_water <= 2);
    until("everything is looked through", || two.node.gateway.snapshot().sweeps > 0);
}

#[test]
fn of_a_gap_that_is_too_large_the_newest_are_pushed() {
    const LOST: u64 = 2_500;
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    let conv = greet(&mut ann, &mut bob);
    nodes[1].ear.lose(is_users);
    for begin in (0..LOST).step_by(50) {
        for n in begin..begin + 50 {
            ann.chat(bob.id, "lost", &n.to_string());
        }
        for _ in 0..50 {
            ann.reply().1.expect("stored");
        }
    }
    until("all are lost", || nodes[1].ear.lost() == LOST);
    nodes[1].ear.lose(|_| false);
    let (_, last) = tell(&mut ann, bob.id, "last");
    let seqs = next_seqs(&mut bob, conv, 2_000);
    assert_eq!(seqs, (last - 1_999..=last).collect::<Vec<_>>());
    assert_eq!(nodes[1].node.gateway.snapshot().given_up, last - 2_000 - 1);
}

/// Whoever finds a loss knows a time since when; the last to tell may know the earliest.
#[test]
fn what_is_missed_comes_in_order_whoever_tells_first_since_when() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    nodes[1].ear.lose(is_users);
    let (conv, _) = tell(&mut ann, bob.id, "1");
    tell(&mut ann, bob.id, "2");
    nodes[0].node.clock.advance_ms(LONG_MS);
    tell(&mut ann, bob.id, "3");
    until("they are lost", || nodes[1].ear.lost() == 3);
    nodes[1].ear.missed(Timestamp(NOW.0 + LONG_MS));
    nodes[1].ear.missed(NOW);
    // And while it is read, what was said since comes live.
    nodes[1].ear.lose(|_| false);
    nodes[0].node.clock.advance_ms(LONG_MS);
    tell(&mut ann, bob.id, "4");
    assert_eq!(next_seqs(&mut bob, conv, 4), [1, 2, 3, 4]);
    until("it is looked for", || nodes[1].node.gateway.snapshot().sweeps == 1);
    assert_eq!(messages_so_far(&mut bob), []);
}
