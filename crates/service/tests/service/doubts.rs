//! Changes of which the store did not say whether it made them: everybody whom they may concern is told to look again, once.

use domain::StoreError;
use protocol::{
    AddFriend, Code, FriendRef, GroupRef, JoinGroup, MemberRef, MuteMember, NoticeKind, Page, Push, Rank,
    Reply, Request, SetRole, UserRef,
};
use service::Batch;
use service::testing::{Device, Harness};

use crate::refused;

/// Operations that a request may need before the one whose answer is lost.
const OPERATIONS_MAX: usize = 12;

/// Longer than a commit without a connection takes, and two looks at the clock.
const SETTLED_MS: u64 = 2_000;

/// How often the device was told to look again; what else it was told is dropped.
fn resyncs(device: &Device<'_>) -> usize {
    device.pushes().iter().filter(|push| matches!(push, Push::Resync(_))).count()
}

/// Friends and requests of a user, as the store has them.
fn lists(device: &Device<'_>) -> (Reply, Reply) {
    let all = Page { after: 0, limit: 0 };
    let friends = device.ask(Request::Friends(all.clone())).unwrap();
    (friends, device.ask(Request::FriendRequests(all)).unwrap())
}

fn settle(harness: &Harness) {
    harness.clock.advance_ms(SETTLED_MS);
    harness.service.tick();
    harness.service.tick();
}

/// Runs a request of alice's about bob with the answer of each of its operations lost in turn; after what was done in spite of it
/// both find out, on all devices, and nothing of before is believed.
fn every_device_finds_out(
    before: impl Fn(&Harness, &Device<'_>, &Device<'_>),
    request: impl Fn(u64) -> Request,
) {
    let mut done = 0;
    for spared in 0..OPERATIONS_MAX {
        let harness = Harness::new();
        let (alice, bob) = (harness.login("alice"), harness.login("bob"));
        let (phone, carol) = (harness.try_login("alice").unwrap(), harness.login("carol"));
        before(&harness, &alice, &bob);
        let (hers, his) = (lists(&alice), lists(&bob));
        harness.service.tick();
        for device in [&alice, &phone, &bob, &carol] {
            assert_eq!(resyncs(device), 0);
        }
        harness.store.spare_next(spared);
        harness.store.lose_next_answers(1);
        let answer = alice.ask(request(bob.user().0));
        harness.store.forget_faults();
        if answer.is_ok() {
            // What is read after the change may be lost: it is answered, and told.
            break;
        }
        let was_done = (lists(&alice), lists(&bob)) != (hers, his);
        if !was_done {
            continue;
        }
        done += 1;
        refused(answer, Code::BUSY);
        harness.service.tick();
        assert_eq!(resyncs(&bob), 0, "it may not be settled");
        settle(&harness);
        for device in [&alice, &phone, &bob] {
            assert_eq!(resyncs(device), 1, "after {spared} operations");
        }
        assert_eq!(resyncs(&carol), 0, "it is none of hers");
        settle(&harness);
        assert_eq!(resyncs(&bob), 0, "told once");
        let snapshot = harness.service.doubt_snapshot();
        assert_eq!((snapshot.told, snapshot.waiting, snapshot.forgotten), (2, 0, 0));
    }
    assert_eq!(done, 1, "one operation makes the change");
}

fn ask(from: &Device<'_>, to: &Device<'_>) {
    from.ask(Request::AddFriend(AddFriend { friendid: to.user().0, greeting: String::new() })).unwrap();
}

#[test]
fn a_request_for_friendship() {
    every_device_finds_out(
        |_, _, _| {},
        |friendid| Request::AddFriend(AddFriend { friendid, greeting: String::new() }),
    );
}

#[test]
fn an_answer_to_one() {
    for answer in [Request::AcceptFriend, Request::RefuseFriend] {
        every_device_finds_out(|_, alice, bob| ask(bob, alice), |friendid| answer(FriendRef { friendid }));
    }
}

#[test]
fn a_request_that_is_withdrawn() {
    every_device_finds_out(
        |_, alice, bob| ask(alice, bob),
        |friendid| Request::WithdrawFriend(FriendRef { friendid }),
    );
}

#[test]
fn the_end_of_a_friendship() {
    every_device_finds_out(
        |harness, alice, bob| {
            harness.befriend(alice, bob);
        },
        |friendid| Request::DeleteFriend(FriendRef { friendid }),
    );
    every_device_finds_out(
        |harness, alice, bob| {
            harness.befriend(alice, bob);
        },
        |userid| Request::Block(UserRef { userid }),
    );
}

