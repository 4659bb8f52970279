//! Searching messages by the index of words.

use std::cmp::Reverse;
use std::collections::HashMap;

use ::mysql::Value;
use domain::{
    COMPARED_BYTES_MAX, ConversationId, FoundMessages, FoundPlace, Indexed, MessageSearch, SearchStore, Seq,
    StoreResult, StoredMessage, Timestamp, Unindexed, UserId, WordQuery,
};

use super::MySqlStore;
use super::connection::Connection;
use super::fault::Fault;
use super::list::{padded, repeated};
use super::page::message;
use super::word_index::{self, sender_word};
use super::word_order::{WordOrder, rarest_first};

/// Conversations that one statement asks for.
const CONVERSATIONS_AT_ONCE: usize = 32;

/// Of several words, entries of the first that one statement is to find, roughly: where it is common, fewer conversations
/// are asked for at once, since what they have may do.
const ENTRIES_AT_ONCE: u64 = 512;

/// Where the first of several words is so rare, what all conversations of a statement have of it is read at once, instead of
/// the newest of each: a statement of many parts costs the database more to plan than to run.
const RARE_MAX: u64 = 60;

/// Entries that are read so at most. If there are more the word was not rare, and each conversation's newest are read.
const READ_WHOLE_MAX: usize = 1_024;

/// Of several words, entries of the first that one part of a search looks at, in all conversations; and in one of them, at
/// least and at most.
const LOOKED_AT_MAX: usize = 16_384;
const LOOKED_AT_IN_ONE_MIN: usize = 32;
const LOOKED_AT_IN_ONE_MAX: usize = 512;

/// Messages that one statement reads.
const TEXTS_AT_ONCE: usize = 32;

/// A message cannot have been taken longer than this before its reader joined, by any clock.
const JOINED_MARGIN_MS: u64 = 3_600_000;

/// A message's conversation, and its [`page::Row`](super::page::Row).
type Row = (u64, u64, u64, Vec<u8>, u64, u8, String, u64, u64, u64, u64, String);

/// A conversation of the searcher's.
#[derive(Clone, Copy)]
struct Searched {
    id: ConversationId,
    /// The last seq that they may not read.
    since: Seq,
    /// Nothing older than this concerns them.
    from: u64,
    last_time: u64,
}

impl SearchStore for MySqlStore {
    fn search_messages(
        &self,
        user: UserId,
        search: &MessageSearch<'_>,
        limit: u32,
    ) -> StoreResult<Option<FoundMessages>> {
        self.read("search messages", |connection| {
            let conversations = conversations(connection, user, search.conversation)?;
            if search.conversation.is_some() && conversations.is_empty() {
                return Ok(None);
            }
            let Entries { mut places, ended } =
                entries(connection, &conversations, search, limit as usize + 1)?;
            let next = if places.len() > limit as usize {
                places.truncate(limit as usize);
                places.last().copied()
            } else {
                ended
            };
            let (messages, unread) = fitting(connection, user, &places, search.query)?;
            Ok(Some(FoundMessages { messages, next: unread.or(next) }))
        })
    }

    fn index_messages(&self, conversations: &[ConversationId], limit: u32) -> StoreResult<Indexed> {
        self.take_in(conversations, limit)
    }

    fn unindexed(&self, after: ConversationId, limit: u32) -> StoreResult<Unindexed> {
        self.read("look for what is not indexed", |connection| {
            word_index::unindexed(connection, after, limit)
        })
    }
}

/// The conversations that the user may search, those where something was said lately first.
fn conversations(
    connection: &mut Connection,
    user: UserId,
    only: Option<ConversationId>,
) -> Result<Vec<Searched>, Fault> {
    let (range, from) = match only {
        Some(id) => ("= ?", id.0),
        None => ("> ?", 0),
    };
    let sql = format!(
        "SELECT c.id, m.since, m.joined_at, c.last_time FROM (\
         SELECT conversation_id, CAST(0 AS UNSIGNED) AS since, CAST(0 AS UNSIGNED) AS joined_at \
         FROM direct_conversations WHERE user_lo = ? AND conversation_id {range} UNION ALL \
         SELECT conversation_id, CAST(0 AS UNSIGNED), CAST(0 AS UNSIGNED) \
         FROM direct_conversations WHERE user_hi = ? AND conversation_id {range} UNION ALL \
         SELECT group_id, since_seq, joined_at FROM group_members WHERE user_id = ? AND group_id {range}) m \
         JOIN conversations c ON c.id = m.conversation_id"
    );
    let mut found = Vec::new();
    connection.each(
        &sql,
        (user.0, from, user.0, from, user.0, from),
        |(id, since, joined_at, last_time): (u64, u64, u64, u64)| {
            let from = if since == 0 { 0 } else { joined_at.saturating_sub(JOINED_MARGIN_MS) };
            found.push(Searched { id: ConversationId(id), since: Seq(since), from, last_time });
        },
    )?;
    found.sort_unstable_by_key(|searched| Reverse(searched.last_time));
    Ok(found)
}

