//! M5: messages that one deletes for oneself.

use protocol::{ChatMessage, Code, Hidden, HiddenMessages, History, Push, SearchMessages};
use testkit::eventually;

use crate::support::{DEADLINE, Options, Peer, Server, Store, friends, log_in, on_each_store, user};

on_each_store! {
    m5_what_one_deletes_for_oneself_is_gone_for_them_alone,
    m5_what_is_hidden_stays_so_whatever_becomes_of_it,
    m5_a_device_that_was_away_learns_what_was_hidden_by_pages,
    m5_what_is_hidden_is_not_found_any_more,
    m5_what_one_may_not_read_cannot_be_hidden,
    m5_a_bad_hide_is_named_and_changes_nothing,
}

/// Nothing.
const NONE: [Hidden; 0] = [];

fn hidden(position: u64, conv: u64, seq: u64) -> Hidden {
    Hidden { position, conv, seq }
}

fn history(peer: &mut Peer, conv: u64) -> Vec<ChatMessage> {
    let page = History { conv, after: None, before: None, at: None, limit: 0 };
    peer.history(page).expect("a page").messages
}

/// Each message's text, or nothing if it is hidden.
fn texts(messages: &[ChatMessage]) -> Vec<Option<&str>> {
    messages.iter().map(|message| (!message.hidden).then_some(message.msg.as_str())).collect()
}

fn all_hidden(peer: &mut Peer) -> Vec<Hidden> {
    let page = peer.hidden(0, 0).expect("a page");
    assert_eq!(page.next, 0);
    page.hidden
}

fn m5_what_one_deletes_for_oneself_is_gone_for_them_alone(store: Store) {
    let mut server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut phone = log_in(&server, "alice", "phone");
    for text in ["one", "two", "three"] {
        bob.say(alice.id, text);
    }
    let whole = history(&mut bob, conv);
    let expected = HiddenMessages { hidden: vec![hidden(1, conv, 1), hidden(2, conv, 3)] };
    assert_eq!(alice.hide(conv, &[3, 1]).expect("hidden"), expected);
    assert_eq!(phone.hidden_messages(), expected);
    for device in [&mut alice, &mut phone] {
        let seen = history(device, conv);
        assert_eq!(texts(&seen), [None, Some("two"), None], "no hole and no text");
        assert_eq!(seen[1], whole[1]);
        assert_eq!(all_hidden(device), expected.hidden);
    }
    assert_eq!(alice.hide(conv, &[1]).expect("as it was").hidden, [hidden(1, conv, 1)]);
    // Whatever bob is told comes before the answer to what he asks next.
    bob.forget_pushes();
    alice.hide(conv, &[2]).expect("hidden");
    assert_eq!(phone.hidden_messages().hidden, [hidden(3, conv, 2)]);
    assert_eq!(history(&mut bob, conv), whole);
    assert_eq!(bob.conversations(0, 0).expect("a page").convs[0].last_change, 0);
    assert!(!bob.pushes_so_far().iter().any(|push| matches!(push, Push::HiddenMessages(_))));
    server.kill9();
    server.restart();
    let mut alice = log_in(&server, "alice", "laptop");
    assert_eq!(texts(&history(&mut alice, conv)), [None, None, None]);
    assert_eq!(all_hidden(&mut alice).len(), 3);
}

fn m5_what_is_hidden_stays_so_whatever_becomes_of_it(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let seq = bob.say(alice.id, "first").seq;
    alice.hide(conv, &[seq]).expect("hidden");
    bob.edit_message(conv, seq, "second").expect("edited");
    let changes = |peer: &mut Peer| peer.changes(conv, 0, 0).expect("a page").changes.remove(0).message;
    assert_eq!((changes(&mut alice).hidden, changes(&mut alice).msg.as_str()), (true, ""));
    assert_eq!(changes(&mut bob).msg, "second");
    assert_eq!(texts(&history(&mut alice, conv)), [None]);
    bob.recall(conv, seq).expect("recalled");
    let seen = history(&mut alice, conv).remove(0);
    assert!(seen.hidden && seen.recalled.is_some(), "{seen:?}");
}

