//! Requests: those that wait for their turn, and those that wait for their answer.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use protocol::Request;

use crate::config::ChatOrder;
use crate::error::Happened;
use crate::limits::RESENDS_MAX;
use crate::timelines::Ask;

/// Names a call for whoever waits for its answer. Chosen by the caller of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// A request and what is to become of its answer.
#[derive(Debug)]
pub(crate) struct Job {
    /// Its place among all calls: they are sent in this order, as far as their lanes allow.
    order: u64,
    pub(crate) purpose: Purpose,
    pub(crate) request: Request,
    deadline: Option<Deadline>,
    /// Times that it was put on a connection that was lost.
    resends: u32,
    /// Times that the server was too busy for it.
    pub(crate) busy: u32,
}

/// Who wants the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The application.
    Call(CallId),
    /// Its caller gave up. The answer still tells where an own message stands.
    Abandoned,
    Hello,
    Resume,
    Refresh,
    Ping,
    Ack {
        conv: u64,
    },
    Read {
        conv: u64,
    },
    Sync(Ask),
    /// The entry of a conversation that is there already.
    Entry {
        conv: u64,
    },
    /// A page of what was changed in a conversation.
    Changes {
        conv: u64,
    },
    /// A page of what the user hid.
    Hidden,
    /// That somebody is typing: whatever is answered.
    Typing,
    /// A page of the user's notices.
    Notices,
    AckNotices,
    /// A page of broadcasts.
    Broadcasts,
    AckBroadcasts,
    /// What the user keeps quiet.
    Quiet,
}

/// A call that ended without an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) call: CallId,
    pub(crate) may_have_happened: Happened,
}

/// Calls are sent in the order in which they were submitted. Those of one conversation stand in a lane of their own, so
/// that one which must wait holds back its followers and nobody else. Bounded by whoever submits
/// ([`CALLS_MAX`](crate::limits::CALLS_MAX)).
#[derive(Debug)]
pub(crate) struct Requests {
    chat_order: ChatOrder,
    lanes: HashMap<LaneKey, Lane>,
    /// Lanes whose first job may be sent, by that job's order.
    ready: BTreeMap<u64, LaneKey>,
    /// Lanes that wait because the server was too busy.
    delayed: BTreeSet<(Instant, LaneKey)>,
    in_flight: HashMap<u32, Job>,
    /// Calls in flight, abandoned ones included.
    calls_in_flight: usize,
    /// A request is in flight that changes whose session it is: nothing overtakes it.
    barrier_in_flight: bool,
    deadlines: BTreeMap<(Instant, u64), Place>,
    next_order: u64,
    next_rid: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum LaneKey {
    General,
    User(u64),
    Group(u64),
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Job>,
    in_flight: usize,
    not_before: Option<Instant>,
    /// Under which order it stands in `ready`.
    listed: Option<u64>,
}

/// When a caller gives up.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Instant,
    /// How long that is from the start.
    after: Duration,
}

/// Where a job with a deadline can be found.
#[derive(Clone, Copy, Debug)]
enum Place {
    Waiting(LaneKey),
    InFlight(u32),
}

/// What a lost connection does to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    /// Doing it twice is doing it once: it goes on the next connection.
    Safe,
    /// Its caller must decide.
    Unsafe,
}

impl Requests {
    pub(crate) fn new(chat_order: ChatOrder) -> Requests {
        Requests {
            chat_order,
            lanes: HashMap::new(),
            ready: BTreeMap::new(),
            delayed: BTreeSet::new(),
            in_flight: HashMap::new(),
            calls_in_flight: 0,
            barrier_in_flight: false,
            deadlines: BTreeMap::new(),
            next_order: 0,
            next_rid: 0,
        }
    }

    /// Puts a call at the end of its lane.
    pub(crate) fn submit(&mut self, call: CallId, request: Request, timeout: Duration, now: Instant) {
        let order = self.next_order;
        self.next_order += 1;
        let key = lane_of(&request);
        let deadline = Deadline { at: now + timeout, after: timeout };
        self.deadlines.insert((deadline.at, order), Place::Waiting(key));
        let deadline = Some(deadline);
        let job = Job { order, purpose: Purpose::Call(call), request, deadline, resends: 0, busy: 0 };
        self.lanes.entry(key).or_default().queue.push_back(job);
        self.relist(key);
    }

    /// Lets go of the lanes that have waited long enough for a busy server.
    pub(crate) fn release(&mut self, now: Instant) {
        while let Some(&(at, key)) = self.delayed.first()
            && at <= now
        {
            self.delayed.pop_first();
            if let Some(lane) = self.lanes.get_mut(&key) {
                lane.not_before = None;
            }
            self.relist(key);
        }
    }

