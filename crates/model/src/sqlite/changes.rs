//! Messages that change, and the feed of their changes. Whoever writes is alone here, so nothing is locked.

use std::collections::BTreeSet;

use domain::{
    ChangePosition, ChangeStore, ConversationId, MessageChange, MessageChangeRefused, MessageChanged,
    MessageDeed, MessageFacts, Novelty, PageSize, Parties, Recall, RosterVersion, Seq, StoreResult,
    StoredMessage, UserId, words,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::groups::membership;
use super::number::{number, sql};
use super::page::message;
use super::word_index;

type Outcome = Result<MessageChanged, MessageChangeRefused>;

/// A page of the feed: `?1` the conversation, `?2` the position before the first, `?3` the seq before the first that may be
/// read, `?4` how many. Messages first, as they are read, then the position.
const PAGE: &str = "
    SELECT m.seq, m.sender_id, m.client_msg_id, m.time, m.kind, m.body, m.edited_at, m.recalled_at, m.recalled_by,
           m.reply_to, m.mentions, c.position
    FROM message_changes c JOIN messages m ON m.conversation_id = c.conversation_id AND m.seq = c.seq
    WHERE c.conversation_id = ?1 AND c.position > ?2 AND c.seq > ?3 ORDER BY c.position LIMIT ?4";

impl ChangeStore for SqliteStore {
    fn change_message(&self, change: &MessageChange) -> StoreResult<Outcome> {
        // Cut before, while others can write.
        let words = match &change.deed {
            MessageDeed::Edit { body, .. } => words(body),
            MessageDeed::Recall => BTreeSet::new(),
        };
        let changed = self.write("change a message", |connection| make(connection, change, &words));
        if matches!(&changed, Ok(Ok(changed)) if changed.novelty == Novelty::New) || changed.is_err() {
            self.remember_leftovers();
        }
        changed
    }

    fn wipe(&self) -> StoreResult<()> {
        self.wipe_leftovers()
    }

    fn changes(
        &self,
        conversation: ConversationId,
        since: Seq,
        after: ChangePosition,
        size: PageSize,
    ) -> StoreResult<Vec<(ChangePosition, StoredMessage)>> {
        self.read("list changes", |connection| {
            let mut statement = connection.prepare_cached(PAGE)?;
            let limit = size.messages.max(1);
            let mut rows =
                statement.query(params![sql(conversation.0), sql(after.0), sql(since.0), limit])?;
            let mut page = Vec::new();
            let mut bytes = 0;
            while let Some(row) = rows.next()? {
                let message = message(conversation, row)?;
                bytes += message.body.len();
                if bytes > size.bytes && !page.is_empty() {
                    break;
                }
                page.push((ChangePosition(number(row, 11)?), message));
            }
            Ok(page)
        })
    }
}

/// A conversation whose message is to be changed.
struct Talk {
    parties: Parties,
    roster: RosterVersion,
    is_closed: bool,
    last_change: ChangePosition,
}

/// `words` are those of the text that the message will have.
fn make(
    connection: &Connection,
    change: &MessageChange,
    words: &BTreeSet<String>,
) -> rusqlite::Result<Outcome> {
    let id = change.conversation;
    let talk = connection
        .prepare_cached(
            "SELECT d.user_lo, d.user_hi, c.roster, c.closed_at, c.last_change
             FROM conversations c LEFT JOIN direct_conversations d ON d.conversation_id = c.id WHERE c.id = ?1",
        )?
        .query_row([sql(id.0)], talk)
        .optional()?;
    let Some(talk) = talk else { return Ok(Err(MessageChangeRefused::NotFound)) };
    let message = connection
        .prepare_cached(
            "SELECT seq, sender_id, client_msg_id, time, kind, body, edited_at, recalled_at, recalled_by, reply_to,
                    mentions
             FROM messages WHERE conversation_id = ?1 AND seq = ?2",
        )?
        .query_row([sql(id.0), sql(change.seq.0)], |row| message(id, row))
        .optional()?;
    let member = |user| match talk.parties {
        Parties::Pair(..) => Ok(None),
        Parties::Group => membership(connection, id.group(), user),
    };
    let sender = match &message {
        Some(message) => member(message.sender)?.map(|place| place.role),
        None => None,
    };
    let Talk { parties, roster, is_closed, last_change } = talk;
    let facts = MessageFacts { parties, actor: member(change.actor)?, sender, is_closed, message };
    let message = match change.decide(&facts) {
        Ok(Some(message)) => message,
        Ok(None) => {
            let position = connection
                .prepare_cached(
                    "SELECT position FROM message_changes WHERE conversation_id = ?1 AND seq = ?2",
                )?
                .query_row([sql(id.0), sql(change.seq.0)], |row| number(row, 0))
                .optional()?;
            let position = ChangePosition(position.unwrap_or(0));
            // What was decided about is there.
            let unchanged =
                |message| MessageChanged { message, position, novelty: Novelty::Repeat, parties, roster };
            return Ok(facts.message.map(unchanged).ok_or(MessageChangeRefused::NotFound));
        }
        Err(why) => return Ok(Err(why)),
    };
    let position = ChangePosition(last_change.0 + 1);
    if let Some(old) = &facts.message {
        word_index::exchange(connection, old, &message, words)?;
    }
    store(connection, change, &message, position)?;
    Ok(Ok(MessageChanged { message, position, novelty: Novelty::New, parties, roster }))
}

fn talk(row: &Row<'_>) -> rusqlite::Result<Talk> {
    let parties = match row.get_ref(0)? {
        ValueRef::Null => Parties::Group,
        _ => Parties::Pair(UserId(number(row, 0)?), UserId(number(row, 1)?)),
    };
    Ok(Talk {
        parties,
        roster: RosterVersion(number(row, 2)?),
        is_closed: number(row, 3)? != 0,
        last_change: ChangePosition(number(row, 4)?),
    })
}

fn store(
    connection: &Connection,
    change: &MessageChange,
    message: &StoredMessage,
    position: ChangePosition,
) -> rusqlite::Result<()> {
    let (id, seq) = (sql(message.conversation.0), sql(message.seq.0));
    let recall = message.recalled.map(|Recall { by, at }| (sql(by.0), sql(at.0.max(1))));
    let (recalled_by, recalled_at) = recall.unwrap_or_default();
    connection
        .prepare_cached(
            "UPDATE messages SET body = ?3, edited_at = ?4, recalled_at = ?5, recalled_by = ?6, reply_to = ?7, mentions = ?8
             WHERE conversation_id = ?1 AND seq = ?2",
        )?
        .execute(params![
            id,
            seq,
            message.body,
            sql(message.edited.0),
            recalled_at,
            recalled_by,
            sql(message.reply_to.unwrap_or_default().0),
            message.mentions.to_text(),
        ])?;
    connection
        .prepare_cached(
            "INSERT INTO message_changes (conversation_id, position, seq) VALUES (?1, ?2, ?3)
             ON CONFLICT (conversation_id, seq) DO UPDATE SET position = excluded.position",
        )?
        .execute([id, sql(position.0), seq])?;
    connection
        .prepare_cached(
            "UPDATE conversations SET last_change = ?2, last_change_at = max(last_change_at, ?3) WHERE id = ?1",
        )?
        .execute([id, sql(position.0), sql(change.at.0)])?;
    Ok(())
}
