//! The gateway's side of the service: pushes, answers of stored messages, and who is connected.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, MutexGuard};
use protocol::{Bye, Code, Push, encode};
use reactor::{ConnId, Remote};
use service::domain::{
    Bus, BusReceiver, ChangePosition, ConversationId, GroupId, Parties, PresenceWatcher, Publication, Reach,
    RosterVersion, Seq, SessionId, Timestamp, Topic, UserId,
};
use service::{Audience, Batch, ConnKey, Delivery, Echo, Held, Hub, Move, Notice, Principal, Readers, Said};

use crate::config::GatewayConfig;
use crate::courier::{BY_THE_BUS, Courier};
use crate::expulsion::Expulsion;
use crate::group_topics::GroupTopics;
use crate::inbox::Inbox;
use crate::lanes::Lanes;
use crate::metrics::{Counters, GatewaySnapshot};
use crate::node_message;
use crate::post::{Crowd, DoorMail, Post};
use crate::presence_watch::PresenceWork;
use crate::relay::{Outgoing, Relay};
use crate::repairs::{GroupPush, Repairs};
use crate::seats::{RowChange, Seat, Seats};
use crate::sequencer::{Source, Talk, Verdict};

/// Bytes that a frame mostly takes to encode.
const ENCODE_BUFFER_BYTES: usize = 4 * 1024;

/// Bytes of the notices of other nodes that wait for the listener, at most, and their number.
const NOTICES_BYTES_MAX: usize = 16 * 1024 * 1024;
const NOTICES_MAX: usize = 16_384;

/// The hub. Shared by all workers and appenders. A node that is alone holds no lock while frames are encoded or posted;
/// one of several sends the messages of all nodes through its relay.
pub struct GatewayHub {
    seats: Arc<Seats>,
    lanes: Lanes,
    bus: Arc<dyn Bus>,
    remote: OnceLock<Remote<DoorMail>>,
    counters: Arc<Counters>,
    topics: Arc<GroupTopics>,
    relay: Relay,
    /// What the bus brought: for the courier.
    inbox: Inbox<Publication>,
    /// While this node hears others.
    courier: Mutex<Option<Courier>>,
    /// What services of other nodes told: for the listener.
    notices: Inbox<Notice>,
    repairs: Arc<Repairs>,
    presence: PresenceWork,
    expulsion: Expulsion,
}

impl GatewayHub {
    pub(crate) fn new(config: &GatewayConfig, bus: Arc<dyn Bus>, counters: Arc<Counters>) -> GatewayHub {
        let seats = Arc::new(Seats::new());
        let topics = Arc::new(GroupTopics::new());
        let repairs = Arc::new(Repairs::new());
        GatewayHub {
            relay: Relay::new(
                config,
                Arc::clone(&seats),
                Arc::clone(&topics),
                Arc::clone(&repairs),
                Arc::clone(&counters),
            ),
            seats,
            lanes: Lanes::new(),
            bus,
            remote: OnceLock::new(),
            counters,
            topics,
            inbox: Inbox::new(config.bus_inbox_max, config.bus_inbox_bytes_max, BY_THE_BUS),
            courier: Mutex::new(None),
            notices: Inbox::new(NOTICES_MAX, NOTICES_BYTES_MAX, 0),
            repairs,
            presence: PresenceWork::new(),
            expulsion: Expulsion::default(),
        }
    }

    /// Tells the hub how to reach the sub reactors. Called once, before any connection exists.
    pub(crate) fn connect(&self, remote: Remote<DoorMail>) {
        let _ = self.remote.set(remote);
    }

    /// A post of the caller's own; `None` while there are no sub reactors, and so no connections either.
    pub(crate) fn post(&self) -> Option<Post> {
        self.remote.get().cloned().map(Post::new)
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    pub(crate) fn seats(&self) -> &Seats {
        &self.seats
    }

    pub(crate) fn relay(&self) -> &Relay {
        &self.relay
    }

    pub(crate) fn inbox(&self) -> &Inbox<Publication> {
        &self.inbox
    }

    /// What delivers. Locked for as long as somebody works with it, which is whoever has the inbox's turn.
    pub(crate) fn courier(&self) -> MutexGuard<'_, Option<Courier>> {
        self.courier.lock()
    }

    pub(crate) fn notices(&self) -> &Inbox<Notice> {
        &self.notices
    }

    pub(crate) fn repairs(&self) -> &Repairs {
        &self.repairs
    }

    pub(crate) fn presence(&self) -> &PresenceWork {
        &self.presence
    }

    pub(crate) fn expulsion(&self) -> &Expulsion {
        &self.expulsion
    }

