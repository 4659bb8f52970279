//! A served status, and raw connections to it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use admin::{Admin, Orders, RunningAdmin, Status};

/// How long anything that must come may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What is shown; a test turns it around.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) ill: AtomicBool,
    pub(crate) unready: AtomicBool,
    /// Bytes of the metrics.
    pub(crate) large: AtomicUsize,
    /// How often they were asked for.
    pub(crate) asked: AtomicUsize,
}

impl Status for Shown {
    fn health(&self) -> Result<(), String> {
        if self.ill.load(SeqCst) { Err("the thread worker-1 died".to_owned()) } else { Ok(()) }
    }

    fn readiness(&self) -> Result<(), String> {
        if self.unready.load(SeqCst) { Err("draining".to_owned()) } else { Ok(()) }
    }

    fn metrics(&self) -> String {
        self.asked.fetch_add(1, SeqCst);
        format!("# TYPE up gauge\nup 1\n{}", "#".repeat(self.large.load(SeqCst)))
    }
}

pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) shown: Arc<Shown>,
    running: Option<RunningAdmin>,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage::taking(None)
    }

    /// One that takes orders.
    pub(crate) fn taking(orders: Option<Arc<dyn Orders>>) -> Stage {
        let listener = reactor::listen("127.0.0.1:0".parse().unwrap(), 1024).unwrap();
        let address = listener.local_addr().unwrap();
        let shown = Arc::new(Shown::default());
        let running = Admin::start(listener, Arc::clone(&shown) as Arc<dyn Status>, orders).unwrap();
        Stage { address, shown, running: Some(running) }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends bytes on a connection of their own; all that comes until its end.
    pub(crate) fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        to_end(&mut stream)
    }

    /// Asks for a path; status line and body.
    pub(crate) fn get(&self, path: &str) -> (String, String) {
        let answer =
            self.ask(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    /// Asks for a path as one who may be closed at once.
    pub(crate) fn get_or_refused(&self, path: &str) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(format!("GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n").as_bytes());
        to_end(&mut stream)
    }

    pub(crate) fn stop(&mut self) {
        self.running.take().unwrap().stop(PATIENCE);
    }
}

/// All that comes until the connection ends, in whatever way.
pub(crate) fn to_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => all.extend_from_slice(&chunk[..n]),
            // It closed while bytes of ours were under way.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("nothing came: {error}"),
        }
    }
    String::from_utf8(all).unwrap()
}
