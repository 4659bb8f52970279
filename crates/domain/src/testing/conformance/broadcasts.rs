//! Broadcasts. They are everybody's: cases on a store that they share see each other's.

use super::cast::{NOW, PASSWORD_HASH, unique_token, user, users};
use crate::{
    BROADCASTS_KEPT_MAX, Broadcast, BroadcastAck, BroadcastAdded, BroadcastId, BroadcastPlace, NUMBER_MAX,
    NewBroadcast, NewSession, SessionId, Store, Timestamp, UserId,
};

/// A key that no other case has.
fn unique_key() -> String {
    let number: String = unique_token().0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("k-{}", number.trim_end_matches('0'))
}

fn add(store: &dyn Store, text: &str) -> BroadcastId {
    add_at(store, text, NOW)
}

fn add_at(store: &dyn Store, text: &str, at: Timestamp) -> BroadcastId {
    let key = unique_key();
    match store.add_broadcast(&NewBroadcast { key: &key, operator: "olga", text, at }).unwrap() {
        BroadcastAdded::Stored(id) => id,
        other => panic!("a new key was {other:?}"),
    }
}

fn begin(store: &dyn Store, user: UserId, broadcasts: Option<u64>) -> SessionId {
    let new = NewSession {
        user,
        password_hash: PASSWORD_HASH,
        token: unique_token(),
        device: "test",
        at: NOW,
        notices: None,
        broadcasts: broadcasts.map(BroadcastId),
    };
    store.create_session(&new, 1_000).unwrap().expect("the password holds").0
}

/// How far the session is behind the newest broadcast.
fn behind(store: &dyn Store, user: UserId, session: SessionId) -> u64 {
    let BroadcastPlace { last, acked } = store.standing(user, session).unwrap().broadcasts;
    assert_eq!(last, store.last_broadcast().unwrap());
    last.0 - acked.0
}

fn ids(page: &[Broadcast]) -> Vec<u64> {
    page.iter().map(|broadcast| broadcast.id.0).collect()
}

pub(super) fn ids_are_counted_and_pages_rise(store: &dyn Store) {
    let ann = user(store);
    let before = store.last_broadcast().unwrap();
    let added = ["one", "zwei 🎉", "三'); --"].map(|text| add(store, text));
    assert_eq!(added.map(|id| id.0), [1, 2, 3].map(|n| before.0 + n), "without holes");
    assert_eq!(store.last_broadcast().unwrap(), added[2]);
    let page = |after, limit| store.broadcasts(BroadcastId(after), limit).unwrap();
    let all = page(before.0, 100);
    assert_eq!(ids(&all), added.map(|id| id.0));
    assert_eq!(all[1], Broadcast { id: added[1], at: NOW, text: "zwei 🎉".into() });
    assert_eq!(all[2].text, "三'); --");
    assert_eq!(store.broadcasts_to(ann, before, 100).unwrap(), all, "the user was there");
    assert_eq!(ids(&page(before.0, 2)), [added[0].0, added[1].0]);
    assert_eq!(ids(&page(added[1].0, 2)), [added[2].0]);
    assert_eq!(ids(&page(added[2].0, 2)), [0; 0]);
    assert_eq!(ids(&page(NUMBER_MAX, 2)), [0; 0]);
}

pub(super) fn a_key_is_stored_once(store: &dyn Store) {
    let key = unique_key();
    let new = NewBroadcast { key: &key, operator: "olga", text: "once", at: NOW };
    let BroadcastAdded::Stored(id) = store.add_broadcast(&new).unwrap() else { panic!("a new key") };
    let later = NewBroadcast { operator: "otto", at: Timestamp(NOW.0 + 9), ..new };
    assert_eq!(store.add_broadcast(&later).unwrap(), BroadcastAdded::Repeated(id));
    let other = NewBroadcast { text: "Once", ..new };
    assert_eq!(store.add_broadcast(&other).unwrap(), BroadcastAdded::KeyTaken);
    assert_eq!(store.last_broadcast().unwrap(), id, "no id was used up");
    let upper = key.to_uppercase();
    let upper = NewBroadcast { key: &upper, ..new };
    assert_eq!(store.add_broadcast(&upper).unwrap(), BroadcastAdded::Stored(BroadcastId(id.0 + 1)));
}

pub(super) fn who_comes_later_gets_nothing_from_before(store: &dyn Store) {
    let before = add(store, "before");
    let ann = user(store);
    let session = begin(store, ann, None);
    assert_eq!(behind(store, ann, session), 0);
    assert_eq!(store.broadcasts_to(ann, BroadcastId(0), 1_000).unwrap(), []);
    let after = add(store, "after");
    assert_eq!(after.0, before.0 + 1);
    assert_eq!(ids(&store.broadcasts_to(ann, BroadcastId(0), 1_000).unwrap()), [after.0]);
    assert_eq!(store.broadcasts_to(ann, after, 1_000).unwrap(), []);
    assert_eq!(behind(store, ann, session), 1);
    let nobody = UserId(ann.0 + 1_000_000_000);
    assert_eq!(store.broadcasts_to(nobody, BroadcastId(0), 1_000).unwrap(), []);
    let standing = store.standing(nobody, session).unwrap();
    assert_eq!(standing.broadcasts, BroadcastPlace::default());
}

