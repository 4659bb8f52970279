//! Changes of a group: what somebody asks for, whether it may be, and what it does.
//!
//! A store reads the [`GroupFacts`] under its locks, lets [`GroupChange::decide`] say what follows from them, and writes that:
//! so every store comes to the same decision, and none has a rule of its own.

mod decision;
mod deed;
mod effect;
mod facts;

pub use decision::{GroupDecision, Told};
pub use deed::{GroupDeed, Rank};
pub use effect::{GroupEffect, members_after};
pub use facts::GroupFacts;

use crate::policy::Why;
use crate::{
    GroupId, GroupProfile, Membership, Novelty, PersonalNotice, RosterVersion, Seq, Timestamp, UserId,
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
    /// Whether it was tried before.
    pub attempt: Attempt,
}

/// Whether a change may have been made already by an attempt of which nothing was heard. What stands in the conversation is
/// known by its id; who waits for a decision is known by the time alone, which two changes can share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attempt {
    /// It was never tried.
    #[default]
    First,
    /// It was tried, and failed or seemed to.
    Again,
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
    /// A change that was made before, and stands at this place: how the group is now, and nothing that was written.
    pub fn repeated(facts: GroupFacts, roster: RosterVersion, seq: Seq, time: Timestamp) -> GroupChanged {
        GroupChanged {
            place: Some(ChangePlace { seq, time, novelty: Novelty::Repeat }),
            members: facts.members,
            roster,
            effects: Vec::new(),
            actor: facts.actor,
            profile: facts.profile,
            notice: None,
        }
    }

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
