//! What the service of one node tells those of the others.

use domain::{BroadcastId, GroupId, SessionId, Shows, UserId};

use crate::moves::Move;
use crate::roster_step::RosterChange;
use crate::service::Service;
use crate::{broadcasts, friend_notes, friends, groups, presence, profiles, sessions};

/// A change that other nodes should know of. A hint: who misses it finds out from the store or the presence port, when
/// the bus says that something may have been missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The session is over, in the store already: its connection is to be closed.
    SessionEnded {
        /// Whose.
        user: UserId,
        /// Which.
        session: SessionId,
        /// A sentence for the user.
        why: String,
    },
    /// The session goes on by a new connection, on the node that says so: another one is to be closed.
    SessionMoved {
        /// Whose.
        user: UserId,
        /// Which.
        session: SessionId,
        /// When. A connection that took the session later stays.
        moved: Move,
    },
    /// Two users are friends, or not, and were not, or were, before; or one blocked the other, or does not any more.
    FriendshipChanged {
        /// The one.
        one: UserId,
        /// The other.
        other: UserId,
    },
    /// A group's roster is another, in this way.
    RosterChanged(RosterChange),
    /// Somebody came into a group or left it, or may have: who knows a roster of it reads it anew.
    MembershipChanged {
        /// The group.
        group: GroupId,
        /// Who.
        user: UserId,
    },
    /// A user's profile changed, or may have. What it says is with the store.
    ProfileChanged {
        /// Whose.
        user: UserId,
        /// Whether lists show the user otherwise now.
        shows: Shows,
    },
    /// What a user keeps of these friends changed, or may have. What it says is with the store.
    FriendsNoted {
        /// Who keeps it.
        user: UserId,
        /// Of whom.
        friends: Vec<UserId>,
    },
    /// The operator told every user something, up to this broadcast. What it says is with the store.
    Broadcast {
        /// The newest.
        id: BroadcastId,
    },
    /// A user may have come or gone. What is true is with the presence port.
    PresenceChanged {
        /// Who.
        user: UserId,
        /// Whom it concerns.
        friends: Vec<UserId>,
    },
}

/// Takes what another node's service told.
pub(crate) fn heard(service: &Service, notice: Notice) {
    match notice {
        Notice::SessionEnded { user, session, why } => sessions::close_here(service, user, session, &why),
        Notice::SessionMoved { user, session, moved } => {
            // Noted before the connection is looked for: one that is attached after that is later than this.
            if service.moves.heard(moved, service.ports.clock.now()) {
                service.ports.hub.close_moved(user, session, moved);
            }
        }
        Notice::FriendshipChanged { one, other } => friends::changed(service, one, other),
        Notice::RosterChanged(change) => groups::stepped_elsewhere(service, &change),
        Notice::MembershipChanged { group, user } => groups::changed_elsewhere(service, group, user),
        Notice::ProfileChanged { user, shows } => profiles::changed_elsewhere(service, user, shows),
        Notice::FriendsNoted { user, friends } => friend_notes::changed_elsewhere(service, user, &friends),
        Notice::Broadcast { id } => broadcasts::heard(service, id),
        Notice::PresenceChanged { user, friends } => presence::changed_elsewhere(service, user, &friends),
    }
}
