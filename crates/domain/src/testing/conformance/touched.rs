//! Conversations in which something was said after a certain time.

use super::cast::{
    Left, NOW, append, befriend, group, join, leave_group, message, register, say, two_friends, unique, user,
    users,
};
use crate::{ChangePosition, ConversationId, NewMessage, Parties, Seq, Store, Timestamp, Touched, UserId};

fn after_now(milliseconds: u64) -> Timestamp {
    Timestamp(NOW.0 + milliseconds)
}

/// Says something at a moment.
fn say_at(store: &dyn Store, conversation: ConversationId, sender: UserId, at: Timestamp) -> NewMessage {
    let message = NewMessage { time: at, ..message(conversation, sender, "hello") };
    append(store, std::slice::from_ref(&message));
    message
}

fn touched(store: &dyn Store, users: &[UserId], since: Timestamp) -> Vec<Touched> {
    store.touched(users, since, ConversationId(0), 1_000).unwrap()
}

fn ids(store: &dyn Store, users: &[UserId], since: Timestamp) -> Vec<ConversationId> {
    touched(store, users, since).into_iter().map(|touched| touched.conversation).collect()
}

pub(super) fn pairs_and_groups(store: &dyn Store) {
    let [bob, ann, cho] = users(store);
    let (ab, ac) = (befriend(store, ann, bob), befriend(store, ann, cho));
    let grp = group(store, ann);
    say(store, ab, ann, "one");
    say(store, ab, bob, "two");
    say(store, ac, cho, "one");
    say(store, grp.conversation(), ann, "one");
    let (last_change, last_change_at) = (ChangePosition(0), Timestamp(0));
    let at = |conversation, parties, last| {
        let last = Seq(last);
        Touched { conversation, parties, last, last_change, last_change_at }
    };
    let (in_ab, in_ac) = (at(ab, Parties::Pair(bob, ann), 2), at(ac, Parties::Pair(ann, cho), 1));
    let in_group = at(grp.conversation(), Parties::Group, 1);
    assert_eq!(touched(store, &[ann], NOW), [in_ab, in_ac, in_group], "lower user first, by rising id");
    assert_eq!(touched(store, &[bob], NOW), [in_ab]);
    assert_eq!(touched(store, &[cho], NOW), [in_ac]);
}

pub(super) fn from_a_moment_on(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let (ab, ac) = (befriend(store, ann, bob), befriend(store, ann, cho));
    befriend(store, bob, cho);
    let silent = group(store, ann);
    say_at(store, ab, ann, after_now(10));
    say_at(store, ac, ann, after_now(20));
    for (since, expected) in [
        (Timestamp(0), &[ab, ac][..]),
        (after_now(10), &[ab, ac]),
        (after_now(11), &[ac]),
        (after_now(20), &[ac]),
        (after_now(21), &[]),
        (Timestamp(u64::MAX), &[]),
    ] {
        assert_eq!(ids(store, &[ann], since), expected, "since {since}");
    }
    assert_eq!(
        ids(store, &[bob, cho], Timestamp(0)),
        [ab, ac],
        "where nobody spoke, nothing was said at any time"
    );
    say_at(store, silent.conversation(), ann, Timestamp(0));
    assert_eq!(ids(store, &[ann], Timestamp(0)), [ab, ac, silent.conversation()]);
}

/// Clocks of nodes differ: what stands last need not have the latest time.
pub(super) fn the_latest_time_counts_not_the_last_one(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let (ab, ac) = (befriend(store, ann, bob), befriend(store, ann, cho));
    say_at(store, ab, ann, after_now(10));
    say_at(store, ab, bob, after_now(5));
    let batch = [(ac, 3), (ab, 7), (ac, 9), (ac, 1)]
        .map(|(conversation, at)| NewMessage { time: after_now(at), ..message(conversation, ann, "x") });
    append(store, &batch);
    assert_eq!(ids(store, &[ann], after_now(9)), [ab, ac]);
    assert_eq!(ids(store, &[ann], after_now(10)), [ab]);
    assert_eq!(touched(store, &[bob], after_now(10))[0].last, Seq(3), "the newest, whatever its time");
    assert_eq!(ids(store, &[ann], after_now(11)), []);
}

pub(super) fn repeats_touch_nothing(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let (ab, ac) = (befriend(store, ann, bob), befriend(store, ann, cho));
    let said = say_at(store, ab, ann, after_now(10));
    let later = NewMessage { time: after_now(20), ..said };
    let elsewhere = NewMessage { conversation: ac, ..later.clone() };
    append(store, &[later, elsewhere]);
    assert_eq!(ids(store, &[ann], after_now(11)), []);
    assert_eq!(ids(store, &[ann], after_now(10)), [ab]);
}

