//! B4: remarks and groups of friends.

use std::sync::Barrier;

use protocol::limits::{LABEL_CHARS_MAX, REMARK_CHARS_MAX};
use protocol::{Code, EditFriend, Friend, FriendChanged, Request};

use crate::support::{Peer, Server, Store, befriend, friends, hello, log_in, on_each_store, user};

on_each_store! {
    b4_remarks_and_labels_are_kept_for_oneself,
    b4_a_label_is_renamed_and_taken_away,
    b4_notes_come_back_with_the_friend,
    b4_only_friends_are_noted,
    b4_bad_fields_are_refused_and_change_nothing,
    b4_two_devices_edit_at_once,
    b4_a_friend_is_deleted_while_noted,
}

fn edit(friendid: u64, remark: Option<&str>, label: Option<&str>) -> EditFriend {
    EditFriend { friendid, remark: remark.map(str::to_owned), label: label.map(str::to_owned) }
}

fn told(id: u64, remark: &str, label: &str) -> FriendChanged {
    let (remark, label) = (Some(remark.to_owned()), Some(label.to_owned()));
    FriendChanged { id, remark, label, ..FriendChanged::default() }
}

fn listed(peer: &mut Peer) -> Vec<Friend> {
    peer.friends(0, 0).expect("a page").friends
}

fn b4_remarks_and_labels_are_kept_for_oneself(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut desk = log_in(&server, "alice", "desk");
    let text = "Robert'); DROP TABLE friend_note";
    let noted = alice.edit_friend(edit(bob.id, Some(text), Some(" old\u{3000}friends 🧗"))).expect("noted");
    assert_eq!((noted.remark.as_str(), noted.label.as_str(), noted.conv), (text, "old friends 🧗", conv));
    assert_eq!(desk.friend_changed(), told(bob.id, text, "old friends 🧗"));
    assert_eq!(listed(&mut desk), [noted]);
    alice.edit_friend(edit(bob.id, Some("Bob"), None)).expect("noted");
    assert_eq!(desk.friend_changed(), told(bob.id, "Bob", "old friends 🧗"));
    bob.ping().expect("alive");
    assert_eq!((alice.pushes_so_far(), bob.pushes_so_far()), (vec![], vec![]));
    let seen = listed(&mut bob).remove(0);
    assert_eq!((seen.remark.as_str(), seen.label.as_str()), ("", ""), "nobody else's business");

    server.kill9();
    server.restart();
    let mut again = Peer::connect(server.address());
    again.hello(hello("")).expect("HELLO");
    let bundle = again.resume(alice.token.take().expect("a token")).expect("a good token");
    assert_eq!(
        (bundle.friends[0].remark.as_str(), bundle.friends[0].label.as_str()),
        ("Bob", "old friends 🧗")
    );
}

fn b4_a_label_is_renamed_and_taken_away(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let mut carol = user(&server, "carol");
    befriend(&mut alice, &mut carol);
    let mut desk = log_in(&server, "alice", "desk");
    for id in [bob.id, carol.id] {
        alice.edit_friend(edit(id, None, Some("work"))).expect("noted");
        assert_eq!(desk.friend_changed(), told(id, "", "work"));
    }
    bob.edit_friend(edit(alice.id, None, Some("work"))).expect("noted");
    assert_eq!(alice.rename_label("work", "job").expect("renamed").changed, 2);
    assert_eq!(alice.rename_label("work", "job").expect("a repeat").changed, 0);
    for id in [bob.id, carol.id] {
        assert_eq!(desk.friend_changed(), told(id, "", "job"));
    }
    assert!(listed(&mut alice).iter().all(|friend| friend.label == "job"));
    assert_eq!(alice.rename_label("job", "").expect("taken away").changed, 2);
    assert!(listed(&mut desk).iter().all(|friend| friend.label.is_empty()));
    assert_eq!(listed(&mut bob)[0].label, "work", "another user's label");
}

fn b4_notes_come_back_with_the_friend(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    alice.edit_friend(edit(bob.id, Some("Bobby"), Some("work"))).expect("noted");
    bob.delete_friend(alice.id).expect("not friends any more");
    let again = Request::EditFriend(edit(bob.id, Some("x"), None));
    assert_eq!(alice.refused(&again), Code::NOT_FRIENDS);
    alice.add_friend(bob.id, "").expect("asked");
    bob.accept_friend(alice.id).expect("friends");
    let friend = listed(&mut alice).remove(0);
    assert_eq!((friend.remark.as_str(), friend.label.as_str()), ("Bobby", "work"));
}

