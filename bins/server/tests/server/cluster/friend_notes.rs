//! B4: remarks and labels, over all nodes.

use std::time::{Duration, Instant};

use protocol::EditFriend;
use testkit::eventually;

use super::nodes::Cluster;
use crate::support::DEADLINE;

/// How long other nodes may take to tell.
const WITHIN: Duration = Duration::from_secs(1);

#[test]
fn a_remark_and_a_label_are_seen_on_all_nodes_within_a_second() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut desk = cluster.log_in(2, "alice", "desk");
    for n in 0..5 {
        let (remark, label) = (format!("Bob {n}"), format!("label {n}"));
        let edit = EditFriend { friendid: bob.id, remark: Some(remark.clone()), label: Some(label.clone()) };
        let begun = Instant::now();
        alice.edit_friend(edit).expect("noted");
        let told = desk.friend_changed();
        assert!(begun.elapsed() < WITHIN, "took {:?}", begun.elapsed());
        assert_eq!((told.id, told.remark, told.label), (bob.id, Some(remark), Some(label.clone())));
        let begun = Instant::now();
        assert_eq!(desk.rename_label(&label, "all").expect("renamed").changed, 1);
        assert_eq!(alice.friend_changed().label.as_deref(), Some("all"));
        assert!(begun.elapsed() < WITHIN, "took {:?}", begun.elapsed());
    }
    bob.ping().expect("alive");
    assert_eq!(bob.pushes_so_far(), [], "nobody else's business");
}

/// Two devices on two nodes race: a third one, on a third, ends with what is kept.
#[test]
fn the_last_of_two_edits_is_the_last_word_everywhere() {
    let cluster = Cluster::of(3);
    let (mut alice, bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut desk = cluster.log_in(1, "alice", "desk");
    let mut watching = cluster.log_in(2, "alice", "watching");
    for round in 0..10 {
        std::thread::scope(|scope| {
            for (peer, name) in [(&mut alice, "phone"), (&mut desk, "desk")] {
                let id = bob.id;
                scope.spawn(move || {
                    let text = format!("{name} {round}");
                    let (remark, label) = (Some(text.clone()), Some(text));
                    peer.edit_friend(EditFriend { friendid: id, remark, label }).expect("noted");
                });
            }
        });
        let kept = watching.friends(0, 0).expect("a page").friends.remove(0);
        assert_eq!(kept.remark, kept.label, "torn");
        let last = (watching.friend_changed(), watching.friend_changed()).1;
        assert_eq!((last.remark, last.label), (Some(kept.remark), Some(kept.label)), "round {round}");
    }
    // However it was told, every node reads the same.
    let read = |peer: &mut crate::support::Peer| peer.friends(0, 0).expect("a page").friends.remove(0).remark;
    let expected = read(&mut watching);
    for peer in [&mut alice, &mut desk] {
        eventually(DEADLINE, "the same remark", || (read(peer) == expected).then_some(()));
    }
}
