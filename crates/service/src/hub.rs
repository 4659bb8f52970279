//! The port towards connections: where pushes and answers of stored messages go.

use std::sync::Arc;

use domain::{ConversationId, SessionId, UserId};
use protocol::{Bye, ChatMessage, Push, Refusal, Sent};

use crate::caller::{ConnKey, Principal};

/// Whom a push is for. A user means every connection of every session of theirs, on every node.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// These users.
    Users(&'a [UserId]),
    /// One user, but for the connection that knows already.
    OthersOf(UserId, ConnKey),
}

/// Whom a stored message is for; the connection that sent it gets the answer instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// The two users of a direct conversation.
    Pair(UserId, UserId),
    /// The members of a group who may read the message, as they were after it was stored. The same list for one message
    /// after the other, as long as they have the same readers.
    Members(ConversationId, Arc<[UserId]>),
}

/// Which of the two chat requests asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatKind {
    /// ONE_CHAT.
    One,
    /// GROUP_CHAT.
    Group,
}

/// Which request a stored message answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The connection that asked.
    pub conn: ConnKey,
    /// Its request id.
    pub rid: u32,
    /// Its request's type.
    pub kind: ChatKind,
}

/// What became of one message of a batch: exactly one answer, and what others get to read.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Whom to answer.
    pub origin: Origin,
    /// The answer.
    pub answer: Result<Sent, Refusal>,
    /// The message and its readers; `None` for refusals and for repeats, which were delivered before.
    pub message: Option<(ChatMessage, Readers)>,
}

/// What became of the connection that held a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// This connection held it.
    ByThis,
    /// Another one does, or none.
    NotByThis,
}

/// The connections of this node, and the way to those of others. Implemented by the gateway; any thread but a sub
/// reactor's. The service calls it while it holds a lock for the user concerned: no method may call the service back or
/// wait for one that does.
pub trait Hub: Send + Sync {
    /// From now on the connection speaks for the principal, and pushes to its user reach it. A session has one
    /// connection: one that held it before is closed with a BYE.
    fn attach(&self, conn: ConnKey, principal: &Principal);

    /// The connection does not speak for the principal any more.
    fn detach(&self, conn: ConnKey, principal: &Principal) -> Held;

    /// Sends a push.
    fn push(&self, audience: Audience<'_>, push: &Push);

    /// Answers and delivers stored messages, in this order. Called by appenders only, so that the deliveries of one
    /// conversation always come from one thread.
    fn deliver(&self, deliveries: Vec<Delivery>);

    /// Closes the connection that holds this session, wherever it is: from now on no further request of it is begun,
    /// and when it is gone the gateway calls [`Service::disconnected`](crate::Service::disconnected).
    fn close_session(&self, user: UserId, session: SessionId, bye: Bye);
}
