//! Reading the log for others: what a node's users missed because the bus did not bring it.

use std::sync::Arc;

use domain::{
    ChangePosition, ConversationId, ConversationKind, GroupId, NUMBER_MAX, PageSize, Parties, RosterVersion,
    Seq, StoreResult, StoredMessage, Timestamp, Touched, UserId, Window,
};
use protocol::limits::HISTORY_PAGE_BYTES_MAX;
use protocol::{Changed, ChatMessage};

use crate::groups;
use crate::history::{chat_message, people};
use crate::hub::Readers;
use crate::quotes::{self, Quotes};
use crate::roster::Roster;
use crate::roster_step::RosterChange;
use crate::service::Service;

/// Conversations of one page of [`Service::touched`].
const TOUCHED_PAGE: u32 = 500;

/// Messages read at once to find where a time begins.
const SEARCH_PAGE: u32 = 200;

/// Messages of different nodes that were said within this time may overtake each other on their way.
const SAID_AT_ONCE_MS: u64 = 2_000;

/// A group's members as they were read from the store.
#[derive(Debug)]
pub struct ReadRoster(Arc<Roster>);

/// Since when a node's users may lack messages of a conversation of which it hears for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Since when it listens: what was said before was read from the log by whoever came then.
    pub heard: Timestamp,
    /// Since when something may be lost, if that is known: what was said at this time or later.
    pub unsure: Option<Timestamp>,
}

