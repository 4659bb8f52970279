//! Callers that meet: the store settles who was first, and nothing is half done.

use std::sync::Barrier;
use std::thread;

use super::cast::{
    BIG_PAGE, Joined, Left, MANY_FRIENDS, MANY_MEMBERS, NOW, PASSWORD_HASH, append, befriend, count_to,
    group, join, join_group, leave_group, log, message, roster, say, two_friends, unique, unique_token, user,
    users,
};
use crate::{
    Accepted, Appended, ConversationId, Cursor, FriendLimits, GroupLimits, NewMessage, NewSession, NewUser,
    NoticeSeq, Novelty, PersonalNoticeKind, Progress, Requested, Seq, Store, UserId, Window,
};

/// How often a race is run: rare orders need more than one try.
pub(super) const ROUNDS: usize = 10;

/// Runs `actor(0)`, `actor(1)` … on a thread each, started together; what each returned.
pub(super) fn at_once<T: Send>(actors: usize, actor: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(actors);
    let (start, actor) = (&start, &actor);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..actors)
            .map(|n| {
                scope.spawn(move || {
                    start.wait();
                    actor(n)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("an actor panicked")).collect()
    })
}

pub(super) fn one_name_registered_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let key = unique("wanted");
        let new = NewUser {
            name: "Wanted",
            name_key: &key,
            password_hash: "$fake$0$pw",
            recovery_codes: &[],
            at: NOW,
        };
        let created = at_once(8, |_| store.create_user(&new).unwrap());
        assert_eq!(created.iter().flatten().count(), 1, "exactly one wins: {created:?}");
    }
}

pub(super) fn sessions_created_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let ann = user(store);
        let opened = at_once(8, |_| {
            let new = NewSession {
                user: ann,
                password_hash: PASSWORD_HASH,
                token: unique_token(),
                device: "race",
                at: NOW,
                notices: None,
                broadcasts: None,
            };
            store.create_session(&new, 3).unwrap().expect("the password holds")
        });
        let left: Vec<_> = store.sessions(ann).unwrap().into_iter().map(|session| session.id).collect();
        assert_eq!(left.len(), 3, "as many as may be kept");
        let mut ended: Vec<_> = opened.iter().flat_map(|(_, ended)| ended.clone()).collect();
        ended.sort();
        ended.dedup();
        assert_eq!(ended.len(), 5, "each of the others was returned to somebody");
        assert!(ended.iter().all(|id| !left.contains(id)));
    }
}

pub(super) fn two_ask_each_other_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let [ann, bob] = users(store);
        let both = [(ann, bob), (bob, ann)];
        let asked = at_once(2, |n| {
            let (from, to) = both[n];
            store.request_friend(from, to, "", NOW, MANY_FRIENDS).unwrap()
        });
        let conversation = store.friendship(ann, bob).unwrap().expect("they asked each other");
        assert_eq!(store.friendship(bob, ann).unwrap(), Some(conversation), "one conversation");
        assert!(asked.contains(&Requested::Waiting), "one was first: {asked:?}");
        assert!(
            asked
                .iter()
                .any(|asked| matches!(asked, Requested::Friends(new) if new.conversation == conversation)),
            "one was second: {asked:?}"
        );
        for user in [ann, bob] {
            assert_eq!(store.friend_requests(user, UserId(0), 10).unwrap(), []);
            assert_eq!(store.friend_ids(user).unwrap().len(), 1);
        }
    }
}

pub(super) fn one_request_accepted_and_withdrawn_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let [ann, bob] = users(store);
        store.request_friend(ann, bob, "", NOW, MANY_FRIENDS).unwrap();
        let happened = at_once(3, |n| match n {
            0 => store.withdraw_friend(ann, bob).unwrap(),
            _ => store.accept_friend(bob, ann, NOW, MANY_FRIENDS).unwrap() != Accepted::NoRequest,
        });
        assert_eq!(happened.iter().filter(|done| **done).count(), 1, "exactly one: {happened:?}");
        assert_eq!(store.friendship(ann, bob).unwrap().is_some(), !happened[0]);
        assert_eq!(store.friend_requests(ann, UserId(0), 10).unwrap(), []);
    }
}

