//! B1: decisions that concern a user are found by each of their devices once, whether it was there or not.

use protocol::{
    GroupEventKind, Login, Notice, NoticeKind, NoticesPage, OwnedGroups, Push, Rank, Role, Secret, SignedIn,
};
use testkit::eventually;

use crate::support::{DEADLINE, PASSWORD, Peer, Server, Store, befriend, hello, log_in, on_each_store, user};

/// Longer than any test takes, in Unix milliseconds.
const FOR_LONG: u64 = 32_503_680_000_000;

on_each_store! {
    b1_a_decision_is_told_to_every_device_and_stays,
    b1_who_was_away_finds_decisions_at_the_next_login,
    b1_each_device_has_notices_once,
    b1_notices_survive_a_restart,
    g4_what_becomes_of_a_member_is_told_them_in_person,
    g3_who_was_away_finds_removal_role_and_muting,
}

/// Logs in from a device that has notices up to here.
fn come(server: &Server, name: &str, notices_after: Option<u64>) -> (Peer, SignedIn) {
    let mut peer = Peer::connect(server.address());
    peer.hello(hello("test")).expect("HELLO");
    let (name, password) = (Some(name.into()), Secret::new(PASSWORD));
    let bundle = peer.login(Login { name, password, notices_after, ..Login::default() }).expect("logged in");
    peer.id = bundle.id;
    (peer, bundle)
}

fn kinds(page: &NoticesPage) -> Vec<(u64, NoticeKind)> {
    page.notices.iter().map(|notice| (notice.seq, notice.kind)).collect()
}

fn b1_a_decision_is_told_to_every_device_and_stays(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let mut phone = log_in(&server, "alice", "phone");
    alice.add_friend(bob.id, "").expect("asked");
    bob.refuse_friend(alice.id).expect("refused");
    for device in [&mut alice, &mut phone] {
        let event = loop {
            let event = device.friend_event();
            if event.by == bob.id {
                break event;
            }
        };
        let notice = device.notice();
        assert_eq!((notice.seq, notice.kind), (1, NoticeKind::FriendRefused));
        assert_eq!((event.notice, notice.by, notice.name.as_str()), (1, bob.id, "bob"));
        let page = device.notices(0, 0).expect("a page");
        assert_eq!(page, NoticesPage { notices: vec![notice], next: 0, last: 1 }, "the same, stored");
    }
    befriend(&mut alice, &mut bob);
    alice.delete_friend(bob.id).expect("deleted");
    let notice = bob.notice();
    assert_eq!((notice.seq, notice.kind, notice.by), (1, NoticeKind::FriendDeleted, alice.id));
    assert_eq!(
        kinds(&alice.notices(0, 0).expect("a page")),
        [(1, NoticeKind::FriendRefused), (2, NoticeKind::FriendAccepted)]
    );
}

fn b1_who_was_away_finds_decisions_at_the_next_login(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    alice.add_friend(bob.id, "").expect("asked");
    alice.add_friend(carol.id, "").expect("asked");
    let (alice_id, token) = (alice.id, alice.token.clone().expect("a token"));
    drop(alice);
    bob.accept_friend(alice_id).expect("accepted");
    carol.refuse_friend(alice_id).expect("refused");
    bob.delete_friend(alice_id).expect("deleted");

    let mut alice = Peer::connect(server.address());
    alice.hello(hello("first")).expect("HELLO");
    let bundle = alice.resume(token).expect("resumed");
    assert_eq!((bundle.notices_last, bundle.notices_acked), (3, 0));
    let page = alice.notices(bundle.notices_acked, 2).expect("a page");
    assert_eq!(kinds(&page), [(1, NoticeKind::FriendAccepted), (2, NoticeKind::FriendRefused)]);
    assert_eq!(page.notices[0].name, "bob");
    let page = alice.notices(page.next, 2).expect("a page");
    assert_eq!((kinds(&page), page.next), (vec![(3, NoticeKind::FriendDeleted)], 0));
}

fn b1_each_device_has_notices_once(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    for _ in 0..3 {
        alice.add_friend(bob.id, "").expect("asked");
        bob.refuse_friend(alice.id).expect("refused");
    }
    let place = |notices_after| {
        let (_, bundle) = come(&server, "alice", notices_after);
        (bundle.notices_last, bundle.notices_acked)
    };
    assert_eq!(place(None), (3, 0));
    alice.ack_notices(2).expect("noted");
    alice.ack_notices(1).expect("noted, and nothing moves back");
    assert_eq!(place(None), (3, 2), "a device without a memory begins where another got to");
    assert_eq!(place(Some(1)), (3, 1), "one with a memory goes on with it");
    assert_eq!(place(Some(3)), (3, 3));
    for beyond in [4, (1 << 53) - 1, 1 << 53, u64::MAX] {
        assert_eq!(place(Some(beyond)), (3, 3), "nobody has what is not there");
        assert_eq!(alice.notices(beyond, 0).expect("a page").notices, []);
    }
    // Their device, their place: bob's says nothing of alice's.
    bob.ack_notices(3).expect("noted");
    assert_eq!(place(None), (3, 2));
    alice.ack_notices(u64::MAX).expect("noted");
    assert_eq!(place(None), (3, 3));
    assert_eq!(
        kinds(&alice.notices(1, u32::MAX).expect("a page")).len(),
        2,
        "a limit is no more than a page"
    );
}

