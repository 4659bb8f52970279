//! A connection's lane: its requests, in the order they came, and who may run them now.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::SeqCst};

use parking_lot::Mutex;
use protocol::Request;
use reactor::ConnId;
use service::domain::{SessionId, UserId};
use service::{Lane as Speed, Principal, route};

use crate::budget::Claim;
use crate::greeting::Greeting;

/// A request that waits for its turn.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) rid: u32,
    pub(crate) request: Request,
    /// Its share of the node's memory, for as long as it waits.
    pub(crate) claim: Claim,
}

/// One connection's lane. Its sub reactor puts requests in, one worker at a time takes them out.
///
/// Requests take effect in the order they came. Chat messages may be with an appender while the next ones are checked;
/// every other request waits until those before it are stored, and everything waits for a change of a group. A lane that has nothing to run costs nothing: it is in
/// no queue and holds no buffer.
pub(crate) struct Lane {
    pub(crate) conn: ConnId,
    /// Set at HELLO, before any request is put in.
    device: OnceLock<Device>,
    /// Requests put in and not answered. Counted up by the sub reactor only.
    outstanding: AtomicU32,
    /// What the sub reactor waits for: see the constants.
    wishes: AtomicU8,
    /// What waits for the answer to the sign-in.
    pub(crate) greeting: Greeting,
    state: Mutex<State>,
}

/// Where requests come from.
struct Device {
    /// As its user knows it.
    name: Box<str>,
    /// The client's, also behind a balancer.
    address: IpAddr,
}

/// The sub reactor has stopped reading, and wants to be told when half of the requests are answered.
const WISH_ROOM: u8 = 1;
/// The connection is to be closed once every request is answered.
const WISH_CLOSE: u8 = 2;

struct State {
    queue: VecDeque<Job>,
    stage: Stage,
    /// Messages and changes that are with an appender.
    appending: u32,
    /// Whether that is a change, for which everything waits: what comes next may depend on it.
    changing: bool,
    principal: Option<Principal>,
    /// The session was ended while connected: nothing more is done in its name.
    revoked: bool,
    /// The connection is gone.
    gone: bool,
    /// A large answer is on its way, and no other is made until it is known that the peer takes it.
    held: bool,
    /// Logins of this connection that failed.
    failed_logins: u32,
}

/// Where a lane is. Only one thread moves it on at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// In no queue; nothing to run.
    Idle,
    /// In a run queue or with a worker.
    Scheduled,
    /// Its next request waits for the appenders, which will schedule it.
    AwaitingAppends,
    /// Its next request waits until the peer takes a large answer; the sub reactor will schedule it.
    AwaitingReader,
}

/// Who schedules a lane after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Scheduling {
    /// The caller must put the lane into the run queue.
    Schedule,
    /// It is there, or has nothing to run.
    Nothing,
}

/// What a worker does next with a lane.
pub(crate) enum Step {
    /// Messages to check and give to their appenders. All are counted as appending already.
    Append(Vec<Job>, Speaker),
    /// One other request.
    Run(Job, Speaker),
    /// The next request is slow: the lane goes to the slow run queue.
    GoSlow,
    /// The connection is gone: whoever it spoke for left. Comes once, as the last step of a lane that said HELLO.
    Farewell(Option<Principal>),
    /// Nothing to run now.
    Rest,
}

/// In whose name a lane speaks at the moment.
#[derive(Clone, Debug)]
pub(crate) enum Speaker {
    /// Nobody is logged in.
    Guest,
    /// This principal.
    User(Principal),
    /// The session was ended.
    Revoked,
}

/// What the sub reactor is owed after requests were answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Owed {
    /// Nothing.
    Nothing,
    /// It may read on.
    Room,
    /// It should close the connection.
    Close,
}

