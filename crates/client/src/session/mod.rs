//! The client as a state machine: bytes, calls and time go in; bytes, answers, events and a deadline come out.
//!
//! It does no I/O and reads no clock. Whoever drives it does, in this order and after every change:
//! takes [`Session::poll_transport`] and connects or closes; writes [`Session::output`]; hands out
//! [`Session::poll_answer`] and [`Session::poll_event`]; and calls [`Session::handle_time`] when
//! [`Session::poll_deadline`] has come. [`Client`](crate::Client) is such a driver on a thread of its own; the tests are
//! another one, with a virtual clock.

mod incoming;
mod outgoing;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol::{HelloReply, Refresh, Request, Resume, Secret};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::acks::Acks;
use crate::backoff::Backoff;
use crate::config::Config;
use crate::entries::Entries;
use crate::error::ClientError;
use crate::event::{Event, Next, SessionEnd};
use crate::event_queue::EventQueue;
use crate::feeds::Feeds;
use crate::hides::Hides;
use crate::limits;
use crate::list_versions::ListVersions;
use crate::quiet::Quiets;
use crate::reading::{Reading, Readings};
use crate::requests::{Failed, Purpose, Requests};
use crate::resync::Resync;
use crate::sync_state::SyncState;
use crate::timelines::{Around, Timelines};
use crate::told::{Broadcasts, Notices};

pub use crate::requests::CallId;

/// One client's side of the protocol, over any number of connections one after the other.
#[derive(Debug)]
pub struct Session {
    config: Config,
    phase: Phase,
    hello: HelloReply,
    identity: Option<Identity>,
    /// Cursors for when this user logs in.
    saved: Option<SyncState>,
    /// Whose `timelines` are; 0 nobody's.
    timelines_of: u64,
    timelines: Timelines,
    /// Of the same user as the timelines.
    feeds: Feeds,
    /// Which log the timelines' cursors are of, if that was ever said.
    epoch: Option<String>,
    /// Which it will be once all cursors were compared with the server's.
    next_epoch: Option<String>,
    acks: Acks,
    reads: Acks,
    /// Of the same user as the timelines.
    readings: Readings,
    entries: Entries,
    /// The same.
    quiets: Quiets,
    /// Of the same user as the timelines.
    notices: Notices,
    broadcasts: Broadcasts,
    /// The same.
    hides: Hides,
    /// In which conversation, and when, it was said last that somebody is typing.
    typing: Option<(u64, Instant)>,
    /// What the application holds.
    lists: Option<ListVersions>,
    resync: Resync,
    requests: Requests,
    events: EventQueue,
    answers: VecDeque<Answer>,
    transport: Option<Transport>,
    input: BytesMut,
    output: BytesMut,
    heard_at: Instant,
    sent_at: Instant,
    backoff: Backoff,
    random: StdRng,
    /// After the server's BYE nothing is sent.
    bye: Option<Farewell>,
    turn: Turn,
}

/// Who may fill the window first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// What the client itself asks.
    Own,
    /// What the application asks.
    Calls,
}

/// What the driver has to do with the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Open a connection, then say [`Session::handle_connected`] or [`Session::handle_lost`].
    Connect,
    /// Close the connection, or stop opening it. Nothing needs to be said back.
    Close,
    /// The same, and connect to another address of the server the next time, if it has several: whoever is there goes away.
    Leave,
}

/// What became of a call.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which call.
    pub call: CallId,
    /// Done, or why not.
    pub result: Result<protocol::Reply, ClientError>,
}

/// Who is logged in.
#[derive(Clone, Debug)]
struct Identity {
    user: u64,
    name: String,
    /// 0 until the server has said it.
    session: u64,
    /// None if the server gave none: then the session cannot go on after a lost connection.
    token: Option<Secret>,
}

/// What a BYE said.
#[derive(Debug)]
struct Farewell {
    why: String,
    fate: Fate,
    /// The node stops: it is not the one to come back to.
    going_away: bool,
    retry_after: Duration,
    /// Answers that are owed may come until then.
    give_up_at: Instant,
}

