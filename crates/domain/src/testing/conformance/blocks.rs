//! Blocked users.

use super::cast::{MANY_FRIENDS, NOW, append, befriend, message, say, two_friends, user, users};
use crate::policy::{Relation, Why};
use crate::{
    Accepted, AppendRefused, Blocked, NewPersonalNotice, NoticeSeq, Parted, PersonalNotice,
    PersonalNoticeKind, Requested, Store, UserId, UserSearch,
};

const MANY_BLOCKED: u32 = 1_000;

fn block(store: &dyn Store, user: UserId, other: UserId) -> Blocked {
    store.block(user, other, NOW, MANY_BLOCKED).unwrap()
}

fn ask(store: &dyn Store, from: UserId, to: UserId) -> Requested {
    store.request_friend(from, to, "", NOW, MANY_FRIENDS).unwrap()
}

fn relations(store: &dyn Store, one: UserId, other: UserId) -> [Relation; 2] {
    [store.relation(one, other).unwrap(), store.relation(other, one).unwrap()]
}

fn blocked_ids(store: &dyn Store, user: UserId) -> Vec<UserId> {
    store.blocked(user, UserId(0), 1_000).unwrap().into_iter().map(|user| user.id).collect()
}

fn told(user: UserId, kind: PersonalNoticeKind, by: UserId) -> PersonalNotice {
    NewPersonalNotice { user, kind, by, group: None, detail: 0, at: NOW }.stored(NoticeSeq(1))
}

fn notices(store: &dyn Store, user: UserId) -> Vec<PersonalNotice> {
    let notices = store.notices(user, NoticeSeq(0), 1_000).unwrap();
    notices.into_iter().map(|named| named.notice).collect()
}

pub(super) fn a_block_is_seen_from_both_sides(store: &dyn Store) {
    for lower_blocks in [true, false] {
        let [mut ann, mut bob] = users(store);
        if !lower_blocks {
            (ann, bob) = (bob, ann);
        }
        assert_eq!(block(store, ann, bob), Blocked::Parted(Parted::Nothing));
        assert_eq!(relations(store, ann, bob), [Relation::BlockedByMe, Relation::BlockedByThem]);
        assert_eq!(block(store, ann, bob), Blocked::Parted(Parted::Nothing), "once more changes nothing");
        assert_eq!((blocked_ids(store, ann), blocked_ids(store, bob)), (vec![bob], vec![]));
        let shown = store.users(&[bob]).unwrap();
        assert_eq!(store.blocked(ann, UserId(0), 10).unwrap(), shown);
        assert_eq!((notices(store, ann), notices(store, bob)), (vec![], vec![]), "strangers hear nothing");
    }
}

pub(super) fn a_block_ends_a_friendship_and_tells_as_a_deletion(store: &dyn Store) {
    let (ann, bob, _) = two_friends(store);
    let versions = || [ann, bob].map(|user| store.friends_version(user).unwrap());
    let [a, b] = versions();
    let deleted = told(bob, PersonalNoticeKind::FriendDeleted, ann);
    assert_eq!(block(store, ann, bob), Blocked::Parted(Parted::Friendship(deleted)));
    assert_eq!(notices(store, bob), [deleted]);
    assert_eq!(versions(), [a + 1, b + 1]);
    for (user, other) in [(ann, bob), (bob, ann)] {
        assert_eq!(store.friendship(user, other).unwrap(), None);
        assert_eq!(store.friend_ids(user).unwrap(), []);
    }
    assert_eq!(relations(store, ann, bob), [Relation::BlockedByMe, Relation::BlockedByThem]);
    assert_eq!(store.delete_friend(bob, ann, NOW).unwrap(), None);
}

