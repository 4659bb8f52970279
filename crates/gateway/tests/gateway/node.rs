//! A gateway in this process, and a client that speaks frames.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use domain::testing::{FakeClock, FakeEntropy, FakeHasher, FakePresence, FakeStore};
use domain::{Bus, NoHistoryCache, PasswordHasher};
use gateway::{Gateway, GatewayConfig, GatewayHub, RunningGateway};
use protocol::{
    Hello, Incoming, Login, OneChat, Push, Refusal, Reg, Reply, Request, Secret, SignedIn, decode, encode,
};
use service::{Ports, Service};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Node {
    pub(crate) gateway: RunningGateway,
    pub(crate) address: SocketAddr,
    pub(crate) hub: Arc<GatewayHub>,
    pub(crate) clock: Arc<FakeClock>,
}

/// What several nodes of one test share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Arc<FakeStore>,
    pub(crate) presence: Arc<FakePresence>,
}

impl World {
    pub(crate) fn new() -> World {
        World { store: Arc::new(FakeStore::new()), presence: Arc::new(FakePresence::new()) }
    }

    /// Stops the store in the next append, when the messages are stored and before the appender hears of it. Tells that it has
    /// come so far, and goes on when it is told to.
    pub(crate) fn stop_in_append(&self) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (tell, told) = mpsc::channel();
        let (free, freed) = mpsc::channel();
        self.store.after_next_append(move || {
            let _ = tell.send(());
            let _ = freed.recv_timeout(PATIENCE);
        });
        (told, free)
    }

    pub(crate) fn node(&self, config: GatewayConfig, bus: Arc<dyn Bus>) -> Node {
        self.node_hashing_with(Arc::new(FakeHasher::new()), config, bus)
    }

    pub(crate) fn node_hashing_with(
        &self,
        hasher: Arc<dyn PasswordHasher>,
        config: GatewayConfig,
        bus: Arc<dyn Bus>,
    ) -> Node {
        let gateway = Gateway::new(config, bus).expect("valid limits");
        let hub = gateway.hub();
        let clock = Arc::new(FakeClock::new(domain::Timestamp(1_700_000_000_000)));
        let ports = Ports {
            store: self.store.clone(),
            history: Arc::new(NoHistoryCache),
            presence: self.presence.clone(),
            hub: gateway.hub(),
            clock: clock.clone(),
            entropy: Arc::new(FakeEntropy::new(rand_seed())),
            hasher,
        };
        let service = Service::new(ports, service::testing::config());
        let listener = reactor::listen("127.0.0.1:0".parse().unwrap(), 128).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let reactor = reactor::Config { io_threads: 2, ..reactor::Config::default() };
        let gateway = gateway.start(vec![listener], reactor, service).expect("started");
        Node { gateway, address, hub, clock }
    }
}

/// Tokens of two nodes must differ, as those of a real source do.
fn rand_seed() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A client without any cleverness. Pushes that come while it waits for replies are kept.
pub(crate) struct Peer {
    stream: TcpStream,
    input: Vec<u8>,
    rid: u32,
    /// Who logged in last; 0 before.
    pub(crate) id: u64,
    pub(crate) pushes: Vec<Push>,
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Peer {
        let stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("nodelay");
        let mut peer = Peer { stream, input: Vec::new(), rid: 0, id: 0, pushes: Vec::new() };
        let hello = Hello { versions: vec![1], client: "test".into(), device: "test".into() };
        peer.call(Request::Hello(hello)).expect("hello");
        peer
    }

    /// A registered user that is logged in.
    pub(crate) fn user(address: SocketAddr, name: &str) -> (Peer, SignedIn) {
        let mut peer = Peer::connect(address);
        let password = || Secret::new("a long password");
        peer.call(Request::Reg(Reg { name: name.into(), password: password() })).expect("registered");
        let signed_in = peer.log_in(name);
        (peer, signed_in)
    }

    /// Another connection of a registered user.
    pub(crate) fn device(address: SocketAddr, name: &str) -> Peer {
        let mut peer = Peer::connect(address);
        peer.log_in(name);
        peer
    }

