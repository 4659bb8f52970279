//! HIDE and HIDDEN: what users delete for themselves. Nobody else is told, and nothing of it stands in the log or in what is
//! kept of it: it is taken out of the pages that one user is given.

use std::collections::{BTreeMap, HashSet};

use domain::{ConversationId, HiddenPosition, Hiding, Seq, StoreResult, UserId};
use protocol::limits::{HIDDEN_MAX, HIDE_SEQS_MAX};
use protocol::{ChatMessage, Code, Hidden, HiddenMessages, HiddenPage, Hide, Page, Push};

use crate::caller::Me;
use crate::conversation;
use crate::hub::Audience;
use crate::page::Slice;
use crate::refuse::{Stop, bad_field};
use crate::service::Service;

/// HIDE. A conversation or message that does not exist and one that the asker may not read give the same answer. The user's
/// other devices are told what was not hidden before.
pub(crate) fn hide(service: &Service, me: Me<'_>, request: &Hide) -> Result<HiddenMessages, Stop> {
    if request.seqs.is_empty() {
        return Err(bad_field("seqs", "name at least one message").into());
    }
    if request.seqs.len() > HIDE_SEQS_MAX {
        return Err(bad_field("seqs", format!("more than {HIDE_SEQS_MAX} messages at once")).into());
    }
    service.limits.sends.take(me.user(), service.ports.clock.now())?;
    let conversation = conversation::of(service, me, request.conv)?;
    let seqs: Vec<Seq> = request.seqs.iter().copied().map(Seq).collect();
    if !seqs.iter().all(|seq| *seq > conversation.since && *seq <= conversation.last) {
        return Err(Stop::refused(Code::NOT_FOUND));
    }
    match service.ports.store.hide(me.user(), conversation.id, &seqs, HIDDEN_MAX)? {
        Hiding::Full => Err(Stop::refused(Code::FULL)),
        Hiding::Done { mut before, new } => {
            if !new.is_empty() {
                let push = Push::HiddenMessages(told(&new));
                service.ports.hub.push(Audience::OthersOf(me.user(), me.conn), &push);
            }
            before.extend(new);
            Ok(told(&before))
        }
    }
}

/// HIDDEN.
pub(crate) fn page(service: &Service, me: Me<'_>, request: &Page) -> Result<HiddenPage, Stop> {
    let slice = Slice::asked(request.after, request.limit, service.config.page_max);
    let part = slice.read(
        |entry: &domain::Hidden| entry.position.0,
        |after, limit| service.ports.store.hidden(me.user(), HiddenPosition(after), limit),
    )?;
    Ok(HiddenPage { hidden: told(&part.entries).hidden, next: part.next })
}

/// Takes out of messages what this user hid: its text, and the quotes of it.
pub(crate) fn apply(service: &Service, user: UserId, messages: &mut [ChatMessage]) -> StoreResult<()> {
    let own = messages.iter().map(|message| (message.conv, message.seq));
    let quoted = messages.iter().filter(|message| message.quote.is_some());
    let hidden = find(service, user, own.chain(quoted.map(|message| (message.conv, message.reply_to))))?;
    for message in messages.iter_mut() {
        if hidden.contains(&(message.conv, message.seq)) {
            message.hide();
        }
        if hidden.contains(&(message.conv, message.reply_to)) {
            message.quote = None;
        }
    }
    Ok(())
}

/// Conversation and seq.
type Place = (u64, u64);

/// Which of these messages the user hid: one query for each conversation.
fn find(service: &Service, user: UserId, places: impl Iterator<Item = Place>) -> StoreResult<HashSet<Place>> {
    let mut asked: BTreeMap<u64, Vec<Seq>> = BTreeMap::new();
    for (conv, seq) in places {
        asked.entry(conv).or_default().push(Seq(seq));
    }
    let mut hidden = HashSet::new();
    for (conv, seqs) in asked {
        let found = service.ports.store.hidden_of(user, ConversationId(conv), &seqs)?;
        hidden.extend(found.into_iter().map(|seq| (conv, seq.0)));
    }
    Ok(hidden)
}

fn told(entries: &[domain::Hidden]) -> HiddenMessages {
    let shown = |entry: &domain::Hidden| Hidden {
        position: entry.position.0,
        conv: entry.conversation.0,
        seq: entry.seq.0,
    };
    HiddenMessages { hidden: entries.iter().map(shown).collect() }
}
