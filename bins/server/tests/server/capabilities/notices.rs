//! B1: decisions that concern a user are found by each of their devices once, whether it was there or not.

use protocol::{Login, NoticeKind, NoticesPage, Secret, SignedIn};

use crate::support::{PASSWORD, Peer, Server, Store, befriend, hello, log_in, on_each_store, user};

on_each_store! {
    b1_a_decision_is_told_to_every_device_and_stays,
    b1_who_was_away_finds_decisions_at_the_next_login,
    b1_each_device_has_notices_once,
    b1_notices_survive_a_restart,
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
