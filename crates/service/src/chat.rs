//! ONE_CHAT and GROUP_CHAT: a message is checked by a worker, then stored with others and delivered by an appender.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use domain::{
    AppendRefused, Appended, ConversationId, GroupId, Mentions, MessageKind, NewMessage, Novelty, Reach, Seq,
    StoreError, StoreResult, Timestamp, UserId,
};
use protocol::{ChatMessage, Code, GroupChat, MsgId, OneChat, Refusal, Reply, Sent};

use crate::batch::{Batch, Envelope, Pending, PendingMessage, Recipient, Stored};
use crate::caller::Me;
use crate::catch_up;
use crate::fields;
use crate::friends;
use crate::groups;
use crate::hub::{Delivery, Echo, Origin, Readers, Said};
use crate::mentions;
use crate::quotes::Quotes;
use crate::recent_history;
use crate::refuse::{self, Stop};
use crate::roster::{Readership, Roster};
use crate::service::{Handled, Service};
use crate::wire;

/// The time of a message that no appender has taken yet.
const NOT_YET: Timestamp = Timestamp(0);

/// Repeats of messages up to this age are delivered again. Longer than it takes to find a dead node, whatever clocks say.
const REPEAT_DELIVERED_MS: u64 = 60_000;

/// Checks ONE_CHAT. Somebody who is no friend and somebody who does not exist are the same here.
pub(crate) fn to_friend(service: &Service, me: Me<'_>, rid: u32, request: OneChat) -> Result<Handled, Stop> {
    check(service, me, &request.msg, &request.client_msg_id)?;
    let friend = UserId(request.to);
    if friend == me.user() {
        return Err(Stop::refused(Code::SELF));
    }
    let Some(conversation) = friends::conversation(service, me.user(), friend)? else {
        let first = said_before(service, me, &request.client_msg_id)?;
        let sent = first.ok_or_else(|| Stop::refused(Code::NOT_FRIENDS))?;
        return Ok(Handled::Reply(Reply::OneChat(sent)));
    };
    let mentions = mentions::in_pair(me.user(), friend, &request.mentions)?;
    let reply_to = answered(service, me, conversation, request.reply_to)?;
    let origin = Origin { conn: me.conn, rid, request: MsgId::OneChat };
    let sender = service.directory.own_face(&*service.ports.store, me.principal);
    let envelope = Envelope { origin, sender, to: Recipient::Friend(friend) };
    let text = Text { client_msg_id: request.client_msg_id, body: request.msg, reply_to, mentions };
    Ok(Handled::Append(pending(envelope, conversation, text)))
}

/// Checks GROUP_CHAT.
pub(crate) fn to_group(service: &Service, me: Me<'_>, rid: u32, request: GroupChat) -> Result<Handled, Stop> {
    check(service, me, &request.msg, &request.client_msg_id)?;
    let group = GroupId(request.groupid);
    if let Err(silent) = groups::may_speak(service, group, me.user())? {
        let first = said_before(service, me, &request.client_msg_id)?;
        let sent = first.ok_or_else(|| Stop::refused(refuse::silent(silent)))?;
        return Ok(Handled::Reply(Reply::GroupChat(sent)));
    }
    let conversation = group.conversation();
    let mentions = mentions::in_group(service, group, me.user(), &request.mentions)?;
    let reply_to = answered(service, me, conversation, request.reply_to)?;
    let origin = Origin { conn: me.conn, rid, request: MsgId::GroupChat };
    let sender = service.directory.own_face(&*service.ports.store, me.principal);
    let envelope = Envelope { origin, sender, to: Recipient::Group };
    let text = Text { client_msg_id: request.client_msg_id, body: request.msg, reply_to, mentions };
    Ok(Handled::Append(pending(envelope, conversation, text)))
}

