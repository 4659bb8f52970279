//! The gateway's side of the service: pushes, answers of stored messages, and who is connected.

use std::sync::{Arc, OnceLock};

use bytes::BytesMut;
use protocol::{Bye, Code, Push, Reply, encode};
use reactor::{ConnId, Remote};
use service::domain::{Bus, BusReceiver, GroupId, Publication, Reach, SessionId, Timestamp, Topic, UserId};
use service::{Audience, ChatKind, ConnKey, Delivery, Held, Hub, Notice, Principal, Readers};

use crate::lanes::Lanes;
use crate::metrics::Counters;
use crate::post::{Crowd, DoorMail, Post};
use crate::seats::{RowChange, Seat, Seats};

/// Bytes of encoded frames gathered in one buffer before it is cut into chunks.
const ENCODE_BUFFER_BYTES: usize = 64 * 1024;

/// The hub. Shared by all workers and appenders; no lock is held while frames are encoded or posted.
pub struct GatewayHub {
    seats: Seats,
    lanes: Lanes,
    bus: Arc<dyn Bus>,
    remote: OnceLock<Remote<DoorMail>>,
    counters: Arc<Counters>,
}

impl GatewayHub {
    pub(crate) fn new(bus: Arc<dyn Bus>, counters: Arc<Counters>) -> GatewayHub {
        GatewayHub { seats: Seats::new(), lanes: Lanes::new(), bus, remote: OnceLock::new(), counters }
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

    /// Users with a connection here.
    pub(crate) fn users(&self) -> usize {
        self.seats.users()
    }

    fn publish(&self, topics: impl Iterator<Item = Topic>, payload: &bytes::Bytes) {
        let batch: Vec<_> = topics.map(|topic| Publication { topic, payload: payload.clone() }).collect();
        if let Err(error) = self.bus.publish(batch) {
            // The log is the truth: whoever misses this reads it there.
            self.counters.bus_publish_failed.add(1);
            log::debug!("not published: {error}");
        }
    }

    fn is_alone(&self) -> bool {
        self.bus.reach() == Reach::Alone
    }

    fn answer(delivery: &Delivery, out: &mut BytesMut) {
        let origin = delivery.origin;
        let msgid = match origin.kind {
            ChatKind::One => protocol::MsgId::OneChat,
            ChatKind::Group => protocol::MsgId::GroupChat,
        };
        match &delivery.answer {
            Ok(sent) => {
                let reply = match origin.kind {
                    ChatKind::One => Reply::OneChat(*sent),
                    ChatKind::Group => Reply::GroupChat(*sent),
                };
                encode::reply(origin.rid, &reply, out);
            }
            Err(refusal) => encode::refusal(origin.rid, msgid.into(), refusal, out),
        }
    }
}

impl Hub for GatewayHub {
    fn attach(&self, conn: ConnKey, principal: &Principal) {
        // A lane is known until its farewell, which comes after the request that attaches it.
        let Some(lane) = self.lanes.find(conn) else { return };
        // A RESUME that its client has given up must not take the seat of the one that came after it.
        if lane.is_leaving() && self.seats.of_session(principal.user, principal.session).is_some() {
            return;
        }
        let (change, before) = self.seats.sit(principal.user, Seat { session: principal.session, lane });
        if change == RowChange::Edge {
            self.bus.subscribe(&[Topic::User(principal.user)]);
        }
        if let (Some(before), Some(mut post)) = (before, self.post())
            && before.conn().to_bits() != conn.0
        {
            before.lane.revoke();
            let bye = Bye {
                errcode: Code::SESSION_MOVED.0,
                errmsg: Code::SESSION_MOVED.text().to_owned(),
                retry_after_ms: 0,
            };
            post.close(before.conn(), encode::push_bytes(&Push::Bye(bye)), "session resumed elsewhere");
            post.flush();
        }
    }

    fn detach(&self, conn: ConnKey, principal: &Principal) -> Held {
        match self.seats.rise(principal.user, ConnId::from_bits(conn.0)) {
            RowChange::None => Held::NotByThis,
            RowChange::Inner => Held::ByThis,
            RowChange::Edge => {
                self.bus.unsubscribe(&[Topic::User(principal.user)]);
                Held::ByThis
            }
        }
    }

