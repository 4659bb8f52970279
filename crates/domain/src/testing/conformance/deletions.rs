//! Accounts that are deleted.

use std::sync::Barrier;
use std::thread;

use super::cast::{
    Joined, MANY_FRIENDS, MANY_MEMBERS, NOW, PASSWORD_HASH, befriend, change, group, join, join_group,
    leave_group, register, session, two_friends, unique, unique_token, user, users,
};
use super::group_requests::{apply, closed, friend_of, invite, joining};
use super::secrets::{recover, user_with_codes};
use crate::policy::{Relation, Why};
use crate::{
    Account, AccountDeletion, ApplicationsOf, ChangeRefused, Departure, GroupDeed, GroupId, Joining,
    NewGroup, NewSession, NoticeSeq, OwnedGroups, PersonalNoticeKind, ProfileEdit, Rank, Requested,
    SessionId, Store, UserId, Waiting,
};

fn delete(store: &dyn Store, user: UserId) -> Vec<SessionId> {
    let deletion =
        AccountDeletion { user, password_hash: PASSWORD_HASH, owned: OwnedGroups::HandOver, at: NOW };
    store.delete_account(&deletion).unwrap().expect("the password is right")
}

/// Whether the account waits to be worked off; other cases may have some too.
fn departs(store: &dyn Store, user: UserId) -> Option<Departure> {
    store.departures(u32::MAX).unwrap().into_iter().find(|departure| departure.user == user)
}

pub(super) fn a_deleted_account_is_not_there(store: &dyn Store) {
    let (ann, [code]) = user_with_codes(store);
    let bob = user(store);
    let sessions = [(); 2].map(|()| session(store, ann, NOW));
    let edit =
        ProfileEdit { phone: Some("123"), nickname: Some(("Annie", "annie")), ..ProfileEdit::default() };
    store.edit_profile(ann, &edit).unwrap().expect("there");
    let mut ended = delete(store, ann);
    ended.sort_unstable();
    assert_eq!(ended, sessions);
    assert!(store.credentials(Account::Id(ann)).unwrap().is_none());
    assert_eq!(store.sessions(ann).unwrap(), []);
    assert_eq!(store.living_sessions(&sessions).unwrap(), []);
    assert_eq!(recover(store, ann, code, NOW), None);
    assert_eq!(store.profile(ann).unwrap(), None);
    assert_eq!(store.edit_profile(ann, &edit).unwrap(), None);
    assert_eq!(store.relation(bob, ann).unwrap(), Relation::Nobody);
    assert_eq!(store.request_friend(bob, ann, "", NOW, MANY_FRIENDS).unwrap(), Requested::NoSuchUser);
    assert_eq!(store.request_friend(ann, bob, "", NOW, MANY_FRIENDS).unwrap(), Requested::NoSuchUser);
    let login = NewSession {
        user: ann,
        password_hash: PASSWORD_HASH,
        token: unique_token(),
        device: "",
        at: NOW,
        notices: None,
        broadcasts: None,
    };
    assert_eq!(store.create_session(&login, 10).unwrap(), None);
    let new = NewGroup { owner: ann, name: "late", description: "", at: NOW };
    assert!(store.create_group(&new, MANY_MEMBERS).is_err());
    let bobs = group(store, bob);
    assert_eq!(join_group(store, bobs, ann, MANY_MEMBERS), Joined::NoSuchGroup);
    // Whoever reads what they said is told so much.
    let [shown] = &*store.users(&[ann]).unwrap() else { panic!("the row stays") };
    assert!(shown.is_deleted() && shown.nickname.is_empty());
}

pub(super) fn a_deleted_accounts_name_is_free(store: &dyn Store) {
    let name = unique("u");
    let first = register(store, &name, &name).expect("free");
    delete(store, first);
    let second = register(store, &name, &name).expect("free again");
    assert_ne!(first, second);
    let found = store.credentials(Account::NameKey(&name)).unwrap().expect("the second");
    assert_eq!(found.user.id, second);
    delete(store, second);
    register(store, &name, &name).expect("and again");
}