/// Stores and delivers a batch; see [`Service::append`].
pub(crate) fn append(service: &Service, batch: &mut Batch) -> StoreResult<()> {
    while let Some((before, _)) = batch.changes.front() {
        if *before > 0 {
            let mut messages = batch.take_messages();
            if let Err(error) = append_messages(service, &mut messages) {
                batch.put_back(messages);
                return Err(error);
            }
        }
        if let Some((_, change)) = batch.changes.front_mut() {
            change.make(service).inspect_err(|_| change.failed())?;
        }
        batch.changes.pop_front();
    }
    append_messages(service, batch)
}

/// Stores and delivers the messages of a batch without changes.
fn append_messages(service: &Service, batch: &mut Batch) -> StoreResult<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let now = service.ports.clock.now();
    // A batch that is tried again keeps its times: by them a message is known that was stored by an earlier try.
    for message in batch.messages.iter_mut().filter(|message| message.time == NOT_YET) {
        message.time = now;
    }
    let places = service.ports.store.append(&batch.messages).inspect_err(|error| {
        if matches!(error, StoreError::OutcomeUnknown { .. }) {
            service.unsettled.remember(&batch.messages);
        }
    })?;
    if places.len() != batch.len() {
        service.unsettled.remember(&batch.messages);
        let cause = format!("{} places for {} messages", places.len(), batch.len());
        return Err(StoreError::failed("append", cause));
    }
    let new = |place: &Appended| (place.novelty == Novelty::New).then_some(place.conversation);
    service.indexer.note(places.iter().flatten().filter_map(new));
    recent_history::said(service, &batch.messages, &places);
    let (mut rosters, unread) = RostersNow::read(service, batch, &places);
    let quotes = quotes_of(service, &batch.messages, &places);
    let mut deliveries = Vec::with_capacity(batch.len());
    let mut unanswered = Batch::default();
    for ((message, envelope), place) in batch.messages.drain(..).zip(batch.envelopes.drain(..)).zip(places) {
        match needed_roster(&message, &envelope, &place) {
            Some(group) if !rosters.knows(group) => {
                unanswered.push_message(PendingMessage { message, envelope })
            }
            _ => deliveries.push(deliver(service, &mut rosters, &quotes, message, envelope, place)),
        }
    }
    if !deliveries.is_empty() {
        service.ports.hub.deliver(deliveries);
    }
    let Some(error) = unread else { return Ok(()) };
    // Stored but not answered: without its roster nobody knows who may read a message. When it is tried again, it is a
    // repeat that this append stored.
    service.unsettled.remember(&unanswered.messages);
    *batch = unanswered;
    Err(error)
}

/// Answers BUSY to a whole batch.
pub(crate) fn refuse(service: &Service, batch: &mut Batch) {
    batch.messages.clear();
    let changes = batch.changes.drain(..).filter_map(|(_, change)| change.origin());
    let origins = batch.envelopes.drain(..).map(|envelope| envelope.origin).chain(changes);
    let deliveries: Vec<Delivery> = origins.map(|origin| refused(origin, service.busy())).collect();
    if !deliveries.is_empty() {
        service.ports.hub.deliver(deliveries);
    }
}

fn refused(origin: Origin, refusal: Refusal) -> Delivery {
    Delivery { origin: Some(origin), answer: Err(refusal), message: None, echo: Echo::ToOthers }
}

fn check(service: &Service, me: Me<'_>, text: &str, client_msg_id: &str) -> Result<(), Refusal> {
    fields::text(text, service.config.text_bytes_max)?;
    fields::client_msg_id(client_msg_id)?;
    take_turn(service, me, text)
}

/// Takes what a text costs: a token of messages, and those of the space that it takes for good.
pub(crate) fn take_turn(service: &Service, me: Me<'_>, text: &str) -> Result<(), Refusal> {
    let now = service.ports.clock.now();
    service.limits.sends.take(me.user(), now)?;
    service.limits.text_kib.take_many(me.user(), (text.len() / 1_024) as u32, now)
}

/// The place of the first, if this is a repeat. Asked only where the message itself would be refused: its sender may
/// have written there when it was stored, and was promised to hear so. Nothing is delivered: should the first be
/// unsettled, its readers find it with the conversation's next message.
fn said_before(service: &Service, me: Me<'_>, client_msg_id: &str) -> StoreResult<Option<Sent>> {
    Ok(service.ports.store.find_message(me.user(), client_msg_id)?.map(|place| sent(&place)))
}

