//! Connections that come, ask one thing, and go.

use std::{net::SocketAddr, ops::Range};

use bytes::BytesMut;
use hdrhistogram::Histogram;
use protocol::{Blame, Code, Frame, Incoming, MsgId, Reply, Request, encode};

use super::{Lines, Scenario, session};
use crate::{error::BenchError, report::latency_histogram};

const HELLO_RID: u32 = 1;
const ASK_RID: u32 = 2;

/// One kind of visit: who comes, and what is asked after HELLO. Both are sent at once.
pub(crate) struct Visit {
    /// The user that must be signed in by it.
    pub(crate) user: u64,
    hello: BytesMut,
    ask: BytesMut,
}

impl Visit {
    /// `ask` is a LOGIN or RESUME.
    pub(crate) fn new(user: u64, ask: &Request) -> Visit {
        let mut visit = Visit { user, hello: BytesMut::new(), ask: BytesMut::new() };
        encode::request(HELLO_RID, &session::hello(), &mut visit.hello);
        encode::request(ASK_RID, ask, &mut visit.ask);
        visit
    }

    /// A visit to the floor, which signs nobody in.
    pub(crate) fn to_floor(frame: BytesMut) -> Visit {
        Visit { user: 0, hello: BytesMut::new(), ask: frame }
    }
}

/// Keeps `concurrency` visits under way.
pub(crate) struct Visits {
    to: SocketAddr,
    visits: Vec<Visit>,
    slots: Vec<Slot>,
    /// Visits still to begin.
    left: u64,
    under_way: usize,
    /// Slots that the server was too busy for, and when they ask again.
    postponed: Vec<(u64, usize)>,
    /// Visits that ended well.
    pub(crate) done: u64,
    /// Times that the server asked to come again later.
    pub(crate) busy: u64,
    /// Visits that ended with another refusal or as the wrong user.
    pub(crate) failed: u64,
    /// From the beginning to connect, or the first asking, to the answer.
    pub(crate) latency: Histogram<u64>,
}

struct Slot {
    /// Visits that only this slot makes, in turn: two of one user never overlap.
    own: Range<usize>,
    turn: usize,
    began_ns: u64,
    active: bool,
}

impl Visits {
    /// `visits` are shared out over `concurrency` slots, each taking its own in turn; at most `limit` are made in all.
    pub(crate) fn new(to: SocketAddr, visits: Vec<Visit>, concurrency: usize, limit: u64) -> Visits {
        let concurrency = concurrency.clamp(1, visits.len());
        let slots = (0..concurrency).map(|index| {
            let share = |index: usize| index * visits.len() / concurrency;
            Slot { own: share(index)..share(index + 1), turn: 0, began_ns: 0, active: false }
        });
        Visits {
            to,
            slots: slots.collect(),
            visits,
            left: limit,
            under_way: 0,
            postponed: Vec::new(),
            done: 0,
            busy: 0,
            failed: 0,
            latency: latency_histogram(),
        }
    }

    /// How many lines the swarm must have.
    pub(crate) fn concurrency(&self) -> usize {
        self.slots.len()
    }

    /// Begins no more.
    pub(crate) fn stop(&mut self) {
        self.left = 0;
    }

    /// Nobody is under way, and nobody will be.
    pub(crate) fn is_over(&self) -> bool {
        self.left == 0 && self.under_way == 0
    }

    fn begin(&mut self, index: usize, now_ns: u64, lines: &mut Lines) -> Result<(), BenchError> {
        if self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        self.under_way += 1;
        let slot = &mut self.slots[index];
        slot.active = true;
        slot.began_ns = now_ns;
        slot.turn = (slot.turn + 1) % slot.own.len();
        let visit = &self.visits[slot.own.start + slot.turn];
        lines.connect(index, self.to)?;
        let out = lines.out(index);
        out.extend_from_slice(&visit.hello);
        out.extend_from_slice(&visit.ask);
        Ok(())
    }

    fn end(&mut self, index: usize, now_ns: u64, lines: &mut Lines) -> Result<(), BenchError> {
        self.slots[index].active = false;
        self.under_way -= 1;
        lines.close(index);
        self.begin(index, now_ns, lines)
    }
}

impl Scenario for Visits {
    fn tick(&mut self, now_ns: u64, lines: &mut Lines) -> Result<Option<u64>, BenchError> {
        if self.under_way < self.slots.len() && self.left > 0 {
            for index in 0..self.slots.len() {
                if !self.slots[index].active {
                    self.begin(index, now_ns, lines)?;
                }
            }
        }
        let mut soonest = None;
        let Visits { postponed, slots, visits, .. } = self;
        postponed.retain(|&(due_ns, index)| {
            if due_ns > now_ns {
                soonest = Some(soonest.unwrap_or(u64::MAX).min(due_ns));
                return true;
            }
            let slot = &slots[index];
            lines.out(index).extend_from_slice(&visits[slot.own.start + slot.turn].ask);
            false
        });
        Ok(soonest)
    }

    fn frame(
        &mut self,
        index: usize,
        frame: &Frame<'_>,
        now_ns: u64,
        lines: &mut Lines,
    ) -> Result<(), BenchError> {
        let header = &frame.header;
        if header.rid != ASK_RID {
            let is_good_hello = header.msgid == u16::from(MsgId::Hello) && header.code == Code::DONE;
            if header.rid == HELLO_RID && !is_good_hello {
                return Err(BenchError::Unexpected { request: "HELLO", got: header.code.to_string() });
            }
            // A push to the new session.
            return Ok(());
        }
        let slot = &self.slots[index];
        let visit = &self.visits[slot.own.start + slot.turn];
        let signed_in = if visit.user == 0 {
            None
        } else {
            match Incoming::from_frame(frame)? {
                Incoming::Reply { result: Ok(Reply::Login(who) | Reply::Resume(who)), .. } => Some(who.id),
                Incoming::Reply { result: Err(refusal), .. } if refusal.code.blame() == Blame::Busy => {
                    self.busy += 1;
                    let pause_ns = refusal.body.retry_after_ms.unwrap_or(100) * 1_000_000;
                    self.postponed.push((now_ns + pause_ns, index));
                    return Ok(());
                }
                _ => None,
            }
        };
        if visit.user == signed_in.unwrap_or(0) {
            self.done += 1;
            self.latency.saturating_record(now_ns - slot.began_ns);
        } else {
            self.failed += 1;
        }
        self.end(index, now_ns, lines)
    }
}
