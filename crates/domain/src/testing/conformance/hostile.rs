//! Texts that break what was not careful, and numbers that no store can hold.

use super::cast::{
    BIG_PAGE, Joined, Left, MANY_FRIENDS, MANY_MEMBERS, NOW, PASSWORD_HASH, befriend, group, join_group,
    leave_group, log, message, register, say, two_friends, unique, unique_token, user, users,
};
use crate::{
    Account, AppendRefused, ConversationFilter, ConversationId, Created, Cursor, GroupId, NUMBER_MAX,
    NewGroup, NewSession, Progress, Requested, Seq, SessionId, Store, UserId, Window,
};

/// Short enough for every field.
pub(super) const TEXTS: &[&str] = &[
    "%s%n%d%%",
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    "\"double\" `back` \\slash\\",
    "\\",
    "a\0b\0",
    "\0",
    "_%like[a-z]_",
    "  spaces around  ",
    "tab\tline\nreturn\r\n",
    "\u{1}\u{1b}[31m\u{7f}",
    "🦀👩‍👩‍👧‍👦\u{10FFFF}",
    "e\u{301} é ё ß İ",
    "\u{feff}bom \u{202e}rtl\u{200b}",
    "?1 :name @x $1 {}",
    "NULL",
    "0x41",
    "",
];

pub(super) fn texts_come_back_as_they_were(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    for text in TEXTS {
        say(store, conversation, ann, text);
    }
    let said: Vec<String> = log(store, conversation).into_iter().map(|message| message.body).collect();
    assert_eq!(said, TEXTS);
}

pub(super) fn names_come_back_as_they_were(store: &dyn Store) {
    for text in TEXTS {
        let key = format!("{text}{}", unique(""));
        let name: String = text.chars().take(32).collect();
        let id = register(store, &name, &key).unwrap();
        assert_eq!(register(store, &name, &key), None, "{text:?}");
        let found = store.credentials(Account::NameKey(&key)).unwrap().unwrap().user;
        assert_eq!((found.id, found.name), (id, name.clone()));
        assert_eq!(store.users(&[id]).unwrap()[0].name, name);
    }
}

pub(super) fn short_texts_come_back_as_they_were(store: &dyn Store) {
    let ann = user(store);
    for text in TEXTS {
        let bob = user(store);
        store.request_friend(bob, ann, text, NOW, MANY_FRIENDS).unwrap();
        assert_eq!(store.friend_requests(bob, UserId(0), 1).unwrap()[0].greeting, *text);

        let token = unique_token();
        store
            .create_session(
                &NewSession {
                    user: bob,
                    password_hash: PASSWORD_HASH,
                    token,
                    device: text,
                    at: NOW,
                    notices: None,
                    broadcasts: None,
                },
                10,
            )
            .unwrap()
            .expect("the password holds");
        assert_eq!(store.session_by_token(token).unwrap().unwrap().session.device, *text);

        let new = NewGroup { owner: bob, name: text, description: text, at: NOW };
        let Created::Group(id) = store.create_group(&new, MANY_MEMBERS).unwrap() else { panic!("has room") };
        let group = store.group(id).unwrap().unwrap();
        assert_eq!((group.name.as_str(), group.description.as_str()), (*text, *text));
    }
}

pub(super) fn long_texts_come_back_as_they_were(store: &dyn Store) {
    let [ann, bob] = users(store);
    let conversation = befriend(store, ann, bob);
    let texts = [
        "x".repeat(64 * 1024),
        "🦀".repeat(16 * 1024),
        "\0".repeat(64 * 1024),
        "'".repeat(64 * 1024 - 1),
        "é\n".repeat(20_000),
    ];
    for text in &texts {
        say(store, conversation, ann, text);
    }
    let said = log(store, conversation);
    assert_eq!(said.len(), texts.len());
    for (message, text) in said.iter().zip(&texts) {
        assert!(message.body == *text, "{} bytes came back as {}", text.len(), message.body.len());
    }
    // The longest that the wire format lets through, in characters of four bytes.
    let (name, description, device) = ("🦀".repeat(50), "🦀".repeat(200), "🦀".repeat(64));
    let key = format!("{}{}", unique(""), "🦀".repeat(32));
    let cho = register(store, &"🦀".repeat(32), &key).unwrap();
    assert_eq!(store.users(&[cho]).unwrap()[0].name, "🦀".repeat(32));
    let new = NewGroup { owner: cho, name: &name, description: &description, at: NOW };
    let Created::Group(id) = store.create_group(&new, MANY_MEMBERS).unwrap() else { panic!("has room") };
    let group = store.group(id).unwrap().unwrap();
    assert_eq!((group.name, group.description), (name, description.clone()));
    store.request_friend(cho, ann, &description, NOW, MANY_FRIENDS).unwrap();
    assert_eq!(store.friend_requests(cho, UserId(0), 1).unwrap()[0].greeting, description);
    let session = NewSession {
        user: cho,
        password_hash: PASSWORD_HASH,
        token: unique_token(),
        device: &device,
        at: NOW,
        notices: None,
        broadcasts: None,
    };
    store.create_session(&session, 1).unwrap().expect("the password holds");
    assert_eq!(store.sessions(cho).unwrap()[0].device, device);
}

