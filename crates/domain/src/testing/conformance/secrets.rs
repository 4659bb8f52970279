//! Passwords and recovery codes.

use super::cast::{NOW, PASSWORD_HASH, session, unique, unique_token, user, users};
use crate::{
    Account, CodeHash, NewSession, NewUser, PasswordChange, Recovered, Recovery, SessionId, Store, Timestamp,
    UserId, recovery_delay_ms,
};

pub(super) const NEW_HASH: &str = "$fake$1$other";

/// A code that no other case uses.
pub(super) fn unique_code() -> CodeHash {
    CodeHash(unique_token().0)
}

/// A user with so many codes.
pub(super) fn user_with_codes<const N: usize>(store: &dyn Store) -> (UserId, [CodeHash; N]) {
    let (name, codes) = (unique("u"), [(); N].map(|()| unique_code()));
    let new = NewUser {
        name: &name,
        name_key: &name,
        password_hash: PASSWORD_HASH,
        recovery_codes: &codes,
        at: NOW,
    };
    (store.create_user(&new).unwrap().expect("a unique name is free"), codes)
}

/// Tries a code at a time.
pub(super) fn recover(store: &dyn Store, user: UserId, code: CodeHash, at: Timestamp) -> Option<Recovered> {
    let account = Account::Id(user);
    store.recover(&Recovery { account, code, new_hash: NEW_HASH, at }).unwrap()
}

fn hash_of(store: &dyn Store, user: UserId) -> String {
    store.credentials(Account::Id(user)).unwrap().expect("credentials").password_hash
}

fn ids(store: &dyn Store, user: UserId) -> Vec<SessionId> {
    store.sessions(user).unwrap().into_iter().map(|session| session.id).collect()
}

pub(super) fn a_new_password_ends_the_other_sessions(store: &dyn Store) {
    let [ann, bob] = users(store);
    let [first, kept, last] = [(); 3].map(|()| session(store, ann, NOW));
    let bobs = session(store, bob, NOW);
    let change = PasswordChange { user: ann, old_hash: PASSWORD_HASH, new_hash: NEW_HASH, keep: kept };
    let mut ended = store.change_password(&change).unwrap().expect("the old password was right");
    ended.sort_unstable();
    assert_eq!(ended, [first, last]);
    assert_eq!(ids(store, ann), [kept]);
    assert_eq!(ids(store, bob), [bobs]);
    assert_eq!(hash_of(store, ann), NEW_HASH);
    assert_eq!(hash_of(store, bob), PASSWORD_HASH);
}

pub(super) fn only_the_one_who_knew_the_password_changes_it(store: &dyn Store) {
    let ann = user(store);
    let [asks, other] = [(); 2].map(|()| session(store, ann, NOW));
    let wrong = PasswordChange { user: ann, old_hash: "$fake$0$pW", new_hash: NEW_HASH, keep: asks };
    assert_eq!(store.change_password(&wrong).unwrap(), None);
    let nobody = PasswordChange { user: UserId(ann.0 + 1_000_000_000), old_hash: PASSWORD_HASH, ..wrong };
    assert_eq!(store.change_password(&nobody).unwrap(), None);
    assert_eq!(hash_of(store, ann), PASSWORD_HASH);
    assert_eq!(ids(store, ann), [asks, other]);
}

pub(super) fn an_old_password_begins_no_session(store: &dyn Store) {
    let ann = user(store);
    let kept = session(store, ann, NOW);
    let change = PasswordChange { user: ann, old_hash: PASSWORD_HASH, new_hash: NEW_HASH, keep: kept };
    assert_eq!(store.change_password(&change).unwrap(), Some(vec![]));
    let old = NewSession {
        user: ann,
        password_hash: PASSWORD_HASH,
        token: unique_token(),
        device: "late",
        at: NOW,
        notices: None,
        broadcasts: None,
    };
    // Its password was checked just before the change.
    assert_eq!(store.create_session(&old, 1).unwrap(), None);
    assert_eq!(ids(store, ann), [kept], "nobody made room for it");
    assert_eq!(store.session_by_token(old.token).unwrap(), None);
    let new = NewSession { password_hash: NEW_HASH, ..old };
    let (id, _) = store.create_session(&new, 10).unwrap().expect("the new password begins one");
    assert_eq!(ids(store, ann), [kept, id]);
}

