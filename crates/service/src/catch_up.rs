//! Reading the log for others: what a node's users missed because the bus did not bring it.

use std::sync::Arc;

use domain::{
    ConversationId, ConversationKind, GroupId, NUMBER_MAX, PageSize, Parties, RosterVersion, Seq,
    StoreResult, StoredMessage, Timestamp, Touched, UserId, Window,
};
use protocol::limits::HISTORY_PAGE_BYTES_MAX;
use protocol::{ChatMessage, Push};

use crate::groups;
use crate::history::chat_message;
use crate::hub::{Audience, Readers};
use crate::roster::Roster;
use crate::service::Service;

/// Conversations of one page of [`Service::touched`].
const TOUCHED_PAGE: u32 = 500;

/// Messages read at once to find where a time begins.
const SEARCH_PAGE: u32 = 200;

impl Service {
    /// A page of the conversations of these users, at most 1,000, in which a message of `since` or later stands, by
    /// rising id after `after`; an empty one is the end.
    pub fn touched(
        &self,
        users: &[UserId],
        since: Timestamp,
        after: ConversationId,
    ) -> StoreResult<Vec<Touched>> {
        self.ports.store.touched(users, since, after, TOUCHED_PAGE)
    }

    /// The seq after which the conversation's messages of `since` or later stand. Times are those of the nodes' clocks,
    /// so a message may stand before one that is older by as much as clocks differ.
    pub fn catch_up_since(&self, touched: &Touched, since: Timestamp) -> StoreResult<Seq> {
        let mut before = touched.last.next();
        loop {
            let size = PageSize { messages: SEARCH_PAGE, bytes: HISTORY_PAGE_BYTES_MAX };
            let page = self.ports.store.page(touched.conversation, Seq(0), Window::Before(before), size)?;
            if let Some(older) = page.iter().rev().find(|message| message.time < since) {
                return Ok(older.seq);
            }
            match page.first() {
                Some(first) if first.seq > Seq(1) => before = first.seq,
                _ => return Ok(Seq(0)),
            }
        }
    }

    /// The next page of a conversation's log after this seq, and who reads each message; an empty one is the end.
    pub fn catch_up(
        &self,
        conversation: ConversationId,
        parties: Parties,
        after: Seq,
    ) -> StoreResult<Vec<(ChatMessage, Readers)>> {
        let page = read(self, conversation, after)?;
        if page.is_empty() {
            return Ok(Vec::new());
        }
        // Read after the page, and not from what is kept: it has all changes up to the page's last message.
        let roster = match parties {
            Parties::Pair(..) => None,
            Parties::Group => {
                self.rosters.invalidate(&conversation.group());
                groups::roster(self, conversation.group())?
            }
        };
        let messages = chat_messages(self, page)?;
        let readers = |message: &ChatMessage| match parties {
            Parties::Pair(one, other) => Readers::Pair(one, other),
            Parties::Group => members(conversation.group(), roster.as_deref(), Seq(message.seq)),
        };
        let with_readers = |message| {
            let readers = readers(&message);
            (message, readers)
        };
        Ok(messages.into_iter().map(with_readers).collect())
    }

    /// Whether a conversation is that of these two users. Asked before it is read on the word of another node.
    pub fn is_between(&self, conversation: ConversationId, one: UserId, other: UserId) -> StoreResult<bool> {
        let found = self.ports.store.conversation(one, conversation)?;
        Ok(found.is_some_and(|found| found.kind == ConversationKind::Direct { with: other }))
    }

    /// Who reads a group's message, as far as this node knows without asking anybody: `None` if it does not know a
    /// roster of this version or a later one.
    pub fn readers(&self, group: GroupId, version: RosterVersion, seq: Seq) -> Option<Arc<[UserId]>> {
        let roster = self.rosters.kept(&group).filter(|roster| roster.version() >= version)?;
        Some(Arc::clone(roster.readership(seq).readers()))
    }

    /// Makes sure that [`Service::readers`] knows the roster of this version or a later one, unless the group is
    /// closed. Blocks as long as the store does.
    pub fn read_roster(&self, group: GroupId, version: RosterVersion) -> StoreResult<()> {
        groups::roster_at(self, group, version).map(drop)
    }

    /// Another node stored a message: readers here may acknowledge it without a look into the store.
    pub fn reached(&self, conversation: ConversationId, seq: Seq) {
        if conversation.0 <= NUMBER_MAX && seq.0 <= NUMBER_MAX {
            self.cursors.reaches(conversation, seq);
        }
    }

    /// Listens to what concerns the groups of these users, after a time in which changes may have been missed.
    pub fn refollow(&self, users: &[UserId]) -> StoreResult<()> {
        users.iter().try_for_each(|user| groups::follow_all(self, *user))
    }

    /// Forgets what other nodes may have changed without this one hearing of it.
    pub fn forget(&self) {
        self.friendships.invalidate_all();
        self.rosters.invalidate_all();
        self.cursors.forget_readers();
    }
}

/// Pushes a conversation's messages after `since` to one user's connections here; one page of them: of more, the user
/// sees that there is a gap and asks for it.
pub(crate) fn push_to(
    service: &Service,
    user: UserId,
    conversation: ConversationId,
    since: Seq,
) -> StoreResult<()> {
    for message in chat_messages(service, read(service, conversation, since)?)? {
        service.ports.hub.push(Audience::Here(&[user]), &Push::Message(message));
    }
    Ok(())
}

/// The message at one place of the log.
pub(crate) fn one(
    service: &Service,
    conversation: ConversationId,
    seq: Seq,
) -> StoreResult<Option<ChatMessage>> {
    let size = PageSize { messages: 1, bytes: HISTORY_PAGE_BYTES_MAX };
    let window = Window::Before(seq.next());
    let page = service.ports.store.page(conversation, Seq(0), window, size)?;
    Ok(chat_messages(service, page)?.into_iter().find(|message| message.seq == seq.0))
}

/// A group's message's readers.
fn members(group: GroupId, roster: Option<&Roster>, seq: Seq) -> Readers {
    match roster {
        None => Readers::Members { group, version: RosterVersion(0), members: Arc::default() },
        Some(roster) => {
            let members = Arc::clone(roster.readership(seq).readers());
            Readers::Members { group, version: roster.version(), members }
        }
    }
}

fn read(service: &Service, conversation: ConversationId, after: Seq) -> StoreResult<Vec<StoredMessage>> {
    let size = PageSize { messages: service.config.page_max, bytes: HISTORY_PAGE_BYTES_MAX };
    service.ports.store.page(conversation, Seq(0), Window::After(after), size)
}

fn chat_messages(service: &Service, page: Vec<StoredMessage>) -> StoreResult<Vec<ChatMessage>> {
    let senders = page.iter().map(|message| message.sender);
    let names = service.directory.names(&*service.ports.store, senders)?;
    Ok(page.into_iter().map(|message| chat_message(message, &names)).collect())
}
