//! What the frames of `vectors.json` mean, as typed values.

use protocol::*;

/// What a frame says.
#[expect(clippy::large_enum_variant, reason = "a few dozen of them, one after the other")]
pub(crate) enum Meaning {
    /// A client says it, with this rid.
    Request(u32, Request),
    /// A server says it.
    Incoming(Incoming),
}

const TIME: u64 = 1_767_225_600_000;
/// The epoch of the log that the vectors speak of.
const EPOCH: &str = "7d4e52a90f3c4b1e8a6600c2f1d95b37";
const TOKEN: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const CODES: [&str; 10] = [
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
const ALICES_ID: &str = "0198c1de-7b3a-7c44-9a53-0f6d1c2b3a4e";
const BOBS_ID: &str = "0198c1de-9d01-7e1b-8c22-5a4f3e2d1c0b";
const BOBS_NEXT_ID: &str = "0198c1de-b8f4-7d20-b1a6-90c4d7e2f513";

/// Every frame's name and meaning.
pub(crate) fn meanings() -> Vec<(&'static str, Meaning)> {
    [
        connections(),
        accounts(),
        profiles(),
        friends(),
        friend_notes(),
        groups(),
        messages(),
        changes(),
        message_search(),
        receipts(),
        hidden(),
        quiet(),
        notices(),
        broadcasts(),
        refusals(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn request(rid: u32, request: Request) -> Meaning {
    Meaning::Request(rid, request)
}

fn reply(rid: u32, reply: Reply) -> Meaning {
    Meaning::Incoming(Incoming::Reply { rid, result: Ok(reply) })
}

fn refused(rid: u32, refusal: Refusal) -> Meaning {
    Meaning::Incoming(Incoming::Reply { rid, result: Err(refusal) })
}

fn push(push: Push) -> Meaning {
    Meaning::Incoming(Incoming::Push(push))
}

fn new_password() -> Secret {
    Secret::new("battery staple")
}

fn recovery_codes() -> Vec<Secret> {
    CODES.map(Secret::new).into()
}

fn bob() -> Friend {
    Friend { id: 2, name: "bob".into(), state: State::Online, conv: 10, ..Friend::default() }
}

const BOBS_PICTURE: &str = "https://pictures.example/bob.png";

fn bobby() -> Friend {
    Friend {
        nickname: "Bobby".into(),
        avatar: BOBS_PICTURE.into(),
        state: State::Offline,
        last_seen: TIME + 70_000,
        ..bob()
    }
}

fn bobs_profile() -> Profile {
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

fn climbers(role: Role, members: u32) -> Group {
    Group {
        id: 11,
        groupname: "climbers".into(),
        groupdesc: "Tuesdays at seven".into(),
        role,
        members,
        state: GroupState::Open,
    }
}

fn carols_request() -> FriendRequest {
    FriendRequest {
        id: 3,
        name: "carol".into(),
        nickname: String::new(),
        direction: Direction::In,
        greeting: "We met at the wall".into(),
        time: TIME + 5_000,
    }
}

fn direct(last: u64, acked: u64) -> Conversation {
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

fn of_group(first: u64, last: u64, acked: u64) -> Conversation {
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

fn bobs_message() -> ChatMessage {
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

fn bobs_answer() -> ChatMessage {
    ChatMessage {
        seq: 3,
        client_msg_id: BOBS_NEXT_ID.into(),
        time: TIME + 64_000,
        msg: "Climbing on Tuesday?".into(),
        ..bobs_message()
    }
}

/// What bob says to what alice said, and to her.
fn bobs_reply() -> ChatMessage {
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
fn bobs_edited() -> ChatMessage {
    ChatMessage { msg: "Climbing on Thursday?".into(), edited: TIME + 90_000, ..bobs_answer() }
}

/// The same after he took it back.
fn bobs_recalled() -> ChatMessage {
    let recalled = Some(Recalled { by: 2, name: "bob".into(), at: TIME + 100_000 });
    ChatMessage { msg: String::new(), recalled, ..bobs_answer() }
}

/// What alice did to the group, as message `seq` of its conversation.
fn alices_deed(seq: u64, event: SystemEvent) -> ChatMessage {
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

fn alices_event(what: SystemEventKind) -> SystemEvent {
    SystemEvent::new(what, 1, "alice")
}

fn connections() -> Vec<(&'static str, Meaning)> {
    vec![
        (
            "hello/request",
            request(
                1,
                Request::Hello(Hello {
                    versions: vec![1],
                    client: "sketch/0.1".into(),
                    device: "laptop".into(),
                }),
            ),
        ),
        (
            "hello/reply",
            reply(
                1,
                Reply::Hello(HelloReply {
                    version: 1,
                    server: "chat/0.1.0".into(),
                    node: "node-1".into(),
                    time: TIME,
                    heartbeat_ms: 12_000,
                    frame_bytes_max: limits::FRAME_BYTES_MAX,
                    text_bytes_max: limits::TEXT_BYTES_MAX as u32,
                    pipeline_max: 64,
                    page_max: limits::PAGE_MAX,
                }),
            ),
        ),
        ("ping/request", request(9, Request::Ping(Nothing {}))),
        ("ping/reply", reply(9, Reply::Ping(Nothing {}))),
        ("ping/push", push(Push::Ping(Nothing {}))),
        (
            "bye/push",
            push(Push::Bye(Bye {
                errcode: Code::GOING_AWAY.0,
                errmsg: Code::GOING_AWAY.text().into(),
                retry_after_ms: 500,
            })),
        ),
        (
            "bye/push-bad-frame",
            push(Push::Bye(Bye {
                errcode: Code::BAD_FRAME.0,
                errmsg: Code::BAD_FRAME.text().into(),
                retry_after_ms: 0,
            })),
        ),
        (
            "bye/push-too-many",
            push(Push::Bye(Bye {
                errcode: Code::TOO_MANY.0,
                errmsg: "too many failed logins on this connection".into(),
                retry_after_ms: 1_000,
            })),
        ),
    ]
}

fn accounts() -> Vec<(&'static str, Meaning)> {
    let password = || Secret::new("correct horse");
    let bundle = |token: Option<&str>| SignedIn {
        id: 1,
        name: "alice".into(),
        session: 5,
        token: token.map(Secret::new),
        ..SignedIn::default()
    };
    vec![
        ("reg/request", request(2, Request::Reg(Reg { name: "alice".into(), password: password() }))),
        ("reg_ack/reply", reply(2, Reply::Reg(Registered { id: 1, recovery_codes: recovery_codes() }))),
        (
            "login/request",
            request(
                3,
                Request::Login(Login {
                    name: Some("alice".into()),
                    password: password(),
                    ..Login::default()
                }),
            ),
        ),
        (
            "login/request-by-id",
            request(
                3,
                Request::Login(Login {
                    id: Some(1),
                    password: password(),
                    notices_after: Some(5),
                    broadcasts_after: Some(3),
                    epoch: Some(EPOCH.into()),
                    friends_version: Some("41".into()),
                    groups_version: Some("3.12".into()),
                    ..Login::default()
                }),
            ),
        ),
        (
            "login_ack/reply",
            reply(
                3,
                Reply::Login(SignedIn {
                    friends: vec![bob()],
                    groups: vec![climbers(Role::Owner, 1)],
                    requests: vec![carols_request()],
                    convs: vec![direct(1, 0)],
                    friends_version: "42".into(),
                    groups_version: "3.12".into(),
                    notices_last: 7,
                    notices_acked: 5,
                    broadcasts_last: 4,
                    broadcasts_acked: 3,
                    epoch: EPOCH.into(),
                    ..bundle(Some(TOKEN))
                }),
            ),
        ),
        (
            "login_ack/reply-goes-on",
            reply(
                3,
                Reply::Login(SignedIn {
                    friends_next: 4,
                    groups_next: 11,
                    requests_next: 3,
                    convs_next: 10,
                    applications: 2,
                    invitations: 1,
                    quiet_version: 7,
                    hidden_last: 3,
                    ..bundle(Some(TOKEN))
                }),
            ),
        ),
        (
            "login_ack/reply-unchanged",
            reply(
                3,
                Reply::Login(SignedIn {
                    friends_version: "42".into(),
                    friends_unchanged: true,
                    friends_online: Some(vec![2]),
                    groups_version: "3.12".into(),
                    groups_unchanged: true,
                    ..bundle(Some(TOKEN))
                }),
            ),
        ),
        (
            "resume/request",
            request(
                3,
                Request::Resume(Resume {
                    token: Secret::new(TOKEN),
                    notices_after: Some(5),
                    broadcasts_after: Some(3),
                    epoch: Some(EPOCH.into()),
                    friends_version: Some("42".into()),
                    groups_version: Some("3.12".into()),
                }),
            ),
        ),
        (
            "resume/reply",
            reply(
                3,
                Reply::Resume(SignedIn {
                    friends: vec![bob()],
                    friends_version: "42".into(),
                    groups_version: "2.0".into(),
                    notices_last: 7,
                    notices_acked: 5,
                    epoch: EPOCH.into(),
                    ..bundle(None)
                }),
            ),
        ),
        ("resync/push", push(Push::Resync(Resync { within_ms: 2_000 }))),
        (
            "refresh/request",
            request(
                44,
                Request::Refresh(Refresh {
                    notices_after: Some(5),
                    broadcasts_after: Some(3),
                    epoch: Some(EPOCH.into()),
                    friends_version: Some("42".into()),
                    groups_version: Some("2.0".into()),
                }),
            ),
        ),
        (
            "refresh/reply",
            reply(
                44,
                Reply::Refresh(SignedIn {
                    friends_version: "42".into(),
                    friends_unchanged: true,
                    friends_online: Some(vec![2]),
                    groups_version: "2.0".into(),
                    groups_unchanged: true,
                    notices_last: 7,
                    notices_acked: 5,
                    epoch: EPOCH.into(),
                    ..bundle(None)
                }),
            ),
        ),
        ("loginout/request", request(7, Request::LogOut(Nothing {}))),
        ("loginout/reply", reply(7, Reply::LogOut(Nothing {}))),
        ("sessions/request", request(41, Request::Sessions(Nothing {}))),
        (
            "sessions/reply",
            reply(
                41,
                Reply::Sessions(SessionsList {
                    sessions: vec![
                        Session {
                            session: 5,
                            device: "laptop".into(),
                            since: TIME,
                            seen: TIME + 60_000,
                            state: State::Online,
                            current: true,
                        },
                        Session {
                            session: 6,
                            device: "phone".into(),
                            since: TIME - 86_400_000,
                            seen: TIME - 3_600_000,
                            state: State::Offline,
                            current: false,
                        },
                    ],
                }),
            ),
        ),
        ("end_session/request", request(42, Request::EndSession(SessionRef { session: 6 }))),
        ("end_session/reply", reply(42, Reply::EndSession(Nothing {}))),
        (
            "change_password/request",
            request(
                43,
                Request::ChangePassword(ChangePassword {
                    password: password(),
                    new_password: new_password(),
                }),
            ),
        ),
        ("change_password/reply", reply(43, Reply::ChangePassword(Nothing {}))),
        ("change_password/refused-wrong-password", refused(43, Refusal::new(Code::BAD_CREDENTIALS))),
        (
            "recover/request",
            request(
                2,
                Request::Recover(Recover {
                    id: None,
                    name: Some("alice".into()),
                    code: Secret::new(CODES[0]),
                    new_password: new_password(),
                }),
            ),
        ),
        (
            "recover/request-by-id",
            request(
                2,
                Request::Recover(Recover {
                    id: Some(1),
                    name: None,
                    code: Secret::new(CODES[1].to_lowercase().replace('-', " ")),
                    new_password: new_password(),
                }),
            ),
        ),
        ("recover/reply", reply(2, Reply::Recover(Recovered { id: 1, name: "alice".into(), codes_left: 9 }))),
        (
            "recover/refused",
            refused(
                2,
                Refusal::saying(
                    Code::BAD_CREDENTIALS,
                    "account or code is wrong, or the account has to wait after wrong codes",
                ),
            ),
        ),
        ("recover/refused-too-many", refused(3, Refusal::new(Code::TOO_MANY).retry_after_ms(2_000))),
        (
            "new_recovery_codes/request",
            request(44, Request::NewRecoveryCodes(PasswordProof { password: password() })),
        ),
        (
            "new_recovery_codes/reply",
            reply(44, Reply::NewRecoveryCodes(RecoveryCodes { recovery_codes: recovery_codes() })),
        ),
        (
            "delete_account/request",
            request(
                45,
                Request::DeleteAccount(DeleteAccount { password: password(), owned: OwnedGroups::HandOver }),
            ),
        ),
        ("delete_account/reply", reply(45, Reply::DeleteAccount(Nothing {}))),
    ]
}

fn friends() -> Vec<(&'static str, Meaning)> {
    let asked = FriendAnswer { outcome: FriendOutcome::Requested, friend: None };
    let friends = FriendAnswer { outcome: FriendOutcome::Friends, friend: Some(bob()) };
    vec![
        (
            "add_friend/request",
            request(10, Request::AddFriend(AddFriend { friendid: 2, greeting: "alice from work".into() })),
        ),
        ("add_friend/reply", reply(10, Reply::AddFriend(asked))),
        ("add_friend/reply-friends", reply(10, Reply::AddFriend(friends.clone()))),
        ("accept_friend/request", request(11, Request::AcceptFriend(FriendRef { friendid: 2 }))),
        ("accept_friend/reply", reply(11, Reply::AcceptFriend(friends))),
        ("refuse_friend/request", request(12, Request::RefuseFriend(FriendRef { friendid: 3 }))),
        ("refuse_friend/reply", reply(12, Reply::RefuseFriend(Nothing {}))),
        ("withdraw_friend/request", request(13, Request::WithdrawFriend(FriendRef { friendid: 4 }))),
        ("withdraw_friend/reply", reply(13, Reply::WithdrawFriend(Nothing {}))),
        ("delete_friend/request", request(14, Request::DeleteFriend(FriendRef { friendid: 2 }))),
        ("delete_friend/reply", reply(14, Reply::DeleteFriend(Nothing {}))),
        ("friends/request", request(15, Request::Friends(Page { after: 1, limit: 1 }))),
        ("friends/reply", reply(15, Reply::Friends(FriendsPage { friends: vec![bob()], next: 2 }))),
        (
            "friends/reply-nickname",
            reply(15, Reply::Friends(FriendsPage { friends: vec![bobby()], next: 0 })),
        ),
        ("friend_requests/request", request(16, Request::FriendRequests(Page { after: 0, limit: 0 }))),
        (
            "friend_requests/reply",
            reply(
                16,
                Reply::FriendRequests(FriendRequestsPage {
                    requests: vec![
                        carols_request(),
                        FriendRequest {
                            id: 4,
                            name: "dave".into(),
                            nickname: String::new(),
                            direction: Direction::Out,
                            greeting: String::new(),
                            time: TIME + 6_000,
                        },
                    ],
                    next: 4,
                }),
            ),
        ),
        (
            "friend_event/push",
            push(Push::FriendEvent(FriendEvent {
                event: FriendEventKind::Requested,
                id: 3,
                name: "carol".into(),
                by: 3,
                greeting: "We met at the wall".into(),
                friend: None,
                notice: 0,
            })),
        ),
        (
            "friend_event/push-accepted",
            push(Push::FriendEvent(FriendEvent {
                event: FriendEventKind::Accepted,
                id: 2,
                name: "bob".into(),
                by: 2,
                greeting: String::new(),
                friend: Some(bob()),
                notice: 6,
            })),
        ),
        (
            "presence/push",
            push(Push::Presence(PresencePush { id: 2, state: State::Offline, last_seen: TIME + 70_000 })),
        ),
    ]
}

fn profiles() -> Vec<(&'static str, Meaning)> {
    let phone = || Some(Secret::new("+1 555 0101"));
    let own = Profile {
        id: 1,
        name: "alice".into(),
        phone: Some(Secret::new("+1 555 0100")),
        searchable: Some(true),
        ..Profile::default()
    };
    let edit = EditProfile { nickname: Some("Bobby".into()), ..EditProfile::default() };
    let everything = EditProfile {
        nickname: Some("Bobby".into()),
        signature: Some("Up is the only way".into()),
        avatar: Some(BOBS_PICTURE.into()),
        phone: phone(),
        searchable: Some(false),
    };
    let edited = Profile { phone: phone(), searchable: Some(false), ..bobs_profile() };
    let search = SearchUsers { query: "bo".into(), after: 0, limit: 0 };
    let further = SearchUsers { after: 2, limit: 20, ..search.clone() };
    let bob = FoundUser { id: 2, name: "bob".into(), nickname: "Bobby".into(), avatar: BOBS_PICTURE.into() };
    let carol =
        FoundUser { id: 3, name: "carol".into(), nickname: "Bouldering".into(), avatar: String::new() };
    let found = vec![bob, carol];
    let mallory = FoundUser { id: 6, name: "mallory".into(), ..FoundUser::default() };
    let renamed = FriendChanged { id: 2, nickname: Some("Bobby".into()), ..FriendChanged::default() };
    let pictured = FriendChanged { avatar: Some(BOBS_PICTURE.into()), ..renamed.clone() };
    vec![
        ("profile/request", request(40, Request::Profile(ProfileOf { id: Some(2) }))),
        ("profile/request-own", request(41, Request::Profile(ProfileOf { id: None }))),
        ("profile/reply", reply(40, Reply::Profile(bobs_profile()))),
        ("profile/reply-own", reply(41, Reply::Profile(own))),
        ("profile/refused-not-found", refused(42, Refusal::new(Code::NOT_FOUND))),
        ("edit_profile/request", request(43, Request::EditProfile(edit))),
        ("edit_profile/request-all", request(44, Request::EditProfile(everything))),
        ("edit_profile/reply", reply(44, Reply::EditProfile(edited))),
        ("block/request", request(60, Request::Block(UserRef { userid: 6 }))),
        ("block/reply", reply(60, Reply::Block(Nothing {}))),
        ("block/refused-not-found", refused(61, Refusal::new(Code::NOT_FOUND))),
        ("unblock/request", request(62, Request::Unblock(UserRef { userid: 6 }))),
        ("unblock/reply", reply(62, Reply::Unblock(Nothing {}))),
        ("blocked/request", request(63, Request::Blocked(Page { after: 0, limit: 1 }))),
        ("blocked/reply", reply(63, Reply::Blocked(BlockedPage { blocked: vec![mallory], next: 6 }))),
        ("search_users/request", request(45, Request::SearchUsers(search))),
        ("search_users/request-page", request(46, Request::SearchUsers(further))),
        ("search_users/reply", reply(45, Reply::SearchUsers(FoundUsers { found, next: 3 }))),
        (
            "search_users/refused-bad-field",
            refused(47, Refusal::saying(Code::BAD_FIELD, "type at least 2 characters").field("query")),
        ),
        ("friend_changed/push", push(Push::FriendChanged(renamed))),
        ("friend_changed/push-avatar", push(Push::FriendChanged(pictured))),
    ]
}

fn friend_notes() -> Vec<(&'static str, Meaning)> {
    let remark = EditFriend { friendid: 2, remark: Some("Bob from work".into()), label: None };
    let out = EditFriend { friendid: 2, remark: None, label: Some(String::new()) };
    let both = EditFriend { label: Some("climbing".into()), ..remark.clone() };
    let noted = Friend { remark: "Bob from work".into(), label: "climbing".into(), ..bob() };
    let rename = RenameLabel { label: "climbing".into(), to: "bouldering".into() };
    let dissolve = RenameLabel { label: "bouldering".into(), to: String::new() };
    let told = FriendChanged {
        id: 2,
        remark: Some("Bob from work".into()),
        label: Some("climbing".into()),
        ..FriendChanged::default()
    };
    vec![
        ("edit_friend/request", request(70, Request::EditFriend(remark))),
        ("edit_friend/request-both", request(71, Request::EditFriend(both))),
        ("edit_friend/request-no-label", request(72, Request::EditFriend(out))),
        ("edit_friend/reply", reply(71, Reply::EditFriend(noted.clone()))),
        ("friends/reply-note", reply(15, Reply::Friends(FriendsPage { friends: vec![noted], next: 0 }))),
        ("edit_friend/refused-not-friends", refused(73, Refusal::new(Code::NOT_FRIENDS))),
        ("edit_friend/refused-full", refused(74, Refusal::new(Code::FULL))),
        ("rename_label/request", request(75, Request::RenameLabel(rename))),
        ("rename_label/request-none", request(76, Request::RenameLabel(dissolve))),
        ("rename_label/reply", reply(75, Reply::RenameLabel(LabelRenamed { changed: 3 }))),
        ("friend_changed/push-note", push(Push::FriendChanged(told))),
    ]
}

fn broadcasts() -> Vec<(&'static str, Meaning)> {
    let back = Broadcast { id: 3, time: TIME + 8_000, msg: "Welcome back.".into() };
    let msg = "The server restarts at noon. 服务器中午重启。".into();
    let noon = Broadcast { id: 4, time: TIME + 9_000, msg };
    let page = |broadcasts, next| Reply::Broadcasts(BroadcastsPage { broadcasts, next, last: 4 });
    vec![
        ("broadcasts/request", request(19, Request::Broadcasts(Page { after: 2, limit: 50 }))),
        ("broadcasts/reply", reply(19, page(vec![back.clone(), noon.clone()], 0))),
        ("broadcasts/reply-goes-on", reply(19, page(vec![back], 3))),
        ("ack_broadcasts/request", request(20, Request::AckBroadcasts(AckBroadcasts { id: 4 }))),
        ("ack_broadcasts/reply", reply(20, Reply::AckBroadcasts(Nothing {}))),
        ("broadcast/push", push(Push::Broadcast(noon))),
    ]
}

fn notices() -> Vec<(&'static str, Meaning)> {
    let accepted = Notice {
        seq: 6,
        time: TIME + 7_000,
        kind: NoticeKind::FriendAccepted,
        by: 2,
        name: "bob".into(),
        groupid: None,
        groupname: None,
        role: None,
        until: None,
    };
    let in_climbers = |seq, kind| Notice {
        seq,
        time: TIME + 8_000,
        kind,
        groupid: Some(11),
        groupname: Some("climbers".into()),
        ..accepted.clone()
    };
    let appointed = Notice { role: Some(Role::Admin), ..in_climbers(7, NoticeKind::Role) };
    let muted = Notice { until: Some(TIME + 600_000), ..in_climbers(8, NoticeKind::Muted) };
    vec![
        ("notices/request", request(17, Request::Notices(Page { after: 5, limit: 3 }))),
        (
            "notices/reply",
            reply(
                17,
                Reply::Notices(NoticesPage {
                    notices: vec![accepted.clone(), appointed.clone(), muted.clone()],
                    next: 8,
                    last: 9,
                }),
            ),
        ),
        ("ack_notices/request", request(18, Request::AckNotices(AckNotices { seq: 8 }))),
        ("ack_notices/reply", reply(18, Reply::AckNotices(Nothing {}))),
        ("notice/push", push(Push::Notice(accepted))),
        ("notice/push-role", push(Push::Notice(appointed))),
        ("notice/push-muted", push(Push::Notice(muted))),
    ]
}

fn groups() -> Vec<(&'static str, Meaning)> {
    vec![
        (
            "create_group/request",
            request(
                20,
                Request::CreateGroup(CreateGroup {
                    groupname: "climbers".into(),
                    groupdesc: "Tuesdays at seven".into(),
                }),
            ),
        ),
        (
            "create_group/reply",
            reply(
                20,
                Reply::CreateGroup(Joined { group: climbers(Role::Owner, 1), conv: of_group(1, 0, 0) }),
            ),
        ),
        (
            "add_group/request",
            request(21, Request::JoinGroup(JoinGroup { groupid: 11, greeting: "bob sent me".into() })),
        ),
        ("add_group/reply", reply(21, Reply::JoinGroup(came()))),
        ("add_group/reply-applied", reply(21, Reply::JoinGroup(outcome(JoinOutcome::Applied)))),
        ("leave_group/request", request(22, Request::LeaveGroup(GroupRef { groupid: 11 }))),
        ("leave_group/reply", reply(22, Reply::LeaveGroup(Nothing {}))),
        ("groups/request", request(23, Request::Groups(Page { after: 0, limit: 50 }))),
        (
            "groups/reply",
            reply(23, Reply::Groups(GroupsPage { groups: vec![climbers(Role::Owner, 1)], next: 11 })),
        ),
        (
            "group_members/request",
            request(24, Request::GroupMembers(GroupMembers { groupid: 11, after: 1, limit: 100 })),
        ),
        (
            "group_members/reply",
            reply(
                24,
                Reply::GroupMembers(MembersPage {
                    users: vec![Member {
                        id: 2,
                        name: "bob".into(),
                        nickname: String::new(),
                        avatar: String::new(),
                        state: State::Online,
                        role: Role::Member,
                    }],
                    next: 2,
                }),
            ),
        ),
        ("remove_member/request", request(60, Request::RemoveMember(MemberRef { groupid: 11, id: 3 }))),
        ("remove_member/reply", reply(60, Reply::RemoveMember(Nothing {}))),
        (
            "set_role/request",
            request(61, Request::SetRole(SetRole { groupid: 11, id: 2, role: Rank::Admin })),
        ),
        ("set_role/reply", reply(61, Reply::SetRole(Nothing {}))),
        ("hand_over/request", request(62, Request::HandOver(MemberRef { groupid: 11, id: 2 }))),
        ("hand_over/reply", reply(62, Reply::HandOver(Nothing {}))),
        ("dissolve_group/request", request(63, Request::DissolveGroup(GroupRef { groupid: 11 }))),
        ("dissolve_group/reply", reply(63, Reply::DissolveGroup(Nothing {}))),
        (
            "edit_group/request",
            request(
                64,
                Request::EditGroup(EditGroup {
                    groupid: 11,
                    groupname: Some("climbers & friends".into()),
                    groupdesc: Some("Tuesdays at seven".into()),
                    announcement: Some("Bring a rope".into()),
                    avatar: Some("wall.png".into()),
                    joining: Some(Joining::Approval),
                }),
            ),
        ),
        ("edit_group/reply", reply(64, Reply::EditGroup(Nothing {}))),
        ("group_profile/request", request(65, Request::GroupProfile(GroupRef { groupid: 11 }))),
        (
            "group_profile/reply",
            reply(
                65,
                Reply::GroupProfile(GroupProfile {
                    group: climbers(Role::Admin, 3),
                    announcement: "Bring a rope".into(),
                    avatar: String::new(),
                    joining: Joining::Approval,
                    muted_until: 0,
                    own_muted_until: 0,
                }),
            ),
        ),
        (
            "mute_member/request",
            request(66, Request::MuteMember(MuteMember { groupid: 11, id: 2, until: TIME + 3_600_000 })),
        ),
        ("mute_member/reply", reply(66, Reply::MuteMember(Nothing {}))),
        ("mute_group/request", request(67, Request::MuteGroup(MuteGroup { groupid: 11, until: 0 }))),
        ("mute_group/reply", reply(67, Reply::MuteGroup(Nothing {}))),
        (
            "applications/request",
            request(
                120,
                Request::Applications(Applications { groupid: 11, after_groupid: 11, after: 3, limit: 1 }),
            ),
        ),
        (
            "applications/reply",
            reply(
                120,
                Reply::Applications(ApplicationsPage {
                    applications: vec![Application {
                        groupid: 11,
                        groupname: "climbers".into(),
                        id: 4,
                        name: "carol".into(),
                        greeting: "bob sent me".into(),
                        time: 1_767_225_662_500,
                    }],
                    next_groupid: 11,
                    next: 4,
                }),
            ),
        ),
        (
            "decide_application/request",
            request(
                121,
                Request::DecideApplication(DecideApplication {
                    groupid: 11,
                    id: 4,
                    decision: Verdict::Accept,
                }),
            ),
        ),
        ("decide_application/reply", reply(121, Reply::DecideApplication(Nothing {}))),
        (
            "withdraw_application/request",
            request(122, Request::WithdrawApplication(GroupRef { groupid: 11 })),
        ),
        ("withdraw_application/reply", reply(122, Reply::WithdrawApplication(Nothing {}))),
        ("invite/request", request(123, Request::Invite(MemberRef { groupid: 11, id: 5 }))),
        ("invite/reply", reply(123, Reply::Invite(outcome(JoinOutcome::Invited)))),
        ("invitations/request", request(124, Request::Invitations(Page { after: 0, limit: 1 }))),
        (
            "invitations/reply",
            reply(
                124,
                Reply::Invitations(InvitationsPage {
                    invitations: vec![Invitation {
                        groupid: 11,
                        groupname: "climbers".into(),
                        by: 1,
                        by_name: "alice".into(),
                        time: 1_767_225_662_500,
                    }],
                    next: 11,
                }),
            ),
        ),
        (
            "answer_invitation/request",
            request(
                125,
                Request::AnswerInvitation(AnswerInvitation { groupid: 11, decision: Verdict::Accept }),
            ),
        ),
        ("answer_invitation/reply", reply(125, Reply::AnswerInvitation(came()))),
        (
            "withdraw_invitation/request",
            request(126, Request::WithdrawInvitation(MemberRef { groupid: 11, id: 5 })),
        ),
        ("withdraw_invitation/reply", reply(126, Reply::WithdrawInvitation(Nothing {}))),
        (
            "group_request_event/push",
            push(Push::GroupRequestEvent(GroupRequestEvent {
                event: GroupRequestKind::Applied,
                groupid: 11,
                groupname: "climbers".into(),
                id: 4,
                name: "carol".into(),
                by: 4,
                by_name: "carol".into(),
                greeting: "bob sent me".into(),
            })),
        ),
        (
            "group_event/push",
            push(Push::GroupEvent(GroupEvent {
                event: GroupEventKind::Joined,
                groupid: 11,
                groupname: "climbers".into(),
                id: 2,
                name: "bob".into(),
                members: 2,
                notice: 0,
            })),
        ),
        (
            "group_event/push-removed",
            push(Push::GroupEvent(GroupEvent {
                event: GroupEventKind::Left,
                groupid: 11,
                groupname: "climbers".into(),
                id: 2,
                name: "bob".into(),
                members: 1,
                notice: 9,
            })),
        ),
    ]
}

fn messages() -> Vec<(&'static str, Meaning)> {
    vec![
        (
            "one_chat/request",
            request(
                5,
                Request::OneChat(OneChat {
                    to: 2,
                    msg: "你好, bob".into(),
                    client_msg_id: ALICES_ID.into(),
                    ..OneChat::default()
                }),
            ),
        ),
        (
            "one_chat/request-answer",
            request(
                34,
                Request::OneChat(OneChat {
                    to: 2,
                    msg: "Thursday, @bob".into(),
                    client_msg_id: "c-34".into(),
                    reply_to: 3,
                    mentions: vec![2],
                }),
            ),
        ),
        ("one_chat/reply", reply(5, Reply::OneChat(Sent { conv: 10, seq: 2, time: TIME + 62_500 }))),
        (
            "group_chat/request",
            request(
                31,
                Request::GroupChat(GroupChat {
                    groupid: 11,
                    msg: "Rain. Indoors?".into(),
                    client_msg_id: "c-31".into(),
                    ..GroupChat::default()
                }),
            ),
        ),
        ("group_chat/reply", reply(31, Reply::GroupChat(Sent { conv: 11, seq: 8, time: TIME + 70_000 }))),
        (
            "group_chat/request-answer",
            request(
                33,
                Request::GroupChat(GroupChat {
                    groupid: 11,
                    msg: "@bob Indoors!".into(),
                    client_msg_id: "c-33".into(),
                    reply_to: 8,
                    mentions: vec![2],
                }),
            ),
        ),
        ("message/push", push(Push::Message(bobs_answer()))),
        ("message/push-answer", push(Push::Message(bobs_reply()))),
        (
            "history/reply-answer",
            reply(
                33,
                Reply::History(HistoryPage { conv: 10, messages: vec![bobs_reply()], first: 1, last: 4 }),
            ),
        ),
        (
            "history/reply-system",
            reply(
                34,
                Reply::History(HistoryPage {
                    conv: 11,
                    messages: vec![alices_deed(
                        9,
                        SystemEvent {
                            id: 2,
                            name: "bob".into(),
                            role: Some(Role::Admin),
                            ..alices_event(SystemEventKind::Role)
                        },
                    )],
                    first: 8,
                    last: 9,
                }),
            ),
        ),
        (
            "message/push-role",
            push(Push::Message(alices_deed(
                9,
                SystemEvent {
                    id: 2,
                    name: "bob".into(),
                    role: Some(Role::Admin),
                    ..alices_event(SystemEventKind::Role)
                },
            ))),
        ),
        (
            "message/push-muted",
            push(Push::Message(alices_deed(
                10,
                SystemEvent {
                    id: 2,
                    name: "bob".into(),
                    until: Some(TIME + 3_600_000),
                    ..alices_event(SystemEventKind::Muted)
                },
            ))),
        ),
        (
            "message/push-edited",
            push(Push::Message(alices_deed(
                11,
                SystemEvent {
                    groupname: Some("climbers & friends".into()),
                    groupdesc: Some(String::new()),
                    announcement: Some("Bring a rope".into()),
                    avatar: Some("wall.png".into()),
                    joining: Some(Joining::Approval),
                    ..alices_event(SystemEventKind::Edited)
                },
            ))),
        ),
        (
            "history/request",
            request(
                4,
                Request::History(History { conv: 10, after: Some(0), before: None, at: None, limit: 50 }),
            ),
        ),
        (
            "history/request-before",
            request(
                33,
                Request::History(History { conv: 10, after: None, before: Some(3), at: None, limit: 0 }),
            ),
        ),
        (
            "history/request-at",
            request(
                35,
                Request::History(History { conv: 10, at: Some(1_767_225_660_000), ..History::default() }),
            ),
        ),
        (
            "history/reply",
            reply(
                4,
                Reply::History(HistoryPage { conv: 10, messages: vec![bobs_message()], first: 1, last: 1 }),
            ),
        ),
        ("conversations/request", request(8, Request::Conversations(Page { after: 0, limit: 0 }))),
        (
            "conversations/reply",
            reply(
                8,
                Reply::Conversations(ConversationsPage {
                    convs: vec![
                        Conversation { last_change: 2, ..direct(3, 1) },
                        Conversation { restored: 8, ..of_group(8, 9, 0) },
                    ],
                    next: 11,
                }),
            ),
        ),
        ("ack/request", request(6, Request::Ack(Ack { conv: 10, seq: 3 }))),
        ("ack/reply", reply(6, Reply::Ack(Nothing {}))),
    ]
}

fn message_search() -> Vec<(&'static str, Meaning)> {
    let search = SearchMessages { query: "你好".into(), ..SearchMessages::default() };
    let all = SearchMessages {
        query: "climbing 周二".into(),
        conv: Some(10),
        from: Some(1),
        since: Some(TIME),
        until: Some(TIME + 86_400_000),
        before: Some(format!("{}.10.3", TIME + 64_000)),
        limit: 20,
    };
    let said = ChatMessage {
        seq: 2,
        from: 1,
        name: "alice".into(),
        client_msg_id: ALICES_ID.into(),
        time: TIME + 62_500,
        msg: "你好, bob".into(),
        ..bobs_message()
    };
    let found = FoundMessages { messages: vec![said], next: Some(format!("{}.10.2", TIME + 62_500)) };
    let nothing = "there is no letter, digit or character to search for in it";
    vec![
        ("search_messages/request", request(130, Request::SearchMessages(search))),
        ("search_messages/request-all", request(131, Request::SearchMessages(all))),
        ("search_messages/reply", reply(130, Reply::SearchMessages(found))),
        (
            "search_messages/refused-bad-field",
            refused(132, Refusal::saying(Code::BAD_FIELD, nothing).field("query")),
        ),
    ]
}

fn receipts() -> Vec<(&'static str, Meaning)> {
    let count = |seq, delivered, read| ReceiptCount { seq, of: 4, delivered, read };
    vec![
        ("read/request", request(35, Request::Read(Read { conv: 10, seq: 3 }))),
        ("read/reply", reply(35, Reply::Read(Nothing {}))),
        ("receipts/request", request(36, Request::Receipts(Receipts { conv: 10, seqs: vec![] }))),
        (
            "receipts/reply",
            reply(36, Reply::Receipts(ReceiptsList { conv: 10, delivered: 3, read: 1, counts: vec![] })),
        ),
        ("receipts/request-seqs", request(37, Request::Receipts(Receipts { conv: 11, seqs: vec![8, 9] }))),
        (
            "receipts/reply-counts",
            reply(
                37,
                Reply::Receipts(ReceiptsList {
                    conv: 11,
                    delivered: 8,
                    read: 0,
                    counts: vec![count(8, 4, 3), count(9, 2, 0)],
                }),
            ),
        ),
        ("receipt/push", push(Push::Receipt(Receipt { conv: 10, user: 2, delivered: 3, read: 1 }))),
        (
            "conversations/reply-read",
            reply(
                8,
                Reply::Conversations(ConversationsPage {
                    convs: vec![Conversation { read: 2, ..direct(3, 3) }],
                    next: 0,
                }),
            ),
        ),
    ]
}

fn hidden() -> Vec<(&'static str, Meaning)> {
    let entry = |position, conv, seq| Hidden { position, conv, seq };
    let climbers = || HiddenMessages { hidden: vec![entry(1, 11, 8), entry(2, 11, 9)] };
    let mut message = bobs_message();
    message.hide();
    let page = HistoryPage { conv: 10, messages: vec![message], first: 1, last: 1 };
    vec![
        ("hide/request", request(42, Request::Hide(Hide { conv: 11, seqs: vec![8, 9] }))),
        ("hide/reply", reply(42, Reply::Hide(climbers()))),
        ("hidden/request", request(43, Request::Hidden(Page { after: 1, limit: 1 }))),
        ("hidden/reply", reply(43, Reply::Hidden(HiddenPage { hidden: vec![entry(2, 11, 9)], next: 2 }))),
        (
            "hidden_messages/push",
            push(Push::HiddenMessages(HiddenMessages { hidden: vec![entry(3, 10, 1)] })),
        ),
        ("history/reply-hidden", reply(4, Reply::History(page))),
        ("typing/request", request(44, Request::Typing(Typing { conv: 10 }))),
        ("typing/reply", reply(44, Reply::Typing(Nothing {}))),
        ("typing/push", push(Push::Typing(IsTyping { conv: 10, from: 2, name: "bob".into() }))),
    ]
}

fn quiet() -> Vec<(&'static str, Meaning)> {
    let night = Quiet {
        conv: 0,
        until: 0,
        from: Some(1_320),
        to: Some(420),
        zone: Some("Europe/Berlin".into()),
        mentions: true,
    };
    let climbers =
        Quiet { conv: 11, until: limits::NUMBER_MAX, from: None, to: None, zone: None, mentions: false };
    let set = SetQuiet { conv: 11, ..SetQuiet::default() };
    vec![
        ("quiet/request", request(38, Request::Quiet(Nothing {}))),
        (
            "quiet/reply",
            reply(38, Reply::Quiet(QuietList { version: 7, quiet: vec![night.clone(), climbers] })),
        ),
        (
            "set_quiet/request",
            request(
                39,
                Request::SetQuiet(SetQuiet {
                    conv: 0,
                    from: Some(1_320),
                    to: Some(420),
                    zone: Some("Europe/Berlin".into()),
                    ..SetQuiet::default()
                }),
            ),
        ),
        (
            "set_quiet/request-for-ever",
            request(
                40,
                Request::SetQuiet(SetQuiet {
                    until: Some(limits::NUMBER_MAX),
                    mentions: Some(false),
                    ..set.clone()
                }),
            ),
        ),
        ("set_quiet/request-take-away", request(41, Request::SetQuiet(set))),
        ("set_quiet/reply", reply(39, Reply::SetQuiet(QuietChanged { version: 6, quiet: night }))),
        (
            "quiet_changed/push",
            push(Push::QuietChanged(QuietChanged {
                version: 8,
                quiet: Quiet { conv: 11, mentions: true, ..Quiet::default() },
            })),
        ),
    ]
}

fn changes() -> Vec<(&'static str, Meaning)> {
    let page = |next, last| {
        let changes = vec![Change { position: 2, message: bobs_recalled() }];
        Reply::Changes(ChangesPage { conv: 10, changes, next, last })
    };
    let recalled = Changed { conv: 10, position: 2, message: bobs_recalled() };
    let edited = Changed { conv: 10, position: 1, message: bobs_edited() };
    vec![
        ("recall/request", request(40, Request::Recall(MessageRef { conv: 10, seq: 3 }))),
        ("recall/reply", reply(40, Reply::Recall(recalled))),
        ("recall/refused-too-late", refused(40, Refusal::new(Code::TOO_LATE))),
        (
            "edit_message/request",
            request(
                41,
                Request::EditMessage(EditMessage {
                    conv: 10,
                    seq: 3,
                    msg: "Climbing on Thursday?".into(),
                    mentions: Vec::new(),
                }),
            ),
        ),
        (
            "edit_message/request-mention",
            request(
                35,
                Request::EditMessage(EditMessage {
                    conv: 10,
                    seq: 5,
                    msg: "Friday, @bob".into(),
                    mentions: vec![2],
                }),
            ),
        ),
        ("edit_message/reply", reply(41, Reply::EditMessage(edited.clone()))),
        ("changes/request", request(42, Request::Changes(Changes { conv: 10, after: 1, limit: 50 }))),
        ("changes/reply", reply(42, page(0, 2))),
        ("changes/reply-goes-on", reply(42, page(2, 3))),
        ("changed/push", push(Push::Changed(edited))),
    ]
}

fn refusals() -> Vec<(&'static str, Meaning)> {
    vec![
        ("group_chat/refused-muted", refused(31, Refusal::new(Code::MUTED))),
        ("group_chat/refused-not-found", refused(33, Refusal::new(Code::NOT_FOUND).field("reply_to"))),
        ("hello/refused-bad-version", refused(1, Refusal::new(Code::BAD_VERSION))),
        ("reg_ack/refused-name-taken", refused(2, Refusal::new(Code::NAME_TAKEN).field("name"))),
        (
            "reg_ack/refused-bad-field",
            refused(2, Refusal::saying(Code::BAD_FIELD, "a password has 8 to 256 bytes").field("password")),
        ),
        ("login_ack/refused-bad-credentials", refused(3, Refusal::new(Code::BAD_CREDENTIALS))),
        ("resume/refused-session-ended", refused(3, Refusal::new(Code::SESSION_ENDED))),
        ("add_friend/refused-already-friends", refused(10, Refusal::new(Code::ALREADY_FRIENDS))),
        ("add_group/refused-not-found", refused(21, Refusal::new(Code::NOT_FOUND))),
        ("leave_group/refused-owner-stays", refused(22, Refusal::new(Code::OWNER_STAYS))),
        ("one_chat/refused-not-friends", refused(5, Refusal::new(Code::NOT_FRIENDS))),
        ("one_chat/refused-busy", refused(5, Refusal::new(Code::BUSY).retry_after_ms(1_000))),
        ("friends/refused-not-logged-in", refused(15, Refusal::new(Code::NOT_LOGGED_IN))),
        ("unknown/refused-unknown-type", refused(50, MessageError::UnknownType { msgid: 999 }.refusal())),
    ]
}

fn outcome(outcome: JoinOutcome) -> JoinAnswer {
    JoinAnswer { outcome, group: None, conv: None }
}

/// Carol came into the climbers.
fn came() -> JoinAnswer {
    let (group, conv) = (climbers(Role::Member, 2), of_group(8, 7, 0));
    JoinAnswer { outcome: JoinOutcome::Joined, group: Some(group), conv: Some(conv) }
}
