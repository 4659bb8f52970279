//! M6: who is typing.

use protocol::{Code, History, IsTyping, Push};

use crate::support::{Server, Store, friends, log_in, on_each_store, user};

on_each_store! {
    m6_the_friend_sees_who_is_typing_and_nothing_is_stored,
    m6_a_small_group_sees_who_is_typing,
    m6_bad_typing_is_refused_and_told_to_nobody,
}

fn page(conv: u64) -> History {
    History { conv, ..History::default() }
}

fn m6_the_friend_sees_who_is_typing_and_nothing_is_stored(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "bob", "phone");
    alice.typing(conv).expect("told");
    let typing = IsTyping { conv, from: alice.id, name: "alice".into() };
    assert_eq!((bob.is_typing(), phone.is_typing()), (typing.clone(), typing));
    assert_eq!(bob.history(page(conv)).expect("a page").messages, []);
    // Who comes later is told nothing.
    let mut desk = log_in(&server, "bob", "desk");
    desk.history(page(conv)).expect("a page");
    assert!(!desk.pushes_so_far().iter().any(|push| matches!(push, Push::Typing(_))));
}

fn m6_a_small_group_sees_who_is_typing(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, _) = friends(&server, "alice", "bob");
    let mut carol = user(&server, "carol");
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    bob.join_group(group).expect("joined");
    carol.join_group(group).expect("joined");
    bob.typing(group).expect("told");
    let typing = IsTyping { conv: group, from: bob.id, name: "bob".into() };
    assert_eq!((alice.is_typing(), carol.is_typing()), (typing.clone(), typing));
}

fn m6_bad_typing_is_refused_and_told_to_nobody(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut carol = user(&server, "carol");
    for body in ["{}", r#"{"conv":-1}"#, r#"{"conv":"1"}"#, r#"{"conv":1.5}"#, r#"{"conv":null}"#] {
        let rid = alice.send_body(49, body.as_bytes());
        let refusal = alice.reply(rid).expect_err("refused");
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_BODY, Some("conv")), "{body}");
    }
    let nothing = carol.typing(999_999).expect_err("refused");
    for foreign in [conv, 0, u64::MAX] {
        assert_eq!(carol.typing(foreign).expect_err("refused"), nothing);
    }
    bob.delete_friend(alice.id).expect("ended");
    assert_eq!(alice.typing(conv).expect_err("refused").code, Code::NOT_FRIENDS);
    bob.history(page(conv)).expect("a page");
    assert!(!bob.pushes_so_far().iter().any(|push| matches!(push, Push::Typing(_))));
}
