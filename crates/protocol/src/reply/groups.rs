//! Groups, as they are answered: what they are, who is in them, and who waits before them.

use serde::{Deserialize, Serialize};

use super::{Conversation, State};
use crate::request::is_zero;
use crate::word::words;

words! {
    /// A member's role in a group.
    Role else Member {
        /// Its creator, or whom the creator handed it to.
        Owner = "owner",
        /// Appointed by the owner.
        Admin = "admin",
        /// Everybody else, and any role that a newer server invented.
        Member = "member",
    }
}

/// A group as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The group, and its conversation: they have the same number.
    pub id: u64,
    /// Its name.
    pub groupname: String,
    /// What it is about.
    pub groupdesc: String,
    /// The asker's role.
    pub role: Role,
    /// Members now.
    pub members: u32,
    /// Whether anything can be said there.
    #[serde(default, skip_serializing_if = "GroupState::is_open")]
    pub state: GroupState,
}

words! {
    /// Whether a group is there.
    #[derive(Default)]
    GroupState else Open {
        /// It is.
        #[default]
        Open = "open",
        /// It was dissolved: it can be read and left, and that is all.
        Dissolved = "dissolved",
    }
}

impl GroupState {
    fn is_open(&self) -> bool {
        *self == GroupState::Open
    }
}

words! {
    /// How one comes into a group.
    Joining else Unknown {
        /// Everybody may.
        Open = "open",
        /// Owner or admins decide.
        Approval = "approval",
        /// Owner or admins ask people in.
        Invitation = "invitation",
        /// In a way that a newer server invented.
        Unknown = "unknown",
    }
}

/// What a group says of itself, and where the asker stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupProfile {
    /// As in a list, with the asker's role.
    pub group: Group,
    /// What members should know now.
    #[serde(default)]
    pub announcement: String,
    /// A reference to its picture.
    #[serde(default)]
    pub avatar: String,
    /// How one comes in.
    pub joining: Joining,
    /// All but owner and admins are silent until then, Unix milliseconds; 0 if they are not.
    #[serde(default)]
    pub muted_until: u64,
    /// The asker is silent until then; 0 if not.
    #[serde(default)]
    pub own_muted_until: u64,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The member's id.
    pub id: u64,
    /// The member's name.
    pub name: String,
    /// What they want to be called, if they said so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nickname: String,
    /// Where their picture is, if they have one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub avatar: String,
    /// Whether they are there.
    pub state: State,
    /// Their role.
    pub role: Role,
}

/// Answer to CREATE_GROUP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The group.
    pub group: Group,
    /// Its conversation as the new member sees it.
    pub conv: Conversation,
}

words! {
    /// What came of asking to come into a group, or of asking somebody in.
    #[derive(Default)]
    JoinOutcome else Unknown {
        /// They are in.
        #[default]
        Joined = "joined",
        /// Owner or admins decide.
        Applied = "applied",
        /// They were asked, and can answer.
        Invited = "invited",
        /// The invitation was refused.
        Refused = "refused",
        /// A newer server invented it.
        Unknown = "unknown",
    }
}

/// Answer to ADD_GROUP, INVITE and ANSWER_INVITATION.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinAnswer {
    /// What came of it.
    #[serde(default)]
    pub outcome: JoinOutcome,
    /// The group, if the asker came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// Its conversation as the new member sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conv: Option<Conversation>,
}

/// An application that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The group.
    pub groupid: u64,
    /// Its name.
    pub groupname: String,
    /// Who applied; the asker, if it is their own.
    pub id: u64,
    /// Their name.
    pub name: String,
    /// What came with it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub greeting: String,
    /// When it was made, Unix milliseconds.
    pub time: u64,
}

/// A page of applications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationsPage {
    /// By rising group, and within that by rising id.
    pub applications: Vec<Application>,
    /// The next request's `after_groupid`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next_groupid: u64,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
}

/// An invitation that waits for the asker's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The group.
    pub groupid: u64,
    /// Its name.
    pub groupname: String,
    /// Who asked.
    pub by: u64,
    /// Their name.
    pub by_name: String,
    /// When, Unix milliseconds.
    pub time: u64,
}

/// A page of invitations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationsPage {
    /// By rising group.
    pub invitations: Vec<Invitation>,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
}

/// A page of groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupsPage {
    /// By rising id.
    pub groups: Vec<Group>,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
}

/// A page of a group's members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersPage {
    /// By rising id.
    pub users: Vec<Member>,
    /// The next request's `after`; 0 at the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next: u64,
}
