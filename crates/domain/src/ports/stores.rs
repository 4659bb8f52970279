//! The ports that store.
//!
//! Every method blocks, may be called from any thread but a sub reactor's, and is atomic: it happens whole or not at
//! all. Races between callers, on this node or another, are settled by the store's own constraints. Lists are ordered
//! by rising id; `after` is the last id of the page before, 0 from the start. The conformance suite in
//! `domain::testing` says the same in tests, and every implementation passes it.

use super::{BroadcastStore, ChangeStore, HiddenStore, SearchStore};
use crate::policy::Relation;
use crate::ports::quiet::QuietStore;
use crate::ports::quotes::QuoteStore;
use crate::ports::receipts::ReceiptStore;
use crate::{
    Accepted, Account, AccountDeletion, Appended, Application, ApplicationsOf, Blocked, ChangeProbe,
    ChangeRefused, CodeHash, Conversation, ConversationFilter, ConversationId, Created, Credentials, Cursor,
    Departure, Edited, FoundSession, Friend, FriendNote, FriendNoteEdit, FriendRequest, Group, GroupChange,
    GroupChanged, GroupId, GroupProfile, GroupRoster, Invitation, LogIdentity, Member, Membership,
    NamedNotice, NewGroup, NewMessage, NewSession, NewUser, Noted, NoticePlace, NoticeSeq, OwnGroup,
    PageSize, PasswordChange, PersonalNotice, Profile, ProfileEdit, Recovered, Recovery, Requested, Seq,
    Session, SessionId, Standing, StoreResult, StoredMessage, Timestamp, TokenHash, Touched, User, UserId,
    UserSearch, Waiting, Window,
};