impl Lane {
    pub(crate) fn new(conn: ConnId) -> Lane {
        Lane {
            conn,
            device: OnceLock::new(),
            outstanding: AtomicU32::new(0),
            wishes: AtomicU8::new(0),
            greeting: Greeting::default(),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                stage: Stage::Idle,
                appending: 0,
                changing: false,
                principal: None,
                revoked: false,
                gone: false,
                held: false,
                failed_logins: 0,
            }),
        }
    }

    /// Names the device. Sub reactor only, once.
    pub(crate) fn name_device(&self, name: &str, address: IpAddr) {
        let _ = self.device.set(Device { name: name.into(), address });
    }

    pub(crate) fn device(&self) -> &str {
        self.device.get().map_or("", |device| &device.name)
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.device.get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |device| device.address)
    }

    /// Requests put in and not answered.
    pub(crate) fn outstanding(&self) -> u32 {
        self.outstanding.load(SeqCst)
    }

    /// Puts requests in. Sub reactor only.
    pub(crate) fn put(&self, jobs: &mut Vec<Job>) -> Scheduling {
        self.outstanding.fetch_add(jobs.len() as u32, SeqCst);
        let mut state = self.state.lock();
        state.queue.extend(jobs.drain(..));
        state.schedule_if_idle()
    }

    /// The connection is gone. Sub reactor only.
    pub(crate) fn leave(&self) -> Scheduling {
        let mut state = self.state.lock();
        state.gone = true;
        state.queue = VecDeque::new();
        if state.stage == Stage::AwaitingReader {
            state.stage = Stage::Idle;
        }
        // Before HELLO nobody else knows the lane.
        if self.device.get().is_none() { Scheduling::Nothing } else { state.schedule_if_idle() }
    }

    /// A large answer was made: nothing more is run until [`release`](Self::release). The worker that runs the lane only,
    /// before it posts the answer.
    pub(crate) fn hold(&self) {
        self.state.lock().held = true;
    }

    /// The peer takes what it is sent. Sub reactor only.
    pub(crate) fn release(&self) -> Scheduling {
        let mut state = self.state.lock();
        state.held = false;
        if state.stage != Stage::AwaitingReader {
            return Scheduling::Nothing;
        }
        state.stage = Stage::Scheduled;
        Scheduling::Schedule
    }

    /// Counts a failed login; how many there were. The worker that runs the lane only.
    pub(crate) fn login_failed(&self) -> u32 {
        let mut state = self.state.lock();
        state.failed_logins += 1;
        state.failed_logins
    }

    /// Whether the connection is gone or will be closed once all is answered. Any thread.
    pub(crate) fn is_leaving(&self) -> bool {
        self.wishes.load(SeqCst) & WISH_CLOSE != 0 || self.state.lock().gone
    }

    /// Ends what the connection's session may do, at once. Any thread.
    pub(crate) fn revoke(&self) {
        self.state.lock().revoked = true;
    }

    /// From now on the lane speaks for this principal, or for nobody. The worker that runs it only.
    pub(crate) fn speak_for(&self, principal: Option<Principal>) {
        self.state.lock().principal = principal;
    }

    /// Whom the lane speaks for, for logs. Any thread.
    pub(crate) fn identity(&self) -> Option<(UserId, SessionId)> {
        self.state.lock().principal.as_ref().map(|principal| (principal.user, principal.session))
    }

    /// What to do next. The worker that runs the lane only.
    pub(crate) fn next(&self, speed: Speed) -> Step {
        let mut state = self.state.lock();
        let state = &mut *state;
        if state.gone {
            state.queue = VecDeque::new();
            if state.appending > 0 {
                state.stage = Stage::AwaitingAppends;
                return Step::Rest;
            }
            // The lane stays scheduled for ever: nothing runs it again.
            return Step::Farewell(state.principal.take());
        }
        if state.held {
            state.stage = Stage::AwaitingReader;
            return Step::Rest;
        }
        let Some(front) = state.queue.front() else {
            state.stage = Stage::Idle;
            // An idle connection holds no buffer.
            state.queue = VecDeque::new();
            return Step::Rest;
        };
        let front = route(&front.request).lane;
        if state.changing && state.appending > 0 {
            state.stage = Stage::AwaitingAppends;
            return Step::Rest;
        }
        state.changing = false;
        if front == Speed::Append {
            let chats =
                state.queue.iter().take_while(|job| route(&job.request).lane == Speed::Append).count();
            state.appending += chats as u32;
            return Step::Append(state.queue.drain(..chats).collect(), state.speaker());
        }
        if state.appending > 0 {
            state.stage = Stage::AwaitingAppends;
            return Step::Rest;
        }
        if front == Speed::Slow && speed != Speed::Slow {
            return Step::GoSlow;
        }
        match state.queue.pop_front() {
            Some(job) if front == Speed::Change => {
                state.changing = true;
                state.appending += 1;
                Step::Append(vec![job], state.speaker())
            }
            Some(job) => Step::Run(job, state.speaker()),
            None => Step::Rest,
        }
    }

    /// Takes the next request although no slow thread has room for it, to refuse it. The worker that runs the lane only.
    pub(crate) fn take_refused(&self) -> Option<Job> {
        self.state.lock().queue.pop_front()
    }

    /// Messages have come back from an appender, or never went to one.
    pub(crate) fn appended(&self, messages: u32) -> Scheduling {
        let mut state = self.state.lock();
        state.appending -= messages;
        if state.appending == 0 && state.stage == Stage::AwaitingAppends {
            state.stage = Stage::Scheduled;
            return Scheduling::Schedule;
        }
        Scheduling::Nothing
    }

    /// Requests were answered, and their replies posted: as soon as this counts them the sub reactor may close.
    pub(crate) fn answered(&self, requests: u32, pipeline_max: u32) -> Owed {
        self.outstanding.fetch_sub(requests, SeqCst);
        let wishes = self.wishes.load(SeqCst);
        if wishes == 0 {
            return Owed::Nothing;
        }
        // Read again: requests may have come before the wish did, and nothing comes after the wish to close.
        self.grant(self.outstanding(), wishes, pipeline_max)
    }

    /// The sub reactor has stopped reading because too many requests wait. Sub reactor only. If room came meanwhile
    /// it must go on at once: nobody will tell it.
    pub(crate) fn wish_room(&self, pipeline_max: u32) -> Owed {
        self.wish(WISH_ROOM, pipeline_max)
    }

    /// The sub reactor wants to close once all is answered. Sub reactor only. If all is, it must close at once.
    pub(crate) fn wish_close(&self, pipeline_max: u32) -> Owed {
        self.wish(WISH_CLOSE, pipeline_max)
    }

    // The wish is written before the count is read, and the count before the wish: whichever side comes second sees
    // the other's write, and `grant` lets only one of them take the wish.
    fn wish(&self, wish: u8, pipeline_max: u32) -> Owed {
        let wishes = self.wishes.fetch_or(wish, SeqCst) | wish;
        self.grant(self.outstanding(), wishes, pipeline_max)
    }

    fn grant(&self, left: u32, wishes: u8, pipeline_max: u32) -> Owed {
        if wishes & WISH_CLOSE != 0 {
            let granted = left == 0 && self.wishes.swap(0, SeqCst) & WISH_CLOSE != 0;
            return if granted { Owed::Close } else { Owed::Nothing };
        }
        let granted = left <= pipeline_max / 2 && self.wishes.fetch_and(!WISH_ROOM, SeqCst) & WISH_ROOM != 0;
        if granted { Owed::Room } else { Owed::Nothing }
    }
}