    /// Adds the hub's gauges.
    pub(crate) fn gauges(&self, snapshot: &mut GatewaySnapshot) {
        let (inbox, notices) = (self.inbox.level(), self.notices.level());
        snapshot.users = self.seats.users() as u64;
        snapshot.bus_inbox = inbox.waiting;
        snapshot.bus_inbox_high_water = inbox.high_water;
        snapshot.bus_inbox_dropped = inbox.dropped;
        snapshot.notices_waiting = notices.waiting;
        snapshot.notices_dropped = notices.dropped;
        (snapshot.tails, snapshot.held) = self.relay.levels();
        snapshot.group_topics = self.topics.len() as u64;
        snapshot.repairs_waiting = self.repairs.len() as u64;
        snapshot.presence_waiting = self.presence.len() as u64;
    }

    /// Something that other nodes published since then was dropped here.
    pub(crate) fn lost_since(&self, since: Timestamp) {
        self.missed(since);
        self.presence.review();
    }

    /// A push of another node for those members who are here.
    pub(crate) fn push_to_members(&self, push: &GroupPush, members: &[UserId], post: &mut Post) {
        for user in members.iter().filter(|user| **user != push.but) {
            self.seats.tell(*user, None, &push.frame, post);
        }
    }

    fn publish(&self, batch: Vec<Publication>) {
        if batch.is_empty() {
            return;
        }
        if let Err(error) = self.bus.publish(batch) {
            // The log is the truth: whoever misses this reads it there.
            self.counters.bus_publish_failed.add(1);
            log::debug!("not published: {error}");
        }
    }

    /// An appender is about to store these. A node that is alone has nobody who would read them from the log meanwhile.
    pub(crate) fn take_up(&self, batch: &Batch) {
        if !self.is_alone() {
            self.relay.in_hand().take_up(batch);
        }
    }

    /// All of an appender's batch was answered. By one of its conversations.
    pub(crate) fn put_down(&self, conversation: ConversationId) {
        if !self.is_alone() {
            self.relay.in_hand().put_down(conversation);
        }
    }

    fn is_alone(&self) -> bool {
        self.bus.reach() == Reach::Alone
    }

    /// Answers, publishes, and passes on in the order of each conversation, which other nodes write too.
    fn deliver_in_cluster(&self, deliveries: Vec<Delivery>, post: &mut Post) {
        let mut buffer = BytesMut::with_capacity(ENCODE_BUFFER_BYTES);
        let mut publications = Vec::with_capacity(deliveries.len() * 2);
        let mut passage = self.relay.passage(post);
        for delivery in deliveries {
            if let Some(conn) = self.answer(&delivery, &mut buffer) {
                passage.send(conn, chunk(&mut buffer));
            }
            let but = speaker(&delivery);
            let Some((said, readers)) = delivery.message else { continue };
            self.count(&said);
            let (conversation, seq) = said.place();
            let (parties, version) = match &readers {
                Readers::Pair(a, b) => (Parties::Pair(*a.min(b), *a.max(b)), RosterVersion(0)),
                Readers::Members { version, .. } => (Parties::Group, *version),
            };
            match &said {
                Said::Message(_) => {
                    node_message::begin_message(conversation, seq, parties, version, &mut buffer);
                }
                Said::Changed(changed) => {
                    let position = ChangePosition(changed.position);
                    node_message::begin_changed(conversation, seq, position, parties, version, &mut buffer);
                }
            }
            let begin = buffer.len();
            let is_change = matches!(said, Said::Changed(_));
            encode::push(&said.into(), &mut buffer);
            let payload = chunk(&mut buffer);
            let frame = payload.slice(begin..);
            let mut publish = |topic| publications.push(Publication { topic, payload: payload.clone() });
            match parties {
                Parties::Pair(one, other) => [one, other].into_iter().map(Topic::User).for_each(publish),
                Parties::Group => publish(Topic::Group(conversation.group())),
            }
            let (talk, message) =
                (Talk { conversation, parties }, Outgoing { frame, to: readers.into(), but });
            if is_change {
                // What this node stored is confirmed.
                passage.changed(talk, seq, Source::Here, message);
                continue;
            }
            let verdict = passage.message(talk, seq, Source::Here, message);
            if let (Verdict::NotHeld, Some(conn)) = (verdict, but) {
                let forgotten = self.relay.in_hand().leave(conn, &payload[begin..]);
                self.counters.senders_forgotten.add(forgotten);
            }
        }
        drop(passage);
        self.publish(publications);
    }

    /// Encodes the answer, for this connection; none if nobody asked.
    fn count(&self, said: &Said) {
        match said {
            Said::Message(_) => self.counters.messages_delivered.add(1),
            Said::Changed(_) => self.counters.changes_delivered.add(1),
        }
    }

