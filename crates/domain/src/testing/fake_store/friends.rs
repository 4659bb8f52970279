//! Friend requests and friendships of the fake.

use std::ops::Bound;

use super::{FakeStore, State, messages, pair};
use crate::policy::{PairAct, Relation, between};
use crate::{
    Accepted, Befriended, ConversationId, Direction, Friend, FriendLimits, FriendRequest, FriendStore,
    NewPersonalNotice, PersonalNotice, PersonalNoticeKind, Requested, StoreResult, Timestamp, UserId,
};

/// A request that waits.
pub(super) struct Request {
    greeting: String,
    at: Timestamp,
}

impl State {
    fn friend_count(&self, user: UserId) -> usize {
        self.friends.get(&user).map_or(0, |friends| friends.len())
    }

    fn requests_from(&self, user: UserId) -> usize {
        self.requests.keys().filter(|(from, _)| *from == user).count()
    }

    fn requests_to(&self, user: UserId) -> usize {
        self.requests.keys().filter(|(_, to)| *to == user).count()
    }

    /// What a user's list of friends shows changed.
    pub(super) fn friends_changed(&mut self, user: UserId) {
        if let Some(row) = self.users.get_mut(&user) {
            row.friends_version += 1;
        }
    }

    pub(super) fn friendship(&self, user: UserId, other: UserId) -> Option<ConversationId> {
        self.friends.get(&user)?.get(&other).copied()
    }

    /// How a user stands to another.
    pub(super) fn relation(&self, user: UserId, other: UserId) -> Relation {
        match user {
            _ if user == other => Relation::Myself,
            _ if !self.is_there(other) => Relation::Nobody,
            _ if self.blocks.contains(&(other, user)) => Relation::BlockedByThem,
            _ if self.blocks.contains(&(user, other)) => Relation::BlockedByMe,
            _ if self.friendship(user, other).is_some() => Relation::Friend,
            _ => Relation::Stranger,
        }
    }

    /// Ends a friendship; whether there was one.
    pub(super) fn end_friendship(&mut self, one: UserId, other: UserId) -> bool {
        if self.friendship(one, other).is_none() {
            return false;
        }
        for (user, friend) in [(one, other), (other, one)] {
            self.friends.entry(user).or_default().remove(&friend);
            self.friends_changed(user);
        }
        true
    }

    /// Turns a request into a friendship; `None` if one of the two has too many friends.
    fn befriend(
        &mut self,
        from: UserId,
        to: UserId,
        at: Timestamp,
        limits: FriendLimits,
    ) -> Option<Befriended> {
        if [from, to].iter().any(|user| self.friend_count(*user) >= limits.friends as usize) {
            return None;
        }
        self.requests.remove(&(from, to));
        let (lower, higher) = pair(from, to);
        let conversation = match self.direct.get(&(lower, higher)) {
            Some(conversation) => *conversation,
            None => {
                let conversation = self.open_conversation(messages::Kind::Direct(lower, higher));
                self.direct.insert((lower, higher), conversation);
                conversation
            }
        };
        if let Some(log) = self.conversations.get_mut(&conversation) {
            log.is_closed = false;
        }
        self.friends.entry(from).or_default().insert(to, conversation);
        self.friends.entry(to).or_default().insert(from, conversation);
        self.friends_changed(from);
        self.friends_changed(to);
        let notice = self.add_notice(notice(from, PersonalNoticeKind::FriendAccepted, to, at));
        Some(Befriended { conversation, notice })
    }
}

/// What one user is told of another's decision.
pub(super) fn notice(user: UserId, kind: PersonalNoticeKind, by: UserId, at: Timestamp) -> NewPersonalNotice {
    NewPersonalNotice { user, kind, by, group: None, detail: 0, at }
}

