//! Appending to the log: the hot path.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::{
    AppendRefused, Appended, Conversation, ConversationFilter, ConversationId, Cursor, MessageLog,
    NewMessage, Novelty, PageSize, RosterVersion, Seq, StoreResult, StoredMessage, Timestamp, Touched,
    UserId, Window,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::number::{number, sql};

type Answer = Result<Appended, AppendRefused>;

/// Where a message stands, and its conversation's roster: `?1` the client message id, `?2` the sender.
const FIND: &str = "
    SELECT m.conversation_id, m.seq, m.time, c.roster
    FROM messages m JOIN conversations c ON c.id = m.conversation_id
    WHERE m.client_msg_id = ?1 AND m.sender_id = ?2";

impl MessageLog for SqliteStore {
    fn append(&self, batch: &[NewMessage]) -> StoreResult<Vec<Answer>> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.write("append messages", |connection| {
            let mut append = Append::prepare(connection)?;
            let answers = batch.iter().map(|message| append.message(message)).collect::<Result<_, _>>()?;
            append.finish()?;
            Ok(answers)
        })
    }

    fn find_message(&self, sender: UserId, client_msg_id: &str) -> StoreResult<Option<Appended>> {
        self.read("find a message", |connection| find_once(connection, sender, client_msg_id))
    }

    fn seq_at(&self, conversation: ConversationId, since: Seq, time: Timestamp) -> StoreResult<Option<Seq>> {
        self.find_time(conversation, since, time)
    }

    fn page(
        &self,
        conversation: ConversationId,
        since: Seq,
        window: Window,
        size: PageSize,
    ) -> StoreResult<Vec<StoredMessage>> {
        self.read_page(conversation, since, window, size)
    }

    fn conversation(&self, user: UserId, conversation: ConversationId) -> StoreResult<Option<Conversation>> {
        self.find_conversation(user, conversation)
    }

    fn conversations(
        &self,
        user: UserId,
        filter: ConversationFilter,
        after: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<Conversation>> {
        self.list_conversations(user, filter, after, limit)
    }

    fn touched(
        &self,
        users: &[UserId],
        since: Timestamp,
        after: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<Touched>> {
        self.list_touched(users, since, after, limit)
    }

    fn advance_cursors(&self, cursors: &[Cursor]) -> StoreResult<()> {
        self.store_cursors(cursors)
    }
}

/// One batch in its transaction. Each conversation's row is read once and written once; each message costs one
/// statement, unless it is a repeat.
struct Append<'c> {
    conversation: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    find: CachedStatement<'c>,
    update: CachedStatement<'c>,
    /// The conversations touched so far; `None` for those that do not exist.
    known: HashMap<ConversationId, Option<Known>>,
}

/// A conversation of the batch.
struct Known {
    roster: RosterVersion,
    /// Nothing more is said there.
    is_closed: bool,
    /// The last seq before the batch.
    before: i64,
    /// The last seq now.
    now: i64,
    /// The latest time of what the batch said here.
    time: i64,
}

impl<'c> Append<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Append<'c>> {
        Ok(Append {
            conversation: connection
                .prepare_cached("SELECT last_seq, roster, closed_at FROM conversations WHERE id = ?1")?,
            insert: connection.prepare_cached(
                "INSERT INTO messages (conversation_id, seq, sender_id, client_msg_id, time, kind, body, reply_to, mentions)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (client_msg_id, sender_id) DO NOTHING",
            )?,
            find: connection.prepare_cached(FIND)?,
            update: connection.prepare_cached(
                "UPDATE conversations SET last_seq = ?2, last_time = max(last_time, ?3) WHERE id = ?1",
            )?,
            known: HashMap::new(),
        })
    }

    fn message(&mut self, message: &NewMessage) -> rusqlite::Result<Answer> {
        let Append { conversation: row, insert, find, known, .. } = self;
        let conversation = message.conversation;
        let known = match known.entry(conversation) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                entry.insert(row.query_row([sql(conversation.0)], Known::read).optional()?)
            }
        };
        let refused = match known {
            Some(known) if known.is_closed => AppendRefused::Closed,
            _ => AppendRefused::NoSuchConversation,
        };
        if let Some(known) = known
            && !known.is_closed
        {
            let seq = known.now + 1;
            let time = sql(message.time.0);
            let inserted = insert.execute(params![
                sql(conversation.0),
                seq,
                sql(message.sender.0),
                message.client_msg_id,
                time,
                message.kind as u8,
                message.body,
                sql(message.reply_to.unwrap_or_default().0),
                message.mentions.to_text(),
            ])?;
            if inserted == 1 {
                known.now = seq;
                known.time = time.max(known.time);
                return Ok(Ok(Appended {
                    conversation,
                    seq: Seq(seq as u64),
                    time: message.time,
                    novelty: Novelty::New,
                    roster: known.roster,
                }));
            }
        }
        let repeat = self::find(find, message.sender, &message.client_msg_id)?;
        Ok(repeat.ok_or(refused))
    }

    fn finish(mut self) -> rusqlite::Result<()> {
        for (conversation, known) in &self.known {
            if let Some(known) = known
                && known.now > known.before
            {
                self.update.execute([sql(conversation.0), known.now, known.time])?;
            }
        }
        Ok(())
    }
}

impl Known {
    fn read(row: &Row<'_>) -> rusqlite::Result<Known> {
        let last: i64 = row.get(0)?;
        let (roster, is_closed) = (RosterVersion(number(row, 1)?), number(row, 2)? != 0);
        Ok(Known { roster, is_closed, before: last, now: last, time: 0 })
    }
}

/// Where one message stands.
pub(super) fn find_once(
    connection: &Connection,
    sender: UserId,
    client_msg_id: &str,
) -> rusqlite::Result<Option<Appended>> {
    find(&mut connection.prepare_cached(FIND)?, sender, client_msg_id)
}

fn find(
    find: &mut CachedStatement<'_>,
    sender: UserId,
    client_msg_id: &str,
) -> rusqlite::Result<Option<Appended>> {
    let place = |row: &Row<'_>| {
        Ok(Appended {
            conversation: ConversationId(number(row, 0)?),
            seq: Seq(number(row, 1)?),
            time: Timestamp(number(row, 2)?),
            novelty: Novelty::Repeat,
            roster: RosterVersion(number(row, 3)?),
        })
    };
    find.query_row(params![client_msg_id, sql(sender.0)], place).optional()
}
