//! Requests, friendships and who hears of them.

use domain::FriendLimits;
use protocol::{
    AddFriend, Code, Direction, FriendEvent, FriendEventKind, FriendOutcome, FriendRef, Page, Refusal, Reply,
    Request, State,
};
use service::ServiceConfig;
use service::testing::{Device, Harness};

use crate::{bad_field, body, refused};

fn add(from: &Device<'_>, to: u64, greeting: &str) -> Result<Reply, Refusal> {
    from.ask(Request::AddFriend(AddFriend { friendid: to, greeting: greeting.into() }))
}

fn accept(user: &Device<'_>, from: u64) -> Result<Reply, Refusal> {
    user.ask(Request::AcceptFriend(FriendRef { friendid: from }))
}

/// The one event that came, with the notice that it names.
fn one_event(device: &Device<'_>) -> FriendEvent {
    let mut pushes = device.pushes();
    let event = body!(Push::FriendEvent, pushes.remove(0));
    if event.notice != 0 {
        let notice = body!(Push::Notice, pushes.remove(0));
        assert_eq!((notice.seq, notice.by, &notice.name), (event.notice, event.by, &event.name));
    }
    assert_eq!(pushes, [], "besides {event:?}");
    event
}

fn friends(device: &Device<'_>, after: u64, limit: u32) -> protocol::FriendsPage {
    body!(Reply::Friends, device.ask(Request::Friends(Page { after, limit })).unwrap())
}

fn requests(device: &Device<'_>) -> Vec<protocol::FriendRequest> {
    body!(Reply::FriendRequests, device.ask(Request::FriendRequests(Page::default())).unwrap()).requests
}

#[test]
fn a_request_reaches_every_device_of_both_but_the_one_that_asked() {
    let harness = Harness::new();
    let (alice, desk) = (harness.login("alice"), harness.login("alice"));
    let (bob, carol) = (harness.login("bob"), harness.login("carol"));
    let answer = body!(Reply::AddFriend, add(&alice, bob.user().0, "hi bob").unwrap());
    assert_eq!((answer.outcome, answer.friend), (FriendOutcome::Requested, None));

    assert_eq!(alice.pushes(), []);
    assert_eq!(carol.pushes(), []);
    let (at_bob, at_desk) = (one_event(&bob), one_event(&desk));
    assert_eq!((at_bob.event, at_bob.greeting.as_str()), (FriendEventKind::Requested, "hi bob"));
    assert_eq!((at_bob.id, at_bob.name.as_str(), at_bob.by), (alice.user().0, "alice", alice.user().0));
    assert_eq!((at_desk.id, at_desk.name.as_str(), at_desk.by), (bob.user().0, "bob", alice.user().0));

    let waits = |device| {
        let requests = requests(device);
        assert_eq!(requests.len(), 1);
        (requests[0].id, requests[0].direction, requests[0].greeting.clone())
    };
    assert_eq!(waits(&alice), (bob.user().0, Direction::Out, "hi bob".into()));
    assert_eq!(waits(&bob), (alice.user().0, Direction::In, "hi bob".into()));
    assert_eq!(bob.resume().unwrap().bundle.requests, requests(&bob), "also at the next login");
}

#[test]
fn an_accepted_request_makes_friends() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let tablet = harness.login("bob");
    add(&alice, bob.user().0, "").unwrap();
    bob.pushes();
    tablet.pushes();

    let answer = body!(Reply::AcceptFriend, accept(&bob, alice.user().0).unwrap());
    assert_eq!(answer.outcome, FriendOutcome::Friends);
    let friend = answer.friend.expect("a friend");
    assert_eq!((friend.id, friend.name.as_str(), friend.state), (alice.user().0, "alice", State::Online));

    assert_eq!(bob.pushes(), []);
    let (at_alice, at_tablet) = (one_event(&alice), one_event(&tablet));
    assert_eq!((at_alice.event, at_alice.by), (FriendEventKind::Accepted, bob.user().0));
    let about_bob = at_alice.friend.expect("a friend");
    assert_eq!((about_bob.id, about_bob.name.as_str(), about_bob.conv), (bob.user().0, "bob", friend.conv));
    assert_eq!(about_bob.state, State::Online);
    assert_eq!((at_tablet.event, at_tablet.by), (FriendEventKind::Accepted, bob.user().0));
    assert_eq!(at_tablet.friend.as_ref(), Some(&friend));

    assert_eq!(friends(&bob, 0, 0).friends, [friend]);
    assert_eq!(friends(&alice, 0, 0).friends, [about_bob]);
    assert_eq!((requests(&alice), requests(&bob)), (vec![], vec![]));
}

#[test]
fn two_who_ask_each_other_are_friends() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    add(&alice, bob.user().0, "").unwrap();
    let answer = body!(Reply::AddFriend, add(&bob, alice.user().0, "").unwrap());
    assert_eq!(answer.outcome, FriendOutcome::Friends);
    assert_eq!(one_event(&alice).event, FriendEventKind::Accepted);
    alice.say(&bob, "1", "hello").unwrap();
}

