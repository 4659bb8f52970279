//! Texts that break queries, formats and screens elsewhere: they come out as they went in, or are clearly refused.

use protocol::{Code, Refusal};

use crate::support::{
    Options, Peer, Random, Server, Store, Witnesses, befriend, hello, log_in, on_each_store, user,
};

on_each_store! {
    texts_come_out_as_they_went_in,
    random_texts_come_out_as_they_went_in,
    texts_have_limits_in_bytes,
    every_other_text_field_comes_out_or_is_refused,
    client_message_ids_are_printable_ascii,
}

/// Texts that somebody's code did not survive.
fn nasty() -> Vec<String> {
    let mut texts: Vec<String> = [
        "%",
        "%s%s%s%n%d %1$s {} {0} ${HOME} $(reboot) `reboot`",
        "'",
        "\"",
        "''''\"\"\"\"````",
        "\\",
        "\\\\",
        "\\'; --",
        "'; DROP TABLE messages; --",
        "Robert'); DROP TABLE users;--",
        "1 OR 1=1",
        "\" OR \"\"=\"",
        "/* */ -- # ;",
        "_%_%",
        "\0",
        "before\0after",
        "\0\0\0",
        "\u{1}\u{2}\u{7}\u{8}\u{1b}[31mred\u{7f}",
        "\r\n\t\u{b}\u{c}",
        "\n",
        " ",
        "  spaces around  ",
        "\u{a0}\u{3000}",
        "😀",
        "👩‍👩‍👧‍👦🏳️‍🌈🇩🇪",
        "你好，世界",
        "e\u{301} é",
        "\u{202e}desrever\u{202c}",
        "\u{feff}BOM",
        "\u{fffe}\u{ffff}\u{fffd}",
        "\u{10ffff}\u{10000}\u{e000}\u{f8ff}",
        "\u{d7ff}\u{e000}",
        "{\"msg\":\"nested\"}",
        "</script><b>bold</b>&amp;",
        "null",
        "true",
        "0",
        "007",
        "1e400",
        "\\u0000",
        "\\x00",
    ]
    .map(str::to_owned)
    .into();
    texts.push("\0".repeat(1_000));
    texts.push("'\"\\%\0😀".repeat(500));
    texts
}

fn texts_come_out_as_they_went_in(store: Store) {
    let mut server = Server::on(store);
    let witnesses = Witnesses::of(&server);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let conv = befriend(&mut alice, &mut bob);
    let group = alice.create_group("g", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    let texts = nasty();
    for text in &texts {
        alice.say(bob.id, text);
        assert_eq!(&bob.message().msg, text, "as a push");
        alice.say_in(group, text);
        assert_eq!(&bob.message().msg, text, "as a push in a group");
    }
    witnesses.testify(&mut server);
    server.terminate();
    server.restart();
    let mut bob = log_in(&server, "bob", "");
    for conv in [conv, group] {
        let stored: Vec<_> = bob.read_all(conv, 0).into_iter().map(|message| message.msg).collect();
        assert_eq!(stored, texts);
    }
}

fn random_texts_come_out_as_they_went_in(store: Store) {
    let mut random = Random::seeded("random_texts");
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let conv = befriend(&mut alice, &mut bob);
    let mut texts = Vec::new();
    for _ in 0..150 {
        let length = 1 + random.within(0..200);
        // Mostly from where trouble is: ASCII and controls; and from everywhere.
        let text: String = (0..length)
            .map(|_| match random.within(0..3) {
                0 => random.within(0..128) as u32,
                1 => random.within(0..0x3000) as u32,
                _ => random.within(0..0x11_0000) as u32,
            })
            .filter_map(char::from_u32)
            .collect();
        let text = if text.is_empty() { "x".to_owned() } else { text };
        alice.say(bob.id, &text);
        assert_eq!(bob.message().msg, text);
        texts.push(text);
    }
    let stored: Vec<_> = alice.read_all(conv, 0).into_iter().map(|message| message.msg).collect();
    assert_eq!(stored, texts);
}

fn texts_have_limits_in_bytes(store: Store) {
    const MAX: usize = 64 * 1024;
    let mut server = Server::on(store);
    let witnesses = Witnesses::of(&server);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let conv = befriend(&mut alice, &mut bob);
    let group = alice.create_group("g", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    let fit = [
        "x".to_owned(),
        "x".repeat(MAX),
        "😀".repeat(MAX / 4),
        "\0".repeat(MAX),
        "\"".repeat(MAX),
        "\u{1b}".repeat(MAX),
        "\u{10ffff}".repeat(MAX / 4),
    ];
    for text in &fit {
        alice.say(bob.id, text);
        assert!(bob.message().msg == *text, "{} bytes came out otherwise", text.len());
        alice.say_in(group, text);
        assert!(bob.message().msg == *text, "{} bytes came out otherwise in a group", text.len());
    }
    for text in
        ["x".repeat(MAX + 1), format!("{}x", "😀".repeat(MAX / 4)), "x".repeat(MAX * 4), String::new()]
    {
        for refusal in [alice.one_chat(bob.id, &text, "long"), alice.group_chat(group, &text, "long")] {
            let refusal: Refusal = refusal.unwrap_err();
            assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("msg")));
        }
    }
    assert_eq!(bob.pushes_so_far(), []);
    let stored = bob.read_all(conv, 0);
    assert_eq!(stored.len(), fit.len());
    assert!(stored.iter().zip(&fit).all(|(message, text)| message.msg == *text));
    witnesses.testify(&mut server);
}

