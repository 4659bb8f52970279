//! A server for one user, in the test's hands.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use client::protocol::{
    ChatMessage, Code, Conversation, ConversationKind, ConversationsPage, Friend, FriendsPage, HelloReply,
    HistoryPage, Incoming, MessageKind, Nothing, Push, ReceiptsList, RecoveryCodes, Refusal, Registered,
    Reply, Request, Secret, Sent, SignedIn, State, decode, encode,
};

pub(crate) const ME: u64 = 1;
pub(crate) const BOB: u64 = 2;
pub(crate) const CONV: u64 = 9;
pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const TOKEN: &str = "the-token-of-alice";

/// Whoever calls themselves so has tried too often.
pub(crate) const HASTY: &str = "hasty";

/// Runs until the test ends.
#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    log: Vec<ChatMessage>,
    acked: u64,
    read: u64,
    /// Connections that are logged in.
    readers: Vec<TcpStream>,
    connections: Vec<TcpStream>,
    accepted: usize,
    manner: Manner,
    /// Pages of HISTORY that are answered; then the answers wait.
    history_pages: Option<usize>,
}

/// How requests are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manner {
    #[default]
    Answering,
    /// Connections are cut as soon as they come.
    Away,
    /// Nothing but HELLO and PING is answered.
    Silent,
}

impl Server {
    pub(crate) fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let server = Server { address, inner: Arc::default() };
        let acceptor = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                acceptor.accept(stream);
            }
        });
        server
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Bob says something.
    pub(crate) fn bob_says(&self, text: &str) {
        let mut inner = self.lock();
        let message = inner.store(BOB, "bob", text, "");
        inner.tell(&Push::Message(message));
    }

    /// Bob says something that concerns everybody.
    pub(crate) fn bob_mentions_all(&self, text: &str) {
        let mut inner = self.lock();
        let message = ChatMessage { mentions: vec![0], ..inner.store(BOB, "bob", text, "") };
        inner.tell(&Push::Message(message));
    }

    pub(crate) fn push(&self, push: &Push) {
        self.lock().tell(push);
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.lock().manner = manner;
    }

    pub(crate) fn cut(&self) {
        let mut inner = self.lock();
        inner.readers.clear();
        for connection in inner.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// What was said, by whom.
    pub(crate) fn log(&self) -> Vec<(u64, String)> {
        self.lock().log.iter().map(|message| (message.from, message.msg.clone())).collect()
    }

    /// Answers so many more pages of HISTORY, and makes the next one wait; nothing: answers all.
    pub(crate) fn limit_history(&self, pages: Option<usize>) {
        self.lock().history_pages = pages;
    }

    /// Whether this request has to wait.
    fn holds(&self, request: &Request) -> bool {
        match (request, &mut self.lock().history_pages) {
            (Request::History(_), Some(0)) => true,
            (Request::History(_), Some(left)) => {
                *left -= 1;
                false
            }
            _ => false,
        }
    }

    /// Connections that ever came.
    pub(crate) fn accepted(&self) -> usize {
        self.lock().accepted
    }

    pub(crate) fn readers(&self) -> usize {
        self.lock().readers.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test thread panics with it")
    }

    fn accept(&self, stream: TcpStream) {
        let mut inner = self.lock();
        inner.accepted += 1;
        if inner.manner == Manner::Away {
            return;
        }
        inner.connections.push(stream.try_clone().expect("a descriptor"));
        drop(inner);
        let server = self.clone();
        thread::spawn(move || server.serve(stream));
    }

    fn serve(&self, mut stream: TcpStream) {
        let (mut input, mut chunk) = (BytesMut::new(), [0; 4096]);
        while let Ok(len @ 1..) = stream.read(&mut chunk) {
            input.extend_from_slice(&chunk[..len]);
            while let Some((frame, len)) = decode(&input, 1 << 20).expect("the client writes frames") {
                let request = Request::from_frame(&frame).expect("the client writes requests");
                let rid = frame.header.rid;
                input.advance(len);
                while self.holds(&request) {
                    thread::sleep(Duration::from_millis(5));
                }
                let mut inner = self.lock();
                let greeting = matches!(request, Request::Hello(_) | Request::Ping(_));
                if inner.manner == Manner::Silent && !greeting {
                    continue;
                }
                let mut out = BytesMut::new();
                match inner.answer(&request) {
                    Ok(reply) => encode::reply(rid, &reply, &mut out),
                    Err(refusal) => encode::refusal(rid, request.msgid().into(), &refusal, &mut out),
                }
                let _ = stream.write_all(&out);
                if matches!(
                    Incoming::from_frame(&decode(&out, 1 << 20).expect("ours").expect("whole").0),
                    Ok(Incoming::Reply { result: Ok(Reply::Login(_) | Reply::Resume(_)), .. })
                ) {
                    inner.readers.push(stream.try_clone().expect("a descriptor"));
                }
            }
        }
        // Other descriptors of it are kept for pushes.
        let _ = stream.shutdown(Shutdown::Both);
    }
}

impl Inner {
    fn store(&mut self, from: u64, name: &str, msg: &str, client_msg_id: &str) -> ChatMessage {
        let seq = self.log.len() as u64 + 1;
        let message = ChatMessage {
            conv: CONV,
            seq,
            from,
            name: name.into(),
            client_msg_id: client_msg_id.into(),
            time: 1_767_225_600_000 + seq,
            kind: MessageKind::Text,
            msg: msg.into(),
            ..ChatMessage::default()
        };
        self.log.push(message.clone());
        message
    }

