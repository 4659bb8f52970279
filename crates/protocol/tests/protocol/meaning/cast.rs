//! The people and things that the vectors speak of.

use protocol::*;

pub(super) const TIME: u64 = 1_767_225_600_000;
/// The epoch of the log that the vectors speak of.
pub(super) const EPOCH: &str = "7d4e52a90f3c4b1e8a6600c2f1d95b37";
pub(super) const TOKEN: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
pub(super) const CODES: [&str; 10] = [
    "9FQT-2M0C-XW7B-K3RD",
    "V1HZ-6NPA-40JE-S8GY",
    "T5CK-D2QX-7W9R-M3FB",
    "0Z8J-NE4H-VA6P-Y1GS",
    "KQ2W-R9TD-5XCM-B7F3",
    "8PHV-0AJN-ZE6Y-41GS",
    "M7RX-3KCB-QT2F-D9W5",
    "A6YE-G0SP-J4VN-H8Z1",
    "C2DT-W5FM-9BQK-X7R3",
    "1NGA-8ZPJ-S6HE-Y0V4",
];
pub(super) const ALICES_ID: &str = "0198c1de-7b3a-7c44-9a53-0f6d1c2b3a4e";
pub(super) const BOBS_ID: &str = "0198c1de-9d01-7e1b-8c22-5a4f3e2d1c0b";
pub(super) const BOBS_NEXT_ID: &str = "0198c1de-b8f4-7d20-b1a6-90c4d7e2f513";

pub(super) fn new_password() -> Secret {
    Secret::new("battery staple")
}

pub(super) fn recovery_codes() -> Vec<Secret> {
    CODES.map(Secret::new).into()
}

pub(super) fn bob() -> Friend {
    Friend { id: 2, name: "bob".into(), state: State::Online, conv: 10, ..Friend::default() }
}

pub(super) const BOBS_PICTURE: &str = "https://pictures.example/bob.png";

pub(super) fn bobby() -> Friend {
    Friend {
        nickname: "Bobby".into(),
        avatar: BOBS_PICTURE.into(),
        state: State::Offline,
        last_seen: TIME + 70_000,
        ..bob()
    }
}

pub(super) fn bobs_profile() -> Profile {
    Profile {
        id: 2,
        name: "bob".into(),
        nickname: "Bobby".into(),
        signature: "Up is the only way".into(),
        avatar: BOBS_PICTURE.into(),
        phone: None,
        searchable: None,
    }
}

pub(super) fn climbers(role: Role, members: u32) -> Group {
    Group {
        id: 11,
        groupname: "climbers".into(),
        groupdesc: "Tuesdays at seven".into(),
        role,
        members,
        state: GroupState::Open,
    }
}

pub(super) fn carols_request() -> FriendRequest {
    FriendRequest {
        id: 3,
        name: "carol".into(),
        nickname: String::new(),
        direction: Direction::In,
        greeting: "We met at the wall".into(),
        time: TIME + 5_000,
    }
}

pub(super) fn direct(last: u64, acked: u64) -> Conversation {
    Conversation {
        conv: 10,
        kind: ConversationKind::Direct,
        with: 2,
        first: 1,
        last,
        acked,
        read: 0,
        restored: 0,
        last_change: 0,
    }
}

pub(super) fn of_group(first: u64, last: u64, acked: u64) -> Conversation {
    Conversation {
        conv: 11,
        kind: ConversationKind::Group,
        with: 11,
        first,
        last,
        acked,
        read: 0,
        restored: 0,
        last_change: 0,
    }
}

pub(super) fn bobs_message() -> ChatMessage {
    ChatMessage {
        conv: 10,
        seq: 1,
        from: 2,
        name: "bob".into(),
        client_msg_id: BOBS_ID.into(),
        time: TIME + 61_000,
        kind: MessageKind::Text,
        msg: "hi 👋".into(),
        ..ChatMessage::default()
    }
}

pub(super) fn bobs_answer() -> ChatMessage {
    ChatMessage {
        seq: 3,
        client_msg_id: BOBS_NEXT_ID.into(),
        time: TIME + 64_000,
        msg: "Climbing on Tuesday?".into(),
        ..bobs_message()
    }
}

/// What bob says to what alice said, and to her.
pub(super) fn bobs_reply() -> ChatMessage {
    ChatMessage {
        seq: 4,
        time: TIME + 65_000,
        msg: "Hello, alice".into(),
        reply_to: 2,
        quote: Some(Quote { from: 1, name: "alice".into(), msg: "你好, bob".into() }),
        mentions: vec![1],
        ..bobs_message()
    }
}

/// [`bobs_answer`] after bob edited it.
pub(super) fn bobs_edited() -> ChatMessage {
    ChatMessage { msg: "Climbing on Thursday?".into(), edited: TIME + 90_000, ..bobs_answer() }
}

/// The same after he took it back.
pub(super) fn bobs_recalled() -> ChatMessage {
    let recalled = Some(Recalled { by: 2, name: "bob".into(), at: TIME + 100_000 });
    ChatMessage { msg: String::new(), recalled, ..bobs_answer() }
}

/// What alice did to the group, as message `seq` of its conversation.
pub(super) fn alices_deed(seq: u64, event: SystemEvent) -> ChatMessage {
    ChatMessage {
        conv: 11,
        seq,
        from: 1,
        name: "alice".into(),
        client_msg_id: String::new(),
        time: TIME + 80_000,
        kind: MessageKind::System,
        msg: event.sentence(),
        event: Some(event),
        ..ChatMessage::default()
    }
}

pub(super) fn alices_event(what: SystemEventKind) -> SystemEvent {
    SystemEvent::new(what, 1, "alice")
}
