//! The port that carries what one node has to tell the others.

use std::sync::Arc;

use bytes::Bytes;

use crate::{BusError, GroupId, Timestamp, UserId};

/// What nodes can listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// What concerns one user: listened to by nodes where the user is connected.
    User(UserId),
    /// What concerns one group: listened to by nodes where a member is connected.
    Group(GroupId),
    /// What concerns every node: all listen to it, always, without subscribing.
    Nodes,
}

/// Something that goes to the other nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Who should hear it.
    pub topic: Topic,
    /// What; opaque to the bus.
    pub payload: Bytes,
}

/// Carries publications to the other nodes that listen, never back to the publisher. A hint and not the truth: it may
/// lose, double and delay. Publications of one thread about one topic arrive in order. Any thread but a sub reactor's.
pub trait Bus: Send + Sync {
    /// Whom it reaches now. Costs nothing.
    fn reach(&self) -> Reach;

    /// Hands publications over; returns without waiting for anybody to hear them. While the bus is away they wait for
    /// it, up to a limit; of what is refused or lost after all the bus itself tells the others, as
    /// [`BusReceiver::missed`].
    fn publish(&self, batch: Vec<Publication>) -> Result<(), BusError>;

    /// Starts to listen, and returns when whatever is published from now on is heard. While the bus is away it returns
    /// at once, or after a bounded time: what goes by until the bus listens is told as [`BusReceiver::missed`]. Doing so
    /// twice is the same as once.
    fn subscribe(&self, topics: &[Topic]);

    /// Stops listening.
    fn unsubscribe(&self, topics: &[Topic]);
}

/// Whom a bus can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nobody else, ever: nothing need be encoded or published.
    Alone,
    /// Other nodes.
    Cluster,
    /// Other nodes at other times: now it is away.
    Away,
}

/// Takes what the bus brings. Called by the bus's own threads, or by a publisher's in one process, which hold no lock of the
/// bus meanwhile; must not block.
pub trait BusReceiver: Send + Sync {
    /// Another node published this. Others may be at hand: what is worth doing once for all of them can wait for
    /// [`lot_ended`](Self::lot_ended).
    fn receive(&self, publication: Publication);

    /// All that was at hand was received, or as much of it as the bus hands over at once. Comes after each row of calls of
    /// [`receive`](Self::receive), from the same thread, always. Nothing is heard while it works: the receiver may do here what it can do
    /// from memory with a few publications, and gives more than that to a thread of its own.
    fn lot_ended(&self);

    /// Publications may have been missed that were made at or after this moment: read the log. Called when everything
    /// from now on is heard again.
    fn missed(&self, since: Timestamp);
}

/// A shared receiver.
pub type SharedReceiver = Arc<dyn BusReceiver>;
