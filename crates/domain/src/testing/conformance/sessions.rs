//! Sessions.

use super::cast::{NOW, PASSWORD_HASH, session, unique_token, user, users};
use crate::{FoundSession, NewSession, Session, SessionId, Store, Timestamp, UserId};

fn after_now(milliseconds: u64) -> Timestamp {
    Timestamp(NOW.0 + milliseconds)
}

fn ids(store: &dyn Store, user: UserId) -> Vec<SessionId> {
    store.sessions(user).unwrap().into_iter().map(|session| session.id).collect()
}

/// Opens a session at a moment, with room for `keep`.
fn open(store: &dyn Store, user: UserId, at: Timestamp, keep: u32) -> (SessionId, Vec<SessionId>) {
    store
        .create_session(
            &NewSession {
                user,
                password_hash: PASSWORD_HASH,
                token: unique_token(),
                device: "test",
                at,
                notices: None,
                broadcasts: None,
            },
            keep,
        )
        .unwrap()
        .expect("the password holds")
}

pub(super) fn a_token_finds_its_session(store: &dyn Store) {
    let [ann, bob] = users(store);
    let (anns, bobs) = (unique_token(), unique_token());
    let new = NewSession {
        user: ann,
        password_hash: PASSWORD_HASH,
        token: anns,
        device: "Ann's phone",
        at: NOW,
        notices: None,
        broadcasts: None,
    };
    let (id, ended) = store.create_session(&new, 10).unwrap().expect("the password holds");
    assert_eq!(ended, []);
    let new = NewSession {
        user: bob,
        password_hash: PASSWORD_HASH,
        token: bobs,
        device: "desk",
        at: after_now(1),
        notices: None,
        broadcasts: None,
    };
    store.create_session(&new, 10).unwrap().expect("the password holds");

    let session = Session { id, device: "Ann's phone".to_owned(), since: NOW, seen: NOW };
    let user = store.users(&[ann]).unwrap().remove(0);
    assert_eq!(store.session_by_token(anns).unwrap(), Some(FoundSession { session: session.clone(), user }));
    assert_eq!(store.sessions(ann).unwrap(), [session]);
    assert_eq!(store.session_by_token(bobs).unwrap().unwrap().user.id, bob);
    assert_eq!(store.session_by_token(unique_token()).unwrap(), None);
}

pub(super) fn the_ones_seen_longest_ago_make_room(store: &dyn Store) {
    let [ann, bob] = users(store);
    let bobs = session(store, bob, NOW);
    let first = session(store, ann, after_now(1));
    let second = session(store, ann, after_now(2));
    let third = session(store, ann, after_now(3));
    store.touch_sessions(&[(first, after_now(10))]).unwrap();

    let (fourth, ended) = open(store, ann, after_now(11), 3);
    assert_eq!(ended, [second], "the first was seen since");
    assert_eq!(ids(store, ann), [first, third, fourth]);
    let (fifth, ended) = open(store, ann, after_now(12), 1);
    assert_eq!(ended, [first, third, fourth]);
    assert_eq!(ids(store, ann), [fifth]);
    assert_eq!(ids(store, bob), [bobs], "another user's sessions stay");
}

pub(super) fn sessions_of_the_same_moment_make_room_oldest_first(store: &dyn Store) {
    let ann = user(store);
    let [first, second] = [session(store, ann, NOW), session(store, ann, NOW)];
    let (third, ended) = open(store, ann, NOW, 2);
    assert_eq!(ended, [first]);
    assert_eq!(ids(store, ann), [second, third]);
}

pub(super) fn seen_never_moves_back(store: &dyn Store) {
    let ann = user(store);
    let [one, other] = [session(store, ann, after_now(10)), session(store, ann, after_now(10))];
    let unknown = SessionId(other.0 + 1_000_000_000);
    store.touch_sessions(&[(one, after_now(5)), (unknown, after_now(30)), (other, after_now(20))]).unwrap();
    store.touch_sessions(&[]).unwrap();
    let seen: Vec<Timestamp> = store.sessions(ann).unwrap().iter().map(|session| session.seen).collect();
    assert_eq!(seen, [after_now(10), after_now(20)]);
    let since: Vec<Timestamp> = store.sessions(ann).unwrap().iter().map(|session| session.since).collect();
    assert_eq!(since, [after_now(10), after_now(10)], "when it began does not move");
}

