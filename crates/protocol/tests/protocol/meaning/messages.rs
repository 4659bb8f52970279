//! Messages, and finding them.

use protocol::*;

use super::cast::*;
use super::{Meaning, push, refused, reply, request};

pub(super) fn messages() -> Vec<(&'static str, Meaning)> {
    vec![
        (
            "one_chat/request",
            request(
                5,
                Request::OneChat(OneChat {
                    to: 2,
                    msg: "你好, bob".into(),
                    client_msg_id: ALICES_ID.into(),
                    ..OneChat::default()
                }),
            ),
        ),
        (
            "one_chat/request-answer",
            request(
                34,
                Request::OneChat(OneChat {
                    to: 2,
                    msg: "Thursday, @bob".into(),
                    client_msg_id: "c-34".into(),
                    reply_to: 3,
                    mentions: vec![2],
                }),
            ),
        ),
        ("one_chat/reply", reply(5, Reply::OneChat(Sent { conv: 10, seq: 2, time: TIME + 62_500 }))),
        (
            "group_chat/request",
            request(
                31,
                Request::GroupChat(GroupChat {
                    groupid: 11,
                    msg: "Rain. Indoors?".into(),
                    client_msg_id: "c-31".into(),
                    ..GroupChat::default()
                }),
            ),
        ),
        ("group_chat/reply", reply(31, Reply::GroupChat(Sent { conv: 11, seq: 8, time: TIME + 70_000 }))),
        (
            "group_chat/request-answer",
            request(
                33,
                Request::GroupChat(GroupChat {
                    groupid: 11,
                    msg: "@bob Indoors!".into(),
                    client_msg_id: "c-33".into(),
                    reply_to: 8,
                    mentions: vec![2],
                }),
            ),
        ),
        ("message/push", push(Push::Message(bobs_answer()))),
        ("message/push-answer", push(Push::Message(bobs_reply()))),
        (
            "history/reply-answer",
            reply(
                33,
                Reply::History(HistoryPage { conv: 10, messages: vec![bobs_reply()], first: 1, last: 4 }),
            ),
        ),
        (
            "history/reply-system",
            reply(
                34,
                Reply::History(HistoryPage {
                    conv: 11,
                    messages: vec![alices_deed(
                        9,
                        SystemEvent {
                            id: 2,
                            name: "bob".into(),
                            role: Some(Role::Admin),
                            ..alices_event(SystemEventKind::Role)
                        },
                    )],
                    first: 8,
                    last: 9,
                }),
            ),
        ),
        (
            "message/push-role",
            push(Push::Message(alices_deed(
                9,
                SystemEvent {
                    id: 2,
                    name: "bob".into(),
                    role: Some(Role::Admin),
                    ..alices_event(SystemEventKind::Role)
                },
            ))),
        ),
        (
            "message/push-muted",
            push(Push::Message(alices_deed(
                10,
                SystemEvent {
                    id: 2,
                    name: "bob".into(),
                    until: Some(TIME + 3_600_000),
                    ..alices_event(SystemEventKind::Muted)
                },
            ))),
        ),
        (
            "message/push-edited",
            push(Push::Message(alices_deed(
                11,
                SystemEvent {
                    groupname: Some("climbers & friends".into()),
                    groupdesc: Some(String::new()),
                    announcement: Some("Bring a rope".into()),
                    avatar: Some("wall.png".into()),
                    joining: Some(Joining::Approval),
                    ..alices_event(SystemEventKind::Edited)
                },
            ))),
        ),
        (
            "history/request",
            request(
                4,
                Request::History(History { conv: 10, after: Some(0), before: None, at: None, limit: 50 }),
            ),
        ),
        (
            "history/request-before",
            request(
                33,
                Request::History(History { conv: 10, after: None, before: Some(3), at: None, limit: 0 }),
            ),
        ),
        (
            "history/request-at",
            request(
                35,
                Request::History(History { conv: 10, at: Some(1_767_225_660_000), ..History::default() }),
            ),
        ),
        (
            "history/reply",
            reply(
                4,
                Reply::History(HistoryPage { conv: 10, messages: vec![bobs_message()], first: 1, last: 1 }),
            ),
        ),
        ("conversations/request", request(8, Request::Conversations(Page { after: 0, limit: 0 }))),
        (
            "conversations/reply",
            reply(
                8,
                Reply::Conversations(ConversationsPage {
                    convs: vec![
                        Conversation { last_change: 2, ..direct(3, 1) },
                        Conversation { restored: 8, ..of_group(8, 9, 0) },
                    ],
                    next: 11,
                }),
            ),
        ),
        ("ack/request", request(6, Request::Ack(Ack { conv: 10, seq: 3 }))),
        ("ack/reply", reply(6, Reply::Ack(Nothing {}))),
    ]
}

pub(super) fn message_search() -> Vec<(&'static str, Meaning)> {
    let search = SearchMessages { query: "你好".into(), ..SearchMessages::default() };
    let all = SearchMessages {
        query: "climbing 周二".into(),
        conv: Some(10),
        from: Some(1),
        since: Some(TIME),
        until: Some(TIME + 86_400_000),
        before: Some(format!("{}.10.3", TIME + 64_000)),
        limit: 20,
    };
    let said = ChatMessage {
        seq: 2,
        from: 1,
        name: "alice".into(),
        client_msg_id: ALICES_ID.into(),
        time: TIME + 62_500,
        msg: "你好, bob".into(),
        ..bobs_message()
    };
    let found = FoundMessages { messages: vec![said], next: Some(format!("{}.10.2", TIME + 62_500)) };
    let nothing = "there is no letter, digit or character to search for in it";
    vec![
        ("search_messages/request", request(130, Request::SearchMessages(search))),
        ("search_messages/request-all", request(131, Request::SearchMessages(all))),
        ("search_messages/reply", reply(130, Reply::SearchMessages(found))),
        (
            "search_messages/refused-bad-field",
            refused(132, Refusal::saying(Code::BAD_FIELD, nothing).field("query")),
        ),
    ]
}
