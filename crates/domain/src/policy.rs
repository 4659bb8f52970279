//! Who may do what: the one table.
//!
//! Two questions are answered here and nowhere else. What somebody may do in a group depends on where they stand in it,
//! and sometimes on where the one stands whom it concerns: [`in_group`]. What somebody may do with another user depends
//! on what is between the two: [`between`]. The service asks before it does anything; a store asks again in the
//! transaction that makes the change, where nobody's standing can move any more. A refusal names its reason, and the
//! reasons for what does not exist, what one may not know of, and who blocked one are the same.

use crate::Role;

/// Where somebody stands in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Not a member, whether there is such a group or not.
    Outsider,
    /// A member without a role.
    Member,
    /// Appointed by the owner.
    Admin,
    /// The owner.
    Owner,
}

impl From<Option<Role>> for Standing {
    fn from(role: Option<Role>) -> Standing {
        match role {
            None => Standing::Outsider,
            Some(Role::Member) => Standing::Member,
            Some(Role::Admin) => Standing::Admin,
            Some(Role::Owner) => Standing::Owner,
        }
    }
}

/// What can be done in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupAct {
    /// Say something, while not muted.
    Speak,
    /// Say something although members are muted.
    SpeakWhileMuted,
    /// Take an own message back.
    Recall,
    /// Take somebody else's message back, whoever of the group or not any more.
    RecallOfOthers,
    /// Mention everybody at once.
    MentionEverybody,
    /// Read messages, the profile, the list of members.
    Look,
    /// Come in, or ask to.
    Join,
    /// Go.
    Leave,
    /// Ask somebody in, where everybody may come in.
    InviteToOpen,
    /// Ask somebody in, where somebody decides.
    InviteToClosed,
    /// See and decide who asked to come in; take an invitation back.
    Decide,
    /// Change name, description, announcement, and how one comes in.
    Edit,
    /// Silence a member, or let them speak again.
    Mute,
    /// Silence all members, or let them speak again.
    MuteAll,
    /// Put a member out.
    Remove,
    /// Make somebody admin, or not any more.
    Appoint,
    /// Make somebody else the owner.
    HandOver,
    /// Close the group for good.
    Dissolve,
}

/// What a cell of the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Allowed.
    Yes,
    /// Allowed towards those who stand lower.
    Below,
    /// Allowed towards those who stand lower, and who is no member any more.
    BelowOrGone,
    /// Allowed towards members without a role.
    Members,
    /// Refused.
    No(Why),
}

/// Why something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Not a member, or no such group.
    #[error("not a member of this group")]
    NotMember,
    /// A member already.
    #[error("a member already")]
    AlreadyMember,
    /// For others only.
    #[error("not allowed")]
    NotAllowed,
    /// The owner hands over or dissolves, but does not leave others behind.
    #[error("the owner stays while others are in the group")]
    OwnerStays,
    /// Not friends, or no such user.
    #[error("not friends")]
    NotFriends,
    /// Friends already.
    #[error("friends already")]
    AlreadyFriends,
    /// Nobody there, or nobody that the asker may know of.
    #[error("not found")]
    NotFound,
    /// Needs somebody else.
    #[error("not possible with oneself")]
    Oneself,
}

use Rule::{Below, BelowOrGone, Members, No, Yes};
use Why::{AlreadyFriends, AlreadyMember, NotAllowed, NotFound, NotFriends, NotMember, Oneself, OwnerStays};

/// One line of the table of groups: what is done, and the rule for outsider, member, admin and owner.
pub type GroupLine = (GroupAct, [Rule; 4]);

/// The table of groups.
#[rustfmt::skip]
pub const GROUP: &[GroupLine] = &[
    //                           outsider        member             admin              owner
    (GroupAct::Speak,           [No(NotMember), Yes,               Yes,               Yes]),
    (GroupAct::SpeakWhileMuted, [No(NotMember), No(NotAllowed),    Yes,               Yes]),
    (GroupAct::Recall,          [No(NotMember), Yes,               Yes,               Yes]),
    (GroupAct::RecallOfOthers,  [No(NotMember), No(NotFound),      BelowOrGone,       BelowOrGone]),
    (GroupAct::MentionEverybody,[No(NotMember), No(NotAllowed),    Yes,               Yes]),
    (GroupAct::Look,            [No(NotMember), Yes,               Yes,               Yes]),
    (GroupAct::Join,            [Yes,           No(AlreadyMember), No(AlreadyMember), No(AlreadyMember)]),
    (GroupAct::Leave,           [No(NotMember), Yes,               Yes,               No(OwnerStays)]),
    (GroupAct::InviteToOpen,    [No(NotMember), Yes,               Yes,               Yes]),
    (GroupAct::InviteToClosed,  [No(NotMember), No(NotAllowed),    Yes,               Yes]),
    (GroupAct::Decide,          [No(NotMember), No(NotAllowed),    Yes,               Yes]),
    (GroupAct::Edit,            [No(NotMember), No(NotAllowed),    Yes,               Yes]),
    (GroupAct::Mute,            [No(NotMember), No(NotAllowed),    Members,           Members]),
    (GroupAct::MuteAll,         [No(NotMember), No(NotAllowed),    Yes,               Yes]),
    (GroupAct::Remove,          [No(NotMember), No(NotAllowed),    Below,             Below]),
    (GroupAct::Appoint,         [No(NotMember), No(NotAllowed),    No(NotAllowed),    Below]),
    (GroupAct::HandOver,        [No(NotMember), No(NotAllowed),    No(NotAllowed),    Below]),
    (GroupAct::Dissolve,        [No(NotMember), No(NotAllowed),    No(NotAllowed),    Yes]),
];

