//! What others read in the log while it is stored: everybody hears it, but the connection that is answered for it.

use cluster::local::LocalExchange;
use gateway::GatewayConfig;
use protocol::Reply;

use crate::bad_bus::{ClusterNode, quick};
use crate::chat::{greet, is_users, messages_so_far, next_seqs, tell};
use crate::node::{PATIENCE, Peer, World, friends, until};

/// The place in the next answer.
fn answered(peer: &mut Peer) -> (u64, u64) {
    match peer.reply().1 {
        Ok(Reply::OneChat(sent)) => (sent.conv, sent.seq),
        other => panic!("not said: {other:?}"),
    }
}

#[test]
fn what_the_log_brings_before_its_appender_goes_to_all_but_the_connection_that_sent_it() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    let mut tablet = Peer::device(nodes[0].node.address, "ann");
    let conv = greet(&mut ann, &mut bob);
    assert_eq!(next_seqs(&mut tablet, conv, 1), [1]);
    nodes[0].ear.lose(is_users);
    assert_eq!(tell(&mut bob, ann.id, "2"), (conv, 2));
    until("it is lost", || nodes[0].ear.lost() >= 1);
    nodes[0].ear.lose(|_| false);

    // It stands in the log, and its appender does not know yet.
    let (stored, free) = world.stop_in_append();
    ann.chat(bob.id, "in hand", "3");
    stored.recv_timeout(PATIENCE).expect("it is stored");
    // The same said again waits behind it, and is what the tablet said second.
    tablet.chat(bob.id, "in hand", "3");
    // With this the node finds that it lacks what was said before.
    assert_eq!(tell(&mut bob, ann.id, "4"), (conv, 4));
    assert_eq!(next_seqs(&mut tablet, conv, 3), [2, 3, 4], "while the appender has it in hand");
    free.send(()).expect("the store waits");

    assert_eq!(answered(&mut ann), (conv, 3));
    assert_eq!(answered(&mut tablet), (conv, 3));
    assert_eq!(tell(&mut bob, ann.id, "5"), (conv, 5));
    assert_eq!(next_seqs(&mut ann, conv, 3), [2, 4, 5]);
    assert_eq!(next_seqs(&mut tablet, conv, 1), [5]);
    assert_eq!(next_seqs(&mut bob, conv, 1), [3]);
    for peer in [&mut ann, &mut tablet, &mut bob] {
        assert_eq!(messages_so_far(peer), []);
    }
    assert_eq!(nodes[0].node.gateway.snapshot().given_up, 0);
}

#[test]
fn a_repeat_on_another_node_that_overtakes_the_appender_is_no_push_for_who_is_answered() {
    let world = World::new();
    let nodes = ClusterNode::several(&world, 2);
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    let [mut tablet, mut phone] = [0, 1].map(|at: usize| Peer::device(nodes[at].node.address, "ann"));
    let conv = greet(&mut ann, &mut bob);
    for device in [&mut tablet, &mut phone] {
        assert_eq!(next_seqs(device, conv, 1), [1]);
    }
    let (stored, free) = world.stop_in_append();
    ann.chat(bob.id, "in hand", "2");
    stored.recv_timeout(PATIENCE).expect("it is stored");
    // The other node knows it as a repeat, and passes it on in case that nobody else did.
    assert_eq!(tell(&mut phone, bob.id, "2"), (conv, 2));
    assert_eq!(next_seqs(&mut bob, conv, 1), [2]);
    assert_eq!(next_seqs(&mut tablet, conv, 1), [2], "while the appender has it in hand");
    free.send(()).expect("the store waits");

    assert_eq!(answered(&mut ann), (conv, 2));
    assert_eq!(tell(&mut bob, ann.id, "3"), (conv, 3));
    for device in [&mut ann, &mut tablet, &mut phone] {
        assert_eq!(next_seqs(device, conv, 1), [3]);
        assert_eq!(messages_so_far(device), []);
    }
    assert_eq!(messages_so_far(&mut bob), []);
}

#[test]
fn what_finds_no_room_behind_a_gap_comes_from_the_log_to_all_but_the_connection_that_sent_it() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let config = GatewayConfig { held_each_max: 0, ..quick() };
    let nodes = [0, 1].map(|_| ClusterNode::new(&world, &exchange, config.clone()));
    let (mut ann, mut bob) = friends(nodes[0].node.address, nodes[1].node.address);
    let mut tablet = Peer::device(nodes[0].node.address, "ann");
    let conv = greet(&mut ann, &mut bob);
    nodes[0].ear.lose(is_users);
    assert_eq!(tell(&mut bob, ann.id, "2"), (conv, 2));
    until("it is lost", || nodes[0].ear.lost() >= 1);
    assert_eq!(tell(&mut ann, bob.id, "3"), (conv, 3));
    assert_eq!(next_seqs(&mut tablet, conv, 3), [1, 2, 3]);
    assert_eq!(next_seqs(&mut ann, conv, 1), [2]);
    assert_eq!(messages_so_far(&mut ann), []);
    assert!(nodes[0].node.gateway.snapshot().not_held > 0);
}
