//! The ports that connect nodes.

use std::sync::Arc;

use bytes::Bytes;

use crate::{BusError, ConversationId, SessionId, UserId};

/// What nodes can listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// What concerns one user: listened to by nodes where the user is connected.
    User(UserId),
    /// Messages of one group: listened to by nodes where a member is connected.
    Group(ConversationId),
}

/// Something that goes to the other nodes.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Who should hear it.
    pub topic: Topic,
    /// What; opaque to the bus.
    pub payload: Bytes,
}

/// Carries publications to the other nodes that listen, never back to the publisher. A hint and not the truth: it may
/// lose, double and delay. Publications of one thread about one topic arrive in order.
pub trait Bus: Send + Sync {
    /// Whether another node could be listening. A node that is alone for good need not encode anything.
    fn reach(&self) -> Reach;

    /// Hands publications over; returns without waiting for anybody to hear them.
    fn publish(&self, batch: Vec<Publication>) -> Result<(), BusError>;

    /// Starts to listen. Doing so twice is the same as once.
    fn subscribe(&self, topic: Topic);

    /// Stops listening.
    fn unsubscribe(&self, topic: Topic);
}

/// Whom a bus can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nobody else, ever.
    Alone,
    /// Other nodes.
    Cluster,
}

/// Takes what the bus brings. Called by the bus's own thread, or by a publisher's in one process; must not block.
pub trait BusReceiver: Send + Sync {
    /// Another node published this.
    fn receive(&self, publication: Publication);

    /// Publications may have been missed: read the log.
    fn missed(&self);
}

/// A shared receiver.
pub type SharedReceiver = Arc<dyn BusReceiver>;

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
    /// The user went from offline to online, or the other way.
    Changed,
    /// Other sessions of the user keep it as it was.
    Same,
}

/// Who is connected, over all nodes. Any thread but a sub reactor's.
pub trait Presence: Send + Sync {
    /// A session is connected to this node.
    fn arrive(&self, user: UserId, session: SessionId) -> PresenceChange;

    /// A session is not connected to this node any more.
    fn depart(&self, user: UserId, session: SessionId) -> PresenceChange;

    /// Whether these users are there, in their order.
    fn states(&self, users: &[UserId]) -> Vec<PresenceState>;

    /// The user's connected sessions.
    fn sessions(&self, user: UserId) -> Vec<SessionId>;
}
