//! Conversations as their participants see them.

use domain::{
    ChangePosition, Conversation, ConversationFilter, ConversationId, ConversationKind, Seq, UserId,
};

use super::connection::Connection;
use super::fault::Fault;

/// `conversations.kind` of two users' conversation.
pub(super) const DIRECT: u8 = 1;
/// `conversations.kind` of a group's conversation.
pub(super) const GROUP: u8 = 2;

/// Conversation, kind, the other user (0 for groups), since, last seq, acknowledged, where a restore put it back to,
/// newest change, read.
type Row = (u64, u8, u64, u64, u64, u64, u64, u64, u64);

/// The one conversation, if the user is in it.
pub(super) fn conversation(
    connection: &mut Connection,
    user: UserId,
    id: ConversationId,
) -> Result<Option<Conversation>, Fault> {
    let sql = select("= ?", "");
    let params = (user.0, id.0, user.0, id.0, user.0, id.0, user.0);
    connection.row(&sql, params)?.map(from_row).transpose()
}

/// A page of those that the filter lets pass.
pub(super) fn conversations(
    connection: &mut Connection,
    user: UserId,
    filter: ConversationFilter,
    after: ConversationId,
    limit: u32,
) -> Result<Vec<Conversation>, Fault> {
    let passes = match filter {
        ConversationFilter::WithMessages => "WHERE c.last_seq > m.since",
        ConversationFilter::WithNews => "WHERE c.last_seq > GREATEST(m.since, COALESCE(k.seq, 0))",
    };
    let sql = select("> ?", &format!("{passes} ORDER BY c.id LIMIT ?"));
    let params = (user.0, after.0, user.0, after.0, user.0, after.0, user.0, limit);
    connection.rows(&sql, params)?.into_iter().map(from_row).collect()
}

/// Each part of the union is a range of an index that begins with the user. A bare 0 among unsigned numbers would make
/// decimals of them all.
fn select(range: &str, rest: &str) -> String {
    format!(
        "SELECT c.id, c.kind, m.other, m.since, c.last_seq, COALESCE(k.seq, CAST(0 AS UNSIGNED)), c.restored_seq, c.last_change, \
         COALESCE(k.read_seq, CAST(0 AS UNSIGNED)) FROM (\
         SELECT conversation_id, user_hi AS other, CAST(0 AS UNSIGNED) AS since FROM direct_conversations \
         WHERE user_lo = ? AND conversation_id {range} UNION ALL \
         SELECT conversation_id, user_lo AS other, CAST(0 AS UNSIGNED) AS since FROM direct_conversations \
         WHERE user_hi = ? AND conversation_id {range} UNION ALL \
         SELECT group_id AS conversation_id, CAST(0 AS UNSIGNED) AS other, since_seq AS since FROM group_members \
         WHERE user_id = ? AND group_id {range}) m \
         JOIN conversations c ON c.id = m.conversation_id \
         LEFT JOIN cursors k ON k.user_id = ? AND k.conversation_id = m.conversation_id {rest}"
    )
}

fn from_row(
    (id, kind, other, since, last, acked, restored, change, read): Row,
) -> Result<Conversation, Fault> {
    let kind = match kind {
        DIRECT => ConversationKind::Direct { with: UserId(other) },
        GROUP => ConversationKind::Group,
        _ => return Err(Fault::failed(format!("conversation kind {kind} is none that this version knows"))),
    };
    let (since, last) = (Seq(since), Seq(last.max(since)));
    let (acked, read, restored) = (Seq(acked), Seq(read), Seq(restored));
    let last_change = ChangePosition(change);
    Ok(Conversation { id: ConversationId(id), kind, since, last, acked, read, restored, last_change })
}
