//! Clients that live through outages, as the real one does: they say a message again until it is answered, come back
//! when their connection is cut, and read from the log what they missed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use hdrhistogram::Histogram;
use protocol::{Blame, Flags, Frame, History, HistoryPage, Incoming, MsgId, Reply, Request, encode};

use super::{
    Dialect, Ledger, Lines, Reader, Scenario, StreamPlan, Swarm, Verdict,
    chat_frame::{ChatFrame, Recognised, read_sent},
    session,
};
use crate::{error::BenchError, report::latency_histogram};

/// The pause before the first attempt to come back is random and at most this; it doubles with each failure. As in the
/// project's client.
const BACKOFF_FIRST_MS: u64 = 500;
const BACKOFF_MAX_MS: u64 = 30_000;

/// A sign-in that is not answered by then is begun anew.
const SIGN_IN_TIMEOUT_NS: u64 = 5_000_000_000;

/// The pause before a refused message is said again, if the refusal names none.
const RETRY_DEFAULT_MS: u64 = 100;

/// Request ids of everything but messages: above theirs, below the swarm's own.
const HELLO_RID: u32 = u32::MAX - 3;
const RESUME_RID: u32 = u32::MAX - 2;
const HISTORY_RID: u32 = u32::MAX - 1;

/// When nothing has arrived for this long, what is missing counts as lost.
const SETTLE_PATIENCE: Duration = Duration::from_secs(30);
const SETTLE_LOOK: Duration = Duration::from_millis(100);
/// How long is listened for second copies after the last message.
const QUIET: Duration = Duration::from_millis(500);

/// One who talks to another, each with a client of its own.
pub(crate) struct Talk {
    /// With exactly one reader.
    pub(crate) plan: StreamPlan,
    pub(crate) sender_token: String,
    pub(crate) reader_token: String,
}

/// What the clients had to put up with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patience {
    /// Connections that ended.
    pub(crate) cut: u64,
    /// When clients tried to connect again, in nanoseconds of the load.
    pub(crate) attempts_ns: Vec<u64>,
    /// When cut clients were signed in again.
    pub(crate) returned_ns: Vec<u64>,
    /// Messages that were answered "busy", and said again.
    pub(crate) busy: u64,
    /// Pushes that left a hole, on a connection that was there all the time: the node should have filled it.
    pub(crate) holes: u64,
}

/// A swarm of such clients.
pub(crate) struct PatientLoad {
    swarm: Swarm,
    patient: Patient,
}

impl PatientLoad {
    /// All lines of `swarm` are clients that are signed in; where one comes back to is `addr` of its line. All talks
    /// together say `per_second` messages, in turn; one whose last message is not answered yet misses its turn.
    pub(crate) fn new(mut swarm: Swarm, talks: Vec<Talk>, addr: Vec<SocketAddr>, per_second: u64) -> Self {
        let lines = swarm.lines().all.len();
        let mut clients: Vec<Client> = addr.into_iter().take(lines).map(Client::new).collect();
        let talks = talks.into_iter().enumerate().map(|(number, talk)| {
            let (sender, reader) = (talk.plan.sender, talk.plan.readers[0]);
            clients[sender].signs_in(Role::Sender(number), &talk.sender_token);
            clients[reader].signs_in(Role::Reader(number), &talk.reader_token);
            Stream::new(
                ChatFrame::new(&talk.plan.identity, Dialect::Chat),
                talk.plan.identity.conv,
                sender,
                reader,
            )
        });
        let streams = talks.collect();
        let patient = Patient {
            streams,
            clients,
            step_ns: 1_000_000_000 / per_second.max(1),
            sending: false,
            next_due_ns: 0,
            next_stream: 0,
            frames: 0,
            patience: Patience::default(),
            latency: latency_histogram(),
            delivered: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        };
        PatientLoad { swarm, patient }
    }

