//! Arbitrary messages for property tests.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use protocol::*;

/// So many cases from a seed that is printed when the test fails, and can be given again by `PROPTEST_RNG_SEED`.
pub(crate) fn cases(cases: u32) -> Config {
    let mut config = Config { cases, failure_persistence: None, ..Config::default() };
    if let RngSeed::Random = config.rng_seed {
        use std::hash::{BuildHasher, RandomState};
        config.rng_seed = RngSeed::Fixed(RandomState::new().hash_one(()));
    }
    println!("PROPTEST_RNG_SEED={}", config.rng_seed);
    config
}

/// Any text, control characters and characters beyond the basic plane included.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(any::<char>(), 0..20).prop_map(String::from_iter),
        "[a-z0-9 -]{0,40}",
        Just("\0\"\\/%'\u{7f}\u{2028}\u{feff}\u{10ffff}".to_owned()),
    ]
}

fn secret() -> impl Strategy<Value = Secret> {
    text().prop_map(Secret::new)
}

/// One of an enum's variants.
fn word<T: Copy + std::fmt::Debug + 'static>(
    table: &'static [(T, &'static str)],
) -> impl Strategy<Value = T> {
    proptest::sample::select(table).prop_map(|(value, _)| value)
}

/// A strategy for a struct from one for each field.
macro_rules! fields {
    ($type:ident { $($field:ident: $strategy:expr),* $(,)? }) => {
        ($($strategy,)*).prop_map(|($($field,)*)| $type { $($field),* })
    };
}

fn n() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), Just((1 << 53) - 1), 1..1000u64, any::<u64>()]
}

fn found_user() -> impl Strategy<Value = FoundUser> {
    fields!(FoundUser { id: n(), name: text(), nickname: text(), avatar: text() })
}

fn quiet() -> impl Strategy<Value = Quiet> {
    let minute = || option::of(any::<u32>());
    fields!(Quiet {
        conv: n(),
        until: n(),
        from: minute(),
        to: minute(),
        zone: option::of(text()),
        mentions: any::<bool>(),
    })
}

fn hidden() -> impl Strategy<Value = Hidden> {
    fields!(Hidden { position: n(), conv: n(), seq: n() })
}

fn hidden_messages() -> impl Strategy<Value = HiddenMessages> {
    fields!(HiddenMessages { hidden: vec(hidden(), 0..4) })
}

fn quiet_changed() -> impl Strategy<Value = QuietChanged> {
    fields!(QuietChanged { version: n(), quiet: quiet() })
}

fn user_ref() -> impl Strategy<Value = UserRef> {
    fields!(UserRef { userid: n() })
}

fn friend() -> impl Strategy<Value = Friend> {
    fields!(Friend {
        id: n(),
        name: text(),
        nickname: text(),
        avatar: text(),
        remark: text(),
        label: text(),
        state: word(State::TABLE),
        conv: n(),
        last_seen: n()
    })
}

fn friend_request() -> impl Strategy<Value = FriendRequest> {
    let direction = word(Direction::TABLE);
    fields!(FriendRequest {
        id: n(),
        name: text(),
        nickname: text(),
        direction: direction,
        greeting: text(),
        time: n()
    })
}

fn group() -> impl Strategy<Value = Group> {
    fields!(Group {
        id: n(),
        groupname: text(),
        groupdesc: text(),
        role: word(Role::TABLE),
        members: any::<u32>(),
        state: word(GroupState::TABLE)
    })
}

fn conversation() -> impl Strategy<Value = Conversation> {
    let kind = word(ConversationKind::TABLE);
    fields!(Conversation {
        conv: n(),
        kind: kind,
        with: n(),
        first: n(),
        last: n(),
        acked: n(),
        read: n(),
        restored: n(),
        last_change: n()
    })
}

fn message() -> impl Strategy<Value = ChatMessage> {
    let place = (n(), n(), n(), text(), text(), n());
    let said = (word(MessageKind::TABLE), text(), option::of(system_event()));
    let recalled = fields!(Recalled { by: n(), name: text(), at: n() });
    let quote = fields!(Quote { from: n(), name: text(), msg: text() });
    let changes = (n(), option::of(recalled), any::<bool>(), n(), option::of(quote), vec(n(), 0..3));
    (place, said, changes).prop_map(|(place, said, changes)| {
        let (conv, seq, from, name, client_msg_id, time) = place;
        let (kind, msg, event) = said;
        let (edited, recalled, hidden, reply_to, quote, mentions) = changes;
        ChatMessage {
            conv,
            seq,
            from,
            name,
            client_msg_id,
            time,
            kind,
            msg,
            event,
            edited,
            recalled,
            hidden,
            reply_to,
            quote,
            mentions,
        }
    })
}

