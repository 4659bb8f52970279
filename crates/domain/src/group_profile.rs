//! What a group says of itself.

use crate::Timestamp;

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
    pub(crate) fn applied_to(&self, profile: &GroupProfile) -> GroupProfile {
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
