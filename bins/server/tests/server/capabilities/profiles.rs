//! A8: what users tell of themselves.

use protocol::{Code, EditProfile, FriendChanged, Profile, ProfileOf, Request, Secret};

use crate::support::{Options, Peer, Server, Store, friends, hello, log_in, on_each_store, user};

on_each_store! {
    a8_a_profile_is_edited_and_seen_by_others,
    a8_friends_and_own_devices_hear_of_a_new_nickname,
    a8_messages_name_their_sender_by_nickname,
    a8_what_is_private_stays_private,
    a8_bad_fields_are_refused_and_change_nothing,
    a8_a_profile_outlives_the_server,
}

fn nickname(text: &str) -> EditProfile {
    EditProfile { nickname: Some(text.into()), ..EditProfile::default() }
}

fn everything() -> EditProfile {
    EditProfile {
        nickname: Some("Ali 🧗 小".into()),
        signature: Some("Robert'); DROP TABLE users;-- 100%".into()),
        avatar: Some("https://pictures.example/a'b.png?size=64&x=%20".into()),
        phone: Some(Secret::new("+1 555 0100")),
        searchable: Some(false),
    }
}

fn a8_a_profile_is_edited_and_seen_by_others(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let fresh = alice.profile(None).expect("a profile");
    assert_eq!((fresh.id, fresh.name.as_str(), fresh.nickname.as_str()), (alice.id, "alice", ""));
    assert_eq!(fresh.searchable, Some(true));
    let own = alice.edit_profile(everything()).expect("edited");
    let EditProfile { nickname, signature, avatar, phone, searchable } = everything();
    let expected = Profile {
        id: alice.id,
        name: "alice".into(),
        nickname: nickname.expect("one"),
        signature: signature.expect("one"),
        avatar: avatar.expect("one"),
        phone,
        searchable,
    };
    assert_eq!((own, alice.profile(None).expect("one's own")), (expected.clone(), expected.clone()));
    let public = Profile { phone: None, searchable: None, ..expected };
    for _ in 0..2 {
        assert_eq!(bob.profile(Some(alice.id)).expect("hers"), public);
    }
    alice
        .edit_profile(EditProfile { nickname: Some("".into()), ..EditProfile::default() })
        .expect("taken away");
    let seen = bob.profile(Some(alice.id)).expect("hers");
    assert_eq!(seen, Profile { nickname: String::new(), ..public }, "the rest stays, and is seen at once");
    assert_eq!(bob.refused(&Request::Profile(ProfileOf { id: Some(999_999) })), Code::NOT_FOUND);
}

fn a8_friends_and_own_devices_hear_of_a_new_nickname(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut desk = log_in(&server, "alice", "desk");
    let mut carol = user(&server, "carol");
    alice.edit_profile(nickname("Al")).expect("edited");
    let told = FriendChanged {
        id: alice.id,
        nickname: Some("Al".into()),
        avatar: Some(String::new()),
        ..FriendChanged::default()
    };
    assert_eq!((bob.friend_changed(), desk.friend_changed()), (told.clone(), told));
    assert_eq!((alice.pushes_so_far(), carol.pushes_so_far()), (vec![], vec![]));
    let listed = bob.friends(0, 0).expect("a page").friends.remove(0);
    assert_eq!((listed.name.as_str(), listed.nickname.as_str(), listed.conv), ("alice", "Al", conv));
    alice
        .edit_profile(EditProfile { signature: Some("x".into()), ..EditProfile::default() })
        .expect("edited");
    bob.ping().expect("alive");
    assert_eq!(bob.pushes_so_far(), [], "no list shows a signature");
    // A request and a group show it as well.
    carol.add_friend(alice.id, "").expect("asked");
    assert_eq!(carol.friend_requests(0, 0).expect("a page").requests[0].nickname, "Al");
    let group = bob.create_group("g", "").expect("a group").group.id;
    alice.join_group(group).expect("in");
    assert_eq!(bob.told().1.by_name, "Al");
    let members = bob.group_members(group, 0, 0).expect("a page").users;
    assert_eq!(members[0].nickname, "Al");
}

