//! The door for framed TCP: bytes to requests, on the sub reactors.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use protocol::{
    Blame, Bye, Code, Frame, Hello, HelloReply, Nothing, Push, Refusal, Reply, Request, decode, encode,
    limits,
};
use reactor::{CloseReason, Command, ConnId, Handler, Link, Remote};
use service::ConnKey;
use service::domain::{SessionId, UserId};

use crate::budget::Holder;
use crate::households::Place;
use crate::lane::{Job, Lane, Owed, Scheduling};
use crate::post::DoorMail;
use crate::proxy_header::{self, Found};
use crate::shared::Shared;

/// Protocol versions that the server speaks.
const VERSIONS: [u16; 1] = [1];

/// Bytes read in one turn from a connection that is not logged in: strangers, however many, do not make a turn long.
const GUEST_READ_BYTES: usize = 2 * 1024;

/// The handler of one sub reactor. It cuts and reads frames, answers what concerns the connection only (HELLO, PING, and
/// refusals of what cannot be read), and puts every other request on the connection's lane. It never blocks.
pub(crate) struct Door {
    shared: Arc<Shared>,
    loop_index: usize,
    remote: Remote<DoorMail>,
    /// Requests read in the current call.
    jobs: Vec<Job>,
    /// What was answered on the spot in the current call: one chunk, however many answers.
    out: BytesMut,
    /// Lanes that got something to run in the current turn.
    scheduled: Vec<Arc<Lane>>,
    /// Mail to this loop itself, behind all that was posted before.
    own_mail: Vec<Command<DoorMail>>,
}

/// One connection as its sub reactor sees it.
pub(crate) struct Visitor {
    lane: Arc<Lane>,
    /// The client's address, as a balancer told it.
    client: SocketAddr,
    /// Its place among those of its address; a balancer's own connections need none.
    place: Option<Place>,
    stage: Stage,
    heard_at: Instant,
    /// Since when it has been a guest.
    guest_since: Instant,
    intake: Intake,
    /// Frames that came while nobody was logged in.
    guest_frames: u32,
    /// The lane waits until the outbox has drained.
    holds_lane: bool,
}

/// Whether more requests are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intake {
    Open,
    /// The peer has ended its side, or the node stops: the connection is closed once all is answered.
    Over(CloseReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A balancer's header has not come, which says whose connection this is.
    Unannounced,
    /// HELLO has not come.
    Silent,
    /// HELLO has come.
    Guest,
    /// Logged in.
    User,
}

impl Visitor {
    /// On whose account its requests wait.
    fn holder(&self) -> Holder {
        match self.stage {
            Stage::Unannounced | Stage::Silent | Stage::Guest => Holder::Guest,
            Stage::User => Holder::User,
        }
    }
}

impl Door {
    pub(crate) fn new(shared: Arc<Shared>, loop_index: usize, remote: Remote<DoorMail>) -> Door {
        Door {
            shared,
            loop_index,
            remote,
            jobs: Vec::new(),
            out: BytesMut::new(),
            scheduled: Vec::new(),
            own_mail: Vec::new(),
        }
    }

    /// Takes a balancer's header, once it is whole; how many bytes were used.
    fn announcement(&mut self, link: &mut Link<'_>, visitor: &mut Visitor, input: &[u8]) -> usize {
        match proxy_header::find(input) {
            Found::Unfinished => 0,
            Found::Header(client, used) => {
                visitor.stage = Stage::Silent;
                if let Some(client) = client {
                    self.shared.counters.proxied.add(1);
                    visitor.client = client;
                    self.admit(link, visitor);
                }
                log::debug!("connection {} from {} through {}", link.id(), visitor.client, link.peer());
                used
            }
            Found::Malformed => {
                self.shared.counters.bad_proxy_headers.add(1);
                log::debug!(
                    "connection {} through {}: no header of the PROXY protocol",
                    link.id(),
                    link.peer()
                );
                let sentence = "a balancer's connection must begin with a header of the PROXY protocol";
                farewell(link, Code::BAD_FRAME, sentence, "bad PROXY header");
                input.len()
            }
        }
    }

