//! Reading the log.

use domain::{
    ConversationId, Mentions, MessageKind, PageSize, Recall, Seq, StoreResult, StoredMessage, Timestamp,
    UserId, Window, first_at,
};
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteStore;
use super::number::{number, out_of_range, sql, unreadable};

/// From the lower end up: `?1` the conversation, `?2` the seq before the first, `?3` how many.
const RISING: &str = "
    SELECT seq, sender_id, client_msg_id, time, kind, body, edited_at, recalled_at, recalled_by, reply_to, mentions
    FROM messages
    WHERE conversation_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";

/// From the upper end down: `?1` the conversation, `?2` the seq before the first, `?3` how many, `?4` the seq after the
/// last.
const FALLING: &str = "
    SELECT seq, sender_id, client_msg_id, time, kind, body, edited_at, recalled_at, recalled_by, reply_to, mentions
    FROM messages
    WHERE conversation_id = ?1 AND seq > ?2 AND seq < ?4 ORDER BY seq DESC LIMIT ?3";

impl SqliteStore {
    pub(super) fn read_page(
        &self,
        conversation: ConversationId,
        since: Seq,
        window: Window,
        size: PageSize,
    ) -> StoreResult<Vec<StoredMessage>> {
        let id = sql(conversation.0);
        let limit = size.messages.max(1);
        self.read("read messages", |connection| match window {
            Window::After(after) => {
                let mut statement = connection.prepare_cached(RISING)?;
                cut(conversation, statement.query(params![id, sql(since.max(after).0), limit])?, size.bytes)
            }
            Window::Before(_) | Window::Newest => {
                let before = if let Window::Before(before) = window { sql(before.0) } else { i64::MAX };
                let mut statement = connection.prepare_cached(FALLING)?;
                let rows = statement.query(params![id, sql(since.0), limit, before])?;
                let mut page = cut(conversation, rows, size.bytes)?;
                page.reverse();
                Ok(page)
            }
        })
    }
}

impl SqliteStore {
    pub(super) fn find_time(
        &self,
        conversation: ConversationId,
        since: Seq,
        time: Timestamp,
    ) -> StoreResult<Option<Seq>> {
        let id = sql(conversation.0);
        self.read("find a time", |connection| {
            let mut end = connection
                .prepare_cached("SELECT coalesce(max(seq), 0) FROM messages WHERE conversation_id = ?1")?;
            let last = end.query_row([id], |row| number(row, 0))?;
            let mut one = connection
                .prepare_cached("SELECT time FROM messages WHERE conversation_id = ?1 AND seq = ?2")?;
            first_at(since, Seq(last), time, |seqs| {
                let mut times = Vec::with_capacity(seqs.len());
                for seq in seqs {
                    let at = one.query_row([id, sql(seq.0)], |row| number(row, 0)).optional()?;
                    times.extend(at.map(|at| (*seq, Timestamp(at))));
                }
                Ok(times)
            })
        })
    }
}

/// The first messages, as many as fit into so many bytes of text, but one at least.
fn cut(
    conversation: ConversationId,
    mut rows: rusqlite::Rows<'_>,
    bytes_max: usize,
) -> rusqlite::Result<Vec<StoredMessage>> {
    let mut page = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let message = message(conversation, row)?;
        bytes += message.body.len();
        if bytes > bytes_max && !page.is_empty() {
            break;
        }
        page.push(message);
    }
    Ok(page)
}

/// The message of a row: seq, sender_id, client_msg_id, time, kind, body, edited_at, recalled_at, recalled_by, reply_to,
/// mentions.
pub(super) fn message(conversation: ConversationId, row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    let kind: i64 = row.get(4)?;
    let (recalled_at, reply_to) = (Timestamp(number(row, 7)?), Seq(number(row, 9)?));
    let mentions: String = row.get(10)?;
    Ok(StoredMessage {
        conversation,
        seq: Seq(number(row, 0)?),
        sender: UserId(number(row, 1)?),
        client_msg_id: row.get(2)?,
        time: Timestamp(number(row, 3)?),
        kind: u8::try_from(kind)
            .ok()
            .and_then(MessageKind::from_number)
            .ok_or_else(|| out_of_range(4, kind))?,
        body: row.get(5)?,
        edited: Timestamp(number(row, 6)?),
        recalled: match recalled_at {
            Timestamp(0) => None,
            at => Some(Recall { by: UserId(number(row, 8)?), at }),
        },
        reply_to: (reply_to != Seq(0)).then_some(reply_to),
        mentions: Mentions::from_text(&mentions).ok_or_else(|| unreadable(10))?,
    })
}
