//! A connection that speaks the protocol, and nothing else: no client library stands between a test and the server.

mod pushes;
mod requests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol::{
    Bye, ChatMessage, Code, HEADER_LEN, Hello, Incoming, MessageKind, Nothing, Push, Refusal, Reply, Request,
    Secret, decode, encode,
};

/// How long anything that must come may take. Far above the usual: machines are shared.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Body bytes that the server may send at most.
const BODY_MAX: u32 = 1024 * 1024;

/// A connection, blocking, with a deadline on everything. It reads only when a test waits for something; what else
/// comes meanwhile is kept. Every request must get exactly one reply: a second one, or one nobody asked for, panics.
pub(crate) struct Peer {
    stream: TcpStream,
    input: BytesMut,
    next_rid: u32,
    /// Asked and not answered.
    due: HashSet<u32>,
    /// Answered and not yet looked at.
    replies: HashMap<u32, Result<Reply, Refusal>>,
    pushes: VecDeque<Push>,
    /// Messages that tell of changes of groups, unless they are wanted among the others.
    told: VecDeque<ChatMessage>,
    hears_all: bool,
    ended: bool,
    /// Bytes that came so far.
    received: u64,
    deadline: Duration,
    /// Set at login.
    pub(crate) id: u64,
    pub(crate) session: u64,
    pub(crate) token: Option<Secret>,
    /// Numbers this connection's client message ids.
    messages: u64,
}

impl Peer {
    /// Connects and says nothing.
    pub(crate) fn connect(address: SocketAddr) -> Peer {
        Peer::over(TcpStream::connect_timeout(&address, DEADLINE).expect("the server accepts"))
    }

    /// Takes a connection.
    pub(crate) fn over(stream: TcpStream) -> Peer {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_write_timeout(Some(DEADLINE)).expect("a timeout");
        Peer {
            stream,
            input: BytesMut::new(),
            next_rid: 1,
            due: HashSet::new(),
            replies: HashMap::new(),
            pushes: VecDeque::new(),
            told: VecDeque::new(),
            hears_all: false,
            ended: false,
            received: 0,
            deadline: DEADLINE,
            id: 0,
            session: 0,
            token: None,
            messages: 0,
        }
    }

    /// Waits less, or longer, from now on.
    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// Bytes that came so far.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    // --- requests -------------------------------------------------------------------------------------------------

    /// Writes a request; returns its rid.
    pub(crate) fn send(&mut self, request: &Request) -> u32 {
        self.send_all(std::slice::from_ref(request))[0]
    }

    /// Writes requests in one go; returns their rids.
    pub(crate) fn send_all(&mut self, requests: &[Request]) -> Vec<u32> {
        let mut wire = BytesMut::new();
        let rids = requests.iter().map(|request| self.encode(request, &mut wire)).collect();
        self.send_bytes(&wire);
        rids
    }

    /// Appends a request to `wire` and counts its reply as due.
    pub(crate) fn encode(&mut self, request: &Request, wire: &mut BytesMut) -> u32 {
        let rid = self.rid();
        encode::request(rid, request, wire);
        rid
    }

    /// A new rid, whose reply is due from now on.
    pub(crate) fn rid(&mut self) -> u32 {
        let rid = self.next_rid;
        self.next_rid += 1;
        self.due.insert(rid);
        rid
    }

    /// Counts the reply to a request as due that the test wrote itself.
    pub(crate) fn expect_rid(&mut self, rid: u32) {
        self.due.insert(rid);
    }