/// What was found in the index.
struct Entries {
    /// Newest first.
    places: Vec<FoundPlace>,
    /// What is older than this was not looked at.
    ended: Option<FoundPlace>,
}

/// The newest entries, at most `wanted`.
fn entries(
    connection: &mut Connection,
    conversations: &[Searched],
    search: &MessageSearch<'_>,
    wanted: usize,
) -> Result<Entries, Fault> {
    let sender = search.sender.map(sender_word);
    let words: Vec<&str> = search.query.asked().iter().map(String::as_str).chain(sender.as_deref()).collect();
    let until = search.before.map_or(search.until.0, |before| before.time.0.min(search.until.0));
    let ids = conversations.iter().map(|searched| searched.id);
    let WordOrder { words, first_has } = rarest_first(connection, ids, words, until)?;
    let is_rare = words.len() > 1 && first_has <= RARE_MAX;
    let (at_once, depth) = match words.as_slice() {
        [_] => (CONVERSATIONS_AT_ONCE, wanted),
        _ => {
            let at_once =
                (ENTRIES_AT_ONCE / first_has.max(1)).clamp(1, CONVERSATIONS_AT_ONCE as u64) as usize;
            let depth = LOOKED_AT_MAX / conversations.len().max(1);
            (at_once, depth.clamp(LOOKED_AT_IN_ONE_MIN, LOOKED_AT_IN_ONE_MAX))
        }
    };
    let (mut places, mut ended): (Vec<FoundPlace>, Option<FoundPlace>) = (Vec::new(), None);
    for some in conversations.chunks(at_once) {
        let last = if places.len() >= wanted { places.get(wanted - 1).copied() } else { None };
        let newest_left = some.first().map_or(0, |searched| searched.last_time);
        // What is left was said before what is found, or before what is looked at.
        let known = last.max(ended).map_or(0, |place| place.time.0);
        if newest_left < known {
            break;
        }
        let mut looked: HashMap<ConversationId, (usize, FoundPlace)> = HashMap::new();
        let whole = match is_rare {
            true => read_whole(connection, some, &words, search, known)?,
            false => None,
        };
        if let Some(whole) = whole {
            places.extend(whole);
        } else {
            read(connection, some, &words, search, known, depth, |place, fits| {
                let seen = looked.entry(place.conversation).or_insert((0, place));
                *seen = (seen.0 + 1, place.min(seen.1));
                if fits {
                    places.push(place);
                }
            })?;
        }
        let unread = looked.into_values().filter(|(count, _)| *count >= depth).map(|(_, place)| place).max();
        ended = ended.max(unread);
        places.sort_unstable_by_key(|place| Reverse(*place));
        // Beyond where one conversation was not read, another one's would come too early.
        places.retain(|place| ended.is_none_or(|ended| *place >= ended));
        places.truncate(wanted);
    }
    Ok(Entries { places, ended })
}

/// Reads all entries of the first word in these conversations where the other words are too, in no order; `None` if they are
/// too many.
fn read_whole(
    connection: &mut Connection,
    conversations: &[Searched],
    words: &[&str],
    search: &MessageSearch<'_>,
    known: u64,
) -> Result<Option<Vec<FoundPlace>>, Fault> {
    let Some((first, others)) = words.split_first() else { return Ok(None) };
    let mut params: Vec<Value> = others.iter().map(|word| Value::from(word.as_bytes())).collect();
    params.push(first.as_bytes().into());
    let length = padded(conversations, &mut params, |searched, params| params.push(searched.id.0.into()));
    let until = search.before.map_or(search.until.0, |before| before.time.0.min(search.until.0));
    params.extend([Value::from(search.since.0.max(known)), until.into()]);
    let one = "EXISTS (SELECT 1 FROM message_words o WHERE o.conversation_id = w.conversation_id AND o.word = ? \
               AND o.time = w.time AND o.seq = w.seq)";
    let sql = format!(
        "SELECT w.conversation_id, w.time, w.seq, {} FROM message_words w \
         WHERE w.word = ? AND w.conversation_id IN ({}) AND w.time >= ? AND w.time <= ? LIMIT {}",
        vec![one; others.len()].join(" AND "),
        repeated("?", length),
        READ_WHOLE_MAX + 1,
    );
    let (mut read, mut places) = (0, Vec::new());
    connection.each(&sql, params, |(conversation, time, seq, fits): (u64, u64, u64, bool)| {
        read += 1;
        let place =
            FoundPlace { time: Timestamp(time), conversation: ConversationId(conversation), seq: Seq(seq) };
        let may_be_read = conversations.iter().any(|searched| {
            searched.id == place.conversation && place.seq > searched.since && time >= searched.from
        });
        if fits && may_be_read && search.before.is_none_or(|before| place < before) {
            places.push(place);
        }
    })?;
    Ok((read <= READ_WHOLE_MAX).then_some(places))
}

