//! What users delete for themselves: gone for them alone, on all their devices.

use protocol::limits::{HIDE_SEQS_MAX, NUMBER_MAX};
use protocol::{
    Changes, ChatMessage, Code, EditMessage, GroupRef, Hidden, HiddenMessages, HiddenPage, Hide, History,
    MessageRef, OneChat, Page, Push, Refusal, Request, SearchMessages,
};
use service::testing::{Device, Harness};

use crate::{bad_field, body, refused};

fn hide(device: &Device<'_>, conv: u64, seqs: &[u64]) -> Result<Vec<Hidden>, Refusal> {
    let request = Request::Hide(Hide { conv, seqs: seqs.into() });
    Ok(body!(Reply::Hide, device.ask(request)?).hidden)
}

fn entry(position: u64, conv: u64, seq: u64) -> Hidden {
    Hidden { position, conv, seq }
}

fn page(device: &Device<'_>, after: u64, limit: u32) -> HiddenPage {
    body!(Reply::Hidden, device.ask(Request::Hidden(Page { after, limit })).unwrap())
}

/// All that the user hid, which the sign-in agrees with.
fn list(device: &Device<'_>) -> Vec<Hidden> {
    let list = page(device, 0, 0);
    let last = list.hidden.last().map_or(0, |entry| entry.position);
    assert_eq!((device.resume().unwrap().bundle.hidden_last, list.next), (last, 0));
    list.hidden
}

fn told(device: &Device<'_>) -> Vec<HiddenMessages> {
    let hidden = |push| if let Push::HiddenMessages(hidden) = push { Some(hidden) } else { None };
    device.pushes().into_iter().filter_map(hidden).collect()
}

fn history(device: &Device<'_>, conv: u64) -> Vec<ChatMessage> {
    let request = History { conv, after: Some(0), before: None, at: None, limit: 0 };
    body!(Reply::History, device.ask(Request::History(request)).unwrap()).messages
}

/// Each message's text, or nothing if it is hidden.
fn texts(messages: &[ChatMessage]) -> Vec<Option<&str>> {
    messages.iter().map(|message| (!message.hidden).then_some(message.msg.as_str())).collect()
}

#[test]
fn what_one_hides_is_gone_for_them_alone() {
    let harness = Harness::new();
    let (alice, phone, bob) = (harness.login("alice"), harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    for (n, text) in ["one", "two", "three"].into_iter().enumerate() {
        bob.say(&alice, &format!("c-{n}"), text).unwrap();
    }
    let whole = history(&bob, conv);
    for device in [&alice, &phone, &bob] {
        device.pushes();
    }
    let hidden = [entry(1, conv, 1), entry(2, conv, 3)];
    assert_eq!(hide(&alice, conv, &[3, 1]).unwrap(), hidden);
    assert_eq!(told(&phone), [HiddenMessages { hidden: hidden.into() }]);
    assert_eq!((alice.pushes(), bob.pushes()), (vec![], vec![]), "who asked has the answer");
    for device in [&alice, &phone] {
        let seen = history(device, conv);
        assert_eq!(texts(&seen), [None, Some("two"), None]);
        let mut expected = whole[0].clone();
        (expected.hidden, expected.msg) = (true, String::new());
        assert_eq!(seen[0], expected, "who said something when may be seen");
        assert_eq!(seen[1], whole[1], "nothing else is different");
        assert_eq!(list(device), hidden);
    }
    assert_eq!(history(&bob, conv), whole);
    assert_eq!(list(&bob), []);
}

#[test]
fn hiding_again_is_answered_and_told_to_nobody() {
    let harness = Harness::new();
    let (alice, phone, bob) = (harness.login("alice"), harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    for n in 0..3 {
        bob.say(&alice, &format!("c-{n}"), "x").unwrap();
    }
    hide(&alice, conv, &[2]).unwrap();
    phone.pushes();
    assert_eq!(hide(&alice, conv, &[2, 2]).unwrap(), [entry(1, conv, 2)]);
    assert_eq!(told(&phone), []);
    assert_eq!(hide(&alice, conv, &[1, 2]).unwrap(), [entry(1, conv, 2), entry(2, conv, 1)]);
    assert_eq!(told(&phone), [HiddenMessages { hidden: vec![entry(2, conv, 1)] }], "what is new");
}

#[test]
fn a_change_of_what_is_hidden_brings_nothing_back() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    bob.say(&alice, "c-1", "first").unwrap();
    hide(&alice, conv, &[1]).unwrap();
    let edit = EditMessage { conv, seq: 1, msg: "second".into(), mentions: vec![] };
    bob.ask(Request::EditMessage(edit)).unwrap();
    let changes = |device: &Device<'_>| {
        let asked = Request::Changes(Changes { conv, ..Changes::default() });
        let page = body!(Reply::Changes, device.ask(asked).unwrap());
        page.changes.into_iter().map(|change| change.message).collect::<Vec<_>>()
    };
    assert_eq!(texts(&changes(&alice)), [None]);
    assert_eq!(texts(&changes(&bob)), [Some("second")]);
    assert_eq!(texts(&history(&alice, conv)), [None]);
    bob.ask(Request::Recall(MessageRef { conv, seq: 1 })).unwrap();
    let recalled = &changes(&alice)[0];
    assert!(recalled.hidden && recalled.recalled.is_some() && recalled.msg.is_empty(), "{recalled:?}");
}

