//! What one change does to a group's roster: what nodes tell each other, so that none reads all members anew.

use domain::{GroupEffect, GroupId, Membership, RosterVersion, Timestamp, UserId};

/// Steps that one change has at most: handing over moves two members.
pub const ROSTER_STEPS_MAX: usize = 4;

/// A change of a group's roster. From the roster of the version before it makes the one of `version`; to any other it says
/// nothing but that it is old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterChange {
    /// The group.
    pub group: GroupId,
    /// The version from now on.
    pub version: RosterVersion,
    /// What is done, in this order: one at least, and at most [`ROSTER_STEPS_MAX`].
    pub steps: Vec<RosterStep>,
}

/// One entry of a roster, as it is from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RosterStep {
    /// There is a new member.
    Add(UserId, Membership),
    /// A member is none any more.
    Delete(UserId),
    /// A member's role or muting is another.
    Place(UserId, Membership),
    /// All but owner and admins are silent until then.
    MuteAll(Timestamp),
    /// Nothing is said any more.
    Close,
}

impl RosterStep {
    /// What a roster shows of an effect; `None` for what stands before the group, which it does not show.
    pub(crate) fn of(effect: &GroupEffect) -> Option<RosterStep> {
        match effect {
            GroupEffect::Add(user, place) => Some(RosterStep::Add(*user, *place)),
            GroupEffect::Delete(user) => Some(RosterStep::Delete(*user)),
            GroupEffect::Place(user, place) => Some(RosterStep::Place(*user, *place)),
            GroupEffect::Profile(profile) => Some(RosterStep::MuteAll(profile.muted_until)),
            GroupEffect::Close => Some(RosterStep::Close),
            GroupEffect::Apply(..)
            | GroupEffect::EndApplication(_)
            | GroupEffect::Invite(_)
            | GroupEffect::EndInvitation { .. } => None,
        }
    }

    /// Who came or went.
    pub(crate) fn moved(self) -> Option<UserId> {
        match self {
            RosterStep::Add(user, _) | RosterStep::Delete(user) => Some(user),
            RosterStep::Place(..) | RosterStep::MuteAll(_) | RosterStep::Close => None,
        }
    }
}