    /// Gives a connection its place among those of its address, or turns it away.
    fn admit(&self, link: &mut Link<'_>, visitor: &mut Visitor) {
        visitor.place = self.shared.households.enter(visitor.client.ip().into());
        if visitor.place.is_none() {
            self.shared.counters.crowded_out.add(1);
            farewell(
                link,
                Code::BUSY,
                "too many connections come from this address",
                "too many of its address",
            );
        }
    }

    /// Takes one well-cut frame.
    fn frame(&mut self, link: &mut Link<'_>, visitor: &mut Visitor, frame: &Frame<'_>) {
        let header = &frame.header;
        self.shared.counters.requests.add(1);
        let request = match Request::from_frame(frame) {
            Ok(request) => request,
            Err(error) => {
                let refusal = self.turn(link).err().unwrap_or_else(|| error.refusal());
                return self.refuse(header.msgid, header.rid, refusal);
            }
        };
        match request {
            Request::Hello(hello) => self.hello(link, visitor, header.rid, &hello),
            _ if visitor.stage == Stage::Silent => {
                self.refuse(header.msgid, header.rid, Refusal::new(Code::HELLO_FIRST));
            }
            Request::Ping(Nothing {}) => match self.turn(link) {
                Ok(()) => encode::reply(header.rid, &Reply::Ping(Nothing {}), &mut self.out),
                Err(refusal) => self.refuse(header.msgid, header.rid, refusal),
            },
            request => match self.shared.budget.claim(visitor.holder(), frame.body.len()) {
                Some(claim) => self.jobs.push(Job { rid: header.rid, request, claim }),
                None => {
                    self.shared.counters.busy_bytes.add(1);
                    let retry_after_ms = self.shared.config.busy_retry_after_ms;
                    self.refuse(
                        header.msgid,
                        header.rid,
                        Refusal::new(Code::BUSY).retry_after_ms(retry_after_ms),
                    );
                }
            },
        }
    }

    /// The peer takes what it is sent: its lane goes on.
    fn release(&mut self, visitor: &Visitor) {
        if visitor.lane.release() == Scheduling::Schedule {
            self.scheduled.push(Arc::clone(&visitor.lane));
        }
    }

    /// Counts a guest's frame; whether it is one too many.
    fn is_chatty(&self, visitor: &mut Visitor) -> bool {
        visitor.guest_frames += 1;
        visitor.guest_frames > self.shared.config.guest_frames_max
    }

    /// Puts what was read on the connection's lane.
    fn put_jobs(&mut self, visitor: &Visitor) {
        if !self.jobs.is_empty() && visitor.lane.put(&mut self.jobs) == Scheduling::Schedule {
            self.scheduled.push(Arc::clone(&visitor.lane));
        }
    }

