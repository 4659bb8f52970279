//! How far users got in their conversations.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{ConversationId, Cursor, Progress, ReceiptStore, Seq, StoreResult, UserId};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, repeated};

/// Cursors that one statement moves.
const MOVED_AT_ONCE: usize = 256;

/// The furthest of a user in a conversation.
type Furthest = (u64, u64, Progress);

impl ReceiptStore for MySqlStore {
    fn cursors(&self, conversation: ConversationId, users: &[UserId]) -> StoreResult<Vec<Cursor>> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        self.read("read cursors", |connection| {
            let mut params = vec![conversation.0.into()];
            let length = padded(users, &mut params, |user, params| params.push(user.0.into()));
            let sql = format!(
                "SELECT user_id, seq, read_seq FROM cursors \
                 WHERE conversation_id = ? AND seq > 0 AND user_id IN ({})",
                repeated("?", length),
            );
            let rows: Vec<(u64, u64, u64)> = connection.rows(&sql, params)?;
            let cursor = |(user, delivered, read)| {
                let progress = Progress { delivered: Seq(delivered), read: Seq(read) };
                Cursor { user: UserId(user), conversation, progress }
            };
            Ok(rows.into_iter().map(cursor).collect())
        })
    }
}

pub(super) fn advance(tx: &mut Connection, cursors: &[Cursor]) -> Result<(), Fault> {
    // Each once, the furthest, and in one order, so that two nodes take the locks in the same.
    let mut furthest = BTreeMap::new();
    for cursor in cursors {
        let progress: &mut Progress = furthest.entry((cursor.user.0, cursor.conversation.0)).or_default();
        *progress = progress.and(cursor.progress);
    }
    let furthest: Vec<Furthest> =
        furthest.into_iter().map(|((user, conversation), progress)| (user, conversation, progress)).collect();
    furthest.chunks(MOVED_AT_ONCE).try_for_each(|some| move_some(tx, some))
}

fn move_some(tx: &mut Connection, cursors: &[Furthest]) -> Result<(), Fault> {
    // What is read here stays true: a user's number is never given away, and a last seq only grows.
    let users: HashSet<u64> = read_for(tx, "SELECT id FROM users WHERE id IN", cursors, |cursor| cursor.0)?;
    let last_seqs: HashMap<u64, u64> =
        read_for(tx, "SELECT id, last_seq FROM conversations WHERE id IN", cursors, |cursor| cursor.1)?;
    let known: Vec<Furthest> = cursors
        .iter()
        .filter(|(user, ..)| users.contains(user))
        .filter_map(|&(user, conversation, progress)| {
            let last = Seq(*last_seqs.get(&conversation)?);
            Some((user, conversation, progress.within(last)))
        })
        .collect();
    if known.is_empty() {
        return Ok(());
    }
    let mut params = Vec::new();
    let length = padded(&known, &mut params, |&(user, conversation, progress), params| {
        params.extend([user, conversation, progress.delivered.0, progress.read.0].map(Into::into));
    });
    let sql = format!(
        "INSERT INTO cursors (user_id, conversation_id, seq, read_seq) VALUES {} \
         ON DUPLICATE KEY UPDATE seq = GREATEST(seq, VALUES(seq)), \
         read_seq = GREATEST(read_seq, VALUES(read_seq))",
        repeated("(?, ?, ?, ?)", length),
    );
    tx.execute(&sql, params)?;
    Ok(())
}

fn read_for<T: ::mysql::prelude::FromRow, C: FromIterator<T>>(
    tx: &mut Connection,
    select: &str,
    cursors: &[Furthest],
    id: impl Fn(&Furthest) -> u64,
) -> Result<C, Fault> {
    let mut params = Vec::new();
    let length = padded(cursors, &mut params, |cursor, params| params.push(id(cursor).into()));
    let rows = tx.rows(&format!("{select} ({})", repeated("?", length)), params)?;
    Ok(rows.into_iter().collect())
}
