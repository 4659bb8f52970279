//! Sessions: one login of one device.

use std::fmt;

use crate::{
    BroadcastId, BroadcastPlace, HiddenPosition, NoticePlace, NoticeSeq, SessionId, Timestamp, User, UserId,
    WaitingCounts,
};

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
    /// The same of the broadcasts.
    pub broadcasts: Option<BroadcastId>,
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

/// How far the lists and notices go that a session is told of when it is entered, as one read. An unknown user has
/// nothing: zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Counts the changes of what the user's list of friends shows.
    pub friends: u64,
    /// Changes with each change of what the user's list of groups shows.
    pub groups: GroupsVersion,
    /// How far the user's notices go, and how far this session got.
    pub notices: NoticePlace,
    /// The same of the broadcasts.
    pub broadcasts: BroadcastPlace,
    /// How many wait before groups for the user.
    pub waiting: WaitingCounts,
    /// Counts the changes of what the user keeps quiet.
    pub quiet: u64,
    /// The last message that the user hid.
    pub hidden: HiddenPosition,
}

/// The version of a list of groups. No two states of one user's list have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupsVersion {
    /// Counts the changes of the user's memberships; never goes back.
    pub memberships: u64,
    /// The changes of the groups in the list, summed up; grows as long as these are the same groups.
    pub groups: u64,
}