    fn hello(&mut self, link: &mut Link<'_>, visitor: &mut Visitor, rid: u32, hello: &Hello) {
        let msgid = protocol::MsgId::Hello.into();
        if visitor.stage != Stage::Silent {
            let refusal = self.turn(link).err().unwrap_or_else(|| Refusal::new(Code::HELLO_FIRST));
            return self.refuse(msgid, rid, refusal);
        }
        for (field, text) in [("client", &hello.client), ("device", &hello.device)] {
            if text.chars().count() > limits::DEVICE_CHARS_MAX {
                let sentence = format!("{field} may have at most {} characters", limits::DEVICE_CHARS_MAX);
                let refusal = Refusal::saying(Code::BAD_FIELD, sentence).field(field);
                return self.refuse(msgid, rid, refusal);
            }
        }
        let Some(version) = VERSIONS.into_iter().filter(|ours| hello.versions.contains(ours)).max() else {
            let sentence = format!("this server speaks protocol versions {VERSIONS:?}");
            self.refuse(msgid, rid, Refusal::saying(Code::BAD_VERSION, sentence));
            self.send_out(link);
            return link.close_after_flush(CloseReason::Handler("no common protocol version"));
        };
        visitor.stage = Stage::Guest;
        visitor.lane.name_device(&hello.device, visitor.client.ip().to_canonical());
        self.shared.hub.lanes().add(&visitor.lane);
        let config = &self.shared.config;
        let reply = HelloReply {
            version,
            server: config.server.clone(),
            node: config.node.clone(),
            time: self.shared.service.now_ms(),
            heartbeat_ms: config.heartbeat.as_millis() as u64,
            frame_bytes_max: config.frame_bytes_max,
            text_bytes_max: self.shared.service.config().text_bytes_max as u32,
            pipeline_max: config.pipeline_max,
            page_max: self.shared.service.config().page_max,
        };
        encode::reply(rid, &Reply::Hello(reply), &mut self.out);
        self.arm(link, visitor);
    }

    /// Whether it is this connection's turn to be answered on the spot.
    fn turn(&self, link: &Link<'_>) -> Result<(), Refusal> {
        self.shared.service.answer_on_the_spot(ConnKey(link.id().to_bits()))
    }

    /// Refuses a request that never reached its lane.
    fn refuse(&mut self, msgid: u16, rid: u32, refusal: Refusal) {
        self.shared.counters.requests_refused.add(1);
        self.shared.counters.refusals.add(refusal.code);
        encode::refusal(rid, msgid, &refusal, &mut self.out);
    }

    /// Sends what was answered on the spot.
    fn send_out(&mut self, link: &mut Link<'_>) {
        if !self.out.is_empty() {
            link.send(self.out.split().freeze());
        }
    }

    /// Takes no more requests. What was asked before is answered before the connection is closed.
    fn end_intake(&mut self, link: &mut Link<'_>, visitor: &mut Visitor, reason: CloseReason) {
        visitor.intake = Intake::Over(reason);
        if visitor.lane.wish_close(self.shared.config.pipeline_max) == Owed::Close {
            // The last replies may still be in the mailbox: the close goes behind them.
            self.own_mail.push(Command::Mail { to: link.id(), mail: DoorMail::Done });
        }
    }

    /// The time of the next duty towards this connection.
    fn arm(&self, link: &mut Link<'_>, visitor: &Visitor) {
        let config = &self.shared.config;
        let at = match visitor.stage {
            Stage::Unannounced | Stage::Silent => visitor.guest_since + config.hello_timeout,
            Stage::Guest | Stage::User => {
                let silent = link.now().saturating_duration_since(visitor.heard_at);
                let intervals = if silent < config.heartbeat { 1 } else { 2 };
                let heartbeat = visitor.heard_at + config.heartbeat * intervals;
                if visitor.stage == Stage::Guest {
                    heartbeat.min(visitor.guest_since + config.login_timeout)
                } else {
                    heartbeat
                }
            }
        };
        link.set_deadline(at);
    }

    fn late(&self, link: &mut Link<'_>, sentence: &str, why: &'static str) {
        self.shared.counters.late_closed.add(1);
        farewell(link, Code::NOT_LOGGED_IN, sentence, why);
    }
}

impl Handler for Door {
    type Conn = Visitor;
    type Mail = DoorMail;

    fn open(&mut self, link: &mut Link<'_>) -> Visitor {
        let now = link.now();
        let lane = Arc::new(Lane::new(link.id()));
        let peer = link.peer();
        let is_balancer = self.shared.config.proxy_trusted.iter().any(|net| net.contains(&peer.ip()));
        if !is_balancer {
            log::debug!("connection {} from {peer}", link.id());
        }
        let mut visitor = Visitor {
            lane,
            client: peer,
            place: None,
            stage: if is_balancer { Stage::Unannounced } else { Stage::Silent },
            heard_at: now,
            guest_since: now,
            intake: Intake::Open,
            guest_frames: 0,
            holds_lane: false,
        };
        link.set_read_budget(GUEST_READ_BYTES);
        self.arm(link, &visitor);
        if !is_balancer {
            self.admit(link, &mut visitor);
        }
        visitor
    }

