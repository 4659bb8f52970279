//! A6: accounts that are deleted.

use std::sync::Barrier;
use std::thread;

use protocol::{
    Code, FriendEventKind, GroupState, History, JoinGroup, Login, NoticeKind, OwnedGroups, Recover, Request,
    Role, Secret, SystemEventKind,
};
use testkit::eventually;

use crate::support::{
    DEADLINE, Options, PASSWORD, Peer, Server, Store, befriend, guest_from, hello, log_in, on_each_store,
    register, user,
};

on_each_store! {
    a6_a_deleted_account_is_nobodys,
    a6_whoever_does_not_know_the_password_deletes_nothing,
    a6_friends_are_told_wherever_they_are,
    a6_owned_groups_are_handed_over,
    a6_owned_groups_are_dissolved,
    a6_what_was_said_stays_readable,
    a6_a_killed_server_goes_on_with_it,
    a6_who_is_asked_or_joins_meanwhile_is_left_by_all,
}

/// What a deleted user is called.
const DELETED: &str = "deleted user";

fn guest(server: &Server) -> Peer {
    let mut peer = Peer::connect(server.address());
    peer.hello(hello("")).expect("HELLO");
    peer
}

/// The user's role and the group's state, if the user's list shows it.
fn shown(peer: &mut Peer, group: u64) -> Option<(Role, GroupState)> {
    let groups = peer.groups(0, 0).expect("a page").groups;
    groups.into_iter().find(|shown| shown.id == group).map(|shown| (shown.role, shown.state))
}

/// Waits until a member reads this of the user's, as the group's newest message.
fn last_told(peer: &mut Peer, group: u64, what: SystemEventKind, by: u64) {
    eventually(DEADLINE, "the group is told", || {
        let history = History { conv: group, after: Some(0), before: None, at: None, limit: 200 };
        let last = peer.history(history).expect("a page").messages.pop()?;
        let event = last.event.filter(|event| event.what == what && event.by == by)?;
        assert_eq!((event.by_name.as_str(), last.name.as_str()), (DELETED, DELETED));
        Some(())
    });
}

fn a6_a_deleted_account_is_nobodys(store: Store) {
    let server = Server::start(Options::on(store).with("proxy-trusted", "127.0.0.1"));
    let registered = guest_from(server.address(), 250).reg("Alice", PASSWORD).expect("registered");
    let log_in = |host: u8, id: Option<u64>| {
        let mut peer = guest_from(server.address(), host);
        let name = id.is_none().then(|| "alice".to_owned());
        let signed_in =
            peer.login(Login { id, name, password: Secret::new(PASSWORD), ..Login::default() })?;
        peer.token = signed_in.token;
        Ok::<Peer, protocol::Refusal>(peer)
    };
    guest_from(server.address(), 249).reg("bob", PASSWORD).expect("registered");
    let mut bob = guest_from(server.address(), 248);
    let login = Login { name: Some("bob".into()), password: Secret::new(PASSWORD), ..Login::default() };
    bob.login(login).expect("in");
    bob.profile(Some(registered.id)).expect("there, and known here");
    let (mut desk, mut phone) = (log_in(1, None).expect("in"), log_in(2, None).expect("in"));
    let token = phone.token.clone().expect("a token");

    desk.delete_account(PASSWORD, OwnedGroups::HandOver).expect("deleted");
    assert_eq!(Code(phone.bye().errcode), Code::SESSION_ENDED);
    assert_eq!(desk.sessions().unwrap_err().code, Code::NOT_LOGGED_IN, "a guest's connection now");
    assert_eq!(guest_from(server.address(), 3).resume(token).unwrap_err().code, Code::SESSION_ENDED);
    // All as for an id that never was.
    let unknown = registered.id + 1_000;
    let by_id = |host, id| log_in(host, Some(id)).err().expect("nobody's");
    assert_eq!(by_id(4, registered.id), by_id(5, unknown));
    assert_eq!(log_in(6, None).err().expect("nobody's").code, Code::BAD_CREDENTIALS);
    let recover = |host, id| {
        let (code, new_password) = (registered.recovery_codes[0].clone(), Secret::new("battery staple"));
        let recover = Recover { id: Some(id), name: None, code, new_password };
        guest_from(server.address(), host).recover(recover).unwrap_err()
    };
    assert_eq!(recover(7, registered.id), recover(8, unknown));
    assert_eq!(bob.profile(Some(registered.id)).unwrap_err(), bob.profile(Some(unknown)).unwrap_err());
    assert_eq!(bob.add_friend(registered.id, "").unwrap_err(), bob.add_friend(unknown, "").unwrap_err());
    for query in ["alice", &registered.id.to_string()] {
        assert_eq!(bob.search_users(query, 0, 0).expect("a page").found, []);
    }
    let again = guest_from(server.address(), 9).reg("aLICE", PASSWORD).expect("the name is free");
    assert_ne!(again.id, registered.id);
    assert!(!server.log().contains(PASSWORD));
}

