//! The newest messages of active conversations, shared by the nodes of a cluster.
//!
//! Each conversation is a hash of its own: the change and the seq that it reaches to, and the messages one behind the other.
//! It has connections of its own, never the bus's or the leases', and waits for [`history_call_limit`](super::Limits::history_call_limit) at most: a Redis that is slow
//! or away costs a page of the log, and is left alone for [`PAUSE`] then.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use domain::{
    ChangePosition, ConversationId, Epoch, HistoryCache, HistoryVersion, Mentions, MessageKind,
    RECENT_BYTES_MAX, Recall, Recent, Seq, StoredMessage, Timestamp, UserId,
};
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use redis::Value;

use super::config::{Config, ConfigError, Settings};
use super::metrics::{HistoryCacheSnapshot, HistoryNumbers};
use super::scripts::{Args, HISTORY_FORGET, HISTORY_KEEP, HISTORY_SAID, Script, bytes, list};
use super::wire::{Wire, WireError};
use super::{clock, wire};

/// How long nothing is asked after a call that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Connections at most. Who finds all taken does without.
const CONNECTIONS_MAX: usize = 8;
/// How long a conversation is kept that nobody changes or reads into the cache anew.
const TIME_TO_LIVE: Duration = Duration::from_secs(600);
/// Messages that wait to be put behind others; more are left to the next reader.
const SAID_MAX: usize = 1_024;
/// Conversations that this node's users read lately: what is said there is put behind what is kept.
const READ_LATELY_MAX: usize = 10_000;
/// Bytes kept of a conversation: twice the texts, for what surrounds them and what is said until it is read anew.
const KEPT_BYTES_MAX: usize = 2 * RECENT_BYTES_MAX + (64 << 10);
/// The form of what is kept; nodes that write another form use other keys.
const FORM: u8 = 2;

/// See the module. Any thread.
pub struct RedisHistory {
    shared: Arc<Shared>,
    read_lately: Cache<ConversationId, ()>,
    said: Option<SyncSender<(ConversationId, Seq, Vec<u8>)>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    settings: Settings,
    /// What the keys begin with: the log's epoch is in it, so that nothing of before a restore is found.
    keys: String,
    pool: Mutex<Pool>,
    numbers: HistoryNumbers,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Wire>,
    lent: usize,
    /// After a failure.
    not_before: Option<Instant>,
}

impl RedisHistory {
    /// Uses the Redis of this cluster for the log of this epoch. Asks it nothing yet.
    pub fn start(config: &Config, epoch: Epoch) -> Result<RedisHistory, HistoryStartError> {
        let settings = Settings::check(config)?;
        let keys = format!("{}history:{FORM}:{epoch}:", settings.prefix);
        let numbers = HistoryNumbers::default();
        let shared = Arc::new(Shared { settings, keys, pool: Mutex::default(), numbers });
        let (said, waiting) = sync_channel(SAID_MAX);
        let writer = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("history-cache".to_owned())
            .spawn(move || writer.put_behind(&waiting))
            .map_err(|error| HistoryStartError::Thread(error.to_string()))?;
        let read_lately = Cache::new(READ_LATELY_MAX);
        Ok(RedisHistory { shared, read_lately, said: Some(said), thread: Some(thread) })
    }

    /// What it counts.
    pub fn snapshot(&self) -> HistoryCacheSnapshot {
        self.shared.numbers.snapshot()
    }
}

/// Why there is no cache.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryStartError {
    /// A setting of the cluster is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system gives no thread.
    #[error("cannot start a thread for the cache of recent messages: {0}")]
    Thread(String),
}

