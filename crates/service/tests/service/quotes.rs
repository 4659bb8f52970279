//! Quotes: made when messages are read, for those who may read what is quoted, and never stored.

use domain::StoreError;
use domain::testing::FakeStore;
use protocol::limits::QUOTE_CHARS_MAX;
use protocol::{
    ChatMessage, EditMessage, GroupChat, History, JoinGroup, MessageRef, OneChat, Push, Quote, Request, Sent,
};
use service::testing::{Device, Harness};

use crate::{body, sent};

fn answer(device: &Device<'_>, to: &Device<'_>, reply_to: u64, id: &str) -> Sent {
    let (to, client_msg_id) = (to.user().0, id.to_owned());
    let chat = OneChat { to, msg: "an answer".into(), client_msg_id, reply_to, ..OneChat::default() };
    sent(&device.ask(Request::OneChat(chat)))
}

fn answer_in(device: &Device<'_>, groupid: u64, reply_to: u64, id: &str) -> Sent {
    let (msg, client_msg_id) = ("an answer".to_owned(), id.to_owned());
    let chat = GroupChat { groupid, msg, client_msg_id, reply_to, ..GroupChat::default() };
    sent(&device.ask(Request::GroupChat(chat)))
}

/// The messages that were pushed, in their newest state.
fn pushed(device: &Device<'_>) -> Vec<ChatMessage> {
    let message = |push| match push {
        Push::Message(message) => Some(message),
        Push::Changed(changed) => Some(changed.message),
        _ => None,
    };
    device.pushes().into_iter().filter_map(message).collect()
}

fn last_pushed(device: &Device<'_>) -> ChatMessage {
    pushed(device).pop().expect("a message")
}

fn history(device: &Device<'_>, history: History) -> Vec<ChatMessage> {
    body!(Reply::History, device.ask(Request::History(history)).unwrap()).messages
}

fn text(message: &ChatMessage) -> Option<&str> {
    message.quote.as_ref().map(|quote| quote.msg.as_str())
}

/// The newest message's quote by a page that holds what is quoted, by one that does not, and by the feed.
fn quotes(device: &Device<'_>, conv: u64) -> [Option<String>; 2] {
    [0, 1].map(|limit| {
        let page = history(device, History { conv, limit, ..History::default() });
        text(page.last().unwrap()).map(str::to_owned)
    })
}

#[test]
fn an_answer_quotes_wherever_it_is_read() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    let long = "国".repeat(QUOTE_CHARS_MAX + 1);
    let said = alice.say(&bob, "c-1", &long).unwrap();
    answer(&bob, &alice, said.seq, "c-2");
    let begin = "国".repeat(QUOTE_CHARS_MAX);
    let quote = Quote { from: alice.user().0, name: "alice".into(), msg: begin };
    let told = last_pushed(&alice);
    assert_eq!((told.reply_to, told.quote.as_ref()), (said.seq, Some(&quote)));
    for limit in [0, 1] {
        let page = history(&alice, History { conv, limit, ..History::default() });
        assert_eq!(page.last(), Some(&told), "the same as was pushed");
    }
    // An answer that is edited quotes still.
    let edit = EditMessage { conv, seq: 2, msg: "a better one".into(), mentions: Vec::new() };
    let edited = body!(Reply::EditMessage, bob.ask(Request::EditMessage(edit)).unwrap());
    assert_eq!(edited.message.quote.as_ref(), Some(&quote));
    assert_eq!(last_pushed(&alice), edited.message);
}

#[test]
fn a_quote_follows_what_it_quotes() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    let seq = alice.say(&bob, "c-1", "a secret").unwrap().seq;
    answer(&bob, &alice, seq, "c-2");
    assert_eq!(quotes(&bob, conv), [(); 2].map(|()| Some("a secret".to_owned())));
    let edit = EditMessage { conv, seq, msg: "nothing".into(), mentions: Vec::new() };
    alice.ask(Request::EditMessage(edit)).unwrap();
    assert_eq!(quotes(&bob, conv), [(); 2].map(|()| Some("nothing".to_owned())));
    alice.ask(Request::Recall(MessageRef { conv, seq })).unwrap();
    assert_eq!(quotes(&bob, conv), [None, None]);
    answer(&bob, &alice, seq, "c-3");
    let told = last_pushed(&alice);
    assert_eq!((told.reply_to, told.quote), (seq, None), "what was recalled can be answered, not quoted");
}