pub(super) fn a_session_ends_once_and_for_its_user_only(store: &dyn Store) {
    let [ann, bob] = users(store);
    let token = unique_token();
    let new = NewSession {
        user: ann,
        password_hash: PASSWORD_HASH,
        token,
        device: "phone",
        at: NOW,
        notices: None,
        broadcasts: None,
    };
    let (id, _) = store.create_session(&new, 10).unwrap().expect("the password holds");
    assert!(!store.end_session(bob, id).unwrap(), "it is not his");
    assert!(store.session_by_token(token).unwrap().is_some());
    assert!(store.end_session(ann, id).unwrap());
    assert!(!store.end_session(ann, id).unwrap(), "it ended");
    assert_eq!(store.session_by_token(token).unwrap(), None);
    assert_eq!(store.sessions(ann).unwrap(), []);
}

pub(super) fn session_ids_are_never_given_twice(store: &dyn Store) {
    let ann = user(store);
    let first = session(store, ann, NOW);
    assert!(store.end_session(ann, first).unwrap());
    assert!(session(store, ann, NOW) > first);
}

/// The only case that reaches beyond its own users: its sessions are from long before those of all others.
pub(super) fn what_was_not_seen_expires_up_to_a_limit(store: &dyn Store) {
    let ann = user(store);
    let old: Vec<SessionId> = (1..=5).map(|at| session(store, ann, Timestamp(at))).collect();
    let fresh = session(store, ann, Timestamp(1));
    store.touch_sessions(&[(fresh, Timestamp(6))]).unwrap();
    assert_eq!(store.expire_sessions(Timestamp(5), 3).unwrap(), 3);
    assert_eq!(ids(store, ann).len(), 3);
    assert_eq!(store.expire_sessions(Timestamp(5), 3).unwrap(), 1);
    assert_eq!(store.expire_sessions(Timestamp(5), 3).unwrap(), 0);
    assert_eq!(ids(store, ann), [old[4], fresh], "seen at that moment is not before it");
    assert_eq!(store.expire_sessions(Timestamp(7), 0).unwrap(), 0);
    assert_eq!(store.expire_sessions(Timestamp(7), 100).unwrap(), 2);
    assert_eq!(ids(store, ann), []);
}

pub(super) fn living_are_those_that_have_not_ended(store: &dyn Store) {
    let [ann, bob] = users(store);
    let living = |asked: &[SessionId]| -> Vec<SessionId> {
        let mut living = store.living_sessions(asked).unwrap();
        living.sort_unstable();
        living
    };
    let [ended, crowded, kept] =
        [session(store, ann, NOW), session(store, ann, NOW), session(store, ann, NOW)];
    let bobs = session(store, bob, NOW);
    let unknown = SessionId(bobs.0 + 1_000_000_000);
    assert_eq!(living(&[bobs, unknown, ended, crowded, kept, SessionId(0)]), [ended, crowded, kept, bobs]);
    assert!(store.end_session(ann, ended).unwrap());
    let (newest, made_room) = open(store, ann, after_now(1), 2);
    assert_eq!(made_room, [crowded]);
    assert_eq!(living(&[newest, ended, crowded, kept, bobs]), [kept, bobs, newest]);
    assert_eq!(living(&[kept, kept, ended, kept]), [kept], "each once");
    assert_eq!(living(&[ended, unknown]), []);
    assert_eq!(living(&[]), []);
}

pub(super) fn a_thousand_sessions_at_once(store: &dyn Store) {
    let ann = user(store);
    let [first, last] = [session(store, ann, NOW), session(store, ann, NOW)];
    let far = last.0 + 1_000_000_000;
    let mut asked: Vec<SessionId> = (far..far + 998).map(SessionId).collect();
    asked.insert(0, last);
    asked.push(first);
    let mut living = store.living_sessions(&asked).unwrap();
    living.sort_unstable();
    assert_eq!(living, [first, last]);
}
