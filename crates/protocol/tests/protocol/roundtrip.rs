//! What is written is read as it was, whatever it says.

use bytes::BytesMut;
use proptest::prelude::*;
use protocol::{Frame, HEADER_LEN, Incoming, MsgId, Request, decode, encode};

use crate::strategies::{cases, push, refusal, reply, request};

/// The one frame that was written, after bytes that stood in the buffer before.
fn written(before: usize, buffer: &BytesMut) -> Frame<'_> {
    let (frame, used) = decode(&buffer[before..], u32::MAX).expect("our own frame").expect("a whole frame");
    assert_eq!(used, buffer.len() - before);
    assert_eq!(used, HEADER_LEN + frame.header.len as usize);
    frame
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn requests(rid: u32, request in request(), before in 0..3usize) {
        let mut buffer = BytesMut::zeroed(before);
        encode::request(rid, &request, &mut buffer);
        let frame = written(before, &buffer);
        prop_assert_eq!(frame.header.rid, rid);
        prop_assert_eq!(Request::from_frame(&frame), Ok(request));
        prop_assert!(Incoming::from_frame(&frame).is_err(), "a client took a request");
    }

    #[test]
    fn replies(rid: u32, reply in reply(), before in 0..3usize) {
        let mut buffer = BytesMut::zeroed(before);
        encode::reply(rid, &reply, &mut buffer);
        let frame = written(before, &buffer);
        prop_assert_eq!(Incoming::from_frame(&frame), Ok(Incoming::Reply { rid, result: Ok(reply) }));
        prop_assert!(Request::from_frame(&frame).is_err(), "a server took a reply");
    }

    #[test]
    fn refusals(rid: u32, msgid: u16, refusal in refusal()) {
        let mut buffer = BytesMut::new();
        encode::refusal(rid, msgid, &refusal, &mut buffer);
        let frame = written(0, &buffer);
        let replied = MsgId::from_number(msgid).map_or(msgid, |id| id.reply().into());
        prop_assert_eq!(frame.header.msgid, replied);
        prop_assert_eq!(Incoming::from_frame(&frame), Ok(Incoming::Reply { rid, result: Err(refusal) }));
    }

    #[test]
    fn pushes(push in push()) {
        let mut buffer = BytesMut::new();
        encode::push(&push, &mut buffer);
        prop_assert_eq!(&encode::push_bytes(&push)[..], &buffer[..]);
        let frame = written(0, &buffer);
        prop_assert_eq!(frame.header.rid, 0);
        prop_assert_eq!(Incoming::from_frame(&frame), Ok(Incoming::Push(push)));
        prop_assert!(Request::from_frame(&frame).is_err(), "a server took a push");
    }
}
