//! Personal notices.

use super::cast::{MANY_FRIENDS, NOW, PASSWORD_HASH, befriend, change, session, unique_token, user, users};
use super::group_changes::{led, make};
use crate::{
    Accepted, GroupDeed, NOTICES_KEPT_MAX, NamedNotice, NewPersonalNotice, NewSession, NoticePlace,
    NoticeSeq, PersonalNotice, PersonalNoticeKind, Rank, Requested, SessionId, Store, Timestamp, UserId,
};

fn all(store: &dyn Store, user: UserId) -> Vec<PersonalNotice> {
    named(store, user).into_iter().map(|named| named.notice).collect()
}

fn named(store: &dyn Store, user: UserId) -> Vec<NamedNotice> {
    store.notices(user, NoticeSeq(0), 1_000).unwrap()
}

fn seqs(store: &dyn Store, user: UserId) -> Vec<u64> {
    all(store, user).iter().map(|notice| notice.seq.0).collect()
}

fn at(n: u64) -> Timestamp {
    Timestamp(NOW.0 + n)
}

/// A notice about friendship.
fn notice(user: UserId, kind: PersonalNoticeKind, by: UserId, when: u64) -> NewPersonalNotice {
    NewPersonalNotice { user, kind, by, group: None, detail: 0, at: at(when) }
}

/// Tells `user` something `times` times: they ask, and are refused.
fn refuse(store: &dyn Store, user: UserId, by: UserId, times: u64) {
    for n in 0..times {
        store.request_friend(user, by, "", NOW, MANY_FRIENDS).unwrap();
        store.refuse_friend(by, user, at(n)).unwrap().expect("it waited");
    }
}

fn begin(store: &dyn Store, user: UserId, notices: Option<u64>) -> SessionId {
    let notices = notices.map(NoticeSeq);
    let new = NewSession {
        user,
        password_hash: PASSWORD_HASH,
        token: unique_token(),
        device: "test",
        at: NOW,
        notices,
        broadcasts: None,
    };
    store.create_session(&new, 1_000).unwrap().expect("the password holds").0
}

fn place(store: &dyn Store, user: UserId, session: SessionId) -> (u64, u64) {
    let NoticePlace { last, acked } = store.notice_place(user, session).unwrap();
    (last.0, acked.0)
}

pub(super) fn decisions_are_told_to_who_asked(store: &dyn Store) {
    let [ann, bob] = users(store);
    let ask = |from, to| store.request_friend(from, to, "", NOW, MANY_FRIENDS).unwrap();
    ask(ann, bob);
    let refused = store.refuse_friend(bob, ann, at(1)).unwrap();
    let first = notice(ann, PersonalNoticeKind::FriendRefused, bob, 1).stored(NoticeSeq(1));
    assert_eq!(refused, Some(first));
    ask(ann, bob);
    let Accepted::Friends(accepted) = store.accept_friend(bob, ann, at(2), MANY_FRIENDS).unwrap() else {
        panic!("it waited");
    };
    let second = notice(ann, PersonalNoticeKind::FriendAccepted, bob, 2).stored(NoticeSeq(2));
    assert_eq!(accepted.notice, second);
    let deleted = store.delete_friend(bob, ann, at(3)).unwrap();
    let third = notice(ann, PersonalNoticeKind::FriendDeleted, bob, 3).stored(NoticeSeq(3));
    assert_eq!(deleted, Some(third));
    ask(ann, bob);
    let Requested::Friends(both) = store.request_friend(bob, ann, "", at(4), MANY_FRIENDS).unwrap() else {
        panic!("both asked");
    };
    let fourth = notice(ann, PersonalNoticeKind::FriendAccepted, bob, 4).stored(NoticeSeq(4));
    assert_eq!(both.notice, fourth, "who asks back accepts");
    assert_eq!(all(store, ann), [first, second, third, fourth]);
    assert_eq!(all(store, bob), [], "who decided knows");
    let name = store.users(&[bob]).unwrap().remove(0).name;
    assert!(named(store, ann).iter().all(|named| named.by_name == name && named.group_name.is_empty()));
}

pub(super) fn what_is_not_done_is_not_told(store: &dyn Store) {
    let [ann, bob] = users(store);
    assert_eq!(store.refuse_friend(bob, ann, NOW).unwrap(), None);
    assert_eq!(store.delete_friend(bob, ann, NOW).unwrap(), None);
    assert_eq!(store.accept_friend(bob, ann, NOW, MANY_FRIENDS).unwrap(), Accepted::NoRequest);
    store.request_friend(ann, bob, "", NOW, MANY_FRIENDS).unwrap();
    assert_eq!(store.refuse_friend(ann, bob, NOW).unwrap(), None, "one's own cannot be refused");
    assert!(store.withdraw_friend(ann, bob).unwrap());
    assert_eq!((all(store, ann), all(store, bob)), (vec![], vec![]));
}