fn b4_only_friends_are_noted(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob) = (user(&server, "alice"), user(&server, "bob"));
    for id in [bob.id, 0, 999_999, (1 << 53) - 1] {
        let refusal = alice.edit_friend(edit(id, Some("x"), None)).expect_err("refused");
        assert_eq!((refusal.code, refusal.to_string().as_str()), (Code::NOT_FRIENDS, "you are not friends"));
    }
    assert_eq!(alice.refused(&Request::EditFriend(edit(alice.id, Some("me"), None))), Code::SELF);
}

fn b4_bad_fields_are_refused_and_change_nothing(store: Store) {
    let server = Server::on(store);
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    let mut desk = log_in(&server, "alice", "desk");
    let longest = "🦀".repeat(REMARK_CHARS_MAX);
    assert_eq!(longest.chars().count(), LABEL_CHARS_MAX);
    alice.edit_friend(edit(bob.id, Some(&longest), Some(&longest))).expect("as long as they may be");
    desk.friend_changed();
    let before = listed(&mut alice);
    for bad in [&format!("{longest}🦀"), "a\0b", "a\nb", "\u{202e}evil", "a\u{2066}", "\u{301}", "\u{3164}"]
    {
        let refusals = [
            ("remark", alice.edit_friend(edit(bob.id, Some(bad), Some("fine"))).expect_err(bad)),
            ("label", alice.edit_friend(edit(bob.id, Some("fine"), Some(bad))).expect_err(bad)),
            ("label", alice.rename_label(bad, "fine").expect_err(bad)),
            ("to", alice.rename_label(&longest, bad).expect_err(bad)),
        ];
        for (field, refusal) in refusals {
            assert_eq!(
                (refusal.code, refusal.body.field.as_deref()),
                (Code::BAD_FIELD, Some(field)),
                "{bad:?}"
            );
        }
    }
    let refusal = alice.rename_label(" ", "x").expect_err("no label");
    assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("label")));
    for (msgid, wrong) in [
        (61, r#"{}"#),
        (61, r#"{"friendid":"2"}"#),
        (61, r#"{"friendid":-1}"#),
        (61, r#"{"friendid":2,"remark":1}"#),
        (61, r#"{"friendid":2,"label":["x"]}"#),
        (62, r#"{}"#),
        (62, r#"{"label":"x"}"#),
        (62, r#"{"label":"x","to":null}"#),
        (62, r#"{"label":7,"to":"x"}"#),
    ] {
        let rid = alice.send_body(msgid, wrong.as_bytes());
        assert_eq!(alice.reply(rid).expect_err(wrong).code, Code::BAD_BODY, "{wrong}");
    }
    assert_eq!(listed(&mut alice), before);
    desk.ping().expect("alive");
    assert_eq!(desk.pushes_so_far(), []);
}

fn b4_two_devices_edit_at_once(store: Store) {
    const ROUNDS: usize = 10;
    let server = Server::on(store);
    let (mut alice, bob, _) = friends(&server, "alice", "bob");
    let mut desk = log_in(&server, "alice", "desk");
    let mut watching = log_in(&server, "alice", "watching");
    for round in 0..ROUNDS {
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            for (peer, name) in [(&mut alice, "phone"), (&mut desk, "desk")] {
                let (start, id) = (&start, bob.id);
                scope.spawn(move || {
                    let text = format!("{name} {round}");
                    start.wait();
                    peer.edit_friend(edit(id, Some(&text), Some(&text))).expect("noted");
                });
            }
        });
        let left = listed(&mut watching).remove(0);
        assert!(left.remark.ends_with(&round.to_string()) && left.remark == left.label, "torn: {left:?}");
        // Both edits are told; the last word is what is kept.
        watching.friend_changed();
        assert_eq!(watching.friend_changed(), told(bob.id, &left.remark, &left.label));
    }
}

fn b4_a_friend_is_deleted_while_noted(store: Store) {
    const ROUNDS: usize = 10;
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    for round in 0..ROUNDS {
        let start = Barrier::new(2);
        let text = format!("round {round}");
        let (alice_id, bob_id) = (alice.id, bob.id);
        let (noted, deleted) = std::thread::scope(|scope| {
            let noting = scope.spawn(|| {
                start.wait();
                alice.edit_friend(edit(bob_id, Some(&text), None))
            });
            start.wait();
            let deleted = bob.delete_friend(alice_id);
            (noting.join().expect("an answer"), deleted)
        });
        deleted.expect("not friends any more");
        let done = match noted {
            Ok(_) => true,
            Err(refusal) => {
                assert_eq!(refusal.code, Code::NOT_FRIENDS);
                false
            }
        };
        befriend(&mut alice, &mut bob);
        let remark = listed(&mut alice).remove(0).remark;
        assert_eq!(remark == text, done, "done or refused, and nothing between: {remark:?}");
    }
}
