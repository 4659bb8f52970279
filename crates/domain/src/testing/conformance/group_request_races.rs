//! What several ask of who waits before a group at the same moment.

use super::cast::{MANY_MEMBERS, change, log, users};
use super::group_changes::make;
use super::group_requests::{apply, closed, friend_of, invite, is_member, joining};
use super::races::{ROUNDS, at_once};
use crate::{
    ChangeRefused, GroupDeed, GroupEffect, GroupId, GroupLimits, Joining, Rank, Store, UserId, Waiting,
};

/// Whether a change was made.
fn done(store: &dyn Store, group: GroupId, actor: UserId, deed: GroupDeed) -> bool {
    store.change_group(&change(group, actor, deed)).unwrap().is_ok()
}

/// A group with approval, its owner and an admin.
fn two_who_decide(store: &dyn Store) -> (GroupId, [UserId; 2]) {
    let (group, owner) = closed(store, Joining::Approval);
    let admin = friend_of(store, owner);
    invite(store, group, owner, admin);
    make(store, group, admin, GroupDeed::AcceptInvitation { limits: MANY_MEMBERS });
    make(store, group, owner, GroupDeed::SetRole(admin, Rank::Admin));
    (group, [owner, admin])
}

pub(super) fn two_decide_one_application_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (group, deciders) = two_who_decide(store);
        let [user] = users(store);
        apply(store, group, user);
        let told = log(store, group.conversation()).len();
        let decided = at_once(4, |n| match n % 2 {
            0 => done(store, group, deciders[n / 2], GroupDeed::RefuseApplication(user)),
            _ => done(
                store,
                group,
                deciders[n / 2],
                GroupDeed::AcceptApplication { user, limits: MANY_MEMBERS },
            ),
        });
        assert_eq!(decided.iter().filter(|done| **done).count(), 1, "decided once: {decided:?}");
        let accepted = decided[1] || decided[3];
        assert_eq!(is_member(store, group, user), accepted);
        assert_eq!(log(store, group.conversation()).len() - told, usize::from(accepted));
        assert_eq!(store.group(group).unwrap().unwrap().members, 2 + u32::from(accepted));
    }
}

pub(super) fn one_withdraws_while_being_accepted(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (group, owner) = closed(store, Joining::Approval);
        let [user] = users(store);
        apply(store, group, user);
        let happened = at_once(2, |n| match n {
            0 => done(store, group, user, GroupDeed::WithdrawApplication),
            _ => done(store, group, owner, GroupDeed::AcceptApplication { user, limits: MANY_MEMBERS }),
        });
        assert_eq!(happened.iter().filter(|done| **done).count(), 1, "exactly one: {happened:?}");
        assert_eq!(is_member(store, group, user), happened[1]);
    }
}

pub(super) fn the_last_seat_while_two_are_accepted(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (group, deciders) = two_who_decide(store);
        let applicants: [UserId; 2] = users(store);
        applicants.iter().for_each(|user| apply(store, group, *user));
        let limits = GroupLimits { members: 3, ..MANY_MEMBERS };
        let accepted = at_once(2, |n| {
            let user = applicants[n];
            store
                .change_group(&change(group, deciders[n], GroupDeed::AcceptApplication { user, limits }))
                .unwrap()
        });
        assert_eq!(accepted.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(accepted.contains(&Err(ChangeRefused::Full)));
        assert_eq!(store.group(group).unwrap().unwrap().members, 3);
        let waits =
            applicants.iter().filter(|user| store.waiting(group, **user).unwrap() != Waiting::default());
        assert_eq!(waits.count(), 1, "the other still waits");
    }
}

pub(super) fn a_group_is_dissolved_while_others_apply(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (group, owner) = closed(store, Joining::Approval);
        let applicants: [UserId; 3] = users(store);
        at_once(4, |n| match n {
            3 => assert!(done(store, group, owner, GroupDeed::Dissolve)),
            _ => {
                match store.change_group(&change(group, applicants[n], joining("", MANY_MEMBERS))).unwrap() {
                    Ok(applied) => assert!(matches!(applied.effects[..], [GroupEffect::Apply(..)])),
                    Err(why) => assert_eq!(why, ChangeRefused::Dissolved),
                }
            }
        });
        for user in applicants {
            assert_eq!(store.waiting(group, user).unwrap(), Waiting::default(), "nobody waits before it");
        }
    }
}

pub(super) fn one_applies_while_being_asked_in(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (group, owner) = closed(store, Joining::Approval);
        let user = friend_of(store, owner);
        let told = log(store, group.conversation()).len();
        let happened = at_once(2, |n| match n {
            0 => done(store, group, user, joining("", MANY_MEMBERS)),
            _ => done(store, group, owner, GroupDeed::Invite { user, limits: MANY_MEMBERS }),
        });
        assert_eq!(happened, [true; 2]);
        assert!(is_member(store, group, user), "whoever was first, they met");
        assert_eq!(store.waiting(group, user).unwrap(), Waiting::default());
        assert_eq!(log(store, group.conversation()).len() - told, 1);
    }
}

pub(super) fn the_last_place_of_a_queue_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (group, _) = closed(store, Joining::Approval);
        let applicants: [UserId; 4] = users(store);
        let limits = GroupLimits { requests: 2, ..MANY_MEMBERS };
        let applied = at_once(4, |n| done(store, group, applicants[n], joining("", limits)));
        assert_eq!(applied.iter().filter(|done| **done).count(), 2, "{applied:?}");
    }
}
