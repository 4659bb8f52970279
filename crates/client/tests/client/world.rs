//! A session on a virtual clock, with the wire in the test's hands.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use client::session::{Answer, CallId, Session, Transport};
use client::{ClientError, Config, Event};
use protocol::{ChatMessage, Code, Login, OneChat, Push, Refusal, Reply, Request, Secret, decode, encode};

use crate::model::Model;

/// Whether the server can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Up,
    Down,
}

pub(crate) struct World {
    pub(crate) session: Session,
    pub(crate) now: Instant,
    pub(crate) reach: Reach,
    pub(crate) model: Model,
    /// What the client asked and nobody answered yet.
    pub(crate) asked: VecDeque<(u32, Request)>,
    pub(crate) events: Vec<Event>,
    pub(crate) answers: Vec<Answer>,
    /// Times of attempts to connect.
    pub(crate) connects: Vec<Instant>,
    pub(crate) open: bool,
    /// Whether the client ever went to look for another address.
    pub(crate) left: bool,
    wire: BytesMut,
    next_call: u64,
}

pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

impl World {
    pub(crate) fn new() -> World {
        World::with(Config::new("model:1"))
    }

    pub(crate) fn with(config: Config) -> World {
        let now = Instant::now();
        World {
            session: Session::new(config, 42, now),
            now,
            reach: Reach::Up,
            model: Model::new(),
            asked: VecDeque::new(),
            events: vec![],
            answers: vec![],
            connects: vec![],
            open: false,
            left: false,
            wire: BytesMut::new(),
            next_call: 0,
        }
    }

    /// Logged in, and the sync done.
    pub(crate) fn signed_in() -> World {
        World::signed_in_with(Config::new("model:1"), Model::new())
    }

    pub(crate) fn signed_in_with(config: Config, model: Model) -> World {
        let mut world = World::with(config);
        world.model = model;
        world.serve();
        let call = world.log_in();
        world.serve();
        assert!(matches!(world.answer_to(call), Ok(Reply::Login(_))));
        assert!(world.events.iter().any(|event| matches!(event, Event::Synced { .. })), "{:?}", world.events);
        world
    }

    /// Moves bytes and orders until nothing moves. The application takes everything at once.
    pub(crate) fn turn(&mut self) {
        loop {
            self.session.handle_time(self.now);
            match self.session.poll_transport() {
                Some(Transport::Connect) => {
                    self.drop_wire();
                    self.connects.push(self.now);
                    match self.reach {
                        Reach::Up => {
                            self.open = true;
                            self.session.handle_connected(self.now);
                        }
                        Reach::Down => self.session.handle_lost("refused", self.now),
                    }
                    continue;
                }
                Some(order @ (Transport::Close | Transport::Leave)) => {
                    self.left |= order == Transport::Leave;
                    self.drop_wire();
                    continue;
                }
                None => {}
            }
            let output = self.session.output();
            if !output.is_empty() {
                self.wire.extend_from_slice(output);
                output.clear();
                self.read_wire();
                continue;
            }
            if let Some(answer) = self.session.poll_answer() {
                self.answers.push(answer);
                continue;
            }
            if let Some(event) = self.session.poll_event() {
                if let Event::Message { message, .. } = &event {
                    self.session.taken(message.conv, message.seq, self.now);
                }
                if let Event::Changed(changed) = &event {
                    self.session.changes_taken(changed.conv, changed.position);
                }
                if let Event::Hidden(hidden) = &event {
                    self.session.hidden_taken(hidden.position);
                }
                if let Event::Notice(notice) = &event {
                    self.session.notices_taken(notice.seq, self.now);
                }
                self.events.push(event);
                continue;
            }
            return;
        }
    }

    /// Lets the model answer everything, in order, until nothing more is asked.
    pub(crate) fn serve(&mut self) {
        self.turn();
        while let Some((rid, request)) = self.asked.pop_front() {
            let answer = self.model.answer(&request);
            self.answer(rid, answer);
        }
    }

