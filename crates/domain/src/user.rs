//! Users: what is read at every login, and what is not.

use std::fmt;

use crate::{CodeHash, Timestamp, UserId};

/// What everybody calls those whose account is deleted: their name is free for others.
pub const DELETED_USER: &str = "deleted user";

/// A user as everybody may see them: what lists show, and what is read at every login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The name as its owner wrote it; empty for those whose account is deleted, and for nobody else.
    pub name: String,
    /// What the user wants to be called; not unique. Empty: the name.
    pub nickname: String,
    /// Where the user's picture is; empty for none. Nobody but clients ever looks there.
    pub avatar: String,
}

/// All that a user tells of themselves. The phone number is for the user alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// What lists show.
    pub user: User,
    /// A line about oneself; may be empty.
    pub signature: String,
    /// Private; may be empty.
    pub phone: String,
    /// Whether searches find the user.
    pub searchable: bool,
}

impl User {
    /// What others call the user.
    pub fn shown(&self) -> &str {
        if self.nickname.is_empty() { self.named() } else { &self.nickname }
    }

    /// The name, or what stands for it.
    pub fn named(&self) -> &str {
        if self.is_deleted() { DELETED_USER } else { &self.name }
    }

    /// Whether the account is deleted: there is nobody behind it any more.
    pub fn is_deleted(&self) -> bool {
        self.name.is_empty()
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Profile { user, signature, phone: _, searchable } = self;
        let mut out = f.debug_struct("Profile");
        out.field("user", user).field("signature", signature).field("searchable", searchable);
        out.finish_non_exhaustive()
    }
}

/// A change of a profile: what is given changes, the rest stays.
#[derive(Clone, Copy, Default)]
pub struct ProfileEdit<'a> {
    /// The nickname, and its folded form for the search.
    pub nickname: Option<(&'a str, &'a str)>,
    /// The line about oneself.
    pub signature: Option<&'a str>,
    /// Where the picture is.
    pub avatar: Option<&'a str>,
    /// The phone number.
    pub phone: Option<&'a str>,
    /// Whether searches find the user.
    pub searchable: Option<bool>,
}

/// A changed profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// As it is now.
    pub profile: Profile,
    /// Whether that changed what lists show of the user.
    pub shows: Shows,
}

/// What others see after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The same in every list as before.
    TheSame,
    /// Another nickname or picture.
    Another,
}

/// A search for users by the beginning of their name or nickname.
#[derive(Clone, Copy, Debug)]
pub struct UserSearch<'a> {
    /// What a folded name or nickname begins with; not empty.
    pub prefix: &'a str,
    /// The least text that is greater than all that begin so.
    pub below: &'a str,
    /// The last user of the page before. One who is not found any more, or never was, stands before all nicknames.
    pub after: Option<UserId>,
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