fn every_other_text_field_comes_out_or_is_refused(store: Store) {
    let mut server = Server::start(Options::on(store).with("groups-max", 10_000));
    let witnesses = Witnesses::of(&server);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    for text in nasty() {
        let length = text.chars().count();
        // A greeting is one line within its limit, and turns no text around it.
        let is_a_line = length <= 200 && !text.chars().any(|c| c.is_control() || c == '\u{202e}');
        match alice.add_friend(bob.id, &text) {
            Ok(_) => {
                assert!(is_a_line, "{text:?}");
                assert_eq!(bob.friend_event().greeting, text);
                assert_eq!(bob.friend_requests(0, 0).expect("a page").requests[0].greeting, text);
                alice.withdraw_friend(bob.id).expect("withdrawn");
                bob.friend_event();
            }
            Err(refusal) => {
                assert!(!is_a_line, "{text:?}: {refusal}");
                assert_eq!(
                    (refusal.code, refusal.body.field.as_deref()),
                    (Code::BAD_FIELD, Some("greeting"))
                );
            }
        }
        // So is a group's description.
        match alice.create_group("g", &text) {
            Ok(joined) => {
                assert!(is_a_line, "{text:?}");
                assert_eq!(joined.group.groupdesc, text);
                let listed = alice.groups(joined.group.id - 1, 1).expect("a page").groups;
                assert_eq!(listed[0].groupdesc, text);
            }
            Err(refusal) => {
                assert!(!is_a_line, "{text:?}: {refusal}");
                assert_eq!(
                    (refusal.code, refusal.body.field.as_deref()),
                    (Code::BAD_FIELD, Some("groupdesc"))
                );
            }
        }
        // A group's name is trimmed, and holds no controls.
        match alice.create_group(&text, "") {
            Ok(joined) => {
                assert_eq!(joined.group.groupname, text.trim());
                assert!(!joined.group.groupname.chars().any(char::is_control));
                let listed = alice.groups(joined.group.id - 1, 1).expect("a page").groups;
                assert_eq!(listed[0].groupname, text.trim());
            }
            Err(refusal) => {
                assert_eq!(
                    (refusal.code, refusal.body.field.as_deref()),
                    (Code::BAD_FIELD, Some("groupname"))
                );
                let plain = text.chars().all(|c| !c.is_control() && (' '..'\u{250}').contains(&c));
                assert!(!plain || text.trim().is_empty() || length > 50, "{text:?}: {refusal}");
            }
        }
        // A user's name is shown as it is registered, and found again by what was typed.
        let mut guest = Peer::connect(server.address());
        match guest.hello(hello(&text)) {
            Ok(_) => assert!(length <= 64),
            Err(refusal) => {
                assert!(length > 64, "{text:?}: {refusal}");
                assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("device")));
                guest.hello(hello("")).expect("HELLO");
            }
        }
        // A password is any text within its limits, byte by byte.
        let password =
            if (8..=256).contains(&text.len()) { text.clone() } else { format!("12345678{length}") };
        match guest.reg(&text, &password) {
            Ok(_) => {
                let by_name = |password: &str| protocol::Login {
                    id: None,
                    name: Some(text.clone()),
                    password: protocol::Secret::new(password),
                    ..protocol::Login::default()
                };
                assert_eq!(
                    guest.login(by_name(&format!("{password} "))).unwrap_err().code,
                    Code::BAD_CREDENTIALS
                );
                let signed_in = guest.login(by_name(&password)).expect("the right password");
                assert!(!signed_in.name.chars().any(char::is_control));
                let sessions = guest.sessions().expect("a list").sessions;
                assert!(!sessions[0].device.chars().any(char::is_control), "{:?}", sessions[0].device);
            }
            Err(refusal) => {
                assert_eq!(refusal.code, Code::BAD_FIELD, "{text:?}");
                assert_eq!(refusal.body.field.as_deref(), Some("name"), "{text:?}");
            }
        }
    }
    let passwords = ["\0\0\0\0\0\0\0\0", "'; DROP--", "%s%s%s%s", "😀😀", " leading and trailing "];
    for (n, password) in passwords.into_iter().enumerate() {
        let name = format!("user {n}");
        let mut guest = Peer::connect(server.address());
        guest.hello(hello("")).expect("HELLO");
        let id = guest.reg(&name, password).expect("registered").id;
        let login = |password: &str| protocol::Login {
            id: Some(id),
            name: None,
            password: protocol::Secret::new(password),
            ..protocol::Login::default()
        };
        let mut almost = password.to_owned();
        almost.pop();
        assert_eq!(guest.login(login(&almost)).unwrap_err().code, Code::BAD_CREDENTIALS, "{password:?}");
        guest.login(login(password)).expect("the right password");
    }
    witnesses.testify(&mut server);
}

fn client_message_ids_are_printable_ascii(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    befriend(&mut alice, &mut bob);
    let long = "x".repeat(65);
    for id in ["", "\0", "a\0b", "é", "😀", "\n", "\u{7f}", &long] {
        let refusal = alice.one_chat(bob.id, "x", id).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.body.field.as_deref()),
            (Code::BAD_FIELD, Some("client_msg_id")),
            "{id:?}"
        );
    }
    let just = "x".repeat(64);
    for (at, id) in [" ", "'", "\"", "\\", "%", "'; DROP TABLE messages; --", "~", "a", "A", "a ", &just]
        .iter()
        .enumerate()
    {
        let sent = alice.one_chat(bob.id, "x", id).expect("stored");
        assert_eq!(sent.seq, at as u64 + 1, "{id:?} is an id of its own");
        assert_eq!(bob.message().client_msg_id, *id);
        assert_eq!(alice.one_chat(bob.id, "x", id).expect("known"), sent);
    }
}
