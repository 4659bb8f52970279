//! M6: who is typing, over all nodes.

use protocol::IsTyping;

use super::nodes::Cluster;

#[test]
fn who_is_typing_is_seen_on_other_nodes() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob, conv) = cluster.friends((0, "alice"), (1, "bob"));
    alice.typing(conv).expect("told");
    assert_eq!(bob.is_typing(), IsTyping { conv, from: alice.id, name: "alice".into() });
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    alice.typing(group).expect("told");
    assert_eq!(bob.is_typing(), IsTyping { conv: group, from: alice.id, name: "alice".into() });
}
