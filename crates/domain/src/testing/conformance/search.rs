//! Searching users.

use super::cast::{register, unique};
use crate::{ProfileEdit, Store, UserId, UserSearch};

/// The beginning of names that no other case uses, and the least text above them.
struct Prefix {
    text: String,
    below: String,
}

impl Prefix {
    fn new() -> Prefix {
        // A comma comes before a minus.
        let base = unique("search");
        Prefix { text: format!("{base},"), below: format!("{base}-") }
    }

    fn user(&self, store: &dyn Store, rest: &str) -> UserId {
        let name = format!("{}{rest}", self.text);
        register(store, &name, &name).expect("a free name")
    }

    fn page(&self, store: &dyn Store, by: UserId, after: Option<UserId>, limit: u32) -> Vec<UserId> {
        let search = UserSearch { prefix: &self.text, below: &self.below, after };
        let found = store.search_users(by, &search, limit).unwrap();
        for user in &found {
            assert_eq!(store.users(&[user.id]).unwrap(), std::slice::from_ref(user));
        }
        found.into_iter().map(|user| user.id).collect()
    }

    fn call(&self, store: &dyn Store, user: UserId, rest: &str) {
        let nickname = format!("{}{rest}", self.text);
        edit(store, user, ProfileEdit { nickname: Some((&nickname, &nickname)), ..ProfileEdit::default() });
    }
}

fn edit(store: &dyn Store, user: UserId, edit: ProfileEdit<'_>) {
    assert!(store.edit_profile(user, &edit).unwrap().is_some());
}

fn stranger(store: &dyn Store) -> UserId {
    super::cast::user(store)
}

pub(super) fn users_are_found_by_the_beginning_of_name_and_nickname(store: &dyn Store) {
    let by = stranger(store);
    let prefix = Prefix::new();
    assert_eq!(prefix.page(store, by, None, 10), []);
    let [b, a] = ["b", "a"].map(|rest| prefix.user(store, rest));
    let [other, another, neither] = [(); 3].map(|()| stranger(store));
    prefix.call(store, other, "z");
    prefix.call(store, another, "a");
    // Both fit: found once, by the name.
    prefix.call(store, b, "0");
    edit(store, neither, ProfileEdit { nickname: Some(("x", "x")), ..ProfileEdit::default() });
    assert_eq!(prefix.page(store, by, None, 10), [a, b, another, other]);
    assert_eq!(prefix.page(store, a, None, 10), [a, b, another, other], "whoever asks");
    assert_eq!(prefix.page(store, by, None, 0), []);
    edit(store, other, ProfileEdit { nickname: Some(("", "")), ..ProfileEdit::default() });
    assert_eq!(prefix.page(store, by, None, 10), [a, b, another], "called otherwise now");
}

pub(super) fn who_does_not_want_to_be_found_is_not(store: &dyn Store) {
    let by = stranger(store);
    let prefix = Prefix::new();
    let [a, b, c] = ["a", "b", "c"].map(|rest| prefix.user(store, rest));
    let d = stranger(store);
    prefix.call(store, d, "d");
    let hide = |user, searchable| {
        edit(store, user, ProfileEdit { searchable: Some(searchable), ..ProfileEdit::default() });
    };
    hide(b, false);
    hide(d, false);
    assert_eq!(prefix.page(store, by, None, 10), [a, c]);
    assert_eq!(prefix.page(store, by, None, 2), [a, c], "a page is not shorter for it");
    assert_eq!(prefix.page(store, by, Some(a), 1), [c]);
    hide(b, true);
    hide(d, true);
    assert_eq!(prefix.page(store, by, None, 10), [a, b, c, d]);
}

pub(super) fn pages_go_on_after_the_last_user(store: &dyn Store) {
    let by = stranger(store);
    let prefix = Prefix::new();
    let mut expected: Vec<UserId> = (0..7).rev().map(|n| prefix.user(store, &n.to_string())).collect();
    expected.reverse();
    // The same nickname for several: by id.
    for n in 0..4 {
        let user = stranger(store);
        prefix.call(store, user, if n == 3 { "y" } else { "x" });
        expected.push(user);
    }
    for limit in 1..=12 {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = prefix.page(store, by, after, limit);
            let Some(last) = page.last() else { break };
            after = Some(*last);
            all.extend(page);
        }
        assert_eq!(all, expected, "pages of {limit}");
    }
}

pub(super) fn a_page_goes_on_after_who_is_not_found_any_more(store: &dyn Store) {
    let by = stranger(store);
    let prefix = Prefix::new();
    let [a, b] = ["a", "b"].map(|rest| prefix.user(store, rest));
    let called = stranger(store);
    prefix.call(store, called, "c");
    edit(store, a, ProfileEdit { searchable: Some(false), ..ProfileEdit::default() });
    for gone in [a, by, UserId(0), UserId(called.0 + 1_000_000_000), UserId(u64::MAX)] {
        assert_eq!(prefix.page(store, by, Some(gone), 10), [called], "{gone}");
    }
    assert_eq!(prefix.page(store, by, None, 10), [b, called]);
}

pub(super) fn prefixes_are_compared_byte_by_byte_and_mean_themselves(store: &dyn Store) {
    let by = stranger(store);
    let base = unique("like");
    for (name, prefix, below, fits) in [
        ("%a", "%", "&", true),
        ("xa", "%", "&", false),
        ("_a", "_", "`", true),
        ("xb", "_", "`", false),
        ("\\a", "\\", "]", true),
        ("'; DROP TABLE users; --", "'; ", "';!", true),
        ("é1", "é", "ê", true),
        ("e2", "é", "ê", false),
        ("小明", "小", "尐", true),
        ("大明", "小", "尐", false),
        ("A", "a", "b", false),
    ] {
        let name = format!("{base}{name}");
        let user = register(store, &name, &name).expect("a free name");
        let (prefix, below) = (format!("{base}{prefix}"), format!("{base}{below}"));
        let search = UserSearch { prefix: &prefix, below: &below, after: None };
        let found = store.search_users(by, &search, 1_000).unwrap();
        assert_eq!(found.iter().any(|found| found.id == user), fits, "{name:?} by {prefix:?}");
    }
}
