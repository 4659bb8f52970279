//! Groups and their members.

use crate::{GroupId, RosterVersion, Seq, Timestamp, User, UserId};

/// A member's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its creator, or whom the creator handed it to.
    Owner,
    /// Appointed by the owner.
    Admin,
    /// Everybody else.
    Member,
}

impl Role {
    /// The number that stores keep, and nodes tell each other.
    pub const fn number(self) -> u8 {
        match self {
            Role::Owner => 1,
            Role::Admin => 2,
            Role::Member => 3,
        }
    }

    /// The role of such a number, or `None` if this version does not know it.
    pub const fn from_number(number: u8) -> Option<Role> {
        match number {
            1 => Some(Role::Owner),
            2 => Some(Role::Admin),
            3 => Some(Role::Member),
            _ => None,
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

/// Whether a group is there for its members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupState {
    /// It is.
    #[default]
    Open,
    /// It was dissolved: what was said can be read, and nothing is said any more.
    Dissolved,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number, and its conversation's.
    pub id: GroupId,
    /// Its name; not unique.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Members now.
    pub members: u32,
    /// Whether it is there.
    pub state: GroupState,
}

/// A group to be stored.
#[derive(Clone, Debug)]
pub struct NewGroup<'a> {
    /// Its first member.
    pub owner: UserId,
    /// Its name.
    pub name: &'a str,
    /// What it is about.
    pub description: &'a str,
    /// When.
    pub at: Timestamp,
}

/// A group as a list of one user's groups shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnGroup {
    /// The group.
    pub group: Group,
    /// The user's role there.
    pub role: Role,
}

/// A member as a group's list shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member.
    pub user: User,
    /// Their role.
    pub role: Role,
}

/// All members of a group at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRoster {
    /// How many changes led to it.
    pub version: RosterVersion,
    /// The members, by rising id; none when the last one left, or the group never was.
    pub members: Vec<RosterEntry>,
    /// All but owner and admins are silent until then.
    pub muted_until: Timestamp,
    /// Whether anything is said there any more.
    pub state: GroupState,
}

/// A member as a group's roster shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RosterEntry {
    /// The member.
    pub user: UserId,
    /// Where they stand.
    pub place: Membership,
}

/// What came of opening a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// Open, with its owner as the one member.
    Group(GroupId),
    /// The user is in as many groups as allowed.
    Full,
}
