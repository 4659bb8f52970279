//! The conversation that a request names.

use domain::{Conversation, ConversationId, NUMBER_MAX};
use protocol::Code;

use crate::caller::Me;
use crate::refuse::Stop;
use crate::service::Service;

/// The conversation of this number, read now. One that does not exist and one that the asker may not read give the same answer.
pub(crate) fn of(service: &Service, me: Me<'_>, conv: u64) -> Result<Conversation, Stop> {
    let found = match conv {
        0..=NUMBER_MAX => service.ports.store.conversation(me.user(), ConversationId(conv))?,
        _ => None,
    };
    found.ok_or_else(|| Stop::refused(Code::NOT_FOUND))
}
