//! Who is connected to this node: users and the connections that speak for them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use bytes::Bytes;
use parking_lot::RwLock;
use protocol::{Bye, Code, Push, encode};
use reactor::ConnId;
use service::Move;
use service::domain::{SessionId, Timestamp, UserId};
use smallvec::SmallVec;

use crate::greeting::Early;
use crate::lane::Lane;
use crate::post::Post;

/// Shards of the map, so that threads rarely wait for each other.
const SHARDS: usize = 64;

/// Whoever is here counts as few beside so many times as many others: finding one of them in a list costs more than
/// finding one of the list here.
const FEW_PART: usize = 8;

/// A connection that speaks for a user's session.
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) session: SessionId,
    pub(crate) lane: Arc<Lane>,
    /// When it was taken.
    pub(crate) moved: Move,
}

impl Seat {
    pub(crate) fn conn(&self) -> ConnId {
        self.lane.conn
    }

    /// Sends a push, after the answer to the sign-in.
    fn tell(&self, push: &Bytes, post: &mut Post) {
        match self.lane.greeting.keep(push) {
            Early::Not => post.send(self.conn(), push.clone()),
            Early::Kept => {}
            Early::TooMany => {
                let bye = Bye {
                    errcode: Code::TOO_SLOW.0,
                    errmsg: "too much happened before the answer to the login".to_owned(),
                    retry_after_ms: 1_000,
                };
                post.close(self.conn(), encode::push_bytes(&Push::Bye(bye)), "too many early pushes");
            }
        }
    }
}

/// A user's connections.
struct Row {
    /// Names this stay of the user: from the first connection to the last, without a pause. Never given twice.
    serial: u64,
    /// When it began.
    began: Timestamp,
    /// Most users have one.
    seats: SmallVec<[Seat; 1]>,
}

/// What a change did to a user's presence on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowChange {
    /// The user's first connection came, or their last one went.
    Edge,
    /// The user has other connections here.
    Inner,
    /// Nothing changed.
    None,
}

/// The map user → connections. Bounded by the number of connections: each has at most one seat.
pub(crate) struct Seats {
    shards: Box<[RwLock<HashMap<UserId, Row>>]>,
    serials: AtomicU64,
    /// Counts changes: as long as it stays the same, so does everything in here.
    changes: AtomicU64,
}

impl Seats {
    pub(crate) fn new() -> Seats {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Seats { shards, serials: AtomicU64::new(1), changes: AtomicU64::new(0) }
    }

    fn shard(&self, user: UserId) -> &RwLock<HashMap<UserId, Row>> {
        &self.shards[user.0 as usize % SHARDS]
    }

    /// Seats a connection. A session has one seat: the one that held it before is returned and has it no more. `when` is
    /// asked within the lock: whoever looks for the seat before it is there, looks before that moment.
    pub(crate) fn sit(
        &self,
        user: UserId,
        session: SessionId,
        lane: Arc<Lane>,
        when: impl FnOnce() -> Move,
    ) -> (RowChange, Option<Seat>) {
        let mut shard = self.shard(user).write();
        let seat = Seat { session, lane, moved: when() };
        self.changes.fetch_add(1, SeqCst);
        match shard.entry(user) {
            Entry::Vacant(entry) => {
                let serial = self.serials.fetch_add(1, SeqCst);
                entry.insert(Row { serial, began: seat.moved.time(), seats: SmallVec::from_buf([seat]) });
                (RowChange::Edge, None)
            }
            Entry::Occupied(mut entry) => {
                let row = &mut entry.get_mut().seats;
                match row.iter_mut().find(|other| other.session == seat.session) {
                    Some(other) => (RowChange::Inner, Some(std::mem::replace(other, seat))),
                    None => {
                        row.push(seat);
                        (RowChange::Inner, None)
                    }
                }
            }
        }
    }

    /// Takes the seat of a connection, if it has one.
    pub(crate) fn rise(&self, user: UserId, conn: ConnId) -> RowChange {
        let mut shard = self.shard(user).write();
        let Entry::Occupied(mut entry) = shard.entry(user) else { return RowChange::None };
        let row = &mut entry.get_mut().seats;
        let Some(at) = row.iter().position(|seat| seat.conn() == conn) else { return RowChange::None };
        self.changes.fetch_add(1, SeqCst);
        row.swap_remove(at);
        if row.is_empty() {
            entry.remove();
            return RowChange::Edge;
        }
        RowChange::Inner
    }

    /// The connection that speaks for a session.
    pub(crate) fn of_session(&self, user: UserId, session: SessionId) -> Option<Seat> {
        let shard = self.shard(user).read();
        shard.get(&user)?.seats.iter().find(|seat| seat.session == session).cloned()
    }

    /// Calls `f` with every connection of a user.
    pub(crate) fn each(&self, user: UserId, mut f: impl FnMut(ConnId)) {
        if let Some(row) = self.shard(user).read().get(&user) {
            row.seats.iter().for_each(|seat| f(seat.conn()));
        }
    }

