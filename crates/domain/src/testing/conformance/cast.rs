//! Who and what the cases are played with: users, friends, groups and messages with names of their own.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::policy::Why;
use crate::{
    Accepted, Appended, Attempt, ChangeRefused, ConversationId, Created, FriendLimits, GroupChange,
    GroupDeed, GroupId, GroupLimits, Mentions, MessageKind, NewGroup, NewMessage, NewSession, NewUser,
    PageSize, Requested, Seq, SessionId, Store, StoredMessage, Timestamp, TokenHash, UserId, Window,
};

/// What every user of [`register`] has.
pub(super) const PASSWORD_HASH: &str = "$fake$0$pw";

/// When everything happens, but for sessions that expire.
pub(super) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(super) const MANY_FRIENDS: FriendLimits = FriendLimits { friends: 1_000, requests: 1_000 };
pub(super) const MANY_MEMBERS: GroupLimits =
    GroupLimits { members: 1_000, groups: 1_000, requests: 1_000, requests_per_user: 1_000 };
pub(super) const BIG_PAGE: PageSize = PageSize { messages: 10_000, bytes: 100_000_000 };

/// A name that no other case uses, nor another run on the same database.
pub(super) fn unique(label: &str) -> String {
    static RUN: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    format!("{label}.{:08x}.{}", *RUN as u32, COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// A token that no other case uses.
pub(super) fn unique_token() -> TokenHash {
    let mut token = [0; 32];
    let name = unique("");
    token[..name.len()].copy_from_slice(name.as_bytes());
    TokenHash(token)
}

pub(super) fn user(store: &dyn Store) -> UserId {
    let name = unique("u");
    register(store, &name, &name).expect("a unique name is free")
}

/// So many users, by rising id.
pub(super) fn users<const N: usize>(store: &dyn Store) -> [UserId; N] {
    let users = [(); N].map(|()| user(store));
    assert!(users.is_sorted(), "ids are counted up: {users:?}");
    users
}

pub(super) fn register(store: &dyn Store, name: &str, name_key: &str) -> Option<UserId> {
    store
        .create_user(&NewUser { name, name_key, password_hash: PASSWORD_HASH, recovery_codes: &[], at: NOW })
        .unwrap()
}

pub(super) fn session(store: &dyn Store, user: UserId, at: Timestamp) -> SessionId {
    let session = NewSession {
        user,
        password_hash: PASSWORD_HASH,
        token: unique_token(),
        device: "test",
        at,
        notices: None,
        broadcasts: None,
    };
    let (id, ended) = store.create_session(&session, 1_000).unwrap().expect("the password holds");
    assert_eq!(ended, [], "there was room");
    id
}

/// Makes friends; their conversation.
pub(super) fn befriend(store: &dyn Store, one: UserId, other: UserId) -> ConversationId {
    assert_eq!(store.request_friend(one, other, "", NOW, MANY_FRIENDS).unwrap(), Requested::Waiting);
    match store.accept_friend(other, one, NOW, MANY_FRIENDS).unwrap() {
        Accepted::Friends(befriended) => befriended.conversation,
        other => panic!("a waiting request was not accepted: {other:?}"),
    }
}

/// Two new friends and their conversation.
pub(super) fn two_friends(store: &dyn Store) -> (UserId, UserId, ConversationId) {
    let [one, other] = users(store);
    (one, other, befriend(store, one, other))
}

pub(super) fn group(store: &dyn Store, owner: UserId) -> GroupId {
    let group = NewGroup { owner, name: "group", description: "", at: NOW };
    match store.create_group(&group, MANY_MEMBERS).unwrap() {
        Created::Group(group) => group,
        Created::Full => panic!("a user with few groups has room for one more"),
    }
}

/// What came of joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    Member { since: Seq, members: u32 },
    AlreadyMember,
    NoSuchGroup,
    Full,
}

/// What came of leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Gone { members: u32 },
    NotMember,
    OwnerStays,
}