pub(super) fn a_block_ends_requests_both_ways(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    assert_eq!(ask(store, ann, bob), Requested::Waiting);
    assert_eq!(ask(store, cho, ann), Requested::Waiting);
    assert_eq!(block(store, ann, bob), Blocked::Parted(Parted::OwnRequest));
    assert_eq!(notices(store, bob), [], "as of any withdrawal");
    let refused = told(cho, PersonalNoticeKind::FriendRefused, ann);
    assert_eq!(block(store, ann, cho), Blocked::Parted(Parted::TheirRequest(refused)));
    assert_eq!(notices(store, cho), [refused], "as of any refusal");
    for user in [ann, bob, cho] {
        assert_eq!(store.friend_requests(user, UserId(0), 10).unwrap(), []);
    }
    assert_eq!(store.accept_friend(bob, ann, NOW, MANY_FRIENDS).unwrap(), Accepted::NoRequest);
    assert_eq!(store.accept_friend(ann, cho, NOW, MANY_FRIENDS).unwrap(), Accepted::NoRequest);
    assert_eq!(store.refuse_friend(bob, ann, NOW).unwrap(), None);
    assert!(!store.withdraw_friend(cho, ann).unwrap());
}

pub(super) fn who_is_blocked_finds_nobody(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    block(store, ann, bob);
    assert_eq!(ask(store, bob, ann), Requested::Refused(Why::NotFound));
    assert_eq!(ask(store, ann, bob), Requested::Refused(Why::NotAllowed));
    assert_eq!(block(store, bob, ann), Blocked::Refused(Why::NotFound));
    assert!(!store.unblock(bob, ann).unwrap(), "another's block");
    assert_eq!((blocked_ids(store, ann), blocked_ids(store, bob)), (vec![bob], vec![]));
    let finds = |by, user| {
        let name = store.users(&[user]).unwrap().remove(0).name;
        let below = format!("{name}\u{10ffff}");
        let search = UserSearch { prefix: &name, below: &below, after: None };
        store.search_users(by, &search, 100).unwrap().iter().any(|found| found.id == user)
    };
    assert!(!finds(bob, ann) && finds(cho, ann));
    assert!(finds(ann, bob), "who blocked still sees");
}

pub(super) fn what_is_refused_changes_nothing(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    assert_eq!(store.block(ann, bob, NOW, 0).unwrap(), Blocked::Full);
    assert_eq!(block(store, ann, ann), Blocked::Refused(Why::Oneself));
    assert_eq!(store.friendship(ann, bob).unwrap(), Some(conversation));
    assert_eq!(say(store, conversation, bob, "still here").0, 1);
    assert_eq!((blocked_ids(store, ann), notices(store, bob)), (vec![], vec![]));
    assert!(!store.unblock(ann, bob).unwrap());
    assert!(!store.unblock(ann, ann).unwrap());
}

pub(super) fn unblocking_brings_nothing_back(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    say(store, conversation, bob, "before");
    block(store, ann, bob);
    assert!(store.unblock(ann, bob).unwrap());
    assert!(!store.unblock(ann, bob).unwrap());
    assert_eq!(relations(store, ann, bob), [Relation::Stranger; 2]);
    assert_eq!(blocked_ids(store, ann), []);
    for user in [ann, bob] {
        let seen = store.conversation(user, conversation).unwrap().expect("the conversation stays");
        assert_eq!(seen.last.0, 1);
    }
    let refused = store.append(&[message(conversation, bob, "not friends yet")]).unwrap();
    assert_eq!(refused, [Err(AppendRefused::Closed)]);
    assert_eq!(befriend(store, bob, ann), conversation, "friends again, in the same conversation");
    assert_eq!(say(store, conversation, bob, "after").0, 2);
}