fn changed() -> impl Strategy<Value = Changed> {
    fields!(Changed { conv: n(), position: n(), message: message() })
}

fn changes_page() -> impl Strategy<Value = ChangesPage> {
    let change = fields!(Change { position: n(), message: message() });
    fields!(ChangesPage { conv: n(), changes: vec(change, 0..3), next: n(), last: n() })
}

fn system_event() -> impl Strategy<Value = SystemEvent> {
    let texts = (option::of(text()), option::of(text()), option::of(text()), option::of(text()));
    let who = (n(), text(), n(), text());
    let rest = (option::of(word(Role::TABLE)), option::of(n()), option::of(word(Joining::TABLE)));
    (word(SystemEventKind::TABLE), who, texts, rest).prop_map(|(what, who, texts, rest)| {
        let (by, by_name, id, name) = who;
        let (groupname, groupdesc, announcement, avatar) = texts;
        let (role, until, joining) = rest;
        SystemEvent {
            what,
            by,
            by_name,
            id,
            name,
            role,
            until,
            groupname,
            groupdesc,
            announcement,
            avatar,
            joining,
        }
    })
}

fn member_ref() -> impl Strategy<Value = MemberRef> {
    fields!(MemberRef { groupid: n(), id: n() })
}

fn session() -> impl Strategy<Value = Session> {
    fields!(Session {
        session: n(),
        device: text(),
        since: n(),
        seen: n(),
        state: word(State::TABLE),
        current: any::<bool>()
    })
}

fn broadcast() -> impl Strategy<Value = Broadcast> {
    fields!(Broadcast { id: n(), time: n(), msg: text() })
}

fn notice() -> impl Strategy<Value = Notice> {
    fields!(Notice {
        seq: n(),
        time: n(),
        kind: word(NoticeKind::TABLE),
        by: n(),
        name: text(),
        groupid: option::of(n()),
        groupname: option::of(text()),
        role: option::of(word(Role::TABLE)),
        until: option::of(n()),
    })
}

fn signed_in() -> impl Strategy<Value = SignedIn> {
    let identity = (n(), text(), n(), option::of(secret()), text());
    let lists =
        (vec(friend(), 0..3), vec(group(), 0..3), vec(friend_request(), 0..3), vec(conversation(), 0..3));
    let versions = (text(), any::<bool>(), option::of(vec(n(), 0..3)), text(), any::<bool>());
    let places = ((n(), n(), n(), n()), (n(), n(), n(), n()), (any::<u32>(), any::<u32>(), n(), n()));
    (identity, lists, versions, places).prop_map(|(identity, lists, versions, (next, notices, waiting))| {
        let (id, name, session, token, epoch) = identity;
        let (friends, groups, requests, convs) = lists;
        let (friends_next, groups_next, requests_next, convs_next) = next;
        let (friends_version, friends_unchanged, friends_online, groups_version, groups_unchanged) = versions;
        SignedIn {
            id,
            name,
            session,
            token,
            epoch,
            friends,
            friends_next,
            friends_version,
            friends_unchanged,
            friends_online,
            groups,
            groups_next,
            groups_version,
            groups_unchanged,
            requests,
            requests_next,
            convs,
            convs_next,
            notices_last: notices.0,
            notices_acked: notices.1,
            broadcasts_last: notices.2,
            broadcasts_acked: notices.3,
            applications: waiting.0,
            invitations: waiting.1,
            quiet_version: waiting.2,
            hidden_last: waiting.3,
        }
    })
}

