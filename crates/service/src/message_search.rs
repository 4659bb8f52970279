//! SEARCH_MESSAGES: what was said in one's own conversations.

use domain::{
    ConversationId, FoundPlace, MessageSearch, NUMBER_MAX, Seq, StoredMessage, Timestamp, UserId, WordQuery,
};
use protocol::limits::{HISTORY_PAGE_BYTES_MAX, MESSAGE_QUERY_CHARS_MAX};
use protocol::{Code, FoundMessages, Refusal, SearchMessages};

use crate::caller::Me;
use crate::fields;
use crate::history;
use crate::page::Slice;
use crate::refuse::{Stop, bad_field};
use crate::service::Service;

/// Parts of a search that one request asks the store for, where what the index knows is not what the texts say. What is not
/// found by then is the next page's.
const PARTS_MAX: u32 = 8;

/// The same in time: no further part is begun after it. What one part costs is limited by the store.
const PARTS_MS_MAX: u64 = 30;

/// SEARCH_MESSAGES. A conversation that does not exist and one that the asker may not read give the same answer.
pub(crate) fn page(service: &Service, me: Me<'_>, request: &SearchMessages) -> Result<FoundMessages, Stop> {
    let query = query(&request.query)?;
    let conversation = match request.conv {
        Some(conv @ 1..=NUMBER_MAX) => Some(ConversationId(conv)),
        Some(_) => return Err(Stop::refused(Code::NOT_FOUND)),
        None => None,
    };
    let since = fields::time("since", request.since.unwrap_or(0))?;
    let until = fields::time("until", request.until.unwrap_or(NUMBER_MAX))?;
    if since > until {
        return Err(bad_field("until", "until is before since").into());
    }
    let before = request.before.as_deref().map(place).transpose()?;
    service.limits.searches.take(me.user(), service.ports.clock.now())?;
    let store = &*service.ports.store;
    let limit = Slice::asked(0, request.limit, service.config.page_max).limit;
    let sender = request.from.map(|from| UserId(from.min(NUMBER_MAX + 1)));
    let mut search = MessageSearch { query: &query, conversation, sender, since, until, before };
    let (mut messages, mut found_bytes): (Vec<StoredMessage>, usize) = (Vec::new(), 0);
    let begun = service.ports.clock.now();
    for _ in 0..PARTS_MAX {
        let wanted = limit - messages.len() as u32;
        let found = store.search_messages(me.user(), &search, wanted)?;
        let found = found.ok_or_else(|| Stop::refused(Code::NOT_FOUND))?;
        found_bytes += found.messages.iter().map(|message| message.body.len()).sum::<usize>();
        messages.extend(found.messages);
        search.before = found.next;
        let spent_ms = service.ports.clock.now().0.saturating_sub(begun.0);
        let is_full = messages.len() as u32 >= limit || found_bytes >= HISTORY_PAGE_BYTES_MAX;
        if found.next.is_none() || is_full || spent_ms >= PARTS_MS_MAX {
            break;
        }
    }
    let names = service.directory.faces(store, messages.iter().flat_map(history::people))?;
    let mut bytes = 0;
    let fits = messages.iter().take_while(|message| {
        bytes += history::json_size(message, &names);
        bytes <= HISTORY_PAGE_BYTES_MAX
    });
    let kept = fits.count().max(1);
    if kept < messages.len() {
        messages.truncate(kept);
        search.before = messages.last().map(|last| FoundPlace {
            time: last.time,
            conversation: last.conversation,
            seq: last.seq,
        });
    }
    Ok(FoundMessages {
        messages: messages.into_iter().map(|message| history::chat_message(message, &names)).collect(),
        next: search.before.map(told),
    })
}

fn query(text: &str) -> Result<WordQuery, Refusal> {
    if text.chars().nth(MESSAGE_QUERY_CHARS_MAX).is_some() {
        return Err(bad_field("query", format!("query is longer than {MESSAGE_QUERY_CHARS_MAX} characters")));
    }
    WordQuery::parse(text)
        .ok_or_else(|| bad_field("query", "there is no letter, digit or character to search for in it"))
}

/// A place as clients carry it from one page to the next.
fn told(place: FoundPlace) -> String {
    format!("{}.{}.{}", place.time, place.conversation, place.seq)
}

fn place(told: &str) -> Result<FoundPlace, Refusal> {
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u64>().ok().filter(|number| digits && *number <= NUMBER_MAX)
    };
    let mut parts = told.split('.').map(number);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Some(time)), Some(Some(conversation)), Some(Some(seq)), None) => Ok(FoundPlace {
            time: Timestamp(time),
            conversation: ConversationId(conversation),
            seq: Seq(seq),
        }),
        _ => Err(bad_field("before", "before is the next of a page of this search, as it was")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_as_it_was_told() {
        let there = FoundPlace { time: Timestamp(17), conversation: ConversationId(4), seq: Seq(NUMBER_MAX) };
        assert_eq!(place(&told(there)).unwrap(), there);
        for wrong in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1..3",
            "+1.2.3",
            "1.-2.3",
            "1.2.99999999999999999999",
            "a.b.c",
            "１.2.3",
        ] {
            assert_eq!(place(wrong).unwrap_err().body.field.as_deref(), Some("before"), "{wrong:?}");
        }
    }
}
