//! What the service itself costs: a message from its request to its delivery, and a resume, over in-memory ports and a
//! hub that throws everything away.
//!
//! `cargo run --release -p service --example message_cost` prints nanoseconds for each step. The store's part is
//! measured apart, by appending the same messages to a second in-memory store.

#![allow(clippy::disallowed_methods, clippy::expect_used, reason = "a measurement: it reads the clock")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::testing::{FakeClock, FakeEntropy, FakeHasher, FakePresence, FakeStore};
use domain::{ConversationId, MessageKind, MessageLog, NewMessage, NoHistoryCache, Timestamp};
use protocol::{
    AddFriend, CreateGroup, FriendRef, GroupChat, Login, OneChat, Reg, Reply, Request, Resume, Secret,
};
use service::testing::NullHub;
use service::{Batch, Caller, ConnKey, Handled, Pending, Ports, Principal, Rates, Service, ServiceConfig};

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PAIRS: u64 = 50;
const MEMBERS: u64 = 1_000;
const BATCH: usize = 64;
const ROUNDS: usize = 3_000;
const RESUMES: usize = 100_000;

fn main() {
    let store = Arc::new(FakeStore::new());
    let ports = Ports {
        store: store.clone(),
        history: Arc::new(NoHistoryCache),
        presence: Arc::new(FakePresence::new()),
        hub: Arc::new(NullHub),
        clock: Arc::new(FakeClock::new(Timestamp(1))),
        entropy: Arc::new(FakeEntropy::new(1)),
        hasher: Arc::new(FakeHasher::new()),
    };
    let service = Service::new(ports, ServiceConfig { rates: Rates::OFF, ..ServiceConfig::default() });
    let users: Vec<User> = (0..2 * PAIRS).map(|n| User::new(&service, &format!("user {n}"))).collect();
    for pair in users.chunks(2) {
        pair[0]
            .ask(&service, Request::AddFriend(AddFriend { friendid: pair[1].id(), greeting: String::new() }));
        pair[1].ask(&service, Request::AcceptFriend(FriendRef { friendid: pair[0].id() }));
    }
    let create = CreateGroup { groupname: "large".into(), groupdesc: String::new() };
    let Reply::CreateGroup(group) = users[0].ask(&service, Request::CreateGroup(create)) else {
        unreachable!("CREATE_GROUP")
    };
    let groupid = group.group.id;
    for n in 1..MEMBERS {
        User::new(&service, &format!("member {n}"))
            .ask(&service, Request::JoinGroup(protocol::JoinGroup::of(groupid)));
    }

    let text = "x".repeat(100);
    messages("one to one", &service, &users, |n, user| {
        let to = users[(user as u64 ^ 1) as usize].id();
        Request::OneChat(OneChat {
            to,
            msg: text.clone(),
            client_msg_id: format!("one-{n}"),
            ..OneChat::default()
        })
    });
    messages("group of 1,000", &service, &users[..1], |n, _| {
        Request::GroupChat(GroupChat {
            groupid,
            msg: text.clone(),
            client_msg_id: format!("many-{n}"),
            ..GroupChat::default()
        })
    });
    resumes(&service, &users);
}

/// Measures the three steps of messages, in batches.
fn messages(what: &str, service: &Service, users: &[User], request: impl Fn(usize, usize) -> Request) {
    let (mut checked, mut appended, mut stored) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let other_store = store_with_a_conversation();
    for round in 0..ROUNDS {
        let requests: Vec<(usize, Request)> = (0..BATCH)
            .map(|n| {
                let user = n % users.len();
                (user, request(round * BATCH + n, user))
            })
            .collect();
        let same: Vec<NewMessage> =
            requests.iter().map(|(user, request)| stored_as(users, *user, request)).collect();

        let start = Instant::now();
        let pending: Vec<Pending> =
            requests.into_iter().map(|(user, request)| users[user].prepare(service, request)).collect();
        checked += start.elapsed();

        let start = Instant::now();
        let mut batch = Batch::default();
        pending.into_iter().for_each(|pending| batch.push(pending));
        service.append(&mut batch).expect("the fake store takes everything");
        appended += start.elapsed();

        let start = Instant::now();
        black_box(other_store.append(&same)).expect("the fake store takes everything");
        stored += start.elapsed();
    }
    let each = |time: Duration| time.as_nanos() as usize / (ROUNDS * BATCH);
    let (checked, appended, stored) = (each(checked), each(appended), each(stored));
    let service_only = checked + appended.saturating_sub(stored);
    println!(
        "{what}: check {checked} ns, append and deliver {appended} ns, of which the fake store {stored} ns"
    );
    println!("{what}: the service's own part {service_only} ns a message");
}