    /// Keeps the talks going until `done`, or until `within` has passed; tells whether it was done.
    pub(crate) fn run_until(
        &mut self,
        within: Duration,
        mut done: impl FnMut(&LoadView<'_>) -> bool,
    ) -> Result<bool, BenchError> {
        if !self.patient.sending {
            self.patient.sending = true;
            self.patient.next_due_ns = self.swarm.now_ns();
        }
        self.swarm.run_until(&mut self.patient, within, |patient| done(&LoadView(patient)))
    }

    /// Nanoseconds since the load's start: the clock of [`Patience`].
    pub(crate) fn now_ns(&self) -> u64 {
        self.swarm.now_ns()
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.patient.patience
    }

    /// Messages that were said so far, by talk.
    pub(crate) fn said(&self) -> Vec<u64> {
        self.patient.streams.iter().map(|stream| stream.said).collect()
    }

    /// Latencies and number of the messages that arrived since this was last asked.
    pub(crate) fn take_arrivals(&mut self) -> (Histogram<u64>, u64) {
        let latency = std::mem::replace(&mut self.patient.latency, latency_histogram());
        (latency, std::mem::take(&mut self.patient.delivered))
    }

    /// Says nothing new, waits for what is under way, and judges every message since the beginning.
    pub(crate) fn settle(&mut self) -> Result<Verdict, BenchError> {
        self.patient.sending = false;
        let mut progress = (self.patient.frames, Instant::now());
        while !self.swarm.run_until(&mut self.patient, SETTLE_LOOK, Patient::is_settled)? {
            if progress.0 != self.patient.frames {
                progress = (self.patient.frames, Instant::now());
            } else if progress.1.elapsed() >= SETTLE_PATIENCE {
                break;
            }
        }
        self.swarm.run_until(&mut self.patient, QUIET, |_| false)?;
        Ok(self.patient.verdict())
    }

    /// Messages of a talk that were answered as stored.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.patient.streams.iter().map(|stream| stream.ledger.acknowledged()).sum()
    }
}

/// What can be asked while the load runs.
pub(crate) struct LoadView<'a>(&'a Patient);

impl LoadView<'_> {
    /// Whether of each talk at least this many messages were answered and arrived.
    pub(crate) fn has_arrived(&self, said: &[u64]) -> bool {
        self.0.streams.iter().zip(said).all(|(stream, said)| stream.next_seq > *said)
    }

    /// Whether every client is signed in.
    pub(crate) fn all_are_in(&self) -> bool {
        self.0.clients.iter().all(|client| client.state == State::In)
    }

    /// Whether this many connections were cut.
    pub(crate) fn cut(&self) -> u64 {
        self.0.patience.cut
    }
}

/// The scenario.
struct Patient {
    streams: Vec<Stream>,
    /// By line.
    clients: Vec<Client>,
    step_ns: u64,
    sending: bool,
    next_due_ns: u64,
    next_stream: usize,
    frames: u64,
    patience: Patience,
    latency: Histogram<u64>,
    delivered: u64,
    random: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    In,
    /// Connects at this time.
    Away {
        until_ns: u64,
    },
    /// Gives up at this time.
    SigningIn {
        until_ns: u64,
    },
    /// Asks to resume again at this time: the node was busy.
    AsksAgain {
        at_ns: u64,
    },
}

#[derive(Clone, Copy)]
enum Role {
    Sender(usize),
    Reader(usize),
    Nobody,
}

/// One connection's owner.
struct Client {
    role: Role,
    addr: SocketAddr,
    state: State,
    /// Failures since it was in.
    failures: u32,
    hello: BytesMut,
    resume: BytesMut,
}

impl Client {
    fn new(addr: SocketAddr) -> Client {
        let (hello, resume) = (BytesMut::new(), BytesMut::new());
        Client { role: Role::Nobody, addr, state: State::In, failures: 0, hello, resume }
    }

    fn signs_in(&mut self, role: Role, token: &str) {
        self.role = role;
        encode::request(HELLO_RID, &session::hello(), &mut self.hello);
        encode::request(RESUME_RID, &session::resume(token), &mut self.resume);
    }
}

