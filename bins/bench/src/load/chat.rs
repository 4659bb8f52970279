//! Chat messages kept in flight: one sender a stream, any number of readers.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use protocol::{Flags, Frame, MsgId};

use super::{
    Dialect, Ledger, Lines, Reader, Scenario, StreamIdentity, Swarm, Verdict,
    chat_frame::{ChatFrame, Recognised, read_sent},
};
use crate::{error::BenchError, report::latency_histogram};

/// When nothing has arrived for this long, what is missing counts as lost.
const SETTLE_PATIENCE: Duration = Duration::from_secs(4);

/// How often that is looked at.
const SETTLE_LOOK: Duration = Duration::from_millis(100);

/// How long is listened for second copies after the last message.
const QUIET: Duration = Duration::from_millis(200);

/// When a sender sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Each stream keeps this many messages without an answer.
    Unanswered(u64),
    /// Each stream keeps this many messages that have not been answered and reached every reader.
    Undelivered(u64),
    /// All streams together send this many a second, in turn. A message that finds its stream's last one unanswered
    /// waits for that, and its latency counts from when it should have gone.
    PerSecond(u64),
}

/// One stream: who sends what, and on which lines.
pub(crate) struct StreamPlan {
    pub(crate) identity: StreamIdentity,
    pub(crate) sender: usize,
    pub(crate) readers: Vec<usize>,
}

/// What was measured between [`ChatLoad::begin_window`] and [`ChatLoad::end_window`].
pub(crate) struct Window {
    pub(crate) elapsed: Duration,
    /// Messages received by readers.
    pub(crate) delivered: u64,
    /// From sending to arrival at a reader.
    pub(crate) latency: Histogram<u64>,
    /// From sending to the answer.
    pub(crate) answer_latency: Histogram<u64>,
}

/// A swarm that chats.
pub(crate) struct ChatLoad {
    swarm: Swarm,
    chat: Chat,
}

impl ChatLoad {
    /// The lines of `streams` must be in the swarm, signed in and ready. Sends nothing yet.
    pub(crate) fn new(mut swarm: Swarm, streams: Vec<StreamPlan>, dialect: Dialect, pace: Pace) -> ChatLoad {
        let mut roles = Vec::new();
        roles.resize_with(swarm.lines().all.len(), || Role::Bystander);
        let streams = streams.into_iter().enumerate().map(|(number, plan)| {
            let frame = ChatFrame::new(&plan.identity, dialect);
            roles[plan.sender] = Role::Sender { stream: number };
            let readers = plan.readers.into_iter().enumerate().map(|(reader, line)| {
                roles[line] = Role::Reader { stream: number, reader };
                Reader::new(frame.first_seq())
            });
            Stream {
                readers: readers.collect(),
                conv: plan.identity.conv,
                sender: plan.sender,
                frame,
                ledger: Ledger::default(),
                overdue: VecDeque::new(),
            }
        });
        let chat = Chat {
            streams: streams.collect(),
            roles,
            dialect,
            pace,
            sending: false,
            next_due_ns: 0,
            next_stream: 0,
            strays: 0,
            frames: 0,
            window: OpenWindow::new(0),
        };
        ChatLoad { swarm, chat }
    }

    /// Keeps the messages going for this long.
    pub(crate) fn run_for(&mut self, time: Duration) -> Result<(), BenchError> {
        self.run_until(time, || false).map(drop)
    }

    /// Keeps the messages going until `done`, or until `within` has passed; tells whether it was done.
    pub(crate) fn run_until(
        &mut self,
        within: Duration,
        mut done: impl FnMut() -> bool,
    ) -> Result<bool, BenchError> {
        if !self.chat.sending {
            self.chat.sending = true;
            self.chat.next_due_ns = self.swarm.now_ns();
            self.chat.fill(self.swarm.now_ns(), self.swarm.lines());
        }
        self.swarm.run_until(&mut self.chat, within, |_| done())
    }

    /// Begins to count afresh.
    pub(crate) fn begin_window(&mut self) {
        self.chat.window = OpenWindow::new(self.swarm.now_ns());
    }

