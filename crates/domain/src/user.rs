//! Users: what is read at every login, and what is not.

use crate::{CodeHash, Timestamp, UserId};

/// A user as everybody may see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The name as its owner wrote it.
    pub name: String,
}

/// A registration.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// The name as its owner wrote it.
    pub name: &'a str,
    /// The name's unique form: normalised and case-folded by the service.
    pub name_key: &'a str,
    /// The password's hash in PHC form.
    pub password_hash: &'a str,
    /// What the password can be set anew by, once each.
    pub recovery_codes: &'a [CodeHash],
    /// When.
    pub at: Timestamp,
}

/// Names an account at login.
#[derive(Clone, Copy, Debug)]
pub enum Account<'a> {
    /// By number.
    Id(UserId),
    /// By the unique form of the name.
    NameKey(&'a str),
}

/// What a login checks against.
#[derive(Clone)]
pub struct Credentials {
    /// Whose.
    pub user: User,
    /// In PHC form.
    pub password_hash: String,
}
