//! Conversations as their participants see them.

use domain::{
    ChangePosition, Conversation, ConversationFilter, ConversationId, ConversationKind, Seq, StoreResult,
    UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::number::{number, out_of_range, sql};

/// A conversation's kind, by the number that stands for it in the database.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Direct = 1,
    Group = 2,
}

/// Opens a conversation in which nothing was said yet.
pub(super) fn open(connection: &Connection, kind: Kind) -> rusqlite::Result<ConversationId> {
    connection
        .prepare_cached("INSERT INTO conversations (kind, last_seq, roster, last_time) VALUES (?1, 0, 0, 0)")?
        .execute([kind as i64])?;
    Ok(ConversationId(connection.last_insert_rowid() as u64))
}

/// One conversation of a user: `?1` the user, `?2` the conversation.
const ONE: &str = "
    SELECT c.id, c.kind, CASE d.user_lo WHEN ?1 THEN d.user_hi ELSE d.user_lo END, 0, c.last_seq, ifnull(k.seq, 0), c.restored_seq, c.last_change, ifnull(k.read_seq, 0)
    FROM direct_conversations d
    JOIN conversations c ON c.id = d.conversation_id
    LEFT JOIN cursors k ON k.user_id = ?1 AND k.conversation_id = c.id
    WHERE d.conversation_id = ?2 AND (d.user_lo = ?1 OR d.user_hi = ?1)
    UNION ALL
    SELECT c.id, c.kind, 0, m.since_seq, c.last_seq, ifnull(k.seq, 0), c.restored_seq, c.last_change, ifnull(k.read_seq, 0)
    FROM group_members m
    JOIN conversations c ON c.id = m.group_id
    LEFT JOIN cursors k ON k.user_id = ?1 AND k.conversation_id = c.id
    WHERE m.group_id = ?2 AND m.user_id = ?1";

/// A page of a user's conversations: `?1` the user, `?2` the last id of the page before, `?3` whether what was
/// acknowledged counts as seen, `?4` the limit. Every part is an index in the order of the page: the three are merged,
/// and read only as far as the limit.
const PAGE: &str = "
    SELECT c.id, c.kind, d.user_hi, 0, c.last_seq, ifnull(k.seq, 0), c.restored_seq, c.last_change, ifnull(k.read_seq, 0)
    FROM direct_conversations d
    JOIN conversations c ON c.id = d.conversation_id
    LEFT JOIN cursors k ON k.user_id = ?1 AND k.conversation_id = c.id
    WHERE d.user_lo = ?1 AND d.conversation_id > ?2 AND c.last_seq > ?3 * ifnull(k.seq, 0)
    UNION ALL
    SELECT c.id, c.kind, d.user_lo, 0, c.last_seq, ifnull(k.seq, 0), c.restored_seq, c.last_change, ifnull(k.read_seq, 0)
    FROM direct_conversations d
    JOIN conversations c ON c.id = d.conversation_id
    LEFT JOIN cursors k ON k.user_id = ?1 AND k.conversation_id = c.id
    WHERE d.user_hi = ?1 AND d.conversation_id > ?2 AND c.last_seq > ?3 * ifnull(k.seq, 0)
    UNION ALL
    SELECT c.id, c.kind, 0, m.since_seq, c.last_seq, ifnull(k.seq, 0), c.restored_seq, c.last_change, ifnull(k.read_seq, 0)
    FROM group_members m
    JOIN conversations c ON c.id = m.group_id
    LEFT JOIN cursors k ON k.user_id = ?1 AND k.conversation_id = c.id
    WHERE m.user_id = ?1 AND m.group_id > ?2 AND c.last_seq > max(m.since_seq, ?3 * ifnull(k.seq, 0))
    ORDER BY 1 LIMIT ?4";

impl SqliteStore {
    pub(super) fn find_conversation(
        &self,
        user: UserId,
        conversation: ConversationId,
    ) -> StoreResult<Option<Conversation>> {
        self.read("find a conversation", |connection| {
            connection.prepare_cached(ONE)?.query_row([sql(user.0), sql(conversation.0)], shown).optional()
        })
    }

    pub(super) fn list_conversations(
        &self,
        user: UserId,
        filter: ConversationFilter,
        after: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<Conversation>> {
        let acknowledged_is_seen = match filter {
            ConversationFilter::WithMessages => 0,
            ConversationFilter::WithNews => 1,
        };
        self.read("list conversations", |connection| {
            connection
                .prepare_cached(PAGE)?
                .query_map(params![sql(user.0), sql(after.0), acknowledged_is_seen, limit], shown)?
                .collect()
        })
    }
}

fn shown(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    const DIRECT: i64 = Kind::Direct as i64;
    const GROUP: i64 = Kind::Group as i64;
    let kind = match row.get(1)? {
        DIRECT => ConversationKind::Direct { with: UserId(number(row, 2)?) },
        GROUP => ConversationKind::Group,
        other => return Err(out_of_range(1, other)),
    };
    Ok(Conversation {
        id: ConversationId(number(row, 0)?),
        kind,
        since: Seq(number(row, 3)?),
        last: Seq(number(row, 4)?),
        acked: Seq(number(row, 5)?),
        restored: Seq(number(row, 6)?),
        last_change: ChangePosition(number(row, 7)?),
        read: Seq(number(row, 8)?),
    })
}
