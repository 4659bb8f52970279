//! Profiles.

use super::cast::{
    MANY_FRIENDS, NOW, PASSWORD_HASH, befriend, group, join, session, unique_token, user, users,
};
use super::hostile::TEXTS;
use crate::{Edited, NewSession, Profile, ProfileEdit, Shows, Store, User, UserId};

fn edit(store: &dyn Store, user: UserId, edit: ProfileEdit<'_>) -> Edited {
    store.edit_profile(user, &edit).unwrap().expect("the user is there")
}

fn profile(store: &dyn Store, user: UserId) -> Profile {
    store.profile(user).unwrap().expect("the user is there")
}

fn nickname(text: &str) -> ProfileEdit<'_> {
    ProfileEdit { nickname: Some((text, text)), ..ProfileEdit::default() }
}

pub(super) fn a_new_users_profile_is_empty(store: &dyn Store) {
    let ann = user(store);
    let shown = store.users(&[ann]).unwrap().remove(0);
    assert_eq!((shown.nickname.as_str(), shown.avatar.as_str()), ("", ""));
    let (signature, phone) = (String::new(), String::new());
    assert_eq!(profile(store, ann), Profile { user: shown, signature, phone, searchable: true });
}

pub(super) fn what_is_given_changes_and_the_rest_stays(store: &dyn Store) {
    let [ann, bob] = users(store);
    let edits = [
        ProfileEdit { nickname: Some(("Annie", "annie")), ..ProfileEdit::default() },
        ProfileEdit { signature: Some("climbs"), ..ProfileEdit::default() },
        ProfileEdit { avatar: Some("https://a.example/1.png"), ..ProfileEdit::default() },
        ProfileEdit { phone: Some("+1 555 0100"), ..ProfileEdit::default() },
        ProfileEdit { searchable: Some(false), ..ProfileEdit::default() },
    ];
    let name = store.users(&[ann]).unwrap().remove(0).name;
    let mut expected = Profile {
        user: User { id: ann, name, ..User::default() },
        signature: String::new(),
        phone: String::new(),
        searchable: true,
    };
    let changes: [fn(&mut Profile); 5] = [
        |profile| profile.user.nickname = "Annie".into(),
        |profile| profile.signature = "climbs".into(),
        |profile| profile.user.avatar = "https://a.example/1.png".into(),
        |profile| profile.phone = "+1 555 0100".into(),
        |profile| profile.searchable = false,
    ];
    for (given, change) in edits.into_iter().zip(changes) {
        let before = expected.user.clone();
        change(&mut expected);
        let shows = if before == expected.user { Shows::TheSame } else { Shows::Another };
        assert_eq!(edit(store, ann, given), Edited { profile: expected.clone(), shows });
        assert_eq!(profile(store, ann), expected);
        assert_eq!(edit(store, ann, given).shows, Shows::TheSame, "a repeat changes nothing");
    }
    assert_eq!(edit(store, ann, ProfileEdit::default()).profile, expected, "nothing given");
    let bare = ProfileEdit {
        nickname: Some(("", "")),
        signature: Some(""),
        avatar: Some(""),
        phone: Some(""),
        searchable: Some(true),
    };
    let after = edit(store, ann, bare);
    assert_eq!(after.shows, Shows::Another);
    assert_eq!((after.profile.signature.as_str(), after.profile.phone.as_str()), ("", ""));
    assert_eq!(profile(store, bob).user.nickname, "", "nobody else's changed");
}

pub(super) fn every_list_shows_the_nickname_and_avatar(store: &dyn Store) {
    let [ann, bob, cho] = users(store);
    befriend(store, ann, bob);
    store.request_friend(bob, cho, "", NOW, MANY_FRIENDS).unwrap();
    let shared = group(store, bob);
    join(store, shared, ann);
    let token = unique_token();
    store
        .create_session(
            &NewSession {
                user: bob,
                password_hash: PASSWORD_HASH,
                token,
                device: "test",
                at: NOW,
                notices: None,
                broadcasts: None,
            },
            10,
        )
        .unwrap()
        .expect("the password holds");
    session(store, ann, NOW);
    let given = ProfileEdit { nickname: Some(("B.", "b.")), avatar: Some("b.png"), ..ProfileEdit::default() };
    let shown = edit(store, bob, given).profile.user;
    assert_eq!((shown.nickname.as_str(), shown.avatar.as_str()), ("B.", "b.png"));
    assert_eq!(store.users(&[bob]).unwrap(), std::slice::from_ref(&shown));
    assert_eq!(store.friends(ann, UserId(0), 10).unwrap()[0].user, shown);
    assert_eq!(store.friend_requests(cho, UserId(0), 10).unwrap()[0].other, shown);
    let members = store.members(shared, UserId(0), 10).unwrap();
    assert_eq!(
        members.into_iter().map(|member| member.user).find(|user| user.id == bob),
        Some(shown.clone())
    );
    assert_eq!(store.session_by_token(token).unwrap().unwrap().user, shown);
    let credentials = store.credentials(crate::Account::Id(bob)).unwrap().unwrap();
    assert_eq!(credentials.user, shown);
}

