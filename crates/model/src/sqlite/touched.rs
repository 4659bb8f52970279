//! Conversations in which something was said or changed after a certain time.

use domain::{ChangePosition, ConversationId, Parties, Seq, StoreResult, Timestamp, Touched, UserId};
use rusqlite::types::ValueRef;
use rusqlite::{Row, params};

use super::SqliteStore;
use super::number::{number, sql};

/// A page: `?1` the users as a JSON array, `?2` the last id of the page before, `?3` the time, `?4` the limit. Each part
/// of the union is a range of an index for each user; what they have in common counts once.
const PAGE: &str = "
    SELECT c.id, c.last_seq, d.user_lo, d.user_hi, c.last_change, c.last_change_at
    FROM (
        SELECT d.conversation_id AS id FROM json_each(?1) u CROSS JOIN direct_conversations d
        WHERE d.user_lo = u.value AND d.conversation_id > ?2
        UNION
        SELECT d.conversation_id FROM json_each(?1) u CROSS JOIN direct_conversations d
        WHERE d.user_hi = u.value AND d.conversation_id > ?2
        UNION
        SELECT m.group_id FROM json_each(?1) u CROSS JOIN group_members m
        WHERE m.user_id = u.value AND m.group_id > ?2
    ) theirs
    CROSS JOIN conversations c ON c.id = theirs.id
    LEFT JOIN direct_conversations d ON d.conversation_id = c.id
    WHERE c.last_seq > 0 AND (c.last_time >= ?3 OR (c.last_change > 0 AND c.last_change_at >= ?3))
    ORDER BY c.id LIMIT ?4";

impl SqliteStore {
    pub(super) fn list_touched(
        &self,
        users: &[UserId],
        since: Timestamp,
        after: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<Touched>> {
        let users: Vec<String> = users.iter().map(|user| sql(user.0).to_string()).collect();
        let users = format!("[{}]", users.join(","));
        self.read("find touched conversations", |connection| {
            connection
                .prepare_cached(PAGE)?
                .query_map(params![users, sql(after.0), sql(since.0), limit], touched)?
                .collect()
        })
    }
}

fn touched(row: &Row<'_>) -> rusqlite::Result<Touched> {
    let parties = match row.get_ref(2)? {
        ValueRef::Null => Parties::Group,
        _ => Parties::Pair(UserId(number(row, 2)?), UserId(number(row, 3)?)),
    };
    Ok(Touched {
        conversation: ConversationId(number(row, 0)?),
        parties,
        last: Seq(number(row, 1)?),
        last_change: ChangePosition(number(row, 4)?),
        last_change_at: Timestamp(number(row, 5)?),
    })
}
