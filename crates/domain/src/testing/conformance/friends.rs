//! Friend requests and friendships.

use super::cast::{MANY_FRIENDS, NOW, befriend, say, two_friends, unique, user, users};
use crate::policy::Relation;
use crate::{
    Accepted, ConversationId, Direction, FriendLimits, FriendRequest, Requested, Store, Timestamp, User,
    UserId,
};

fn ask(store: &dyn Store, from: UserId, to: UserId) -> Requested {
    store.request_friend(from, to, "", NOW, MANY_FRIENDS).unwrap()
}

fn requests(store: &dyn Store, user: UserId) -> Vec<FriendRequest> {
    store.friend_requests(user, UserId(0), 1_000).unwrap()
}

fn shown(store: &dyn Store, user: UserId) -> User {
    store.users(&[user]).unwrap().remove(0)
}

fn assert_friends(store: &dyn Store, one: UserId, other: UserId, conversation: ConversationId) {
    for (user, friend) in [(one, other), (other, one)] {
        assert_eq!(store.friendship(user, friend).unwrap(), Some(conversation));
        assert!(store.friend_ids(user).unwrap().contains(&friend));
        assert!(requests(store, user).iter().all(|request| request.other.id != friend), "answered");
    }
}

fn assert_strangers(store: &dyn Store, one: UserId, other: UserId) {
    for (user, stranger) in [(one, other), (other, one)] {
        assert_eq!(store.friendship(user, stranger).unwrap(), None);
        assert!(!store.friend_ids(user).unwrap().contains(&stranger));
        assert!(requests(store, user).iter().all(|request| request.other.id != stranger));
    }
}

pub(super) fn a_request_waits_with_its_greeting(store: &dyn Store) {
    let [ann, bob] = users(store);
    for (from, to) in [(ann, bob), (bob, ann)] {
        let at = Timestamp(NOW.0 + from.0);
        let asked = store.request_friend(from, to, "hello, it is me", at, MANY_FRIENDS).unwrap();
        assert_eq!(asked, Requested::Waiting);
        let greeting = || "hello, it is me".to_owned();
        let sent =
            FriendRequest { other: shown(store, to), direction: Direction::Out, greeting: greeting(), at };
        let got =
            FriendRequest { other: shown(store, from), direction: Direction::In, greeting: greeting(), at };
        assert_eq!(requests(store, from), [sent]);
        assert_eq!(requests(store, to), [got]);
        assert_eq!(store.friendship(from, to).unwrap(), None);
        assert!(store.withdraw_friend(from, to).unwrap());
    }
}

pub(super) fn asking_twice_changes_nothing(store: &dyn Store) {
    let [ann, bob] = users(store);
    assert_eq!(store.request_friend(ann, bob, "first", NOW, MANY_FRIENDS).unwrap(), Requested::Waiting);
    let later = Timestamp(NOW.0 + 1);
    let again = store.request_friend(ann, bob, "second", later, MANY_FRIENDS).unwrap();
    assert_eq!(again, Requested::AlreadyRequested);
    let waiting = requests(store, bob);
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].greeting.as_str(), waiting[0].at), ("first", NOW));
}

pub(super) fn asking_each_other_makes_friends(store: &dyn Store) {
    for lower_asks_first in [true, false] {
        let [mut ann, mut bob] = users(store);
        if !lower_asks_first {
            (ann, bob) = (bob, ann);
        }
        assert_eq!(ask(store, ann, bob), Requested::Waiting);
        match ask(store, bob, ann) {
            Requested::Friends(befriended) => assert_friends(store, ann, bob, befriended.conversation),
            other => panic!("two who asked each other are friends: {other:?}"),
        }
    }
}

pub(super) fn accepting_makes_friends(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let with_bob = befriend(store, ann, bob);
    let with_cho = befriend(store, cho, ann);
    assert_ne!(with_bob, with_cho);
    assert_friends(store, ann, bob, with_bob);
    assert_friends(store, ann, cho, with_cho);
    assert_strangers(store, bob, cho);
}

pub(super) fn only_a_waiting_request_can_be_accepted(store: &dyn Store) {
    let [ann, bob] = users(store);
    let accept = |user, from| store.accept_friend(user, from, NOW, MANY_FRIENDS).unwrap();
    assert_eq!(accept(bob, ann), Accepted::NoRequest);
    assert_eq!(accept(bob, UserId(bob.0 + 1_000_000_000)), Accepted::NoRequest);
    assert_eq!(ask(store, ann, bob), Requested::Waiting);
    assert_eq!(accept(ann, bob), Accepted::NoRequest, "who asked cannot accept");
    assert!(matches!(accept(bob, ann), Accepted::Friends(_)));
    assert_eq!(accept(bob, ann), Accepted::NoRequest, "it waits no more");
}

