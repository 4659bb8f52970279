//! The frames of the hot path, written from a template and read by hand.
//!
//! The load shares its machine with what it measures, so a message must cost it next to nothing. Sending copies a
//! prepared frame and patches three numbers; receiving walks the fields in the order in which this project's encoder
//! writes them, and compares every byte that is known beforehand. A body in another order is no error, only slower:
//! it is read with serde.

use bytes::BytesMut;
use protocol::{
    ChatMessage, Code, Flags, GroupChat, Header, Incoming, MessageKind, MsgId, OneChat, Push, Request, Sent,
    encode,
};

/// Hexadecimal digits of a message's number: at the start of its text, and at the end of its id.
const NUMBER_DIGITS: usize = 10;

/// The shortest text that can carry its number.
pub(crate) const TEXT_BYTES_MIN: usize = NUMBER_DIGITS;

/// Stands for the number while a template is made.
const NUMBER_MARK: &str = "##########";

/// Where a floor's seqs begin, so that each has as many digits as the last.
const FLOOR_SEQ_FIRST: u64 = 1_000_000;

/// Bytes of an ordinary JSON body that answers a chat message; the floor answers with as many.
pub(crate) const FLOOR_ACK_BODY: &[u8] = br#"{"conv":100000,"seq":100000,"time":1700000000000}"#;

/// Whom the load speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A chat server: requests go in, pushes with more fields come out.
    Chat,
    /// The floor relay, which cannot make a push of a request: what goes in is the finished push.
    Floor,
}

/// Where a stream's messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    User(u64),
    Group(u64),
}

/// Everything that the messages of one sender in one conversation have in common.
#[derive(Clone, Debug)]
pub(crate) struct StreamIdentity {
    /// The sender.
    pub(crate) from: u64,
    /// The sender's name.
    pub(crate) name: String,
    /// The other user, or the group.
    pub(crate) to: Address,
    /// The conversation.
    pub(crate) conv: u64,
    /// Tells this stream's ids from all others, of this run and of earlier ones. The message's number comes before it:
    /// ids rise with time over all streams, as those of real clients do.
    pub(crate) id_suffix: String,
    /// Bytes of each text.
    pub(crate) text_bytes: usize,
}

/// The messages of one stream, by number: makes the one to send, recognises the one that came.
pub(crate) struct ChatFrame {
    conv: u64,
    from: u64,
    name: Vec<u8>,
    id_suffix: Vec<u8>,
    /// What follows the number in each text.
    filler: Vec<u8>,
    /// The whole frame to send, with a stale number.
    template: Vec<u8>,
    id_number_at: usize,
    text_number_at: usize,
    /// Only in the floor's dialect, where the sender says the seq.
    seq_at: Option<usize>,
}

/// What a received message turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recognised {
    /// Message `number` of the stream, whole and unchanged.
    Message { number: u64, seq: u64 },
    /// Not a message of this stream: another sender, conversation, id or text than was sent.
    Foreign,
}