    fn answer(&self, delivery: &Delivery, out: &mut BytesMut) -> Option<ConnId> {
        let origin = delivery.origin?;
        match &delivery.answer {
            Ok(reply) => encode::reply(origin.rid, reply, out),
            Err(refusal) => {
                self.counters.refusals.add(refusal.code);
                encode::refusal(origin.rid, origin.request.into(), refusal, out);
            }
        }
        Some(ConnId::from_bits(origin.conn.0))
    }
}

/// The connection that is not given the message, because it said it.
fn speaker(delivery: &Delivery) -> Option<ConnId> {
    match delivery.echo {
        Echo::ToOthers => delivery.origin.map(|origin| ConnId::from_bits(origin.conn.0)),
        Echo::ToAll => None,
    }
}

/// What was encoded, in memory of its own: it may wait for long, in the outbox of a slow reader or for the bus to come back,
/// and is to keep nothing else from being freed.
fn chunk(buffer: &mut BytesMut) -> Bytes {
    let chunk = Bytes::copy_from_slice(buffer);
    buffer.clear();
    chunk
}

impl Hub for GatewayHub {
    fn attach(&self, conn: ConnKey, principal: &Principal, when: &mut dyn FnMut() -> Move) {
        // A lane is known until its farewell, which comes after the request that attaches it.
        let Some(lane) = self.lanes.find(conn) else { return };
        // A RESUME that its client has given up must not take the seat of the one that came after it.
        if lane.is_leaving() && self.seats.of_session(principal.user, principal.session).is_some() {
            return;
        }
        lane.greeting.await_answer();
        let (change, before) = self.seats.sit(principal.user, principal.session, lane, when);
        if change == RowChange::Edge {
            self.bus.subscribe(&[Topic::User(principal.user)]);
        }
        if let (Some(before), Some(mut post)) = (before, self.post())
            && before.conn().to_bits() != conn.0
        {
            end_seat(&before, moved(), "session resumed elsewhere", &mut post);
        }
    }

    fn detach(&self, conn: ConnKey, principal: &Principal) -> Held {
        match self.seats.rise(principal.user, ConnId::from_bits(conn.0)) {
            RowChange::None => Held::NotByThis,
            RowChange::Inner => Held::ByThis,
            RowChange::Edge => {
                self.bus.unsubscribe(&[Topic::User(principal.user)]);
                if !self.is_alone() {
                    self.topics.forget(&*self.bus, principal.user);
                }
                Held::ByThis
            }
        }
    }

    fn push(&self, audience: Audience<'_>, push: &Push) {
        let Some(mut post) = self.post() else { return };
        let chunk = encode::push_bytes(push);
        let (users, except): (&[UserId], _) = match &audience {
            Audience::EverybodyHere => return self.seats.tell_everybody(&chunk, &mut post),
            Audience::Users(users) | Audience::Here(users) => (users, None),
            Audience::Members { members, .. } => (members, None),
            Audience::OthersOf(user, conn) | Audience::OthersHere(user, conn) => {
                (std::slice::from_ref(user), Some(ConnId::from_bits(conn.0)))
            }
        };
        let but = if let Audience::Members { but, .. } = audience { Some(but) } else { None };
        for user in users.iter().filter(|user| Some(**user) != but) {
            self.seats.tell(*user, except, &chunk, &mut post);
        }
        post.flush();
        if self.is_alone() {
            return;
        }
        match audience {
            Audience::EverybodyHere | Audience::Here(_) | Audience::OthersHere(..) => {}
            Audience::Users(_) | Audience::OthersOf(..) => {
                let payload = node_message::push(&chunk);
                let to = |user: &UserId| Publication { topic: Topic::User(*user), payload: payload.clone() };
                self.publish(users.iter().map(to).collect());
            }
            Audience::Members { group, version, but, .. } => {
                let payload = node_message::group_push(version, but, &chunk);
                self.publish(vec![Publication { topic: Topic::Group(group), payload }]);
            }
        }
    }