/// Where a conversation stands of which a node hears for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// What it heard is there. What comes after this seq was said at about the same time, and may be on its way too.
    After(Seq),
    /// What it heard is not there: the log ends with this seq.
    LogEnds(Seq),
}

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
    pub fn catch_up_since(
        &self,
        conversation: ConversationId,
        last: Seq,
        since: Timestamp,
    ) -> StoreResult<Seq> {
        let mut before = last.next();
        loop {
            let size = PageSize { messages: SEARCH_PAGE, bytes: HISTORY_PAGE_BYTES_MAX };
            let page = self.ports.store.page(conversation, Seq(0), Window::Before(before), size)?;
            if let Some(older) = page.iter().rev().find(|message| message.time < since) {
                return Ok(older.seq);
            }
            match page.first() {
                Some(first) if first.seq > Seq(1) => before = first.seq,
                _ => return Ok(Seq(0)),
            }
        }
    }

    /// Where to begin with a conversation of which a node hears for the first time, by the message of this seq.
    pub fn begin(&self, conversation: ConversationId, first: Seq, since: Since) -> StoreResult<Begin> {
        // Mostly the one before it was said long ago.
        let size = PageSize { messages: 2, bytes: HISTORY_PAGE_BYTES_MAX };
        let page = self.ports.store.page(conversation, Seq(0), Window::Before(first.next()), size)?;
        let Some(message) = page.last().filter(|message| message.seq == first) else {
            return Ok(Begin::LogEnds(page.last().map_or(Seq(0), |message| message.seq)));
        };
        let at_once = Timestamp(message.time.0.saturating_sub(SAID_AT_ONCE_MS));
        let lacking = since.unsure.map_or(at_once, |unsure| unsure.min(at_once));
        let since = lacking.max(since.heard);
        match page.iter().rev().nth(1) {
            Some(before) if before.time < since => Ok(Begin::After(before.seq)),
            _ => {
                let after = self.catch_up_since(conversation, first, since)?;
                Ok(Begin::After(after.min(Seq(first.0.saturating_sub(1)))))
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
        let messages = all_shown(self, page)?;
        let quotes = Quotes::of(self, messages.iter().map(|message| (conversation, Seq(message.reply_to))))?;
        let with_readers = |mut message: ChatMessage| {
            let (readers, since) = match parties {
                Parties::Pair(one, other) => (Readers::Pair(one, other), Seq(0)),
                Parties::Group => members(conversation.group(), roster.as_deref(), Seq(message.seq)),
            };
            quotes.put(&mut message, since);
            (message, readers)
        };
        Ok(messages.into_iter().map(with_readers).collect())
    }

    /// The change of this position, or the first after it, and who reads it; `None` if there is none. Whoever lacks others
    /// sees that by its position.
    pub fn change_at(
        &self,
        conversation: ConversationId,
        parties: Parties,
        position: ChangePosition,
    ) -> StoreResult<Option<(Changed, Readers)>> {
        let size = PageSize { messages: 1, bytes: HISTORY_PAGE_BYTES_MAX };
        let after = ChangePosition(position.0.saturating_sub(1));
        let page = self.ports.store.changes(conversation, Seq(0), after, size)?;
        let Some((position, message)) = page.into_iter().next() else { return Ok(None) };
        let seq = message.seq;
        let (readers, since) = match parties {
            Parties::Pair(one, other) => (Readers::Pair(one, other), Seq(0)),
            Parties::Group => {
                self.rosters.invalidate(&conversation.group());
                let roster = groups::roster(self, conversation.group())?;
                members(conversation.group(), roster.as_deref(), seq)
            }
        };
        let message = shown(self, message, since)?;
        Ok(Some((Changed { conv: conversation.0, position: position.0, message }, readers)))
    }

    /// Whether a conversation is that of these two users. Asked before it is read on the word of another node.
    pub fn is_between(&self, conversation: ConversationId, one: UserId, other: UserId) -> StoreResult<bool> {
        // Two users have one conversation for good, whether they are friends still or not.
        if self.friendships.kept(&(one.min(other), one.max(other))) == Some(conversation) {
            return Ok(true);
        }
        let found = self.ports.store.conversation(one, conversation)?;
        Ok(found.is_some_and(|found| found.kind == ConversationKind::Direct { with: other }))
    }

    /// Who reads a group's message, as far as this node knows without asking anybody: `None` if it does not know a
    /// roster of this version or a later one.
    pub fn readers(&self, group: GroupId, version: RosterVersion, seq: Seq) -> Option<Arc<[UserId]>> {
        let roster = self.rosters.kept(&group).filter(|roster| roster.version() >= version)?;
        Some(Arc::clone(roster.readership(seq).readers()))
    }

    /// Another node changed a group's roster in this way: what this one knows of it follows, so that
    /// [`Service::readers`] need not read it anew. Needs no store; may be told before [`Service::heard`], again, or late.
    pub fn stepped(&self, change: &RosterChange) {
        if change.group.0 <= NUMBER_MAX {
            groups::step(self, change);
        }
    }

    /// Reads a group's members, so that [`Service::readers`] knows the roster of this version or a later one, until it
    /// changes again; `None` if the group is closed. Blocks as long as the store does.
    ///
    /// What is read may be of an older version, if what named this one was not true.
    pub fn read_roster(&self, group: GroupId, version: RosterVersion) -> StoreResult<Option<ReadRoster>> {
        Ok(groups::roster_at(self, group, version)?.map(ReadRoster))
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
        self.directory.forget();
        self.profiles.invalidate_all();
        self.relations.invalidate_all();
        self.friendships.invalidate_all();
        self.rosters.invalidate_all();
        self.cursors.forget_readers();
    }
}

impl ReadRoster {
    /// How many changes led to it.
    pub fn version(&self) -> RosterVersion {
        self.0.version()
    }

    /// All members, by rising id.
    pub fn members(&self) -> &[UserId] {
        self.0.members()
    }

    /// Who reads the message at this place; the same list for one message after the other, as [`Service::readers`] has.
    pub fn readers(&self, seq: Seq) -> Arc<[UserId]> {
        Arc::clone(self.0.readership(seq).readers())
    }
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
    Ok(all_shown(service, page)?.into_iter().find(|message| message.seq == seq.0))
}

/// A group's message's readers, and the seq after which all of them read.
fn members(group: GroupId, roster: Option<&Roster>, seq: Seq) -> (Readers, Seq) {
    match roster {
        None => (Readers::Members { group, version: RosterVersion(0), members: Arc::default() }, seq),
        Some(roster) => {
            let readership = roster.readership(seq);
            let members = Arc::clone(readership.readers());
            (Readers::Members { group, version: roster.version(), members }, readership.since())
        }
    }
}

fn read(service: &Service, conversation: ConversationId, after: Seq) -> StoreResult<Vec<StoredMessage>> {
    let size = PageSize { messages: service.config.page_max, bytes: HISTORY_PAGE_BYTES_MAX };
    service.ports.store.page(conversation, Seq(0), Window::After(after), size)
}

/// A message as those clients get it who read all after `since`.
pub(crate) fn shown(service: &Service, message: StoredMessage, since: Seq) -> StoreResult<ChatMessage> {
    let names = service.directory.faces(&*service.ports.store, people(&message))?;
    let mut message = chat_message(message, &names);
    quotes::in_page(service, std::iter::once(&mut message), since)?;
    Ok(message)
}

/// Messages as clients get them but for quotes, in their order.
pub(crate) fn all_shown(service: &Service, page: Vec<StoredMessage>) -> StoreResult<Vec<ChatMessage>> {
    let people = page.iter().flat_map(people);
    let names = service.directory.faces(&*service.ports.store, people)?;
    Ok(page.into_iter().map(|message| chat_message(message, &names)).collect())
}