    fn push(&self, audience: Audience<'_>, push: &Push) {
        let Some(mut post) = self.post() else { return };
        let chunk = encode::push_bytes(push);
        let (users, except): (&[UserId], _) = match &audience {
            Audience::Users(users) | Audience::Here(users) => (users, None),
            Audience::Members { members, .. } => (members, None),
            Audience::OthersOf(user, conn) => (std::slice::from_ref(user), Some(ConnId::from_bits(conn.0))),
        };
        let but = if let Audience::Members { but, .. } = audience { Some(but) } else { None };
        for user in users.iter().filter(|user| Some(**user) != but) {
            self.seats.each(*user, |conn| {
                if Some(conn) != except {
                    post.send(conn, chunk.clone());
                }
            });
        }
        post.flush();
        if !self.is_alone() && !matches!(audience, Audience::Here(_)) {
            self.publish(users.iter().map(|user| Topic::User(*user)), &chunk);
        }
    }

    fn deliver(&self, deliveries: Vec<Delivery>) {
        let Some(mut post) = self.post() else { return };
        let loops = post.loops();
        let mut buffer = BytesMut::with_capacity(ENCODE_BUFFER_BYTES);
        // The crowd of the last group and sender: a busy group's messages come in rows.
        let mut crowd: Option<(ConnId, Arc<[UserId]>, Crowd)> = None;
        for delivery in deliveries {
            let conn = ConnId::from_bits(delivery.origin.conn.0);
            Self::answer(&delivery, &mut buffer);
            post.send(conn, buffer.split().freeze());
            let Some((message, readers)) = delivery.message else { continue };
            self.counters.messages_delivered.add(1);
            encode::push(&Push::Message(message), &mut buffer);
            let chunk = buffer.split().freeze();
            match readers {
                Readers::Pair(a, b) => {
                    for user in [a, b] {
                        self.seats.each(user, |to| {
                            if to != conn {
                                post.send(to, chunk.clone());
                            }
                        });
                    }
                    if !self.is_alone() {
                        self.publish([a, b].into_iter().map(Topic::User), &chunk);
                    }
                }
                Readers::Members { members, .. } => {
                    let known =
                        crowd.as_ref().is_some_and(|(by, of, _)| *by == conn && Arc::ptr_eq(of, &members));
                    if !known {
                        let mut conns = Vec::new();
                        for user in members.iter() {
                            self.seats.each(*user, |to| conns.push(to));
                        }
                        let others = conns.into_iter().filter(|to| *to != conn);
                        crowd = Some((conn, Arc::clone(&members), Crowd::new(loops, others)));
                    }
                    if let Some((_, _, crowd)) = &crowd {
                        post.send_many(crowd, &chunk);
                    }
                    if !self.is_alone() {
                        self.publish(members.iter().map(|user| Topic::User(*user)), &chunk);
                    }
                }
            }
        }
        post.flush();
    }

    fn close_session(&self, user: UserId, session: SessionId, bye: Bye) {
        let (Some(seat), Some(mut post)) = (self.seats.of_session(user, session), self.post()) else {
            return;
        };
        seat.lane.revoke();
        post.close(seat.conn(), encode::push_bytes(&Push::Bye(bye)), "session ended");
        post.flush();
    }

    fn reach(&self) -> Reach {
        self.bus.reach()
    }

    fn tell_nodes(&self, _notice: Notice) {}

    fn follow(&self, _user: UserId, _groups: &[GroupId]) {}

    fn unfollow(&self, _user: UserId, _group: GroupId) {}

    fn here(&self, users: &[UserId]) -> Vec<UserId> {
        users.iter().copied().filter(|user| self.seats.is_here(*user)).collect()
    }
}

impl BusReceiver for GatewayHub {
    fn receive(&self, publication: Publication) {
        let Some(mut post) = self.post() else { return };
        if let Topic::User(user) = publication.topic {
            self.seats.each(user, |conn| post.send(conn, publication.payload.clone()));
        }
        post.flush();
    }

    fn missed(&self, _since: Timestamp) {
        // A node that is alone misses nothing.
    }
}