/// One talk. The sender says a message again until it is answered, and only then the next: seqs are numbers plus one.
struct Stream {
    frame: ChatFrame,
    conv: u64,
    sender: usize,
    reader: usize,
    ledger: Ledger,
    said: u64,
    /// The message that has no answer yet.
    unanswered: Option<u64>,
    /// When it is said again, after a refusal.
    again_ns: Option<u64>,
    book: Reader,
    next_seq: u64,
    /// What came after a hole, until the log has filled it; bounded by what the sender says meanwhile.
    held: BTreeMap<u64, u64>,
    /// The highest seq that was pushed on the reader's present connection.
    pushed: u64,
    /// The log was asked for what is missing, or will be.
    reading: bool,
    /// When it is asked again, after a refusal.
    read_ns: Option<u64>,
}

impl Stream {
    fn new(frame: ChatFrame, conv: u64, sender: usize, reader: usize) -> Stream {
        Stream {
            frame,
            conv,
            sender,
            reader,
            ledger: Ledger::default(),
            said: 0,
            unanswered: None,
            again_ns: None,
            book: Reader::new(1),
            next_seq: 1,
            held: BTreeMap::new(),
            pushed: 0,
            reading: false,
            read_ns: None,
        }
    }

    fn say(&mut self, now_ns: u64, lines: &mut Lines) {
        let number = self.ledger.send(now_ns);
        self.said += 1;
        self.unanswered = Some(number);
        self.frame.write(number, lines.out(self.sender));
    }

    fn say_again(&mut self, lines: &mut Lines) {
        self.again_ns = None;
        if let Some(number) = self.unanswered {
            self.frame.write(number, lines.out(self.sender));
        }
    }

    fn read_log(&mut self, lines: &mut Lines) {
        self.reading = true;
        self.read_ns = None;
        let history = History { conv: self.conv, after: Some(self.next_seq - 1), before: None, limit: 0 };
        let mut out = BytesMut::new();
        encode::request(HISTORY_RID, &Request::History(history), &mut out);
        lines.out(self.reader).extend_from_slice(&out);
    }

    fn is_settled(&self) -> bool {
        self.unanswered.is_none() && !self.reading && self.book.has_all(&self.ledger)
    }
}

impl Patient {
    fn is_settled(&self) -> bool {
        self.streams.iter().all(Stream::is_settled)
            && self.clients.iter().all(|client| client.state == State::In)
    }

    fn verdict(&self) -> Verdict {
        let mut verdict = Verdict::default();
        for stream in &self.streams {
            verdict.add(stream.ledger.verdict());
            verdict.add(stream.book.verdict(&stream.ledger));
        }
        verdict
    }