/// Whether `actor` may do this in a group. `target` is where the one stands whom it concerns; acts that concern nobody in
/// particular ignore it. A target who is no member is not found.
///
/// That an owner may leave as the last member is not the table's to say: whoever counts the members allows it.
pub fn in_group(act: GroupAct, actor: Standing, target: Standing) -> Result<(), Why> {
    let rule = GROUP.iter().find(|(line, _)| *line == act).map_or(No(NotAllowed), |(_, rules)| {
        let [outsider, member, admin, owner] = rules;
        *match actor {
            Standing::Outsider => outsider,
            Standing::Member => member,
            Standing::Admin => admin,
            Standing::Owner => owner,
        }
    });
    match rule {
        Yes => Ok(()),
        No(why) => Err(why),
        Below | Members if target == Standing::Outsider => Err(NotFound),
        Below | BelowOrGone if target < actor => Ok(()),
        Members if target == Standing::Member => Ok(()),
        Below | BelowOrGone | Members => Err(NotAllowed),
    }
}

/// What is between two users, as one of them stands to the other. The first that fits, from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// It is oneself.
    Myself,
    /// There is no such user, or none any more.
    Nobody,
    /// The other one blocked me.
    BlockedByThem,
    /// I blocked the other one.
    BlockedByMe,
    /// Friends.
    Friend,
    /// Nothing of all this.
    Stranger,
}

/// What one user can do with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PairAct {
    /// Say something.
    Say,
    /// Ask for friendship, or accept.
    Befriend,
    /// End the friendship, write a remark.
    Keep,
    /// See the profile, find by search.
    LookUp,
    /// Block.
    Block,
    /// Take a block back.
    Unblock,
    /// Ask into a group.
    Invite,
}

/// One line of the table of pairs, in the order of [`Relation`].
pub type PairLine = (PairAct, [Rule; 6]);

/// The table of pairs.
#[rustfmt::skip]
pub const PAIR: &[PairLine] = &[
    //                    myself        nobody           blocked by them  blocked by me    friend              stranger
    (PairAct::Say,      [No(Oneself), No(NotFriends), No(NotFriends), No(NotFriends), Yes,                No(NotFriends)]),
    (PairAct::Befriend, [No(Oneself), No(NotFound),   No(NotFound),   No(NotAllowed), No(AlreadyFriends), Yes]),
    (PairAct::Keep,     [No(Oneself), No(NotFriends), No(NotFriends), No(NotFriends), Yes,                No(NotFriends)]),
    (PairAct::LookUp,   [Yes,         No(NotFound),   No(NotFound),   Yes,            Yes,                Yes]),
    (PairAct::Block,    [No(Oneself), No(NotFound),   No(NotFound),   Yes,            Yes,                Yes]),
    (PairAct::Unblock,  [No(Oneself), No(NotFound),   No(NotFound),   Yes,            No(NotFound),       No(NotFound)]),
    (PairAct::Invite,   [No(Oneself), No(NotFound),   No(NotFound),   No(NotAllowed), Yes,                No(NotFriends)]),
];

/// Whether somebody may do this with somebody to whom they stand so.
pub fn between(act: PairAct, relation: Relation) -> Result<(), Why> {
    let rule = PAIR.iter().find(|(line, _)| *line == act).map_or(No(NotAllowed), |(_, rules)| {
        let [myself, nobody, blocked_by_them, blocked_by_me, friend, stranger] = rules;
        *match relation {
            Relation::Myself => myself,
            Relation::Nobody => nobody,
            Relation::BlockedByThem => blocked_by_them,
            Relation::BlockedByMe => blocked_by_me,
            Relation::Friend => friend,
            Relation::Stranger => stranger,
        }
    });
    match rule {
        No(why) => Err(why),
        Yes | Below | BelowOrGone | Members => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDINGS: [Standing; 4] = [Standing::Outsider, Standing::Member, Standing::Admin, Standing::Owner];

    #[test]
    fn each_act_has_one_line() {
        for (act, _) in GROUP {
            assert_eq!(GROUP.iter().filter(|(other, _)| other == act).count(), 1, "{act:?}");
        }
        for (act, _) in PAIR {
            assert_eq!(PAIR.iter().filter(|(other, _)| other == act).count(), 1, "{act:?}");
        }
    }

    #[test]
    fn nobody_acts_on_an_equal_or_on_who_stands_higher() {
        for act in [GroupAct::Remove, GroupAct::Appoint, GroupAct::HandOver, GroupAct::Mute] {
            for actor in STANDINGS {
                for target in STANDINGS.into_iter().filter(|target| *target >= actor) {
                    assert!(in_group(act, actor, target).is_err(), "{act:?}: {actor:?} on {target:?}");
                }
            }
        }
    }

    #[test]
    fn admins_cannot_be_muted() {
        assert_eq!(in_group(GroupAct::Mute, Standing::Owner, Standing::Admin), Err(Why::NotAllowed));
        assert_eq!(in_group(GroupAct::Mute, Standing::Owner, Standing::Member), Ok(()));
        assert_eq!(in_group(GroupAct::SpeakWhileMuted, Standing::Admin, Standing::Outsider), Ok(()));
    }

    #[test]
    fn outsiders_learn_nothing_but_that_they_are_outsiders() {
        for (act, _) in GROUP.iter().filter(|(act, _)| *act != GroupAct::Join) {
            for target in STANDINGS {
                assert_eq!(in_group(*act, Standing::Outsider, target), Err(Why::NotMember), "{act:?}");
            }
        }
    }

    #[test]
    fn who_is_blocked_sees_what_they_would_see_if_there_were_nobody() {
        for (act, _) in PAIR {
            assert_eq!(between(*act, Relation::BlockedByThem), between(*act, Relation::Nobody), "{act:?}");
        }
    }
}