fn sent(place: &Appended) -> Sent {
    Sent { conv: place.conversation.0, seq: place.seq.0, time: place.time.0 }
}

/// The message that one answers, if its sender may read it. One that does not exist and one that they may not read give the
/// same answer.
fn answered(
    service: &Service,
    me: Me<'_>,
    conversation: ConversationId,
    reply_to: u64,
) -> Result<Option<Seq>, Stop> {
    if reply_to == 0 {
        return Ok(None);
    }
    let seq = Seq(reply_to);
    let found = service.ports.store.conversation(me.user(), conversation)?;
    match found.is_some_and(|found| found.since < seq && seq <= found.last) {
        true => Ok(Some(seq)),
        false => Err(Refusal::new(Code::NOT_FOUND).field("reply_to").into()),
    }
}

/// What somebody says.
struct Text {
    client_msg_id: String,
    body: String,
    reply_to: Option<Seq>,
    mentions: Mentions,
}

fn pending(envelope: Envelope, conversation: ConversationId, text: Text) -> Pending {
    let Text { client_msg_id, body, reply_to, mentions } = text;
    Pending(Stored::Message(PendingMessage {
        message: NewMessage {
            conversation,
            sender: envelope.sender.id,
            client_msg_id,
            time: NOT_YET,
            kind: MessageKind::Text,
            body,
            reply_to,
            mentions,
        },
        envelope,
    }))
}

/// The group whose roster tells who reads the message. A repeat that stands elsewhere is not delivered.
fn needed_roster(
    message: &NewMessage,
    envelope: &Envelope,
    place: &Result<Appended, AppendRefused>,
) -> Option<ConversationId> {
    match (&envelope.to, place) {
        (Recipient::Group, Ok(place)) if place.conversation == message.conversation => {
            Some(place.conversation)
        }
        _ => None,
    }
}

/// What is quoted by the answers in a batch. Asked after the commit, so that no recall before it is missed; of a batch without answers
/// the store is not asked.
fn quotes_of(
    service: &Service,
    messages: &[NewMessage],
    places: &[Result<Appended, AppendRefused>],
) -> Quotes {
    let answered = messages.iter().zip(places).filter_map(|(message, place)| {
        let stands_here = place.as_ref().is_ok_and(|place| place.conversation == message.conversation);
        message.reply_to.filter(|_| stands_here).map(|seq| (message.conversation, seq))
    });
    Quotes::if_known(service, answered)
}

/// What becomes of one message that the store has answered for.
fn deliver(
    service: &Service,
    rosters: &mut RostersNow,
    quotes: &Quotes,
    message: NewMessage,
    envelope: Envelope,
    place: Result<Appended, AppendRefused>,
) -> Delivery {
    let origin = envelope.origin;
    let place = match place {
        Ok(place) => place,
        Err(why) => {
            let code = match (why, &envelope.to) {
                (_, Recipient::Friend(_)) => Code::NOT_FRIENDS,
                (AppendRefused::NoSuchConversation, Recipient::Group) => Code::NOT_MEMBER,
                (AppendRefused::Closed, Recipient::Group) => Code::DISSOLVED,
            };
            return refused(origin, Refusal::new(code));
        }
    };
    service.cursors.reaches(place.conversation, place.seq);
    let sent = sent(&place);
    let stands_here = place.conversation == message.conversation;
    let readers = |rosters: &mut RostersNow| match envelope.to {
        Recipient::Friend(friend) => (Readers::Pair(message.sender, friend), Seq(0)),
        Recipient::Group => rosters.readers(&place),
    };
    let said = match place.novelty {
        Novelty::Repeat if !service.unsettled.settle(&message, &place) => {
            if stands_here {
                first_said(service, &place)
            } else {
                None
            }
        }
        Novelty::New | Novelty::Repeat => {
            let chat = ChatMessage {
                conv: place.conversation.0,
                seq: place.seq.0,
                from: message.sender.0,
                name: envelope.sender.shown().to_owned(),
                client_msg_id: message.client_msg_id,
                time: place.time.0,
                kind: wire::message_kind(message.kind),
                msg: message.body,
                reply_to: message.reply_to.unwrap_or_default().0,
                mentions: message.mentions.0.iter().map(|user| user.0).collect(),
                ..ChatMessage::default()
            };
            Some(chat)
        }
    };
    let message = said.map(|mut chat| {
        let (readers, since) = readers(rosters);
        quotes.put(&mut chat, since);
        (Said::Message(chat), readers)
    });
    let answer = match envelope.to {
        Recipient::Friend(_) => Reply::OneChat(sent),
        Recipient::Group => Reply::GroupChat(sent),
    };
    Delivery { origin: Some(origin), answer: Ok(answer), message, echo: Echo::ToOthers }
}

