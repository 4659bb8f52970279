//! The business rules, driven through `Service::handle` over the in-memory ports.
//!
//! One binary, one module per topic. Whatever a rule says about others is asserted on what their connections were sent,
//! down to "nothing".

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that goes wrong should stop there")]

mod accounts;
mod acks;
mod blocks;
mod broadcasts;
mod chat;
mod doubts;
mod friend_notes;
mod friends;
mod groups;
mod hidden;
mod history;
mod limits;
mod lists;
mod message_search;
mod nodes;
mod numbers;
mod outages;
mod personal_notices;
mod presence;
mod profiles;
mod quiet;
mod quotes;
mod races;
mod receipts;
mod recent_history;
mod rosters;
mod search;
mod secrets;
mod sessions;
mod typing;
mod upkeep;

use protocol::{Code, MessageKind, Push, Refusal, Reply, Sent};

/// Fails unless this was refused with this code; returns the refusal.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, code: Code) -> Refusal {
    match result {
        Err(refusal) if refusal.code == code => refusal,
        other => panic!("expected {code:?}, got {other:?}"),
    }
}

/// Fails unless this was refused for this field.
#[track_caller]
fn bad_field<T: std::fmt::Debug>(result: Result<T, Refusal>, field: &str) {
    let refusal = refused(result, Code::BAD_FIELD);
    assert_eq!(refusal.body.field.as_deref(), Some(field), "{refusal:?}");
    assert!(!refusal.body.errmsg.is_empty());
}

/// Where a message was stored.
#[track_caller]
fn sent(answer: &Result<Reply, Refusal>) -> Sent {
    match answer {
        Ok(Reply::OneChat(sent) | Reply::GroupChat(sent)) => *sent,
        other => panic!("not stored: {other:?}"),
    }
}

/// The texts of what people said among these pushes, with their seqs.
fn messages(pushes: Vec<Push>) -> Vec<(u64, String)> {
    let message = |push| match push {
        Push::Message(message) if message.kind == MessageKind::Text => Some((message.seq, message.msg)),
        _ => None,
    };
    pushes.into_iter().filter_map(message).collect()
}

/// Takes the body out of the one expected variant.
#[macro_export]
macro_rules! body {
    ($kind:ident :: $variant:ident, $value:expr) => {
        match $value {
            protocol::$kind::$variant(body) => body,
            other => panic!("expected {}, got {other:?}", stringify!($variant)),
        }
    };
}
