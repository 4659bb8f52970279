//! CHANGES: pages of what was changed in a conversation.

use domain::{ChangePosition, NUMBER_MAX, PageSize};
use protocol::limits::HISTORY_PAGE_BYTES_MAX;
use protocol::{Change, Changes, ChangesPage};

use crate::caller::Me;
use crate::catch_up;
use crate::conversation;
use crate::hidden;
use crate::page::Slice;
use crate::quotes;
use crate::refuse::Stop;
use crate::service::Service;

/// Bytes of text of the messages in one page: their JSON is at most six times as much, and what surrounds it.
const PAGE_TEXT_BYTES: usize = HISTORY_PAGE_BYTES_MAX / 8;

/// CHANGES. A conversation that does not exist and one that the asker may not read give the same answer.
pub(crate) fn page(service: &Service, me: Me<'_>, request: &Changes) -> Result<ChangesPage, Stop> {
    let store = &*service.ports.store;
    // Read before the page: what is changed in between is in the page, or comes after what is called the last.
    let conversation = conversation::of(service, me, request.conv)?;
    let id = conversation.id;
    let limit = Slice::asked(0, request.limit, service.config.page_max).limit;
    let after = ChangePosition(request.after.min(NUMBER_MAX));
    let size = PageSize { messages: limit, bytes: PAGE_TEXT_BYTES };
    let page = store.changes(id, conversation.since, after, size)?;
    let newest = page.last().map(|(position, _)| *position).unwrap_or_default();
    let last = conversation.last_change.max(newest);
    let (positions, messages): (Vec<_>, Vec<_>) = page.into_iter().unzip();
    let mut messages = catch_up::all_shown(service, messages)?;
    quotes::in_page(service, messages.iter_mut(), conversation.since)?;
    hidden::apply(service, me.user(), &mut messages)?;
    let changes: Vec<Change> = positions
        .into_iter()
        .zip(messages)
        .map(|(position, message)| Change { position: position.0, message })
        .collect();
    let next = if changes.is_empty() || newest == last { 0 } else { newest.0 };
    Ok(ChangesPage { conv: id.0, changes, next, last: last.0 })
}