/// The message that a repeat repeats, if it may be that nobody was given it: another node may have stored it and died.
/// Those who have it already drop it. Of an older one, the nodes have read what they missed when that node was found
/// dead.
fn first_said(service: &Service, place: &Appended) -> Option<ChatMessage> {
    let age_ms = service.ports.clock.now().0.saturating_sub(place.time.0);
    if service.ports.hub.reach() == Reach::Alone || age_ms > REPEAT_DELIVERED_MS {
        return None;
    }
    // When the store cannot say, the next message or the end of the other node's lease brings it.
    catch_up::one(service, place.conversation, place.seq).ok().flatten()
}

/// The rosters of a batch's groups as far as they can be read, each read once, after the commit: whoever became a member before it is there, and
/// whoever left is not. Who came between commit and read is there too, but with a `since` that keeps the message from
/// them.
struct RostersNow(HashMap<ConversationId, RosterNow>);

/// A roster, and the readers of the message that was delivered last: most likely those of the next.
struct RosterNow {
    roster: Arc<Roster>,
    readership: Readership,
}

impl RostersNow {
    /// Reads the rosters of the groups where messages of this batch stand. When one cannot be read, the store is not
    /// asked for others: each could take as long to fail, and everybody in the batch waits.
    fn read(
        service: &Service,
        batch: &Batch,
        places: &[Result<Appended, AppendRefused>],
    ) -> (RostersNow, Option<StoreError>) {
        let mut rosters = HashMap::new();
        let mut unread = None;
        for ((message, envelope), place) in batch.messages.iter().zip(&batch.envelopes).zip(places) {
            if let Some(group) = needed_roster(message, envelope, place)
                && let Ok(place) = place
                && let Entry::Vacant(entry) = rosters.entry(group)
            {
                let roster = match &unread {
                    Some(_) => {
                        service.rosters.kept(&group.group()).filter(|roster| roster.version() >= place.roster)
                    }
                    None => match groups::roster_at(service, group.group(), place.roster) {
                        Ok(roster) => Some(roster.unwrap_or_default()),
                        Err(error) => {
                            unread = Some(error);
                            None
                        }
                    },
                };
                if let Some(roster) = roster {
                    entry.insert(RosterNow { readership: roster.readership(place.seq), roster });
                }
            }
        }
        (RostersNow(rosters), unread)
    }

    fn knows(&self, group: ConversationId) -> bool {
        self.0.contains_key(&group)
    }

    /// Who reads the message at this place, and the seq after which all of them read.
    fn readers(&mut self, place: &Appended) -> (Readers, Seq) {
        let group = place.conversation.group();
        let Some(now) = self.0.get_mut(&place.conversation) else {
            return (Readers::Members { group, version: place.roster, members: Arc::default() }, place.seq);
        };
        if !now.readership.covers(place.seq) {
            now.readership = now.roster.readership(place.seq);
        }
        let members = Arc::clone(now.readership.readers());
        (Readers::Members { group, version: now.roster.version(), members }, now.readership.since())
    }
}