fn a8_messages_name_their_sender_by_nickname(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    alice.say(bob.id, "before");
    assert_eq!(bob.message().name, "alice");
    alice.edit_profile(nickname("Al")).expect("edited");
    alice.say(bob.id, "after");
    assert_eq!(bob.message().name, "Al");
    assert!(bob.read_all(conv, 0).iter().all(|message| message.name == "Al"));
}

fn a8_what_is_private_stays_private(store: Store) {
    let server = Server::start(Options::on(store).logging("trace"));
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    alice
        .edit_profile(EditProfile { phone: Some(Secret::new("0555-778899")), ..nickname("Al") })
        .expect("edited");
    bob.friend_changed();
    let seen = [
        format!("{:?}", bob.profile(Some(alice.id)).expect("hers")),
        format!("{:?}", bob.friends(0, 0).expect("a page")),
    ];
    assert!(seen.iter().all(|seen| seen.contains("phone: None") || !seen.contains("phone")), "{seen:?}");
    assert_eq!(bob.profile(Some(alice.id)).expect("hers").phone, None);
    alice.refused(&Request::EditProfile(EditProfile {
        phone: Some(Secret::new("0555-778899 x")),
        ..EditProfile::default()
    }));
    let log = server.log();
    assert!(!log.contains("0555-778899"), "a phone number stands in the log");
}

fn a8_bad_fields_are_refused_and_change_nothing(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let before = alice.edit_profile(everything()).expect("edited");
    bob.friend_changed();
    let none = EditProfile::default;
    let bad = [
        ("nickname", nickname(&"x".repeat(33))),
        ("nickname", nickname("\u{202e}evil")),
        ("nickname", nickname("a\0b")),
        ("nickname", nickname("007")),
        ("signature", EditProfile { signature: Some("x".repeat(201)), ..none() }),
        ("signature", EditProfile { signature: Some("a\nb".into()), ..none() }),
        ("avatar", EditProfile { avatar: Some("x".repeat(201)), ..none() }),
        ("avatar", EditProfile { avatar: Some("javascript:\"x\"".into()), ..none() }),
        ("phone", EditProfile { phone: Some(Secret::new("5".repeat(33))), ..none() }),
        ("phone", EditProfile { phone: Some(Secret::new("' OR 1=1")), ..none() }),
    ];
    for (field, edit) in bad {
        let refusal = alice.edit_profile(EditProfile { searchable: Some(true), ..edit }).expect_err(field);
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some(field)));
    }
    for wrong in [
        r#"{"nickname":1}"#,
        r#"{"signature":["x"]}"#,
        r#"{"avatar":{}}"#,
        r#"{"phone":5550100}"#,
        r#"{"searchable":"yes"}"#,
    ] {
        let rid = alice.send_body(52, wrong.as_bytes());
        assert_eq!(alice.reply(rid).expect_err(wrong).code, Code::BAD_BODY, "{wrong}");
    }
    let rid = alice.send_body(51, br#"{"id":"1"}"#);
    assert_eq!(alice.reply(rid).expect_err("a text").code, Code::BAD_BODY);
    assert_eq!(alice.profile(None).expect("one's own"), before);
    bob.ping().expect("alive");
    assert_eq!(bob.pushes_so_far(), []);
}

fn a8_a_profile_outlives_the_server(store: Store) {
    let mut server = Server::on(store);
    let mut alice = user(&server, "alice");
    let before = alice.edit_profile(everything()).expect("edited");
    server.kill9();
    server.restart();
    let mut again = Peer::connect(server.address());
    again.hello(hello("")).expect("HELLO");
    again.resume(alice.token.take().expect("a token")).expect("a good token");
    assert_eq!(again.profile(None).expect("one's own"), before);
}
