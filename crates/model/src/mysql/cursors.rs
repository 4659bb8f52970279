//! How far users acknowledged their conversations.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::Cursor;

use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, repeated};

/// Cursors that one statement moves.
const MOVED_AT_ONCE: usize = 256;

/// A furthest acknowledgement: user, conversation, seq.
type Furthest = (u64, u64, u64);

pub(super) fn advance(tx: &mut Connection, cursors: &[Cursor]) -> Result<(), Fault> {
    // Each once, the furthest, and in one order, so that two nodes take the locks in the same.
    let mut furthest = BTreeMap::new();
    for cursor in cursors {
        let seq = furthest.entry((cursor.user.0, cursor.conversation.0)).or_insert(cursor.seq.0);
        *seq = cursor.seq.0.max(*seq);
    }
    let furthest: Vec<Furthest> =
        furthest.into_iter().map(|((user, conversation), seq)| (user, conversation, seq)).collect();
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
        .filter_map(|&(user, conversation, seq)| {
            Some((user, conversation, seq.min(*last_seqs.get(&conversation)?)))
        })
        .collect();
    if known.is_empty() {
        return Ok(());
    }
    let mut params = Vec::new();
    let length = padded(&known, &mut params, |&(user, conversation, seq), params| {
        params.extend([user.into(), conversation.into(), seq.into()]);
    });
    let sql = format!(
        "INSERT INTO cursors (user_id, conversation_id, seq) VALUES {} \
         ON DUPLICATE KEY UPDATE seq = GREATEST(seq, VALUES(seq))",
        repeated("(?, ?, ?)", length),
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
