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

/// One user's place in one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The role.
    pub role: Role,
    /// The group's last seq when they joined: they read what came after it.
    pub since: Seq,
}

/// All members of a group at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRoster {
    /// How many changes led to it.
    pub version: RosterVersion,
    /// The members, by rising id; none when the group is closed or never was.
    pub members: Vec<RosterEntry>,
}

/// A member as a group's roster shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RosterEntry {
    /// The member.
    pub user: UserId,
    /// The group's last seq when they joined, last time if they joined again: they read what came after it.
    pub since: Seq,
}

/// What came of opening a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// Open, with its owner as the one member.
    Group(GroupId),
    /// The user is in as many groups as allowed.
    Full,
}

/// What came of joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// A member now.
    Member {
        /// The group's last seq at that moment.
        since: Seq,
        /// Members now.
        members: u32,
    },
    /// A member already; nothing changed.
    AlreadyMember,
    /// There is no such group.
    NoSuchGroup,
    /// The group, or the user's list of groups, is as large as allowed.
    Full,
}

/// What came of leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Not a member any more.
    Left {
        /// Members now; at 0 the group is closed and nobody can join it again.
        members: u32,
    },
    /// Was none; nothing changed.
    NotMember,
    /// The owner cannot leave while others are in the group; nothing changed.
    OwnerStays,
}
