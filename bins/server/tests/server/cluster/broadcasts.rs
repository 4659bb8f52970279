//! M7: a broadcast reaches everybody on every node, and waits for no bus.

use protocol::Push;

use super::metrics::scrape;
use super::nodes::Cluster;
use crate::support::{Peer, order, token_file};

/// No broadcast but those that were taken.
fn nothing_more(device: &mut Peer) {
    assert!(device.try_ping());
    let more = device.pushes_so_far();
    assert!(!more.iter().any(|push| matches!(push, Push::Broadcast(_))), "once: {more:?}");
}

#[test]
fn a_broadcast_at_one_node_reaches_everybody_on_all_of_them_once() {
    let cluster = Cluster::of(3);
    let mut users: Vec<Peer> = (0..3).map(|node| cluster.user(node, &format!("user {node}"))).collect();
    users.push(cluster.log_in(2, "user 0", "phone"));
    // At each node one; all of them at once.
    let orders = cluster.nodes.iter().map(|node| {
        let admin = node.admin_address().to_string();
        std::thread::spawn(|| order(&["--operator=olga", "--text=all hands"], admin, token_file()))
    });
    for order in orders.collect::<Vec<_>>() {
        assert!(order.join().expect("ordered").status.success());
    }
    for user in &mut users {
        let told = [(); 3].map(|()| user.broadcast().id);
        assert_eq!(told, [1, 2, 3], "in order");
        nothing_more(user);
    }
    for node in &cluster.nodes {
        let numbers = scrape(node);
        assert_eq!(
            (numbers.value("broadcasts_stored_total"), numbers.value("broadcasts_told_total")),
            (1.0, 3.0)
        );
        assert_eq!(numbers.dropped(), 0.0);
    }
}

#[test]
fn a_node_that_hears_nothing_finds_a_broadcast_in_the_store() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob) = (cluster.user(0, "alice"), cluster.user(1, "bob"));
    cluster.nodes[0].broadcast("with the bus");
    assert_eq!((alice.broadcast().id, bob.broadcast().id), (1, 1));
    cluster.redis.kill();
    cluster.nodes[0].broadcast("without it");
    for user in [&mut alice, &mut bob] {
        let told = user.broadcast();
        assert_eq!((told.id, told.msg.as_str()), (2, "without it"));
        nothing_more(user);
    }
}