pub(super) fn who_is_put_elsewhere_in_a_group_is_told(store: &dyn Store) {
    let (group, [owner, admin, other_admin, member, other]) = led(store);
    let name = |user| store.users(&[user]).unwrap().remove(0).name;
    let told = |user, actor, deed: GroupDeed, kind, detail| {
        let before = seqs(store, user).len();
        let change = change(group, actor, deed);
        let first = store.change_group(&change).unwrap().expect("allowed").notice.expect("told");
        let notice = NewPersonalNotice { user, kind, by: actor, group: Some(group), detail, at: NOW };
        assert_eq!(first, notice.stored(NoticeSeq(before as u64 + 1)));
        let last = named(store, user).pop().expect("stored");
        assert_eq!((last.notice, last.group_name.as_str()), (first, "group"));
        assert_eq!(last.by_name, name(actor));
        let again = store.change_group(&change).unwrap().expect("made before");
        assert_eq!((again.notice, seqs(store, user).len()), (None, before + 1), "once");
        // What is so already is no news.
        if !matches!(change.deed, GroupDeed::Remove(_) | GroupDeed::HandOver(_)) {
            let same = make(store, group, actor, change.deed);
            assert_eq!((same.notice, seqs(store, user).len()), (None, before + 1));
        }
        assert_eq!(
            all(store, actor).iter().filter(|notice| notice.by == actor).count(),
            0,
            "who did it knows"
        );
    };
    // Appointed once already.
    told(admin, owner, GroupDeed::SetRole(admin, Rank::Member), PersonalNoticeKind::Role, 3);
    told(admin, owner, GroupDeed::SetRole(admin, Rank::Admin), PersonalNoticeKind::Role, 2);
    told(member, admin, GroupDeed::Mute(member, Timestamp(77)), PersonalNoticeKind::Muted, 77);
    told(member, other_admin, GroupDeed::Mute(member, Timestamp(0)), PersonalNoticeKind::Muted, 0);
    told(other, admin, GroupDeed::Remove(other), PersonalNoticeKind::Removed, 0);
    told(member, owner, GroupDeed::HandOver(member), PersonalNoticeKind::Role, 1);
    let counts = [owner, admin, other_admin, member, other].map(|user| seqs(store, user).len());
    assert_eq!(counts, [0, 3, 1, 3, 1], "nobody else is told");
}

pub(super) fn what_is_refused_in_a_group_is_not_told(store: &dyn Store) {
    let (group, [_, admin, other_admin, member, other]) = led(store);
    let users = [admin, other_admin, member, other];
    let before = users.map(|user| seqs(store, user));
    for (actor, deed) in [
        (member, GroupDeed::Remove(other)),
        (admin, GroupDeed::Remove(other_admin)),
        (admin, GroupDeed::SetRole(member, Rank::Admin)),
        (admin, GroupDeed::HandOver(member)),
        (member, GroupDeed::Mute(other, Timestamp(77))),
        (user(store), GroupDeed::Remove(member)),
    ] {
        assert!(store.change_group(&change(group, actor, deed)).unwrap().is_err());
    }
    assert_eq!(users.map(|user| seqs(store, user)), before);
}

pub(super) fn each_user_has_seqs_of_their_own(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    refuse(store, ann, cho, 3);
    refuse(store, bob, cho, 2);
    refuse(store, ann, bob, 1);
    assert_eq!(seqs(store, ann), [1, 2, 3, 4]);
    assert_eq!(seqs(store, bob), [1, 2]);
}

pub(super) fn notices_are_paged_by_seq(store: &dyn Store) {
    let [ann, bob] = users(store);
    refuse(store, ann, bob, 5);
    let page = |after, limit| {
        let page = store.notices(ann, NoticeSeq(after), limit).unwrap();
        page.iter().map(|named| named.notice.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 2), [1, 2]);
    assert_eq!(page(2, 2), [3, 4]);
    assert_eq!(page(4, 2), [5]);
    assert_eq!(page(5, 2), [0; 0]);
    assert_eq!(page(crate::NUMBER_MAX, 2), [0; 0]);
}

pub(super) fn old_notices_make_room(store: &dyn Store) {
    let [ann, bob] = users(store);
    refuse(store, ann, bob, NOTICES_KEPT_MAX);
    assert!(seqs(store, ann).into_iter().eq(1..=NOTICES_KEPT_MAX), "as many as may be");
    refuse(store, ann, bob, 2);
    assert!(seqs(store, ann).into_iter().eq(3..=NOTICES_KEPT_MAX + 2), "the oldest two went");
    let session = begin(store, ann, None);
    assert_eq!(place(store, ann, session), (NOTICES_KEPT_MAX + 2, 0));
}

