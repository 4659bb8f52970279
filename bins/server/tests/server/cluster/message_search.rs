//! M9: finding what was said on other nodes.

use protocol::SearchMessages;
use testkit::eventually;

use super::nodes::Cluster;
use crate::support::{DEADLINE, Peer};

fn found(peer: &mut Peer, query: &str) -> usize {
    let search = SearchMessages { query: query.into(), limit: 200, ..SearchMessages::default() };
    peer.search_messages(search).expect("a page").messages.len()
}

#[test]
fn what_was_said_on_any_node_is_found_on_all() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut desk = cluster.log_in(2, "alice", "desk");
    for n in 0..20 {
        alice.say(bob.id, &format!("一号节点 {n}"));
        bob.say(alice.id, &format!("二号节点 {n}"));
    }
    for peer in [&mut alice, &mut bob, &mut desk] {
        eventually(DEADLINE, "both are found", || (found(peer, "节点") == 40).then_some(()));
        assert_eq!(found(peer, "二号"), 20);
    }
}

/// What a node stored and did not index before it was killed is found by another.
#[test]
fn what_a_dead_node_left_is_indexed_by_others() {
    let mut cluster = Cluster::of(2);
    let (mut alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    for n in 0..100 {
        alice.say(bob.id, &format!("遗言 {n}"));
    }
    cluster.nodes[0].kill9();
    eventually(DEADLINE, "all are found", || (found(&mut bob, "遗言") == 100).then_some(()));
}
