//! A line of our own making: the protocol as `docs/protocol.md` has it, and as little as that takes. It shares nothing
//! with the client library but the reading and writing of frames, so that an error of the one is not one of the other.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use bytes::{Buf, BytesMut};
use client::Reading;
use protocol::{
    Blame, Bye, Changed, ChatMessage, Code, Conversation, Hello, Incoming, MessageKind, Nothing, Push,
    Refresh, Refusal, Reply, Request, Resume, Sent, SignedIn, VERSION, encode, limits,
};
use rand::{RngExt, rngs::StdRng};

use super::{
    Heard, Line, Memory, NoAnswer, Parting, Ticket, frames_broadcasts::Broadcasts, frames_changes::Feeds,
    frames_hides::Hides, frames_quiet::Quiets, frames_reading::Readings, frames_sync::Sync,
};
use crate::torture::{evidence::Pushed, seed};

/// How long connecting and writing may take.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the answers to HELLO and RESUME may take.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);
/// The bounds of the waits between attempts to connect.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Until the server has named it.
const HEARTBEAT: Duration = Duration::from_secs(12);
/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

pub(super) struct FramesLine {
    server: SocketAddr,
    memory: Memory,
    random: StdRng,
    phase: Phase,
    failures: u32,
    socket: Option<TcpStream>,
    input: BytesMut,
    rid: u32,
    /// What the requests on the wire are for. Bounded by the script and by [`Sync`].
    asked: HashMap<u32, Asked>,
    /// What waits until it may be sent.
    waiting: VecDeque<(Ticket, Request)>,
    sync: Sync,
    feeds: Feeds,
    readings: Readings,
    quiets: Quiets,
    hides: Hides,
    broadcasts: Broadcasts,
    heartbeat: Duration,
    heard_at: Instant,
    sent_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Away {
        until: Instant,
    },
    Greeting {
        give_up_at: Instant,
    },
    /// Nobody is logged in.
    Guest,
    Resuming {
        give_up_at: Instant,
    },
    User,
}

/// What a request on the wire is for.
#[derive(Debug)]
enum Asked {
    Script(Ticket, Request),
    Hello,
    Resume,
    Refresh,
    Page {
        after: u64,
    },
    History {
        conv: u64,
    },
    Changes {
        conv: u64,
    },
    Read {
        conv: u64,
    },
    Quiet,
    Hidden,
    Broadcasts,
    /// Whatever its answer is.
    Trifle,
}

impl FramesLine {
    pub(super) fn open(server: SocketAddr, memory: Memory, seed: u64) -> FramesLine {
        let now = Instant::now();
        FramesLine {
            server,
            random: seed::generator(seed, &memory.device),
            sync: Sync::new(memory.cursors.clone()),
            feeds: Feeds::new(&memory.cursors, &memory.changes),
            readings: Readings::new(memory.user, &memory.reads),
            quiets: Quiets::default(),
            hides: Hides::new(memory.hidden),
            broadcasts: Broadcasts::new(memory.broadcasts),
            memory,
            phase: Phase::Away { until: now },
            failures: 0,
            socket: None,
            input: BytesMut::new(),
            rid: 0,
            asked: HashMap::new(),
            waiting: VecDeque::new(),
            heartbeat: HEARTBEAT,
            heard_at: now,
            sent_at: now,
        }
    }

    /// What time demands.
    fn tend(&mut self, heard: &mut Vec<Heard>) {
        let now = Instant::now();
        match self.phase {
            Phase::Away { until } if until <= now => self.connect(now, heard),
            Phase::Greeting { give_up_at } | Phase::Resuming { give_up_at } if give_up_at <= now => {
                self.lost("the server does not answer", Duration::ZERO, heard);
            }
            Phase::Away { .. }
            | Phase::Greeting { .. }
            | Phase::Guest
            | Phase::Resuming { .. }
            | Phase::User => {}
        }
        if self.socket.is_some() && now > self.heard_at + 2 * self.heartbeat {
            self.lost("nothing was heard", Duration::ZERO, heard);
        }
        if self.socket.is_some() && now > self.sent_at + self.heartbeat {
            self.send(Asked::Trifle, &Request::Ping(Nothing {}), heard);
        }
        self.send_what_waits(heard);
    }