/// Users and their credentials.
pub trait UserStore: Send + Sync {
    /// Stores a user; `None` if the name's unique form is taken.
    fn create_user(&self, user: &NewUser<'_>) -> StoreResult<Option<UserId>>;

    /// The users with these ids, in no order, without those that do not exist. At most 1,000 ids.
    fn users(&self, ids: &[UserId]) -> StoreResult<Vec<User>>;

    /// Notes when users were last connected; never moves a time back; unknown users are passed over.
    fn note_last_seen(&self, seen: &[(UserId, Timestamp)]) -> StoreResult<()>;

    /// What a login is checked against.
    fn credentials(&self, account: Account<'_>) -> StoreResult<Option<Credentials>>;
}

/// Passwords and recovery codes, and the sessions that end with them.
pub trait SecretStore: Send + Sync {
    /// Sets a new password and ends all sessions of the user but one; those that ended. `None`, and nothing is changed, if
    /// the old hash is not the user's any more.
    fn change_password(&self, change: &PasswordChange<'_>) -> StoreResult<Option<Vec<SessionId>>>;

    /// Replaces all recovery codes of the user; whether it did: not if `password_hash` is not the user's any more.
    fn replace_recovery_codes(
        &self,
        user: UserId,
        password_hash: &str,
        codes: &[CodeHash],
    ) -> StoreResult<bool>;

    /// Uses up a recovery code, sets a new password, and ends all sessions of the user.
    ///
    /// `None`, with no password set, after the same work whatever the reason: there is no such account, the code is none of
    /// its own or was used, or it is too early after wrong ones. A code that is looked at and wrong counts, and moves the
    /// time before which no other is looked at, by [`recovery_delay_ms`](crate::recovery_delay_ms).
    fn recover(&self, recovery: &Recovery<'_>) -> StoreResult<Option<Recovered>>;
}

/// Accounts that are deleted, and what is left of them: their row, without a name, and what they said.
///
/// A deleted account is one that does not exist, for everything that looks for a user: by name or number, for a login, a
/// request, a search or a profile. Only [`users`](UserStore::users) finds it, with an empty name.
pub trait DeletionStore: Send + Sync {
    /// Marks the account as deleted, in ONE transaction: frees the name, ends all sessions, and removes what proves and
    /// describes the user, their own notices, and all requests, applications, invitations, blocks and notes of and about
    /// them. Friendships and memberships stay for [`departures`](DeletionStore::departures). The sessions that ended; `None`,
    /// and nothing is changed, if the hash is not the user's any more.
    fn delete_account(&self, deletion: &AccountDeletion<'_>) -> StoreResult<Option<Vec<SessionId>>>;

    /// Deleted accounts that are not worked off, by rising id, at most `limit`.
    fn departures(&self, limit: u32) -> StoreResult<Vec<Departure>>;

    /// Ends friendships of a deleted account, at most `limit` by rising id of the friend, and tells the friends; what they are
    /// told. Two who do this at once end each friendship once.
    fn part_from_friends(&self, user: UserId, at: Timestamp, limit: u32) -> StoreResult<Vec<PersonalNotice>>;

    /// Who is to own the group after its owner: of those whose account is there the admin who is in it for longest, or else
    /// the member who is. Looks at all members: for owners who are gone, and for nothing that happens often.
    fn successor(&self, group: GroupId) -> StoreResult<Option<UserId>>;

    /// Forgets a departure that is worked off, and what friends noted; whether it was, or is forgotten already.
    fn finish_departure(&self, user: UserId) -> StoreResult<bool>;
}

/// Index entries that one search looks at, of names and of nicknames each.
pub const SEARCHED_MAX: u32 = 1_000;

/// What users tell of themselves.
pub trait ProfileStore: Send + Sync {
    /// All that a user tells of themselves; `None` if there is no such user.
    fn profile(&self, user: UserId) -> StoreResult<Option<Profile>>;

    /// Changes a user's profile; `None` if there is no such user. Where lists show the user otherwise now, the list of
    /// each friend counts as changed.
    fn edit_profile(&self, user: UserId, edit: &ProfileEdit<'_>) -> StoreResult<Option<Edited>>;

    /// A page of the users that `by` finds: first those whose name fits, in the order of folded names, then those of whom
    /// only the nickname does, in the order of folded nicknames and then of ids. Left out are those who do not want to be
    /// found, those who blocked `by`, and deleted ones.
    ///
    /// Looks at no more than [`SEARCHED_MAX`] entries of either index, however many of them are left out: the cost depends
    /// on nobody's will.
    fn search_users(&self, by: UserId, search: &UserSearch<'_>, limit: u32) -> StoreResult<Vec<User>>;
}

/// Sessions.
pub trait SessionStore: Send + Sync {
    /// Stores a session. If the user then has more than `keep`, those seen longest ago end; they are returned. `None` if
    /// the user has another password by now, or is gone.
    fn create_session(
        &self,
        session: &NewSession<'_>,
        keep: u32,
    ) -> StoreResult<Option<(SessionId, Vec<SessionId>)>>;

    /// What this session of the user is told when it is entered. Read before the lists, it never calls one newer than it
    /// is.
    fn standing(&self, user: UserId, session: SessionId) -> StoreResult<Standing>;

    /// The session of a token.
    fn session_by_token(&self, token: TokenHash) -> StoreResult<Option<FoundSession>>;

    /// Notes when sessions were seen; never moves a time back; unknown sessions are passed over.
    fn touch_sessions(&self, seen: &[(SessionId, Timestamp)]) -> StoreResult<()>;

    /// The user's sessions.
    fn sessions(&self, user: UserId) -> StoreResult<Vec<Session>>;

    /// Ends a session of this user; whether there was one.
    fn end_session(&self, user: UserId, session: SessionId) -> StoreResult<bool>;

    /// Those of these sessions that have not ended, each once, in no order. At most 1,000 ids.
    fn living_sessions(&self, sessions: &[SessionId]) -> StoreResult<Vec<SessionId>>;

    /// Ends sessions that were last seen before `before`, at most `limit` of them; how many.
    fn expire_sessions(&self, before: Timestamp, limit: u32) -> StoreResult<u32>;
}

/// How many of something a user may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FriendLimits {
    /// Friends of one user.
    pub friends: u32,
    /// Requests of one user that wait, and as many that wait for them. Apart, so that nobody can fill the one for somebody
    /// else.
    pub requests: u32,
}

/// Personal notices. Each is stored by the change that it tells of, in the change's own transaction, with the next seq of
/// its user; what is beyond [`NOTICES_KEPT_MAX`](crate::NOTICES_KEPT_MAX) is removed then.
pub trait NoticeStore: Send + Sync {
    /// A page of the user's notices after `after`, by rising seq, those of unknown kinds left out.
    fn notices(&self, user: UserId, after: NoticeSeq, limit: u32) -> StoreResult<Vec<NamedNotice>>;

    /// How far the user's notices go, and where this session of theirs is.
    fn notice_place(&self, user: UserId, session: SessionId) -> StoreResult<NoticePlace>;

    /// Moves this session of the user forward, and with it where new sessions begin; never back, never past the newest
    /// notice. Unknown users and sessions are passed over.
    fn ack_notices(&self, user: UserId, session: SessionId, seq: NoticeSeq) -> StoreResult<()>;

    /// Removes notices from before `before`, at most `limit` of them; how many.
    fn expire_notices(&self, before: Timestamp, limit: u32) -> StoreResult<u32>;
}

/// Friend requests and friendships. Symmetric: the order of two users never matters but for who asked.
pub trait FriendStore: Send + Sync {
    /// Asks `to` for friendship. If `to` asked `from` before, they become friends. `from` and `to` differ.
    fn request_friend(
        &self,
        from: UserId,
        to: UserId,
        greeting: &str,
        at: Timestamp,
        limits: FriendLimits,
    ) -> StoreResult<Requested>;

    /// Makes friends of `user` and `from`, who asked. Their conversation is the one they had before, if they had one.
    fn accept_friend(
        &self,
        user: UserId,
        from: UserId,
        at: Timestamp,
        limits: FriendLimits,
    ) -> StoreResult<Accepted>;

    /// Removes the request of `from` to `user`, who refuses, and tells `from`; `None` if there was none.
    fn refuse_friend(&self, user: UserId, from: UserId, at: Timestamp)
    -> StoreResult<Option<PersonalNotice>>;

    /// Removes the request of `from` to `to`, withdrawn; whether there was one.
    fn withdraw_friend(&self, from: UserId, to: UserId) -> StoreResult<bool>;

    /// Ends a friendship and tells the friend; `None` if there was none. The conversation and its messages stay.
    fn delete_friend(
        &self,
        user: UserId,
        friend: UserId,
        at: Timestamp,
    ) -> StoreResult<Option<PersonalNotice>>;

    /// How a user stands to another. Never [`Relation::Myself`] for two.
    fn relation(&self, user: UserId, other: UserId) -> StoreResult<Relation>;

    /// Counts the changes of what the user's list of friends shows: who is in it, and how they are shown; 0 for a user
    /// who does not exist.
    fn friends_version(&self, user: UserId) -> StoreResult<u64>;

    /// The conversation of two friends; `None` if they are not friends.
    fn friendship(&self, user: UserId, other: UserId) -> StoreResult<Option<ConversationId>>;

    /// A page of friends.
    fn friends(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<Friend>>;

    /// The ids of all friends; bounded by the friend limit.
    fn friend_ids(&self, user: UserId) -> StoreResult<Vec<UserId>>;

    /// A page of requests that wait, in both directions, ordered by the other's id.
    fn friend_requests(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<FriendRequest>>;
}

/// What users keep of their friends for themselves: remarks and labels.
pub trait FriendNoteStore: Send + Sync {
    /// Changes what the user keeps of a friend. A label that no other friend of theirs has must be one of at most
    /// `labels_max`; those of former friends do not count. A change counts in the version of the user's list.
    fn note_friend(
        &self,
        user: UserId,
        friend: UserId,
        edit: FriendNoteEdit<'_>,
        labels_max: u32,
    ) -> StoreResult<Noted>;

    /// Puts the user's friends under this label under another, or under none if `to` is empty; those who were put, by rising
    /// id. Former friends stay as they were kept. If there are any, it is one change of the user's list.
    fn rename_label(&self, user: UserId, label: &str, to: &str) -> StoreResult<Vec<UserId>>;

    /// What the user keeps of these others, friends or not, in no order, without those of whom nothing was ever kept. At most
    /// 1,000 ids.
    fn friend_notes(&self, user: UserId, others: &[UserId]) -> StoreResult<Vec<(UserId, FriendNote)>>;
}

/// Who blocked whom. Of two users at most one blocked the other: to whoever is blocked, the other is not there to be blocked.
pub trait BlockStore: Send + Sync {
    /// Blocks `other` for `user`, and ends what is between the two in the same transaction: their friendship, friend requests
    /// and invitations that wait. Their conversation is closed until they are friends again: nothing is appended there after
    /// this returns. At most `max` users are blocked by one; to block again changes nothing.
    fn block(&self, user: UserId, other: UserId, at: Timestamp, max: u32) -> StoreResult<Blocked>;

    /// Takes a block back; whether there was one.
    fn unblock(&self, user: UserId, other: UserId) -> StoreResult<bool>;

    /// A page of those whom the user blocked.
    fn blocked(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<User>>;

    /// Which of `by` blocked which of `whom`, in any order: pairs of both.
    fn blocks_among(&self, by: &[UserId], whom: &[UserId]) -> StoreResult<Vec<(UserId, UserId)>>;
}

/// How many of something a group or its member may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupLimits {
    /// Members of one group.
    pub members: u32,
    /// Groups of one user.
    pub groups: u32,
    /// Applications that wait before one group, and as many invitations.
    pub requests: u32,
    /// Applications of one user that wait, and as many invitations.
    pub requests_per_user: u32,
}

/// Groups and memberships.
pub trait GroupStore: Send + Sync {
    /// Opens a group with its owner as the one member.
    fn create_group(&self, group: &NewGroup<'_>, limits: GroupLimits) -> StoreResult<Created>;

    /// A group; `None` when its last member left.
    fn group(&self, group: GroupId) -> StoreResult<Option<Group>>;

    /// What a group says of itself; `None` when its last member left.
    fn group_profile(&self, group: GroupId) -> StoreResult<Option<GroupProfile>>;

    /// Changes a group, as [`GroupChange::decide`] says, and has its conversation told by a system message of the actor, in
    /// ONE transaction: nobody reads the one without the other. Its cost does not depend on the number of members.
    ///
    /// A change whose `(actor, change_id)` is in the log was made before, and is not made again: it is answered by where its
    /// message stands. So after [`StoreError::OutcomeUnknown`] the same change may be asked for again. A change that says
    /// nothing in the conversation (see [`Told`](crate::Told)) is then judged anew, as any other request would be.
    ///
    /// [`StoreError::OutcomeUnknown`]: crate::StoreError::OutcomeUnknown
    fn change_group(&self, change: &GroupChange) -> StoreResult<Result<GroupChanged, ChangeRefused>>;

    /// The user's place in the group; `None` if they are not a member.
    fn membership(&self, group: GroupId, user: UserId) -> StoreResult<Option<Membership>>;

    /// A page of the user's groups.
    fn groups(&self, user: UserId, after: GroupId, limit: u32) -> StoreResult<Vec<OwnGroup>>;

    /// A page of a group's members.
    fn members(&self, group: GroupId, after: UserId, limit: u32) -> StoreResult<Vec<Member>>;

    /// The ids of all groups of a user, by rising id; bounded by the group limit.
    fn group_ids(&self, user: UserId) -> StoreResult<Vec<GroupId>>;

    /// All members by rising id, their places, and whether they may speak, as one moment saw them; bounded by the member
    /// limit. Every change of any of it counts the version up, in the change's own transaction.
    ///
    /// A roster of the version that [`append`](MessageLog::append) returned, or of a later one, has everybody who may
    /// read what was appended: whoever is missing left, or joins later with a `since` that is not below it.
    fn roster(&self, group: GroupId) -> StoreResult<GroupRoster>;
}

/// Who waits before groups. Whatever begins or ends a waiting is a change of the group: [`GroupStore::change_group`].
pub trait GroupRequestStore: Send + Sync {
    /// What waits between a group and a user.
    fn waiting(&self, group: GroupId, user: UserId) -> StoreResult<Waiting>;

    /// A page of applications, by rising group and within that by rising user; those after this group and user.
    fn applications(
        &self,
        of: ApplicationsOf,
        after: (GroupId, UserId),
        limit: u32,
    ) -> StoreResult<Vec<Application>>;

    /// A page of the groups that the user was asked into.
    fn invitations(&self, user: UserId, after: GroupId, limit: u32) -> StoreResult<Vec<Invitation>>;
}

/// Why one message of a batch was not appended, while the others were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendRefused {
    /// There is no such conversation.
    #[error("there is no such conversation")]
    NoSuchConversation,
    /// The conversation is closed: its group was dissolved, or one of its two users blocked the other.
    #[error("the conversation is closed")]
    Closed,
}

/// The log of messages, and what users know of it.
pub trait MessageLog: Send + Sync {
    /// Appends messages in ONE transaction, durable when it returns, and says for each where it stands.
    ///
    /// Messages of one conversation get consecutive seqs in the order of the batch. A message whose
    /// `(sender, client_msg_id)` is in the log, or earlier in the batch, is not stored again and uses up no seq: the
    /// first one's place is returned, in whichever conversation that is, and whether that is closed or not. After [`StoreError::OutcomeUnknown`] the same
    /// batch may be appended again.
    ///
    /// [`StoreError::OutcomeUnknown`]: crate::StoreError::OutcomeUnknown
    fn append(&self, batch: &[NewMessage]) -> StoreResult<Vec<Result<Appended, AppendRefused>>>;

    /// Where the message with this `(sender, client_msg_id)` stands, in whichever conversation, as
    /// [`append`](MessageLog::append) would answer a repeat of it; `None` if it is not in the log.
    fn find_message(&self, sender: UserId, client_msg_id: &str) -> StoreResult<Option<Appended>>;

    /// The seq of the first message after `since` that was said at this time or later; `None` if there is none. Times are
    /// those of the nodes' clocks: where these differ, one that stands up to [`TIMES_CROSS_MAX`] messages before an older one
    /// is found, and one that stands further before it may not be. Its cost grows with the logarithm of the conversation.
    ///
    /// [`TIMES_CROSS_MAX`]: crate::TIMES_CROSS_MAX
    fn seq_at(&self, conversation: ConversationId, since: Seq, time: Timestamp) -> StoreResult<Option<Seq>>;

    /// A page of a conversation after `since`, in rising order of seq. Its cost does not depend on the log's size.
    fn page(
        &self,
        conversation: ConversationId,
        since: Seq,
        window: Window,
        size: PageSize,
    ) -> StoreResult<Vec<StoredMessage>>;

    /// A conversation as this user may see it; `None` if they are not in it (or not any more, for groups).
    fn conversation(&self, user: UserId, conversation: ConversationId) -> StoreResult<Option<Conversation>>;

    /// A page of the user's conversations.
    fn conversations(
        &self,
        user: UserId,
        filter: ConversationFilter,
        after: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<Conversation>>;

    /// A page of the conversations of any of these users in which a message of `since` or later stands, or was changed then
    /// or later, by rising id.
    /// Its cost grows with the conversations of the users, not with what was said there. At most 1,000 users.
    fn touched(
        &self,
        users: &[UserId],
        since: Timestamp,
        after: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<Touched>>;

    /// Moves cursors forward in one transaction; never back, never past the conversation's last seq; cursors of
    /// unknown users or conversations are passed over.
    fn advance_cursors(&self, cursors: &[Cursor]) -> StoreResult<()>;
}

/// Makes [`Store`] of all ports, for whatever implements them.
macro_rules! store_of {
    ($($port:ident)*) => {
        /// Everything that a node stores, as one thing that can be passed on.
        pub trait Store: $($port +)* {}

        impl<T: $($port +)*> Store for T {}
    };
}

store_of! {
    UserStore
    SecretStore
    DeletionStore
    ProfileStore
    SessionStore
    NoticeStore
    BroadcastStore
    FriendStore
    FriendNoteStore
    BlockStore
    GroupStore
    GroupRequestStore
    MessageLog
    SearchStore
    LogIdentity
    ReceiptStore
    QuietStore
    ChangeStore
    HiddenStore
    QuoteStore
    ChangeProbe
}