#[test]
fn a_request_can_be_refused_and_withdrawn() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let (a, b) = (FriendRef { friendid: alice.user().0 }, FriendRef { friendid: bob.user().0 });

    add(&alice, bob.user().0, "").unwrap();
    bob.pushes();
    // Each only from their own side.
    refused(alice.ask(Request::RefuseFriend(b.clone())), Code::NOT_FOUND);
    refused(bob.ask(Request::WithdrawFriend(a.clone())), Code::NOT_FOUND);
    refused(accept(&alice, bob.user().0), Code::NOT_FOUND);

    bob.ask(Request::RefuseFriend(a.clone())).unwrap();
    let event = one_event(&alice);
    assert_eq!((event.event, event.id, event.by), (FriendEventKind::Refused, bob.user().0, bob.user().0));
    refused(bob.ask(Request::RefuseFriend(a.clone())), Code::NOT_FOUND);
    refused(accept(&bob, alice.user().0), Code::NOT_FOUND);

    add(&alice, bob.user().0, "").unwrap();
    bob.pushes();
    alice.ask(Request::WithdrawFriend(b.clone())).unwrap();
    assert_eq!(one_event(&bob).event, FriendEventKind::Withdrawn);
    refused(alice.ask(Request::WithdrawFriend(b)), Code::NOT_FOUND);
    assert_eq!((requests(&alice), requests(&bob)), (vec![], vec![]));
}

#[test]
fn what_makes_no_sense_is_refused_and_told_to_nobody() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    refused(add(&alice, alice.user().0, ""), Code::SELF);
    refused(accept(&alice, alice.user().0), Code::SELF);
    for nobody in [0, 9_999, domain::NUMBER_MAX + 1, u64::MAX] {
        refused(add(&alice, nobody, ""), Code::NOT_FOUND);
        refused(accept(&alice, nobody), Code::NOT_FOUND);
    }
    for greeting in [&"x".repeat(201), "a\nb", "a\u{1b}[31m", "a\0", "a\u{202e}b", "a\u{2028}b"] {
        bad_field(add(&alice, bob.user().0, greeting), "greeting");
    }
    assert_eq!(bob.pushes(), []);

    add(&alice, bob.user().0, &"é".repeat(200)).unwrap();
    refused(add(&alice, bob.user().0, ""), Code::ALREADY_REQUESTED);
    accept(&bob, alice.user().0).unwrap();
    refused(add(&alice, bob.user().0, ""), Code::ALREADY_FRIENDS);
    refused(add(&bob, alice.user().0, ""), Code::ALREADY_FRIENDS);
}

#[test]
fn numbers_are_limited() {
    let friends = FriendLimits { friends: 1, requests: 1 };
    let harness = Harness::with(ServiceConfig { friends, ..service::testing::config() });
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    add(&alice, bob.user().0, "").unwrap();
    refused(add(&alice, carol.user().0, ""), Code::FULL);
    accept(&bob, alice.user().0).unwrap();
    refused(add(&alice, carol.user().0, ""), Code::FULL);
}

#[test]
fn strangers_cannot_use_up_the_requests_of_somebody_else() {
    let friends = FriendLimits { friends: 10, requests: 1 };
    let harness = Harness::with(ServiceConfig { friends, ..service::testing::config() });
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let (carol, mallory) = (harness.login("carol"), harness.login("mallory"));
    add(&mallory, alice.user().0, "").unwrap();
    refused(add(&bob, alice.user().0, ""), Code::FULL);
    add(&alice, carol.user().0, "").unwrap();
    accept(&carol, alice.user().0).unwrap();
    alice.ask(Request::RefuseFriend(FriendRef { friendid: mallory.user().0 })).unwrap();
    add(&bob, alice.user().0, "").unwrap();
}

#[test]
fn either_side_ends_a_friendship_at_once() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    alice.say(&bob, "1", "hello").unwrap();
    bob.pushes();

    let alice_ref = FriendRef { friendid: alice.user().0 };
    bob.ask(Request::DeleteFriend(alice_ref.clone())).unwrap();
    let event = one_event(&alice);
    assert_eq!((event.event, event.id, event.by), (FriendEventKind::Deleted, bob.user().0, bob.user().0));
    refused(alice.say(&bob, "2", "still there?"), Code::NOT_FRIENDS);
    refused(bob.say(&alice, "1", "no"), Code::NOT_FRIENDS);
    refused(bob.ask(Request::DeleteFriend(alice_ref)), Code::NOT_FRIENDS);
    assert_eq!(friends(&alice, 0, 0).friends, []);
    assert_eq!(bob.pushes(), []);

    // Friends again: the conversation goes on where it was.
    assert_eq!(harness.befriend(&alice, &bob), conv);
    assert_eq!(alice.say(&bob, "3", "welcome back").unwrap().seq, 2);
}

#[test]
fn lists_are_paged() {
    let harness =
        Harness::with(ServiceConfig { page_max: 4, bundle_page_max: 3, ..service::testing::config() });
    let alice = harness.login("alice");
    let others: Vec<_> = (0..5).map(|n| harness.login(&format!("friend {n}"))).collect();
    for other in &others {
        harness.befriend(&alice, other);
    }
    others[1].disconnect();
    let ids: Vec<u64> = others.iter().map(|other| other.user().0).collect();

    let first = friends(&alice, 0, 2);
    assert_eq!(first.friends.iter().map(|friend| friend.id).collect::<Vec<_>>(), ids[..2]);
    assert_eq!(
        first.friends.iter().map(|friend| friend.state).collect::<Vec<_>>(),
        [State::Online, State::Offline]
    );
    assert_eq!(first.next, ids[1]);
    let whole = friends(&alice, 0, 100);
    assert_eq!((whole.friends.len(), whole.next), (4, ids[3]), "never more than page_max");
    let rest = friends(&alice, whole.next, 0);
    assert_eq!((rest.friends.len(), rest.next), (1, 0));
    for beyond in [ids[4], domain::NUMBER_MAX, u64::MAX] {
        let nothing = friends(&alice, beyond, 0);
        assert_eq!((nothing.friends.len(), nothing.next), (0, 0));
    }

    let bundle = alice.resume().unwrap().bundle;
    assert_eq!((bundle.friends.len(), bundle.friends_next), (3, ids[2]));
}
