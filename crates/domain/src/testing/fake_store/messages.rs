//! The log of the fake, and what users know of it.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{FakeStore, State};
use crate::{
    AppendRefused, Appended, ChangePosition, Conversation, ConversationFilter, ConversationId,
    ConversationKind, Cursor, MessageLog, NewMessage, Novelty, PageSize, Parties, Progress, RosterVersion,
    Seq, StoreResult, StoredMessage, Timestamp, Touched, UserId, Window,
};

/// Whose a conversation is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Of these two, lower id first.
    Direct(UserId, UserId),
    /// Of the group with the same number.
    Group,
}

/// A conversation and what was said there: the message with seq `n` at `n - 1`.
pub(super) struct Log {
    pub(super) kind: Kind,
    pub(super) messages: Vec<StoredMessage>,
    /// Of a group: how often its members changed.
    pub(super) roster: RosterVersion,
    /// Nothing more is said.
    pub(super) is_closed: bool,
    /// Up to here nothing was taken back by a restore.
    pub(super) restored: Seq,
    /// What was changed, by position.
    pub(super) changes: BTreeMap<ChangePosition, Seq>,
    /// When that was last.
    pub(super) last_change_at: Timestamp,
}

impl Log {
    /// One in which nothing was said.
    pub(super) fn new(kind: Kind) -> Log {
        Log {
            kind,
            messages: Vec::new(),
            roster: RosterVersion(0),
            is_closed: false,
            restored: Seq(0),
            changes: BTreeMap::new(),
            last_change_at: Timestamp(0),
        }
    }

    /// The newest position; a message that is changed again takes it along.
    pub(super) fn last_change(&self) -> ChangePosition {
        self.changes.last_key_value().map(|(position, _)| *position).unwrap_or_default()
    }

    pub(super) fn last(&self) -> Seq {
        Seq(self.messages.len() as u64)
    }

    pub(super) fn parties(&self) -> Parties {
        match self.kind {
            Kind::Direct(lower, higher) => Parties::Pair(lower, higher),
            Kind::Group => Parties::Group,
        }
    }
}

impl State {
    pub(super) fn append(&mut self, message: &NewMessage) -> Result<Appended, AppendRefused> {
        let key = (message.sender, message.client_msg_id.clone());
        if let Some(first) = self.find(&key) {
            return Ok(first);
        }
        let NewMessage { conversation, sender, time, kind, .. } = *message;
        let log = self.conversations.get_mut(&conversation).ok_or(AppendRefused::NoSuchConversation)?;
        if log.is_closed {
            return Err(AppendRefused::Closed);
        }
        let seq = log.last().next();
        let (client_msg_id, body) = (message.client_msg_id.clone(), message.body.clone());
        log.messages.push(StoredMessage {
            conversation,
            seq,
            sender,
            client_msg_id,
            time,
            kind,
            body,
            edited: Timestamp(0),
            recalled: None,
            reply_to: message.reply_to,
            mentions: message.mentions.clone(),
        });
        let roster = log.roster;
        self.said.insert(key, (conversation, seq));
        Ok(Appended { conversation, seq, time, novelty: Novelty::New, roster })
    }

    pub(super) fn find(&self, key: &(UserId, String)) -> Option<Appended> {
        let &(conversation, seq) = self.said.get(key)?;
        let log = &self.conversations[&conversation];
        let time = log.messages[seq.0 as usize - 1].time;
        Some(Appended { conversation, seq, time, novelty: Novelty::Repeat, roster: log.roster })
    }

    pub(super) fn conversation(&self, user: UserId, id: ConversationId) -> Option<Conversation> {
        let log = self.conversations.get(&id)?;
        let (kind, since) = match log.kind {
            Kind::Direct(with, other) if other == user => (ConversationKind::Direct { with }, Seq(0)),
            Kind::Direct(other, with) if other == user => (ConversationKind::Direct { with }, Seq(0)),
            Kind::Direct(..) => return None,
            Kind::Group => (ConversationKind::Group, self.groups.get(&id.group())?.members.get(&user)?.since),
        };
        let Progress { delivered: acked, read } = self.progress(user, id);
        let (last, restored, last_change) = (log.last(), log.restored, log.last_change());
        Some(Conversation { id, kind, since, last, acked, read, restored, last_change })
    }
}