    fn deliver(&self, deliveries: Vec<Delivery>) {
        let Some(mut post) = self.post() else { return };
        if !self.is_alone() {
            return self.deliver_in_cluster(deliveries, &mut post);
        }
        let loops = post.loops();
        let mut buffer = BytesMut::with_capacity(ENCODE_BUFFER_BYTES);
        // The crowd of the last group and sender: a busy group's messages come in rows.
        let mut crowd: Option<(Option<ConnId>, Arc<[UserId]>, Crowd)> = None;
        for delivery in deliveries {
            if let Some(conn) = self.answer(&delivery, &mut buffer) {
                post.send(conn, chunk(&mut buffer));
            }
            let but = speaker(&delivery);
            let Some((said, readers)) = delivery.message else { continue };
            self.count(&said);
            encode::push(&said.into(), &mut buffer);
            let chunk = chunk(&mut buffer);
            match readers {
                Readers::Pair(a, b) => {
                    for user in [a, b] {
                        self.seats.each(user, |to| {
                            if Some(to) != but {
                                post.send(to, chunk.clone());
                            }
                        });
                    }
                }
                Readers::Members { members, .. } => {
                    let known =
                        crowd.as_ref().is_some_and(|(by, of, _)| *by == but && Arc::ptr_eq(of, &members));
                    if !known {
                        let mut conns = Vec::new();
                        self.seats.each_of(&members, |to| conns.push(to));
                        let others = conns.into_iter().filter(|to| Some(*to) != but);
                        crowd = Some((but, Arc::clone(&members), Crowd::new(loops, others)));
                    }
                    if let Some((_, _, crowd)) = &crowd {
                        post.send_many(crowd, &chunk);
                    }
                }
            }
        }
        post.flush();
    }

    fn close_session(&self, user: UserId, session: SessionId, bye: Bye) {
        if let (Some(seat), Some(mut post)) = (self.seats.of_session(user, session), self.post()) {
            end_seat(&seat, bye, "session ended", &mut post);
        }
    }

    fn close_moved(&self, user: UserId, session: SessionId, moved_at: Move) {
        // The notice of an earlier move may come late, when the session is back here.
        let seat = self.seats.of_session(user, session).filter(|seat| seat.moved < moved_at);
        if let (Some(seat), Some(mut post)) = (seat, self.post()) {
            end_seat(&seat, moved(), "session resumed on another node", &mut post);
        }
    }

    fn reach(&self) -> Reach {
        self.bus.reach()
    }

    fn tell_nodes(&self, notice: Notice) {
        if self.is_alone() {
            return;
        }
        let mut publications: Vec<Publication> = Vec::new();
        for payload in node_message::notice(&notice) {
            if let Notice::RosterChanged(change) = &notice {
                // The message that tells of it goes the same way, and comes after it.
                let topic = Topic::Group(change.group);
                publications.push(Publication { topic, payload: payload.clone() });
            }
            publications.push(Publication { topic: Topic::Nodes, payload });
        }
        self.publish(publications);
    }

    fn follow(&self, user: UserId, groups: &[GroupId]) {
        if !self.is_alone() {
            self.topics.follow(&*self.bus, &self.seats, user, groups);
        }
    }

    fn follow_from(&self, user: UserId, group: GroupId, since: Seq) {
        if self.is_alone() {
            return;
        }
        let Some(mut post) = self.post() else { return };
        let begin = || {
            self.relay.passage(&mut post).begin(group, since);
        };
        if self.topics.follow_anew(&*self.bus, &self.seats, user, group, begin) {
            self.relay.passage(&mut post).suspect(group);
        }
    }

    fn unfollow(&self, user: UserId, group: GroupId) {
        if !self.is_alone() {
            self.topics.unfollow(&*self.bus, user, group);
        }
    }

    fn here(&self, users: &[UserId]) -> Vec<UserId> {
        users.iter().copied().filter(|user| self.seats.is_here(*user)).collect()
    }
}

/// No further request of the connection is begun; it is closed.
fn end_seat(seat: &Seat, bye: Bye, why: &'static str, post: &mut Post) {
    seat.lane.revoke();
    post.close(seat.conn(), encode::push_bytes(&Push::Bye(bye)), why);
    post.flush();
}

fn moved() -> Bye {
    let code = Code::SESSION_MOVED;
    Bye { errcode: code.0, errmsg: code.text().to_owned(), retry_after_ms: 0 }
}

impl BusReceiver for GatewayHub {
    fn receive(&self, publication: Publication) {
        let bytes = publication.payload.len();
        self.inbox.put(publication, bytes);
    }

    fn lot_ended(&self) {
        let mut few = Vec::new();
        let Some(completeness) = self.inbox.take_few(&mut few) else { return };
        if let Some(courier) = &mut *self.courier() {
            courier.deliver_few(completeness, &mut few);
        }
        self.inbox.worked_off();
    }

    fn missed(&self, since: Timestamp) {
        self.counters.missed.add(1);
        self.repairs.missed(since);
    }
}

impl PresenceWatcher for GatewayHub {
    fn changed(&self, users: Vec<UserId>) {
        self.presence.changed(users);
    }

    fn review(&self) {
        self.presence.review();
    }

    fn expelled(&self, why: String) {
        self.expulsion.happen(why);
    }
}
