//! A10: finding users.

use protocol::{Code, EditProfile, FoundUser};

use crate::support::{Peer, Server, Store, befriend, on_each_store, register, user};

on_each_store! {
    a10_users_are_found_by_id_name_and_nickname,
    a10_who_opts_out_is_not_found,
    a10_pages_show_each_user_once,
    a10_bad_queries_are_refused,
}

fn names(peer: &mut Peer, query: &str) -> Vec<String> {
    let page = peer.search_users(query, 0, 0).expect("a page");
    page.found.into_iter().map(|user| user.name).collect()
}

fn a10_users_are_found_by_id_name_and_nickname(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "Alice"), user(&server, "bob"));
    for name in ["alan", "alan 100%", "al_x", "张三", "Robert'); DROP TABLE users"] {
        register(&server, name);
    }
    let avatar = Some("https://a.example/b.png".to_owned());
    bob.edit_profile(EditProfile { nickname: Some("Ålesund".into()), avatar, ..EditProfile::default() })
        .expect("edited");
    assert_eq!(names(&mut alice, "AL"), ["al_x", "alan", "alan 100%", "Alice"]);
    assert_eq!(names(&mut alice, "alan 1"), ["alan 100%"]);
    assert_eq!(names(&mut alice, "al_"), ["al_x"], "a character like any other");
    assert_eq!(names(&mut alice, "%a"), [""; 0]);
    assert_eq!(names(&mut alice, "张"), ["张三"]);
    assert_eq!(names(&mut alice, "robert'); drop"), ["Robert'); DROP TABLE users"]);
    let found = FoundUser {
        id: bob.id,
        name: "bob".into(),
        nickname: "Ålesund".into(),
        avatar: "https://a.example/b.png".into(),
    };
    for query in ["ÅLES", "bob", &bob.id.to_string()] {
        assert_eq!(
            alice.search_users(query, 0, 0).expect("a page").found,
            std::slice::from_ref(&found),
            "{query}"
        );
    }
    assert_eq!(names(&mut alice, "999999999"), [""; 0]);
}

fn a10_who_opts_out_is_not_found(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bobby"));
    befriend(&mut alice, &mut bob);
    let id = bob.id.to_string();
    let hide = |bob: &mut Peer, searchable| {
        bob.edit_profile(EditProfile {
            searchable: Some(searchable),
            nickname: Some("Robbie".into()),
            ..EditProfile::default()
        })
        .expect("edited");
    };
    hide(&mut bob, false);
    for query in ["bob", "bobby", "robbie", &id] {
        assert_eq!(names(&mut alice, query), [""; 0], "{query}");
    }
    assert_eq!(alice.friends(0, 0).expect("a page").friends.len(), 1, "a friend all the same");
    hide(&mut bob, true);
    for query in ["bob", "robbie", &id] {
        assert_eq!(names(&mut alice, query), ["bobby"], "{query}");
    }
}

fn a10_pages_show_each_user_once(store: Store) {
    let server = Server::on(store);
    let mut alice = user(&server, "alice");
    let mut expected: Vec<String> = (0..9).map(|n| format!("page {n}")).collect();
    for name in expected.iter().rev() {
        register(&server, name);
    }
    let mut called = user(&server, "otherwise");
    called
        .edit_profile(EditProfile { nickname: Some("Page X".into()), ..EditProfile::default() })
        .expect("edited");
    expected.push("otherwise".into());
    for limit in [1, 2, 3, 9, 10, 11] {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let page = alice.search_users("PAGE", after, limit).expect("a page");
            assert!(page.found.len() <= limit as usize);
            all.extend(page.found.into_iter().map(|user| user.name));
            match page.next {
                0 => break,
                next => after = next,
            }
        }
        assert_eq!(all, expected, "pages of {limit}");
    }
}

fn a10_bad_queries_are_refused(store: Store) {
    let server = Server::on(store);
    let mut alice = user(&server, "alice");
    for query in ["", " ", "a", "_", "%", "\0\0", "ab\u{202e}", &"x".repeat(33), &"x".repeat(10_000)] {
        let refusal = alice.search_users(query, 0, 0).expect_err("refused");
        assert_eq!(
            (refusal.code, refusal.body.field.as_deref()),
            (Code::BAD_FIELD, Some("query")),
            "{query:?}"
        );
    }
    for wrong in [r#"{}"#, r#"{"query":5}"#, r#"{"query":"ab","after":"x"}"#, r#"{"query":"ab","limit":-1}"#]
    {
        let rid = alice.send_body(53, wrong.as_bytes());
        assert_eq!(alice.reply(rid).expect_err(wrong).code, Code::BAD_BODY, "{wrong}");
    }
    assert_eq!(names(&mut alice, &"x".repeat(32)), [""; 0]);
}