    /// Takes the next call that may be sent now.
    pub(crate) fn next(&mut self) -> Option<Job> {
        if self.barrier_in_flight {
            return None;
        }
        let key = *self.ready.first_key_value()?.1;
        let lane = self.lanes.get_mut(&key)?;
        if is_barrier(&lane.queue.front()?.request) && self.calls_in_flight > 0 {
            return None;
        }
        let job = lane.queue.pop_front()?;
        self.relist(key);
        Some(job)
    }

    /// Whether a call waits to be sent.
    pub(crate) fn anything_waits(&self) -> bool {
        !self.lanes.values().all(|lane| lane.queue.is_empty())
    }

    /// A request of the client itself, which waits in no lane.
    pub(crate) fn own(&self, purpose: Purpose, request: Request) -> Job {
        Job { order: 0, purpose, request, deadline: None, resends: 0, busy: 0 }
    }

    /// The request id for the next job.
    pub(crate) fn free_rid(&mut self) -> u32 {
        loop {
            self.next_rid = self.next_rid.wrapping_add(1);
            if self.next_rid != 0 && !self.in_flight.contains_key(&self.next_rid) {
                return self.next_rid;
            }
        }
    }

    /// The job was put on the wire.
    pub(crate) fn sent(&mut self, rid: u32, job: Job) {
        if job.purpose.is_call() {
            let key = lane_of(&job.request);
            self.calls_in_flight += 1;
            self.barrier_in_flight |= is_barrier(&job.request);
            self.lanes.entry(key).or_default().in_flight += 1;
            if let Some(deadline) = job.deadline {
                self.deadlines.insert((deadline.at, job.order), Place::InFlight(rid));
            }
            self.in_flight.insert(rid, job);
            self.relist(key);
        } else {
            self.in_flight.insert(rid, job);
        }
    }

    /// The job can never be sent.
    pub(crate) fn unsendable(&mut self, job: &Job) {
        self.forget_deadline(job);
    }

    /// The answer to `rid` is there.
    pub(crate) fn answered(&mut self, rid: u32) -> Option<Job> {
        let job = self.in_flight.remove(&rid)?;
        self.landed(&job);
        Some(job)
    }

    /// Puts a chat message back at the head of its lane until `not_before`.
    pub(crate) fn delay(&mut self, mut job: Job, not_before: Instant) {
        job.busy += 1;
        let key = lane_of(&job.request);
        let lane = self.lanes.entry(key).or_default();
        if let Some(before) = lane.not_before.replace(not_before) {
            self.delayed.remove(&(before, key));
        }
        self.delayed.insert((not_before, key));
        self.put_back(key, job);
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether the client's own request is in flight.
    pub(crate) fn is_in_flight(&self, purpose: Purpose) -> bool {
        self.in_flight.values().any(|job| job.purpose == purpose)
    }

    /// The connection is lost: what may be repeated goes back to where it was, in its old order; the rest has failed.
    pub(crate) fn connection_lost(&mut self) -> Vec<Failed> {
        let mut lost: Vec<Job> = self.in_flight.drain().map(|(_, job)| job).collect();
        lost.sort_by_key(|job| std::cmp::Reverse(job.order));
        let mut failed = Vec::new();
        for mut job in lost {
            self.landed(&job);
            let Purpose::Call(call) = job.purpose else { continue };
            job.resends += 1;
            if repeat(&job.request) == Repeat::Safe && job.resends <= RESENDS_MAX {
                self.put_back(lane_of(&job.request), job);
            } else {
                failed.push(Failed { call, may_have_happened: Happened::Perhaps });
            }
        }
        failed.reverse();
        failed
    }

    /// The session is over: every call that needed it has failed.
    pub(crate) fn session_ended(&mut self) -> Vec<CallId> {
        let mut failed = Vec::new();
        let keys: Vec<LaneKey> = self.lanes.keys().copied().collect();
        for key in keys {
            let Some(lane) = self.lanes.get_mut(&key) else { continue };
            let (keep, over): (VecDeque<Job>, VecDeque<Job>) =
                lane.queue.drain(..).partition(|job| needs_no_session(&job.request));
            lane.queue = keep;
            for job in over {
                self.forget_deadline(&job);
                if let Purpose::Call(call) = job.purpose {
                    failed.push(call);
                }
            }
            self.relist(key);
        }
        failed.sort();
        failed
    }

    /// Ends every call: the client is closed.
    pub(crate) fn close(&mut self) -> Vec<CallId> {
        let waiting = self.lanes.drain().flat_map(|(_, lane)| lane.queue);
        let jobs = self.in_flight.drain().map(|(_, job)| job).chain(waiting);
        let mut calls: Vec<CallId> = jobs
            .filter_map(|job| match job.purpose {
                Purpose::Call(call) => Some(call),
                _ => None,
            })
            .collect();
        calls.sort();
        *self = Requests::new(self.chat_order);
        calls
    }

    /// The next call whose time is over, and how long that was. One that is in flight stays there, abandoned.
    pub(crate) fn next_overdue(&mut self, now: Instant) -> Option<(Failed, Duration)> {
        loop {
            let (&(at, order), &place) = self.deadlines.first_key_value()?;
            if at > now {
                return None;
            }
            self.deadlines.remove(&(at, order));
            let failed = match place {
                Place::Waiting(key) => self.give_up_waiting(key, order),
                Place::InFlight(rid) => self.abandon(rid),
            };
            if failed.is_some() {
                return failed;
            }
        }
    }

    /// When time passing changes something.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let call = self.deadlines.first_key_value().map(|((at, _), _)| *at);
        let delayed = self.delayed.first().map(|(at, _)| *at);
        call.into_iter().chain(delayed).min()
    }

