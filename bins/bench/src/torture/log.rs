//! Reads the log out of the database, past every server.

use std::collections::BTreeMap;

use mysql::{Conn, prelude::Queryable};
use protocol::SystemEvent;

use super::evidence::{Conversation, Digest, Log, Logged};

/// Id, kind, last seq, and the two users of a direct conversation.
type HeadRow = (u64, u8, u64, Option<u64>, Option<u64>);

/// Messages that tell of a change of their group. Their id is the server's own.
const SYSTEM: u8 = 2;

/// Conversations of two.
const DIRECT: u8 = 1;

/// Everything, with texts as digests.
pub(crate) fn read(conn: &mut Conn) -> mysql::Result<Log> {
    let mut log = Log { conversations: heads(conn)?, ..Log::default() };
    conn.query_fold(
        "SELECT conversation_id, seq, sender_id, client_msg_id, time, kind, body FROM messages
         ORDER BY conversation_id, seq",
        (),
        |(), (conv, seq, from, id, time, kind, body): (u64, u64, u64, Vec<u8>, u64, u8, String)| {
            let (id, text) = as_shown(&id, kind, body);
            let message = Logged { seq, from, id, time, text: Digest::of(&text) };
            log.conversations.entry(conv).or_default().messages.push(message);
        },
    )?;
    log.members = members(conn)?;
    for (lo, hi) in conn.query::<(u64, u64), _>("SELECT user_lo, user_hi FROM friendships")? {
        log.friends.entry(lo).or_default().push(hi);
        log.friends.entry(hi).or_default().push(lo);
    }
    Ok(log)
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
        "SELECT c.id, c.kind, c.last_seq, d.user_lo, d.user_hi FROM conversations c
         LEFT JOIN direct_conversations d ON d.conversation_id = c.id",
    )?;
    let conversation = |(conv, kind, last_seq, lo, hi): HeadRow| {
        let pair = lo.zip(hi).filter(|_| kind == DIRECT);
        (conv, Conversation { last_seq, pair, messages: Vec::new() })
    };
    Ok(rows.into_iter().map(conversation).collect())
}

fn members(conn: &mut Conn) -> mysql::Result<BTreeMap<(u64, u64), u64>> {
    let rows: Vec<(u64, u64, u64)> = conn.query("SELECT group_id, user_id, since_seq FROM group_members")?;
    Ok(rows.into_iter().map(|(group, user, since)| ((group, user), since)).collect())
}