pub(super) fn a_session_begins_where_any_device_got_to(store: &dyn Store) {
    let ann = user(store);
    let early = begin(store, ann, None);
    let [first, .., last] = ["1", "2", "3", "4", "5"].map(|text| add(store, text));
    assert_eq!(behind(store, ann, early), 5);
    let ack = |session, id| store.ack_broadcasts(&[BroadcastAck { user: ann, session, id }]).unwrap();
    ack(early, BroadcastId(first.0 + 2));
    let at = |broadcasts| behind(store, ann, begin(store, ann, broadcasts));
    assert_eq!(at(None), 2, "without a memory");
    assert_eq!(at(Some(first.0)), 4, "a device that has less");
    assert_eq!(at(Some(last.0 - 1)), 1, "one that has more");
    assert_eq!(at(Some(0)), last.0, "one that has nothing");
    assert_eq!(at(Some(NUMBER_MAX)), 0, "none has what is not there");
    let other = begin(store, ann, None);
    ack(early, first);
    assert_eq!(behind(store, ann, early), 2, "nothing moves back");
    ack(other, last);
    assert_eq!((behind(store, ann, early), behind(store, ann, other)), (2, 0), "each has its own");
    assert_eq!(at(None), 0, "the highest counts");
    ack(early, BroadcastId(NUMBER_MAX));
    add(store, "6");
    assert_eq!((behind(store, ann, early), at(None)), (1, 1), "never past the newest");
}

pub(super) fn many_acknowledge_at_once(store: &dyn Store) {
    let everybody = users::<7>(store);
    let sessions: Vec<_> = everybody
        .iter()
        .flat_map(|user| [(*user, begin(store, *user, None)), (*user, begin(store, *user, None))])
        .collect();
    let last = add(store, "all hands");
    let acks = |of: &[(UserId, SessionId)]| {
        of.iter().map(|&(user, session)| BroadcastAck { user, session, id: last }).collect::<Vec<_>>()
    };
    store.ack_broadcasts(&[]).unwrap();
    store.ack_broadcasts(&acks(&sessions[1..])).unwrap();
    for (place, (user, session)) in sessions.iter().enumerate() {
        assert_eq!(behind(store, *user, *session), u64::from(place == 0), "session {place}");
    }
    assert_eq!(behind(store, everybody[0], begin(store, everybody[0], None)), 0, "the other device has it");
}

pub(super) fn acknowledging_concerns_ones_own_sessions(store: &dyn Store) {
    let [ann, bob] = users(store);
    let (anns, bobs) = (begin(store, ann, None), begin(store, bob, None));
    let id = add(store, "hi");
    let nobody = UserId(ann.0 + 1_000_000_000);
    let nothing = SessionId(bobs.0 + 1_000_000_000);
    let wrong = [(bob, anns), (ann, nothing), (nobody, nothing)];
    let wrong = wrong.map(|(user, session)| BroadcastAck { user, session, id });
    store.ack_broadcasts(&wrong).unwrap();
    assert_eq!((behind(store, ann, anns), behind(store, bob, bobs)), (1, 1));
    let new = [ann, bob].map(|user| behind(store, user, begin(store, user, None)));
    assert_eq!(new, [1, 1]);
    let right = [(ann, anns), (bob, anns), (bob, bobs)];
    let right = right.map(|(user, session)| BroadcastAck { user, session, id });
    store.ack_broadcasts(&right).unwrap();
    assert_eq!((behind(store, ann, anns), behind(store, bob, bobs)), (0, 0), "the others are passed over");
    assert_eq!(store.standing(ann, bobs).unwrap().broadcasts.acked, BroadcastId(0), "another's is nobody's");
}

pub(super) fn old_broadcasts_make_room_and_expire(store: &dyn Store) {
    let first = add(store, "first");
    for n in 1..=BROADCASTS_KEPT_MAX {
        add(store, &n.to_string());
    }
    let kept = store.broadcasts(BroadcastId(0), 1_000).unwrap();
    assert!(ids(&kept).into_iter().eq(first.0 + 1..=first.0 + BROADCASTS_KEPT_MAX), "the oldest went");
    // Before anything that other cases store.
    let old = |n: u64| Timestamp(1_000 + n);
    let [.., last] = [0, 1, 2, 3].map(|n| add_at(store, "old", old(n)));
    assert_eq!(store.expire_broadcasts(old(0), 10).unwrap(), 0);
    assert_eq!(store.expire_broadcasts(old(3), 2).unwrap(), 2);
    assert_eq!(store.expire_broadcasts(old(3), 2).unwrap(), 1);
    assert_eq!(ids(&store.broadcasts(BroadcastId(last.0 - 4), 10).unwrap()), [last.0]);
    assert_eq!(store.expire_broadcasts(old(4), 10).unwrap(), 1);
    assert_eq!(store.last_broadcast().unwrap(), last, "what was given is not given again");
    assert_eq!(add(store, "next").0, last.0 + 1);
}

pub(super) fn broadcasts_added_at_once_have_ids_of_their_own(store: &dyn Store) {
    let before = store.last_broadcast().unwrap();
    let shared = unique_key();
    let (mut alone, mut same) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let own = (0..5).map(|_| add(store, "at once").0).collect::<Vec<_>>();
                    let new = NewBroadcast { key: &shared, operator: "olga", text: "once", at: NOW };
                    (own, store.add_broadcast(&new).unwrap())
                })
            })
            .collect();
        let done = threads.into_iter().map(|thread| thread.join().expect("a thread"));
        let (own, same): (Vec<_>, Vec<_>) = done.unzip();
        (own.concat(), same)
    });
    alone.sort_unstable();
    let stored = same.iter().position(|added| matches!(added, BroadcastAdded::Stored(_))).expect("one did");
    let BroadcastAdded::Stored(id) = same.swap_remove(stored) else { unreachable!() };
    assert!(same.iter().all(|added| *added == BroadcastAdded::Repeated(id)), "{same:?}");
    alone.insert(alone.partition_point(|own| *own < id.0), id.0);
    assert!(alone.iter().copied().eq(before.0 + 1..=before.0 + 21), "{alone:?}");
}