    fn tell(&mut self, push: &Push) {
        let bytes = encode::push_bytes(push);
        self.readers.retain_mut(|reader| reader.write_all(&bytes).is_ok());
    }

    /// The conversation, if something was said that alice has not.
    fn behind(&self) -> Vec<Conversation> {
        let last = self.log.len() as u64;
        let (conv, kind, acked) = (CONV, ConversationKind::Direct, self.acked);
        let entry = Conversation {
            conv,
            kind,
            with: BOB,
            first: 1,
            last,
            acked,
            read: self.read,
            restored: 0,
            last_change: 0,
        };
        if last > acked { vec![entry] } else { vec![] }
    }

    fn answer(&mut self, request: &Request) -> Result<Reply, Refusal> {
        Ok(match request {
            Request::Hello(_) => Reply::Hello(HelloReply {
                version: 1,
                server: "stage/1".into(),
                node: "n".into(),
                time: 0,
                heartbeat_ms: 12_000,
                frame_bytes_max: 1 << 20,
                text_bytes_max: 1 << 16,
                pipeline_max: 64,
                page_max: 200,
            }),
            Request::Ping(_) => Reply::Ping(Nothing {}),
            Request::Reg(_) => Reply::Reg(Registered { id: ME, recovery_codes: codes() }),
            Request::NewRecoveryCodes(_) => {
                Reply::NewRecoveryCodes(RecoveryCodes { recovery_codes: codes() })
            }
            Request::ChangePassword(change) if change.password.expose() != PASSWORD => {
                return Err(Refusal::new(Code::BAD_CREDENTIALS));
            }
            Request::ChangePassword(_) => Reply::ChangePassword(Nothing {}),
            Request::Login(login) if login.name.as_deref() == Some(HASTY) => {
                return Err(Refusal::new(Code::TOO_MANY).retry_after_ms(11_500));
            }
            Request::Login(login) if login.password.expose() != PASSWORD => {
                return Err(Refusal::new(Code::BAD_CREDENTIALS));
            }
            Request::Login(_) => Reply::Login(SignedIn { convs: self.behind(), ..bundle(Some(TOKEN)) }),
            Request::Resume(resume) if resume.token.expose() != TOKEN => {
                return Err(Refusal::new(Code::SESSION_ENDED));
            }
            Request::Resume(_) => Reply::Resume(bundle(None)),
            Request::LogOut(_) => Reply::LogOut(Nothing {}),
            Request::Friends(_) => Reply::Friends(FriendsPage { friends: vec![bob()], next: 0 }),
            Request::OneChat(chat) if chat.to != BOB => return Err(Refusal::new(Code::NOT_FRIENDS)),
            Request::OneChat(chat) => {
                let known =
                    self.log.iter().find(|message| message.client_msg_id == chat.client_msg_id).cloned();
                let message =
                    known.unwrap_or_else(|| self.store(ME, "alice", &chat.msg, &chat.client_msg_id));
                Reply::OneChat(Sent { conv: CONV, seq: message.seq, time: message.time })
            }
            Request::Ack(ack) => {
                self.acked = self.acked.max(ack.seq);
                Reply::Ack(Nothing {})
            }
            Request::Read(read) => {
                self.read = self.read.max(read.seq);
                Reply::Read(Nothing {})
            }
            Request::Receipts(_) => Reply::Receipts(ReceiptsList { conv: CONV, ..ReceiptsList::default() }),
            Request::Conversations(page) if page.after >= CONV || self.log.is_empty() => {
                Reply::Conversations(ConversationsPage { convs: vec![], next: 0 })
            }
            Request::Conversations(_) => {
                let last = self.log.len() as u64;
                let (conv, kind) = (CONV, ConversationKind::Direct);
                let (acked, read) = (self.acked, self.read);
                let entry = Conversation {
                    conv,
                    kind,
                    with: BOB,
                    first: 1,
                    last,
                    acked,
                    read,
                    restored: 0,
                    last_change: 0,
                };
                Reply::Conversations(ConversationsPage { convs: vec![entry], next: 0 })
            }
            Request::History(history) => {
                let limit = if history.limit == 0 { 200 } else { history.limit.min(200) as usize };
                let messages = match (history.after, history.before) {
                    (Some(after), _) => self.log.iter().skip(after as usize).take(limit).cloned().collect(),
                    (None, before) => {
                        let end =
                            before.map_or(self.log.len(), |before| before as usize - 1).min(self.log.len());
                        self.log[end.saturating_sub(limit)..end].to_vec()
                    }
                };
                Reply::History(HistoryPage { conv: CONV, messages, first: 1, last: self.log.len() as u64 })
            }
            _ => return Err(Refusal::new(Code::NOT_ALLOWED)),
        })
    }
}

fn codes() -> Vec<Secret> {
    (0..10).map(|n| Secret::new(format!("{n}BCD-EFGH-JKMN-PQRS"))).collect()
}

fn bob() -> Friend {
    Friend { id: BOB, name: "bob".into(), state: State::Online, conv: CONV, ..Friend::default() }
}

fn bundle(token: Option<&str>) -> SignedIn {
    SignedIn {
        id: ME,
        name: "alice".into(),
        session: 3,
        token: token.map(Secret::new),
        friends: vec![bob()],
        ..SignedIn::default()
    }
}
