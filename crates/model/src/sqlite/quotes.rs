//! What is quoted.

use domain::{ConversationId, MessageKind, QuoteStore, Quoted, Seq, StoreResult, UserId};

use super::SqliteStore;
use super::number::{number, out_of_range, sql};

impl QuoteStore for SqliteStore {
    fn quoted(&self, places: &[(ConversationId, Seq)]) -> StoreResult<Vec<Quoted>> {
        let mut places = places.to_vec();
        places.sort_unstable();
        places.dedup();
        self.read("read what is quoted", |connection| {
            // One place after the other: each is a look into the primary key, and no round trip.
            let mut find = connection.prepare_cached(
                "SELECT sender_id, kind, body FROM messages
                 WHERE conversation_id = ?1 AND seq = ?2 AND recalled_at = 0",
            )?;
            let mut quoted = Vec::with_capacity(places.len());
            for (conversation, seq) in places {
                let mut rows = find.query([sql(conversation.0), sql(seq.0)])?;
                let Some(row) = rows.next()? else { continue };
                let number_of_kind: i64 = row.get(1)?;
                let kind = u8::try_from(number_of_kind)
                    .ok()
                    .and_then(MessageKind::from_number)
                    .ok_or_else(|| out_of_range(1, number_of_kind))?;
                // Cut here, since the database's `substr` takes U+0000 for the end.
                let begin = Quoted::begin_of(kind, row.get_ref(2)?.as_str()?).to_owned();
                quoted.push(Quoted { conversation, seq, sender: UserId(number(row, 0)?), kind, begin });
            }
            Ok(quoted)
        })
    }
}
