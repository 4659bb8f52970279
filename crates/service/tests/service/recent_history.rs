//! Pages of history from the cache: what it holds is never believed beyond what the log says.

use std::sync::{Arc, Barrier};

use domain::testing::history_cache::recent;
use domain::{ConversationId, HistoryCache, MessageLog, PageSize, Seq, Window};
use protocol::{History, HistoryPage, JoinGroup, Request};
use service::testing::{Device, Harness, config};

use crate::body;

fn page(device: &Device<'_>, history: History) -> HistoryPage {
    body!(Reply::History, device.ask(Request::History(history)).unwrap())
}

fn texts(page: &HistoryPage) -> Vec<(u64, String)> {
    page.messages.iter().map(|message| (message.seq, message.msg.clone())).collect()
}

/// What the log itself holds of this window.
fn logged(harness: &Harness, history: &History) -> Vec<(u64, String)> {
    let window = match (history.after, history.before) {
        (Some(after), _) => Window::After(Seq(after)),
        (_, Some(before)) => Window::Before(Seq(before)),
        _ => Window::Newest,
    };
    let messages = if history.limit == 0 { config().page_max } else { history.limit };
    let size = PageSize { messages, bytes: usize::MAX };
    let page = harness.store.page(ConversationId(history.conv), Seq(0), window, size).unwrap();
    page.into_iter().map(|message| (message.seq.0, message.body)).collect()
}

/// Windows around all ends of what may be kept.
fn windows(conv: u64, last: u64) -> impl Iterator<Item = History> {
    let seqs =
        [0, 1, 2, last / 2, last.saturating_sub(201), last.saturating_sub(200), last.saturating_sub(199)];
    let seqs = seqs.into_iter().chain([last.saturating_sub(1), last, last + 1, last + 500]);
    let ends = seqs.flat_map(|seq| [(Some(seq), None), (None, Some(seq))]).chain([(None, None)]);
    ends.flat_map(move |(after, before)| {
        [0, 1, 50, 200].map(|limit| History { conv, after, before, limit, ..History::default() })
    })
}

#[test]
fn a_page_is_what_the_log_has_wherever_it_comes_from() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    for n in 1..=450_u64 {
        alice.say(&bob, &format!("c-{n}"), &format!("text {n}")).unwrap();
        if [1, 2, 199, 200, 201, 230, 449, 450].contains(&n) {
            for window in windows(conv, n) {
                assert_eq!(texts(&page(&bob, window.clone())), logged(&harness, &window), "{n}: {window:?}");
            }
        }
    }
    let from = harness.service.history_snapshot();
    assert!(from.from_cache > 100 && from.from_log > 20, "{from:?}");
}

#[test]
fn a_message_is_in_the_cache_once_it_is_answered() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    alice.say(&bob, "1", "first").unwrap();
    let newest = History { conv, ..History::default() };
    page(&bob, newest.clone());
    let loads = harness.service.history_snapshot().loaded;
    for n in 2..=20 {
        alice.say(&bob, &n.to_string(), "another").unwrap();
        assert_eq!(page(&bob, newest.clone()).messages.len(), n);
    }
    let now = harness.service.history_snapshot();
    assert_eq!((now.loaded, now.caught_up, now.from_cache), (loads, 0, 19), "nothing was read again");
}

#[test]
fn what_another_node_stored_is_caught_up_with() {
    let here = Harness::new();
    let there = here.beside(config());
    let (alice, bob) = (here.login("alice"), there.login("bob"));
    let conv = here.befriend(&alice, &here.login("bob"));
    alice.say(&bob, "1", "first").unwrap();
    let newest = History { conv, ..History::default() };
    page(&bob, newest.clone());
    // Stored past this cache, as by a node that does not share it, or could not reach it.
    let unheard = domain::NewMessage {
        conversation: ConversationId(conv),
        sender: alice.user(),
        client_msg_id: "unheard".into(),
        time: domain::Timestamp(1),
        kind: domain::MessageKind::Text,
        body: "unheard".into(),
        reply_to: None,
        mentions: domain::Mentions::default(),
    };
    assert!(here.store.append(&[unheard]).unwrap().iter().all(Result::is_ok));
    for reader in [&alice, &bob] {
        let shown = page(reader, newest.clone());
        assert_eq!(shown.messages.last().unwrap().msg, "unheard");
        assert_eq!(shown.messages.len(), 2);
    }
    assert_eq!(here.service.history_snapshot().caught_up + there.service.history_snapshot().caught_up, 1);
}

#[test]
fn an_emptied_cache_costs_a_page_and_nothing_more() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    for n in 1..=10 {
        alice.say(&bob, &n.to_string(), "said").unwrap();
    }
    let newest = History { conv, ..History::default() };
    let before = texts(&page(&bob, newest.clone()));
    harness.history.clear();
    assert_eq!(texts(&page(&bob, newest.clone())), before);
    harness.history.clear();
    alice.say(&bob, "11", "said").unwrap();
    assert_eq!(page(&bob, newest).messages.len(), 11);
}

#[test]
fn who_may_not_read_finds_nothing_in_the_cache_either() {
    let harness = Harness::new();
    let (owner, late, eve) = (harness.login("owner"), harness.login("late"), harness.login("eve"));
    let conv = harness.group(&[&owner]);
    for n in 1..=5 {
        owner.say_in(conv, &n.to_string(), "before").unwrap();
    }
    let newest = History { conv, ..History::default() };
    assert_eq!(page(&owner, newest.clone()).messages.len(), 5);
    eve.ask(Request::History(newest.clone())).unwrap_err();
    late.store(late.prepare(Request::JoinGroup(JoinGroup::of(conv))).unwrap()).unwrap();
    let first = page(&late, newest.clone());
    assert!(first.messages.iter().all(|message| message.seq > 5), "{first:?}");
    for window in windows(conv, first.last) {
        assert!(page(&late, window).messages.iter().all(|message| message.seq >= first.first));
    }
}

#[test]
fn many_who_come_at_once_are_one_reader_of_the_log() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    for n in 1..=100 {
        alice.say(&bob, &n.to_string(), "said").unwrap();
    }
    let start = Arc::new(Barrier::new(16));
    std::thread::scope(|threads| {
        for _ in 0..16 {
            threads.spawn(|| {
                start.wait();
                assert_eq!(page(&bob, History { conv, ..History::default() }).messages.len(), 100);
            });
        }
    });
    assert_eq!(harness.service.history_snapshot().loaded, 1);
}

#[test]
fn what_was_kept_before_the_last_message_is_not_taken_for_all() {
    let harness = Harness::new();
    let (alice, bob) = (harness.login("alice"), harness.login("bob"));
    let conv = harness.befriend(&alice, &bob);
    for n in 1..=10 {
        alice.say(&bob, &n.to_string(), "said").unwrap();
    }
    // Kept without what was said last: shown is what the log has.
    harness.history.keep(ConversationId(conv), recent(conv, 0, 1..=3, 1));
    let shown = page(&bob, History { conv, ..History::default() });
    assert_eq!(shown.messages.len(), 10);
}
