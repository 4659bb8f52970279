//! Accounts that are deleted: first the account is marked, then its friendships and memberships are worked off.

use std::fmt;

use crate::{Timestamp, UserId};

/// What becomes of the groups of an owner who is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OwnedGroups {
    /// Whoever leads or is there for longest becomes the owner.
    HandOver = 1,
    /// They are closed for good.
    Dissolve = 2,
}

impl OwnedGroups {
    /// The choice of a stored number, or `None` if this version does not know it.
    pub const fn from_number(number: u8) -> Option<OwnedGroups> {
        match number {
            1 => Some(OwnedGroups::HandOver),
            2 => Some(OwnedGroups::Dissolve),
            _ => None,
        }
    }
}

/// A deletion by somebody who proved the password.
#[derive(Clone)]
pub struct AccountDeletion<'a> {
    /// Whose account.
    pub user: UserId,
    /// The hash that the password was checked against.
    pub password_hash: &'a str,
    /// What becomes of their groups.
    pub owned: OwnedGroups,
    /// When.
    pub at: Timestamp,
}

impl fmt::Debug for AccountDeletion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AccountDeletion { user, password_hash: _, owned, at } = self;
        let mut out = f.debug_struct("AccountDeletion");
        out.field("user", user).field("owned", owned).field("at", at).finish_non_exhaustive()
    }
}

/// A deleted account that still has friends or groups, or may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Whose.
    pub user: UserId,
    /// What becomes of their groups.
    pub owned: OwnedGroups,
}
