//! The set-up: users, friendships and groups, made over the wire like any client's.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use protocol::{AddFriend, CreateGroup, FriendRef, History, JoinGroup, Reply, Request, Secret};

use crate::{
    error::BenchError,
    load::{Session, Swarm, unexpected},
};

/// Threads that set up at the same time: enough that the server commits in groups.
const THREADS: usize = 16;

/// Every user's password.
pub(crate) const PASSWORD: &str = "correct-horse";

/// A registered user with a session to resume.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) token: String,
}

/// Two friends.
pub(crate) struct Pair {
    pub(crate) a: Account,
    pub(crate) b: Account,
    pub(crate) conv: u64,
}

/// A group; the first member is its owner.
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) members: Vec<Account>,
}

/// Where and under which names the set-up takes place.
pub(crate) struct Recruiter {
    addr: SocketAddr,
    /// Tells this run's names and message ids from those of earlier runs on the same server.
    tag: String,
    next: AtomicUsize,
}

impl Recruiter {
    pub(crate) fn new(addr: SocketAddr) -> Recruiter {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Recruiter { addr, tag: format!("{:012x}", since_epoch.as_millis()), next: AtomicUsize::new(0) }
    }

    /// The first part of message ids: rising with time, like those of real clients.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// Registers one user; the connection stays, logged in.
    pub(crate) fn user(&self) -> Result<(Session, Account), BenchError> {
        let name = format!("b{}u{}", self.tag, self.next.fetch_add(1, Ordering::Relaxed));
        let mut session = Session::connect(self.addr)?;
        session.register(&name, PASSWORD)?;
        let signed_in = session.log_in(&name, PASSWORD)?;
        let token = signed_in.token.map(|token| Secret::expose(&token).to_owned()).ok_or_else(|| {
            BenchError::Unexpected { request: "LOGIN", got: "an answer without token".into() }
        })?;
        Ok((session, Account { id: signed_in.id, name, token }))
    }

    pub(crate) fn accounts(&self, count: usize) -> Result<Vec<Account>, BenchError> {
        in_parallel(count, || Ok(self.user()?.1))
    }

    /// Logged-in connections, ready for a swarm.
    pub(crate) fn connections(&self, count: usize) -> Result<Vec<std::net::TcpStream>, BenchError> {
        in_parallel(count, || self.user()?.0.into_stream())
    }

    pub(crate) fn pairs(&self, count: usize) -> Result<Vec<Pair>, BenchError> {
        in_parallel(count, || {
            let ((mut session_a, a), (mut session_b, b)) = (self.user()?, self.user()?);
            let add = Request::AddFriend(AddFriend { friendid: b.id, greeting: String::new() });
            session_a.ask("ADD_FRIEND", &add)?;
            match session_b.ask("ACCEPT_FRIEND", &Request::AcceptFriend(FriendRef { friendid: a.id }))? {
                Reply::AcceptFriend(answer) => match answer.friend {
                    Some(friend) => Ok(Pair { a, b, conv: friend.conv }),
                    None => Err(BenchError::Unexpected { request: "ACCEPT_FRIEND", got: "no friend".into() }),
                },
                other => Err(unexpected("ACCEPT_FRIEND", &other)),
            }
        })
    }

    /// A user and so many friends of theirs.
    pub(crate) fn popular(&self, friends: usize) -> Result<(Account, Vec<Account>), BenchError> {
        let (session, popular) = self.user()?;
        let session = Mutex::new(session);
        let friends = in_parallel(friends, || {
            let (mut friend, account) = self.user()?;
            let add = Request::AddFriend(AddFriend { friendid: popular.id, greeting: String::new() });
            friend.ask("ADD_FRIEND", &add)?;
            let accept = Request::AcceptFriend(FriendRef { friendid: account.id });
            session.lock().unwrap_or_else(PoisonError::into_inner).ask("ACCEPT_FRIEND", &accept)?;
            Ok(account)
        })?;
        Ok((popular, friends))
    }