    /// Time passes, and every deadline on the way is met.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.turn();
        while let Some(at) = self.session.poll_deadline()
            && at <= end
        {
            self.now = self.now.max(at);
            self.turn();
        }
        self.now = end;
        self.turn();
    }

    /// As [`World::pass`], with the model answering.
    pub(crate) fn pass_served(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.serve();
        while let Some(at) = self.session.poll_deadline()
            && at <= end
        {
            self.now = self.now.max(at);
            self.serve();
        }
        self.now = end;
        self.serve();
    }

    pub(crate) fn cut(&mut self) {
        self.drop_wire();
        self.session.handle_lost("cut", self.now);
        self.turn();
    }

    pub(crate) fn submit(&mut self, request: Request) -> CallId {
        let call = CallId(self.next_call);
        self.next_call += 1;
        self.session.submit(call, request, TIMEOUT, self.now);
        call
    }

    pub(crate) fn log_in(&mut self) -> CallId {
        let login = Login { name: Some("me".into()), password: Secret::new("12345678"), ..Login::default() };
        self.submit(Request::Login(login))
    }

    pub(crate) fn say(&mut self, to: u64, msg: &str) -> CallId {
        let id = format!("id-{}", self.next_call);
        self.submit(Request::OneChat(OneChat {
            to,
            msg: msg.into(),
            client_msg_id: id,
            ..OneChat::default()
        }))
    }

    pub(crate) fn answer(&mut self, rid: u32, answer: Result<Reply, Refusal>) {
        let mut bytes = BytesMut::new();
        match answer {
            Ok(reply) => encode::reply(rid, &reply, &mut bytes),
            Err(refusal) => encode::refusal(rid, 0, &refusal, &mut bytes),
        }
        self.feed(&bytes);
    }

    pub(crate) fn push(&mut self, push: Push) {
        let mut bytes = BytesMut::new();
        encode::push(&push, &mut bytes);
        self.feed(&bytes);
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.session.handle_input(bytes, self.now);
        self.turn();
    }

    /// The answer to a call, if there is one.
    pub(crate) fn answer_of(&self, call: CallId) -> Option<&Result<Reply, ClientError>> {
        self.answers.iter().find(|answer| answer.call == call).map(|answer| &answer.result)
    }

    pub(crate) fn answer_to(&self, call: CallId) -> &Result<Reply, ClientError> {
        self.answer_of(call).unwrap_or_else(|| panic!("{call:?} is not answered"))
    }

    /// The messages of a conversation that were shown.
    pub(crate) fn shown(&self, conv: u64) -> Vec<u64> {
        self.messages().filter(|message| message.conv == conv).map(|message| message.seq).collect()
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &ChatMessage> {
        self.events.iter().filter_map(|event| match event {
            Event::Message { message, .. } => Some(message),
            _ => None,
        })
    }

    /// The changes of a conversation that were shown: position, seq and how it reads.
    pub(crate) fn changed(&self, conv: u64) -> Vec<(u64, u64, &str)> {
        let all = self.events.iter().filter_map(|event| match event {
            Event::Changed(changed) if changed.conv == conv => Some(changed),
            _ => None,
        });
        all.map(|changed| (changed.position, changed.message.seq, changed.message.msg.as_str())).collect()
    }

    /// What was hidden: position, conversation and seq.
    pub(crate) fn hidden(&self) -> Vec<(u64, u64, u64)> {
        let place = |event: &Event| match event {
            Event::Hidden(hidden) => Some((hidden.position, hidden.conv, hidden.seq)),
            _ => None,
        };
        self.events.iter().filter_map(place).collect()
    }

    /// The notices that were shown.
    pub(crate) fn noticed(&self) -> Vec<u64> {
        let seq = |event: &Event| if let Event::Notice(notice) = event { Some(notice.seq) } else { None };
        self.events.iter().filter_map(seq).collect()
    }

    pub(crate) fn asked_types(&self) -> Vec<&'static str> {
        self.asked.iter().map(|(_, request)| request.msgid().name()).collect()
    }

    fn drop_wire(&mut self) {
        self.open = false;
        self.wire.clear();
        self.asked.clear();
    }

    fn read_wire(&mut self) {
        while let Some((frame, len)) = decode(&self.wire, 1 << 20).expect("the client writes frames") {
            let request = Request::from_frame(&frame).expect("the client writes requests");
            self.asked.push_back((frame.header.rid, request));
            self.wire.advance(len);
        }
    }
}

pub(crate) fn refused(code: Code) -> Refusal {
    Refusal::new(code)
}