    fn connect(&mut self, now: Instant, heard: &mut Vec<Heard>) {
        let opened = TcpStream::connect_timeout(&self.server, SOCKET_TIMEOUT).and_then(|socket| {
            socket.set_nodelay(true)?;
            socket.set_write_timeout(Some(SOCKET_TIMEOUT))?;
            Ok(socket)
        });
        let Ok(socket) = opened else { return self.lost("no connection", Duration::ZERO, heard) };
        self.socket = Some(socket);
        self.input.clear();
        self.heard_at = now;
        self.phase = Phase::Greeting { give_up_at: now + GREETING_TIMEOUT };
        let hello = Hello {
            versions: vec![u16::from(VERSION)],
            client: "bench torture".into(),
            device: self.memory.device.clone(),
        };
        self.send(Asked::Hello, &Request::Hello(hello), heard);
    }

    /// The one place where a connection ends.
    fn lost(&mut self, why: &str, retry_after: Duration, heard: &mut Vec<Heard>) {
        self.socket = None;
        self.input.clear();
        self.sync.stop();
        self.feeds.stop();
        self.failures += 1;
        let bound = (BACKOFF_FIRST * (1 << self.failures.min(8))).min(BACKOFF_MAX);
        let wait = self.random.random_range(Duration::ZERO..=bound) + retry_after.min(BACKOFF_MAX);
        self.phase = Phase::Away { until: Instant::now() + wait };
        heard.push(Heard::Disconnected(why.to_owned()));
        for (_, asked) in self.asked.drain() {
            if let Asked::Script(ticket, _) = asked {
                heard.push(Heard::Answer(ticket, Err(NoAnswer::Uncertain)));
            }
        }
    }

    fn send_what_waits(&mut self, heard: &mut Vec<Heard>) {
        let waiting = match self.phase {
            Phase::User | Phase::Guest => std::mem::take(&mut self.waiting),
            Phase::Away { .. } | Phase::Greeting { .. } | Phase::Resuming { .. } => VecDeque::new(),
        };
        for (ticket, request) in waiting {
            if self.phase == Phase::User || matches!(request, Request::Login(_)) {
                let mut copy = request.clone();
                if let Request::Login(login) = &mut copy {
                    login.broadcasts_after = Some(self.broadcasts.have());
                }
                self.send(Asked::Script(ticket, request), &copy, heard);
            } else {
                // Nobody is logged in: it will not do to wait behind it.
                heard.push(Heard::Answer(ticket, Err(NoAnswer::NotSent)));
            }
        }
        while self.phase == Phase::User
            && let Some(ask) = self.sync.next_ask()
        {
            let asked = match &ask {
                Request::Conversations(page) => Asked::Page { after: page.after },
                Request::History(history) => Asked::History { conv: history.conv },
                _ => Asked::Trifle,
            };
            self.send(asked, &ask, heard);
        }
        self.send_what_is_due(heard);
    }

    /// What messages, changes and lists demand beside the messages themselves.
    fn send_what_is_due(&mut self, heard: &mut Vec<Heard>) {
        while self.phase == Phase::User
            && let Some(changes) = self.feeds.next_ask()
        {
            let conv = changes.conv;
            self.send(Asked::Changes { conv }, &Request::Changes(changes), heard);
        }
        while self.phase == Phase::User
            && let Some(read) = self.readings.next_ask()
        {
            self.send(Asked::Read { conv: read.conv }, &Request::Read(read), heard);
        }
        if self.phase == Phase::User && self.quiets.next_ask() {
            self.send(Asked::Quiet, &Request::Quiet(Nothing {}), heard);
        }
        if self.phase == Phase::User
            && let Some(page) = self.hides.next_ask()
        {
            self.send(Asked::Hidden, &Request::Hidden(page), heard);
        }
        if self.phase == Phase::User
            && let Some(page) = self.broadcasts.next_ask()
        {
            self.send(Asked::Broadcasts, &Request::Broadcasts(page), heard);
        }
        if self.phase == Phase::User
            && let Some(ack) = self.broadcasts.next_ack()
        {
            self.send(Asked::Trifle, &Request::AckBroadcasts(ack), heard);
        }
    }