/// A change with an id of its own.
pub(super) fn change(group: GroupId, actor: UserId, deed: GroupDeed) -> GroupChange {
    let event = format!("{deed:?}");
    GroupChange { group, actor, deed, at: NOW, change_id: unique("c"), event, attempt: Attempt::First }
}

pub(super) fn join_group(store: &dyn Store, group: GroupId, user: UserId, limits: GroupLimits) -> Joined {
    match store
        .change_group(&change(group, user, GroupDeed::Join { greeting: String::new(), limits }))
        .unwrap()
    {
        Ok(changed) => {
            let since = changed.actor.expect("a member now").since;
            assert_eq!(
                changed.place.expect("it is told").seq,
                since.next(),
                "who comes in reads of it first"
            );
            Joined::Member { since, members: changed.members }
        }
        Err(ChangeRefused::Not(Why::AlreadyMember)) => Joined::AlreadyMember,
        Err(ChangeRefused::NoSuchGroup) => Joined::NoSuchGroup,
        Err(ChangeRefused::Full) => Joined::Full,
        Err(other) => panic!("joining was refused: {other:?}"),
    }
}

pub(super) fn leave_group(store: &dyn Store, group: GroupId, user: UserId) -> Left {
    match store.change_group(&change(group, user, GroupDeed::Leave)).unwrap() {
        Ok(changed) => Left::Gone { members: changed.members },
        Err(ChangeRefused::Not(Why::NotMember)) => Left::NotMember,
        Err(ChangeRefused::Not(Why::OwnerStays)) => Left::OwnerStays,
        Err(other) => panic!("leaving was refused: {other:?}"),
    }
}

pub(super) fn join(store: &dyn Store, group: GroupId, user: UserId) -> Seq {
    match join_group(store, group, user, MANY_MEMBERS) {
        Joined::Member { since, .. } => since,
        other => panic!("could not join: {other:?}"),
    }
}

/// The members, and since when each of them reads.
pub(super) fn roster(store: &dyn Store, group: GroupId) -> Vec<(UserId, Seq)> {
    store.roster(group).unwrap().members.into_iter().map(|entry| (entry.user, entry.place.since)).collect()
}

pub(super) fn message(conversation: ConversationId, sender: UserId, body: &str) -> NewMessage {
    NewMessage {
        conversation,
        sender,
        client_msg_id: unique("m"),
        time: NOW,
        kind: MessageKind::Text,
        body: body.to_owned(),
        reply_to: None,
        mentions: Mentions::default(),
    }
}

/// Appends messages that must all be accepted; where they stand.
pub(super) fn append(store: &dyn Store, batch: &[NewMessage]) -> Vec<Appended> {
    let appended = store.append(batch).unwrap();
    assert_eq!(appended.len(), batch.len(), "one answer for each message");
    appended.into_iter().map(|appended| appended.expect("the conversation exists")).collect()
}

/// Appends one message; its seq.
pub(super) fn say(store: &dyn Store, conversation: ConversationId, sender: UserId, body: &str) -> Seq {
    append(store, &[message(conversation, sender, body)])[0].seq
}

/// Says the numbers 1 to `last`, one message each, in a conversation where nobody spoke.
pub(super) fn count_to(store: &dyn Store, conversation: ConversationId, sender: UserId, last: u64) {
    let batch: Vec<NewMessage> = (1..=last).map(|n| message(conversation, sender, &n.to_string())).collect();
    let appended = append(store, &batch);
    assert!(appended.iter().map(|appended| appended.seq.0).eq(1..=last));
}

/// The whole log of a conversation, checked to have no holes.
pub(super) fn log(store: &dyn Store, conversation: ConversationId) -> Vec<StoredMessage> {
    let log = store.page(conversation, Seq(0), Window::After(Seq(0)), BIG_PAGE).unwrap();
    assert!(log.iter().map(|message| message.seq.0).eq(1..=log.len() as u64), "the log has no holes");
    log
}