impl ChatFrame {
    pub(crate) fn new(identity: &StreamIdentity, dialect: Dialect) -> ChatFrame {
        let filler = filler(identity.from, identity.text_bytes);
        let msg = format!("{NUMBER_MARK}{filler}");
        let client_msg_id = format!("{NUMBER_MARK}{}", identity.id_suffix);
        let mut template = BytesMut::new();
        match (dialect, identity.to) {
            (Dialect::Chat, Address::User(to)) => {
                encode::request(
                    0,
                    &Request::OneChat(OneChat { to, msg, client_msg_id, ..OneChat::default() }),
                    &mut template,
                );
            }
            (Dialect::Chat, Address::Group(groupid)) => {
                let chat = GroupChat { groupid, msg, client_msg_id, ..GroupChat::default() };
                encode::request(0, &Request::GroupChat(chat), &mut template);
            }
            (Dialect::Floor, _) => {
                let name = identity.name.clone();
                let (conv, seq, from) = (identity.conv, FLOOR_SEQ_FIRST, identity.from);
                let kind = MessageKind::Text;
                let time = 1_700_000_000_000;
                let push = ChatMessage {
                    conv,
                    seq,
                    from,
                    name,
                    client_msg_id,
                    time,
                    kind,
                    msg,
                    ..ChatMessage::default()
                };
                encode::push(&Push::Message(push), &mut template);
                template[3] = Flags::REQUEST.bits();
            }
        }
        let template = Vec::from(template);
        let at = |what: &str| find(&template, what.as_bytes());
        ChatFrame {
            conv: identity.conv,
            from: identity.from,
            name: identity.name.clone().into_bytes(),
            id_suffix: identity.id_suffix.clone().into_bytes(),
            filler: filler.clone().into_bytes(),
            id_number_at: at(&format!("{NUMBER_MARK}{}\"", identity.id_suffix)),
            text_number_at: at(&format!("{NUMBER_MARK}{filler}\"")),
            seq_at: (dialect == Dialect::Floor).then(|| at(&FLOOR_SEQ_FIRST.to_string())),
            template,
        }
    }

    /// Seq of the first message, where the conversation is a new one.
    pub(crate) fn first_seq(&self) -> u64 {
        if self.seq_at.is_some() { FLOOR_SEQ_FIRST } else { 1 }
    }

    /// The request id of message `number`.
    pub(crate) fn rid(number: u64) -> u32 {
        number as u32 + 1
    }

    /// The number of the message whose request had this id.
    pub(crate) fn number_of(rid: u32) -> u64 {
        u64::from(rid).wrapping_sub(1)
    }

    /// Appends the frame of message `number`.
    pub(crate) fn write(&self, number: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.template);
        let frame = &mut out[start..];
        frame[8..12].copy_from_slice(&ChatFrame::rid(number).to_be_bytes());
        write_hex(number, &mut frame[self.id_number_at..][..NUMBER_DIGITS]);
        write_hex(number, &mut frame[self.text_number_at..][..NUMBER_DIGITS]);
        if let Some(at) = self.seq_at {
            write_decimal(FLOOR_SEQ_FIRST + number, &mut frame[at..at + 7]);
        }
    }

    /// Compares the body of a MESSAGE push with what this stream sends.
    pub(crate) fn recognise(&self, body: &[u8]) -> Recognised {
        self.recognise_canonical(body).or_else(|| self.recognise_any(body)).unwrap_or(Recognised::Foreign)
    }

    /// `None` if the fields stand in another order, or a text is written with escapes.
    fn recognise_canonical(&self, body: &[u8]) -> Option<Recognised> {
        let mut rest = Walk(body);
        rest.literal(b"{\"conv\":")?;
        let conv = rest.number()?;
        rest.literal(b",\"seq\":")?;
        let seq = rest.number()?;
        rest.literal(b",\"from\":")?;
        let from = rest.number()?;
        rest.literal(b",\"name\":\"")?;
        rest.literal(&self.name)?;
        rest.literal(b"\",\"client_msg_id\":\"")?;
        let number = rest.hex()?;
        rest.literal(&self.id_suffix)?;
        rest.literal(b"\",\"time\":")?;
        rest.number()?;
        rest.literal(b",\"kind\":\"text\",\"msg\":\"")?;
        let said = rest.hex()?;
        rest.literal(&self.filler)?;
        rest.literal(b"\"}")?;
        if (conv, from, said) == (self.conv, self.from, number) && rest.0.is_empty() {
            return Some(Recognised::Message { number, seq });
        }
        Some(Recognised::Foreign)
    }

    /// `None` if the body is not a message at all, or not one of this stream.
    fn recognise_any(&self, body: &[u8]) -> Option<Recognised> {
        let header = Header {
            flags: Flags::PUSH,
            msgid: MsgId::Message.into(),
            code: Code::DONE,
            rid: 0,
            len: body.len() as u32,
        };
        let Ok(Incoming::Push(Push::Message(message))) =
            Incoming::from_frame(&protocol::Frame { header, body })
        else {
            return None;
        };
        self.recognise_message(&message)
    }

    /// The number and seq of a message that was read already, if it is one of this stream.
    pub(crate) fn recognise_message(&self, message: &ChatMessage) -> Option<Recognised> {
        let digits = message.client_msg_id.as_bytes().strip_suffix(self.id_suffix.as_slice())?;
        let number = parse_hex(digits)?;
        let (said, filler) = message.msg.as_bytes().split_at_checked(NUMBER_DIGITS)?;
        let same = (message.conv, message.from, message.kind) == (self.conv, self.from, MessageKind::Text)
            && message.name.as_bytes() == self.name
            && parse_hex(said)? == number
            && filler == self.filler;
        same.then_some(Recognised::Message { number, seq: message.seq })
    }
}

