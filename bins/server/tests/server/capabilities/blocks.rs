//! B5: whom a user blocks neither reaches nor finds them, and cannot tell it from an id that does not exist.

use protocol::{
    AddFriend, Code, EditFriend, FriendEventKind, FriendRef, NoticeKind, ProfileOf, Push, Request,
    SearchUsers, UserRef,
};

use crate::support::{
    Options, Peer, Server, Store, befriend, chat, friends, log_in, on_each_store, register, user,
};

on_each_store! {
    b5_to_a_blocked_user_the_other_is_an_id_that_does_not_exist,
    b5_a_block_ends_a_friendship_and_is_told_as_a_deletion,
    b5_a_block_ends_requests_both_ways,
    b5_nobody_hears_of_a_block_between_strangers,
    b5_unblocking_brings_nothing_back,
    b5_blocked_users_are_limited_and_listed_in_pages,
    b5_a_repeat_keeps_its_answer,
    b5_members_of_a_group_go_on_reading_each_other,
    b5_blocks_that_make_no_sense_are_refused,
    b5_a_block_outlives_the_server,
}

/// An id of nobody.
pub(crate) const NOBODY: u64 = 999_999;

/// Every request that names another user, by id or by name.
pub(crate) fn requests_about(id: u64, name: &str) -> Vec<Request> {
    let friend = FriendRef { friendid: id };
    let search = |query: String| Request::SearchUsers(SearchUsers { query, after: 0, limit: 0 });
    vec![
        Request::Profile(ProfileOf { id: Some(id) }),
        Request::AddFriend(AddFriend { friendid: id, greeting: "please".into() }),
        Request::AcceptFriend(friend.clone()),
        Request::RefuseFriend(friend.clone()),
        Request::WithdrawFriend(friend.clone()),
        Request::DeleteFriend(friend),
        Request::EditFriend(EditFriend { friendid: id, remark: Some("who?".into()), label: None }),
        chat(id, "are you there?", "a-new-message"),
        Request::Block(UserRef { userid: id }),
        Request::Unblock(UserRef { userid: id }),
        search(id.to_string()),
        search(name.to_owned()),
        search(name[..name.len() - 1].to_owned()),
    ]
}

/// Who is blocked reads of the other, frame by frame, what they read of nobody.
pub(crate) fn assert_sees_nobody(blocked: &mut Peer, id: u64, name: &str) {
    let of_nobody = requests_about(NOBODY, "zzzzzz");
    for (request, unknown) in requests_about(id, name).iter().zip(&of_nobody) {
        let (seen, expected) = (blocked.ask_frame(request), blocked.ask_frame(unknown));
        assert_eq!(
            String::from_utf8_lossy(&seen),
            String::from_utf8_lossy(&expected),
            "{request:?} tells of a block"
        );
        assert_eq!(seen, expected, "{request:?} tells of a block");
    }
}

fn b5_to_a_blocked_user_the_other_is_an_id_that_does_not_exist(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let (mut carol, mut dave) = (user(&server, "carol"), user(&server, "dave"));
    // What was looked at before is remembered nowhere.
    for peer in [&mut bob, &mut carol, &mut dave] {
        peer.profile(Some(alice.id)).expect("hers");
        assert_eq!(peer.search_users("alice", 0, 0).expect("a page").found.len(), 1);
    }
    alice.say(bob.id, "still friends");
    alice.add_friend(carol.id, "").expect("asked");
    for peer in [&bob, &carol, &dave] {
        alice.block(peer.id).expect("blocked");
    }
    for peer in [&mut bob, &mut carol, &mut dave] {
        assert_sees_nobody(peer, alice.id, "alice");
        peer.forget_pushes();
    }
    // The other way round nobody hides.
    alice.forget_pushes();
    for peer in [&bob, &carol, &dave] {
        assert_eq!(alice.profile(Some(peer.id)).expect("theirs").id, peer.id);
        assert_eq!(alice.refused(&chat(peer.id, "x", "y")), Code::NOT_FRIENDS);
        assert_eq!(alice.add_friend(peer.id, "").unwrap_err().code, Code::NOT_ALLOWED);
    }
    assert_eq!(alice.search_users("dave", 0, 0).expect("a page").found.len(), 1);
    assert_eq!(alice.pushes_so_far(), [], "nothing that they tried reached her");
    assert_eq!(alice.friend_requests(0, 0).expect("a page").requests, []);
}

