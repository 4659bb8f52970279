//! Changes of a group: what somebody asks for, whether it may be, and what it does.
//!
//! A store reads the [`GroupFacts`] under its locks, lets [`GroupChange::decide`] say what follows from them, and writes that:
//! so every store comes to the same decision, and none has a rule of its own.

use crate::group_request::{Invited, Queue, Waiting};
use crate::policy::{self, GroupAct, PairAct, Relation, Standing, Why};
use crate::{
    GroupId, GroupLimits, NewPersonalNotice, Novelty, PersonalNotice, PersonalNoticeKind, Role,
    RosterVersion, Seq, Timestamp, UserId,
};

/// A change of a group that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    /// The group.
    pub group: GroupId,
    /// Who asks.
    pub actor: UserId,
    /// What is to be done.
    pub deed: GroupDeed,
    /// When.
    pub at: Timestamp,
    /// The change's own id: with the actor, unique for ever. A change whose id is in the log already was made before, and is
    /// not made again.
    pub change_id: String,
    /// The body of the system message that tells of it.
    pub event: String,
}

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

/// How one comes into a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Joining {
    /// Everybody may.
    #[default]
    Open = 1,
    /// Owner or admins decide who asked.
    Approval = 2,
    /// Owner or admins ask people in.
    Invitation = 3,
}

impl Joining {
    /// The policy of a stored number, or `None` if this version does not know it.
    pub const fn from_number(number: u8) -> Option<Joining> {
        match number {
            1 => Some(Joining::Open),
            2 => Some(Joining::Approval),
            3 => Some(Joining::Invitation),
            _ => None,
        }
    }
}

/// What a group says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupProfile {
    /// Its name; not unique.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// What its members should know now.
    pub announcement: String,
    /// A reference to its picture.
    pub avatar: String,
    /// How one comes in.
    pub joining: Joining,
    /// All but owner and admins are silent until then.
    pub muted_until: Timestamp,
}

/// Fields of a profile that get a new value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupEdit {
    /// See [`GroupProfile`].
    pub name: Option<String>,
    /// See [`GroupProfile`].
    pub description: Option<String>,
    /// See [`GroupProfile`].
    pub announcement: Option<String>,
    /// See [`GroupProfile`].
    pub avatar: Option<String>,
    /// See [`GroupProfile`].
    pub joining: Option<Joining>,
}

impl GroupEdit {
    /// The profile with these values.
    fn applied_to(&self, profile: &GroupProfile) -> GroupProfile {
        let new = |value: &Option<String>, old: &String| value.as_ref().unwrap_or(old).clone();
        GroupProfile {
            name: new(&self.name, &profile.name),
            description: new(&self.description, &profile.description),
            announcement: new(&self.announcement, &profile.announcement),
            avatar: new(&self.avatar, &profile.avatar),
            joining: self.joining.unwrap_or(profile.joining),
            muted_until: profile.muted_until,
        }
    }
}

/// Somebody's place in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The role.
    pub role: Role,
    /// The group's last seq when they joined: they read what came after it.
    pub since: Seq,
    /// Silent until then, unless the role is above that; 0 for one who may speak.
    pub muted_until: Timestamp,
}

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
    /// Groups of the [newcomer](GroupDeed::newcomer); only read where they may come in.
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

/// Whether a group is there for its members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupState {
    /// It is.
    #[default]
    Open,
    /// It was dissolved: what was said can be read, and nothing is said any more.
    Dissolved,
}

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

/// What follows from the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDecision {
    /// What is written, in this order; nothing if all is so already.
    pub effects: Vec<GroupEffect>,
    /// Whether the conversation hears of it.
    pub told: Told,
    /// What somebody else is told in person.
    pub notice: Option<NewPersonalNotice>,
}

/// Whether a change stands in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// As a system message.
    InConversation,
    /// It does not: nothing changed, or the conversation is closed.
    Nowhere,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChanged {
    /// Where its system message stands; `None` if it has none.
    pub place: Option<ChangePlace>,
    /// Members from now on.
    pub members: u32,
    /// The version of the group's roster from now on.
    pub roster: RosterVersion,
    /// What was written: from the roster before, of the version before, it makes the one of `roster`. Empty if all was so
    /// already, or if the change was made before.
    pub effects: Vec<GroupEffect>,
    /// The actor's place from now on, if they have one.
    pub actor: Option<Membership>,
    /// What the group says of itself from now on.
    pub profile: GroupProfile,
    /// What somebody else is told in person; `None` if nothing is, or if the change was made before.
    pub notice: Option<PersonalNotice>,
}