    /// Seconds of patience, random up to a bound that doubles.
    fn backoff_ns(&mut self, failures: u32) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bound_ms = (BACKOFF_FIRST_MS << failures.min(10)).min(BACKOFF_MAX_MS);
        (self.random >> 33) % (bound_ms * 1_000_000)
    }

    fn connect(&mut self, index: usize, now_ns: u64, lines: &mut Lines) -> Result<(), BenchError> {
        self.patience.attempts_ns.push(now_ns);
        let client = &mut self.clients[index];
        client.state = State::SigningIn { until_ns: now_ns + SIGN_IN_TIMEOUT_NS };
        lines.connect(index, client.addr)?;
        let out = lines.out(index);
        out.extend_from_slice(&client.hello);
        out.extend_from_slice(&client.resume);
        Ok(())
    }

    fn stays_away(&mut self, index: usize, now_ns: u64) {
        let pause_ns = self.backoff_ns(self.clients[index].failures);
        let client = &mut self.clients[index];
        client.failures += 1;
        client.state = State::Away { until_ns: now_ns + pause_ns };
    }

    /// The client is signed in again: it says what has no answer, or reads what it missed.
    fn is_back(&mut self, index: usize, now_ns: u64, lines: &mut Lines) {
        self.patience.returned_ns.push(now_ns);
        let client = &mut self.clients[index];
        client.state = State::In;
        client.failures = 0;
        match client.role {
            Role::Sender(stream) => self.streams[stream].say_again(lines),
            Role::Reader(stream) => {
                self.streams[stream].pushed = 0;
                self.streams[stream].read_log(lines);
            }
            Role::Nobody => {}
        }
    }

    fn signed_in(
        &mut self,
        index: usize,
        frame: &Frame<'_>,
        now_ns: u64,
        lines: &mut Lines,
    ) -> Result<(), BenchError> {
        match Incoming::from_frame(frame)? {
            Incoming::Reply { result: Ok(Reply::Resume(_)), .. } => self.is_back(index, now_ns, lines),
            Incoming::Reply { result: Err(refusal), .. }
                if matches!(refusal.code.blame(), Blame::Busy | Blame::Server) =>
            {
                let pause_ms = refusal.body.retry_after_ms.unwrap_or(RETRY_DEFAULT_MS);
                self.clients[index].state = State::AsksAgain { at_ns: now_ns + pause_ms * 1_000_000 };
            }
            Incoming::Reply { result: Err(refusal), .. } => {
                return Err(BenchError::Refused { request: "RESUME", refusal });
            }
            other => {
                return Err(BenchError::Unexpected { request: "RESUME", got: format!("{other:?}") });
            }
        }
        Ok(())
    }

    fn answer(&mut self, number: usize, frame: &Frame<'_>, now_ns: u64) -> Result<(), BenchError> {
        let stream = &mut self.streams[number];
        let message = ChatFrame::number_of(frame.header.rid);
        match frame.header.code.blame() {
            Blame::Nobody => {
                match read_sent(frame.body) {
                    Some((conv, seq)) if conv == stream.conv => {
                        stream.ledger.acknowledge(message, Some(seq));
                    }
                    _ => stream.ledger.unreadable(),
                }
                stream.unanswered = None;
            }
            Blame::Busy => {
                let Incoming::Reply { result: Err(refusal), .. } = Incoming::from_frame(frame)? else {
                    return Err(BenchError::Unexpected {
                        request: "a message",
                        got: "half a refusal".into(),
                    });
                };
                self.patience.busy += 1;
                let pause_ms = refusal.body.retry_after_ms.unwrap_or(RETRY_DEFAULT_MS);
                stream.again_ns = Some(now_ns + pause_ms * 1_000_000);
            }
            _ => {
                stream.ledger.refuse(message);
                stream.unanswered = None;
            }
        }
        Ok(())
    }

    fn pushed(&mut self, number: usize, body: &[u8], now_ns: u64, lines: &mut Lines) {
        let stream = &mut self.streams[number];
        let Recognised::Message { number: message, seq } = stream.frame.recognise(body) else {
            return stream.book.foreign();
        };
        let is_again = seq <= stream.pushed;
        stream.pushed = stream.pushed.max(seq);
        if seq == stream.next_seq {
            self.apply(number, message, seq, now_ns);
            self.apply_held(number, now_ns);
        } else if seq > stream.next_seq {
            stream.held.insert(seq, message);
            if !stream.reading {
                self.patience.holes += 1;
                stream.read_log(lines);
            }
        } else if is_again {
            // The same connection got it before: into the book, which counts it as a double.
            stream.book.deliver(&mut stream.ledger, message, seq);
        }
        // Otherwise it was read from the log meanwhile, and clients drop it.
    }

    fn page(&mut self, number: usize, page: &HistoryPage, now_ns: u64, lines: &mut Lines) {
        for message in &page.messages {
            let stream = &mut self.streams[number];
            match stream.frame.recognise_message(message) {
                Some(Recognised::Message { number: told, seq }) if seq == stream.next_seq => {
                    self.apply(number, told, seq, now_ns);
                }
                Some(Recognised::Message { seq, .. }) if seq < stream.next_seq => {}
                _ => stream.book.foreign(),
            }
        }
        self.apply_held(number, now_ns);
        let stream = &mut self.streams[number];
        stream.reading = false;
        if stream.next_seq <= page.last || !stream.held.is_empty() {
            stream.read_log(lines);
        }
    }

    fn apply(&mut self, number: usize, message: u64, seq: u64, now_ns: u64) {
        let stream = &mut self.streams[number];
        stream.next_seq = seq + 1;
        if let Some(said_ns) = stream.book.deliver(&mut stream.ledger, message, seq) {
            self.delivered += 1;
            self.latency.saturating_record(now_ns.saturating_sub(said_ns));
        }
    }

    /// What was held and has its turn now.
    fn apply_held(&mut self, number: usize, now_ns: u64) {
        while let Some((&seq, &message)) = self.streams[number].held.first_key_value() {
            if seq > self.streams[number].next_seq {
                return;
            }
            self.streams[number].held.pop_first();
            if seq == self.streams[number].next_seq {
                self.apply(number, message, seq, now_ns);
            }
        }
    }
}