fn b5_a_block_ends_a_friendship_and_is_told_as_a_deletion(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let (mut desk, mut phone) = (log_in(&server, "alice", "desk"), log_in(&server, "bob", "phone"));
    let mut carol = user(&server, "carol");
    befriend(&mut carol, &mut bob);
    let told = [phone.friend_event().event, phone.friend_event().event];
    assert_eq!(told, [FriendEventKind::Requested, FriendEventKind::Accepted]);
    bob.say(alice.id, "hello");
    // The same to bob's devices, but for the names: carol deletes, alice blocks.
    carol.delete_friend(bob.id).expect("deleted");
    alice.block(bob.id).expect("blocked");
    for device in [&mut bob, &mut phone] {
        let [deleted, blocked] = [device.friend_event(), device.friend_event()];
        assert_eq!((deleted.event, deleted.id, deleted.by), (FriendEventKind::Deleted, carol.id, carol.id));
        assert_eq!((blocked.event, blocked.id, blocked.by), (FriendEventKind::Deleted, alice.id, alice.id));
        assert_eq!((blocked.greeting.as_str(), &blocked.friend), ("", &None));
        let notices = [device.notice(), device.notice()];
        assert_eq!([deleted.notice, blocked.notice], notices.each_ref().map(|notice| notice.seq));
        assert!(notices.iter().all(|notice| notice.kind == NoticeKind::FriendDeleted));
        assert_eq!(notices.each_ref().map(|notice| notice.name.as_str()), ["carol", "alice"]);
    }
    let event = desk.friend_event();
    assert_eq!((event.event, event.id, event.by), (FriendEventKind::Deleted, bob.id, alice.id));
    let pushes = alice.pushes_so_far();
    assert!(pushes.iter().all(|push| matches!(push, Push::Message(_))), "she has her answer: {pushes:?}");
    for peer in [&mut alice, &mut bob] {
        assert_eq!(peer.friends(0, 0).expect("a page").friends, []);
        assert_eq!(peer.read_all(conv, 0).len(), 1, "what was said can still be read");
    }
    alice.block(bob.id).expect("blocked already");
    assert_eq!(bob.pushes_so_far(), [], "told once");
}

fn b5_a_block_ends_requests_both_ways(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, mut carol) =
        (user(&server, "alice"), user(&server, "bob"), user(&server, "carol"));
    alice.add_friend(bob.id, "hi").expect("asked");
    carol.add_friend(alice.id, "hi").expect("asked");
    for peer in [&mut alice, &mut bob] {
        assert_eq!(peer.friend_event().event, FriendEventKind::Requested);
    }
    alice.block(bob.id).expect("blocked");
    alice.block(carol.id).expect("blocked");
    let event = bob.friend_event();
    assert_eq!((event.event, event.id, event.notice), (FriendEventKind::Withdrawn, alice.id, 0));
    let event = carol.friend_event();
    assert_eq!((event.event, event.id), (FriendEventKind::Refused, alice.id));
    let notice = carol.notice();
    assert_eq!((notice.seq, notice.kind, notice.by), (event.notice, NoticeKind::FriendRefused, alice.id));
    for peer in [&mut alice, &mut bob, &mut carol] {
        assert_eq!(peer.friend_requests(0, 0).expect("a page").requests, []);
        assert_eq!(peer.pushes_so_far(), []);
    }
    assert_eq!(bob.accept_friend(alice.id).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(alice.accept_friend(carol.id).unwrap_err().code, Code::NOT_FOUND);
}

fn b5_nobody_hears_of_a_block_between_strangers(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    alice.block(bob.id).expect("blocked");
    alice.unblock(bob.id).expect("unblocked");
    for peer in [&mut alice, &mut bob] {
        assert_eq!(peer.pushes_so_far(), []);
        assert_eq!(peer.notices(0, 0).expect("a page").notices, []);
    }
}

