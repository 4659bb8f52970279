//! A service over in-memory ports, and devices that talk to it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use domain::testing::{FakeClock, FakeEntropy, FakeHasher, FakeHistoryCache, FakePresence, FakeStore};
use domain::{Presence, Reach, Store, Timestamp, UserId};
use protocol::{
    AddFriend, Bye, Code, CreateGroup, FriendRef, GroupChat, Login, OneChat, Push, Refusal, Reg, Reply,
    Request, Resume, Secret, Sent, SignedIn, State,
};

use crate::testing::RecordingHub;
use crate::wire;
use crate::{Batch, Caller, ConnKey, Handled, Pending, Ports, Principal, Rates, Service, ServiceConfig};

/// The password of everybody in a harness.
pub const PASSWORD: &str = "correct horse";

/// When a harness begins: some day in 2023.
const START: Timestamp = Timestamp(1_700_000_000_000);

/// The default configuration, without limits on the rate of requests: the time of a harness stands still.
pub fn config() -> ServiceConfig {
    ServiceConfig { rates: Rates::OFF, ..ServiceConfig::default() }
}

/// A service over fakes, all of which can be reached. Shared by threads.
pub struct Harness {
    /// What is tested.
    pub service: Service,
    /// Its connections.
    pub hub: Arc<RecordingHub>,
    /// Its store, behind whatever was given to [`Harness::over`].
    pub store: Arc<FakeStore>,
    /// Its time.
    pub clock: Arc<FakeClock>,
    /// The recent messages, which the nodes of one harness share.
    pub history: Arc<FakeHistoryCache>,
    /// Who is connected.
    pub presence: Arc<FakePresence>,
    /// Its hasher.
    pub hasher: Arc<FakeHasher>,
    connections: AtomicU64,
    requests: AtomicU32,
}

/// A connection of a user who is logged in.
#[derive(Debug)]
pub struct Device<'h> {
    harness: &'h Harness,
    /// The connection.
    pub conn: ConnKey,
    /// For whom it speaks.
    pub principal: Principal,
    /// For resuming.
    pub token: Secret,
    /// What the login or resume answered.
    pub bundle: SignedIn,
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness").finish_non_exhaustive()
    }
}

impl Default for Harness {
    fn default() -> Harness {
        Harness::new()
    }
}

impl Harness {
    /// A service with [`config`].
    pub fn new() -> Harness {
        Harness::with(config())
    }

    /// A service with this configuration.
    pub fn with(config: ServiceConfig) -> Harness {
        Harness::over(config, |store| store)
    }

    /// A service with a store of its own between it and the fake one.
    pub fn over(config: ServiceConfig, store: impl FnOnce(Arc<FakeStore>) -> Arc<dyn Store>) -> Harness {
        let fake = Arc::new(FakeStore::new());
        let hub = Arc::new(RecordingHub::new());
        let clock = Arc::new(FakeClock::new(START));
        let presence = Arc::new(FakePresence::new());
        let history = Arc::new(FakeHistoryCache::default());
        let hasher = Arc::new(FakeHasher::new());
        let ports = Ports {
            store: store(Arc::clone(&fake)),
            history: history.clone(),
            presence: presence.clone(),
            hub: hub.clone(),
            clock: clock.clone(),
            entropy: Arc::new(FakeEntropy::new(1)),
            hasher: hasher.clone(),
        };
        let service = Service::new(ports, config);
        let (connections, requests) = (AtomicU64::new(1), AtomicU32::new(1));
        Harness { service, hub, store: fake, history, clock, presence, hasher, connections, requests }
    }

    /// Another node: a service of its own over the same store, presence and clock. Both hubs count as a cluster's from now
    /// on; a test carries their notices, by [`Harness::hear_from`].
    pub fn beside(&self, config: ServiceConfig) -> Harness {
        let hub = Arc::new(RecordingHub::new());
        for hub in [&self.hub, &hub] {
            hub.set_reach(Reach::Cluster);
        }
        let ports = Ports {
            store: self.store.clone(),
            history: self.history.clone(),
            presence: self.presence.clone(),
            hub: hub.clone(),
            clock: self.clock.clone(),
            // Not the same tokens.
            entropy: Arc::new(FakeEntropy::new(2)),
            hasher: self.hasher.clone(),
        };
        Harness {
            service: Service::new(ports, config),
            hub,
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            history: Arc::clone(&self.history),
            presence: Arc::clone(&self.presence),
            hasher: Arc::clone(&self.hasher),
            connections: AtomicU64::new(1),
            requests: AtomicU32::new(1),
        }
    }

