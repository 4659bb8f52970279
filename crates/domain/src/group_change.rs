//! Changes of a group: what somebody asks for, whether it may be, and what it does.
//!
//! A store reads the [`GroupFacts`] under its locks, lets [`GroupChange::decide`] say what follows from them, and writes that:
//! so every store comes to the same decision, and none has a rule of its own.

use crate::policy::{self, GroupAct, Standing, Why};
use crate::{GroupId, GroupLimits, Novelty, Role, RosterVersion, Seq, Timestamp, UserId};

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
    /// The actor comes in.
    Join {
        /// How many members and groups there may be.
        limits: GroupLimits,
    },
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
    /// Groups that the actor is in; only read for who comes in.
    pub groups_of_actor: u32,
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
    /// The conversation is closed.
    Close,
}

/// What follows from the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDecision {
    /// What is written, in this order; nothing if all is so already.
    pub effects: Vec<GroupEffect>,
    /// Whether the conversation hears of it.
    pub told: Told,
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
                | GroupEffect::Close => {}
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
    #[error("no room for another member or group")]
    Full,
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
            | GroupDeed::Mute(user, _) => Some(*user),
            GroupDeed::Join { .. }
            | GroupDeed::Leave
            | GroupDeed::Dissolve
            | GroupDeed::Edit(_)
            | GroupDeed::MuteAll(_) => None,
        }
    }

    /// The line of the table that it stands in.
    pub fn act(&self) -> GroupAct {
        match self {
            GroupDeed::Join { .. } => GroupAct::Join,
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
        let effects = self.effects(facts);
        let told = match facts.state {
            GroupState::Open if !effects.is_empty() => Told::InConversation,
            GroupState::Open | GroupState::Dissolved => Told::Nowhere,
        };
        Ok(GroupDecision { effects, told })
    }

    fn may(&self, facts: &GroupFacts) -> Result<(), ChangeRefused> {
        let standing = |place: Option<Membership>| Standing::from(place.map(|place| place.role));
        let (actor, target) = (standing(facts.actor), standing(facts.target));
        // Whoever is alone takes nobody's owner away; and what was dissolved needs none.
        let may_leave = facts.members == 1 || facts.state == GroupState::Dissolved;
        match policy::in_group(self.deed.act(), actor, target) {
            Err(Why::OwnerStays) if may_leave => {}
            other => other?,
        }
        if facts.state == GroupState::Dissolved && self.deed != GroupDeed::Leave {
            return Err(ChangeRefused::Dissolved);
        }
        match &self.deed {
            // Who decides, or asks people in, is no deed of the newcomer's.
            GroupDeed::Join { .. } if facts.profile.joining != Joining::Open => {
                Err(ChangeRefused::Not(Why::NotAllowed))
            }
            GroupDeed::Join { limits }
                if facts.members >= limits.members || facts.groups_of_actor >= limits.groups =>
            {
                Err(ChangeRefused::Full)
            }
            _ => Ok(()),
        }
    }

    fn effects(&self, facts: &GroupFacts) -> Vec<GroupEffect> {
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
        match &self.deed {
            GroupDeed::Join { .. } => {
                let member = Membership { role: Role::Member, since: facts.last, muted_until: Timestamp(0) };
                vec![GroupEffect::Add(self.actor, member)]
            }
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
        }
    }
}

impl GroupEffect {
    /// Whether a roster shows it.
    pub fn concerns_roster(&self, before: &GroupProfile) -> bool {
        match self {
            GroupEffect::Profile(now) => now.muted_until != before.muted_until,
            GroupEffect::Add(..) | GroupEffect::Delete(_) | GroupEffect::Place(..) | GroupEffect::Close => {
                true
            }
        }
    }
}

/// How many members there are after these effects.
pub fn members_after(members: u32, effects: &[GroupEffect]) -> u32 {
    effects.iter().fold(members, |members, effect| match effect {
        GroupEffect::Add(..) => members + 1,
        GroupEffect::Delete(_) => members.saturating_sub(1),
        GroupEffect::Place(..) | GroupEffect::Profile(_) | GroupEffect::Close => members,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: GroupLimits = GroupLimits { members: 3, groups: 3 };
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
            groups_of_actor: 1,
        }
    }

    fn change(deed: GroupDeed) -> GroupChange {
        let (event, change_id) = (String::new(), String::new());
        GroupChange { group: GroupId(5), actor: ME, deed, at: Timestamp(1), change_id, event }
    }

    #[test]
    fn a_newcomer_reads_from_the_last_message_on() {
        let decision = change(GroupDeed::Join { limits: LIMITS }).decide(&facts(None, None)).unwrap();
        let member = Membership { role: Role::Member, since: Seq(7), muted_until: Timestamp(0) };
        assert_eq!(decision.effects, [GroupEffect::Add(ME, member)]);
        assert_eq!(decision.told, Told::InConversation);
        for (members, groups) in [(3, 1), (2, 3)] {
            let full = GroupFacts { members, groups_of_actor: groups, ..facts(None, None) };
            assert_eq!(change(GroupDeed::Join { limits: LIMITS }).decide(&full), Err(ChangeRefused::Full));
        }
    }

    #[test]
    fn nobody_comes_into_a_group_that_is_not_open() {
        for joining in [Joining::Approval, Joining::Invitation] {
            let mut facts = facts(None, None);
            facts.profile.joining = joining;
            let refused = change(GroupDeed::Join { limits: LIMITS }).decide(&facts);
            assert_eq!(refused, Err(ChangeRefused::Not(Why::NotAllowed)));
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
            GroupDeed::Join { limits: LIMITS },
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
    fn what_is_so_already_is_neither_written_nor_told() {
        let facts = facts(Some(Role::Owner), Some(Role::Admin));
        for deed in [
            GroupDeed::SetRole(OTHER, Rank::Admin),
            GroupDeed::Edit(GroupEdit { name: Some("g".into()), ..GroupEdit::default() }),
            GroupDeed::MuteAll(Timestamp(0)),
        ] {
            let decision = change(deed).decide(&facts).unwrap();
            assert_eq!((decision.effects, decision.told), (vec![], Told::Nowhere));
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
