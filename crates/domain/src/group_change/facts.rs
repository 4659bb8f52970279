//! What is true of a group before a change.

use super::{ChangeRefused, GroupEffect};
use crate::group_request::{Invited, Queue, Waiting};
use crate::policy::{self, GroupAct, Relation, Standing};
use crate::{GroupLimits, GroupProfile, GroupState, Joining, Membership, Role, Seq, Timestamp, UserId};

/// What is true of a group, as the transaction that is to change it reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFacts {
    /// The conversation's last seq.
    pub last: Seq,
    /// Members.
    pub members: u32,
    /// Whether it was dissolved.
    pub state: GroupState,
    /// What it says of itself.
    pub profile: GroupProfile,
    /// Where the actor stands.
    pub actor: Option<Membership>,
    /// Where the one stands whom the deed concerns, if it concerns somebody.
    pub target: Option<Membership>,
    /// Groups of the [newcomer](crate::GroupDeed::newcomer); only read where they may come in.
    pub groups_of_newcomer: u32,
    /// What waits between the newcomer and the group.
    pub waiting: Waiting,
    /// Where the one stands who asked the newcomer in.
    pub inviter: Option<Membership>,
    /// How many wait of the sort that the deed may add to.
    pub queue: Queue,
    /// How the actor stands to the one whom they ask in; `None` for any other deed.
    pub relation: Option<Relation>,
}

impl GroupFacts {
    /// Whether there is an invitation by somebody who may ask people in now: one who does not decide any more, or left,
    /// opens no door.
    pub(super) fn invitation_holds(&self) -> bool {
        let act = match self.profile.joining {
            Joining::Open => GroupAct::InviteToOpen,
            Joining::Approval | Joining::Invitation => GroupAct::InviteToClosed,
        };
        let inviter = standing(self.inviter);
        self.waiting.invitation.is_some() && policy::in_group(act, inviter, Standing::Outsider).is_ok()
    }

    /// There is a new member, if there is room: whatever waited is over.
    pub(super) fn comes_in(
        &self,
        user: UserId,
        limits: &GroupLimits,
    ) -> Result<Vec<GroupEffect>, ChangeRefused> {
        if self.members >= limits.members || self.groups_of_newcomer >= limits.groups {
            return Err(ChangeRefused::Full);
        }
        let member = Membership { role: Role::Member, since: self.last, muted_until: Timestamp(0) };
        let mut effects = vec![GroupEffect::Add(user, member)];
        effects.extend(self.waiting.application.map(|_| GroupEffect::EndApplication(user)));
        effects.extend(self.waiting.invitation.map(|invited| invited.ends(user)));
        Ok(effects)
    }
}

impl Invited {
    pub(super) fn ends(self, user: UserId) -> GroupEffect {
        GroupEffect::EndInvitation { user, by: self.by }
    }
}

pub(super) fn standing(place: Option<Membership>) -> Standing {
    Standing::from(place.map(|place| place.role))
}