pub(super) fn a_code_works_once(store: &dyn Store) {
    let (ann, [first, second]) = user_with_codes(store);
    let recovered = recover(store, ann, first, NOW).expect("a code");
    assert_eq!((recovered.user.id, recovered.codes_left), (ann, 1));
    assert_eq!(hash_of(store, ann), NEW_HASH);
    assert_eq!(recover(store, ann, first, NOW), None, "it was used");
    let later = Timestamp(NOW.0 + recovery_delay_ms(1));
    assert_eq!(recover(store, ann, second, later).expect("another code").codes_left, 0);
}

pub(super) fn a_recovery_ends_all_sessions(store: &dyn Store) {
    let (ann, [code]) = user_with_codes(store);
    let bob = user(store);
    let [one, other] = [(); 2].map(|()| session(store, ann, NOW));
    let bobs = session(store, bob, NOW);
    let mut ended = recover(store, ann, code, NOW).expect("a code").ended;
    ended.sort_unstable();
    assert_eq!(ended, [one, other]);
    assert_eq!((ids(store, ann), ids(store, bob)), (vec![], vec![bobs]));
}

pub(super) fn wrong_codes_make_wait(store: &dyn Store) {
    let (ann, [code, other]) = user_with_codes(store);
    let mut now = NOW;
    for failures in 1..=5 {
        assert_eq!(recover(store, ann, unique_code(), now), None);
        let until = Timestamp(now.0 + recovery_delay_ms(failures));
        let early = Timestamp(until.0 - 1);
        assert_eq!(recover(store, ann, code, early), None, "too early after {failures}");
        now = until;
    }
    // What came too early was not looked at: it is not used up and did not count.
    assert!(recover(store, ann, code, now).is_some());
    // Whoever had the right code begins anew.
    assert_eq!(recover(store, ann, unique_code(), now), None);
    assert!(recover(store, ann, other, Timestamp(now.0 + recovery_delay_ms(1))).is_some());
}

pub(super) fn nobody_recovers_nothing(store: &dyn Store) {
    let (ann, [code]) = user_with_codes(store);
    let nobody = unique("nobody");
    for account in [
        Account::Id(UserId(0)),
        Account::Id(UserId(ann.0 + 1_000_000_000)),
        Account::NameKey(&nobody),
        Account::NameKey(""),
    ] {
        let tried = Recovery { account, code, new_hash: NEW_HASH, at: NOW };
        assert_eq!(store.recover(&tried).unwrap(), None, "{account:?}");
        assert_eq!(store.recover(&tried).unwrap(), None, "{account:?} again");
    }
    let name = store.users(&[ann]).unwrap().remove(0).name;
    let by_name = Recovery { account: Account::NameKey(&name), code, new_hash: NEW_HASH, at: NOW };
    assert_eq!(store.recover(&by_name).unwrap().expect("her own").user.id, ann);
}

pub(super) fn new_codes_replace_all_old_ones(store: &dyn Store) {
    let (ann, [old]) = user_with_codes(store);
    let new = [(); 10].map(|()| unique_code());
    assert!(!store.replace_recovery_codes(ann, "$fake$0$pW", &new).unwrap());
    assert!(!store.replace_recovery_codes(UserId(ann.0 + 1_000_000_000), PASSWORD_HASH, &new).unwrap());
    assert!(store.replace_recovery_codes(ann, PASSWORD_HASH, &new).unwrap());
    assert_eq!(recover(store, ann, old, NOW), None);
    let later = Timestamp(NOW.0 + recovery_delay_ms(1));
    assert_eq!(recover(store, ann, new[9], later).expect("a new one").codes_left, 9);
}

pub(super) fn codes_of_others_are_wrong(store: &dyn Store) {
    let (ann, [anns]) = user_with_codes(store);
    let (bob, [bobs]) = user_with_codes(store);
    assert_eq!(recover(store, ann, bobs, NOW), None);
    assert_eq!(hash_of(store, ann), PASSWORD_HASH);
    assert!(recover(store, bob, bobs, NOW).is_some(), "it is there still");
    assert!(recover(store, ann, anns, Timestamp(NOW.0 + recovery_delay_ms(1))).is_some());
}
