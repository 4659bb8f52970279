//! The port that knows who is connected, over all nodes.

use std::sync::Arc;

use crate::{SessionId, UserId};

/// Whether a user is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceState {
    /// At least one session is connected somewhere.
    Online,
    /// None is.
    Offline,
    /// It cannot be known now.
    Unknown,
}

/// What an arrival or departure changed for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceChange {
    /// The user went from offline to online, or the other way, or nobody can tell that it was not so.
    Changed,
    /// Other sessions of the user keep it as it was.
    Same,
}

/// Whether a session arrives beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Others of the user may be connected.
    Any,
    /// No other of the user may be connected, on any node; settled by the port, however nodes race.
    None,
}

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The session is connected.
    Here(PresenceChange),
    /// Another session is, and this one wanted no company: it did not arrive.
    Refused,
    /// This one wanted no company, and nobody can tell now whether it has any: it did not arrive.
    Unknown,
}

/// Who is connected, over all nodes. A node holds its users by a lease: when it dies they are offline when its lease is
/// over, and no node can take another's users off. Any thread but a sub reactor's; returns soon even while whatever
/// connects the nodes is away, and then says that it does not know.
pub trait Presence: Send + Sync {
    /// A session is connected to this node. Doing so twice is the same as once.
    fn arrive(&self, user: UserId, session: SessionId, company: Company) -> Arrival;

    /// A session is not connected to this node any more.
    fn depart(&self, user: UserId, session: SessionId) -> PresenceChange;

    /// Whether these users are there, in their order.
    fn states(&self, users: &[UserId]) -> Vec<PresenceState>;

    /// The user's connected sessions; `None` where they cannot be known now.
    fn sessions(&self, user: UserId) -> Option<Vec<SessionId>>;
}

/// Takes what presence itself finds out. Called by its own threads; must not block.
pub trait PresenceWatcher: Send + Sync {
    /// These users may have come or gone without anybody having told their friends: their node died, or it could not
    /// tell.
    fn changed(&self, users: Vec<UserId>);

    /// What this node knew of anybody's presence may not hold any more: ask again. Called when presence is unknown
    /// since one time to live, and when it is known again.
    fn review(&self);

    /// This node may not go on: another process took its name, or the other nodes run another version. A sentence for
    /// the operator.
    fn expelled(&self, why: String);
}

/// A shared watcher.
pub type SharedWatcher = Arc<dyn PresenceWatcher>;