    fn send(&mut self, asked: Asked, request: &Request, heard: &mut Vec<Heard>) {
        let Some(socket) = &mut self.socket else {
            // Lost by the request before it.
            if let Asked::Script(ticket, _) = asked {
                heard.push(Heard::Answer(ticket, Err(NoAnswer::NotSent)));
            }
            return;
        };
        self.rid = self.rid.wrapping_add(1).max(1);
        let mut bytes = BytesMut::new();
        encode::request(self.rid, request, &mut bytes);
        self.asked.insert(self.rid, asked);
        self.sent_at = Instant::now();
        if socket.write_all(&bytes).is_err() {
            self.lost("a write failed", Duration::ZERO, heard);
        }
    }

    /// Reads once, and takes every frame that is complete.
    fn read(&mut self, patience: Duration, heard: &mut Vec<Heard>) {
        let Some(socket) = &mut self.socket else { return std::thread::sleep(patience) };
        let mut chunk = vec![0; CHUNK];
        let read = socket.set_read_timeout(Some(patience)).and_then(|()| socket.read(&mut chunk));
        match read {
            Ok(0) => return self.lost("the server closed it", Duration::ZERO, heard),
            Ok(length) => {
                self.heard_at = Instant::now();
                self.input.extend_from_slice(&chunk[..length]);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return self.lost("a read failed", Duration::ZERO, heard),
        }
        while self.socket.is_some() {
            let message = match protocol::decode(&self.input, 2 * limits::FRAME_BYTES_MAX) {
                Ok(None) => break,
                Ok(Some((frame, length))) => {
                    let message = Incoming::from_frame(&frame);
                    self.input.advance(length);
                    message
                }
                Err(error) => panic!("{}: the server sent what is no frame: {error}", self.memory.device),
            };
            match message {
                Ok(Incoming::Push(push)) => self.push(push, heard),
                Ok(Incoming::Reply { rid, result }) => self.reply(rid, result, heard),
                Err(error) => panic!("{}: the server sent what is no message: {error}", self.memory.device),
            }
        }
    }

    fn push(&mut self, push: Push, heard: &mut Vec<Heard>) {
        match push {
            Push::Ping(_) => self.send(Asked::Trifle, &Request::Ping(Nothing {}), heard),
            Push::Bye(bye) => self.bye(&bye, heard),
            Push::Resync(_) => {
                let broadcasts_after = Some(self.broadcasts.have());
                let refresh = Refresh { broadcasts_after, ..Refresh::default() };
                self.send(Asked::Refresh, &Request::Refresh(refresh), heard);
            }
            Push::Message(message) => {
                heard.push(Heard::Pushed(Pushed { conv: message.conv, seq: message.seq }));
                self.take(message, heard);
            }
            Push::Changed(changed) => self.change(changed, heard),
            Push::Receipt(receipt) => self.readings.receipt(&receipt),
            Push::QuietChanged(change) => {
                self.quiets.changed(&change);
                heard.push(Heard::Quiet(self.quiets.held()));
            }
            Push::FriendEvent(event) => heard.push(Heard::Friend(event)),
            Push::Presence(presence) => heard.push(Heard::Presence(presence)),
            Push::HiddenMessages(hidden) => self.hides.take(&hidden.hidden, heard),
            Push::Broadcast(broadcast) => self.broadcasts.pushed(broadcast, heard),
            Push::Typing(_)
            | Push::GroupEvent(_)
            | Push::GroupRequestEvent(_)
            | Push::FriendChanged(_)
            | Push::Notice(_) => {}
        }
    }

    /// Answers that are still owed are forgone: they count as uncertain.
    fn bye(&mut self, bye: &Bye, heard: &mut Vec<Heard>) {
        if Code(bye.errcode) == Code::SESSION_ENDED {
            self.memory.token = None;
            heard.push(Heard::SessionEnded);
        }
        self.lost(&bye.errmsg, Duration::from_millis(bye.retry_after_ms.into()), heard);
    }

    fn reply(&mut self, rid: u32, result: Result<Reply, Refusal>, heard: &mut Vec<Heard>) {
        match (self.asked.remove(&rid), result) {
            (None, _) => panic!("{}: an answer to request {rid}, which waits for none", self.memory.device),
            (Some(Asked::Hello), Ok(Reply::Hello(hello))) => {
                self.heartbeat = Duration::from_millis(hello.heartbeat_ms);
                match &self.memory.token {
                    None => self.phase = Phase::Guest,
                    Some(token) => {
                        let (token, broadcasts_after) = (token.clone(), Some(self.broadcasts.have()));
                        let resume = Request::Resume(Resume { token, broadcasts_after, ..Resume::default() });
                        self.phase = Phase::Resuming { give_up_at: Instant::now() + GREETING_TIMEOUT };
                        self.send(Asked::Resume, &resume, heard);
                    }
                }
            }
            (Some(Asked::Resume), Ok(Reply::Resume(bundle))) => self.signed_in(bundle, heard),
            (Some(Asked::Resume), Err(refusal)) if refusal.code.blame() == Blame::Session => {
                self.memory.token = None;
                self.phase = Phase::Guest;
                heard.push(Heard::SessionEnded);
            }
            (Some(Asked::Hello | Asked::Resume), Err(refusal)) => {
                let wait = Duration::from_millis(refusal.body.retry_after_ms.unwrap_or(0));
                self.lost(&refusal.to_string(), wait, heard);
            }
            (Some(Asked::Refresh), Ok(Reply::Refresh(bundle))) => self.signed_in(bundle, heard),
            (Some(Asked::Refresh), Err(refusal)) => {
                // A new connection asks by RESUME.
                let wait = Duration::from_millis(refusal.body.retry_after_ms.unwrap_or(0));
                self.lost(&refusal.to_string(), wait, heard);
            }
            (Some(Asked::Page { .. }), Ok(Reply::Conversations(page))) => {
                page.convs.iter().for_each(|entry| self.learn_around(entry));
                let before = heard.len();
                self.sync.page(page, heard);
                self.follow(before, heard);
            }
            (Some(Asked::Page { after }), Err(_)) => self.sync.page_refused(after),
            (Some(Asked::History { conv }), Ok(Reply::History(page))) => {
                self.feeds.begin(conv);
                self.readings.begin(conv, page.first);
                page.messages.iter().for_each(|message| self.readings.said(message));
                let before = heard.len();
                self.sync.history(conv, page, heard);
                self.follow(before, heard);
            }
            (Some(Asked::History { conv }), Err(refusal)) => {
                let before = heard.len();
                self.sync.history_refused(conv, refusal.code.blame(), heard);
                self.follow(before, heard);
            }
            (Some(Asked::Changes { conv }), Ok(Reply::Changes(page))) => {
                self.feeds.page(page, self.sync.have(conv), heard);
            }
            (Some(Asked::Changes { conv }), Err(refusal)) => {
                self.feeds.refused(conv, refusal.code.blame());
            }
            (Some(Asked::Read { .. }), Ok(_)) => {}
            (Some(Asked::Read { conv }), Err(refusal)) => {
                self.readings.refused(conv, refusal.code.blame());
            }
            (Some(Asked::Quiet), Ok(Reply::Quiet(list))) => {
                self.quiets.list(list);
                heard.push(Heard::Quiet(self.quiets.held()));
            }
            (Some(Asked::Quiet), Err(_)) => self.quiets.refused(),
            (Some(Asked::Hidden), Ok(Reply::Hidden(page))) => self.hides.page(&page, heard),
            (Some(Asked::Hidden), Err(_)) => self.hides.refused(),
            (Some(Asked::Broadcasts), Ok(Reply::Broadcasts(page))) => self.broadcasts.page(page, heard),
            (Some(Asked::Broadcasts), Err(_)) => self.broadcasts.refused(),
            (Some(Asked::Trifle), _) => {}
            (Some(Asked::Script(ticket, request)), result) => self.answered(ticket, &request, result, heard),
            (Some(asked), Ok(other)) => {
                panic!("{}: {:?} answers {asked:?}", self.memory.device, other.msgid());
            }
        }
    }

    fn answered(
        &mut self,
        ticket: Ticket,
        request: &Request,
        result: Result<Reply, Refusal>,
        heard: &mut Vec<Heard>,
    ) {
        match (request, &result) {
            (_, Ok(Reply::Login(bundle))) => {
                self.memory.token = bundle.token.clone();
                self.signed_in(bundle.clone(), heard);
            }
            (Request::OneChat(chat), Ok(Reply::OneChat(sent))) => {
                self.own(*sent, &chat.client_msg_id, &chat.msg, heard);
            }
            (Request::GroupChat(chat), Ok(Reply::GroupChat(sent))) => {
                self.own(*sent, &chat.client_msg_id, &chat.msg, heard);
            }
            (_, Ok(Reply::CreateGroup(joined))) => self.learn(&joined.conv, heard),
            (_, Ok(Reply::JoinGroup(protocol::JoinAnswer { conv: Some(conv), .. }))) => {
                self.learn(conv, heard);
            }
            (_, Ok(Reply::Recall(changed) | Reply::EditMessage(changed))) => {
                self.change(changed.clone(), heard);
            }
            (_, Ok(Reply::Receipts(list))) => self.readings.receipts(list),
            (_, Ok(Reply::SetQuiet(change))) => self.quiets.answered(change),
            (_, Ok(Reply::Hide(hidden))) => self.hides.take(&hidden.hidden, heard),
            (_, Ok(Reply::LogOut(_))) => {
                self.memory.token = None;
                self.phase = Phase::Guest;
                self.sync.stop();
            }
            (_, Err(refusal)) if refusal.code == Code::SESSION_ENDED => {
                self.memory.token = None;
                self.phase = Phase::Guest;
                self.sync.stop();
                heard.push(Heard::SessionEnded);
            }
            _ => {}
        }
        heard.push(Heard::Answer(ticket, result.map_err(NoAnswer::Refused)));
    }

    fn signed_in(&mut self, bundle: SignedIn, heard: &mut Vec<Heard>) {
        self.phase = Phase::User;
        self.failures = 0;
        self.sync.begin();
        self.quiets.signed_in(bundle.quiet_version);
        self.hides.signed_in(bundle.hidden_last);
        self.broadcasts.signed_in(bundle.broadcasts_last);
        heard.push(Heard::SignedIn(Box::new(bundle)));
    }

    /// An own message was stored: it has its place among the others.
    fn own(&mut self, sent: Sent, id: &str, text: &str, heard: &mut Vec<Heard>) {
        let message = ChatMessage {
            conv: sent.conv,
            seq: sent.seq,
            from: self.memory.user,
            name: self.memory.name.clone(),
            client_msg_id: id.to_owned(),
            time: sent.time,
            kind: MessageKind::Text,
            msg: text.to_owned(),
            ..ChatMessage::default()
        };
        self.take(message, heard);
    }

    /// A message that came by itself.
    fn take(&mut self, message: ChatMessage, heard: &mut Vec<Heard>) {
        if message.seq == 1 {
            self.feeds.begin(message.conv);
        }
        self.readings.said(&message);
        let before = heard.len();
        self.sync.take(message, heard);
        self.follow(before, heard);
    }

    fn change(&mut self, changed: Changed, heard: &mut Vec<Heard>) {
        // What never was otherwise has no place among the changes.
        if changed.position > 0 {
            let shown = self.sync.have(changed.conv);
            self.feeds.take(changed, shown, heard);
        }
    }

    fn learn(&mut self, entry: &Conversation, heard: &mut Vec<Heard>) {
        self.learn_around(entry);
        let before = heard.len();
        self.sync.learn(entry, heard);
        self.follow(before, heard);
    }

    /// What an entry of CONVERSATIONS says beside the messages.
    fn learn_around(&mut self, entry: &Conversation) {
        if self.sync.holds(entry.conv) {
            // What was pushed may have been changed since.
            self.feeds.begin(entry.conv);
        }
        self.feeds.learn(entry.conv, entry.last_change);
        self.readings.learn(entry);
    }

    /// Messages were shown, from `before` on: what is known to have become of them follows.
    fn follow(&mut self, before: usize, heard: &mut Vec<Heard>) {
        for heard_message in heard.split_off(before) {
            let message = match &heard_message {
                Heard::Message(message) => Some(message.clone()),
                _ => None,
            };
            heard.push(heard_message);
            if let Some(message) = message {
                self.feeds.shown(&message, heard);
            }
        }
    }
}

impl Line for FramesLine {
    fn ask(&mut self, ticket: Ticket, request: Request) {
        self.waiting.push_back((ticket, request));
    }

    fn read(&mut self, conv: u64, seq: u64) {
        self.readings.looked(conv, seq);
    }

    fn readings(&mut self) -> BTreeMap<u64, Reading> {
        self.readings.all()
    }

    fn hear(&mut self, patience: Duration, heard: &mut Vec<Heard>) {
        self.tend(heard);
        self.read(patience, heard);
        self.send_what_waits(heard);
    }

    fn close(self: Box<Self>, parting: Parting) {
        if let (Parting::Polite, Some(socket)) = (parting, &self.socket) {
            let _ = socket.shutdown(std::net::Shutdown::Write);
        }
    }
}