pub(super) fn only_the_one_who_knows_the_password_deletes(store: &dyn Store) {
    let ann = user(store);
    let there = session(store, ann, NOW);
    let wrong =
        AccountDeletion { user: ann, password_hash: "$fake$0$pW", owned: OwnedGroups::Dissolve, at: NOW };
    assert_eq!(store.delete_account(&wrong).unwrap(), None);
    assert_eq!(departs(store, ann), None);
    assert_eq!(store.living_sessions(&[there]).unwrap(), [there]);
    let right = AccountDeletion { password_hash: PASSWORD_HASH, ..wrong };
    assert_eq!(store.delete_account(&right).unwrap(), Some(vec![there]));
    assert_eq!(store.delete_account(&right).unwrap(), None, "once");
    assert_eq!(departs(store, ann), Some(Departure { user: ann, owned: OwnedGroups::Dissolve }));
}

pub(super) fn a_deleted_accounts_requests_are_gone(store: &dyn Store) {
    let [ann, bob, carol] = users(store);
    store.request_friend(ann, bob, "", NOW, MANY_FRIENDS).unwrap();
    store.request_friend(carol, ann, "", NOW, MANY_FRIENDS).unwrap();
    delete(store, ann);
    for user in [bob, carol] {
        assert_eq!(store.friend_requests(user, UserId(0), 10).unwrap(), []);
    }
}

pub(super) fn nothing_waits_before_groups_for_a_deleted_account(store: &dyn Store) {
    let (applied_to, chair) = closed(store, Joining::Approval);
    let ann = friend_of(store, chair);
    let bob = friend_of(store, ann);
    let (asked_into, host) = closed(store, Joining::Invitation);
    befriend(store, ann, host);
    let hers = group(store, ann);
    apply(store, applied_to, ann);
    invite(store, asked_into, host, ann);
    invite(store, hers, ann, bob);
    delete(store, ann);
    let nothing = Waiting::default();
    assert_eq!(store.waiting(applied_to, ann).unwrap(), nothing);
    assert_eq!(store.waiting(asked_into, ann).unwrap(), nothing);
    assert_eq!(store.waiting(hers, bob).unwrap(), nothing, "who asked is gone");
    assert_eq!(
        store.applications(ApplicationsOf::Group(applied_to), (GroupId(0), UserId(0)), 10).unwrap(),
        []
    );
    assert_eq!(store.invitations(bob, GroupId(0), 10).unwrap(), []);
    let not_found = Err(ChangeRefused::Not(Why::NotFound));
    // Of friends that are not parted yet, nobody asks a deleted one in.
    for (group, actor, deed, refused) in [
        (
            applied_to,
            chair,
            GroupDeed::AcceptApplication { user: ann, limits: MANY_MEMBERS },
            not_found.clone(),
        ),
        (asked_into, host, GroupDeed::Invite { user: ann, limits: MANY_MEMBERS }, not_found.clone()),
        (asked_into, ann, GroupDeed::AcceptInvitation { limits: MANY_MEMBERS }, not_found),
        (applied_to, ann, joining("", MANY_MEMBERS), Err(ChangeRefused::NoSuchGroup)),
        (
            hers,
            ann,
            GroupDeed::Invite { user: bob, limits: MANY_MEMBERS },
            Err(ChangeRefused::Not(Why::NotMember)),
        ),
    ] {
        let answered = store.change_group(&change(group, actor, deed.clone())).unwrap();
        assert_eq!(answered.map(|changed| changed.effects), refused, "{deed:?}");
    }
}

