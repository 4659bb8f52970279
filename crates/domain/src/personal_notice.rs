//! What concerned one user and can be seen nowhere else: decisions, removals, new roles.
//!
//! Not the service's `Notice`, which is what nodes tell each other.

use crate::{GroupId, NoticeSeq, Timestamp, UserId};

/// Notices of one user that are kept: an older one makes room for a newer one.
pub const NOTICES_KEPT_MAX: u64 = 256;

/// How long a notice is kept, in milliseconds: 90 days.
pub const NOTICE_KEPT_MS: u64 = 90 * 24 * 3600 * 1000;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $number:literal,)*) => {
        /// What a notice tells. The numbers are what stores keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum PersonalNoticeKind { $($(#[$doc])* $kind = $number,)* }

        impl PersonalNoticeKind {
            /// Every kind, by rising number.
            pub const ALL: &'static [PersonalNoticeKind] = &[$(PersonalNoticeKind::$kind,)*];

            /// The kind of a number; `None` if this version does not know it.
            pub const fn from_number(number: u8) -> Option<PersonalNoticeKind> {
                match number { $($number => Some(PersonalNoticeKind::$kind),)* _ => None }
            }

            /// The number that stores keep.
            pub const fn number(self) -> u8 {
                self as u8
            }
        }
    };
}

kinds! {
    /// Who was asked for friendship accepted.
    FriendAccepted = 1,
    /// Who was asked for friendship refused.
    FriendRefused = 2,
    /// A friend ended the friendship.
    FriendDeleted = 3,
    /// The user came into a group that they applied to.
    ApplicationAccepted = 4,
    /// A group that they applied to does not want them.
    ApplicationRefused = 5,
    /// Whom they asked into a group came.
    InvitationAccepted = 6,
    /// Whom they asked into a group does not want to come.
    InvitationRefused = 7,
    /// They were put out of a group.
    Removed = 8,
    /// They have a new role in a group: `detail` is its number.
    Role = 9,
    /// They may not speak in a group until the time in `detail`; 0: they may again.
    Muted = 10,
    /// A friend's account is gone.
    FriendAccountDeleted = 11,
}

/// A notice to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewPersonalNotice {
    /// Whom it concerns.
    pub user: UserId,
    /// What it tells.
    pub kind: PersonalNoticeKind,
    /// Who did it.
    pub by: UserId,
    /// The group concerned.
    pub group: Option<GroupId>,
    /// What the kind says of it; 0 where it says nothing.
    pub detail: u64,
    /// When.
    pub at: Timestamp,
}

impl NewPersonalNotice {
    /// A notice of this seq.
    pub const fn stored(self, seq: NoticeSeq) -> PersonalNotice {
        let NewPersonalNotice { user, kind, by, group, detail, at } = self;
        PersonalNotice { user, seq, kind, by, group, detail, at }
    }
}

/// A stored notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonalNotice {
    /// Whom it concerns.
    pub user: UserId,
    /// Its place among the notices of this user.
    pub seq: NoticeSeq,
    /// What it tells.
    pub kind: PersonalNoticeKind,
    /// Who did it.
    pub by: UserId,
    /// The group concerned.
    pub group: Option<GroupId>,
    /// What the kind says of it; 0 where it says nothing.
    pub detail: u64,
    /// When.
    pub at: Timestamp,
}

/// A stored notice with the names that it is shown with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedNotice {
    /// The notice.
    pub notice: PersonalNotice,
    /// The name of who did it.
    pub by_name: String,
    /// The name of the group concerned; empty where there is none.
    pub group_name: String,
}

/// How far a user's notices go, and how far one session got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoticePlace {
    /// The newest; 0 if there never was one.
    pub last: NoticeSeq,
    /// Up to where this session acknowledged them, or began.
    pub acked: NoticeSeq,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_their_numbers() {
        for kind in PersonalNoticeKind::ALL {
            assert_eq!(PersonalNoticeKind::from_number(kind.number()), Some(*kind));
        }
        for unknown in [0, 12, 255] {
            assert_eq!(PersonalNoticeKind::from_number(unknown), None);
        }
    }
}
