//! Signing in stays small, whatever a user has.

use std::collections::BTreeSet;

use protocol::{Login, Request, Resume, Secret, SignedIn, State};

use crate::support::heavy::{self, FRIENDS, GROUPS};
use crate::support::{PASSWORD, Peer, Server, Store, befriend, hello, log_in, on_each_store, register, user};

on_each_store! {
    b4_a_heavy_users_sign_in_is_small,
    b4_lists_that_are_held_are_not_sent_again,
}

/// Bytes on the wire that one sign-in may take.
const BYTES_MAX: u64 = 64 * 1024;

/// Signs in over a new connection; also the bytes that the answer took.
fn come(server: &Server, request: Request) -> (Peer, SignedIn, u64) {
    let mut peer = Peer::connect(server.address());
    peer.hello(hello("test")).expect("HELLO");
    let before = peer.received();
    let bundle = match peer.ask(&request).expect("in") {
        protocol::Reply::Login(bundle) | protocol::Reply::Resume(bundle) => bundle,
        other => panic!("signing in came to {other:?}"),
    };
    let bytes = peer.received() - before;
    (peer, bundle, bytes)
}

fn login(name: &str, held: &SignedIn) -> Request {
    let versions = |version: &String| (!version.is_empty()).then(|| version.clone());
    Request::Login(Login {
        name: Some(name.into()),
        password: Secret::new(PASSWORD),
        friends_version: versions(&held.friends_version),
        groups_version: versions(&held.groups_version),
        ..Login::default()
    })
}

fn resume(token: &Secret, held: &SignedIn) -> Request {
    Request::Resume(Resume {
        token: token.clone(),
        friends_version: Some(held.friends_version.clone()),
        groups_version: Some(held.groups_version.clone()),
        ..Resume::default()
    })
}

fn b4_a_heavy_users_sign_in_is_small(store: Store) {
    let mut server = Server::on(store);
    let id = register(&server, "heavy");
    server.terminate();
    server.seed(&heavy::statements(id));
    server.restart();
    let (mut peer, first, bytes) = come(&server, login("heavy", &SignedIn::default()));
    println!("first login: {bytes} bytes");
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
    let mut friends: BTreeSet<u64> = first.friends.iter().map(|friend| friend.id).collect();
    let mut next = first.friends_next;
    while next != 0 {
        let page = peer.friends(next, 0).expect("a page");
        friends.extend(page.friends.iter().map(|friend| friend.id));
        next = page.next;
    }
    let mut groups = first.groups.len();
    let mut next = first.groups_next;
    while next != 0 {
        let page = peer.groups(next, 0).expect("a page");
        groups += page.groups.len();
        next = page.next;
    }
    assert_eq!((friends.len() as u64, groups as u64), (FRIENDS, GROUPS), "the pages lead to all");
    let token = first.token.clone().expect("a token");
    for request in [login("heavy", &first), resume(&token, &first)] {
        let what = format!("{:?}", request.msgid());
        let (_, again, bytes) = come(&server, request);
        println!("{what} of who holds the lists: {bytes} bytes");
        assert!(bytes <= BYTES_MAX, "{what}: {bytes} bytes");
        assert!(again.friends_unchanged && again.groups_unchanged, "{what}");
        assert_eq!((again.friends.len(), again.groups.len()), (0, 0), "{what}");
        assert_eq!(again.friends_online, Some(vec![]), "{what}");
    }
}

fn b4_lists_that_are_held_are_not_sent_again(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    befriend(&mut alice, &mut bob);
    befriend(&mut alice, &mut carol);
    alice.create_group("readers", "").expect("a group");
    carol.log_out().expect("out");
    let away = alice.take("carol going", |push| match push {
        protocol::Push::Presence(presence) if presence.state == State::Offline => Some(presence.id),
        _ => None,
    });
    assert_eq!(away, carol.id);
    let token = alice.token.clone().expect("a token");
    let (_, first, _) = come(&server, resume(&token, &SignedIn::default()));
    assert_eq!((first.friends.len(), first.groups.len()), (2, 1));
    let (_, again, _) = come(&server, resume(&token, &first));
    assert!(again.friends_unchanged && again.groups_unchanged);
    assert_eq!(again.friends_online, Some(vec![bob.id]));
    // What changes is sent, and only that.
    bob.delete_friend(again.id).expect("deleted");
    let (_, changed, _) = come(&server, resume(&token, &again));
    assert_eq!((changed.friends_unchanged, changed.groups_unchanged), (false, true));
    assert_eq!(changed.friends.iter().map(|friend| friend.id).collect::<Vec<_>>(), [carol.id]);
    let mut alice = log_in(&server, "alice", "desk");
    alice.create_group("climbers", "").expect("a group");
    let (_, changed, _) = come(&server, resume(&token, &changed));
    assert_eq!((changed.friends_unchanged, changed.groups_unchanged), (true, false));
    assert_eq!(changed.groups.len(), 2);
}
