//! What users hid.

use std::collections::BTreeSet;

use ::mysql::Value;
use domain::{ConversationId, Hidden, HiddenPosition, HiddenStore, Hiding, Seq, StoreResult, UserId, dense};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, portion, repeated};

/// Rows that one statement inserts.
const INSERTED_AT_ONCE: usize = 128;

impl HiddenStore for MySqlStore {
    fn hide(
        &self,
        user: UserId,
        conversation: ConversationId,
        seqs: &[Seq],
        max: u64,
    ) -> StoreResult<Hiding> {
        let wanted: BTreeSet<Seq> = seqs.iter().copied().collect();
        let wanted: Vec<Seq> = wanted.into_iter().collect();
        self.transact("hide messages", |tx| {
            // The user's row gives the positions one order: whoever holds it reads what is committed.
            let sql = "SELECT hidden_last FROM users WHERE id = ? AND deleted_at = 0 FOR UPDATE";
            let Some(last) = tx.row::<u64>(sql, (user.0,))? else {
                return Ok(Hiding::Done { before: Vec::new(), new: Vec::new() });
            };
            let mut before = find(tx, user, conversation, &wanted)?;
            let is_new = |seq: &Seq| before.iter().all(|entry| entry.seq != *seq);
            let new: Vec<Hidden> = wanted
                .iter()
                .copied()
                .filter(is_new)
                .zip(last + 1..)
                .map(|(seq, position)| Hidden { position: HiddenPosition(position), conversation, seq })
                .collect();
            before.sort_unstable_by_key(|entry| entry.position);
            let Some(newest) = new.last().map(|entry| entry.position) else {
                return Ok(Hiding::Done { before, new });
            };
            if newest.0 > max {
                return Ok(Hiding::Full);
            }
            insert(tx, user, &new)?;
            tx.execute("UPDATE users SET hidden_last = ? WHERE id = ?", (newest.0, user.0))?;
            Ok(Hiding::Done { before, new })
        })
    }

    fn hidden(&self, user: UserId, after: HiddenPosition, limit: u32) -> StoreResult<Vec<Hidden>> {
        self.read("list what is hidden", |connection| {
            let sql = "SELECT position, conversation_id, seq FROM hidden_messages \
                       WHERE user_id = ? AND position > ? ORDER BY position LIMIT ?";
            let rows: Vec<Row> = connection.rows(sql, (user.0, after.0, limit))?;
            Ok(rows.into_iter().map(hidden).collect())
        })
    }

    fn hidden_of(&self, user: UserId, conversation: ConversationId, seqs: &[Seq]) -> StoreResult<Vec<Seq>> {
        self.read("find what is hidden", |connection| {
            let Some(range) = dense(seqs) else {
                let found = find(connection, user, conversation, seqs)?;
                return Ok(found.into_iter().map(|entry| entry.seq).collect());
            };
            let sql = "SELECT seq FROM hidden_messages \
                       WHERE user_id = ? AND conversation_id = ? AND seq BETWEEN ? AND ? ORDER BY seq";
            let params = (user.0, conversation.0, range.start().0, range.end().0);
            let found: Vec<u64> = connection.rows(sql, params)?;
            Ok(found.into_iter().map(Seq).filter(|seq| seqs.contains(seq)).collect())
        })
    }
}

/// Position, conversation, seq.
type Row = (u64, u64, u64);

fn hidden((position, conversation, seq): Row) -> Hidden {
    Hidden { position: HiddenPosition(position), conversation: ConversationId(conversation), seq: Seq(seq) }
}

/// Those of these messages that are hidden, by rising seq.
fn find(
    connection: &mut Connection,
    user: UserId,
    conversation: ConversationId,
    seqs: &[Seq],
) -> Result<Vec<Hidden>, Fault> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let mut params: Vec<Value> = vec![user.0.into(), conversation.0.into()];
    let length = padded(seqs, &mut params, |seq, params| params.push(seq.0.into()));
    let sql = format!(
        "SELECT position, conversation_id, seq FROM hidden_messages \
         WHERE user_id = ? AND conversation_id = ? AND seq IN ({}) ORDER BY seq",
        repeated("?", length)
    );
    let rows: Vec<Row> = connection.rows(&sql, params)?;
    Ok(rows.into_iter().map(hidden).collect())
}

fn insert(tx: &mut Connection, user: UserId, mut new: &[Hidden]) -> Result<(), Fault> {
    while !new.is_empty() {
        let (some, rest) = new.split_at(portion(new.len(), INSERTED_AT_ONCE));
        let values = |entry: &Hidden| [user.0, entry.position.0, entry.conversation.0, entry.seq.0];
        let params: Vec<Value> = some.iter().flat_map(values).map(Value::from).collect();
        let sql = format!(
            "INSERT INTO hidden_messages (user_id, position, conversation_id, seq) VALUES {}",
            repeated("(?, ?, ?, ?)", some.len())
        );
        tx.execute(&sql, params)?;
        new = rest;
    }
    Ok(())
}