/// What comes after a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// Another one.
    Retry,
    /// Nothing until something is asked: trying again by itself would not help.
    Rest,
    /// The session is over.
    End(SessionEnd),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No connection until something is asked.
    Idle,
    /// No connection until this time.
    Backoff { until: Instant },
    /// The driver is opening a connection.
    Connecting { give_up_at: Instant },
    /// HELLO is sent.
    Greeting { give_up_at: Instant },
    /// Nobody is logged in.
    Guest { since: Instant },
    /// RESUME is sent.
    Resuming { give_up_at: Instant },
    /// Logged in.
    User,
    /// The end.
    Closed,
}

impl Session {
    /// A client that wants to connect at once. `seed` decides its waits.
    pub fn new(config: Config, seed: u64, now: Instant) -> Session {
        let mut session = Session {
            phase: Phase::Idle,
            hello: hello_unsaid(),
            identity: None,
            saved: None,
            timelines_of: 0,
            timelines: Timelines::default(),
            feeds: Feeds::default(),
            epoch: None,
            next_epoch: None,
            acks: Acks::of_taken(),
            reads: Acks::of_read(),
            readings: Readings::default(),
            entries: Entries::default(),
            quiets: Quiets::default(),
            notices: Notices::default(),
            broadcasts: Broadcasts::default(),
            hides: Hides::default(),
            typing: None,
            lists: None,
            resync: Resync::default(),
            requests: Requests::new(config.chat_order),
            events: EventQueue::default(),
            answers: VecDeque::new(),
            transport: None,
            input: BytesMut::new(),
            output: BytesMut::new(),
            heard_at: now,
            sent_at: now,
            backoff: Backoff::new(config.backoff_first, config.backoff_max),
            random: StdRng::seed_from_u64(seed),
            bye: None,
            turn: Turn::Own,
            config,
        };
        session.lists = session.config.lists.take();
        if let Some(state) = session.config.state.take() {
            session.restore(state, now);
        }
        session.connect(now);
        session
    }

    /// Takes what an earlier client left behind. With a token the session goes on with it as soon as there is a
    /// connection; without one, or if the token is refused, the cursors serve when that user logs in. Does nothing but
    /// that while somebody is logged in.
    pub fn restore(&mut self, state: SyncState, now: Instant) {
        if self.identity.is_none()
            && let Some(token) = state.token.clone()
        {
            self.adopt_timelines(&state);
            let (user, name) = (state.user, state.name.clone());
            self.identity = Some(Identity { user, name, session: 0, token: Some(token) });
        }
        self.saved = Some(state);
        match self.phase {
            Phase::Guest { .. } => self.resume_or_guest(now),
            Phase::Idle => self.connect(now),
            _ => {}
        }
        self.pump(now);
    }

    /// Says which lists the application holds whole: what a session that goes on need not be sent.
    pub fn hold_lists(&mut self, lists: ListVersions) {
        self.lists = Some(lists);
    }

    /// What to remember for the next client.
    pub fn sync_state(&self) -> SyncState {
        let (cursors, notices) = (self.timelines.cursors(), self.notices.cursor());
        let broadcasts = self.broadcasts.cursor();
        let hidden = self.hides.cursor();
        let epoch = self.epoch.clone();
        let mut changes = self.feeds.cursors();
        changes.retain(|conv, _| cursors.contains_key(conv));
        match &self.identity {
            Some(me) => {
                let (name, token) = (me.name.clone(), me.token.clone());
                SyncState { user: me.user, name, token, cursors, changes, notices, broadcasts, hidden, epoch }
            }
            None => {
                let name = match &self.saved {
                    Some(saved) if saved.user == self.timelines_of => saved.name.clone(),
                    _ => String::new(),
                };
                SyncState {
                    user: self.timelines_of,
                    name,
                    token: None,
                    cursors,
                    changes,
                    notices,
                    broadcasts,
                    hidden,
                    epoch,
                }
            }
        }
    }

    /// Makes a request. Its answer comes from [`Session::poll_answer`], exactly once. Whoever submits bounds the number
    /// of calls that wait.
    pub fn submit(&mut self, call: CallId, request: Request, timeout: Duration, now: Instant) {
        let refused = match &request {
            Request::Hello(_) => Some(ClientError::NotForCallers("HELLO")),
            _ if self.phase == Phase::Closed => Some(ClientError::Closed),
            _ => None,
        };
        if let Some(error) = refused {
            self.answers.push_back(Answer { call, result: Err(error) });
            return;
        }
        self.requests.submit(call, request, timeout, now);
        if self.phase == Phase::Idle {
            self.connect(now);
        }
        self.pump(now);
    }