#[test]
fn nobody_is_quoted_to_whom_it_was_not_said() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let group = harness.group(&[&alice, &bob]);
    let before = alice.say_in(group, "c-1", "before carol").unwrap().seq;
    carol.ask(Request::JoinGroup(JoinGroup::of(group))).unwrap();
    let after = alice.say_in(group, "c-2", "after carol").unwrap().seq;
    for device in [&alice, &bob, &carol] {
        device.pushes();
    }
    answer_in(&bob, group, before, "c-3");
    for device in [&alice, &carol] {
        let told = last_pushed(device);
        assert_eq!((told.reply_to, told.quote), (before, None), "one push for all");
    }
    assert_eq!(quotes(&alice, group), [(); 2].map(|()| Some("before carol".to_owned())), "she reads it");
    assert_eq!(quotes(&carol, group), [None, None]);
    let seq = answer_in(&bob, group, after, "c-4").seq;
    for device in [&alice, &carol] {
        assert_eq!(text(&last_pushed(device)), Some("after carol"));
        assert_eq!(quotes(device, group), [(); 2].map(|()| Some("after carol".to_owned())));
    }
    // What changes is told in the same way.
    for (seq, quoted) in [(seq - 1, None), (seq, Some("after carol"))] {
        let edit = EditMessage { conv: group, seq, msg: "edited".into(), mentions: Vec::new() };
        bob.ask(Request::EditMessage(edit)).unwrap();
        assert_eq!(text(&last_pushed(&alice)), quoted);
        assert_eq!(text(&last_pushed(&carol)), quoted);
    }
}

#[test]
fn only_answers_cost_a_question_and_all_of_a_page_one() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    let store: &FakeStore = &harness.store;
    let counted = |ask: &dyn Fn()| {
        let before = store.operations();
        ask();
        store.operations() - before
    };
    alice.say(&bob, "c-0", "said").unwrap();
    assert_eq!(counted(&|| drop(alice.say(&bob, "c-1", "said"))), 1, "a message is an append");
    // Whether it may be answered, the append, and what is quoted.
    assert_eq!(counted(&|| assert_eq!(answer(&bob, &alice, 1, "c-2").seq, 3)), 3);
    for n in 3..=60 {
        answer(&bob, &alice, n - 2, &format!("c-{n}"));
    }
    let page = |limit| history(&alice, History { conv, limit, ..History::default() });
    let plain = |limit| {
        let before = History { conv, before: Some(3), limit, ..History::default() };
        history(&alice, before)
    };
    page(0);
    let without = counted(&|| drop(plain(2)));
    assert_eq!(counted(&|| drop(page(0))), without, "all that is quoted stands in the page");
    assert_eq!(counted(&|| drop(page(30))), without + 1);
    assert!(page(30).iter().all(|message| message.quote.is_some()));
}

#[test]
fn an_answer_arrives_when_nobody_knows_what_it_quotes() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    let seq = alice.say(&bob, "c-1", "said").unwrap().seq;
    let (msg, client_msg_id) = ("an answer".to_owned(), "c-2".to_owned());
    let chat = OneChat { to: alice.user().0, msg, client_msg_id, reply_to: seq, ..OneChat::default() };
    let pending = bob.prepare(Request::OneChat(chat)).unwrap();
    harness.store.spare_next(1);
    harness.store.fail_next(StoreError::unavailable("read what is quoted", "away"), 1);
    bob.store(pending).unwrap();
    let told = last_pushed(&alice);
    assert_eq!((told.reply_to, told.quote), (seq, None));
    assert_eq!(quotes(&alice, conv), [(); 2].map(|()| Some("said".to_owned())));
}

#[test]
fn what_became_of_a_group_is_quoted_as_a_sentence() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let group = harness.group(&[&alice]);
    bob.ask(Request::JoinGroup(JoinGroup::of(group))).unwrap();
    let joined = history(&alice, History { conv: group, ..History::default() }).pop().unwrap();
    assert!(joined.event.is_some());
    answer_in(&alice, group, joined.seq, "c-1");
    assert_eq!(text(&last_pushed(&bob)), Some(joined.msg.as_str()));
    assert_eq!(quotes(&bob, group), [(); 2].map(|()| Some(joined.msg.clone())));
}
