//! In which order a search asks for its words: the rarest first.
//!
//! Where several words have to stand together, each entry of the first one costs a look for the others. How common a word is
//! depends on who talks with whom, so nothing is counted in advance: its newest entries in a few conversations tell enough.

use std::cmp::Reverse;

use ::mysql::Value;
use domain::ConversationId;

use super::connection::Connection;
use super::fault::Fault;

/// Conversations that are looked at, those where something was said last: where a search finds most, and begins.
const CONVERSATIONS: usize = 4;

/// Entries of each word in each of them that are counted at most.
const COUNTED_MAX: u64 = 64;

/// Words, the rarest first.
pub(super) struct WordOrder<'a> {
    pub(super) words: Vec<&'a str>,
    /// Entries of the first that one conversation had, as far as they were counted.
    pub(super) first_has: u64,
}

/// What was seen of a word; less is rarer.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    entries: u64,
    /// How far back the counted ones reach, added up: where as many were counted of two words, the one that reaches further
    /// is rarer.
    reach: Reverse<u64>,
}

/// Orders these words for a search in these conversations, of what was said until then.
pub(super) fn rarest_first<'a>(
    connection: &mut Connection,
    conversations: impl Iterator<Item = ConversationId>,
    words: Vec<&'a str>,
    until: u64,
) -> Result<WordOrder<'a>, Fault> {
    if words.len() < 2 {
        return Ok(WordOrder { words, first_has: COUNTED_MAX });
    }
    // As many in every statement, so that few are prepared; no conversation has the number 0.
    let nothing = std::iter::repeat(ConversationId(0));
    let conversations: Vec<ConversationId> = conversations.chain(nothing).take(CONVERSATIONS).collect();
    let (mut parts, mut params) = (Vec::new(), Vec::<Value>::new());
    for (place, word) in words.iter().enumerate() {
        for conversation in &conversations {
            parts.push(format!(
                "SELECT {place}, COUNT(*), COALESCE(MIN(time), CAST(0 AS UNSIGNED)) FROM (SELECT time FROM message_words \
                 WHERE conversation_id = ? AND word = ? AND time <= ? ORDER BY time DESC LIMIT {COUNTED_MAX}) w"
            ));
            params.extend([conversation.0.into(), Value::from(word.as_bytes()), until.into()]);
        }
    }
    let mut seen = vec![(Seen::default(), 0); words.len()];
    connection.each(&parts.join(" UNION ALL "), params, |(place, entries, oldest): (usize, u64, u64)| {
        if let Some((seen, most)) = seen.get_mut(place) {
            seen.entries += entries;
            seen.reach.0 += if entries < COUNTED_MAX { until } else { until.saturating_sub(oldest) };
            *most = entries.max(*most);
        }
    })?;
    let mut order: Vec<(Seen, u64, &str)> =
        seen.into_iter().zip(words).map(|((seen, most), word)| (seen, most, word)).collect();
    order.sort_by_key(|(seen, ..)| *seen);
    let first_has = order.first().map_or(0, |(_, most, _)| *most);
    Ok(WordOrder { words: order.into_iter().map(|(.., word)| word).collect(), first_has })
}