fn a6_whoever_does_not_know_the_password_deletes_nothing(store: Store) {
    let server = Server::on(store);
    let (mut desk, mut phone) = (user(&server, "alice"), log_in(&server, "alice", "phone"));
    let refusal = desk.delete_account("wrong password", OwnedGroups::Dissolve).unwrap_err();
    assert_eq!(refusal.code, Code::BAD_CREDENTIALS);
    for hostile in ["' OR 1=1; --", "\u{202e}\0", ""] {
        assert!(desk.delete_account(hostile, OwnedGroups::Dissolve).is_err());
    }
    let refusal = desk.delete_account(&"x".repeat(257), OwnedGroups::Dissolve).unwrap_err();
    assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("password")));
    phone.sessions().expect("it stays");
    log_in(&server, "alice", "third");
}

fn a6_friends_are_told_wherever_they_are(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    befriend(&mut alice, &mut bob);
    befriend(&mut alice, &mut carol);
    let mut dave = user(&server, "dave");
    dave.add_friend(alice.id, "").expect("asked");
    drop(carol);
    bob.forget_pushes();
    alice.delete_account(PASSWORD, OwnedGroups::HandOver).expect("deleted");
    let event = bob.friend_event();
    assert_eq!((event.event, event.id, event.name.as_str()), (FriendEventKind::Deleted, alice.id, DELETED));
    let notice = bob.notice();
    assert_eq!((notice.kind, notice.by), (NoticeKind::FriendAccountDeleted, alice.id));
    assert_eq!((event.notice, notice.name.as_str()), (notice.seq, DELETED));
    assert_eq!(bob.friends(0, 0).expect("a page").friends, []);
    assert_eq!(bob.one_chat(alice.id, "hello?", "b-1").unwrap_err().code, Code::NOT_FRIENDS);
    assert_eq!(dave.friend_requests(0, 0).expect("a page").requests, []);
    // Who was away finds it.
    let mut carol = log_in(&server, "carol", "first");
    let notices = eventually(DEADLINE, "the notice is stored", || {
        let page = carol.notices(0, 0).expect("a page").notices;
        page.iter().any(|notice| notice.kind == NoticeKind::FriendAccountDeleted).then_some(page)
    });
    let last = notices.last().expect("one");
    assert_eq!((last.by, last.name.as_str()), (alice.id, DELETED));
    assert_eq!(carol.friends(0, 0).expect("a page").friends, []);
}

/// Groups of one who leaves.
struct Groups {
    server: Server,
    alice: Peer,
    bob: Peer,
    carol: Peer,
    dave: Peer,
    /// Carol came before bob, who is admin.
    led: u64,
    /// Carol came before dave.
    unled: u64,
    /// Nobody else is there.
    alone: u64,
    /// Dave's.
    of_other: u64,
}

