//! Messages that change, and the feed of their changes.

use domain::{
    ChangePosition, ChangeStore, ConversationId, MessageChange, MessageChangeRefused, MessageChanged,
    MessageFacts, Novelty, PageSize, Parties, Recall, RosterVersion, Seq, StoreResult, StoredMessage, UserId,
};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::groups::membership;
use super::page::{COLUMNS, Row, message};
use super::word_index;

type Outcome = Result<MessageChanged, MessageChangeRefused>;

impl ChangeStore for MySqlStore {
    fn change_message(&self, change: &MessageChange) -> StoreResult<Outcome> {
        self.transact("change a message", |tx| make(tx, change))
    }

    fn changes(
        &self,
        conversation: ConversationId,
        since: Seq,
        after: ChangePosition,
        size: PageSize,
    ) -> StoreResult<Vec<(ChangePosition, StoredMessage)>> {
        self.read("list changes", |connection| {
            let sql = "SELECT m.seq, m.sender_id, m.client_msg_id, m.time, m.kind, m.body, m.edited_at, \
                       m.recalled_at, m.recalled_by, m.reply_to, m.mentions, c.position \
                       FROM message_changes c \
                       STRAIGHT_JOIN messages m ON m.conversation_id = c.conversation_id AND m.seq = c.seq \
                       WHERE c.conversation_id = ? AND c.position > ? AND c.seq > ? \
                       ORDER BY c.position LIMIT ?";
            let limit = size.messages.max(1);
            let rows: Vec<FeedRow> = connection.rows(sql, (conversation.0, after.0, since.0, limit))?;
            let mut page = Vec::with_capacity(rows.len());
            let mut bytes = 0;
            for row in rows {
                let (a, b, c, d, e, f, g, h, i, j, k, position) = row;
                let message = message(conversation, (a, b, c, d, e, f, g, h, i, j, k))?;
                bytes += message.body.len();
                if bytes > size.bytes && !page.is_empty() {
                    break;
                }
                page.push((ChangePosition(position), message));
            }
            Ok(page)
        })
    }
}

/// A message's [`Row`], and the position.
type FeedRow = (u64, u64, Vec<u8>, u64, u8, String, u64, u64, u64, u64, String, u64);

/// The two users of a pair, the roster's version, when it was closed, the last change.
type Talk = (Option<u64>, Option<u64>, u64, u64, u64);

/// Runs in a transaction; may run again after it was rolled back. The conversation's row is locked first, as by everybody who
/// says something there or comes or goes.
fn make(tx: &mut Connection, change: &MessageChange) -> Result<Outcome, Fault> {
    let id = change.conversation;
    let sql = "SELECT (SELECT user_lo FROM direct_conversations WHERE conversation_id = c.id), \
               (SELECT user_hi FROM direct_conversations WHERE conversation_id = c.id), \
               c.roster, c.closed_at, c.last_change FROM conversations c WHERE c.id = ? FOR UPDATE";
    let Some((lower, higher, roster, closed_at, last_change)) = tx.row::<Talk>(sql, (id.0,))? else {
        return Ok(Err(MessageChangeRefused::NotFound));
    };
    let parties = match (lower, higher) {
        (Some(lower), Some(higher)) => Parties::Pair(UserId(lower), UserId(higher)),
        _ => Parties::Group,
    };
    let message = lock(tx, id, change.seq)?;
    let mut member = |user| match parties {
        Parties::Pair(..) => Ok(None),
        Parties::Group => membership(tx, id.group(), user),
    };
    let sender = match &message {
        Some(message) => member(message.sender)?.map(|place| place.role),
        None => None,
    };
    let (actor, roster) = (member(change.actor)?, RosterVersion(roster));
    let facts = MessageFacts { parties, actor, sender, is_closed: closed_at != 0, message };
    let message = match change.decide(&facts) {
        Ok(Some(message)) => message,
        Ok(None) => {
            let sql = "SELECT position FROM message_changes WHERE conversation_id = ? AND seq = ?";
            let position = ChangePosition(tx.row::<u64>(sql, (id.0, change.seq.0))?.unwrap_or(0));
            // What was decided about is there.
            let unchanged =
                |message| MessageChanged { message, position, novelty: Novelty::Repeat, parties, roster };
            return Ok(facts.message.map(unchanged).ok_or(MessageChangeRefused::NotFound));
        }
        Err(why) => return Ok(Err(why)),
    };
    let position = ChangePosition(last_change + 1);
    if let Some(old) = &facts.message {
        word_index::exchange(tx, old, &message)?;
    }
    store(tx, change, &message, position)?;
    Ok(Ok(MessageChanged { message, position, novelty: Novelty::New, parties, roster }))
}

fn lock(tx: &mut Connection, conversation: ConversationId, seq: Seq) -> Result<Option<StoredMessage>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE conversation_id = ? AND seq = ? FOR UPDATE");
    let row: Option<Row> = tx.row(&sql, (conversation.0, seq.0))?;
    row.map(|row| message(conversation, row)).transpose()
}

fn store(
    tx: &mut Connection,
    change: &MessageChange,
    message: &StoredMessage,
    position: ChangePosition,
) -> Result<(), Fault> {
    let (id, seq) = (message.conversation.0, message.seq.0);
    let recall = message.recalled.map(|Recall { by, at }| (by.0, at.0.max(1)));
    let (recalled_by, recalled_at) = recall.unwrap_or_default();
    tx.execute(
        "UPDATE messages SET body = ?, edited_at = ?, recalled_at = ?, recalled_by = ?, reply_to = ?, mentions = ? \
         WHERE conversation_id = ? AND seq = ?",
        (
            message.body.as_bytes(),
            message.edited.0,
            recalled_at,
            recalled_by,
            message.reply_to.unwrap_or_default().0,
            message.mentions.to_text(),
            id,
            seq,
        ),
    )?;
    // Not deleted and inserted: where there is nothing to delete that would lock the gap, and others of it wait.
    tx.execute(
        "INSERT INTO message_changes (conversation_id, position, seq) VALUES (?, ?, ?) \
         ON DUPLICATE KEY UPDATE position = ?",
        (id, position.0, seq, position.0),
    )?;
    tx.execute(
        "UPDATE conversations SET last_change = ?, last_change_at = GREATEST(last_change_at, ?) WHERE id = ?",
        (position.0, change.at.0, id),
    )?;
    Ok(())
}
