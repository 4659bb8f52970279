//! Appends a batch of messages in one transaction. Of one message only what [`append_one`](super::append_one) leaves.
//!
//! The conversations' rows are locked first, by rising id: whoever holds a row gives out that conversation's next seqs,
//! and two appenders never wait for each other in a circle. Repeats are rare, and to look for them is a round trip: so
//! the unique key of `(sender, client_msg_id)` finds them, by refusing the insert. Then the transaction runs again and
//! looks them up under the locks, and so do the next ones while repeats come. What may still happen then is that another
//! node appends the same message to a conversation that is not locked here; it is found at one more attempt.
//!
//! Whoever changes a group's members locks its conversation's row as well, so a roster's version that was read with the
//! lock is the one at the moment of the commit.

use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use ::mysql::Value;
use domain::{
    AppendRefused, Appended, ConversationId, NewMessage, Novelty, RosterVersion, Seq, Timestamp, UserId,
};

use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, portion, repeated};

/// Conversations that one statement locks or moves on.
const CONVERSATIONS_AT_ONCE: usize = 256;
/// Keys that one statement looks up; MariaDB plans longer lists worse.
const LOOKED_UP_AT_ONCE: usize = 128;
/// Rows that one statement inserts; a power of two.
const INSERTED_AT_ONCE: usize = 256;
/// Bytes of text that one statement inserts, unless it is one message: well below any server's `max_allowed_packet`.
const INSERTED_BYTES_AT_ONCE: usize = 1024 * 1024;

/// A message's own name: who said it, and their id for it.
type Key<'a> = (u64, &'a [u8]);

/// What became of each message of the batch.
type Outcomes = Vec<Result<Appended, AppendRefused>>;

/// Whether repeats are looked for before the insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeats {
    /// None are expected: should there be one, the insert is refused.
    Unexpected,
    /// They are looked up.
    LookedUp,
}

/// Whether repeats came lately: they come in rows, when clients are back after an outage.
#[derive(Debug, Default)]
pub(super) struct RepeatsLately(AtomicU32);

/// Batches without a repeat after which none are expected.
const BATCHES_WITHOUT: u32 = 16;

impl RepeatsLately {
    /// What to expect of the next batch.
    pub(super) fn expected(&self) -> Repeats {
        if self.0.load(Relaxed) == 0 { Repeats::Unexpected } else { Repeats::LookedUp }
    }

    /// Notes what a batch was like. Any thread; a lost count only moves the moment.
    pub(super) fn note(&self, outcomes: &[Result<Appended, AppendRefused>]) {
        let is_repeat = |outcome: &Result<Appended, AppendRefused>| {
            outcome.is_ok_and(|place| place.novelty == Novelty::Repeat)
        };
        match (outcomes.iter().any(is_repeat), self.0.load(Relaxed)) {
            (true, _) => self.0.store(BATCHES_WITHOUT, Relaxed),
            (false, 0) => {}
            (false, left) => self.0.store(left - 1, Relaxed),
        }
    }
}

