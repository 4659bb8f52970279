//! Who waits before a group: those who applied, and those who were asked in.

use crate::{GroupId, GroupLimits, Timestamp, User, UserId};

/// What waits between a user and a group that they are not in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// When they applied, if they did.
    pub application: Option<Timestamp>,
    /// Who asked them in, if somebody did.
    pub invitation: Option<Invited>,
}

/// An invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Who asked.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// How many of one sort wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Before the group.
    pub of_group: u32,
    /// Of the user.
    pub of_user: u32,
}

impl Queue {
    /// Whether one more may wait.
    pub(crate) fn has_room(&self, limits: &GroupLimits) -> bool {
        self.of_group < limits.requests && self.of_user < limits.requests_per_user
    }
}

/// Neither of [`WaitingCounts`] is counted further: who has so many sees that there are many.
pub const WAITING_COUNTED_MAX: u32 = 100;

/// How many wait for a user: for their decision or their answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingCounts {
    /// Applications to groups where they decide.
    pub applications: u32,
    /// Groups that they were asked into.
    pub invitations: u32,
}

/// Whose applications are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationsOf {
    /// To this group.
    Group(GroupId),
    /// Of this user, and to all groups where they decide.
    User(UserId),
}

/// An application that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The group.
    pub group: GroupId,
    /// Its name.
    pub group_name: String,
    /// Who applied.
    pub user: User,
    /// What they said.
    pub greeting: String,
    /// When.
    pub at: Timestamp,
}

/// An invitation that waits, as the one reads it who was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The group.
    pub group: GroupId,
    /// Its name.
    pub group_name: String,
    /// Who asked.
    pub by: User,
    /// When.
    pub at: Timestamp,
}
