//! Blocks that meet requests, acceptances, messages and one another: of whatever order, a block leaves nothing between two.

use super::cast::{MANY_FRIENDS, NOW, log, message, two_friends, user, users};
use super::races::{ROUNDS, at_once};
use crate::policy::{Relation, Why};
use crate::{Accepted, AppendRefused, Blocked, Parted, Requested, Store, UserId};

const MANY_BLOCKED: u32 = 1_000;

fn block(store: &dyn Store, user: UserId, other: UserId) -> Blocked {
    store.block(user, other, NOW, MANY_BLOCKED).unwrap()
}

/// `ann` blocked `bob`, and nothing else is between them.
fn assert_blocked(store: &dyn Store, ann: UserId, bob: UserId) {
    assert_eq!(store.relation(ann, bob).unwrap(), Relation::BlockedByMe);
    assert_eq!(store.relation(bob, ann).unwrap(), Relation::BlockedByThem);
    assert_eq!(store.friendship(ann, bob).unwrap(), None);
    for user in [ann, bob] {
        assert_eq!(store.friend_ids(user).unwrap(), []);
        assert_eq!(store.friend_requests(user, UserId(0), 10).unwrap(), []);
    }
}

pub(super) fn a_request_is_accepted_while_the_other_blocks(store: &dyn Store) {
    for round in 0..ROUNDS {
        let [mut ann, mut bob] = users(store);
        if round % 2 == 1 {
            (ann, bob) = (bob, ann);
        }
        store.request_friend(ann, bob, "", NOW, MANY_FRIENDS).unwrap();
        let accepted = at_once(2, |n| match n {
            0 => match block(store, ann, bob) {
                Blocked::Parted(Parted::Friendship(notice)) => Some(notice.user == bob),
                Blocked::Parted(Parted::OwnRequest) => Some(false),
                other => panic!("there was a request or a friendship: {other:?}"),
            },
            _ => Some(store.accept_friend(bob, ann, NOW, MANY_FRIENDS).unwrap() != Accepted::NoRequest),
        });
        assert_eq!(accepted[0], accepted[1], "either it was accepted and ended, or withdrawn");
        assert_blocked(store, ann, bob);
    }
}

pub(super) fn both_ask_while_one_blocks(store: &dyn Store) {
    for round in 0..ROUNDS {
        let [mut ann, mut bob] = users(store);
        if round % 2 == 1 {
            (ann, bob) = (bob, ann);
        }
        let asked = at_once(3, |n| match n {
            0 => {
                assert!(matches!(block(store, ann, bob), Blocked::Parted(_)));
                None
            }
            1 => Some(store.request_friend(ann, bob, "", NOW, MANY_FRIENDS).unwrap()),
            _ => Some(store.request_friend(bob, ann, "", NOW, MANY_FRIENDS).unwrap()),
        });
        for asked in asked.into_iter().flatten() {
            assert!(
                matches!(
                    asked,
                    Requested::Waiting
                        | Requested::Friends(_)
                        | Requested::Refused(Why::NotFound | Why::NotAllowed)
                ),
                "{asked:?}"
            );
        }
        assert_blocked(store, ann, bob);
    }
}

pub(super) fn both_block_each_other(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let (ann, bob, _) = two_friends(store);
        let both = [(ann, bob), (bob, ann)];
        let blocked = at_once(2, |n| block(store, both[n].0, both[n].1));
        let (winner, loser) = if matches!(blocked[0], Blocked::Parted(_)) { (0, 1) } else { (1, 0) };
        assert!(matches!(blocked[winner], Blocked::Parted(Parted::Friendship(_))), "{blocked:?}");
        assert_eq!(blocked[loser], Blocked::Refused(Why::NotFound), "who came second finds nobody");
        assert_blocked(store, both[winner].0, both[winner].1);
    }
}

pub(super) fn the_last_place_is_taken_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let ann = user(store);
        let others: [UserId; 6] = users(store);
        let blocked = at_once(6, |n| store.block(ann, others[n], NOW, 2).unwrap());
        let full = blocked.iter().filter(|blocked| **blocked == Blocked::Full).count();
        assert_eq!(full, 4, "as many as there was room for: {blocked:?}");
        assert_eq!(store.blocked(ann, UserId(0), 10).unwrap().len(), 2);
    }
}

pub(super) fn nothing_is_appended_after_a_block(store: &dyn Store) {
    for round in 0..ROUNDS {
        let (ann, bob, conversation) = two_friends(store);
        // What the log had when the block returned.
        let seen = at_once(3, |n| match n {
            0 => {
                assert!(matches!(block(store, ann, bob), Blocked::Parted(Parted::Friendship(_))));
                Some(log(store, conversation).len())
            }
            _ => {
                for i in 0..20 {
                    let sender = if n == 1 { bob } else { ann };
                    // Alone, and with others: stores take them by different ways.
                    let batch: Vec<_> =
                        (0..=(i + round) % 2).map(|_| message(conversation, sender, "x")).collect();
                    for outcome in store.append(&batch).unwrap() {
                        assert!(matches!(outcome, Ok(_) | Err(AppendRefused::Closed)), "{outcome:?}");
                    }
                }
                None
            }
        });
        assert_eq!(seen[0], Some(log(store, conversation).len()), "something was said after the block");
        let late = store.append(&[message(conversation, bob, "late")]).unwrap();
        assert_eq!(late, [Err(AppendRefused::Closed)]);
    }
}