#[test]
fn what_is_hidden_is_not_quoted() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    bob.say(&alice, "c-1", "red apples").unwrap();
    let (to, msg, client_msg_id) = (alice.user().0, "I mean green ones".to_owned(), "c-2".to_owned());
    bob.ask(Request::OneChat(OneChat { to, msg, client_msg_id, reply_to: 1, ..OneChat::default() })).unwrap();
    hide(&alice, conv, &[1]).unwrap();
    let quote = |device: &Device<'_>, after| {
        let request = History { conv, after: Some(after), ..History::default() };
        let page = body!(Reply::History, device.ask(Request::History(request)).unwrap());
        page.messages.last().unwrap().quote.as_ref().map(|quote| quote.msg.clone())
    };
    for after in [0, 1] {
        assert_eq!(quote(&alice, after), None);
        assert_eq!(quote(&bob, after).as_deref(), Some("red apples"));
    }
}

#[test]
fn what_is_hidden_is_not_found() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    bob.say(&alice, "c-1", "red apples").unwrap();
    bob.say(&alice, "c-2", "red pears").unwrap();
    while harness.service.index() != service::Backlog::None {}
    hide(&alice, conv, &[1]).unwrap();
    let found = |device: &Device<'_>| {
        let search = SearchMessages { query: "red".into(), ..SearchMessages::default() };
        let page = body!(Reply::SearchMessages, device.ask(Request::SearchMessages(search)).unwrap());
        page.messages.into_iter().map(|message| message.seq).collect::<Vec<_>>()
    };
    assert_eq!((found(&alice), found(&bob)), (vec![2], vec![2, 1]));
}

#[test]
fn what_became_of_a_group_can_be_hidden_too() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let group = harness.group(&[&alice, &bob]);
    let said = history(&alice, group);
    assert!(said[0].event.is_some(), "bob came in: {said:?}");
    hide(&alice, group, &[1]).unwrap();
    let seen = &history(&alice, group)[0];
    assert!(seen.hidden && seen.event.is_none() && seen.msg.is_empty(), "{seen:?}");
}

#[test]
fn only_what_one_may_read_can_be_hidden() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let conv = harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice, &bob]);
    bob.say(&alice, "c-1", "x").unwrap();
    for foreign in [conv, group, 0, 9_999, NUMBER_MAX, u64::MAX] {
        refused(hide(&carol, foreign, &[1]), Code::NOT_FOUND);
    }
    for seqs in [&[0][..], &[2], &[1, 2], &[NUMBER_MAX], &[u64::MAX]] {
        refused(hide(&alice, conv, seqs), Code::NOT_FOUND);
    }
    let first = history(&bob, group)[0].seq;
    assert!(first > 0);
    hide(&bob, group, &[first]).unwrap();
    bob.ask(Request::LeaveGroup(GroupRef { groupid: group })).unwrap();
    refused(hide(&bob, group, &[first]), Code::NOT_FOUND);
    assert_eq!((list(&alice), list(&carol)), (vec![], vec![]), "all or none");
}

#[test]
fn so_many_at_once() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    for n in 0..=HIDE_SEQS_MAX {
        bob.say(&alice, &format!("c-{n}"), "x").unwrap();
    }
    bad_field(hide(&alice, conv, &[]), "seqs");
    let all: Vec<u64> = (1..=HIDE_SEQS_MAX as u64 + 1).collect();
    bad_field(hide(&alice, conv, &all), "seqs");
    assert_eq!(list(&alice), []);
    assert_eq!(hide(&alice, conv, &all[1..]).unwrap().len(), HIDE_SEQS_MAX);
    let first = page(&alice, 0, 60);
    assert_eq!((first.hidden.len(), first.next), (60, 60));
    let second = page(&alice, first.next, 60);
    assert_eq!((second.hidden.len(), second.next), (40, 0));
    for beyond in [100, NUMBER_MAX, u64::MAX] {
        assert_eq!(page(&alice, beyond, 0), HiddenPage::default());
    }
}