fn b1_notices_survive_a_restart(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    alice.add_friend(bob.id, "").expect("asked");
    bob.refuse_friend(alice.id).expect("refused");
    drop((alice, bob));
    server.kill9();
    server.restart();
    let (mut alice, bundle) = come(&server, "alice", None);
    assert_eq!((bundle.notices_last, bundle.notices_acked), (1, 0));
    assert_eq!(kinds(&alice.notices(0, 0).expect("a page")), [(1, NoticeKind::FriendRefused)]);
}

/// What a notice says of a group beside who did it where and when.
fn said(notice: &Notice) -> (NoticeKind, Option<Role>, Option<u64>) {
    (notice.kind, notice.role, notice.until)
}

fn g4_what_becomes_of_a_member_is_told_them_in_person(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let mut phone = log_in(&server, "bob", "phone");
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    alice.set_role(group, bob.id, Rank::Admin).expect("appointed");
    alice.set_role(group, bob.id, Rank::Admin).expect("so already");
    alice.set_role(group, bob.id, Rank::Member).expect("dismissed");
    alice.mute_member(group, bob.id, FOR_LONG).expect("muted");
    alice.mute_member(group, bob.id, FOR_LONG).expect("so already");
    alice.mute_member(group, bob.id, 0).expect("not any more");
    alice.remove_member(group, bob.id).expect("removed");
    let told = [
        (NoticeKind::Role, Some(Role::Admin), None),
        (NoticeKind::Role, Some(Role::Member), None),
        (NoticeKind::Muted, None, Some(FOR_LONG)),
        (NoticeKind::Muted, None, Some(0)),
        (NoticeKind::Removed, None, None),
    ];
    let mut stored = bob.notices(0, 0).expect("a page").notices;
    assert_eq!(stored.iter().map(said).collect::<Vec<_>>(), told);
    for notice in &stored {
        assert_eq!((notice.by, notice.name.as_str(), notice.groupid), (alice.id, "alice", Some(group)));
        assert_eq!(notice.groupname.as_deref(), Some("climbers"));
    }
    for device in [&mut bob, &mut phone] {
        for notice in &stored {
            assert_eq!(&device.notice(), notice, "live, as it is stored");
        }
        let left = device.take("put out", |push| match push {
            Push::GroupEvent(event) if event.event == GroupEventKind::Left => Some(event.clone()),
            _ => None,
        });
        assert_eq!((left.groupid, left.id, left.members, left.notice), (group, device.id, 1, 5));
    }
    assert_eq!(alice.notices(0, 0).expect("a page").notices, [], "who did it knows");
    // Who did it is gone a while later: what they did is still told.
    alice.delete_account(PASSWORD, OwnedGroups::Dissolve).expect("deleted");
    stored = bob.notices(0, 0).expect("a page").notices;
    assert!(
        stored.iter().all(|notice| (notice.by, notice.name.as_str()) == (alice.id, "deleted user")),
        "{stored:?}"
    );
}

fn g3_who_was_away_finds_removal_role_and_muting(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let groups = ["one", "two", "three"].map(|name| {
        let group = alice.create_group(name, "").expect("opened").group.id;
        bob.join_group(group).expect("joined");
        group
    });
    let bob_id = bob.id;
    drop(bob);
    alice.remove_member(groups[0], bob_id).expect("removed");
    alice.mute_member(groups[1], bob_id, FOR_LONG).expect("muted");
    alice.hand_over(groups[2], bob_id).expect("handed over");
    server.kill9();
    server.restart();
    let expected = [(1, NoticeKind::Removed), (2, NoticeKind::Muted), (3, NoticeKind::Role)];
    let (mut bob, bundle) = come(&server, "bob", None);
    assert_eq!((bundle.notices_last, bundle.notices_acked), (3, 0));
    let page = bob.notices(bundle.notices_acked, 0).expect("a page");
    assert_eq!(kinds(&page), expected);
    assert_eq!(page.notices[2].role, Some(Role::Owner));
    bob.ack_notices(3).expect("noted");
    let (_, bundle) = come(&server, "bob", None);
    assert_eq!((bundle.notices_last, bundle.notices_acked), (3, 3), "once");
    // A device of his that was away all the time has them once, too.
    let (mut phone, bundle) = come(&server, "bob", Some(0));
    assert_eq!((bundle.notices_last, bundle.notices_acked), (3, 0));
    assert_eq!(kinds(&phone.notices(0, 0).expect("a page")), expected);
    // Who becomes an owner because another one's account is deleted is told as well.
    let mut alice = log_in(&server, "alice", "first");
    alice
        .create_group("four", "")
        .map(|opened| bob.join_group(opened.group.id))
        .expect("opened")
        .expect("joined");
    alice.delete_account(PASSWORD, OwnedGroups::HandOver).expect("deleted");
    let last = eventually(DEADLINE, "bob is told", || {
        bob.notices(3, 0).expect("a page").notices.pop().filter(|notice| notice.role == Some(Role::Owner))
    });
    assert_eq!((last.kind, last.by, last.name.as_str()), (NoticeKind::Role, alice.id, "deleted user"));
}
