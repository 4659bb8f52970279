//! Conversations in which something was said or changed after a certain time.

use domain::{ChangePosition, ConversationId, Parties, Seq, Timestamp, Touched, UserId};

use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, repeated};

/// Users that one statement asks for: with more, MariaDB makes a table of the list and joins it in whichever order
/// (`in_predicate_conversion_threshold`).
const USERS_AT_ONCE: usize = 256;

/// Conversation, last seq, the two users of a pair, the last change and its time.
type Row = (u64, u64, Option<u64>, Option<u64>, u64, u64);

/// A page of the conversations of any of these users in which a message of `since` or later stands, or was changed since then.
pub(super) fn touched(
    connection: &mut Connection,
    users: &[UserId],
    since: Timestamp,
    after: ConversationId,
    limit: u32,
) -> Result<Vec<Touched>, Fault> {
    let mut page: Vec<Touched> = Vec::new();
    for some in users.chunks(USERS_AT_ONCE) {
        page.extend(touched_of_some(connection, some, since, after, limit)?);
    }
    // Each part has its first ones, so the first of all are among them. Of two readings of one, the later one stays.
    page.sort_unstable_by_key(|touched| {
        (touched.conversation, std::cmp::Reverse((touched.last, touched.last_change)))
    });
    page.dedup_by_key(|touched| touched.conversation);
    page.truncate(limit as usize);
    Ok(page)
}

fn touched_of_some(
    connection: &mut Connection,
    users: &[UserId],
    since: Timestamp,
    after: ConversationId,
    limit: u32,
) -> Result<Vec<Touched>, Fault> {
    let mut params = Vec::new();
    let mut length = 0;
    for _ in 0..3 {
        length = padded(users, &mut params, |user, params| params.push(user.0.into()));
        params.push(after.0.into());
    }
    params.extend([since.0.into(), since.0.into(), limit.into()]);
    // Each part of the union is a range of an index for each user; what they have in common counts once. Left to itself
    // the database reads, for few users, every conversation after `after`.
    let list = repeated("?", length);
    let sql = format!(
        "SELECT c.id, c.last_seq, d.user_lo, d.user_hi, c.last_change, c.last_change_at FROM (\
         SELECT conversation_id FROM direct_conversations FORCE INDEX (direct_conversations_lo_page) \
         WHERE user_lo IN ({list}) AND conversation_id > ? UNION \
         SELECT conversation_id FROM direct_conversations FORCE INDEX (direct_conversations_hi_page) \
         WHERE user_hi IN ({list}) AND conversation_id > ? UNION \
         SELECT group_id AS conversation_id FROM group_members FORCE INDEX (group_members_user) \
         WHERE user_id IN ({list}) AND group_id > ?) theirs \
         STRAIGHT_JOIN conversations c ON c.id = theirs.conversation_id \
         LEFT JOIN direct_conversations d ON d.conversation_id = c.id \
         WHERE c.last_seq > 0 AND (c.last_time >= ? OR (c.last_change > 0 AND c.last_change_at >= ?)) ORDER BY c.id LIMIT ?",
    );
    let rows: Vec<Row> = connection.rows(&sql, params)?;
    Ok(rows.into_iter().map(from_row).collect())
}

fn from_row((conversation, last, lower, higher, last_change, changed_at): Row) -> Touched {
    let parties = match (lower, higher) {
        (Some(lower), Some(higher)) => Parties::Pair(UserId(lower), UserId(higher)),
        _ => Parties::Group,
    };
    Touched {
        conversation: ConversationId(conversation),
        parties,
        last: Seq(last),
        last_change: ChangePosition(last_change),
        last_change_at: Timestamp(changed_at),
    }
}