pub(super) fn notices_expire_up_to_a_limit(store: &dyn Store) {
    let [ann, bob] = users(store);
    // Before anything that other cases store.
    let old = |n: u64| Timestamp(1_000 + n);
    for n in 0..4 {
        store.request_friend(ann, bob, "", NOW, MANY_FRIENDS).unwrap();
        store.refuse_friend(bob, ann, old(n)).unwrap().expect("it waited");
    }
    assert_eq!(store.expire_notices(old(0), 10).unwrap(), 0);
    assert_eq!(store.expire_notices(old(3), 2).unwrap(), 2);
    assert_eq!(store.expire_notices(old(3), 2).unwrap(), 1);
    assert_eq!(seqs(store, ann), [4]);
    assert_eq!(store.expire_notices(old(4), 10).unwrap(), 1);
    refuse(store, ann, bob, 1);
    assert_eq!(seqs(store, ann), [5], "a seq is never given twice");
}

pub(super) fn a_session_begins_where_any_device_got_to(store: &dyn Store) {
    let [ann, bob] = users(store);
    let early = begin(store, ann, None);
    assert_eq!(place(store, ann, early), (0, 0));
    assert_eq!(place(store, ann, begin(store, ann, Some(7))), (0, 0), "there is nothing yet");
    refuse(store, ann, bob, 5);
    assert_eq!(place(store, ann, early), (5, 0));
    store.ack_notices(ann, early, NoticeSeq(3)).unwrap();
    assert_eq!(place(store, ann, begin(store, ann, None)), (5, 3), "without a memory");
    assert_eq!(place(store, ann, begin(store, ann, Some(1))), (5, 1), "a device that has less");
    assert_eq!(place(store, ann, begin(store, ann, Some(4))), (5, 4), "one that has more");
    assert_eq!(place(store, ann, begin(store, ann, Some(0))), (5, 0), "one that has nothing");
    assert_eq!(place(store, ann, begin(store, ann, Some(99))), (5, 5), "none has what is not there");
    assert_eq!(place(store, bob, begin(store, bob, None)), (0, 0));
}

pub(super) fn acknowledging_moves_forward_only(store: &dyn Store) {
    let [ann, bob] = users(store);
    let one = begin(store, ann, None);
    refuse(store, ann, bob, 5);
    let other = begin(store, ann, None);
    let ack = |session, seq| store.ack_notices(ann, session, NoticeSeq(seq)).unwrap();
    ack(one, 3);
    ack(one, 2);
    assert_eq!(place(store, ann, one), (5, 3));
    assert_eq!(place(store, ann, other), (5, 0), "each session has its own");
    ack(other, 1);
    assert_eq!(place(store, ann, begin(store, ann, None)), (5, 3), "the highest counts");
    ack(one, crate::NUMBER_MAX);
    assert_eq!(place(store, ann, one), (5, 5), "never past the newest");
    refuse(store, ann, bob, 1);
    assert_eq!(place(store, ann, one), (6, 5));
    assert_eq!(place(store, ann, begin(store, ann, None)), (6, 5));
}

pub(super) fn acknowledging_concerns_ones_own_sessions(store: &dyn Store) {
    let [ann, bob] = users(store);
    let (anns, bobs) = (session(store, ann, NOW), session(store, bob, NOW));
    refuse(store, ann, bob, 2);
    refuse(store, bob, ann, 2);
    store.ack_notices(bob, anns, NoticeSeq(2)).unwrap();
    store.ack_notices(ann, bobs, NoticeSeq(2)).unwrap();
    store.ack_notices(ann, SessionId(bobs.0 + 1_000_000_000), NoticeSeq(2)).unwrap();
    assert_eq!((place(store, ann, anns), place(store, bob, bobs)), ((2, 0), (2, 0)));
    assert_eq!(place(store, ann, bobs), (2, 0), "another's session is nobody's");
    assert_eq!(place(store, ann, begin(store, ann, None)), (2, 0));
}

pub(super) fn nobody_has_no_notices(store: &dyn Store) {
    let ann = user(store);
    befriend(store, user(store), user(store));
    let nobody = UserId(ann.0 + 1_000_000_000);
    for user in [ann, nobody, UserId(0)] {
        assert_eq!(all(store, user), []);
        assert_eq!(place(store, user, SessionId(1_000_000_000)), (0, 0));
        store.ack_notices(user, SessionId(1_000_000_000), NoticeSeq(1)).unwrap();
    }
}
