//! How far users got in conversations.

use domain::{ConversationId, Cursor, Progress, ReceiptStore, Seq, StoreResult, UserId};

use super::SqliteStore;
use super::number::{number, sql};

/// `?1` the user, `?2` the conversation, `?3` what was delivered and `?4` what was read: at most the conversation's last,
/// at least what is stored. Selects no row, and so stores nothing, if there is no such user or conversation, or nothing to
/// note.
const ADVANCE: &str = "
    INSERT INTO cursors (user_id, conversation_id, seq, read_seq)
    SELECT u.id, c.id, min(?3, c.last_seq), min(?4, c.last_seq) FROM users u, conversations c
    WHERE u.id = ?1 AND c.id = ?2 AND min(?3, c.last_seq) > 0
    ON CONFLICT (user_id, conversation_id)
    DO UPDATE SET seq = max(seq, excluded.seq), read_seq = max(read_seq, excluded.read_seq)
    WHERE excluded.seq > seq OR excluded.read_seq > read_seq";

impl ReceiptStore for SqliteStore {
    fn cursors(&self, conversation: ConversationId, users: &[UserId]) -> StoreResult<Vec<Cursor>> {
        self.read("read cursors", |connection| {
            let mut find = connection.prepare_cached(
                "SELECT seq, read_seq FROM cursors WHERE user_id = ?1 AND conversation_id = ?2",
            )?;
            let mut users = users.to_vec();
            users.sort_unstable();
            users.dedup();
            let mut cursors = Vec::new();
            for user in users {
                let mut rows = find.query([sql(user.0), sql(conversation.0)])?;
                if let Some(row) = rows.next()? {
                    let progress = Progress { delivered: Seq(number(row, 0)?), read: Seq(number(row, 1)?) };
                    cursors.push(Cursor { user, conversation, progress });
                }
            }
            Ok(cursors)
        })
    }
}

impl SqliteStore {
    pub(super) fn store_cursors(&self, cursors: &[Cursor]) -> StoreResult<()> {
        if cursors.is_empty() {
            return Ok(());
        }
        self.write("advance cursors", |connection| {
            let mut advance = connection.prepare_cached(ADVANCE)?;
            for cursor in cursors {
                let Progress { delivered, read } = cursor.progress;
                let ids = [sql(cursor.user.0), sql(cursor.conversation.0)];
                advance.execute([ids[0], ids[1], sql(delivered.0), sql(read.0)])?;
            }
            Ok(())
        })
    }
}
