//! B1: decisions reach the devices of whom they concern on every node, and wait for those that hear nothing.

use protocol::NoticeKind;

use super::nodes::Cluster;

#[test]
fn a_decision_on_one_node_is_told_on_all_and_found_without_the_bus() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob) = (cluster.user(0, "alice"), cluster.user(1, "bob"));
    let mut alices_phone = cluster.log_in(2, "alice", "phone");
    alice.add_friend(bob.id, "").expect("asked");
    bob.refuse_friend(alice.id).expect("refused");
    for device in [&mut alice, &mut alices_phone] {
        let notice = device.notice();
        assert_eq!((notice.seq, notice.kind, notice.by), (1, NoticeKind::FriendRefused, bob.id));
    }
    // What one node is told, another knows: it is in the store.
    alice.ack_notices(1).expect("noted");
    let token = alices_phone.token.clone().expect("a token");
    drop(alices_phone);
    cluster.redis.kill();
    alice.add_friend(bob.id, "").expect("asked again");
    bob.accept_friend(alice.id).expect("accepted");
    let mut alices_phone = cluster.resume(1, &token);
    let page = alices_phone.notices(0, 0).expect("a page");
    let kinds: Vec<_> = page.notices.iter().map(|notice| (notice.seq, notice.kind)).collect();
    assert_eq!(kinds, [(1, NoticeKind::FriendRefused), (2, NoticeKind::FriendAccepted)]);
}
