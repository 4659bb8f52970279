//! What nodes say to each other: the payload of a publication.
//!
//! One byte of format version, one of kind, fixed fields in network byte order, and at the end the rest: an encoded push
//! frame, ready for a client's socket, or what a notice has of variable length. Whatever comes from the bus is checked
//! here, so that nothing which does not parse gets further, and no client is ever sent what is no push.

use bytes::{BufMut, Bytes, BytesMut};
use protocol::{Flags, MsgId, Push, decode};
use service::domain::{
    ChangePosition, ConversationId, GroupId, Membership, NUMBER_MAX, Parties, Role, RosterVersion, Seq,
    SessionId, Shows, Timestamp, Topic, UserId,
};
use service::{Move, Notice, ROSTER_STEPS_MAX, RosterChange, RosterStep};

/// The version of what nodes say to each other. Another one is refused: nodes that speak it do not belong to this cluster.
pub const FORMAT: u8 = 1;

/// Body bytes of a push that one node passes on for another.
const PUSH_BYTES_MAX: u32 = protocol::limits::FRAME_BYTES_MAX;

/// Users in one notice. Of more, the sender makes several notices.
const NOTICE_USERS_MAX: usize = 10_000;

/// Bytes of the sentence in a notice; a longer one is cut by the sender.
const NOTICE_TEXT_BYTES_MAX: usize = 1_024;

/// Bytes that a payload has at most.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 64 + protocol::HEADER_LEN + PUSH_BYTES_MAX as usize;

const _: () = assert!(NOTICE_USERS_MAX * 8 + NOTICE_TEXT_BYTES_MAX + 64 < PAYLOAD_BYTES_MAX);

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
}

/// What the first number of a roster's step says.
mod step {
    pub(super) const ADD: u64 = 1;
    pub(super) const DELETE: u64 = 2;
    pub(super) const PLACE: u64 = 3;
    pub(super) const MUTE_ALL: u64 = 4;
    pub(super) const CLOSE: u64 = 5;
}

/// Numbers of one step.
const STEP_NUMBERS: usize = 5;

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

/// Payloads for all nodes: one, or several if the notice names more users than one may.
pub(crate) fn notice(notice: &Notice) -> Vec<Bytes> {
    let one = |kind, numbers: &[u64]| vec![with_frame(kind, numbers, &[])];
    match notice {
        Notice::SessionEnded { user, session, why } => {
            let cut = why.floor_char_boundary(NOTICE_TEXT_BYTES_MAX);
            vec![with_frame(kind::SESSION_ENDED, &[user.0, session.0], &why.as_bytes()[..cut])]
        }
        Notice::SessionMoved { user, session, moved } => {
            one(kind::SESSION_MOVED, &[user.0, session.0, moved.at_us, moved.by])
        }
        Notice::FriendshipChanged { one: a, other } => one(kind::FRIENDSHIP_CHANGED, &[a.0, other.0]),
        Notice::RosterChanged(change) => {
            let steps: Vec<u8> = change.steps.iter().flat_map(written).flat_map(u64::to_be_bytes).collect();
            vec![with_frame(kind::ROSTER_CHANGED, &[change.group.0, change.version.0], &steps)]
        }
        Notice::MembershipChanged { group, user } => one(kind::MEMBERSHIP_CHANGED, &[group.0, user.0]),
        Notice::ProfileChanged { user, shows } => {
            let shows = match shows {
                Shows::TheSame => 0,
                Shows::Another => 1,
            };
            one(kind::PROFILE_CHANGED, &[user.0, shows])
        }
        Notice::FriendsNoted { user, friends } => with_users(kind::FRIENDS_NOTED, *user, friends),
        Notice::PresenceChanged { user, friends } => with_users(kind::PRESENCE_CHANGED, *user, friends),
    }
}

/// A step as numbers: its sort and its user, and where that one stands then. What a sort does not have is 0.
fn written(step: &RosterStep) -> [u64; STEP_NUMBERS] {
    let placed = |sort, user: &UserId, place: &Membership| {
        [sort, user.0, u64::from(place.role.number()), place.since.0, place.muted_until.0]
    };
    match step {
        RosterStep::Add(user, place) => placed(step::ADD, user, place),
        RosterStep::Place(user, place) => placed(step::PLACE, user, place),
        RosterStep::Delete(user) => [step::DELETE, user.0, 0, 0, 0],
        RosterStep::MuteAll(until) => [step::MUTE_ALL, 0, 0, 0, until.0],
        RosterStep::Close => [step::CLOSE, 0, 0, 0, 0],
    }
}

