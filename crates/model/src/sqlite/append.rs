//! Appending to the log: the hot path.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::{
    AppendRefused, Appended, Conversation, ConversationFilter, ConversationId, Cursor, MessageLog,
    NewMessage, Novelty, PageSize, Seq, StoreResult, StoredMessage, Timestamp, UserId, Window,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::number::{number, sql};

type Answer = Result<Appended, AppendRefused>;

/// Where a message stands: `?1` the client message id, `?2` the sender.
const FIND: &str =
    "SELECT conversation_id, seq, time FROM messages WHERE client_msg_id = ?1 AND sender_id = ?2";

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
        self.read("find a message", |connection| {
            find(&mut connection.prepare_cached(FIND)?, sender, client_msg_id)
        })
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

    fn advance_cursors(&self, cursors: &[Cursor]) -> StoreResult<()> {
        self.store_cursors(cursors)
    }
}

/// One batch in its transaction. Each conversation's last seq is read once and written once; each message costs one
/// statement, unless it is a repeat.
struct Append<'c> {
    last_seq: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    find: CachedStatement<'c>,
    update: CachedStatement<'c>,
    /// The conversations touched so far; `None` for those that do not exist.
    touched: HashMap<ConversationId, Option<Ends>>,
}

/// A conversation's last seq, before the batch and now.
struct Ends {
    before: i64,
    now: i64,
}

impl<'c> Append<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Append<'c>> {
        Ok(Append {
            last_seq: connection.prepare_cached("SELECT last_seq FROM conversations WHERE id = ?1")?,
            insert: connection.prepare_cached(
                "INSERT INTO messages (conversation_id, seq, sender_id, client_msg_id, time, kind, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (client_msg_id, sender_id) DO NOTHING",
            )?,
            find: connection.prepare_cached(FIND)?,
            update: connection.prepare_cached("UPDATE conversations SET last_seq = ?2 WHERE id = ?1")?,
            touched: HashMap::new(),
        })
    }

    fn message(&mut self, message: &NewMessage) -> rusqlite::Result<Answer> {
        let Append { last_seq, insert, find, touched, .. } = self;
        let conversation = message.conversation;
        let ends = match touched.entry(conversation) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let last: Option<i64> =
                    last_seq.query_row([sql(conversation.0)], |row| row.get(0)).optional()?;
                entry.insert(last.map(|last| Ends { before: last, now: last }))
            }
        };
        if let Some(ends) = ends {
            let seq = ends.now + 1;
            let inserted = insert.execute(params![
                sql(conversation.0),
                seq,
                sql(message.sender.0),
                message.client_msg_id,
                sql(message.time.0),
                message.kind as u8,
                message.body
            ])?;
            if inserted == 1 {
                ends.now = seq;
                let seq = Seq(seq as u64);
                return Ok(Ok(Appended { conversation, seq, time: message.time, novelty: Novelty::New }));
            }
        }
        let repeat = self::find(find, message.sender, &message.client_msg_id)?;
        Ok(repeat.ok_or(AppendRefused::NoSuchConversation))
    }

    fn finish(mut self) -> rusqlite::Result<()> {
        for (conversation, ends) in &self.touched {
            if let Some(ends) = ends
                && ends.now > ends.before
            {
                self.update.execute([sql(conversation.0), ends.now])?;
            }
        }
        Ok(())
    }
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
        })
    };
    find.query_row(params![client_msg_id, sql(sender.0)], place).optional()
}
