//! What nodes say to each other: the payload of a publication.
//!
//! One byte of format version, one of kind, fixed fields in network byte order, and at the end the rest: an encoded push
//! frame, ready for a client's socket, or what a notice has of variable length. Whatever comes from the bus is checked
//! here, so that nothing which does not parse gets further, and no client is ever sent what is no push.

mod notice;
#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes, BytesMut};
use protocol::{Flags, MsgId, Push, decode};
use service::Notice;
use service::domain::{
    ChangePosition, ConversationId, NUMBER_MAX, Parties, RosterVersion, Seq, Topic, UserId,
};

pub(crate) use self::notice::notice;

/// The version of what nodes say to each other. Another one is refused: nodes that speak it do not belong to this cluster.
pub const FORMAT: u8 = 1;

/// Body bytes of a push that one node passes on for another.
const PUSH_BYTES_MAX: u32 = protocol::limits::FRAME_BYTES_MAX;

/// Bytes that a payload has at most.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 64 + protocol::HEADER_LEN + PUSH_BYTES_MAX as usize;

/// What one node tells others. Which user or group a push is for stands in the topic alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NodeMessage {
    /// For every connection of the topic's user.
    Push {
        /// An encoded push.
        frame: Bytes,
    },
    /// For the members of the topic's group, as of this roster or a later one, but for one who knows already.
    GroupPush { version: RosterVersion, but: UserId, frame: Bytes },
    /// A message was stored.
    Message(StoredPush),
    /// A stored message was changed: the push tells of it, and this is its position.
    Changed(StoredPush, ChangePosition),
    /// For the service.
    Notice(Notice),
}

/// A stored message as it goes to its readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredPush {
    pub(crate) conversation: ConversationId,
    pub(crate) seq: Seq,
    pub(crate) parties: Parties,
    /// Of a group: who reads it stands in a roster of this version or a later one. Of two friends: 0.
    pub(crate) version: RosterVersion,
    /// The encoded push.
    pub(crate) frame: Bytes,
}

/// Why a payload was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("format version {0} is not spoken here")]
    Format(u8),
    #[error("there is no kind {0}")]
    Kind(u8),
    #[error("it ends too early")]
    Truncated,
    #[error("it goes on after its end")]
    Trailing,
    #[error("a number or length is over its limit")]
    OverLimit,
    #[error("the text is not UTF-8")]
    Text,
    #[error("what it carries is no push frame")]
    Frame,
    #[error("it does not belong to its topic")]
    Topic,
}

mod kind {
    pub(super) const PUSH: u8 = 1;
    pub(super) const GROUP_PUSH: u8 = 2;
    pub(super) const PAIR_MESSAGE: u8 = 3;
    pub(super) const GROUP_MESSAGE: u8 = 4;
    pub(super) const SESSION_ENDED: u8 = 5;
    pub(super) const SESSION_MOVED: u8 = 6;
    pub(super) const FRIENDSHIP_CHANGED: u8 = 7;
    pub(super) const MEMBERSHIP_CHANGED: u8 = 8;
    pub(super) const PRESENCE_CHANGED: u8 = 9;
    pub(super) const PROFILE_CHANGED: u8 = 10;
    pub(super) const FRIENDS_NOTED: u8 = 11;
    pub(super) const ROSTER_CHANGED: u8 = 12;
    pub(super) const PAIR_CHANGED: u8 = 13;
    pub(super) const GROUP_CHANGED: u8 = 14;
    pub(super) const BROADCAST: u8 = 15;
}

/// A payload for a user's topic.
pub(crate) fn push(frame: &[u8]) -> Bytes {
    with_frame(kind::PUSH, &[], frame)
}

/// A payload for a group's topic.
pub(crate) fn group_push(version: RosterVersion, but: UserId, frame: &[u8]) -> Bytes {
    with_frame(kind::GROUP_PUSH, &[version.0, but.0], frame)
}

/// Begins the payload for a message, which goes to its group's topic or to those of both users: its encoded push must
/// follow.
pub(crate) fn begin_message(
    conversation: ConversationId,
    seq: Seq,
    parties: Parties,
    version: RosterVersion,
    out: &mut BytesMut,
) {
    match parties {
        Parties::Pair(one, other) => {
            head(kind::PAIR_MESSAGE, &[conversation.0, seq.0, one.0, other.0], out);
        }
        Parties::Group => head(kind::GROUP_MESSAGE, &[conversation.0, seq.0, version.0], out),
    }
}

/// The same for a change of the message with this seq.
pub(crate) fn begin_changed(
    conversation: ConversationId,
    seq: Seq,
    position: ChangePosition,
    parties: Parties,
    version: RosterVersion,
    out: &mut BytesMut,
) {
    let (conversation, seq, position) = (conversation.0, seq.0, position.0);
    match parties {
        Parties::Pair(one, other) => {
            head(kind::PAIR_CHANGED, &[conversation, seq, one.0, other.0, position], out);
        }
        Parties::Group => head(kind::GROUP_CHANGED, &[conversation, seq, version.0, position], out),
    }
}

