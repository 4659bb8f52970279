//! B1: decisions reach the devices of whom they concern on every node, and wait for those that hear nothing.

use protocol::{AddFriend, FriendRef, GroupEventKind, NoticeKind, Push, Rank, Request};

use super::nodes::Cluster;

/// Longer than any test takes, in Unix milliseconds.
const FOR_LONG: u64 = 32_503_680_000_000;

/// How often a race is run: rare orders need more than one try.
const ROUNDS: usize = 10;

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

#[test]
fn what_becomes_of_a_member_reaches_their_devices_on_every_node() {
    let cluster = Cluster::of(3);
    let (mut alice, mut bob) = (cluster.user(0, "alice"), cluster.user(1, "bob"));
    let mut phone = cluster.log_in(2, "bob", "phone");
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    alice.set_role(group, bob.id, Rank::Admin).expect("appointed");
    alice.set_role(group, bob.id, Rank::Member).expect("dismissed");
    alice.mute_member(group, bob.id, FOR_LONG).expect("muted");
    alice.remove_member(group, bob.id).expect("removed");
    let told = [NoticeKind::Role, NoticeKind::Role, NoticeKind::Muted, NoticeKind::Removed];
    for device in [&mut bob, &mut phone] {
        for (seq, kind) in (1..).zip(told) {
            let notice = device.notice();
            assert_eq!(
                (notice.seq, notice.kind, notice.by, notice.groupid),
                (seq, kind, alice.id, Some(group))
            );
        }
        let left = device.take("put out", |push| match push {
            Push::GroupEvent(event) if event.event == GroupEventKind::Left => Some(event.notice),
            _ => None,
        });
        assert_eq!(left, 4);
        assert_eq!(device.groups(0, 0).expect("a page").groups, []);
    }
    // What no bus brings is found.
    bob.join_group(group).expect("joined again");
    cluster.redis.kill();
    alice.remove_member(group, bob.id).expect("removed again");
    let last = bob.notices(4, 0).expect("a page").notices;
    assert_eq!(
        last.iter().map(|notice| (notice.seq, notice.kind)).collect::<Vec<_>>(),
        [(5, NoticeKind::Removed)]
    );
}

#[test]
fn two_who_ask_each_other_on_two_nodes_at_once_are_friends() {
    let cluster = Cluster::of(2);
    for round in 0..ROUNDS {
        let (mut alice, mut bob) =
            (cluster.user(0, &format!("alice {round}")), cluster.user(1, &format!("bob {round}")));
        let ask = |friendid| Request::AddFriend(AddFriend { friendid, greeting: String::new() });
        let (one, other) = (alice.send(&ask(bob.id)), bob.send(&ask(alice.id)));
        alice.reply(one).expect("asked or friends");
        bob.reply(other).expect("asked or friends");
        let (alice_id, bob_id) = (alice.id, bob.id);
        for (user, friend) in [(&mut alice, bob_id), (&mut bob, alice_id)] {
            let friends = user.friends(0, 0).expect("a page").friends;
            assert_eq!(friends.iter().map(|friend| friend.id).collect::<Vec<_>>(), [friend], "round {round}");
            assert_eq!(user.friend_requests(0, 0).expect("a page").requests, [], "round {round}");
        }
        let kinds = |page: protocol::NoticesPage| page.notices.iter().map(|n| n.kind).collect::<Vec<_>>();
        let told = [kinds(alice.notices(0, 0).expect("a page")), kinds(bob.notices(0, 0).expect("a page"))];
        assert_eq!(told.concat(), [NoticeKind::FriendAccepted], "who asked first is told: {told:?}");
    }
}

#[test]
fn one_request_is_decided_once_whatever_the_nodes() {
    let cluster = Cluster::of(3);
    for round in 0..ROUNDS {
        let mut alice = cluster.user(0, &format!("alice {round}"));
        let name = format!("bob {round}");
        let mut bob = cluster.user(1, &name);
        let mut bobs_phone = cluster.log_in(2, &name, "phone");
        alice.add_friend(bob.id, "").expect("asked");
        let of_alice = FriendRef { friendid: alice.id };
        let accept = bob.send(&Request::AcceptFriend(of_alice.clone()));
        let refuse = bobs_phone.send(&Request::RefuseFriend(of_alice));
        let withdraw = alice.send(&Request::WithdrawFriend(FriendRef { friendid: bob.id }));
        let accepted = bob.reply(accept).is_ok();
        let refused = bobs_phone.reply(refuse).is_ok();
        let withdrawn = alice.reply(withdraw).is_ok();
        let done = [accepted, refused, withdrawn];
        assert_eq!(done.iter().filter(|done| **done).count(), 1, "round {round}: {done:?}");
        let friends = bob.friends(0, 0).expect("a page").friends;
        assert_eq!(friends.len(), usize::from(accepted), "round {round}");
        let told: Vec<_> = alice.notices(0, 0).expect("a page").notices.iter().map(|n| n.kind).collect();
        let due = match done {
            [true, ..] => vec![NoticeKind::FriendAccepted],
            [_, true, _] => vec![NoticeKind::FriendRefused],
            _ => vec![],
        };
        assert_eq!(told, due, "round {round}");
    }
}