    /// The application has taken everything of the conversation up to `seq`: it may be acknowledged, and need not come
    /// again in the next client.
    pub fn taken(&mut self, conv: u64, seq: u64, now: Instant) {
        let mut around = Around { events: &mut self.events, acks: &mut self.acks, now };
        self.timelines.taken(conv, seq, &mut around);
    }

    /// The application has taken all changes of the conversation up to this position: they need not come again in the next
    /// client.
    pub fn changes_taken(&mut self, conv: u64, position: u64) {
        self.feeds.taken(conv, position);
    }

    /// Somebody looked at everything of the conversation up to `seq`. The server is told a moment later, once for all that was
    /// read meanwhile, and again if the connection was lost.
    pub fn read(&mut self, conv: u64, seq: u64, now: Instant) {
        if self.identity.is_some() && self.readings.read(conv, seq) {
            self.reads.taken(conv, seq, now);
        }
    }

    /// Somebody is writing something in this conversation. Said to the server once in a while; where there is no session, or no
    /// room for one more request, not at all: it will not be true any more later.
    pub fn typing(&mut self, conv: u64, now: Instant) {
        let every = Duration::from_millis(limits::TYPING_EVERY_MS);
        let is_said = self.typing.is_some_and(|(last, at)| last == conv && now < at + every);
        let may_ask =
            self.phase == Phase::User && self.bye.is_none() && self.requests.in_flight() < self.window();
        if !is_said && may_ask {
            self.typing = Some((conv, now));
            self.send_own(Purpose::Typing, Request::Typing(protocol::Typing { conv }), now);
        }
    }

    /// How far everybody got, by conversation.
    pub fn readings(&self) -> BTreeMap<u64, Reading> {
        self.readings.all()
    }

    /// The application has taken all notices up to `seq`: the same.
    pub fn notices_taken(&mut self, seq: u64, now: Instant) {
        self.notices.taken(seq, now);
    }

    /// The application has taken all broadcasts up to this id: the same.
    pub fn broadcasts_taken(&mut self, id: u64, now: Instant) {
        self.broadcasts.taken(id, now);
    }

    /// The application has taken all that was hidden up to this position: it need not come again in the next client.
    pub fn hidden_taken(&mut self, position: u64) {
        self.hides.taken(position);
    }