pub(super) fn a_request_can_be_refused_or_withdrawn(store: &dyn Store) {
    let [ann, bob] = users(store);
    assert!(!store.withdraw_friend(ann, bob).unwrap());
    assert_eq!(ask(store, ann, bob), Requested::Waiting);
    assert!(!store.withdraw_friend(bob, ann).unwrap(), "bob did not ask");
    assert_eq!(requests(store, bob).len(), 1);
    assert!(store.withdraw_friend(ann, bob).unwrap());
    assert!(!store.withdraw_friend(ann, bob).unwrap());
    assert_strangers(store, ann, bob);
    assert_eq!(ask(store, bob, ann), Requested::Waiting, "either may ask again");
}

pub(super) fn friends_cannot_ask_again(store: &dyn Store) {
    let (ann, bob, _) = two_friends(store);
    assert_eq!(ask(store, ann, bob), Requested::AlreadyFriends);
    assert_eq!(ask(store, bob, ann), Requested::AlreadyFriends);
    assert_eq!(requests(store, ann), []);
}

pub(super) fn unknown_users_cannot_be_asked(store: &dyn Store) {
    let ann = user(store);
    let nobody = UserId(ann.0 + 1_000_000_000);
    assert_eq!(ask(store, ann, nobody), Requested::NoSuchUser);
    assert_eq!(ask(store, ann, UserId(0)), Requested::NoSuchUser);
    assert_eq!(requests(store, ann), []);
}

pub(super) fn ended_friendships_keep_their_conversation(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    say(store, conversation, ann, "before");
    assert!(store.delete_friend(bob, ann, NOW).unwrap().is_some());
    assert_strangers(store, ann, bob);
    assert!(store.delete_friend(bob, ann, NOW).unwrap().is_none());
    assert!(store.delete_friend(ann, bob, NOW).unwrap().is_none(), "it ended for both");
    for user in [ann, bob] {
        let seen = store.conversation(user, conversation).unwrap().expect("the conversation stays");
        assert_eq!(seen.last.0, 1);
    }
    assert_eq!(befriend(store, bob, ann), conversation, "friends again, in the same conversation");
    assert_eq!(say(store, conversation, bob, "after").0, 2);
}

pub(super) fn requests_are_limited_each_way(store: &dyn Store) {
    let [ann, bob, cho, dan, eve, fay] = users(store);
    let limits = FriendLimits { friends: 10, requests: 2 };
    let ask = |from, to| store.request_friend(from, to, "", NOW, limits).unwrap();
    // Strangers fill what waits for ann.
    for stranger in [bob, cho] {
        assert_eq!(ask(stranger, ann), Requested::Waiting);
    }
    assert_eq!(ask(dan, ann), Requested::Full, "who is asked by so many is asked by nobody else");
    assert_eq!(requests(store, dan), []);
    assert_eq!(ask(bob, ann), Requested::AlreadyRequested, "a request that waits is no new one");
    assert_eq!(ask(bob, dan), Requested::Waiting, "who asked one may ask another");
    // Her own requests have their own room.
    for other in [dan, eve] {
        assert_eq!(ask(ann, other), Requested::Waiting, "whoever asks her");
    }
    assert_eq!(ask(ann, fay), Requested::Full, "she asked so many herself");
    assert_eq!(requests(store, fay), []);
    assert_eq!(ask(fay, eve), Requested::Waiting, "others have room");
    assert!(matches!(ask(ann, cho), Requested::Friends(_)), "an answer needs no room");
    assert_eq!(ask(fay, ann), Requested::Waiting, "and makes some where it waited");
    assert!(store.withdraw_friend(ann, dan).unwrap());
    assert!(matches!(ask(ann, fay), Requested::Friends(_)));
    assert_eq!(ask(ann, dan), Requested::Waiting, "so does what is taken back");
}

pub(super) fn friends_are_limited_for_both(store: &dyn Store) {
    let [ann, bob, cho, dan] = users(store);
    let limits = FriendLimits { friends: 1, requests: 10 };
    let ask = |from, to| store.request_friend(from, to, "", NOW, limits).unwrap();
    let accept = |user, from| store.accept_friend(user, from, NOW, limits).unwrap();
    assert_eq!(ask(ann, cho), Requested::Waiting);
    assert_eq!(ask(dan, ann), Requested::Waiting);
    assert_eq!(ask(ann, bob), Requested::Waiting);
    let Accepted::Friends(befriended) = accept(bob, ann) else { panic!("both had room") };
    assert_eq!(accept(cho, ann), Accepted::Full, "who asked is full");
    assert_eq!(accept(ann, dan), Accepted::Full, "who accepts is full");
    assert_eq!(ask(cho, ann), Requested::Full, "who asks back finds the other full");
    assert_eq!(ask(ann, dan), Requested::Full, "who asks back is full");
    assert_eq!(ask(cho, bob), Requested::Full, "a new request to one who is full");
    assert_eq!(ask(ann, bob), Requested::AlreadyFriends);
    assert_eq!(requests(store, ann).len(), 2, "what could not be accepted waits");
    assert_friends(store, ann, bob, befriended.conversation);
    assert_strangers(store, bob, cho);
    assert!(store.delete_friend(ann, bob, NOW).unwrap().is_some());
    assert!(matches!(accept(cho, ann), Accepted::Friends(_)), "there is room again");
}

