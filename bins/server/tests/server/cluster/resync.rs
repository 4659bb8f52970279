//! What is no message and was told while a node was cut off the bus: its devices ask for it when they are told to.

use protocol::{Push, Refresh, State};
use testkit::eventually;

use super::metrics::scrape;
use super::nodes::Plan;
use crate::support::{DEADLINE, befriend};

#[test]
fn a_friendship_made_while_a_node_was_deaf_is_known_on_its_devices() {
    let cluster = Plan::of(2).redis_detours().start();
    let (alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut carol = cluster.user(0, "carol");
    cluster.redis_ways[1].refuse();
    let mut desk = cluster.log_in(0, "bob", "desk");
    befriend(&mut desk, &mut carol);
    cluster.redis_ways[1].resume();
    let within_ms = bob.take("RESYNC", |push| match push {
        Push::Resync(resync) => Some(resync.within_ms),
        _ => None,
    });
    assert!(within_ms <= 60_000);
    // Presence is registered anew in the same moments.
    eventually(DEADLINE, "both friends are there", || {
        let bundle = bob.refresh(Refresh::default()).expect("a bundle");
        let mut friends: Vec<_> = bundle.friends.iter().map(|friend| (friend.id, friend.state)).collect();
        friends.sort_unstable_by_key(|(id, _)| *id);
        let ids: Vec<u64> = friends.iter().map(|(id, _)| *id).collect();
        let mut both = [alice.id, carol.id];
        both.sort_unstable();
        assert_eq!(ids, both);
        friends.iter().all(|(_, state)| *state == State::Online).then_some(())
    });
    assert!(scrape(&cluster.nodes[1]).value("gateway_resyncs_total") >= 1.0);
}
