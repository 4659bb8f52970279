//! What becomes of messages: recalled, edited, hidden.

use protocol::*;

use super::cast::*;
use super::{Meaning, push, refused, reply, request};

pub(super) fn changes() -> Vec<(&'static str, Meaning)> {
    let page = |next, last| {
        let changes = vec![Change { position: 2, message: bobs_recalled() }];
        Reply::Changes(ChangesPage { conv: 10, changes, next, last })
    };
    let recalled = Changed { conv: 10, position: 2, message: bobs_recalled() };
    let edited = Changed { conv: 10, position: 1, message: bobs_edited() };
    vec![
        ("recall/request", request(40, Request::Recall(MessageRef { conv: 10, seq: 3 }))),
        ("recall/reply", reply(40, Reply::Recall(recalled))),
        ("recall/refused-too-late", refused(40, Refusal::new(Code::TOO_LATE))),
        (
            "edit_message/request",
            request(
                41,
                Request::EditMessage(EditMessage {
                    conv: 10,
                    seq: 3,
                    msg: "Climbing on Thursday?".into(),
                    mentions: Vec::new(),
                }),
            ),
        ),
        (
            "edit_message/request-mention",
            request(
                35,
                Request::EditMessage(EditMessage {
                    conv: 10,
                    seq: 5,
                    msg: "Friday, @bob".into(),
                    mentions: vec![2],
                }),
            ),
        ),
        ("edit_message/reply", reply(41, Reply::EditMessage(edited.clone()))),
        ("changes/request", request(42, Request::Changes(Changes { conv: 10, after: 1, limit: 50 }))),
        ("changes/reply", reply(42, page(0, 2))),
        ("changes/reply-goes-on", reply(42, page(2, 3))),
        ("changed/push", push(Push::Changed(edited))),
    ]
}

pub(super) fn hidden() -> Vec<(&'static str, Meaning)> {
    let entry = |position, conv, seq| Hidden { position, conv, seq };
    let climbers = || HiddenMessages { hidden: vec![entry(1, 11, 8), entry(2, 11, 9)] };
    let mut message = bobs_message();
    message.hide();
    let page = HistoryPage { conv: 10, messages: vec![message], first: 1, last: 1 };
    vec![
        ("hide/request", request(42, Request::Hide(Hide { conv: 11, seqs: vec![8, 9] }))),
        ("hide/reply", reply(42, Reply::Hide(climbers()))),
        ("hidden/request", request(43, Request::Hidden(Page { after: 1, limit: 1 }))),
        ("hidden/reply", reply(43, Reply::Hidden(HiddenPage { hidden: vec![entry(2, 11, 9)], next: 2 }))),
        (
            "hidden_messages/push",
            push(Push::HiddenMessages(HiddenMessages { hidden: vec![entry(3, 10, 1)] })),
        ),
        ("history/reply-hidden", reply(4, Reply::History(page))),
        ("typing/request", request(44, Request::Typing(Typing { conv: 10 }))),
        ("typing/reply", reply(44, Reply::Typing(Nothing {}))),
        ("typing/push", push(Push::Typing(IsTyping { conv: 10, from: 2, name: "bob".into() }))),
    ]
}