pub(super) fn friends_lists_count_changes_of_what_they_show(store: &dyn Store) {
    let [low, ann, high, stranger] = users(store);
    befriend(store, low, ann);
    befriend(store, high, ann);
    let versions = || [low, ann, high, stranger].map(|user| store.friends_version(user).unwrap());
    let mut expected = versions();
    let shown = [
        nickname("one"),
        nickname("two"),
        ProfileEdit { avatar: Some("a.png"), ..ProfileEdit::default() },
        ProfileEdit { nickname: Some(("", "")), avatar: Some(""), ..ProfileEdit::default() },
    ];
    for given in shown {
        edit(store, ann, given);
        expected[0] += 1;
        expected[2] += 1;
        assert_eq!(versions(), expected);
    }
    let not_shown = [
        nickname(""),
        ProfileEdit { signature: Some("new"), ..ProfileEdit::default() },
        ProfileEdit { phone: Some("1"), ..ProfileEdit::default() },
        ProfileEdit { searchable: Some(false), ..ProfileEdit::default() },
    ];
    for given in not_shown {
        assert_eq!(edit(store, ann, given).shows, Shows::TheSame);
        assert_eq!(versions(), expected, "{:?}", given.signature);
    }
    assert!(store.delete_friend(ann, high, NOW).unwrap().is_some());
    let mut expected = versions();
    edit(store, ann, nickname("three"));
    expected[0] += 1;
    assert_eq!(versions(), expected, "whoever is no friend any more sees nothing of it");
}

pub(super) fn nobody_has_no_profile(store: &dyn Store) {
    let ann = user(store);
    for number in [0, ann.0 + 1_000_000_000, crate::NUMBER_MAX, i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(store.profile(UserId(number)).unwrap(), None, "{number}");
        assert_eq!(store.edit_profile(UserId(number), &nickname("x")).unwrap(), None, "{number}");
        assert_eq!(store.friends_version(UserId(number)).unwrap(), 0, "{number}");
    }
}

pub(super) fn hostile_and_longest_texts_come_back_as_they_were(store: &dyn Store) {
    let ann = user(store);
    let longest = ["🦀".repeat(32), "🦀".repeat(64)];
    let texts = TEXTS.iter().copied().chain(longest.iter().map(String::as_str));
    for text in texts {
        let given = ProfileEdit {
            nickname: Some((text, text)),
            signature: Some(text),
            avatar: Some(text),
            phone: Some(text),
            searchable: None,
        };
        edit(store, ann, given);
        let read = profile(store, ann);
        assert_eq!(read.user.nickname, text);
        assert_eq!(read.user.avatar, text);
        assert_eq!(read.signature, text);
        assert_eq!(read.phone, text);
    }
    let signature = "🦀".repeat(200);
    edit(store, ann, ProfileEdit { signature: Some(&signature), ..ProfileEdit::default() });
    assert_eq!(profile(store, ann).signature, signature);
    assert!(
        !format!("{:?}", edit(store, ann, ProfileEdit { phone: Some("0555-77"), ..ProfileEdit::default() }))
            .contains("0555")
    );
}

/// Friends of each other edit at the same moment, each counting in all the others' rows.
pub(super) fn profiles_of_many_friends_change_at_once(store: &dyn Store) {
    const EDITS: u64 = 5;
    let all: [UserId; 6] = users(store);
    for (n, one) in all.iter().enumerate() {
        for other in &all[n + 1..] {
            befriend(store, *one, *other);
        }
    }
    let before = all.map(|user| store.friends_version(user).unwrap());
    std::thread::scope(|scope| {
        for user in all {
            scope.spawn(move || {
                for n in 0..EDITS {
                    edit(store, user, nickname(&format!("edit {n}")));
                }
            });
        }
    });
    let others = all.len() as u64 - 1;
    for (user, before) in all.into_iter().zip(before) {
        assert_eq!(store.friends_version(user).unwrap(), before + others * EDITS);
    }
}
