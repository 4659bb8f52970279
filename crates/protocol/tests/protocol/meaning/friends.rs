//! Friends, their profiles and what one notes of them.

use protocol::*;

use super::cast::*;
use super::{Meaning, push, refused, reply, request};

pub(super) fn friends() -> Vec<(&'static str, Meaning)> {
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

pub(super) fn friend_notes() -> Vec<(&'static str, Meaning)> {
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

pub(super) fn profiles() -> Vec<(&'static str, Meaning)> {
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
