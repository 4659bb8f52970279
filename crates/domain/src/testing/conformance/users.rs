//! Users and their credentials.

use super::cast::{NOW, register, two_friends, unique, user, users};
use crate::{Account, NewUser, Store, Timestamp, User, UserId};

pub(super) fn a_name_key_is_taken_once(store: &dyn Store) {
    let key = unique("ann");
    let ann = register(store, "Ann", &key);
    assert!(ann.is_some());
    assert_eq!(register(store, "ANN", &key), None);
    assert_eq!(register(store, "Ann", &key), None);
    assert!(register(store, "Ann", &unique("ann")).is_some(), "only the unique form is unique");
    assert_eq!(store.credentials(Account::NameKey(&key)).unwrap().unwrap().user.name, "Ann");
}

pub(super) fn name_keys_are_compared_byte_by_byte(store: &dyn Store) {
    let base = unique("e");
    let keys = [
        base.clone(),
        format!("{base} "),
        format!("{base}  "),
        format!(" {base}"),
        format!("{base}\0"),
        format!("{base}\t"),
        base.to_uppercase(),
        base.replace('e', "é"),
        base.replace('e', "e\u{301}"),
        base.replace('e', "ё"),
        base.replace('e', "🦀"),
        base.replace('e', "🐙"),
        base.replace('e', "ß"),
        base.replace('e', "ss"),
    ];
    let ids: Vec<UserId> = keys
        .iter()
        .map(|key| register(store, key, key).unwrap_or_else(|| panic!("{key:?} equals another key")))
        .collect();
    for (key, id) in keys.iter().zip(ids) {
        let found = store.credentials(Account::NameKey(key)).unwrap().unwrap().user;
        assert_eq!(found, User { id, name: key.clone(), ..User::default() });
        assert_eq!(register(store, key, key), None, "{key:?} is taken now");
    }
}

pub(super) fn users_are_found_by_id(store: &dyn Store) {
    let [ann, bob, _other] = users(store);
    let mut found = store.users(&[bob, UserId(0), ann, UserId(bob.0 + 1_000_000_000)]).unwrap();
    found.sort_by_key(|user| user.id);
    assert_eq!(found.iter().map(|user| user.id).collect::<Vec<_>>(), [ann, bob]);
    assert_eq!(store.users(&[]).unwrap(), []);
}

pub(super) fn a_thousand_ids_at_once(store: &dyn Store) {
    let ann = user(store);
    let mut ids: Vec<UserId> = (0..999).map(|n| UserId(ann.0 + 1_000_000_000 + n)).collect();
    ids.insert(500, ann);
    let found = store.users(&ids).unwrap();
    assert_eq!(found.iter().map(|user| user.id).collect::<Vec<_>>(), [ann]);
}

/// When a friend was last seen, by the list of the other.
fn last_seen(store: &dyn Store, user: UserId, friend: UserId) -> Timestamp {
    let friends = store.friends(user, UserId(0), 1_000).unwrap();
    friends.into_iter().find(|listed| listed.user.id == friend).expect("a friend").last_seen
}

pub(super) fn last_seen_never_moves_back(store: &dyn Store) {
    let (ann, bob, _) = two_friends(store);
    assert_eq!(last_seen(store, ann, bob), Timestamp(0), "never");
    let at = |ms| Timestamp(NOW.0 + ms);
    store.note_last_seen(&[]).unwrap();
    store.note_last_seen(&[(bob, at(5))]).unwrap();
    assert_eq!(last_seen(store, ann, bob), at(5));
    store.note_last_seen(&[(bob, at(3))]).unwrap();
    assert_eq!(last_seen(store, ann, bob), at(5));
    let nobody = [0, ann.0 + 1_000_000_000, crate::NUMBER_MAX, u64::MAX].map(UserId);
    let mut seen: Vec<_> = nobody.into_iter().map(|user| (user, at(9))).collect();
    seen.extend([(bob, at(8)), (bob, at(7)), (ann, at(2))]);
    store.note_last_seen(&seen).unwrap();
    assert_eq!(last_seen(store, ann, bob), at(8), "the latest of several");
    assert_eq!(last_seen(store, bob, ann), at(2));
}

pub(super) fn a_thousand_are_seen_at_once(store: &dyn Store) {
    let (ann, bob, _) = two_friends(store);
    let mut seen: Vec<_> = (0..999).map(|n| (UserId(ann.0 + 1_000_000_000 + n), NOW)).collect();
    seen.insert(500, (bob, NOW));
    store.note_last_seen(&seen).unwrap();
    assert_eq!(last_seen(store, ann, bob), NOW);
}

pub(super) fn credentials_by_id_and_by_name_key(store: &dyn Store) {
    let (name, key) = (unique("Ann"), unique("ann"));
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let new = NewUser { name: &name, name_key: &key, password_hash: hash, recovery_codes: &[], at: NOW };
    let id = store.create_user(&new).unwrap().unwrap();
    for account in [Account::Id(id), Account::NameKey(&key)] {
        let found = store.credentials(account).unwrap().unwrap();
        assert_eq!(found.user, User { id, name: name.clone(), ..User::default() });
        assert_eq!(found.password_hash, hash);
    }
}

pub(super) fn unknown_accounts_have_no_credentials(store: &dyn Store) {
    let ann = user(store);
    for account in [
        Account::Id(UserId(0)),
        Account::Id(UserId(ann.0 + 1_000_000_000)),
        Account::NameKey(""),
        Account::NameKey(&unique("nobody")),
    ] {
        assert!(store.credentials(account).unwrap().is_none(), "{account:?}");
    }
}
