//! What encoding and decoding one message costs. Run with
//! `cargo run --release -p protocol --example cost`.
#![allow(clippy::disallowed_methods, reason = "a stopwatch needs the clock")]

use std::hint::black_box;
use std::time::Instant;

use bytes::BytesMut;
use protocol::{
    ChatMessage, Incoming, MessageKind, OneChat, Push, Reply, Request, Sent, decode, encode, limits,
};

const ROUNDS: u32 = 500_000;
const REPEATS: usize = 9;

fn main() {
    let text = "x".repeat(100);
    let chat = Request::OneChat(OneChat {
        to: 1_234_567,
        msg: text.clone(),
        client_msg_id: "0198c1de-7b3a-7c44-9a53-0f6d1c2b3a4e".into(),
        ..OneChat::default()
    });
    let message = Push::Message(ChatMessage {
        conv: 7_654_321,
        seq: 4_711,
        from: 1_234_567,
        name: "alice".into(),
        client_msg_id: "0198c1de-7b3a-7c44-9a53-0f6d1c2b3a4e".into(),
        time: 1_700_000_000_123,
        kind: MessageKind::Text,
        msg: text,
        ..ChatMessage::default()
    });
    let sent = Reply::OneChat(Sent { conv: 7_654_321, seq: 4_711, time: 1_700_000_000_123 });

    let mut buffer = BytesMut::with_capacity(4096);
    let mut encoded = |write: &dyn Fn(&mut BytesMut)| {
        buffer.clear();
        write(&mut buffer);
        buffer.to_vec()
    };
    let chat_bytes = encoded(&|out| encode::request(1, &chat, out));
    let message_bytes = encoded(&|out| encode::push(&message, out));
    let sent_bytes = encoded(&|out| encode::reply(1, &sent, out));

    let mut out = BytesMut::with_capacity(4096);
    println!("ns per call, best of {REPEATS} runs of {ROUNDS}");
    measure("encode ONE_CHAT request, 100 bytes of text", || {
        out.clear();
        encode::request(1, black_box(&chat), &mut out);
    });
    let mut out = BytesMut::with_capacity(4096);
    measure("encode ONE_CHAT reply", || {
        out.clear();
        encode::reply(1, black_box(&sent), &mut out);
    });
    let mut out = BytesMut::with_capacity(4096);
    measure("encode MESSAGE push into a warm buffer", || {
        out.clear();
        encode::push(black_box(&message), &mut out);
    });
    measure("encode MESSAGE push as shared bytes", || {
        black_box(encode::push_bytes(black_box(&message)));
    });
    measure("cut a frame", || {
        black_box(decode(black_box(&chat_bytes), limits::FRAME_BYTES_MAX).ok());
    });
    measure("decode ONE_CHAT request", || {
        if let Ok(Some((frame, _))) = decode(black_box(&chat_bytes), limits::FRAME_BYTES_MAX) {
            black_box(Request::from_frame(&frame).ok());
        }
    });
    for (name, bytes) in [("decode ONE_CHAT reply", &sent_bytes), ("decode MESSAGE push", &message_bytes)] {
        measure(name, || {
            if let Ok(Some((frame, _))) = decode(black_box(bytes), limits::FRAME_BYTES_MAX) {
                black_box(Incoming::from_frame(&frame).ok());
            }
        });
    }
}

/// Prints the best of several runs: other load on the machine only ever adds.
fn measure(name: &str, mut call: impl FnMut()) {
    let best = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..ROUNDS {
                call();
            }
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    println!("{name:45} {:7.1}", best.as_nanos() as f64 / f64::from(ROUNDS));
}