fn groups(store: Store) -> Groups {
    let server = Server::on(store);
    let mut alice = user(&server, "alice");
    // So that ids say nothing of who came first.
    let (mut dave, mut bob, mut carol) =
        (user(&server, "dave"), user(&server, "bob"), user(&server, "carol"));
    let led = alice.create_group("led", "").expect("opened").group.id;
    carol.join_group(led).expect("joined");
    bob.join_group(led).expect("joined");
    alice.set_role(led, bob.id, protocol::Rank::Admin).expect("appointed");
    let unled = alice.create_group("unled", "").expect("opened").group.id;
    carol.join_group(unled).expect("joined");
    dave.join_group(unled).expect("joined");
    let alone = alice.create_group("alone", "").expect("opened").group.id;
    let of_other = dave.create_group("dave's", "").expect("opened").group.id;
    alice.join_group(of_other).expect("joined");
    Groups { server, alice, bob, carol, dave, led, unled, alone, of_other }
}

fn a6_owned_groups_are_handed_over(store: Store) {
    let Groups { server, mut alice, mut bob, mut carol, mut dave, led, unled, alone, of_other } =
        groups(store);
    alice.delete_account(PASSWORD, OwnedGroups::HandOver).expect("deleted");
    last_told(&mut bob, led, SystemEventKind::Left, alice.id);
    last_told(&mut dave, unled, SystemEventKind::Left, alice.id);
    last_told(&mut dave, of_other, SystemEventKind::Left, alice.id);
    assert_eq!(shown(&mut bob, led), Some((Role::Owner, GroupState::Open)), "an admin before a member");
    assert_eq!(shown(&mut carol, led), Some((Role::Member, GroupState::Open)));
    assert_eq!(shown(&mut carol, unled), Some((Role::Owner, GroupState::Open)), "who came first");
    assert_eq!(shown(&mut dave, unled), Some((Role::Member, GroupState::Open)));
    eventually(DEADLINE, "nobody is in it", || {
        (dave.join_group(alone).unwrap_err().code == Code::NOT_FOUND).then_some(())
    });
    // It was told live, to everybody in the same order, and the group goes on.
    let told: Vec<_> = carol.told_so_far().into_iter().filter(|event| event.by == alice.id).collect();
    let of_bob = told.iter().find(|event| event.what == SystemEventKind::HandedOver && event.id == bob.id);
    assert_eq!(of_bob.expect("told").name, "bob");
    carol.say_in(unled, "mine now");
    assert_eq!(dave.message().msg, "mine now");
    carol.dissolve_group(unled).expect("hers to dissolve");
    let ids: Vec<u64> =
        bob.group_members(led, 0, 0).expect("a page").users.iter().map(|user| user.id).collect();
    assert_eq!(ids, [bob.id, carol.id]);
    drop(server);
}

fn a6_owned_groups_are_dissolved(store: Store) {
    let Groups { server, mut alice, mut bob, mut carol, mut dave, led, unled, alone, of_other } =
        groups(store);
    alice.say_in(led, "the end");
    alice.delete_account(PASSWORD, OwnedGroups::Dissolve).expect("deleted");
    last_told(&mut bob, led, SystemEventKind::Dissolved, alice.id);
    last_told(&mut carol, unled, SystemEventKind::Dissolved, alice.id);
    last_told(&mut dave, of_other, SystemEventKind::Left, alice.id);
    assert_eq!(shown(&mut bob, led), Some((Role::Admin, GroupState::Dissolved)));
    assert_eq!(shown(&mut dave, unled), Some((Role::Member, GroupState::Dissolved)));
    assert_eq!(shown(&mut dave, of_other), Some((Role::Owner, GroupState::Open)));
    assert_eq!(bob.group_chat(led, "anybody?", "b-1").unwrap_err().code, Code::DISSOLVED);
    eventually(DEADLINE, "nobody is in it", || {
        (dave.join_group(alone).unwrap_err().code == Code::NOT_FOUND).then_some(())
    });
    assert!(carol.read_all(led, 0).iter().any(|message| message.msg == "the end"));
    carol.leave_group(led).expect("off the list");
    drop(server);
}

