//! How far users got, and what is quiet.

use protocol::*;

use super::cast::*;
use super::{Meaning, push, reply, request};

pub(super) fn receipts() -> Vec<(&'static str, Meaning)> {
    let count = |seq, delivered, read| ReceiptCount { seq, of: 4, delivered, read };
    vec![
        ("read/request", request(35, Request::Read(Read { conv: 10, seq: 3 }))),
        ("read/reply", reply(35, Reply::Read(Nothing {}))),
        ("receipts/request", request(36, Request::Receipts(Receipts { conv: 10, seqs: vec![] }))),
        (
            "receipts/reply",
            reply(36, Reply::Receipts(ReceiptsList { conv: 10, delivered: 3, read: 1, counts: vec![] })),
        ),
        ("receipts/request-seqs", request(37, Request::Receipts(Receipts { conv: 11, seqs: vec![8, 9] }))),
        (
            "receipts/reply-counts",
            reply(
                37,
                Reply::Receipts(ReceiptsList {
                    conv: 11,
                    delivered: 8,
                    read: 0,
                    counts: vec![count(8, 4, 3), count(9, 2, 0)],
                }),
            ),
        ),
        ("receipt/push", push(Push::Receipt(Receipt { conv: 10, user: 2, delivered: 3, read: 1 }))),
        (
            "conversations/reply-read",
            reply(
                8,
                Reply::Conversations(ConversationsPage {
                    convs: vec![Conversation { read: 2, ..direct(3, 3) }],
                    next: 0,
                }),
            ),
        ),
    ]
}

pub(super) fn quiet() -> Vec<(&'static str, Meaning)> {
    let night = Quiet {
        conv: 0,
        until: 0,
        from: Some(1_320),
        to: Some(420),
        zone: Some("Europe/Berlin".into()),
        mentions: true,
    };
    let climbers =
        Quiet { conv: 11, until: limits::NUMBER_MAX, from: None, to: None, zone: None, mentions: false };
    let set = SetQuiet { conv: 11, ..SetQuiet::default() };
    vec![
        ("quiet/request", request(38, Request::Quiet(Nothing {}))),
        (
            "quiet/reply",
            reply(38, Reply::Quiet(QuietList { version: 7, quiet: vec![night.clone(), climbers] })),
        ),
        (
            "set_quiet/request",
            request(
                39,
                Request::SetQuiet(SetQuiet {
                    conv: 0,
                    from: Some(1_320),
                    to: Some(420),
                    zone: Some("Europe/Berlin".into()),
                    ..SetQuiet::default()
                }),
            ),
        ),
        (
            "set_quiet/request-for-ever",
            request(
                40,
                Request::SetQuiet(SetQuiet {
                    until: Some(limits::NUMBER_MAX),
                    mentions: Some(false),
                    ..set.clone()
                }),
            ),
        ),
        ("set_quiet/request-take-away", request(41, Request::SetQuiet(set))),
        ("set_quiet/reply", reply(39, Reply::SetQuiet(QuietChanged { version: 6, quiet: night }))),
        (
            "quiet_changed/push",
            push(Push::QuietChanged(QuietChanged {
                version: 8,
                quiet: Quiet { conv: 11, mentions: true, ..Quiet::default() },
            })),
        ),
    ]
}