pub(super) fn nothing_is_said_where_one_blocked_the_other(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    let with_cho = befriend(store, ann, user(store));
    let first = message(conversation, bob, "before");
    let place = append(store, std::slice::from_ref(&first))[0];
    block(store, ann, bob);
    let batch = [
        message(conversation, bob, "refused"),
        message(with_cho, ann, "to another"),
        first.clone(),
        message(conversation, ann, "refused too"),
    ];
    for _ in 0..2 {
        let outcomes = store.append(&batch).unwrap();
        assert_eq!((outcomes[0], outcomes[3]), (Err(AppendRefused::Closed), Err(AppendRefused::Closed)));
        assert_eq!(outcomes[1].map(|place| place.seq.0), Ok(1), "others of the batch are stored");
        assert_eq!(outcomes[2].map(|repeat| repeat.seq), Ok(place.seq), "a repeat keeps its answer");
    }
    let alone = store.append(&batch[..1]).unwrap();
    assert_eq!(alone, [Err(AppendRefused::Closed)]);
    let alone = store.append(std::slice::from_ref(&first)).unwrap();
    assert_eq!(alone[0].map(|repeat| repeat.seq), Ok(place.seq));
    let seen = store.conversation(ann, conversation).unwrap().expect("it stays");
    assert_eq!(seen.last, place.seq, "no seq was used up");
}

pub(super) fn blocked_users_are_limited_and_paged_by_id(store: &dyn Store) {
    let [b, ann, c, d, e] = users(store);
    let block = |other| store.block(ann, other, NOW, 3).unwrap();
    for other in [d, b, c] {
        assert_eq!(block(other), Blocked::Parted(Parted::Nothing));
    }
    assert_eq!(block(e), Blocked::Full);
    assert_eq!(block(d), Blocked::Parted(Parted::Nothing), "blocked already");
    let page = |after, limit| -> Vec<UserId> {
        store.blocked(ann, after, limit).unwrap().into_iter().map(|user| user.id).collect()
    };
    assert_eq!(page(UserId(0), 2), [b, c]);
    assert_eq!(page(c, 2), [d]);
    assert_eq!(page(d, 2), []);
    assert_eq!(page(UserId(0), 0), []);
    assert!(store.unblock(ann, b).unwrap());
    assert_eq!(block(e), Blocked::Parted(Parted::Nothing), "there is room again");
    assert_eq!(page(UserId(0), 10), [c, d, e]);
}

pub(super) fn ids_of_nobody_are_not_blocked(store: &dyn Store) {
    let ann = user(store);
    for nobody in [0, ann.0 + 1_000_000_000, crate::NUMBER_MAX, i64::MAX as u64 + 1, u64::MAX] {
        let nobody = UserId(nobody);
        assert_eq!(block(store, ann, nobody), Blocked::Refused(Why::NotFound), "{nobody:?}");
        assert_eq!(block(store, nobody, ann), Blocked::Refused(Why::NotFound), "{nobody:?}");
        assert!(!store.unblock(ann, nobody).unwrap());
        assert_eq!(blocked_ids(store, nobody), []);
    }
    assert_eq!(blocked_ids(store, ann), []);
}

pub(super) fn blocks_are_found_among_many(store: &dyn Store) {
    let [ann, bob, cho, dan] = users(store);
    for (one, other) in [(ann, bob), (cho, bob), (cho, dan), (dan, ann)] {
        block(store, one, other);
    }
    let among = |by: &[UserId], whom: &[UserId]| {
        let mut found = store.blocks_among(by, whom).unwrap();
        found.sort_unstable();
        found
    };
    let all = [ann, bob, cho, dan];
    assert_eq!(among(&all, &all), [(ann, bob), (cho, bob), (cho, dan), (dan, ann)]);
    assert_eq!(among(&all, &[bob]), [(ann, bob), (cho, bob)]);
    assert_eq!(among(&[cho], &[ann, bob, dan]), [(cho, bob), (cho, dan)]);
    assert_eq!(among(&[cho, cho], &[dan, dan, dan]), [(cho, dan)], "each once");
    let nobody = UserId(dan.0 + 1_000_000_000);
    assert_eq!(among(&[dan, ann, nobody], &[cho, dan, nobody]), []);
    assert_eq!((among(&[], &all), among(&all, &[])), (vec![], vec![]));
    assert!(store.unblock(cho, bob).unwrap());
    assert_eq!(among(&all, &[bob]), [(ann, bob)]);
}