pub(super) fn the_last_friend_accepted_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let ann = user(store);
        let others: [UserId; 6] = users(store);
        let limits = FriendLimits { friends: 2, requests: 10 };
        for other in others {
            store.request_friend(other, ann, "", NOW, limits).unwrap();
        }
        let accepted = at_once(6, |n| store.accept_friend(ann, others[n], NOW, limits).unwrap());
        let friends = accepted.iter().filter(|accepted| matches!(accepted, Accepted::Friends(_))).count();
        assert_eq!(friends, 2, "as many as there was room for: {accepted:?}");
        assert_eq!(accepted.iter().filter(|accepted| **accepted == Accepted::Full).count(), 4);
        assert_eq!(store.friend_ids(ann).unwrap().len(), 2);
        assert_eq!(store.friend_requests(ann, UserId(0), 10).unwrap().len(), 4, "the others wait");
    }
}

pub(super) fn one_request_accepted_and_refused_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let [ann, bob] = users(store);
        store.request_friend(ann, bob, "", NOW, MANY_FRIENDS).unwrap();
        let told = at_once(4, |n| match n % 2 {
            0 => store.refuse_friend(bob, ann, NOW).unwrap(),
            _ => match store.accept_friend(bob, ann, NOW, MANY_FRIENDS).unwrap() {
                Accepted::Friends(befriended) => Some(befriended.notice),
                Accepted::NoRequest | Accepted::Full => None,
            },
        });
        let told: Vec<_> = told.into_iter().flatten().collect();
        assert_eq!(told.len(), 1, "one decision: {told:?}");
        let stored = store.notices(ann, NoticeSeq(0), 10).unwrap();
        assert!(stored.iter().map(|named| &named.notice).eq(&told), "and one notice of it: {stored:?}");
        let accepted = told[0].kind == PersonalNoticeKind::FriendAccepted;
        assert_eq!(store.friendship(ann, bob).unwrap().is_some(), accepted);
        assert_eq!(store.friend_requests(ann, UserId(0), 10).unwrap(), []);
    }
}

pub(super) fn a_friendship_ended_while_it_begins(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let [ann, bob] = users(store);
        store.request_friend(ann, bob, "", NOW, MANY_FRIENDS).unwrap();
        let deleted = at_once(3, |n| match n {
            0 => {
                let accepted = store.accept_friend(bob, ann, NOW, MANY_FRIENDS).unwrap();
                assert!(matches!(accepted, Accepted::Friends(_)), "it waited: {accepted:?}");
                false
            }
            1 => store.delete_friend(ann, bob, NOW).unwrap().is_some(),
            _ => store.delete_friend(bob, ann, NOW).unwrap().is_some(),
        });
        let ended = deleted.iter().filter(|deleted| **deleted).count();
        assert!(ended <= 1, "it ends once: {deleted:?}");
        assert_eq!(store.friendship(ann, bob).unwrap().is_none(), ended == 1);
        let kinds = |user| {
            let stored = store.notices(user, NoticeSeq(0), 10).unwrap();
            stored.iter().map(|named| named.notice.kind).collect::<Vec<_>>()
        };
        let (accepted, deleted_by) = (PersonalNoticeKind::FriendAccepted, PersonalNoticeKind::FriendDeleted);
        let anns = if deleted[2] { vec![accepted, deleted_by] } else { vec![accepted] };
        let bobs = if deleted[1] { vec![deleted_by] } else { vec![] };
        assert_eq!((kinds(ann), kinds(bob)), (anns, bobs));
        assert_eq!(store.friend_ids(ann).unwrap().len(), 1 - ended);
    }
}

pub(super) fn notices_of_one_user_added_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let ann = user(store);
        let others: [UserId; 6] = users(store);
        for other in others {
            store.request_friend(ann, other, "", NOW, MANY_FRIENDS).unwrap();
        }
        let told = at_once(6, |n| match n % 2 {
            0 => store.refuse_friend(others[n], ann, NOW).unwrap(),
            _ => match store.accept_friend(others[n], ann, NOW, MANY_FRIENDS).unwrap() {
                Accepted::Friends(befriended) => Some(befriended.notice),
                Accepted::NoRequest | Accepted::Full => None,
            },
        });
        let mut told: Vec<_> = told.into_iter().map(|notice| notice.expect("each waited")).collect();
        told.sort_by_key(|notice| notice.seq);
        assert!(told.iter().map(|notice| notice.seq.0).eq(1..=6), "seqs without holes: {told:?}");
        let stored = store.notices(ann, NoticeSeq(0), 10).unwrap();
        assert!(stored.iter().map(|named| &named.notice).eq(&told), "stored as told: {stored:?}");
    }
}

