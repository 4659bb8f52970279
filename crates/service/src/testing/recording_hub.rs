//! Hubs for tests.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use domain::{GroupId, Reach, Seq, SessionId, UserId};
use parking_lot::Mutex;
use protocol::{Bye, Code, Push, Refusal, Reply};

use crate::caller::{ConnKey, Principal};
use crate::hub::{Audience, Delivery, Echo, Held, Hub, Readers};
use crate::moves::Move;
use crate::notice::Notice;

/// A hub that keeps what each connection would have been sent. Keeps the whole contract of [`Hub`], as a node that is
/// alone would.
pub struct RecordingHub {
    connections: Mutex<HashMap<ConnKey, Connection>>,
    reach: Mutex<Reach>,
    notices: Mutex<Vec<Notice>>,
    followed: Mutex<BTreeSet<(UserId, GroupId)>>,
    begun: Mutex<Vec<(UserId, GroupId, Seq)>>,
    before_attach: Mutex<Option<Hook>>,
    after_detach: Mutex<Option<Hook>>,
}

type Hook = Box<dyn FnOnce() + Send>;

/// What became of one connection. Stays after its close, to be asserted on.
#[derive(Debug, Default)]
struct Connection {
    principal: Option<Principal>,
    attached: Move,
    pushes: Vec<Push>,
    answers: Vec<(u32, Result<Reply, Refusal>)>,
    closed: Option<Bye>,
}

impl RecordingHub {
    /// A hub without connections, of a node that is alone.
    pub fn new() -> RecordingHub {
        RecordingHub {
            connections: Mutex::default(),
            reach: Mutex::new(Reach::Alone),
            notices: Mutex::default(),
            followed: Mutex::default(),
            begun: Mutex::default(),
            before_attach: Mutex::default(),
            after_detach: Mutex::default(),
        }
    }

    /// Makes it the hub of a node among others, or of one that cannot reach them.
    pub fn set_reach(&self, reach: Reach) {
        *self.reach.lock() = reach;
    }

    /// What other nodes were told since the last call, in order.
    pub fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut self.notices.lock())
    }

    /// The groups that are listened to for this user.
    pub fn followed(&self, user: UserId) -> Vec<GroupId> {
        let followed = self.followed.lock();
        followed.iter().filter(|(follower, _)| *follower == user).map(|(_, group)| *group).collect()
    }

    /// Whom what was said after which seq is brought, by [`Hub::follow_from`] since the last call, in order.
    pub fn take_begun(&self) -> Vec<(UserId, GroupId, Seq)> {
        std::mem::take(&mut self.begun.lock())
    }

    /// Runs something in the thread that attaches the next connection, just before: the place to let others race.
    pub fn before_next_attach(&self, hook: impl FnOnce() + Send + 'static) {
        *self.before_attach.lock() = Some(Box::new(hook));
    }

    /// The same, just after the next connection was detached.
    pub fn after_next_detach(&self, hook: impl FnOnce() + Send + 'static) {
        *self.after_detach.lock() = Some(Box::new(hook));
    }

    /// Whom the connection speaks for.
    pub fn principal(&self, conn: ConnKey) -> Option<Principal> {
        self.connections.lock().get(&conn).and_then(|connection| connection.principal.clone())
    }

    /// The pushes since the last call, in their order, messages included.
    pub fn take_pushes(&self, conn: ConnKey) -> Vec<Push> {
        let mut connections = self.connections.lock();
        connections
            .get_mut(&conn)
            .map(|connection| std::mem::take(&mut connection.pushes))
            .unwrap_or_default()
    }

    /// Puts pushes back that were taken.
    pub fn push_back(&self, conn: ConnKey, pushes: Vec<Push>) {
        let mut connections = self.connections.lock();
        connections.entry(conn).or_default().pushes.splice(..0, pushes);
    }

    /// The answers to chat requests and changes since the last call, by request id, in their order.
    pub fn take_answers(&self, conn: ConnKey) -> Vec<(u32, Result<Reply, Refusal>)> {
        let mut connections = self.connections.lock();
        connections
            .get_mut(&conn)
            .map(|connection| std::mem::take(&mut connection.answers))
            .unwrap_or_default()
    }

    /// Why the connection was closed, if it was.
    pub fn closed(&self, conn: ConnKey) -> Option<Bye> {
        self.connections.lock().get(&conn).and_then(|connection| connection.closed.clone())
    }
}

impl Default for RecordingHub {
    fn default() -> RecordingHub {
        RecordingHub::new()
    }
}

impl Hub for RecordingHub {
    fn attach(&self, conn: ConnKey, principal: &Principal, when: &mut dyn FnMut() -> Move) {
        run(&self.before_attach);
        let mut connections = self.connections.lock();
        for (other, connection) in connections.iter_mut() {
            if *other != conn && connection.holds(principal.user, principal.session) {
                connection.principal = None;
                connection.closed = Some(moved());
            }
        }
        let connection = connections.entry(conn).or_default();
        connection.principal = Some(principal.clone());
        connection.attached = when();
    }

    fn detach(&self, conn: ConnKey, principal: &Principal) -> Held {
        let held = match self.connections.lock().get_mut(&conn) {
            Some(connection) if connection.holds(principal.user, principal.session) => {
                connection.principal = None;
                Held::ByThis
            }
            _ => Held::NotByThis,
        };
        run(&self.after_detach);
        held
    }