impl MessageLog for FakeStore {
    fn append(&self, batch: &[NewMessage]) -> StoreResult<Vec<Result<Appended, AppendRefused>>> {
        self.run("append messages", |state| batch.iter().map(|message| state.append(message)).collect())
    }

    fn find_message(&self, sender: UserId, client_msg_id: &str) -> StoreResult<Option<Appended>> {
        self.run("find a message", |state| state.find(&(sender, client_msg_id.to_owned())))
    }

    fn seq_at(&self, conversation: ConversationId, since: Seq, time: Timestamp) -> StoreResult<Option<Seq>> {
        self.run("find a time", |state| {
            let mut messages = state.conversations.get(&conversation)?.messages.iter();
            messages.find(|message| message.seq > since && message.time >= time).map(|message| message.seq)
        })
    }

    fn page(
        &self,
        conversation: ConversationId,
        since: Seq,
        window: Window,
        size: PageSize,
    ) -> StoreResult<Vec<StoredMessage>> {
        self.run("read messages", |state| {
            let Some(log) = state.conversations.get(&conversation) else { return Vec::new() };
            let readable = |message: &&StoredMessage| message.seq > since;
            match window {
                Window::After(after) => {
                    cut(log.messages.iter().filter(readable).filter(|message| message.seq > after), size)
                }
                Window::Before(before) => {
                    let older = log.messages.iter().rev().filter(|message| message.seq < before);
                    reversed(cut(older.filter(readable), size))
                }
                Window::Newest => reversed(cut(log.messages.iter().rev().filter(readable), size)),
            }
        })
    }

    fn conversation(&self, user: UserId, conversation: ConversationId) -> StoreResult<Option<Conversation>> {
        self.run("find a conversation", |state| state.conversation(user, conversation))
    }

    fn conversations(
        &self,
        user: UserId,
        filter: ConversationFilter,
        after: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<Conversation>> {
        self.run("list conversations", |state| {
            let passes = |conversation: &Conversation| match filter {
                ConversationFilter::WithMessages => conversation.last > conversation.since,
                ConversationFilter::WithNews => {
                    conversation.last > conversation.since.max(conversation.acked)
                }
            };
            state
                .conversations
                .range((Bound::Excluded(after), Bound::Unbounded))
                .filter_map(|(&id, _)| state.conversation(user, id))
                .filter(passes)
                .take(limit as usize)
                .collect()
        })
    }

    fn touched(
        &self,
        users: &[UserId],
        since: Timestamp,
        after: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<Touched>> {
        self.run("find touched conversations", |state| {
            state
                .conversations
                .range((Bound::Excluded(after), Bound::Unbounded))
                .filter(|(_, log)| {
                    let said = log.messages.iter().any(|message| message.time >= since);
                    said || (!log.changes.is_empty() && log.last_change_at >= since)
                })
                .filter(|(id, _)| users.iter().any(|user| state.conversation(*user, **id).is_some()))
                .map(|(&conversation, log)| Touched {
                    conversation,
                    parties: log.parties(),
                    last: log.last(),
                    last_change: log.last_change(),
                    last_change_at: log.last_change_at,
                })
                .take(limit as usize)
                .collect()
        })
    }

    fn advance_cursors(&self, cursors: &[Cursor]) -> StoreResult<()> {
        self.run("advance cursors", |state| cursors.iter().for_each(|cursor| state.advance(cursor)))
    }
}

/// The first messages that a page of this size may hold.
pub(super) fn cut<'a>(
    messages: impl Iterator<Item = &'a StoredMessage>,
    size: PageSize,
) -> Vec<StoredMessage> {
    let mut page: Vec<StoredMessage> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        bytes += message.body.len();
        let is_full = page.len() >= size.messages as usize || bytes > size.bytes;
        if is_full && !page.is_empty() {
            break;
        }
        page.push(message.clone());
    }
    page
}

fn reversed(mut page: Vec<StoredMessage>) -> Vec<StoredMessage> {
    page.reverse();
    page
}