pub(super) fn the_last_seat_taken_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let owner = user(store);
        let group = group(store, owner);
        let others: [UserId; 8] = users(store);
        let limits = GroupLimits { members: 2, groups: 10, requests: 1_000, requests_per_user: 1_000 };
        let joined = at_once(8, |n| join_group(store, group, others[n], limits));
        let seats =
            joined.iter().filter(|joined| matches!(joined, Joined::Member { members: 2, .. })).count();
        assert_eq!(seats, 1, "one gets the last seat: {joined:?}");
        assert_eq!(joined.iter().filter(|joined| **joined == Joined::Full).count(), 7, "{joined:?}");
        assert_eq!(store.roster(group).unwrap().members.len(), 2);
        assert_eq!(store.group(group).unwrap().unwrap().members, 2);
    }
}

pub(super) fn one_user_joins_many_times_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let [owner, ann] = users(store);
        let group = group(store, owner);
        let joined = at_once(4, |_| join_group(store, group, ann, MANY_MEMBERS));
        let new = joined.iter().filter(|joined| matches!(joined, Joined::Member { .. })).count();
        assert_eq!(new, 1, "{joined:?}");
        assert_eq!(joined.iter().filter(|joined| **joined == Joined::AlreadyMember).count(), 3);
        let left = at_once(4, |_| leave_group(store, group, ann));
        assert_eq!(left.iter().filter(|left| **left == Left::Gone { members: 1 }).count(), 1, "{left:?}");
        assert_eq!(store.group(group).unwrap().unwrap().members, 1);
    }
}

pub(super) fn the_owner_leaves_while_somebody_joins(store: &dyn Store) {
    enum Did {
        Leave(Left),
        Join(Joined),
    }
    for _ in 0..ROUNDS {
        let [owner, ann] = users(store);
        let group = group(store, owner);
        let did = at_once(2, |n| match n {
            0 => Did::Leave(leave_group(store, group, owner)),
            _ => Did::Join(join_group(store, group, ann, MANY_MEMBERS)),
        });
        let open = store.group(group).unwrap();
        match (&did[0], &did[1]) {
            (Did::Leave(Left::OwnerStays), Did::Join(Joined::Member { members: 2, .. })) => {
                assert_eq!(open.unwrap().members, 2);
                assert_eq!(roster(store, group), [(owner, Seq(0)), (ann, Seq(0))]);
            }
            (Did::Leave(Left::Gone { members: 0 }), Did::Join(Joined::NoSuchGroup)) => {
                assert_eq!(open, None);
                assert_eq!(roster(store, group), []);
            }
            (Did::Leave(left), Did::Join(joined)) => panic!("cannot both be: {left:?}, {joined:?}"),
            _ => unreachable!("the first leaves, the second joins"),
        }
    }
}

pub(super) fn appends_to_the_same_conversations_at_once(store: &dyn Store) {
    const THREADS: usize = 4;
    const BATCHES: usize = 20;
    const CONVERSATIONS: usize = 3;
    const EACH: usize = 3;
    let members: [UserId; THREADS] = users(store);
    let conversations: Vec<ConversationId> = (0..CONVERSATIONS)
        .map(|_| {
            let group = group(store, members[0]);
            members[1..].iter().for_each(|member| {
                join(store, group, *member);
            });
            group.conversation()
        })
        .collect();

    // Every thread touches the conversations in an order of its own, to provoke deadlocks.
    let appended = at_once(THREADS, |thread| {
        let mut all = Vec::new();
        for round in 0..BATCHES {
            let batch: Vec<NewMessage> = (0..CONVERSATIONS * EACH)
                .map(|n| {
                    let conversation = conversations[(n * (thread + 1) + thread + round) % CONVERSATIONS];
                    message(conversation, members[thread], &format!("{thread}/{round}/{n}"))
                })
                .collect();
            let places = append(store, &batch);
            check_batch(&batch, &places);
            all.extend(batch.into_iter().zip(places));
        }
        all
    });

    let mut total = 0;
    for &conversation in &conversations {
        let log = log(store, conversation);
        total += log.len();
        for (thread, appended) in appended.iter().enumerate() {
            let here: Vec<_> =
                appended.iter().filter(|(_, place)| place.conversation == conversation).collect();
            assert!(here.is_sorted_by_key(|(_, place)| place.seq), "thread {thread}'s batches in order");
            for (message, place) in here {
                assert_eq!(
                    log[place.seq.0 as usize - 1].body,
                    message.body,
                    "it stands where it was said to"
                );
            }
        }
    }
    let joinings = CONVERSATIONS * (THREADS - 1);
    assert_eq!(total, THREADS * BATCHES * CONVERSATIONS * EACH + joinings);
}

