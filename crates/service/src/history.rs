//! HISTORY: pages of a conversation.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{MessageKind, NUMBER_MAX, PageSize, Seq, StoredMessage, Timestamp, User, UserId, Window};
use protocol::limits::{HISTORY_PAGE_BYTES_MAX, NICKNAME_CHARS_MAX, QUOTE_CHARS_MAX};
use protocol::{ChatMessage, History, HistoryPage};

use crate::caller::Me;
use crate::conversation;
use crate::hidden;
use crate::page::Slice;
use crate::quotes;
use crate::recent_history;
use crate::refuse::{Stop, bad_field};
use crate::service::Service;
use crate::wire;

/// JSON bytes of a message without its texts: keys, quotes and the longest numbers.
const MESSAGE_FRAME_BYTES: usize = 200;

/// Where a page begins.
enum Begin {
    /// At an end of this window.
    At(Window),
    /// With the first message of this time or later.
    Time(Timestamp),
}

impl Begin {
    /// What is beyond every number means the same as the largest: nothing has a greater one.
    fn asked(request: &History) -> Result<Begin, Stop> {
        match (request.after, request.before, request.at) {
            (None, None, None) => Ok(Begin::At(Window::Newest)),
            (Some(after), None, None) => Ok(Begin::At(Window::After(Seq(after.min(NUMBER_MAX))))),
            (None, Some(before), None) => Ok(Begin::At(Window::Before(Seq(before.min(NUMBER_MAX))))),
            (None, None, Some(time)) => Ok(Begin::Time(Timestamp(time.min(NUMBER_MAX)))),
            (Some(_), Some(_), _) => Err(bad_field("before", "give one of after, before and at").into()),
            (_, _, Some(_)) => Err(bad_field("at", "give one of after, before and at").into()),
        }
    }
}
/// The same of what is said of an edit or a recall, the name of who did it included.
const CHANGE_BYTES: usize = 300;

/// And of a quote: each of its characters may be six, and so may those of the name.
const QUOTE_BYTES: usize = 60 + 6 * (QUOTE_CHARS_MAX + NICKNAME_CHARS_MAX);

/// And of one mention.
const MENTION_BYTES: usize = 20;

/// HISTORY. A conversation that does not exist and one that the asker may not read give the same answer.
pub(crate) fn page(service: &Service, me: Me<'_>, request: &History) -> Result<HistoryPage, Stop> {
    let begin = Begin::asked(request)?;
    let store = &*service.ports.store;
    let conversation = conversation::of(service, me, request.conv)?;
    let id = conversation.id;
    let size = PageSize {
        messages: Slice::asked(0, request.limit, service.config.page_max).limit,
        bytes: HISTORY_PAGE_BYTES_MAX,
    };
    let window = match begin {
        Begin::At(window) => Some(window),
        // Nobody is told more of what stands before `since` than that it is older.
        Begin::Time(time) => {
            let first = store.seq_at(id, conversation.since, time)?;
            first.map(|first| Window::After(Seq(first.0.saturating_sub(1))))
        }
    };
    let mut messages = match window {
        Some(window) => recent_history::page(service, &conversation, window, size)?,
        None => Vec::new(),
    };
    let names = service.directory.faces(store, messages.iter().flat_map(people))?;
    fit(&mut messages, window.unwrap_or(Window::Newest), &names);
    // More may have been said since the conversation was read.
    let last = messages.last().map_or(conversation.last, |newest| newest.seq.max(conversation.last));
    let mut messages: Vec<_> = messages.into_iter().map(|message| chat_message(message, &names)).collect();
    quotes::in_page(service, messages.iter_mut(), conversation.since)?;
    hidden::apply(service, me.user(), &mut messages)?;
    Ok(HistoryPage { conv: id.0, messages, first: conversation.since.next().0, last: last.0 })
}

/// Shortens a page until its JSON is within [`HISTORY_PAGE_BYTES_MAX`], at the end that is further from where the
/// reader is; at least one message stays, which always fits.
fn fit(messages: &mut Vec<StoredMessage>, window: Window, names: &HashMap<UserId, Arc<User>>) {
    let mut bytes = 0;
    let mut fits = |message: &StoredMessage| {
        bytes += json_size(message, names);
        bytes <= HISTORY_PAGE_BYTES_MAX
    };
    match window {
        Window::After(_) => {
            let kept = messages.iter().take_while(|message| fits(message)).count();
            messages.truncate(kept.max(1));
        }
        Window::Before(_) | Window::Newest => {
            let kept = messages.iter().rev().take_while(|message| fits(message)).count();
            messages.drain(..messages.len().saturating_sub(kept.max(1)));
        }
    }
}

/// JSON bytes of a message as clients get it, at most.
pub(crate) fn json_size(message: &StoredMessage, names: &HashMap<UserId, Arc<User>>) -> usize {
    MESSAGE_FRAME_BYTES
        + names.get(&message.sender).map_or(0, |name| json_bytes(name.shown()))
        + json_bytes(&message.client_msg_id)
        + CHANGE_BYTES * usize::from(message.recalled.is_some() || message.edited.0 > 0)
        + QUOTE_BYTES * usize::from(message.reply_to.is_some())
        + MENTION_BYTES * message.mentions.0.len()
        + match message.kind {
            MessageKind::Text => json_bytes(&message.body),
            // The event, which is JSON, and a sentence of its parts.
            MessageKind::System => 2 * json_bytes(&message.body),
        }
}

/// Bytes of a text in JSON without its quotes, as serde_json writes it: short escapes where JSON has them (RFC 8259
/// section 7), six bytes for other control characters, everything else as it is.
fn json_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | 0x08 | b'\t' | b'\n' | 0x0c | b'\r' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

/// Who is named in a message.
pub(crate) fn people(message: &StoredMessage) -> impl Iterator<Item = UserId> + use<> {
    std::iter::once(message.sender).chain(message.recalled.map(|recall| recall.by))
}

/// A message of the log as clients get it.
pub(crate) fn chat_message(message: StoredMessage, names: &HashMap<UserId, Arc<User>>) -> ChatMessage {
    let name = |user| names.get(&user).map_or_else(String::new, |user: &Arc<User>| user.shown().to_owned());
    let recalled_by = message.recalled.map_or_else(String::new, |recall| name(recall.by));
    let sender = name(message.sender);
    wire::chat_message(message, sender, recalled_by)
}