fn b5_unblocking_brings_nothing_back(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    bob.say(alice.id, "before");
    alice.block(bob.id).expect("blocked");
    assert_eq!(bob.profile(Some(alice.id)).unwrap_err().code, Code::NOT_FOUND);
    alice.unblock(bob.id).expect("unblocked");
    assert_eq!(alice.unblock(bob.id).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(alice.blocked(0, 0).expect("a page").blocked, []);
    assert_eq!(bob.profile(Some(alice.id)).expect("hers").name, "alice");
    assert_eq!(bob.search_users("alice", 0, 0).expect("a page").found.len(), 1);
    let (alices, bobs) = (alice.id, bob.id);
    for (peer, other) in [(&mut alice, bobs), (&mut bob, alices)] {
        assert_eq!(peer.friends(0, 0).expect("a page").friends, []);
        assert_eq!(peer.refused(&chat(other, "x", "not-friends")), Code::NOT_FRIENDS);
        peer.forget_pushes();
    }
    assert_eq!(befriend(&mut bob, &mut alice), conv, "friends again go on where they stopped");
    assert_eq!(bob.say(alice.id, "after").seq, 2);
}

fn b5_blocked_users_are_limited_and_listed_in_pages(store: Store) {
    let server = Server::start(Options::on(store).with("blocked-users-max", 3));
    let mut alice = user(&server, "alice");
    let others: Vec<u64> = (0..4).map(|n| register(&server, &format!("other {n}"))).collect();
    for other in [others[2], others[0], others[1]] {
        alice.block(other).expect("blocked");
    }
    assert_eq!(alice.block(others[3]).unwrap_err().code, Code::FULL);
    alice.block(others[1]).expect("blocked already");
    let page = alice.blocked(0, 2).expect("a page");
    let shown: Vec<_> = page.blocked.iter().map(|user| (user.id, user.name.as_str())).collect();
    assert_eq!((shown, page.next), (vec![(others[0], "other 0"), (others[1], "other 1")], others[1]));
    let page = alice.blocked(page.next, 2).expect("a page");
    assert_eq!((page.blocked.len(), page.blocked[0].id, page.next), (1, others[2], 0));
    alice.unblock(others[0]).expect("unblocked");
    alice.block(others[3]).expect("there is room again");
}

fn b5_a_repeat_keeps_its_answer(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let first = bob.one_chat(alice.id, "once", "id-1").expect("stored");
    alice.block(bob.id).expect("blocked");
    assert_eq!(bob.one_chat(alice.id, "once", "id-1").expect("known"), first);
    assert_eq!(bob.refused(&chat(alice.id, "twice", "id-2")), Code::NOT_FRIENDS);
}

fn b5_members_of_a_group_go_on_reading_each_other(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("in");
    alice.block(bob.id).expect("blocked");
    bob.say_in(group, "on Tuesday?");
    assert_eq!(alice.message().msg, "on Tuesday?");
    alice.say_in(group, "on Tuesday");
    assert_eq!(bob.message().msg, "on Tuesday");
    assert_eq!(bob.group_members(group, 0, 0).expect("a page").users.len(), 2);
}

fn b5_blocks_that_make_no_sense_are_refused(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    assert_eq!(alice.block(alice.id).unwrap_err().code, Code::SELF);
    assert_eq!(alice.unblock(alice.id).unwrap_err().code, Code::SELF);
    for nobody in [0, NOBODY, (1 << 53) - 1, 1 << 53, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(alice.block(nobody).unwrap_err().code, Code::NOT_FOUND, "{nobody}");
        assert_eq!(alice.unblock(nobody).unwrap_err().code, Code::NOT_FOUND, "{nobody}");
    }
    assert_eq!(alice.unblock(bob.id).unwrap_err().code, Code::NOT_FOUND, "a friend");
    assert_eq!(alice.blocked(0, 0).expect("a page").blocked, []);
    alice.say(bob.id, "nothing changed");
    assert_eq!(bob.message().msg, "nothing changed");
}

fn b5_a_block_outlives_the_server(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, bob) = (user(&server, "alice"), user(&server, "bob"));
    alice.block(bob.id).expect("blocked");
    server.terminate();
    server.restart();
    let (mut alice, mut bob) = (log_in(&server, "alice", ""), log_in(&server, "bob", ""));
    assert_eq!(alice.blocked(0, 0).expect("a page").blocked[0].id, bob.id);
    assert_sees_nobody(&mut bob, alice.id, "alice");
}