    fn data(&mut self, link: &mut Link<'_>, visitor: &mut Visitor, input: &[u8]) -> usize {
        visitor.heard_at = link.now();
        let pipeline_max = self.shared.config.pipeline_max;
        let mut room = pipeline_max.saturating_sub(visitor.lane.outstanding()) as usize;
        let mut used = 0;
        if visitor.stage == Stage::Unannounced {
            used = self.announcement(link, visitor, input);
            if visitor.stage == Stage::Unannounced {
                return used;
            }
        }
        while link.is_open() {
            let len_max = match visitor.stage {
                Stage::User => self.shared.config.frame_bytes_max,
                Stage::Unannounced | Stage::Silent | Stage::Guest => {
                    self.shared.config.frame_bytes_before_login_max
                }
            };
            match decode(&input[used..], len_max) {
                Ok(Some(_)) if room <= self.jobs.len() => {
                    self.put_jobs(visitor);
                    if visitor.lane.wish_room(pipeline_max) != Owed::Room {
                        self.shared.counters.pipeline_pauses.add(1);
                        link.pause_reading();
                        break;
                    }
                    room = pipeline_max.saturating_sub(visitor.lane.outstanding()) as usize;
                }
                Ok(Some((frame, len))) => {
                    used += len;
                    if visitor.stage != Stage::User && self.is_chatty(visitor) {
                        self.send_out(link);
                        self.shared.counters.chatty_guests_closed.add(1);
                        farewell(
                            link,
                            Code::TOO_MANY,
                            "too many frames before login",
                            "too many frames before login",
                        );
                        break;
                    }
                    self.frame(link, visitor, &frame);
                }
                Ok(None) => break,
                Err(error) => {
                    let counters = &self.shared.counters;
                    match error.code() {
                        Code::FRAME_TOO_LARGE => counters.frames_too_large.add(1),
                        _ => counters.bad_streams.add(1),
                    }
                    self.send_out(link);
                    farewell(link, error.code(), &error.to_string(), "bad frame");
                    used = input.len();
                }
            }
        }
        self.put_jobs(visitor);
        self.send_out(link);
        used
    }

    fn eof(&mut self, link: &mut Link<'_>, visitor: &mut Visitor) {
        self.end_intake(link, visitor, CloseReason::PeerClosed);
    }

    fn mail(&mut self, link: &mut Link<'_>, visitor: &mut Visitor, mail: DoorMail) {
        match mail {
            DoorMail::SignedIn => {
                visitor.stage = Stage::User;
                visitor.guest_frames = 0;
                link.set_read_budget(usize::MAX);
                self.arm(link, visitor);
            }
            DoorMail::SignedOut => {
                visitor.stage = Stage::Guest;
                visitor.guest_since = link.now();
                link.set_read_budget(GUEST_READ_BYTES);
                self.arm(link, visitor);
            }
            // The room was asked for before the intake ended.
            DoorMail::Room if visitor.intake != Intake::Open => {}
            DoorMail::Room => {
                // While reading was paused the peer had no chance to be heard.
                visitor.heard_at = link.now();
                link.resume_reading();
            }
            DoorMail::LargeReply if link.is_throttled() => visitor.holds_lane = true,
            DoorMail::LargeReply => self.release(visitor),
            DoorMail::Done => link.close_after_flush(match visitor.intake {
                Intake::Over(reason) => reason,
                Intake::Open => CloseReason::PeerClosed,
            }),
        }
    }

