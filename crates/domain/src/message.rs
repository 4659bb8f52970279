//! Messages and conversations.

use crate::{ChangePosition, ConversationId, RosterVersion, Seq, Timestamp, UserId};

/// What a message is, by the number that stores keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageKind {
    /// Plain text.
    Text = 1,
    /// What became of the group, said by whoever did it.
    System = 2,
}

impl MessageKind {
    /// The kind of a stored number, or `None` if this version does not know it.
    pub const fn from_number(number: u8) -> Option<MessageKind> {
        match number {
            1 => Some(MessageKind::Text),
            2 => Some(MessageKind::System),
            _ => None,
        }
    }
}

/// A message that asks for a seq.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Where it is said.
    pub conversation: ConversationId,
    /// Who says it.
    pub sender: UserId,
    /// The sender's own id for it: with the sender, unique for ever. At most 64 bytes, compared byte by byte.
    pub client_msg_id: String,
    /// When the server took it.
    pub time: Timestamp,
    /// What it is.
    pub kind: MessageKind,
    /// The text.
    pub body: String,
    /// The message of the same conversation that it answers.
    pub reply_to: Option<Seq>,
    /// Whom it mentions.
    pub mentions: Mentions,
}

/// Whom a message mentions, each once; [`Mentions::EVERYBODY`] stands for all of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions(pub Vec<UserId>);

impl Mentions {
    /// Everybody in the group.
    pub const EVERYBODY: UserId = UserId(0);

    /// As stores keep it: numbers with commas between.
    pub fn to_text(&self) -> String {
        let numbers: Vec<String> = self.0.iter().map(|user| user.0.to_string()).collect();
        numbers.join(",")
    }

    /// What [`to_text`](Mentions::to_text) wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Mentions> {
        if text.is_empty() {
            return Some(Mentions::default());
        }
        let users: Result<Vec<UserId>, _> = text.split(',').map(|user| user.parse().map(UserId)).collect();
        users.ok().map(Mentions)
    }
}

/// Who took a message back, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recall {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// Where a message stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// The time that was stored.
    pub time: Timestamp,
    /// Whether this append put it there.
    pub novelty: Novelty,
    /// In a group: the version of its roster when this was read, in the same transaction. Whoever reads a message
    /// stands in a roster of this version or a later one.
    pub roster: RosterVersion,
}

/// Whether an append stored something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// Stored now.
    New,
    /// The same sender and client message id were stored before: their place and time, and nothing was stored now.
    Repeat,
}

/// A message of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// Who said it.
    pub sender: UserId,
    /// The sender's own id for it.
    pub client_msg_id: String,
    /// When the server took it.
    pub time: Timestamp,
    /// What it is.
    pub kind: MessageKind,
    /// The text; empty once it was recalled.
    pub body: String,
    /// When the text was last changed, later each time; 0 while it is the first.
    pub edited: Timestamp,
    /// Whether it was taken back.
    pub recalled: Option<Recall>,
    /// The message of the same conversation that it answers.
    pub reply_to: Option<Seq>,
    /// Whom it mentions.
    pub mentions: Mentions,
}

/// Which messages of a conversation a page holds. Pages are returned in rising order of seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The oldest with a greater seq.
    After(Seq),
    /// The newest with a smaller seq.
    Before(Seq),
    /// The newest.
    Newest,
}

/// How large a page may become: it ends at whichever limit comes first, but holds at least one message if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize {
    /// Messages.
    pub messages: u32,
    /// Bytes of text, summed over the messages.
    pub bytes: usize,
}

/// What a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationKind {
    /// Between two users, who may have ended their friendship since.
    Direct {
        /// The other user.
        with: UserId,
    },
    /// Of the group with the same number.
    Group,
}

/// A conversation as one of its participants may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its number.
    pub id: ConversationId,
    /// What it is.
    pub kind: ConversationKind,
    /// The last seq that the user may not read: 0, or where they joined a group. Their first message follows it.
    pub since: Seq,
    /// The newest message's seq; never before `since`.
    pub last: Seq,
    /// What the user acknowledged, from any device; 0 if nothing.
    pub acked: Seq,
    /// Up to here nothing was taken back by a restore; 0 if there never was one, or it is younger than the last.
    pub restored: Seq,
    /// The newest position in the feed of its changes; 0 if nothing was changed.
    pub last_change: ChangePosition,
    /// What the user read, on any device; 0 if nothing. Never past what they acknowledged.
    pub read: Seq,
}

/// Which of a user's conversations a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationFilter {
    /// All that have a message which the user may read.
    WithMessages,
    /// Those that have such a message after what the user acknowledged.
    WithNews,
}

/// Whose a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parties {
    /// Two users', lower id first; they may have ended their friendship since.
    Pair(UserId, UserId),
    /// A group's members'.
    Group,
}

/// A conversation in which something was said or changed after a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Its number.
    pub conversation: ConversationId,
    /// Whose it is.
    pub parties: Parties,
    /// The newest message's seq.
    pub last: Seq,
    /// The newest position in the feed of its changes; 0 if nothing was changed.
    pub last_change: ChangePosition,
    /// When that was.
    pub last_change_at: Timestamp,
}

/// How far somebody got in a conversation, on all their devices together. Both are cumulative, and neither goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to here has arrived at a device of theirs.
    pub delivered: Seq,
    /// Everything up to here was looked at. Never past `delivered`.
    pub read: Seq,
}

impl Progress {
    /// Everything up to `seq` has arrived.
    pub const fn delivered(seq: Seq) -> Progress {
        Progress { delivered: seq, read: Seq(0) }
    }

    /// Everything up to `seq` was read, and so has arrived.
    pub const fn read(seq: Seq) -> Progress {
        Progress { delivered: seq, read: seq }
    }

    /// What holds when both hold.
    #[must_use]
    pub fn and(self, other: Progress) -> Progress {
        Progress { delivered: self.delivered.max(other.delivered), read: self.read.max(other.read) }
    }

    /// The same in a conversation that ends at `last`.
    #[must_use]
    pub fn within(self, last: Seq) -> Progress {
        Progress { delivered: self.delivered.min(last), read: self.read.min(last) }
    }
}

/// How far a user got in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The user.
    pub user: UserId,
    /// The conversation.
    pub conversation: ConversationId,
    /// Up to where.
    pub progress: Progress,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_come_back_as_they_were() {
        for mentions in [vec![], vec![0], vec![7, 0, 1 << 53]] {
            let mentions = Mentions(mentions.into_iter().map(UserId).collect());
            assert_eq!(Mentions::from_text(&mentions.to_text()), Some(mentions));
        }
        for junk in [",", "1,", "a", "1,,2", "-1"] {
            assert_eq!(Mentions::from_text(junk), None, "{junk}");
        }
    }
}
