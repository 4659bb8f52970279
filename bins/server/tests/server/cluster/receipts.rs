//! M4: receipts over all nodes, and unread messages that are equal on all of them.

use std::time::{Duration, Instant};

use protocol::Receipt;
use testkit::eventually;

use super::nodes::Cluster;
use crate::support::{DEADLINE, Peer};

/// How long other nodes may take to tell: receipts are gathered for 200 ms.
const WITHIN: Duration = Duration::from_secs(1);

fn unread(peer: &mut Peer, conv: u64) -> u64 {
    let convs = peer.conversations(0, 0).expect("a page").convs;
    let entry = convs.into_iter().find(|entry| entry.conv == conv).expect("the conversation");
    entry.last - entry.read.max(entry.first - 1)
}

#[test]
fn a_receipt_crosses_nodes_within_a_second() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut phone = cluster.log_in(2, "bob", "phone");
    for seq in 1..=5 {
        alice.say(bob.id, "hi");
        let begun = Instant::now();
        bob.mark_read(conv, seq).expect("noted");
        let expected = Receipt { conv, user: bob.id, delivered: seq, read: seq };
        assert_eq!(alice.receipt(), expected);
        assert_eq!(phone.receipt(), expected);
        assert!(begun.elapsed() < WITHIN, "took {:?}", begun.elapsed());
    }
}

#[test]
fn a_node_that_stops_tells_what_was_read_there_last() {
    let mut cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    alice.say(bob.id, "hi");
    let read = Receipt { conv, user: bob.id, delivered: 1, read: 1 };
    bob.mark_read(conv, 1).expect("noted");
    // Nobody keeps it from stopping at once.
    drop(bob);
    cluster.nodes[1].terminate();
    assert_eq!(alice.receipt(), read);
}

#[test]
fn three_devices_on_three_nodes_count_the_same() {
    let cluster = Cluster::of(3);
    let (mut alice, bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    let mut devices = [bob, cluster.log_in(0, "bob", "phone"), cluster.log_in(2, "bob", "desk")];
    let bob_id = devices[0].id;
    for _ in 0..9 {
        alice.say(bob_id, "hi");
    }
    for (device, seq) in devices.iter_mut().zip([7, 3, 5]) {
        device.mark_read(conv, seq).expect("noted");
    }
    // Each node stores what it heard within a second; then all read the same.
    for device in &mut devices {
        eventually(DEADLINE, "two unread", || (unread(device, conv) == 2).then_some(()));
    }
    let read = |alice: &mut Peer| alice.receipts(conv, &[]).expect("a list").read;
    assert_eq!(read(&mut alice), 7);
}
