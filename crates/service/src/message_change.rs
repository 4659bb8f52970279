//! RECALL and EDIT_MESSAGE: a worker checks them, the appender of the conversation makes the change and tells its readers.
//!
//! Whoever may not is refused by the worker, from single rows, so that nobody keeps the one who writes busy with nothing. The
//! store decides again when it makes the change, and that is what counts.

use std::sync::Arc;

use domain::{
    Conversation, ConversationId, ConversationKind, MessageChange, MessageChangeRefused, MessageChanged,
    MessageDeed, MessageFacts, NUMBER_MAX, PageSize, Parties, Seq, StoreResult, StoredMessage, UserId,
    Window,
};
use protocol::limits::HISTORY_PAGE_BYTES_MAX;
use protocol::{Changed, Code, EditMessage, MessageRef, MsgId, Refusal, Reply};

use crate::batch::{Deed, Pending, Stored};
use crate::caller::Me;
use crate::catch_up;
use crate::chat;
use crate::conversation;
use crate::fields;
use crate::friends;
use crate::groups;
use crate::hub::{Delivery, Echo, Origin, Readers, Said};
use crate::mentions;
use crate::refuse::{self, Stop};
use crate::roster::Silent;
use crate::service::{Handled, Service};

/// A change that was checked and waits for its appender.
#[derive(Clone, Debug)]
pub(crate) struct PendingMessageChange {
    pub(crate) change: MessageChange,
    pub(crate) origin: Origin,
    /// What a message would be answered there, should it be closed.
    closed: Code,
}

/// RECALL.
pub(crate) fn recall(service: &Service, me: Me<'_>, rid: u32, request: &MessageRef) -> Result<Handled, Stop> {
    service.limits.sends.take(me.user(), service.ports.clock.now())?;
    let conversation = conversation::of(service, me, request.conv)?;
    let origin = Origin { conn: me.conn, rid, request: MsgId::Recall };
    ask(
        service,
        me,
        &conversation,
        change(service, me, request.conv, request.seq, MessageDeed::Recall),
        origin,
    )
}

/// EDIT_MESSAGE.
pub(crate) fn edit(service: &Service, me: Me<'_>, rid: u32, request: EditMessage) -> Result<Handled, Stop> {
    fields::text(&request.msg, service.config.text_bytes_max)?;
    chat::take_turn(service, me, &request.msg)?;
    let conversation = conversation::of(service, me, request.conv)?;
    let mentions = match conversation.kind {
        ConversationKind::Direct { with } => mentions::in_pair(me.user(), with, &request.mentions)?,
        ConversationKind::Group => {
            mentions::in_group(service, conversation.id.group(), me.user(), &request.mentions)?
        }
    };
    let deed = MessageDeed::Edit { body: request.msg, mentions };
    let origin = Origin { conn: me.conn, rid, request: MsgId::EditMessage };
    ask(service, me, &conversation, change(service, me, request.conv, request.seq, deed), origin)
}

/// Makes the change; exactly one answer, unless this fails: then nobody was answered, and it may be tried again. What was
/// changed after all is told once more: who has it drops it.
pub(crate) fn make(service: &Service, pending: &PendingMessageChange) -> StoreResult<()> {
    let PendingMessageChange { change, origin, closed } = pending;
    let changed = match service.ports.store.change_message(change)? {
        Ok(changed) => changed,
        Err(why) => {
            answer(service, *origin, Err(refusal(why, *closed)), None);
            return Ok(());
        }
    };
    // Before anybody is answered: what is kept of before this change is kept no longer.
    service.ports.history.forget(change.conversation, changed.position);
    let (readers, since) = readers(service, &changed)?;
    let changed = told(service, changed, since)?;
    let reply = match change.deed {
        MessageDeed::Recall => Reply::Recall(changed.clone()),
        MessageDeed::Edit { .. } => Reply::EditMessage(changed.clone()),
    };
    // What never was otherwise need not be told.
    let said = (changed.position > 0).then_some((Said::Changed(changed), readers));
    answer(service, *origin, Ok(reply), said);
    Ok(())
}

fn told(service: &Service, changed: MessageChanged, since: Seq) -> StoreResult<Changed> {
    let (conv, position) = (changed.message.conversation.0, changed.position.0);
    let message = catch_up::shown(service, changed.message, since)?;
    Ok(Changed { conv, position, message })
}

