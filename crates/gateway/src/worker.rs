//! Workers: they run the service for one lane at a time.

use std::sync::Arc;

use bytes::BytesMut;
use protocol::{Bye, Code, Push, Refusal, Reply, Request, encode};
use service::{Access, Caller, ConnKey, Handled, Lane as Speed, route};

use crate::append_queue::Queued;
use crate::desk::Desk;
use crate::lane::{Job, Lane, Speaker, Step};
use crate::post::{DoorMail, Post};
use crate::run_queue::Bell;
use crate::shared::Shared;

/// Steps that a lane may take in one go, before others get their turn.
const STEPS_PER_TURN: usize = 32;

/// An answer of this size is taken by the peer before the next one is made, so that a pipeline full of requests for pages
/// never fills the outbox.
const LARGE_REPLY_BYTES: usize = 32 * 1024;

/// A worker's thread.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    speed: Speed,
    post: Post,
    /// Checked messages of the current step.
    checked: Vec<Queued>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, speed: Speed, post: Post) -> Worker {
        Worker { shared, speed, post, checked: Vec::new() }
    }

    /// Runs lanes until the queue is stopped.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let queue = if self.speed == Speed::Slow { &shared.slow } else { &shared.normal };
        let bell = Bell::default();
        while let Some(lane) = queue.pop(&bell) {
            self.turn(lane);
        }
    }

    fn turn(&mut self, lane: Arc<Lane>) {
        // A slow worker runs the one slow request; what follows is for the others.
        let steps = if self.speed == Speed::Slow { 1 } else { STEPS_PER_TURN };
        for _ in 0..steps {
            match lane.next(self.speed) {
                Step::Append(jobs, speaker) => self.append(&lane, jobs, &speaker),
                Step::Run(job, speaker) => self.one(&lane, job, &speaker),
                Step::GoSlow => {
                    if self.shared.slow.offer(&lane) {
                        return;
                    }
                    self.refuse_slow(&lane);
                }
                Step::Farewell(principal) => {
                    self.shared.hub.lanes().remove(lane.conn);
                    if let Some(principal) = principal {
                        self.shared.service.disconnected(key(&lane), &principal);
                    }
                    return;
                }
                Step::Rest => return,
            }
            self.post.flush();
        }
        self.shared.normal.push(lane);
    }

    /// Runs one request and answers it.
    fn one(&mut self, lane: &Arc<Lane>, job: Job, speaker: &Speaker) {
        let msgid = job.request.msgid().into();
        let _claim = job.claim;
        let is_refresh = matches!((&job.request, speaker), (Request::Refresh(_), Speaker::User(_)));
        if is_refresh {
            lane.greeting.await_answer();
        }
        match self.handle(lane, job.rid, job.request, speaker) {
            Ok(Handled::Reply(reply)) => self.reply(lane, job.rid, &reply),
            Ok(Handled::SignedIn(principal, reply)) => {
                let (user, session) = (principal.user.0, principal.session.0);
                log::debug!("connection {} speaks for user {user}, session {session}", lane.conn);
                lane.speak_for(Some(principal));
                self.post.mail(lane.conn, DoorMail::SignedIn);
                self.reply(lane, job.rid, &reply);
                lane.greeting.answered(lane.conn, &mut self.post);
            }
            Ok(Handled::SignedOut(reply)) => {
                log::debug!("connection {} logged out", lane.conn);
                lane.speak_for(None);
                self.post.mail(lane.conn, DoorMail::SignedOut);
                self.reply(lane, job.rid, &reply);
            }
            Ok(Handled::Append(_)) => {
                // A request whose route is not to the appenders was handled as if it were.
                log::error!("request type {msgid} asked to be appended, against its route");
                self.refuse(lane, job.rid, msgid, &Refusal::new(Code::INTERNAL));
            }
            Err(refusal) => {
                self.refuse(lane, job.rid, msgid, &refusal);
                if refusal.code == Code::BAD_CREDENTIALS
                    && lane.login_failed() >= self.shared.config.failed_logins_max
                {
                    self.too_many_logins(lane);
                }
            }
        }
        if is_refresh {
            lane.greeting.answered(lane.conn, &mut self.post);
        }
        self.shared.answered(lane, 1, &mut self.post);
    }

    /// Checks messages and gives them to their appenders, in order; refuses those that fail.
    fn append(&mut self, lane: &Arc<Lane>, jobs: Vec<Job>, speaker: &Speaker) {
        for job in jobs {
            let msgid = job.request.msgid().into();
            match self.handle(lane, job.rid, job.request, speaker) {
                Ok(Handled::Append(pending)) => {
                    let queued = Queued { pending, lane: Some(Arc::clone(lane)), claim: Some(job.claim) };
                    let elsewhere = self.checked.last().is_some_and(|last| {
                        let shared = &self.shared;
                        !std::ptr::eq(
                            shared.append_queue(last.pending.conversation()),
                            shared.append_queue(queued.pending.conversation()),
                        )
                    });
                    if elsewhere {
                        let first = &self.checked[0];
                        self.shared.append_queue(first.pending.conversation()).push(&mut self.checked);
                        self.refuse_checked(lane);
                    }
                    self.checked.push(queued);
                }
                // It was stored before, and that is the answer.
                Ok(Handled::Reply(reply)) => {
                    self.reply(lane, job.rid, &reply);
                    self.never_appended(lane);
                }
                Ok(_) => {
                    log::error!("request type {msgid} was not appended, against its route");
                    self.refuse(lane, job.rid, msgid, &Refusal::new(Code::INTERNAL));
                    self.never_appended(lane);
                }
                Err(refusal) => {
                    self.refuse(lane, job.rid, msgid, &refusal);
                    self.never_appended(lane);
                }
            }
        }
        self.hand_over(lane);
    }

    /// Gives what was checked to its appender, and answers BUSY to what has no room there. If the appender rests and this
    /// worker can be spared, it stores the messages itself.
    fn hand_over(&mut self, lane: &Arc<Lane>) {
        let shared = Arc::clone(&self.shared);
        let Some(first) = self.checked.first() else { return };
        let queue = shared.append_queue(first.pending.conversation());
        let turn = match self.speed == Speed::Normal && shared.normal.can_spare_one() {
            true => queue.push_and_lead(&mut self.checked),
            false => {
                queue.push(&mut self.checked);
                None
            }
        };
        self.refuse_checked(lane);
        if let Some(mut turn) = turn {
            self.lead(turn.desk());
        }
    }

    /// Stores a batch in the appender's place. One attempt only: a store that is away holds up the appender and no worker.
    fn lead(&mut self, desk: &mut Desk) {
        self.shared.counters.append_led.add(1);
        if let Err(error) = desk.attempt(&self.shared, &mut self.post) {
            desk.leave(error);
        }
    }

    /// What is left had no room.
    fn refuse_checked(&mut self, lane: &Arc<Lane>) {
        for queued in std::mem::take(&mut self.checked) {
            self.shared.counters.busy_append.add(1);
            if let Some(origin) = queued.pending.origin() {
                self.refuse(lane, origin.rid, origin.request.into(), &self.busy());
            }
            self.never_appended(lane);
        }
    }

    /// A message was answered without an appender.
    fn never_appended(&mut self, lane: &Arc<Lane>) {
        self.shared.answered(lane, 1, &mut self.post);
        let scheduling = lane.appended(1);
        self.shared.schedule(lane, scheduling);
    }

    /// Whoever guesses passwords needs a new connection now and then.
    fn too_many_logins(&mut self, lane: &Lane) {
        self.shared.counters.guessers_closed.add(1);
        let bye = Bye {
            errcode: Code::TOO_MANY.0,
            errmsg: "too many failed logins on this connection".to_owned(),
            retry_after_ms: self.shared.config.busy_retry_after_ms as u32,
        };
        self.post.close(lane.conn, encode::push_bytes(&Push::Bye(bye)), "too many failed logins");
    }

    fn refuse_slow(&mut self, lane: &Arc<Lane>) {
        if let Some(job) = lane.take_refused() {
            self.shared.counters.busy_slow.add(1);
            self.refuse(lane, job.rid, job.request.msgid().into(), &self.busy());
            self.shared.answered(lane, 1, &mut self.post);
        }
    }

    fn handle(&self, lane: &Lane, rid: u32, request: Request, speaker: &Speaker) -> Result<Handled, Refusal> {
        let principal = match (route(&request).access, speaker) {
            (_, Speaker::Revoked) => return Err(Refusal::new(Code::SESSION_ENDED)),
            (Access::User, Speaker::Guest) => return Err(Refusal::new(Code::NOT_LOGGED_IN)),
            (Access::Guest, Speaker::User(_)) => return Err(Refusal::new(Code::ALREADY_LOGGED_IN)),
            (Access::Anyone | Access::Guest, Speaker::Guest) => None,
            (Access::Anyone | Access::User, Speaker::User(principal)) => Some(principal),
        };
        let caller = Caller { conn: key(lane), device: lane.device(), address: lane.address(), principal };
        self.shared.service.handle(caller, rid, request)
    }

    fn busy(&self) -> Refusal {
        Refusal::new(Code::BUSY).retry_after_ms(self.shared.config.busy_retry_after_ms)
    }

    fn reply(&mut self, lane: &Lane, rid: u32, reply: &Reply) {
        let mut out = BytesMut::new();
        encode::reply(rid, reply, &mut out);
        let large = out.len() >= LARGE_REPLY_BYTES;
        if large {
            lane.hold();
        }
        self.post.send(lane.conn, out.freeze());
        if large {
            self.post.mail(lane.conn, DoorMail::LargeReply);
        }
    }

    fn refuse(&mut self, lane: &Lane, rid: u32, msgid: u16, refusal: &Refusal) {
        self.shared.counters.refusals.add(refusal.code);
        let mut out = BytesMut::new();
        encode::refusal(rid, msgid, refusal, &mut out);
        self.post.send(lane.conn, out.freeze());
    }
}

fn key(lane: &Lane) -> ConnKey {
    ConnKey(lane.conn.to_bits())
}