pub(super) fn friends_of_a_deleted_account_are_told_once(store: &dyn Store) {
    let (ann, bob, _) = two_friends(store);
    let carol = user(store);
    befriend(store, ann, carol);
    let versions = [bob, carol].map(|user| store.friends_version(user).unwrap());
    delete(store, ann);
    assert!(!store.finish_departure(ann).unwrap(), "there are friends");
    let mut told = store.part_from_friends(ann, NOW, 1).unwrap();
    assert_eq!(told.len(), 1, "so many at once");
    assert_eq!(told[0].user, bob);
    told.extend(store.part_from_friends(ann, NOW, 10).unwrap());
    assert_eq!(store.part_from_friends(ann, NOW, 10).unwrap(), []);
    for ((friend, notice), before) in [bob, carol].into_iter().zip(&told).zip(versions) {
        assert_eq!((notice.user, notice.by), (friend, ann));
        assert_eq!(notice.kind, PersonalNoticeKind::FriendAccountDeleted);
        let stored = store.notices(friend, NoticeSeq(0), 100).unwrap();
        let last = stored.last().expect("stored");
        assert_eq!((last.notice, last.by_name.as_str()), (*notice, ""));
        assert_eq!(store.friend_ids(friend).unwrap(), []);
        assert_eq!(store.friends_version(friend).unwrap(), before + 1);
    }
    assert!(store.finish_departure(ann).unwrap());
    assert!(store.finish_departure(ann).unwrap(), "and stays so");
    assert_eq!(departs(store, ann), None);
}

pub(super) fn a_departure_ends_when_all_groups_are_left(store: &dyn Store) {
    let [ann, bob] = users(store);
    let theirs = group(store, bob);
    join(store, theirs, ann);
    delete(store, ann);
    assert_eq!(store.successor(theirs).unwrap(), None, "nobody whose account is there");
    assert!(!store.finish_departure(ann).unwrap(), "still a member");
    leave_group(store, theirs, ann);
    assert!(store.finish_departure(ann).unwrap());
}

pub(super) fn the_longest_standing_admin_succeeds_or_else_member(store: &dyn Store) {
    let [young, old, ann, newest] = users(store);
    let hers = group(store, ann);
    assert_eq!(store.successor(hers).unwrap(), None, "alone");
    // Neither the id nor the order of appointments counts.
    for user in [old, young, newest] {
        join(store, hers, user);
    }
    assert_eq!(store.successor(hers).unwrap(), Some(old));
    for user in [newest, young] {
        store.change_group(&change(hers, ann, GroupDeed::SetRole(user, Rank::Admin))).unwrap().expect("made");
    }
    assert_eq!(store.successor(hers).unwrap(), Some(young));
    delete(store, young);
    assert_eq!(store.successor(hers).unwrap(), Some(newest), "one who is gone succeeds nobody");
    delete(store, newest);
    assert_eq!(store.successor(hers).unwrap(), Some(old));
}

pub(super) fn who_is_deleted_while_others_ask_is_left_by_all(store: &dyn Store) {
    for _ in 0..20 {
        let [ann, bob, carol] = users(store);
        store.request_friend(carol, ann, "", NOW, MANY_FRIENDS).unwrap();
        let bobs = group(store, bob);
        let start = Barrier::new(5);
        let race = |deed: &dyn Fn()| {
            start.wait();
            deed();
        };
        thread::scope(|scope| {
            scope.spawn(|| race(&|| drop(delete(store, ann))));
            scope.spawn(|| {
                race(&|| {
                    store.request_friend(bob, ann, "", NOW, MANY_FRIENDS).unwrap();
                })
            });
            scope.spawn(|| {
                race(&|| {
                    store.accept_friend(ann, carol, NOW, MANY_FRIENDS).unwrap();
                })
            });
            scope.spawn(|| {
                race(&|| match store.change_group(&change(bobs, ann, joining("", MANY_MEMBERS))).unwrap() {
                    Ok(_) | Err(ChangeRefused::NoSuchGroup) => {}
                    Err(other) => panic!("{other}"),
                })
            });
            // Another node works it off meanwhile.
            scope.spawn(|| race(&|| drop(store.part_from_friends(ann, NOW, 10).unwrap())));
        });
        store.part_from_friends(ann, NOW, 10).unwrap();
        for group in store.group_ids(ann).unwrap() {
            leave_group(store, group, ann);
        }
        assert!(store.finish_departure(ann).unwrap());
        for user in [bob, carol] {
            assert_eq!(store.friend_ids(user).unwrap(), []);
            assert_eq!(store.friend_requests(user, UserId(0), 10).unwrap(), []);
        }
        assert_eq!(store.group(bobs).unwrap().expect("open").members, 1);
    }
}
