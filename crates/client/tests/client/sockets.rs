//! The whole client over real sockets, against a server that follows a script.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use client::{Client, ClientError, Config, Event, Events, Next};
use protocol::{ChatMessage, Login, Nothing, Page, Push, Reply, Request, Secret, decode, encode};

use crate::model::Model;

const LIMIT: Duration = Duration::from_secs(10);

/// A listener whose connections the test serves one at a time.
struct Server {
    listener: TcpListener,
}

struct Peer {
    stream: TcpStream,
    input: BytesMut,
}

impl Server {
    fn start() -> Server {
        Server { listener: TcpListener::bind("127.0.0.1:0").expect("a free port") }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("bound")
    }

    fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().expect("a connection");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout can be set");
        Peer { stream, input: BytesMut::new() }
    }

    fn config(&self) -> Config {
        Config {
            backoff_first: Duration::from_millis(20),
            backoff_max: Duration::from_millis(100),
            ..Config::new(self.address().to_string())
        }
    }
}

impl Peer {
    /// The next request; none at the end.
    fn request(&mut self) -> Option<(u32, Request)> {
        let mut chunk = [0; 4096];
        loop {
            if let Some((frame, len)) = decode(&self.input, 1 << 20).expect("frames") {
                let request = (frame.header.rid, Request::from_frame(&frame).expect("requests"));
                self.input.advance(len);
                return Some(request);
            }
            match self.stream.read(&mut chunk).expect("readable in time") {
                0 => return None,
                len => self.input.extend_from_slice(&chunk[..len]),
            }
        }
    }

    fn reply(&mut self, rid: u32, reply: &Reply) {
        let mut out = BytesMut::new();
        encode::reply(rid, reply, &mut out);
        self.stream.write_all(&out).expect("writable");
    }

    fn push(&mut self, message: &ChatMessage) {
        let mut out = BytesMut::new();
        encode::push(&Push::Message(message.clone()), &mut out);
        // A byte at a time, as the worst of networks.
        out.iter().for_each(|byte| self.stream.write_all(&[*byte]).expect("writable"));
    }

    /// Answers with the model until the client has gone or `enough` says so after an answer.
    fn serve(&mut self, model: &mut Model, mut enough: impl FnMut(&Request) -> bool) {
        while let Some((rid, request)) = self.request() {
            match model.answer(&request) {
                Ok(reply) => self.reply(rid, &reply),
                Err(refusal) => {
                    let mut out = BytesMut::new();
                    encode::refusal(rid, request.msgid().into(), &refusal, &mut out);
                    self.stream.write_all(&out).expect("writable");
                }
            }
            if enough(&request) {
                return;
            }
        }
    }
}

fn login() -> Login {
    Login { name: Some("me".into()), password: Secret::new("12345678"), ..Login::default() }
}

/// Events until one that `wanted` likes, which is returned.
fn wait_for(events: &Events, mut wanted: impl FnMut(&Event) -> bool) -> Event {
    let deadline = Instant::now() + LIMIT;
    let mut seen = vec![];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match events.next_within(left).expect("the client lives") {
            Some(event) if wanted(&event) => return event,
            Some(event) => seen.push(event),
            None => panic!("only these events: {seen:?}"),
        }
    }
}

fn next_seq(events: &Events) -> u64 {
    match wait_for(events, |event| matches!(event, Event::Message { .. })) {
        Event::Message { message, .. } => message.seq,
        _ => unreachable!("asked for a message"),
    }
}

/// Runs the server's side on its own thread; what it returns says how it went.
fn beside<T: Send + 'static>(side: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(side()));
    receiver
}

#[test]
fn two_lives_of_a_client_miss_nothing() {
    let server = Server::start();
    let config = server.config();
    let side = beside(move || {
        let mut model = Model::new();
        let mut peer = server.accept();
        peer.serve(&mut model, |request| matches!(request, Request::Conversations(_)));
        let first = model.say(9, 9, "one");
        peer.push(&first);
        peer.serve(&mut model, |_| false);
        model.say(9, 9, "two");
        let acked = model.acked.get(&9).copied();
        let mut peer = server.accept();
        peer.serve(&mut model, |_| false);
        (acked, model.acked.get(&9).copied())
    });

    let (client, events) = Client::connect(config.clone()).expect("a thread");
    assert_eq!(client.log_in(login()).expect("logged in").id, 1);
    assert_eq!(next_seq(&events), 1);
    let state = client.close().expect("the first to close");
    assert_eq!(state.cursors[&9], 1);

    let (client, events) = Client::connect(config.state(state)).expect("a thread");
    assert_eq!(next_seq(&events), 2);
    let sent = client.say_to_friend(9, "three").expect("stored");
    assert_eq!(sent.seq, 3);
    assert_eq!(next_seq(&events), 3);
    client.close().expect("the first to close");
    assert_eq!(
        side.recv_timeout(LIMIT),
        Ok((Some(1), Some(3))),
        "acknowledged before the connection was closed"
    );
}