impl Scenario for Patient {
    fn tick(&mut self, now_ns: u64, lines: &mut Lines) -> Result<Option<u64>, BenchError> {
        let mut wake_ns = u64::MAX;
        for index in 0..self.clients.len() {
            match self.clients[index].state {
                State::In => continue,
                State::Away { until_ns } if until_ns <= now_ns => self.connect(index, now_ns, lines)?,
                State::SigningIn { until_ns } if until_ns <= now_ns => {
                    lines.close(index);
                    self.stays_away(index, now_ns);
                }
                State::AsksAgain { at_ns } if at_ns <= now_ns => {
                    let client = &mut self.clients[index];
                    client.state = State::SigningIn { until_ns: now_ns + SIGN_IN_TIMEOUT_NS };
                    lines.out(index).extend_from_slice(&client.resume);
                }
                State::Away { until_ns: at }
                | State::SigningIn { until_ns: at }
                | State::AsksAgain { at_ns: at } => {
                    wake_ns = wake_ns.min(at);
                }
            }
        }
        for stream in &mut self.streams {
            match stream.again_ns {
                Some(at_ns) if at_ns <= now_ns && self.clients[stream.sender].state == State::In => {
                    stream.say_again(lines);
                }
                Some(at_ns) => wake_ns = wake_ns.min(at_ns.max(now_ns + 1_000_000)),
                None => {}
            }
            match stream.read_ns {
                Some(at_ns) if at_ns <= now_ns => stream.read_log(lines),
                Some(at_ns) => wake_ns = wake_ns.min(at_ns),
                None => {}
            }
        }
        if self.sending {
            while self.next_due_ns <= now_ns {
                let stream = &mut self.streams[self.next_stream];
                if stream.unanswered.is_none() && self.clients[stream.sender].state == State::In {
                    stream.say(now_ns, lines);
                }
                self.next_stream = (self.next_stream + 1) % self.streams.len();
                self.next_due_ns += self.step_ns;
            }
            wake_ns = wake_ns.min(self.next_due_ns);
        }
        Ok((wake_ns < u64::MAX).then_some(wake_ns))
    }

    fn frame(
        &mut self,
        index: usize,
        frame: &Frame<'_>,
        now_ns: u64,
        lines: &mut Lines,
    ) -> Result<(), BenchError> {
        const MESSAGE: u16 = MsgId::Message as u16;
        self.frames += 1;
        let header = &frame.header;
        match (self.clients[index].role, header.flags, header.rid) {
            (Role::Reader(stream), Flags::PUSH, _) if header.msgid == MESSAGE => {
                self.pushed(stream, frame.body, now_ns, lines);
            }
            // Presence, friends and groups: the set-up's echoes.
            (_, Flags::PUSH, _) => {}
            (_, _, HELLO_RID) => {}
            (_, _, RESUME_RID) => self.signed_in(index, frame, now_ns, lines)?,
            (Role::Reader(stream), _, HISTORY_RID) => match Incoming::from_frame(frame)? {
                Incoming::Reply { result: Ok(Reply::History(page)), .. } => {
                    self.page(stream, &page, now_ns, lines);
                }
                // The store is away: the connection stays, and so does the question.
                Incoming::Reply { result: Err(refusal), .. } => {
                    let pause_ms = refusal.body.retry_after_ms.unwrap_or(RETRY_DEFAULT_MS);
                    self.streams[stream].read_ns = Some(now_ns + pause_ms * 1_000_000);
                }
                other => {
                    return Err(BenchError::Unexpected { request: "HISTORY", got: format!("{other:?}") });
                }
            },
            (Role::Sender(stream), Flags::REPLY, _) => self.answer(stream, frame, now_ns)?,
            _ => {
                let got = format!("a frame of type {}", header.msgid);
                return Err(BenchError::Unexpected { request: "a chat message", got });
            }
        }
        Ok(())
    }

