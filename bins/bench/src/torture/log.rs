//! Reads the log out of the database, past every server.

use std::collections::BTreeMap;

use mysql::{Conn, prelude::Queryable};
use protocol::{Hidden, Quiet, SystemEvent};

use super::evidence::{Broadcast, Conversation, Cursor, Digest, Held, Log, Logged, QuietHeld, quiet_digest};

/// Id, kind, last seq, last change, and the two users of a direct conversation.
type HeadRow = (u64, u8, u64, u64, Option<u64>, Option<u64>);

/// A message: conversation, seq, sender, id, time, kind, text, when it was edited and recalled, place in the feed of changes.
type MessageRow = (u64, u64, u64, Vec<u8>, u64, u8, String, u64, u64, Option<u64>);

/// What is quiet: user, conversation, until when, from and to which minute, in which zone, and whether mentions are not.
type QuietRow = (u64, u64, u64, u32, u32, Vec<u8>, bool);

/// Messages that tell of a change of their group. Their id is the server's own.
const SYSTEM: u8 = 2;

/// Conversations of two.
const DIRECT: u8 = 1;

/// Everything, with texts as digests.
pub(crate) fn read(conn: &mut Conn) -> mysql::Result<Log> {
    let mut log = Log { conversations: heads(conn)?, ..Log::default() };
    conn.query_fold(
        "SELECT m.conversation_id, m.seq, m.sender_id, m.client_msg_id, m.time, m.kind, m.body, m.edited_at, m.recalled_at,
             c.position
         FROM messages m LEFT JOIN message_changes c ON c.conversation_id = m.conversation_id AND c.seq = m.seq
         ORDER BY m.conversation_id, m.seq",
        (),
        |(), (conv, seq, from, id, time, kind, body, edited, recalled_at, position): MessageRow| {
            let (id, text) = as_shown(&id, kind, body);
            let state = Held { edited, recalled: recalled_at > 0, ..Held::as_said(&text) };
            let message = Logged { seq, from, id, time, state, position: position.unwrap_or(0) };
            log.conversations.entry(conv).or_default().messages.push(message);
        },
    )?;
    log.members = members(conn)?;
    for (lo, hi) in conn.query::<(u64, u64), _>("SELECT user_lo, user_hi FROM friendships")? {
        log.friends.entry(lo).or_default().push(hi);
        log.friends.entry(hi).or_default().push(lo);
    }
    let cursors = "SELECT conversation_id, user_id, seq, read_seq FROM cursors";
    for (conv, user, delivered, read) in conn.query::<(u64, u64, u64, u64), _>(cursors)? {
        log.cursors.insert((conv, user), Cursor { delivered, read });
    }
    log.quiet = quiet(conn)?;
    log.hidden_last = conn.query("SELECT id, hidden_last FROM users")?.into_iter().collect();
    let hidden =
        "SELECT user_id, position, conversation_id, seq FROM hidden_messages ORDER BY user_id, position";
    for (user, position, conv, seq) in conn.query::<(u64, u64, u64, u64), _>(hidden)? {
        log.hidden.entry(user).or_default().push(Hidden { position, conv, seq });
    }
    log.broadcasts = conn.query_map(
        "SELECT id, broadcast_key, body FROM broadcasts ORDER BY id",
        |(id, key, body): (u64, Vec<u8>, String)| {
            let (key, text) = (String::from_utf8_lossy(&key).into_owned(), Digest::of(&body));
            Broadcast { id, key, text }
        },
    )?;
    log.recalled_words = conn.query(
        "SELECT DISTINCT w.conversation_id, w.seq FROM message_words w
         JOIN messages m ON m.conversation_id = w.conversation_id AND m.seq = w.seq WHERE m.recalled_at > 0",
    )?;
    Ok(log)
}

fn quiet(conn: &mut Conn) -> mysql::Result<BTreeMap<u64, QuietHeld>> {
    let mut quiet = BTreeMap::new();
    for (user, version) in conn.query::<(u64, u64), _>("SELECT id, quiet_version FROM users")? {
        quiet.insert(user, QuietHeld { version, ..QuietHeld::default() });
    }
    let rows: Vec<QuietRow> = conn.query(
        "SELECT user_id, conversation_id, until_time, from_minute, to_minute, zone, mentions FROM quiet",
    )?;
    for (user, conv, until, from, to, zone, mentions) in rows {
        let zone = (!zone.is_empty()).then(|| String::from_utf8_lossy(&zone).into_owned());
        let (from, to) = (zone.as_ref().map(|_| from), zone.as_ref().map(|_| to));
        let entry = Quiet { conv, until, from, to, zone, mentions };
        let held: &mut QuietHeld = quiet.entry(user).or_default();
        held.entries.extend(quiet_digest(&entry).map(|how| (conv, how)));
    }
    Ok(quiet)
}

/// Id and text of a stored message as clients get them.
fn as_shown(id: &[u8], kind: u8, body: String) -> (String, String) {
    match SystemEvent::from_json(&body) {
        Some(event) if kind == SYSTEM => (String::new(), event.sentence()),
        _ => (String::from_utf8_lossy(id).into_owned(), body),
    }
}

/// Everything but messages and friends: enough to see who must still get what.
pub(crate) fn read_heads(conn: &mut Conn) -> mysql::Result<Log> {
    Ok(Log { conversations: heads(conn)?, members: members(conn)?, ..Log::default() })
}

fn heads(conn: &mut Conn) -> mysql::Result<BTreeMap<u64, Conversation>> {
    let rows: Vec<HeadRow> = conn.query(
        "SELECT c.id, c.kind, c.last_seq, c.last_change, d.user_lo, d.user_hi FROM conversations c
         LEFT JOIN direct_conversations d ON d.conversation_id = c.id",
    )?;
    let conversation = |(conv, kind, last_seq, last_change, lo, hi): HeadRow| {
        let pair = lo.zip(hi).filter(|_| kind == DIRECT);
        (conv, Conversation { last_seq, last_change, pair, messages: Vec::new() })
    };
    Ok(rows.into_iter().map(conversation).collect())
}

fn members(conn: &mut Conn) -> mysql::Result<BTreeMap<(u64, u64), u64>> {
    let rows: Vec<(u64, u64, u64)> = conn.query("SELECT group_id, user_id, since_seq FROM group_members")?;
    Ok(rows.into_iter().map(|(group, user, since)| ((group, user), since)).collect())
}
