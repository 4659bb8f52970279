//! Pages of a conversation.

use bytes::BytesMut;
use protocol::limits::{FRAME_BYTES_MAX, HISTORY_PAGE_BYTES_MAX, TEXT_BYTES_MAX};
use protocol::{Code, History, HistoryPage, Page, Refusal, Reply, Request, encode};
use service::ServiceConfig;
use service::testing::{Device, Harness};

use crate::{bad_field, body, refused};

/// No message.
const NONE: [u64; 0] = [];

fn ask(
    device: &Device<'_>,
    conv: u64,
    after: Option<u64>,
    before: Option<u64>,
    limit: u32,
) -> Result<HistoryPage, Refusal> {
    let request = History { conv, after, before, at: None, limit };
    Ok(body!(Reply::History, device.ask(Request::History(request))?))
}

fn seqs(page: &HistoryPage) -> Vec<u64> {
    page.messages.iter().map(|message| message.seq).collect()
}

#[test]
fn pages_go_forwards_backwards_and_from_the_end() {
    let harness = Harness::with(ServiceConfig { page_max: 4, ..service::testing::config() });
    let (alice, bob) = (harness.login("Alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    for n in 1..=10 {
        let (from, to) = if n % 2 == 1 { (&alice, &bob) } else { (&bob, &alice) };
        from.say(to, &format!("c-{n}"), &format!("text {n}")).unwrap();
    }
    let page = |after, before, limit| ask(&bob, conv, after, before, limit).unwrap();
    assert_eq!(seqs(&page(None, None, 3)), [8, 9, 10]);
    assert_eq!(seqs(&page(None, None, 0)), [7, 8, 9, 10], "page_max");
    assert_eq!(seqs(&page(None, None, 1_000)), [7, 8, 9, 10], "never more than page_max");
    assert_eq!(seqs(&page(Some(0), None, 3)), [1, 2, 3]);
    assert_eq!(seqs(&page(Some(8), None, 3)), [9, 10]);
    assert_eq!(seqs(&page(Some(10), None, 3)), NONE);
    assert_eq!(seqs(&page(Some(u64::MAX), None, 3)), NONE);
    assert_eq!(seqs(&page(None, Some(4), 2)), [2, 3]);
    assert_eq!(seqs(&page(None, Some(1), 2)), NONE);
    assert_eq!(seqs(&page(None, Some(0), 2)), NONE);
    assert_eq!(seqs(&page(None, Some(u64::MAX), 2)), [9, 10]);

    let whole = page(Some(0), None, 2);
    assert_eq!((whole.conv, whole.first, whole.last), (conv, 1, 10));
    let (first, second) = (&whole.messages[0], &whole.messages[1]);
    assert_eq!((first.from, first.name.as_str()), (alice.user().0, "Alice"));
    assert_eq!((second.from, second.name.as_str()), (bob.user().0, "bob"));
    assert_eq!((first.client_msg_id.as_str(), first.msg.as_str()), ("c-1", "text 1"));
    bad_field(ask(&bob, conv, Some(1), Some(5), 2), "before");
}

#[test]
fn a_foreign_conversation_and_none_are_the_same() {
    let harness = Harness::new();
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let conv = harness.befriend(&alice, &bob);
    let group = harness.group(&[&alice, &bob]);
    alice.say(&bob, "1", "secret").unwrap();
    let answers = [conv, group, 9_999, 0, u64::MAX]
        .map(|conv| refused(ask(&carol, conv, None, None, 0), Code::NOT_FOUND));
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[test]
fn what_was_said_before_joining_is_not_read() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let group = harness.group(&[&alice]);
    for n in 1..=3 {
        alice.say_in(group, &format!("{n}"), "before").unwrap();
    }
    bob.ask(Request::JoinGroup(protocol::JoinGroup::of(group))).unwrap();
    alice.say_in(group, "4", "after").unwrap();
    for (after, before) in [(None, None), (Some(0), None), (None, Some(100))] {
        let page = ask(&bob, group, after, before, 0).unwrap();
        assert_eq!((seqs(&page), page.first, page.last), (vec![4, 5], 4, 5));
    }
    assert_eq!(seqs(&ask(&bob, group, None, Some(4), 0).unwrap()), NONE);
    assert_eq!(seqs(&ask(&alice, group, Some(0), None, 0).unwrap()), [1, 2, 3, 4, 5]);
}

#[test]
fn a_friendship_that_ended_leaves_its_history() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    alice.say(&bob, "1", "hello").unwrap();
    let request = protocol::FriendRef { friendid: bob.user().0 };
    alice.ask(Request::DeleteFriend(request)).unwrap();
    assert_eq!(seqs(&ask(&bob, conv, None, None, 0).unwrap()), [1]);
}

