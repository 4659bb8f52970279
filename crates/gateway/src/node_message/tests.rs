//! Payloads as they are written and read, and everything that is refused.

use proptest::prelude::*;
use protocol::{ChatMessage, HEADER_LEN, MessageKind, PresencePush, State, encode};
use service::domain::{BroadcastId, GroupId, Membership, Role, SessionId, Shows, Timestamp};
use service::{Move, RosterChange, RosterStep};

use super::notice::{NOTICE_TEXT_BYTES_MAX, NOTICE_USERS_MAX, STEP_NUMBERS};
use super::*;

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
        Notice::Broadcast { id: BroadcastId(NUMBER_MAX) },
    ];
    let mut samples = vec![
        (user, push(&presence())),
        (in_group, group_push(RosterVersion(1), other, &presence())),
        (user, message(&pair("hi"))),
        (in_group, message(&group("hi"))),
    ];
    let changes = [pair(""), group("")].map(|push| changed(&StoredPush { frame: change(), ..push }));
    samples.extend([user, in_group].into_iter().zip(changes));
    samples.extend(notices.iter().flat_map(|n| notice(n).into_iter().map(|payload| (Topic::Nodes, payload))));
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
    assert_eq!(decoded.len(), 17, "every kind");
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
    let mut garbled = presence().to_vec();
    garbled[HEADER_LEN] = 0xff;
    for (junk, why) in [
        (&reply[..], Malformed::Frame),
        (&request[..], Malformed::Frame),
        (b"GET / HTTP/1.1", Malformed::Frame),
        (&garbled[..], Malformed::Frame),
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
