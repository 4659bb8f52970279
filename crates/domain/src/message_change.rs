//! Messages that change after they were said: recall and edit.

use crate::policy::{GroupAct, Standing, Why, in_group};
use crate::{
    ChangePosition, ConversationId, Membership, Mentions, MessageKind, Novelty, Parties, Recall, Role,
    RosterVersion, Seq, StoredMessage, Timestamp, UserId,
};

/// A change of one message that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageChange {
    /// Where the message stands.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// Who asks.
    pub actor: UserId,
    /// What for.
    pub deed: MessageDeed,
    /// When.
    pub at: Timestamp,
    /// How long after it was said.
    pub windows: ChangeWindows,
}

/// What is done to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageDeed {
    /// It is taken back: its text is gone.
    Recall,
    /// It says something else.
    Edit {
        /// The new text.
        body: String,
        /// Whom it mentions now.
        mentions: Mentions,
    },
}

/// How long after a message was said its sender may change it, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeWindows {
    /// By taking it back.
    pub recall_ms: u64,
    /// By editing it.
    pub edit_ms: u64,
}

/// What is true of a message when a change of it is decided: read under the lock of its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFacts {
    /// Whose the conversation is.
    pub parties: Parties,
    /// Of a group: the actor's place.
    pub actor: Option<Membership>,
    /// Of a group: what the message's sender is there by now.
    pub sender: Option<Role>,
    /// Nothing more is said there.
    pub is_closed: bool,
    /// The message, if there is one.
    pub message: Option<StoredMessage>,
}

/// Why a message was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageChangeRefused {
    /// No such conversation or message, none that the actor may read, or none that can be changed so.
    #[error("there is no such message")]
    NotFound,
    /// The conversation is closed.
    #[error("the conversation is closed")]
    Closed,
    /// It was said too long ago, or its text is gone.
    #[error("it is too late")]
    TooLate,
    /// The table of who may do what says no.
    #[error(transparent)]
    Not(Why),
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageChanged {
    /// The message as it is now.
    pub message: StoredMessage,
    /// Its place in the feed of changes; 0 if it was never changed, and need not be.
    pub position: ChangePosition,
    /// Whether it was changed now, or was so before.
    pub novelty: Novelty,
    /// Whose the conversation is.
    pub parties: Parties,
    /// Of a group: the version of its roster in the same transaction.
    pub roster: RosterVersion,
}

impl MessageChange {
    /// The message as it is to be; `None` if it is so already.
    pub fn decide(&self, facts: &MessageFacts) -> Result<Option<StoredMessage>, MessageChangeRefused> {
        use MessageChangeRefused::{Closed, NotFound, TooLate};
        let (since, standing) = match facts.parties {
            Parties::Pair(one, other) if self.actor == one || self.actor == other => (Seq(0), None),
            Parties::Pair(..) => return Err(NotFound),
            Parties::Group => {
                let place = facts.actor.ok_or(NotFound)?;
                (place.since, Some(Standing::from(Some(place.role))))
            }
        };
        let message = facts.message.as_ref().filter(|message| message.seq > since);
        let message = message.filter(|message| message.kind == MessageKind::Text).ok_or(NotFound)?;
        let is_own = message.sender == self.actor;
        match &self.deed {
            MessageDeed::Recall => {
                may_recall(standing, facts.sender, is_own)?;
                if message.recalled.is_some() {
                    return Ok(None);
                }
                if facts.is_closed {
                    return Err(Closed);
                }
                if is_own && self.is_late(message, self.windows.recall_ms) {
                    return Err(TooLate);
                }
                Ok(Some(message.recalled(Recall { by: self.actor, at: self.at })))
            }
            MessageDeed::Edit { .. } if !is_own => Err(NotFound),
            MessageDeed::Edit { .. } if message.recalled.is_some() => Err(TooLate),
            MessageDeed::Edit { body, mentions } => {
                if facts.is_closed {
                    return Err(Closed);
                }
                if message.body == *body && message.mentions == *mentions {
                    return Ok(None);
                }
                if self.is_late(message, self.windows.edit_ms) {
                    return Err(TooLate);
                }
                let edited = Timestamp(self.at.0.max(message.edited.0 + 1));
                let (body, mentions) = (body.clone(), mentions.clone());
                Ok(Some(StoredMessage { body, mentions, edited, ..message.clone() }))
            }
        }
    }

    fn is_late(&self, message: &StoredMessage, window_ms: u64) -> bool {
        self.at.0.saturating_sub(message.time.0) > window_ms
    }
}

/// Whether the table lets somebody take a message back. Of two friends each has their own.
fn may_recall(
    standing: Option<Standing>,
    sender: Option<Role>,
    is_own: bool,
) -> Result<(), MessageChangeRefused> {
    let allowed = match (standing, is_own) {
        (None, true) => Ok(()),
        (None, false) => Err(Why::NotFound),
        (Some(standing), true) => in_group(GroupAct::Recall, standing, standing),
        (Some(standing), false) => in_group(GroupAct::RecallOfOthers, standing, sender.into()),
    };
    allowed.map_err(|why| match why {
        Why::NotFound => MessageChangeRefused::NotFound,
        why => MessageChangeRefused::Not(why),
    })
}

impl StoredMessage {
    /// The message without its text, and without what it says of others.
    #[must_use]
    pub fn recalled(&self, recall: Recall) -> StoredMessage {
        StoredMessage {
            body: String::new(),
            edited: Timestamp(0),
            recalled: Some(recall),
            reply_to: None,
            mentions: Mentions::default(),
            client_msg_id: self.client_msg_id.clone(),
            ..*self
        }
    }
}
