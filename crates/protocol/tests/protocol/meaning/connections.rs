//! Greeting, heartbeat and farewell.

use protocol::*;

use super::cast::*;
use super::{Meaning, push, reply, request};

pub(super) fn connections() -> Vec<(&'static str, Meaning)> {
    vec![
        (
            "hello/request",
            request(
                1,
                Request::Hello(Hello {
                    versions: vec![1],
                    client: "sketch/0.1".into(),
                    device: "laptop".into(),
                }),
            ),
        ),
        (
            "hello/reply",
            reply(
                1,
                Reply::Hello(HelloReply {
                    version: 1,
                    server: "chat/0.1.0".into(),
                    node: "node-1".into(),
                    time: TIME,
                    heartbeat_ms: 12_000,
                    frame_bytes_max: limits::FRAME_BYTES_MAX,
                    text_bytes_max: limits::TEXT_BYTES_MAX as u32,
                    pipeline_max: 64,
                    page_max: limits::PAGE_MAX,
                }),
            ),
        ),
        ("ping/request", request(9, Request::Ping(Nothing {}))),
        ("ping/reply", reply(9, Reply::Ping(Nothing {}))),
        ("ping/push", push(Push::Ping(Nothing {}))),
        (
            "bye/push",
            push(Push::Bye(Bye {
                errcode: Code::GOING_AWAY.0,
                errmsg: Code::GOING_AWAY.text().into(),
                retry_after_ms: 500,
            })),
        ),
        (
            "bye/push-bad-frame",
            push(Push::Bye(Bye {
                errcode: Code::BAD_FRAME.0,
                errmsg: Code::BAD_FRAME.text().into(),
                retry_after_ms: 0,
            })),
        ),
        (
            "bye/push-too-many",
            push(Push::Bye(Bye {
                errcode: Code::TOO_MANY.0,
                errmsg: "too many failed logins on this connection".into(),
                retry_after_ms: 1_000,
            })),
        ),
    ]
}
