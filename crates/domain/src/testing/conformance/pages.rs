//! Reading the log.

use super::cast::{BIG_PAGE, NOW, append, count_to, message, say, two_friends};
use crate::{ConversationId, MessageKind, PageSize, Seq, Store, StoredMessage, Timestamp, Window};

fn seqs(
    store: &dyn Store,
    conversation: ConversationId,
    since: u64,
    window: Window,
    size: PageSize,
) -> Vec<u64> {
    let page = store.page(conversation, Seq(since), window, size).unwrap();
    page.into_iter().map(|message| message.seq.0).collect()
}

fn messages(messages: u32) -> PageSize {
    PageSize { messages, ..BIG_PAGE }
}

fn bytes(bytes: usize) -> PageSize {
    PageSize { bytes, ..BIG_PAGE }
}

fn after(seq: u64) -> Window {
    Window::After(Seq(seq))
}

fn before(seq: u64) -> Window {
    Window::Before(Seq(seq))
}

pub(super) fn windows_of_a_log(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    let page = |window| seqs(store, conversation, 0, window, messages(3));
    assert_eq!(page(Window::Newest), [], "nothing was said");
    count_to(store, conversation, ann, 8);
    assert_eq!(page(after(0)), [1, 2, 3]);
    assert_eq!(page(after(3)), [4, 5, 6]);
    assert_eq!(page(after(6)), [7, 8]);
    assert_eq!(page(after(8)), []);
    assert_eq!(page(after(1_000)), []);
    assert_eq!(page(before(1_000)), [6, 7, 8]);
    assert_eq!(page(before(9)), [6, 7, 8]);
    assert_eq!(page(before(6)), [3, 4, 5]);
    assert_eq!(page(before(3)), [1, 2]);
    assert_eq!(page(before(1)), []);
    assert_eq!(page(before(0)), []);
    assert_eq!(page(Window::Newest), [6, 7, 8]);
}

pub(super) fn a_page_begins_after_since(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    count_to(store, conversation, ann, 8);
    let page = |window| seqs(store, conversation, 5, window, messages(2));
    assert_eq!(page(after(0)), [6, 7]);
    assert_eq!(page(after(6)), [7, 8]);
    assert_eq!(page(before(8)), [6, 7]);
    assert_eq!(page(before(7)), [6]);
    assert_eq!(page(before(6)), []);
    assert_eq!(page(before(2)), []);
    assert_eq!(page(Window::Newest), [7, 8]);
    assert_eq!(seqs(store, conversation, 7, Window::Newest, BIG_PAGE), [8]);
    assert_eq!(seqs(store, conversation, 8, Window::Newest, BIG_PAGE), []);
    assert_eq!(seqs(store, conversation, 1_000, after(0), BIG_PAGE), []);
}

pub(super) fn a_page_is_limited_by_messages(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    count_to(store, conversation, ann, 300);
    for size in [1, 2, 7, 299] {
        let page = seqs(store, conversation, 0, after(0), messages(size));
        assert!(page.into_iter().eq(1..=u64::from(size)), "{size}");
        let page = seqs(store, conversation, 0, Window::Newest, messages(size));
        assert!(page.into_iter().eq(301 - u64::from(size)..=300), "{size}");
    }
    for size in [300, 301, u32::MAX] {
        for window in [after(0), before(301), Window::Newest] {
            assert!(seqs(store, conversation, 0, window, messages(size)).into_iter().eq(1..=300), "{size}");
        }
    }
}

pub(super) fn a_page_is_limited_by_bytes(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    for body in ["aaaa", "bbbb", "éé", "🦀", "c"] {
        say(store, conversation, ann, body);
    }
    let page = |window, size| seqs(store, conversation, 0, window, bytes(size));
    assert_eq!(page(after(0), 12), [1, 2, 3]);
    assert_eq!(page(after(0), 15), [1, 2, 3], "the fourth would exceed the limit");
    assert_eq!(page(after(0), 16), [1, 2, 3, 4], "bytes, not characters");
    assert_eq!(page(after(0), 17), [1, 2, 3, 4, 5]);
    assert_eq!(page(Window::Newest, 5), [4, 5]);
    assert_eq!(page(Window::Newest, 8), [4, 5]);
    assert_eq!(page(before(5), 8), [3, 4]);
    let both = PageSize { messages: 2, bytes: 100 };
    assert_eq!(seqs(store, conversation, 0, after(0), both), [1, 2], "whichever comes first");
}