fn with_frame(kind: u8, numbers: &[u64], rest: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(2 + numbers.len() * 8 + rest.len());
    head(kind, numbers, &mut out);
    out.put_slice(rest);
    out.freeze()
}

fn head(kind: u8, numbers: &[u64], out: &mut BytesMut) {
    out.put_u8(FORMAT);
    out.put_u8(kind);
    numbers.iter().for_each(|number| out.put_u64(*number));
}

impl NodeMessage {
    /// Reads what was published on a topic. Bytes are shared with the payload, not copied.
    pub(crate) fn decode(topic: Topic, payload: &Bytes) -> Result<NodeMessage, Malformed> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(Malformed::OverLimit);
        }
        let mut input = Input { payload, at: 0 };
        match input.byte()? {
            FORMAT => {}
            other => return Err(Malformed::Format(other)),
        }
        let kind = input.byte()?;
        match (kind, topic) {
            (kind::PUSH, Topic::User(_)) => Ok(NodeMessage::Push { frame: input.push(|_| true)? }),
            (kind::GROUP_PUSH, Topic::Group(_)) => {
                let (version, but) = (RosterVersion(input.number()?), UserId(input.number()?));
                Ok(NodeMessage::GroupPush { version, but, frame: input.push(|_| true)? })
            }
            (kind::PAIR_MESSAGE, Topic::User(_)) | (kind::GROUP_MESSAGE, Topic::Group(_)) => {
                input.message(kind, topic).map(|(push, _)| NodeMessage::Message(push))
            }
            (kind::PAIR_CHANGED, Topic::User(_)) | (kind::GROUP_CHANGED, Topic::Group(_)) => {
                input.message(kind, topic).map(|(push, position)| NodeMessage::Changed(push, position))
            }
            (kind::SESSION_ENDED..=kind::ROSTER_CHANGED | kind::BROADCAST, Topic::Nodes) => {
                input.notice(kind).map(NodeMessage::Notice)
            }
            // Before the messages of its group, too: who reads them is known at once then.
            (kind::ROSTER_CHANGED, Topic::Group(group)) => match input.notice(kind)? {
                Notice::RosterChanged(change) if change.group == group => {
                    Ok(NodeMessage::Notice(Notice::RosterChanged(change)))
                }
                _ => Err(Malformed::Topic),
            },
            (kind::PUSH..=kind::BROADCAST, _) => Err(Malformed::Topic),
            _ => Err(Malformed::Kind(kind)),
        }
    }
}

/// What is left of a payload.
struct Input<'a> {
    payload: &'a Bytes,
    at: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.payload.get(self.at).ok_or(Malformed::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    /// A number that stores can hold: every id, seq and version is one.
    fn number(&mut self) -> Result<u64, Malformed> {
        let bytes = self.payload.get(self.at..).and_then(<[u8]>::first_chunk::<8>);
        let number = u64::from_be_bytes(*bytes.ok_or(Malformed::Truncated)?);
        self.at += 8;
        if number > NUMBER_MAX { Err(Malformed::OverLimit) } else { Ok(number) }
    }

    /// A message, or a change of one and its position.
    fn message(&mut self, kind: u8, topic: Topic) -> Result<(StoredPush, ChangePosition), Malformed> {
        let (conversation, seq) = (ConversationId(self.number()?), Seq(self.number()?));
        if seq.0 == 0 {
            return Err(Malformed::OverLimit);
        }
        let (parties, version) = match kind {
            kind::PAIR_MESSAGE | kind::PAIR_CHANGED => {
                let (one, other) = (UserId(self.number()?), UserId(self.number()?));
                if one >= other || (topic != Topic::User(one) && topic != Topic::User(other)) {
                    return Err(Malformed::Topic);
                }
                (Parties::Pair(one, other), RosterVersion(0))
            }
            _ if topic != Topic::Group(conversation.group()) => return Err(Malformed::Topic),
            _ => (Parties::Group, RosterVersion(self.number()?)),
        };
        let (wanted, position) = match kind {
            kind::PAIR_CHANGED | kind::GROUP_CHANGED => (MsgId::Changed, ChangePosition(self.number()?)),
            _ => (MsgId::Message, ChangePosition(0)),
        };
        let frame = self.push(|msgid| msgid == wanted)?;
        Ok((StoredPush { conversation, seq, parties, version, frame }, position))
    }

    /// The rest, which must be exactly one push.
    fn push(&mut self, wanted: impl Fn(MsgId) -> bool) -> Result<Bytes, Malformed> {
        let frame = self.payload.slice(self.at..);
        match decode(&frame, PUSH_BYTES_MAX) {
            Ok(Some((found, used))) if used == frame.len() => {
                let header = found.header;
                let is_push = header.flags == Flags::PUSH && header.rid == 0 && header.code.is_done();
                let known = MsgId::from_number(header.msgid)
                    .is_some_and(|msgid| Push::MSGIDS.contains(&msgid) && wanted(msgid));
                if is_push && known && found.has_json() { Ok(frame) } else { Err(Malformed::Frame) }
            }
            Ok(Some(_)) => Err(Malformed::Trailing),
            Ok(None) => Err(Malformed::Truncated),
            Err(_) => Err(Malformed::Frame),
        }
    }
}
