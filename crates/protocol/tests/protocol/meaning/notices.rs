//! What users are told besides messages.

use protocol::*;

use super::cast::*;
use super::{Meaning, push, reply, request};

pub(super) fn notices() -> Vec<(&'static str, Meaning)> {
    let accepted = Notice {
        seq: 6,
        time: TIME + 7_000,
        kind: NoticeKind::FriendAccepted,
        by: 2,
        name: "bob".into(),
        groupid: None,
        groupname: None,
        role: None,
        until: None,
    };
    let in_climbers = |seq, kind| Notice {
        seq,
        time: TIME + 8_000,
        kind,
        groupid: Some(11),
        groupname: Some("climbers".into()),
        ..accepted.clone()
    };
    let appointed = Notice { role: Some(Role::Admin), ..in_climbers(7, NoticeKind::Role) };
    let muted = Notice { until: Some(TIME + 600_000), ..in_climbers(8, NoticeKind::Muted) };
    vec![
        ("notices/request", request(17, Request::Notices(Page { after: 5, limit: 3 }))),
        (
            "notices/reply",
            reply(
                17,
                Reply::Notices(NoticesPage {
                    notices: vec![accepted.clone(), appointed.clone(), muted.clone()],
                    next: 8,
                    last: 9,
                }),
            ),
        ),
        ("ack_notices/request", request(18, Request::AckNotices(AckNotices { seq: 8 }))),
        ("ack_notices/reply", reply(18, Reply::AckNotices(Nothing {}))),
        ("notice/push", push(Push::Notice(accepted))),
        ("notice/push-role", push(Push::Notice(appointed))),
        ("notice/push-muted", push(Push::Notice(muted))),
    ]
}

pub(super) fn broadcasts() -> Vec<(&'static str, Meaning)> {
    let back = Broadcast { id: 3, time: TIME + 8_000, msg: "Welcome back.".into() };
    let msg = "The server restarts at noon. 服务器中午重启。".into();
    let noon = Broadcast { id: 4, time: TIME + 9_000, msg };
    let page = |broadcasts, next| Reply::Broadcasts(BroadcastsPage { broadcasts, next, last: 4 });
    vec![
        ("broadcasts/request", request(19, Request::Broadcasts(Page { after: 2, limit: 50 }))),
        ("broadcasts/reply", reply(19, page(vec![back.clone(), noon.clone()], 0))),
        ("broadcasts/reply-goes-on", reply(19, page(vec![back], 3))),
        ("ack_broadcasts/request", request(20, Request::AckBroadcasts(AckBroadcasts { id: 4 }))),
        ("ack_broadcasts/reply", reply(20, Reply::AckBroadcasts(Nothing {}))),
        ("broadcast/push", push(Push::Broadcast(noon))),
    ]
}