/// Messages of one conversation have consecutive seqs in the order of the batch.
fn check_batch(batch: &[NewMessage], places: &[Appended]) {
    let mut last: Vec<(ConversationId, Seq)> = Vec::new();
    for (message, place) in batch.iter().zip(places) {
        assert_eq!((place.conversation, place.novelty), (message.conversation, Novelty::New));
        match last.iter_mut().find(|(conversation, _)| *conversation == place.conversation) {
            Some((_, seq)) => {
                assert_eq!(place.seq, seq.next());
                *seq = place.seq;
            }
            None => last.push((place.conversation, place.seq)),
        }
    }
}

pub(super) fn the_same_message_appended_at_once(store: &dyn Store) {
    for _ in 0..ROUNDS {
        let [ann, bob, cho] = users(store);
        let (ab, ac) = (befriend(store, ann, bob), befriend(store, ann, cho));
        let same = message(ab, ann, "once");
        let appended = at_once(8, |n| {
            // Among other messages, and for some in another conversation.
            let conversation = if n % 4 == 3 { ac } else { ab };
            let same = NewMessage { conversation, ..same.clone() };
            append(store, &[message(ab, ann, "before"), same, message(ac, ann, "after")])[1]
        });
        let new = appended.iter().filter(|appended| appended.novelty == Novelty::New).count();
        assert_eq!(new, 1, "stored once: {appended:?}");
        let place = (appended[0].conversation, appended[0].seq);
        assert!(appended.iter().all(|a| (a.conversation, a.seq) == place), "all get its place: {appended:?}");
        let said = log(store, ab).len() + log(store, ac).len();
        assert_eq!(said, 8 + 8 + 1, "repeats use up no seq");
    }
}

pub(super) fn cursors_advanced_at_once(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    count_to(store, conversation, ann, 100);
    at_once(4, |n| {
        for step in 0..20 {
            let cursor = |user, seq| Cursor { user, conversation, progress: Progress::read(Seq(seq)) };
            let mut cursors = [cursor(ann, step * 4 + n as u64), cursor(bob, step * 5 + n as u64)];
            if n % 2 == 1 {
                cursors.reverse();
            }
            store.advance_cursors(&cursors).unwrap();
        }
    });
    let acked = |user| store.conversation(user, conversation).unwrap().unwrap().acked.0;
    assert_eq!((acked(ann), acked(bob)), (19 * 4 + 3, 19 * 5 + 3), "the furthest of all");
}

pub(super) fn a_roster_read_after_an_append_misses_nobody(store: &dyn Store) {
    const MESSAGES: usize = 20;
    for _ in 0..ROUNDS {
        let [ann, bob] = users(store);
        let group = group(store, ann);
        let did = at_once(2, |n| match n {
            0 => (0..MESSAGES)
                .map(|n| (say(store, group.conversation(), ann, &n.to_string()), roster(store, group)))
                .collect(),
            _ => vec![(join(store, group, bob), roster(store, group))],
        });
        let (since, joined) = &did[1][0];
        assert_eq!(*joined, [(ann, Seq(0)), (bob, *since)]);
        for (seq, roster) in &did[0] {
            match &roster[..] {
                [(_, Seq(0))] => assert!(seq <= since, "bob, who reads after {since}, misses {seq}"),
                read => assert_eq!(read, joined, "after {seq}"),
            }
        }
    }
}

pub(super) fn joining_while_others_talk(store: &dyn Store) {
    let [ann, bob] = users(store);
    let group = group(store, ann);
    let conversation = group.conversation();
    at_once(2, |n| {
        for round in 0..20 {
            if n == 0 {
                say(store, conversation, ann, &round.to_string());
                continue;
            }
            let since = join(store, group, bob);
            let seen = store.conversation(bob, conversation).unwrap().unwrap();
            assert_eq!(seen.since, since);
            assert!(seen.last >= since, "never before since");
            let page = store.page(conversation, since, Window::After(Seq(0)), BIG_PAGE).unwrap();
            assert!(page.iter().zip(since.0 + 1..).all(|(message, seq)| message.seq.0 == seq), "no hole");
            assert_eq!(leave_group(store, group, bob), Left::Gone { members: 1 });
        }
    });
    assert_eq!(log(store, conversation).len(), 20 + 20 + 20, "messages, joinings and leavings");
}
