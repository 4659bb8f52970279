//! What the session sends.

use std::time::Instant;

use protocol::limits::{DEVICE_CHARS_MAX, FRAME_BYTES_BEFORE_LOGIN_MAX};
use protocol::{
    Ack, AckBroadcasts, AckNotices, Changes, HEADER_LEN, Hello, History, Nothing, Page, Read, Request, encode,
};

use super::{Answer, Phase, Session, Turn};
use crate::error::ClientError;
use crate::limits;
use crate::requests::{Job, Purpose};
use crate::timelines::{Around, Ask};

/// Protocol versions that this client speaks.
const VERSIONS: [u16; 1] = [1];

impl Session {
    pub(super) fn say_hello(&mut self, now: Instant) {
        let hello = Hello {
            versions: VERSIONS.to_vec(),
            client: self.config.program.chars().take(DEVICE_CHARS_MAX).collect(),
            device: self.config.device.chars().take(DEVICE_CHARS_MAX).collect(),
        };
        self.send_own(Purpose::Hello, Request::Hello(hello), now);
    }

    /// Says that this side is there. One PING at a time is enough.
    pub(super) fn ping(&mut self, now: Instant) {
        if self.bye.is_none() && !self.requests.is_in_flight(Purpose::Ping) {
            self.send_own(Purpose::Ping, Request::Ping(Nothing {}), now);
        } else {
            // Another one still waits: if nothing is heard, the connection ends before one more would help. After a BYE
            // nothing is sent at all.
            self.sent_at = now;
        }
    }

    /// Sends what may be sent: acknowledgements and questions of the sync, and calls.
    pub(super) fn pump(&mut self, now: Instant) {
        if self.bye.is_some() {
            return;
        }
        // Whoever was served last comes second: with a window of one, neither starves the other.
        match self.turn {
            Turn::Own => {
                self.pump_own(now);
                self.pump_calls(now);
            }
            Turn::Calls => {
                self.pump_calls(now);
                self.pump_own(now);
            }
        }
    }

    fn pump_calls(&mut self, now: Instant) {
        let window = self.window();
        let reserved = limits::IN_FLIGHT_RESERVED.min(window.saturating_sub(1));
        while matches!(self.phase, Phase::Guest { .. } | Phase::User)
            && self.output.len() < limits::OUTPUT_BYTES_HIGH
            && self.requests.in_flight() < window - reserved
            && let Some(job) = self.requests.next()
        {
            self.send(job, now);
            self.turn = Turn::Own;
        }
    }

    fn pump_own(&mut self, now: Instant) {
        if self.phase != Phase::User {
            return;
        }
        while self.requests.in_flight() < self.window()
            && let Some((conv, seq)) = self.acks.next_due(now)
        {
            self.send_own(Purpose::Ack { conv }, Request::Ack(Ack { conv, seq }), now);
        }
        while self.requests.in_flight() < self.window()
            && let Some((conv, seq)) = self.reads.next_due(now)
        {
            self.send_own(Purpose::Read { conv }, Request::Read(Read { conv, seq }), now);
        }
        if self.requests.in_flight() < self.window()
            && let Some(seq) = self.notices.next_ack(now)
        {
            self.send_own(Purpose::AckNotices, Request::AckNotices(AckNotices { seq }), now);
        }
        if self.requests.in_flight() < self.window()
            && let Some(id) = self.broadcasts.next_ack(now)
        {
            self.send_own(Purpose::AckBroadcasts, Request::AckBroadcasts(AckBroadcasts { id }), now);
        }
        if self.requests.in_flight() < self.window() && self.quiets.next_ask(now) {
            self.send_own(Purpose::Quiet, Request::Quiet(Nothing {}), now);
        }
        if self.requests.in_flight() < self.window() && self.resync.next_ask(now) {
            self.send_own(Purpose::Refresh, Request::Refresh(self.held()), now);
        }
        if self.requests.in_flight() < self.window()
            && let Some(after) = self.notices.next_ask(&self.events, now)
        {
            let page = Page { after, limit: limits::NOTICES_PAGE_MAX };
            self.send_own(Purpose::Notices, Request::Notices(page), now);
            self.turn = Turn::Calls;
        }
        if self.requests.in_flight() < self.window()
            && let Some(after) = self.broadcasts.next_ask(&self.events, now)
        {
            let page = Page { after, limit: limits::NOTICES_PAGE_MAX };
            self.send_own(Purpose::Broadcasts, Request::Broadcasts(page), now);
            self.turn = Turn::Calls;
        }
        if self.requests.in_flight() < self.window()
            && let Some(after) = self.hides.next_ask(&self.timelines, &self.events, now)
        {
            let page = Page { after, limit: limits::HIDDEN_PAGE_MAX.min(self.hello.page_max.max(1)) };
            self.send_own(Purpose::Hidden, Request::Hidden(page), now);
            self.turn = Turn::Calls;
        }
        while self.requests.in_flight() < self.window()
            && let Some((conv, after)) = self.feeds.next_ask(&self.timelines, &self.events, now)
        {
            let limit = limits::CHANGES_PAGE_MAX.min(self.hello.page_max.max(1));
            let request = Request::Changes(Changes { conv, after, limit });
            self.send_own(Purpose::Changes { conv }, request, now);
            self.turn = Turn::Calls;
        }
        if self.requests.in_flight() < self.window()
            && let Some(conv) = self.entries.next_ask(&self.timelines, now)
        {
            self.send_own(Purpose::Entry { conv }, entry_of(conv), now);
            self.turn = Turn::Calls;
        }
        while self.requests.in_flight() < self.window() {
            let mut around = Around { events: &mut self.events, acks: &mut self.acks, now };
            let Some(ask) = self.timelines.next_ask(self.hello.page_max, &mut around) else { return };
            let request = match ask {
                Ask::Conversations { after } => Request::Conversations(Page { after, limit: 0 }),
                Ask::Locate { conv } => entry_of(conv),
                Ask::History { conv, after, limit } => {
                    Request::History(History { conv, after: Some(after), before: None, at: None, limit })
                }
            };
            self.send_own(Purpose::Sync(ask), request, now);
            self.turn = Turn::Calls;
        }
    }

    /// Requests that may be on the wire at once.
    pub(super) fn window(&self) -> usize {
        (self.hello.pipeline_max as usize).clamp(1, limits::IN_FLIGHT_MAX)
    }

    pub(super) fn send_own(&mut self, purpose: Purpose, request: Request, now: Instant) {
        let job = self.requests.own(purpose, request);
        self.send(job, now);
    }

    fn send(&mut self, job: Job, now: Instant) {
        let max = match self.phase {
            Phase::User => self.hello.frame_bytes_max as usize,
            _ => self.hello.frame_bytes_max.min(FRAME_BYTES_BEFORE_LOGIN_MAX) as usize,
        };
        let start = self.output.len();
        let rid = self.requests.free_rid();
        encode::request(rid, &job.request, &mut self.output);
        let len = self.output.len() - start - HEADER_LEN;
        if len > max {
            self.output.truncate(start);
            self.requests.unsendable(&job);
            if let Purpose::Call(call) = job.purpose {
                self.answers.push_back(Answer { call, result: Err(ClientError::TooLarge { len, max }) });
            }
            return;
        }
        self.requests.sent(rid, job);
        self.sent_at = now;
    }
}

/// Asks for the entry of one conversation, or of the next one if there is none.
fn entry_of(conv: u64) -> Request {
    Request::Conversations(Page { after: conv.saturating_sub(1), limit: 1 })
}