/// Runs in a transaction; may run again after it was rolled back.
pub(super) fn append(tx: &mut Connection, batch: &[NewMessage], repeats: Repeats) -> Result<Outcomes, Fault> {
    let mut conversations = lock_conversations(tx, batch)?;
    // What names no conversation, or a closed one, is not inserted, so that nothing would refuse it.
    let is_stray = |message: &NewMessage| {
        conversations.get(&message.conversation.0).is_none_or(|conversation| conversation.is_closed)
    };
    let strays = batch.iter().any(is_stray);
    let mut places = match repeats {
        Repeats::Unexpected if !strays => HashMap::with_capacity(batch.len()),
        Repeats::Unexpected | Repeats::LookedUp => look_up(tx, batch)?,
    };
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut new = Vec::with_capacity(batch.len());
    for message in batch {
        let key = key(message);
        if let Some(place) = places.get(&key) {
            outcomes.push(Ok(*place));
            continue;
        }
        let Some(conversation) = conversations.get_mut(&message.conversation.0) else {
            outcomes.push(Err(AppendRefused::NoSuchConversation));
            continue;
        };
        if conversation.is_closed {
            outcomes.push(Err(AppendRefused::Closed));
            continue;
        }
        let place = Appended {
            conversation: message.conversation,
            seq: conversation.take_seq(message.time),
            time: message.time,
            novelty: Novelty::New,
            roster: RosterVersion(conversation.roster),
        };
        outcomes.push(Ok(place));
        new.push((message, place.seq));
        places.insert(key, Appended { novelty: Novelty::Repeat, ..place });
    }
    // In the order of the primary key, in which the rows will lie.
    new.sort_unstable_by_key(|(message, seq)| (message.conversation, *seq));
    insert(tx, &new)?;
    let mut moved: Vec<Locked> =
        conversations.into_values().filter(|conversation| conversation.moved).collect();
    moved.sort_unstable_by_key(|conversation| conversation.id);
    move_on(tx, &moved)?;
    Ok(outcomes)
}

/// A conversation whose row is locked.
struct Locked {
    id: u64,
    last_seq: u64,
    last_time: u64,
    roster: u64,
    is_closed: bool,
    /// Whether something is said there.
    moved: bool,
}

impl Locked {
    /// The next seq, for a message of this time.
    fn take_seq(&mut self, time: Timestamp) -> Seq {
        self.last_seq += 1;
        self.last_time = time.0.max(self.last_time);
        self.moved = true;
        Seq(self.last_seq)
    }
}

/// Where the message with this key stands.
pub(super) fn find(
    connection: &mut Connection,
    sender: UserId,
    client_msg_id: &str,
) -> Result<Option<Appended>, Fault> {
    let sql = "SELECT m.conversation_id, m.seq, m.time, c.roster \
               FROM messages m STRAIGHT_JOIN conversations c ON c.id = m.conversation_id \
               WHERE m.sender_id = ? AND m.client_msg_id = ?";
    let found: Option<(u64, u64, u64, u64)> = connection.row(sql, (sender.0, client_msg_id.as_bytes()))?;
    Ok(found.map(|(conversation, seq, time, roster)| repeat(conversation, seq, time, roster)))
}

fn repeat(conversation: u64, seq: u64, time: u64, roster: u64) -> Appended {
    Appended {
        conversation: ConversationId(conversation),
        seq: Seq(seq),
        time: Timestamp(time),
        novelty: Novelty::Repeat,
        roster: RosterVersion(roster),
    }
}

fn key(message: &NewMessage) -> Key<'_> {
    (message.sender.0, message.client_msg_id.as_bytes())
}

