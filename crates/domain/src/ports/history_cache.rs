//! The port that keeps the newest messages of active conversations at hand.

use std::sync::Arc;

use crate::{ChangePosition, ConversationId, Seq, StoredMessage};

/// Messages of one conversation that are kept at most: the largest page.
pub const RECENT_MESSAGES_MAX: u32 = 200;

/// Bytes of text of one conversation that are kept at most; of a longer text the conversation keeps that one only.
pub const RECENT_BYTES_MAX: usize = 64 * 1024;

/// A state of a conversation in the log, told by its row. A later state is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryVersion {
    /// The newest change of a message.
    pub change: ChangePosition,
    /// The newest message.
    pub last: Seq,
}

/// The newest messages of a conversation, by rising seq and without holes, as they were at `version` or later; the newest is
/// `version.last`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Read from the log before the messages were.
    pub version: HistoryVersion,
    /// Never empty.
    pub messages: Vec<Arc<StoredMessage>>,
}

impl Recent {
    /// Forgets the oldest until the limits are kept, and more than one message at most by them.
    pub fn fit(&mut self) {
        let mut bytes = 0;
        let fits = |message: &&Arc<StoredMessage>| {
            bytes += message.body.len();
            bytes <= RECENT_BYTES_MAX
        };
        let kept = self.messages.iter().rev().take(RECENT_MESSAGES_MAX as usize).take_while(fits).count();
        self.messages.drain(..self.messages.len().saturating_sub(kept.max(1)));
    }

    /// Bytes that it takes in memory, roughly.
    pub fn weight(&self) -> u64 {
        let of_one = |message: &Arc<StoredMessage>| {
            size_of::<StoredMessage>() + message.body.len() + message.client_msg_id.len() + 32
        };
        (self.messages.iter().map(of_one).sum::<usize>() + 128) as u64
    }
}

/// Where the newest messages of active conversations are kept, beside the log: in this process, or shared by all nodes of a
/// cluster. It may forget anything at any time, and it is never believed: whoever asks it has read the conversation's
/// version from the log, and takes nothing that is of an older change. So nothing kept here can be wrong, only useless.
///
/// Any thread may ask; no method waits longer than a page of the log takes. What cannot be done is not done, and counted.
pub trait HistoryCache: Send + Sync {
    /// What is kept of a conversation.
    fn recent(&self, conversation: ConversationId) -> Option<Recent>;

    /// Keeps this, unless what is kept is of a later version.
    fn keep(&self, conversation: ConversationId, recent: Recent);

    /// A message was stored: it is put behind what is kept, if it is the next there. Called after the commit, on the way of
    /// the message: it waits for nobody.
    fn said(&self, conversation: ConversationId, seq: Seq, message: &dyn Fn() -> StoredMessage);

    /// A message was changed, recalled or hidden for all: nothing of before this change is kept when this returns, and nothing
    /// that was read before it is kept later. To be called after the change is in the log and before it is answered.
    fn forget(&self, conversation: ConversationId, change: ChangePosition);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHistoryCache;

impl HistoryCache for NoHistoryCache {
    fn recent(&self, _: ConversationId) -> Option<Recent> {
        None
    }
    fn keep(&self, _: ConversationId, _: Recent) {}
    fn said(&self, _: ConversationId, _: Seq, _: &dyn Fn() -> StoredMessage) {}
    fn forget(&self, _: ConversationId, _: ChangePosition) {}
}