pub(super) fn friends_are_paged_by_id(store: &dyn Store) {
    let [b, c, ann, d, e] = users(store);
    let others = [e, b, d, c];
    let conversations: Vec<_> = others
        .iter()
        .map(|&other| {
            let (from, to) = if other.0.is_multiple_of(2) { (ann, other) } else { (other, ann) };
            (other, befriend(store, from, to))
        })
        .collect();
    assert_eq!(store.friend_ids(ann).unwrap(), [b, c, d, e]);
    let page = |after, limit| -> Vec<UserId> {
        let friends = store.friends(ann, after, limit).unwrap();
        for friend in &friends {
            assert!(conversations.contains(&(friend.user.id, friend.conversation)));
            assert_eq!(friend.user, shown(store, friend.user.id));
        }
        friends.into_iter().map(|friend| friend.user.id).collect()
    };
    assert_eq!(page(UserId(0), 3), [b, c, d]);
    assert_eq!(page(d, 3), [e]);
    assert_eq!(page(e, 3), []);
    assert_eq!(page(ann, 10), [d, e], "the last of the page before need not be a friend now");
    assert_eq!(page(UserId(0), 1_000), [b, c, d, e]);
    assert_eq!(page(UserId(0), 0), []);
    assert_eq!(store.friends(b, UserId(0), 10).unwrap().len(), 1);
}

pub(super) fn a_relation_is_seen_from_both_sides(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let between = |one, other| [(one, other), (other, one)].map(|(a, b)| store.relation(a, b).unwrap());
    assert_eq!(between(ann, bob), [Relation::Stranger; 2]);
    assert_eq!(ask(store, ann, bob), Requested::Waiting);
    assert_eq!(between(ann, bob), [Relation::Stranger; 2], "not yet");
    assert!(matches!(ask(store, bob, ann), Requested::Friends(_)));
    assert_eq!(between(ann, bob), [Relation::Friend; 2]);
    assert_eq!(between(ann, cho), [Relation::Stranger; 2]);
    assert!(store.delete_friend(ann, bob, NOW).unwrap().is_some());
    assert_eq!(between(ann, bob), [Relation::Stranger; 2]);
    assert_eq!(store.relation(ann, ann).unwrap(), Relation::Myself);
    for nobody in [0, cho.0 + 1_000_000_000, crate::NUMBER_MAX, i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(store.relation(ann, UserId(nobody)).unwrap(), Relation::Nobody, "{nobody}");
    }
}

pub(super) fn changes_of_the_list_of_friends_are_counted(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let versions = || [ann, bob, cho].map(|user| store.friends_version(user).unwrap());
    let start = versions();
    assert_eq!(ask(store, ann, bob), Requested::Waiting);
    assert!(store.withdraw_friend(ann, bob).unwrap());
    assert_eq!(ask(store, ann, bob), Requested::Waiting);
    assert_eq!(versions(), start, "a request is not in the list");
    assert!(matches!(ask(store, bob, ann), Requested::Friends(_)));
    let [a, b, c] = start;
    assert_eq!(versions(), [a + 1, b + 1, c]);
    assert_eq!(ask(store, ann, bob), Requested::AlreadyFriends);
    assert!(store.delete_friend(ann, cho, NOW).unwrap().is_none());
    assert_eq!(versions(), [a + 1, b + 1, c], "what is refused does not count");
    assert!(store.delete_friend(bob, ann, NOW).unwrap().is_some());
    assert_eq!(versions(), [a + 2, b + 2, c]);
    befriend(store, cho, ann);
    assert_eq!(versions(), [a + 3, b + 2, c + 1]);
}

pub(super) fn requests_are_paged_by_the_others_id(store: &dyn Store) {
    let [b, c, ann, d, e] = users(store);
    for (from, to) in [(e, ann), (ann, b), (ann, d), (c, ann)] {
        let greeting = unique("hello");
        let asked = store.request_friend(from, to, &greeting, NOW, MANY_FRIENDS).unwrap();
        assert_eq!(asked, Requested::Waiting);
    }
    let page = |after, limit| -> Vec<(UserId, Direction)> {
        let requests = store.friend_requests(ann, after, limit).unwrap();
        requests.into_iter().map(|request| (request.other.id, request.direction)).collect()
    };
    let (into, out) = (Direction::In, Direction::Out);
    assert_eq!(page(UserId(0), 3), [(b, out), (c, into), (d, out)]);
    assert_eq!(page(d, 3), [(e, into)]);
    assert_eq!(page(c, 1), [(d, out)]);
    assert_eq!(page(e, 3), []);
    assert_eq!(page(UserId(0), 0), []);
}
