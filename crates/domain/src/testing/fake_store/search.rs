//! Searching the fake's log: all of it is read.

use std::cmp::Reverse;
use std::ops::Bound;

use super::{FakeStore, State};
use crate::{
    COMPARED_BYTES_MAX, ConversationId, FoundMessages, FoundPlace, IndexRoom, Indexed, MessageKind,
    MessageSearch, SearchStore, Seq, StoreError, StoreResult, StoredMessage, Unindexed, UserId, words,
};

fn place(message: &StoredMessage) -> FoundPlace {
    FoundPlace { time: message.time, conversation: message.conversation, seq: message.seq }
}

impl State {
    fn indexed(&self, conversation: ConversationId) -> Seq {
        self.indexed.get(&conversation).copied().unwrap_or_default()
    }

    /// What the user may read of a conversation and the index has.
    fn searched(&self, user: UserId, id: ConversationId) -> impl Iterator<Item = &StoredMessage> {
        let since = self.conversation(user, id).map(|conversation| conversation.since);
        let indexed = self.indexed(id);
        let messages = self.conversations.get(&id).map(|log| log.messages.as_slice()).unwrap_or_default();
        messages
            .iter()
            .filter(move |message| since.is_some_and(|since| message.seq > since && message.seq <= indexed))
    }
}

impl SearchStore for FakeStore {
    fn search_messages(
        &self,
        user: UserId,
        search: &MessageSearch<'_>,
        limit: u32,
    ) -> StoreResult<Option<FoundMessages>> {
        self.run("search messages", |state| {
            let conversations: Vec<ConversationId> = match search.conversation {
                Some(id) => vec![state.conversation(user, id)?.id],
                None => state.conversations.keys().copied().collect(),
            };
            let mut messages: Vec<StoredMessage> = conversations
                .into_iter()
                .flat_map(|id| state.searched(user, id))
                .filter(|message| message.kind == MessageKind::Text)
                .filter(|message| !state.is_hidden(user, message.conversation, message.seq))
                .filter(|message| search.sender.is_none_or(|sender| message.sender == sender))
                .filter(|message| message.time >= search.since && message.time <= search.until)
                .filter(|message| search.before.is_none_or(|before| place(message) < before))
                .filter(|message| search.query.fits(&message.body))
                .cloned()
                .collect();
            messages.sort_by_key(|message| Reverse(place(message)));
            let mut compared = 0;
            let part = messages.iter().take(limit as usize).take_while(|message| {
                let is_begun = compared < COMPARED_BYTES_MAX;
                compared += message.body.len();
                is_begun
            });
            let count = part.count();
            let is_whole = messages.len() <= count;
            messages.truncate(count);
            let next = messages.last().filter(|_| !is_whole).map(place);
            Some(FoundMessages { messages, next })
        })
    }

    fn index_messages(&self, conversations: &[ConversationId], limit: u32) -> StoreResult<Indexed> {
        if conversations.iter().any(|conversation| self.unindexable.lock().contains(conversation)) {
            return Err(StoreError::unavailable("index messages", "one of them cannot be"));
        }
        self.run("index messages", |state| {
            let (mut indexed, mut room) = (Indexed::default(), IndexRoom::new(limit));
            for &conversation in conversations {
                let (from, last) = (state.indexed(conversation), state.last_seq(conversation));
                let mut to = from;
                let log = state.conversations.get(&conversation).map(|log| log.messages.as_slice());
                for message in log.unwrap_or_default().iter().filter(|message| message.seq > from) {
                    if room.messages() == 0 {
                        break;
                    }
                    room.take(message.body.len(), words(&message.body).len());
                    (indexed.messages, to) = (indexed.messages + 1, message.seq);
                }
                state.indexed.insert(conversation, to);
                if to < last {
                    indexed.unfinished.push(conversation);
                }
            }
            indexed
        })
    }

    fn unindexed(&self, after: ConversationId, limit: u32) -> StoreResult<Unindexed> {
        self.run("look for what is not indexed", |state| {
            let page: Vec<ConversationId> = state
                .conversations
                .range((Bound::Excluded(after), Bound::Unbounded))
                .map(|(id, _)| *id)
                .take(limit as usize)
                .collect();
            let next = page.last().copied().filter(|_| page.len() == limit as usize);
            let conversations =
                page.into_iter().filter(|id| state.indexed(*id) < state.last_seq(*id)).collect();
            Unindexed { conversations, next }
        })
    }
}