impl GroupChanged {
    /// Brings the actor's place and the profile, as they were before, to what the effects made of them.
    pub fn settle(&mut self, actor: UserId) {
        for effect in &self.effects {
            match effect {
                GroupEffect::Add(user, place) | GroupEffect::Place(user, place) if *user == actor => {
                    self.actor = Some(*place);
                }
                GroupEffect::Delete(user) if *user == actor => self.actor = None,
                GroupEffect::Profile(profile) => self.profile = profile.clone(),
                GroupEffect::Add(..)
                | GroupEffect::Place(..)
                | GroupEffect::Delete(_)
                | GroupEffect::Close
                | GroupEffect::Apply(..)
                | GroupEffect::EndApplication(_)
                | GroupEffect::Invite(_)
                | GroupEffect::EndInvitation { .. } => {}
            }
        }
    }
}

/// Where a system message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangePlace {
    /// Its seq.
    pub seq: Seq,
    /// Its time.
    pub time: Timestamp,
    /// Whether it was stored now, or by an earlier attempt.
    pub novelty: Novelty,
}

/// Why a change was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// There is no such group.
    #[error("there is no such group")]
    NoSuchGroup,
    /// The group was dissolved.
    #[error("the group was dissolved")]
    Dissolved,
    /// The group, or the actor's list of groups, is as large as allowed.
    #[error("no room for another member, group or request")]
    Full,
    /// The application, or the invitation, waits already.
    #[error("it waits already")]
    AlreadyAsked,
    /// The table says no.
    #[error(transparent)]
    Not(#[from] Why),
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

impl GroupChange {
    /// Whether it may be, and what it does.
    pub fn decide(&self, facts: &GroupFacts) -> Result<GroupDecision, ChangeRefused> {
        self.may(facts)?;
        let effects = self.effects(facts)?;
        let told = match facts.state {
            GroupState::Open if effects.iter().any(GroupEffect::concerns_members) => Told::InConversation,
            GroupState::Open | GroupState::Dissolved => Told::Nowhere,
        };
        let notice = self.notice(&effects);
        Ok(GroupDecision { effects, told, notice })
    }

    /// The line of the table that it stands in, as the group is.
    fn act(&self, facts: &GroupFacts) -> GroupAct {
        match &self.deed {
            GroupDeed::Invite { .. } if facts.profile.joining != Joining::Open => GroupAct::InviteToClosed,
            GroupDeed::WithdrawInvitation(_) => match facts.waiting.invitation {
                Some(invited) if invited.by != self.actor => GroupAct::Decide,
                _ => GroupAct::InviteToOpen,
            },
            deed => deed.act(),
        }
    }

    /// What somebody else is told in person: what became of an application or invitation, for who had asked; and what became
    /// of a member, for them. Nothing, where all is as before.
    fn notice(&self, effects: &[GroupEffect]) -> Option<NewPersonalNotice> {
        let came = effects.iter().any(|effect| matches!(effect, GroupEffect::Add(..)));
        let inviter = effects.iter().find_map(|effect| match effect {
            GroupEffect::EndInvitation { by, .. } => Some(*by),
            _ => None,
        });
        let place = |user: &UserId| {
            effects.iter().find_map(|effect| match effect {
                GroupEffect::Place(placed, now) if placed == user => Some(*now),
                _ => None,
            })
        };
        let (user, kind, detail) = match &self.deed {
            GroupDeed::AcceptApplication { user, .. } => (*user, PersonalNoticeKind::ApplicationAccepted, 0),
            GroupDeed::Invite { user, .. } if came => (*user, PersonalNoticeKind::ApplicationAccepted, 0),
            GroupDeed::RefuseApplication(user) => (*user, PersonalNoticeKind::ApplicationRefused, 0),
            GroupDeed::Join { .. } | GroupDeed::AcceptInvitation { .. } if came => {
                (inviter?, PersonalNoticeKind::InvitationAccepted, 0)
            }
            GroupDeed::RefuseInvitation => (inviter?, PersonalNoticeKind::InvitationRefused, 0),
            GroupDeed::Remove(user) => (*user, PersonalNoticeKind::Removed, 0),
            GroupDeed::SetRole(user, _) | GroupDeed::HandOver(user) => {
                (*user, PersonalNoticeKind::Role, u64::from(place(user)?.role.number()))
            }
            GroupDeed::Mute(user, _) => (*user, PersonalNoticeKind::Muted, place(user)?.muted_until.0),
            _ => return None,
        };
        let group = Some(self.group);
        Some(NewPersonalNotice { user, kind, by: self.actor, group, detail, at: self.at })
    }

    fn may(&self, facts: &GroupFacts) -> Result<(), ChangeRefused> {
        let (actor, target) = (standing(facts.actor), standing(facts.target));
        // Whoever is alone takes nobody's owner away; and what was dissolved needs none.
        let may_leave = facts.members == 1 || facts.state == GroupState::Dissolved;
        match policy::in_group(self.act(facts), actor, target) {
            Err(Why::OwnerStays) if may_leave => {}
            other => other?,
        }
        if facts.state == GroupState::Dissolved && self.deed != GroupDeed::Leave {
            return Err(ChangeRefused::Dissolved);
        }
        Ok(())
    }

    fn effects(&self, facts: &GroupFacts) -> Result<Vec<GroupEffect>, ChangeRefused> {
        let place = |user, place: Option<Membership>, change: &dyn Fn(&mut Membership)| {
            let Some(before) = place else { return Vec::new() };
            let mut now = before;
            change(&mut now);
            if now == before { Vec::new() } else { vec![GroupEffect::Place(user, now)] }
        };
        let profile = |now: GroupProfile| match now == facts.profile {
            true => Vec::new(),
            false => vec![GroupEffect::Profile(now)],
        };
        Ok(match &self.deed {
            GroupDeed::Join { greeting, limits } => return self.join(facts, greeting, limits),
            GroupDeed::WithdrawApplication
            | GroupDeed::AcceptApplication { .. }
            | GroupDeed::RefuseApplication(_) => return self.answer_application(facts),
            GroupDeed::Invite { user, limits } => return self.invite(facts, *user, limits),
            GroupDeed::AcceptInvitation { .. }
            | GroupDeed::RefuseInvitation
            | GroupDeed::WithdrawInvitation(_) => return self.answer_invitation(facts),
            GroupDeed::Leave if facts.members == 1 && facts.state == GroupState::Open => {
                vec![GroupEffect::Delete(self.actor), GroupEffect::Close]
            }
            GroupDeed::Leave => vec![GroupEffect::Delete(self.actor)],
            GroupDeed::Remove(user) => vec![GroupEffect::Delete(*user)],
            GroupDeed::SetRole(user, rank) => place(*user, facts.target, &|place| {
                if place.role != (*rank).into() {
                    (place.role, place.muted_until) = ((*rank).into(), Timestamp(0));
                }
            }),
            GroupDeed::HandOver(user) => {
                let mut effects = place(self.actor, facts.actor, &|place| place.role = Role::Admin);
                effects.extend(place(*user, facts.target, &|place| {
                    (place.role, place.muted_until) = (Role::Owner, Timestamp(0));
                }));
                effects
            }
            GroupDeed::Dissolve => vec![GroupEffect::Close],
            GroupDeed::Edit(edit) => profile(edit.applied_to(&facts.profile)),
            GroupDeed::Mute(user, until) => place(*user, facts.target, &|place| place.muted_until = *until),
            GroupDeed::MuteAll(until) => {
                profile(GroupProfile { muted_until: *until, ..facts.profile.clone() })
            }
        })
    }

    fn join(
        &self,
        facts: &GroupFacts,
        greeting: &str,
        limits: &GroupLimits,
    ) -> Result<Vec<GroupEffect>, ChangeRefused> {
        if facts.profile.joining == Joining::Open || facts.invitation_holds() {
            return facts.comes_in(self.actor, limits);
        }
        match (facts.profile.joining, facts.waiting.application) {
            (Joining::Invitation, _) => Err(Why::NotAllowed.into()),
            // By an attempt of which nothing was heard.
            (_, Some(at)) if at == self.at => Ok(Vec::new()),
            (_, Some(_)) => Err(ChangeRefused::AlreadyAsked),
            (_, None) if facts.queue.has_room(limits) => {
                Ok(vec![GroupEffect::Apply(self.actor, greeting.to_owned())])
            }
            (_, None) => Err(ChangeRefused::Full),
        }
    }

    fn answer_application(&self, facts: &GroupFacts) -> Result<Vec<GroupEffect>, ChangeRefused> {
        if facts.waiting.application.is_none() {
            return Err(Why::NotFound.into());
        }
        match &self.deed {
            GroupDeed::AcceptApplication { user, limits } => facts.comes_in(*user, limits),
            GroupDeed::RefuseApplication(user) => Ok(vec![GroupEffect::EndApplication(*user)]),
            _ => Ok(vec![GroupEffect::EndApplication(self.actor)]),
        }
    }

    fn invite(
        &self,
        facts: &GroupFacts,
        user: UserId,
        limits: &GroupLimits,
    ) -> Result<Vec<GroupEffect>, ChangeRefused> {
        let may = policy::between(PairAct::Invite, facts.relation.unwrap_or(Relation::Nobody));
        match facts.target {
            // Who they are is no secret among members.
            Some(_) if user != self.actor => return Err(Why::AlreadyMember.into()),
            _ => may?,
        }
        let decides = policy::in_group(GroupAct::Decide, standing(facts.actor), Standing::Outsider).is_ok();
        if facts.waiting.application.is_some() && decides {
            return facts.comes_in(user, limits);
        }
        match facts.waiting.invitation {
            // By an attempt of which nothing was heard.
            Some(waits) if waits.by == self.actor && waits.at == self.at => Ok(Vec::new()),
            Some(_) if facts.invitation_holds() => Err(ChangeRefused::AlreadyAsked),
            // Its inviter could not ask now: this one can.
            Some(void) => Ok(vec![void.ends(user), GroupEffect::Invite(user)]),
            None if facts.queue.has_room(limits) => Ok(vec![GroupEffect::Invite(user)]),
            None => Err(ChangeRefused::Full),
        }
    }

    fn answer_invitation(&self, facts: &GroupFacts) -> Result<Vec<GroupEffect>, ChangeRefused> {
        let invited = facts.waiting.invitation.ok_or(Why::NotFound)?;
        match &self.deed {
            GroupDeed::AcceptInvitation { limits } => {
                if facts.profile.joining != Joining::Open && !facts.invitation_holds() {
                    return Err(Why::NotAllowed.into());
                }
                facts.comes_in(self.actor, limits)
            }
            GroupDeed::WithdrawInvitation(user) => Ok(vec![invited.ends(*user)]),
            _ => Ok(vec![invited.ends(self.actor)]),
        }
    }
}

impl GroupFacts {
    /// Whether there is an invitation by somebody who may ask people in now: one who does not decide any more, or left,
    /// opens no door.
    fn invitation_holds(&self) -> bool {
        let act = match self.profile.joining {
            Joining::Open => GroupAct::InviteToOpen,
            Joining::Approval | Joining::Invitation => GroupAct::InviteToClosed,
        };
        let inviter = standing(self.inviter);
        self.waiting.invitation.is_some() && policy::in_group(act, inviter, Standing::Outsider).is_ok()
    }

    /// There is a new member, if there is room: whatever waited is over.
    fn comes_in(&self, user: UserId, limits: &GroupLimits) -> Result<Vec<GroupEffect>, ChangeRefused> {
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
    fn ends(self, user: UserId) -> GroupEffect {
        GroupEffect::EndInvitation { user, by: self.by }
    }
}

fn standing(place: Option<Membership>) -> Standing {
    Standing::from(place.map(|place| place.role))
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: GroupLimits = GroupLimits { members: 3, groups: 3, requests: 2, requests_per_user: 2 };
    const ME: UserId = UserId(1);
    const OTHER: UserId = UserId(2);

    fn place(role: Role) -> Option<Membership> {
        Some(Membership { role, since: Seq(0), muted_until: Timestamp(0) })
    }

    fn facts(actor: Option<Role>, target: Option<Role>) -> GroupFacts {
        GroupFacts {
            last: Seq(7),
            members: 2,
            state: GroupState::Open,
            profile: GroupProfile { name: "g".into(), ..GroupProfile::default() },
            actor: actor.and_then(place),
            target: target.and_then(place),
            groups_of_newcomer: 1,
            waiting: Waiting::default(),
            inviter: None,
            queue: Queue::default(),
            relation: None,
        }
    }

    fn joining() -> GroupDeed {
        GroupDeed::Join { greeting: "hello".into(), limits: LIMITS }
    }

    fn change(deed: GroupDeed) -> GroupChange {
        let (event, change_id) = (String::new(), String::new());
        GroupChange { group: GroupId(5), actor: ME, deed, at: Timestamp(1), change_id, event }
    }

    #[test]
    fn a_newcomer_reads_from_the_last_message_on() {
        let decision = change(joining()).decide(&facts(None, None)).unwrap();
        let member = Membership { role: Role::Member, since: Seq(7), muted_until: Timestamp(0) };
        assert_eq!(decision.effects, [GroupEffect::Add(ME, member)]);
        assert_eq!(decision.told, Told::InConversation);
        for (members, groups) in [(3, 1), (2, 3)] {
            let full = GroupFacts { members, groups_of_newcomer: groups, ..facts(None, None) };
            assert_eq!(change(joining()).decide(&full), Err(ChangeRefused::Full));
        }
    }

    fn closed(joining: Joining, actor: Option<Role>) -> GroupFacts {
        let mut facts = facts(actor, None);
        facts.profile.joining = joining;
        facts
    }

    fn invited(by: UserId) -> Option<Invited> {
        Some(Invited { by, at: Timestamp(0) })
    }

    #[test]
    fn where_somebody_decides_one_applies_and_where_one_is_asked_one_is_refused() {
        let decision = change(joining()).decide(&closed(Joining::Approval, None)).unwrap();
        assert_eq!(decision.effects, [GroupEffect::Apply(ME, "hello".into())]);
        assert_eq!(decision.told, Told::Nowhere);
        let refused = change(joining()).decide(&closed(Joining::Invitation, None));
        assert_eq!(refused, Err(ChangeRefused::Not(Why::NotAllowed)));
    }

    #[test]
    fn an_application_waits_once_and_its_repeat_is_the_same() {
        for (at, expected) in [(1, Ok(vec![])), (0, Err(ChangeRefused::AlreadyAsked))] {
            let mut facts = closed(Joining::Approval, None);
            facts.waiting.application = Some(Timestamp(at));
            assert_eq!(change(joining()).decide(&facts).map(|decision| decision.effects), expected);
        }
        for queue in [Queue { of_group: 2, of_user: 0 }, Queue { of_group: 0, of_user: 2 }] {
            let facts = GroupFacts { queue, ..closed(Joining::Approval, None) };
            assert_eq!(change(joining()).decide(&facts), Err(ChangeRefused::Full));
        }
    }

    #[test]
    fn an_invitation_is_worth_what_its_inviter_may() {
        let accepting = GroupDeed::AcceptInvitation { limits: LIMITS };
        let refused = change(accepting.clone()).decide(&facts(None, None));
        assert_eq!(refused, Err(ChangeRefused::Not(Why::NotFound)));
        for (inviter, holds) in
            [(None, false), (Some(Role::Member), false), (Some(Role::Admin), true), (Some(Role::Owner), true)]
        {
            for way in [Joining::Approval, Joining::Invitation] {
                let mut facts = closed(way, None);
                (facts.waiting.invitation, facts.inviter) = (invited(OTHER), inviter.and_then(place));
                for deed in [accepting.clone(), joining()] {
                    let decided = change(deed.clone()).decide(&facts).map(|decision| decision.told);
                    match (holds, way, deed) {
                        (true, ..) => assert_eq!(decided, Ok(Told::InConversation)),
                        (false, Joining::Approval, GroupDeed::Join { .. }) => {
                            assert_eq!(decided, Ok(Told::Nowhere), "they apply");
                        }
                        (false, ..) => assert_eq!(decided, Err(ChangeRefused::Not(Why::NotAllowed))),
                    }
                }
                facts.profile.joining = Joining::Open;
                assert!(change(accepting.clone()).decide(&facts).is_ok(), "everybody may");
            }
        }
    }

    #[test]
    fn who_comes_in_does_not_wait_any_more() {
        let mut facts = closed(Joining::Approval, Some(Role::Admin));
        facts.waiting = Waiting { application: Some(Timestamp(0)), invitation: invited(UserId(3)) };
        let accepting = GroupDeed::AcceptApplication { user: OTHER, limits: LIMITS };
        let effects = change(accepting.clone()).decide(&facts).unwrap().effects;
        assert!(matches!(effects[0], GroupEffect::Add(OTHER, _)));
        assert_eq!(
            effects[1..],
            [GroupEffect::EndApplication(OTHER), GroupEffect::EndInvitation { user: OTHER, by: UserId(3) }]
        );
        facts.members = 3;
        assert_eq!(change(accepting).decide(&facts), Err(ChangeRefused::Full));
    }

    #[test]
    fn friends_are_asked_in_and_nobody_else() {
        let invite = || change(GroupDeed::Invite { user: OTHER, limits: LIMITS });
        for (way, role, relation, expected) in [
            (Joining::Open, Role::Member, Relation::Friend, Ok(())),
            (Joining::Approval, Role::Member, Relation::Friend, Err(Why::NotAllowed)),
            (Joining::Invitation, Role::Admin, Relation::Friend, Ok(())),
            (Joining::Open, Role::Owner, Relation::Stranger, Err(Why::NotFriends)),
            (Joining::Open, Role::Owner, Relation::BlockedByThem, Err(Why::NotFound)),
            (Joining::Open, Role::Owner, Relation::Nobody, Err(Why::NotFound)),
            (Joining::Open, Role::Owner, Relation::Myself, Err(Why::Oneself)),
        ] {
            let facts = GroupFacts { relation: Some(relation), ..closed(way, Some(role)) };
            let decided = invite().decide(&facts).map(|decision| decision.effects);
            let expected = expected.map(|()| vec![GroupEffect::Invite(OTHER)]).map_err(ChangeRefused::Not);
            assert_eq!(decided, expected, "{way:?} {role:?} {relation:?}");
        }
        let mut member = facts(Some(Role::Admin), Some(Role::Member));
        member.relation = Some(Relation::Friend);
        assert_eq!(invite().decide(&member), Err(ChangeRefused::Not(Why::AlreadyMember)));
    }

    #[test]
    fn who_decides_and_asks_somebody_in_who_applied_has_decided() {
        for (role, comes) in [(Role::Member, false), (Role::Admin, true)] {
            let mut facts = closed(Joining::Open, Some(role));
            facts.relation = Some(Relation::Friend);
            facts.waiting.application = Some(Timestamp(0));
            let effects =
                change(GroupDeed::Invite { user: OTHER, limits: LIMITS }).decide(&facts).unwrap().effects;
            assert_eq!(matches!(effects[0], GroupEffect::Add(OTHER, _)), comes, "{role:?}");
        }
    }

    #[test]
    fn an_invitation_that_opens_no_door_makes_room_for_one_that_does() {
        let mut facts = closed(Joining::Invitation, Some(Role::Admin));
        facts.relation = Some(Relation::Friend);
        facts.waiting.invitation = invited(UserId(3));
        let inviting = change(GroupDeed::Invite { user: OTHER, limits: LIMITS });
        let effects = inviting.decide(&facts).unwrap().effects;
        assert_eq!(
            effects,
            [GroupEffect::EndInvitation { user: OTHER, by: UserId(3) }, GroupEffect::Invite(OTHER)]
        );
        facts.inviter = place(Role::Owner);
        assert_eq!(inviting.decide(&facts), Err(ChangeRefused::AlreadyAsked));
    }

    #[test]
    fn invitations_are_taken_back_by_who_asked_or_who_decides() {
        for (role, by, allowed) in
            [(Role::Member, ME, true), (Role::Member, UserId(3), false), (Role::Admin, UserId(3), true)]
        {
            let mut facts = closed(Joining::Open, Some(role));
            facts.waiting.invitation = invited(by);
            let decided = change(GroupDeed::WithdrawInvitation(OTHER)).decide(&facts);
            assert_eq!(decided.is_ok(), allowed, "{role:?} {by}");
        }
    }

    #[test]
    fn an_owner_leaves_alone_or_when_all_is_over() {
        let owner = facts(Some(Role::Owner), None);
        assert_eq!(change(GroupDeed::Leave).decide(&owner), Err(ChangeRefused::Not(Why::OwnerStays)));
        let alone = GroupFacts { members: 1, ..owner.clone() };
        let decision = change(GroupDeed::Leave).decide(&alone).unwrap();
        assert_eq!(decision.effects, [GroupEffect::Delete(ME), GroupEffect::Close]);
        let dissolved = GroupFacts { state: GroupState::Dissolved, ..owner };
        let decision = change(GroupDeed::Leave).decide(&dissolved).unwrap();
        assert_eq!((&decision.effects[..], decision.told), (&[GroupEffect::Delete(ME)][..], Told::Nowhere));
    }

    #[test]
    fn in_a_dissolved_group_members_only_leave() {
        let dissolved =
            |actor| GroupFacts { state: GroupState::Dissolved, ..facts(actor, Some(Role::Member)) };
        for deed in [
            joining(),
            GroupDeed::Remove(OTHER),
            GroupDeed::SetRole(OTHER, Rank::Admin),
            GroupDeed::HandOver(OTHER),
            GroupDeed::Dissolve,
            GroupDeed::Edit(GroupEdit::default()),
            GroupDeed::Mute(OTHER, Timestamp(9)),
            GroupDeed::MuteAll(Timestamp(9)),
        ] {
            let actor = if deed.act() == GroupAct::Join { None } else { Some(Role::Owner) };
            assert_eq!(
                change(deed.clone()).decide(&dissolved(actor)),
                Err(ChangeRefused::Dissolved),
                "{deed:?}"
            );
            if deed.act() != GroupAct::Join {
                let outsider = change(deed).decide(&dissolved(None));
                assert_eq!(outsider, Err(ChangeRefused::Not(Why::NotMember)), "outsiders do not learn it");
            }
        }
    }

    #[test]
    fn handing_over_leaves_one_owner() {
        let decision =
            change(GroupDeed::HandOver(OTHER)).decide(&facts(Some(Role::Owner), Some(Role::Member))).unwrap();
        let roles: Vec<_> = decision
            .effects
            .iter()
            .map(|effect| match effect {
                GroupEffect::Place(user, place) => (*user, place.role),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(roles, [(ME, Role::Admin), (OTHER, Role::Owner)]);
    }

    #[test]
    fn who_is_put_elsewhere_is_told_in_person() {
        let facts = facts(Some(Role::Owner), Some(Role::Member));
        for (deed, kind, detail) in [
            (GroupDeed::Remove(OTHER), PersonalNoticeKind::Removed, 0),
            (GroupDeed::SetRole(OTHER, Rank::Admin), PersonalNoticeKind::Role, 2),
            (GroupDeed::HandOver(OTHER), PersonalNoticeKind::Role, 1),
            (GroupDeed::Mute(OTHER, Timestamp(99)), PersonalNoticeKind::Muted, 99),
        ] {
            let notice = change(deed.clone()).decide(&facts).unwrap().notice;
            let group = Some(GroupId(5));
            let told = NewPersonalNotice { user: OTHER, kind, by: ME, group, detail, at: Timestamp(1) };
            assert_eq!(notice, Some(told), "{deed:?}");
        }
        for deed in [GroupDeed::Dissolve, GroupDeed::MuteAll(Timestamp(9))] {
            assert_eq!(change(deed).decide(&facts).unwrap().notice, None, "the conversation says it");
        }
    }

    #[test]
    fn what_is_so_already_is_neither_written_nor_told() {
        let facts = facts(Some(Role::Owner), Some(Role::Admin));
        for deed in [
            GroupDeed::SetRole(OTHER, Rank::Admin),
            GroupDeed::Edit(GroupEdit { name: Some("g".into()), ..GroupEdit::default() }),
            GroupDeed::MuteAll(Timestamp(0)),
        ] {
            let decision = change(deed).decide(&facts).unwrap();
            assert_eq!((decision.effects, decision.told, decision.notice), (vec![], Told::Nowhere, None));
        }
    }

    #[test]
    fn appointing_ends_a_muting() {
        let mut facts = facts(Some(Role::Owner), Some(Role::Member));
        facts.target = facts.target.map(|place| Membership { muted_until: Timestamp(99), ..place });
        let decision = change(GroupDeed::SetRole(OTHER, Rank::Admin)).decide(&facts).unwrap();
        let admin = Membership { role: Role::Admin, since: Seq(0), muted_until: Timestamp(0) };
        assert_eq!(decision.effects, [GroupEffect::Place(OTHER, admin)]);
    }
}
