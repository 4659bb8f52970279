//! A blocking session, for the set-up: one request at a time, no care for speed.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use bytes::{Buf, BytesMut};
use protocol::{
    Blame, Hello, HelloReply, Incoming, Login, Refusal, Reg, Reply, Request, Resume, Secret, SignedIn,
    VERSION, encode, limits,
};

use crate::error::BenchError;

/// How long one answer may take: the set-up keeps the server as busy as it can be.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a request is repeated that the server was too busy for.
const BUSY_RETRIES: u32 = 100;

/// The longest pause that the server can make us take before such a repeat.
const BUSY_PAUSE_MAX: Duration = Duration::from_secs(2);

/// A connection that has said HELLO.
pub(crate) struct Session {
    stream: TcpStream,
    input: BytesMut,
    rid: u32,
    hello: HelloReply,
}

impl Session {
    pub(crate) fn connect(addr: SocketAddr) -> Result<Session, BenchError> {
        let stream = TcpStream::connect(addr).map_err(BenchError::io("connect"))?;
        stream.set_nodelay(true).map_err(BenchError::io("TCP_NODELAY"))?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(BenchError::io("read timeout"))?;
        let nothing = HelloReply {
            version: 0,
            server: String::new(),
            node: String::new(),
            time: 0,
            heartbeat_ms: 0,
            frame_bytes_max: 0,
            text_bytes_max: 0,
            pipeline_max: 0,
            page_max: 0,
        };
        let mut session = Session { stream, input: BytesMut::new(), rid: 0, hello: nothing };
        match session.ask("HELLO", &hello())? {
            Reply::Hello(hello) => session.hello = hello,
            other => return Err(unexpected("HELLO", &other)),
        }
        Ok(session)
    }

    /// What the server said of itself.
    pub(crate) fn hello(&self) -> &HelloReply {
        &self.hello
    }

    /// Registers a name and returns its id.
    pub(crate) fn register(&mut self, name: &str, password: &str) -> Result<u64, BenchError> {
        let reg = Request::Reg(Reg { name: name.into(), password: Secret::new(password) });
        match self.ask("REG", &reg)? {
            Reply::Reg(registered) => Ok(registered.id),
            other => Err(unexpected("REG", &other)),
        }
    }

    pub(crate) fn log_in(&mut self, name: &str, password: &str) -> Result<SignedIn, BenchError> {
        match self.ask("LOGIN", &login(name, password))? {
            Reply::Login(signed_in) => Ok(signed_in),
            other => Err(unexpected("LOGIN", &other)),
        }
    }

    pub(crate) fn resume(&mut self, token: &str) -> Result<SignedIn, BenchError> {
        match self.ask("RESUME", &resume(token))? {
            Reply::Resume(signed_in) => Ok(signed_in),
            other => Err(unexpected("RESUME", &other)),
        }
    }

    /// Asks, and asks again while the server says that it is busy.
    pub(crate) fn ask(&mut self, name: &'static str, request: &Request) -> Result<Reply, BenchError> {
        let mut left = BUSY_RETRIES;
        loop {
            match self.ask_once(request)? {
                Ok(reply) => return Ok(reply),
                Err(refusal) if refusal.code.blame() == Blame::Busy && left > 0 => {
                    left -= 1;
                    let pause = Duration::from_millis(refusal.body.retry_after_ms.unwrap_or(100));
                    thread::sleep(pause.min(BUSY_PAUSE_MAX));
                }
                Err(refusal) => return Err(BenchError::Refused { request: name, refusal }),
            }
        }
    }

    /// Asks all of these at once; who is refused is an error.
    pub(crate) fn ask_all(&mut self, name: &'static str, requests: &[Request]) -> Result<(), BenchError> {
        let mut out = BytesMut::new();
        for request in requests {
            self.rid += 1;
            encode::request(self.rid, request, &mut out);
        }
        self.stream.write_all(&out).map_err(BenchError::io("write"))?;
        let mut left = requests.len();
        while left > 0 || !self.input.is_empty() {
            while let Some((frame, used)) = protocol::decode(&self.input, limits::FRAME_BYTES_MAX)? {
                match Incoming::from_frame(&frame)? {
                    Incoming::Reply { result: Ok(_), .. } => left = left.saturating_sub(1),
                    Incoming::Reply { result: Err(refusal), .. } => {
                        return Err(BenchError::Refused { request: name, refusal });
                    }
                    Incoming::Push(_) => {}
                }
                self.input.advance(used);
            }
            if left > 0 || !self.input.is_empty() {
                self.read()?;
            }
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), BenchError> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer).map_err(BenchError::io("read"))? {
            0 => Err(BenchError::Closed { index: 0, why: "during the set-up".into() }),
            n => {
                self.input.extend_from_slice(&buffer[..n]);
                Ok(())
            }
        }
    }

    /// The socket, for a swarm. Pushes that came during the set-up and were not read yet come first there.
    pub(crate) fn into_stream(self) -> Result<TcpStream, BenchError> {
        if !self.input.is_empty() {
            let got = format!("{} bytes of an unfinished frame", self.input.len());
            return Err(BenchError::Unexpected { request: "the last request", got });
        }
        Ok(self.stream)
    }

    fn ask_once(&mut self, request: &Request) -> Result<Result<Reply, Refusal>, BenchError> {
        self.rid += 1;
        let mut out = BytesMut::new();
        encode::request(self.rid, request, &mut out);
        self.stream.write_all(&out).map_err(BenchError::io("write"))?;
        let mut answer = None;
        loop {
            // All that was read is consumed, so that nothing is left behind when the socket moves on.
            while let Some((frame, used)) = protocol::decode(&self.input, limits::FRAME_BYTES_MAX)? {
                match Incoming::from_frame(&frame)? {
                    Incoming::Reply { rid, result } if rid == self.rid => answer = Some(result),
                    Incoming::Reply { rid, .. } => {
                        let got = format!("the answer to request {rid} instead of {}", self.rid);
                        return Err(BenchError::Unexpected { request: "a request", got });
                    }
                    Incoming::Push(_) => {}
                }
                self.input.advance(used);
            }
            if self.input.is_empty()
                && let Some(answer) = answer
            {
                return Ok(answer);
            }
            self.read()?;
        }
    }
}

/// The first request of every connection.
pub(crate) fn hello() -> Request {
    let client = concat!("bench ", env!("CARGO_PKG_VERSION")).into();
    Request::Hello(Hello { versions: vec![u16::from(VERSION)], client, device: "bench".into() })
}

/// A login by name.
pub(crate) fn login(name: &str, password: &str) -> Request {
    Request::Login(Login { name: Some(name.into()), password: Secret::new(password), ..Login::default() })
}

/// A resume by token.
pub(crate) fn resume(token: &str) -> Request {
    Request::Resume(Resume { token: Secret::new(token), ..Resume::default() })
}

pub(crate) fn unexpected(request: &'static str, reply: &Reply) -> BenchError {
    BenchError::Unexpected { request, got: format!("{:?}", reply.msgid()) }
}
