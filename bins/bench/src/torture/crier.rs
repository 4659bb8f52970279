//! Operators who tell everybody something while parts break: each through the admin address of a node chosen at random.
//!
//! Each broadcast has a key of its own. Whatever has no answer, or a refusal for now, is tried again with the same key and text, at
//! any node, until it is answered: with the key it is done once, however late an attempt takes effect. One operator gives one
//! order after the other; two work at once, so that orders cross. Each runs on a thread of its own, since a node that stands
//! still takes an order and does not answer.

use std::{
    fs::OpenOptions,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;

use super::{
    clock,
    evidence::{Cry, CryOutcome, Digest},
    seed,
    town::{Stage, Town},
};

/// What the nodes take for an operator's word.
const TOKEN: &str = "the-operators-of-the-fault-test";
/// Operators at work.
const CRIERS: usize = 2;
/// The mean time between two orders of one operator.
const PAUSE: Duration = Duration::from_secs(8);
/// Before the first: early, so that a short run has one.
const FIRST: Duration = Duration::from_secs(1);
/// Orders that one operator gives at most: all together are fewer than a server keeps, so that all can be looked for.
const CRIES_MAX: usize = 120;
/// How long an attempt may take before another node is asked.
const PATIENCE: Duration = Duration::from_secs(4);
/// The wait before something is tried again.
const RETRY: Duration = Duration::from_millis(300);
/// How often an operator looks whether it is time.
const TURN: Duration = Duration::from_millis(20);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// All operators, seen from outside.
pub(crate) struct Criers {
    board: Arc<Board>,
    threads: Vec<JoinHandle<()>>,
}

/// What the director and the operators share. Locks are held for moments and never two at once.
#[derive(Default)]
struct Board {
    /// Admin addresses of the nodes that run.
    nodes: Mutex<Vec<SocketAddr>>,
    cries: Mutex<Vec<Cry>>,
    /// Everything is over.
    ended: AtomicBool,
}

impl Criers {
    /// Sends them to work; they begin nothing new once the town settles.
    pub(crate) fn start(town: &Arc<Town>, seed: u64) -> Criers {
        let board = Arc::new(Board::default());
        let threads = (0..CRIERS).map(|number| {
            let crier = Crier {
                name: format!("crier-{number}"),
                random: seed::generator(seed, &format!("crier-{number}")),
                board: Arc::clone(&board),
                town: Arc::clone(town),
                seed,
            };
            thread::spawn(move || crier.run())
        });
        Criers { threads: threads.collect(), board }
    }

    /// Which nodes run.
    pub(crate) fn hear_of(&self, nodes: Vec<SocketAddr>) {
        *lock(&self.board.nodes) = nodes;
    }

    /// Orders without answer.
    pub(crate) fn open(&self) -> usize {
        lock(&self.board.cries).iter().filter(|cry| cry.outcome == CryOutcome::Open).count()
    }

    /// The greatest id that was answered.
    pub(crate) fn newest(&self) -> u64 {
        let id = |cry: &Cry| if let CryOutcome::Stored(id) = cry.outcome { id } else { 0 };
        lock(&self.board.cries).iter().map(id).max().unwrap_or(0)
    }

    pub(crate) fn cries(&self) -> Vec<Cry> {
        lock(&self.board.cries).clone()
    }

    /// Ends them; what has no answer gets none.
    pub(crate) fn join(&mut self) {
        self.board.ended.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            if let Err(payload) = thread.join() {
                std::panic::resume_unwind(payload);
            }
        }
    }
}

/// One operator. Owned by its thread.
struct Crier {
    name: String,
    random: StdRng,
    board: Arc<Board>,
    town: Arc<Town>,
    seed: u64,
}

impl Crier {
    fn run(mut self) {
        let mut due = Instant::now() + FIRST;
        let mut told = 0;
        while !self.is_over() && self.town.stage() == Stage::Play && told < CRIES_MAX {
            if due <= Instant::now() {
                self.cry(told);
                told += 1;
                due = Instant::now() + PAUSE.mul_f64(self.random.random_range(0.2..1.8));
            }
            thread::sleep(TURN);
        }
    }

    /// Tells everybody one thing, and does not rest until it is answered.
    fn cry(&mut self, number: usize) {
        let key = format!("{:x}-{}-{number}", self.seed, self.name);
        let text = format!("{key} says: the server restarts, or not. 服务器重启。");
        let body = json!({ "key": key, "operator": self.name, "text": text }).to_string();
        let at = {
            let mut cries = lock(&self.board.cries);
            let (text, begun_ms) = (Digest::of(&text), clock::now_ms());
            cries.push(Cry { key, text, begun_ms, ended_ms: 0, tries: 0, outcome: CryOutcome::Open });
            cries.len() - 1
        };
        while !self.is_over() {
            let node = lock(&self.board.nodes).choose(&mut self.random).copied();
            let Some(node) = node else {
                thread::sleep(TURN);
                continue;
            };
            lock(&self.board.cries)[at].tries += 1;
            let outcome = match post(node, &body) {
                Ok((200, sentence)) => match id_in(&sentence) {
                    Some(id) => CryOutcome::Stored(id),
                    None => CryOutcome::Refused(format!("an answer without an id: {sentence}")),
                },
                // Not now, or nobody knows: the key makes the next attempt harmless.
                Ok((503, _)) | Err(_) => {
                    thread::sleep(RETRY);
                    continue;
                }
                Ok((status, sentence)) => CryOutcome::Refused(format!("{status}: {sentence}")),
            };
            let cry = &mut lock(&self.board.cries)[at];
            (cry.outcome, cry.ended_ms) = (outcome, clock::now_ms());
            return;
        }
    }

    fn is_over(&self) -> bool {
        self.board.ended.load(Ordering::SeqCst)
    }
}

/// Posts an order to a node's admin address; status and sentence of the answer.
fn post(node: SocketAddr, body: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&node, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!(
        "POST /broadcasts HTTP/1.1\r\nHost: {node}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let parsed = answer.split_once("\r\n\r\n").and_then(|(head, body)| {
        let status = head.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
        Some((status, body.trim_end().to_owned()))
    });
    parsed.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "an answer broke off"))
}

/// Writes a file with the token, for nodes to read.
pub(crate) fn write_token(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{TOKEN}")
}

/// The id in "broadcast 7 is stored", or "was stored before, by the same key".
fn id_in(sentence: &str) -> Option<u64> {
    sentence.strip_prefix("broadcast ")?.split(' ').next()?.parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_in_the_answer() {
        assert_eq!(id_in("broadcast 7 is stored"), Some(7));
        assert_eq!(id_in("broadcast 12 was stored before, by the same key"), Some(12));
        assert_eq!(id_in("too many orders wait"), None);
    }
}
