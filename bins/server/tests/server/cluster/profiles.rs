//! A8: what users tell of themselves, over all nodes.

use std::time::{Duration, Instant};

use protocol::EditProfile;
use testkit::eventually;

use super::nodes::Cluster;
use crate::support::DEADLINE;

/// How long other nodes may go on with what was.
const WITHIN: Duration = Duration::from_secs(1);

fn nickname(text: &str) -> EditProfile {
    EditProfile { nickname: Some(text.into()), ..EditProfile::default() }
}

#[test]
fn a_new_nickname_is_known_on_all_nodes_within_a_second() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob, _) = cluster.friends((0, "alice"), (1, "bob"));
    let mut desk = cluster.log_in(2, "alice", "desk");
    let mut carol = cluster.user(2, "carol");
    // Kept on every node.
    for peer in [&mut bob, &mut carol, &mut desk] {
        assert_eq!(peer.profile(Some(alice.id)).expect("hers").nickname, "");
    }
    desk.say(bob.id, "from the other node");
    bob.message();
    for n in 0..5 {
        let name = format!("Al {n}");
        let begun = Instant::now();
        let edit = EditProfile { signature: Some(format!("for the {n}th time")), ..nickname(&name) };
        alice.edit_profile(edit).expect("edited");
        let told = bob.friend_changed();
        assert_eq!((told.id, told.nickname.as_deref()), (alice.id, Some(name.as_str())));
        assert_eq!(desk.friend_changed().nickname.as_deref(), Some(name.as_str()));
        let seen = eventually(DEADLINE, "the profile on a node where no friend is", || {
            let seen = carol.profile(Some(alice.id)).expect("hers");
            (seen.nickname == name).then_some(seen)
        });
        assert_eq!(seen.signature, format!("for the {n}th time"));
        assert!(begun.elapsed() < WITHIN, "took {:?}", begun.elapsed());
        // Whoever sends from another node is shown so, too.
        desk.say(bob.id, "hi");
        assert_eq!(bob.message().name, name);
    }
    assert_eq!(carol.pushes_so_far(), [], "no friend of hers");
}