fn with_users(kind: u8, user: UserId, others: &[UserId]) -> Vec<Bytes> {
    others
        .chunks(NOTICE_USERS_MAX)
        .map(|some| {
            let rest: Vec<u8> = some.iter().flat_map(|other| other.0.to_be_bytes()).collect();
            with_frame(kind, &[user.0], &rest)
        })
        .collect()
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
            (kind::SESSION_ENDED..=kind::ROSTER_CHANGED, Topic::Nodes) => {
                input.notice(kind).map(NodeMessage::Notice)
            }
            // Before the messages of its group, too: who reads them is known at once then.
            (kind::ROSTER_CHANGED, Topic::Group(group)) => match input.notice(kind)? {
                Notice::RosterChanged(change) if change.group == group => {
                    Ok(NodeMessage::Notice(Notice::RosterChanged(change)))
                }
                _ => Err(Malformed::Topic),
            },
            (kind::PUSH..=kind::GROUP_CHANGED, _) => Err(Malformed::Topic),
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
                if is_push && known { Ok(frame) } else { Err(Malformed::Frame) }
            }
            Ok(Some(_)) => Err(Malformed::Trailing),
            Ok(None) => Err(Malformed::Truncated),
            Err(_) => Err(Malformed::Frame),
        }
    }

    fn notice(&mut self, kind: u8) -> Result<Notice, Malformed> {
        let first = self.number()?;
        let notice = match kind {
            kind::SESSION_ENDED => {
                let session = SessionId(self.number()?);
                return Ok(Notice::SessionEnded { user: UserId(first), session, why: self.text()? });
            }
            kind::PRESENCE_CHANGED => {
                return Ok(Notice::PresenceChanged { user: UserId(first), friends: self.users()? });
            }
            kind::FRIENDS_NOTED => {
                return Ok(Notice::FriendsNoted { user: UserId(first), friends: self.users()? });
            }
            kind::SESSION_MOVED => {
                let session = SessionId(self.number()?);
                let moved = Move { at_us: self.number()?, by: self.number()? };
                Notice::SessionMoved { user: UserId(first), session, moved }
            }
            kind::FRIENDSHIP_CHANGED => {
                Notice::FriendshipChanged { one: UserId(first), other: UserId(self.number()?) }
            }
            kind::PROFILE_CHANGED => {
                let shows = match self.number()? {
                    0 => Shows::TheSame,
                    1 => Shows::Another,
                    _ => return Err(Malformed::OverLimit),
                };
                Notice::ProfileChanged { user: UserId(first), shows }
            }
            kind::ROSTER_CHANGED => {
                let (group, version) = (GroupId(first), RosterVersion(self.number()?));
                return Ok(Notice::RosterChanged(RosterChange { group, version, steps: self.steps()? }));
            }
            kind::MEMBERSHIP_CHANGED => {
                Notice::MembershipChanged { group: GroupId(first), user: UserId(self.number()?) }
            }
            other => return Err(Malformed::Kind(other)),
        };
        if self.at == self.payload.len() { Ok(notice) } else { Err(Malformed::Trailing) }
    }

    /// The rest, as text.
    fn text(&mut self) -> Result<String, Malformed> {
        let rest = &self.payload[self.at..];
        if rest.len() > NOTICE_TEXT_BYTES_MAX {
            return Err(Malformed::OverLimit);
        }
        std::str::from_utf8(rest).map(str::to_owned).map_err(|_| Malformed::Text)
    }

    /// The rest, as steps of a roster: one at least.
    fn steps(&mut self) -> Result<Vec<RosterStep>, Malformed> {
        if self.payload.len() - self.at > ROSTER_STEPS_MAX * STEP_NUMBERS * 8 {
            return Err(Malformed::OverLimit);
        }
        let mut steps = Vec::new();
        while steps.is_empty() || self.at < self.payload.len() {
            steps.push(self.step()?);
        }
        Ok(steps)
    }

    fn step(&mut self) -> Result<RosterStep, Malformed> {
        let (sort, user, role) = (self.number()?, UserId(self.number()?), self.number()?);
        let (since, muted_until) = (Seq(self.number()?), Timestamp(self.number()?));
        let place = || {
            let role = u8::try_from(role).ok().and_then(Role::from_number).ok_or(Malformed::OverLimit)?;
            Ok(Membership { role, since, muted_until })
        };
        Ok(match sort {
            step::ADD => RosterStep::Add(user, place()?),
            step::DELETE => RosterStep::Delete(user),
            step::PLACE => RosterStep::Place(user, place()?),
            step::MUTE_ALL => RosterStep::MuteAll(muted_until),
            step::CLOSE => RosterStep::Close,
            _ => return Err(Malformed::OverLimit),
        })
    }

    /// The rest, as users.
    fn users(&mut self) -> Result<Vec<UserId>, Malformed> {
        if self.payload.len() - self.at > NOTICE_USERS_MAX * 8 {
            return Err(Malformed::OverLimit);
        }
        let mut users = Vec::with_capacity((self.payload.len() - self.at) / 8);
        while self.at < self.payload.len() {
            users.push(UserId(self.number()?));
        }
        Ok(users)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use protocol::{ChatMessage, MessageKind, PresencePush, State, encode};

    fn presence() -> Bytes {
        encode::push_bytes(&Push::Presence(PresencePush { id: 1, state: State::Online, last_seen: 0 }))
    }

    fn chat(text: &str) -> Bytes {
        encode::push_bytes(&Push::Message(ChatMessage {
            conv: 7,
            seq: 3,
            from: 1,
            name: "ann".into(),
            client_msg_id: "x".into(),
            time: 1,
            kind: MessageKind::Text,
            msg: text.into(),
            ..ChatMessage::default()
        }))
    }

    fn message(message: &StoredPush) -> Bytes {
        let StoredPush { conversation, seq, parties, version, frame } = message;
        let mut out = BytesMut::new();
        begin_message(*conversation, *seq, *parties, *version, &mut out);
        out.put_slice(frame);
        out.freeze()
    }

    /// An encoded change.
    fn change() -> Bytes {
        let message = ChatMessage { conv: 7, seq: 3, ..ChatMessage::default() };
        encode::push_bytes(&Push::Changed(protocol::Changed { conv: 7, position: 5, message }))
    }

    fn changed(message: &StoredPush) -> Bytes {
        let StoredPush { conversation, seq, parties, version, frame } = message;
        let mut out = BytesMut::new();
        begin_changed(*conversation, *seq, ChangePosition(5), *parties, *version, &mut out);
        out.put_slice(frame);
        out.freeze()
    }

    fn pair(text: &str) -> StoredPush {
        StoredPush {
            conversation: ConversationId(7),
            seq: Seq(3),
            parties: Parties::Pair(UserId(1), UserId(2)),
            version: RosterVersion(0),
            frame: chat(text),
        }
    }

    fn group(text: &str) -> StoredPush {
        StoredPush { parties: Parties::Group, version: RosterVersion(9), ..pair(text) }
    }

    /// One of each kind, with a topic it may stand on.
    fn samples() -> Vec<(Topic, Bytes)> {
        let (user, in_group) = (Topic::User(UserId(1)), Topic::Group(GroupId(7)));
        let (one, other) = (UserId(1), UserId(2));
        let place = Membership { role: Role::Admin, since: Seq(4), muted_until: Timestamp(5) };
        let notices = [
            Notice::SessionEnded { user: one, session: SessionId(5), why: "because".into() },
            Notice::SessionMoved {
                user: one,
                session: SessionId(5),
                moved: Move { at_us: 1_700_000_000_000_000, by: 77 },
            },
            Notice::FriendshipChanged { one, other },
            Notice::MembershipChanged { group: GroupId(7), user: one },
            Notice::RosterChanged(RosterChange {
                group: GroupId(7),
                version: RosterVersion(9),
                steps: vec![RosterStep::Add(one, place), RosterStep::Place(other, place)],
            }),
            Notice::RosterChanged(RosterChange {
                group: GroupId(7),
                version: RosterVersion(9),
                steps: vec![RosterStep::Delete(other), RosterStep::MuteAll(Timestamp(77)), RosterStep::Close],
            }),
            Notice::ProfileChanged { user: one, shows: Shows::TheSame },
            Notice::ProfileChanged { user: one, shows: Shows::Another },
            Notice::PresenceChanged { user: one, friends: vec![other, UserId(NUMBER_MAX)] },
            Notice::FriendsNoted { user: one, friends: vec![other, UserId(NUMBER_MAX)] },
        ];
        let mut samples = vec![
            (user, push(&presence())),
            (in_group, group_push(RosterVersion(1), other, &presence())),
            (user, message(&pair("hi"))),
            (in_group, message(&group("hi"))),
        ];
        let changes = [pair(""), group("")].map(|push| changed(&StoredPush { frame: change(), ..push }));
        samples.extend([user, in_group].into_iter().zip(changes));
        samples.extend(
            notices.iter().flat_map(|n| notice(n).into_iter().map(|payload| (Topic::Nodes, payload))),
        );
        samples
    }

    #[test]
    fn every_kind_is_read_as_it_was_written() {
        let decoded: Vec<_> =
            samples().iter().map(|(topic, payload)| NodeMessage::decode(*topic, payload).unwrap()).collect();
        assert_eq!(decoded[0], NodeMessage::Push { frame: presence() });
        let but = UserId(2);
        assert_eq!(decoded[1], NodeMessage::GroupPush { version: RosterVersion(1), but, frame: presence() });
        assert_eq!(decoded[2], NodeMessage::Message(pair("hi")));
        assert_eq!(decoded[3], NodeMessage::Message(group("hi")));
        let change = |push: StoredPush| StoredPush { frame: change(), ..push };
        assert_eq!(decoded[4], NodeMessage::Changed(change(pair("")), ChangePosition(5)));
        assert_eq!(decoded[5], NodeMessage::Changed(change(group("")), ChangePosition(5)));
        for (message, (_, payload)) in decoded[6..].iter().zip(&samples()[6..]) {
            let NodeMessage::Notice(read) = message else { panic!("{message:?}") };
            assert_eq!(&notice(read), std::slice::from_ref(payload));
        }
        assert_eq!(decoded.len(), 16, "every kind");
    }

    #[test]
    fn what_ends_early_or_late_or_stands_elsewhere_is_refused() {
        for (topic, payload) in samples() {
            let kind = payload[1];
            for end in 0..payload.len() {
                let cut = payload.slice(..end);
                let read = NodeMessage::decode(topic, &cut);
                // A shorter sentence and fewer friends are sentences and friends.
                let rest_counts = (kind == kind::SESSION_ENDED && end >= 18)
                    || ([kind::PRESENCE_CHANGED, kind::FRIENDS_NOTED].contains(&kind)
                        && end >= 10
                        && (end - 10) % 8 == 0)
                    // And fewer steps are steps.
                    || (kind == kind::ROSTER_CHANGED && end > 18 && (end - 18) % (STEP_NUMBERS * 8) == 0);
                assert_eq!(read.is_ok(), rest_counts, "kind {kind} cut at {end}");
            }
            if kind != kind::SESSION_ENDED {
                let longer = Bytes::from([&payload[..], b"x"].concat());
                assert!(NodeMessage::decode(topic, &longer).is_err(), "kind {kind}");
            }
            for other in [Topic::User(UserId(3)), Topic::Group(GroupId(8)), Topic::Nodes] {
                // Who follows the group is told of its roster before its messages.
                if kind == kind::ROSTER_CHANGED && other == Topic::Group(GroupId(8)) {
                    let theirs = NodeMessage::decode(Topic::Group(GroupId(7)), &payload).unwrap();
                    assert_eq!(NodeMessage::decode(topic, &payload), Ok(theirs));
                }
                let fits = std::mem::discriminant(&other) == std::mem::discriminant(&topic);
                let addressed =
                    [kind::PAIR_MESSAGE, kind::GROUP_MESSAGE, kind::PAIR_CHANGED, kind::GROUP_CHANGED]
                        .contains(&kind);
                if !fits || addressed {
                    assert_eq!(NodeMessage::decode(other, &payload), Err(Malformed::Topic), "kind {kind}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_push_never_gets_through() {
        let user = Topic::User(UserId(1));
        let mut reply = BytesMut::new();
        encode::reply(4, &protocol::Reply::LogOut(protocol::Nothing {}), &mut reply);
        let mut request = BytesMut::new();
        encode::request(4, &protocol::Request::Ping(protocol::Ping {}), &mut request);
        let two = [presence(), presence()].concat();
        for (junk, why) in [
            (&reply[..], Malformed::Frame),
            (&request[..], Malformed::Frame),
            (b"GET / HTTP/1.1", Malformed::Frame),
            (&two[..], Malformed::Trailing),
            (b"", Malformed::Truncated),
        ] {
            assert_eq!(NodeMessage::decode(user, &push(junk)), Err(why));
        }
        let presence_as_message = StoredPush { frame: presence(), ..pair("") };
        assert_eq!(NodeMessage::decode(user, &message(&presence_as_message)), Err(Malformed::Frame));
        let before_the_first = StoredPush { seq: Seq(0), ..pair("") };
        assert_eq!(NodeMessage::decode(user, &message(&before_the_first)), Err(Malformed::OverLimit));
        let beyond = StoredPush { seq: Seq(NUMBER_MAX + 1), ..pair("") };
        assert_eq!(NodeMessage::decode(user, &message(&beyond)), Err(Malformed::OverLimit));
        assert_eq!(NodeMessage::decode(user, &Bytes::from_static(&[1, 77])), Err(Malformed::Kind(77)));
        assert_eq!(NodeMessage::decode(user, &Bytes::from_static(&[2, 1])), Err(Malformed::Format(2)));
    }

    #[test]
    fn many_friends_take_several_notices_and_long_sentences_are_cut() {
        let friends: Vec<UserId> = (1..=NOTICE_USERS_MAX as u64 + 1).map(UserId).collect();
        let payloads = notice(&Notice::PresenceChanged { user: UserId(1), friends: friends.clone() });
        let mut read = Vec::new();
        for payload in &payloads {
            match NodeMessage::decode(Topic::Nodes, payload) {
                Ok(NodeMessage::Notice(Notice::PresenceChanged { friends, .. })) => read.extend(friends),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((payloads.len(), read), (2, friends));
        let why = "ü".repeat(NOTICE_TEXT_BYTES_MAX);
        let ended = notice(&Notice::SessionEnded { user: UserId(1), session: SessionId(1), why });
        assert!(NodeMessage::decode(Topic::Nodes, &ended[0]).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn messages_survive_the_way(
            conversation in 0..=NUMBER_MAX,
            seq in 1..=NUMBER_MAX,
            one in 0..NUMBER_MAX,
            version in 0..=NUMBER_MAX,
            text in ".{0,200}",
            in_group: bool,
        ) {
            let other = UserId(one + 1);
            let (parties, version, topic) = match in_group {
                true => (Parties::Group, RosterVersion(version), Topic::Group(GroupId(conversation))),
                false => (Parties::Pair(UserId(one), other), RosterVersion(0), Topic::User(other)),
            };
            let sent = StoredPush {
                conversation: ConversationId(conversation), seq: Seq(seq), parties, version, frame: chat(&text),
            };
            let read = NodeMessage::decode(topic, &message(&sent));
            prop_assert_eq!(read, Ok(NodeMessage::Message(sent)));
        }

        #[test]
        fn random_bytes_are_refused_without_harm(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
            kind in 0u8..17,
            known_head: bool,
        ) {
            if known_head && bytes.len() >= 2 {
                bytes[0] = FORMAT;
                bytes[1] = kind;
            }
            let payload = Bytes::from(bytes);
            for topic in [Topic::User(UserId(1)), Topic::Group(GroupId(1)), Topic::Nodes] {
                if let Ok(message) = NodeMessage::decode(topic, &payload) {
                    prop_assert!(matches!(message, NodeMessage::Notice(_)), "no random push: {:?}", message);
                }
            }
        }

        #[test]
        fn one_changed_byte_never_makes_it_panic(at: prop::sample::Index, to: u8, which: prop::sample::Index) {
            let samples = samples();
            let (topic, payload) = which.get(&samples);
            let mut bytes = payload.to_vec();
            *at.get_mut(&mut bytes) = to;
            let _ = NodeMessage::decode(*topic, &Bytes::from(bytes));
        }
    }
}