/// Reads the answer to a chat message: its conversation and seq.
pub(crate) fn read_sent(body: &[u8]) -> Option<(u64, u64)> {
    fn canonical(body: &[u8]) -> Option<(u64, u64)> {
        let mut rest = Walk(body);
        rest.literal(b"{\"conv\":")?;
        let conv = rest.number()?;
        rest.literal(b",\"seq\":")?;
        let seq = rest.number()?;
        rest.literal(b",\"time\":")?;
        rest.number()?;
        (rest.0 == b"}").then_some((conv, seq))
    }
    canonical(body).or_else(|| serde_json::from_slice::<Sent>(body).ok().map(|sent| (sent.conv, sent.seq)))
}

/// Text that differs from sender to sender, so that a mix-up shows.
fn filler(from: u64, text_bytes: usize) -> String {
    let start = from as usize % 26;
    let letters = (0u8..26).map(|i| char::from(b'a' + i)).cycle().skip(start);
    letters.take(text_bytes.saturating_sub(NUMBER_DIGITS)).collect()
}

/// Templates are made here, so that their parts are in them.
fn find(haystack: &[u8], needle: &[u8]) -> usize {
    match haystack.windows(needle.len()).position(|window| window == needle) {
        Some(at) => at,
        None => unreachable!("a template lacks a part of its own"),
    }
}

fn write_hex(number: u64, out: &mut [u8]) {
    let mut rest = number;
    for digit in out.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
    }
}

