//! Users, what they are to each other, and their sessions.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::*;

use super::basics::*;
use super::groups::*;
use super::messages::*;

pub(super) fn found_user() -> impl Strategy<Value = FoundUser> {
    fields!(FoundUser { id: n(), name: text(), nickname: text(), avatar: text() })
}

pub(super) fn user_ref() -> impl Strategy<Value = UserRef> {
    fields!(UserRef { userid: n() })
}

pub(super) fn friend() -> impl Strategy<Value = Friend> {
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

pub(super) fn friend_request() -> impl Strategy<Value = FriendRequest> {
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

pub(super) fn session() -> impl Strategy<Value = Session> {
    fields!(Session {
        session: n(),
        device: text(),
        since: n(),
        seen: n(),
        state: word(State::TABLE),
        current: any::<bool>()
    })
}

pub(super) fn signed_in() -> impl Strategy<Value = SignedIn> {
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

pub(super) fn hello_reply() -> impl Strategy<Value = HelloReply> {
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

pub(super) fn profile() -> impl Strategy<Value = Profile> {
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

pub(super) fn friend_answer() -> impl Strategy<Value = FriendAnswer> {
    fields!(FriendAnswer { outcome: word(FriendOutcome::TABLE), friend: option::of(friend()) })
}

pub(super) fn page() -> impl Strategy<Value = Page> {
    fields!(Page { after: n(), limit: any::<u32>() })
}

pub(super) fn friend_ref() -> impl Strategy<Value = FriendRef> {
    n().prop_map(|friendid| FriendRef { friendid })
}

pub(super) fn nothing() -> impl Strategy<Value = Nothing> {
    Just(Nothing {})
}