impl Drop for RedisHistory {
    fn drop(&mut self) {
        // The thread ends with what waits, each of which takes no longer than a call, and nothing while Redis is away.
        drop(self.said.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl HistoryCache for RedisHistory {
    fn recent(&self, conversation: ConversationId) -> Option<Recent> {
        self.read_lately.insert(conversation, ());
        let key = self.shared.key(conversation);
        let mut command = redis::cmd("HMGET");
        command.arg(key).arg("c").arg("l").arg("m");
        let answer = self.shared.run(|wire| wire.call(&command))?;
        let recent = parse(conversation, answer);
        match recent {
            Ok(recent) => recent,
            Err(Unreadable) => {
                self.shared.numbers.unreadable.add(1);
                None
            }
        }
    }

    fn keep(&self, conversation: ConversationId, mut recent: Recent) {
        recent.fit();
        if recent.messages.is_empty() {
            return;
        }
        self.read_lately.insert(conversation, ());
        let mut messages = Vec::new();
        recent.messages.iter().for_each(|message| encode(message, &mut messages));
        let args = Args::default()
            .text(self.shared.key(conversation))
            .number(recent.version.change.0)
            .number(recent.version.last.0)
            .text(messages)
            .number(TIME_TO_LIVE.as_millis());
        self.shared.script(&HISTORY_KEEP, &args);
    }

    fn said(&self, conversation: ConversationId, seq: Seq, message: &dyn Fn() -> StoredMessage) {
        if self.read_lately.peek(&conversation).is_none() {
            return;
        }
        let mut encoded = Vec::new();
        encode(&message(), &mut encoded);
        let sent = self.said.as_ref().map(|said| said.try_send((conversation, seq, encoded)));
        if let Some(Err(TrySendError::Full(_))) = sent {
            self.shared.numbers.said_dropped.add(1);
        }
    }

    fn forget(&self, conversation: ConversationId, change: ChangePosition) {
        let args = Args::default()
            .text(self.shared.key(conversation))
            .number(change.0)
            .number(TIME_TO_LIVE.as_millis());
        self.shared.script(&HISTORY_FORGET, &args);
    }
}

impl Shared {
    fn key(&self, conversation: ConversationId) -> String {
        format!("{}{conversation}", self.keys)
    }

    /// The thread: puts messages behind others, until nobody sends any more.
    fn put_behind(&self, waiting: &Receiver<(ConversationId, Seq, Vec<u8>)>) {
        for (conversation, seq, message) in waiting {
            let args = Args::default()
                .text(self.key(conversation))
                .number(seq.0)
                .text(message)
                .number(KEPT_BYTES_MAX);
            self.script(&HISTORY_SAID, &args);
        }
    }

    fn script(&self, script: &Script, args: &Args) {
        self.run(|wire| script.run(wire, &self.settings.prefix, args));
    }

    /// Runs something on a connection; `None` if Redis is away, slow or busy.
    fn run(&self, call: impl FnOnce(&mut Wire) -> Result<Value, WireError>) -> Option<Value> {
        let numbers = &self.numbers;
        let Some(idle) = self.borrow() else {
            numbers.calls_skipped.add(1);
            return None;
        };
        numbers.calls.add(1);
        let limit = self.settings.limits.history_call_limit;
        let limits = wire::Limits { connect: limit, call: limit };
        let wire = idle.map_or_else(|| Wire::connect_within(&self.settings.target, limits), Ok);
        let answer = wire.and_then(|mut wire| call(&mut wire).map(|value| (wire, value)));
        let mut pool = self.pool.lock();
        pool.lent -= 1;
        match answer {
            Ok((wire, value)) => {
                pool.idle.push(wire);
                Some(value)
            }
            Err(error) => {
                // An answer may still be on its way: the connection is out of step. So may be those of others.
                pool.idle.clear();
                let was_there =
                    pool.not_before.replace(clock::read() + PAUSE).is_none_or(|at| at < clock::read());
                drop(pool);
                numbers.calls_failed.add(1);
                if was_there {
                    log::debug!("recent messages are read from the log, {}: {error}", self.settings.target);
                }
                None
            }
        }
    }

    /// An idle connection, or the right to make one.
    fn borrow(&self) -> Option<Option<Wire>> {
        let mut pool = self.pool.lock();
        if pool.not_before.is_some_and(|at| clock::read() < at) || pool.lent >= CONNECTIONS_MAX {
            return None;
        }
        pool.lent += 1;
        Some(pool.idle.pop())
    }
}

/// Not what this version writes.
#[derive(Debug, PartialEq, Eq)]
struct Unreadable;

fn parse(conversation: ConversationId, answer: Value) -> Result<Option<Recent>, Unreadable> {
    let fields = list(answer).map_err(|_| Unreadable)?;
    let [change, last, messages] = fields.as_slice() else { return Err(Unreadable) };
    if *messages == Value::Nil {
        return Ok(None);
    }
    let number = |value| {
        let text = bytes(value).and_then(|bytes| str::from_utf8(bytes).ok()).ok_or(Unreadable)?;
        text.parse::<u64>().map_err(|_| Unreadable)
    };
    let version = HistoryVersion { change: ChangePosition(number(change)?), last: Seq(number(last)?) };
    let mut rest = bytes(messages).ok_or(Unreadable)?;
    let mut messages = Vec::new();
    while !rest.is_empty() {
        messages.push(Arc::new(decode(conversation, &mut rest).ok_or(Unreadable)?));
    }
    let Some(newest) = messages.last() else { return Ok(None) };
    let is_whole = messages.windows(2).all(|pair| pair[0].seq.next() == pair[1].seq);
    if newest.seq != version.last || !is_whole {
        return Err(Unreadable);
    }
    let mut recent = Recent { version, messages };
    recent.fit();
    Ok(Some(recent))
}

/// Numbers by eight bytes, texts behind their lengths, all big-endian.
fn encode(message: &StoredMessage, out: &mut Vec<u8>) {
    // Whoever adds a field adds it here, and counts FORM up.
    let StoredMessage {
        conversation: _,
        seq,
        sender,
        client_msg_id,
        time,
        kind,
        body,
        edited,
        recalled,
        reply_to,
        mentions,
    } = message;
    // Nobody recalls at the time 0, which says that nobody did.
    let (by, at) = recalled.map_or((0, 0), |Recall { by, at }| (by.0, at.0.max(1)));
    let reply_to = reply_to.map_or(0, |seq| seq.0);
    for number in [seq.0, sender.0, time.0, edited.0, by, at, reply_to] {
        out.extend(number.to_be_bytes());
    }
    out.push(*kind as u8);
    for text in [client_msg_id, body, &mentions.to_text()] {
        out.extend((text.len() as u64).to_be_bytes());
        out.extend(text.as_bytes());
    }
}

fn decode(conversation: ConversationId, rest: &mut &[u8]) -> Option<StoredMessage> {
    let (seq, sender, time) = (Seq(number(rest)?), UserId(number(rest)?), Timestamp(number(rest)?));
    let (edited, by) = (Timestamp(number(rest)?), UserId(number(rest)?));
    let (at, reply_to) = (Timestamp(number(rest)?), Seq(number(rest)?));
    let recalled = (at != Timestamp(0)).then_some(Recall { by, at });
    let reply_to = (reply_to != Seq(0)).then_some(reply_to);
    let (kind, after) = rest.split_first()?;
    *rest = after;
    let kind = MessageKind::from_number(*kind)?;
    let (client_msg_id, body) = (text(rest)?, text(rest)?);
    let mentions = Mentions::from_text(&text(rest)?)?;
    Some(StoredMessage {
        conversation,
        seq,
        sender,
        client_msg_id,
        time,
        kind,
        body,
        edited,
        recalled,
        reply_to,
        mentions,
    })
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_be_bytes(*number))
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use domain::testing::history_cache::recent;

    use super::*;

    fn answer(recent: &Recent, messages: &[u8]) -> Value {
        let number = |number: u64| Value::BulkString(number.to_string().into_bytes());
        let (change, last) = (number(recent.version.change.0), number(recent.version.last.0));
        Value::Array(vec![change, last, Value::BulkString(messages.to_vec())])
    }

    #[test]
    fn whatever_stands_there_is_read_or_refused() {
        let kept = recent(7, 3, 5..=9, 20);
        let mut messages = Vec::new();
        kept.messages.iter().for_each(|message| encode(message, &mut messages));
        let id = ConversationId(7);
        assert_eq!(parse(id, answer(&kept, &messages)), Ok(Some(kept.clone())));
        assert_eq!(parse(id, answer(&kept, b"")), Ok(None), "forgotten");
        assert_eq!(parse(id, Value::Array(vec![Value::Nil; 3])), Ok(None), "never kept");
        for end in 1..messages.len() {
            assert_eq!(parse(id, answer(&kept, &messages[..end])), Err(Unreadable), "cut at {end}");
        }
        for place in 0..messages.len() {
            let mut bad = messages.clone();
            bad[place] ^= 0xff;
            // It does not fall over; most of it is found out.
            let _ = parse(id, answer(&kept, &bad));
        }
        for odd in [Value::Nil, Value::Array(vec![]), Value::Okay] {
            assert_eq!(parse(id, odd), Err(Unreadable));
        }
    }
}