#[test]
fn a_message_under_way_survives_the_connection() {
    let server = Server::start();
    let config = server.config();
    let side = beside(move || {
        let mut model = Model::new();
        let mut peer = server.accept();
        peer.serve(&mut model, |request| matches!(request, Request::Conversations(_)));
        // It is stored, and the connection breaks before the answer.
        let (_, request) = peer.request().expect("the message");
        model.answer(&request).expect("stored");
        drop(peer);
        server.accept().serve(&mut model, |_| false);
        model.last(9)
    });
    let (client, events) = Client::connect(config).expect("a thread");
    client.log_in(login()).expect("logged in");
    assert_eq!(client.say_to_friend(9, "once").expect("answered in the end").seq, 1);
    wait_for(&events, |event| matches!(event, Event::Disconnected { .. }));
    assert_eq!(next_seq(&events), 1);
    client.close().expect("open");
    assert_eq!(side.recv_timeout(LIMIT), Ok(1), "stored once");
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for() {
    let server = Server::start();
    let (address, config) = (server.address(), server.config());
    drop(server);
    let (client, events) = Client::connect(config).expect("a thread");
    let event = wait_for(&events, |event| matches!(event, Event::Disconnected { .. }));
    let Event::Disconnected { why, next: Next::RetryIn(_) } = event else { panic!("{event:?}") };
    assert_eq!(why, format!("no server listens on {address}"));
    let listener = TcpListener::bind(address).expect("the port is free again");
    let side = beside(move || Server { listener }.accept().serve(&mut Model::new(), |_| false));
    client.log_in(login()).expect("logged in when the server was there");
    drop(client);
    assert_eq!(side.recv_timeout(LIMIT), Ok(()), "the last handle closes the connection");
}

#[test]
fn a_slow_application_gets_everything_in_the_end() {
    const SAID: u64 = 5_000;
    let server = Server::start();
    let config = server.config();
    let side = beside(move || {
        let mut model = Model::new();
        let mut peer = server.accept();
        peer.serve(&mut model, |request| matches!(request, Request::Conversations(_)));
        for n in 0..SAID {
            let message = model.say(9, 9, &n.to_string());
            let mut out = BytesMut::new();
            encode::push(&Push::Message(message), &mut out);
            peer.stream.write_all(&out).expect("the client keeps reading");
        }
        peer.serve(&mut model, |_| false);
    });
    let (client, events) = Client::connect(config).expect("a thread");
    client.log_in(login()).expect("logged in");
    // Calls are answered although nobody takes events.
    let refused = client.call(Request::Friends(Page::default()));
    assert!(matches!(refused, Err(ClientError::Refused(_))), "{refused:?}");
    for seq in 1..=SAID {
        assert_eq!(next_seq(&events), seq);
    }
    client.close().expect("open");
    assert_eq!(side.recv_timeout(LIMIT), Ok(()));
}

#[test]
fn the_queue_of_calls_is_bounded() {
    let server = Server::start();
    let (client, _events) = Client::connect(server.config()).expect("a thread");
    let pending: Vec<_> = (0..client::limits::CALLS_MAX)
        .map(|_| client.submit(Request::Friends(Page::default())).expect("room"))
        .collect();
    assert_eq!(client.submit(Request::Friends(Page::default())).err(), Some(ClientError::QueueFull));
    client.clone().close().expect("open");
    for call in pending {
        assert_eq!(call.wait(), Err(ClientError::Closed));
    }
    assert_eq!(client.call(Request::Friends(Page::default())), Err(ClientError::Closed));
}

#[test]
fn an_answer_is_waited_for_in_parts() {
    let server = Server::start();
    let config = server.config();
    let (go_on, gone_on) = channel();
    let side = beside(move || {
        let mut model = Model::new();
        let mut peer = server.accept();
        peer.serve(&mut model, |request| matches!(request, Request::Conversations(_)));
        gone_on.recv().expect("the test goes on");
        peer.serve(&mut model, |_| false);
    });
    let (client, _events) = Client::connect(config).expect("a thread");
    client.log_in(login()).expect("logged in");
    let pending = client.submit(Request::LogOut(Nothing {})).expect("room");
    assert_eq!(pending.wait_within(Duration::from_millis(20)), None, "nobody answers");
    go_on.send(()).expect("the server is there");
    let begun = Instant::now();
    assert!(matches!(pending.wait_within(LIMIT), Some(Ok(Reply::LogOut(_)))));
    assert!(begun.elapsed() < LIMIT, "it comes as soon as it is there");

    let unanswered = client.submit(Request::Friends(Page::default())).expect("room");
    client.close().expect("open");
    // Answered before the end, or not: nobody waits for what cannot come.
    assert!(unanswered.wait_within(LIMIT).is_some());
    side.recv_timeout(LIMIT).expect("the server ends");
}