fn write_decimal(number: u64, out: &mut [u8]) {
    let mut rest = number;
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

fn parse_hex(digits: &[u8]) -> Option<u64> {
    if digits.len() != NUMBER_DIGITS {
        return None;
    }
    digits.iter().try_fold(0, |number, &digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

/// What is left of a body to walk over.
struct Walk<'a>(&'a [u8]);

impl Walk<'_> {
    fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > 19 {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some(number.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    fn hex(&mut self) -> Option<u64> {
        let (digits, rest) = self.0.split_at_checked(NUMBER_DIGITS)?;
        self.0 = rest;
        parse_hex(digits)
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Request, decode};

    use super::*;

    fn identity(to: Address) -> StreamIdentity {
        StreamIdentity {
            from: 71,
            name: "bench71".into(),
            to,
            conv: 904,
            id_suffix: "-0199aa-0007".into(),
            text_bytes: 100,
        }
    }

    fn push_body(change: impl FnOnce(&mut ChatMessage)) -> Vec<u8> {
        let mut frame = Vec::new();
        let stream = ChatFrame::new(&identity(Address::User(72)), Dialect::Chat);
        stream.write(0x2a, &mut frame);
        let (frame, _) = decode(&frame, 4096).unwrap().unwrap();
        let Request::OneChat(sent) = Request::from_frame(&frame).unwrap() else { panic!("not a chat") };
        let mut message = ChatMessage {
            conv: 904,
            seq: 43,
            from: 71,
            name: "bench71".into(),
            client_msg_id: sent.client_msg_id,
            time: 5,
            kind: MessageKind::Text,
            msg: sent.msg,
            ..ChatMessage::default()
        };
        change(&mut message);
        serde_json::to_vec(&message).unwrap()
    }

    fn recognise(body: &[u8]) -> Recognised {
        ChatFrame::new(&identity(Address::User(72)), Dialect::Chat).recognise(body)
    }

    #[test]
    fn a_written_frame_is_the_request_it_should_be() {
        for to in [Address::User(72), Address::Group(72)] {
            let mut frame = Vec::new();
            ChatFrame::new(&identity(to), Dialect::Chat).write(0xbeef, &mut frame);
            let (frame, used) = decode(&frame, 4096).unwrap().unwrap();
            assert_eq!(used, frame.body.len() + 16);
            assert_eq!(ChatFrame::number_of(frame.header.rid), 0xbeef);
            let (msg, id) = match Request::from_frame(&frame).unwrap() {
                Request::OneChat(chat) => (chat.msg, chat.client_msg_id),
                Request::GroupChat(chat) => (chat.msg, chat.client_msg_id),
                other => panic!("{other:?}"),
            };
            assert_eq!(id, "000000beef-0199aa-0007");
            assert_eq!(msg.len(), 100);
            assert!(msg.starts_with("000000beef"));
        }
    }

    #[test]
    fn a_message_is_recognised_by_both_readers() {
        let body = push_body(|_| {});
        let stream = ChatFrame::new(&identity(Address::User(72)), Dialect::Chat);
        let expected = Some(Recognised::Message { number: 0x2a, seq: 43 });
        assert_eq!(stream.recognise_canonical(&body), expected);
        assert_eq!(stream.recognise_any(&body), expected);
        let spaced = String::from_utf8(body).unwrap().replace(",\"", ", \"");
        assert_eq!(stream.recognise_canonical(spaced.as_bytes()), None);
        assert_eq!(Some(stream.recognise(spaced.as_bytes())), expected);
    }

    #[test]
    fn every_kind_of_corruption_is_foreign() {
        type Corrupt = fn(&mut ChatMessage);
        let corruptions: [Corrupt; 8] = [
            |m| m.conv += 1,
            |m| m.from += 1,
            |m| m.name.push('x'),
            |m| m.client_msg_id.replace_range(0..1, "9"),
            |m| m.client_msg_id.push('0'),
            |m| m.msg.replace_range(99..100, "!"),
            |m| m.msg.replace_range(9..10, "b"),
            |m| m.msg.truncate(99),
        ];
        for (index, corrupt) in corruptions.into_iter().enumerate() {
            assert_eq!(recognise(&push_body(corrupt)), Recognised::Foreign, "corruption {index}");
        }
        assert_eq!(recognise(b"{}"), Recognised::Foreign);
        assert_eq!(recognise(b""), Recognised::Foreign);
    }

    #[test]
    fn a_floor_frame_is_a_push_in_a_requests_clothes() {
        let stream = ChatFrame::new(&identity(Address::User(72)), Dialect::Floor);
        let mut frame = Vec::new();
        stream.write(9, &mut frame);
        let (frame, _) = decode(&frame, 4096).unwrap().unwrap();
        assert_eq!(frame.header.flags, Flags::REQUEST);
        let expected = Recognised::Message { number: 9, seq: stream.first_seq() + 9 };
        assert_eq!(stream.recognise(frame.body), expected);
    }

    #[test]
    fn an_answer_is_read_in_any_order_of_fields() {
        assert_eq!(read_sent(br#"{"conv":7,"seq":12,"time":3}"#), Some((7, 12)));
        assert_eq!(read_sent(br#"{ "time":3, "seq":12, "conv":7 }"#), Some((7, 12)));
        assert_eq!(read_sent(br#"{"conv":7}"#), None);
        assert!(read_sent(FLOOR_ACK_BODY).is_some());
    }
}