fn resumes(service: &Service, users: &[User]) {
    let start = Instant::now();
    for n in 0..RESUMES {
        let user = &users[n % users.len()];
        let request = Request::Resume(Resume { token: user.token.clone(), ..Resume::default() });
        let caller = Caller { conn: ConnKey(n as u64), device: "", address: ADDRESS, principal: None };
        black_box(service.handle(caller, 1, request)).expect("a session");
    }
    let each = start.elapsed().as_nanos() as usize / RESUMES;
    println!("resume: {each} ns, fake store included");
}

/// A second store, to measure the store's part: one conversation of two friends.
fn store_with_a_conversation() -> FakeStore {
    use domain::{FriendLimits, FriendStore, NewUser, UserId, UserStore};
    let store = FakeStore::new();
    for name in ["a", "b"] {
        let user = NewUser { name, name_key: name, password_hash: "", recovery_codes: &[], at: Timestamp(1) };
        store.create_user(&user).expect("a user");
    }
    let limits = FriendLimits { friends: 1, requests: 1 };
    for (from, to) in [(1, 2), (2, 1)] {
        store.request_friend(UserId(from), UserId(to), "", Timestamp(1), limits).expect("a request");
    }
    store
}

/// The message that the service will make of a request, in the second store's one conversation.
fn stored_as(users: &[User], user: usize, request: &Request) -> NewMessage {
    let (client_msg_id, body) = match request {
        Request::OneChat(chat) => (&chat.client_msg_id, &chat.msg),
        Request::GroupChat(chat) => (&chat.client_msg_id, &chat.msg),
        other => unreachable!("{other:?}"),
    };
    NewMessage {
        conversation: ConversationId(1),
        sender: users[user].principal.user,
        client_msg_id: client_msg_id.clone(),
        time: Timestamp(1),
        kind: MessageKind::Text,
        body: body.clone(),
        reply_to: None,
        mentions: domain::Mentions::default(),
    }
}

struct User {
    principal: Principal,
    token: Secret,
}

impl User {
    fn new(service: &Service, name: &str) -> User {
        let guest = Caller { conn: ConnKey(0), device: "", address: ADDRESS, principal: None };
        let password = Secret::new("correct horse");
        let reg = Reg { name: name.into(), password: password.clone() };
        service.handle(guest, 1, Request::Reg(reg)).expect("a user");
        let login = Login { name: Some(name.into()), password, ..Login::default() };
        match service.handle(guest, 1, Request::Login(login)) {
            Ok(Handled::SignedIn(principal, Reply::Login(bundle))) => {
                User { principal, token: bundle.token.expect("a token") }
            }
            other => unreachable!("LOGIN came to {other:?}"),
        }
    }

    fn id(&self) -> u64 {
        self.principal.user.0
    }

    fn ask(&self, service: &Service, request: Request) -> Reply {
        match service.handle(self.caller(), 1, request) {
            Ok(Handled::Reply(reply)) => reply,
            other => unreachable!("{other:?}"),
        }
    }

    fn prepare(&self, service: &Service, request: Request) -> Pending {
        match service.handle(self.caller(), 1, request) {
            Ok(Handled::Append(pending)) => pending,
            other => unreachable!("{other:?}"),
        }
    }

    fn caller(&self) -> Caller<'_> {
        Caller {
            conn: ConnKey(self.principal.user.0),
            device: "",
            address: ADDRESS,
            principal: Some(&self.principal),
        }
    }
}
