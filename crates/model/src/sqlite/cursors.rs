//! How far users acknowledged conversations.

use domain::{Cursor, StoreResult};

use super::SqliteStore;
use super::number::sql;

/// `?1` the user, `?2` the conversation, `?3` the seq: at most the conversation's last, at least what is stored. Selects
/// no row, and so stores nothing, if there is no such user or conversation, or nothing to acknowledge.
const ADVANCE: &str = "
    INSERT INTO cursors (user_id, conversation_id, seq)
    SELECT u.id, c.id, min(?3, c.last_seq) FROM users u, conversations c
    WHERE u.id = ?1 AND c.id = ?2 AND min(?3, c.last_seq) > 0
    ON CONFLICT (user_id, conversation_id) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq";

impl SqliteStore {
    pub(super) fn store_cursors(&self, cursors: &[Cursor]) -> StoreResult<()> {
        if cursors.is_empty() {
            return Ok(());
        }
        self.write("advance cursors", |connection| {
            let mut advance = connection.prepare_cached(ADVANCE)?;
            for cursor in cursors {
                advance.execute([sql(cursor.user.0), sql(cursor.conversation.0), sql(cursor.seq.0)])?;
            }
            Ok(())
        })
    }
}
