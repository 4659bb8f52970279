//! What is quoted.

use domain::{ConversationId, MessageKind, QUOTED_CHARS_MAX, QuoteStore, Quoted, Seq, StoreResult, UserId};

use super::MySqlStore;
use super::fault::Fault;
use super::list::{padded, repeated};

/// Places that one statement looks up; MariaDB plans longer lists worse.
const LOOKED_UP_AT_ONCE: usize = 128;

/// Conversation, seq, sender, kind, how it begins.
type Row = (u64, u64, u64, u8, String);

impl QuoteStore for MySqlStore {
    fn quoted(&self, places: &[(ConversationId, Seq)]) -> StoreResult<Vec<Quoted>> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let mut places = places.to_vec();
        places.sort_unstable();
        places.dedup();
        self.read("read what is quoted", |connection| {
            let mut quoted = Vec::with_capacity(places.len());
            for some in places.chunks(LOOKED_UP_AT_ONCE) {
                let mut params = Vec::new();
                let length = padded(some, &mut params, |(conversation, seq), params| {
                    params.extend([conversation.0.into(), seq.0.into()]);
                });
                let sql = format!(
                    "SELECT conversation_id, seq, sender_id, kind, IF(kind = {}, LEFT(body, {QUOTED_CHARS_MAX}), body) \
                     FROM messages WHERE (conversation_id, seq) IN ({}) AND recalled_at = 0",
                    MessageKind::Text as u8,
                    repeated("(?, ?)", length),
                );
                let rows: Vec<Row> = connection.rows(&sql, params)?;
                for row in rows {
                    quoted.push(read(row)?);
                }
            }
            Ok(quoted)
        })
    }
}

fn read((conversation, seq, sender, kind, begin): Row) -> Result<Quoted, Fault> {
    let unknown =
        || format!("message {seq} of conversation {conversation}: this version does not know its kind");
    Ok(Quoted {
        conversation: ConversationId(conversation),
        seq: Seq(seq),
        sender: UserId(sender),
        kind: MessageKind::from_number(kind).ok_or_else(|| Fault::failed(unknown()))?,
        begin,
    })
}