/// Locks the conversations that exist.
fn lock_conversations(tx: &mut Connection, batch: &[NewMessage]) -> Result<HashMap<u64, Locked>, Fault> {
    let mut ids: Vec<u64> = batch.iter().map(|message| message.conversation.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut conversations = HashMap::with_capacity(ids.len());
    for some in ids.chunks(CONVERSATIONS_AT_ONCE) {
        let mut params = Vec::new();
        let length = padded(some, &mut params, |id, params| params.push((*id).into()));
        // By the primary key, hence in its order: a scan would wait for rows that are not asked for.
        let sql = format!(
            "SELECT id, last_seq, last_time, roster, closed_at FROM conversations FORCE INDEX (PRIMARY) WHERE id IN ({}) \
             ORDER BY id FOR UPDATE",
            repeated("?", length),
        );
        tx.each(&sql, params, |(id, last_seq, last_time, roster, closed_at): (u64, u64, u64, u64, u64)| {
            let is_closed = closed_at != 0;
            conversations.insert(id, Locked { id, last_seq, last_time, roster, is_closed, moved: false });
        })?;
    }
    Ok(conversations)
}

/// Where those messages of the batch stand that are in the log already.
fn look_up<'a>(tx: &mut Connection, batch: &'a [NewMessage]) -> Result<HashMap<Key<'a>, Appended>, Fault> {
    let mut places = HashMap::with_capacity(batch.len());
    for some in batch.chunks(LOOKED_UP_AT_ONCE) {
        let mut params = Vec::new();
        let length = padded(some, &mut params, |message, params| {
            params.extend([message.sender.0.into(), message.client_msg_id.as_bytes().into()]);
        });
        let sql = format!(
            "SELECT m.sender_id, m.client_msg_id, m.conversation_id, m.seq, m.time, c.roster \
             FROM messages m STRAIGHT_JOIN conversations c ON c.id = m.conversation_id \
             WHERE (m.sender_id, m.client_msg_id) IN ({})",
            repeated("(?, ?)", length),
        );
        let found: Vec<(u64, Vec<u8>, u64, u64, u64, u64)> = tx.rows(&sql, params)?;
        if found.is_empty() {
            continue;
        }
        // The keys as the batch holds them, so that the map need not own any.
        let keys: HashMap<Key<'_>, Key<'a>> =
            some.iter().map(|message| (key(message), key(message))).collect();
        for (sender, client_msg_id, conversation, seq, time, roster) in found {
            if let Some(key) = keys.get(&(sender, client_msg_id.as_slice())) {
                places.insert(*key, repeat(conversation, seq, time, roster));
            }
        }
    }
    Ok(places)
}

fn insert(tx: &mut Connection, mut new: &[(&NewMessage, Seq)]) -> Result<(), Fault> {
    while !new.is_empty() {
        let (some, rest) = new.split_at(insertable(new));
        let mut params = Vec::with_capacity(some.len() * 9);
        for (message, seq) in some {
            params.extend([
                Value::UInt(message.conversation.0),
                Value::UInt(seq.0),
                Value::UInt(message.sender.0),
                Value::Bytes(message.client_msg_id.as_bytes().to_vec()),
                Value::UInt(message.time.0),
                Value::UInt(u64::from(message.kind as u8)),
                Value::Bytes(message.body.as_bytes().to_vec()),
                Value::UInt(message.reply_to.unwrap_or_default().0),
                Value::Bytes(message.mentions.to_text().into_bytes()),
            ]);
        }
        let sql = format!(
            "INSERT INTO messages (conversation_id, seq, sender_id, client_msg_id, time, kind, body, reply_to, mentions) \
             VALUES {}",
            repeated("(?, ?, ?, ?, ?, ?, ?, ?, ?)", some.len()),
        );
        tx.execute(&sql, params)?;
        new = rest;
    }
    Ok(())
}

/// How many of these the next statement inserts.
fn insertable(new: &[(&NewMessage, Seq)]) -> usize {
    let mut count = portion(new.len(), INSERTED_AT_ONCE);
    let bytes = |count: usize| new[..count].iter().map(|(message, _)| message.body.len()).sum::<usize>();
    while count > 1 && bytes(count) > INSERTED_BYTES_AT_ONCE {
        count /= 2;
    }
    count
}

/// Stores the last seqs and times of the conversations that grew.
fn move_on(tx: &mut Connection, moved: &[Locked]) -> Result<(), Fault> {
    for some in moved.chunks(CONVERSATIONS_AT_ONCE) {
        let mut params = Vec::new();
        let length = padded(some, &mut params, |conversation, params| {
            params.extend([conversation.id.into(), conversation.last_seq.into()]);
        });
        padded(some, &mut params, |conversation, params| {
            params.extend([conversation.id.into(), conversation.last_time.into()]);
        });
        padded(some, &mut params, |conversation, params| params.push(conversation.id.into()));
        let cases = "WHEN ? THEN ? ".repeat(length);
        let sql = format!(
            "UPDATE conversations SET last_seq = CASE id {cases}END, last_time = CASE id {cases}END WHERE id IN ({})",
            repeated("?", length),
        );
        tx.execute(&sql, params)?;
    }
    Ok(())
}