    /// What was counted since.
    pub(crate) fn end_window(&mut self) -> Window {
        let now_ns = self.swarm.now_ns();
        let window = std::mem::replace(&mut self.chat.window, OpenWindow::new(now_ns));
        Window {
            elapsed: Duration::from_nanos(now_ns - window.began_ns),
            delivered: window.delivered,
            latency: window.latency,
            answer_latency: window.answer_latency,
        }
    }

    /// Sends no more, waits for what is under way, and judges every message since the beginning.
    pub(crate) fn settle(&mut self) -> Result<Verdict, BenchError> {
        self.chat.sending = false;
        let mut last_progress = (self.chat.frames, Instant::now());
        while !self.swarm.run_until(&mut self.chat, SETTLE_LOOK, Chat::is_settled)? {
            if last_progress.0 != self.chat.frames {
                last_progress = (self.chat.frames, Instant::now());
            } else if last_progress.1.elapsed() >= SETTLE_PATIENCE {
                break;
            }
        }
        self.swarm.run_until(&mut self.chat, QUIET, |_| false)?;
        Ok(self.chat.verdict())
    }

    /// Messages of all streams that were answered as stored.
    pub(crate) fn acknowledged_in_all(&self) -> u64 {
        self.chat.streams.iter().map(|stream| stream.ledger.acknowledged()).sum()
    }

    /// Messages of a stream that were answered as stored.
    pub(crate) fn acknowledged(&self, stream: usize) -> u64 {
        self.chat.streams[stream].ledger.acknowledged()
    }
}

struct Stream {
    frame: ChatFrame,
    conv: u64,
    sender: usize,
    ledger: Ledger,
    readers: Vec<Reader>,
    /// When messages should have been sent that still wait for their turn; bounded by the length of a paced run.
    overdue: VecDeque<u64>,
}

#[derive(Clone, Copy)]
enum Role {
    Sender { stream: usize },
    Reader { stream: usize, reader: usize },
    Bystander,
}

struct OpenWindow {
    began_ns: u64,
    delivered: u64,
    latency: Histogram<u64>,
    answer_latency: Histogram<u64>,
}

impl OpenWindow {
    fn new(began_ns: u64) -> OpenWindow {
        OpenWindow {
            began_ns,
            delivered: 0,
            latency: latency_histogram(),
            answer_latency: latency_histogram(),
        }
    }
}

/// The scenario of a chat load.
struct Chat {
    streams: Vec<Stream>,
    /// By line.
    roles: Vec<Role>,
    dialect: Dialect,
    pace: Pace,
    sending: bool,
    next_due_ns: u64,
    next_stream: usize,
    /// Messages that came to a line which should get none.
    strays: u64,
    /// Frames received, of any kind.
    frames: u64,
    window: OpenWindow,
}

impl Chat {
    /// Sends the first messages of a closed loop.
    fn fill(&mut self, now_ns: u64, lines: &mut Lines) {
        let (Pace::Unanswered(window) | Pace::Undelivered(window)) = self.pace else { return };
        for stream in &mut self.streams {
            while stream.ledger.waiting() < window {
                stream.send(now_ns, lines);
            }
        }
    }

    /// A message of this stream was answered.
    fn answered(&mut self, stream: usize, number: u64, now_ns: u64, lines: &mut Lines) {
        let stream = &mut self.streams[stream];
        match self.pace {
            Pace::Unanswered(_) if self.sending => stream.send(now_ns, lines),
            Pace::Undelivered(_) if self.sending && stream.is_complete(number) => stream.send(now_ns, lines),
            Pace::PerSecond(_) => {
                if let Some(due_ns) = stream.overdue.pop_front() {
                    stream.send(due_ns, lines);
                }
            }
            Pace::Unanswered(_) | Pace::Undelivered(_) => {}
        }
    }