pub(super) fn a_page_holds_one_message_at_least(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    say(store, conversation, ann, &"x".repeat(1_000));
    say(store, conversation, ann, "");
    say(store, conversation, ann, &"y".repeat(1_000));
    for size in [bytes(10), bytes(0), messages(0)] {
        assert_eq!(seqs(store, conversation, 0, after(0), size)[0], 1, "{size:?}");
        assert_eq!(seqs(store, conversation, 0, before(4), size), [3], "{size:?}");
        assert_eq!(seqs(store, conversation, 0, Window::Newest, size), [3], "{size:?}");
        assert_eq!(seqs(store, conversation, 0, after(3), size), [], "{size:?}");
    }
}

pub(super) fn a_message_comes_back_as_it_was(store: &dyn Store) {
    let (ann, bob, conversation) = two_friends(store);
    let mut first = message(conversation, ann, "hello");
    first.time = Timestamp(NOW.0 + 123);
    let second = message(conversation, bob, "");
    super::cast::append(store, &[first.clone(), second.clone()]);
    let stored = [first, second].into_iter().zip(1..).map(|(message, seq)| StoredMessage {
        conversation,
        seq: Seq(seq),
        sender: message.sender,
        client_msg_id: message.client_msg_id,
        time: message.time,
        kind: MessageKind::Text,
        body: message.body,
        edited: Timestamp(0),
        recalled: None,
        reply_to: message.reply_to,
        mentions: message.mentions,
    });
    let page = store.page(conversation, Seq(0), Window::Newest, BIG_PAGE).unwrap();
    assert!(stored.eq(page));
}

pub(super) fn an_unknown_conversation_is_empty(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    say(store, conversation, ann, "elsewhere");
    for unknown in [ConversationId(0), ConversationId(conversation.0 + 1_000_000_000)] {
        for window in [after(0), before(10), Window::Newest] {
            assert_eq!(seqs(store, unknown, 0, window, BIG_PAGE), []);
        }
    }
}

pub(super) fn a_time_is_found(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    let at = |since, time| store.seq_at(conversation, Seq(since), Timestamp(time)).unwrap().map(|seq| seq.0);
    assert_eq!(at(0, 0), None, "nothing was said");
    for time in [1_000, 2_000, 2_000, 5_000, 4_000, 6_000] {
        append(store, &[crate::NewMessage { time: Timestamp(time), ..message(conversation, ann, "said") }]);
    }
    for (time, seq) in [
        (0, Some(1)),
        (1_000, Some(1)),
        (1_001, Some(2)),
        (2_000, Some(2)),
        (2_001, Some(4)),
        (4_500, Some(4)),
        (5_000, Some(4)),
        (5_001, Some(6)),
        (6_001, None),
        (crate::NUMBER_MAX, None),
        (u64::MAX, None),
    ] {
        assert_eq!(at(0, time), seq, "{time}");
    }
    assert_eq!(at(4, 0), Some(5));
    assert_eq!(at(4, 4_500), Some(6), "what stands before is not there");
    assert_eq!(at(6, 0), None);
    assert_eq!(at(1_000, 0), None);
    assert_eq!(store.seq_at(ConversationId(crate::NUMBER_MAX), Seq(0), Timestamp(0)).unwrap(), None);
}

pub(super) fn a_time_is_found_in_a_long_conversation(store: &dyn Store) {
    let (ann, _, conversation) = two_friends(store);
    let said: Vec<_> = (1..=3_000)
        .map(|n| crate::NewMessage { time: Timestamp(n * 10), ..message(conversation, ann, "said") })
        .collect();
    append(store, &said);
    for seq in [1, 2, 15, 16, 17, 1_023, 2_048, 2_999, 3_000] {
        for (since, time) in [(0, seq * 10), (0, seq * 10 - 9), (seq - 1, 0)] {
            let found = store.seq_at(conversation, Seq(since), Timestamp(time)).unwrap();
            assert_eq!(found, Some(Seq(seq)), "after {since} at {time}");
        }
    }
}