    /// The connection is open.
    pub fn handle_connected(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Connecting { .. }) {
            return;
        }
        self.heard_at = now;
        self.sent_at = now;
        self.phase = Phase::Greeting { give_up_at: now + Duration::from_millis(limits::GREETING_TIMEOUT_MS) };
        self.say_hello(now);
    }

    /// The connection is lost, or could not be opened: `why` in a few words.
    pub fn handle_lost(&mut self, why: &str, now: Instant) {
        if self.is_connected() || matches!(self.phase, Phase::Connecting { .. }) {
            self.lose(why, now);
        }
    }

    /// Time has passed. Does nothing before [`Session::poll_deadline`].
    pub fn handle_time(&mut self, now: Instant) {
        while let Some((Failed { call, may_have_happened }, after)) = self.requests.next_overdue(now) {
            let result = Err(ClientError::TimedOut { after, may_have_happened });
            self.answers.push_back(Answer { call, result });
        }
        self.requests.release(now);
        match self.phase {
            Phase::Backoff { until } if until <= now => self.connect(now),
            Phase::Connecting { give_up_at } if give_up_at <= now => self.lose("nobody answers", now),
            Phase::Greeting { give_up_at } | Phase::Resuming { give_up_at } if give_up_at <= now => {
                self.lose("the server does not answer", now);
            }
            _ => {}
        }
        if self.is_connected() {
            if self.bye.as_ref().is_some_and(|bye| bye.give_up_at <= now) {
                return self.lose("the server said goodbye", now);
            }
            if now >= self.heard_at + 2 * self.heartbeat() {
                return self.lose("nothing was heard from the server for too long", now);
            }
            if now >= self.sent_at + self.heartbeat() {
                self.ping(now);
            }
        }
        self.pump(now);
    }

    /// When [`Session::handle_time`] must be called, if nothing else happens before.
    pub fn poll_deadline(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Backoff { until: at }
            | Phase::Connecting { give_up_at: at }
            | Phase::Greeting { give_up_at: at }
            | Phase::Resuming { give_up_at: at } => Some(at),
            Phase::Idle | Phase::Guest { .. } | Phase::User | Phase::Closed => None,
        };
        let mut deadlines = vec![phase, self.requests.deadline()];
        if self.is_connected() {
            deadlines.push(self.bye.as_ref().map(|bye| bye.give_up_at));
            deadlines.push(Some(self.heard_at + 2 * self.heartbeat()));
            deadlines.push(Some(self.sent_at + self.heartbeat()));
        }
        let may_ask = self.phase == Phase::User && self.bye.is_none();
        if may_ask && self.requests.in_flight() < self.window() {
            deadlines.push(self.acks.deadline());
            deadlines.push(self.reads.deadline());
            deadlines.push(self.quiets.deadline());
            deadlines.push(self.timelines.deadline(&self.events));
            deadlines.push(self.entries.deadline(&self.timelines));
            deadlines.push(self.feeds.deadline(&self.timelines, &self.events));
            deadlines.push(self.notices.deadline());
            deadlines.push(self.broadcasts.deadline());
            deadlines.push(self.resync.deadline());
            deadlines.push(self.hides.deadline());
        }
        deadlines.into_iter().flatten().min()
    }

    /// What to do with the transport.
    pub fn poll_transport(&mut self) -> Option<Transport> {
        self.transport.take()
    }

    /// Bytes for the connection. The driver cuts off the front what it has written.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// The next answer to a call.
    pub fn poll_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// The next event. Taking it makes room: call [`Session::handle_time`] afterwards.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Acknowledges what was taken, and wants nothing more than to have it sent. Calls that wait have failed.
    pub fn close(&mut self, now: Instant) {
        self.acks.hurry(now);
        self.reads.hurry(now);
        self.notices.hurry(now);
        self.broadcasts.hurry(now);
        self.pump(now);
        for call in self.requests.close() {
            self.answers.push_back(Answer { call, result: Err(ClientError::Closed) });
        }
        self.phase = Phase::Closed;
    }

    fn connect(&mut self, now: Instant) {
        let give_up_at = now + Duration::from_millis(limits::CONNECT_TIMEOUT_MS);
        self.phase = Phase::Connecting { give_up_at };
        self.transport = Some(Transport::Connect);
    }

    /// The one place where a connection ends.
    fn lose(&mut self, why: &str, now: Instant) {
        let settled = matches!(self.phase, Phase::Guest { since }
            if now >= since + Duration::from_millis(limits::GUEST_SETTLED_MS));
        if settled {
            self.backoff.reset();
        }
        self.input.clear();
        self.output.clear();
        self.timelines.connection_lost();
        self.feeds.connection_lost();
        self.resync.clear();
        self.entries.clear();
        self.next_epoch = None;
        self.notices.connection_lost(now);
        self.broadcasts.connection_lost(now);
        self.hides.connection_lost();
        for Failed { call, may_have_happened } in self.requests.connection_lost() {
            let result = Err(ClientError::ConnectionLost { may_have_happened });
            self.answers.push_back(Answer { call, result });
        }
        let farewell = self.bye.take().unwrap_or_else(|| Farewell {
            why: why.to_owned(),
            fate: Fate::Retry,
            going_away: false,
            retry_after: Duration::ZERO,
            give_up_at: now,
        });
        self.transport = Some(if farewell.going_away { Transport::Leave } else { Transport::Close });
        if let Fate::End(end) = farewell.fate.clone() {
            self.end_session(end);
        }
        let next = match &farewell.fate {
            Fate::Retry => Next::RetryIn(farewell.retry_after + self.backoff.next(self.random.next_u64())),
            Fate::Rest | Fate::End(_) if self.requests.anything_waits() => {
                Next::RetryIn(self.backoff.next(self.random.next_u64()))
            }
            Fate::Rest | Fate::End(_) => Next::Rest,
        };
        self.phase = match next {
            Next::RetryIn(wait) => Phase::Backoff { until: now + wait },
            Next::Rest => Phase::Idle,
        };
        log::info!("no connection to {}: {}; {next:?}", self.config.server, farewell.why);
        self.events.notice(Event::Disconnected { why: farewell.why, next });
    }

    /// The session is over: its token is forgotten, and what needed it has failed. The cursors stay for the user's next
    /// login.
    fn end_session(&mut self, end: SessionEnd) {
        let Some(me) = self.identity.take() else { return };
        let mut state = self.sync_state();
        state.name = me.name;
        self.saved = Some(state);
        self.timelines.connection_lost();
        self.feeds.connection_lost();
        self.resync.clear();
        self.entries.clear();
        for call in self.requests.session_ended() {
            self.answers.push_back(Answer { call, result: Err(ClientError::SessionEnded) });
        }
        self.events.notice(Event::SessionEnded(end));
    }

    /// After HELLO: goes on with the session if there is one.
    fn resume_or_guest(&mut self, now: Instant) {
        match self.identity.as_ref().and_then(|me| me.token.clone()) {
            Some(token) => {
                let give_up_at = now + Duration::from_millis(limits::GREETING_TIMEOUT_MS);
                self.phase = Phase::Resuming { give_up_at };
                let Refresh { notices_after, broadcasts_after, epoch, friends_version, groups_version } =
                    self.held();
                let resume =
                    Resume { token, notices_after, broadcasts_after, epoch, friends_version, groups_version };
                self.send_own(Purpose::Resume, Request::Resume(resume), now);
            }
            None => {
                self.phase = Phase::Guest { since: now };
                self.end_session(SessionEnd::ByServer("the server gave no token to go on with".to_owned()));
            }
        }
    }

    /// What this device has, for the server to leave out.
    fn held(&self) -> Refresh {
        let user = self.identity.as_ref().map(|me| me.user);
        let lists = self.lists.as_ref().filter(|held| Some(held.user) == user);
        Refresh {
            notices_after: self.notices.cursor(),
            broadcasts_after: self.broadcasts.cursor(),
            epoch: self.epoch.clone(),
            friends_version: lists.and_then(|held| held.friends.clone()),
            groups_version: lists.and_then(|held| held.groups.clone()),
        }
    }

    /// Makes the timelines those of the state's user, unless they are.
    fn adopt_timelines(&mut self, state: &SyncState) {
        if self.timelines_of != state.user {
            self.timelines = Timelines::restore(&state.cursors);
            self.feeds = Feeds::restore(&state.cursors, &state.changes);
            self.notices = Notices::restore(state.notices);
            self.broadcasts = Broadcasts::restore(state.broadcasts);
            // Who has messages and never heard of hiding begins at the start.
            let begin = (!state.cursors.is_empty()).then_some(0);
            self.hides = Hides::restore(state.hidden.or(begin));
            self.epoch = state.epoch.clone();
            self.timelines_of = state.user;
            self.acks.clear();
            self.reads.clear();
            self.readings.clear();
            self.quiets.clear();
        }
    }

    fn heartbeat(&self) -> Duration {
        let ms = self.hello.heartbeat_ms.clamp(limits::HEARTBEAT_MS_MIN, limits::HEARTBEAT_MS_MAX);
        Duration::from_millis(ms)
    }

    fn is_connected(&self) -> bool {
        match self.phase {
            Phase::Greeting { .. } | Phase::Guest { .. } | Phase::Resuming { .. } | Phase::User => true,
            Phase::Idle | Phase::Backoff { .. } | Phase::Connecting { .. } | Phase::Closed => false,
        }
    }
}

/// What holds until a server has said otherwise.
fn hello_unsaid() -> HelloReply {
    HelloReply {
        version: 0,
        server: String::new(),
        node: String::new(),
        time: 0,
        heartbeat_ms: limits::HEARTBEAT_MS_DEFAULT,
        frame_bytes_max: protocol::limits::FRAME_BYTES_MAX,
        text_bytes_max: protocol::limits::TEXT_BYTES_MAX as u32,
        pipeline_max: 1,
        page_max: protocol::limits::PAGE_MAX,
    }
}
