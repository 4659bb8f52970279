//! SEARCH_MESSAGES: pages, limits, and what outages do.

use domain::{ConversationId, StoreError};
use protocol::limits::{HISTORY_PAGE_BYTES_MAX, TEXT_BYTES_MAX};
use protocol::{Code, FoundMessages, Refusal, Request, SearchMessages};
use service::ServiceConfig;
use service::testing::{Device, Harness};

use crate::{bad_field, body, refused};

fn ask(device: &Device<'_>, search: SearchMessages) -> Result<FoundMessages, Refusal> {
    Ok(body!(Reply::SearchMessages, device.ask(Request::SearchMessages(search))?))
}

fn words(query: &str) -> SearchMessages {
    SearchMessages { query: query.into(), ..SearchMessages::default() }
}

/// Takes in all that was said.
fn index(harness: &Harness) {
    while harness.service.index() != service::Backlog::None {}
}

#[test]
fn what_was_said_is_found_once_it_is_indexed() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("Alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    index(&harness);
    alice.say(&bob, "c-1", "吃火锅").unwrap();
    assert_eq!(harness.service.index_snapshot().waiting, 1);
    assert_eq!(ask(&bob, words("火锅")).unwrap(), FoundMessages::default());
    index(&harness);
    let page = ask(&bob, words("火锅")).unwrap();
    let message = &page.messages[0];
    assert_eq!((message.conv, message.seq, message.from), (conv, 1, alice.user().0));
    assert_eq!((message.name.as_str(), message.msg.as_str(), page.next), ("Alice", "吃火锅", None));
    let snapshot = harness.service.index_snapshot();
    assert_eq!((snapshot.indexed, snapshot.waiting, snapshot.failures), (1, 0, 0));
}

#[test]
fn what_an_outage_keeps_out_is_indexed_after_it() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("Alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    index(&harness);
    alice.say(&bob, "c-1", "during").unwrap();
    harness.store.fail_next(StoreError::unavailable("index messages", "away"), 2);
    assert_eq!(harness.service.index(), service::Backlog::None, "it waits for the next time");
    assert_eq!(harness.service.index(), service::Backlog::None);
    assert_eq!(harness.service.index_snapshot().failures, 1, "which is not at once");
    harness.clock.advance_ms(1_000);
    assert_eq!(harness.service.index(), service::Backlog::None);
    let snapshot = harness.service.index_snapshot();
    assert_eq!((snapshot.failures, snapshot.waiting, snapshot.set_aside), (2, 1, 1));
    harness.clock.advance_ms(2_000);
    index(&harness);
    assert_eq!(ask(&bob, words("during")).unwrap().messages.len(), 1);
}

/// One conversation that the store does not take keeps no other out of the index, and nobody from it for good.
#[test]
fn what_cannot_be_indexed_is_set_aside() {
    let harness = Harness::new();
    let alice = harness.login("Alice");
    let friends: Vec<Device<'_>> = (0..20).map(|n| harness.login(&format!("friend{n}"))).collect();
    let conversations: Vec<u64> = friends.iter().map(|friend| harness.befriend(&alice, friend)).collect();
    index(&harness);
    let bad = ConversationId(conversations[7]);
    harness.store.fail_to_index([bad]);
    for (n, friend) in friends.iter().enumerate() {
        alice.say(friend, &format!("c-{n}"), "innocent").unwrap();
    }
    // A few times a second, as often as a node looks when nothing succeeds.
    let steps = 1
        + (0..60)
            .take_while(|_| {
                harness.service.index();
                let snapshot = harness.service.index_snapshot();
                (snapshot.waiting, snapshot.set_aside) != (1, 1)
            })
            .count();
    assert!(steps <= 20, "{steps} steps");
    let found = |friend: &Device<'_>| ask(friend, words("innocent")).unwrap().messages.len();
    assert!(friends.iter().enumerate().all(|(n, friend)| found(friend) == usize::from(n != 7)));
    let failures = harness.service.index_snapshot().failures;
    alice.say(&friends[7], "again", "innocent").unwrap();
    alice.say(&friends[8], "too", "innocent").unwrap();
    index(&harness);
    assert_eq!((found(&friends[7]), found(&friends[8])), (0, 2));
    assert_eq!(harness.service.index_snapshot().failures, failures, "it is left alone for a while");
    harness.store.fail_to_index([]);
    harness.clock.advance_ms(1_000);
    index(&harness);
    assert_eq!(found(&friends[7]), 2);
    let snapshot = harness.service.index_snapshot();
    assert_eq!((snapshot.waiting, snapshot.set_aside, snapshot.failures), (0, 0, failures));
}

#[test]
fn a_page_is_limited_in_messages_and_bytes() {
    let harness = Harness::with(ServiceConfig { page_max: 20, ..service::testing::config() });
    let (alice, bob) = (harness.login("Alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    let long = format!("word {}", "\"".repeat(TEXT_BYTES_MAX - 5));
    for n in 0..25 {
        alice.say(&bob, &format!("c-{n}"), &long).unwrap();
    }
    index(&harness);
    let (mut seqs, mut search) = (Vec::new(), words("word"));
    loop {
        let page = ask(&bob, search.clone()).unwrap();
        let bytes: usize = page.messages.iter().map(|message| 2 * message.msg.len()).sum();
        assert!(bytes <= HISTORY_PAGE_BYTES_MAX && !page.messages.is_empty());
        seqs.extend(page.messages.iter().map(|message| message.seq));
        search.before = page.next;
        if search.before.is_none() {
            break;
        }
    }
    assert!(seqs.iter().copied().eq((1..=25).rev()), "{seqs:?}");
    for n in 25..60 {
        alice.say(&bob, &format!("c-{n}"), "word").unwrap();
    }
    index(&harness);
    for (limit, expected) in [(0, 20), (7, 7), (1_000, 20)] {
        assert_eq!(ask(&bob, SearchMessages { limit, ..words("word") }).unwrap().messages.len(), expected);
    }
}

#[test]
fn what_cannot_be_searched_for_is_refused() {
    let harness = Harness::new();
    let alice = harness.login("Alice");
    assert_eq!(ask(&alice, words(&"字".repeat(200))).unwrap(), FoundMessages::default());
    for query in [&"字".repeat(201), "", "*", "%_", "。", "\u{200d}"] {
        bad_field(ask(&alice, words(query)), "query");
    }
    bad_field(ask(&alice, SearchMessages { since: Some(5), until: Some(4), ..words("x") }), "until");
    refused(ask(&alice, SearchMessages { conv: Some(77), ..words("x") }), Code::NOT_FOUND);
}

#[test]
fn little_waits_for_more_and_much_does_not() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("Alice"), harness.login("bob"));
    harness.befriend(&alice, &bob);
    index(&harness);
    for n in 0..450 {
        alice.say(&bob, &format!("c-{n}"), "word").unwrap();
    }
    let portions: Vec<(service::Backlog, u64)> =
        (0..3).map(|_| (harness.service.index(), harness.service.index_snapshot().indexed)).collect();
    use service::Backlog::{MoreWhileBusy, None};
    assert_eq!(portions, [(MoreWhileBusy, 400), (None, 450), (None, 450)]);
}
