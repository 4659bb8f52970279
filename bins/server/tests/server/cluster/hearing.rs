//! What a device must hear.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use protocol::{ChatMessage, Code, History, Push, Reply, Request};
use testkit::eventually;

use crate::support::{DEADLINE, Peer};

/// The next message of a conversation.
pub(super) fn next_in(peer: &mut Peer, conv: u64) -> ChatMessage {
    peer.take("a message of the conversation", |push| match push {
        Push::Message(message) if message.conv == conv => Some(message.clone()),
        _ => None,
    })
}

/// Exactly these seqs, one after the other, by pushes alone.
pub(super) fn run(peer: &mut Peer, conv: u64, seqs: RangeInclusive<u64>) -> Vec<ChatMessage> {
    let hear = |seq| {
        let message = next_in(peer, conv);
        assert_eq!(message.seq, seq, "conversation {conv}: not the next one ({})", message.msg);
        message
    };
    seqs.map(hear).collect()
}

/// Everything after `have` up to `last`, as a client keeps it that drops what it has and asks for what is missing.
pub(super) fn keep_up(peer: &mut Peer, conv: u64, have: u64, last: u64) -> BTreeMap<u64, ChatMessage> {
    let mut kept = BTreeMap::new();
    let mut have = have;
    while have < last {
        let message = next_in(peer, conv);
        if message.seq > have + 1 {
            let page = peer
                .history(History { conv, after: Some(have), before: None, at: None, limit: 0 })
                .expect("a page");
            for missed in page.messages.into_iter().filter(|missed| missed.seq < message.seq) {
                have = missed.seq;
                kept.insert(missed.seq, missed);
            }
        }
        if message.seq == have + 1 {
            have = message.seq;
            kept.insert(message.seq, message);
        }
    }
    kept
}

/// No message has come that was not taken yet; whatever was sent before is heard before the answer to this.
pub(super) fn nothing_more(peer: &mut Peer) {
    let messages: Vec<_> = peer
        .pushes_so_far()
        .into_iter()
        .filter_map(|push| match push {
            Push::Message(message) => Some((message.conv, message.seq, message.msg)),
            _ => None,
        })
        .collect();
    assert_eq!(messages, [], "a message too many");
}

/// Says something until it is stored, as a client does; how often it was answered busy.
pub(super) fn insist(peer: &mut Peer, request: &Request) -> (protocol::Sent, u32) {
    let mut busy = 0;
    let sent = eventually(DEADLINE * 2, "the message is stored", || match peer.ask(request) {
        Ok(Reply::OneChat(sent) | Reply::GroupChat(sent)) => Some(sent),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => {
            assert_eq!(refusal.code, Code::BUSY, "{refusal}");
            busy += 1;
            None
        }
    });
    (sent, busy)
}

/// Asks until it is refused with this code, which must be within `limit`; how long it took.
pub(super) fn refused_within(
    limit: Duration,
    code: Code,
    mut ask: impl FnMut() -> Result<protocol::Sent, protocol::Refusal>,
) -> Duration {
    let begun = Instant::now();
    eventually(limit, "what is not allowed any more is refused", || match ask() {
        Ok(_) => None,
        Err(refusal) => {
            assert_eq!(refusal.code, code, "{refusal}");
            Some(())
        }
    });
    begun.elapsed()
}

/// Set when a scope ends, however it ends, so that threads which run until then do not keep a failed test waiting.
pub(super) struct StopOnDrop<'a>(pub(super) &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
