//! Messages of the fake that change.

use std::ops::Bound;
use std::sync::atomic::Ordering;

use super::messages::cut;
use super::{FakeStore, State};
use crate::{
    ChangePosition, ChangeStore, ConversationId, MessageChange, MessageChangeRefused, MessageChanged,
    MessageFacts, Novelty, PageSize, Seq, StoreResult, StoredMessage,
};

impl State {
    fn change_message(&mut self, change: &MessageChange) -> Result<MessageChanged, MessageChangeRefused> {
        let log = self.conversations.get(&change.conversation).ok_or(MessageChangeRefused::NotFound)?;
        let at = (change.seq.0 as usize).checked_sub(1);
        let message = at.and_then(|at| log.messages.get(at)).cloned();
        let group = self.groups.get(&change.conversation.group());
        let member = |user| group.and_then(|group| group.members.get(&user)).copied();
        let facts = MessageFacts {
            parties: log.parties(),
            actor: member(change.actor),
            sender: message.as_ref().and_then(|message| member(message.sender)).map(|place| place.role),
            is_closed: log.is_closed,
            message,
        };
        let decision = change.decide(&facts)?;
        let log = self.conversations.get_mut(&change.conversation).ok_or(MessageChangeRefused::NotFound)?;
        let (parties, roster) = (facts.parties, log.roster);
        let place = log.changes.iter().find(|(_, seq)| **seq == change.seq).map(|(place, _)| *place);
        let message = match decision {
            None => {
                let message = facts.message.ok_or(MessageChangeRefused::NotFound)?;
                let position = place.unwrap_or_default();
                return Ok(MessageChanged { message, position, novelty: Novelty::Repeat, parties, roster });
            }
            Some(message) => message,
        };
        let position = ChangePosition(log.last_change().0 + 1);
        place.map(|place| log.changes.remove(&place));
        log.changes.insert(position, change.seq);
        log.last_change_at = log.last_change_at.max(change.at);
        if let Some(stored) = at.and_then(|at| log.messages.get_mut(at)) {
            stored.clone_from(&message);
        }
        Ok(MessageChanged { message, position, novelty: Novelty::New, parties, roster })
    }
}

impl ChangeStore for FakeStore {
    fn change_message(
        &self,
        change: &MessageChange,
    ) -> StoreResult<Result<MessageChanged, MessageChangeRefused>> {
        self.run("change a message", |state| state.change_message(change))
    }

    fn changes(
        &self,
        conversation: ConversationId,
        since: Seq,
        after: ChangePosition,
        size: PageSize,
    ) -> StoreResult<Vec<(ChangePosition, StoredMessage)>> {
        self.run("list changes", |state| {
            let Some(log) = state.conversations.get(&conversation) else { return Vec::new() };
            let feed = log.changes.range((Bound::Excluded(after), Bound::Unbounded));
            let feed: Vec<_> = feed
                .filter(|(_, seq)| **seq > since)
                .filter_map(|(place, seq)| Some((*place, log.messages.get(seq.0 as usize - 1)?)))
                .collect();
            let kept = cut(feed.iter().map(|(_, message)| *message), size);
            feed.iter().map(|(place, _)| *place).zip(kept).collect()
        })
    }

    fn wipe(&self) -> StoreResult<()> {
        self.wipes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}
