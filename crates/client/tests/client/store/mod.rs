//! The own copy: what is written with what (`kept`, `changed`), what is found again (`words`), and which files are left alone (`files`).

mod changed;
mod files;
mod kept;
mod words;

use client::protocol::{ChatMessage, MessageKind, Secret};
use client::store::{Reach, Store};
use client::{Arrival, Event, SyncState};

/// The server's time of the message of seq 0.
const START_MS: u64 = 1_767_225_600_000;

const DAY_MS: u64 = 86_400_000;

fn message(conv: u64, seq: u64, msg: &str) -> ChatMessage {
    ChatMessage {
        conv,
        seq,
        from: 2,
        name: "bob".into(),
        client_msg_id: format!("{conv}-{seq}"),
        time: START_MS + seq,
        kind: MessageKind::Text,
        msg: msg.into(),
        ..ChatMessage::default()
    }
}

fn arrived(message: ChatMessage) -> Event {
    Event::Message { message, arrival: Arrival::Live }
}

fn talk(conv: u64, seqs: std::ops::RangeInclusive<u64>) -> Vec<Event> {
    seqs.map(|seq| arrived(message(conv, seq, &format!("number {seq}")))).collect()
}

fn seqs(messages: &[ChatMessage]) -> Vec<u64> {
    messages.iter().map(|message| message.seq).collect()
}

fn whole(store: &Store, conv: u64) -> Vec<u64> {
    seqs(&store.page(conv, None, 1_000, Reach::Whole).expect("readable").messages)
}

fn anything(store: &Store, conv: u64) -> Vec<u64> {
    seqs(&store.page(conv, None, 1_000, Reach::Anything).expect("readable").messages)
}

fn found(store: &Store, query: &str) -> Vec<u64> {
    seqs(&store.search(query, None, None, 100).expect("readable").messages)
}

fn state(cursors: &[(u64, u64)]) -> SyncState {
    let cursors = cursors.iter().copied().collect();
    SyncState {
        user: 1,
        name: "alice".into(),
        token: Some(Secret::new("t")),
        cursors,
        notices: Some(3),
        ..SyncState::default()
    }
}

fn in_memory() -> Store {
    Store::in_memory().expect("a store")
}
