//! Sessions: one login of one device.

use std::fmt;

use crate::{NoticeSeq, SessionId, Timestamp, User, UserId};

/// SHA-256 of a session token. The token itself is known to its client only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(***)")
    }
}

/// A session to be stored.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// Whose.
    pub user: UserId,
    /// The hash that the login's password was checked against: a password that was changed meanwhile begins no session.
    pub password_hash: &'a str,
    /// What finds it again.
    pub token: TokenHash,
    /// The device's name.
    pub device: &'a str,
    /// When it begins.
    pub at: Timestamp,
    /// Up to where the device has the user's notices; `None` if it does not know: then it begins where any device
    /// got to.
    pub notices: Option<NoticeSeq>,
}

/// A stored session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// The device's name.
    pub device: String,
    /// When it began.
    pub since: Timestamp,
    /// When it last logged in or resumed, written behind: up to a flush interval old.
    pub seen: Timestamp,
}

/// A session found by its token, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSession {
    /// The session.
    pub session: Session,
    /// Its user.
    pub user: User,
}
