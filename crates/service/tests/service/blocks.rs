//! What a block hides, and from whom.

use protocol::{
    AddFriend, Code, EditFriend, EditProfile, FoundUsers, FriendRef, OneChat, ProfileOf, Refusal, Reply,
    Request, SearchUsers, UserRef,
};
use service::testing::{Device, Harness};

use crate::refused;

fn block(user: &Device<'_>, other: &Device<'_>) {
    user.ask(Request::Block(UserRef { userid: other.user().0 })).expect("a block");
    other.pushes();
}

/// What is answered, and how often the store was asked for it.
fn counted(harness: &Harness, device: &Device<'_>, request: &Request) -> (Result<Reply, Refusal>, u64) {
    let before = harness.store.operations();
    let answer = device.ask(request.clone());
    (answer, harness.store.operations() - before)
}

/// Every request that names a user, about this one.
fn about(id: u64) -> Vec<Request> {
    vec![
        Request::Profile(ProfileOf { id: Some(id) }),
        search(id),
        Request::EditFriend(EditFriend { friendid: id, remark: Some("x".into()), label: None }),
        Request::AddFriend(AddFriend { friendid: id, greeting: String::new() }),
        Request::AcceptFriend(FriendRef { friendid: id }),
        Request::RefuseFriend(FriendRef { friendid: id }),
        Request::WithdrawFriend(FriendRef { friendid: id }),
        Request::DeleteFriend(FriendRef { friendid: id }),
        Request::Block(UserRef { userid: id }),
        Request::Unblock(UserRef { userid: id }),
        Request::OneChat(OneChat {
            to: id,
            msg: "x".into(),
            client_msg_id: "x".into(),
            ..OneChat::default()
        }),
    ]
}

fn search(id: u64) -> Request {
    Request::SearchUsers(SearchUsers { query: id.to_string(), ..SearchUsers::default() })
}

#[test]
fn a_block_and_an_id_that_nobody_has_take_the_same_look_ups() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    // Whatever is kept of the two is kept by now.
    about(bob.user().0).iter().take(2).for_each(|request| drop(alice.ask(request.clone()).expect("friends")));
    block(&bob, &alice);
    alice.pushes();
    let nobody = 9;
    assert!(bob.user().0 < nobody, "ids of as many digits");
    for (blocked, unknown) in about(bob.user().0).iter().zip(&about(nobody)) {
        let took = [blocked, unknown, blocked, unknown].map(|request| counted(&harness, &alice, request));
        assert!(took[0].1 > 0, "{blocked:?} is answered from memory");
        for other in &took[1..] {
            assert_eq!(other, &took[0], "{blocked:?}");
        }
    }
}

#[test]
fn who_wants_not_to_be_found_is_searched_as_one_who_is_not_there() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    bob.ask(Request::EditProfile(EditProfile { searchable: Some(false), ..EditProfile::default() })).unwrap();
    block(&carol, &alice);
    let nothing = Ok(Reply::SearchUsers(FoundUsers { found: Vec::new(), next: 0 }));
    for id in [bob.user().0, carol.user().0, 9, bob.user().0, carol.user().0, 9] {
        assert_eq!(counted(&harness, &alice, &search(id)), (nothing.clone(), 2), "{id}");
    }
    // Who blocked finds the other one still.
    let (answer, _) = counted(&harness, &carol, &search(alice.user().0));
    assert!(matches!(answer, Ok(Reply::SearchUsers(found)) if found.found.len() == 1));
    refused(alice.ask(Request::Profile(ProfileOf { id: Some(carol.user().0) })), Code::NOT_FOUND);
}