/// Who became friends in spite of it may do what friends may, at once.
#[test]
fn what_was_between_them_before_is_forgotten() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let group = harness.group(&[&alice]);
    let invite = || Request::Invite(MemberRef { groupid: group, id: bob.user().0 });
    refused(alice.ask(invite()), Code::NOT_FRIENDS);
    ask(&bob, &alice);
    let before = lists(&alice);
    // Whether she may know of him is asked first.
    harness.store.spare_next(1);
    harness.store.lose_next_answers(1);
    refused(alice.ask(Request::AcceptFriend(FriendRef { friendid: bob.user().0 })), Code::BUSY);
    assert_ne!(lists(&alice), before, "it was done");
    alice.ask(invite()).unwrap();
    alice.say(&bob, "1", "friends").unwrap();
}

/// A change of a group that is made, and tried again since its answer was lost: it is made once, its message and its notice are
/// there once, and whom it concerns looks.
#[test]
fn a_removal_a_role_and_a_muting_that_are_tried_again() {
    type Make = fn(u64, u64) -> Request;
    let cases: [(Make, NoticeKind); 3] = [
        (|groupid, id| Request::RemoveMember(MemberRef { groupid, id }), NoticeKind::Removed),
        (|groupid, id| Request::SetRole(SetRole { groupid, id, role: Rank::Admin }), NoticeKind::Role),
        (
            |groupid, id| Request::MuteMember(MuteMember { groupid, id, until: u64::MAX >> 11 }),
            NoticeKind::Muted,
        ),
    ];
    for (request, kind) in cases {
        let harness = Harness::new();
        let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
        let phone = harness.try_login("bob").unwrap();
        let group = harness.group(&[&alice, &bob, &carol]);
        for device in [&alice, &bob, &carol, &phone] {
            device.pushes();
        }
        let mut batch = Batch::default();
        batch.push(alice.prepare(request(group, bob.user().0)).unwrap());
        harness.store.lose_next_answers(1);
        let error = harness.service.append(&mut batch).unwrap_err();
        assert!(matches!(error, StoreError::OutcomeUnknown { .. }), "{error}");
        // As its appender does.
        harness.service.append(&mut batch).unwrap();
        assert!(batch.is_empty());
        harness.hub.take_answers(alice.conn).pop().expect("answered").1.unwrap();
        for device in [&alice, &carol] {
            assert_eq!(crate::messages(device.pushes()).len(), 0, "system messages are no text");
        }
        settle(&harness);
        for device in [&alice, &bob, &phone] {
            assert_eq!(resyncs(device), 1, "{kind:?}");
        }
        assert_eq!(resyncs(&carol), 0, "she has the message that tells of it");
        let page = Request::Notices(Page { after: 0, limit: 0 });
        let Ok(Reply::Notices(page)) = phone.ask(page) else { panic!("a page") };
        assert_eq!(page.notices.iter().map(|notice| notice.kind).collect::<Vec<_>>(), [kind]);
    }
}

/// Owner and admins, too, who see what waits before the group.
#[test]
fn an_application_whose_answer_is_lost() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &carol]);
    let joining = Some(protocol::Joining::Approval);
    alice
        .ask(Request::EditGroup(protocol::EditGroup {
            groupid: group,
            joining,
            ..protocol::EditGroup::default()
        }))
        .unwrap();
    for device in [&alice, &bob, &carol] {
        device.pushes();
    }
    let mut batch = Batch::default();
    batch.push(bob.prepare(Request::JoinGroup(JoinGroup::of(group))).unwrap());
    harness.store.lose_next_answers(1);
    harness.service.append(&mut batch).unwrap_err();
    harness.service.refuse(&mut batch);
    let answer = harness.hub.take_answers(bob.conn).pop().expect("answered").1;
    refused(answer, Code::BUSY);
    // The store is away for longer than it takes.
    harness.store.fail_next(StoreError::unavailable("test", "down"), 20);
    settle(&harness);
    assert_eq!(resyncs(&alice), 0, "the store does not answer");
    assert!(harness.store.forget_faults() > 0);
    settle(&harness);
    assert_eq!((resyncs(&alice), resyncs(&bob), resyncs(&carol)), (1, 1, 0));
    bob.ask(Request::WithdrawApplication(GroupRef { groupid: group })).expect("it was made");
}