    /// Carries what the other node's service told to this one.
    pub fn hear_from(&self, other: &Harness) {
        for notice in other.hub.take_notices() {
            self.service.heard(notice);
        }
    }

    /// Registers a user.
    pub fn register(&self, name: &str) -> Result<UserId, Refusal> {
        let request = Request::Reg(Reg { name: name.into(), password: Secret::new(PASSWORD) });
        match self.ask(self.connect(), None, request)? {
            Handled::Reply(Reply::Reg(registered)) => Ok(UserId(registered.id)),
            other => panic!("REG came to {other:?}"),
        }
    }

    /// Logs a user in from a new device, registering the name if it is not.
    pub fn login(&self, name: &str) -> Device<'_> {
        match self.register(name) {
            Ok(_) => {}
            Err(refusal) if refusal.code == Code::NAME_TAKEN => {}
            Err(refusal) => panic!("{name} cannot register: {refusal}"),
        }
        self.try_login(name).unwrap_or_else(|refusal| panic!("{name} cannot log in: {refusal}"))
    }

    /// Logs a registered user in from a new device.
    pub fn try_login(&self, name: &str) -> Result<Device<'_>, Refusal> {
        let conn = self.connect();
        let login = Login { name: Some(name.into()), password: Secret::new(PASSWORD), ..Login::default() };
        match self.ask(conn, None, Request::Login(login))? {
            Handled::SignedIn(principal, Reply::Login(bundle)) => {
                let token = bundle.token.clone().unwrap_or_default();
                Ok(Device { harness: self, conn, principal, token, bundle })
            }
            other => panic!("LOGIN came to {other:?}"),
        }
    }

    /// Resumes a session by a new connection.
    pub fn resume(&self, token: &Secret) -> Result<Device<'_>, Refusal> {
        let conn = self.connect();
        match self.ask(conn, None, Request::Resume(Resume { token: token.clone(), ..Resume::default() }))? {
            Handled::SignedIn(principal, Reply::Resume(bundle)) => {
                Ok(Device { harness: self, conn, principal, token: token.clone(), bundle })
            }
            other => panic!("RESUME came to {other:?}"),
        }
    }

    /// Makes friends of two users, forgets the pushes about it, and returns their conversation.
    pub fn befriend(&self, one: &Device<'_>, other: &Device<'_>) -> u64 {
        let request = AddFriend { friendid: other.user().0, greeting: String::new() };
        one.ask(Request::AddFriend(request)).expect("a request");
        let accept = FriendRef { friendid: one.user().0 };
        let reply = other.ask(Request::AcceptFriend(accept)).expect("friends");
        let Reply::AcceptFriend(answer) = reply else { panic!("ACCEPT_FRIEND came to {reply:?}") };
        one.pushes();
        other.pushes();
        answer.friend.expect("a new friend").conv
    }

    /// Opens a group with these members, the first being its owner, forgets the pushes about it, and returns its id.
    pub fn group(&self, members: &[&Device<'_>]) -> u64 {
        let (owner, others) = members.split_first().expect("an owner");
        let request = CreateGroup { groupname: "a group".into(), groupdesc: String::new() };
        let reply = owner.ask(Request::CreateGroup(request)).expect("a group");
        let Reply::CreateGroup(created) = reply else { panic!("CREATE_GROUP came to {reply:?}") };
        let groupid = created.group.id;
        for member in others {
            member.ask(Request::JoinGroup(protocol::JoinGroup::of(groupid))).expect("a member");
        }
        for member in members {
            member.pushes();
        }
        groupid
    }

    /// A new connection that is not logged in.
    pub fn connect(&self) -> ConnKey {
        ConnKey(self.connections.fetch_add(1, Ordering::Relaxed))
    }

    /// Sends a request by a connection.
    pub fn ask(
        &self,
        conn: ConnKey,
        principal: Option<&Principal>,
        request: Request,
    ) -> Result<Handled, Refusal> {
        self.ask_from(IpAddr::V4(Ipv4Addr::LOCALHOST), conn, principal, request)
    }

    /// The same from a client with this address.
    pub fn ask_from(
        &self,
        address: IpAddr,
        conn: ConnKey,
        principal: Option<&Principal>,
        request: Request,
    ) -> Result<Handled, Refusal> {
        let caller = Caller { conn, device: "test device", address, principal };
        self.service.handle(caller, self.rid(), request)
    }

    /// Whether the device's user is there.
    pub fn presence_of(&self, device: &Device<'_>) -> State {
        wire::state(self.presence.states(&[device.user()])[0])
    }

    fn rid(&self) -> u32 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }
}

