//! Ids and numbers with a meaning: newtypes, so that one cannot be passed for another.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A user. Never given twice, not even after the account is gone.
    UserId
}
number! {
    /// A conversation: two friends, or a group.
    ConversationId
}
number! {
    /// A group; the same number as its conversation.
    GroupId
}
number! {
    /// A session: one login of one device.
    SessionId
}
number! {
    /// A message's place in its conversation: 1, 2, 3 … without holes. 0 stands before the first.
    Seq
}
number! {
    /// A personal notice's place among those of its user: 1, 2, 3 … 0 stands before the first.
    NoticeSeq
}
number! {
    /// A broadcast's place among all of them: 1, 2, 3 … 0 stands before the first.
    BroadcastId
}
number! {
    /// A change's place in the feed of its conversation: 1, 2, 3 …, with holes where a message was changed again. 0 stands
    /// before the first.
    ChangePosition
}
number! {
    /// A hidden message's place in the list of its user: 1, 2, 3 … in the order in which they were hidden. 0 stands before
    /// the first.
    HiddenPosition
}
number! {
    /// Counts the changes of a group's members: a roster of version `n` has all changes up to the `n`th. 0 for what is
    /// no group.
    RosterVersion
}
number! {
    /// Wall-clock time in Unix milliseconds.
    Timestamp
}

impl GroupId {
    /// The group's conversation.
    pub const fn conversation(self) -> ConversationId {
        ConversationId(self.0)
    }
}

impl ConversationId {
    /// The group whose conversation this is, if it is a group's.
    pub const fn group(self) -> GroupId {
        GroupId(self.0)
    }
}

impl Seq {
    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Seq {
        Seq(self.0 + 1)
    }
}

/// The largest number that every store can hold and every JSON reader can read exactly (2^53 - 1, RFC 8259 section 6).
/// A larger id from outside names nothing.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;
