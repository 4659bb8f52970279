//! Quotes: how the messages begin that others answer.
//!
//! They are made whenever messages are read, and kept nowhere: so a recall takes them back, and an edit corrects them. What
//! stands in the same page costs nothing, all else of a page or of a batch is one question to the store.

use std::collections::HashMap;

use domain::{ConversationId, MessageKind, NUMBER_MAX, QUOTED_CHARS_MAX, Quoted, Seq, StoreResult};
use protocol::limits::QUOTE_CHARS_MAX;
use protocol::{ChatMessage, Quote, SystemEvent};

use crate::service::Service;

const _: () = assert!(QUOTED_CHARS_MAX == QUOTE_CHARS_MAX);

/// Quotes by the places of what they quote.
#[derive(Debug, Default)]
pub(crate) struct Quotes(HashMap<(u64, u64), Quote>);

impl Quotes {
    /// What is quoted of the messages at these places, which may be named more than once.
    pub(crate) fn of(
        service: &Service,
        places: impl Iterator<Item = (ConversationId, Seq)>,
    ) -> StoreResult<Quotes> {
        let mut places: Vec<_> = places.filter(|(_, seq)| (1..=NUMBER_MAX).contains(&seq.0)).collect();
        if places.is_empty() {
            return Ok(Quotes::default());
        }
        places.sort_unstable();
        places.dedup();
        let store = &*service.ports.store;
        let quoted = store.quoted(&places)?;
        let names = service.directory.faces(store, quoted.iter().map(|quoted| quoted.sender))?;
        let quote = |quoted: Quoted| {
            let name = names.get(&quoted.sender).map_or_else(String::new, |user| user.shown().to_owned());
            let msg = match quoted.kind {
                MessageKind::Text => quoted.begin,
                // What another version stored so that this one cannot read it, is not quoted.
                MessageKind::System => begin(&SystemEvent::from_json(&quoted.begin)?.sentence()),
            };
            Some(((quoted.conversation.0, quoted.seq.0), Quote { from: quoted.sender.0, name, msg }))
        };
        Ok(Quotes(quoted.into_iter().filter_map(quote).collect()))
    }

    /// The same, where without an answer there are just no quotes: to deliver what is stored comes first.
    pub(crate) fn if_known(service: &Service, places: impl Iterator<Item = (ConversationId, Seq)>) -> Quotes {
        Quotes::of(service, places).unwrap_or_default()
    }

    /// Puts the quote into an answer, if all who are given the answer read what comes after `since`, and what it answers does.
    pub(crate) fn put(&self, message: &mut ChatMessage, since: Seq) {
        if message.reply_to > since.0 {
            message.quote = self.0.get(&(message.conv, message.reply_to)).cloned();
        }
    }
}

/// Puts the quotes into a page for somebody who reads what comes after `since`.
pub(crate) fn in_page<'a>(
    service: &Service,
    messages: impl Iterator<Item = &'a mut ChatMessage>,
    since: Seq,
) -> StoreResult<()> {
    let mut messages: Vec<&mut ChatMessage> = messages.collect();
    if messages.iter().all(|message| message.reply_to == 0) {
        return Ok(());
    }
    let answers = messages.iter().filter(|message| message.reply_to > since.0);
    let answered: Vec<_> = answers.map(|message| (message.conv, message.reply_to)).collect();
    let at: HashMap<(u64, u64), usize> =
        messages.iter().enumerate().map(|(at, message)| ((message.conv, message.seq), at)).collect();
    let elsewhere = answered.iter().filter(|place| !at.contains_key(place));
    let mut quotes = Quotes::of(service, elsewhere.map(|(conv, seq)| (ConversationId(*conv), Seq(*seq))))?;
    for place in answered {
        if let Some(quote) = at.get(&place).and_then(|at| quote(messages[*at])) {
            quotes.0.entry(place).or_insert(quote);
        }
    }
    messages.iter_mut().for_each(|message| quotes.put(message, since));
    Ok(())
}

/// What is quoted of a message that its reader is given.
fn quote(message: &ChatMessage) -> Option<Quote> {
    let is_there = message.recalled.is_none() && !message.hidden;
    is_there.then(|| Quote { from: message.from, name: message.name.clone(), msg: begin(&message.msg) })
}

fn begin(text: &str) -> String {
    text.chars().take(QUOTE_CHARS_MAX).collect()
}