fn m5_a_device_that_was_away_learns_what_was_hidden_by_pages(store: Store) {
    let server = Server::start(Options::on(store).with("sends-burst", "0"));
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    let said: Vec<u64> = (0..120).map(|_| bob.say(alice.id, "x").seq).collect();
    let spoken = alice.say_in(group, "y").seq;
    for some in said.chunks(50) {
        alice.hide(conv, some).expect("hidden");
    }
    alice.hide(group, &[spoken]).expect("hidden");
    let mut phone = log_in(&server, "alice", "phone");
    let (mut after, mut learned) = (0, Vec::new());
    loop {
        let page = phone.hidden(after, 25).expect("a page");
        assert!(page.hidden.len() <= 25);
        learned.extend(page.hidden);
        after = page.next;
        if after == 0 {
            break;
        }
    }
    let expected = said.iter().map(|seq| (conv, *seq)).chain([(group, spoken)]);
    let expected: Vec<Hidden> = expected.zip(1..).map(|((conv, seq), at)| hidden(at, conv, seq)).collect();
    assert_eq!(learned, expected);
    assert_eq!(phone.hidden(121, 0).expect("a page").hidden, NONE);
}

fn m5_what_is_hidden_is_not_found_any_more(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let found = |peer: &mut Peer| {
        let search = SearchMessages { query: "火锅".into(), ..SearchMessages::default() };
        let page = peer.search_messages(search).expect("a page");
        page.messages.into_iter().map(|message| message.seq).collect::<Vec<_>>()
    };
    bob.say(alice.id, "我们中午去吃火锅吧！");
    bob.say(alice.id, "火锅太辣");
    eventually(DEADLINE, "both are indexed", || (found(&mut alice) == [2, 1]).then_some(()));
    alice.hide(conv, &[2]).expect("hidden");
    assert_eq!((found(&mut alice), found(&mut bob)), (vec![1], vec![2, 1]), "from the answer on");
}

fn m5_what_one_may_not_read_cannot_be_hidden(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    let mut carol = user(&server, "carol");
    let group = alice.create_group("climbers", "").expect("opened").group.id;
    let before = alice.say_in(group, "before you came").seq;
    bob.join_group(group).expect("joined");
    let here = alice.say_in(group, "now").seq;
    bob.say(alice.id, "x");
    let nothing = carol.hide(999_999, &[1]).expect_err("refused");
    for (conv, seqs) in [(conv, [1]), (group, [here]), (0, [1]), (u64::MAX, [1])] {
        assert_eq!(carol.hide(conv, &seqs).expect_err("refused"), nothing, "{conv}");
    }
    for (conv, seqs) in
        [(group, &[before][..]), (group, &[here, before]), (conv, &[0]), (conv, &[2]), (conv, &[1, u64::MAX])]
    {
        assert_eq!(bob.hide(conv, seqs).expect_err("refused"), nothing, "{seqs:?}");
    }
    for peer in [&mut alice, &mut bob, &mut carol] {
        assert_eq!(all_hidden(peer), NONE, "all or none");
    }
    bob.hide(group, &[here]).expect("hidden");
    bob.leave_group(group).expect("left");
    assert_eq!(bob.hide(group, &[here]).expect_err("refused"), nothing);
    bob.delete_friend(alice.id).expect("ended");
    bob.hide(conv, &[1]).expect("what was said there can still be read");
}

fn m5_a_bad_hide_is_named_and_changes_nothing(store: Store) {
    let server = Server::on(store);
    let (mut alice, mut bob, conv) = friends(&server, "alice", "bob");
    bob.say(alice.id, "x");
    for (body, field) in [
        (r#"{"seqs":[1]}"#, "conv"),
        (r#"{"conv":-1,"seqs":[1]}"#, "conv"),
        (r#"{"conv":"1","seqs":[1]}"#, "conv"),
        (r#"{"conv":1}"#, "seqs"),
        (r#"{"conv":1,"seqs":1}"#, "seqs"),
        (r#"{"conv":1,"seqs":["1"]}"#, "seqs"),
        (r#"{"conv":1,"seqs":[-1]}"#, "seqs"),
        (r#"{"conv":1,"seqs":[1.5]}"#, "seqs"),
        (r#"{"conv":1,"seqs":[null]}"#, "seqs"),
    ] {
        let rid = alice.send_body(46, body.as_bytes());
        let refusal = alice.reply(rid).expect_err("refused");
        let named = refusal.body.field.as_deref().map(|named| named.split('[').next().unwrap_or_default());
        assert_eq!((refusal.code, named), (Code::BAD_BODY, Some(field)), "{body}");
    }
    for seqs in [&[][..], &[1; 101]] {
        let refusal = alice.hide(conv, seqs).expect_err("refused");
        assert_eq!((refusal.code, refusal.body.field.as_deref()), (Code::BAD_FIELD, Some("seqs")));
    }
    assert_eq!(all_hidden(&mut alice), NONE);
    assert_eq!(alice.hide(conv, &[1; 100]).expect("the limit").hidden, [hidden(1, conv, 1)]);
}