    fn push(&self, audience: Audience<'_>, push: &Push) {
        let mut connections = self.connections.lock();
        for (conn, connection) in connections.iter_mut() {
            let reached = match (audience, connection.user()) {
                (_, None) => false,
                (Audience::EverybodyHere, Some(_)) => true,
                (Audience::Users(users) | Audience::Here(users), Some(user)) => users.contains(&user),
                (Audience::Members { members, but, .. }, Some(user)) => {
                    user != but && members.contains(&user)
                }
                (Audience::OthersOf(reader, knows) | Audience::OthersHere(reader, knows), Some(user)) => {
                    user == reader && *conn != knows
                }
            };
            if reached {
                connection.receive(push.clone());
            }
        }
    }

    fn deliver(&self, deliveries: Vec<Delivery>) {
        let mut connections = self.connections.lock();
        for delivery in deliveries {
            let asker = delivery.origin.map(|origin| origin.conn);
            if let Some(origin) = delivery.origin {
                connections.entry(origin.conn).or_default().answers.push((origin.rid, delivery.answer));
            }
            let Some((message, readers)) = delivery.message else { continue };
            for (conn, connection) in connections.iter_mut() {
                let reads = connection.user().is_some_and(|user| match &readers {
                    Readers::Pair(one, other) => user == *one || user == *other,
                    Readers::Members { members, .. } => members.contains(&user),
                });
                if reads && (Some(*conn) != asker || delivery.echo == Echo::ToAll) {
                    connection.receive(Push::from(message.clone()));
                }
            }
        }
    }

    fn close_session(&self, user: UserId, session: SessionId, bye: Bye) {
        let mut connections = self.connections.lock();
        // The connection stays attached until it is reported as gone, but receives nothing any more.
        for connection in connections.values_mut().filter(|connection| connection.holds(user, session)) {
            connection.closed = Some(bye.clone());
        }
    }

    fn close_moved(&self, user: UserId, session: SessionId, moved_at: Move) {
        let mut connections = self.connections.lock();
        for connection in connections.values_mut().filter(|connection| connection.holds(user, session)) {
            if connection.attached < moved_at {
                connection.closed = Some(moved());
            }
        }
    }

    fn reach(&self) -> Reach {
        *self.reach.lock()
    }

    fn tell_nodes(&self, notice: Notice) {
        self.notices.lock().push(notice);
    }

    fn follow(&self, user: UserId, groups: &[GroupId]) {
        if !self.here(&[user]).is_empty() {
            self.followed.lock().extend(groups.iter().map(|group| (user, *group)));
        }
    }

    fn follow_from(&self, user: UserId, group: GroupId, since: Seq) {
        self.follow(user, &[group]);
        self.begun.lock().push((user, group, since));
    }

    fn unfollow(&self, user: UserId, group: GroupId) {
        self.followed.lock().remove(&(user, group));
    }

    fn here(&self, users: &[UserId]) -> Vec<UserId> {
        let connections = self.connections.lock();
        let is_here =
            |user: &&UserId| connections.values().any(|connection| connection.user() == Some(**user));
        users.iter().filter(is_here).copied().collect()
    }
}

fn moved() -> Bye {
    let code = Code::SESSION_MOVED;
    Bye { errcode: code.0, errmsg: code.text().into(), retry_after_ms: 0 }
}

fn run(hook: &Mutex<Option<Hook>>) {
    let hook = hook.lock().take();
    if let Some(hook) = hook {
        hook();
    }
}

impl fmt::Debug for RecordingHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingHub").field("connections", &self.connections).finish_non_exhaustive()
    }
}

impl Connection {
    fn user(&self) -> Option<UserId> {
        self.principal.as_ref().map(|principal| principal.user)
    }

    fn holds(&self, user: UserId, session: SessionId) -> bool {
        self.principal.as_ref().is_some_and(|held| held.user == user && held.session == session)
    }

    fn receive(&mut self, push: Push) {
        if self.closed.is_none() {
            self.pushes.push(push);
        }
    }
}

/// A hub that throws everything away: what is left to measure is the service.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullHub;

impl Hub for NullHub {
    fn attach(&self, _conn: ConnKey, _principal: &Principal, _when: &mut dyn FnMut() -> Move) {}

    fn detach(&self, _conn: ConnKey, _principal: &Principal) -> Held {
        Held::ByThis
    }

    fn push(&self, _audience: Audience<'_>, _push: &Push) {}

    fn deliver(&self, deliveries: Vec<Delivery>) {
        std::hint::black_box(deliveries);
    }

    fn close_session(&self, _user: UserId, _session: SessionId, _bye: Bye) {}

    fn close_moved(&self, _user: UserId, _session: SessionId, _moved: Move) {}

    fn reach(&self) -> Reach {
        Reach::Alone
    }

    fn tell_nodes(&self, _notice: Notice) {}

    fn follow(&self, _user: UserId, _groups: &[GroupId]) {}

    fn follow_from(&self, _user: UserId, _group: GroupId, _since: Seq) {}

    fn unfollow(&self, _user: UserId, _group: GroupId) {}

    fn here(&self, _users: &[UserId]) -> Vec<UserId> {
        Vec::new()
    }
}