    /// Writes any bytes.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes bytes");
    }

    /// Writes any bytes to a server that may have closed already.
    pub(crate) fn try_send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Writes a frame whose body is anything; returns its rid.
    pub(crate) fn send_body(&mut self, msgid: u16, body: &[u8]) -> u32 {
        let rid = self.rid();
        let frame = raw_frame(0, msgid, rid, body);
        self.send_bytes(&frame);
        rid
    }

    /// Shuts the writing half.
    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).expect("shutdown");
    }

    /// Waits for one reply.
    pub(crate) fn reply(&mut self, rid: u32) -> Result<Reply, Refusal> {
        loop {
            if let Some(result) = self.replies.remove(&rid) {
                return result;
            }
            assert!(self.due.contains(&rid), "nobody asked {rid}");
            assert!(self.read_one(), "the server closed and never answered {rid}; pushes: {:?}", self.pushes);
        }
    }

    /// Waits for one reply, or for the end of the connection.
    pub(crate) fn try_reply(&mut self, rid: u32) -> Option<Result<Reply, Refusal>> {
        loop {
            if let Some(result) = self.replies.remove(&rid) {
                return Some(result);
            }
            if !self.read_one() {
                return None;
            }
        }
    }

    /// Asks and waits for the reply.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let rid = self.send(request);
        self.reply(rid)
    }

    /// Asks and waits for the reply's frame, byte by byte, its rid taken out.
    pub(crate) fn ask_frame(&mut self, request: &Request) -> Vec<u8> {
        /// Where a header holds the rid.
        const RID: std::ops::Range<usize> = 8..12;
        let rid = self.send(request);
        let until = Instant::now() + self.deadline;
        loop {
            while let Some((frame, used)) = decode(&self.input, BODY_MAX).expect("the server writes frames") {
                let incoming = Incoming::from_frame(&frame).expect("the server writes messages");
                let mut bytes = self.input.split_to(used).to_vec();
                match incoming {
                    Incoming::Push(push) => self.pushes.push_back(push),
                    Incoming::Reply { rid: answered, .. } => {
                        assert_eq!((answered, self.due.remove(&rid)), (rid, true), "another's answer");
                        bytes[RID].fill(0);
                        return bytes;
                    }
                }
            }
            assert!(!self.ended, "the server closed and never answered {rid}");
            self.fill(until);
        }
    }

    /// Asks something that must be refused; the code.
    pub(crate) fn refused(&mut self, request: &Request) -> Code {
        match self.ask(request) {
            Ok(reply) => panic!("{request:?} was done: {reply:?}"),
            Err(refusal) => refusal.code,
        }
    }

    /// Requests whose replies have not come.
    pub(crate) fn replies_due(&self) -> usize {
        self.due.len()
    }

    /// The replies that have come and were not looked at, by rid.
    pub(crate) fn take_replies(&mut self) -> Vec<(u32, Result<Reply, Refusal>)> {
        let mut replies: Vec<_> = self.replies.drain().collect();
        replies.sort_by_key(|(rid, _)| *rid);
        replies
    }

    // --- the end ------------------------------------------------------------------------------------------------------

    /// Asks whether the server is there; whether it answered before the connection ended.
    pub(crate) fn try_ping(&mut self) -> bool {
        let mut wire = BytesMut::new();
        let rid = self.encode(&Request::Ping(Nothing {}), &mut wire);
        // It may have closed before it read.
        let _ = self.try_send_bytes(&wire);
        self.try_reply(rid).is_some()
    }

    /// Waits for the end of the connection, with a BYE before it.
    pub(crate) fn bye(&mut self) -> Bye {
        while self.read_one() {}
        match self.pushes.pop_back() {
            Some(Push::Bye(bye)) => bye,
            other => panic!("the last frame is not a BYE but {other:?}"),
        }
    }

    /// Says HELLO to a server that may have no room; whether it had.
    pub(crate) fn try_hello(&mut self) -> bool {
        let mut wire = BytesMut::new();
        let hello = Hello { versions: vec![1], client: String::new(), device: String::new() };
        let rid = self.encode(&Request::Hello(hello), &mut wire);
        // It may have closed before it read.
        let _ = self.try_send_bytes(&wire);
        while self.read_one() {
            if self.replies.remove(&rid).is_some() {
                return true;
            }
        }
        false
    }

    /// Waits for the end of the connection.
    pub(crate) fn end(&mut self) {
        while self.read_one() {}
    }

    // --- reading --------------------------------------------------------------------------------------------------

    /// Reads one reply or push and keeps it; false at the end of the connection.
    pub(crate) fn read_one(&mut self) -> bool {
        match self.incoming() {
            None => return false,
            Some(Incoming::Push(Push::Message(told)))
                if told.kind == MessageKind::System && !self.hears_all =>
            {
                self.told.push_back(told);
            }
            Some(Incoming::Push(push)) => self.pushes.push_back(push),
            Some(Incoming::Reply { rid, result }) => {
                assert!(self.due.remove(&rid), "{rid} was answered twice, or never asked: {result:?}");
                self.replies.insert(rid, result);
            }
        }
        true
    }

    fn incoming(&mut self) -> Option<Incoming> {
        let until = Instant::now() + self.deadline;
        loop {
            if let Some((frame, used)) = decode(&self.input, BODY_MAX).expect("the server writes frames") {
                let incoming = Incoming::from_frame(&frame).expect("the server writes messages");
                let _ = self.input.split_to(used);
                return Some(incoming);
            }
            if self.ended {
                assert!(self.input.is_empty(), "the connection ended within a frame");
                return None;
            }
            self.fill(until);
        }
    }

    fn fill(&mut self, until: Instant) {
        let mut chunk = [0; 64 * 1024];
        let left = until.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "nothing came for {:?}; replies due: {}", self.deadline, self.due.len());
        self.stream.set_read_timeout(Some(left)).expect("a timeout");
        match self.stream.read(&mut chunk) {
            Ok(0) => self.ended = true,
            Ok(n) => {
                self.received += n as u64;
                self.input.extend_from_slice(&chunk[..n]);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // After our own bytes met a closed socket, or after a kill.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                self.input.clear();
                self.ended = true;
            }
            Err(error) => panic!("reading failed: {error}"),
        }
    }

    /// A client message id that this user has not used on this connection.
    pub(crate) fn message_id(&mut self) -> String {
        self.messages += 1;
        format!("{}-{}", self.session, self.messages)
    }
}

/// A frame of any bytes.
pub(crate) fn raw_frame(flags: u8, msgid: u16, rid: u32, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER_LEN + body.len());
    frame.extend_from_slice(&protocol::MAGIC.to_be_bytes());
    frame.extend_from_slice(&[protocol::VERSION, flags]);
    frame.extend_from_slice(&msgid.to_be_bytes());
    frame.extend_from_slice(&0u16.to_be_bytes());
    frame.extend_from_slice(&rid.to_be_bytes());
    frame.extend_from_slice(&(body.len() as u32).to_be_bytes());
    frame.extend_from_slice(body);
    frame
}
