//! Blocking.

use crate::PersonalNotice;
use crate::policy::Why;

/// What came of blocking a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// Blocked from now on, or already, and what that ended.
    Parted(Parted),
    /// Refused; nothing changed.
    Refused(Why),
    /// As many users are blocked as allowed; nothing changed.
    Full,
}

/// What was between two users and ended when one blocked the other. Never more than one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parted {
    /// There was nothing.
    Nothing,
    /// They were friends; the blocked one is told as of any deletion.
    Friendship(PersonalNotice),
    /// The blocked one had asked for friendship, and is told as of any refusal.
    TheirRequest(PersonalNotice),
    /// The other way round: it is withdrawn.
    OwnRequest,
}