impl State {
    fn schedule_if_idle(&mut self) -> Scheduling {
        if self.stage != Stage::Idle {
            return Scheduling::Nothing;
        }
        self.stage = Stage::Scheduled;
        Scheduling::Schedule
    }

    fn speaker(&self) -> Speaker {
        match &self.principal {
            _ if self.revoked => Speaker::Revoked,
            Some(principal) => Speaker::User(principal.clone()),
            None => Speaker::Guest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Nothing, OneChat, Page, Secret};

    const PIPELINE: u32 = 4;

    fn job(rid: u32, request: Request) -> Job {
        let claim = crate::budget::Budget::new(1).claim(crate::budget::Holder::User, 1).unwrap();
        Job { rid, request, claim }
    }

    fn chat(rid: u32) -> Job {
        job(
            rid,
            Request::OneChat(OneChat {
                to: 2,
                msg: "m".into(),
                client_msg_id: rid.to_string(),
                ..OneChat::default()
            }),
        )
    }

    fn read(rid: u32) -> Job {
        job(rid, Request::Friends(Page::default()))
    }

    fn lane() -> Lane {
        Lane::new(ConnId::from_bits(1))
    }

    fn principal() -> Principal {
        Principal { user: UserId(1), name: "a".into(), session: SessionId(1) }
    }

    fn rids(step: Step) -> Vec<u32> {
        match step {
            Step::Append(jobs, _) => jobs.iter().map(|job| job.rid).collect(),
            Step::Run(job, _) => vec![job.rid],
            _ => vec![],
        }
    }

    #[test]
    fn a_request_waits_for_the_messages_before_it() {
        let lane = lane();
        assert_eq!(lane.put(&mut vec![chat(1), chat(2), read(3), chat(4)]), Scheduling::Schedule);
        assert_eq!(rids(lane.next(Speed::Normal)), [1, 2]);
        assert!(matches!(lane.next(Speed::Normal), Step::Rest), "3 waits for 1 and 2");
        assert_eq!(lane.put(&mut vec![read(5)]), Scheduling::Nothing, "the appender schedules it");
        assert_eq!(lane.appended(1), Scheduling::Nothing);
        assert_eq!(lane.appended(1), Scheduling::Schedule);
        assert_eq!(rids(lane.next(Speed::Normal)), [3]);
        assert_eq!(rids(lane.next(Speed::Normal)), [4]);
        assert!(matches!(lane.next(Speed::Normal), Step::Rest));
        assert_eq!(lane.appended(1), Scheduling::Schedule);
        assert_eq!(rids(lane.next(Speed::Normal)), [5]);
        assert!(matches!(lane.next(Speed::Normal), Step::Rest));
        assert_eq!(lane.put(&mut vec![read(6)]), Scheduling::Schedule, "idle again");
    }

    #[test]
    fn a_slow_request_changes_threads_and_keeps_its_place() {
        let lane = lane();
        let login = Request::Login(protocol::Login {
            id: Some(1),
            password: Secret::new("x"),
            ..protocol::Login::default()
        });
        let _ = lane.put(&mut vec![job(1, login), read(2)]);
        assert!(matches!(lane.next(Speed::Normal), Step::GoSlow));
        assert_eq!(lane.put(&mut vec![read(3)]), Scheduling::Nothing);
        assert_eq!(rids(lane.next(Speed::Slow)), [1]);
        assert_eq!(rids(lane.next(Speed::Normal)), [2]);
        assert_eq!(rids(lane.next(Speed::Normal)), [3]);
    }

    #[test]
    fn a_lost_connection_says_farewell_once_after_its_messages() {
        let lane = lane();
        lane.name_device("laptop", IpAddr::V4(Ipv4Addr::LOCALHOST));
        lane.speak_for(Some(principal()));
        let _ = lane.put(&mut vec![chat(1), read(2)]);
        assert_eq!(rids(lane.next(Speed::Normal)), [1]);
        assert_eq!(lane.leave(), Scheduling::Nothing, "a worker has it");
        assert!(matches!(lane.next(Speed::Normal), Step::Rest), "a message is under way");
        assert_eq!(lane.appended(1), Scheduling::Schedule);
        assert!(matches!(lane.next(Speed::Normal), Step::Farewell(Some(_))));
        assert_eq!(lane.leave(), Scheduling::Nothing);
    }

    #[test]
    fn who_leaves_before_hello_costs_no_turn() {
        assert_eq!(lane().leave(), Scheduling::Nothing);
        let lane = lane();
        lane.name_device("laptop", IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(lane.leave(), Scheduling::Schedule);
        assert!(matches!(lane.next(Speed::Normal), Step::Farewell(None)));
    }

    #[test]
    fn a_large_answer_is_taken_before_the_next_is_made() {
        let lane = lane();
        let _ = lane.put(&mut vec![read(1), read(2)]);
        assert_eq!(rids(lane.next(Speed::Normal)), [1]);
        lane.hold();
        assert!(matches!(lane.next(Speed::Normal), Step::Rest));
        assert_eq!(lane.put(&mut vec![read(3)]), Scheduling::Nothing);
        assert_eq!(lane.release(), Scheduling::Schedule);
        assert_eq!(rids(lane.next(Speed::Normal)), [2]);
        lane.hold();
        assert_eq!(lane.release(), Scheduling::Nothing, "a worker has it");
        assert_eq!(rids(lane.next(Speed::Normal)), [3]);
    }

    #[test]
    fn a_peer_that_goes_with_a_large_answer_under_way_is_seen_off() {
        let lane = lane();
        lane.name_device("laptop", IpAddr::V4(Ipv4Addr::LOCALHOST));
        let _ = lane.put(&mut vec![read(1), read(2)]);
        assert_eq!(rids(lane.next(Speed::Normal)), [1]);
        lane.hold();
        assert!(matches!(lane.next(Speed::Normal), Step::Rest));
        assert_eq!(lane.leave(), Scheduling::Schedule);
        assert!(matches!(lane.next(Speed::Normal), Step::Farewell(None)));
    }

    #[test]
    fn a_revoked_session_speaks_for_nobody() {
        let lane = lane();
        lane.speak_for(Some(principal()));
        let _ = lane.put(&mut vec![job(1, Request::LogOut(Nothing {}))]);
        lane.revoke();
        assert!(matches!(lane.next(Speed::Normal), Step::Run(_, Speaker::Revoked)));
    }

    #[test]
    fn room_is_granted_once_at_half() {
        let lane = lane();
        let _ = lane.put(&mut vec![read(1), read(2), read(3), read(4)]);
        assert_eq!(lane.wish_room(PIPELINE), Owed::Nothing);
        assert_eq!(lane.answered(1, PIPELINE), Owed::Nothing);
        assert_eq!(lane.answered(1, PIPELINE), Owed::Room);
        assert_eq!(lane.answered(2, PIPELINE), Owed::Nothing);
        assert_eq!(lane.wish_room(PIPELINE), Owed::Room, "room came before the wish");
    }

    /// The sub reactor asks twice and closes, while an answer to the first request is on its way.
    #[test]
    fn close_waits_for_requests_that_came_during_an_answer() {
        for _ in 0..20_000 {
            let lane = lane();
            let _ = lane.put(&mut vec![read(1)]);
            let start = std::sync::Barrier::new(2);
            std::thread::scope(|scope| {
                let worker = scope.spawn(|| {
                    start.wait();
                    lane.answered(1, PIPELINE)
                });
                start.wait();
                let _ = lane.put(&mut vec![read(2)]);
                let at_once = lane.wish_close(PIPELINE);
                assert_eq!((at_once, worker.join().unwrap()), (Owed::Nothing, Owed::Nothing), "2 is owed");
            });
            assert_eq!(lane.answered(1, PIPELINE), Owed::Close);
        }
    }

    #[test]
    fn close_waits_for_the_last_answer() {
        let lane = lane();
        let _ = lane.put(&mut vec![read(1), read(2)]);
        assert_eq!(lane.wish_close(PIPELINE), Owed::Nothing);
        assert_eq!(lane.answered(1, PIPELINE), Owed::Nothing);
        assert_eq!(lane.answered(1, PIPELINE), Owed::Close);
        assert_eq!(self::lane().wish_close(PIPELINE), Owed::Close);
    }
}
