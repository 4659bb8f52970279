//! Personal notices: pushed to every device of whom they concern, found later by each device once.

use domain::{NOTICE_KEPT_MS, NOTICES_KEPT_MAX};
use protocol::{
    AckNotices, AddFriend, FriendRef, Login, Nothing, Notice, NoticeKind, NoticesPage, Page, Push, Reply,
    Request, Secret, SignedIn,
};
use service::testing::{Device, Harness, PASSWORD};

use crate::body;

fn notices(device: &Device<'_>, after: u64, limit: u32) -> NoticesPage {
    body!(Reply::Notices, device.ask(Request::Notices(Page { after, limit })).unwrap())
}

fn ack(device: &Device<'_>, seq: u64) {
    let reply = device.ask(Request::AckNotices(AckNotices { seq })).unwrap();
    assert_eq!(reply, Reply::AckNotices(Nothing {}));
}

/// `by` refuses a request of `user`.
fn refuse(user: &Device<'_>, by: &Device<'_>) {
    let ask = AddFriend { friendid: by.user().0, greeting: String::new() };
    user.ask(Request::AddFriend(ask)).unwrap();
    by.ask(Request::RefuseFriend(FriendRef { friendid: user.user().0 })).unwrap();
}

fn pushed(device: &Device<'_>) -> Vec<Notice> {
    let pushes = device.pushes().into_iter();
    pushes.filter_map(|push| if let Push::Notice(notice) = push { Some(notice) } else { None }).collect()
}

fn place(bundle: &SignedIn) -> (u64, u64) {
    (bundle.notices_last, bundle.notices_acked)
}

/// Logs in from a device that has notices up to here.
fn login(harness: &Harness, name: &str, notices_after: Option<u64>) -> SignedIn {
    let (name, password) = (Some(name.into()), Secret::new(PASSWORD));
    let login = Login { name, password, notices_after, ..Login::default() };
    match harness.ask(harness.connect(), None, Request::Login(login)).unwrap() {
        service::Handled::SignedIn(_, Reply::Login(bundle)) => bundle,
        other => panic!("LOGIN came to {other:?}"),
    }
}

#[test]
fn a_decision_reaches_every_device_of_the_other_and_stays() {
    let harness = Harness::new();
    let (alice, desk, bob) = (harness.login("alice"), harness.login("alice"), harness.login("bob"));
    assert_eq!(notices(&alice, 0, 0), NoticesPage::default());
    refuse(&alice, &bob);
    let at_alice = pushed(&alice);
    assert_eq!(at_alice.len(), 1);
    let notice = &at_alice[0];
    assert_eq!((notice.seq, notice.kind), (1, NoticeKind::FriendRefused));
    assert_eq!(
        (notice.by, notice.name.as_str(), notice.time),
        (bob.user().0, "bob", harness.service.now_ms())
    );
    assert_eq!((notice.groupid, &notice.groupname, notice.role, notice.until), (None, &None, None, None));
    assert_eq!(pushed(&desk), at_alice, "every device");
    assert_eq!(pushed(&bob), [], "who decided knows");
    assert_eq!(notices(&alice, 0, 0), NoticesPage { notices: at_alice, next: 0, last: 1 });
    assert_eq!(notices(&bob, 0, 0), NoticesPage::default());
}

#[test]
fn accepting_and_deleting_are_told_by_event_and_notice() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let (a, b) = (FriendRef { friendid: alice.user().0 }, FriendRef { friendid: bob.user().0 });
    let ask = AddFriend { friendid: bob.user().0, greeting: String::new() };
    alice.ask(Request::AddFriend(ask)).unwrap();
    bob.ask(Request::AcceptFriend(a)).unwrap();
    let told = |device: &Device<'_>| {
        let mut pushes = device.pushes().into_iter().skip_while(|push| !matches!(push, Push::FriendEvent(_)));
        let event = body!(Push::FriendEvent, pushes.next().expect("an event"));
        let notice = body!(Push::Notice, pushes.next().expect("its notice"));
        assert_eq!(event.notice, notice.seq);
        (notice.seq, notice.kind)
    };
    assert_eq!(told(&alice), (1, NoticeKind::FriendAccepted));
    bob.pushes();
    alice.ask(Request::DeleteFriend(b)).unwrap();
    assert_eq!(told(&bob), (1, NoticeKind::FriendDeleted));
    assert_eq!(alice.pushes(), []);
}

#[test]
fn each_device_goes_on_where_it_was() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    (0..5).for_each(|_| refuse(&alice, &bob));
    let seqs = |page: NoticesPage| page.notices.iter().map(|notice| notice.seq).collect::<Vec<_>>();
    let page = notices(&alice, 1, 2);
    assert_eq!((page.next, page.last), (3, 5));
    assert_eq!(seqs(page), [2, 3]);
    let page = notices(&alice, 3, 2);
    assert_eq!((page.next, page.last), (0, 5));
    assert_eq!(seqs(page), [4, 5]);
    for beyond in [5, domain::NUMBER_MAX, u64::MAX] {
        assert_eq!(notices(&alice, beyond, 0), NoticesPage { last: 5, ..NoticesPage::default() });
    }

    assert_eq!(place(&alice.resume().unwrap().bundle), (5, 0), "nothing was acknowledged");
    ack(&alice, 3);
    ack(&alice, 2);
    assert_eq!(place(&alice.resume().unwrap().bundle), (5, 3));
    assert_eq!(place(&login(&harness, "alice", None)), (5, 3), "a device without a memory");
    assert_eq!(place(&login(&harness, "alice", Some(1))), (5, 1), "one that was away for longer");
    assert_eq!(place(&login(&harness, "alice", Some(4))), (5, 4));
    assert_eq!(place(&login(&harness, "alice", Some(u64::MAX))), (5, 5));
    ack(&alice, u64::MAX);
    assert_eq!(place(&alice.resume().unwrap().bundle), (5, 5), "never past the newest");
    refuse(&alice, &bob);
    assert_eq!(place(&alice.resume().unwrap().bundle), (6, 5));
}

#[test]
fn what_was_acknowledged_writes_nothing() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    refuse(&alice, &bob);
    ack(&alice, 1);
    for seq in [0, 1, 2, u64::MAX] {
        // The look, and then nothing that could fail.
        harness.store.spare_next(1);
        harness.store.fail_next(domain::StoreError::failed("write", "told to"), 1);
        ack(&alice, seq);
        assert_eq!(harness.store.forget_faults(), 1, "{seq}");
    }
}

#[test]
fn notices_are_kept_for_so_long_and_so_many() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    (0..NOTICES_KEPT_MAX + 1).for_each(|_| refuse(&alice, &bob));
    let first = |after| notices(&alice, after, 1).notices.first().map(|notice| notice.seq);
    assert_eq!(first(0), Some(2), "one made room");
    harness.clock.advance_ms(NOTICE_KEPT_MS);
    harness.service.tick();
    assert_eq!(first(0), Some(2), "not older than that");
    harness.clock.advance_ms(3_600_000);
    harness.service.tick();
    assert_eq!(notices(&alice, 0, 0), NoticesPage { last: NOTICES_KEPT_MAX + 1, ..NoticesPage::default() });
}