impl FriendStore for FakeStore {
    fn request_friend(
        &self,
        from: UserId,
        to: UserId,
        greeting: &str,
        at: Timestamp,
        limits: FriendLimits,
    ) -> StoreResult<Requested> {
        self.run("request a friend", |state| {
            let both = [from, to];
            if both.iter().any(|user| !state.is_there(*user)) {
                Requested::NoSuchUser
            } else if state.friendship(from, to).is_some() {
                Requested::AlreadyFriends
            } else if let Err(why) = between(PairAct::Befriend, state.relation(from, to)) {
                Requested::Refused(why)
            } else if state.requests.contains_key(&(from, to)) {
                Requested::AlreadyRequested
            } else if state.requests.contains_key(&(to, from)) {
                state.befriend(to, from, at, limits).map_or(Requested::Full, Requested::Friends)
            } else if both.iter().any(|user| state.friend_count(*user) >= limits.friends as usize)
                || state.requests_from(from) >= limits.requests as usize
                || state.requests_to(to) >= limits.requests as usize
            {
                Requested::Full
            } else {
                state.requests.insert((from, to), Request { greeting: greeting.to_owned(), at });
                Requested::Waiting
            }
        })
    }

    fn accept_friend(
        &self,
        user: UserId,
        from: UserId,
        at: Timestamp,
        limits: FriendLimits,
    ) -> StoreResult<Accepted> {
        self.run("accept a friend", |state| {
            if !state.requests.contains_key(&(from, user)) {
                return Accepted::NoRequest;
            }
            state.befriend(from, user, at, limits).map_or(Accepted::Full, Accepted::Friends)
        })
    }

    fn refuse_friend(
        &self,
        user: UserId,
        from: UserId,
        at: Timestamp,
    ) -> StoreResult<Option<PersonalNotice>> {
        self.run("refuse a friend", |state| {
            state.requests.remove(&(from, user))?;
            Some(state.add_notice(notice(from, PersonalNoticeKind::FriendRefused, user, at)))
        })
    }

    fn withdraw_friend(&self, from: UserId, to: UserId) -> StoreResult<bool> {
        self.run("withdraw a friend request", |state| state.requests.remove(&(from, to)).is_some())
    }

    fn delete_friend(
        &self,
        user: UserId,
        friend: UserId,
        at: Timestamp,
    ) -> StoreResult<Option<PersonalNotice>> {
        self.run("delete a friend", |state| {
            if !state.end_friendship(user, friend) {
                return None;
            }
            Some(state.add_notice(notice(friend, PersonalNoticeKind::FriendDeleted, user, at)))
        })
    }

    fn relation(&self, user: UserId, other: UserId) -> StoreResult<Relation> {
        self.run("find a relation", |state| state.relation(user, other))
    }

    fn friends_version(&self, user: UserId) -> StoreResult<u64> {
        self.run("read a version", |state| state.users.get(&user).map_or(0, |row| row.friends_version))
    }

    fn friendship(&self, user: UserId, other: UserId) -> StoreResult<Option<ConversationId>> {
        self.run("find a friendship", |state| state.friendship(user, other))
    }

    fn friends(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<Friend>> {
        self.run("list friends", |state| {
            let Some(friends) = state.friends.get(&user) else { return Vec::new() };
            friends
                .range((Bound::Excluded(after), Bound::Unbounded))
                .filter_map(|(&id, &conversation)| {
                    let last_seen = state.users.get(&id)?.last_seen;
                    let note = state.friend_note(user, id);
                    Some(Friend { user: state.user(id)?, conversation, last_seen, note })
                })
                .take(limit as usize)
                .collect()
        })
    }

    fn friend_ids(&self, user: UserId) -> StoreResult<Vec<UserId>> {
        self.run("list friends", |state| {
            state.friends.get(&user).into_iter().flat_map(|friends| friends.keys().copied()).collect()
        })
    }

    fn friend_requests(&self, user: UserId, after: UserId, limit: u32) -> StoreResult<Vec<FriendRequest>> {
        self.run("list friend requests", |state| {
            let seen_by_user = |(&(from, to), request): (&(UserId, UserId), &Request)| {
                let (direction, other) = match user {
                    _ if from == user => (Direction::Out, to),
                    _ if to == user => (Direction::In, from),
                    _ => return None,
                };
                let other = state.user(other)?;
                Some(FriendRequest { other, direction, greeting: request.greeting.clone(), at: request.at })
            };
            let mut requests: Vec<FriendRequest> = state.requests.iter().filter_map(seen_by_user).collect();
            requests.sort_by_key(|request| request.other.id);
            requests.retain(|request| request.other.id > after);
            requests.truncate(limit as usize);
            requests
        })
    }
}