    fn closed(
        &mut self,
        index: usize,
        _why: String,
        now_ns: u64,
        _lines: &mut Lines,
    ) -> Result<(), BenchError> {
        if self.clients[index].state == State::In {
            self.patience.cut += 1;
        }
        match self.clients[index].role {
            // Said again once the client is back.
            Role::Sender(stream) => self.streams[stream].again_ns = None,
            Role::Reader(stream) => {
                self.streams[stream].reading = true;
                self.streams[stream].read_ns = None;
            }
            Role::Nobody => {}
        }
        self.stays_away(index, now_ns);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use protocol::{ChatMessage, Code, ErrorBody, Header, MessageKind, Push, Sent};

    use super::*;
    use crate::load::{Address, StreamIdentity};

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
            load.patient.streams[0].say(0, load.swarm.lines());
            let sent = serde_json::to_vec(&Sent { conv: 904, seq: number + 1, time: 5 }).unwrap();
            hear(&mut load, SENDER, MsgId::OneChat, Code::DONE, ChatFrame::rid(number), &sent);
        }
        load
    }

    fn hear(load: &mut PatientLoad, line: usize, msgid: MsgId, code: Code, rid: u32, body: &[u8]) {
        let flags = if rid == 0 { Flags::PUSH } else { Flags::REPLY };
        let header = Header { flags, msgid: msgid.into(), code, rid, len: body.len() as u32 };
        load.patient.frame(line, &Frame { header, body }, 9, load.swarm.lines()).unwrap();
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
        assert!(load.patient.is_settled());
        assert!(load.patient.verdict().is_clean());
    }

    #[test]
    fn what_never_comes_is_lost() {
        let mut load = load(3);
        push(&mut load, 0);
        assert!(!load.patient.is_settled());
        assert_eq!(load.patient.verdict(), Verdict { lost: 2, ..Verdict::default() });
    }

    #[test]
    fn a_second_push_on_one_connection_is_a_double() {
        let mut load = load(2);
        [0, 1, 0].into_iter().for_each(|number| push(&mut load, number));
        assert_eq!(load.patient.verdict(), Verdict { duplicated: 1, ..Verdict::default() });
    }

    #[test]
    fn a_hole_is_counted_and_filled_from_the_log() {
        let mut load = load(4);
        push(&mut load, 0);
        push(&mut load, 3);
        assert_eq!(load.patience().holes, 1);
        assert!(load.patient.streams[0].reading);
        read_log(&mut load, 1..4, 4);
        assert!(load.patient.is_settled());
        assert!(load.patient.verdict().is_clean());
    }

    #[test]
    fn after_a_cut_the_log_and_a_late_push_may_say_the_same() {
        let mut load = load(2);
        push(&mut load, 0);
        load.patient.closed(READER, String::new(), 10, load.swarm.lines()).unwrap();
        assert!(!load.patient.is_settled());
        load.patient.is_back(READER, 20, load.swarm.lines());
        read_log(&mut load, 1..2, 2);
        push(&mut load, 1);
        assert_eq!((load.patience().cut, load.patience().returned_ns.as_slice()), (1, [20].as_slice()));
        assert!(load.patient.is_settled());
        assert!(load.patient.verdict().is_clean());
    }

    #[test]
    fn a_busy_node_is_asked_again_and_a_refusal_counts() {
        let mut load = load(0);
        load.patient.streams[0].say(0, load.swarm.lines());
        let busy = ErrorBody { retry_after_ms: Some(50), ..ErrorBody::default() };
        let busy = serde_json::to_vec(&busy).unwrap();
        let code =
            Code::TABLE.iter().map(|(code, _, _)| *code).find(|code| code.blame() == Blame::Busy).unwrap();
        hear(&mut load, SENDER, MsgId::OneChat, code, ChatFrame::rid(0), &busy);
        assert_eq!((load.patience().busy, load.patient.streams[0].again_ns), (1, Some(50_000_009)));
        assert!(!load.patient.is_settled());
        let refused = serde_json::to_vec(&ErrorBody::default()).unwrap();
        hear(&mut load, SENDER, MsgId::OneChat, Code::BAD_FIELD, ChatFrame::rid(0), &refused);
        assert_eq!(load.patient.verdict(), Verdict { refused: 1, ..Verdict::default() });
    }
}
