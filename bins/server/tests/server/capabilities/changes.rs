//! M5, M6: recall and edit, and the feed that tells of them.

use protocol::{ChatMessage, Code, History, Push};

use crate::support::{Options, Server, Store, befriend, friends, log_in, on_each_store, user};

on_each_store! {
    m5_a_recall_reaches_every_device_and_leaves_no_text,
    m5_a_recall_has_its_time,
    m6_an_edit_reaches_every_device_and_stands_in_history,
    m5_who_was_away_learns_of_every_change_by_cursor,
    m5_changes_stand_in_order_with_messages,
    m5_who_left_or_is_no_friend_changes_nothing,
    m5_what_one_may_not_know_of_is_like_nothing,
    m5_what_was_changed_before_one_came_is_not_shown,
}

fn page(conv: u64) -> History {
    History { conv, after: None, before: None, at: None, limit: 0 }
}

fn m5_a_recall_reaches_every_device_and_leaves_no_text(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "alice", "phone");
    let seq = alice.say(bob.id, "nobody should read this").seq;
    assert_eq!((bob.message().seq, phone.message().seq), (seq, seq));
    let recalled = alice.recall(conv, seq).expect("recalled");
    assert_eq!((recalled.conv, recalled.position), (conv, 1));
    let by = recalled.message.recalled.as_ref().expect("it says who did it");
    assert_eq!((by.by, &by.name[..], &recalled.message.msg[..]), (alice.id, "alice", ""));
    assert_eq!((bob.changed(), phone.changed()), (recalled.clone(), recalled.clone()));
    for peer in [&mut alice, &mut bob, &mut phone] {
        let found = peer.history(page(conv)).expect("a page").messages;
        assert_eq!(found, std::slice::from_ref(&recalled.message));
        let feed = peer.changes(conv, 0, 0).expect("a page");
        assert_eq!((feed.changes.len(), feed.changes[0].position, feed.next, feed.last), (1, 1, 0, 1));
        assert_eq!(feed.changes[0].message, recalled.message);
        assert_eq!(peer.conversations(0, 0).expect("a page").convs[0].last_change, 1);
    }
    let again = alice.recall(conv, seq).expect("answered as it was");
    assert_eq!(again, recalled);
    assert_eq!(bob.changed(), recalled, "who has it drops it");
    let late = alice.edit_message(conv, seq, "back again").unwrap_err();
    assert_eq!(late.code, Code::TOO_LATE);
}

fn m5_a_recall_has_its_time(store: Store) {
    let options = Options::on(store).with("recall-window-ms", "0").with("edit-window-ms", "0");
    let server = Server::start(options);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let said = alice.say(bob.id, "too late");
    bob.message();
    // Until the clock has moved on.
    testkit::eventually(crate::support::DEADLINE, "a millisecond", || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        (now.as_millis() as u64 > said.time).then_some(())
    });
    assert_eq!(alice.recall(conv, said.seq).unwrap_err().code, Code::TOO_LATE);
    assert_eq!(alice.edit_message(conv, said.seq, "x").unwrap_err().code, Code::TOO_LATE);
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    let seq = bob.say_in(group, "whatever").seq;
    let recalled = alice.recall(group, seq).expect("an owner has no time limit");
    assert_eq!(recalled.message.recalled.map(|recalled| recalled.by), Some(alice.id));
}

fn m6_an_edit_reaches_every_device_and_stands_in_history(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "alice", "phone");
    let seq = alice.say(bob.id, "helo").seq;
    for text in ["hello", "hello \u{1f600} '; DROP TABLE messages; --", "三"] {
        let edited = alice.edit_message(conv, seq, text).expect("edited");
        assert_eq!((&edited.message.msg[..], edited.message.seq), (text, seq));
        assert!(edited.message.edited >= edited.message.time && edited.message.recalled.is_none());
        assert_eq!((bob.changed(), phone.changed()), (edited.clone(), edited.clone()));
        assert_eq!(bob.history(page(conv)).expect("a page").messages, [edited.message]);
    }
    let feed = bob.changes(conv, 0, 0).expect("a page");
    assert_eq!((feed.changes.len(), feed.last), (1, 3), "each message once");
    let unchanged = alice.edit_message(conv, seq, "三").expect("it says so already");
    assert_eq!(unchanged.position, 3);
    for bad in ["", &"x".repeat(70_000)] {
        let refusal = alice.edit_message(conv, seq, bad).unwrap_err();
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("msg")));
    }
}