fn hello_reply() -> impl Strategy<Value = HelloReply> {
    fields!(HelloReply {
        version: any::<u16>(),
        server: text(),
        node: text(),
        time: n(),
        heartbeat_ms: n(),
        frame_bytes_max: any::<u32>(),
        text_bytes_max: any::<u32>(),
        pipeline_max: any::<u32>(),
        page_max: any::<u32>(),
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    fields!(Profile {
        id: n(),
        name: text(),
        nickname: text(),
        signature: text(),
        avatar: text(),
        phone: option::of(secret()),
        searchable: option::of(any::<bool>()),
    })
}

fn friend_answer() -> impl Strategy<Value = FriendAnswer> {
    fields!(FriendAnswer { outcome: word(FriendOutcome::TABLE), friend: option::of(friend()) })
}

fn joined() -> impl Strategy<Value = Joined> {
    fields!(Joined { group: group(), conv: conversation() })
}

fn join_answer() -> impl Strategy<Value = JoinAnswer> {
    let outcome = word(JoinOutcome::TABLE);
    fields!(JoinAnswer { outcome: outcome, group: option::of(group()), conv: option::of(conversation()) })
}

fn application() -> impl Strategy<Value = Application> {
    fields!(Application {
        groupid: n(),
        groupname: text(),
        id: n(),
        name: text(),
        greeting: text(),
        time: n()
    })
}

fn invitation() -> impl Strategy<Value = Invitation> {
    fields!(Invitation { groupid: n(), groupname: text(), by: n(), by_name: text(), time: n() })
}

fn page() -> impl Strategy<Value = Page> {
    fields!(Page { after: n(), limit: any::<u32>() })
}

fn friend_ref() -> impl Strategy<Value = FriendRef> {
    n().prop_map(|friendid| FriendRef { friendid })
}

fn group_ref() -> impl Strategy<Value = GroupRef> {
    n().prop_map(|groupid| GroupRef { groupid })
}

fn sent() -> impl Strategy<Value = Sent> {
    fields!(Sent { conv: n(), seq: n(), time: n() })
}

fn nothing() -> impl Strategy<Value = Nothing> {
    Just(Nothing {})
}

/// Any request of this type.
fn request_of(id: MsgId) -> BoxedStrategy<Request> {
    match id {
        MsgId::Hello => fields!(Hello { versions: vec(any::<u16>(), 0..4), client: text(), device: text() })
            .prop_map(Request::Hello)
            .boxed(),
        MsgId::Ping => nothing().prop_map(Request::Ping).boxed(),
        MsgId::Login => fields!(Login {
            id: option::of(n()),
            name: option::of(text()),
            password: secret(),
            notices_after: option::of(n()),
            broadcasts_after: option::of(n()),
            epoch: option::of(text()),
            friends_version: option::of(text()),
            groups_version: option::of(text())
        })
        .prop_map(Request::Login)
        .boxed(),
        MsgId::Reg => fields!(Reg { name: text(), password: secret() }).prop_map(Request::Reg).boxed(),
        MsgId::Resume => fields!(Resume {
            token: secret(),
            notices_after: option::of(n()),
            broadcasts_after: option::of(n()),
            epoch: option::of(text()),
            friends_version: option::of(text()),
            groups_version: option::of(text())
        })
        .prop_map(Request::Resume)
        .boxed(),
        MsgId::Refresh => fields!(Refresh {
            notices_after: option::of(n()),
            broadcasts_after: option::of(n()),
            epoch: option::of(text()),
            friends_version: option::of(text()),
            groups_version: option::of(text())
        })
        .prop_map(Request::Refresh)
        .boxed(),
        MsgId::LoginOut => nothing().prop_map(Request::LogOut).boxed(),
        MsgId::Sessions => nothing().prop_map(Request::Sessions).boxed(),
        MsgId::EndSession => fields!(SessionRef { session: n() }).prop_map(Request::EndSession).boxed(),
        MsgId::AddFriend => {
            fields!(AddFriend { friendid: n(), greeting: text() }).prop_map(Request::AddFriend).boxed()
        }
        MsgId::AcceptFriend => friend_ref().prop_map(Request::AcceptFriend).boxed(),
        MsgId::RefuseFriend => friend_ref().prop_map(Request::RefuseFriend).boxed(),
        MsgId::WithdrawFriend => friend_ref().prop_map(Request::WithdrawFriend).boxed(),
        MsgId::DeleteFriend => friend_ref().prop_map(Request::DeleteFriend).boxed(),
        MsgId::Friends => page().prop_map(Request::Friends).boxed(),
        MsgId::FriendRequests => page().prop_map(Request::FriendRequests).boxed(),
        MsgId::Block => user_ref().prop_map(Request::Block).boxed(),
        MsgId::Unblock => user_ref().prop_map(Request::Unblock).boxed(),
        MsgId::Blocked => page().prop_map(Request::Blocked).boxed(),
        MsgId::CreateGroup => fields!(CreateGroup { groupname: text(), groupdesc: text() })
            .prop_map(Request::CreateGroup)
            .boxed(),
        MsgId::AddGroup => {
            fields!(JoinGroup { groupid: n(), greeting: text() }).prop_map(Request::JoinGroup).boxed()
        }
        MsgId::Applications => {
            fields!(Applications { groupid: n(), after_groupid: n(), after: n(), limit: any::<u32>() })
                .prop_map(Request::Applications)
                .boxed()
        }
        MsgId::DecideApplication => {
            fields!(DecideApplication { groupid: n(), id: n(), decision: word(Verdict::TABLE) })
                .prop_map(Request::DecideApplication)
                .boxed()
        }
        MsgId::WithdrawApplication => group_ref().prop_map(Request::WithdrawApplication).boxed(),
        MsgId::Invite => member_ref().prop_map(Request::Invite).boxed(),
        MsgId::Invitations => page().prop_map(Request::Invitations).boxed(),
        MsgId::AnswerInvitation => fields!(AnswerInvitation { groupid: n(), decision: word(Verdict::TABLE) })
            .prop_map(Request::AnswerInvitation)
            .boxed(),
        MsgId::WithdrawInvitation => member_ref().prop_map(Request::WithdrawInvitation).boxed(),
        MsgId::LeaveGroup => group_ref().prop_map(Request::LeaveGroup).boxed(),
        MsgId::Groups => page().prop_map(Request::Groups).boxed(),
        MsgId::GroupMembers => fields!(GroupMembers { groupid: n(), after: n(), limit: any::<u32>() })
            .prop_map(Request::GroupMembers)
            .boxed(),
        MsgId::RemoveMember => member_ref().prop_map(Request::RemoveMember).boxed(),
        MsgId::SetRole => fields!(SetRole { groupid: n(), id: n(), role: word(Rank::TABLE) })
            .prop_map(Request::SetRole)
            .boxed(),
        MsgId::HandOver => member_ref().prop_map(Request::HandOver).boxed(),
        MsgId::DissolveGroup => group_ref().prop_map(Request::DissolveGroup).boxed(),
        MsgId::EditGroup => fields!(EditGroup {
            groupid: n(),
            groupname: option::of(text()),
            groupdesc: option::of(text()),
            announcement: option::of(text()),
            avatar: option::of(text()),
            joining: option::of(word(Joining::TABLE)),
        })
        .prop_map(Request::EditGroup)
        .boxed(),
        MsgId::GroupProfile => group_ref().prop_map(Request::GroupProfile).boxed(),
        MsgId::MuteMember => {
            fields!(MuteMember { groupid: n(), id: n(), until: n() }).prop_map(Request::MuteMember).boxed()
        }
        MsgId::MuteGroup => {
            fields!(MuteGroup { groupid: n(), until: n() }).prop_map(Request::MuteGroup).boxed()
        }
        MsgId::OneChat => fields!(OneChat {
            to: n(),
            msg: text(),
            client_msg_id: text(),
            reply_to: n(),
            mentions: vec(n(), 0..3),
        })
        .prop_map(Request::OneChat)
        .boxed(),
        MsgId::GroupChat => fields!(GroupChat {
            groupid: n(),
            msg: text(),
            client_msg_id: text(),
            reply_to: n(),
            mentions: vec(n(), 0..3),
        })
        .prop_map(Request::GroupChat)
        .boxed(),
        MsgId::History => fields!(History {
            conv: n(),
            after: option::of(n()),
            before: option::of(n()),
            at: option::of(n()),
            limit: any::<u32>()
        })
        .prop_map(Request::History)
        .boxed(),
        MsgId::Conversations => page().prop_map(Request::Conversations).boxed(),
        MsgId::Recall => fields!(MessageRef { conv: n(), seq: n() }).prop_map(Request::Recall).boxed(),
        MsgId::EditMessage => {
            fields!(EditMessage { conv: n(), seq: n(), msg: text(), mentions: vec(n(), 0..3) })
                .prop_map(Request::EditMessage)
                .boxed()
        }
        MsgId::Hide => fields!(Hide { conv: n(), seqs: vec(n(), 0..4) }).prop_map(Request::Hide).boxed(),
        MsgId::Typing => n().prop_map(|conv| Request::Typing(Typing { conv })).boxed(),
        MsgId::Hidden => page().prop_map(Request::Hidden).boxed(),
        MsgId::Changes => {
            fields!(Changes { conv: n(), after: n(), limit: any::<u32>() }).prop_map(Request::Changes).boxed()
        }
        MsgId::Ack => fields!(Ack { conv: n(), seq: n() }).prop_map(Request::Ack).boxed(),
        MsgId::Read => fields!(Read { conv: n(), seq: n() }).prop_map(Request::Read).boxed(),
        MsgId::Quiet => nothing().prop_map(Request::Quiet).boxed(),
        MsgId::SetQuiet => {
            let minute = || option::of(any::<u32>());
            fields!(SetQuiet {
                conv: n(),
                until: option::of(n()),
                from: minute(),
                to: minute(),
                zone: option::of(text()),
                mentions: option::of(any::<bool>()),
            })
            .prop_map(Request::SetQuiet)
            .boxed()
        }
        MsgId::Receipts => {
            fields!(Receipts { conv: n(), seqs: vec(n(), 0..4) }).prop_map(Request::Receipts).boxed()
        }
        MsgId::ChangePassword => fields!(ChangePassword { password: secret(), new_password: secret() })
            .prop_map(Request::ChangePassword)
            .boxed(),
        MsgId::Recover => fields!(Recover {
            id: option::of(n()),
            name: option::of(text()),
            code: secret(),
            new_password: secret()
        })
        .prop_map(Request::Recover)
        .boxed(),
        MsgId::NewRecoveryCodes => {
            fields!(PasswordProof { password: secret() }).prop_map(Request::NewRecoveryCodes).boxed()
        }
        MsgId::DeleteAccount => {
            fields!(DeleteAccount { password: secret(), owned: word(OwnedGroups::TABLE) })
                .prop_map(Request::DeleteAccount)
                .boxed()
        }
        MsgId::Profile => option::of(n()).prop_map(|id| ProfileOf { id }).prop_map(Request::Profile).boxed(),
        MsgId::EditProfile => fields!(EditProfile {
            nickname: option::of(text()),
            signature: option::of(text()),
            avatar: option::of(text()),
            phone: option::of(secret()),
            searchable: option::of(any::<bool>()),
        })
        .prop_map(Request::EditProfile)
        .boxed(),
        MsgId::Notices => page().prop_map(Request::Notices).boxed(),
        MsgId::AckNotices => n().prop_map(|seq| AckNotices { seq }).prop_map(Request::AckNotices).boxed(),
        MsgId::Broadcasts => page().prop_map(Request::Broadcasts).boxed(),
        MsgId::AckBroadcasts => {
            n().prop_map(|id| AckBroadcasts { id }).prop_map(Request::AckBroadcasts).boxed()
        }
        MsgId::SearchUsers => fields!(SearchUsers { query: text(), after: n(), limit: any::<u32>() })
            .prop_map(Request::SearchUsers)
            .boxed(),
        MsgId::SearchMessages => fields!(SearchMessages {
            query: text(),
            conv: option::of(n()),
            from: option::of(n()),
            since: option::of(n()),
            until: option::of(n()),
            before: option::of(text()),
            limit: any::<u32>()
        })
        .prop_map(Request::SearchMessages)
        .boxed(),
        MsgId::EditFriend => {
            fields!(EditFriend { friendid: n(), remark: option::of(text()), label: option::of(text()) })
                .prop_map(Request::EditFriend)
                .boxed()
        }
        MsgId::RenameLabel => {
            fields!(RenameLabel { label: text(), to: text() }).prop_map(Request::RenameLabel).boxed()
        }
        other => panic!("{other:?} is a request now: give it a strategy"),
    }
}

/// Any reply of this type.
fn reply_of(id: MsgId) -> BoxedStrategy<Reply> {
    match id {
        MsgId::Hello => hello_reply().prop_map(Reply::Hello).boxed(),
        MsgId::Ping => nothing().prop_map(Reply::Ping).boxed(),
        MsgId::LoginAck => signed_in().prop_map(Reply::Login).boxed(),
        MsgId::RegAck => {
            fields!(Registered { id: n(), recovery_codes: vec(secret(), 0..3) }).prop_map(Reply::Reg).boxed()
        }
        MsgId::Resume => signed_in().prop_map(Reply::Resume).boxed(),
        MsgId::Refresh => signed_in().prop_map(Reply::Refresh).boxed(),
        MsgId::LoginOut => nothing().prop_map(Reply::LogOut).boxed(),
        MsgId::Sessions => {
            fields!(SessionsList { sessions: vec(session(), 0..3) }).prop_map(Reply::Sessions).boxed()
        }
        MsgId::EndSession => nothing().prop_map(Reply::EndSession).boxed(),
        MsgId::AddFriend => friend_answer().prop_map(Reply::AddFriend).boxed(),
        MsgId::AcceptFriend => friend_answer().prop_map(Reply::AcceptFriend).boxed(),
        MsgId::RefuseFriend => nothing().prop_map(Reply::RefuseFriend).boxed(),
        MsgId::WithdrawFriend => nothing().prop_map(Reply::WithdrawFriend).boxed(),
        MsgId::DeleteFriend => nothing().prop_map(Reply::DeleteFriend).boxed(),
        MsgId::Friends => {
            fields!(FriendsPage { friends: vec(friend(), 0..3), next: n() }).prop_map(Reply::Friends).boxed()
        }
        MsgId::FriendRequests => {
            fields!(FriendRequestsPage { requests: vec(friend_request(), 0..3), next: n() })
                .prop_map(Reply::FriendRequests)
                .boxed()
        }
        MsgId::Block => nothing().prop_map(Reply::Block).boxed(),
        MsgId::Unblock => nothing().prop_map(Reply::Unblock).boxed(),
        MsgId::Blocked => fields!(BlockedPage { blocked: vec(found_user(), 0..3), next: n() })
            .prop_map(Reply::Blocked)
            .boxed(),
        MsgId::CreateGroup => joined().prop_map(Reply::CreateGroup).boxed(),
        MsgId::AddGroup => join_answer().prop_map(Reply::JoinGroup).boxed(),
        MsgId::Applications => {
            fields!(ApplicationsPage { applications: vec(application(), 0..3), next_groupid: n(), next: n() })
                .prop_map(Reply::Applications)
                .boxed()
        }
        MsgId::DecideApplication => nothing().prop_map(Reply::DecideApplication).boxed(),
        MsgId::WithdrawApplication => nothing().prop_map(Reply::WithdrawApplication).boxed(),
        MsgId::Invite => join_answer().prop_map(Reply::Invite).boxed(),
        MsgId::Invitations => fields!(InvitationsPage { invitations: vec(invitation(), 0..3), next: n() })
            .prop_map(Reply::Invitations)
            .boxed(),
        MsgId::AnswerInvitation => join_answer().prop_map(Reply::AnswerInvitation).boxed(),
        MsgId::WithdrawInvitation => nothing().prop_map(Reply::WithdrawInvitation).boxed(),
        MsgId::LeaveGroup => nothing().prop_map(Reply::LeaveGroup).boxed(),
        MsgId::Groups => {
            fields!(GroupsPage { groups: vec(group(), 0..3), next: n() }).prop_map(Reply::Groups).boxed()
        }
        MsgId::GroupMembers => {
            let member = fields!(Member {
                id: n(),
                name: text(),
                nickname: text(),
                avatar: text(),
                state: word(State::TABLE),
                role: word(Role::TABLE)
            });
            fields!(MembersPage { users: vec(member, 0..3), next: n() }).prop_map(Reply::GroupMembers).boxed()
        }
        MsgId::RemoveMember => nothing().prop_map(Reply::RemoveMember).boxed(),
        MsgId::SetRole => nothing().prop_map(Reply::SetRole).boxed(),
        MsgId::HandOver => nothing().prop_map(Reply::HandOver).boxed(),
        MsgId::DissolveGroup => nothing().prop_map(Reply::DissolveGroup).boxed(),
        MsgId::EditGroup => nothing().prop_map(Reply::EditGroup).boxed(),
        MsgId::GroupProfile => fields!(GroupProfile {
            group: group(),
            announcement: text(),
            avatar: text(),
            joining: word(Joining::TABLE),
            muted_until: n(),
            own_muted_until: n(),
        })
        .prop_map(Reply::GroupProfile)
        .boxed(),
        MsgId::MuteMember => nothing().prop_map(Reply::MuteMember).boxed(),
        MsgId::MuteGroup => nothing().prop_map(Reply::MuteGroup).boxed(),
        MsgId::OneChat => sent().prop_map(Reply::OneChat).boxed(),
        MsgId::GroupChat => sent().prop_map(Reply::GroupChat).boxed(),
        MsgId::History => {
            fields!(HistoryPage { conv: n(), messages: vec(message(), 0..3), first: n(), last: n() })
                .prop_map(Reply::History)
                .boxed()
        }
        MsgId::Conversations => fields!(ConversationsPage { convs: vec(conversation(), 0..3), next: n() })
            .prop_map(Reply::Conversations)
            .boxed(),
        MsgId::Recall => changed().prop_map(Reply::Recall).boxed(),
        MsgId::EditMessage => changed().prop_map(Reply::EditMessage).boxed(),
        MsgId::Hide => hidden_messages().prop_map(Reply::Hide).boxed(),
        MsgId::Typing => nothing().prop_map(Reply::Typing).boxed(),
        MsgId::Hidden => {
            fields!(HiddenPage { hidden: vec(hidden(), 0..4), next: n() }).prop_map(Reply::Hidden).boxed()
        }
        MsgId::Changes => changes_page().prop_map(Reply::Changes).boxed(),
        MsgId::Ack => nothing().prop_map(Reply::Ack).boxed(),
        MsgId::Read => nothing().prop_map(Reply::Read).boxed(),
        MsgId::Quiet => {
            fields!(QuietList { version: n(), quiet: vec(quiet(), 0..4) }).prop_map(Reply::Quiet).boxed()
        }
        MsgId::SetQuiet => quiet_changed().prop_map(Reply::SetQuiet).boxed(),
        MsgId::Receipts => {
            let count = || {
                fields!(ReceiptCount {
                    seq: n(),
                    of: any::<u32>(),
                    delivered: any::<u32>(),
                    read: any::<u32>()
                })
            };
            fields!(ReceiptsList { conv: n(), delivered: n(), read: n(), counts: vec(count(), 0..4) })
                .prop_map(Reply::Receipts)
                .boxed()
        }
        MsgId::ChangePassword => nothing().prop_map(Reply::ChangePassword).boxed(),
        MsgId::Recover => fields!(Recovered { id: n(), name: text(), codes_left: any::<u32>() })
            .prop_map(Reply::Recover)
            .boxed(),
        MsgId::NewRecoveryCodes => fields!(RecoveryCodes { recovery_codes: vec(secret(), 0..3) })
            .prop_map(Reply::NewRecoveryCodes)
            .boxed(),
        MsgId::DeleteAccount => nothing().prop_map(Reply::DeleteAccount).boxed(),
        MsgId::Profile => profile().prop_map(Reply::Profile).boxed(),
        MsgId::EditProfile => profile().prop_map(Reply::EditProfile).boxed(),
        MsgId::Notices => fields!(NoticesPage { notices: vec(notice(), 0..3), next: n(), last: n() })
            .prop_map(Reply::Notices)
            .boxed(),
        MsgId::AckNotices => nothing().prop_map(Reply::AckNotices).boxed(),
        MsgId::Broadcasts => {
            fields!(BroadcastsPage { broadcasts: vec(broadcast(), 0..3), next: n(), last: n() })
                .prop_map(Reply::Broadcasts)
                .boxed()
        }
        MsgId::AckBroadcasts => nothing().prop_map(Reply::AckBroadcasts).boxed(),
        MsgId::SearchUsers => fields!(FoundUsers { found: vec(found_user(), 0..3), next: n() })
            .prop_map(Reply::SearchUsers)
            .boxed(),
        MsgId::SearchMessages => {
            fields!(FoundMessages { messages: vec(message(), 0..3), next: option::of(text()) })
                .prop_map(Reply::SearchMessages)
                .boxed()
        }
        MsgId::EditFriend => friend().prop_map(Reply::EditFriend).boxed(),
        MsgId::RenameLabel => {
            any::<u32>().prop_map(|changed| Reply::RenameLabel(LabelRenamed { changed })).boxed()
        }
        other => panic!("{other:?} is a reply now: give it a strategy"),
    }
}

/// Any push of this type.
fn push_of(id: MsgId) -> BoxedStrategy<Push> {
    match id {
        MsgId::Ping => nothing().prop_map(Push::Ping).boxed(),
        MsgId::Resync => fields!(Resync { within_ms: any::<u32>() }).prop_map(Push::Resync).boxed(),
        MsgId::Bye => fields!(Bye { errcode: any::<u16>(), errmsg: text(), retry_after_ms: any::<u32>() })
            .prop_map(Push::Bye)
            .boxed(),
        MsgId::FriendEvent => fields!(FriendEvent {
            event: word(FriendEventKind::TABLE),
            id: n(),
            name: text(),
            by: n(),
            greeting: text(),
            friend: option::of(friend()),
            notice: n(),
        })
        .prop_map(Push::FriendEvent)
        .boxed(),
        MsgId::Presence => fields!(PresencePush { id: n(), state: word(State::TABLE), last_seen: n() })
            .prop_map(Push::Presence)
            .boxed(),
        MsgId::GroupEvent => fields!(GroupEvent {
            event: word(GroupEventKind::TABLE),
            groupid: n(),
            groupname: text(),
            id: n(),
            name: text(),
            members: any::<u32>(),
            notice: n(),
        })
        .prop_map(Push::GroupEvent)
        .boxed(),
        MsgId::GroupRequestEvent => fields!(GroupRequestEvent {
            event: word(GroupRequestKind::TABLE),
            groupid: n(),
            groupname: text(),
            id: n(),
            name: text(),
            by: n(),
            by_name: text(),
            greeting: text(),
        })
        .prop_map(Push::GroupRequestEvent)
        .boxed(),
        MsgId::Changed => changed().prop_map(Push::Changed).boxed(),
        MsgId::Typing => {
            fields!(IsTyping { conv: n(), from: n(), name: text() }).prop_map(Push::Typing).boxed()
        }
        MsgId::HiddenMessages => hidden_messages().prop_map(Push::HiddenMessages).boxed(),
        MsgId::Message => message().prop_map(Push::Message).boxed(),
        MsgId::QuietChanged => quiet_changed().prop_map(Push::QuietChanged).boxed(),
        MsgId::Receipt => fields!(Receipt { conv: n(), user: n(), delivered: n(), read: n() })
            .prop_map(Push::Receipt)
            .boxed(),
        MsgId::FriendChanged => {
            let given = || option::of(text());
            fields!(FriendChanged {
                id: n(),
                nickname: given(),
                avatar: given(),
                remark: given(),
                label: given()
            })
            .prop_map(Push::FriendChanged)
            .boxed()
        }
        MsgId::Notice => notice().prop_map(Push::Notice).boxed(),
        MsgId::Broadcast => broadcast().prop_map(Push::Broadcast).boxed(),
        other => panic!("{other:?} is a push now: give it a strategy"),
    }
}

/// Any request; every type is as likely as any other.
pub(crate) fn request() -> impl Strategy<Value = Request> {
    proptest::sample::select(Request::MSGIDS).prop_flat_map(request_of)
}

/// Any reply.
pub(crate) fn reply() -> impl Strategy<Value = Reply> {
    proptest::sample::select(Reply::MSGIDS).prop_flat_map(reply_of)
}

/// Any push.
pub(crate) fn push() -> impl Strategy<Value = Push> {
    proptest::sample::select(Push::MSGIDS).prop_flat_map(push_of)
}

/// Any refusal, of codes that nobody invented yet too.
pub(crate) fn refusal() -> impl Strategy<Value = Refusal> {
    let body =
        fields!(ErrorBody { errmsg: text(), field: option::of(text()), retry_after_ms: option::of(n()) });
    (1..=u16::MAX, body).prop_map(|(code, body)| Refusal { code: Code(code), body })
}
