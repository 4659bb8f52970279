//! Events, for people and for programs: a file for each kind of news.

mod broadcast;
mod friend;
mod group;
mod message;
mod narrator;
mod object;
mod personal;

pub(crate) use message::{message_line, quote_line};
pub(crate) use narrator::Narrator;
pub(crate) use object::{message_object, object};
pub(crate) use personal::notice_line;

/// What tests tell of.
#[cfg(test)]
mod sample {
    use client::protocol::{ChatMessage, Friend, MessageKind, Notice, NoticeKind, SignedIn, State};

    use crate::roster::Roster;

    /// Alice, whose friend is bob.
    pub(super) fn roster() -> Roster {
        let friend = Friend { id: 2, name: "bob".into(), state: State::Online, conv: 9, ..Friend::default() };
        let bundle = SignedIn {
            id: 1,
            name: "alice".into(),
            session: 1,
            friends: vec![friend],
            ..SignedIn::default()
        };
        let mut roster = Roster::default();
        roster.sign_in(&bundle);
        roster
    }

    /// Said in their conversation.
    pub(super) fn message(from: u64, name: &str, msg: &str) -> ChatMessage {
        ChatMessage {
            conv: 9,
            seq: 1,
            from,
            name: name.into(),
            client_msg_id: "x".into(),
            time: 0,
            kind: MessageKind::Text,
            msg: msg.into(),
            ..ChatMessage::default()
        }
    }

    /// Of a user and a group with names that do no good.
    pub(super) fn notice(kind: NoticeKind) -> Notice {
        Notice {
            seq: 1,
            time: 0,
            kind,
            by: 2,
            name: "bob\u{1b}[31m".into(),
            groupid: Some(9),
            groupname: Some("read\ners".into()),
            role: None,
            until: None,
        }
    }
}