fn m5_who_was_away_learns_of_every_change_by_cursor(store: Store) {
    let server = Server::start(Options::on(store).with("sends-burst", "0"));
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut held: Vec<ChatMessage> = (0..40)
        .map(|n| {
            alice.say(bob.id, &format!("message {n}"));
            bob.message()
        })
        .collect();
    drop(bob);
    for n in 0..40_u64 {
        let seq = n + 1;
        match n % 4 {
            0 => drop(alice.recall(conv, seq).expect("recalled")),
            1 => drop(alice.edit_message(conv, seq, &format!("edited {n}")).expect("edited")),
            2 => {
                alice.edit_message(conv, seq, "first").expect("edited");
                alice.edit_message(conv, seq, &format!("edited twice {n}")).expect("edited");
            }
            _ => {}
        }
    }
    let mut bob = log_in(&server, "bob", "first");
    assert_eq!(bob.conversations(0, 0).expect("a page").convs[0].last_change, 40);
    let (mut cursor, mut changed) = (0, 0);
    loop {
        let page = bob.changes(conv, cursor, 7).expect("a page");
        assert!(page.changes.len() <= 7 && page.changes.is_sorted_by_key(|change| change.position));
        for change in page.changes {
            assert!(change.position > cursor);
            changed += 1;
            let at = change.message.seq as usize - 1;
            held[at] = change.message;
        }
        assert_eq!(page.last, 40);
        match page.next {
            0 => break,
            next => cursor = next,
        }
    }
    assert_eq!(changed, 30, "each once");
    assert_eq!(held, bob.history(page(conv)).expect("a page").messages);
    let beyond = bob.changes(conv, 41, 0).expect("a page");
    assert_eq!((beyond.changes.len(), beyond.next, beyond.last), (0, 0, 40));
    let beyond = bob.changes(conv, u64::MAX, 0).expect("a page");
    assert_eq!((beyond.changes.len(), beyond.next), (0, 0));
}

fn m5_changes_stand_in_order_with_messages(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    for n in 0..10 {
        let seq = alice.say(bob.id, &format!("message {n}")).seq;
        alice.edit_message(conv, seq, &format!("edited {n}")).expect("edited");
        alice.recall(conv, seq).expect("recalled");
    }
    bob.ping().expect("alive");
    let told: Vec<(u64, u64)> = bob
        .pushes_so_far()
        .iter()
        .filter_map(|push| match push {
            Push::Message(message) => Some((message.seq, 0)),
            Push::Changed(changed) => Some((changed.message.seq, changed.position)),
            _ => None,
        })
        .collect();
    let expected: Vec<(u64, u64)> =
        (0..10).flat_map(|n| [(n + 1, 0), (n + 1, 2 * n + 1), (n + 1, 2 * n + 2)]).collect();
    assert_eq!(told, expected);
}

fn m5_who_left_or_is_no_friend_changes_nothing(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let seq = alice.say(bob.id, "hello").seq;
    let group = bob.create_group("climbers", "").expect("opened").group.id;
    alice.join_group(group).expect("joined");
    let in_group = alice.say_in(group, "hello").seq;
    alice.leave_group(group).expect("left");
    assert_eq!(alice.recall(group, in_group).unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(alice.edit_message(group, in_group, "x").unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(alice.changes(group, 0, 0).unwrap_err().code, Code::NOT_FOUND);
    bob.delete_friend(alice.id).expect("ended");
    assert_eq!(alice.recall(conv, seq).unwrap_err().code, Code::NOT_FRIENDS);
    assert_eq!(alice.edit_message(conv, seq, "x").unwrap_err().code, Code::NOT_FRIENDS);
    assert_eq!(alice.changes(conv, 0, 0).expect("what was said can be read").changes, []);
    assert_eq!(bob.history(page(conv)).expect("a page").messages[0].msg, "hello");
    bob.dissolve_group(group).expect("dissolved");
    assert_eq!(bob.recall(group, in_group).unwrap_err().code, Code::DISSOLVED);
}

fn m5_what_one_may_not_know_of_is_like_nothing(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut carol = user(&server, "carol");
    let mut other = user(&server, "dave");
    let others = befriend(&mut carol, &mut other);
    let seq = alice.say(bob.id, "hello").seq;
    carol.say(other.id, "psst");
    let nothing = alice.recall(u64::MAX, 1).unwrap_err();
    assert_eq!(nothing.code, Code::NOT_FOUND);
    for (conv, seq) in
        [(others, 1), (others, 2), (0, 1), (999_999, 1), (conv, 0), (conv, 2), (conv, u64::MAX)]
    {
        assert_eq!(alice.recall(conv, seq).unwrap_err(), nothing, "recall {conv} {seq}");
        assert_eq!(alice.edit_message(conv, seq, "x").unwrap_err(), nothing, "edit {conv} {seq}");
    }
    assert_eq!(bob.recall(conv, seq).unwrap_err(), nothing, "what others said");
    assert_eq!(bob.edit_message(conv, seq, "x").unwrap_err(), nothing);
    for conv in [others, 0, 999_999, u64::MAX] {
        assert_eq!(alice.changes(conv, 0, 0).unwrap_err(), nothing, "changes of {conv}");
    }
    assert_eq!(bob.changes(conv, 0, 0).expect("a page").last, 0, "nothing was changed");
}

fn m5_what_was_changed_before_one_came_is_not_shown(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob) = (user(&server, "alice"), user(&server, "bob"));
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    let before = alice.say_in(group, "before bob").seq;
    bob.join_group(group).expect("joined");
    let after = alice.say_in(group, "after bob").seq;
    bob.hear_all();
    bob.forget_pushes();
    alice.edit_message(group, before, "still not for bob").expect("edited");
    let edited = alice.edit_message(group, after, "for bob too").expect("edited");
    assert_eq!(bob.changed(), edited, "only that");
    let feed = bob.changes(group, 0, 0).expect("a page");
    assert_eq!((feed.changes.len(), feed.changes[0].position, feed.last), (1, 2, 2));
}