fn a6_what_was_said_stays_readable(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let conv = befriend(&mut alice, &mut bob);
    let group = bob.create_group("climbers", "").expect("opened").group.id;
    alice.join_group(group).expect("joined");
    alice.say(bob.id, "between us");
    alice.say_in(group, "to all");
    alice.delete_account(PASSWORD, OwnedGroups::HandOver).expect("deleted");
    last_told(&mut bob, group, SystemEventKind::Left, alice.id);
    for restarted in [false, true] {
        if restarted {
            server.kill9();
            server.restart();
            bob = log_in(&server, "bob", "first");
        }
        for (conv, said) in [(conv, "between us"), (group, "to all")] {
            let messages = bob.read_all(conv, 0);
            let message = messages.iter().find(|message| message.msg == said).expect("it stays");
            assert_eq!((message.from, message.name.as_str()), (alice.id, DELETED), "restarted: {restarted}");
        }
    }
    // Whoever has the name now has said nothing.
    assert_ne!(register(&server, "alice"), alice.id);
}

fn a6_a_killed_server_goes_on_with_it(store: Store) {
    // More than a tick works off.
    const GROUPS: usize = 40;
    let mut server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    befriend(&mut alice, &mut bob);
    let groups: Vec<u64> =
        (0..GROUPS).map(|n| alice.create_group(&n.to_string(), "").expect("opened").group.id).collect();
    for group in &groups {
        bob.join_group(*group).expect("joined");
    }
    alice.delete_account(PASSWORD, OwnedGroups::HandOver).expect("deleted");
    server.kill9();
    server.restart();
    let mut bob = log_in(&server, "bob", "first");
    let owns = |bob: &mut Peer| {
        bob.groups(0, 200).expect("a page").groups.iter().filter(|group| group.role == Role::Owner).count()
    };
    println!("{} of {GROUPS} groups were handed over after the start", owns(&mut bob));
    assert_eq!(guest(&server).reg("alice", PASSWORD).map(drop), Ok(()), "answered is durable");
    eventually(DEADLINE, "all groups are handed over", || (owns(&mut bob) == GROUPS).then_some(()));
    for group in groups {
        last_told(&mut bob, group, SystemEventKind::Left, alice.id);
    }
    assert_eq!(bob.friends(0, 0).expect("a page").friends, []);
    let notices = bob.notices(0, 0).expect("a page").notices;
    let told = notices.iter().filter(|notice| notice.kind == NoticeKind::FriendAccountDeleted).count();
    assert_eq!(told, 1);
}

fn a6_who_is_asked_or_joins_meanwhile_is_left_by_all(store: Store) {
    let server = Server::on(store);
    let (mut bob, mut carol) = (user(&server, "bob"), user(&server, "carol"));
    let group = bob.create_group("climbers", "").expect("opened").group.id;
    for round in 0..5 {
        let name = format!("alice {round}");
        let (mut desk, mut phone) = (user(&server, &name), log_in(&server, &name, "phone"));
        let id = desk.id;
        carol.add_friend(id, "").expect("asked");
        let start = Barrier::new(4);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                desk.delete_account(PASSWORD, OwnedGroups::HandOver).expect("deleted");
            });
            scope.spawn(|| {
                start.wait();
                let asked = bob.add_friend(id, "");
                assert!(asked.as_ref().err().is_none_or(|why| why.code == Code::NOT_FOUND), "{asked:?}");
            });
            scope.spawn(|| {
                start.wait();
                // Its session may end before it is answered.
                let rid = phone.send(&Request::JoinGroup(JoinGroup::of(group)));
                let _ = phone.try_reply(rid);
            });
            scope.spawn(|| {
                start.wait();
                let withdrawn = carol.withdraw_friend(id);
                assert!(
                    withdrawn.as_ref().err().is_none_or(|why| why.code == Code::NOT_FOUND),
                    "{withdrawn:?}"
                );
            });
        });
        for peer in [&mut bob, &mut carol] {
            assert_eq!(peer.friend_requests(0, 0).expect("a page").requests, []);
            eventually(DEADLINE, "no friend is left", || {
                peer.friends(0, 0).expect("a page").friends.is_empty().then_some(())
            });
        }
        eventually(DEADLINE, "the group is left", || {
            let members = bob.group_members(group, 0, 0).expect("a page").users;
            (members.len() == 1).then_some(())
        });
    }
}
