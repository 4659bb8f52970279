//! G3, G4: who is in a group is followed by the nodes of its members entry by entry.

use protocol::{Code, Rank};
use testkit::eventually;

use super::metrics::scrape;
use super::nodes::Cluster;
use crate::support::{DEADLINE, Peer};

/// Longer than any test takes, in Unix milliseconds.
const FOR_LONG: u64 = 32_503_680_000_000;

#[test]
fn a_node_follows_joins_removals_and_roles_without_reading_all_members() {
    const NEWCOMERS: usize = 20;
    let cluster = Cluster::of(2);
    let (mut alice, mut bob) = (cluster.user(0, "alice"), cluster.user(1, "bob"));
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    // Nodes forget what they knew of a new group: that has been heard when what was told after it has.
    let (mut phone, mut desk) = (cluster.log_in(1, "bob", "phone"), cluster.log_in(0, "bob", "desk"));
    desk.end_session(phone.session).expect("ended");
    phone.bye();
    drop(desk);
    // From here on both nodes know the members.
    bob.say_in(group, "hello");
    alice.say_in(group, "hello");
    bob.message();
    alice.message();
    let told = |peer: &mut Peer, times| (0..times).for_each(|_| drop(peer.told()));
    told(&mut alice, 1);
    let read =
        || cluster.nodes.iter().map(|node| scrape(node).value("gateway_rosters_read_total")).sum::<f64>();
    let before = read();
    let mut newcomers: Vec<Peer> = (0..NEWCOMERS)
        .map(|n| {
            let mut newcomer = cluster.user(0, &format!("newcomer {n}"));
            newcomer.join_group(group).expect("joined");
            newcomer
        })
        .collect();
    for newcomer in &newcomers {
        alice.set_role(group, newcomer.id, Rank::Admin).expect("appointed");
    }
    for newcomer in &newcomers[1..] {
        alice.remove_member(group, newcomer.id).expect("removed");
    }
    alice.mute_member(group, bob.id, FOR_LONG).expect("muted");
    // Each was told there in its turn, by what is known of the members.
    told(&mut bob, NEWCOMERS * 3);
    newcomers[0].say_in(group, "still here");
    assert_eq!(bob.message().msg, "still here");
    let rose = read() - before;
    println!("{rose} rosters read for {} changes", NEWCOMERS * 3);
    assert_eq!(rose, 0.0);
    eventually(DEADLINE, "the muting holds there", || {
        (bob.group_chat(group, "may I?", "b").err()?.code == Code::MUTED).then_some(())
    });
}