pub(super) fn members_of_now_whenever_they_joined(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    let (mine, closed) = (group(store, ann), group(store, ann));
    join(store, mine, bob);
    say(store, mine.conversation(), ann, "hello");
    say(store, closed.conversation(), ann, "hello");
    join(store, mine, cho);
    assert_eq!(leave_group(store, mine, bob), Left::Gone { members: 2 });
    assert_eq!(leave_group(store, closed, ann), Left::Gone { members: 0 });
    assert_eq!(ids(store, &[ann], NOW), [mine.conversation()], "a closed group is nobody's");
    assert_eq!(ids(store, &[bob], NOW), [], "bob left");
    assert_eq!(ids(store, &[cho], NOW), [mine.conversation()], "cho is in it now");
    join(store, mine, bob);
    assert_eq!(ids(store, &[bob], NOW), [mine.conversation()]);
}

pub(super) fn old_friends_too(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    say(store, conversation, ann, "hello");
    assert!(store.delete_friend(ann, bob, NOW).unwrap().is_some());
    for user in [ann, bob] {
        assert_eq!(ids(store, &[user], NOW), [conversation], "what was said before is still theirs");
    }
}

pub(super) fn of_several_users_each_once(store: &dyn Store) {
    let [ann, bob, cho, dan] = users(store);
    let (ab, cd) = (befriend(store, ann, bob), befriend(store, cho, dan));
    let both = group(store, bob);
    join(store, both, ann);
    join(store, both, cho);
    for (conversation, sender) in [(ab, ann), (cd, dan), (both.conversation(), bob)] {
        say(store, conversation, sender, "hello");
    }
    let all = [ab, cd, both.conversation()];
    assert_eq!(ids(store, &[ann, bob, cho, dan], NOW), all);
    assert_eq!(ids(store, &[dan, ann, dan, ann], NOW), all, "in whichever order, also if named twice");
    assert_eq!(ids(store, &[ann, bob], NOW), [ab, both.conversation()]);
    assert_eq!(ids(store, &[dan], NOW), [cd]);
}

pub(super) fn paged_by_id(store: &dyn Store) {
    let [ann, bob, cho, dan] = users(store);
    let mut all = Vec::new();
    for (at, (one, other)) in (0..).zip([(ann, bob), (ann, cho), (bob, cho), (ann, dan), (cho, dan)]) {
        for conversation in [befriend(store, one, other), group(store, one).conversation()] {
            say_at(store, conversation, one, after_now(at));
            all.push(conversation);
        }
    }
    // The first two pairs spoke too early, and take no place in a page.
    let all = &all[4..];
    let page = |users: &[UserId], after, limit| -> Vec<ConversationId> {
        let page = store.touched(users, after_now(2), after, limit).unwrap();
        page.into_iter().map(|touched| touched.conversation).collect()
    };
    let (start, users) = (ConversationId(0), [ann, bob, cho]);
    assert_eq!(page(&users, start, 100), all);
    assert_eq!(page(&users, start, 4), all[..4]);
    assert_eq!(page(&users, all[3], 4), all[4..]);
    assert_eq!(page(&users, all[5], 4), []);
    assert_eq!(page(&users, start, 0), []);
    assert_eq!(page(&users, ConversationId(u64::MAX), 4), []);
    assert_eq!(page(&[ann], start, 1), [all[2]]);
    assert_eq!(page(&[ann], all[2], 1), [all[3]]);
}

pub(super) fn of_nobody(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    say(store, conversation, ann, "hello");
    let stranger = user(store);
    assert_eq!(touched(store, &[], NOW), []);
    assert_eq!(touched(store, &[stranger], NOW), []);
    let unknown = [UserId(0), UserId(stranger.0 + 1_000_000_000), UserId(u64::MAX)];
    assert_eq!(touched(store, &unknown, Timestamp(0)), []);
    let among = [unknown[0], ann, unknown[1], unknown[2]];
    assert_eq!(ids(store, &among, NOW), [conversation], "and nobody is in the way");
}

pub(super) fn a_thousand_users_at_once(store: &dyn Store) {
    const PAIRS: usize = 40;
    let mut asked = Vec::new();
    let mut expected = Vec::new();
    for _ in 0..PAIRS {
        let [one, other] = [(); 2].map(|()| {
            let name = unique("many");
            register(store, &name, &name).expect("a unique name is free")
        });
        let conversation = befriend(store, one, other);
        say(store, conversation, one, "hello");
        expected.push(conversation);
        asked.extend([one, other]);
    }
    // Both of a pair are asked for, far from each other.
    let far = asked[asked.len() - 1].0 + 1_000_000_000;
    asked.sort_by_key(|user| (user.0 % 2, user.0));
    let strangers = (far..).map(UserId).take(1_000 - asked.len());
    let middle = asked.len() / 2;
    asked.splice(middle..middle, strangers);
    assert_eq!(asked.len(), 1_000);
    assert_eq!(ids(store, &asked, NOW), expected);
    let page = store.touched(&asked, NOW, expected[4], 20).unwrap();
    assert!(page.iter().map(|touched| touched.conversation).eq(expected[5..25].iter().copied()));
}
