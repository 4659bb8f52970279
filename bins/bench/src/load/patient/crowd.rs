//! All clients and their talks: who is away comes back, who has no answer asks again, and every frame goes to its talk.

use hdrhistogram::Histogram;
use protocol::{Blame, Flags, Frame, HistoryPage, Incoming, MsgId, Reply};

use super::{
    super::{
        Lines, Scenario, Verdict,
        chat_frame::{ChatFrame, Recognised, read_sent},
    },
    Patience,
    client::{Client, HELLO_RID, RESUME_RID, Role, State},
    stream::{HISTORY_RID, Stream},
};
use crate::error::BenchError;

/// The pause before the first attempt to come back is random and at most this; it doubles with each failure. As in the
/// project's client.
const BACKOFF_FIRST_MS: u64 = 500;
const BACKOFF_MAX_MS: u64 = 30_000;

/// A sign-in that is not answered by then is begun anew.
const SIGN_IN_TIMEOUT_NS: u64 = 5_000_000_000;

/// The pause before a refused message is said again, if the refusal names none.
const RETRY_DEFAULT_MS: u64 = 100;

/// The scenario.
pub(super) struct Crowd {
    pub(super) streams: Vec<Stream>,
    /// By line.
    pub(super) clients: Vec<Client>,
    pub(super) step_ns: u64,
    pub(super) sending: bool,
    pub(super) next_due_ns: u64,
    pub(super) next_stream: usize,
    pub(super) frames: u64,
    pub(super) patience: Patience,
    pub(super) latency: Histogram<u64>,
    pub(super) delivered: u64,
    pub(super) random: u64,
}

impl Crowd {
    pub(super) fn is_settled(&self) -> bool {
        self.streams.iter().all(Stream::is_settled)
            && self.clients.iter().all(|client| client.state == State::In)
    }

    pub(super) fn verdict(&self) -> Verdict {
        let mut verdict = Verdict::default();
        for stream in &self.streams {
            verdict.add(stream.ledger.verdict());
            verdict.add(stream.book.verdict(&stream.ledger));
        }
        verdict
    }

    /// Seconds of patience, random up to a bound that doubles.
    pub(super) fn backoff_ns(&mut self, failures: u32) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bound_ms = (BACKOFF_FIRST_MS << failures.min(10)).min(BACKOFF_MAX_MS);
        (self.random >> 33) % (bound_ms * 1_000_000)
    }

    pub(super) fn connect(&mut self, index: usize, now_ns: u64, lines: &mut Lines) -> Result<(), BenchError> {
        self.patience.attempts_ns.push(now_ns);
        let client = &mut self.clients[index];
        client.state = State::SigningIn { until_ns: now_ns + SIGN_IN_TIMEOUT_NS };
        lines.connect(index, client.addr)?;
        let out = lines.out(index);
        out.extend_from_slice(&client.hello);
        out.extend_from_slice(&client.resume);
        Ok(())
    }

    pub(super) fn stays_away(&mut self, index: usize, now_ns: u64) {
        let pause_ns = self.backoff_ns(self.clients[index].failures);
        let client = &mut self.clients[index];
        client.failures += 1;
        client.state = State::Away { until_ns: now_ns + pause_ns };
    }

    /// The client is signed in again: it says what has no answer, or reads what it missed.
    pub(super) fn is_back(&mut self, index: usize, now_ns: u64, lines: &mut Lines) {
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

    pub(super) fn signed_in(
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

    pub(super) fn answer(&mut self, number: usize, frame: &Frame<'_>, now_ns: u64) -> Result<(), BenchError> {
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

    pub(super) fn pushed(&mut self, number: usize, body: &[u8], now_ns: u64, lines: &mut Lines) {
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

    pub(super) fn page(&mut self, number: usize, page: &HistoryPage, now_ns: u64, lines: &mut Lines) {
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

    pub(super) fn apply(&mut self, number: usize, message: u64, seq: u64, now_ns: u64) {
        let stream = &mut self.streams[number];
        stream.next_seq = seq + 1;
        if let Some(said_ns) = stream.book.deliver(&mut stream.ledger, message, seq) {
            self.delivered += 1;
            self.latency.saturating_record(now_ns.saturating_sub(said_ns));
        }
    }

    /// What was held and has its turn now.
    pub(super) fn apply_held(&mut self, number: usize, now_ns: u64) {
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

impl Scenario for Crowd {
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