    pub(crate) fn group(&self, members: usize) -> Result<Group, BenchError> {
        let (mut session, owner) = self.user()?;
        let create = CreateGroup { groupname: format!("bench {}", self.tag), groupdesc: String::new() };
        let id = match session.ask("CREATE_GROUP", &Request::CreateGroup(create))? {
            Reply::CreateGroup(joined) => joined.group.id,
            other => return Err(unexpected("CREATE_GROUP", &other)),
        };
        // Each leaves before the next ones come: a thousand members who are told of each other make a million pushes.
        drop(session);
        let others = in_parallel(members.saturating_sub(1), || {
            let (mut session, account) = self.user()?;
            session.ask("ADD_GROUP", &Request::JoinGroup(JoinGroup::of(id)))?;
            Ok(account)
        })?;
        Ok(Group { id, members: [vec![owner], others].concat() })
    }
}

/// Resumes the sessions of `accounts` and adds their connections to a new swarm: line `n` is account `n`.
///
/// They connect in an order that is shuffled, always in the same way: a server that hands connections to its threads in
/// turn gets some pairs on one thread and some on two, as in life, and a floor gets the very same.
pub(crate) fn swarm(addr: SocketAddr, accounts: &[&Account]) -> Result<Swarm, BenchError> {
    let places: Vec<_> = accounts.iter().map(|account| (addr, *account)).collect();
    swarm_at(&places)
}

/// The same, each account at an address of its own.
pub(crate) fn swarm_at(places: &[(SocketAddr, &Account)]) -> Result<Swarm, BenchError> {
    let mut streams: Vec<_> = places.iter().map(|_| None).collect();
    let mut heartbeat_ms = None;
    for index in shuffled(places.len()) {
        let (addr, account) = places[index];
        let mut session = Session::connect(addr)?;
        heartbeat_ms = Some(session.hello().heartbeat_ms);
        session.resume(&account.token)?;
        streams[index] = Some(session.into_stream()?);
    }
    let mut swarm = Swarm::new(heartbeat_ms)?;
    for stream in streams.into_iter().flatten() {
        swarm.lines().add(stream)?;
    }
    Ok(swarm)
}

/// The numbers below `count` in an order that looks random and is always the same.
pub(crate) fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(last, (state >> 33) as usize % (last + 1));
    }
    order
}

/// Pages through a conversation as `account` and returns the client message ids of what users said, in order of seq; an
/// error if a seq is missing or out of order. A group's system messages have a seq, and no client message id.
pub(crate) fn history(addr: SocketAddr, account: &Account, conv: u64) -> Result<Vec<String>, BenchError> {
    let mut session = Session::connect(addr)?;
    session.resume(&account.token)?;
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let request =
            Request::History(History { conv, after: after.or(Some(0)), before: None, at: None, limit: 0 });
        let page = match session.ask("HISTORY", &request)? {
            Reply::History(page) => page,
            other => return Err(unexpected("HISTORY", &other)),
        };
        let first = page.messages.first().map(|message| message.seq);
        for message in page.messages {
            if after.is_some_and(|seq| message.seq != seq + 1) {
                let got = format!("seq {} after {after:?}", message.seq);
                return Err(BenchError::Unexpected { request: "HISTORY", got });
            }
            after = Some(message.seq);
            if message.event.is_none() {
                ids.push(message.client_msg_id);
            }
        }
        if first.is_none() || after >= Some(page.last) {
            return Ok(ids);
        }
    }
}

/// Does `work` `count` times on a few threads; the first error ends it.
pub(crate) fn in_parallel<T: Send>(
    count: usize,
    work: impl Fn() -> Result<T, BenchError> + Sync,
) -> Result<Vec<T>, BenchError> {
    let next = AtomicUsize::new(0);
    let outcome = Mutex::new(Ok(Vec::with_capacity(count)));
    let lock = || outcome.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        for _ in 0..THREADS.min(count) {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < count {
                    let done = work();
                    let mut outcome = lock();
                    match (outcome.as_mut(), done) {
                        (Ok(all), Ok(one)) => all.push(one),
                        (Ok(_), Err(error)) => *outcome = Err(error),
                        (Err(_), _) => {}
                    }
                    if outcome.is_err() {
                        next.store(count, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_keeps_everybody_and_is_always_the_same() {
        let order = shuffled(100);
        assert_eq!(order, shuffled(100));
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_error_ends_the_work() {
        let tries = AtomicUsize::new(0);
        let outcome = in_parallel(1000, || match tries.fetch_add(1, Ordering::Relaxed) {
            20.. => Err(BenchError::Panicked("test")),
            n => Ok(n),
        });
        assert!(outcome.is_err());
        assert!(tries.into_inner() < 1000);
        assert_eq!(in_parallel(50, || Ok(1)).unwrap().len(), 50);
    }
}
