//! Two nodes of one process: the ports between them are enough for users on different nodes to talk.

use std::sync::Arc;

use cluster::local::LocalExchange;
use domain::SharedReceiver;
use gateway::GatewayConfig;
use protocol::{Push, State};

use crate::node::{Node, Peer, World, befriend, friends};

fn node(world: &World, exchange: &Arc<LocalExchange>, name: &str) -> (Node, SharedReceiver) {
    let bus = Arc::new(exchange.join());
    let config = GatewayConfig { node: name.to_owned(), ..GatewayConfig::default() };
    let node = world.node(config, bus.clone());
    let receiver: SharedReceiver = node.hub.clone();
    bus.receive_with(&receiver);
    (node, receiver)
}

#[test]
fn friends_on_two_nodes_talk_and_see_each_other() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let (one, _keep_one) = node(&world, &exchange, "one");
    let (two, _keep_two) = node(&world, &exchange, "two");
    let (mut ann, mut bob) = friends(one.address, two.address);
    ann.push(|push| matches!(push, Push::FriendEvent(_)).then_some(()));
    for n in 0..50u64 {
        ann.chat(bob.id, "from one", &format!("a{n}"));
        ann.reply().1.expect("stored");
        bob.chat(ann.id, "from two", &format!("b{n}"));
        bob.reply().1.expect("stored");
        let seq = |push: &Push| if let Push::Message(m) = push { Some(m.seq) } else { None };
        assert_eq!(bob.push(seq), 2 * n + 1);
        assert_eq!(ann.push(seq), 2 * n + 2);
    }
    let bob_id = bob.id;
    drop(bob);
    let gone = |push: &Push| match push {
        Push::Presence(presence) if presence.state == State::Offline => Some(presence.id),
        _ => None,
    };
    assert_eq!(ann.push(gone), bob_id);
}

#[test]
fn another_device_on_another_node_hears_what_the_first_says() {
    let world = World::new();
    let exchange = LocalExchange::new();
    let (one, _keep_one) = node(&world, &exchange, "one");
    let (two, _keep_two) = node(&world, &exchange, "two");
    let (mut laptop, ann_is) = Peer::user(one.address, "ann");
    let (mut bob, bob_is) = Peer::user(one.address, "bob");
    befriend(&mut laptop, &mut bob);
    let mut phone = Peer::device(two.address, "ann");
    laptop.chat(bob_is.id, "from the laptop", "1");
    laptop.reply().1.expect("stored");
    let heard = phone.push(|push| if let Push::Message(m) = push { Some((m.from, m.seq)) } else { None });
    assert_eq!(heard, (ann_is.id, 1));
}