/// Who may read the message, and the seq after which all of them read.
fn readers(service: &Service, changed: &MessageChanged) -> StoreResult<(Readers, Seq)> {
    Ok(match changed.parties {
        Parties::Pair(one, other) => (Readers::Pair(one, other), Seq(0)),
        Parties::Group => {
            let group = changed.message.conversation.group();
            let roster = groups::roster_at(service, group, changed.roster)?.unwrap_or_default();
            let version = roster.version().max(changed.roster);
            let readership = roster.readership(changed.message.seq);
            let members = Arc::clone(readership.readers());
            (Readers::Members { group, version, members }, readership.since())
        }
    })
}

fn answer(
    service: &Service,
    origin: Origin,
    answer: Result<Reply, Refusal>,
    message: Option<(Said, Readers)>,
) {
    // Its own connection has the answer, which says the same.
    service.ports.hub.deliver(vec![Delivery { origin: Some(origin), answer, message, echo: Echo::ToOthers }]);
}

fn change(service: &Service, me: Me<'_>, conv: u64, seq: u64, deed: MessageDeed) -> MessageChange {
    let (at, windows) = (service.ports.clock.now(), service.config.windows);
    MessageChange { conversation: ConversationId(conv), seq: Seq(seq), actor: me.user(), deed, at, windows }
}

/// Refuses as a message would be. Who is muted may still take back what they said.
fn may_write(
    service: &Service,
    me: Me<'_>,
    conversation: &Conversation,
    deed: &MessageDeed,
) -> Result<(), Stop> {
    match conversation.kind {
        ConversationKind::Direct { with } => match friends::conversation(service, me.user(), with)? {
            Some(_) => Ok(()),
            None => Err(Stop::refused(Code::NOT_FRIENDS)),
        },
        ConversationKind::Group => {
            match (groups::may_speak(service, conversation.id.group(), me.user())?, deed) {
                (Ok(()), _) | (Err(Silent::Muted), MessageDeed::Recall) => Ok(()),
                (Err(Silent::Outsider), _) => Err(Stop::refused(Code::NOT_FOUND)),
                (Err(silent), _) => Err(Stop::refused(refuse::silent(silent))),
            }
        }
    }
}

/// Decides by what is stored now, and passes on what would be done.
fn ask(
    service: &Service,
    me: Me<'_>,
    conversation: &Conversation,
    change: MessageChange,
    origin: Origin,
) -> Result<Handled, Stop> {
    let facts = facts(service, conversation, &change)?;
    let closed = match conversation.kind {
        ConversationKind::Direct { .. } => Code::NOT_FRIENDS,
        ConversationKind::Group => Code::DISSOLVED,
    };
    match change.decide(&facts) {
        Ok(Some(_)) => may_write(service, me, conversation, &change.deed)?,
        // It is answered as it was, wherever its sender is by now.
        Ok(None) => {}
        Err(why) => return Err(refusal(why, closed).into()),
    }
    Ok(Handled::Append(Pending(Stored::Change(Deed::Message(Box::new(PendingMessageChange {
        change,
        origin,
        closed,
    }))))))
}

fn facts(
    service: &Service,
    conversation: &Conversation,
    change: &MessageChange,
) -> StoreResult<MessageFacts> {
    let (id, actor) = (conversation.id, change.actor);
    let message = one(service, id, change.seq)?;
    let store = &*service.ports.store;
    let (parties, actor, sender) = match conversation.kind {
        ConversationKind::Direct { with } => (pair(actor, with), None, None),
        ConversationKind::Group => {
            let sender = match &message {
                Some(message) => groups::role(service, id.group(), message.sender)?,
                None => None,
            };
            (Parties::Group, store.membership(id.group(), actor)?, sender)
        }
    };
    // Whether it is closed the store knows best.
    Ok(MessageFacts { parties, actor, sender, is_closed: false, message })
}

fn pair(one: UserId, other: UserId) -> Parties {
    Parties::Pair(one.min(other), one.max(other))
}

fn one(service: &Service, conversation: ConversationId, seq: Seq) -> StoreResult<Option<StoredMessage>> {
    if seq.0 > NUMBER_MAX {
        return Ok(None);
    }
    let size = PageSize { messages: 1, bytes: HISTORY_PAGE_BYTES_MAX };
    let page = service.ports.store.page(conversation, Seq(0), Window::Before(seq.next()), size)?;
    Ok(page.into_iter().find(|message| message.seq == seq))
}

/// Of what one may not know of, what is not one's own and what cannot be changed, the answer is the same.
fn refusal(why: MessageChangeRefused, closed: Code) -> Refusal {
    Refusal::new(match why {
        MessageChangeRefused::NotFound => Code::NOT_FOUND,
        MessageChangeRefused::Closed => closed,
        MessageChangeRefused::TooLate => Code::TOO_LATE,
        MessageChangeRefused::Not(why) => refuse::code(why),
    })
}