    fn give_up_waiting(&mut self, key: LaneKey, order: u64) -> Option<(Failed, Duration)> {
        let lane = self.lanes.get_mut(&key)?;
        let position = lane.queue.iter().position(|job| job.order == order)?;
        let job = lane.queue.remove(position)?;
        self.relist(key);
        let may_have_happened = if job.resends + job.busy > 0 { Happened::Perhaps } else { Happened::No };
        match job.purpose {
            Purpose::Call(call) => Some((Failed { call, may_have_happened }, job.deadline?.after)),
            _ => None,
        }
    }

    fn abandon(&mut self, rid: u32) -> Option<(Failed, Duration)> {
        let job = self.in_flight.get_mut(&rid)?;
        let Purpose::Call(call) = job.purpose else { return None };
        job.purpose = Purpose::Abandoned;
        Some((Failed { call, may_have_happened: Happened::Perhaps }, job.deadline?.after))
    }

    /// The job is not in flight any more.
    fn landed(&mut self, job: &Job) {
        self.forget_deadline(job);
        if !job.purpose.is_call() {
            return;
        }
        self.calls_in_flight -= 1;
        if is_barrier(&job.request) {
            self.barrier_in_flight = false;
        }
        let key = lane_of(&job.request);
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.in_flight -= 1;
        }
        self.relist(key);
    }

    fn forget_deadline(&mut self, job: &Job) {
        if let Some(deadline) = job.deadline {
            self.deadlines.remove(&(deadline.at, job.order));
        }
    }

    /// Puts a job where its order says: before every later one of its lane.
    fn put_back(&mut self, key: LaneKey, job: Job) {
        if let Some(deadline) = job.deadline {
            self.deadlines.insert((deadline.at, job.order), Place::Waiting(key));
        }
        let lane = self.lanes.entry(key).or_default();
        let position = lane.queue.partition_point(|other| other.order < job.order);
        lane.queue.insert(position, job);
        self.relist(key);
    }

    /// Notes whether a lane's first job may be sent; forgets a lane that has nothing.
    fn relist(&mut self, key: LaneKey) {
        let Some(lane) = self.lanes.get_mut(&key) else { return };
        let window = match (key, self.chat_order) {
            (LaneKey::User(_) | LaneKey::Group(_), ChatOrder::Strict) => 1,
            _ => usize::MAX,
        };
        let free = lane.in_flight < window && lane.not_before.is_none();
        let first = lane.queue.front().map(|job| job.order).filter(|_| free);
        if lane.listed != first {
            if let Some(order) = lane.listed {
                self.ready.remove(&order);
            }
            if let Some(order) = first {
                self.ready.insert(order, key);
            }
            lane.listed = first;
        }
        if lane.queue.is_empty() && lane.in_flight == 0 && lane.not_before.is_none() {
            self.lanes.remove(&key);
        }
    }
}

impl Purpose {
    fn is_call(self) -> bool {
        matches!(self, Purpose::Call(_) | Purpose::Abandoned)
    }
}

fn lane_of(request: &Request) -> LaneKey {
    match request {
        Request::OneChat(chat) => LaneKey::User(chat.to),
        Request::GroupChat(chat) => LaneKey::Group(chat.groupid),
        _ => LaneKey::General,
    }
}

