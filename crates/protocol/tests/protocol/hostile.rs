//! Bodies that no honest client sends.

use protocol::body::BodyError;
use protocol::{Code, HEADER_LEN, MessageError, OneChat, Request, decode, limits};
use serde_json::{Map, Value, json};

use crate::vectors::Vectors;

/// A request frame around any body.
pub(crate) fn frame(msgid: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x43, 0x48, 1, 0];
    bytes.extend_from_slice(&msgid.to_be_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 0, 0, 7]);
    bytes.extend_from_slice(&(body.len() as u32).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn read(frame: &[u8]) -> Result<Request, MessageError> {
    let (frame, used) = decode(frame, u32::MAX).expect("a frame").expect("a whole frame");
    assert_eq!(used, HEADER_LEN + frame.header.len as usize);
    Request::from_frame(&frame)
}

/// Why a server does not take this frame.
pub(crate) fn refused(frame: &[u8]) -> MessageError {
    read(frame).expect_err("a server took it")
}

const PING: u16 = 12;
const ONE_CHAT: u16 = 5;
const ACK: u16 = 42;

#[test]
fn deep_nesting_is_refused_for_every_type_and_place() {
    const LEVELS: usize = 10_000;
    let lists = "[".repeat(LEVELS) + &"]".repeat(LEVELS);
    let objects = r#"{"a":"#.repeat(LEVELS) + "1" + &"}".repeat(LEVELS);
    let open = "[".repeat(LEVELS);
    for id in Request::MSGIDS {
        for deep in [&lists, &objects, &open] {
            for body in [format!(r#"{{"unknown":{deep}}}"#), format!(r#"{{"conv":{deep}}}"#)] {
                let error = refused(&frame((*id).into(), body.as_bytes()));
                assert_eq!(error, MessageError::Body(BodyError::TooDeep), "{id:?}");
                assert_eq!(error.code(), Code::BAD_BODY);
            }
        }
        assert_eq!(
            refused(&frame((*id).into(), lists.as_bytes())),
            MessageError::Body(BodyError::NotAnObject)
        );
        assert_eq!(refused(&frame((*id).into(), objects.as_bytes())), MessageError::Body(BodyError::TooDeep));
    }
}

#[test]
fn nesting_is_taken_up_to_its_limit_and_not_counted_in_texts() {
    let nested = |levels: usize| {
        let body = format!(r#"{{"x":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
        read(&frame(PING, body.as_bytes()))
    };
    assert!(nested(limits::NESTING_MAX).is_ok());
    assert_eq!(nested(limits::NESTING_MAX + 1), Err(MessageError::Body(BodyError::TooDeep)));

    let art = "[{".repeat(1_000) + r#"\"[[\\"#;
    let body = format!(r#"{{"to":2,"msg":"{art}","client_msg_id":"c"}}"#);
    assert!(read(&frame(ONE_CHAT, body.as_bytes())).is_ok());
}

/// Fields where `null` is the same as leaving them out, as serde reads an `Option`.
const NULLABLE: &[&str] = &[
    "set_quiet/until",
    "set_quiet/from",
    "set_quiet/to",
    "set_quiet/zone",
    "set_quiet/mentions",
    "login/id",
    "login/name",
    "login/notices_after",
    "login/broadcasts_after",
    "login/epoch",
    "login/friends_version",
    "login/groups_version",
    "resume/notices_after",
    "resume/broadcasts_after",
    "resume/epoch",
    "resume/friends_version",
    "resume/groups_version",
    "refresh/broadcasts_after",
    "refresh/notices_after",
    "refresh/epoch",
    "refresh/friends_version",
    "refresh/groups_version",
    "recover/id",
    "recover/name",
    "history/after",
    "history/before",
    "history/at",
    "search_messages/conv",
    "search_messages/from",
    "search_messages/since",
    "search_messages/until",
    "search_messages/before",
    "profile/id",
    "edit_friend/remark",
    "edit_friend/label",
    "edit_profile/nickname",
    "edit_profile/signature",
    "edit_profile/avatar",
    "edit_profile/phone",
    "edit_profile/searchable",
    "edit_group/groupname",
    "edit_group/groupdesc",
    "edit_group/announcement",
    "edit_group/avatar",
    "edit_group/joining",
];

/// Fields that take some words only.
const CLOSED: &[&str] =
    &["set_role/role", "decide_application/decision", "answer_invitation/decision", "delete_account/owned"];

#[test]
fn every_field_of_every_request_refuses_every_other_type() {
    let vectors = Vectors::load();
    let mut fields = 0;
    for vector in vectors.frames.iter().filter(|vector| vector.name.contains("/request")) {
        let bytes = vector.bytes();
        let msgid = u16::from_be_bytes([bytes[4], bytes[5]]);
        let body: Map<String, Value> = serde_json::from_str(vector.body()).expect("an object");
        for (field, right) in &body {
            fields += 1;
            let others = [
                json!(null),
                json!(true),
                json!(1),
                json!("x"),
                json!(-1),
                json!(1.5),
                json!([]),
                json!(["x"]),
                json!([[1]]),
                json!([-1]),
                json!({}),
                json!({"x": 1}),
            ];
            for wrong in others {
                let stem = vector.name.split('/').next().unwrap_or_default();
                let same_type = match (right, &wrong) {
                    _ if CLOSED.contains(&format!("{stem}/{field}").as_str()) => false,
                    (Value::Number(_), Value::Number(wrong)) => wrong.is_u64(),
                    (Value::String(_), Value::String(_)) => true,
                    (Value::Array(_), Value::Array(wrong)) => wrong.is_empty(),
                    (Value::Bool(_), Value::Bool(_)) => true,
                    _ => false,
                };
                let null_is_absent =
                    wrong.is_null() && NULLABLE.contains(&format!("{stem}/{field}").as_str());
                let mut body = body.clone();
                body.insert(field.clone(), wrong.clone());
                let bytes = frame(msgid, &serde_json::to_vec(&body).unwrap());
                match read(&bytes) {
                    Ok(_) => assert!(same_type || null_is_absent, "{}: {field} took {wrong}", vector.name),
                    Err(error) => {
                        assert!(!same_type && !null_is_absent, "{}: {field}: {error}", vector.name);
                        let refusal = error.refusal();
                        assert_eq!(refusal.code, Code::BAD_BODY, "{}: {field}: {wrong}", vector.name);
                        let named = refusal.body.field.as_deref();
                        assert_eq!(named, Some(field.as_str()), "{}: {wrong}: {error}", vector.name);
                    }
                }
            }
        }
    }
    assert!(fields > 30, "only {fields} fields were tried");
}

#[test]
fn each_required_field_is_missed_by_name() {
    let vectors = Vectors::load();
    let mut missed = Vec::new();
    for vector in vectors.frames.iter().filter(|vector| vector.name.contains("/request")) {
        let bytes = vector.bytes();
        let msgid = u16::from_be_bytes([bytes[4], bytes[5]]);
        let body: Map<String, Value> = serde_json::from_str(vector.body()).expect("an object");
        for field in body.keys() {
            let mut body = body.clone();
            body.remove(field);
            if let Err(error) = read(&frame(msgid, &serde_json::to_vec(&body).unwrap())) {
                assert_eq!(error.refusal().body.field.as_deref(), Some(field.as_str()), "{}", vector.name);
                missed.push(format!("{}.{field}", vector.name));
            }
        }
    }
    for required in ["login/request.password", "one_chat/request.client_msg_id", "ack/request.seq"] {
        assert!(missed.iter().any(|name| name == required), "{required} is not required");
    }
    for optional in ["login/request.name", "hello/request.device", "friends/request.after"] {
        assert!(!missed.iter().any(|name| name == optional), "{optional} is required");
    }
}

#[test]
fn numbers_out_of_range_are_refused_and_the_largest_is_taken() {
    for seq in [
        "-1",
        "-0",
        "1.0",
        "1e0",
        "1e400",
        "-1e400",
        "0.1e1",
        "18446744073709551616",
        "1e",
        "01",
        "+1",
        "NaN",
        "0x1",
    ] {
        let body = format!(r#"{{"conv":1,"seq":{seq}}}"#);
        let code = refused(&frame(ACK, body.as_bytes())).code();
        assert_eq!(code, Code::BAD_BODY, "{seq}");
    }
    let largest = format!(r#"{{"conv":1,"seq":{}}}"#, u64::MAX);
    assert!(read(&frame(ACK, largest.as_bytes())).is_ok());

    let limit = |limit: &str| read(&frame(24, format!(r#"{{"limit":{limit}}}"#).as_bytes()));
    assert!(limit("4294967295").is_ok());
    assert_eq!(limit("4294967296").unwrap_err().refusal().body.field.as_deref(), Some("limit"));
}

#[test]
fn text_that_is_no_text_is_refused() {
    let chat = |msg: &[u8]| {
        let body = [br#"{"to":2,"msg":""#, msg, br#"","client_msg_id":"c"}"#].concat();
        read(&frame(ONE_CHAT, &body))
    };
    for bad in [
        &b"\xff"[..],
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe4\xbd",
        b"\0",
        b"\n",
        b"\x1f",
        br"\ud800",
        br"\udc00",
        br"\ud800\u0041",
        br"\u12",
        br"\x41",
        b"\"",
    ] {
        let error = chat(bad).expect_err("a server took it");
        assert_eq!(error.code(), Code::BAD_BODY, "{bad:?}");
    }
    // Bytes that are no UTF-8 are refused even where nobody reads them.
    assert_eq!(
        refused(&frame(PING, b"{\"x\":\"\xff\"}")),
        MessageError::Body(BodyError::NotUtf8 { valid_up_to: 6 })
    );
    for (sent, means) in [
        (r"\u0000", "\0"),
        (r"\ud83d\ude00", "😀"),
        ("😀", "😀"),
        ("%s%n' OR 1=1; --", "%s%n' OR 1=1; --"),
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        ("\u{7f}\u{202e}\u{feff}", "\u{7f}\u{202e}\u{feff}"),
    ] {
        let expected = OneChat { to: 2, msg: means.into(), client_msg_id: "c".into(), ..OneChat::default() };
        assert_eq!(chat(sent.as_bytes()), Ok(Request::OneChat(expected)), "{sent}");
    }
}

#[test]
fn what_is_not_one_object_is_refused() {
    for body in ["[]", "[10,2]", "null", "true", "1", r#""conv""#, " ", "\t\n", "\u{feff}{}", "conv=10"] {
        let error = refused(&frame(ACK, body.as_bytes()));
        assert_eq!(error, MessageError::Body(BodyError::NotAnObject), "{body:?}");
    }
    for body in [
        "{",
        "{}",
        "{}{}",
        r#"{"conv":10,"seq":2},"#,
        r#"{"conv":10,"seq":2}x"#,
        "{\"conv\":10,\"seq\":2}\0",
        r#"{"conv":10,"seq":2,}"#,
        r#"{"conv":10 "seq":2}"#,
        "{'conv':10,'seq':2}",
        "{conv:10,seq:2}",
        r#"{"conv":10,"seq":2,"conv":10}"#,
        r#"{"conv":10,"seq":2 /* all of it */}"#,
        "{\u{c}\"conv\":10,\"seq\":2}",
    ] {
        let error = refused(&frame(ACK, body.as_bytes()));
        assert!(matches!(error, MessageError::Body(BodyError::Json(_))), "{body:?}: {error:?}");
    }
    assert!(read(&frame(ACK, b" \t\r\n{\"conv\":10,\"seq\":2} \n")).is_ok());
}

/// A word that stands for an enum is a text, and serde's other form of it is not taken.
#[test]
fn words_are_texts() {
    let read = |state: &str| {
        let body = format!(r#"{{"id":2,"state":{state}}}"#);
        let mut bytes = frame(27, body.as_bytes());
        bytes[3] = 4;
        bytes[11] = 0;
        let (frame, _) = decode(&bytes, u32::MAX).unwrap().unwrap();
        protocol::Incoming::from_frame(&frame)
    };
    let push = |state| {
        Ok(protocol::Incoming::Push(protocol::Push::Presence(protocol::PresencePush {
            id: 2,
            state,
            last_seen: 0,
        })))
    };
    assert_eq!(read(r#""online""#), push(protocol::State::Online));
    assert_eq!(read(r#""dreaming""#), push(protocol::State::Unknown));
    for wrong in [r#"{"online":null}"#, "0", "null", r#"["online"]"#] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn huge_texts_and_many_unknown_fields_are_read() {
    let huge = "x".repeat(900_000);
    let body = format!(r#"{{"to":2,"msg":"{huge}","client_msg_id":"c"}}"#);
    match read(&frame(ONE_CHAT, body.as_bytes())) {
        Ok(Request::OneChat(chat)) => assert_eq!(chat.msg, huge),
        other => panic!("{other:?}"),
    }

    let unknown: String = (0..50_000).map(|n| format!(r#""f{n}":{n},"#)).collect();
    let body = format!(r#"{{{unknown}"conv":10,"seq":2}}"#);
    assert!(read(&frame(ACK, body.as_bytes())).is_ok());
}