impl<'h> Device<'h> {
    /// The user.
    pub fn user(&self) -> UserId {
        self.principal.user
    }

    /// Sends a request; a chat message, or a change of a group, is stored and answered at once.
    pub fn ask(&self, request: Request) -> Result<Reply, Refusal> {
        match self.handle(request)? {
            Handled::Reply(reply) | Handled::SignedIn(_, reply) | Handled::SignedOut(reply) => Ok(reply),
            Handled::Append(pending) => self.store(pending),
        }
    }

    /// Sends a request and returns what the gateway would get.
    pub fn handle(&self, request: Request) -> Result<Handled, Refusal> {
        self.harness.ask(self.conn, Some(&self.principal), request)
    }

    /// Has a chat request checked.
    pub fn prepare(&self, request: Request) -> Result<Pending, Refusal> {
        match self.handle(request)? {
            Handled::Append(pending) => Ok(pending),
            other => panic!("a message came to {other:?}"),
        }
    }

    /// Says something to a friend.
    pub fn say(&self, to: &Device<'_>, client_msg_id: &str, msg: &str) -> Result<Sent, Refusal> {
        let (msg, client_msg_id) = (msg.into(), client_msg_id.into());
        self.send(Request::OneChat(OneChat { to: to.user().0, msg, client_msg_id, ..OneChat::default() }))
    }

    /// Says something in a group.
    pub fn say_in(&self, groupid: u64, client_msg_id: &str, msg: &str) -> Result<Sent, Refusal> {
        let (msg, client_msg_id) = (msg.into(), client_msg_id.into());
        self.send(Request::GroupChat(GroupChat { groupid, msg, client_msg_id, ..GroupChat::default() }))
    }

    /// What was pushed since the last call.
    pub fn pushes(&self) -> Vec<Push> {
        self.harness.hub.take_pushes(self.conn)
    }

    /// Has the next call of [`Device::pushes`] return these again.
    pub fn push_back(&self, pushes: Vec<Push>) {
        self.harness.hub.push_back(self.conn, pushes);
    }

    /// Why the connection was closed, if it was.
    pub fn closed(&self) -> Option<Bye> {
        self.harness.hub.closed(self.conn)
    }

    /// The connection is lost; the session stays.
    pub fn disconnect(&self) {
        self.harness.service.disconnected(self.conn, &self.principal);
    }

    /// Resumes the session by a new connection.
    pub fn resume(&self) -> Result<Device<'h>, Refusal> {
        self.harness.resume(&self.token)
    }

    fn send(&self, request: Request) -> Result<Sent, Refusal> {
        match self.ask(request)? {
            Reply::OneChat(sent) | Reply::GroupChat(sent) => Ok(sent),
            other => panic!("a message came to {other:?}"),
        }
    }

    /// Stores what was checked, as an appender does that gives up at once.
    pub fn store(&self, pending: Pending) -> Result<Reply, Refusal> {
        let rid = pending.origin().expect("somebody asked").rid;
        let mut batch = Batch::default();
        batch.push(pending);
        if self.harness.service.append(&mut batch).is_err() {
            self.harness.service.refuse(&mut batch);
        }
        let mut answers = self.harness.hub.take_answers(self.conn);
        match answers.pop() {
            Some((answered, answer)) if answered == rid && answers.is_empty() => answer,
            other => panic!("request {rid} was answered by {other:?} after {answers:?}"),
        }
    }
}