    fn relieved(&mut self, _link: &mut Link<'_>, visitor: &mut Visitor) {
        if std::mem::take(&mut visitor.holds_lane) {
            self.release(visitor);
        }
    }

    fn deadline(&mut self, link: &mut Link<'_>, visitor: &mut Visitor) {
        let (now, config) = (link.now(), &self.shared.config);
        // Not read from, the peer had no chance to be heard; who takes nothing at all is cut by its write stall.
        if link.is_paused() || link.is_throttled() {
            visitor.heard_at = now;
        }
        let silent = now.saturating_duration_since(visitor.heard_at);
        let guest = now.saturating_duration_since(visitor.guest_since);
        match visitor.stage {
            Stage::Unannounced => {
                return self.late(link, "the PROXY header did not come in time", "no PROXY header");
            }
            Stage::Silent => return self.late(link, "HELLO did not come in time", "no hello"),
            Stage::Guest if guest >= config.login_timeout => {
                return self.late(link, "login did not come in time", "no login");
            }
            Stage::Guest | Stage::User => {}
        }
        if silent >= config.heartbeat * 2 {
            self.shared.counters.silent_closed.add(1);
            return farewell(link, Code::GOING_AWAY, "nothing was heard for too long", "silent");
        }
        if silent >= config.heartbeat {
            send(link, |out| encode::push(&Push::Ping(Nothing {}), out));
        }
        self.arm(link, visitor);
    }

    fn closed(&mut self, id: ConnId, visitor: Visitor, reason: CloseReason) {
        if log::log_enabled!(log::Level::Debug) {
            let client = visitor.client;
            match visitor.lane.identity() {
                Some((UserId(user), SessionId(session))) => {
                    log::debug!(
                        "connection {id} of {client}, user {user}, session {session} closed: {reason}"
                    );
                }
                None => log::debug!("connection {id} of {client} closed: {reason}"),
            }
        }
        if visitor.lane.leave() == Scheduling::Schedule {
            self.scheduled.push(visitor.lane);
        }
    }

    fn drain(&mut self, link: &mut Link<'_>, visitor: &mut Visitor) {
        let bye = Bye {
            errcode: Code::GOING_AWAY.0,
            errmsg: Code::GOING_AWAY.text().to_owned(),
            retry_after_ms: self.shared.comebacks.next_ms(),
        };
        send(link, |out| encode::push(&Push::Bye(bye), out));
        link.pause_reading();
        self.end_intake(link, visitor, CloseReason::Stopping);
    }

    fn slow_reader_farewell(&mut self, _id: ConnId, _visitor: &mut Visitor, _: CloseReason) -> Option<Bytes> {
        let errmsg = Code::TOO_SLOW.text().to_owned();
        let bye = Bye { errcode: Code::TOO_SLOW.0, errmsg, retry_after_ms: 1_000 };
        Some(encode::push_bytes(&Push::Bye(bye)))
    }

    fn turn_end(&mut self, _now: Instant) {
        self.shared.normal.push_all(&mut self.scheduled);
        if !self.own_mail.is_empty() {
            // A full mailbox leaves the rest here, and makes another turn.
            let _ = self.remote.try_post(self.loop_index, &mut self.own_mail);
        }
    }
}

fn send(link: &mut Link<'_>, encode: impl FnOnce(&mut BytesMut)) {
    let mut out = BytesMut::new();
    encode(&mut out);
    link.send(out.freeze());
}

/// One last frame, then the end.
fn farewell(link: &mut Link<'_>, code: Code, sentence: &str, why: &'static str) {
    let retry_after_ms = if code.blame() == Blame::Busy { 1_000 } else { 0 };
    let bye = Bye { errcode: code.0, errmsg: sentence.to_owned(), retry_after_ms };
    send(link, |out| encode::push(&Push::Bye(bye), out));
    link.close_after_flush(CloseReason::Handler(why));
}
