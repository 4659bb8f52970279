//! What a block hides, and from whom.

use protocol::{
    AddFriend, Applications, Code, DecideApplication, EditFriend, EditGroup, EditProfile, FoundUsers,
    FriendRef, GroupRef, GroupRequestKind, JoinGroup, Joining, OneChat, ProfileOf, Push, Rank, Refusal,
    Reply, Request, SearchUsers, SetRole, UserRef, Verdict,
};
use service::testing::{Device, Harness};

use crate::{body, refused};

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

/// What a device was told of applications, with their greetings.
fn told(device: &Device<'_>) -> Vec<(GroupRequestKind, String)> {
    let event = |push| match push {
        Push::GroupRequestEvent(event) => Some((event.event, event.greeting)),
        _ => None,
    };
    device.pushes().into_iter().filter_map(event).collect()
}

fn greetings(device: &Device<'_>, groupid: u64) -> Vec<(u64, String)> {
    let asked = Applications { groupid, ..Applications::default() };
    let page = body!(Reply::Applications, device.ask(Request::Applications(asked)).unwrap());
    page.applications.into_iter().map(|applied| (applied.id, applied.greeting)).collect()
}

/// A group that decides who comes in, with an owner and an admin.
fn closed_group(harness: &Harness, owner: &Device<'_>, admin: &Device<'_>) -> u64 {
    let groupid = harness.group(&[owner, admin]);
    let id = admin.user().0;
    owner.ask(Request::SetRole(SetRole { groupid, id, role: Rank::Admin })).unwrap();
    let joining = Some(Joining::Approval);
    owner.ask(Request::EditGroup(EditGroup { groupid, joining, ..EditGroup::default() })).unwrap();
    owner.pushes();
    admin.pushes();
    groupid
}

fn apply(device: &Device<'_>, groupid: u64, greeting: &str) {
    device.ask(Request::JoinGroup(JoinGroup { groupid, greeting: greeting.into() })).expect("applied");
}

fn withdraw(device: &Device<'_>, groupid: u64) {
    device.ask(Request::WithdrawApplication(GroupRef { groupid })).expect("withdrawn");
}

#[test]
fn who_is_blocked_says_nothing_to_who_decides() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let (mallory, tablet) = (harness.login("mallory"), harness.login("mallory"));
    let group = closed_group(&harness, &alice, &bob);
    block(&alice, &mallory);
    tablet.pushes();
    apply(&mallory, group, "you cannot shut me up");
    assert_eq!(told(&alice), []);
    let applied = [(GroupRequestKind::Applied, "you cannot shut me up".to_owned())];
    assert_eq!((told(&bob), told(&tablet)), (applied.to_vec(), applied.to_vec()));
    // It waits for her as well, without a word.
    let id = mallory.user().0;
    for groupid in [0, group] {
        assert_eq!(greetings(&alice, groupid), [(id, String::new())]);
        assert_eq!(greetings(&bob, groupid), [(id, "you cannot shut me up".to_owned())]);
    }
    assert_eq!(greetings(&mallory, 0), [(id, "you cannot shut me up".to_owned())]);
    withdraw(&mallory, group);
    assert_eq!((told(&alice).len(), told(&bob).len(), told(&tablet).len()), (0, 1, 1));
    // What another one decides is news to her.
    harness.clock.advance_ms(600_000);
    apply(&mallory, group, "please");
    bob.pushes();
    bob.ask(Request::DecideApplication(DecideApplication { groupid: group, id, decision: Verdict::Refuse }))
        .unwrap();
    assert_eq!(told(&alice), [(GroupRequestKind::ApplicationRefused, String::new())]);
}

#[test]
fn who_decides_is_not_told_again_and_again() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let (mallory, tablet) = (harness.login("mallory"), harness.login("mallory"));
    let group = closed_group(&harness, &alice, &bob);
    for round in 0..3 {
        // However often in ten minutes.
        for time in 0..5 {
            apply(&mallory, group, "let me in");
            assert_eq!(greetings(&alice, group).len(), 1, "it is listed at once");
            withdraw(&mallory, group);
            for device in [&alice, &bob] {
                let kinds: Vec<_> = told(device).into_iter().map(|(kind, _)| kind).collect();
                match time {
                    0 => {
                        assert_eq!(kinds, [GroupRequestKind::Applied, GroupRequestKind::ApplicationWithdrawn])
                    }
                    _ => assert_eq!(kinds, [], "round {round}, time {time}"),
                }
            }
            assert_eq!(told(&tablet).len(), 2, "the own devices hear of all");
        }
        harness.clock.advance_ms(600_000);
    }
    // Whoever decided is told of what comes after that.
    apply(&mallory, group, "one");
    let id = mallory.user().0;
    alice
        .ask(Request::DecideApplication(DecideApplication { groupid: group, id, decision: Verdict::Refuse }))
        .unwrap();
    told(&alice);
    apply(&mallory, group, "two");
    assert_eq!(told(&alice), [(GroupRequestKind::Applied, "two".to_owned())]);
}