/// Reads the newest entries of the first word in each conversation, and whether the other words are there too.
fn read(
    connection: &mut Connection,
    conversations: &[Searched],
    words: &[&str],
    search: &MessageSearch<'_>,
    known: u64,
    depth: usize,
    mut take: impl FnMut(FoundPlace, bool),
) -> Result<(), Fault> {
    let Some((first, others)) = words.split_first() else { return Ok(()) };
    let mut params: Vec<Value> = Vec::new();
    let mut push = |searched: &Searched| {
        let (until, below) = end(search, searched.id);
        for word in others {
            params.extend([searched.id.0.into(), Value::from(word.as_bytes())]);
        }
        let from = search.since.0.max(searched.from).max(known);
        params.extend([searched.id.0.into(), Value::from(first.as_bytes()), from.into(), until.into()]);
        params.extend([until.into(), below.into(), searched.since.0.into(), (depth as u64).into()]);
    };
    conversations.iter().for_each(&mut push);
    // Of few lengths, so that few statements are prepared; no conversation has the number 0.
    let length = conversations.len().next_power_of_two();
    let nothing = Searched { id: ConversationId(0), since: Seq(0), from: 0, last_time: 0 };
    (conversations.len()..length).for_each(|_| push(&nothing));
    let fits = match others {
        [] => "1".to_owned(),
        _ => {
            let one = "EXISTS (SELECT 1 FROM message_words o WHERE o.conversation_id = ? AND o.word = ? \
                       AND o.time = w.time AND o.seq = w.seq)";
            vec![one; others.len()].join(" AND ")
        }
    };
    let part = format!(
        "(SELECT w.conversation_id, w.time, w.seq, {fits} FROM message_words w \
         WHERE w.conversation_id = ? AND w.word = ? AND w.time >= ? AND w.time <= ? AND (w.time < ? OR w.seq < ?) \
         AND w.seq > ? ORDER BY w.time DESC, w.seq DESC LIMIT ?)"
    );
    let sql = vec![part.as_str(); length].join(" UNION ALL ");
    connection.each(&sql, params, |(conversation, time, seq, fits): (u64, u64, u64, bool)| {
        let place =
            FoundPlace { time: Timestamp(time), conversation: ConversationId(conversation), seq: Seq(seq) };
        take(place, fits);
    })
}

/// Where this part of a search ends in a conversation: at this time, and there below this seq.
fn end(search: &MessageSearch<'_>, conversation: ConversationId) -> (u64, u64) {
    let until = (search.until.0, u64::MAX);
    let Some(before) = search.before else { return until };
    let end = match conversation.cmp(&before.conversation) {
        std::cmp::Ordering::Less => (before.time.0, u64::MAX),
        std::cmp::Ordering::Equal => (before.time.0, before.seq.0),
        std::cmp::Ordering::Greater => (before.time.0.saturating_sub(1), u64::MAX),
    };
    until.min(end)
}

/// The messages that fit, as far as the user is shown them; and where it ended, if the texts were too many to compare all of
/// them.
fn fitting(
    connection: &mut Connection,
    user: UserId,
    places: &[FoundPlace],
    query: &WordQuery,
) -> Result<(Vec<StoredMessage>, Option<FoundPlace>), Fault> {
    let (mut messages, mut compared) = (Vec::with_capacity(places.len()), 0);
    for some in places.chunks(TEXTS_AT_ONCE) {
        let mut shown = shown(connection, user, some)?;
        for place in some {
            let Some(message) = shown.remove(&(place.conversation, place.seq)) else { continue };
            compared += message.body.len();
            if query.fits(&message.body) {
                messages.push(message);
            }
            if compared >= COMPARED_BYTES_MAX {
                return Ok((messages, Some(*place).filter(|place| places.last() != Some(place))));
            }
        }
    }
    Ok((messages, None))
}

/// These messages as far as the user is shown them.
fn shown(
    connection: &mut Connection,
    user: UserId,
    places: &[FoundPlace],
) -> Result<HashMap<(ConversationId, Seq), StoredMessage>, Fault> {
    let mut shown = HashMap::new();
    if places.is_empty() {
        return Ok(shown);
    }
    let mut params: Vec<Value> = Vec::new();
    let length = padded(places, &mut params, |place, params| {
        params.extend([place.conversation.0.into(), place.seq.0.into()]);
    });
    params.push(user.0.into());
    let sql = format!(
        "SELECT m.conversation_id, m.seq, m.sender_id, m.client_msg_id, m.time, m.kind, m.body, \
         m.edited_at, m.recalled_at, m.recalled_by, m.reply_to, m.mentions FROM messages m \
         WHERE (m.conversation_id, m.seq) IN ({}) AND NOT EXISTS (SELECT 1 FROM hidden_messages h \
         WHERE h.user_id = ? AND h.conversation_id = m.conversation_id AND h.seq = m.seq)",
        repeated("(?, ?)", length),
    );
    let rows: Vec<Row> = connection.rows(&sql, params)?;
    for (conversation, a, b, c, d, e, f, g, h, i, j, k) in rows {
        let id = ConversationId(conversation);
        let message = message(id, (a, b, c, d, e, f, g, h, i, j, k))?;
        shown.insert((id, message.seq), message);
    }
    Ok(shown)
}