    /// Calls `f` with every connection of these users, who are in rising order, each once. Where they are far more than the
    /// users who are here, those are looked up among them and not the other way round: a large group of whom few are
    /// connected costs what the few do.
    pub(crate) fn each_of(&self, users: &[UserId], mut f: impl FnMut(ConnId)) {
        if self.users().saturating_mul(FEW_PART) >= users.len() {
            return users.iter().for_each(|user| self.each(*user, &mut f));
        }
        for shard in &self.shards {
            let shard = shard.read();
            let among = shard.iter().filter(|(user, _)| users.binary_search(user).is_ok());
            among.flat_map(|(_, row)| &row.seats).for_each(|seat| f(seat.conn()));
        }
    }

    /// Sends a push to every connection of a user but one. What comes before a connection has the answer to its sign-in
    /// follows that answer.
    pub(crate) fn tell(&self, user: UserId, but: Option<ConnId>, push: &Bytes, post: &mut Post) {
        let shard = self.shard(user).read();
        let Some(row) = shard.get(&user) else { return };
        row.seats.iter().filter(|seat| Some(seat.conn()) != but).for_each(|seat| seat.tell(push, post));
    }

    /// Sends a push to every connection, and posts it shard by shard.
    pub(crate) fn tell_everybody(&self, push: &Bytes, post: &mut Post) {
        for shard in &self.shards {
            shard.read().values().flat_map(|row| &row.seats).for_each(|seat| seat.tell(push, post));
            post.flush();
        }
    }

    /// Whether the user has a connection here.
    pub(crate) fn is_here(&self, user: UserId) -> bool {
        self.shard(user).read().contains_key(&user)
    }

    /// Names the user's present stay; `None` if they are not here.
    pub(crate) fn serial(&self, user: UserId) -> Option<u64> {
        self.shard(user).read().get(&user).map(|row| row.serial)
    }

    /// When the user's present stay began; `None` if they are not here.
    pub(crate) fn began(&self, user: UserId) -> Option<Timestamp> {
        self.shard(user).read().get(&user).map(|row| row.began)
    }

    /// A number that changes with every change.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(SeqCst)
    }

    /// Everybody who is here.
    pub(crate) fn everybody(&self) -> Vec<UserId> {
        self.shards.iter().flat_map(|shard| shard.read().keys().copied().collect::<Vec<_>>()).collect()
    }

    /// The sessions by which these users are connected.
    pub(crate) fn sessions(&self, users: &[UserId]) -> Vec<(UserId, SessionId)> {
        let mut sessions = Vec::with_capacity(users.len());
        for user in users {
            if let Some(row) = self.shard(*user).read().get(user) {
                sessions.extend(row.seats.iter().map(|seat| (*user, seat.session)));
            }
        }
        sessions
    }

    /// Users with a connection here.
    pub(crate) fn users(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sit(seats: &Seats, user: UserId, conn: u64, session: u64) -> (RowChange, Option<Seat>) {
        let lane = Arc::new(Lane::new(ConnId::from_bits(conn)));
        let when = || Move { at_us: conn * 1_000_000, by: 7 };
        seats.sit(user, SessionId(session), lane, when)
    }

    fn conns(seats: &Seats, user: u64) -> Vec<u64> {
        let mut found = Vec::new();
        seats.each(UserId(user), |conn| found.push(conn.to_bits()));
        found.sort_unstable();
        found
    }

    #[test]
    fn first_and_last_connections_are_edges() {
        let seats = Seats::new();
        let user = UserId(7);
        assert_eq!(sit(&seats, user, 1, 1).0, RowChange::Edge);
        assert_eq!(sit(&seats, user, 2, 2).0, RowChange::Inner);
        assert_eq!((conns(&seats, 7), seats.began(user)), (vec![1, 2], Some(Timestamp(1_000))));
        assert_eq!(seats.rise(user, ConnId::from_bits(1)), RowChange::Inner);
        assert_eq!(seats.rise(user, ConnId::from_bits(1)), RowChange::None);
        assert_eq!(seats.rise(user, ConnId::from_bits(2)), RowChange::Edge);
        assert_eq!(seats.users(), 0);
    }

    #[test]
    fn many_users_are_looked_up_from_whichever_side_is_smaller() {
        let seats = Seats::new();
        for (user, conn) in [(3, 1), (3, 2), (70, 3), (700, 4), (7_001, 5)] {
            let _ = sit(&seats, UserId(user), conn, conn);
        }
        let found = |users: &[u64]| {
            let users: Vec<UserId> = users.iter().copied().map(UserId).collect();
            let mut conns = Vec::new();
            seats.each_of(&users, |conn| conns.push(conn.to_bits()));
            conns.sort_unstable();
            conns
        };
        assert_eq!(found(&[3, 5, 700]), [1, 2, 4]);
        let many: Vec<u64> = (1..=7_000).filter(|user| *user != 70).collect();
        assert_eq!(found(&many), [1, 2, 4], "neither who is not named, nor who comes after all");
        assert_eq!(found(&[]), [0; 0]);
    }

    #[test]
    fn a_session_has_one_seat() {
        let seats = Seats::new();
        let user = UserId(7);
        let _ = sit(&seats, user, 1, 5);
        let (change, before) = sit(&seats, user, 2, 5);
        assert_eq!((change, before.map(|seat| seat.conn().to_bits())), (RowChange::Inner, Some(1)));
        assert_eq!(seats.rise(user, ConnId::from_bits(1)), RowChange::None, "it lost its seat");
        assert_eq!(conns(&seats, 7), [2]);
        assert_eq!(seats.of_session(user, SessionId(5)).map(|seat| seat.conn().to_bits()), Some(2));
    }
}
