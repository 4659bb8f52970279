//! What can be done to a group.

use super::ChangeRefused;
use crate::policy::{GroupAct, Why};
use crate::{GroupEdit, GroupLimits, Role, Timestamp, UserId};

/// What can be done to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupDeed {
    /// The actor comes in, if everybody may or an invitation holds; where somebody decides, they apply.
    Join {
        /// What they say, if they have to apply.
        greeting: String,
        /// How many members, groups and applications there may be.
        limits: GroupLimits,
    },
    /// The actor takes their application back.
    WithdrawApplication,
    /// Who applied comes in.
    AcceptApplication {
        /// Who applied.
        user: UserId,
        /// How many members and groups there may be.
        limits: GroupLimits,
    },
    /// Who applied does not come in.
    RefuseApplication(UserId),
    /// Somebody is asked in; who applied and is asked in by one who decides, comes in.
    Invite {
        /// Whom.
        user: UserId,
        /// How many members, groups and invitations there may be.
        limits: GroupLimits,
    },
    /// The actor was asked in, and comes.
    AcceptInvitation {
        /// How many members and groups there may be.
        limits: GroupLimits,
    },
    /// The actor was asked in, and does not come.
    RefuseInvitation,
    /// Somebody is not asked in any more.
    WithdrawInvitation(UserId),
    /// The actor goes. When the last member goes, the group is closed and nobody can come in again.
    Leave,
    /// Somebody is put out.
    Remove(UserId),
    /// Somebody becomes admin, or member; which also ends a muting of theirs.
    SetRole(UserId, Rank),
    /// Somebody becomes the owner; the actor stays as admin.
    HandOver(UserId),
    /// The group is closed for good. Its members keep what was said.
    Dissolve,
    /// What the group says of itself changes.
    Edit(GroupEdit),
    /// A member is silent until then; 0 ends it.
    Mute(UserId, Timestamp),
    /// All but owner and admins are silent until then; 0 ends it.
    MuteAll(Timestamp),
}

impl GroupDeed {
    /// Whom it concerns beside the actor.
    pub fn target(&self) -> Option<UserId> {
        match self {
            GroupDeed::Remove(user)
            | GroupDeed::SetRole(user, _)
            | GroupDeed::HandOver(user)
            | GroupDeed::Mute(user, _)
            | GroupDeed::AcceptApplication { user, .. }
            | GroupDeed::RefuseApplication(user)
            | GroupDeed::Invite { user, .. }
            | GroupDeed::WithdrawInvitation(user) => Some(*user),
            GroupDeed::Join { .. }
            | GroupDeed::WithdrawApplication
            | GroupDeed::AcceptInvitation { .. }
            | GroupDeed::RefuseInvitation
            | GroupDeed::Leave
            | GroupDeed::Dissolve
            | GroupDeed::Edit(_)
            | GroupDeed::MuteAll(_) => None,
        }
    }

    /// Who is not in the group yet, and is, or was, before it: by the actor's deed, who may be they.
    pub fn newcomer(&self, actor: UserId) -> Option<UserId> {
        match self {
            GroupDeed::Join { .. }
            | GroupDeed::WithdrawApplication
            | GroupDeed::AcceptInvitation { .. }
            | GroupDeed::RefuseInvitation => Some(actor),
            GroupDeed::AcceptApplication { user, .. }
            | GroupDeed::RefuseApplication(user)
            | GroupDeed::Invite { user, .. }
            | GroupDeed::WithdrawInvitation(user) => Some(*user),
            GroupDeed::Leave
            | GroupDeed::Remove(_)
            | GroupDeed::SetRole(..)
            | GroupDeed::HandOver(_)
            | GroupDeed::Dissolve
            | GroupDeed::Edit(_)
            | GroupDeed::Mute(..)
            | GroupDeed::MuteAll(_) => None,
        }
    }

    /// What who asks for it learns of a group that is not there.
    pub fn no_such_group(&self) -> ChangeRefused {
        match self {
            GroupDeed::Join { .. } => ChangeRefused::NoSuchGroup,
            GroupDeed::WithdrawApplication
            | GroupDeed::AcceptInvitation { .. }
            | GroupDeed::RefuseInvitation => ChangeRefused::Not(Why::NotFound),
            _ => ChangeRefused::Not(Why::NotMember),
        }
    }

    /// How many there may be, where the newcomer may come in.
    pub fn limits(&self) -> Option<GroupLimits> {
        match self {
            GroupDeed::Join { limits, .. }
            | GroupDeed::AcceptApplication { limits, .. }
            | GroupDeed::Invite { limits, .. }
            | GroupDeed::AcceptInvitation { limits } => Some(*limits),
            _ => None,
        }
    }

    /// The line of the table that it stands in. For asking somebody in and taking that back, the least that it takes: more is
    /// needed where somebody decides, and for what others asked.
    pub fn act(&self) -> GroupAct {
        match self {
            GroupDeed::Join { .. }
            | GroupDeed::WithdrawApplication
            | GroupDeed::AcceptInvitation { .. }
            | GroupDeed::RefuseInvitation => GroupAct::Join,
            GroupDeed::AcceptApplication { .. } | GroupDeed::RefuseApplication(_) => GroupAct::Decide,
            GroupDeed::Invite { .. } | GroupDeed::WithdrawInvitation(_) => GroupAct::InviteToOpen,
            GroupDeed::Leave => GroupAct::Leave,
            GroupDeed::Remove(_) => GroupAct::Remove,
            GroupDeed::SetRole(..) => GroupAct::Appoint,
            GroupDeed::HandOver(_) => GroupAct::HandOver,
            GroupDeed::Dissolve => GroupAct::Dissolve,
            GroupDeed::Edit(_) => GroupAct::Edit,
            GroupDeed::Mute(..) => GroupAct::Mute,
            GroupDeed::MuteAll(_) => GroupAct::MuteAll,
        }
    }
}

/// A role that an owner can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Leads with the owner.
    Admin,
    /// Does not.
    Member,
}

impl From<Rank> for Role {
    fn from(rank: Rank) -> Role {
        match rank {
            Rank::Admin => Role::Admin,
            Rank::Member => Role::Member,
        }
    }
}
