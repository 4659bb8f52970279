//! When a user is not to be notified.

use crate::{ConversationId, Timestamp};

/// What stands for every conversation where a user keeps quiet.
pub const EVERYWHERE: ConversationId = ConversationId(0);

/// When a user is not to be notified of one conversation, or of any. Delivery does not depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// Which; [`EVERYWHERE`] for all.
    pub conversation: ConversationId,
    /// Quiet until then; 0 for not.
    pub until: Timestamp,
    /// Quiet every day at these hours.
    pub hours: Option<QuietHours>,
    /// What a mention does.
    pub mentions: QuietMentions,
}

impl Quiet {
    /// Whether it keeps nothing quiet: set as this it is taken away.
    pub fn is_nothing(&self) -> bool {
        self.until == Timestamp(0) && self.hours.is_none()
    }
}

/// Hours of every day, over midnight if they end before they begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// The first minute of a day.
    pub from: u16,
    /// The first minute that is not quiet any more; never `from`.
    pub to: u16,
    /// Whose days: a name of the IANA's time zone database, at most 64 bytes of ASCII.
    pub zone: String,
}

/// What a mention does while it is quiet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuietMentions {
    /// It is notified all the same.
    #[default]
    BreakThrough,
    /// It is quiet as well.
    AreQuiet,
}

/// All that a user keeps quiet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuietList {
    /// Counts its changes; 0 for a user who does not exist.
    pub version: u64,
    /// By rising conversation.
    pub entries: Vec<Quiet>,
}

/// What came of setting something quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuietSet {
    /// It is so now, and was not: the list's version.
    Changed(u64),
    /// It was so: the list's version.
    Unchanged(u64),
    /// One more than a user may keep.
    Full,
}
