//! The port towards connections: where pushes and answers of stored messages go.

use std::sync::Arc;

use domain::{ConversationId, GroupId, Reach, RosterVersion, Seq, SessionId, UserId};
use protocol::{Bye, Changed, ChatMessage, MsgId, Push, Refusal, Reply};

use crate::caller::{ConnKey, Principal};
use crate::moves::Move;
use crate::notice::Notice;

/// Whom a push is for. A user means every connection of every session of theirs, on every node.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// These users.
    Users(&'a [UserId]),
    /// One user, but for the connection that knows already.
    OthersOf(UserId, ConnKey),
    /// These users as far as they are connected to this node.
    Here(&'a [UserId]),
    /// One user as far as they are connected to this node, but for the connection that knows already.
    OthersHere(UserId, ConnKey),
    /// Everybody who is connected to this node.
    EverybodyHere,
    /// The members of a group but one, on every node.
    Members {
        /// The group.
        group: GroupId,
        /// How many changes led to these members.
        version: RosterVersion,
        /// All of them.
        members: &'a [UserId],
        /// Who knows already, or is told in another way.
        but: UserId,
    },
}

/// Whom a stored message is for; the connection that sent it gets the answer instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// The two users of a direct conversation.
    Pair(UserId, UserId),
    /// The members of a group who may read the message, as they were after it was stored. The same list for one message
    /// after the other, as long as they have the same readers.
    Members {
        /// The group.
        group: GroupId,
        /// The version of its roster as of the message's commit, or a later one.
        version: RosterVersion,
        /// By rising id.
        members: Arc<[UserId]>,
    },
}

/// Which request a stored message or a change answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The connection that asked.
    pub conn: ConnKey,
    /// Its request id.
    pub rid: u32,
    /// Its request's type.
    pub request: MsgId,
}

/// Whether the connection that asked is given the message beside its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// It knows what it said.
    ToOthers,
    /// It has not said it: the server did.
    ToAll,
}

/// What readers of a conversation are told in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A message was stored.
    Message(ChatMessage),
    /// One of those before was changed.
    Changed(Changed),
}

impl Said {
    /// The conversation, and the place of the message that was stored or changed.
    pub fn place(&self) -> (ConversationId, Seq) {
        match self {
            Said::Message(message) => (ConversationId(message.conv), Seq(message.seq)),
            Said::Changed(changed) => (ConversationId(changed.conv), Seq(changed.message.seq)),
        }
    }
}

impl From<Said> for Push {
    fn from(said: Said) -> Push {
        match said {
            Said::Message(message) => Push::Message(message),
            Said::Changed(changed) => Push::Changed(changed),
        }
    }
}

/// What became of one request that went to an appender: exactly one answer, unless nobody asked, and what others get to
/// read.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Whom to answer; `None` for what the server does by itself, which nobody waits for.
    pub origin: Option<Origin>,
    /// The answer, to a request of the origin's type.
    pub answer: Result<Reply, Refusal>,
    /// The message, or its change, and its readers; `None` for refusals and for repeats, which were delivered before.
    pub message: Option<(Said, Readers)>,
    /// Whether the one who asked is among the readers.
    pub echo: Echo,
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
    /// From now on the connection speaks for the principal, and pushes to its user reach it, from other nodes too. A
    /// session has one connection: one of this node that held it before is closed with a BYE. `when` is asked within the lock that
    /// [`close_moved`](Hub::close_moved) takes to find the connection; not if the connection is gone.
    fn attach(&self, conn: ConnKey, principal: &Principal, when: &mut dyn FnMut() -> Move);

    /// The connection does not speak for the principal any more.
    fn detach(&self, conn: ConnKey, principal: &Principal) -> Held;

    /// Sends a push.
    fn push(&self, audience: Audience<'_>, push: &Push);

    /// Answers and delivers stored messages, in this order. Called by appenders only, so that the deliveries of one
    /// conversation always come from one thread.
    fn deliver(&self, deliveries: Vec<Delivery>);

    /// Closes the connection of this node that holds this session, if there is one: from now on no further request of it
    /// is begun, and when it is gone the gateway calls [`Service::disconnected`](crate::Service::disconnected).
    fn close_session(&self, user: UserId, session: SessionId, bye: Bye);

    /// The session went on by a connection of another node: closes the one of this node in the same way, unless it was
    /// attached later.
    fn close_moved(&self, user: UserId, session: SessionId, moved: Move);

    /// Whom the bus to other nodes reaches now.
    fn reach(&self) -> Reach;

    /// Tells the services of all other nodes.
    fn tell_nodes(&self, notice: Notice);

    /// What concerns these groups is heard from now on, as long as this member of them is connected here; does nothing
    /// for a user who is not. The groups that were named before stay.
    fn follow(&self, user: UserId, groups: &[GroupId]);

    /// The same for one group, which the user came into after this seq. If the group was not heard here before, what was
    /// said in it since then is brought as well: in order with what is said from now on, and each message once.
    fn follow_from(&self, user: UserId, group: GroupId, since: Seq);

    /// The user is no member of the group any more.
    fn unfollow(&self, user: UserId, group: GroupId);

    /// Those of these users who are connected to this node, in their order.
    fn here(&self, users: &[UserId]) -> Vec<UserId>;
}