/// Whether a request changes whose session it is: what is before it is answered first, and what is behind it waits.
fn is_barrier(request: &Request) -> bool {
    match request {
        Request::Login(_)
        | Request::Resume(_)
        | Request::LogOut(_)
        | Request::EndSession(_)
        | Request::DeleteAccount(_) => true,
        Request::Hello(_)
        | Request::Ping(_)
        | Request::Refresh(_)
        | Request::Reg(_)
        | Request::Recover(_)
        | Request::ChangePassword(_)
        | Request::NewRecoveryCodes(_)
        | Request::Sessions(_)
        | Request::AddFriend(_)
        | Request::AcceptFriend(_)
        | Request::RefuseFriend(_)
        | Request::WithdrawFriend(_)
        | Request::DeleteFriend(_)
        | Request::EditFriend(_)
        | Request::RenameLabel(_)
        | Request::Friends(_)
        | Request::FriendRequests(_)
        | Request::Block(_)
        | Request::Unblock(_)
        | Request::Blocked(_)
        | Request::CreateGroup(_)
        | Request::JoinGroup(_)
        | Request::LeaveGroup(_)
        | Request::Groups(_)
        | Request::GroupMembers(_)
        | Request::GroupProfile(_)
        | Request::RemoveMember(_)
        | Request::SetRole(_)
        | Request::HandOver(_)
        | Request::DissolveGroup(_)
        | Request::EditGroup(_)
        | Request::MuteMember(_)
        | Request::MuteGroup(_)
        | Request::Applications(_)
        | Request::DecideApplication(_)
        | Request::WithdrawApplication(_)
        | Request::Invite(_)
        | Request::Invitations(_)
        | Request::AnswerInvitation(_)
        | Request::WithdrawInvitation(_)
        | Request::Hide(_)
        | Request::Hidden(_)
        | Request::Typing(_)
        | Request::OneChat(_)
        | Request::GroupChat(_)
        | Request::History(_)
        | Request::Conversations(_)
        | Request::Recall(_)
        | Request::EditMessage(_)
        | Request::Changes(_)
        | Request::Ack(_)
        | Request::Read(_)
        | Request::Receipts(_)
        | Request::Quiet(_)
        | Request::SetQuiet(_)
        | Request::Notices(_)
        | Request::AckNotices(_)
        | Request::Broadcasts(_)
        | Request::AckBroadcasts(_)
        | Request::Profile(_)
        | Request::EditProfile(_)
        | Request::SearchUsers(_)
        | Request::SearchMessages(_) => false,
    }
}

fn needs_no_session(request: &Request) -> bool {
    matches!(
        request,
        Request::Login(_) | Request::Reg(_) | Request::Recover(_) | Request::Resume(_) | Request::Ping(_)
    )
}

/// Whether a request may be repeated when nobody knows what became of it: chat messages because the server knows them
/// by their `client_msg_id`, acknowledgements because they are cumulative, questions because they change nothing.
fn repeat(request: &Request) -> Repeat {
    match request {
        Request::OneChat(_)
        | Request::GroupChat(_)
        | Request::Ack(_)
        | Request::Read(_)
        | Request::Receipts(_)
        | Request::Quiet(_)
        | Request::SetQuiet(_)
        | Request::Ping(_)
        | Request::Refresh(_)
        | Request::Sessions(_)
        | Request::Friends(_)
        | Request::FriendRequests(_)
        | Request::Blocked(_)
        // Blocked is blocked.
        | Request::Block(_)
        | Request::Groups(_)
        | Request::GroupMembers(_)
        | Request::GroupProfile(_)
        | Request::Applications(_)
        | Request::Invitations(_)
        | Request::History(_)
        | Request::Conversations(_)
        | Request::Changes(_)
        // What was taken back is answered as it was.
        | Request::Recall(_)
        | Request::Notices(_)
        | Request::AckNotices(_)
        | Request::Broadcasts(_)
        | Request::AckBroadcasts(_)
        | Request::Profile(_)
        | Request::SearchUsers(_)
        | Request::SearchMessages(_)
        // They say what is to be, not what is to change.
        | Request::EditFriend(_)
        | Request::RenameLabel(_)
        | Request::Hide(_)
        | Request::Hidden(_)
        | Request::Typing(_)
        | Request::EditProfile(_) => Repeat::Safe,
        Request::Hello(_)
        | Request::Login(_)
        | Request::Reg(_)
        | Request::Recover(_)
        | Request::ChangePassword(_)
        | Request::NewRecoveryCodes(_)
        | Request::DeleteAccount(_)
        | Request::Resume(_)
        | Request::LogOut(_)
        | Request::EndSession(_)
        | Request::RemoveMember(_)
        | Request::SetRole(_)
        | Request::HandOver(_)
        | Request::DissolveGroup(_)
        | Request::EditGroup(_)
        | Request::MuteMember(_)
        | Request::MuteGroup(_)
        | Request::DecideApplication(_)
        | Request::WithdrawApplication(_)
        | Request::Invite(_)
        | Request::AnswerInvitation(_)
        | Request::WithdrawInvitation(_)
        | Request::AddFriend(_)
        | Request::AcceptFriend(_)
        | Request::RefuseFriend(_)
        | Request::WithdrawFriend(_)
        | Request::DeleteFriend(_)
        | Request::Unblock(_)
        | Request::CreateGroup(_)
        | Request::JoinGroup(_)
        | Request::LeaveGroup(_)
        // Another device may have edited it since.
        | Request::EditMessage(_) => Repeat::Unsafe,
    }
}