    pub(crate) fn log_in(&mut self, name: &str) -> SignedIn {
        let login =
            Login { name: Some(name.into()), password: Secret::new("a long password"), ..Login::default() };
        match self.call(Request::Login(login)) {
            Ok(Reply::Login(signed_in)) => {
                self.id = signed_in.id;
                signed_in
            }
            other => panic!("not logged in: {other:?}"),
        }
    }

    /// A login with a wrong password, not waited for.
    pub(crate) fn try_log_in(&mut self, name: &str) -> u32 {
        let password = Secret::new("not the password");
        self.send(Request::Login(Login { name: Some(name.into()), password, ..Login::default() }))
    }

    /// Ends the connection as a crash does: with RST, whatever is under way.
    pub(crate) fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).expect("linger");
    }

    pub(crate) fn send(&mut self, request: Request) -> u32 {
        self.rid += 1;
        let mut out = BytesMut::new();
        encode::request(self.rid, &request, &mut out);
        self.stream.write_all(&out).expect("written");
        self.rid
    }

    pub(crate) fn call(&mut self, request: Request) -> Result<Reply, Refusal> {
        let rid = self.send(request);
        let (got, result) = self.reply();
        assert_eq!(got, rid, "replies come in the order of requests here");
        result
    }

    pub(crate) fn chat(&mut self, to: u64, text: &str, id: &str) -> u32 {
        self.send(Request::OneChat(OneChat {
            to,
            msg: text.into(),
            client_msg_id: id.into(),
            ..OneChat::default()
        }))
    }

    /// The next reply.
    pub(crate) fn reply(&mut self) -> (u32, Result<Reply, Refusal>) {
        loop {
            match self.next().expect("the connection stays") {
                Incoming::Reply { rid, result } => return (rid, result),
                Incoming::Push(push) => self.pushes.push(push),
            }
        }
    }

    /// The first push, old or new, that `wanted` takes.
    pub(crate) fn push<T>(&mut self, mut wanted: impl FnMut(&Push) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found =
                self.pushes.iter().enumerate().find_map(|(at, push)| wanted(push).map(|got| (at, got)));
            if let Some((at, got)) = found {
                self.pushes.remove(at);
                return got;
            }
            assert!(Instant::now() < deadline, "the push did not come; there are {:?}", self.pushes);
            match self.next().expect("the connection stays") {
                Incoming::Push(push) => self.pushes.push(push),
                Incoming::Reply { rid, .. } => panic!("a reply to {rid} that nobody waits for"),
            }
        }
    }

    /// What comes next; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Incoming> {
        loop {
            if let Some((frame, used)) = decode(&self.input, u32::MAX).expect("frames") {
                let incoming = Incoming::from_frame(&frame).expect("a known message");
                self.input.drain(..used);
                return Some(incoming);
            }
            let mut buffer = [0; 65_536];
            let n = self.stream.read(&mut buffer).expect("bytes in time");
            if n == 0 {
                return None;
            }
            self.input.extend_from_slice(&buffer[..n]);
        }
    }

    /// Nothing more will be sent from here.
    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).expect("shut down");
    }
}

/// Makes two users friends, both logged in.
pub(crate) fn befriend(one: &mut Peer, other: &mut Peer) {
    use protocol::{AddFriend, FriendRef};
    one.call(Request::AddFriend(AddFriend { friendid: other.id, greeting: String::new() }))
        .expect("requested");
    other.call(Request::AcceptFriend(FriendRef { friendid: one.id })).expect("accepted");
}

/// Ann and bob, who are friends, each at a node.
pub(crate) fn friends(ann_at: SocketAddr, bob_at: SocketAddr) -> (Peer, Peer) {
    let (mut ann, _) = Peer::user(ann_at, "ann");
    let (mut bob, _) = Peer::user(bob_at, "bob");
    befriend(&mut ann, &mut bob);
    (ann, bob)
}

/// Waits for something that happens by itself.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it does not come: {what}");
        std::thread::yield_now();
    }
}
