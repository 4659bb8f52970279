//! A6: accounts that are deleted, among nodes.

use std::time::Instant;

use protocol::{
    ChatMessage, Code, FriendEventKind, GroupState, History, NoticeKind, OwnedGroups, Role, SystemEventKind,
};
use testkit::eventually;

use super::nodes::{Cluster, SLACK};
use crate::support::{DEADLINE, PASSWORD, Peer, befriend};

/// A short conversation, with what became of its group.
fn all(peer: &mut Peer, conv: u64) -> Vec<ChatMessage> {
    peer.history(History { conv, after: Some(0), before: None, at: None, limit: 200 })
        .expect("a page")
        .messages
}

#[test]
fn who_is_on_another_node_is_told_and_forgets() {
    let cluster = Cluster::of(2);
    let (mut alice, mut bob) = (cluster.user(0, "alice"), cluster.user(1, "bob"));
    let mut phone = cluster.log_in(1, "alice", "phone");
    befriend(&mut alice, &mut bob);
    let group = alice.create_group("all", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    bob.profile(Some(alice.id)).expect("known on the other node");
    bob.forget_pushes();
    alice.delete_account(PASSWORD, OwnedGroups::HandOver).expect("deleted");
    let answered = Instant::now();
    assert_eq!(Code(phone.bye().errcode), Code::SESSION_ENDED);
    let event = bob.friend_event();
    assert_eq!((event.event, event.id), (FriendEventKind::Deleted, alice.id));
    assert_eq!(bob.notice().kind, NoticeKind::FriendAccountDeleted);
    println!("told {:?} after the answer", answered.elapsed());
    let mut kinds = Vec::new();
    while kinds.last() != Some(&SystemEventKind::Left) {
        kinds.extend(Some(bob.told().1.what).filter(|what| *what != SystemEventKind::Joined));
    }
    assert_eq!(kinds, [SystemEventKind::HandedOver, SystemEventKind::Left], "live, in order, each once");
    assert_eq!(bob.groups(0, 0).expect("a page").groups[0].role, Role::Owner);
    eventually(SLACK, "the other node forgets", || {
        let profile = bob.profile(Some(alice.id));
        (profile.err().map(|why| why.code) == Some(Code::NOT_FOUND)).then_some(())
    });
    assert_eq!(bob.one_chat(alice.id, "hello?", "b-1").unwrap_err().code, Code::NOT_FRIENDS);
    assert_eq!(bob.add_friend(alice.id, "").unwrap_err().code, Code::NOT_FOUND);
    // Each node worked at it; each change was made once.
    let told = all(&mut bob, group);
    let left = told.iter().filter_map(|message| message.event.as_ref());
    assert_eq!(left.filter(|event| event.what == SystemEventKind::Left).count(), 1);
    let notices = bob.notices(0, 0).expect("a page").notices;
    let of_alice = notices.iter().filter(|notice| notice.kind == NoticeKind::FriendAccountDeleted);
    assert_eq!(of_alice.count(), 1);
}

#[test]
fn another_node_finishes_what_a_killed_one_began() {
    // More than a tick works off.
    const GROUPS: usize = 40;
    let mut cluster = Cluster::of(2);
    let (mut alice, mut bob) = (cluster.user(0, "alice"), cluster.user(1, "bob"));
    befriend(&mut alice, &mut bob);
    let groups: Vec<u64> =
        (0..GROUPS).map(|n| alice.create_group(&n.to_string(), "").expect("opened").group.id).collect();
    for group in &groups {
        bob.join_group(*group).expect("joined");
    }
    alice.delete_account(PASSWORD, OwnedGroups::Dissolve).expect("deleted");
    cluster.nodes[0].kill9();
    assert_eq!(bob.notice().kind, NoticeKind::FriendAccountDeleted);
    eventually(DEADLINE, "all groups are dissolved", || {
        let groups = bob.groups(0, 200).expect("a page").groups;
        assert_eq!(groups.len(), GROUPS);
        groups.iter().all(|group| group.state == GroupState::Dissolved).then_some(())
    });
    for group in groups {
        let last = all(&mut bob, group).pop().and_then(|message| message.event).expect("told");
        assert_eq!((last.what, last.by), (SystemEventKind::Dissolved, alice.id));
    }
    assert_eq!(bob.friends(0, 0).expect("a page").friends, []);
}