pub(super) fn numbers_too_large_name_nothing(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    let mine = group(store, ann);
    say(store, conversation, ann, "one");
    for number in [NUMBER_MAX, NUMBER_MAX + 1, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        let (user, id, grp) = (UserId(number), ConversationId(number), GroupId(number));
        let friend_page = |after| store.friends(ann, after, 10).unwrap().len();
        assert_eq!(store.users(&[user, ann]).unwrap().len(), 1, "{number}");
        assert!(store.credentials(Account::Id(user)).unwrap().is_none(), "{number}");
        assert_eq!(store.sessions(user).unwrap(), []);
        store.touch_sessions(&[(SessionId(number), NOW)]).unwrap();
        assert!(!store.end_session(ann, SessionId(number)).unwrap());
        assert!(!store.end_session(user, SessionId(1)).unwrap());
        let asked = store.request_friend(ann, user, "", NOW, MANY_FRIENDS).unwrap();
        assert_eq!(asked, Requested::NoSuchUser, "{number}");
        assert!(!store.withdraw_friend(ann, user).unwrap());
        assert!(store.delete_friend(ann, user, NOW).unwrap().is_none());
        assert_eq!(store.friendship(ann, user).unwrap(), None);
        assert_eq!(friend_page(user), 0);
        assert_eq!(friend_page(UserId(0)), 1);
        assert_eq!(store.friend_ids(user).unwrap(), []);
        assert_eq!(store.friend_requests(ann, user, 10).unwrap(), []);
        assert_eq!(store.group(grp).unwrap(), None);
        assert_eq!(join_group(store, grp, ann, MANY_MEMBERS), Joined::NoSuchGroup);
        assert_eq!(leave_group(store, grp, ann), Left::NotMember);
        assert_eq!(leave_group(store, mine, user), Left::NotMember);
        assert_eq!(store.membership(grp, ann).unwrap(), None);
        assert_eq!(store.groups(ann, grp, 10).unwrap(), []);
        assert_eq!(store.members(mine, user, 10).unwrap(), []);
        assert_eq!(store.roster(grp).unwrap().members, []);
        let appended = store.append(&[message(id, ann, "x"), message(conversation, ann, "y")]).unwrap();
        assert_eq!(appended[0], Err(AppendRefused::NoSuchConversation));
        assert_eq!(store.find_message(user, "x").unwrap(), None);
        let last = appended[1].unwrap().seq;
        let page = |since, window| store.page(conversation, since, window, BIG_PAGE).unwrap().len() as u64;
        assert_eq!(page(Seq(0), Window::After(Seq(number))), 0);
        assert_eq!(page(Seq(0), Window::Before(Seq(number))), last.0);
        assert_eq!(page(Seq(number), Window::Newest), 0);
        assert_eq!(store.page(id, Seq(0), Window::Newest, BIG_PAGE).unwrap(), []);
        assert_eq!(store.conversation(ann, id).unwrap(), None);
        let list = store.conversations(ann, ConversationFilter::WithMessages, id, 10).unwrap();
        assert_eq!(list, []);
        let cursor =
            |user, conversation| Cursor { user, conversation, progress: Progress::read(Seq(number)) };
        store
            .advance_cursors(&[cursor(user, conversation), cursor(ann, id), cursor(bob, conversation)])
            .unwrap();
        assert_eq!(store.conversation(bob, conversation).unwrap().unwrap().acked, last, "{number}");
    }
}
