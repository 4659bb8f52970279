//! What the clients make of what nodes say: each error is found, and nothing else is.

use bytes::BytesMut;
use protocol::{
    Blame, ChatMessage, Code, ErrorBody, Flags, Frame, Header, HistoryPage, MessageKind, MsgId, Push, Sent,
    encode,
};

use super::{
    super::{Address, Scenario, StreamIdentity},
    stream::HISTORY_RID,
    *,
};

const SENDER: usize = 0;
const READER: usize = 1;

/// One talk whose sender has said and got answered `said` messages.
fn load(said: u64) -> PatientLoad {
    let mut swarm = Swarm::new(None).unwrap();
    swarm.lines().add_empty();
    swarm.lines().add_empty();
    let identity = StreamIdentity {
        from: 71,
        name: "bench71".into(),
        to: Address::User(72),
        conv: 904,
        id_suffix: "-s".into(),
        text_bytes: 10,
    };
    let plan = StreamPlan { identity, sender: SENDER, readers: vec![READER] };
    let talk = Talk { plan, sender_token: "a".into(), reader_token: "b".into() };
    let nowhere = vec![SocketAddr::from(([127, 0, 0, 1], 1)); 2];
    let mut load = PatientLoad::new(swarm, vec![talk], nowhere, 10);
    for number in 0..said {
        load.crowd.streams[0].say(0, load.swarm.lines());
        let sent = serde_json::to_vec(&Sent { conv: 904, seq: number + 1, time: 5 }).unwrap();
        hear(&mut load, SENDER, MsgId::OneChat, Code::DONE, ChatFrame::rid(number), &sent);
    }
    load
}

fn hear(load: &mut PatientLoad, line: usize, msgid: MsgId, code: Code, rid: u32, body: &[u8]) {
    let flags = if rid == 0 { Flags::PUSH } else { Flags::REPLY };
    let header = Header { flags, msgid: msgid.into(), code, rid, len: body.len() as u32 };
    load.crowd.frame(line, &Frame { header, body }, 9, load.swarm.lines()).unwrap();
}

fn message(number: u64) -> ChatMessage {
    ChatMessage {
        conv: 904,
        seq: number + 1,
        from: 71,
        name: "bench71".into(),
        client_msg_id: format!("{number:010x}-s"),
        time: 5,
        kind: MessageKind::Text,
        msg: format!("{number:010x}"),
        ..ChatMessage::default()
    }
}

fn push(load: &mut PatientLoad, number: u64) {
    let mut bytes = BytesMut::new();
    encode::push(&Push::Message(message(number)), &mut bytes);
    hear(load, READER, MsgId::Message, Code::DONE, 0, &bytes[protocol::HEADER_LEN..]);
}

fn read_log(load: &mut PatientLoad, numbers: std::ops::Range<u64>, last: u64) {
    let messages = numbers.map(message).collect();
    let page = serde_json::to_vec(&HistoryPage { conv: 904, messages, first: 1, last }).unwrap();
    hear(load, READER, MsgId::History, Code::DONE, HISTORY_RID, &page);
}

#[test]
fn what_comes_in_order_is_good() {
    let mut load = load(3);
    (0..3).for_each(|number| push(&mut load, number));
    assert!(load.crowd.is_settled());
    assert!(load.crowd.verdict().is_clean());
}

#[test]
fn what_never_comes_is_lost() {
    let mut load = load(3);
    push(&mut load, 0);
    assert!(!load.crowd.is_settled());
    assert_eq!(load.crowd.verdict(), Verdict { lost: 2, ..Verdict::default() });
}

#[test]
fn a_second_push_on_one_connection_is_a_double() {
    let mut load = load(2);
    [0, 1, 0].into_iter().for_each(|number| push(&mut load, number));
    assert_eq!(load.crowd.verdict(), Verdict { duplicated: 1, ..Verdict::default() });
}

#[test]
fn a_hole_is_counted_and_filled_from_the_log() {
    let mut load = load(4);
    push(&mut load, 0);
    push(&mut load, 3);
    assert_eq!(load.patience().holes, 1);
    assert!(load.crowd.streams[0].reading);
    read_log(&mut load, 1..4, 4);
    assert!(load.crowd.is_settled());
    assert!(load.crowd.verdict().is_clean());
}

#[test]
fn after_a_cut_the_log_and_a_late_push_may_say_the_same() {
    let mut load = load(2);
    push(&mut load, 0);
    load.crowd.closed(READER, String::new(), 10, load.swarm.lines()).unwrap();
    assert!(!load.crowd.is_settled());
    load.crowd.is_back(READER, 20, load.swarm.lines());
    read_log(&mut load, 1..2, 2);
    push(&mut load, 1);
    assert_eq!((load.patience().cut, load.patience().returned_ns.as_slice()), (1, [20].as_slice()));
    assert!(load.crowd.is_settled());
    assert!(load.crowd.verdict().is_clean());
}

#[test]
fn a_busy_node_is_asked_again_and_a_refusal_counts() {
    let mut load = load(0);
    load.crowd.streams[0].say(0, load.swarm.lines());
    let busy = ErrorBody { retry_after_ms: Some(50), ..ErrorBody::default() };
    let busy = serde_json::to_vec(&busy).unwrap();
    let code = Code::TABLE.iter().map(|(code, _, _)| *code).find(|code| code.blame() == Blame::Busy).unwrap();
    hear(&mut load, SENDER, MsgId::OneChat, code, ChatFrame::rid(0), &busy);
    assert_eq!((load.patience().busy, load.crowd.streams[0].again_ns), (1, Some(50_000_009)));
    assert!(!load.crowd.is_settled());
    let refused = serde_json::to_vec(&ErrorBody::default()).unwrap();
    hear(&mut load, SENDER, MsgId::OneChat, Code::BAD_FIELD, ChatFrame::rid(0), &refused);
    assert_eq!(load.crowd.verdict(), Verdict { refused: 1, ..Verdict::default() });
}