/// Whatever the texts are, a page fits a frame, holds at least one message, and pages join without holes.
#[test]
fn pages_of_the_worst_texts_fit_a_frame() {
    let texts = ["\u{1}", "\"", "\\", "\n", "😀", "x", "\u{7f}", "\u{2028}"];
    for text in texts {
        let harness = Harness::new();
        let (alice, bob) = (harness.login("alice"), harness.login("bob"));
        let conv = harness.befriend(&alice, &bob);
        let long = text.repeat(TEXT_BYTES_MAX / text.len());
        for n in 0..12 {
            alice.say(&bob, &format!("\"{n}"), &long).unwrap();
        }
        let check = |page: &HistoryPage| {
            let mut frame = BytesMut::new();
            encode::reply(1, &Reply::History(page.clone()), &mut frame);
            assert!(frame.len() <= HISTORY_PAGE_BYTES_MAX + 200, "{text:?}: {} bytes", frame.len());
            assert!(frame.len() < FRAME_BYTES_MAX as usize);
            assert!(!page.messages.is_empty());
            // No byte is given away either: one message more would not have fitted.
            let each = frame.len() / page.messages.len();
            let left = page.last - page.messages.len() as u64;
            assert!(left == 0 || frame.len() + each + 400 > HISTORY_PAGE_BYTES_MAX, "{text:?}");
        };

        let mut forwards = Vec::new();
        while forwards.len() < 12 {
            let page = ask(&bob, conv, Some(forwards.len() as u64), None, 0).unwrap();
            if forwards.is_empty() {
                check(&page);
            }
            assert!(!page.messages.is_empty());
            forwards.extend(seqs(&page));
        }
        assert_eq!(forwards, (1..=12).collect::<Vec<_>>(), "{text:?}");

        let newest = ask(&bob, conv, None, None, 0).unwrap();
        check(&newest);
        let mut backwards = seqs(&newest);
        while backwards[0] > 1 {
            let page = ask(&bob, conv, None, Some(backwards[0]), 0).unwrap();
            backwards.splice(0..0, seqs(&page));
        }
        assert_eq!(backwards, forwards, "{text:?}");
    }
}

#[test]
fn conversations_are_listed_in_pages() {
    let harness = Harness::with(ServiceConfig { page_max: 2, ..service::testing::config() });
    let (alice, bob, carol) = (harness.login("alice"), harness.login("bob"), harness.login("carol"));
    let with_bob = harness.befriend(&alice, &bob);
    let with_carol = harness.befriend(&alice, &carol);
    let silent = harness.group(&[&alice]);
    let group = harness.group(&[&alice, &carol]);
    alice.say(&bob, "1", "x").unwrap();
    alice.say(&carol, "2", "x").unwrap();
    alice.say_in(group, "3", "x").unwrap();
    let list = |after| {
        let page = Request::Conversations(Page { after, limit: 0 });
        body!(Reply::Conversations, alice.ask(page).unwrap())
    };
    let first = list(0);
    let ids: Vec<u64> = first.convs.iter().map(|conv| conv.conv).collect();
    assert_eq!((ids, first.next), (vec![with_bob, with_carol], with_carol));
    assert_eq!(first.convs[0].kind, protocol::ConversationKind::Direct);
    assert_eq!(first.convs[0].with, bob.user().0);
    let second = list(first.next);
    assert_eq!((second.convs.len(), second.next), (1, 0));
    assert_eq!((second.convs[0].conv, second.convs[0].with), (group, group));
    assert_eq!(second.convs[0].kind, protocol::ConversationKind::Group);
    assert_ne!(silent, group);
}
