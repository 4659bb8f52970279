//! What a change does to a group's rows.

use crate::{GroupProfile, Membership, UserId};

/// What a change does to a group's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEffect {
    /// There is a new member.
    Add(UserId, Membership),
    /// A member is none any more.
    Delete(UserId),
    /// A member's role or muting is another.
    Place(UserId, Membership),
    /// The profile is another.
    Profile(GroupProfile),
    /// The conversation is closed, and nobody waits before the group any more.
    Close,
    /// Somebody applied, and said this.
    Apply(UserId, String),
    /// An application does not wait any more.
    EndApplication(UserId),
    /// The actor asked somebody in.
    Invite(UserId),
    /// An invitation does not wait any more.
    EndInvitation {
        /// Who was asked in.
        user: UserId,
        /// Who had asked.
        by: UserId,
    },
}

impl GroupEffect {
    /// Whether members are told of it: what waits before a group concerns few.
    pub fn concerns_members(&self) -> bool {
        match self {
            GroupEffect::Add(..)
            | GroupEffect::Delete(_)
            | GroupEffect::Place(..)
            | GroupEffect::Profile(_)
            | GroupEffect::Close => true,
            GroupEffect::Apply(..)
            | GroupEffect::EndApplication(_)
            | GroupEffect::Invite(_)
            | GroupEffect::EndInvitation { .. } => false,
        }
    }

    /// Whether a roster shows it.
    pub fn concerns_roster(&self, before: &GroupProfile) -> bool {
        match self {
            GroupEffect::Profile(now) => now.muted_until != before.muted_until,
            other => other.concerns_members(),
        }
    }
}

/// How many members there are after these effects.
pub fn members_after(members: u32, effects: &[GroupEffect]) -> u32 {
    effects.iter().fold(members, |members, effect| match effect {
        GroupEffect::Add(..) => members + 1,
        GroupEffect::Delete(_) => members.saturating_sub(1),
        _ => members,
    })
}