    fn answer(&mut self, stream: usize, frame: &Frame<'_>, now_ns: u64, lines: &mut Lines) {
        let Stream { ledger, conv, .. } = &mut self.streams[stream];
        let number = ChatFrame::number_of(frame.header.rid);
        let seq = match (self.dialect, frame.header.code.is_done(), read_sent(frame.body)) {
            (_, false, _) => {
                ledger.refuse(number);
                return self.answered(stream, number, now_ns, lines);
            }
            (Dialect::Chat, true, Some((of, seq))) if of == *conv => Some(seq),
            (Dialect::Floor, true, Some(_)) => None,
            (_, true, _) => {
                ledger.unreadable();
                None
            }
        };
        if let Some(sent_ns) = ledger.acknowledge(number, seq) {
            self.window.answer_latency.saturating_record(now_ns.saturating_sub(sent_ns));
            self.answered(stream, number, now_ns, lines);
        }
    }

    fn message(&mut self, stream: usize, reader: usize, body: &[u8], now_ns: u64, lines: &mut Lines) {
        let Stream { frame, ledger, readers, .. } = &mut self.streams[stream];
        let reader = &mut readers[reader];
        let Recognised::Message { number, seq } = frame.recognise(body) else { return reader.foreign() };
        let Some(sent_ns) = reader.deliver(ledger, number, seq) else { return };
        self.window.delivered += 1;
        self.window.latency.saturating_record(now_ns.saturating_sub(sent_ns));
        if let Pace::Undelivered(_) = self.pace
            && self.sending
            && self.streams[stream].is_complete(number)
        {
            self.streams[stream].send(now_ns, lines);
        }
    }

    fn is_settled(&self) -> bool {
        self.streams.iter().all(|stream| {
            stream.ledger.waiting() == 0
                && stream.overdue.is_empty()
                && stream.readers.iter().all(|reader| reader.has_all(&stream.ledger))
        })
    }

    fn verdict(&self) -> Verdict {
        let mut verdict = Verdict { corrupted: self.strays, ..Verdict::default() };
        for stream in &self.streams {
            verdict.add(stream.ledger.verdict());
            for reader in &stream.readers {
                verdict.add(reader.verdict(&stream.ledger));
            }
        }
        verdict
    }
}

impl Stream {
    fn send(&mut self, at_ns: u64, lines: &mut Lines) {
        let number = self.ledger.send(at_ns);
        self.frame.write(number, lines.out(self.sender));
    }

    fn is_complete(&self, number: u64) -> bool {
        self.ledger.is_complete(number, self.readers.len())
    }
}

impl Scenario for Chat {
    fn tick(&mut self, now_ns: u64, lines: &mut Lines) -> Result<Option<u64>, BenchError> {
        let Pace::PerSecond(rate) = self.pace else { return Ok(None) };
        if !self.sending {
            return Ok(None);
        }
        while self.next_due_ns <= now_ns {
            let stream = &mut self.streams[self.next_stream];
            if stream.ledger.waiting() == 0 {
                // Being late itself is the load's own fault, and not counted.
                stream.send(now_ns, lines);
            } else {
                stream.overdue.push_back(self.next_due_ns);
            }
            self.next_stream = (self.next_stream + 1) % self.streams.len();
            self.next_due_ns += 1_000_000_000 / rate;
        }
        Ok(Some(self.next_due_ns))
    }

    fn frame(
        &mut self,
        index: usize,
        frame: &Frame<'_>,
        now_ns: u64,
        lines: &mut Lines,
    ) -> Result<(), BenchError> {
        const ONE_CHAT: u16 = MsgId::OneChat as u16;
        const GROUP_CHAT: u16 = MsgId::GroupChat as u16;
        const MESSAGE: u16 = MsgId::Message as u16;
        self.frames += 1;
        match (self.roles[index], frame.header.flags, frame.header.msgid) {
            (Role::Sender { stream }, Flags::REPLY, ONE_CHAT | GROUP_CHAT) => {
                self.answer(stream, frame, now_ns, lines);
            }
            (Role::Reader { stream, reader }, Flags::PUSH, MESSAGE) => {
                self.message(stream, reader, frame.body, now_ns, lines);
            }
            (_, Flags::PUSH, MESSAGE) => self.strays += 1,
            // Presence, friends and groups: the set-up's echoes.
            (_, Flags::PUSH, _) => {}
            (_, _, msgid) => {
                let got = format!("a frame of type {msgid}");
                return Err(BenchError::Unexpected { request: "a chat message", got });
            }
        }
        Ok(())
    }
}
